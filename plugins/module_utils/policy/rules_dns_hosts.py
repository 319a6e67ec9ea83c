# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about MX, addresses, PTR, SRV and CAA: where a domain's mail goes (pure)."""

from __future__ import annotations

import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.policy.dns_view import (
    DnsView,
    dns_rule,
    each,
    hit,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.rule import Hit, Rule, Unanswered
from ansible_collections.hardened.mail.plugins.module_utils.records.address import reverse_name
from ansible_collections.hardened.mail.plugins.module_utils.records.caa import (
    find_caa,
    may_issue,
    parse_caa,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.mx import NULL_MX, parse_mx
from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import (
    RecordError,
    host_of,
    shown,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.srv import (
    SERVICES,
    parse_srv,
    service_name,
)

_CLEAR: t.Final = ("imap", "pop3")
_TWO_STEPS: t.Final = {"submission": "submissions"}


def _mx_hosts(view: DnsView) -> tuple[str, ...]:
    """Return the names in the MX records. Raises Unanswered."""
    found = []
    for data in view.ask(view.domain, "MX").data:
        try:
            found.append(parse_mx(data).host)
        except RecordError:
            continue
    return tuple(host for host in found if host != ".")


# ---- DNSSEC -------------------------------------------------------------------------------------


def _bogus(view: DnsView) -> t.Iterator[Hit]:
    questions = [(view.domain, "MX"), (view.domain, "TXT"), (f"_dmarc.{view.domain}", "TXT")]
    mail = view.lookup(view.domain, "MX")
    if mail.status == "found":
        questions += [(host, type_) for host in _mx_hosts(view) for type_ in ("A", "AAAA")] + [
            (f"_25._tcp.{host}", "TLSA") for host in _mx_hosts(view)
        ]
    seen = set()
    for name, type_ in questions:
        answer = view.lookup(name, type_)
        if answer.bogus and name not in seen:
            seen.add(name)
            yield hit(
                view,
                name,
                type_,
                observed=answer.reason or "signatures that do not verify",
                expected="signatures that verify, or no DS record at the parent",
                message=f"the answers for {shown(name)} fail DNSSEC: servers that validate see nothing of it.",
            )


def _wildcard(view: DnsView) -> t.Iterator[Hit]:
    star = f"*.{view.domain}"

    def check(type_: str) -> t.Iterator[Hit]:
        answer = view.ask(star, type_)
        if answer.status == "found":
            yield hit(
                view,
                star,
                type_,
                observed=answer.data[0],
                expected=f"no {type_} record at {shown(star)}",
                message=f"a wildcard answers for every name below {view.name} with {type_} records, names such as "
                "NAME._domainkey too where nothing else is.",
            )

    yield from each(("TXT", "MX"), check)


# ---- MX and addresses ---------------------------------------------------------------------------


def _mx_missing(view: DnsView) -> t.Iterator[Hit]:
    if view.ask(view.domain, "MX").empty:
        yield hit(
            view,
            view.domain,
            "MX",
            observed="no MX record",
            expected="the mail hosts, or 0 . for none",
            message=f"{view.name} has no MX record: mail goes to its web server, or comes back after days.",
            setting="mx: [HOST]",
            record="MX 0 .",
        )


def _mx_syntax(view: DnsView) -> t.Iterator[Hit]:
    data = view.ask(view.domain, "MX").data
    for one in data:
        try:
            host = parse_mx(one).host
            if host != ".":
                host_of(host)
        except RecordError as error:
            yield hit(
                view,
                view.domain,
                "MX",
                observed=one,
                expected="10 HOST",
                message=f"an MX record of {view.name} names no host: {error}",
                setting="mx: [HOST]",
            )
    if len(data) > 1 and any(one.split()[1:] == ["."] for one in data):
        yield hit(
            view,
            view.domain,
            "MX",
            observed=", ".join(data),
            expected=f"{NULL_MX} alone, or hosts alone",
            message=f"{view.name} says that it gets no mail, and names MX hosts beside that.",
            setting="mx: [HOST]",
        )


def _mx_alias(view: DnsView) -> t.Iterator[Hit]:
    def check(host: str) -> t.Iterator[Hit]:
        aliases = view.ask(host, "A").aliases
        if aliases:
            yield hit(
                view,
                host,
                "CNAME",
                observed=aliases[0],
                expected="A and AAAA records",
                message=f"the MX host {shown(host)} of {view.name} is an alias of {shown(aliases[-1])}, which some servers refuse "
                "and which DANE looks up under the other name.",
                setting="mx: [HOST]",
                record="A ADDRESS",
            )

    yield from each(_mx_hosts(view), check)


def _mx_address(view: DnsView) -> t.Iterator[Hit]:
    def check(host: str) -> t.Iterator[Hit]:
        if view.ask(host, "A").empty and view.ask(host, "AAAA").empty:
            yield hit(
                view,
                host,
                "A",
                observed="no address",
                expected="A and AAAA records",
                message=f"the MX host {shown(host)} of {view.name} has no address.",
                record="A ADDRESS",
            )

    yield from each(_mx_hosts(view), check)


def _mx_ipv6(view: DnsView) -> t.Iterator[Hit]:
    def check(host: str) -> t.Iterator[Hit]:
        if view.ask(host, "AAAA").empty and not view.ask(host, "A").empty:
            yield hit(
                view,
                host,
                "AAAA",
                observed="no AAAA record",
                expected="an IPv6 address",
                message=f"the MX host {shown(host)} of {view.name} has no IPv6 address.",
                record="AAAA ADDRESS",
            )

    yield from each(_mx_hosts(view), check)


def _ptr(view: DnsView) -> t.Iterator[Hit]:
    def check(pair: tuple[str, str, str]) -> t.Iterator[Hit]:
        host, type_, address = pair
        name = reverse_name(address)
        names = view.ask(name, "PTR").data
        if not names:
            yield _reverse(
                view,
                name,
                host,
                f"{address} has no name",
                f"the address {address} of {shown(host)} has no PTR record",
            )
            return
        leading_back = [one for one in names if address in view.ask(one, type_).data]
        if not leading_back:
            yield _reverse(
                view,
                name,
                host,
                ", ".join(names),
                f"the address {address} of {shown(host)} is called {shown(names[0])}, which has not that address",
            )
        elif host not in names:
            yield _reverse(
                view,
                name,
                host,
                ", ".join(names),
                f"the address {address} of {shown(host)} is called {shown(names[0])}",
                severity="low",
            )

    pairs = [
        (host, type_, address)
        for host in _mx_hosts(view)
        for type_ in ("A", "AAAA")
        for address in view.lookup(host, type_).data
    ]
    yield from each(pairs, check)


def _reverse(
    view: DnsView, name: str, host: str, observed: str, message: str, **more: t.Any
) -> Hit:
    return hit(
        view,
        name,
        "PTR",
        observed=observed,
        expected=host,
        message=f"{message}: who owns the address sets it to {shown(host)}.",
        record=f"PTR {host}",
        **more,
    )


# ---- SRV ----------------------------------------------------------------------------------------


def _services(view: DnsView) -> t.Iterator[tuple[str, str, str]]:
    """Yield service, name and data of each SRV record. Raises Unanswered at the end."""
    lacking: t.Optional[Unanswered] = None
    for service in SERVICES:
        name = service_name(service, view.domain)
        try:
            for data in view.ask(name, "SRV").data:
                yield service, name, data
        except Unanswered as problem:
            lacking = lacking or problem
    if lacking is not None:
        raise lacking


def _srv_target(view: DnsView) -> t.Iterator[Hit]:
    def check(found: tuple[str, str, str]) -> t.Iterator[Hit]:
        service, name, data = found
        try:
            server = parse_srv(data)
            host = server.host if server.host == "." else host_of(server.host)
        except RecordError as error:
            yield _srv_hit(view, name, data, f"the SRV record of {service} is broken: {error}")
            return
        if host == ".":
            return
        answer = view.ask(host, "A")
        if answer.aliases:
            yield _srv_hit(
                view,
                name,
                data,
                f"the SRV record of {service} names {shown(host)}, which is an alias",
            )
        elif answer.empty and view.ask(host, "AAAA").empty:
            yield _srv_hit(
                view,
                name,
                data,
                f"the SRV record of {service} names {shown(host)}, which has no address",
            )

    yield from each(_services(view), check)


def _srv_hit(view: DnsView, name: str, data: str, message: str) -> Hit:
    return hit(
        view,
        name,
        "SRV",
        observed=data,
        expected="0 1 PORT HOST",
        message=message + ".",
        setting="srv: {SERVICE: HOST}",
    )


def _srv_clear(view: DnsView) -> t.Iterator[Hit]:
    for service, name, data in _services(view):
        if service in _CLEAR and data.split()[-1] != ".":
            yield hit(
                view,
                name,
                "SRV",
                observed=data,
                expected="0 0 0 .",
                message=f"{view.name} sends mail programs to {service}, where TLS begins only when they ask for it.",
                setting=f"srv: {{{service}s: HOST}}",
                record="SRV 0 0 0 .",
            )


def _srv_submissions(view: DnsView) -> t.Iterator[Hit]:
    offered = {service for service, _name, data in _services(view) if data.split()[-1] != "."}
    for weaker, better in _TWO_STEPS.items():
        if weaker in offered and better not in offered:
            yield hit(
                view,
                service_name(better, view.domain),
                "SRV",
                observed="not offered",
                expected=f"0 1 {SERVICES[better]} HOST",
                message=f"{view.name} offers {weaker} and not {better}, which has TLS from the start.",
                setting=f"srv: {{{better}: HOST}}",
            )


def _srv_certificate(view: DnsView) -> t.Iterator[Hit]:
    for service, name, data in _services(view):
        host = data.split()[-1]
        chains = view.served.get(host)
        if not chains:
            continue
        names = {one for chain in chains if chain for one in chain[0].names}
        if not _named(shown(host), names):
            yield hit(
                view,
                name,
                "SRV",
                observed=", ".join(sorted(names)) or "no name",
                expected=shown(host),
                message=f"the SRV record of {service} sends mail programs to {shown(host)}, whose certificate is for {', '.join(sorted(names)) or 'no name'}.",
            )


def _named(host: str, names: t.Iterable[str]) -> bool:
    rest = host.partition(".")[2]
    return any(one.lower().rstrip(".") in (host, f"*.{rest}") for one in names)


# ---- CAA ----------------------------------------------------------------------------------------


def _caa_missing(view: DnsView) -> t.Iterator[Hit]:
    def check(host: str) -> t.Iterator[Hit]:
        _place, answer = find_caa(host, view.lookup)
        if not answer.known:
            raise Unanswered(f"{shown(host)} CAA: {answer.reason or answer.status}")
        if answer.empty:
            yield hit(
                view,
                host,
                "CAA",
                observed="no CAA record",
                expected='0 issue "AUTHORITY"',
                message=f"no CAA record says who may issue certificates for {shown(host)}.",
                setting="caa: {issue: [AUTHORITY]}",
                record='CAA 0 issue "AUTHORITY"',
            )

    yield from each(dict.fromkeys((*_mx_hosts(view), view.domain)), check)


def _caa_syntax(view: DnsView) -> t.Iterator[Hit]:
    for data in view.ask(view.domain, "CAA").data:
        try:
            parse_caa(data)
        except RecordError as error:
            yield hit(
                view,
                view.domain,
                "CAA",
                observed=data,
                expected='0 issue "AUTHORITY"',
                message=f"a CAA record of {view.name} is broken: {error}",
            )


def _caa_authority(view: DnsView) -> t.Iterator[Hit]:
    def check(host: str) -> t.Iterator[Hit]:
        place, answer = find_caa(host, view.lookup)
        if not answer.known:
            raise Unanswered(f"{shown(host)} CAA: {answer.reason or answer.status}")
        records = []
        for data in answer.data:
            try:
                records.append(parse_caa(data))
            except RecordError:
                continue
        if not may_issue(view.authority, records):
            allowed = ", ".join(one.authority or "nobody" for one in records if one.tag == "issue")
            yield hit(
                view,
                place,
                "CAA",
                observed=allowed,
                expected=view.authority,
                message=f"{view.authority} may not issue a certificate for {shown(host)}: CAA allows {allowed}. The next renewal fails.",
                setting=f"caa: {{issue: [{view.authority}]}}",
                record=f'CAA 0 issue "{view.authority}"',
            )

    if view.authority:
        yield from each(_mx_hosts(view), check)


RULES: t.Final[tuple[Rule[DnsView], ...]] = (
    dns_rule(
        "bogus",
        "critical",
        _bogus,
        title="Answers fail DNSSEC",
        why="Servers that validate get no answer at all, so mail waits and comes back.",
        source="RFC 4033 section 5; RFC 7672 section 2.1",
        example="signatures that have expired",
    ),
    dns_rule(
        "wildcard",
        "low",
        _wildcard,
        title="A wildcard answers for mail",
        why="Names that nobody made have records, so forgers find subdomains that seem to exist.",
        source="RFC 4592; RFC 7208 section 3.5",
        example='*.example.com. TXT "v=spf1 mx -all"',
    ),
    dns_rule(
        "mx-missing",
        "medium",
        _mx_missing,
        title="A domain has no MX record",
        why="Senders try the address of the domain itself, for days.",
        source="RFC 5321 section 5.1; RFC 7505",
        example="no MX record at example.com",
    ),
    dns_rule(
        "mx-syntax",
        "high",
        _mx_syntax,
        title="An MX record names no host",
        why="Senders cannot deliver to it.",
        source="RFC 5321 section 5.1; RFC 7505 section 3",
        example="example.com. MX 10 192.0.2.25",
    ),
    dns_rule(
        "mx-alias",
        "high",
        _mx_alias,
        title="An MX host is an alias",
        why="It is forbidden, some senders refuse it, and certificates and TLSA records are looked for under another name.",
        source="RFC 5321 section 5.1; RFC 2181 section 10.3; RFC 7672 section 2.2.2",
        example="example.com. MX 10 mail.example.com.\nmail.example.com. CNAME host.example.net.",
    ),
    dns_rule(
        "mx-address",
        "high",
        _mx_address,
        title="An MX host has no address",
        why="Mail waits for hours before it goes to another one, or comes back.",
        source="RFC 5321 section 5.1",
        example="neither A nor AAAA at mx1.example.com",
    ),
    dns_rule(
        "mx-no-ipv6",
        "info",
        _mx_ipv6,
        title="An MX host has no IPv6 address",
        why="Senders that have IPv6 only cannot deliver.",
        source="RFC 3974",
        example="no AAAA at mx1.example.com",
    ),
    dns_rule(
        "ptr",
        "medium",
        _ptr,
        title="The name of an address is not that of the host",
        why="Large receivers refuse mail from addresses whose name does not lead back to them.",
        source="RFC 1912 section 2.1; RFC 8601 section 2.7.3",
        example="25.2.0.192.in-addr.arpa. PTR pool-25.provider.example.",
    ),
    dns_rule(
        "srv-target",
        "medium",
        _srv_target,
        title="An SRV record names no server",
        why="Mail programs that look for their server do not find it.",
        source="RFC 2782; RFC 6186 section 3",
        example="_imaps._tcp.example.com. SRV 0 1 993 alias.example.com.",
    ),
    dns_rule(
        "srv-clear-text",
        "low",
        _srv_clear,
        title="Mail programs are sent to a port without TLS from the start",
        why="Who sits on the way can take STARTTLS away from programs that do not insist on it.",
        source="RFC 8314 sections 3.3 and 5.1",
        example="_imap._tcp.example.com. SRV 0 1 143 mail.example.com.",
    ),
    dns_rule(
        "srv-submissions",
        "low",
        _srv_submissions,
        title="Mail programs do not learn of port 465",
        why="TLS from the start is preferred, since it cannot be taken away.",
        source="RFC 8314 sections 3.3 and 5.1",
        example="_submission._tcp without _submissions._tcp",
    ),
    dns_rule(
        "srv-certificate",
        "medium",
        _srv_certificate,
        title="An SRV record leads to a certificate for another name",
        why="Mail programs warn people, who learn to click warnings away.",
        source="RFC 6186 section 6; RFC 7817 section 3",
        example="_imaps._tcp.example.com. SRV 0 1 993 mail.example.com., a certificate for mx1.example.com",
    ),
    dns_rule(
        "caa-missing",
        "info",
        _caa_missing,
        title="There is no CAA record",
        why="Every authority in the world may issue a certificate for the mail host.",
        source="RFC 8659",
        example="no CAA record at mx1.example.com nor above",
    ),
    dns_rule(
        "caa-syntax",
        "medium",
        _caa_syntax,
        title="A CAA record cannot be read",
        why="Authorities refuse to issue, or the wrong ones do not.",
        source="RFC 8659 section 4",
        example='example.com. CAA 0 issue "ca example"',
    ),
    dns_rule(
        "caa-authority",
        "high",
        _caa_authority,
        title="CAA forbids the authority in use",
        why="The next renewal fails, and the certificate expires.",
        source="RFC 8659 section 4.2",
        example='example.com. CAA 0 issue "other.example"',
    ),
)

__all__ = ("RULES",)
