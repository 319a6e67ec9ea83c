# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An SPF record with all that it includes: what it costs, and whom it lets send (RFC 7208; pure)."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from ansible_collections.hardened.mail.plugins.module_utils.records.ip_ranges import (
    EVERY_ADDRESS,
    SENDERS,
    Ranges,
    common,
    network,
    size,
    union,
    without,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.lookup import Answer, Lookup
from ansible_collections.hardened.mail.plugins.module_utils.records.mx import exchangers_of
from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import (
    RecordError,
    name_of,
    shown,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.spf import (
    SpfRecord,
    SpfTerm,
    parse_spf,
    spf_texts,
)

#: The terms that cost those who check a question, and how many of them there may be (RFC 7208 section 4.6.4).
ASKING: t.Final = ("include", "a", "mx", "ptr", "exists", "redirect")
MOST_LOOKUPS: t.Final = 10
MOST_VOIDS: t.Final = 2
_MOST_EXCHANGERS: t.Final = 10
#: Past this one stops counting: the record is wrong long since.
_MOST_NODES: t.Final = 60
_MOST_ASKED: t.Final = 60
#: A prefix of IPv4 or of IPv6 that is shorter makes a network that a site hardly has.
_WIDE: t.Final = (12, 24)
#: A term with a smaller share than this part of the largest one's is not named.
_MUCH: t.Final = 16


@dataclass(frozen=True)
class SpfNode:
    """A record as it was found through includes: its domain, its text, and those that it leads to.

    ``term`` led to it. ``lookups`` are those of its own terms and of all below, ``voids_of`` the questions that
    nothing answers for a sender with IPv4 and for one with IPv6. ``passed`` are its terms that let somebody send, each
    with the addresses that no term before it decides on. ``end`` is the qualifier for everybody else, empty where none
    is said, None when it is not known. ``problem`` says why a record does not count, ``unknown`` which question had no
    answer, ``addresses_unknown`` which one for the address of a host, on which no more than a few senders depend.
    """

    domain: str
    term: str = ""
    text: str = ""
    lookups: int = 0
    voids_of: tuple[int, int] = (0, 0)
    passed: tuple[tuple[str, Ranges], ...] = ()
    end: t.Optional[str] = None
    problem: str = ""
    unknown: tuple[str, ...] = ()
    addresses_unknown: tuple[str, ...] = ()
    children: tuple[SpfNode, ...] = ()

    @property
    def voids(self) -> int:
        """The questions that nothing answers, for the senders for whom these are most."""
        return max(self.voids_of)

    def walk(self) -> t.Iterator[SpfNode]:
        """Yield the node and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()

    def as_dict(self) -> dict[str, t.Any]:
        """Return it as plain data."""
        return {
            "domain": self.domain,
            "term": self.term,
            "text": self.text,
            "lookups": self.lookups,
            "voids": self.voids,
            "problem": self.problem,
            "unknown": [*self.unknown, *self.addresses_unknown],
            "children": [child.as_dict() for child in self.children],
        }


@dataclass
class _Count:
    """What was seen so far."""

    lookup: Lookup
    nodes: int = 0
    asked: int = 0
    path: list[str] = field(default_factory=list)


def spf_tree(domain: str, lookup: Lookup) -> SpfNode:
    """Return the record of a domain with all that it includes, and the questions that it costs.

    Raises RecordError when the domain is no name.
    """
    return _node(name_of(domain), "", _Count(lookup))


def open_to(node: SpfNode) -> dict[str, tuple[str, ...]]:
    """Return the terms that let half of all senders pass or more, by the kind of their addresses."""
    found = {}
    for kind, senders in SENDERS.items():
        shares = [(size(common(ranges, senders)), text) for text, ranges in node.passed]
        if 2 * sum(share for share, _text in shares) >= size(senders):
            most = max(shares)[0]
            found[kind] = tuple(text for share, text in shares if _MUCH * share >= most)
    return found


def _node(domain: str, term: str, count: _Count) -> SpfNode:
    count.nodes += 1
    if domain in count.path:
        return SpfNode(domain, term, problem=f"{shown(domain)} leads back to itself")
    if count.nodes > _MOST_NODES:
        return SpfNode(domain, term, problem=f"more than {_MOST_NODES} records are included")
    answer = count.lookup(domain, "TXT")
    if not answer.known:
        return SpfNode(domain, term, unknown=(_unanswered(domain, "TXT", answer),))
    try:
        texts = spf_texts(answer)
        if len(texts) != 1:
            found = "no SPF record" if not texts else f"{len(texts)} SPF records"
            return SpfNode(
                domain,
                term,
                voids_of=(int(answer.empty),) * 2,
                problem=f"{shown(domain)} has {found}",
            )
        record = parse_spf(texts[0])
    except RecordError as error:
        return SpfNode(domain, term, problem=f"{shown(domain)}: {error}")
    count.path.append(domain)
    node = _followed(SpfNode(domain, term, texts[0]), record, count)
    count.path.pop()
    return node


def _followed(node: SpfNode, record: SpfRecord, count: _Count) -> SpfNode:
    left = EVERY_ADDRESS
    end: t.Optional[str] = ""
    passed: list[tuple[str, Ranges]] = []
    steps: list[_Step] = []
    for term in _terms(record):
        step = _step(term, node.domain, count)
        steps.append(step)
        if term.qualifier == "+":
            passed.append((term.text, common(left, step.matches)))
        left = without(left, step.matches)
        if term.name == "all":
            end = term.qualifier
            break
        if term.name == "redirect":
            end = step.child.end if step.child else None
    children = tuple(one.child for one in steps if one.child)
    return replace(
        node,
        lookups=sum(one.term.name in ASKING for one in steps)
        + sum(one.lookups for one in children),
        voids_of=(sum(one.voids[0] for one in steps), sum(one.voids[1] for one in steps)),
        passed=tuple((text, ranges) for text, ranges in passed if ranges),
        end=end,
        problem=next((one.problem for one in steps if one.problem), ""),
        unknown=tuple(question for one in steps for question in one.unknown),
        addresses_unknown=tuple(question for one in steps for question in one.addresses_unknown),
        children=children,
    )


def _terms(record: SpfRecord) -> tuple[SpfTerm, ...]:
    if not record.redirect or record.default:
        return record.terms
    return (*record.terms, SpfTerm("redirect", record.redirect))


@dataclass(frozen=True)
class _Step:
    """What one term finds: whom it matches, what nobody answers, and why the record does not count."""

    term: SpfTerm
    matches: Ranges = ()
    voids: tuple[int, int] = (0, 0)
    problem: str = ""
    unknown: tuple[str, ...] = ()
    addresses_unknown: tuple[str, ...] = ()
    child: t.Optional[SpfNode] = None


def _step(term: SpfTerm, domain: str, count: _Count) -> _Step:
    if term.name == "all":
        return _Step(term, EVERY_ADDRESS)
    if term.name in ("ip4", "ip6"):
        return _Step(term, network(term.value))
    # What has macros depends on the message, as the reverse of the sender's address does.
    if "%" in term.value or term.name == "ptr":
        return _Step(term)
    target = name_of(term.target) if term.target else domain
    if term.name in ("include", "redirect"):
        child = _node(target, term.text, count)
        reached = union(ranges for _text, ranges in child.passed)
        return _Step(term, reached, child.voids_of, child=child)
    count.asked += 1
    if count.asked > _MOST_ASKED:
        return _Step(term)
    if term.name == "exists":
        return _exists(term, target, count.lookup)
    if term.name == "mx":
        return _mx(term, target, count.lookup)
    return _hosts(term, [target], count.lookup)


def _exists(term: SpfTerm, target: str, lookup: Lookup) -> _Step:
    # RFC 7208 section 5.7: an A record, for a sender with IPv6 too.
    answer = lookup(target, "A")
    if not answer.known:
        return _Step(term, unknown=(_unanswered(target, "A", answer),))
    return _Step(term, () if answer.empty else EVERY_ADDRESS, (int(answer.empty),) * 2)


def _mx(term: SpfTerm, target: str, lookup: Lookup) -> _Step:
    answer = lookup(target, "MX")
    if not answer.known:
        return _Step(term, unknown=(_unanswered(target, "MX", answer),))
    try:
        hosts = [one.host for one in exchangers_of(answer.data)]
    except RecordError as error:
        return _Step(term, problem=f"{shown(target)}: {error}")
    if len(hosts) > _MOST_EXCHANGERS:
        return _Step(
            term,
            problem=f"{shown(target)} has {len(hosts)} MX hosts, and SPF allows {_MOST_EXCHANGERS}",
        )
    if answer.empty:
        return _Step(term, voids=(1, 1))
    return _hosts(term, hosts, lookup)


def _hosts(term: SpfTerm, hosts: t.Sequence[str], lookup: Lookup) -> _Step:
    """Return what the addresses of hosts are, and which of them have none of a kind."""
    voids = [0, 0]
    matches: list[Ranges] = []
    wide: list[str] = []
    few: list[str] = []
    for host in hosts:
        for at, (type_, prefix) in enumerate(zip(("A", "AAAA"), term.prefixes)):
            answer = lookup(host, type_)
            if not answer.known:
                lacking = wide if prefix < _WIDE[at] else few
                lacking.append(_unanswered(host, type_, answer))
            voids[at] += int(answer.empty)
            matches += (_network(address, prefix) for address in answer.data)
    return _Step(
        term,
        union(matches),
        (voids[0], voids[1]),
        unknown=tuple(wide),
        addresses_unknown=tuple(few),
    )


def _network(address: str, prefix: int) -> Ranges:
    try:
        return network(address, prefix)
    except ValueError:
        # What is no address matches no sender.
        return ()


def _unanswered(name: str, type_: str, answer: Answer) -> str:
    return f"{name} {type_}: {answer.reason or answer.status}"


__all__ = (
    "ASKING",
    "MOST_LOOKUPS",
    "MOST_VOIDS",
    "SpfNode",
    "open_to",
    "spf_tree",
)
