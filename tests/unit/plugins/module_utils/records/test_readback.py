# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for servers, and asking resolvers, of which some say nothing or no."""

from __future__ import annotations

import socket
import time
import typing as t

import dns.flags
import dns.message
import dns.rcode
import pytest
from ansible_collections.hardened.mail.plugins.module_utils.records.lookup import Answer
from ansible_collections.hardened.mail.plugins.module_utils.records.readback import wait_for
from ansible_collections.hardened.mail.plugins.module_utils.records.resolver import Resolver
from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import make_rrset
from ansible_collections.hardened.mail.tests.unit.plugins.module_utils.records.name_server import (
    ZONE,
    NameServer,
    Said,
    Zones,
    rrset,
    said,
)

MX: t.Final = make_rrset(ZONE, "MX", [f"10 mx.{ZONE}"])
HERE, THERE = "127.0.0.1", "127.0.0.2"


@pytest.mark.parametrize(
    ("seconds", "most"),
    [pytest.param(0, 6, id="only-once"), pytest.param(3, 8, id="again-and-again")],
)
def test_servers_that_say_nothing_are_not_waited_for_longer(seconds: float, most: float) -> None:
    """The last one has other records, and is asked all the same."""
    with (
        NameServer(Zones(rrset(ZONE, "MX", "20 other."))) as host,
        socket.create_server((THERE, host.port)),
        socket.create_server(("127.0.0.3", host.port)),
    ):
        began = time.monotonic()
        servers = [THERE, "127.0.0.3", HERE]
        seen = wait_for(
            [MX],
            servers={one: [MX] for one in servers},
            port=host.port,
            make_resolver=None,
            seconds=seconds,
        )
        assert time.monotonic() - began < most
    assert len(seen.differences) == 3
    assert f"{THERE} port {host.port}: no answer within" in seen.differences[0]
    assert f"{HERE} port {host.port} has 20 other." in seen.differences[2]
    (one,) = seen.sets
    assert (one.server, one.data, one.ttl) == (HERE, ("20 other.",), 300)


@pytest.mark.parametrize(
    ("served", "fits"),
    [
        pytest.param(['"v=DKIM1; " "p=abc"'], True, id="cut-elsewhere"),
        pytest.param(['"v=DKIM1; p=ab"'], False, id="other-text"),
        pytest.param(['"v=DKIM1; p=abc"', '"x"'], False, id="more"),
    ],
)
def test_a_text_is_the_same_however_it_is_cut(served: list[str], fits: bool) -> None:
    name = f"s._domainkey.{ZONE}"
    with NameServer(Zones(rrset(name, "TXT", *served))) as host:
        wanted = [make_rrset(name, "TXT", ['"v=DKIM1; p=a" "bc"'])]
        seen = wait_for(
            wanted,
            servers={HERE: wanted},
            port=host.port,
            make_resolver=lambda seconds: Resolver(
                [HERE], port=host.port, timeout=seconds, validates=False
            ),
            seconds=0,
        )
    assert len(seen.differences) == (0 if fits else 2)
    assert [one.server for one in seen.sets] == [HERE, f"the resolver {HERE}"]


def answering(code: str, *, unchecked: str = "") -> t.Callable[[dns.message.Message], Said]:
    """Answer with a code, and with another one when checking is disabled."""

    def answer(query: dns.message.Message) -> Said:
        disabled = unchecked and query.flags & dns.flags.CD
        return said(query, rcode=int(dns.rcode.from_text(unchecked if disabled else code)))

    return answer


def ask(
    first: t.Callable[[dns.message.Message], Said],
    second: t.Callable[[dns.message.Message], Said],
) -> Answer:
    """Ask two resolvers for MX records."""
    with NameServer(first) as host, NameServer(second, address=THERE, port=host.port):
        resolver = Resolver([HERE, THERE], port=host.port, timeout=5, validates=False)
        return resolver(ZONE, "MX")


@pytest.mark.parametrize("code", ["REFUSED", "SERVFAIL", "NOTIMP", "FORMERR"])
def test_a_resolver_that_cannot_answer_leaves_it_to_the_next(code: str) -> None:
    answer = ask(answering(code), Zones(rrset(ZONE, "MX", *MX.data)))
    assert (answer.status, answer.data) == ("found", MX.data)


def test_each_resolver_that_did_not_answer_is_named() -> None:
    answer = ask(answering("REFUSED"), answering("SERVFAIL"))
    assert answer.reason == f"REFUSED (asked of {HERE}); SERVFAIL (asked of {THERE})"
    assert not answer.bogus


def test_what_one_resolver_does_not_believe_is_not_asked_of_the_next() -> None:
    """Another one may check nothing, and would hide it."""
    answer = ask(answering("SERVFAIL", unchecked="NOERROR"), answering("NOERROR"))
    assert answer.bogus
    assert f"asked of {HERE}" in answer.reason
