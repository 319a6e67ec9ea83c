# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks a mail server what it does in conversation: some connections, within one span of time.

No message is handed in, except to the account that was given for it.
"""

from __future__ import annotations

import base64
import os
import secrets
import ssl
import time
import typing as t
from dataclasses import dataclass, field, replace

from ansible_collections.hardened.mail.plugins.module_utils.starttls.conduct import (
    INTRUSIVE,
    QUESTIONS,
    Question,
    applies,
    incomplete,
    lacks,
    own_recipient_answer,
    plain_answer,
    recipient_answer,
    relay_attempts,
    sender_answer,
    smuggling_answer,
)
from ansible_collections.hardened.mail.plugins.module_utils.starttls.dialogue import Target
from ansible_collections.hardened.mail.plugins.module_utils.starttls.renegotiation import (
    renegotiation,
)
from ansible_collections.hardened.mail.plugins.module_utils.starttls.replies import Reply
from ansible_collections.hardened.mail.plugins.module_utils.starttls.session import (
    Wire,
    WireError,
    connect,
    describe,
    reach_tls,
)
from ansible_collections.hardened.mail.plugins.module_utils.starttls.suites import (
    TLS12_CURVES,
    offer,
)
from ansible_collections.hardened.mail.plugins.module_utils.starttls.talk import (
    Account,
    Talk,
    Trust,
    log_in,
    talking,
)
from ansible_collections.hardened.mail.plugins.module_utils.starttls.tls_codec import (
    TLS12,
    ClientHello,
    ServerFlight,
)

Json = t.Any
# One connection that hangs must not use up the time of the others; postscreen waits for 6 s.
_PATIENCE: t.Final = 10.0
_SHA1: t.Final = (0x0201, 0x0203)
#: The line ends that RFC 5321 section 2.3.8 does not know, around the dot that ends a message.
_ENDS: t.Final[t.Mapping[str, bytes]] = {"LF.LF": b"\n.\n", "LF.CRLF": b"\n.\r\n"}
#: In every message that is handed in, so that it can be found and taken away.
TEST_HEADER: t.Final = "X-Hardened-Mail-Test"


@dataclass(frozen=True)
class Request:
    """What to ask: ``domain`` is one of the server's own, ``elsewhere`` an address for which it has no business."""

    target: Target
    domain: str
    elsewhere: str
    questions: t.Collection[Question] = QUESTIONS
    account: t.Optional[Account] = None
    ca_file: t.Optional[str] = None
    name: str = ""


@dataclass
class _Asked:
    """What is known so far; ``until`` is the end of it all, in ``time.monotonic``."""

    request: Request
    until: float
    answers: dict[Question, Json] = field(default_factory=dict)
    address: t.Optional[str] = None
    itself: bool = False
    tls: bool = True

    def soon(self) -> float:
        return min(self.until, time.monotonic() + _PATIENCE)

    def wants(self, question: Question) -> bool:
        target = self.request.target
        return (
            question in self.request.questions
            and question not in self.answers
            and applies(question, protocol=target.protocol, implicit_tls=target.implicit_tls)
        )


def ask_conduct(request: Request, *, timeout: float) -> dict[str, Json]:
    """Return the answers to the questions of *request*; trouble becomes part of the answers."""
    asked = _Asked(request, time.monotonic() + timeout)
    if _greeting(asked):
        if not request.target.implicit_tls:
            _guarded(asked, _BEFORE, inside=False)
        _guarded(asked, _INSIDE, inside=True)
        if not asked.tls and not request.target.implicit_tls:
            # A port without TLS can still be an open relay.
            _guarded(asked, _INSIDE, inside=False)
        _handshakes(asked)
        if request.account is not None:
            _with_account(asked, request.account)
    return _shaped(asked)


