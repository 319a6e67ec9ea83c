# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of policy/rules_tls.py: levels and protocol versions of the services that receive mail."""

from __future__ import annotations

import typing as t

from case import Case

OLD: t.Final = frozenset({"bullseye"})
NEW: t.Final = frozenset({"bookworm", "trixie", "sid"})

LEVEL = "smtpd_tls_security_level"
SMTP = "smtp inet n - y - - smtpd"
SUBMISSION = "submission inet n - y - - smtpd\n  -o smtpd_tls_security_level=encrypt"
SUBMISSIONS = "submissions inet n - y - - smtpd\n  -o smtpd_tls_wrappermode=yes"
BEHIND = "smtpd pass - - y - - smtpd"
SCREENED = "smtp inet n - y - 1 postscreen\ntlsproxy unix - - y - 0 tlsproxy\n"
FLOOR = "!SSLv2, !SSLv3, !TLSv1, !TLSv1.1"
TIGHT_FLOOR = "!SSLv2,!SSLv3,!TLSv1,!TLSv1.1"
EXCLUSIONS = (
    "aNULL, kRSA, kDHE, SHA1, SHA256, SHA384, CAMELLIA, ARIA, AESCCM8, AESCCM, PSK, SRP, DSS"
)


def with_option(service: str, *options: str) -> str:
    """Return an entry of master.cf with ``-o`` options."""
    return service + "".join(f"\n  -o {option}" for option in options)


