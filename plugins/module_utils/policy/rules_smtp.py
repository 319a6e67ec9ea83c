# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about the SMTP dialogue: what smtpd and postscreen tell and allow a client (pure)."""

from __future__ import annotations

import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.policy import restrictions
from ansible_collections.hardened.mail.plugins.module_utils.policy.findings import Fix, Severity
from ansible_collections.hardened.mail.plugins.module_utils.policy.networks import coverage
from ansible_collections.hardened.mail.plugins.module_utils.policy.postfix_fix import (
    hit,
    set_parameter,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.rule import Hit, Rule
from ansible_collections.hardened.mail.plugins.module_utils.policy.servers import (
    answer,
    level,
    lists,
    public,
    written,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.tls_in_force import level_of
from ansible_collections.hardened.mail.plugins.module_utils.policy.view import (
    Endpoint,
    View,
)

_AREA: t.Final = "smtp"
_Hits = t.Iterator[Hit]

#: They keep a second message from being smuggled in; ``note`` only writes a line into the log.
_NEWLINE_SAFE: t.Final = frozenset({"yes", "normalize", "reject"})
_MANY_ERRORS: t.Final = 1000
_CLIENT_NAMES: t.Final = frozenset(
    """
    reject_unknown_client reject_unknown_client_hostname reject_unknown_reverse_client_hostname
    reject_unknown_forward_client_hostname
    """.split()
)
_DEEP_TESTS: t.Final = (
    "postscreen_pipelining_enable",
    "postscreen_non_smtp_command_enable",
    "postscreen_bare_newline_enable",
)
_NO_NAMES: t.Final = frozenset({"localhost", "localhost.localdomain", "localhost.localhost"})
_CLASSES: t.Final = (
    "mydestination",
    "virtual_alias_domains",
    "virtual_mailbox_domains",
    "relay_domains",
)


def _words(value: str) -> list[str]:
    return value.replace(",", " ").lower().split()


def _is_no(endpoint: Endpoint, parameter: str) -> bool:
    return endpoint.value(parameter).strip().lower() == "no"


def _switch(
    parameter: str,
    message: str,
    *,
    bad: str,
    purposes: tuple[str, ...] = (),
) -> t.Callable[[View], _Hits]:
    """Return the check of a switch that should not be *bad*."""
    good = "no" if bad == "yes" else "yes"

    def check(view: View) -> _Hits:
        for scope in view.scopes(parameter, public(view, *purposes)):
            if scope.value.strip().lower() == bad:
                yield hit(scope, message, expected=good)

    return check


def _newline(view: View) -> _Hits:
    name = "smtpd_forbid_bare_newline"
    if not view.knows(name):
        return
    best = "normalize" if view.version.has("3.5.24 3.6.14 3.7.10 3.8.5 3.9") else "yes"
    for scope in view.scopes(name, public(view)):
        value = scope.value.strip().lower()
        if value not in _NEWLINE_SAFE:
            yield hit(
                scope,
                "{services} ends a message where other servers do not, so a stranger can hide a second "
                "message in a first one, with a forged sender that passes every check."
                if value != "note"
                else "{services} notes smuggled messages in the log and takes them.",
                expected=best,
            )


def _newline_exclusions(view: View) -> _Hits:
    name = "smtpd_forbid_bare_newline_exclusions"
    for scope in written(view, name, public(view) if view.knows(name) else ()):
        if scope.origin != "default" and scope.value != scope.endpoints[0].value("mynetworks"):
            found = coverage(scope.value)
            if found.everybody or found.wide:
                yield hit(
                    scope,
                    "{services} does not defend itself against smuggled messages from "
                    + ("anybody." if found.everybody else f"{' '.join(found.wide)}."),
                    expected="$mynetworks",
                    severity=None if found.everybody else "medium",
                )


def _pipelining(view: View) -> _Hits:
    name = "smtpd_forbid_unauth_pipelining"
    if not view.knows(name):
        return
    guilty = [
        one
        for one in public(view, "mx")
        if _is_no(one, name)
        and "reject_unauth_pipelining" not in _words(one.value("smtpd_data_restrictions"))
    ]
    for scope in view.scopes(name, guilty):
        yield hit(
            scope,
            "{services} takes mail from programs that talk without waiting for an answer, as spam "
            "programs and smuggled messages do.",
            expected="yes",
        )


def _early_refusal(view: View) -> _Hits:
    guilty = [one for one in public(view) if _is_no(one, "smtpd_delay_reject")]
    for scope in view.scopes("smtpd_delay_reject", guilty):
        blocked = [
            one
            for one in scope.endpoints
            if one.is_yes("smtpd_sasl_auth_enable")
            and answer(one, "authenticated", "foreign").verdict == "refused"
        ]
        names = ", ".join(one.subject for one in blocked)
        yield hit(
            scope,
            f"{names} looks for the login of a client before it can log in, so nobody can send."
            if blocked
            else "{services} refuses clients before they say who they are and for whom their mail is, "
            "which the log then lacks.",
            expected="yes",
            severity="high" if blocked else None,
        )


def _hides_starttls(view: View) -> _Hits:
    guilty = [one for one in public(view) if level(one) == "may" or level_of(one) == "encrypt"]
    for scope in written(view, "smtpd_discard_ehlo_keywords", guilty):
        words = scope.value.replace(",", " ").split()
        if "starttls" in _words(scope.value):
            kept = ", ".join(one for one in words if one.lower() != "starttls")
            yield hit(
                scope,
                "{services} has TLS and does not announce it: all mail comes in clear text.",
                expected=kept or None,
            )
    for scope in written(view, "smtpd_discard_ehlo_keyword_address_maps", guilty):
        if any(one.startswith("static:") and "starttls" in one for one in _words(scope.value)) or (
            "static:" in scope.value and "starttls" in scope.value.lower()
        ):
            yield hit(
                scope,
                "{services} has TLS and does not announce it: all mail comes in clear text.",
                expected=None,
            )


def _screens(view: View) -> tuple[Endpoint, ...]:
    return view.having(daemon=("postscreen",))


def _has_service(view: View, name: str, kind: str) -> bool:
    return any(one.name == name and one.type == kind for one in view.in_force)


def _part_missing(
    screen: Endpoint,
    *,
    parameter: str,
    line: str,
    message: str,
    severity: t.Optional[Severity] = None,
) -> Hit:
    return Hit(
        subject=screen.subject,
        parameter=parameter,
        observed="no such service in master.cf",
        expected=line,
        message=message,
        fix=Fix("hardened.mail.postconf: services", f"add to master.cf: {line}"),
        severity=severity,
    )


def _no_tlsproxy(view: View) -> _Hits:
    for one in _screens(view):
        tls = level_of(one, prefix="postscreen") in ("may", "encrypt")
        if not tls or _has_service(view, "tlsproxy", "unix"):
            continue
        # Without these tests only clients that are going to be refused talk to postscreen itself.
        talks = any(one.is_yes(name) for name in _DEEP_TESTS)
        yield _part_missing(
            one,
            parameter="postscreen_tls_security_level",
            line="tlsproxy unix - - y - 0 tlsproxy",
            message=f"{one.subject} announces TLS, and tlsproxy, which does it, is not there: "
            + (
                "a new client gets no TLS."
                if talks
                else "clients that are about to be refused get no TLS."
            ),
            severity=None if talks else "low",
        )


def _no_smtpd(view: View) -> _Hits:
    for one in _screens(view):
        name = one.value("smtpd_service_name").strip() or "smtpd"
        if not _has_service(view, name, "pass"):
            yield _part_missing(
                one,
                parameter="smtpd_service_name",
                line=f"{name} pass - - y - - smtpd",
                message=f"{one.subject} hands good clients on to a server that is not there, so no mail "
                "comes in.",
            )


def _no_dnsblog(view: View) -> _Hits:
    for one in _screens(view):
        name = one.value("dnsblog_service_name").strip() or "dnsblog"
        if one.value("postscreen_dnsbl_sites").strip() and not _has_service(view, name, "unix"):
            yield _part_missing(
                one,
                parameter="postscreen_dnsbl_sites",
                line=f"{name} unix - - y - 0 dnsblog",
                message=f"{one.subject} is to ask block lists, and dnsblog, which does it, is not there: "
                "nobody is asked.",
            )


def _banner_version(view: View) -> _Hits:
    version = view.value("mail_version").strip()
    for scope in written(view, "smtpd_banner", public(view)):
        if version and version in scope.value:
            yield hit(
                scope,
                f"{{services}} tells every client that this is Postfix {version}.",
                expected="$myhostname ESMTP",
            )


def _banner_name(view: View) -> _Hits:
    for scope in written(view, "smtpd_banner", public(view)):
        name = scope.endpoints[0].value("myhostname").strip().lower()
        if scope.value.lower().split()[:1] != [name]:
            yield hit(
                scope,
                f"The greeting of {{services}} does not begin with the host's name, {name}: SMTP demands "
                "that, and loops of mail are found by it.",
                expected="$myhostname ESMTP",
            )


def _no_forbidden(view: View) -> _Hits:
    for scope in written(view, "smtpd_forbidden_commands", public(view)):
        if view.knows(scope.parameter) and not scope.value.strip():
            yield hit(
                scope,
                "{services} goes on talking with clients that speak HTTP, so a web page can make a "
                "browser send mail.",
                expected=None,
            )


def _no_size_limit(view: View) -> _Hits:
    for scope in written(view, "message_size_limit", public(view)):
        if scope.value.strip() == "0":
            yield hit(
                scope,
                "{services} takes messages of any size, so one client can fill the disk.",
                expected="10240000",
            )


def _size_limits(view: View) -> _Hits:
    services = {one.command for one in view.in_force}
    message = _number(view, "message_size_limit")
    for daemon, name, used in (
        ("local", "mailbox_size_limit", bool(view.value("mydestination").strip())),
        ("virtual", "virtual_mailbox_limit", _delivers_virtual(view)),
    ):
        limit = _number(view, name)
        if daemon in services and used and limit > 0 and (message == 0 or limit < message):
            yield Hit(
                subject="main.cf",
                parameter=name,
                observed=f"{limit}, with message_size_limit = {message}",
                expected="0",
                message=f"A mailbox may be smaller than a message, so {daemon}(8) dies with every delivery "
                "and the mail stays in the queue.",
                fix=set_parameter(name, "0"),
            )


def _number(view: View, name: str) -> int:
    text = view.value(name).strip()
    return int(text) if text.isdigit() else -1


def _delivers_virtual(view: View) -> bool:
    transport = view.value("virtual_transport").partition(":")[0].strip()
    return transport == "virtual" and bool(view.value("virtual_mailbox_domains").strip())


def _soft_bounce(view: View) -> _Hits:
    for scope in written(view, "soft_bounce", public(view)):
        if scope.value.strip().lower() == "yes":
            yield hit(
                scope,
                "{services} turns every final refusal into a temporary one: senders learn of their "
                "mistake after days, and spammers come back.",
                expected="no",
            )


def _errors_free(view: View) -> _Hits:
    for scope in written(view, "smtpd_hard_error_limit", public(view)):
        text = scope.value.strip()
        if text.isdigit() and int(text) >= _MANY_ERRORS:
            yield hit(
                scope,
                f"{{services}} lets a client make {text} mistakes in one session, enough to guess "
                "addresses.",
                expected=None,
            )


def _limits_exceptions(view: View) -> _Hits:
    for scope in written(view, "smtpd_client_event_limit_exceptions", public(view)):
        if scope.origin != "default" and coverage(scope.value).everybody:
            if scope.value == scope.endpoints[0].value("mynetworks"):
                continue
            yield hit(
                scope,
                "No limit to connections, messages and login attempts holds for anybody at {services}.",
                expected=None,
            )


def _forged_addresses(view: View) -> _Hits:
    for scope in written(view, "smtpd_authorized_xclient_hosts", public(view)):
        found = coverage(scope.value)
        if found.everybody or found.wide:
            yield hit(
                scope,
                "{services} believes anybody who says with XCLIENT that he has another address, or has "
                "logged in: this is an open relay.",
                expected=None,
                severity=None if found.everybody else "high",
            )


def _forged_origins(view: View) -> _Hits:
    for scope in written(view, "smtpd_authorized_xforward_hosts", public(view)):
        found = coverage(scope.value)
        if found.everybody or found.wide:
            yield hit(
                scope,
                "{services} writes into log and headers whatever address anybody gives with XFORWARD.",
                expected=None,
            )


def _proxy_protocol(view: View) -> _Hits:
    for scope in written(view, "smtpd_upstream_proxy_protocol", public(view)):
        if scope.value.strip() and all(one.service.type == "inet" for one in scope.endpoints):
            yield _believes_proxy(scope.subject, scope.parameter, scope.value, scope.used_by)
    for scope in written(view, "postscreen_upstream_proxy_protocol", _screens(view)):
        if scope.value.strip():
            yield _believes_proxy(scope.subject, scope.parameter, scope.value, scope.used_by)


def _believes_proxy(subject: str, parameter: str, value: str, services: str) -> Hit:
    return Hit(
        subject=subject,
        parameter=parameter,
        observed=value,
        expected="a service on an address that only the proxy reaches",
        message=f"{services} believes the client address that whoever connects gives it: who gets past the "
        "proxy can pass for an address in mynetworks.",
        fix=Fix(
            "",
            "let the service listen on an internal address, or let a packet filter admit the proxy only",
        ),
    )


def _no_names(view: View) -> _Hits:
    guilty = []
    for one in public(view):
        if view.knows("smtpd_peername_lookup") and _is_no(one, "smtpd_peername_lookup"):
            found = lists(one)
            classes = dict(found.classes)
            if any(
                restrictions.uses(found.list_of(stage), _CLIENT_NAMES, classes=classes)
                for stage in restrictions.STAGES
            ):
                guilty.append(one)
    for scope in view.scopes("smtpd_peername_lookup", guilty):
        yield hit(
            scope,
            "{services} never asks for the names of clients, and refuses clients without a name: all of "
            "them.",
            expected="yes",
        )


def _host_name(view: View) -> _Hits:
    speaking = [one for one in view.endpoints if one.daemon in ("smtpd", "smtp")]
    for scope in view.scopes("myhostname", speaking):
        name = scope.value.strip().lower().rstrip(".")
        if name in _NO_NAMES or "." not in name:
            domain = scope.endpoints[0].value("mydomain").strip()
            known = "." in domain and domain not in _NO_NAMES
            better = f"mail.{domain}" if known else "NAME.DOMAIN"
            yield hit(
                scope,
                f"This host calls itself {name or 'nothing'} when it talks to other servers, and many of "
                "them refuse such a name.",
                expected=better,
                fix=None
                if known
                else Fix("", f"postconf -e 'myhostname = {better}', as in the DNS"),
                shown="the full name of this host in the DNS",
            )


def _domain_sets(view: View) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name in _CLASSES:
        if name in view.explicit or name == "mydestination":
            found[name] = {
                one for one in _words(view.value(name)) if ":" not in one and "/" not in one
            }
    return found


def _in_two_classes(view: View) -> _Hits:
    sets = _domain_sets(view)
    names = [name for name in _CLASSES if sets.get(name)]
    for index, first in enumerate(names):
        for second in names[index + 1 :]:
            if first == "mydestination" and second == "relay_domains":
                continue
            both = sorted(sets[first] & sets[second])
            if both:
                yield Hit(
                    subject="main.cf",
                    parameter=second,
                    observed=" ".join(both),
                    expected=f"each domain in one of {first} and {second}",
                    message=f"{both[0]} is in {first} and in {second}: Postfix goes by one of them, so "
                    "addresses of the other are refused or go elsewhere.",
                    fix=Fix("", f"take {both[0]} out of {first} or {second}"),
                )


RULES: t.Final[tuple[Rule, ...]] = (
    Rule(
        "vrfy-answered",
        _AREA,
        "low",
        "VRFY tells which addresses exist",
        "Spammers collect the addresses of this host's users, one question each.",
        "RFC 5321 section 7.3; postconf(5) disable_vrfy_command",
        _switch(
            "disable_vrfy_command",
            "{services} tells everybody who asks with VRFY whether an address exists.",
            bad="no",
        ),
        example="disable_vrfy_command = no",
    ),
    Rule(
        "helo-not-required",
        _AREA,
        "low",
        "Clients need not say who they are",
        "smtpd_helo_restrictions do nothing against a client that leaves HELO out.",
        "RFC 5321 section 4.1.4; postconf(5) smtpd_helo_required",
        _switch(
            "smtpd_helo_required",
            "{services} takes mail from clients that do not say HELO, which every mail server does.",
            bad="no",
        ),
        example="smtpd_helo_required = no",
    ),
    Rule(
        "smuggling-possible",
        _AREA,
        "high",
        "A message can be smuggled in inside another",
        "The smuggled message carries any sender, and passes SPF and DMARC of the server that brought it.",
        "postfix.org/smtp-smuggling.html; RFC 5321 section 2.3.8",
        _newline,
        example="smtpd_forbid_bare_newline = no",
    ),
    Rule(
        "smuggling-exclusions-wide",
        _AREA,
        "high",
        "The defence against smuggled messages has a hole",
        "From these addresses a message with any sender gets in.",
        "postfix.org/smtp-smuggling.html; postconf(5) smtpd_forbid_bare_newline_exclusions",
        _newline_exclusions,
        example="smtpd_forbid_bare_newline_exclusions = 0.0.0.0/0",
    ),
    Rule(
        "early-talkers-allowed",
        _AREA,
        "low",
        "Clients may talk before it is their turn",
        "Much spam comes from programs that do not wait, and no mail server does that.",
        "RFC 2920 section 3.1; postconf(5) smtpd_forbid_unauth_pipelining",
        _pipelining,
        example="smtpd_forbid_unauth_pipelining = no",
    ),
    Rule(
        "refused-too-early",
        _AREA,
        "low",
        "Clients are refused before they have spoken",
        "A list that waits for a login or a recipient finds none, and some clients try again for ever.",
        "postconf(5) smtpd_delay_reject",
        _early_refusal,
        example="smtpd_delay_reject = no",
    ),
    Rule(
        "starttls-hidden",
        _AREA,
        "high",
        "TLS is there and is not announced",
        "No client can use it, so mail and logins can be read on the way.",
        "RFC 3207; postconf(5) smtpd_discard_ehlo_keywords",
        _hides_starttls,
        example="smtpd_discard_ehlo_keywords = starttls",
    ),
    Rule(
        "postscreen-without-tlsproxy",
        _AREA,
        "high",
        "postscreen without tlsproxy",
        "A new client that wants TLS while it is tested gets a temporary error.",
        "POSTSCREEN_README, TLS support; tlsproxy(8)",
        _no_tlsproxy,
        example="smtp inet n - y - 1 postscreen",
    ),
    Rule(
        "postscreen-without-smtpd",
        _AREA,
        "critical",
        "postscreen without a server behind it",
        "Nobody takes over the clients that passed the tests: port 25 is dead.",
        "POSTSCREEN_README, Turning on postscreen(8)",
        _no_smtpd,
        dies=True,
        example="smtp inet n - y - 1 postscreen",
    ),
    Rule(
        "postscreen-without-dnsblog",
        _AREA,
        "medium",
        "postscreen asks block lists without dnsblog",
        "The block lists that keep most spam away do nothing.",
        "POSTSCREEN_README; dnsblog(8)",
        _no_dnsblog,
        example="postscreen_dnsbl_sites = list.example",
    ),
    Rule(
        "banner-shows-version",
        _AREA,
        "info",
        "The greeting shows the version of Postfix",
        "Who looks for hosts with a known weakness need not try.",
        "postconf(5) smtpd_banner",
        _banner_version,
        example="smtpd_banner = $myhostname ESMTP $mail_name ($mail_version)",
    ),
    Rule(
        "banner-without-host-name",
        _AREA,
        "low",
        "The greeting does not begin with the host's name",
        "Some servers do not send to a host that greets with another name.",
        "RFC 5321 section 4.2; postconf(5) smtpd_banner",
        _banner_name,
        example="smtpd_banner = ESMTP ready",
    ),
    Rule(
        "http-clients-tolerated",
        _AREA,
        "low",
        "Clients that speak HTTP are not sent away",
        "A browser or a proxy can be made to send mail from inside a trusted network.",
        "postconf(5) smtpd_forbidden_commands",
        _no_forbidden,
        example="smtpd_forbidden_commands =",
    ),
    Rule(
        "message-size-unlimited",
        _AREA,
        "low",
        "Messages of any size",
        "When the disk with the queue is full, no mail comes in at all.",
        "postconf(5) message_size_limit",
        _no_size_limit,
        example="message_size_limit = 0",
    ),
    Rule(
        "mailbox-smaller-than-message",
        _AREA,
        "high",
        "A mailbox may be smaller than a message",
        "The delivery agent refuses to run, and mail is not delivered.",
        "postconf(5) mailbox_size_limit, virtual_mailbox_limit",
        _size_limits,
        dies=True,
        example="message_size_limit = 104857600, mailbox_size_limit = 51200000",
    ),
    Rule(
        "soft-bounce-on",
        _AREA,
        "medium",
        "Nothing is refused for good",
        "It is a switch for tests: refused mail comes back for days, and nobody is told.",
        "postconf(5) soft_bounce",
        _soft_bounce,
        example="soft_bounce = yes",
    ),
    Rule(
        "errors-unlimited",
        _AREA,
        "low",
        "A client may make any number of mistakes",
        "A program that tries addresses or passwords is never sent away.",
        "postconf(5) smtpd_hard_error_limit",
        _errors_free,
        example="smtpd_hard_error_limit = 10000",
    ),
    Rule(
        "limits-hold-for-nobody",
        _AREA,
        "medium",
        "Everybody is an exception from the limits",
        "One client can take all connections, or try passwords as fast as it likes.",
        "postconf(5) smtpd_client_event_limit_exceptions",
        _limits_exceptions,
        example="smtpd_client_event_limit_exceptions = 0.0.0.0/0",
    ),
    Rule(
        "xclient-for-everybody",
        _AREA,
        "critical",
        "Anybody can claim another client address",
        "Who claims an address in mynetworks sends anywhere.",
        "XCLIENT_README; postconf(5) smtpd_authorized_xclient_hosts",
        _forged_addresses,
        example="smtpd_authorized_xclient_hosts = 0.0.0.0/0",
    ),
    Rule(
        "xforward-for-everybody",
        _AREA,
        "medium",
        "Anybody can forge the origin in the log",
        "The log and the headers no longer show where a message came from.",
        "XFORWARD_README; postconf(5) smtpd_authorized_xforward_hosts",
        _forged_origins,
        example="smtpd_authorized_xforward_hosts = 0.0.0.0/0",
    ),
    Rule(
        "proxy-protocol-on-public-port",
        _AREA,
        "high",
        "A public port believes a proxy's word about the client",
        "Who reaches the port directly says which address he has.",
        "postconf(5) smtpd_upstream_proxy_protocol, postscreen_upstream_proxy_protocol",
        _proxy_protocol,
        example="smtpd_upstream_proxy_protocol = haproxy",
    ),
    Rule(
        "client-names-never-looked-up",
        _AREA,
        "high",
        "Clients without a name are refused, and none has a name",
        "No mail from other servers comes in.",
        "postconf(5) smtpd_peername_lookup, reject_unknown_client_hostname",
        _no_names,
        example="smtpd_peername_lookup = no",
    ),
    Rule(
        "host-name-not-full",
        _AREA,
        "medium",
        "The host has no full name",
        "Mail to servers that check the name in EHLO comes back.",
        "RFC 5321 section 4.1.1.1; postconf(5) myhostname",
        _host_name,
        example="myhostname = localhost",
    ),
    Rule(
        "domain-in-two-classes",
        _AREA,
        "medium",
        "A domain is of two kinds at once",
        "Mail for one kind of its addresses is refused or lands in the wrong mailbox.",
        "ADDRESS_CLASS_README; postconf(5) mydestination",
        _in_two_classes,
        example="mydestination = example.com, virtual_alias_domains = example.com",
    ),
)

__all__ = ("RULES",)