def _shaped(asked: _Asked) -> dict[str, Json]:
    target = asked.request.target
    unreached = asked.answers.get("greeting")
    reason = unreached["incomplete"] if unreached and "incomplete" in unreached else ""
    for question in asked.request.questions:
        if question in INTRUSIVE and asked.request.account is None:
            asked.answers[question] = incomplete("no account was given for it")
        elif not applies(question, protocol=target.protocol, implicit_tls=target.implicit_tls):
            asked.answers[question] = None
        else:
            asked.answers.setdefault(question, incomplete(reason))
    answers: dict[str, Json] = {
        one: asked.answers[one] for one in QUESTIONS if one in asked.request.questions
    }
    lacking = [one for one, answer in answers.items() if lacks(answer)]
    return {
        **answers,
        "address": asked.address,
        "from_itself": asked.itself,
        "complete": not lacking,
        "incomplete": lacking,
    }


def _greeting(asked: _Asked) -> bool:
    """See whether somebody is there, and how long the greeting takes."""
    target = asked.request.target
    began = time.monotonic()
    try:
        with talking(target, until=asked.soon(), inside=target.implicit_tls) as talk:
            seconds = round(time.monotonic() - began, 2)
            asked.address = talk.wire.peer()
            asked.itself = talk.wire.to_itself()
            asked.answers["greeting"] = {"text": talk.greeting, "seconds": seconds}
    except (WireError, ssl.SSLError) as exc:
        asked.answers["greeting"] = incomplete(str(exc))
        return False
    if asked.address is not None:
        asked.request = replace(asked.request, target=replace(target, address=asked.address))
    return True


Ask = t.Callable[[_Asked, Talk], Json]


def _guarded(asked: _Asked, questions: t.Sequence[tuple[Question, Ask]], *, inside: bool) -> None:
    """Ask several questions in one conversation; when it breaks, the one that broke it has the reason."""
    waiting = [(one, ask) for one, ask in questions if asked.wants(one)]
    while waiting:
        question, ask = waiting[0]
        try:
            with talking(asked.request.target, until=asked.soon(), inside=inside) as talk:
                while waiting:
                    question, ask = waiting[0]
                    asked.answers[question] = ask(asked, talk)
                    waiting.pop(0)
        except (WireError, ssl.SSLError) as exc:
            if isinstance(exc, WireError) and exc.stage in ("starttls", "handshake"):
                asked.tls = False
                return
            asked.answers.setdefault(question, incomplete(str(exc)))
            waiting = [one for one in waiting if one[0] not in asked.answers]


def _offer_password(asked: _Asked, talk: Talk) -> Json:
    """See whether the server asks for a password; none is sent, the command is taken back."""
    verb = "AUTHENTICATE" if asked.request.target.protocol == "imap" else "AUTH"
    reply = talk.ask(f"{verb} PLAIN")
    if reply.kind == "no":
        second = talk.ask(f"{verb} LOGIN")
        reply = second if second.kind != "no" else reply
    if reply.kind == "more":
        talk.go_on("*")
    return plain_answer(reply)


def _mail_before_tls(_asked: _Asked, talk: Talk) -> Json:
    reply = talk.ask("MAIL FROM:<>")
    if reply.kind == "yes":
        talk.ask("RSET")
    return plain_answer(reply)


def _recipient(talk: Talk, *, sender: str, recipient: str) -> Reply:
    """Name sender and recipient and take them back; return the reply that decides."""
    reply = talk.ask(f"MAIL FROM:<{sender}>")
    if reply.kind == "yes":
        reply = talk.ask(f"RCPT TO:<{recipient}>")
        talk.ask("RSET")
    return reply


def _relay(asked: _Asked, talk: Talk) -> Json:
    request = asked.request
    attempts = relay_attempts(domain=request.domain, elsewhere=request.elsewhere)
    return {
        one.name: {
            **recipient_answer(_recipient(talk, sender=one.sender, recipient=one.recipient)),
            "trick": one.trick,
        }
        for one in attempts
    }


