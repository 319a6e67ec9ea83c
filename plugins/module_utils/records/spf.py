# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SPF records, and what one costs those who check it (RFC 7208; pure)."""

from __future__ import annotations

import ipaddress
import re
import typing as t
from dataclasses import dataclass, field

from ansible_collections.hardened.mail.plugins.module_utils.records.lookup import Answer, Lookup
from ansible_collections.hardened.mail.plugins.module_utils.records.mx import exchangers_of
from ansible_collections.hardened.mail.plugins.module_utils.records.numbers import number
from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import (
    DEFAULT_TTL,
    RecordError,
    RRset,
    make_rrset,
    name_of,
    quote_txt,
    shown,
    unquote_txt,
)

VERSION: t.Final = "v=spf1"
QUALIFIERS: t.Final = "+-~?"
#: The terms that cost those who check a question, and how many of them there may be (RFC 7208 section 4.6.4).
ASKING: t.Final = ("include", "a", "mx", "ptr", "exists", "redirect")
MOST_LOOKUPS: t.Final = 10
MOST_VOIDS: t.Final = 2
_MOST_EXCHANGERS: t.Final = 10
#: Past this one stops counting: the record is wrong long since.
_MOST_NODES: t.Final = 60

_TERM: t.Final = re.compile(r"([+\-~?]?)([A-Za-z][A-Za-z0-9_.-]*)([:=/]?)(.*)", re.DOTALL)
_MACRO: t.Final = re.compile(r"%(?:\{[SLODIPHCRTVslodiphcrtv][0-9]*[Rr]?[.+,/_=-]*\}|[%_-])")
_PREFIXES: t.Final = re.compile(r"(.*?)(?:/([0-9]{1,3}))?(?://([0-9]{1,3}))?", re.DOTALL)


@dataclass(frozen=True)
class SpfTerm:
    """One mechanism, or the modifier redirect: ``value`` is what follows its name, without the colon."""

    name: str
    value: str = ""
    qualifier: str = "+"

    @property
    def text(self) -> str:
        """The term as it is written."""
        sign = "" if self.qualifier == "+" else self.qualifier
        between = ":" if self.value and not self.value.startswith("/") else ""
        return f"{sign}{self.name}{between}{self.value}"

    @property
    def target(self) -> str:
        """The domain that the term names, empty for the record's own one."""
        match = _PREFIXES.fullmatch(self.value)
        return match.group(1) if match and self.name in ("a", "mx") else self.value


@dataclass(frozen=True)
class SpfRecord:
    """A record: its mechanisms in order, where it goes on (``redirect``), and its other modifiers."""

    terms: tuple[SpfTerm, ...]
    redirect: str = ""
    modifiers: tuple[tuple[str, str], ...] = ()

    @property
    def default(self) -> str:
        """The qualifier of ``all``, empty where there is none."""
        return next((one.qualifier for one in self.terms if one.name == "all"), "")


