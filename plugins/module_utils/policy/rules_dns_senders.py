# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about SPF, DKIM and DMARC: who may send in the name of a domain (pure)."""

from __future__ import annotations

import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.policy.dns_view import (
    DnsView,
    dns_rule,
    each,
    hit,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.rule import Hit, Rule, Unanswered
from ansible_collections.hardened.mail.plugins.module_utils.records.dkim import (
    GOOD_RSA_BITS,
    KEY_TYPES,
    LEAST_RSA_BITS,
    MOST_RSA_BITS,
    DkimRecord,
    dkim_name,
    parse_dkim,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.dmarc import (
    POLICIES,
    DmarcRecord,
    authorization_name,
    dmarc_name,
    external_targets,
    parse_dmarc,
    walk,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import (
    RecordError,
    name_of,
    shown,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.spf import (
    SpfRecord,
    parse_spf,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.spf_tree import (
    MOST_LOOKUPS,
    MOST_VOIDS,
    open_to,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.tags import (
    is_version,
    report_domain,
    report_uri,
)

_LONG_SPF: t.Final = 450

# ---- SPF ----------------------------------------------------------------------------------------


def _spf(view: DnsView) -> t.Optional[SpfRecord]:
    """Return the one record that can be read. Raises Unanswered."""
    _texts = view.spf_texts
    return view.spf_record


def _spf_hit(view: DnsView, observed: str, expected: str, message: str, **more: t.Any) -> Hit:
    return hit(
        view, view.domain, "TXT", observed=observed, expected=expected, message=message, **more
    )


def _spf_missing(view: DnsView) -> t.Iterator[Hit]:
    if view.spf_texts:
        return
    text = "v=spf1 mx -all" if view.receives else "v=spf1 -all"
    yield _spf_hit(
        view,
        "no v=spf1",
        text,
        f"{view.name} has no SPF record, so everybody may send in its name.",
        setting="spf: {}",
        record=f'TXT "{text}"',
    )


def _spf_several(view: DnsView) -> t.Iterator[Hit]:
    texts = view.spf_texts
    if len(texts) > 1:
        yield _spf_hit(
            view,
            f"{len(texts)} records",
            "one record",
            f"{view.name} has {len(texts)} SPF records, so none of them counts: put their terms into one.",
            setting="spf: {terms: [...]}",
        )


def _spf_syntax(view: DnsView) -> t.Iterator[Hit]:
    for text in view.spf_texts:
        try:
            parse_spf(text)
        except RecordError as error:
            yield _spf_hit(
                view,
                text,
                "a record that can be read",
                f"the SPF record of {view.name} is broken: {error}",
            )


def _spf_pass_all(view: DnsView) -> t.Iterator[Hit]:
    if _spf(view) is None:
        return
    found = open_to(view.spf)
    if not found:
        _spf_unknown(view)
        return
    terms = " ".join(dict.fromkeys(term for terms in found.values() for term in terms))
    alone = terms == "all"
    who = (
        "the whole world" if len(found) > 1 else f"every second {', '.join(found)} address or more"
    )
    yield _spf_hit(
        view,
        "+all" if alone else terms,
        "-all",
        f"the SPF record of {view.name} lets {who} send in its name ({'+all' if alone else terms}).",
        setting="spf: {all: -all}" if alone else "spf: {terms: [...]}",
    )


def _spf_no_all(view: DnsView) -> t.Iterator[Hit]:
    record = _spf(view)
    if record is None or view.spf.end in ("+", "-", "~"):
        return
    if view.spf.end is None:
        _spf_unknown(view)
        return
    way = f"redirect={record.redirect}: " if record.redirect and not record.default else ""
    yield _spf_hit(
        view,
        f"{way}{'?all' if view.spf.end else 'no all'}",
        "-all",
        f"the SPF record of {view.name} says nothing about all other servers.",
        setting="spf: {all: -all}",
    )


def _spf_softfail(view: DnsView) -> t.Iterator[Hit]:
    record = _spf(view)
    if record is None or view.spf.end != "~":
        if record is not None and view.spf.end is None:
            _spf_unknown(view)
        return
    enforced = view.dmarc.record is not None and view.dmarc.record.p != "none"
    yield _spf_hit(
        view,
        "~all",
        "-all",
        f"the SPF record of {view.name} only suspects other servers (~all).",
        setting="spf: {all: -all}",
        severity="info" if enforced else None,
    )


def _spf_ptr(view: DnsView) -> t.Iterator[Hit]:
    for node in view.spf.walk():
        if any(word.lstrip("+-~?").split(":")[0].lower() == "ptr" for word in node.text.split()):
            yield _spf_hit(
                view,
                f"ptr at {shown(node.domain)}",
                "ip4, ip6, a or mx",
                f"the SPF record of {shown(node.domain)} uses ptr, which is slow and which many receivers leave out.",
            )


def _spf_after_all(view: DnsView) -> t.Iterator[Hit]:
    record = _spf(view)
    if record is None or not record.default:
        return
    names = [one.name for one in record.terms]
    after = [one.text for one in record.terms[names.index("all") + 1 :]]
    after += [f"redirect={record.redirect}"] if record.redirect else []
    if after:
        yield _spf_hit(
            view,
            " ".join(after),
            "all at the end",
            f"the SPF record of {view.name} has {' '.join(after)} after all, where nobody reads it.",
        )


def _spf_unknown(view: DnsView, *, with_addresses: bool = False) -> None:
    """Raise Unanswered when a part of the tree could not be seen."""
    lacking = [
        one
        for node in view.spf.walk()
        for one in (*node.unknown, *(node.addresses_unknown if with_addresses else ()))
    ]
    if lacking:
        raise Unanswered(lacking[0])


def _spf_lookups(view: DnsView) -> t.Iterator[Hit]:
    found = view.spf.lookups
    if found > MOST_LOOKUPS:
        yield _spf_hit(
            view,
            f"{found} lookups",
            f"{MOST_LOOKUPS} at most",
            f"the SPF record of {view.name} costs {found} lookups with all that it includes: receivers stop at {MOST_LOOKUPS} and take it for broken. "
            "Put addresses in place of includes, or leave out those that are not used.",
            setting="spf: {terms: [...]}",
        )
    else:
        _spf_unknown(view)


def _spf_voids(view: DnsView) -> t.Iterator[Hit]:
    found = view.spf.voids
    if found > MOST_VOIDS:
        yield _spf_hit(
            view,
            f"{found} lookups without an answer",
            f"{MOST_VOIDS} at most",
            f"the SPF record of {view.name} asks for {found} names that have nothing: receivers stop at {MOST_VOIDS}.",
        )
    else:
        _spf_unknown(view, with_addresses=True)


def _spf_include(view: DnsView) -> t.Iterator[Hit]:
    for node in view.spf.walk():
        if node is not view.spf and node.problem:
            yield _spf_hit(
                view,
                node.term,
                "a domain with one SPF record",
                f"the SPF record of {view.name} leads to one that does not count ({node.term}): {node.problem}.",
            )
    if view.spf.text and view.spf.problem:
        yield _spf_hit(
            view,
            view.spf.text,
            "terms that can be followed",
            f"the SPF record of {view.name} does not count: {view.spf.problem}.",
        )
    _spf_unknown(view)


def _spf_long(view: DnsView) -> t.Iterator[Hit]:
    for text in view.spf_texts:
        if len(text) > _LONG_SPF:
            yield _spf_hit(
                view,
                f"{len(text)} octets",
                f"{_LONG_SPF} at most",
                f"the SPF record of {view.name} is so long that the answer may not fit into one packet.",
            )


def _spf_helo(view: DnsView) -> t.Iterator[Hit]:
    def check(host: str) -> t.Iterator[Hit]:
        if host != view.domain and not any(
            text.lower().startswith("v=spf1") for text in view.texts(host)
        ):
            yield hit(
                view,
                host,
                "TXT",
                observed="no v=spf1",
                expected="v=spf1 a -all",
                message=f"{shown(host)}, an MX host of {view.name}, has no SPF record for the name that it says in HELO.",
                record='TXT "v=spf1 a -all"',
            )

    yield from each([one.host for one in view.exchangers], check)


# ---- DKIM ---------------------------------------------------------------------------------------


def _keys(view: DnsView) -> t.Iterator[tuple[str, DkimRecord]]:
    """Yield name and record of each selector that can be read. Raises Unanswered at the end."""
    found, lacking = view.dkim
    yield from found
    if lacking is not None:
        raise Unanswered(lacking)


def _verifies(record: DkimRecord) -> bool:
    """Return whether verifiers know what to do with the key."""
    return not record.revoked and record.key_type in KEY_TYPES


def _dkim_missing(view: DnsView) -> t.Iterator[Hit]:
    if not view.selectors:
        if view.receives:
            raise Unanswered(f"{view.name}: no DKIM selector was given")
        return

    def check(selector: str) -> t.Iterator[Hit]:
        name = dkim_name(selector, view.domain)
        if not view.texts(name):
            yield hit(
                view,
                name,
                "TXT",
                observed="no record",
                expected="v=DKIM1; k=rsa; p=...",
                message=f"the DKIM selector {selector} of {view.name} has no record, so what is signed with it does not verify.",
                setting=f"dkim: [{{selector: {selector}, public_key: PEM}}]",
            )

    yield from each(view.selectors, check)


def _dkim_several(view: DnsView) -> t.Iterator[Hit]:
    def check(selector: str) -> t.Iterator[Hit]:
        name = dkim_name(selector, view.domain)
        texts = view.texts(name)
        if len(texts) > 1:
            yield hit(
                view,
                name,
                "TXT",
                observed=f"{len(texts)} records",
                expected="one record",
                message=f"the DKIM selector {selector} of {view.name} has {len(texts)} records: which one counts is chance.",
            )

    yield from each(view.selectors, check)


def _dkim_syntax(view: DnsView) -> t.Iterator[Hit]:
    def check(selector: str) -> t.Iterator[Hit]:
        name = dkim_name(selector, view.domain)
        for text in view.texts(name):
            try:
                record = parse_dkim(text)
                if not record.revoked:
                    _key = record.public_key
            except RecordError as error:
                yield hit(
                    view,
                    name,
                    "TXT",
                    observed=text,
                    expected="v=DKIM1; k=rsa; p=...",
                    message=f"the DKIM record of the selector {selector} of {view.name} is broken: {error}",
                    setting=f"dkim: [{{selector: {selector}, public_key: PEM}}]",
                )

    yield from each(view.selectors, check)


def _dkim_size(view: DnsView) -> t.Iterator[Hit]:
    for name, record in _keys(view):
        try:
            key = None if record.revoked else record.public_key
        except RecordError:
            continue
        if key is None or key.algorithm != "rsa" or GOOD_RSA_BITS <= key.bits <= MOST_RSA_BITS:
            continue
        short = key.bits < GOOD_RSA_BITS
        yield hit(
            view,
            name,
            "TXT",
            observed=f"{key.bits} bits",
            expected=f"{GOOD_RSA_BITS} to {MOST_RSA_BITS} bits",
            message=f"the DKIM key at {shown(name)} has {key.bits} bits: make a new one of 2048 under a new selector.",
            severity="high" if short and key.bits < LEAST_RSA_BITS else None,
        )


def _dkim_testing(view: DnsView) -> t.Iterator[Hit]:
    for name, record in _keys(view):
        if record.testing:
            yield hit(
                view,
                name,
                "TXT",
                observed="t=y",
                expected="no t=y",
                message=f"the DKIM record at {shown(name)} says that it is only being tested (t=y), so a wrong signature counts like none.",
                setting="dkim: [{testing: false}]",
            )


def _dkim_hash(view: DnsView) -> t.Iterator[Hit]:
    for name, record in _keys(view):
        if record.hashes and "sha256" not in record.hashes:
            yield hit(
                view,
                name,
                "TXT",
                observed=f"h={':'.join(record.hashes)}",
                expected="h=sha256",
                message=f"the DKIM record at {shown(name)} forbids signatures with SHA-256, and others do not count any more.",
            )


def _dkim_services(view: DnsView) -> t.Iterator[Hit]:
    for name, record in _keys(view):
        if record.services and "email" not in record.services:
            yield hit(
                view,
                name,
                "TXT",
                observed=f"s={':'.join(record.services)}",
                expected="no s=, or s=email",
                message=f"the key at {shown(name)} is not for mail (s={':'.join(record.services)}).",
            )


def _dkim_revoked(view: DnsView) -> t.Iterator[Hit]:
    for name, record in _keys(view):
        if record.revoked:
            yield hit(
                view,
                name,
                "TXT",
                observed="p= is empty",
                expected="a key, or no signatures with this selector",
                message=f"the DKIM key at {shown(name)} is revoked: nothing may be signed with it any more.",
            )


def _dkim_only_ed25519(view: DnsView) -> t.Iterator[Hit]:
    kinds = {record.key_type for _name, record in _keys(view) if _verifies(record)}
    if kinds == {"ed25519"}:
        name = dkim_name(view.selectors[0], view.domain)
        yield hit(
            view,
            name,
            "TXT",
            observed="Ed25519 keys only",
            expected="an RSA key too",
            message=f"{view.name} signs with Ed25519 only, which many receivers cannot verify: sign with an RSA key too.",
            setting="dkim: [{selector: ANOTHER, public_key: PEM}]",
        )


# ---- DMARC --------------------------------------------------------------------------------------


def _own(view: DnsView) -> tuple[str, ...]:
    """Return the DMARC texts at the domain itself. Raises Unanswered."""
    texts = view.texts(dmarc_name(view.domain))
    return tuple(text for text in texts if is_version(text, "DMARC1"))


def _record(view: DnsView) -> tuple[str, DmarcRecord]:
    """Return name and record that count for the domain. Raises Unanswered, and when there is none."""
    if view.dmarc.record is None:
        raise Unanswered(
            view.dmarc.unknown[0]
            if view.dmarc.unknown
            else f"{view.name}: there is no DMARC record that can be read"
        )
    return dmarc_name(view.dmarc.at), view.dmarc.record


def _with_record(
    check: t.Callable[[DnsView, str, DmarcRecord], t.Iterable[Hit]],
) -> t.Callable[[DnsView], t.Iterator[Hit]]:
    """Return a check that finds nothing where there is no record, which another rule says."""

    def checked(view: DnsView) -> t.Iterator[Hit]:
        if view.dmarc.record is None and not view.dmarc.unknown:
            return
        name, record = _record(view)
        yield from check(view, name, record)

    return checked


def _dmarc_missing(view: DnsView) -> t.Iterator[Hit]:
    own = (view.domain, view.dmarc.organizational)
    if any(place in own for place, _texts in view.dmarc.records):
        return
    if view.dmarc.unknown:
        raise Unanswered(view.dmarc.unknown[0])
    policy = "none" if view.receives else "reject"
    yield hit(
        view,
        dmarc_name(view.domain),
        "TXT",
        observed="no v=DMARC1",
        expected="one record",
        message=f"{view.name} has no DMARC record: receivers do not know what to do with forged mail, and nobody reports it.",
        setting=f"dmarc: {{p: {policy}, rua: [mailto:dmarc@{view.name}]}}",
        record=f'TXT "v=DMARC1; p={policy}; rua=mailto:dmarc@{view.name}"',
    )


def _dmarc_several(view: DnsView) -> t.Iterator[Hit]:
    texts = _own(view)
    if len(texts) > 1:
        yield hit(
            view,
            dmarc_name(view.domain),
            "TXT",
            observed=f"{len(texts)} records",
            expected="one record",
            message=f"{view.name} has {len(texts)} DMARC records, so none of them counts.",
        )


def _dmarc_syntax(view: DnsView) -> t.Iterator[Hit]:
    for text in _own(view):
        try:
            parse_dmarc(text)
        except RecordError as error:
            yield hit(
                view,
                dmarc_name(view.domain),
                "TXT",
                observed=text,
                expected="v=DMARC1; p=reject",
                message=f"the DMARC record of {view.name} is broken: {error}",
                setting="dmarc: {p: reject}",
            )


def _dmarc_apex(view: DnsView) -> t.Iterator[Hit]:
    if any(is_version(text, "DMARC1") for text in view.texts(view.domain)):
        yield hit(
            view,
            view.domain,
            "TXT",
            observed="v=DMARC1 at the domain itself",
            expected=f"the record at _dmarc.{view.name}",
            message=f"a DMARC record is at {view.name} itself, where nobody looks for it.",
        )


def _dmarc_none(view: DnsView, name: str, record: DmarcRecord) -> t.Iterator[Hit]:
    if record.p == "none":
        yield hit(
            view,
            name,
            "TXT",
            observed="p=none",
            expected="p=quarantine, then p=reject",
            message=f"the DMARC policy for {view.name} is none: forged mail is delivered. Read the reports, then raise it.",
            setting="dmarc: {p: quarantine}",
        )


def _dmarc_testing(view: DnsView, name: str, record: DmarcRecord) -> t.Iterator[Hit]:
    if record.t == "y" and record.p != "none":
        lower = POLICIES[POLICIES.index(record.p) - 1]
        yield hit(
            view,
            name,
            "TXT",
            observed="t=y",
            expected="no t=y",
            message=f"the DMARC policy {record.p} for {view.name} is only being tested (t=y): receivers treat it as {lower}.",
            setting="dmarc: {t: n}",
        )


def _dmarc_weaker(view: DnsView, name: str, record: DmarcRecord) -> t.Iterator[Hit]:
    own = POLICIES.index(record.p)
    for tag, policy in (("sp", record.sp), ("np", record.np)):
        if policy and POLICIES.index(policy) < own:
            which = "that exist" if tag == "sp" else "that do not exist"
            yield hit(
                view,
                name,
                "TXT",
                observed=f"{tag}={policy}",
                expected=f"{tag}={record.p}, or no {tag}",
                message=f"the DMARC policy for {view.name} is {record.p}, but for subdomains {which} it is {policy}.",
                setting=f"dmarc: {{{tag}: {record.p}}}",
            )


def _dmarc_gone(view: DnsView, name: str, record: DmarcRecord) -> t.Iterator[Hit]:
    if record.gone:
        tags = ", ".join(f"{tag}={value}" for tag, value in record.gone)
        yield hit(
            view,
            name,
            "TXT",
            observed=tags,
            expected="none of them",
            message=f"the DMARC record for {view.name} has {tags}, which receivers do not read any more.",
        )


def _dmarc_unknown(view: DnsView, name: str, record: DmarcRecord) -> t.Iterator[Hit]:
    if record.unknown:
        tags = ", ".join(f"{tag}={value}" for tag, value in record.unknown)
        yield hit(
            view,
            name,
            "TXT",
            observed=tags,
            expected="tags and values of RFC 9989",
            message=f"the DMARC record for {view.name} has {tags}, which receivers do not know and leave out.",
        )


def _dmarc_no_reports(view: DnsView, name: str, record: DmarcRecord) -> t.Iterator[Hit]:
    if not record.rua:
        yield hit(
            view,
            name,
            "TXT",
            observed="no rua",
            expected="rua=mailto:...",
            message=f"the DMARC record for {view.name} asks for no reports, so nobody sees what fails.",
            setting=f"dmarc: {{rua: [mailto:dmarc@{view.name}]}}",
            severity="medium" if record.p == "none" else None,
        )


def _dmarc_address(view: DnsView, name: str, record: DmarcRecord) -> t.Iterator[Hit]:
    for uri in (*record.rua, *record.ruf):
        if "!" in uri:
            # RFC 9989 took the limit of size away; readers leave it out.
            continue
        if _is_uri(uri):
            continue
        yield hit(
            view,
            name,
            "TXT",
            observed=uri,
            expected="mailto:reports@example.com",
            message=f"no reports about {view.name} can go to {uri}: expected mailto: and an address of mail.",
            setting="dmarc: {rua: [mailto:...]}",
        )


def _is_uri(uri: str) -> bool:
    try:
        return report_uri(uri, https=False) == uri
    except RecordError:
        return False


def _dmarc_size(view: DnsView, name: str, record: DmarcRecord) -> t.Iterator[Hit]:
    limited = [uri for uri in (*record.rua, *record.ruf) if "!" in uri]
    if limited:
        yield hit(
            view,
            name,
            "TXT",
            observed=limited[0],
            expected=limited[0].partition("!")[0],
            message=f"the DMARC record for {view.name} limits the size of reports, which is no more.",
        )


def _dmarc_authorization(view: DnsView, _name: str, record: DmarcRecord) -> t.Iterator[Hit]:
    def check(target: str) -> t.Iterator[Hit]:
        name = authorization_name(view.dmarc.at, target)
        if any(is_version(text, "DMARC1") for text in view.texts(name)):
            return
        # RFC 9990 section 4: within one organizational domain nobody has to allow it.
        here, there = (walk(one, view.lookup) for one in (view.dmarc.at, target))
        if here.organizational == there.organizational:
            return
        if here.unknown or there.unknown:
            raise Unanswered((*here.unknown, *there.unknown)[0])
        yield hit(
            view,
            name,
            "TXT",
            observed="no v=DMARC1",
            expected="v=DMARC1",
            message=f"reports about {view.name} are to go to {shown(target)}, which does not say that it takes them.",
            record='TXT "v=DMARC1"',
        )

    yield from each(external_targets(view.dmarc.at, record), check)


def _dmarc_report_mx(view: DnsView, name: str, record: DmarcRecord) -> t.Iterator[Hit]:
    def check(target: str) -> t.Iterator[Hit]:
        mail = view.ask(target, "MX")
        if mail.data == ("0 .",) or (
            mail.empty and view.ask(target, "A").empty and view.ask(target, "AAAA").empty
        ):
            yield hit(
                view,
                name,
                "TXT",
                observed=shown(target),
                expected="a domain that gets mail",
                message=f"reports about {view.name} are to go to {shown(target)}, which gets no mail.",
                setting="dmarc: {rua: [...]}",
            )

    targets = dict.fromkeys(report_domain(uri) for uri in record.rua if _is_uri(uri))
    yield from each([name_of(one) for one in targets], check)


def _dmarc_alignment(view: DnsView, name: str, record: DmarcRecord) -> t.Iterator[Hit]:
    if record.p == "none" or not view.receives:
        return
    spf = _spf(view)
    if spf is not None and any(one.name != "all" or one.qualifier == "+" for one in spf.terms):
        return
    if spf is not None and spf.redirect:
        return
    if any(_verifies(key) for _name, key in _keys(view)):
        return
    if not view.selectors:
        raise Unanswered(f"{view.name}: no DKIM selector was given")
    yield hit(
        view,
        name,
        "TXT",
        observed=f"p={record.p}, SPF lets nobody send, no DKIM key",
        expected="SPF or DKIM that passes for the domain",
        message=f"the DMARC policy for {view.name} is {record.p}, and none of its own mail can pass: neither SPF nor a DKIM key of the domain is there.",
        setting="spf: {terms: [mx]}, dkim: [{selector: NAME, public_key: PEM}]",
    )


RULES: t.Final[tuple[Rule[DnsView], ...]] = (
    dns_rule(
        "spf-missing",
        "high",
        _spf_missing,
        title="A domain has no SPF record",
        why="Anybody can send mail in the name of the domain, and large receivers refuse mail of domains without one.",
        source="RFC 7208 section 3; RFC 7505 section 4.2",
        example="no TXT record that begins v=spf1",
    ),
    dns_rule(
        "spf-several",
        "high",
        _spf_several,
        title="A domain has several SPF records",
        why="Receivers take it for an error, as if there was no record.",
        source="RFC 7208 section 4.5",
        example='example.com. TXT "v=spf1 mx -all"\nexample.com. TXT "v=spf1 include:_spf.example.net -all"',
    ),
    dns_rule(
        "spf-syntax",
        "high",
        _spf_syntax,
        title="An SPF record cannot be read",
        why="One wrong term makes the whole record an error.",
        source="RFC 7208 sections 4.6 and 5",
        example='example.com. TXT "v=spf1 ip4:2001:db8::1 -all"',
    ),
    dns_rule(
        "spf-pass-all",
        "critical",
        _spf_pass_all,
        title="An SPF record lets everybody send",
        why="Forged mail passes SPF, and with it DMARC.",
        source="RFC 7208 sections 5.1, 5.2 and 6.1",
        example='example.com. TXT "v=spf1 mx +all"\n'
        'example.com. TXT "v=spf1 ip4:0.0.0.0/1 ip4:128.0.0.0/1 -all"\n'
        "include or redirect to such a record",
    ),
    dns_rule(
        "spf-no-all",
        "medium",
        _spf_no_all,
        title="An SPF record does not end",
        why="Mail of servers that are not in the record is neither good nor bad.",
        source="RFC 7208 sections 4.7 and 8.2",
        example='example.com. TXT "v=spf1 mx ?all"',
    ),
    dns_rule(
        "spf-softfail",
        "low",
        _spf_softfail,
        title="An SPF record only suspects other servers",
        why="Without DMARC, receivers deliver such mail; with DMARC it is as good as -all.",
        source="RFC 7208 section 8.5; RFC 9989",
        example='example.com. TXT "v=spf1 mx ~all"',
    ),
    dns_rule(
        "spf-ptr",
        "low",
        _spf_ptr,
        title="An SPF record uses ptr",
        why="It is slow and unreliable, and must not be published.",
        source="RFC 7208 section 5.5",
        example='example.com. TXT "v=spf1 ptr -all"',
    ),
    dns_rule(
        "spf-after-all",
        "low",
        _spf_after_all,
        title="An SPF record has terms that nobody reads",
        why="What stands after all does not count, so somebody believes in a rule that is not there.",
        source="RFC 7208 sections 5.1 and 6.1",
        example='example.com. TXT "v=spf1 mx -all include:_spf.example.net"',
    ),
    dns_rule(
        "spf-lookups",
        "high",
        _spf_lookups,
        title="An SPF record costs too many lookups",
        why="Receivers stop at ten and take the record for an error, so good mail fails.",
        source="RFC 7208 section 4.6.4",
        example="include, a, mx, ptr, exists and redirect, with all that is included, are more than 10",
    ),
    dns_rule(
        "spf-voids",
        "medium",
        _spf_voids,
        title="An SPF record asks for names that are not there",
        why="Receivers stop at the third and take the record for an error.",
        source="RFC 7208 section 4.6.4",
        example='example.com. TXT "v=spf1 a:gone1.example a:gone2.example a:gone3.example -all"',
    ),
    dns_rule(
        "spf-include",
        "high",
        _spf_include,
        title="An SPF record leads to one that does not count",
        why="An include of a domain without a readable record makes the whole record an error.",
        source="RFC 7208 section 5.2",
        example="include of a domain that has no SPF record any more",
    ),
    dns_rule(
        "spf-long",
        "low",
        _spf_long,
        title="An SPF record is long",
        why="An answer that does not fit into one packet is lost on some ways.",
        source="RFC 7208 section 3.4",
        example="more than 450 octets",
    ),
    dns_rule(
        "spf-helo",
        "low",
        _spf_helo,
        title="An MX host has no SPF record of its own",
        why="Bounces have no sender but the name in HELO, so nothing can be checked for them.",
        source="RFC 7208 sections 2.3 and 10.1.3",
        example="no v=spf1 at mx1.example.com",
    ),
    dns_rule(
        "dkim-missing",
        "high",
        _dkim_missing,
        title="A DKIM selector has no record",
        why="Signatures with it cannot be verified, and DMARC then has only SPF, which fails when mail is forwarded.",
        source="RFC 6376 section 3.6.2",
        example="no TXT record at s2026._domainkey.example.com",
    ),
    dns_rule(
        "dkim-several",
        "high",
        _dkim_several,
        title="A DKIM selector has several records",
        why="Verifiers may take any of them, so signatures fail now and then.",
        source="RFC 6376 section 3.6.2.2",
        example="two TXT records at one selector",
    ),
    dns_rule(
        "dkim-syntax",
        "high",
        _dkim_syntax,
        title="A DKIM record cannot be read",
        why="No signature with this selector verifies.",
        source="RFC 6376 section 3.6.1; RFC 8463 section 4",
        example='s._domainkey.example.com. TXT "v=DKIM1; k=ed25519; p=MCowBQYDK2VwAyEA..."',
    ),
    dns_rule(
        "dkim-key-size",
        "medium",
        _dkim_size,
        title="A DKIM key has a bad size",
        why="A small RSA key can be computed, and then anybody can sign; verifiers need not read very large ones.",
        source="RFC 8301 section 3.2",
        example="an RSA key of 1024 bits",
    ),
    dns_rule(
        "dkim-testing",
        "medium",
        _dkim_testing,
        title="A DKIM key is still being tested",
        why="Receivers treat mail with a wrong signature like mail without one.",
        source="RFC 6376 section 3.6.1",
        example='s._domainkey.example.com. TXT "v=DKIM1; t=y; p=..."',
    ),
    dns_rule(
        "dkim-hash",
        "high",
        _dkim_hash,
        title="A DKIM key forbids SHA-256",
        why="Signatures with SHA-1 do not count any more, so none does.",
        source="RFC 8301 section 3.1",
        example='s._domainkey.example.com. TXT "v=DKIM1; h=sha1; p=..."',
    ),
    dns_rule(
        "dkim-services",
        "high",
        _dkim_services,
        title="A DKIM key is not for mail",
        why="Verifiers of mail do not take it.",
        source="RFC 6376 section 3.6.1",
        example='s._domainkey.example.com. TXT "v=DKIM1; s=tlsrpt; p=..."',
    ),
    dns_rule(
        "dkim-revoked",
        "info",
        _dkim_revoked,
        title="A DKIM key is revoked",
        why="What is signed with it fails; after a change of keys that is as it should be.",
        source="RFC 6376 section 3.6.1",
        example='s._domainkey.example.com. TXT "v=DKIM1; p="',
    ),
    dns_rule(
        "dkim-only-ed25519",
        "medium",
        _dkim_only_ed25519,
        title="There is no RSA key for DKIM",
        why="Many receivers cannot verify Ed25519, and see mail without a signature.",
        source="RFC 8463 sections 3 and 6",
        example="selectors with k=ed25519 only",
    ),
    dns_rule(
        "dmarc-missing",
        "high",
        _dmarc_missing,
        title="A domain has no DMARC record",
        why="SPF and DKIM do not protect the address that people see.",
        source="RFC 9989",
        example="no TXT record at _dmarc.example.com nor above",
    ),
    dns_rule(
        "dmarc-several",
        "high",
        _dmarc_several,
        title="A domain has several DMARC records",
        why="Receivers then take none of them.",
        source="RFC 9989 section 4.10",
        example="two TXT records at _dmarc.example.com",
    ),
    dns_rule(
        "dmarc-syntax",
        "high",
        _dmarc_syntax,
        title="A DMARC record cannot be read",
        why="It is as if there was no record.",
        source="RFC 9989 section 4.7",
        example='_dmarc.example.com. TXT "v=dmarc1; p=reject"',
    ),
    dns_rule(
        "dmarc-apex",
        "medium",
        _dmarc_apex,
        title="A DMARC record is at the wrong name",
        why="Receivers look at _dmarc only.",
        source="RFC 9989 section 4.5",
        example='example.com. TXT "v=DMARC1; p=reject"',
    ),
    dns_rule(
        "dmarc-policy-none",
        "medium",
        _with_record(_dmarc_none),
        title="DMARC only watches",
        why="Forged mail in the name of the domain is delivered.",
        source="RFC 9989 section 4.7",
        example='_dmarc.example.com. TXT "v=DMARC1; p=none; rua=mailto:d@example.com"',
    ),
    dns_rule(
        "dmarc-testing",
        "medium",
        _with_record(_dmarc_testing),
        title="A DMARC policy is still being tested",
        why="Receivers take the next weaker policy.",
        source="RFC 9989 section 4.7",
        example='_dmarc.example.com. TXT "v=DMARC1; p=reject; t=y"',
    ),
    dns_rule(
        "dmarc-weaker-subdomains",
        "medium",
        _with_record(_dmarc_weaker),
        title="DMARC protects subdomains less",
        why="Forgers use a subdomain, be it one that nobody ever made.",
        source="RFC 9989 section 4.7",
        example='_dmarc.example.com. TXT "v=DMARC1; p=reject; sp=none"',
    ),
    dns_rule(
        "dmarc-dead-tags",
        "info",
        _with_record(_dmarc_gone),
        title="A DMARC record has tags that are gone",
        why="Who believes in pct thinks that the policy is softer than it is.",
        source="RFC 9989",
        example='_dmarc.example.com. TXT "v=DMARC1; p=reject; pct=50"',
    ),
    dns_rule(
        "dmarc-unknown",
        "low",
        _with_record(_dmarc_unknown),
        title="A DMARC record has tags or values that nobody knows",
        why="Receivers leave them out, so a slip of the pen takes away what somebody believes in.",
        source="RFC 9989 section 4.7",
        example='_dmarc.example.com. TXT "v=DMARC1; p=reject; rau=mailto:d@example.com; fo=7"',
    ),
    dns_rule(
        "dmarc-no-reports",
        "low",
        _with_record(_dmarc_no_reports),
        title="DMARC asks for no reports",
        why="Nobody sees that own mail fails, or that the domain is forged.",
        source="RFC 9989; RFC 9990",
        example='_dmarc.example.com. TXT "v=DMARC1; p=reject"',
    ),
    dns_rule(
        "dmarc-report-address",
        "medium",
        _with_record(_dmarc_address),
        title="DMARC reports go nowhere",
        why="An address without mailto: is not used.",
        source="RFC 9989 section 4.7; RFC 9990",
        example='_dmarc.example.com. TXT "v=DMARC1; p=reject; rua=dmarc@example.com"',
    ),
    dns_rule(
        "dmarc-report-size",
        "info",
        _with_record(_dmarc_size),
        title="A DMARC record limits the size of reports",
        why="RFC 9989 has no such limit any more.",
        source="RFC 9989; RFC 9990",
        example='_dmarc.example.com. TXT "v=DMARC1; p=reject; rua=mailto:d@example.com!10m"',
    ),
    dns_rule(
        "dmarc-report-authorization",
        "medium",
        _with_record(_dmarc_authorization),
        title="The receiver of DMARC reports does not allow them",
        why="Senders of reports drop those for another domain that does not say that it wants them.",
        source="RFC 9990",
        example="no TXT record at example.com._report._dmarc.reports.example",
    ),
    dns_rule(
        "dmarc-report-mx",
        "medium",
        _with_record(_dmarc_report_mx),
        title="The receiver of DMARC reports gets no mail",
        why="The reports are lost.",
        source="RFC 9990",
        example="rua=mailto:d@parked.example where parked.example has MX 0 .",
    ),
    dns_rule(
        "dmarc-alignment",
        "high",
        _with_record(_dmarc_alignment),
        title="No own mail can pass DMARC",
        why="The domain's own mail is refused like a forged one.",
        source="RFC 9989 section 4.4",
        example='v=spf1 -all, no DKIM key, and "v=DMARC1; p=reject", at a domain that sends',
    ),
)

__all__ = ("RULES",)
