# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases for the rules of policy/rules_smtp.py."""

from __future__ import annotations

import typing as t

from case import Case

OLD: t.Final = frozenset({"bullseye", "bookworm"})
LOGIN: t.Final = "smtpd_sasl_auth_enable = yes\nsmtpd_sasl_type = dovecot\n"
TLS: t.Final = "smtpd_tls_security_level = may\n"
SCREEN: t.Final = "smtp inet n - y - 1 postscreen\n"
BEHIND: t.Final = "smtpd pass - - y - - smtpd\n"
PROXY: t.Final = "tlsproxy unix - - y - 0 tlsproxy\n"
BLOG: t.Final = "dnsblog unix - - y - 0 dnsblog\n"
SITES: t.Final = "postscreen_dnsbl_sites = list.example\n"
NAME: t.Final = "myhostname = mx.example\nmydomain = example\n"
DOMAINS: t.Final = ("virtual_alias_domains", "virtual_mailbox_domains", "relay_domains")
SIZES: t.Final = ("message_size_limit", "mailbox_size_limit", "virtual_mailbox_limit")
VIRTUAL: t.Final = (
    "virtual_mailbox_domains = shop.example\nvirtual_transport = virtual\nmailbox_size_limit = 0\n"
)


def smtpd(name: str, *overrides: str) -> str:
    """Return an entry of master.cf with these overrides."""
    return "\n".join(
        [f"{name} inet n - y - - smtpd", *(f"  -o {{ {one} }}" for one in overrides), ""]
    )


def switch(rule: str, parameter: str, *, bad: str, good: str, default: bool) -> tuple[Case, ...]:
    """Return the cases of a parameter with a bad and a good value; *default* is bad or not."""
    return (
        Case(rule, "fails", main=f"{parameter} = {bad}"),
        Case(rule, "passes", main=f"{parameter} = {good}", found=False),
        Case(rule, "absent", remove=(parameter,), found=default),
        Case(
            rule,
            "overridden",
            main=f"{parameter} = {good}",
            master=smtpd("smtp", f"{parameter} = {bad}"),
            subject="smtp/inet",
        ),
        Case(
            rule,
            "overridden",
            main=f"{parameter} = {bad}",
            master=smtpd("smtp", f"{parameter} = {good}"),
            found=False,
            name="undone",
        ),
    )


