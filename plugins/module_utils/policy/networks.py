# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists of client addresses such as mynetworks: whom they cover (pure)."""

from __future__ import annotations

import functools
import ipaddress
import typing as t

Network = t.Union[ipaddress.IPv4Network, ipaddress.IPv6Network]

# Addresses that nobody reaches over the Internet. ``is_global`` of a network looks at its first and last
# address only, and calls 0.0.0.0/0 private.
_NOT_PUBLIC: t.Final[tuple[Network, ...]] = tuple(
    ipaddress.ip_network(one)
    for one in """
    0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.2.0/24 192.168.0.0/16
    198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/3
    ::/128 ::1/128 ::ffff:127.0.0.0/104 2001:db8::/32 fc00::/7 fe80::/10 ff00::/8
    """.split()
)
_LOOPBACK: t.Final = frozenset(
    """
    127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128 [::1] 127.0.0.1 127.0.0.1/32
    """.split()
)
_DECIMAL: t.Final = frozenset("0123456789.")
_HEXADECIMAL: t.Final = frozenset("0123456789abcdef")
_ADDRESS: t.Final = _HEXADECIMAL | frozenset(":./")
# Half of the Internet: whoever is let in by it is not known.
_EVERYBODY: t.Final[t.Mapping[int, int]] = {4: 1 << 31, 6: 1 << 124}
# Larger public networks than these belong to many owners.
_WIDEST: t.Final[t.Mapping[int, int]] = {4: 24, 6: 48}


class Coverage(t.NamedTuple):
    """Whom a list of addresses covers.

    ``everybody`` is whether it has at least half of the Internet in it, ``wide`` are public networks that
    are larger than one site's, ``malformed`` words at which Postfix gives up with a temporary error.
    ``loopback`` is whether it has nothing but this host's own addresses; ``unknown`` are words that name
    files or tables.
    """

    everybody: bool
    wide: tuple[str, ...]
    deadly: tuple[str, ...]
    malformed: tuple[str, ...]
    unknown: tuple[str, ...]
    loopback: bool


_NOBODY: t.Final = Coverage(False, (), (), (), (), True)


@functools.lru_cache(maxsize=4096)
def coverage(text: str) -> Coverage:
    """Return whom a list such as mynetworks covers; what ``!`` takes out of it is left out of account."""
    words = [one for one in text.replace(",", " ").split() if one not in _LOOPBACK]
    if not words:
        return _NOBODY
    networks: list[tuple[str, Network]] = []
    deadly: list[str] = []
    malformed: list[str] = []
    unknown: list[str] = []
    everybody = False
    for word in words:
        network = _network(word)
        if word.startswith("!"):
            continue
        if network is not None:
            networks.append((word, network))
        elif word.lower().startswith("static:"):
            everybody = True
        elif word.startswith(":"):
            deadly.append(word)
        elif _is_meant_as_address(word):
            malformed.append(word)
        else:
            unknown.append(word)
    return Coverage(
        everybody=everybody or _covers_everybody([network for _word, network in networks]),
        wide=tuple(word for word, network in networks if _is_wide(network)),
        deadly=tuple(deadly),
        malformed=tuple(malformed),
        unknown=tuple(unknown),
        loopback=not (everybody or deadly or malformed or unknown)
        and all(network.is_loopback for _word, network in networks),
    )


def _network(word: str) -> t.Optional[Network]:
    """Return the network that a word names as Postfix reads it; None when it names none.

    An IPv6 address must be in brackets, and a network has no bits beyond its length.
    """
    if ":" in word and not word.startswith("["):
        return None
    address, slash, length = word.replace("[", "").replace("]", "").partition("/")
    if (slash and not length.isdigit()) or not address:
        return None
    try:
        return ipaddress.ip_network(f"{address}/{length}" if slash else address)
    except ValueError:
        return None


def repaired_network(word: str) -> list[str]:
    """Return a broken network as it was probably meant, in a list; an empty one when nobody knows."""
    address, slash, length = word.replace("[", "").replace("]", "").partition("/")
    try:
        network = ipaddress.ip_network(f"{address}/{length}" if slash else address, strict=False)
    except ValueError:
        return []
    if network.version == 4:
        return [str(network)]
    return [f"[{network.network_address}]/{network.prefixlen}"]


def _is_meant_as_address(word: str) -> bool:
    """Tell a broken address from the name of a host, a file or a table.

    Of broken IPv4 addresses Postfix minds those with a slash; what stands before the colon of an IPv6
    address without brackets counts as the type of a table, which there is none of.
    """
    head, slash, _length = word.partition("/")
    if word.startswith("["):
        return True
    kind, colon, rest = word.partition(":")
    if colon:
        return set(kind.lower()) <= _HEXADECIMAL and set(rest.lower()) <= _ADDRESS
    return bool(slash and head) and set(head) <= _DECIMAL


def _covers_everybody(networks: t.Iterable[Network]) -> bool:
    seen: dict[int, list[tuple[int, int]]] = {4: [], 6: []}
    for one in networks:
        if not _is_private(one):
            first = int(one.network_address)
            seen[one.version].append((first, first + one.num_addresses))
    return any(_covered(seen[version]) >= least for version, least in _EVERYBODY.items())


def _covered(ranges: list[tuple[int, int]]) -> int:
    """Return how many addresses there are in ranges that may overlap."""
    total = end = 0
    for first, behind in sorted(ranges):
        total += max(0, behind - max(first, end))
        end = max(end, behind)
    return total


def _is_private(network: Network) -> bool:
    return any(
        network.version == one.version and network.subnet_of(one)  # type: ignore[arg-type]
        for one in _NOT_PUBLIC
    )


def _is_wide(network: Network) -> bool:
    return network.prefixlen < _WIDEST[network.version] and not _is_private(network)


__all__ = ("Coverage", "coverage", "repaired_network")
