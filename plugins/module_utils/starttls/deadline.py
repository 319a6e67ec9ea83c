# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One moment at which everything must be over, for sockets, whose timeouts begin anew with each call (effects)."""

from __future__ import annotations

import socket
import time
import typing as t


def seconds_until(until: float) -> float:
    """Return how many seconds are left until a moment of ``time.monotonic``. Raises socket.timeout when none are."""
    left = until - time.monotonic()
    if left <= 0:
        raise socket.timeout("timed out")
    return left


def dial(host: str, port: int, *, until: float) -> socket.socket:
    """Connect to the first address of a host that answers. Raises OSError.

    Addresses that say nothing share the time that is left, so that each of them gets a turn.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    problem = OSError(f"{host} has no address")
    for turn, entry in enumerate(found):
        try:
            return _connect(entry, seconds=seconds_until(until) / (len(found) - turn))
        except OSError as error:
            problem = error
    raise problem


def _connect(entry: tuple[t.Any, ...], *, seconds: float) -> socket.socket:
    family, kind, protocol, _name, address = entry
    sock = socket.socket(family, kind, protocol)
    try:
        sock.settimeout(seconds)
        sock.connect(address)
    except OSError:
        sock.close()
        raise
    return sock


__all__ = ("dial", "seconds_until")
