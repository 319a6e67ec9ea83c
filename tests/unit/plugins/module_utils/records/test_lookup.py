# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a table of records answers, as a zone would."""

from __future__ import annotations

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.records.lookup import (
    Answer,
    table_of,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import (
    RecordError,
    make_rrset,
)

SETS = [
    make_rrset("example.com", "MX", ["10 mx.example.com."], ttl=60),
    make_rrset("a.b.example.com", "A", ["192.0.2.1"]),
    make_rrset("www.example.com", "CNAME", ["a.b.example.com."]),
    make_rrset("out.example.com", "CNAME", ["h.example.net."]),
    make_rrset("l1.example.com", "CNAME", ["l2.example.com."]),
    make_rrset("l2.example.com", "CNAME", ["l1.example.com."]),
    make_rrset("self.example.com", "CNAME", ["self.example.com."]),
    make_rrset("h.example.org", "TXT", ['"x"']),
]


@pytest.mark.parametrize(
    ("name", "type_", "answer"),
    [
        pytest.param(
            "example.com.", "MX", Answer("found", ("10 mx.example.com.",), 60, True), id="found"
        ),
        pytest.param("example.com.", "TXT", Answer("no_data", secure=True), id="no-data"),
        pytest.param("b.example.com.", "A", Answer("no_data", secure=True), id="in-between"),
        pytest.param("c.example.com.", "A", Answer("no_name", secure=True), id="no-name"),
        pytest.param(
            "www.example.com.",
            "A",
            Answer("found", ("192.0.2.1",), 3600, True, ("a.b.example.com.",)),
            id="alias",
        ),
        pytest.param(
            "www.example.com.",
            "CNAME",
            Answer("found", ("a.b.example.com.",), 3600, True),
            id="alias-itself",
        ),
    ],
)
def test_the_table_answers_like_its_zone(name: str, type_: str, answer: Answer) -> None:
    assert table_of(SETS, zones=["example.com"], secure=True)(name, type_) == answer


@pytest.mark.parametrize(
    ("name", "status"),
    [
        pytest.param("l1.example.com.", "failed", id="loop"),
        pytest.param("self.example.com.", "failed", id="itself"),
        pytest.param("out.example.com.", "not_asked", id="alias-outside"),
        pytest.param("example.net.", "not_asked", id="outside"),
        pytest.param("h.example.org.", "not_asked", id="another-type-outside"),
    ],
)
def test_what_the_table_cannot_know_is_not_denied(name: str, status: str) -> None:
    answer = table_of(SETS, zones=["example.com"])(name, "A")
    assert answer.status == status
    assert answer.reason
    assert not answer.known


def test_a_wildcard_answers_for_names_that_are_not_there() -> None:
    sets = [
        *SETS,
        make_rrset("*.w.example.com", "TXT", ['"w"']),
        make_rrset("there.w.example.com", "A", ["192.0.2.3"]),
        make_rrset("*.c.example.com", "CNAME", ["a.b.example.com."]),
        make_rrset("*.w.example.net", "TXT", ['"w"']),
    ]
    # What BIND answers for a zone with these records (RFC 4592 section 2.2.1).
    answers = {
        ("x.w.example.com.", "TXT"): ("found", ('"w"',)),
        ("y.x.w.example.com.", "TXT"): ("found", ('"w"',)),
        ("x.w.example.com.", "A"): ("no_data", ()),
        ("*.w.example.com.", "TXT"): ("found", ('"w"',)),
        ("w.example.com.", "TXT"): ("no_data", ()),
        ("there.w.example.com.", "TXT"): ("no_data", ()),
        ("x.there.w.example.com.", "TXT"): ("no_name", ()),
        ("x.c.example.com.", "A"): ("found", ("192.0.2.1",)),
        ("x.w.example.net.", "TXT"): ("not_asked", ()),
    }
    table = table_of(sets, zones=["example.com"])
    assert {
        question: (table(*question).status, table(*question).data) for question in answers
    } == answers


def test_addresses_that_somebody_else_publishes_are_not_denied() -> None:
    sets = [*SETS, make_rrset("_25._tcp.mx.example.com", "TLSA", ["3 1 1 " + "ab" * 32])]
    table = table_of(sets, zones=["example.com"], addresses_elsewhere=True)
    for name in ("mx.example.com.", "example.com."):
        answer = table(name, "AAAA")
        assert (answer.status, answer.known) == ("not_asked", False)
        assert answer.reason == f"no address of {name[:-1]} is among the records that were given"
    # Where there is one address, the others are known too; and a name that nothing says anything of is not there.
    assert table("a.b.example.com.", "AAAA").status == "no_data"
    assert table("c.example.com.", "A").status == "no_name"
    assert table("example.com.", "TXT").status == "no_data"


def test_others_are_asked_outside_of_the_zones_only() -> None:
    asked = []

    def others(name: str, type_: str, /) -> Answer:
        asked.append((name, type_))
        return Answer("found", ("192.0.2.9",))

    table = table_of(SETS, zones=["example.com"], others=others)
    assert table("none.example.com.", "A").status == "no_name"
    assert table("out.example.com.", "A").data == ("192.0.2.9",)
    assert asked == [("h.example.net.", "A")]


def test_two_sets_of_one_kind_are_an_error() -> None:
    more = make_rrset("example.com", "MX", ["20 other.example.com."])
    with pytest.raises(RecordError, match=r"example\.com\. MX is given twice"):
        table_of([*SETS, more])
    assert table_of([*SETS, SETS[0]])