_LEVELS: t.Final = (
    Case("tls-not-offered", "fails", f"{LEVEL} = none"),
    Case("tls-not-offered", "passes", f"{LEVEL} = may", found=False),
    Case("tls-not-offered", "absent", remove=(LEVEL,)),
    Case(
        "tls-not-offered",
        "overridden",
        master=with_option(SMTP, f"{LEVEL}=none"),
        subject="smtp/inet",
    ),
    Case(
        "tls-not-offered",
        "overridden",
        f"{LEVEL} = none",
        with_option(SMTP, f"{LEVEL}=may"),
        found=False,
        name="mended",
    ),
    Case(
        "tls-not-offered",
        "passes",
        f"{LEVEL} = none\ninet_interfaces = loopback-only",
        found=False,
        name="nobody-can-reach-it",
    ),
    Case("tls-demanded-of-strangers", "fails", f"{LEVEL} = encrypt"),
    Case("tls-demanded-of-strangers", "passes", f"{LEVEL} = may", found=False),
    Case("tls-demanded-of-strangers", "absent", remove=(LEVEL,), found=False),
    Case(
        "tls-demanded-of-strangers",
        "overridden",
        master=with_option(SMTP, f"{LEVEL}=encrypt"),
        subject="smtp/inet",
    ),
    Case(
        "tls-demanded-of-strangers",
        "overridden",
        f"{LEVEL} = encrypt",
        with_option(SMTP, f"{LEVEL}=may") + "\n" + with_option("submission inet n - y - - smtpd"),
        found=False,
        name="mended",
    ),
    Case("server-level-unknown", "fails", f"{LEVEL} = dane"),
    Case("server-level-unknown", "passes", f"{LEVEL} = Encrypt", found=False),
    Case("server-level-unknown", "absent", remove=(LEVEL,), found=False),
    Case(
        "server-level-unknown",
        "overridden",
        master=with_option(SMTP, f"{LEVEL}=yes"),
        subject="smtp/inet",
    ),
    Case(
        "server-level-unknown",
        "overridden",
        f"{LEVEL} = yes",
        with_option(SMTP, f"{LEVEL}=may"),
        found=False,
        name="mended",
    ),
    Case(
        "server-level-unknown",
        "fails",
        "postscreen_tls_security_level = dane",
        SCREENED + BEHIND,
        name="postscreen",
    ),
    Case(
        "server-level-unknown",
        "fails",
        "tlsproxy_tls_security_level = dane",
        SCREENED + BEHIND,
        name="tlsproxy",
    ),
    Case("server-level-of-clients", "fails", f"{LEVEL} = secure"),
    Case("server-level-of-clients", "passes", f"{LEVEL} = encrypt", found=False),
    Case("server-level-of-clients", "absent", remove=(LEVEL,), found=False),
    Case(
        "server-level-of-clients",
        "overridden",
        master=with_option("submission inet n - y - - smtpd", f"{LEVEL}=verify"),
        subject="submission/inet",
    ),
    Case(
        "submission-without-tls",
        "fails",
        master=with_option("submission inet n - y - - smtpd", "smtpd_sasl_auth_enable=yes"),
        subject="submission/inet",
    ),
    Case("submission-without-tls", "passes", master=SUBMISSION, found=False),
    Case(
        "submission-without-tls",
        "absent",
        master="submission inet n - y - - smtpd",
        remove=(LEVEL,),
        subject="submission/inet",
    ),
    Case("submission-without-tls", "absent", found=False, name="no-submission"),
    Case(
        "submission-without-tls",
        "overridden",
        f"{LEVEL} = encrypt",
        with_option("587 inet n - y - - smtpd", f"{LEVEL}=may"),
        subject="587/inet",
    ),
    Case(
        "submissions-without-wrappermode",
        "fails",
        master="submissions inet n - y - - smtpd",
        subject="submissions/inet",
    ),
    Case("submissions-without-wrappermode", "passes", master=SUBMISSIONS, found=False),
    Case("submissions-without-wrappermode", "absent", found=False),
    Case(
        "submissions-without-wrappermode",
        "overridden",
        "smtpd_tls_wrappermode = yes",
        with_option("465 inet n - y - - smtpd", "smtpd_tls_wrappermode=no"),
        subject="465/inet",
    ),
    Case("wrappermode-misplaced", "fails", "smtpd_tls_wrappermode = yes"),
    Case("wrappermode-misplaced", "passes", master=SUBMISSIONS, found=False),
    Case("wrappermode-misplaced", "absent", found=False),
    Case(
        "wrappermode-misplaced",
        "overridden",
        master=with_option("submission inet n - y - - smtpd", "smtpd_tls_wrappermode=yes"),
        subject="submission/inet",
    ),
    Case(
        "wrappermode-misplaced",
        "overridden",
        master=with_option(SMTP, "smtpd_tls_wrappermode=yes"),
        subject="smtp/inet",
        name="port-25",
    ),
    Case(
        "wrappermode-misplaced",
        "overridden",
        "smtpd_tls_wrappermode = yes",
        with_option(SMTP, "smtpd_tls_wrappermode=no"),
        found=False,
        name="mended",
    ),
    Case("submissions-missing", "fails", master=SUBMISSION, subject="master.cf"),
    Case("submissions-missing", "passes", master=f"{SUBMISSION}\n{SUBMISSIONS}", found=False),
    Case("submissions-missing", "absent", found=False),
    Case("old-tls-switch-ignored", "fails", "smtpd_enforce_tls = yes"),
    Case(
        "old-tls-switch-ignored",
        "passes",
        f"smtpd_enforce_tls = yes\n{LEVEL} = encrypt",
        found=False,
    ),
    Case("old-tls-switch-ignored", "absent", found=False),
    Case(
        "old-tls-switch-ignored",
        "passes",
        "smtpd_enforce_tls = yes",
        remove=(LEVEL,),
        found=False,
        name="no-level",
    ),
    Case(
        "old-tls-switch-ignored",
        "overridden",
        master=with_option(SMTP, "smtpd_enforce_tls=yes"),
        subject="smtp/inet",
    ),
    Case("client-certificate-not-required", "fails", "smtpd_tls_req_ccert = yes"),
    Case(
        "client-certificate-not-required",
        "passes",
        f"smtpd_tls_req_ccert = yes\n{LEVEL} = encrypt",
        found=False,
    ),
    Case("client-certificate-not-required", "absent", found=False),
    Case(
        "client-certificate-not-required",
        "overridden",
        master=with_option(SMTP, "smtpd_tls_req_ccert=yes"),
        subject="smtp/inet",
    ),
    Case("client-certificate-asked-of-strangers", "fails", "smtpd_tls_ask_ccert = yes"),
    Case(
        "client-certificate-asked-of-strangers",
        "fails",
        f"smtpd_tls_req_ccert = yes\n{LEVEL} = encrypt",
        name="required",
    ),
    Case(
        "client-certificate-asked-of-strangers",
        "passes",
        "smtpd_tls_ask_ccert = yes\nsmtpd_recipient_restrictions = permit_tls_clientcerts",
        found=False,
    ),
    Case("client-certificate-asked-of-strangers", "absent", found=False),
    Case(
        "client-certificate-asked-of-strangers",
        "overridden",
        master=with_option(SMTP, "smtpd_tls_ask_ccert=yes"),
        subject="smtp/inet",
    ),
    Case(
        "client-certificate-asked-of-strangers",
        "overridden",
        master=with_option(SUBMISSION, "smtpd_tls_ask_ccert=yes"),
        found=False,
        name="users",
    ),
    Case("default-ca-trusted", "fails", "tls_append_default_CA = yes"),
    Case("default-ca-trusted", "passes", "tls_append_default_CA = no", found=False),
    Case("default-ca-trusted", "absent", found=False),
    Case(
        "default-ca-trusted",
        "overridden",
        master=with_option(SMTP, "tls_append_default_CA=yes"),
        subject="smtp/inet",
    ),
    Case(
        "relay-for-any-certificate",
        "fails",
        "tls_append_default_CA = yes\nsmtpd_tls_ask_ccert = yes\n"
        "smtpd_relay_restrictions = permit_mynetworks, permit_tls_all_clientcerts, reject",
    ),
    Case(
        "relay-for-any-certificate",
        "passes",
        "smtpd_tls_CAfile = /etc/postfix/our-ca.pem\nsmtpd_tls_ask_ccert = yes\n"
        "smtpd_relay_restrictions = permit_mynetworks, permit_tls_all_clientcerts, reject",
        found=False,
    ),
    Case(
        "relay-for-any-certificate",
        "absent",
        "tls_append_default_CA = yes\nsmtpd_tls_ask_ccert = yes",
        remove=("smtpd_relay_restrictions",),
        found=False,
    ),
    Case(
        "relay-for-any-certificate",
        "overridden",
        "smtpd_tls_CAfile = /etc/ssl/certs/ca-certificates.crt\nsmtpd_tls_ask_ccert = yes",
        with_option(SMTP, "smtpd_relay_restrictions=permit_tls_all_clientcerts,reject"),
        subject="smtp/inet",
    ),
    Case(
        "postscreen-level-differs",
        "fails",
        "postscreen_tls_security_level = none",
        SCREENED + BEHIND,
    ),
    Case(
        "postscreen-level-differs",
        "passes",
        "postscreen_tls_security_level = may",
        SCREENED + BEHIND,
        found=False,
    ),
    Case("postscreen-level-differs", "absent", master=SCREENED + BEHIND, found=False),
    Case(
        "postscreen-level-differs",
        "overridden",
        master=with_option(
            "smtp inet n - y - 1 postscreen", "postscreen_tls_security_level=encrypt"
        )
        + "\n"
        + BEHIND,
        subject="smtp/inet",
    ),
    Case("tlsproxy-differs", "fails", "tlsproxy_tls_protocols = TLSv1.2", SCREENED + BEHIND),
    Case(
        "tlsproxy-differs",
        "passes",
        f"smtpd_tls_protocols = {FLOOR}\ntlsproxy_tls_protocols = {FLOOR}",
        SCREENED + BEHIND,
        found=False,
    ),
    Case("tlsproxy-differs", "absent", master=SCREENED + BEHIND, found=False),
    Case(
        "tlsproxy-differs",
        "overridden",
        master=SCREENED + with_option(BEHIND, f"smtpd_tls_protocols={TIGHT_FLOOR}"),
        subject="smtpd/pass",
    ),
    Case(
        "override-weaker-than-main",
        "fails",
        f"smtpd_tls_protocols = {FLOOR}",
        with_option(SMTP, "smtpd_tls_protocols=!SSLv2,!SSLv3"),
        subject="smtp/inet",
    ),
    Case(
        "override-weaker-than-main",
        "fails",
        "smtpd_tls_mandatory_ciphers = high",
        with_option(SUBMISSION, "smtpd_tls_mandatory_ciphers=medium"),
        subject="submission/inet",
        name="grade",
    ),
    Case(
        "override-weaker-than-main",
        "fails",
        f"smtpd_tls_exclude_ciphers = {EXCLUSIONS}",
        with_option(SUBMISSIONS, "smtpd_tls_exclude_ciphers=aNULL"),
        subject="submissions/inet",
        name="exclusions",
    ),
    Case(
        "override-weaker-than-main",
        "passes",
        "smtpd_tls_protocols = !SSLv2, !SSLv3",
        with_option(SMTP, f"smtpd_tls_protocols={TIGHT_FLOOR}"),
        found=False,
    ),
    Case(
        "override-weaker-than-main",
        "absent",
        f"smtpd_tls_protocols = {FLOOR}",
        SUBMISSION,
        found=False,
    ),
    Case(
        "override-weaker-than-main",
        "absent",
        master=with_option(SMTP, "smtpd_tls_protocols=!SSLv2"),
        remove=("smtpd_tls_protocols",),
        found=False,
        name="nothing-to-undo",
    ),
    Case(
        "override-weaker-than-main",
        "overridden",
        f"smtpd_tls_protocols = {FLOOR}",
        with_option(SUBMISSION, "smtpd_tls_protocols=!SSLv2,!SSLv3"),
        found=False,
        name="not-read-there",
    ),
)


