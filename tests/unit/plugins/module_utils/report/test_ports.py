# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which ports are asked, and where."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.report.ports import ports_to_ask


def asked(listening: t.Any, **options: t.Any) -> list[tuple[int, str, bool]]:
    results = [{"listening": listening, "myhostname": "mx.example"}]
    found = ports_to_ask(results, **options)
    return [(one["port"], one["host"], one["listening"]) for one in found]


@pytest.mark.parametrize(
    ("listening", "expected"),
    [
        pytest.param([["0.0.0.0", 25], ["::", 25]], [(25, "127.0.0.1", True)], id="everywhere"),
        pytest.param([["::", 993]], [(993, "::1", True)], id="ipv6-only"),
        pytest.param([["192.0.2.5", 25]], [(25, "192.0.2.5", True)], id="one-address"),
        pytest.param([["2001:db8::5", 587], ["192.0.2.5", 587]], [(587, "192.0.2.5", True)], id="ipv4-first"),
        pytest.param([["127.0.0.1", 25], ["::1", 25]], [], id="for-itself-only"),
        pytest.param([["127.0.0.1", 25], ["192.0.2.5", 25]], [(25, "192.0.2.5", True)], id="both"),
        pytest.param([["0.0.0.0", 22], ["0.0.0.0", 80]], [], id="no-mail"),
        pytest.param([], [], id="nobody-listens"),
        pytest.param([["nonsense", 25], [25], "x"], [], id="not-addresses"),
    ],
)  # fmt: skip
def test_port_is_asked_where_somebody_listens(
    listening: t.Any, expected: list[tuple[int, str, bool]]
) -> None:
    assert asked(listening) == expected


@pytest.mark.parametrize("results", [[], [{"listening": None}], [{}], ["x"]])
def test_all_ports_are_asked_when_nobody_knows_who_listens(results: list[t.Any]) -> None:
    found = ports_to_ask(results)
    assert [one["port"] for one in found] == [25, 465, 587, 143, 993, 110, 995]
    assert {one["host"] for one in found} == {"127.0.0.1"}
    assert not any(one["listening"] for one in found)


def test_look_from_outside_goes_to_the_address_of_the_host() -> None:
    assert asked([["0.0.0.0", 25], ["127.0.0.1", 587]], address="mx.example") == [
        (25, "mx.example", False)
    ]


def test_name_is_the_one_of_postfix_unless_it_is_given() -> None:
    results = [{"listening": [["0.0.0.0", 25]], "myhostname": "mx.example"}]
    assert ports_to_ask(results)[0]["server_name"] == "mx.example"
    assert ports_to_ask(results, server_name="mail.example")[0]["server_name"] == "mail.example"
