# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ranges of addresses, against sets of small networks."""

from __future__ import annotations

import ipaddress

from ansible_collections.hardened.mail.plugins.module_utils.records.ip_ranges import (
    EVERY_ADDRESS,
    SENDERS,
    Ranges,
    common,
    network,
    size,
    union,
    without,
)
from hypothesis import given
from hypothesis import strategies as st

_SMALL = st.lists(
    st.builds(
        lambda last, prefix: f"192.0.2.{last}/{prefix}", st.integers(0, 255), st.integers(25, 32)
    ),
    max_size=6,
)


def ranges_of(networks: list[str]) -> Ranges:
    return union(network(one) for one in networks)


def members(networks: list[str]) -> set[str]:
    return {str(address) for one in networks for address in ipaddress.ip_network(one, strict=False)}


def inside(ranges: Ranges) -> set[str]:
    """Return the addresses of 192.0.2.0/24 that the ranges have."""
    return {
        address for address in members(["192.0.2.0/24"]) if common(ranges, network(address, 32))
    }


@given(_SMALL, _SMALL)
def test_ranges_are_sets_of_addresses(left: list[str], right: list[str]) -> None:
    one, other = ranges_of(left), ranges_of(right)
    assert inside(one) == members(left)
    assert size(one) == len(members(left))
    assert inside(common(one, other)) == members(left) & members(right)
    assert inside(without(one, other)) == members(left) - members(right)
    assert union([without(one, other), common(one, other)]) == one


def test_the_two_kinds_of_addresses_stay_apart() -> None:
    assert size(common(network("::/0"), network("0.0.0.0/0"))) == 0
    assert union([network("::/0"), network("0.0.0.0/0")]) == EVERY_ADDRESS
    assert SENDERS["IPv4"] == network("192.0.2.1", 0)
    assert SENDERS["IPv6"] == network("2001:db8::1", 3)
    assert common(network("::ffff:192.0.2.1"), SENDERS["IPv4"]) == ()
