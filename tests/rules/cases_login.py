# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases for the rules of policy/rules_login.py."""

from __future__ import annotations

import typing as t

from case import Case

NEW: t.Final = frozenset({"bookworm", "trixie", "sid"})

DOVECOT: t.Final = "smtpd_sasl_type = dovecot\nsmtpd_sasl_path = private/auth\n"
AUTH: t.Final = f"smtpd_sasl_auth_enable = yes\n{DOVECOT}"
INSIDE: t.Final = "smtpd_tls_auth_only = yes\n"
LOGIN_ONLY: t.Final = "smtpd_relay_restrictions = permit_sasl_authenticated, reject"
CLIENT: t.Final = "smtp_sasl_auth_enable = yes\nrelayhost = [relay.example]:587\n"
PASSWORDS: t.Final = "smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd\n"


def smtpd(name: str, *overrides: str) -> str:
    """Return an entry of master.cf with these overrides."""
    return "\n".join(
        [f"{name} inet n - y - - smtpd", *(f"  -o {{ {one} }}" for one in overrides), ""]
    )


def submission(*overrides: str) -> str:
    """Return a submission service with logins inside TLS."""
    return smtpd(
        "submission",
        "smtpd_tls_security_level = encrypt",
        "smtpd_sasl_auth_enable = yes",
        LOGIN_ONLY,
        *overrides,
    )


CLIENT_SERVICE: t.Final = "smtp unix - - y - - smtp\n"

