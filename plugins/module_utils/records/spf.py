# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SPF records (RFC 7208; pure)."""

from __future__ import annotations

import ipaddress
import re
import typing as t
from dataclasses import dataclass

from ansible_collections.hardened.mail.plugins.module_utils.records.lookup import Answer
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

_TERM: t.Final = re.compile(r"([+\-~?]?)([A-Za-z][A-Za-z0-9_.-]*)([:=/]?)(.*)", re.DOTALL)
_MACRO: t.Final = re.compile(
    r"%(?:\{[SLODIPHCRTVslodiphcrtv](?:0*[1-9][0-9]*)?[Rr]?[.+,/_=-]*\}|[%_-])"
)
# RFC 7208 section 7.2: these are for the text that exp leads to.
_OF_TEXT: t.Final = re.compile(r"%\{[CRTcrt]")
# RFC 7208 section 7.1: a domain ends in a macro, or in a label below another one that is not all digits.
_END: t.Final = re.compile(
    r"(?:%(?:\{[^}]*\}|[%_-])|\.(?![0-9]+\.?$)[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.?)$"
)
_LENGTH: t.Final = re.compile("0|[1-9][0-9]{0,2}")
_PREFIXES: t.Final = re.compile(
    rf"(.*?)(?:/({_LENGTH.pattern}))?(?://({_LENGTH.pattern}))?", re.DOTALL
)


@dataclass(frozen=True)
class SpfTerm:
    """One mechanism, or the modifier redirect: ``value`` is what follows its name, without the colon."""

    name: str
    value: str = ""
    qualifier: str = "+"

    @property
    def text(self) -> str:
        """The term as it is written."""
        if self.name == "redirect":
            return f"redirect={self.value}"
        sign = "" if self.qualifier == "+" else self.qualifier
        between = ":" if self.value and not self.value.startswith("/") else ""
        return f"{sign}{self.name}{between}{self.value}"

    @property
    def target(self) -> str:
        """The domain that the term names, empty for the record's own one."""
        match = _PREFIXES.fullmatch(self.value)
        return match.group(1) if match and self.name in ("a", "mx") else self.value

    @property
    def prefixes(self) -> tuple[int, int]:
        """How many bits of an IPv4 and of an IPv6 address count for ``a`` and ``mx``."""
        match = _PREFIXES.fullmatch(self.value)
        four, six = match.groups()[1:] if match else (None, None)
        return (32 if four is None else int(four)), (128 if six is None else int(six))


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
    words = [_word(str(one)) for one in terms]
    if redirect and all_:
        raise RecordError("SPF: there are redirect and all: expected one of them, all comes first")
    if not redirect and all_ not in ("-all", "~all", "?all"):
        raise RecordError(f"SPF: all is {all_!r}: expected -all, or ~all beside DMARC")
    for word in words:
        if re.split("[:/=]", word.lstrip(QUALIFIERS).lower())[0] in ("all", "ptr", "redirect"):
            raise RecordError(
                f"SPF: found {word!r} among the terms: expected mx, a, ip4, ip6, include"
            )
    tail = _word(f"redirect={redirect}") if redirect else all_
    return parse_spf(" ".join([VERSION, *words, tail]))


def _word(text: str) -> str:
    """Return one term, its domain in A-labels. Raises RecordError."""
    word = text.strip()
    if not word or re.search(r"\s", word):
        raise RecordError(f"SPF: found {text!r}: expected one term, without a blank")
    match = _TERM.fullmatch(word)
    if word.isascii() or match is None or "%" in word:
        return word
    value = match.group(4)
    prefixes = _PREFIXES.fullmatch(value)
    place = prefixes.group(1) if prefixes else value
    return f"{word[: match.start(4)]}{shown(name_of(place))}{value[len(place) :]}"


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
    if head.lower() != VERSION:
        raise RecordError(f"SPF: the record begins {text[:20]!r}: expected {VERSION} and a blank")
    strange = [one for one in rest.split(" ") if not one.isascii() or not one.isprintable()]
    if strange:
        raise RecordError(
            f"SPF: found {strange[0]!r}: expected printable ASCII, and international names as A-labels (xn--...)"
        )
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
            modifiers.append((name.lower(), _modifier(name.lower(), value, word)))
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
        if "/" in _MACRO.sub("", place) or (separator == ":" and not place):
            raise RecordError(f"SPF: found {word!r}: expected {name}:DOMAIN/PREFIX")
        number(four or 0, what=f"SPF: the prefix of {word!r}", most=32)
        number(six or 0, what=f"SPF: the prefix of {word!r}", most=128)
        if place:
            _domain_spec(place, word)
        return SpfTerm(name, whole, sign)
    if name in ("include", "exists", "ptr") and separator == ":":
        return SpfTerm(name, _domain_spec(value, word), sign)
    raise RecordError(f"SPF: found {word!r}: there is no such mechanism")


def _modifier(name: str, value: str, word: str) -> str:
    if name in ("redirect", "exp"):
        return _domain_spec(value, word)
    if "%" in _MACRO.sub("", value):
        raise RecordError(f"SPF: found {word!r}: expected macros such as %{{d}}, and %% for a %")
    return value


def _network(name: str, value: str, word: str) -> str:
    kind: t.Union[type[ipaddress.IPv4Network], type[ipaddress.IPv6Network]]
    kind = ipaddress.IPv4Network if name == "ip4" else ipaddress.IPv6Network
    address, slash, length = value.partition("/")
    try:
        # Python reads a mask in dots, zeros in front and the zone of an address, and SPF does not.
        if "%" in address or (slash and not _LENGTH.fullmatch(length)):
            raise ValueError("not SPF")
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
    if _OF_TEXT.search(value):
        raise RecordError(f"SPF: found {word!r}: the macros c, r and t are for the text of exp")
    if "%" not in value:
        name_of(value)
    if not _END.search(value):
        raise RecordError(
            f"SPF: found {word!r}: expected a domain of two labels at least, the last not all digits; "
            "an address stands behind ip4: or ip6:"
        )
    return value


__all__ = (
    "VERSION",
    "SpfRecord",
    "SpfTerm",
    "build_spf",
    "is_spf",
    "parse_spf",
    "spf_of_terms",
    "spf_rrset",
    "spf_texts",
)
