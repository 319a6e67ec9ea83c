# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of policy/rules_tls_keys.py: key exchange, sessions, fingerprints, options."""

from __future__ import annotations

import typing as t

from case import Case
from cases_tls import (
    BEHIND,
    EXCLUSIONS,
    FLOOR,
    NEW,
    OLD,
    SCREENED,
    SMTP,
    SUBMISSION,
    with_option,
)

Found = t.Union[bool, frozenset[str]]
TWO_OLD: t.Final = frozenset({"bullseye", "bookworm"})
TWO_NEW: t.Final = frozenset({"trixie", "sid"})
SID: t.Final = frozenset({"sid"})
CACHE = "btree:${data_directory}/"


def _cases(
    rule: str,
    name: str,
    bad: str,
    good: str,
    *,
    found: Found = True,
    absent: Found = False,
) -> tuple[Case, ...]:
    """Return the four cases of a rule about one parameter that smtpd reads."""
    return (
        Case(rule, "fails", f"{name} = {bad}", found=found),
        Case(rule, "passes", f"{name} = {good}", found=False),
        Case(rule, "absent", remove=(name,), found=absent),
        Case(
            rule,
            "overridden",
            f"{name} = {good}",
            with_option(SMTP, f"{name}={bad}" if " " not in bad else f"{{ {name} = {bad} }}"),
            found=found,
            subject="smtp/inet",
        ),
    )


_CURVES = "tls_eecdh_auto_curves"
_FINE = "X25519 prime256v1"

_EXCHANGE: t.Final = (
    *_cases("curves-empty", _CURVES, "", _FINE, found=TWO_OLD),
    *_cases("curves-unknown", _CURVES, "X25519 nosuchcurve", "X25519 P-256"),
    Case(
        "curves-unknown", "fails", f"{_CURVES} = X25519MLKEM768 X25519", found=TWO_OLD, name="new"
    ),
    Case("curves-unknown", "fails", f"{_CURVES} = X25519:X448", found=TWO_OLD, name="colon"),
    *_cases("curves-weak", _CURVES, "X25519 secp192k1", _FINE),
    *_cases("curves-only-one", _CURVES, "secp521r1", _FINE),
    Case(
        "curves-only-one",
        "fails",
        f"{_CURVES} = P-256 prime256v1",
        name="two-names-of-one",
    ),
    *_cases("curves-pinned", _CURVES, _FINE, "?X25519MLKEM768:DEFAULT", found=SID),
    *_cases(
        "post-quantum-missing",
        _CURVES,
        _FINE,
        "X25519 X25519MLKEM768",
        found=TWO_NEW,
        absent=frozenset({"trixie"}),
    ),
    *_cases(
        "finite-field-groups",
        "tls_ffdhe_auto_groups",
        "ffdhe2048",
        "-ffdhe2048 -ffdhe3072",
        found=TWO_NEW,
        absent=TWO_NEW,
    ),
    *_cases("own-dh-group", "smtpd_tls_dh1024_param_file", "/etc/postfix/dh4096.pem", ""),
    *_cases("key-exchange-setting-dead", "smtpd_tls_dh512_param_file", "/etc/postfix/dh.pem", ""),
    Case(
        "key-exchange-setting-dead",
        "fails",
        "smtpd_tls_eecdh_grade = ultra",
        found=NEW,
        name="grade",
    ),
    *_cases("curve-bound-by-grade", "smtpd_tls_eecdh_grade", "ultra", "auto", found=OLD),
    *_cases(
        "certificate-none-on-purpose",
        "smtpd_tls_cert_file",
        "none",
        "/etc/ssl/certs/ssl-cert-snakeoil.pem",
    ),
    *_cases("key-without-certificate", "smtpd_tls_eckey_file", "/etc/postfix/ec.key", ""),
    Case(
        "key-without-certificate",
        "passes",
        "smtpd_tls_eckey_file = /etc/postfix/ec.key\nsmtpd_tls_eccert_file = /etc/postfix/ec.pem",
        found=False,
        name="both",
    ),
    *_cases("certificate-dsa", "smtpd_tls_dcert_file", "/etc/postfix/dsa.pem", ""),
)

