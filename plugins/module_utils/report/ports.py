# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which ports of a host the audit asks, at which address (pure)."""

from __future__ import annotations

import ipaddress
import typing as t

Json = t.Mapping[str, t.Any]
#: port, protocol, TLS from the start, purpose.
_USUAL: t.Final = (
    (25, "smtp", False, "mx"),
    (465, "smtp", True, "submissions"),
    (587, "smtp", False, "submission"),
    (143, "imap", False, "imap"),
    (993, "imap", True, "imaps"),
    (110, "pop3", False, "pop3"),
    (995, "pop3", True, "pop3s"),
)
USUAL: t.Final[tuple[dict[str, t.Any], ...]] = tuple(
    {"port": port, "protocol": protocol, "implicit_tls": implicit, "purpose": purpose}
    for port, protocol, implicit, purpose in _USUAL
)
_EVERYWHERE: t.Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def ports_to_ask(
    results: t.Iterable[Json],
    *,
    wanted: t.Iterable[Json] = USUAL,
    address: str = "",
    server_name: str = "",
) -> list[dict[str, t.Any]]:
    """Return what to ask ``starttls_info`` of a host.

    *results* are those of ``postconf_validate``. Ports that are open to the host itself only are left out. Where
    nobody knows which ports are open, all *wanted* ones are returned. *address* is where a look from outside
    finds the host; the host itself asks the address on which somebody listens.
    """
    seen = [one for one in results if isinstance(one, t.Mapping)]
    listening = next(
        (one["listening"] for one in seen if isinstance(one.get("listening"), (list, tuple))), None
    )
    name = server_name or next(
        (one["myhostname"] for one in seen if isinstance(one.get("myhostname"), str)), ""
    )
    found = []
    for row in wanted:
        heard = None if listening is None else _address_of(listening, port=row["port"])
        if heard == "":
            continue
        found.append(
            {
                **row,
                "host": address or heard or "127.0.0.1",
                "server_name": name,
                "listening": bool(heard) and not address,
            }
        )
    return found


def _address_of(listening: t.Iterable[t.Any], *, port: int) -> str:
    """Return the address at which a port answers the host itself; nothing when it is for the host alone."""
    addresses = []
    for one in listening:
        if isinstance(one, (list, tuple)) and len(one) == 2 and one[1] == port:
            try:
                addresses.append(ipaddress.ip_address(str(one[0])))
            except ValueError:
                continue
    # IPv4 first: with ":: 25" alone nobody can tell whether it takes both.
    for address in sorted(addresses, key=lambda one: (one.version, not one.is_unspecified)):
        if not address.is_loopback:
            return _EVERYWHERE.get(str(address), str(address))
    return ""


__all__ = ("USUAL", "ports_to_ask")
