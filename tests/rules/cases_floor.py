# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases for the rule of policy/rules_floor.py; test_mutants_real.py tries each setting on its own."""

from __future__ import annotations

import typing as t

from case import Case

NEWEST: t.Final = "!SSLv2, !SSLv3, !TLSv1, !TLSv1.1"
AEAD: t.Final = (
    "aNULL, kRSA, kDHE, SHA1, SHA256, SHA384, CAMELLIA, ARIA, AESCCM8, AESCCM, PSK, SRP, DSS"
)
HARDENED: t.Final = f"""\
smtpd_tls_auth_only = yes
smtpd_tls_protocols = {NEWEST}
smtpd_tls_mandatory_protocols = {NEWEST}
smtpd_tls_ciphers = high
smtpd_tls_mandatory_ciphers = high
smtpd_tls_exclude_ciphers = {AEAD}
smtpd_tls_fingerprint_digest = sha256
smtp_tls_mandatory_protocols = {NEWEST}
smtp_tls_mandatory_ciphers = high
smtp_tls_mandatory_exclude_ciphers = {AEAD}
smtp_tls_fingerprint_digest = sha256
lmtp_tls_mandatory_protocols = {NEWEST}
lmtp_tls_mandatory_ciphers = high
lmtp_tls_mandatory_exclude_ciphers = {AEAD}
lmtp_tls_fingerprint_digest = sha256
tls_ssl_options = NO_RENEGOTIATION
tls_ffdhe_auto_groups = -ffdhe2048 -ffdhe3072
disable_vrfy_command = yes
smtpd_helo_required = yes
smtpd_forbid_bare_newline = normalize
smtpd_forbid_unauth_pipelining = yes
"""

CASES: t.Final = (
    Case(
        "below-the-profile",
        "fails",
        main=HARDENED.replace("smtpd_tls_ciphers = high", "smtpd_tls_ciphers = medium"),
    ),
    Case("below-the-profile", "passes", main=HARDENED, found=False),
    Case("below-the-profile", "absent"),
    Case(
        "below-the-profile",
        "overridden",
        main=HARDENED,
        master="smtp inet n - y - - smtpd\n  -o smtpd_tls_ciphers=medium",
        subject="smtp/inet",
    ),
    Case(
        "below-the-profile",
        "overridden",
        main=HARDENED,
        master="127.0.0.1:10025 inet n - y - - smtpd\n  -o smtpd_tls_security_level=none",
        found=False,
        name="own-host",
    ),
)
