# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The question whether a resolver checks DNSSEC: its octets, its answers, and resolv.conf."""

from __future__ import annotations

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.postfix import dnssec_question as dns

ASKED = (
    "1234 0120 0001 0000 0000 0001"  # RD and AD; one question, one extension
    "076578616d706c65 00 0006 0001"  # example. SOA IN
    "00 0029 04d0 00008000 0000"  # OPT, 1232 octets, DO
)


def test_the_question_asks_for_the_word_on_dnssec() -> None:
    assert dns.question("example.", number=0x1234) == bytes.fromhex(ASKED)
    root = dns.question(".", number=0x1234)
    assert root == bytes.fromhex(ASKED.replace("076578616d706c65", ""))


@pytest.mark.parametrize("name", ["a" * 64, ".".join(["a" * 60] * 5)])
def test_names_too_long_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="too long for a name in the DNS"):
        dns.question(name, number=1)


@pytest.mark.parametrize(
    ("flags", "rcode", "authentic"),
    [
        pytest.param("81a0", "NOERROR", True, id="checked"),
        pytest.param("8180", "NOERROR", False, id="not-checked"),
        pytest.param("8182", "SERVFAIL", False, id="bogus"),
        pytest.param("81a3", "NXDOMAIN", True, id="no-such-name"),
        pytest.param("818f", "RCODE 15", False, id="unknown-code"),
    ],
)
def test_the_header_of_an_answer_is_read(flags: str, rcode: str, authentic: bool) -> None:
    data = bytes.fromhex(f"1234 {flags}") + bytes(8)
    assert dns.answer(data, number=0x1234) == dns.Answer(rcode, authentic)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param(b"", "0 octets are no DNS message", id="empty"),
        pytest.param(bytes.fromhex("123481a0") + bytes(7), "11 octets", id="short"),
        pytest.param(bytes.fromhex("123581a0") + bytes(8), "no answer", id="other-number"),
        pytest.param(bytes.fromhex("12340120") + bytes(8), "no answer", id="a-question"),
    ],
)
def test_what_is_no_answer_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(dns.AnswerError, match=words):
        dns.answer(data, number=0x1234)


@pytest.mark.parametrize(
    ("text", "servers"),
    [
        pytest.param("", ("127.0.0.1",), id="empty"),
        pytest.param("search example\n# nameserver 192.0.2.9\n", ("127.0.0.1",), id="none"),
        pytest.param("nameserver\nnameserver ::1 # own\n", ("::1",), id="comment-behind"),
        pytest.param(
            "".join(f"nameserver 192.0.2.{number}\n" for number in range(5)),
            ("192.0.2.0", "192.0.2.1", "192.0.2.2"),
            id="more-than-three",
        ),
    ],
)
def test_resolv_conf_names_resolvers(text: str, servers: tuple[str, ...]) -> None:
    assert dns.nameservers(text) == servers


@pytest.mark.parametrize(
    ("address", "local"),
    [
        ("127.0.0.1", True),
        ("127.0.0.53", True),
        ("::1", True),
        ("192.0.2.1", False),
        ("fe80::1%eth0", False),
        ("localhost", False),
    ],
)
def test_only_loopback_addresses_are_local(address: str, local: bool) -> None:
    assert dns.is_local(address) is local