CASES: t.Final = (
    *switch("vrfy-answered", "disable_vrfy_command", bad="no", good="yes", default=True),
    *switch("helo-not-required", "smtpd_helo_required", bad="no", good="yes", default=True),
    Case("smuggling-possible", "fails", main="smtpd_forbid_bare_newline = no"),
    Case("smuggling-possible", "fails", main="smtpd_forbid_bare_newline = note", name="note"),
    Case("smuggling-possible", "passes", main="smtpd_forbid_bare_newline = normalize", found=False),
    Case(
        "smuggling-possible",
        "passes",
        main="smtpd_forbid_bare_newline = reject",
        found=False,
        name="reject",
    ),
    Case("smuggling-possible", "absent", remove=("smtpd_forbid_bare_newline",), found=OLD),
    Case(
        "smuggling-possible",
        "overridden",
        main="smtpd_forbid_bare_newline = normalize",
        master=smtpd("smtp", "smtpd_forbid_bare_newline = no"),
        subject="smtp/inet",
    ),
    Case(
        "smuggling-possible",
        "overridden",
        main="smtpd_forbid_bare_newline = no",
        master=smtpd("smtp", "smtpd_forbid_bare_newline = normalize"),
        found=False,
        name="undone",
    ),
    *switch(
        "smuggling-exclusions-wide",
        "smtpd_forbid_bare_newline_exclusions",
        bad="0.0.0.0/0",
        good="$mynetworks",
        default=False,
    ),
    Case(
        "smuggling-exclusions-wide",
        "fails",
        main="smtpd_forbid_bare_newline_exclusions = 8.0.0.0/8",
        name="a-large-network",
    ),
    Case("early-talkers-allowed", "fails", main="smtpd_forbid_unauth_pipelining = no"),
    Case(
        "early-talkers-allowed", "passes", main="smtpd_forbid_unauth_pipelining = yes", found=False
    ),
    Case(
        "early-talkers-allowed",
        "passes",
        main="smtpd_forbid_unauth_pipelining = no\n"
        "smtpd_data_restrictions = reject_unauth_pipelining",
        found=False,
        name="in-the-data-list",
    ),
    Case("early-talkers-allowed", "absent", remove=("smtpd_forbid_unauth_pipelining",), found=OLD),
    Case(
        "early-talkers-allowed",
        "overridden",
        main="smtpd_forbid_unauth_pipelining = yes",
        master=smtpd("smtp", "smtpd_forbid_unauth_pipelining = no"),
        subject="smtp/inet",
    ),
    *switch("refused-too-early", "smtpd_delay_reject", bad="no", good="yes", default=False),
    *switch(
        "starttls-hidden",
        "smtpd_discard_ehlo_keywords",
        bad="chunking, STARTTLS",
        good="chunking",
        default=False,
    ),
    Case(
        "starttls-hidden",
        "fails",
        main="smtpd_discard_ehlo_keyword_address_maps = static:starttls",
        name="by-address",
    ),
    Case(
        "starttls-hidden",
        "passes",
        main="smtpd_discard_ehlo_keywords = starttls\nsmtpd_tls_security_level = none",
        found=False,
        name="no-tls-anyway",
    ),
    Case(
        "postscreen-without-tlsproxy",
        "fails",
        main=TLS,
        master=SCREEN + BEHIND,
        subject="smtp/inet",
    ),
    Case(
        "postscreen-without-tlsproxy",
        "passes",
        main=TLS,
        master=SCREEN + BEHIND + PROXY,
        found=False,
    ),
    Case(
        "postscreen-without-tlsproxy",
        "passes",
        main="smtpd_tls_security_level = none",
        master=SCREEN + BEHIND,
        found=False,
        name="no-tls",
    ),
    Case("postscreen-without-tlsproxy", "absent", main=TLS, found=False),
    Case(
        "postscreen-without-tlsproxy",
        "overridden",
        main="smtpd_tls_security_level = none",
        master="smtp inet n - y - 1 postscreen\n  -o postscreen_tls_security_level=may\n" + BEHIND,
        subject="smtp/inet",
    ),
    Case("postscreen-without-smtpd", "fails", master=SCREEN, subject="smtp/inet"),
    Case("postscreen-without-smtpd", "passes", master=SCREEN + BEHIND, found=False),
    Case("postscreen-without-smtpd", "absent", found=False),
    Case(
        "postscreen-without-smtpd",
        "overridden",
        master="smtp inet n - y - 1 postscreen\n  -o smtpd_service_name=behind\n" + BEHIND,
        subject="smtp/inet",
    ),
    Case(
        "postscreen-without-dnsblog",
        "fails",
        main=SITES,
        master=SCREEN + BEHIND,
        subject="smtp/inet",
    ),
    Case(
        "postscreen-without-dnsblog",
        "passes",
        main=SITES,
        master=SCREEN + BEHIND + BLOG,
        found=False,
    ),
    Case(
        "postscreen-without-dnsblog",
        "absent",
        master=SCREEN + BEHIND,
        remove=("postscreen_dnsbl_sites",),
        found=False,
    ),
    Case(
        "postscreen-without-dnsblog",
        "overridden",
        master="smtp inet n - y - 1 postscreen\n  -o postscreen_dnsbl_sites=list.example\n"
        + BEHIND,
        subject="smtp/inet",
    ),
    *switch(
        "banner-shows-version",
        "smtpd_banner",
        bad="$myhostname ESMTP $mail_name ($mail_version)",
        good="$myhostname ESMTP",
        default=False,
    ),
    *switch(
        "banner-without-host-name",
        "smtpd_banner",
        bad="ESMTP ready",
        good="$myhostname ESMTP",
        default=False,
    ),
    Case(
        "banner-without-host-name",
        "fails",
        main=NAME + "smtpd_banner = other.example ESMTP",
        name="another-name",
    ),
    *switch(
        "http-clients-tolerated",
        "smtpd_forbidden_commands",
        bad="",
        good="CONNECT GET POST",
        default=False,
    ),
    *switch(
        "message-size-unlimited", "message_size_limit", bad="0", good="20480000", default=False
    ),
    Case(
        "mailbox-smaller-than-message",
        "fails",
        main="message_size_limit = 104857600\nmailbox_size_limit = 51200000",
    ),
    Case(
        "mailbox-smaller-than-message",
        "fails",
        main=VIRTUAL + "message_size_limit = 104857600",
        remove=("virtual_mailbox_limit",),
        name="virtual-default",
    ),
    Case(
        "mailbox-smaller-than-message",
        "fails",
        main="message_size_limit = 0\nmailbox_size_limit = 51200000",
        name="unlimited-message",
    ),
    Case(
        "mailbox-smaller-than-message",
        "passes",
        main="message_size_limit = 104857600\nmailbox_size_limit = 0",
        found=False,
    ),
    Case(
        "mailbox-smaller-than-message",
        "passes",
        main=VIRTUAL + "message_size_limit = 104857600\nvirtual_mailbox_limit = 0",
        found=False,
        name="virtual",
    ),
    Case("mailbox-smaller-than-message", "absent", remove=SIZES, found=False),
    *switch("soft-bounce-on", "soft_bounce", bad="yes", good="no", default=False),
    *switch("errors-unlimited", "smtpd_hard_error_limit", bad="10000", good="20", default=False),
    *switch(
        "limits-hold-for-nobody",
        "smtpd_client_event_limit_exceptions",
        bad="0.0.0.0/0 [::]/0",
        good="$mynetworks",
        default=False,
    ),
    *switch(
        "xclient-for-everybody",
        "smtpd_authorized_xclient_hosts",
        bad="0.0.0.0/0",
        good="127.0.0.0/8",
        default=False,
    ),
    *switch(
        "xforward-for-everybody",
        "smtpd_authorized_xforward_hosts",
        bad="static:all",
        good="127.0.0.0/8",
        default=False,
    ),
    *switch(
        "proxy-protocol-on-public-port",
        "smtpd_upstream_proxy_protocol",
        bad="haproxy",
        good="",
        default=False,
    ),
    Case(
        "proxy-protocol-on-public-port",
        "fails",
        main="postscreen_upstream_proxy_protocol = haproxy",
        master=SCREEN + BEHIND,
        name="postscreen",
    ),
    Case(
        "proxy-protocol-on-public-port",
        "passes",
        master=smtpd("127.0.0.1:2525", "smtpd_upstream_proxy_protocol = haproxy"),
        found=False,
        name="internal",
    ),
    Case(
        "client-names-never-looked-up",
        "fails",
        main="smtpd_peername_lookup = no\n"
        "smtpd_client_restrictions = permit_mynetworks, reject_unknown_client_hostname",
    ),
    Case(
        "client-names-never-looked-up",
        "passes",
        main="smtpd_peername_lookup = no\nsmtpd_client_restrictions = reject_rbl_client a.example",
        found=False,
    ),
    Case(
        "client-names-never-looked-up",
        "absent",
        main="smtpd_client_restrictions = reject_unknown_client_hostname",
        remove=("smtpd_peername_lookup",),
        found=False,
    ),
    Case(
        "client-names-never-looked-up",
        "overridden",
        main="smtpd_client_restrictions = reject_unknown_client_hostname",
        master=smtpd("smtp", "smtpd_peername_lookup = no"),
        subject="smtp/inet",
    ),
    *switch(
        "host-name-not-full", "myhostname", bad="localhost", good="mx.shop.example", default=False
    )[:2],
    Case("host-name-not-full", "fails", main="myhostname = mx", name="short"),
    Case("host-name-not-full", "absent", remove=("myhostname",), found=False),
    Case(
        "host-name-not-full",
        "overridden",
        main=NAME,
        master=smtpd("smtp", "myhostname = localhost.localdomain"),
        subject="smtp/inet",
    ),
    Case(
        "domain-in-two-classes",
        "fails",
        main="mydestination = localhost, shop.example\nvirtual_alias_domains = shop.example",
    ),
    Case(
        "domain-in-two-classes",
        "fails",
        main="relay_domains = shop.example\nvirtual_mailbox_domains = shop.example",
        name="relayed-and-virtual",
    ),
    Case(
        "domain-in-two-classes",
        "passes",
        main="mydestination = localhost\nvirtual_alias_domains = shop.example\n"
        "relay_domains = partner.example",
        found=False,
    ),
    Case("domain-in-two-classes", "absent", remove=DOMAINS, found=False),
)