CASES: t.Final = (
    Case("auth-on-mx", "fails", main=AUTH),
    Case("auth-on-mx", "passes", main=DOVECOT, master=submission(), found=False),
    Case("auth-on-mx", "absent", remove=("smtpd_sasl_auth_enable",), found=False),
    Case(
        "auth-on-mx",
        "overridden",
        main=DOVECOT,
        master=smtpd("smtp", "smtpd_sasl_auth_enable = yes"),
        subject="smtp/inet",
    ),
    Case(
        "auth-on-mx",
        "overridden",
        main=AUTH,
        master=smtpd("smtp", "smtpd_sasl_auth_enable = no"),
        found=False,
        name="undone",
    ),
    Case("auth-before-tls", "fails", main=AUTH + "smtpd_tls_auth_only = no"),
    Case(
        "auth-before-tls",
        "fails",
        main=AUTH + "smtpd_tls_security_level = none\nsmtpd_tls_auth_only = no",
        name="no-tls-at-all",
    ),
    Case("auth-before-tls", "passes", main=AUTH + INSIDE, found=False),
    Case(
        "auth-before-tls", "passes", main=DOVECOT, master=submission(), found=False, name="encrypt"
    ),
    Case(
        "auth-before-tls",
        "passes",
        main=DOVECOT,
        master=smtpd(
            "465",
            "smtpd_tls_wrappermode = yes",
            "smtpd_tls_security_level = may",
            "smtpd_sasl_auth_enable = yes",
        ),
        found=False,
        name="wrapper-mode",
    ),
    Case("auth-before-tls", "absent", main=AUTH, remove=("smtpd_tls_auth_only",)),
    Case(
        "auth-before-tls",
        "overridden",
        main=DOVECOT + INSIDE,
        master=submission("smtpd_tls_security_level = may", "smtpd_tls_auth_only = no"),
        subject="submission/inet",
    ),
    Case(
        "auth-before-tls",
        "overridden",
        main=AUTH + "smtpd_tls_auth_only = no",
        master=smtpd("smtp", "smtpd_tls_auth_only = yes"),
        found=False,
        name="undone",
    ),
    Case(
        "auth-never-offered",
        "fails",
        main=AUTH + INSIDE + "smtpd_tls_security_level = none",
    ),
    Case("auth-never-offered", "passes", main=AUTH + INSIDE, found=False),
    Case(
        "auth-never-offered",
        "absent",
        main=AUTH + INSIDE,
        remove=("smtpd_tls_security_level", "smtpd_use_tls"),
    ),
    Case(
        "auth-never-offered",
        "overridden",
        main=DOVECOT + INSIDE,
        master=submission("smtpd_tls_security_level = none"),
        subject="submission/inet",
    ),
    Case(
        "auth-never-offered",
        "overridden",
        main=DOVECOT + INSIDE + "smtpd_tls_security_level = none",
        master=submission(),
        found=False,
        name="undone",
    ),
    Case("auth-anonymous", "fails", main=AUTH + "smtpd_sasl_security_options ="),
    Case(
        "auth-anonymous",
        "fails",
        main=AUTH + INSIDE + "smtpd_sasl_tls_security_options =",
        name="inside-tls",
    ),
    Case(
        "auth-anonymous",
        "passes",
        main=AUTH + "smtpd_sasl_security_options = noanonymous, noactive",
        found=False,
    ),
    Case(
        "auth-anonymous",
        "absent",
        main=AUTH,
        remove=("smtpd_sasl_security_options", "smtpd_sasl_tls_security_options"),
        found=False,
    ),
    Case(
        "auth-anonymous",
        "overridden",
        main=DOVECOT,
        master=submission("smtpd_sasl_security_options = noactive"),
        subject="submission/inet",
    ),
    Case(
        "auth-plaintext-refused",
        "fails",
        main=AUTH
        + "smtpd_sasl_security_options = noplaintext, noanonymous\n"
        + "smtpd_sasl_tls_security_options = noanonymous",
    ),
    Case(
        "auth-plaintext-refused",
        "fails",
        main=AUTH + INSIDE + "smtpd_sasl_security_options = noplaintext, noanonymous",
        name="inside-tls",
    ),
    Case(
        "auth-plaintext-refused",
        "passes",
        main=AUTH
        + INSIDE
        + "smtpd_sasl_security_options = noplaintext, noanonymous\n"
        + "smtpd_sasl_tls_security_options = noanonymous",
        found=False,
    ),
    Case(
        "auth-plaintext-refused",
        "absent",
        main=AUTH,
        remove=("smtpd_sasl_security_options", "smtpd_sasl_tls_security_options"),
        found=False,
    ),
    Case(
        "auth-plaintext-refused",
        "overridden",
        main=DOVECOT,
        master=submission("smtpd_sasl_tls_security_options = noanonymous, noplaintext"),
        subject="submission/inet",
    ),
    Case(
        "auth-wrong-backend",
        "fails",
        main="smtpd_sasl_auth_enable = yes\nsmtpd_sasl_type = cyrus\nsmtpd_sasl_path = private/auth",
    ),
    Case(
        "auth-wrong-backend",
        "fails",
        main="smtpd_sasl_auth_enable = yes\nsmtpd_sasl_type = dovecot",
        remove=("smtpd_sasl_path",),
        name="no-path",
    ),
    Case("auth-wrong-backend", "passes", main=AUTH, found=False),
    Case(
        "auth-wrong-backend",
        "passes",
        main="smtpd_sasl_auth_enable = yes\nsmtpd_sasl_type = cyrus\nsmtpd_sasl_path = smtpd",
        found=False,
        name="cyrus",
    ),
    Case(
        "auth-wrong-backend",
        "absent",
        main="smtpd_sasl_auth_enable = yes",
        remove=("smtpd_sasl_type", "smtpd_sasl_path"),
    ),
    Case(
        "auth-wrong-backend",
        "overridden",
        main=DOVECOT,
        master=submission("smtpd_sasl_type = cyrus"),
        subject="submission/inet",
    ),
    Case("auth-name-in-header", "fails", main=AUTH + "smtpd_sasl_authenticated_header = yes"),
    Case(
        "auth-name-in-header",
        "passes",
        main=AUTH + "smtpd_sasl_authenticated_header = no",
        found=False,
    ),
    Case(
        "auth-name-in-header",
        "passes",
        main=DOVECOT + "smtpd_sasl_authenticated_header = yes",
        found=False,
        name="no-logins",
    ),
    Case(
        "auth-name-in-header",
        "absent",
        main=AUTH,
        remove=("smtpd_sasl_authenticated_header",),
        found=False,
    ),
    Case(
        "auth-name-in-header",
        "overridden",
        main=DOVECOT,
        master=submission("smtpd_sasl_authenticated_header = yes"),
        subject="submission/inet",
    ),
    Case("auth-announced-twice", "fails", main=AUTH + "broken_sasl_auth_clients = yes"),
    Case(
        "auth-announced-twice", "passes", main=AUTH + "broken_sasl_auth_clients = no", found=False
    ),
    Case(
        "auth-announced-twice",
        "absent",
        main=AUTH,
        remove=("broken_sasl_auth_clients",),
        found=False,
    ),
    Case(
        "auth-announced-twice",
        "overridden",
        main=DOVECOT,
        master=submission("broken_sasl_auth_clients = yes"),
        subject="submission/inet",
    ),
    Case("auth-without-rate-limit", "fails", main=AUTH + "smtpd_client_auth_rate_limit = 0"),
    Case(
        "auth-without-rate-limit",
        "passes",
        main=AUTH + "smtpd_client_auth_rate_limit = 10",
        found=False,
    ),
    Case("auth-without-rate-limit", "absent", main=AUTH, remove=("smtpd_client_auth_rate_limit",)),
    Case(
        "auth-without-rate-limit",
        "overridden",
        main=DOVECOT + "smtpd_client_auth_rate_limit = 10",
        master=submission("smtpd_client_auth_rate_limit = 0"),
        subject="submission/inet",
    ),
    Case(
        "auth-without-rate-limit",
        "overridden",
        main=DOVECOT,
        master=submission("smtpd_client_auth_rate_limit = 10"),
        found=False,
        name="undone",
    ),
    Case("auth-hidden", "fails", main=AUTH + "smtpd_sasl_exceptions_networks = 0.0.0.0/0"),
    Case(
        "auth-hidden",
        "fails",
        main=AUTH + "smtpd_discard_ehlo_keywords = chunking, auth",
        name="keyword",
    ),
    Case(
        "auth-hidden",
        "passes",
        main=AUTH
        + "smtpd_sasl_exceptions_networks = 192.168.0.0/16\nsmtpd_discard_ehlo_keywords = chunking",
        found=False,
    ),
    Case(
        "auth-hidden",
        "absent",
        main=AUTH,
        remove=("smtpd_sasl_exceptions_networks", "smtpd_discard_ehlo_keywords"),
        found=False,
    ),
    Case(
        "auth-hidden",
        "overridden",
        main=DOVECOT,
        master=submission("smtpd_discard_ehlo_keywords = auth"),
        subject="submission/inet",
    ),
    Case(
        "auth-hidden",
        "overridden",
        main=DOVECOT + "smtpd_discard_ehlo_keywords = auth",
        master=submission("smtpd_discard_ehlo_keywords = "),
        found=False,
        name="undone",
    ),
    Case(
        "auth-mechanisms-filtered",
        "fails",
        main=AUTH + "smtpd_sasl_mechanism_filter = cram-md5, digest-md5",
        found=NEW,
    ),
    Case(
        "auth-mechanisms-filtered",
        "fails",
        main=AUTH + "smtpd_sasl_mechanism_filter = !plain, !login",
        found=NEW,
        name="nothing-named",
    ),
    Case(
        "auth-mechanisms-filtered",
        "passes",
        main=AUTH + "smtpd_sasl_mechanism_filter = plain, login",
        found=False,
    ),
    Case(
        "auth-mechanisms-filtered",
        "passes",
        main=AUTH + "smtpd_sasl_mechanism_filter = !external, !cram-md5, static:rest",
        found=False,
        name="the-rest",
    ),
    Case(
        "auth-mechanisms-filtered",
        "absent",
        main=AUTH,
        remove=("smtpd_sasl_mechanism_filter",),
        found=False,
    ),
    Case(
        "auth-mechanisms-filtered",
        "overridden",
        main=DOVECOT,
        master=submission("smtpd_sasl_mechanism_filter = cram-md5"),
        found=NEW,
        subject="submission/inet",
    ),
    Case(
        "sender-logins-without-table",
        "fails",
        main=AUTH + "smtpd_sender_restrictions = reject_sender_login_mismatch\n"
        "smtpd_sender_login_maps =",
    ),
    Case(
        "sender-logins-without-table",
        "fails",
        main=AUTH + "smtpd_restriction_classes = owners\n"
        "owners = reject_authenticated_sender_login_mismatch\n"
        "smtpd_recipient_restrictions = owners, reject_unauth_destination",
        name="in-a-class",
    ),
    Case(
        "sender-logins-without-table",
        "passes",
        main=AUTH + "smtpd_sender_restrictions = reject_sender_login_mismatch\n"
        "smtpd_sender_login_maps = hash:/etc/postfix/logins",
        found=False,
    ),
    Case(
        "sender-logins-without-table",
        "passes",
        main=AUTH + "smtpd_sender_restrictions = reject_known_sender_login_mismatch",
        found=False,
        name="known-only",
    ),
    Case(
        "sender-logins-without-table",
        "absent",
        main=AUTH,
        remove=("smtpd_sender_restrictions", "smtpd_sender_login_maps"),
        found=False,
    ),
    Case(
        "sender-logins-without-table",
        "overridden",
        main=DOVECOT + "smtpd_sender_login_maps = hash:/etc/postfix/logins",
        master=submission(
            "smtpd_sender_restrictions = reject_sender_login_mismatch", "smtpd_sender_login_maps ="
        ),
        subject="submission/inet",
    ),
    Case(
        "sender-logins-unused",
        "fails",
        main=AUTH + "smtpd_sender_login_maps = hash:/etc/postfix/logins",
    ),
    Case(
        "sender-logins-unused",
        "passes",
        main=AUTH + "smtpd_sender_login_maps = hash:/etc/postfix/logins\n"
        "smtpd_sender_restrictions = reject_sender_login_mismatch",
        found=False,
    ),
    Case(
        "sender-logins-unused",
        "absent",
        main=AUTH,
        remove=("smtpd_sender_login_maps", "smtpd_sender_restrictions"),
        found=False,
    ),
    Case(
        "sender-logins-unused",
        "overridden",
        main=DOVECOT + "smtpd_sender_restrictions = reject_sender_login_mismatch",
        master=submission(
            "smtpd_sender_restrictions = ", "smtpd_sender_login_maps = hash:/etc/postfix/logins"
        ),
        subject="submission/inet",
    ),
    Case("sender-addresses-free", "fails", main=DOVECOT, master=submission()),
    Case(
        "sender-addresses-free",
        "passes",
        main=DOVECOT + "smtpd_sender_login_maps = hash:/etc/postfix/logins\n"
        "smtpd_sender_restrictions = reject_sender_login_mismatch",
        master=submission(),
        found=False,
    ),
    Case(
        "sender-addresses-free",
        "absent",
        main=AUTH,
        remove=("smtpd_sender_login_maps",),
        found=False,
    ),
    Case(
        "sender-addresses-free",
        "overridden",
        main=DOVECOT + "smtpd_sender_login_maps = hash:/etc/postfix/logins",
        master=submission("smtpd_sender_login_maps ="),
        subject="submission/inet",
    ),
    Case(
        "submission-without-login",
        "fails",
        main=DOVECOT,
        master=smtpd("submission", "smtpd_tls_security_level = encrypt", LOGIN_ONLY),
        subject="submission/inet",
    ),
    Case("submission-without-login", "passes", main=DOVECOT, master=submission(), found=False),
    Case(
        "submission-without-login",
        "passes",
        master=smtpd(
            "submission",
            "smtpd_tls_ask_ccert = yes",
            "smtpd_relay_restrictions = permit_tls_clientcerts, reject",
        ),
        found=False,
        name="certificates",
    ),
    Case(
        "submission-without-login",
        "absent",
        master=smtpd("465", "smtpd_tls_wrappermode = yes"),
        remove=("smtpd_sasl_auth_enable",),
        subject="465/inet",
    ),
    Case(
        "submission-without-login",
        "overridden",
        main=AUTH + INSIDE,
        master=submission("smtpd_sasl_auth_enable = no"),
        subject="submission/inet",
    ),
    Case("client-login-without-passwords", "fails", main=CLIENT + "smtp_sasl_password_maps ="),
    Case("client-login-without-passwords", "passes", main=CLIENT + PASSWORDS, found=False),
    Case(
        "client-login-without-passwords",
        "absent",
        remove=("smtp_sasl_auth_enable", "smtp_sasl_password_maps"),
        found=False,
    ),
    Case(
        "client-login-without-passwords",
        "absent",
        main=CLIENT,
        remove=("smtp_sasl_password_maps",),
        name="table",
    ),
    Case(
        "client-login-without-passwords",
        "overridden",
        main=CLIENT + PASSWORDS,
        master=CLIENT_SERVICE + "  -o smtp_sasl_password_maps=",
        subject="smtp/unix",
    ),
    Case("client-login-off", "fails", main=PASSWORDS + "smtp_sasl_auth_enable = no"),
    Case("client-login-off", "passes", main=CLIENT + PASSWORDS, found=False),
    Case(
        "client-login-off",
        "passes",
        main=PASSWORDS + "smtp_sasl_auth_enable = no",
        master=CLIENT_SERVICE + "  -o smtp_sasl_auth_enable=yes",
        found=False,
        name="one-client-logs-in",
    ),
    Case("client-login-off", "absent", main=PASSWORDS, remove=("smtp_sasl_auth_enable",)),
    Case(
        "client-login-off",
        "overridden",
        master=CLIENT_SERVICE
        + "  -o smtp_sasl_auth_enable=no\n  -o smtp_sasl_password_maps=hash:/etc/postfix/sasl_passwd",
        subject="smtp/unix",
    ),
    Case(
        "client-login-without-mechanism",
        "fails",
        main=CLIENT + PASSWORDS + "smtp_sasl_tls_security_options = noplaintext, noanonymous",
    ),
    Case(
        "client-login-without-mechanism",
        "passes",
        main=CLIENT + PASSWORDS + "smtp_sasl_tls_security_options = noanonymous",
        found=False,
    ),
    Case(
        "client-login-without-mechanism",
        "absent",
        main=CLIENT + PASSWORDS,
        remove=("smtp_sasl_tls_security_options", "smtp_sasl_security_options"),
    ),
    Case(
        "client-login-without-mechanism",
        "overridden",
        main=CLIENT + PASSWORDS + "smtp_sasl_tls_security_options = noanonymous",
        master=CLIENT_SERVICE + "  -o smtp_sasl_tls_security_options=noplaintext",
        subject="smtp/unix",
    ),
    Case(
        "client-login-anonymous",
        "fails",
        main=CLIENT + PASSWORDS + "smtp_sasl_security_options =",
    ),
    Case(
        "client-login-anonymous",
        "passes",
        main=CLIENT + PASSWORDS + "smtp_sasl_security_options = noanonymous",
        found=False,
    ),
    Case(
        "client-login-anonymous",
        "absent",
        main=CLIENT + PASSWORDS,
        remove=("smtp_sasl_security_options",),
        found=False,
    ),
    Case(
        "client-login-anonymous",
        "overridden",
        main=CLIENT + PASSWORDS,
        master=CLIENT_SERVICE + "  -o smtp_sasl_security_options=",
        subject="smtp/unix",
    ),
)
