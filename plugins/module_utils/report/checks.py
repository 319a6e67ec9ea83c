# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of what is verified of a port: what must hold, in words, and the rules that find out (pure data)."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.hardened.mail.plugins.module_utils.policy.wire_view import (
    PURPOSES,
    Purpose,
)

PURPOSE_WORDS: t.Final[t.Mapping[Purpose, str]] = {
    "mx": "mail from other servers",
    "submission": "mail from people, STARTTLS",
    "submissions": "mail from people, TLS",
    "imap": "IMAP, STARTTLS",
    "imaps": "IMAP, TLS",
    "pop3": "POP3, STLS",
    "pop3s": "POP3, TLS",
    "lmtp": "LMTP",
}

_ALL: t.Final = frozenset(PURPOSES)
_SENDING: t.Final[frozenset[Purpose]] = frozenset({"submission", "submissions"})
_MX: t.Final[frozenset[Purpose]] = frozenset({"mx"})
_SMTP: t.Final = _SENDING | _MX
_CLEAR: t.Final[frozenset[Purpose]] = frozenset({"mx", "submission", "imap", "pop3", "lmtp"})
_PEOPLE: t.Final = _ALL - {"mx", "lmtp"}
_LOGIN: t.Final = _ALL - {"lmtp"}


@dataclass(frozen=True)
class Check:
    """One thing that must hold on a port with one of the ``purposes``.

    ``words`` say what holds when the check passes. It fails when one of the ``rules`` finds something. ``account``
    tells that it needs a test account; ``trip`` that it is about a message that is sent and read.
    """

    id: str
    words: str
    rules: tuple[str, ...]
    purposes: frozenset[Purpose] = _ALL
    account: bool = False
    trip: bool = False


def _check(
    name: str,
    words: str,
    *rules: str,
    purposes: frozenset[Purpose] = _ALL,
    account: bool = False,
    trip: bool = False,
) -> Check:
    found = tuple(f"wire-{rule}" for rule in rules)
    return Check(name, words, found, purposes, account, trip)


CHECKS: t.Final[tuple[Check, ...]] = (
    _check("answers", "it answers", "no-answer"),
    _check("tls", "TLS is offered and works", "no-starttls", "tls-fails", "no-certificate"),
    _check("protocols", "no protocol older than TLS 1.2", "old-protocols"),
    _check("tls13", "TLS 1.3", "no-tls13"),
    _check("suites", "no anonymous and no broken suites", "anonymous-suites", "broken-suites"),
    _check("forward-secrecy", "forward secrecy", "no-forward-secrecy", "weak-dh"),
    _check("cbc", "no suites in CBC mode", "cbc-suites"),
    _check("post-quantum", "key exchange that withstands quantum computers", "no-post-quantum"),
    _check("sha1", "no handshake signed with SHA-1", "sha1-signatures"),
    _check("renegotiation", "secure renegotiation", "insecure-renegotiation"),
    _check("renewal", "clients cannot renew the handshake", "client-renegotiation"),
    _check(
        "certificate-dates",
        "the certificate is in date",
        "certificate-expired",
        "certificate-expires-soon",
    ),
    _check(
        "certificate-trust",
        "the certificate is trusted",
        "certificate-self-signed",
        "certificate-untrusted",
        "chain-incomplete",
    ),
    _check("certificate-name", "the certificate has the right name", "certificate-name"),
    _check("certificate-strength", "key and signatures are strong", "weak-key", "weak-signature"),
    _check("injection", "nothing can be slipped in before TLS", "injection", purposes=_CLEAR),
    _check(
        "password-before-tls",
        "no password before TLS",
        "auth-before-tls",
        "password-before-tls",
        purposes=_CLEAR - {"lmtp"},
    ),
    _check("no-login", "no login is offered", "auth-on-port-25", purposes=_MX),
    _check("login-offered", "people can log in", "no-auth-after-tls", purposes=_PEOPLE),
    _check("anonymous", "no login without a name", "anonymous-login", purposes=_LOGIN),
    _check(
        "mail-before-tls",
        "no mail before TLS",
        "mail-before-tls",
        purposes=frozenset({"submission"}),
    ),
    _check(
        "mail-without-login", "no mail without a login", "mail-without-login", purposes=_SENDING
    ),
    _check("relay", "no open relay", "open-relay", purposes=_SMTP),
    _check("unknown-recipient", "unknown mailboxes are refused", "unknown-recipient", purposes=_MX),
    _check("postmaster", "postmaster can be written to", "no-postmaster", purposes=_MX),
    _check("vrfy", "VRFY tells nothing", "vrfy", "vrfy-answered", purposes=_SMTP),
    _check("banner", "the greeting tells no version", "banner-version"),
    _check("no-login-tried", "nobody can log in", "login-on-port-25", purposes=_MX, account=True),
    _check("login", "the test account can log in", "login-fails", purposes=_PEOPLE, account=True),
    _check(
        "wrong-password",
        "a wrong password is refused",
        "wrong-password",
        purposes=_PEOPLE,
        account=True,
    ),
    _check(
        "wrong-password-slow",
        "the refusal takes its time",
        "wrong-password-fast",
        purposes=_PEOPLE,
        account=True,
    ),
    _check(
        "sending", "people can send to others", "login-cannot-send", purposes=_SENDING, account=True
    ),
    _check(
        "unknown-recipient-of-people",
        "unknown mailboxes are refused",
        "unknown-recipient",
        purposes=_SENDING,
        account=True,
    ),
    _check(
        "other-sender", "no sender but one's own", "other-sender", purposes=_SENDING, account=True
    ),
    _check("smuggling", "no smuggled messages", "smuggling", purposes=_SMTP, account=True),
    _check(
        "delivery",
        "a message arrives and can be read",
        "message-lost",
        purposes=_SENDING,
        account=True,
        trip=True,
    ),
)


def checks_for(purpose: Purpose) -> tuple[Check, ...]:
    """Return what is verified of a port with this purpose, but for the message that is sent and read."""
    return tuple(one for one in CHECKS if purpose in one.purposes and not one.trip)


TRIP: t.Final = next(one for one in CHECKS if one.trip)

__all__ = ("CHECKS", "PURPOSE_WORDS", "TRIP", "Check", "checks_for")
