# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases for the rules of policy/rules_outbound.py."""

from __future__ import annotations

import typing as t

from case import Case

EVERYWHERE: t.Final = frozenset({"bullseye", "bookworm", "trixie", "sid"})
NEW: t.Final = frozenset({"trixie", "sid"})
#: From compatibility level 3.11 on the client has TLS by default.
TLS_BY_DEFAULT: t.Final = frozenset({"sid"})

LEVEL: t.Final = "smtp_tls_security_level"
DANE: t.Final = "smtp_tls_security_level = dane\nsmtp_dns_support_level = dnssec\n"
NEWEST: t.Final = "!SSLv2, !SSLv3, !TLSv1, !TLSv1.1"
LOGIN: t.Final = (
    "smtp_sasl_auth_enable = yes\n"
    "smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd\n"
    "smtp_sasl_security_options = noanonymous\n"
)
RELAY: t.Final = "relayhost = [relay.example]:587\n"
TRUST: t.Final = ("smtp_tls_CAfile", "smtp_tls_CApath")


def client(*overrides: str, names: str = "smtp") -> str:
    """Return entries of master.cf for SMTP clients with these overrides."""
    options = "".join(f"  -o {{ {one} }}\n" for one in overrides)
    return "".join(f"{name} unix - - y - - smtp\n{options}" for name in names.split())


def cases(
    rule: str,
    *,
    bad: str,
    good: str,
    given: str = "",
    found: frozenset[str] = EVERYWHERE,
    absent: frozenset[str] = frozenset(),
    worse: tuple[str, ...] = (),
) -> tuple[Case, ...]:
    """Return the cases of a rule about one parameter, ``name = value`` that is *bad* and one that is *good*.

    Absent is the parameter on Debian's own configuration with *given*. Overridden is the good value by the bad
    one in the service smtp, and the bad one by the good one in both clients. *worse* are the overrides of the
    former when they are more than the bad value.
    """
    names = tuple(line.partition(" =")[0] for line in (*bad.splitlines(), *good.splitlines()))
    return (
        Case(rule, "fails", main=given + bad, found=found),
        Case(rule, "passes", main=given + good, found=False),
        Case(rule, "absent", main=given, remove=names, found=absent),
        Case(
            rule,
            "overridden",
            main=given + good,
            master=client(*(worse or bad.splitlines())),
            found=found,
            subject="smtp/unix",
        ),
        Case(
            rule,
            "overridden",
            main=given + bad,
            master=client(*good.splitlines(), names="smtp relay"),
            found=False,
            name="undone",
        ),
    )


def switch(
    parameter: str,
    rule: str,
    *,
    bad: str = "yes",
    given: str = "",
    found: frozenset[str] = EVERYWHERE,
    absent: frozenset[str] = frozenset(),
) -> tuple[Case, ...]:
    """Return the cases of a rule about a yes-or-no parameter."""
    good = "no" if bad == "yes" else "yes"
    return cases(
        rule,
        bad=f"{parameter} = {bad}",
        good=f"{parameter} = {good}",
        given=given,
        found=found,
        absent=absent,
    )