@dataclass(frozen=True)
class SpfNode:
    """A record as it was found through includes: its domain, its text, and those that it leads to.

    ``term`` led to it. ``lookups`` are those of its own terms and of all below, ``voids`` the questions that
    nothing answers, each counted for IPv4 and IPv6 alike where it is so for one of them. ``problem`` says why
    a record does not count, ``unknown`` which question had no answer.
    """

    domain: str
    term: str = ""
    text: str = ""
    lookups: int = 0
    voids: int = 0
    problem: str = ""
    unknown: tuple[str, ...] = ()
    children: tuple[SpfNode, ...] = ()

    def walk(self) -> t.Iterator[SpfNode]:
        """Yield the node and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()

    def as_dict(self) -> dict[str, t.Any]:
        """Return it as plain data."""
        return {
            **vars(self),
            "unknown": list(self.unknown),
            "children": [child.as_dict() for child in self.children],
        }


def build_spf(record: SpfRecord) -> str:
    """Return the text of the record. Raises RecordError."""
    words = [VERSION, *(one.text for one in record.terms)]
    if record.redirect:
        words.append(f"redirect={record.redirect}")
    words += [f"{name}={value}" for name, value in record.modifiers]
    text = " ".join(words)
    parse_spf(text)
    return text


def spf_of_terms(terms: t.Iterable[str], *, all_: str = "-all", redirect: str = "") -> SpfRecord:
    """Return the record of these terms, with ``all`` at the end. Raises RecordError.

    What SPF allows and nobody should publish is refused: ``+all``, ``ptr``, a term after ``all``.
    """
    words = [str(one).strip() for one in terms]
    if redirect and all_:
        raise RecordError("SPF: there are redirect and all: expected one of them, all comes first")
    if not redirect and all_ not in ("-all", "~all", "?all"):
        raise RecordError(f"SPF: all is {all_!r}: expected -all, or ~all beside DMARC")
    for word in words:
        if re.split("[:/]", word.lstrip(QUALIFIERS).lower())[0] in ("all", "ptr"):
            raise RecordError(
                f"SPF: found {word!r} among the terms: expected mx, a, ip4, ip6, include"
            )
    tail = [f"redirect={redirect}"] if redirect else [all_]
    return parse_spf(" ".join([VERSION, *words, *tail]))


def spf_rrset(domain: str, record: SpfRecord, *, ttl: int = DEFAULT_TTL) -> RRset:
    """Return the set of a domain. Raises RecordError."""
    return make_rrset(domain, "TXT", [quote_txt(build_spf(record))], ttl=ttl)


def is_spf(text: str) -> bool:
    """Return whether a TXT record means to be an SPF record: in any spelling of its version."""
    return bool(re.match(r"v\s*=\s*spf1(\s|$)", text, re.IGNORECASE))


def spf_texts(answer: Answer) -> tuple[str, ...]:
    """Return the texts of an answer that mean to be SPF records. Raises RecordError."""
    return tuple(text for text in map(unquote_txt, answer.data) if is_spf(text))


def parse_spf(text: str) -> SpfRecord:
    """Return what a record says. Raises RecordError with the first term that breaks the grammar."""
    head, _blank, rest = text.partition(" ")
    if head.lower() != VERSION or not text.isascii() or not text.isprintable():
        raise RecordError(f"SPF: the record begins {text[:20]!r}: expected {VERSION} and a blank")
    terms: list[SpfTerm] = []
    modifiers: list[tuple[str, str]] = []
    for word in rest.split():
        match = _TERM.fullmatch(word)
        if match is None:
            raise RecordError(f"SPF: found {word!r}: expected a mechanism or name=value")
        sign, name, separator, value = match.groups()
        if separator == "=":
            if sign:
                raise RecordError(f"SPF: found {word!r}: a modifier has no sign")
            known = name.lower() in ("redirect", "exp")
            modifiers.append((name.lower(), _domain_spec(value, word) if known else value))
        else:
            terms.append(_term(sign or "+", name.lower(), separator, value, word=word))
    names = [name for name, _value in modifiers]
    for name in ("redirect", "exp"):
        if names.count(name) > 1:
            raise RecordError(f"SPF: {name} is there twice: expected it once")
    redirect = dict(modifiers).get("redirect", "")
    kept = tuple(one for one in modifiers if one[0] != "redirect")
    return SpfRecord(tuple(terms), redirect, kept)


def _term(sign: str, name: str, separator: str, value: str, *, word: str) -> SpfTerm:
    if not separator and value:
        raise RecordError(f"SPF: found {word!r}: expected {name}, then a blank")
    if name == "all" and separator:
        raise RecordError(f"SPF: found {word!r}: all stands alone")
    if name in ("all", "ptr", "a", "mx") and not separator:
        return SpfTerm(name, "", sign)
    if name in ("ip4", "ip6"):
        if separator != ":":
            raise RecordError(f"SPF: found {word!r}: expected {name}:ADDRESS")
        return SpfTerm(name, _network(name, value, word), sign)
    if name in ("a", "mx"):
        whole = value if separator == ":" else f"/{value}"
        match = _PREFIXES.fullmatch(whole)
        place, four, six = match.groups() if match else ("", None, None)
        if "/" in place or (separator == ":" and not place):
            raise RecordError(f"SPF: found {word!r}: expected {name}:DOMAIN/PREFIX")
        number(four or 0, what=f"SPF: the prefix of {word!r}", most=32)
        number(six or 0, what=f"SPF: the prefix of {word!r}", most=128)
        if place:
            _domain_spec(place, word)
        return SpfTerm(name, whole, sign)
    if name in ("include", "exists", "ptr") and separator == ":":
        return SpfTerm(name, _domain_spec(value, word), sign)
    raise RecordError(f"SPF: found {word!r}: there is no such mechanism")


def _network(name: str, value: str, word: str) -> str:
    kind: t.Union[type[ipaddress.IPv4Network], type[ipaddress.IPv6Network]]
    kind = ipaddress.IPv4Network if name == "ip4" else ipaddress.IPv6Network
    try:
        # A mask in dots is not SPF, though Python reads it.
        if "." in value.partition("/")[2]:
            raise ValueError("a mask")
        kind(value, strict=False)
    except ValueError:
        version = "IPv4" if name == "ip4" else "IPv6"
        raise RecordError(
            f"SPF: found {word!r}: expected an {version} address or network"
        ) from None
    return value


def _domain_spec(value: str, word: str) -> str:
    """Return a domain, or one with macros (RFC 7208 section 7.1). Raises RecordError."""
    if not value or "%" in _MACRO.sub("", value):
        raise RecordError(f"SPF: found {word!r}: expected a domain")
    if "%" not in value:
        name_of(value)
    return value


# ---- What a record costs ------------------------------------------------------------------------


@dataclass
class _Count:
    """What was seen so far."""

    lookup: Lookup
    nodes: int = 0
    path: list[str] = field(default_factory=list)


def spf_tree(domain: str, lookup: Lookup) -> SpfNode:
    """Return the record of a domain with all that it includes, and the questions that it costs.

    Raises RecordError when the domain is no name.
    """
    return _node(name_of(domain), "", _Count(lookup))


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
                domain, term, voids=int(answer.empty), problem=f"{shown(domain)} has {found}"
            )
        record = parse_spf(texts[0])
    except RecordError as error:
        return SpfNode(domain, term, problem=f"{shown(domain)}: {error}")
    count.path.append(domain)
    node = _followed(domain, term, texts[0], record, count)
    count.path.pop()
    return node


def _followed(domain: str, term: str, text: str, record: SpfRecord, count: _Count) -> SpfNode:
    lookups, voids = 0, [0, 0]
    problem = ""
    unknown: list[str] = []
    children: list[SpfNode] = []
    for one in _steps(record):
        if one.name == "all":
            break
        if one.name not in ASKING:
            continue
        lookups += 1
        if "%" in one.value:
            # It depends on the message; it costs a question all the same.
            continue
        target = name_of(one.target) if one.target else domain
        if one.name in ("include", "redirect"):
            child = _node(target, one.text, count)
            children.append(child)
            lookups += child.lookups
            voids = [sum_ + child.voids for sum_ in voids]
            continue
        asked = _asked(one, target, count.lookup)
        unknown += asked.unknown
        voids = [sum_ + more for sum_, more in zip(voids, asked.voids)]
        problem = problem or asked.problem
    return SpfNode(
        domain, term, text, lookups, max(voids), problem, tuple(unknown), tuple(children)
    )


def _steps(record: SpfRecord) -> tuple[SpfTerm, ...]:
    if not record.redirect or record.default:
        return record.terms
    return (*record.terms, SpfTerm("redirect", record.redirect))


@dataclass(frozen=True)
class _Asked:
    voids: tuple[int, int] = (0, 0)
    problem: str = ""
    unknown: tuple[str, ...] = ()


def _asked(term: SpfTerm, target: str, lookup: Lookup) -> _Asked:
    """Return what a term finds: what nobody answers for IPv4 and for IPv6, and why it does not count."""
    if term.name == "mx":
        answer = lookup(target, "MX")
        if not answer.known:
            return _Asked(unknown=(_unanswered(target, "MX", answer),))
        try:
            number_of = len(exchangers_of(answer.data))
        except RecordError as error:
            return _Asked(problem=f"{shown(target)}: {error}")
        if number_of > _MOST_EXCHANGERS:
            return _Asked(
                problem=f"{shown(target)} has {number_of} MX hosts, and SPF allows {_MOST_EXCHANGERS}"
            )
        return _Asked(voids=(int(answer.empty),) * 2)
    if term.name == "a":
        four, six = lookup(target, "A"), lookup(target, "AAAA")
        lacking = [
            _unanswered(target, type_, one)
            for type_, one in (("A", four), ("AAAA", six))
            if not one.known
        ]
        if lacking:
            return _Asked(unknown=tuple(lacking))
        return _Asked(voids=(int(four.empty), int(six.empty)))
    # The reverse of the sender's address, and names made of it, are another for each message.
    return _Asked()


def _unanswered(name: str, type_: str, answer: Answer) -> str:
    return f"{name} {type_}: {answer.reason or answer.status}"


__all__ = (
    "ASKING",
    "MOST_LOOKUPS",
    "MOST_VOIDS",
    "VERSION",
    "SpfNode",
    "SpfRecord",
    "SpfTerm",
    "build_spf",
    "is_spf",
    "parse_spf",
    "spf_of_terms",
    "spf_rrset",
    "spf_texts",
    "spf_tree",
)