def _protocols(
    rule: str,
    bad: str,
    good: str,
    *,
    found: t.Union[bool, frozenset[str]] = True,
    absent: t.Union[bool, frozenset[str]] = False,
) -> tuple[Case, ...]:
    """Return the cases of a rule about ``smtpd_tls_protocols``, where a stock host is opportunistic."""
    name = "smtpd_tls_protocols"
    tight = bad.replace(" ", "")
    return (
        Case(rule, "fails", f"{name} = {bad}", found=found),
        Case(rule, "passes", f"{name} = {good}", found=False),
        Case(rule, "absent", remove=(name,), found=absent),
        Case(
            rule,
            "overridden",
            f"{name} = {good}",
            with_option(SMTP, f"{name}={tight}"),
            found=found,
            subject="smtp/inet",
        ),
        Case(
            rule,
            "overridden",
            f"{name} = {bad}",
            with_option(SMTP, f"{name}={good.replace(' ', '')}"),
            found=False,
            name="mended",
        ),
        Case(
            rule,
            "overridden",
            f"{name} = {good}\nsmtpd_tls_mandatory_protocols = {bad}",
            SUBMISSION + f"\n  -o smtpd_tls_mandatory_protocols={good.replace(' ', '')}",
            found=False,
            name="mended-where-mandatory",
        ),
    )