CASES: t.Final = (
    *cases(
        "outbound-tls-off",
        bad=f"{LEVEL} = none",
        good=f"{LEVEL} = may",
        absent=EVERYWHERE - TLS_BY_DEFAULT,
    ),
    Case("outbound-tls-off", "fails", main=f"{LEVEL} =", name="empty"),
    Case(
        "outbound-tls-off",
        "passes",
        main="smtp_use_tls = yes",
        remove=(LEVEL,),
        found=False,
        name="old-switch",
    ),
    *cases(
        "outbound-tls-demanded-of-all",
        bad=f"{LEVEL} = secure",
        good=f"{LEVEL} = may",
    ),
    Case(
        "outbound-tls-demanded-of-all",
        "passes",
        main=f"{LEVEL} = encrypt\n{RELAY}",
        found=False,
        name="one-relay",
    ),
    *cases("outbound-level-unknown", bad=f"{LEVEL} = opportunistic", good=f"{LEVEL} = may"),
    *cases(
        "dane-without-dnssec",
        bad="smtp_dns_support_level = enabled",
        good="smtp_dns_support_level = dnssec",
        given=f"{LEVEL} = dane\n",
        absent=EVERYWHERE,
    ),
    Case(
        "dane-without-dnssec",
        "fails",
        main="smtp_tls_policy_maps = inline:{ { example.com = dane-only } }",
        name="policy",
    ),
    *cases(
        "dane-without-dns",
        bad="smtp_host_lookup = native",
        good="smtp_host_lookup = dns",
        given=DANE,
    ),
    *cases(
        "outbound-client-certificate",
        bad="smtp_tls_cert_file = /etc/ssl/certs/mail.pem",
        good="smtp_tls_cert_file =",
    ),
    *cases(
        "policy-allows-clear-text",
        bad="smtp_tls_policy_maps = inline:{ { example.com = none }, { example.org = may } }",
        good="smtp_tls_policy_maps = inline:{ { hardened-mail.invalid = none }, { example.com = may } }",
        worse=("smtp_tls_policy_maps = static:none",),
    ),
    *cases(
        "outbound-protocols-invalid",
        bad="smtp_tls_protocols = TLSv1.2+",
        good="smtp_tls_protocols = !SSLv2, !SSLv3",
    ),
    Case(
        "outbound-protocols-invalid",
        "fails",
        main="smtp_tls_mandatory_protocols = >=TLSv1.2",
        found=frozenset({"bullseye"}),
        name="too-new",
    ),
    *cases(
        "outbound-tls13-off",
        bad="smtp_tls_protocols = TLSv1.2",
        good="smtp_tls_protocols = !SSLv2, !SSLv3",
    ),
    *cases(
        "outbound-old-protocols-mandatory",
        bad="smtp_tls_mandatory_protocols = !SSLv2, !SSLv3",
        good=f"smtp_tls_mandatory_protocols = {NEWEST}",
        absent=EVERYWHERE,
    ),
    *cases(
        "outbound-old-protocols",
        bad="smtp_tls_protocols = !SSLv2, !SSLv3",
        good=f"smtp_tls_protocols = {NEWEST}",
        absent=EVERYWHERE,
    ),
    *cases(
        "outbound-sslv3",
        bad="smtp_tls_protocols = !SSLv2",
        good="smtp_tls_protocols = !SSLv2, !SSLv3",
    ),
    *cases(
        "outbound-grade-weak", bad="smtp_tls_ciphers = export", good="smtp_tls_ciphers = medium"
    ),
    *cases(
        "outbound-grade-unknown",
        bad="smtp_tls_mandatory_ciphers = strong",
        good="smtp_tls_mandatory_ciphers = high",
    ),
    *cases(
        "outbound-exclusions-too-wide",
        bad="smtp_tls_exclude_ciphers = aNULL, ECDSA",
        good="smtp_tls_exclude_ciphers = aNULL",
    ),
    *cases(
        "outbound-strict-ends-in-clear-text",
        bad="smtp_tls_exclude_ciphers = aNULL, kRSA, SHA1",
        good="smtp_tls_exclude_ciphers = aNULL",
    ),
    *cases(
        "outbound-trusts-no-ca",
        bad="smtp_tls_CAfile =\nsmtp_tls_CApath =",
        good="smtp_tls_CAfile = /etc/ssl/certs/ca-certificates.crt",
        given=f"{LEVEL} = secure\n",
        absent=EVERYWHERE,
    ),
    Case(
        "outbound-trusts-no-ca",
        "fails",
        main="smtp_tls_policy_maps = socketmap:inet:127.0.0.1:8461:postfix",
        remove=TRUST,
        name="mta-sts",
    ),
    *cases(
        "secure-trusts-dns-names",
        bad="smtp_tls_secure_cert_match = hostname",
        good="smtp_tls_secure_cert_match = nexthop",
    ),
    *cases("verify-trusts-dns-names", bad=f"{LEVEL} = verify", good=f"{LEVEL} = secure"),
    *cases(
        "relay-login-in-clear-text",
        bad=f"{LEVEL} = may",
        good=f"{LEVEL} = encrypt",
        given=LOGIN + RELAY,
        absent=EVERYWHERE,
    ),
    Case(
        "relay-login-in-clear-text",
        "passes",
        main="smtp_sasl_auth_enable = yes\n" + RELAY,
        found=False,
        name="noplaintext",
    ),
    *cases(
        "relay-without-demanded-tls",
        bad=f"{LEVEL} = may",
        good=f"{LEVEL} = encrypt",
        given=RELAY,
        absent=TLS_BY_DEFAULT,
    ),
    *switch(
        "smtp_sender_dependent_authentication",
        "sender-login-without-tls",
        given=LOGIN + f"{LEVEL} = may\n",
    ),
    *switch(
        "smtp_tls_wrappermode", "outbound-wrappermode-without-encrypt", given=f"{LEVEL} = may\n"
    ),
    Case(
        "outbound-wrappermode-without-encrypt",
        "passes",
        main=f"smtp_tls_wrappermode = yes\n{LEVEL} = encrypt\n{RELAY}",
        found=False,
        name="encrypt",
    ),
    *switch("smtp_tls_note_starttls_offer", "outbound-notes-starttls-offers"),
    *switch("smtp_tls_connection_reuse", "connection-reuse-without-tlsproxy"),
    Case(
        "connection-reuse-without-tlsproxy",
        "passes",
        main="smtp_tls_connection_reuse = yes",
        master="tlsproxy unix - - y - 0 tlsproxy",
        found=False,
        name="tlsproxy",
    ),
    *switch("smtp_tls_enforce_sts_mx_patterns", "mta-sts-names-not-checked", bad="no", found=NEW),
    *cases(
        "tls-reports-without-socket",
        bad="smtp_tlsrpt_enable = yes\nsmtp_tlsrpt_socket_name =",
        good="smtp_tlsrpt_enable = yes\nsmtp_tlsrpt_socket_name = run/tlsrpt.sock",
        found=NEW,
    ),
    *cases(
        "dane-ignored-for-unsigned-mx",
        bad="smtp_tls_dane_insecure_mx_policy = may",
        good="smtp_tls_dane_insecure_mx_policy = dane",
        given=DANE,
    ),
    *cases(
        "dane-digests-weak",
        bad="tls_dane_digests = sha1",
        good="tls_dane_digests = sha512 sha256",
        given=DANE,
    ),
    *cases(
        "outbound-chain-too-short",
        bad="smtp_tls_scert_verifydepth = 1",
        good="smtp_tls_scert_verifydepth = 9",
    ),
    *switch("smtp_tls_block_early_mail_reply", "outbound-waits-for-old-attack"),
    *cases(
        "fallback-relay-without-demanded-tls",
        bad="smtp_fallback_relay = [backup.example]",
        good="smtp_fallback_relay = [127.0.0.1]",
        given=f"{LEVEL} = may\n",
    ),
    Case(
        "lmtp-over-network-in-clear-text",
        "fails",
        main="virtual_transport = lmtp:inet:mailboxes.example:24",
    ),
    Case(
        "lmtp-over-network-in-clear-text",
        "passes",
        main="virtual_transport = lmtp:unix:private/dovecot-lmtp",
        found=False,
    ),
    Case("lmtp-over-network-in-clear-text", "absent", found=False),
    Case(
        "lmtp-over-network-in-clear-text",
        "overridden",
        main="virtual_transport = lmtp:inet:mailboxes.example:24\nlmtp_tls_security_level = encrypt",
        master="lmtp unix - - y - - lmtp -o lmtp_tls_security_level=may",
        subject="lmtp/unix",
    ),
    *cases(
        "outbound-ignores-starttls",
        bad="smtp_discard_ehlo_keywords = starttls",
        good="smtp_discard_ehlo_keywords = etrn",
    ),
    *switch("smtp_cname_overrides_servername", "outbound-name-from-cname"),
    *switch("smtp_tls_enable_rpk", "outbound-raw-public-keys", found=NEW),
    *cases(
        "dane-not-used",
        bad=f"{LEVEL} = may",
        good=f"{LEVEL} = dane",
        absent=TLS_BY_DEFAULT,
    ),
    *cases(
        "mta-sts-not-used",
        bad="smtp_tls_policy_maps =",
        good="smtp_tls_policy_maps = socketmap:inet:127.0.0.1:8461:postfix",
        absent=EVERYWHERE,
    ),
    *switch("smtp_tlsrpt_enable", "tls-reports-not-sent", bad="no", found=NEW, absent=NEW),
    *switch("tls_required_enable", "require-tls-ignored", bad="no", found=NEW),
)
