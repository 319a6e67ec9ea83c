# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases for the rules of policy/rules_configuration.py, rules_versions.py and rules_logging.py."""

from __future__ import annotations

import typing as t

from case import Case

EVERYWHERE: t.Final = frozenset({"bullseye", "bookworm", "trixie", "sid"})
OLD: t.Final = frozenset({"bullseye", "bookworm"})
SID: t.Final = frozenset({"sid"})
#: Where Debian runs the services in the queue directory.
CHROOTED: t.Final = EVERYWHERE - SID

SMTPD: t.Final = "smtp inet n - y - - smtpd\n"
SUBMISSION: t.Final = "submission inet n - y - - smtpd\n"
NO_LEVEL: t.Final = ("smtpd_tls_security_level",)
#: Debian's own is a table of Berkeley DB on every release.
NO_CACHE: t.Final = "smtp_tls_session_cache_database =\n"


def server(option: str) -> str:
    """Return the entry of port 25 with one override."""
    return f"{SMTPD}  -o {{ {option} }}\n"


def line(
    rule: str,
    bad: str,
    good: str,
    *,
    found: frozenset[str] = EVERYWHERE,
    absent: frozenset[str] = frozenset(),
    given: str = "",
    remove: tuple[str, ...] = (),
) -> tuple[Case, ...]:
    """Return the cases of a rule about one line of main.cf, the last one as an override of port 25."""
    names = tuple(one.partition(" =")[0] for one in (bad, good))
    return (
        Case(rule, "fails", main=given + bad, remove=remove, found=found),
        Case(rule, "passes", main=given + good, remove=remove, found=False),
        Case(rule, "absent", main=given, remove=(*remove, *names), found=absent),
        Case(
            rule,
            "overridden",
            main=given + good,
            master=server(bad),
            remove=remove,
            found=found,
            subject="smtp/inet",
        ),
    )


