# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must be said of each kind of port of tests/integration_lab/wire_hosts.py, in words of a table."""

from __future__ import annotations

import typing as t

#: What a Debian as installed has on every port of Postfix.
_WEAK_SMTP = "low wire-cbc-suites, low wire-vrfy"
_STOCK = f"{_WEAK_SMTP}, info wire-weak-key"

#: Port -> severities and rules. Those behind ``bookworm:`` are found there only, where OpenSSL is older than 3.5.
EXPECTED: t.Final[dict[str, str]] = {
    "stock-mx": (
        f"{_STOCK}, low wire-weak-dh, medium wire-anonymous-suites, medium wire-no-forward-secrecy, "
        "medium wire-old-protocols, low wire-certificate-self-signed, info wire-no-post-quantum"
    ),
    "stock-imap": (
        "info wire-cbc-suites, info wire-weak-key, medium wire-certificate-self-signed, "
        "bookworm: info wire-no-post-quantum"
    ),
    "stock-imaps": (
        "info wire-cbc-suites, info wire-weak-key, medium wire-certificate-self-signed, "
        "bookworm: info wire-no-post-quantum"
    ),
    "hard-mx": "low wire-certificate-self-signed, bookworm: info wire-no-post-quantum",
    "hard-submission": "medium wire-certificate-self-signed, bookworm: info wire-no-post-quantum",
    "hard-submissions": "medium wire-certificate-self-signed, bookworm: info wire-no-post-quantum",
    "hard-imap": (
        "info wire-cbc-suites, medium wire-certificate-self-signed, "
        "bookworm: info wire-no-post-quantum"
    ),
    "hard-imaps": (
        "info wire-cbc-suites, medium wire-certificate-self-signed, "
        "bookworm: info wire-no-post-quantum"
    ),
    "no-tls": "critical wire-no-starttls, low wire-vrfy",
    "refuses": "high wire-tls-fails, low wire-vrfy, incomplete",
    "anonymous-only": (
        f"critical wire-no-certificate, {_WEAK_SMTP}, low wire-weak-dh, medium wire-anonymous-suites, "
        "medium wire-old-protocols, low wire-no-tls13"
    ),
    "auth-before-tls": (
        f"critical wire-auth-before-tls, {_STOCK}, medium wire-weak-dh, high wire-anonymous-suites, "
        "medium wire-no-forward-secrecy, high wire-old-protocols, medium wire-certificate-self-signed, "
        "info wire-no-post-quantum"
    ),
    "auth-on-25": (
        f"high wire-auth-on-port-25, {_STOCK}, low wire-weak-dh, medium wire-anonymous-suites, "
        "medium wire-no-forward-secrecy, medium wire-old-protocols, low wire-certificate-self-signed, "
        "info wire-no-post-quantum"
    ),
    "bad-certificate": (
        f"high wire-certificate-expired, high wire-weak-key, medium wire-weak-signature, "
        f"medium wire-certificate-name, medium wire-certificate-untrusted, medium wire-chain-incomplete, "
        f"{_WEAK_SMTP}, low wire-weak-dh, medium wire-anonymous-suites, medium wire-no-forward-secrecy, "
        "medium wire-old-protocols, info wire-no-post-quantum"
    ),
    "no-middle": (
        f"high wire-chain-incomplete, high wire-certificate-untrusted, {_WEAK_SMTP}, medium wire-weak-dh, "
        "high wire-anonymous-suites, high wire-old-protocols, info wire-no-post-quantum"
    ),
    "wrong-name": (
        f"high wire-certificate-name, {_WEAK_SMTP}, medium wire-weak-dh, high wire-anonymous-suites, "
        "high wire-old-protocols, medium wire-certificate-self-signed, info wire-no-post-quantum"
    ),
    "imap-in-clear-text": (
        "critical wire-auth-before-tls, info wire-cbc-suites, info wire-weak-key, "
        "medium wire-certificate-self-signed, bookworm: info wire-no-post-quantum"
    ),
    "closed": "incomplete",
}


def expected(name: str, release: str) -> set[str]:
    """Return what must be found on a port of a release."""
    found = set()
    for entry in EXPECTED[name].split(", "):
        only, _colon, rest = entry.rpartition(": ")
        if only in ("", release):
            found.add(rest)
    return found


def found(judged: t.Mapping[str, t.Any]) -> set[str]:
    """Return a result of the filter in the words of the table."""
    words = {f"{one['severity']} {one['rule']}" for one in judged["findings"]}
    return words | ({"incomplete"} if judged["incomplete"] else set())
