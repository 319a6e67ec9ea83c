# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading and updating zones of servers with habits; real ones are in tests/integration_lab/test_dns_real.py."""

from __future__ import annotations

import socket
import time
import typing as t

import dns.rcode
import pytest
from ansible_collections.hardened.mail.plugins.module_utils.records import publish as publishing
from ansible_collections.hardened.mail.plugins.module_utils.records.dns_client import (
    Server,
    ServerProblem,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.tsig_key import make_key
from ansible_collections.hardened.mail.plugins.module_utils.records.update_plan import (
    Wish,
    refuse,
)
from ansible_collections.hardened.mail.tests.unit.plugins.module_utils.records.name_server import (
    SECRET,
    ZONE,
    NameServer,
    Zones,
    rrset,
)

OLD: t.Final = f"old._domainkey.{ZONE}"
MAIL: t.Final = f"mail.{ZONE}"
KEY: t.Final = make_key("k", "hmac-sha256", SECRET)


def wish(name: str, type_: str, *data: str, absent: bool = False) -> Wish:
    return Wish(name, type_, 300, data, exclusive=True, absent=absent)


def server_at(port: int, *, timeout: float = 5) -> Server:
    return Server("127.0.0.1", port=port, timeout=timeout, key=KEY)


def publish(
    zones: Zones, *wishes: Wish, known: t.Sequence[str] = (ZONE,), **habits: t.Any
) -> tuple[publishing.Zone, ...]:
    """Publish on a server that has the zones."""
    refuse(wishes)
    with NameServer(zones, **habits) as host, server_at(host.port) as server:
        return publishing.publish(server, publishing.survey(server, wishes, zones=known))


def test_a_server_may_close_the_connection_after_each_answer() -> None:
    zones = Zones()
    (made,) = publish(zones, wish(MAIL, "A", "192.0.2.1"), answers_each=1)
    assert (zones.updates, zones.data(MAIL, "A")) == (1, ["192.0.2.1"])
    assert made.serial_after == 2


@pytest.mark.parametrize(
    "wildcard",
    [
        pytest.param(rrset(f"*.{ZONE}", "TXT", '"wild"'), id="other-text"),
        pytest.param(rrset(f"*.{ZONE}", "TXT", '"v=DKIM1; p="'), id="same-text"),
        pytest.param(rrset(f"*._domainkey.{ZONE}", "TXT", '"wild"'), id="nearer"),
        pytest.param(rrset(f"*.{ZONE}", "CNAME", f"www.{ZONE}"), id="alias"),
        pytest.param(rrset(MAIL, "A", "192.0.2.1"), id="none"),
    ],
)
def test_what_goes_below_a_wildcard_is_gone(wildcard: t.Any) -> None:
    """The server answers from the wildcard afterwards."""
    zones = Zones(rrset(OLD, "TXT", '"v=DKIM1; p="'), wildcard)
    (made,) = publish(zones, wish(OLD, "TXT", absent=True))
    assert len(made.changes) == 1
    assert zones.data(OLD, "TXT") == []
    (again,) = publish(zones, wish(OLD, "TXT", absent=True))
    assert again.changes == ()


@pytest.mark.parametrize("known", [(ZONE,), ()])
def test_a_record_of_a_wildcard_is_not_one_of_the_name(known: tuple[str, ...]) -> None:
    zones = Zones(rrset(f"*.{ZONE}", "MX", f"10 {MAIL}"), rrset(f"a.{ZONE}", "TXT", '"x"'))
    wishes = [wish(f"b.{ZONE}", "MX", f"10 {MAIL}"), wish(f"a.{ZONE}", "TXT", '"x"')]
    (made,) = publish(zones, *wishes, known=known)
    assert [one.name for one in made.changes] == [f"b.{ZONE}"]
    assert zones.data(f"b.{ZONE}", "MX") == [f"10 {MAIL}"]


@pytest.mark.parametrize("code", ["REFUSED", "SERVFAIL", "NOTAUTH", "NOTIMP", "FORMERR"])
@pytest.mark.parametrize("type_", ["MX", "CNAME"])
def test_a_refusal_is_no_word_about_a_record(code: str, type_: str) -> None:
    """Only where a wildcard has the same records, the server's word is needed."""
    data = f"10 {MAIL}" if type_ == "MX" else MAIL
    refusing: t.Any = {"condition_rcode": int(dns.rcode.from_text(code))}
    alone = Zones(rrset(f"b.{ZONE}", type_, data), **refusing)
    (made,) = publish(alone, wish(f"b.{ZONE}", type_, data))
    assert made.changes == ()
    below = Zones(rrset(f"*.{ZONE}", type_, data), **refusing)
    with pytest.raises(ServerProblem, match=f"answers {code} when it is asked"):
        publish(below, wish(f"b.{ZONE}", type_, absent=True))


def test_a_zone_below_another_one_on_the_same_server_keeps_its_names() -> None:
    """Nothing but the server tells that there is a zone in between."""
    inner = f"inner.{ZONE}"
    zones = Zones(
        rrset(MAIL, "A", "192.0.2.1"), rrset(f"b.{inner}", "A", "192.0.2.2"), apexes=(ZONE, inner)
    )
    wishes = [wish(MAIL, "A", "192.0.2.1"), wish(f"b.{inner}", "A", "192.0.2.3")]
    made = publish(zones, *wishes, known=())
    assert [(one.name, len(one.changes)) for one in made] == [(ZONE, 0), (inner, 1)]
    assert zones.data(f"b.{inner}", "A") == ["192.0.2.3"]


def test_an_alias_into_another_zone_is_in_its_own() -> None:
    inner = f"inner.{ZONE}"
    zones = Zones(rrset(f"b.{inner}", "CNAME", f"nowhere.{ZONE}"), apexes=(ZONE, inner))
    (made,) = publish(zones, wish(f"b.{inner}", "CNAME", f"nowhere.{ZONE}"), known=())
    assert (made.name, made.changes) == (inner, ())


@pytest.mark.parametrize("known", [(ZONE,), ()])
def test_few_questions_tell_that_nothing_differs(known: tuple[str, ...]) -> None:
    names = [f"_25._tcp.mx{number}.{ZONE}" for number in range(30)]
    data = "3 1 1 " + "ab" * 32
    wishes = [wish(name, "TLSA", data) for name in names]
    zones = Zones(*(rrset(name, "TLSA", data) for name in names))
    with NameServer(zones) as host, server_at(host.port) as server:
        (found,) = publishing.survey(server, wishes, zones=known)
        assert found.changes == ()
        # One for each set, and for the zone one for its name, its serial number and its wildcards.
        assert host.messages <= len(names) + 3


@pytest.mark.parametrize(
    ("before", "wishes"),
    [
        pytest.param(
            rrset(MAIL, "A", "192.0.2.1"),
            [wish(MAIL, "A", absent=True), wish(MAIL, "CNAME", f"www.{ZONE}")],
            id="alias",
        ),
        pytest.param(
            rrset(MAIL, "CNAME", f"www.{ZONE}"),
            [wish(MAIL, "CNAME", absent=True), wish(MAIL, "A", "192.0.2.1")],
            id="address",
        ),
        pytest.param(
            rrset(MAIL, "CNAME", f"www.{ZONE}"),
            [wish(MAIL, "TXT", '"x"'), wish(MAIL, "CNAME", absent=True)],
            id="text",
        ),
    ],
)
def test_an_alias_and_other_records_take_each_others_place(
    before: t.Any, wishes: list[Wish]
) -> None:
    zones = Zones(before)
    (made,) = publish(zones, *wishes)
    assert len(made.changes) == 2
    assert zones.updates == 1
    assert [one for one in wishes if bool(zones.data(MAIL, one.type)) is one.absent] == []
    (again,) = publish(zones, *wishes)
    assert again.changes == ()


def test_an_alias_does_not_come_where_a_part_stays() -> None:
    zones = Zones(rrset(MAIL, "A", "192.0.2.1"), rrset(MAIL, "TXT", '"x"'))
    with pytest.raises(ServerProblem, match="has TXT, and a CNAME stands alone"):
        publish(zones, wish(MAIL, "A", absent=True), wish(MAIL, "CNAME", f"www.{ZONE}"))
    assert zones.updates == 0


def test_the_time_is_for_everything() -> None:
    wishes = [wish(f"n{number}.{ZONE}", "A", "192.0.2.1") for number in range(200)]
    with NameServer(Zones(), late=0.05) as host, server_at(host.port, timeout=1) as server:
        began = time.monotonic()
        with pytest.raises(
            ServerProblem, match=r"nothing is left of the 1 seconds|within 1 seconds"
        ):
            publishing.survey(server, wishes, zones=[ZONE])
        assert time.monotonic() - began < 5


def test_addresses_share_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last of them answers."""
    with NameServer(Zones()) as host, socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(0)
        entry = (socket.AF_INET, socket.SOCK_STREAM, 0, "")
        bad, good = ("127.0.0.1", silent.getsockname()[1]), ("127.0.0.1", host.port)
        unknown = (999, *entry[1:], good)
        addresses = [unknown, *[(*entry, bad)] * 3, (*entry, good)]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_words, **_options: addresses)
        full = [socket.socket() for _turn in range(4)]
        for one in full:
            one.setblocking(False)
            one.connect_ex(bad)
        began = time.monotonic()
        with server_at(host.port, timeout=4) as server:
            assert server.soa(ZONE)[1] == 1
        assert time.monotonic() - began < 6
        for one in full:
            one.close()
