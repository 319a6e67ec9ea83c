# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a mail server does in conversation: the questions, and the shape of the answers (pure).

Each answer is a value, ``None`` where the question makes no sense, or ``{"incomplete": reason}``.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ansible_collections.hardened.mail.plugins.module_utils.starttls.dialogue import Protocol
from ansible_collections.hardened.mail.plugins.module_utils.starttls.replies import Reply

Question = t.Literal[
    "greeting",
    "login_before_tls",
    "mail_before_tls",
    "relay",
    "unknown_recipient",
    "mail_without_login",
    "vrfy",
    "anonymous",
    "sha1_signatures",
    "renegotiation",
    "login",
    "wrong_password",
    "smuggling",
]
QUESTIONS: tuple[Question, ...] = t.get_args(Question)
#: What is asked only with an account, because it leaves more than lines in a log.
INTRUSIVE: t.Final[frozenset[Question]] = frozenset({"login", "wrong_password", "smuggling"})
_SMTP_ONLY: t.Final[frozenset[Question]] = frozenset(
    {
        "mail_before_tls",
        "relay",
        "unknown_recipient",
        "mail_without_login",
        "vrfy",
        "smuggling",
    }
)
_BEFORE_TLS: t.Final[frozenset[Question]] = frozenset({"login_before_tls", "mail_before_tls"})

Json = t.Any
NOT_REACHED: t.Final = "the question was not reached"

# Postfix puts a refusal that is about the client, its greeting or the sender in these words; it would come for every
# recipient, and so says nothing about this one.
_ABOUT_US: t.Final = re.compile(
    r"(?i)helo command rejected|client host|sender address rejected|blocked using|blocklist|blacklist"
)
_ABOUT_RELAYING: t.Final = re.compile(r"(?i)relay")
_ABOUT_LOGIN: t.Final = re.compile(r"(?i)access denied|authenti|log ?in\b|logged in")
_NO_SUCH_MAILBOX: t.Final = re.compile(r"\b[45]\.1\.1\b")


@dataclass(frozen=True)
class Attempt:
    """A way to hand in a message that must not be taken. ``trick``: it could also be a local mailbox."""

    name: str
    sender: str
    recipient: str
    trick: bool = False


def relay_attempts(*, domain: str, elsewhere: str) -> tuple[Attempt, ...]:
    """Return the ways to have mail for *elsewhere* taken by a server of *domain* that should not."""
    user, _at, far = elsewhere.rpartition("@")
    return (
        Attempt("an empty sender", "", elsewhere),
        Attempt("a sender of its own domain", f"postmaster@{domain}", elsewhere),
        Attempt("a percent sign", "", f"{user}%{far}@{domain}", True),
        Attempt("an address in quotes", "", f'"{elsewhere}"@{domain}', True),
    )


def applies(question: Question, *, protocol: Protocol, implicit_tls: bool) -> bool:
    """Return whether a question makes sense on such a port."""
    if question in _SMTP_ONLY and protocol != "smtp":
        return False
    return not (question in _BEFORE_TLS and implicit_tls)


def incomplete(reason: str) -> dict[str, Json]:
    """Return the answer to a question that could not be answered."""
    return {"incomplete": reason or NOT_REACHED}


def plain_answer(reply: Reply) -> dict[str, Json]:
    """Return whether a command was taken; being put off says neither."""
    if reply.kind == "later":
        return incomplete(f"the server puts it off: {reply.text}")
    return {"accepted": reply.kind in ("yes", "more"), "reply": reply.text}


def recipient_answer(reply: Reply) -> dict[str, Json]:
    """Return whether a recipient was taken; a refusal that is about us says neither."""
    if reply.kind in ("yes", "more"):
        return {"accepted": True, "reply": reply.text}
    if _ABOUT_RELAYING.search(reply.text) or _NO_SUCH_MAILBOX.search(reply.text):
        return {"accepted": False, "reply": reply.text}
    if reply.kind == "later":
        return incomplete(f"the server puts it off: {reply.text}")
    if _ABOUT_US.search(reply.text) and not _ABOUT_LOGIN.search(reply.text):
        return incomplete(f"the server refuses this client before it looks further: {reply.text}")
    return {"accepted": False, "reply": reply.text}


def own_recipient_answer(reply: Reply, *, domain: str) -> dict[str, Json]:
    """Like :func:`recipient_answer`, for a recipient in a domain that should be the server's own."""
    if reply.kind != "yes" and _ABOUT_RELAYING.search(reply.text):
        return incomplete(
            f"the server takes no mail for {domain}, name a domain of its own: {reply.text}"
        )
    return recipient_answer(reply)


def sender_answer(reply: Reply, *, own: Reply) -> dict[str, Json]:
    """Return whether a sender that belongs to somebody else was taken.

    *own* is the reply to the user's own sender: where that was taken, a refusal is about the other one.
    """
    return plain_answer(reply) if own.kind in ("yes", "more") else recipient_answer(reply)


def smuggling_answer(replies: t.Sequence[Reply]) -> Json:
    """Return whether a line end of another kind ended a message.

    *replies* are those to a message that holds such an end in its middle, and to QUIT. A server that took it
    for the end reads the rest of the message as commands, and so has more to say.
    """
    if not replies:
        return incomplete(NOT_REACHED)
    first, *others = replies
    if first.kind in ("no", "later"):
        bare = re.search(r"(?i)bare|<lf>|line end|5\.5\.2", first.text)
        if bare and first.kind == "no":
            return "refused"
        return incomplete(f"the server does not take the message: {first.text}")
    return "accepted" if len(others) > 1 else "refused"


def lacks(answer: Json) -> bool:
    """Return whether an answer is not whole."""
    if isinstance(answer, dict):
        return "incomplete" in answer or any(lacks(value) for value in answer.values())
    return isinstance(answer, list) and any(lacks(value) for value in answer)


__all__ = (
    "INTRUSIVE",
    "NOT_REACHED",
    "QUESTIONS",
    "Attempt",
    "Question",
    "applies",
    "incomplete",
    "lacks",
    "own_recipient_answer",
    "plain_answer",
    "recipient_answer",
    "relay_attempts",
    "sender_answer",
    "smuggling_answer",
)