def _unknown(request: Request) -> str:
    return f"hardened-mail-{secrets.token_hex(6)}@{request.domain}"


def _unknown_recipient(asked: _Asked, talk: Talk) -> Json:
    reply = _recipient(talk, sender="", recipient=_unknown(asked.request))
    return own_recipient_answer(reply, domain=asked.request.domain)


def _mail_without_login(asked: _Asked, talk: Talk) -> Json:
    # RFC 5321 section 4.5.1: every domain has this mailbox.
    reply = _recipient(talk, sender="", recipient=f"postmaster@{asked.request.domain}")
    return own_recipient_answer(reply, domain=asked.request.domain)


def _vrfy(asked: _Asked, talk: Talk) -> Json:
    return plain_answer(talk.ask(f"VRFY postmaster@{asked.request.domain}"))


def _anonymous(asked: _Asked, talk: Talk) -> Json:
    verb = "AUTHENTICATE" if asked.request.target.protocol == "imap" else "AUTH"
    reply = talk.ask(f"{verb} ANONYMOUS")
    if reply.kind == "more":
        reply = talk.go_on(base64.b64encode(b"probe").decode("ascii"))
    if reply.kind == "later":
        return incomplete(f"the server puts it off: {reply.text}")
    return {"accepted": reply.kind == "yes", "reply": reply.text}


_BEFORE: t.Final[tuple[tuple[Question, Ask], ...]] = (
    ("login_before_tls", _offer_password),
    ("mail_before_tls", _mail_before_tls),
)
_INSIDE: t.Final[tuple[tuple[Question, Ask], ...]] = (
    ("unknown_recipient", _unknown_recipient),
    ("mail_without_login", _mail_without_login),
    ("relay", _relay),
    ("vrfy", _vrfy),
    ("anonymous", _anonymous),
)


def _handshakes(asked: _Asked) -> None:
    """Ask what decides before anything is said inside TLS."""
    if asked.wants("sha1_signatures"):
        asked.answers["sha1_signatures"] = _sha1_signatures(asked)
    if asked.wants("renegotiation"):
        asked.answers["renegotiation"] = renegotiation(asked.request.target, until=asked.soon())


def _sha1_signatures(asked: _Asked) -> Json:
    """Offer signatures with SHA-1 alone (RFC 9155); TLS 1.3 has none."""
    target = asked.request.target
    hello = ClientHello(
        TLS12,
        offer(TLS12),
        os.urandom(32),
        groups=TLS12_CURVES,
        signatures=_SHA1,
        server_name=target.server_name,
    )
    facts: dict[str, t.Any] = {"stage": "connect"}
    wire: t.Optional[Wire] = None
    try:
        wire = connect(target, until=asked.soon())
        reach_tls(wire, target, facts)
        wire.send(hello.encode())
        flight, answer = ServerFlight(), None
        while answer is None:
            data = wire.receive()
            answer = flight.feed(data) if data else flight.closed()
    except WireError as exc:
        return incomplete(describe(facts["stage"], target, str(exc)))
    finally:
        if wire is not None:
            wire.close()
    # Dovecot 2.3 refuses without a word.
    if answer.kind in ("refused", "closed"):
        return False
    return True if answer.accepted else incomplete(answer.text)


# ---- With an account ----------------------------------------------------------------------------


def _with_account(asked: _Asked, account: Account) -> None:
    """Log in rightly first: servers let the next login wait after a wrong one."""
    steps: tuple[tuple[Question, t.Callable[[_Asked, Account], Json]], ...] = (
        ("login", _login),
        ("smuggling", _smuggling),
        ("wrong_password", _wrong_password),
    )
    for question, step in steps:
        if asked.wants(question):
            try:
                asked.answers[question] = step(asked, account)
            except (WireError, ssl.SSLError) as exc:
                asked.answers[question] = incomplete(str(exc))


