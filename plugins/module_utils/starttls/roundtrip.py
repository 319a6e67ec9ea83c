# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One message from an account to itself: handed in by SMTP, read back by IMAP, and taken away again."""

from __future__ import annotations

import datetime
import re
import secrets
import ssl
import time
import typing as t
from dataclasses import dataclass

from ansible_collections.hardened.mail.plugins.module_utils.starttls.conduct import incomplete
from ansible_collections.hardened.mail.plugins.module_utils.starttls.conversation import TEST_HEADER
from ansible_collections.hardened.mail.plugins.module_utils.starttls.dialogue import Target
from ansible_collections.hardened.mail.plugins.module_utils.starttls.session import WireError
from ansible_collections.hardened.mail.plugins.module_utils.starttls.talk import (
    Account,
    Talk,
    Trust,
    log_in,
    talking,
)

Json = t.Any
#: Seconds between two looks into the mailbox.
_PAUSE: t.Final = 0.3
_PATIENCE: t.Final = 20.0
_RECEIVED: t.Final = re.compile(r"(?i)\bwith (E?SMTP\w*)")


class _NoReply(WireError):
    """The end of the message was sent, and whether the server took it is not known."""


@dataclass(frozen=True)
class Journey:
    """Where the message goes in and comes out, and for whom."""

    submit: Target
    read: Target
    account: Account
    trust: Trust


def send_and_read(journey: Journey, *, timeout: float) -> dict[str, Json]:
    """Return what became of the message; trouble becomes part of the answers."""
    until = time.monotonic() + timeout
    token = secrets.token_hex(16)
    began = time.monotonic()
    result = not_sent("no message was sent")
    handed_in = False
    try:
        result["sent"] = _send(journey, token, until=min(until, began + _PATIENCE))
    except (WireError, ssl.SSLError) as exc:
        result["sent"] = incomplete(str(exc))
        handed_in = isinstance(exc, _NoReply)
    if handed_in or result["sent"].get("accepted"):
        try:
            result.update(_read(journey, token, began=began, until=until))
        except (WireError, ssl.SSLError) as exc:
            result["read"] = incomplete(str(exc))
            result["left"] = 1
    lacking = [one for one in ("sent", "read") if "incomplete" in result[one]]
    return {**result, "complete": not lacking, "incomplete": lacking}


def not_sent(reason: str) -> dict[str, Json]:
    """Return the result when nothing was tried."""
    steps = ("sent", "read")
    lacking: dict[str, Json] = {one: incomplete(reason) for one in steps}
    return {**lacking, "left": 0, "complete": False, "incomplete": list(steps)}


def _send(journey: Journey, token: str, *, until: float) -> Json:
    own = journey.account.address
    with talking(journey.submit, until=until, inside=True, trust=journey.trust) as talk:
        reply = log_in(talk, journey.account, target=journey.submit)
        if reply.kind != "yes":
            return incomplete(f"the login was refused: {reply.text}")
        for command in (f"MAIL FROM:<{own}>", f"RCPT TO:<{own}>", "DATA"):
            reply = talk.ask(command)
            if reply.kind not in ("yes", "more"):
                return {"accepted": False, "reply": reply.text}
        try:
            reply = talk.send(_message(own, token))
        except (WireError, ssl.SSLError) as exc:
            raise _NoReply(f"the message was handed in, and no reply came: {exc}") from exc
        return {"accepted": reply.kind == "yes", "reply": reply.text}


def _message(own: str, token: str) -> bytes:
    now = datetime.datetime.now(datetime.timezone.utc)
    lines = (
        f"From: <{own}>",
        f"To: <{own}>",
        "Subject: test of sending and reading",
        f"Date: {now:%d} {_MONTHS[now.month - 1]} {now:%Y %H:%M:%S} +0000",
        f"Message-ID: <{token}@{own.rpartition('@')[2]}>",
        f"{TEST_HEADER}: {token}",
        "",
        "This message was made by a test and can be deleted.",
        ".",
        "",
    )
    return "\r\n".join(lines).encode()


# The names of strftime follow the locale.
_MONTHS: t.Final = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


def _read(journey: Journey, token: str, *, began: float, until: float) -> dict[str, Json]:
    with talking(journey.read, until=until, inside=True, trust=journey.trust) as talk:
        reply = log_in(talk, journey.account, target=journey.read)
        if reply.kind != "yes":
            reason = f"the login to read it was refused: {reply.text}"
            return {"read": incomplete(reason), "left": 1}
        _must(talk, "SELECT INBOX")
        found = _wait_for(talk, token, until=until)
        seconds = round(time.monotonic() - began, 2)
        answer: Json = {"found": bool(found), "seconds": seconds}
        if found:
            header = " ".join(_must(talk, f"UID FETCH {found[0]} (BODY.PEEK[HEADER])"))
            received = _RECEIVED.search(header)
            answer["received_with"] = received.group(1).upper() if received else ""
        left = _tidy(talk) if found else 1
        return {"read": answer, "left": left}


def _must(talk: Talk, command: str) -> tuple[str, ...]:
    """Return the lines with which the server answers a command. Raises WireError when it says no."""
    reply = talk.ask(command)
    if reply.kind != "yes":
        raise WireError(f"{command.split(' ', maxsplit=1)[0]} was refused: {reply.text}")
    return reply.lines


def _search(talk: Talk, text: str) -> list[str]:
    lines = _must(talk, f'UID SEARCH HEADER {TEST_HEADER} "{text}"')
    numbers = [line.split()[1:] for line in lines if line.upper().startswith("SEARCH")]
    return [one for row in numbers for one in row if one.isdigit()]


def _wait_for(talk: Talk, token: str, *, until: float) -> list[str]:
    """Return the message once it is there, nothing when the time is up."""
    while True:
        found = _search(talk, token)
        # What is left is for the goodbye.
        if found or time.monotonic() + 2 * _PAUSE + 1 >= until:
            return found
        time.sleep(_PAUSE)
        _must(talk, "NOOP")


def _tidy(talk: Talk) -> int:
    """Take all test messages away, those of earlier tests too; return how many are left."""
    found = _search(talk, "")
    if not found:
        return 0
    numbers = ",".join(found)
    talk.ask(f"UID STORE {numbers} +FLAGS.SILENT (\\Deleted)")
    # EXPUNGE alone would also take what its owner has marked (RFC 4315).
    talk.ask(f"UID EXPUNGE {numbers}")
    return len(_search(talk, ""))


__all__ = ("Journey", "not_sent", "send_and_read")