_SESSIONS: t.Final = (
    *_cases(
        "fingerprint-digest-weak", "smtpd_tls_fingerprint_digest", "sha1", "sha256", absent=OLD
    ),
    Case(
        "fingerprint-digest-weak",
        "absent",
        "compatibility_level = 2",
        remove=("smtpd_tls_fingerprint_digest",),
        name="old-compatibility",
    ),
    *_cases("fingerprint-digest-unknown", "smtpd_tls_fingerprint_digest", "sha-265", "sha3-256"),
    Case(
        "server-session-cache", "fails", f"smtpd_tls_session_cache_database = {CACHE}smtpd_scache"
    ),
    Case("server-session-cache", "passes", "smtpd_tls_session_cache_database =", found=False),
    Case(
        "server-session-cache",
        "absent",
        remove=("smtpd_tls_session_cache_database",),
        found=False,
    ),
    Case(
        "server-session-cache",
        "overridden",
        master=with_option(SMTP, f"smtpd_tls_session_cache_database={CACHE}smtpd_scache"),
        found=False,
    ),
    Case(
        "session-cache-type-missing",
        "fails",
        "smtp_tls_session_cache_database = bdb:${data_directory}/smtp_scache",
    ),
    Case(
        "session-cache-type-missing",
        "passes",
        f"smtp_tls_session_cache_database = {CACHE}smtp_scache",
        found=False,
    ),
    Case(
        "session-cache-type-missing",
        "absent",
        remove=("smtp_tls_session_cache_database",),
        found=False,
    ),
    Case(
        "session-cache-shared",
        "fails",
        f"smtp_tls_session_cache_database = {CACHE}scache\n"
        "smtpd_tls_session_cache_database = $smtp_tls_session_cache_database",
    ),
    Case(
        "session-cache-shared",
        "passes",
        f"smtp_tls_session_cache_database = {CACHE}smtp_scache\n"
        f"smtpd_tls_session_cache_database = {CACHE}smtpd_scache",
        found=False,
    ),
    Case(
        "session-cache-shared",
        "absent",
        remove=("smtp_tls_session_cache_database",),
        found=False,
    ),
    Case(
        "session-cache-override-dead",
        "fails",
        master=with_option(SMTP, "smtpd_tls_session_cache_timeout=60s"),
        subject="smtp/inet",
    ),
    Case(
        "session-cache-override-dead",
        "passes",
        "smtpd_tls_session_cache_timeout = 60s",
        found=False,
    ),
    Case("session-cache-override-dead", "absent", found=False),
    *_cases("session-ids-missing", "smtpd_tls_always_issue_session_ids", "no", "yes"),
    *_cases("session-tickets-off", "tls_session_ticket_cipher", "aes-256-gcm", "aes-128-cbc"),
    Case("session-tickets-off", "fails", "smtpd_tls_session_cache_timeout = 0", name="timeout"),
    Case(
        "session-tickets-off",
        "passes",
        "smtpd_tls_session_cache_timeout = 10m",
        found=False,
        name="timeout",
    ),
    *_cases("random-source-changed", "tls_random_source", "dev:/dev/random", "dev:/dev/urandom"),
)

_OPTIONS: t.Final = (
    *_cases(
        "renegotiation-by-clients",
        "tls_ssl_options",
        "NO_COMPRESSION",
        "no_renegotiation",
        found=OLD,
        absent=OLD,
    ),
    *_cases("tls-options-unsafe", "tls_ssl_options", "0x40004", "NO_RENEGOTIATION"),
    Case("tls-options-unsafe", "fails", "tls_ssl_options = LEGACY_SERVER_CONNECT", name="by-name"),
    *_cases("tls-options-unknown", "tls_ssl_options", "NO_RENEGOCIATION", "NO_RENEGOTIATION 0x40"),
    *_cases("tls-workarounds-disabled", "tls_disable_workarounds", "CVE-2010-4180", ""),
    *_cases("tls-switch-unreadable", "smtpd_tls_auth_only", "true", "YES"),
    Case("mandatory-settings-weak-though-idle", "fails", "smtpd_tls_mandatory_ciphers = medium"),
    Case(
        "mandatory-settings-weak-though-idle",
        "passes",
        f"smtpd_tls_mandatory_protocols = {FLOOR}\nsmtpd_tls_mandatory_ciphers = high\n"
        f"smtpd_tls_mandatory_exclude_ciphers = {EXCLUSIONS}",
        found=False,
    ),
    Case(
        "mandatory-settings-weak-though-idle",
        "absent",
        remove=("smtpd_tls_mandatory_protocols", "smtpd_tls_mandatory_ciphers"),
    ),
    Case(
        "mandatory-settings-weak-though-idle",
        "overridden",
        master=SUBMISSION,
        found=False,
        name="read",
    ),
    Case("postscreen-settings-idle", "fails", "postscreen_tls_security_level = may"),
    Case(
        "postscreen-settings-idle",
        "passes",
        "postscreen_tls_security_level = may",
        SCREENED + BEHIND,
        found=False,
    ),
    Case("postscreen-settings-idle", "absent", found=False),
)

CASES: t.Final = (*_EXCHANGE, *_SESSIONS, *_OPTIONS)
