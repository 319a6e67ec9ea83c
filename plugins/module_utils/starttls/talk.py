# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conversations with a mail server, in clear text or inside TLS, as a client or as somebody who logs in.

A password is sent only inside TLS to a server whose certificate is trusted and has the right name.
"""

from __future__ import annotations

import base64
import contextlib
import re
import ssl
import typing as t
from dataclasses import dataclass, field

from ansible_collections.hardened.mail.plugins.module_utils.starttls.dialogue import (
    TALKS_EARLY,
    Dialogue,
    Target,
)
from ansible_collections.hardened.mail.plugins.module_utils.starttls.replies import (
    Replies,
    Reply,
    ReplyError,
)
from ansible_collections.hardened.mail.plugins.module_utils.starttls.session import (
    Wire,
    WireError,
    connect,
    converse,
    describe,
    lenient_context,
    offers_starttls,
    reach_tls,
    words,
)

_ADDRESS: t.Final = re.compile(r"[!#-;=?A-Z\[-~]+@[A-Za-z0-9.-]+")


def bad_name(text: str) -> bool:
    """Return whether a text is neither a name nor an address that may stand in a command."""
    return not (text.isascii() and text.isprintable() and [text] == text.split())


def bad_address(text: str) -> bool:
    """Return whether a text is no mail address that may stand in a command."""
    return _ADDRESS.fullmatch(text) is None


@dataclass(frozen=True)
class Account:
    """Who logs in. The password is shown nowhere."""

    user: str
    password: str = field(repr=False)
    address: str = ""


@dataclass(frozen=True)
class Trust:
    """How a server proves who it is before it gets a password: roots (the system's when None) and its name."""

    ca_file: t.Optional[str]
    name: str


class Talk:
    """A conversation that has been begun: it sends commands and returns the replies."""

    def __init__(self, wire: Wire, target: Target, *, greeting: str = "") -> None:
        self.wire = wire
        self.greeting = greeting
        self._protocol = target.protocol
        self._replies = Replies(target.protocol)
        self._waiting: list[Reply] = []
        self._number = 0

    def ask(self, command: str) -> Reply:
        """Send a command and return its reply. Raises WireError."""
        if self._waiting:
            raise WireError(TALKS_EARLY)
        tag = ""
        if self._protocol == "imap":
            self._number += 1
            tag = f"h{self._number}"
            self._replies.expect(tag)
        self.wire.send(f"{tag} {command}\r\n".lstrip().encode("utf-8"))
        return self.read()

    def go_on(self, line: str) -> Reply:
        """Send the continuation of a command and return the reply. Raises WireError."""
        return self.send(f"{line}\r\n".encode())

    def send(self, data: bytes) -> Reply:
        """Send bytes and return the next reply. Raises WireError."""
        self.wire.send(data)
        return self.read()

    def read(self) -> Reply:
        """Return the next reply. Raises WireError."""
        while not self._waiting:
            data = self.wire.receive()
            if not data:
                raise WireError("the server closed the connection")
            try:
                self._waiting += self._replies.feed(data)
            except ReplyError as exc:
                raise WireError(str(exc)) from exc
        return self._waiting.pop(0)

    def leave(self) -> None:
        """Say goodbye; the answer decides nothing."""
        self.wire.hurry(0.5)
        with contextlib.suppress(WireError):
            self.ask("LOGOUT" if self._protocol == "imap" else "QUIT")


@contextlib.contextmanager
def talking(
    target: Target, *, until: float, inside: bool, trust: t.Optional[Trust] = None
) -> t.Iterator[Talk]:
    """Begin a conversation, ``inside`` TLS or in clear text; it is over at the end of the block.

    With *trust* a server that does not prove who it is gets nothing. Raises WireError.
    """
    facts: dict[str, t.Any] = {"stage": "connect"}
    wire: t.Optional[Wire] = None
    try:
        wire = connect(target, until=until)
        talk = (_inside if inside else _outside)(wire, target, facts, trust)
        facts["stage"] = "done"
        yield talk
        talk.leave()
    except WireError as exc:
        if facts["stage"] == "done":
            raise
        text = describe(facts["stage"], target, str(exc))
        raise WireError(text, refused=exc.refused, stage=facts["stage"]) from exc
    finally:
        if wire is not None:
            wire.close()


def _outside(
    wire: Wire, target: Target, facts: dict[str, t.Any], _trust: t.Optional[Trust]
) -> Talk:
    dialogue = Dialogue(target.protocol, helo=target.helo)
    facts["stage"] = "greeting"
    greeting = converse(wire, dialogue, "greeting").text
    facts["stage"] = "capabilities"
    converse(wire, dialogue, "capabilities")
    return Talk(wire, target, greeting=greeting)


def _inside(wire: Wire, target: Target, facts: dict[str, t.Any], trust: t.Optional[Trust]) -> Talk:
    reach_tls(wire, target, facts)
    context = lenient_context() if trust is None else trusting_context(trust)
    name = target.server_name if trust is None else trust.name
    try:
        wire.start_tls(context, server_name=name)
    except ssl.SSLCertVerificationError as exc:
        reason = exc.verify_message or words(exc)
        raise WireError(f"the server does not prove who it is ({reason})") from exc
    dialogue = Dialogue(target.protocol, helo=target.helo, greeted=not target.implicit_tls)
    if target.implicit_tls:
        facts["stage"] = "greeting"
        facts["banner"] = converse(wire, dialogue, "greeting").text
    facts["stage"] = "capabilities"
    capabilities = converse(wire, dialogue, "capabilities").items
    if offers_starttls(target, capabilities) and target.implicit_tls:
        raise WireError("the server offers STARTTLS inside TLS")
    return Talk(wire, target, greeting=facts["banner"])


def trusting_context(trust: Trust) -> ssl.SSLContext:
    """Return a context that verifies chain and name. Raises WireError for a file that cannot be used."""
    try:
        context = ssl.create_default_context(cafile=trust.ca_file)
    except (OSError, ValueError) as exc:
        raise WireError(f"cannot use ca_file {trust.ca_file}: {words(exc)}") from exc
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # Set since Python 3.13, and stricter about old roots than mail programs are.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def log_in(talk: Talk, account: Account, *, target: Target) -> Reply:
    """Log in with the mechanism PLAIN, or LOGIN where the server lacks it. Raises WireError."""
    secret = base64.b64encode(f"\0{account.user}\0{account.password}".encode()).decode("ascii")
    verb = "AUTHENTICATE" if target.protocol == "imap" else "AUTH"
    reply = talk.ask(f"{verb} PLAIN")
    if reply.kind == "more":
        return talk.go_on(secret)
    second = talk.ask(f"{verb} LOGIN")
    if second.kind != "more":
        return reply
    for part in (account.user, account.password):
        second = talk.go_on(base64.b64encode(part.encode()).decode("ascii"))
        if second.kind != "more":
            break
    return second


__all__ = (
    "Account",
    "Talk",
    "Trust",
    "bad_address",
    "bad_name",
    "log_in",
    "talking",
    "trusting_context",
)
