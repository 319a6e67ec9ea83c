# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of policy/rules_tls_suites.py: which cipher suites are left, and what breaks them."""

from __future__ import annotations

import typing as t

from case import Case
from cases_tls import EXCLUSIONS, FLOOR, SMTP, SUBMISSION, SUBMISSIONS, with_option

OLD_LISTS: t.Final = frozenset({"bullseye", "bookworm"})
NEW_LISTS: t.Final = frozenset({"trixie", "sid"})
INTERNAL = "127.0.0.1:10025 inet n - y - - smtpd"
NAME = "smtpd_tls_exclude_ciphers"
MANDATORY = "smtpd_tls_mandatory_exclude_ciphers"

Found = t.Union[bool, frozenset[str]]


def _exclusions(
    rule: str, bad: str, good: str, *, found: Found = True, absent: Found = True
) -> tuple[Case, ...]:
    """Return the cases of a rule about what the exclusions leave."""
    tight_good, tight_bad = good.replace(" ", ""), bad.replace(" ", "")
    return (
        Case(rule, "fails", f"{NAME} = {bad}", found=found),
        Case(rule, "passes", f"{NAME} = {good}", found=False),
        Case(rule, "absent", remove=(NAME,), found=absent),
        Case(
            rule,
            "fails",
            f"{NAME} = MD5\n{MANDATORY} = {bad}",
            f"{with_option(SMTP, f'{NAME}={tight_good}')}\n{SUBMISSION}",
            found=found,
            name="mandatory",
        ),
        Case(
            rule,
            "overridden",
            f"{NAME} = {good}",
            with_option(SMTP, f"{NAME}={tight_bad}"),
            found=found,
            subject="smtp/inet",
        ),
        Case(
            rule,
            "overridden",
            f"{NAME} = {good}",
            with_option(SUBMISSIONS, f"{NAME}={tight_bad}"),
            found=found,
            subject="submissions/inet",
            name="mandatory",
        ),
        Case(
            rule,
            "overridden",
            f"{NAME} = {bad}",
            with_option(SMTP, f"{NAME}={tight_good}"),
            found=False,
            name="mended",
        ),
    )


def _left_by_both(rule: str, good: str) -> Case:
    """Return a case where the two lists together exclude enough."""
    return Case(
        rule,
        "passes",
        f"{NAME} = {good}\n{MANDATORY} = MD5",
        SUBMISSION,
        found=False,
        name="lists-are-added",
    )


_LEFT: t.Final = (
    *_exclusions("suites-anonymous", "MD5", "aNULL"),
    _left_by_both("suites-anonymous", "aNULL"),
    Case(
        "suites-anonymous",
        "passes",
        "smtpd_tls_ask_ccert = yes",
        found=False,
        name="client-certificates",
    ),
    Case("suites-anonymous", "fails", f"{NAME} = anull", name="wrong-case"),
    *_exclusions("suites-without-forward-secrecy", "aNULL", "kRSA"),
    _left_by_both("suites-without-forward-secrecy", "RSA"),
    *_exclusions("suites-cbc", "aNULL, kRSA", "SHA1, SHA256, SHA384"),
    Case(
        "suites-cbc",
        "passes",
        "smtpd_tls_protocols = TLSv1.3",
        found=False,
        name="lists-do-not-hold-for-tls13",
    ),
    Case("suites-cbc", "fails", f"{NAME} = SHA256, SHA384", name="sha1-is-cbc-too"),
    Case(
        "suites-cbc",
        "passes",
        f"smtpd_tls_protocols = TLSv1, TLSv1.1\n{NAME} = SHA1",
        found=False,
        name="the-others-need-tls12",
    ),
    *_exclusions("suites-finite-field", "aNULL", "kDHE"),
    Case("suites-finite-field", "passes", f"{NAME} = DH", found=False, name="other-word"),
    *_exclusions("suites-camellia-aria", "CAMELLIA", "CAMELLIA:ARIA"),
    *_exclusions("suites-short-tag", "aNULL", "AESCCM8"),
    Case("suites-short-tag", "passes", f"{NAME} = AESCCM", found=False, name="wider-word"),
    *_exclusions(
        "suites-obsolete",
        "aNULL, SEED, IDEA, 3DES",
        "SEED, IDEA, 3DES, RC4",
        found=OLD_LISTS,
        absent=OLD_LISTS,
    ),
    Case("suites-obsolete", "fails", "tls_medium_cipherlist = HIGH:MEDIUM", name="own-list"),
    Case("suites-obsolete", "passes", "smtpd_tls_ciphers = high", found=False, name="grade"),
)