def _trust(asked: _Asked) -> Trust:
    if not asked.request.name:
        raise WireError("no name is known with which to verify the server, so no password was sent")
    return Trust(asked.request.ca_file, asked.request.name)


def _login(asked: _Asked, account: Account) -> Json:
    target = asked.request.target
    # Servers make those wait who failed before.
    with talking(target, until=asked.until, inside=True, trust=_trust(asked)) as talk:
        began = time.monotonic()
        reply = log_in(talk, account, target=target)
        answer = {
            "accepted": reply.kind == "yes",
            "reply": reply.text,
            "seconds": round(time.monotonic() - began, 2),
        }
        if reply.kind == "later":
            return incomplete(f"the server puts it off: {reply.text}")
        if reply.kind != "yes" or target.protocol != "smtp":
            return answer
        return {**answer, **_sending(asked, talk, account)}


def _sending(asked: _Asked, talk: Talk, account: Account) -> dict[str, Json]:
    """See what the account may send; nothing is handed in."""
    request, own = asked.request, account.address
    other = f"hardened-mail-{secrets.token_hex(6)}@{request.domain}"
    elsewhere = _recipient(talk, sender=own, recipient=request.elsewhere)
    return {
        "elsewhere": recipient_answer(elsewhere),
        "unknown_recipient": own_recipient_answer(
            _recipient(talk, sender=own, recipient=_unknown(request)), domain=request.domain
        ),
        "other_sender": sender_answer(_recipient(talk, sender=other, recipient=own), own=elsewhere),
    }


def _wrong_password(asked: _Asked, account: Account) -> Json:
    """Try a password that nobody has, and see how long the refusal takes."""
    target = asked.request.target
    wrong = replace(account, password=secrets.token_hex(12))
    with talking(target, until=asked.until, inside=True) as talk:
        began = time.monotonic()
        try:
            reply = log_in(talk, wrong, target=target)
        except WireError as exc:
            if "no answer in time" in str(exc):
                raise WireError("the refusal of a wrong password took too long") from exc
            raise
        seconds = round(time.monotonic() - began, 2)
        if reply.kind == "later":
            return incomplete(f"the server puts it off: {reply.text}")
        return {"accepted": reply.kind == "yes", "reply": reply.text, "seconds": seconds}


def _smuggling(asked: _Asked, account: Account) -> Json:
    return {name: _smuggle(asked, account, end) for name, end in _ENDS.items()}


def _smuggle(asked: _Asked, account: Account, end: bytes) -> Json:
    """Hand in a message to the account with another kind of end in its middle, and count the replies."""
    target, own = asked.request.target, account.address
    log = target.implicit_tls or target.port != 25
    try:
        with talking(
            target, until=asked.soon(), inside=True, trust=_trust(asked) if log else None
        ) as talk:
            if log and log_in(talk, account, target=target).kind != "yes":
                return incomplete("the login was refused")
            for command in (f"MAIL FROM:<{own}>", f"RCPT TO:<{own}>", "DATA"):
                reply = talk.ask(command)
                if reply.kind not in ("yes", "more"):
                    return incomplete(f"the server does not take the message: {reply.text}")
            return smuggling_answer(_end_twice(talk, own, end))
    except WireError as exc:
        return incomplete(str(exc))


def _end_twice(talk: Talk, own: str, end: bytes) -> list[Reply]:
    head = (
        f"From: <{own}>\r\nTo: <{own}>\r\nSubject: test of line ends\r\n"
        f"{TEST_HEADER}: smuggling\r\n\r\nThis message was made by a test and can be deleted.\r\n"
    ).encode()
    replies = [talk.send(head + b"before" + end + b"after\r\n.\r\n")]
    try:
        replies.append(talk.send(b"QUIT\r\n"))
        while not replies[-1].text.startswith("221"):
            replies.append(talk.read())
    except WireError:
        # The end of the connection is an answer too.
        return replies
    return replies


__all__ = ("TEST_HEADER", "Request", "ask_conduct")
