# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a description of hosts and domains to the records that they need (pure)."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping
from dataclasses import dataclass

from ansible_collections.hardened.mail.plugins.module_utils.records.address import (
    address_rrsets,
    ptr_rrsets,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.caa import CaaRecord, caa_rrset
from ansible_collections.hardened.mail.plugins.module_utils.records.dkim import (
    DkimRecord,
    dkim_of_key,
    dkim_rrset,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.dmarc import (
    DmarcRecord,
    authorization_name,
    dmarc_rrset,
    external_targets,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.mta_sts import (
    DEFAULT_MAX_AGE,
    StsPolicy,
    policy_host,
    sts_rrset,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.mx import Exchanger, mx_rrset
from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import (
    DEFAULT_TTL,
    RecordError,
    RRset,
    host_of,
    mail_domain_of,
    make_rrset,
    name_of,
    quote_txt,
    shown,
    sort_key,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.spf import (
    SpfRecord,
    SpfTerm,
    parse_spf,
    spf_of_terms,
    spf_rrset,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.srv import (
    SERVICES,
    Server,
    srv_rrset,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.tags import report_uri
from ansible_collections.hardened.mail.plugins.module_utils.records.tls_rpt import (
    TlsRptRecord,
    tls_rpt_rrset,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.tlsa import tlsa_of, tlsa_rrset

Json = t.Any

_TOP: t.Final = ("ttl", "hosts", "domains")
_HOST: t.Final = (
    "name",
    "ttl",
    "addresses",
    "publish_addresses",
    "certificates",
    "next_certificates",
    "ca_certificates",
    "tlsa_ports",
    "spf",
)
_DOMAIN: t.Final = (
    "name",
    "ttl",
    "mx",
    "spf",
    "dkim",
    "dmarc",
    "mta_sts",
    "tls_rpt",
    "srv",
    "caa",
)
_DKIM: t.Final = ("selector", "public_key", "testing", "subdomains", "services", "revoked")
_DMARC: t.Final = ("p", "sp", "np", "adkim", "aspf", "fo", "rua", "ruf", "psd", "t")
_STS: t.Final = ("mode", "max_age", "mx", "host", "addresses")
_CAA: t.Final = ("issue", "issuewild", "issuemail", "iodef")
_PREFERENCE: t.Final = 10


@dataclass(frozen=True)
class Host:
    """A mail host: its set of addresses, and the keys that its TLSA sets name, as ``tlsa_of`` reads them."""

    name: str
    ttl: int
    addresses: tuple[str, ...]
    publish_addresses: bool
    keys: tuple[tuple[int, str], ...]
    tlsa_ports: tuple[int, ...]
    spf: bool


@dataclass(frozen=True)
class Domain:
    """A mail domain; what is None is not published. No exchangers stand for a domain that gets no mail."""

    name: str
    ttl: int
    mx: tuple[Exchanger, ...]
    spf: t.Optional[SpfRecord]
    dkim: tuple[tuple[str, DkimRecord], ...]
    dmarc: t.Optional[DmarcRecord]
    sts: t.Optional[StsPolicy]
    sts_host: str
    sts_addresses: tuple[str, ...]
    tls_rpt: tuple[str, ...]
    srv: tuple[tuple[str, tuple[Server, ...]], ...]
    caa: tuple[CaaRecord, ...]


@dataclass(frozen=True)
class Description:
    """What is known about the mail of a site."""

    hosts: tuple[Host, ...]
    domains: tuple[Domain, ...]


def read_description(value: Json) -> Description:
    """Return the description that plain data holds; see the filter mail_records. Raises RecordError."""
    given = _dictionary(value, keys=_TOP, what="the description")
    ttl = given.get("ttl", DEFAULT_TTL)
    hosts = tuple(_host(one, ttl=ttl) for one in _list(given, "hosts", what="the description"))
    _once([one.name for one in hosts], what="hosts")
    domains = tuple(
        _domain(one, ttl=ttl, hosts=hosts)
        for one in _list(given, "domains", what="the description")
    )
    _once([one.name for one in domains], what="domains")
    return Description(hosts, domains)


def rrsets_of(description: Description) -> tuple[RRset, ...]:
    """Return all record sets, in the order of a zone file. Raises RecordError.

    Two parts of the description that want different data at one name are an error, as is a CNAME beside others.
    """
    made: dict[tuple[str, str], RRset] = {}
    named = {one.name for one in description.domains if one.spf is not None}
    for host in description.hosts:
        _take(made, _host_rrsets(host, with_spf=host.spf and host.name not in named))
    for domain in description.domains:
        _take(made, _domain_rrsets(domain))
        _take(made, _authorizations(domain, description.domains))
    types: dict[str, set[str]] = {}
    for name, type_ in made:
        types.setdefault(name, set()).add(type_)
    for name, found in types.items():
        if "CNAME" in found and len(found) > 1:
            others = ", ".join(sorted(found - {"CNAME"}))
            raise RecordError(f"{name} would be a CNAME and have {others}: it cannot be both")
    _check_aliases({one.name: one.data[0] for one in made.values() if one.type == "CNAME"})
    return tuple(sorted(made.values(), key=sort_key))


def _check_aliases(aliases: Mapping[str, str]) -> None:
    for first in sorted(aliases):
        way = [first]
        while aliases.get(way[-1]):
            way.append(aliases[way[-1]])
            if way[-1] in way[:-1]:
                raise RecordError(
                    f"{first} would be a CNAME that leads back to itself ({' -> '.join(way)}): "
                    "name the host that has the addresses, or give the addresses"
                )


def ptr_of(description: Description) -> tuple[RRset, ...]:
    """Return the PTR sets of all hosts, for whoever owns the reverse zones. Raises RecordError."""
    made: dict[tuple[str, str], RRset] = {}
    for host in description.hosts:
        _take(made, ptr_rrsets(host.name, host.addresses, ttl=host.ttl))
    return tuple(sorted(made.values(), key=sort_key))


def policy_of(description: Description, domain: str) -> StsPolicy:
    """Return the MTA-STS policy of a domain. Raises RecordError when it has none."""
    wanted = name_of(domain)
    for one in description.domains:
        if one.name == wanted and one.sts is not None:
            return one.sts
    raise RecordError(f"{shown(wanted)} has no mta_sts in the description")


# ---- Reading ------------------------------------------------------------------------------------


def _host(value: Json, *, ttl: Json) -> Host:
    what = f"the host {_name_in(value)}"
    given = _dictionary(value, keys=_HOST, needed=("name",), what=what)
    addresses = tuple(map(str, _list(given, "addresses", what=what)))
    keys = [
        (usage, str(text))
        for option, usage in (
            ("certificates", 3),
            ("next_certificates", 3),
            ("ca_certificates", 2),
        )
        for text in _list(given, option, what=what)
    ]
    return Host(
        name=host_of(given["name"]),
        ttl=given.get("ttl", ttl),
        addresses=addresses,
        publish_addresses=_switch(given, "publish_addresses", what=what, default=True),
        keys=tuple(keys),
        tlsa_ports=tuple(_list(given, "tlsa_ports", what=what, default=(25,))),
        spf=_switch(given, "spf", what=what, default=bool(addresses)),
    )


def _domain(value: Json, *, ttl: Json, hosts: t.Sequence[Host]) -> Domain:
    what = f"the domain {_name_in(value)}"
    given = _dictionary(value, keys=_DOMAIN, needed=("name",), what=what)
    name = mail_domain_of(given["name"])
    usual = [{"host": one.name} for one in hosts]
    mx = tuple(_exchanger(one, what=what) for one in _list(given, "mx", what=what, default=usual))
    sts = given.get("mta_sts") or {}
    sts = _dictionary(sts, keys=_STS, what=f"{what}: mta_sts")
    if sts and not mx:
        raise RecordError(f"{what}: there is mta_sts, but the domain gets no mail: leave it out")
    return Domain(
        name=name,
        ttl=given.get("ttl", ttl),
        mx=mx,
        spf=_spf(given.get("spf", {}), receives=bool(mx), what=what),
        dkim=tuple(_dkim(one, what=what) for one in _list(given, "dkim", what=what)),
        dmarc=_dmarc(given.get("dmarc", {}), receives=bool(mx), what=what),
        sts=_sts(sts, mx) if sts else None,
        sts_host=str(sts.get("host", "")),
        sts_addresses=tuple(map(str, _list(sts, "addresses", what=f"{what}: mta_sts"))),
        tls_rpt=tuple(map(str, _list(given, "tls_rpt", what=what))),
        srv=_services(given.get("srv") or {}, what=what),
        caa=_caa(given.get("caa") or {}, what=what),
    )


def _exchanger(value: Json, *, what: str) -> Exchanger:
    if isinstance(value, str):
        return Exchanger(_PREFERENCE, value)
    given = _dictionary(value, keys=("host", "preference"), needed=("host",), what=f"{what}: mx")
    return Exchanger(given.get("preference", _PREFERENCE), given["host"])


def _spf(value: Json, *, receives: bool, what: str) -> t.Optional[SpfRecord]:
    if value is False:
        return None
    if isinstance(value, str):
        return parse_spf(value)
    given = _dictionary(value, keys=("terms", "all", "redirect"), what=f"{what}: spf")
    redirect = str(given.get("redirect", ""))
    usual = () if redirect or not receives else ("mx",)
    terms = _list(given, "terms", what=f"{what}: spf", default=usual)
    return spf_of_terms(
        terms, all_=str(given.get("all", "" if redirect else "-all")), redirect=redirect
    )


def _dkim(value: Json, *, what: str) -> tuple[str, DkimRecord]:
    whole = f"{what}: dkim"
    given = _dictionary(value, keys=_DKIM, needed=("selector",), what=whole)
    selector = str(given["selector"])
    if _switch(given, "revoked", what=whole, default=False):
        return selector, DkimRecord()
    if "public_key" not in given:
        raise RecordError(f"{whole}: the selector {selector} has no public_key, and is not revoked")
    flags = ["y"] if _switch(given, "testing", what=whole, default=False) else []
    flags += [] if _switch(given, "subdomains", what=whole, default=False) else ["s"]
    return selector, dkim_of_key(
        str(given["public_key"]),
        what=f"{whole}: the selector {selector}",
        flags=flags,
        services=tuple(map(str, _list(given, "services", what=whole))),
    )


def _dmarc(value: Json, *, receives: bool, what: str) -> t.Optional[DmarcRecord]:
    if value is False:
        return None
    whole = f"{what}: dmarc"
    given = _dictionary(value, keys=_DMARC, what=whole)
    tags: dict[str, t.Any] = {"p": "none" if receives else "reject"}
    for name in _DMARC:
        if name == "fo":
            tags[name] = tuple(map(str, _list(given, name, what=whole)))
        elif name in ("rua", "ruf"):
            several = _list(given, name, what=whole)
            tags[name] = tuple(report_uri(str(one), https=False) for one in several)
        elif name in given:
            tags[name] = str(given[name])
    return DmarcRecord(**tags)


def _sts(given: Mapping[str, Json], mx: t.Sequence[Exchanger]) -> StsPolicy:
    usual = [shown(host_of(one.host)) for one in mx]
    patterns = _list(given, "mx", what="mta_sts", default=usual)
    return StsPolicy(
        str(given.get("mode", "testing")),
        tuple(map(str, patterns)),
        given.get("max_age", DEFAULT_MAX_AGE),
    )


def _services(value: Json, *, what: str) -> tuple[tuple[str, tuple[Server, ...]], ...]:
    """Return the servers of every service; one that is not named is not offered."""
    given = _dictionary(value, keys=tuple(SERVICES), what=f"{what}: srv")
    if not given:
        return ()
    return tuple(
        (service, _servers(given.get(service), service, what=f"{what}: srv: {service}"))
        for service in SERVICES
    )


def _servers(value: Json, service: str, *, what: str) -> tuple[Server, ...]:
    if value is None or value is False:
        return ()
    several = value if isinstance(value, (list, tuple)) else [value]
    found = []
    for one in several:
        host = {"host": one} if isinstance(one, str) else one
        given = _dictionary(
            host, keys=("host", "port", "priority", "weight"), needed=("host",), what=what
        )
        found.append(Server(**{"port": SERVICES[service], **given}))
    return tuple(found)


def _caa(value: Json, *, what: str) -> tuple[CaaRecord, ...]:
    given = _dictionary(value, keys=_CAA, what=f"{what}: caa")
    return tuple(
        CaaRecord(tag, str(one))
        for tag in _CAA
        if tag in given
        for one in (_list(given, tag, what=f"{what}: caa") or (";",))
    )


# ---- Building -----------------------------------------------------------------------------------


def _host_rrsets(host: Host, *, with_spf: bool) -> t.Iterator[RRset]:
    if host.publish_addresses:
        yield from address_rrsets(host.name, host.addresses, ttl=host.ttl)
    if with_spf:
        # What a server that says HELO with this name is measured by (RFC 7208 section 2.3).
        yield spf_rrset(host.name, SpfRecord((SpfTerm("a"), SpfTerm("all", "", "-"))), ttl=host.ttl)
    if host.keys:
        what = f"the host {shown(host.name)}"
        records = [tlsa_of(text, usage=usage, what=what) for usage, text in host.keys]
        for port in host.tlsa_ports:
            yield tlsa_rrset(host.name, records, port=port, ttl=host.ttl)


def _domain_rrsets(domain: Domain) -> t.Iterator[RRset]:
    name, ttl = domain.name, domain.ttl
    yield mx_rrset(name, domain.mx, ttl=ttl)
    if domain.spf is not None:
        yield spf_rrset(name, domain.spf, ttl=ttl)
    for selector, key in domain.dkim:
        yield dkim_rrset(selector, name, key, ttl=ttl)
    if domain.dmarc is not None:
        yield dmarc_rrset(name, domain.dmarc, ttl=ttl)
    if domain.sts is not None:
        yield sts_rrset(name, domain.sts, ttl=ttl)
        if domain.sts_host:
            yield make_rrset(policy_host(name), "CNAME", [host_of(domain.sts_host)], ttl=ttl)
        yield from address_rrsets(policy_host(name), domain.sts_addresses, ttl=ttl)
    if domain.tls_rpt:
        yield tls_rpt_rrset(name, TlsRptRecord(domain.tls_rpt), ttl=ttl)
    for service, servers in domain.srv:
        yield srv_rrset(service, name, servers, ttl=ttl)
    if domain.caa:
        yield caa_rrset(name, domain.caa, ttl=ttl)


def _authorizations(domain: Domain, domains: t.Sequence[Domain]) -> t.Iterator[RRset]:
    """Yield what lets reports about a domain go to another one of ours."""
    if domain.dmarc is None:
        return
    ours = {one.name for one in domains}
    for target in external_targets(domain.name, domain.dmarc):
        if target in ours:
            name = authorization_name(domain.name, target)
            yield make_rrset(name, "TXT", [quote_txt("v=DMARC1")], ttl=domain.ttl)


def _take(made: dict[tuple[str, str], RRset], more: t.Iterable[RRset]) -> None:
    for one in more:
        earlier = made.setdefault(one.key, one)
        if earlier != one:
            raise RecordError(
                f"{one.name} {one.type} is described twice, as {', '.join(earlier.data)} with TTL {earlier.ttl} "
                f"and as {', '.join(one.data)} with TTL {one.ttl}: expected one description"
            )


# ---- Plain data ---------------------------------------------------------------------------------


def _name_in(value: Json) -> str:
    return repr(value.get("name")) if isinstance(value, Mapping) else repr(value)


def _dictionary(
    value: Json, *, keys: t.Sequence[str], what: str, needed: t.Sequence[str] = ()
) -> Mapping[str, Json]:
    if not isinstance(value, Mapping):
        raise RecordError(f"{what} is {value!r}: expected a dictionary")
    unknown = sorted(str(key) for key in value if key not in keys)
    if unknown:
        raise RecordError(f"{what}: there is no key {unknown[0]!r}: expected {', '.join(keys)}")
    missing = [key for key in needed if key not in value]
    if missing:
        raise RecordError(f"{what}: {missing[0]} is missing")
    return value


def _list(
    given: Mapping[str, Json], name: str, *, what: str, default: t.Sequence[Json] = ()
) -> t.Sequence[Json]:
    value = given.get(name)
    if value is None:
        return default
    if not isinstance(value, (list, tuple)):
        raise RecordError(f"{what}: {name} is {value!r}: expected a list")
    return value


def _switch(given: Mapping[str, Json], name: str, *, what: str, default: bool) -> bool:
    value = given.get(name, default)
    if not isinstance(value, bool):
        raise RecordError(f"{what}: {name} is {value!r}: expected true or false")
    return value


def _once(names: t.Sequence[str], *, what: str) -> None:
    twice = sorted({one for one in names if names.count(one) > 1})
    if twice:
        raise RecordError(f"{what}: {shown(twice[0])} is there twice: expected it once")


__all__ = (
    "Description",
    "Domain",
    "Host",
    "policy_of",
    "ptr_of",
    "read_description",
    "rrsets_of",
)
