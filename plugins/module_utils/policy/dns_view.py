# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the rules for mail domains look at: what DNS says, and what the hosts serve (pure)."""

from __future__ import annotations

import functools
import typing as t
from dataclasses import dataclass, field

from ansible_collections.hardened.mail.plugins.module_utils.policy.findings import Fix, Severity
from ansible_collections.hardened.mail.plugins.module_utils.policy.rule import Hit, Rule, Unanswered
from ansible_collections.hardened.mail.plugins.module_utils.records.dkim import (
    DkimRecord,
    dkim_name,
    parse_dkim,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.dmarc import Walk, walk
from ansible_collections.hardened.mail.plugins.module_utils.records.lookup import Answer, Lookup
from ansible_collections.hardened.mail.plugins.module_utils.records.mta_sts import (
    StsPolicy,
    parse_policy,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.mx import (
    Exchanger,
    exchangers_of,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import (
    RecordError,
    host_of,
    shown,
    unquote_txt,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.spf import (
    SpfRecord,
    parse_spf,
    spf_texts,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.spf_tree import (
    SpfNode,
    spf_tree,
)


@dataclass(frozen=True)
class ServedCertificate:
    """A certificate that a host serves on port 25: its digests in lower-case hexadecimal, and its names."""

    sha256: str
    spki_sha256: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class DnsView:
    """One mail domain as DNS shows it.

    ``domain`` and the keys of ``served`` are as ``name_of`` returns them. ``selectors`` are those of DKIM that sign its
    mail. ``served`` has the chains of each host on port 25, the host's own certificate first; a host that is not
    there was not asked. ``sts_policy`` is the text of the MTA-STS policy, ``sts_failure`` why it could not be had; with neither it was not
    asked for. ``authority`` is the certification authority in use, as CAA records name it.
    """

    domain: str
    lookup: Lookup
    selectors: tuple[str, ...] = ()
    served: t.Mapping[str, t.Sequence[t.Sequence[ServedCertificate]]] = field(default_factory=dict)
    sts_policy: t.Optional[str] = None
    sts_failure: str = ""
    authority: str = ""
    broken: t.Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The domain as people write it."""
        return shown(self.domain)

    def ask(self, name: str, type_: str) -> Answer:
        """Return an answer, be it that there is nothing. Raises Unanswered."""
        answer = self.lookup(name, type_)
        if not answer.known:
            raise Unanswered(f"{shown(name)} {type_}: {answer.reason or answer.status}")
        return answer

    def texts(self, name: str) -> tuple[str, ...]:
        """Return the TXT records at a name; one that cannot be read is none. Raises Unanswered."""
        found = []
        for data in self.ask(name, "TXT").data:
            try:
                found.append(unquote_txt(data))
            except RecordError:
                continue
        return tuple(found)

    @property
    def exchangers(self) -> tuple[Exchanger, ...]:
        """The MX hosts, or the domain itself where it has no MX records. Raises Unanswered.

        What is no name of a host is left out.
        """
        answer = self.ask(self.domain, "MX")
        if answer.empty:
            # RFC 5321 section 5.1: either kind of address will do.
            found_at = self.ask(self.domain, "A").data or self.ask(self.domain, "AAAA").data
            return (Exchanger(0, self.domain),) if found_at else ()
        found: list[Exchanger] = []
        for data in answer.data:
            try:
                found += (one for one in exchangers_of([data]) if host_of(one.host))
            except RecordError:
                continue
        return tuple(sorted(found, key=lambda one: (one.preference, one.host)))

    @property
    def receives(self) -> bool:
        """Whether mail for the domain can be delivered. Raises Unanswered."""
        return bool(self.exchangers)

    @functools.cached_property
    def spf(self) -> SpfNode:
        """The SPF record with all that it includes."""
        return spf_tree(self.domain, self.lookup)

    @property
    def spf_texts(self) -> tuple[str, ...]:
        """The texts of the SPF records of the domain. Raises Unanswered."""
        try:
            return spf_texts(self.ask(self.domain, "TXT"))
        except RecordError:
            return ()

    @functools.cached_property
    def spf_record(self) -> t.Optional[SpfRecord]:
        """The one SPF record of the domain, None when it is not known or cannot be read."""
        try:
            texts = self.spf_texts
            return parse_spf(texts[0]) if len(texts) == 1 else None
        except (RecordError, Unanswered):
            return None

    @functools.cached_property
    def dkim(self) -> tuple[tuple[tuple[str, DkimRecord], ...], t.Optional[str]]:
        """Name and record of each selector that can be read, and which question had no answer."""
        found: list[tuple[str, DkimRecord]] = []
        lacking: t.Optional[str] = None
        for selector in self.selectors:
            name = dkim_name(selector, self.domain)
            try:
                texts = self.texts(name)
                if len(texts) == 1:
                    found.append((name, parse_dkim(texts[0])))
            except Unanswered as problem:
                lacking = lacking or str(problem)
            except RecordError:
                continue
        return tuple(found), lacking

    @functools.cached_property
    def dmarc(self) -> Walk:
        """Where the DMARC record for the domain is."""
        return walk(self.domain, self.lookup)

    @property
    def policy(self) -> t.Optional[StsPolicy]:
        """The MTA-STS policy, None when there is none that can be read."""
        if self.sts_policy is None:
            return None
        try:
            return parse_policy(self.sts_policy)
        except RecordError:
            return None


def hit(
    view: DnsView,
    name: str,
    type_: str,
    *,
    observed: str,
    expected: str,
    message: str,
    setting: str = "",
    record: str = "",
    severity: t.Optional[Severity] = None,
) -> Hit:
    """Return what is found at a name: *setting* is what to write in the description, *record* what to publish."""
    return Hit(
        subject=shown(name),
        parameter=type_,
        observed=printable(observed),
        expected=expected,
        message=printable(_sentence(message), most=400),
        fix=Fix(
            f"dns_records_domains: {{name: {view.name}, {setting}}}" if setting else "",
            f"publish: {name} IN {record}" if record else "",
        ),
        severity=severity,
    )


def _sentence(message: str) -> str:
    """Return a message with a capital letter, unless it begins with a name."""
    return (
        message if "." in message.split(" ", maxsplit=1)[0] else message[:1].upper() + message[1:]
    )


def printable(text: str, *, most: int = 200) -> str:
    """Return a text of somebody else as one line that can be shown."""
    clean = "".join(one if one.isprintable() else "?" for one in text)
    return clean if len(clean) <= most else f"{clean[:most]}..."


_Item = t.TypeVar("_Item")


def each(items: t.Iterable[_Item], check: t.Callable[[_Item], t.Iterable[Hit]]) -> t.Iterator[Hit]:
    """Yield what is found of every item. Raises the first Unanswered at the end."""
    lacking: t.Optional[Unanswered] = None
    for item in items:
        try:
            yield from check(item)
        except Unanswered as problem:
            lacking = lacking or problem
    if lacking is not None:
        raise lacking


def dns_rule(
    name: str,
    severity: Severity,
    check: t.Callable[[DnsView], t.Iterable[Hit]],
    *,
    title: str,
    why: str,
    source: str,
    example: str,
) -> Rule[DnsView]:
    """Return a rule of the area ``dns``; what strangers publish and nobody can read leaves it incomplete."""

    def guarded(view: DnsView) -> t.Iterator[Hit]:
        try:
            yield from check(view)
        except RecordError as error:
            raise Unanswered(f"{view.name}: {error}") from error

    return Rule(
        id=f"dns-{name}",
        area="dns",
        severity=severity,
        title=title,
        why=why,
        source=source,
        check=guarded,
        needs=(),
        example=example,
    )


__all__ = ("DnsView", "ServedCertificate", "dns_rule", "each", "hit", "printable")
