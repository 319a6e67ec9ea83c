# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sets of IP addresses as ranges of numbers (pure).

Both kinds are on one line: IPv6 addresses are their own numbers, and IPv4 addresses come after the last of them.
"""

from __future__ import annotations

import ipaddress
import typing as t

#: First and last number of each range; sorted, and none touches another.
Ranges = tuple[tuple[int, int], ...]

_FIRST_V4: t.Final = 2**128
EVERY_ADDRESS: t.Final[Ranges] = ((0, _FIRST_V4 + 2**32 - 1),)
#: What an address that mail comes from can be: any of IPv4, and global unicast of IPv6 (RFC 4291 section 2.4).
SENDERS: t.Final[t.Mapping[str, Ranges]] = {
    "IPv4": ((_FIRST_V4, _FIRST_V4 + 2**32 - 1),),
    "IPv6": ((0x2 << 124, (0x4 << 124) - 1),),
}


def network(address: str, prefix: t.Optional[int] = None) -> Ranges:
    """Return the network that an address is in, or what ``address`` says with its own prefix.

    Raises ValueError when it is no address.
    """
    found = ipaddress.ip_network(address if prefix is None else f"{address}/{prefix}", strict=False)
    first = int(found.network_address) + (_FIRST_V4 if found.version == 4 else 0)
    return ((first, first + found.num_addresses - 1),)


def union(several: t.Iterable[Ranges]) -> Ranges:
    """Return what is in one of them at least."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(one for ranges in several for one in ranges):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return tuple(found)


def common(left: Ranges, right: Ranges) -> Ranges:
    """Return what is in both."""
    both = (
        (max(one[0], other[0]), min(one[1], other[1]))
        for one in left
        for other in right
        if one[0] <= other[1] and other[0] <= one[1]
    )
    return union([tuple(both)])


def without(left: Ranges, right: Ranges) -> Ranges:
    """Return what is in the first alone."""
    for first, last in right:
        left = tuple(
            part
            for low, high in left
            for part in ((low, min(high, first - 1)), (max(low, last + 1), high))
            if part[0] <= part[1]
        )
    return left


def size(ranges: Ranges) -> int:
    """Return how many addresses there are."""
    return sum(last - first + 1 for first, last in ranges)


__all__ = ("EVERY_ADDRESS", "SENDERS", "Ranges", "common", "network", "size", "union", "without")