_LOST: t.Final = (
    *_exclusions("suites-for-ec-certificates-excluded", "aNULL, ECDSA", "aNULL", absent=False),
    *_exclusions("suites-with-curves-excluded", "EECDH", "aNULL", absent=False),
    *_exclusions(
        "suites-with-aead-excluded", "AESGCM, CHACHA20, AESCCM, ARIAGCM", "AESGCM", absent=False
    ),
    Case(
        "suites-with-aead-excluded",
        "fails",
        "tls_medium_cipherlist = ECDHE-RSA-AES256-SHA:ECDHE-ECDSA-AES256-SHA",
        name="own-list",
    ),
    *_exclusions("suites-none-left", "ALL", EXCLUSIONS, absent=False),
)


def _grades(
    rule: str, bad: str, good: str, *, found: Found = True, absent: Found = False
) -> tuple[Case, ...]:
    name, mandatory = "smtpd_tls_ciphers", "smtpd_tls_mandatory_ciphers"
    both = f"{name} = {good}\n{mandatory} = "
    return (
        Case(rule, "fails", f"{name} = {bad}", found=found),
        Case(rule, "passes", f"{name} = {good}", found=False),
        Case(rule, "absent", remove=(name,), found=absent),
        Case(rule, "fails", f"{both}{bad}", SUBMISSION, found=found, name="mandatory"),
        Case(rule, "passes", f"{both}{bad}", found=False, name="not-read"),
        Case(rule, "fails", f"{name} = {bad}", INTERNAL, found=found, name="and-internal"),
        Case(
            rule,
            "overridden",
            f"{both}{good}",
            with_option(SUBMISSIONS, f"{mandatory}={bad}"),
            found=found,
            subject="submissions/inet",
        ),
        Case(
            rule,
            "overridden",
            f"{name} = {bad}",
            with_option(SMTP, f"{name}={good}"),
            found=False,
            name="mended",
        ),
    )


