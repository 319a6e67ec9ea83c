# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One question to a resolver, and what its answer says of DNSSEC: the octets, and /etc/resolv.conf."""

from __future__ import annotations

import ipaddress
import struct
import typing as t
from dataclasses import dataclass

_SOA: t.Final = 6
_IN: t.Final = 1
_OPT: t.Final = 41
# RFC 6840 section 5.7: AD in the question asks for AD in the answer; the other one is RD.
_FLAGS: t.Final = 0x0120
_ANSWER: t.Final = 0x8000
_AUTHENTIC: t.Final = 0x0020
#: What fits into one packet everywhere (RFC 9715).
_SIZE: t.Final = 1232
_DNSSEC_OK: t.Final = 0x8000
RCODES: t.Final[t.Mapping[int, str]] = {
    0: "NOERROR",
    1: "FORMERR",
    2: "SERVFAIL",
    3: "NXDOMAIN",
    4: "NOTIMP",
    5: "REFUSED",
}


class AnswerError(ValueError):
    """Octets that are no answer to the question; the message says why."""


@dataclass(frozen=True)
class Answer:
    """What the header of an answer says; ``authentic`` is the AD bit: the resolver checked DNSSEC."""

    rcode: str
    authentic: bool


def question(name: str, *, number: int) -> bytes:
    """Return the question for the SOA record of ``name``. Raises ValueError for a name too long."""
    labels = [label.encode("ascii") for label in name.strip(".").split(".") if label]
    if any(len(label) > 63 for label in labels) or sum(len(label) + 1 for label in labels) > 254:
        raise ValueError(f"{name!r} is too long for a name in the DNS")
    encoded = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    header = struct.pack(">6H", number, _FLAGS, 1, 0, 0, 1)
    extension = b"\0" + struct.pack(">HHIH", _OPT, _SIZE, _DNSSEC_OK, 0)
    return header + encoded + struct.pack(">HH", _SOA, _IN) + extension


def answer(data: bytes, *, number: int) -> Answer:
    """Return what an answer says. Raises AnswerError."""
    if len(data) < 12:
        raise AnswerError(f"{len(data)} octets are no DNS message")
    ident, flags = struct.unpack(">HH", data[:4])
    if ident != number or not flags & _ANSWER:
        raise AnswerError("it is no answer to the question")
    code = flags & 0x000F
    return Answer(RCODES.get(code, f"RCODE {code}"), bool(flags & _AUTHENTIC))


def nameservers(resolv_conf: str) -> tuple[str, ...]:
    """Return the resolvers that resolv.conf(5) names; the one on this host when it names none."""
    found = []
    for line in resolv_conf.splitlines():
        words = line.split()
        if len(words) > 1 and words[0] == "nameserver":
            found.append(words[1])
    # The C library takes the first three.
    return tuple(found[:3]) or ("127.0.0.1",)


def is_local(address: str) -> bool:
    """Tell whether an address is one of this host's own that nothing else can reach."""
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False


__all__ = ("Answer", "AnswerError", "RCODES", "answer", "is_local", "nameservers", "question")
