# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about what the log and the headers show (pure)."""

from __future__ import annotations

import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.policy.findings import Fix
from ansible_collections.hardened.mail.plugins.module_utils.policy.postfix_fix import (
    hit,
    set_parameter,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.rule import Hit, Rule
from ansible_collections.hardened.mail.plugins.module_utils.policy.rules_outbound import level_of
from ansible_collections.hardened.mail.plugins.module_utils.policy.view import Scope, View
from ansible_collections.hardened.mail.plugins.module_utils.postfix.master_cf import (
    plain_arguments,
)
from ansible_collections.hardened.mail.plugins.module_utils.postfix.patterns import later

_Hits = t.Iterator[Hit]

#: Words that a TLS log level may be made of besides a number, with the level that they amount to.
_WORDS: t.Final[t.Mapping[str, int]] = {
    "none": 0,
    "summary": 1,
    "routine": 1,
    "untrusted": 1,
    "peercert": 1,
    "certmatch": 1,
    "dane": 1,
    "verbose": 2,
    "cache": 2,
    "debug": 2,
    "ssl-debug": 2,
    "ssl-expert": 3,
    "ssl-handshake-packet-dump": 3,
    "ssl-developer": 4,
    "ssl-session-packet-dump": 4,
}
_VERBOSE: t.Final = later(r"-[^o]*v")
_TALKS: t.Final = frozenset({"smtpd", "smtp", "lmtp", "postscreen", "tlsproxy", "cleanup"})
_EVERYBODY: t.Final = frozenset({"0.0.0.0/0", "::/0", "[::]/0", "static:all", "static:yes"})


def _log_levels(view: View) -> t.Iterator[tuple[Scope, int]]:
    """Yield each line that sets how much is logged of TLS, where there is TLS; -1 is not known."""
    sides = (
        ("smtpd_tls_loglevel", view.having(daemon=("smtpd",))),
        ("smtp_tls_loglevel", view.having(daemon=("smtp",))),
        (
            "lmtp_tls_loglevel",
            tuple(one for one in view.having(daemon=("lmtp",)) if level_of(one) != "none"),
        ),
    )
    for name, endpoints in sides:
        for scope in view.scopes(name, endpoints):
            words = scope.value.replace(",", " ").lower().split()
            levels = [
                int(word) if word.isdigit() and len(word) < 10 else _WORDS.get(word, -1)
                for word in words
            ]
            yield scope, max(levels, default=-1)


def _silent(view: View) -> _Hits:
    for scope, level in _log_levels(view):
        if level == 0:
            yield hit(
                scope,
                "The log of {services} does not tell which connections were encrypted, nor how.",
                expected="1",
            )


def _talkative(view: View) -> _Hits:
    for scope, level in _log_levels(view):
        if level == 2:
            yield hit(
                scope,
                "{services} writes some twenty lines about each connection, which is for debugging.",
                expected="1",
            )


def _content(view: View) -> _Hits:
    for scope, level in _log_levels(view):
        if level >= 3:
            yield hit(
                scope,
                "{services} writes "
                + (
                    "all that goes through TLS into the log: mail and passwords."
                    if level >= 4
                    else "every packet of each handshake into the log, hundreds of lines."
                ),
                expected="1",
                severity="high" if level >= 4 else None,
            )


def _header(view: View) -> _Hits:
    name = "smtpd_tls_received_header"
    for scope in view.scopes(name, view.having(daemon=("smtpd",), purpose=("mx",))):
        if not scope.endpoints[0].is_yes(name):
            yield hit(
                scope,
                "Nobody can see in a message that came through {services} whether it was encrypted "
                "on the way.",
                expected="yes",
            )


def _debugged_peers(view: View) -> _Hits:
    endpoints = view.having(daemon=("smtpd", "smtp", "lmtp"))
    for scope in view.scopes("debug_peer_list", endpoints):
        words = scope.value.replace(",", " ").split()
        if words:
            yield hit(
                scope,
                "{services} writes every line that it exchanges with "
                + ("anybody" if _EVERYBODY & set(words) else ", ".join(words[:3]))
                + " into the log, passwords too.",
                expected=None,
                severity="medium" if _EVERYBODY & set(words) else None,
            )


def _verbose(view: View) -> _Hits:
    for service in view.in_force:
        # A quick look first: hardly any service has such a word.
        if not any(one.text[:1] == "-" and "v" in one.text for one in service.tokens[8:]):
            continue
        flags = [one for one in plain_arguments(service) if _VERBOSE.fullmatch(one)]
        if not flags or service.command in ("pipe", "spawn"):
            continue
        talks = service.command in _TALKS
        yield Hit(
            service.id,
            "",
            observed=" ".join(flags),
            expected="no -v",
            message=f"{service.id} writes all that it does into the log"
            + (", with what is said to it, passwords too." if talks else "."),
            fix=Fix(
                "hardened.mail.postconf: services", f"in master.cf, remove -v from {service.id}"
            ),
            severity=None if talks else "low",
        )


def _same_name(view: View) -> _Hits:
    endpoints = view.having(purpose=("submission", "submissions"))
    usual = view.value("syslog_name")
    for one in endpoints:
        if one.value("syslog_name") == usual:
            kind = "submissions" if one.purpose == "submissions" else "submission"
            yield Hit(
                one.subject,
                "syslog_name",
                observed=usual,
                expected=f"postfix/{kind}",
                message=f"The log calls {one.subject} like port 25, so logins that fail cannot be told "
                "from mail of strangers.",
                fix=set_parameter("syslog_name", f"postfix/{kind}", service=one.subject),
            )


_AREA: t.Final = "logging"
_TLS_LOG: t.Final = "TLS_README, Server-side TLS activity logging"
RULES: t.Final[tuple[Rule[View], ...]] = (
    Rule(
        "tls-not-logged",
        _AREA,
        "info",
        "TLS leaves no trace in the log",
        "Nobody can tell who would be cut off by stricter settings, or who already speaks in clear text.",
        _TLS_LOG,
        _silent,
        example="smtpd_tls_loglevel = 0",
    ),
    Rule(
        "tls-log-for-debugging",
        _AREA,
        "low",
        "TLS is logged as for debugging",
        "The log grows twentyfold, and what matters is lost in it.",
        _TLS_LOG,
        _talkative,
        example="smtpd_tls_loglevel = 2",
    ),
    Rule(
        "tls-log-shows-content",
        _AREA,
        "medium",
        "The log holds what TLS was to hide",
        "Whoever reads the log reads mail and passwords.",
        _TLS_LOG,
        _content,
        example="smtpd_tls_loglevel = 4",
    ),
    Rule(
        "tls-not-in-headers",
        _AREA,
        "info",
        "Received headers do not tell of TLS",
        "A user cannot see whether a message came encrypted.",
        "postconf(5) smtpd_tls_received_header; RFC 3848",
        _header,
        example="smtpd_tls_received_header = no",
    ),
    Rule(
        "peers-debugged",
        _AREA,
        "low",
        "All that is said with some hosts is logged",
        "Passwords of clients stand in the log.",
        "DEBUG_README",
        _debugged_peers,
        example="debug_peer_list = 192.0.2.1",
    ),
    Rule(
        "service-verbose",
        _AREA,
        "medium",
        "A service that logs all that it does",
        "Passwords of clients stand in the log, and the log fills the disk.",
        "DEBUG_README",
        _verbose,
        example="submission inet n - y - - smtpd -v",
    ),
    Rule(
        "submission-logs-as-port-25",
        _AREA,
        "info",
        "Submission cannot be told from port 25 in the log",
        "Tools that lock out guessers of passwords do not find their lines.",
        "postconf(5) syslog_name",
        _same_name,
    ),
)

__all__ = ("RULES",)