def _mandatory(
    rule: str, bad: str, good: str, *, found: t.Union[bool, frozenset[str]] = True
) -> tuple[Case, ...]:
    """Return cases of ``smtpd_tls_mandatory_protocols`` where a service reads it."""
    name = "smtpd_tls_mandatory_protocols"
    fine = f"smtpd_tls_protocols = {good}\n"
    return (
        Case(rule, "fails", f"{fine}{name} = {bad}", SUBMISSION, found=found, name="mandatory"),
        Case(rule, "fails", f"{fine}{name} = {bad}", SUBMISSIONS, found=found, name="wrapper"),
        Case(
            rule,
            "overridden",
            f"{fine}{name} = {good}",
            with_option(SUBMISSION, f"{name}={bad.replace(' ', '')}"),
            found=found,
            subject="submission/inet",
            name="mandatory",
        ),
    )


_PROTOCOLS: t.Final = (
    *_protocols("protocols-need-newer-postfix", ">=TLSv1.2", FLOOR, found=OLD),
    *_mandatory("protocols-need-newer-postfix", ">=TLSv1.2", FLOOR, found=OLD),
    Case(
        "protocols-need-newer-postfix",
        "fails",
        f"smtpd_tls_protocols = {FLOOR}\nsmtpd_tls_mandatory_protocols = >=TLSv1.2",
        found=OLD,
        name="idle",
    ),
    *_protocols("protocols-unknown-name", "!SSLv2, !TLSv1.4", FLOOR),
    *_mandatory("protocols-unknown-name", "foo", FLOOR),
    Case(
        "protocols-unknown-name",
        "fails",
        f"smtpd_tls_protocols = {FLOOR}\nsmtpd_tls_mandatory_protocols = foo",
        name="idle",
    ),
    Case(
        "protocols-unknown-name",
        "passes",
        f"smtpd_tls_protocols = {FLOOR}\nsmtpd_tls_mandatory_protocols = {FLOOR}",
        found=False,
        name="idle",
    ),
    *_protocols("protocols-mixed-list", "!SSLv2, !SSLv3, TLSv1, TLSv1.1, TLSv1.2", FLOOR),
    *_mandatory("protocols-mixed-list", "TLSv1.2, TLSv1.1, !TLSv1", FLOOR),
    Case(
        "protocols-mixed-list",
        "fails",
        "smtpd_tls_protocols = >=TLSv1, TLSv1.2",
        found=NEW,
        name="limit",
    ),
    *_protocols("protocols-without-tls13", "TLSv1.2", "TLSv1.2, TLSv1.3"),
    *_mandatory("protocols-without-tls13", "!SSLv2, TLSv1.2", FLOOR),
    Case(
        "protocols-without-tls13",
        "fails",
        "smtpd_tls_protocols = >=TLSv1.2, <=TLSv1.2",
        found=NEW,
        name="limit",
    ),
    *_protocols("protocols-only-tls13", "TLSv1.3", "TLSv1.2, TLSv1.3"),
    *_mandatory("protocols-only-tls13", "!TLSv1, !TLSv1.1, !TLSv1.2", FLOOR),
    *_protocols("protocols-none-left", "!TLSv1, !TLSv1.1, !TLSv1.2, !TLSv1.3", "TLSv1.3"),
    *_mandatory("protocols-none-left", "SSLv3", "TLSv1.3"),
    *_protocols("old-tls-where-opportunistic", "!SSLv2, !SSLv3", FLOOR, absent=True),
    Case(
        "old-tls-where-opportunistic",
        "fails",
        f"smtpd_tls_mandatory_protocols = {FLOOR}",
        name="only-mandatory-set",
    ),
    Case(
        "old-tls-where-opportunistic",
        "passes",
        f"{LEVEL} = encrypt\nsmtpd_tls_protocols = !SSLv2, !SSLv3",
        found=False,
        name="not-read",
    ),
    *_mandatory("old-tls-where-mandatory", "!SSLv2, !SSLv3", FLOOR),
    Case(
        "old-tls-where-mandatory",
        "fails",
        f"{LEVEL} = encrypt\nsmtpd_tls_protocols = {FLOOR}",
        name="only-opportunistic-set",
    ),
    Case(
        "old-tls-where-mandatory",
        "passes",
        f"smtpd_tls_mandatory_protocols = {FLOOR}",
        SUBMISSION,
        found=False,
    ),
    Case(
        "old-tls-where-mandatory",
        "passes",
        "smtpd_tls_mandatory_protocols = !SSLv2, !SSLv3",
        found=False,
        name="not-read",
    ),
    Case(
        "old-tls-where-mandatory",
        "absent",
        master=SUBMISSIONS,
        remove=("smtpd_tls_mandatory_protocols",),
    ),
    *_protocols("ssl3-allowed", "!SSLv2", "!SSLv2, !SSLv3"),
    *_mandatory("ssl3-allowed", "!SSLv2", FLOOR),
    Case("ssl3-allowed", "fails", "smtpd_tls_protocols =", name="empty"),
    Case("mandatory-settings-without-effect", "fails", f"smtpd_tls_mandatory_protocols = {FLOOR}"),
    Case(
        "mandatory-settings-without-effect",
        "fails",
        "smtpd_tls_mandatory_exclude_ciphers = aNULL",
        name="exclusions",
    ),
    Case(
        "mandatory-settings-without-effect",
        "passes",
        f"smtpd_tls_mandatory_protocols = {FLOOR}\nsmtpd_tls_protocols = {FLOOR}",
        found=False,
    ),
    Case(
        "mandatory-settings-without-effect",
        "passes",
        f"smtpd_tls_mandatory_protocols = {FLOOR}",
        SUBMISSION,
        found=False,
        name="read",
    ),
    Case("mandatory-settings-without-effect", "absent", found=False),
    Case(
        "mandatory-settings-without-effect",
        "overridden",
        master=with_option(SMTP, "smtpd_tls_mandatory_ciphers=high"),
        subject="smtp/inet",
    ),
    Case(
        "opportunistic-settings-without-effect",
        "fails",
        f"{LEVEL} = encrypt\nsmtpd_tls_protocols = {FLOOR}",
    ),
    Case(
        "opportunistic-settings-without-effect",
        "passes",
        f"{LEVEL} = encrypt\nsmtpd_tls_protocols = {FLOOR}\nsmtpd_tls_mandatory_protocols = {FLOOR}",
        found=False,
    ),
    Case(
        "opportunistic-settings-without-effect",
        "passes",
        f"{LEVEL} = encrypt\nsmtpd_tls_exclude_ciphers = aNULL",
        found=False,
        name="exclusions-hold-for-both",
    ),
    Case("opportunistic-settings-without-effect", "absent", f"{LEVEL} = encrypt", found=False),
    Case(
        "opportunistic-settings-without-effect",
        "overridden",
        master=with_option(SUBMISSIONS, f"smtpd_tls_protocols={TIGHT_FLOOR}"),
        subject="submissions/inet",
    ),
)

CASES: t.Final = (*_LEVELS, *_PROTOCOLS)
