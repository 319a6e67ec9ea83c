# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that are not what their records would say are told; tests/integration_lab/test_dns_records_real.py has their certificates."""

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.hardened.mail.plugins.filter.host_contradictions import host_contradictions


def said(addresses: list[str], own: t.Optional[list[str]], **more: t.Any) -> list[dict[str, t.Any]]:
    host = {"name": "mx1.example", "addresses": addresses, **more}
    return [{"from": "mx1", "hosts": [host], "own_addresses": own}]


@pytest.mark.parametrize(
    "good",
    [
        pytest.param(said(["192.0.2.1"], None), id="not-known"),
        pytest.param(
            said(["2001:DB8:0::1", "192.0.2.1"], ["192.0.2.1", "2001:db8::1"]), id="spelling"
        ),
        pytest.param(said(["192.0.2.9"], ["192.0.2.1"], publish_addresses=False), id="unpublished"),
        pytest.param(said([], []), id="none"),
        pytest.param(
            said(["192.0.2.1"], ["192.0.2.1"], certificates=["ab" * 32]), id="digest-has-no-names"
        ),
        pytest.param([{"from": "mx1", "hosts": [], "domains": []}], id="no-host"),
    ],
)
def test_what_fits_is_no_contradiction(good: t.Any) -> None:
    assert host_contradictions(good) == []


def test_every_foreign_address_is_told() -> None:
    told = host_contradictions(said(["192.0.2.1", "192.0.2.2", "2001:db8::2"], ["192.0.2.1"]))
    assert [one.split(", ")[0] for one in told] == [
        "mx1.example is to have the address 192.0.2.2",
        "mx1.example is to have the address 2001:db8::2",
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param("text", id="no-list"),
        pytest.param(said([], [], name="a..b"), id="no-name"),
        pytest.param(said([], [], certificates="x"), id="no-list-of-certificates"),
        pytest.param(
            said([], [], certificates=["-----BEGIN CERTIFICATE-----"]), id="half-certificate"
        ),
    ],
)
def test_what_is_no_description_is_refused(wrong: t.Any) -> None:
    with pytest.raises(AnsibleFilterError, match=r"hardened\.mail\.host_contradictions"):
        host_contradictions(wrong)
