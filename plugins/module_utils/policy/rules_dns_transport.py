# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about TLSA, MTA-STS and TLS-RPT: whether others can insist on TLS (pure)."""

from __future__ import annotations

import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.policy.dns_view import (
    DnsView,
    dns_rule,
    each,
    hit,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.rule import Hit, Rule, Unanswered
from ansible_collections.hardened.mail.plugins.module_utils.records.mta_sts import (
    covers,
    parse_policy,
    parse_sts,
    policy_host,
    sts_name,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import RecordError, shown
from ansible_collections.hardened.mail.plugins.module_utils.records.tags import is_version
from ansible_collections.hardened.mail.plugins.module_utils.records.tls_rpt import (
    parse_tls_rpt,
    tls_rpt_name,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.tlsa import (
    TlsaRecord,
    matches_digests,
    parse_tlsa,
    tlsa_name,
    usable,
)

_DAY: t.Final = 86400
_USUAL: t.Final = "3 1 1 SHA256"


def _hosts(view: DnsView) -> tuple[str, ...]:
    """Return the MX hosts. Raises Unanswered."""
    return tuple(one.host for one in view.exchangers)


def _tlsa(view: DnsView, host: str) -> tuple[str, tuple[TlsaRecord, ...]]:
    """Return name and readable records of a host's TLSA set. Raises Unanswered."""
    name = tlsa_name(host)
    found = []
    for data in view.ask(name, "TLSA").data:
        try:
            found.append(parse_tlsa(data))
        except RecordError:
            continue
    return name, tuple(found)


# ---- TLSA ---------------------------------------------------------------------------------------


def _tlsa_missing(view: DnsView) -> t.Iterator[Hit]:
    def check(host: str) -> t.Iterator[Hit]:
        answer = view.ask(tlsa_name(host), "TLSA")
        if answer.empty and view.ask(host, "A").secure:
            yield hit(
                view,
                tlsa_name(host),
                "TLSA",
                observed="no TLSA record",
                expected=_USUAL,
                message=f"the zone of {shown(host)} is signed, but no TLSA record says which key the host has.",
                record=f"TLSA {_USUAL}",
            )

    yield from each(_hosts(view), check)


def _tlsa_unsigned(view: DnsView) -> t.Iterator[Hit]:
    def check(host: str) -> t.Iterator[Hit]:
        name = tlsa_name(host)
        answer = view.ask(name, "TLSA")
        if answer.status != "found":
            return
        for where, secure in (
            (host, answer.secure),
            (host, view.ask(host, "A").secure),
            (view.domain, view.ask(view.domain, "MX").secure),
        ):
            if secure is None:
                raise Unanswered(f"{shown(where)}: it is not known whether DNSSEC vouches for it")
            if not secure:
                yield hit(
                    view,
                    name,
                    "TLSA",
                    observed=f"{shown(where)} is not signed",
                    expected="signed zones of the domain and of its MX hosts",
                    message=f"{shown(host)} has TLSA records, but {shown(where)} is not signed with DNSSEC, so nobody looks at them.",
                )
                return

    yield from each(_hosts(view), check)


def _tlsa_syntax(view: DnsView) -> t.Iterator[Hit]:
    def check(host: str) -> t.Iterator[Hit]:
        name = tlsa_name(host)
        for data in view.ask(name, "TLSA").data:
            try:
                parse_tlsa(data)
            except RecordError as error:
                yield hit(
                    view,
                    name,
                    "TLSA",
                    observed=data,
                    expected=_USUAL,
                    message=f"a TLSA record of {shown(host)} is broken: {error}",
                    record=f"TLSA {_USUAL}",
                )

    yield from each(_hosts(view), check)


def _tlsa_usage(view: DnsView) -> t.Iterator[Hit]:
    def check(host: str) -> t.Iterator[Hit]:
        name, records = _tlsa(view, host)
        for one in records:
            if usable(one):
                continue
            yield hit(
                view,
                name,
                "TLSA",
                observed=f"{one.usage} {one.selector} {one.matching}",
                expected="3 1 1, or 2 1 1",
                message=f"a TLSA record of {shown(host)} begins {one.usage} {one.selector} {one.matching}, which senders of mail do not use.",
                record=f"TLSA {_USUAL}",
            )

    yield from each(_hosts(view), check)


def _tlsa_parameters(view: DnsView) -> t.Iterator[Hit]:
    def check(host: str) -> t.Iterator[Hit]:
        name, records = _tlsa(view, host)
        for one in records:
            if usable(one) and (one.selector == 0 or one.matching != 1):
                # A whole certificate of an authority in the record (2 0 0) has its use, RFC 7672 section 3.1.2.
                if one.usage == 2 and one.selector == 0:
                    continue
                yield hit(
                    view,
                    name,
                    "TLSA",
                    observed=f"{one.usage} {one.selector} {one.matching}",
                    expected=f"{one.usage} 1 1",
                    message=f"a TLSA record of {shown(host)} begins {one.usage} {one.selector} {one.matching}: "
                    + (
                        "it is wrong after every renewal, also with the same key."
                        if one.selector == 0
                        else "not every sender knows it."
                    ),
                    record=f"TLSA {_USUAL}",
                )

    yield from each(_hosts(view), check)


def _tlsa_mismatch(view: DnsView) -> t.Iterator[Hit]:
    def check(host: str) -> t.Iterator[Hit]:
        name, records = _tlsa(view, host)
        chains = view.served.get(host)
        if not any(usable(one) for one in records):
            return
        if chains is None:
            raise Unanswered(f"{shown(host)}: what it serves on port 25 was not asked")
        for chain in chains:
            said = [
                matches_digests(one, sha256=cert.sha256, spki_sha256=cert.spki_sha256)
                for one in records
                if usable(one)
                for cert in (chain[:1] if one.usage == 3 else chain)
            ]
            if any(said):
                continue
            if None in said:
                raise Unanswered(
                    f"{shown(host)}: a TLSA record is no SHA-256, which alone is compared"
                )
            yield hit(
                view,
                name,
                "TLSA",
                observed=", ".join(f"{one.text[:22]}..." for one in records),
                expected=f"3 1 1 {chain[0].spki_sha256}" if chain else "what the host serves",
                message=f"no TLSA record of {shown(host)} matches a key that it serves on port 25: senders with DANE send nothing.",
                record=f"TLSA 3 1 1 {chain[0].spki_sha256}" if chain else "",
            )

    yield from each(_hosts(view), check)


def _tlsa_next(view: DnsView) -> t.Iterator[Hit]:
    def check(host: str) -> t.Iterator[Hit]:
        name, records = _tlsa(view, host)
        served = max((len(view.served.get(host) or ((),)), 1))
        own = [one for one in records if usable(one)]
        if own and len(own) <= served and all(one.usage == 3 for one in own):
            yield hit(
                view,
                name,
                "TLSA",
                observed=f"{len(own)} for the current key",
                expected="one for the next key too",
                message=f"{shown(host)} has no TLSA record for its next key: the key cannot be changed at once when it has to be.",
            )

    yield from each(_hosts(view), check)


def _tlsa_ttl(view: DnsView) -> t.Iterator[Hit]:
    def check(host: str) -> t.Iterator[Hit]:
        name = tlsa_name(host)
        answer = view.ask(name, "TLSA")
        if answer.ttl > _DAY:
            yield hit(
                view,
                name,
                "TLSA",
                observed=f"TTL {answer.ttl}",
                expected="TTL 3600",
                message=f"the TLSA records of {shown(host)} are kept for {answer.ttl} seconds, and a change of keys waits twice as long.",
            )

    yield from each(_hosts(view), check)


def _tlsa_place(view: DnsView) -> t.Iterator[Hit]:
    if view.domain in _hosts(view):
        return
    name = tlsa_name(view.domain) if "_" not in view.domain else ""
    if name and view.ask(name, "TLSA").status == "found":
        yield hit(
            view,
            name,
            "TLSA",
            observed="TLSA records at the domain",
            expected="TLSA records at the MX hosts",
            message=f"TLSA records are at {view.name}, but senders look at its MX hosts: {', '.join(map(shown, _hosts(view))) or 'none'}.",
        )


# ---- MTA-STS ------------------------------------------------------------------------------------


def _sts_texts(view: DnsView) -> tuple[str, ...]:
    """Return the texts that mean to be MTA-STS records. Raises Unanswered."""
    texts = view.texts(sts_name(view.domain))
    return tuple(text for text in texts if is_version(text, "STSv1"))


def _sts_hit(view: DnsView, observed: str, expected: str, message: str, **more: t.Any) -> Hit:
    return hit(
        view,
        sts_name(view.domain),
        "TXT",
        observed=observed,
        expected=expected,
        message=message,
        **more,
    )


def _sts_missing(view: DnsView) -> t.Iterator[Hit]:
    if view.receives and not _sts_texts(view):
        yield _sts_hit(
            view,
            "no v=STSv1",
            "v=STSv1; id=...;",
            f"{view.name} has no MTA-STS: senders without DANE cannot know that they must insist on TLS.",
            setting="mta_sts: {mode: testing, host: WEB SERVER}",
        )


def _sts_syntax(view: DnsView) -> t.Iterator[Hit]:
    texts = _sts_texts(view)
    if len(texts) > 1:
        yield _sts_hit(
            view,
            f"{len(texts)} records",
            "one record",
            f"{view.name} has {len(texts)} MTA-STS records, so none of them counts.",
        )
    for text in texts:
        try:
            parse_sts(text)
        except RecordError as error:
            yield _sts_hit(
                view,
                text,
                "v=STSv1; id=20261122T120000;",
                f"the MTA-STS record of {view.name} is broken: {error}",
                setting="mta_sts: {}",
            )


def _sts_host(view: DnsView) -> t.Iterator[Hit]:
    if not _sts_texts(view):
        return
    name = policy_host(view.domain)
    if view.ask(name, "A").empty and view.ask(name, "AAAA").empty:
        yield hit(
            view,
            name,
            "A",
            observed="no address",
            expected="a web server",
            message=f"{shown(name)} has no address, so nobody can read the MTA-STS policy of {view.name}.",
            setting="mta_sts: {host: WEB SERVER}",
            record="CNAME WEB-SERVER",
        )


def _sts_policy(view: DnsView) -> t.Iterator[Hit]:
    if not _sts_texts(view):
        return
    if view.sts_failure:
        yield _sts_hit(
            view,
            view.sts_failure,
            "a policy",
            f"the MTA-STS policy of {view.name} cannot be had ({view.sts_failure}).",
        )
        return
    if view.sts_policy is None:
        raise Unanswered(f"{view.name}: the MTA-STS policy was not asked for")
    try:
        parse_policy(view.sts_policy)
    except RecordError as error:
        yield _sts_hit(
            view,
            view.sts_policy.replace("\r", "").replace("\n", " | "),
            "version, mode, mx, max_age",
            f"the MTA-STS policy of {view.name} is broken: {error}",
        )


def _sts_mode(view: DnsView) -> t.Iterator[Hit]:
    policy = view.policy
    if policy is not None and policy.mode != "enforce":
        yield _sts_hit(
            view,
            f"mode: {policy.mode}",
            "mode: enforce",
            f"the MTA-STS policy of {view.name} has the mode {policy.mode}, so senders deliver without TLS too.",
            setting="mta_sts: {mode: enforce}",
        )


def _sts_age(view: DnsView) -> t.Iterator[Hit]:
    policy = view.policy
    if policy is not None and policy.mode != "none" and policy.max_age < _DAY:
        yield _sts_hit(
            view,
            f"max_age: {policy.max_age}",
            "max_age: 1209600",
            f"senders forget the MTA-STS policy of {view.name} after {policy.max_age} seconds.",
            setting="mta_sts: {max_age: 1209600}",
        )


def _sts_mx(view: DnsView) -> t.Iterator[Hit]:
    policy = view.policy
    if policy is None or policy.mode == "none":
        return
    left_out = [shown(host) for host in _hosts(view) if not covers(policy, host)]
    if left_out:
        yield _sts_hit(
            view,
            ", ".join(policy.mx),
            ", ".join(left_out),
            f"the MTA-STS policy of {view.name} leaves out the MX hosts {', '.join(left_out)}: senders do not deliver there.",
            setting="mta_sts: {mx: [...]}",
            severity=None if policy.mode == "enforce" else "medium",
        )


def _sts_certificate(view: DnsView) -> t.Iterator[Hit]:
    policy = view.policy
    if policy is None or policy.mode == "none":
        return
    for host in _hosts(view):
        chains = view.served.get(host)
        if not chains:
            continue
        names = sorted({one for chain in chains if chain for one in chain[0].names})
        rest = shown(host).partition(".")[2]
        if not {shown(host), f"*.{rest}"} & {one.lower().rstrip(".") for one in names}:
            yield _sts_hit(
                view,
                ", ".join(names) or "no name",
                shown(host),
                f"the certificate of {shown(host)} is for {', '.join(names) or 'no name'}, so senders with MTA-STS refuse it.",
                severity=None if policy.mode == "enforce" else "medium",
            )


# ---- TLS-RPT ------------------------------------------------------------------------------------


def _rpt_missing(view: DnsView) -> t.Iterator[Hit]:
    name = tls_rpt_name(view.domain)
    if view.receives and not view.texts(name):
        yield hit(
            view,
            name,
            "TXT",
            observed="no v=TLSRPTv1",
            expected=f"v=TLSRPTv1; rua=mailto:tls@{view.name}",
            message=f"{view.name} asks nobody to report that TLS to its hosts fails.",
            setting=f"tls_rpt: [mailto:tls@{view.name}]",
            record=f'TXT "v=TLSRPTv1; rua=mailto:tls@{view.name}"',
        )


def _rpt_syntax(view: DnsView) -> t.Iterator[Hit]:
    name = tls_rpt_name(view.domain)
    texts = view.texts(name)
    problems = [f"there are {len(texts)} records"] if len(texts) > 1 else []
    for text in texts:
        try:
            parse_tls_rpt(text)
        except RecordError as error:
            problems.append(str(error))
    for problem in problems:
        yield hit(
            view,
            name,
            "TXT",
            observed=" | ".join(texts),
            expected=f"v=TLSRPTv1; rua=mailto:tls@{view.name}",
            message=f"the TLS-RPT record of {view.name} is broken: {problem}.",
            setting=f"tls_rpt: [mailto:tls@{view.name}]",
        )


RULES: t.Final[tuple[Rule[DnsView], ...]] = (
    dns_rule(
        "tlsa-missing",
        "low",
        _tlsa_missing,
        title="A signed zone has no TLSA records",
        why="Senders with DANE fall back to TLS that can be stripped.",
        source="RFC 7672 section 2.2",
        example="no TLSA record at _25._tcp.mx1.example.com in a signed zone",
    ),
    dns_rule(
        "tlsa-unsigned",
        "high",
        _tlsa_unsigned,
        title="TLSA records in a zone that is not signed",
        why="Nobody looks at them, so the host only seems to be protected.",
        source="RFC 7672 sections 2.1 and 2.2",
        example="_25._tcp.mx1.example.com. TLSA 3 1 1 ..., no DS record",
    ),
    dns_rule(
        "tlsa-syntax",
        "high",
        _tlsa_syntax,
        title="A TLSA record cannot be read",
        why="It matches nothing; alone it stops mail of senders with DANE.",
        source="RFC 6698 section 2.1",
        example="_25._tcp.mx1.example.com. TLSA 3 1 1 abcd",
    ),
    dns_rule(
        "tlsa-usage",
        "high",
        _tlsa_usage,
        title="A TLSA record has a usage that is not for mail",
        why="Senders leave out usage 0 and 1, so it protects nothing.",
        source="RFC 7672 section 3.1.3",
        example="_25._tcp.mx1.example.com. TLSA 1 1 1 ...",
    ),
    dns_rule(
        "tlsa-parameters",
        "low",
        _tlsa_parameters,
        title="A TLSA record names more than the key",
        why="A record of the certificate itself is wrong after each renewal, and then mail stops.",
        source="RFC 7671 section 5.1; RFC 7672 section 3.1",
        example="_25._tcp.mx1.example.com. TLSA 3 0 1 ...",
    ),
    dns_rule(
        "tlsa-mismatch",
        "critical",
        _tlsa_mismatch,
        title="No TLSA record matches what is served",
        why="Senders with DANE defer all mail for the domain.",
        source="RFC 7671 section 8.1; RFC 7672 section 2.2",
        example="a certificate renewed with another key",
    ),
    dns_rule(
        "tlsa-no-next",
        "info",
        _tlsa_next,
        title="There is no TLSA record for the next key",
        why="A stolen key can be replaced only after the old records have run out everywhere.",
        source="RFC 7671 section 8.1",
        example="one TLSA record only",
    ),
    dns_rule(
        "tlsa-ttl",
        "low",
        _tlsa_ttl,
        title="TLSA records are kept for long",
        why="Each change of keys waits for the old records to run out.",
        source="RFC 7671 section 8.1; RFC 7672 section 8.1",
        example="_25._tcp.mx1.example.com. 604800 TLSA 3 1 1 ...",
    ),
    dns_rule(
        "tlsa-place",
        "medium",
        _tlsa_place,
        title="TLSA records are at the domain, not at its MX host",
        why="Senders look at the MX host only.",
        source="RFC 7672 section 2.2.3",
        example="_25._tcp.example.com. TLSA 3 1 1 ... with MX 10 mx1.example.com.",
    ),
    dns_rule(
        "sts-missing",
        "low",
        _sts_missing,
        title="A domain has no MTA-STS",
        why="Who sits on the way can take TLS away from senders that know no DANE.",
        source="RFC 8461",
        example="no TXT record at _mta-sts.example.com",
    ),
    dns_rule(
        "sts-syntax",
        "high",
        _sts_syntax,
        title="An MTA-STS record cannot be read",
        why="It is as if there was none.",
        source="RFC 8461 section 3.1",
        example='_mta-sts.example.com. TXT "v=STSv1; id=2026-11-22"',
    ),
    dns_rule(
        "sts-host",
        "high",
        _sts_host,
        title="The web server of the MTA-STS policy has no address",
        why="Nobody can read the policy, so it protects nothing.",
        source="RFC 8461 section 3.3",
        example="no A or AAAA at mta-sts.example.com",
    ),
    dns_rule(
        "sts-policy",
        "high",
        _sts_policy,
        title="The MTA-STS policy cannot be read",
        why="The record promises a policy that nobody gets, so it protects nothing.",
        source="RFC 8461 sections 3.2 and 3.3",
        example="a certificate of the web server that is for another name",
    ),
    dns_rule(
        "sts-mode",
        "low",
        _sts_mode,
        title="MTA-STS does not enforce",
        why="Senders report what fails, and deliver without TLS all the same.",
        source="RFC 8461 section 5",
        example="mode: testing",
    ),
    dns_rule(
        "sts-max-age",
        "medium",
        _sts_age,
        title="The MTA-STS policy is soon forgotten",
        why="Who can stop the web server for a day can take TLS away.",
        source="RFC 8461 sections 3.2 and 10.2",
        example="max_age: 3600",
    ),
    dns_rule(
        "sts-mx",
        "critical",
        _sts_mx,
        title="The MTA-STS policy contradicts the MX records",
        why="Senders that honour it do not deliver to hosts that it leaves out.",
        source="RFC 8461 section 4.1",
        example="mx: mx1.example.com, while MX names mx2.example.com",
    ),
    dns_rule(
        "sts-certificate",
        "high",
        _sts_certificate,
        title="An MX host has a certificate that MTA-STS refuses",
        why="Senders that honour the policy do not deliver.",
        source="RFC 8461 section 4.1",
        example="a certificate for example.com at mx1.example.com",
    ),
    dns_rule(
        "tls-rpt-missing",
        "low",
        _rpt_missing,
        title="A domain asks for no reports about TLS",
        why="Nobody tells that mail could not be sent, or that somebody takes TLS away.",
        source="RFC 8460",
        example="no TXT record at _smtp._tls.example.com",
    ),
    dns_rule(
        "tls-rpt-syntax",
        "medium",
        _rpt_syntax,
        title="A TLS-RPT record cannot be read",
        why="No reports come, and nobody notices.",
        source="RFC 8460 section 3",
        example='_smtp._tls.example.com. TXT "v=TSLRPTv1; rua=mailto:tls@example.com"',
    ),
)

__all__ = ("RULES",)