WRITING: t.Final = (
    *line("parameter-misspelt", "smtpd_tls_auth_onyl = yes", "smtpd_tls_auth_only = yes"),
    *line(
        "parameter-too-new",
        "smtpd_hide_client_session = yes",
        "smtpd_delay_reject = yes",
        found=OLD,
    ),
    *line("parameter-unused", "my_own_setting = yes", "smtpd_helo_required = yes"),
    Case(
        "parameter-unused",
        "passes",
        main="my_name = mx\nsmtpd_banner = $myhostname ESMTP $my_name",
        found=False,
        name="referred-to",
    ),
    *line(
        "name-undefined",
        "smtpd_client_restrictions = $mua_client_restrictions",
        "smtpd_client_restrictions = permit_mynetworks",
    ),
    Case(
        "name-undefined",
        "passes",
        main="smtpd_client_restrictions = $mua_restrictions\nmua_restrictions = permit_mynetworks",
        found=False,
        name="defined",
    ),
    Case(
        "parameter-twice",
        "fails",
        raw_main="disable_vrfy_command = no\ndisable_vrfy_command = yes\n",
    ),
    Case("parameter-twice", "passes", main="disable_vrfy_command = yes", found=False),
    Case("parameter-twice", "absent", found=False),
    *line("comment-in-value", "smtpd_banner = $myhostname # hello", "smtpd_banner = $myhostname"),
    Case(
        "comment-in-value",
        "passes",
        main="smtpd_command_filter = inline:{ { A = B # C } }",
        raw_main="# a comment\n",
        found=False,
        name="where-it-is-none",
    ),
    *line(
        "line-swallowed",
        "smtpd_helo_required = yes disable_vrfy_command = yes",
        "smtpd_helo_required = yes",
    ),
    Case(
        "line-swallowed",
        "fails",
        raw_main="smtpd_helo_required = yes\n# a comment\n\n  disable_vrfy_command = yes\n",
        name="continued",
    ),
    Case(
        "line-swallowed",
        "passes",
        main="import_environment = MAIL_CONFIG LANG=C my_variable=x",
        found=False,
        name="no-parameter",
    ),
    Case("service-twice", "fails", raw_master=SMTPD, subject="smtp/inet"),
    Case(
        "service-twice",
        "fails",
        raw_master="25 inet n - y - - smtpd\n",
        subject="25/inet",
        name="by-number",
    ),
    Case(
        "service-twice",
        "passes",
        raw_master="127.0.0.1:smtp inet n - y - - smtpd\n",
        found=False,
    ),
    Case("service-twice", "absent", found=False),
    Case(
        "option-without-value",
        "fails",
        master=f"{SUBMISSION}  -o smtpd_sasl_auth_enable = yes",
        subject="submission/inet",
    ),
    Case(
        "option-without-value",
        "passes",
        master=f"{SUBMISSION}  -o {{ smtpd_sasl_auth_enable = yes }}",
        found=False,
    ),
    Case("option-without-value", "absent", master=SUBMISSION, found=False),
    Case(
        "option-cut-at-blank",
        "fails",
        master=f"{SUBMISSION}  -o smtpd_client_restrictions=permit_mynetworks, reject",
        subject="submission/inet",
    ),
    Case(
        "option-cut-at-blank",
        "passes",
        master=f"{SUBMISSION}  -o {{ smtpd_client_restrictions = permit_mynetworks, reject }}",
        found=False,
    ),
    Case("option-cut-at-blank", "absent", master=SUBMISSION, found=False),
    *line("yes-or-no-invalid", "smtpd_helo_required = true", "smtpd_helo_required = YES"),
    Case("yes-or-no-invalid", "fails", main="smtpd_delay_reject =", name="empty"),
    *line("number-invalid", "smtpd_soft_error_limit = many", "smtpd_soft_error_limit = 10"),
    Case("number-invalid", "fails", main="smtpd_timeout = 5 minutes", name="time"),
    Case("number-invalid", "passes", main="smtpd_timeout = 5m", found=False, name="time"),
    *line(
        "table-type-missing",
        "virtual_alias_maps = mysql:/etc/postfix/aliases.cf",
        "virtual_alias_maps = texthash:/etc/postfix/aliases",
    ),
    Case(
        "table-type-missing",
        "fails",
        main="virtual_alias_maps = proxy:pgsql:/etc/postfix/aliases.cf",
        name="proxied",
    ),
    *line("value-invalid", "smtpd_sasl_type = pam", "smtpd_sasl_type = dovecot"),
    *line(
        "berkeley-db-table",
        "virtual_alias_maps = hash:/etc/postfix/virtual",
        "virtual_alias_maps = texthash:/etc/postfix/virtual",
        found=SID,
        given=NO_CACHE,
    ),
    Case("berkeley-db-table", "fails", found=SID, name="stock-cache"),
    *line(
        "proxy-table-not-listed",
        "smtpd_data_restrictions = check_sender_access proxy:hash:/etc/postfix/data",
        "smtpd_sender_restrictions = check_sender_access proxy:hash:/etc/postfix/senders",
    ),
    Case(
        "proxy-table-not-listed",
        "fails",
        main="smtpd_restriction_classes = known\nsmtpd_recipient_restrictions = known\n"
        "known = check_sender_access proxy:hash:/etc/postfix/senders",
        found=EVERYWHERE - SID,
        name="class",
    ),
    Case(
        "proxy-table-not-listed",
        "passes",
        main="smtpd_data_restrictions = check_sender_access proxy:hash:/etc/postfix/senders\n"
        "proxy_read_maps = $smtpd_data_restrictions",
        found=False,
        name="listed",
    ),
    Case(
        "table-configuration-missing",
        "fails",
        main="virtual_alias_maps = memcache:/etc/postfix/none.cf",
    ),
    Case(
        "table-configuration-missing",
        "passes",
        main="virtual_alias_maps = memcache:/etc/postfix/main.cf",
        found=False,
    ),
    Case(
        "table-configuration-missing",
        "passes",
        main="virtual_alias_maps = mysql:/etc/postfix/none.cf",
        found=False,
        name="no-such-type",
    ),
    Case("table-configuration-missing", "absent", found=False),
    Case(
        "table-configuration-missing",
        "overridden",
        master=f"{SUBMISSION}  -o smtpd_sender_login_maps=memcache:/etc/postfix/none.cf",
        subject="submission/inet",
    ),
    Case(
        "remote-table-in-chroot",
        "fails",
        main="virtual_alias_maps = mysql:/etc/postfix/aliases.cf",
        found=CHROOTED,
    ),
    Case(
        "remote-table-in-chroot",
        "fails",
        main="smtp_sasl_password_maps = ldap:/etc/postfix/passwords.cf",
        found=CHROOTED,
        name="client",
    ),
    Case(
        "remote-table-in-chroot",
        "passes",
        main="virtual_alias_maps = proxy:mysql:/etc/postfix/aliases.cf",
        found=False,
    ),
    Case("remote-table-in-chroot", "absent", found=False),
    Case(
        "remote-table-in-chroot",
        "overridden",
        master="smtp inet n - y - - smtpd\n  -o smtpd_sender_login_maps=pgsql:/etc/postfix/login.cf",
        subject="smtp/inet",
    ),
    Case(
        "remote-table-in-chroot",
        "overridden",
        master="smtp inet n - n - - smtpd\n  -o smtpd_sender_login_maps=pgsql:/etc/postfix/login.cf",
        found=False,
        name="without-chroot",
    ),
    Case("postconf-warns", "fails", main="process_name = smtpd"),
    Case("postconf-warns", "passes", main="my_own_setting = yes", found=False),
    Case("postconf-warns", "absent", found=False),
    Case("switch-beaten-by-level", "fails", main="smtpd_use_tls = yes"),
    Case("switch-beaten-by-level", "passes", main="smtpd_tls_auth_only = yes", found=False),
    Case("switch-beaten-by-level", "absent", found=False),
    Case(
        "switch-beaten-by-level",
        "overridden",
        main="smtp_tls_security_level = may",
        master="smtp unix - - y - - smtp\n  -o smtp_enforce_tls=yes",
        subject="smtp/unix",
    ),
    Case(
        "option-without-effect",
        "fails",
        master=f"{SUBMISSION}  -o smtp_tls_security_level=encrypt",
        subject="submission/inet",
    ),
    Case(
        "option-without-effect",
        "passes",
        master=f"{SUBMISSION}  -o smtpd_tls_security_level=encrypt",
        found=False,
    ),
    Case("option-without-effect", "absent", master=SUBMISSION, found=False),
)