_LISTS: t.Final = (
    Case(
        "cipher-grade-medium",
        "overridden",
        "smtpd_tls_ciphers = high",
        with_option(INTERNAL, "smtpd_tls_ciphers=medium"),
        found=False,
        name="internal",
    ),
    *_grades("cipher-grade-unknown", "strong", "HIGH"),
    *_grades("cipher-grade-weak", "export", "high"),
    Case("cipher-grade-weak", "fails", "smtpd_tls_ciphers = null", name="null"),
    *_grades("cipher-grade-medium", "medium", "high", absent=True),
    Case(
        "cipher-grade-medium",
        "passes",
        "smtpd_tls_ciphers = medium",
        profile="interop",
        found=False,
        name="chosen",
    ),
    *_exclusions("exclusion-with-sign", "!aNULL, MD5", "aNULL, MD5", absent=False),
    *_exclusions("exclusion-unknown-word", "aNULL, PSD", "aNULL, PSK", absent=False),
    Case(
        "exclusion-unknown-word",
        "passes",
        f"{NAME} = EXPORT:LOW:DES:ECDHE-RSA-RC4-SHA:ADH+SHA1",
        found=False,
        name="old-words",
    ),
    Case(
        "exclusion-unknown-word",
        "fails",
        f"{NAME} = aNULL, CBC",
        found=frozenset({"bullseye"}),
        name="word-of-newer-openssl",
    ),
    Case(
        "suites-cbc",
        "fails",
        f"{NAME} = aNULL, CBC",
        found=frozenset({"bullseye"}),
        name="word-of-newer-openssl",
    ),
    Case(
        "suites-short-tag",
        "fails",
        "smtpd_tls_ciphers = high",
        found=OLD_LISTS,
        name="not-strong-since-openssl-3.2",
    ),
    Case("cipher-list-pinned", "fails", "tls_high_cipherlist = ECDHE-RSA-AES256-SHA:AES256-SHA"),
    Case("cipher-list-pinned", "fails", "tls_medium_cipherlist = HIGH", name="medium"),
    Case("cipher-list-pinned", "passes", "smtpd_tls_ciphers = high", found=False),
    Case(
        "cipher-list-pinned",
        "absent",
        remove=("tls_high_cipherlist", "tls_medium_cipherlist"),
        found=False,
    ),
    Case(
        "cipher-list-pinned",
        "overridden",
        master=with_option(SMTP, "tls_medium_cipherlist=HIGH"),
        subject="smtp/inet",
    ),
    Case("cipher-list-dead", "fails", "tls_export_cipherlist = ALL", found=NEW_LISTS),
    Case("cipher-list-dead", "passes", "tls_medium_cipherlist = HIGH", found=False),
    Case("cipher-list-dead", "absent", remove=("tls_export_cipherlist",), found=False),
    Case("cipher-choice-of-client", "fails", "tls_preempt_cipherlist = no", profile="interop"),
    Case(
        "cipher-choice-of-client",
        "passes",
        "tls_preempt_cipherlist = yes",
        profile="interop",
        found=False,
    ),
    Case(
        "cipher-choice-of-client",
        "absent",
        remove=("tls_preempt_cipherlist",),
        profile="interop",
    ),
    Case(
        "cipher-choice-of-client",
        "overridden",
        "tls_preempt_cipherlist = yes",
        with_option(SMTP, "tls_preempt_cipherlist=no"),
        profile="interop",
        subject="smtp/inet",
    ),
    Case(
        "cipher-choice-of-server",
        "fails",
        f"tls_preempt_cipherlist = yes\n{NAME} = {EXCLUSIONS}\nsmtpd_tls_protocols = {FLOOR}",
    ),
    Case("cipher-choice-of-server", "passes", "tls_preempt_cipherlist = yes", found=False),
    Case("cipher-choice-of-server", "absent", f"{NAME} = {EXCLUSIONS}", found=False),
    Case(
        "cipher-choice-of-server",
        "overridden",
        f"{NAME} = {EXCLUSIONS}",
        with_option(SMTP, "tls_preempt_cipherlist=yes"),
        subject="smtp/inet",
    ),
    Case("signatures-with-sha1", "fails", "tls_config_file = default"),
    Case(
        "signatures-with-sha1",
        "passes",
        "tls_config_file = /etc/postfix/openssl-postfix.cnf",
        found=False,
    ),
    Case("signatures-with-sha1", "absent", remove=("tls_config_file",)),
    Case(
        "signatures-with-sha1",
        "overridden",
        "tls_config_file = /etc/postfix/openssl-postfix.cnf",
        with_option(SMTP, "tls_config_file=default"),
        subject="smtp/inet",
    ),
    Case("tls-config-file-relative", "fails", "tls_config_file = openssl-postfix.cnf"),
    Case(
        "tls-config-file-relative",
        "passes",
        "tls_config_file = /etc/postfix/openssl-postfix.cnf",
        found=False,
    ),
    Case("tls-config-file-relative", "absent", remove=("tls_config_file",), found=False),
    Case(
        "tls-config-file-relative",
        "overridden",
        master=with_option(SMTP, "tls_config_file=openssl-postfix.cnf"),
        subject="smtp/inet",
    ),
)

CASES: t.Final = (*_LEFT, *_LOST, *_LISTS)
