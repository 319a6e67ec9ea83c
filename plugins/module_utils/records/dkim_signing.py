# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a milter signs now, and what it says of its own signatures when a stranger brings them (effects: sockets)."""

from __future__ import annotations

import email.utils
import time
import typing as t
from dataclasses import dataclass

from ansible_collections.hardened.mail.plugins.module_utils.records.milter_client import (
    Letter,
    Verdict,
    show,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.milter_protocol import (
    Field,
    Signature,
    judged,
    signatures_of,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import host_of, shown

#: For documentation (RFC 5737): nobody signs for it, and no SPF record that is meant seriously names it.
STRANGER: t.Final = "192.0.2.1"
_BODY: t.Final = "This message is shown to the milter, and not sent.\r\n"


@dataclass(frozen=True)
class Look:
    """The signatures of a message, and how its two ways through the milter ended."""

    signatures: tuple[Signature, ...]
    outgoing: str
    incoming: str


def look(place: str, domain: str, *, seconds: float) -> Look:
    """Show a message of a domain as this host's own, and once more, signed, as a stranger's.

    Raises RecordError for what is no domain, and MilterProblem.
    """
    name = shown(host_of(domain))
    until = time.monotonic() + seconds
    person = f"postmaster@{name}"
    fields = (
        Field("From", f"<{person}>"),
        Field("To", f"<{person}>"),
        Field("Subject", "Which key signs"),
        Field("Date", email.utils.formatdate()),
        Field("Message-ID", email.utils.make_msgid(domain=name)),
        Field("MIME-Version", "1.0"),
    )

    def way(host: str, address: str, with_fields: tuple[Field, ...]) -> Verdict:
        letter = Letter(host, address, person, person, with_fields, _BODY)
        return show(place, letter, seconds=until - time.monotonic())

    outgoing = way("localhost", "127.0.0.1", fields)
    made = tuple(one for one in outgoing.added if one.name.lower() == "dkim-signature")
    if not made:
        return Look((), outgoing.end, "")
    incoming = way("stranger.invalid", STRANGER, (*made, *fields))
    return Look(judged(signatures_of(made), incoming.added), outgoing.end, incoming.end)


__all__ = ("STRANGER", "Look", "look")