VERSIONS: t.Final = (
    Case("switch-obsolete", "fails", main="smtpd_use_tls = yes", remove=NO_LEVEL),
    Case("switch-obsolete", "passes", main="smtpd_tls_security_level = may", found=False),
    Case("switch-obsolete", "absent", remove=NO_LEVEL, found=False),
    Case(
        "switch-obsolete",
        "overridden",
        master=server("smtpd_enforce_tls = yes"),
        remove=NO_LEVEL,
        subject="smtp/inet",
    ),
    Case("policy-table-obsolete", "fails", main="smtp_tls_per_site = hash:/etc/postfix/sites"),
    Case(
        "policy-table-obsolete",
        "passes",
        main="smtp_tls_policy_maps = hash:/etc/postfix/policy",
        found=False,
    ),
    Case("policy-table-obsolete", "absent", found=False),
    Case(
        "policy-table-obsolete",
        "overridden",
        master="smtp unix - - y - - smtp\n  -o smtp_tls_per_site=hash:/etc/postfix/sites",
        subject="smtp/unix",
    ),
    *line(
        "parameter-going-away",
        "smtpd_client_connection_limit_exceptions = $mynetworks",
        "smtpd_client_event_limit_exceptions = $mynetworks",
    ),
    *line("parameter-removed", "smtpd_tls_cipherlist = HIGH", "smtpd_tls_ciphers = high"),
    Case(
        "parameter-removed",
        "fails",
        main="tls_legacy_public_key_fingerprints = yes",
        found=SID,
        name="since-3.11",
    ),
    Case("compatibility-level-behind", "fails", main="compatibility_level = 1"),
    Case("compatibility-level-behind", "passes", found=False),
    Case("compatibility-level-behind", "absent", remove=("compatibility_level",)),
    Case("compatibility-level-invalid", "fails", main="compatibility_level = latest"),
    Case("compatibility-level-invalid", "passes", main="compatibility_level = 2", found=False),
    Case("compatibility-level-invalid", "absent", remove=("compatibility_level",), found=False),
    # Nothing can be set: the release decides.
    *(
        Case(rule, kind, found=found, subject="package")
        for rule, found in (
            ("postfix-patch-level", OLD),
            ("postfix-branch-ended", OLD),
            ("tls-library-branch-ended", OLD),
        )
        for kind in ("fails", "passes", "absent")
    ),
)

LOGGING: t.Final = (
    *line(
        "tls-not-logged",
        "smtpd_tls_loglevel = 0",
        "smtpd_tls_loglevel = 1",
        given="smtp_tls_loglevel = 1\n",
        absent=EVERYWHERE,
    ),
    *line("tls-log-for-debugging", "smtpd_tls_loglevel = 2", "smtpd_tls_loglevel = 1"),
    *line("tls-log-shows-content", "smtpd_tls_loglevel = 4", "smtpd_tls_loglevel = 2"),
    Case(
        "tls-log-shows-content",
        "fails",
        main="smtp_tls_loglevel = 3",
        name="client",
    ),
    *line(
        "tls-not-in-headers",
        "smtpd_tls_received_header = no",
        "smtpd_tls_received_header = yes",
        absent=EVERYWHERE,
    ),
    *line("peers-debugged", "debug_peer_list = 192.0.2.1", "debug_peer_list ="),
    Case("service-verbose", "fails", master="smtp inet n - y - - smtpd -v", subject="smtp/inet"),
    Case("service-verbose", "passes", master=server("smtpd_banner = -v"), found=False),
    Case("service-verbose", "absent", found=False),
    Case("submission-logs-as-port-25", "fails", master=SUBMISSION, subject="submission/inet"),
    Case(
        "submission-logs-as-port-25",
        "passes",
        master=f"{SUBMISSION}  -o syslog_name=postfix/submission",
        found=False,
    ),
    Case("submission-logs-as-port-25", "absent", found=False),
)

CASES: t.Final = (*WRITING, *VERSIONS, *LOGGING)
