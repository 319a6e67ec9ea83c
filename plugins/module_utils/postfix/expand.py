# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Expand ``$name`` and its kin in the value of a parameter, as Postfix does (pure).

The forms are those of postconf(5), "main.cf file format". Where Postfix would log "macro processing
error" and die, ExpansionError is raised. Its messages name parameters and never quote a value, which
may hold a password.
"""

from __future__ import annotations

import operator
import re
import typing as t
import unicodedata

from ansible_collections.hardened.mail.plugins.module_utils.postfix.patterns import later

Lookup = t.Callable[[str], t.Optional[str]]

#: How deep references may be nested before Postfix calls it unreasonable.
_DEEPEST = 100

#: The same across comparisons, whose operands begin to count again: what Python's stack bears.
_DEEPEST_OF_ALL = 150

#: A longer value is a trap (each of thirty names twice the one before) rather than a configuration.
_LONGEST = 4 * 1024 * 1024

#: How many brackets are looked at; those of nested choices again for each choice around them.
_MOST_BRACKETS = 2_000_000

_BLANKS = " \t\r\n"
_PIECE = later(r"[^$]+|\$\$|\$([A-Za-z0-9_]+)|\$([({])|\$")
_NAMED = later(r"[ \t\r\n]*([A-Za-z0-9_]*)(?:[ \t\r\n]*(?:([?:])(.*)|\Z))?", re.DOTALL)
_CALL = later(r"[ \t\r\n]*([A-Za-z0-9_]+)[ \t\r\n]*\{")
_DOTS = later("[.\u3002\uff0e\uff61]")
_NESTING = {"{": re.compile(r"[{}]"), "(": re.compile(r"[()]")}
_OPERATOR = later(r"([-<>!=?+*/~&|%]*)([A-Za-z0-9]*)")
_DIGITS = later(r"[0-9]+")
_LEVEL = later(r"[ \t\n\v\f\r]*([+-]?)([0-9]+)(?:\.([0-9]+)(?:\.([0-9]+))?)?")
_LARGEST = 2**63 - 1
_LONGEST_LABEL = 63

_COMPARISONS: t.Mapping[str, t.Callable[[t.Any, t.Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">=": operator.ge,
    ">": operator.gt,
}


#: Parameters whose value Postfix takes as it is written; a daemon of theirs has its own ``$name``.
NOT_EXPANDED = frozenset(
    {
        "command_execution_directory",
        "default_rbl_reply",
        "forward_path",
        "luser_relay",
        "mailbox_command",
        "postscreen_expansion_filter",
        "postscreen_reject_footer",
        "smtpd_expansion_filter",
        "smtpd_reject_footer",
    }
)


class ExpansionError(ValueError):
    """A value that Postfix cannot expand: broken syntax, a cycle, or nested too deep."""


def expand(text: str, lookup: Lookup) -> str:
    """Return *text* with every reference expanded; *lookup* gives values as they are written.

    A name for which *lookup* returns None expands to nothing. Raises ExpansionError.
    """
    if "$" not in text:
        return text
    return _Expansion(lookup).text(text, level=0)


class _Expansion:
    """The expansion of one value: which names are being expanded, and which are done.

    ``level`` counts as Postfix does, one for each reference, chosen text or comparison result that
    encloses a piece of text. Each name is expanded once, however often it is used, and its result
    is kept with the number of levels that it needs.
    """

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self._pending: list[str] = []
        self._done: dict[str, tuple[str, int]] = {}
        self._deepest = 0
        self._nested = 0
        self._brackets = 0

    def text(self, text: str, *, level: int) -> str:
        """Expand a text that stands *level* levels deep."""
        if text:
            self._reach(level)
        if "$" not in text:
            return text
        self._nested += 1
        if self._nested > _DEEPEST_OF_ALL:
            raise self._error("the references are nested too deep")
        pieces = []
        size = position = 0
        while position < len(text):
            piece, position = self._piece(text, position, level=level)
            pieces.append(piece)
            size += len(piece)
            if size > _LONGEST:
                raise self._error(f"the expanded value is longer than {_LONGEST} characters")
        self._nested -= 1
        return "".join(pieces)

    def _piece(self, text: str, position: int, *, level: int) -> tuple[str, int]:
        """Return the next piece of *text*, expanded, and the position behind it."""
        match = t.cast("re.Match[str]", _PIECE.match(text, position))
        name, bracket = match.groups()
        position = match.end()
        if name:
            return self._named(name, level=level), position
        if bracket:
            inside, position = self._inside(text, position, bracket=bracket)
            return self._reference(inside, level=level), position
        piece = match.group()
        if piece == "$":
            raise self._error("a '$' has no name behind it; a dollar sign is written '$$'")
        return "$" if piece == "$$" else piece, position

    def _inside(self, text: str, position: int, *, bracket: str) -> tuple[str, int]:
        """Return what is inside the bracket that opens before *position*, and what is behind."""
        depth = 1
        for match in _NESTING[bracket].finditer(text, position):
            depth += 1 if match.group() == bracket else -1
            self._brackets += 1
            if self._brackets > _MOST_BRACKETS:
                raise self._error("there are too many nested brackets")
            if depth == 0:
                return text[position : match.start()], match.end()
        raise self._error(f"a '{bracket}' is never closed")

    def _reach(self, level: int) -> None:
        if level > _DEEPEST:
            raise self._error(f"the references are nested more than {_DEEPEST} deep")
        self._deepest = max(self._deepest, level)

    def _error(self, problem: str) -> ExpansionError:
        where = f" (in the value of {self._pending[-1]})" if self._pending else ""
        return ExpansionError(problem + where)

    def _named(self, name: str, *, level: int) -> str:
        """Return the expanded value of *name*."""
        if name in self._done:
            value, height = self._done[name]
            self._reach(level + height)
            return value
        if name in self._pending:
            chain = " -> ".join([*self._pending[self._pending.index(name) :], name])
            raise ExpansionError(f"{name} refers to itself: {chain}")
        outside, self._deepest = self._deepest, level
        self._pending.append(name)
        value = self.text(self._lookup(name) or "", level=level + 1)
        self._pending.pop()
        self._done[name] = (value, self._deepest - level)
        self._deepest = max(outside, self._deepest)
        return value

    def _reference(self, inside: str, *, level: int) -> str:
        """Return what ``${inside}`` stands for."""
        if not inside:
            raise self._error("the name between the brackets is missing")
        call = _CALL.match(inside)
        if call:
            return self._call(call.group(1), inside[call.end() - 1 :])
        if inside.lstrip(_BLANKS).startswith("{"):
            value, rest = self._comparison(inside)
            choice, rest = rest[:1], rest[1:]
            if choice not in ("", "?", ":"):
                raise self._error("a comparison may be followed by '?' or ':' only")
        else:
            match = t.cast("re.Match[str]", _NAMED.match(inside))
            if match.end() != len(inside):
                raise self._error(
                    f"a name contains {inside[match.end()]!r}; "
                    "names are made of letters, digits and underscores"
                )
            name, choice, rest = match.groups()
            if not choice:
                return self._named(name, level=level)
            # Postfix looks at the value as it is written: one that expands to nothing is not empty.
            value = self._lookup(name) or ""
        if not choice:
            return self.text(value, level=level + 1)
        return self.text(self._chosen(choice, rest, given=bool(value)), level=level + 1)

    def _chosen(self, choice: str, rest: str, *, given: bool) -> str:
        """Return the text behind ``?`` or ``:`` that counts."""
        if_given = otherwise = ""
        if choice == "?":
            if_given, rest = self._operand(rest)
            if not rest:
                return if_given if given else ""
            if rest[0] != ":":
                raise self._error("a '{text}' behind '?' may be followed by ':' only")
            rest = rest[1:]
        otherwise, rest = self._operand(rest)
        if rest:
            raise self._error("there is text behind the last '{text}' of a choice")
        return if_given if given else otherwise

    def _operand(self, text: str) -> tuple[str, str]:
        """Return the text of an operand, with or without braces, and what is behind it."""
        start = text.lstrip(_BLANKS)
        if not start.startswith("{"):
            return text, ""
        inside, end = self._inside(start, 1, bracket="{")
        return inside, start[end:].lstrip(_BLANKS)

    def _comparison(self, inside: str) -> tuple[str, str]:
        """Return the value of ``{left} operator {right}``, and what is behind it."""
        left, rest = self._operand(inside)
        sign, suffix = t.cast("re.Match[str]", _OPERATOR.match(rest)).groups()
        if sign not in _COMPARISONS:
            raise self._error("one of == != < <= >= > is expected behind the left operand")
        if suffix not in ("", "level"):
            raise self._error(f"there is no operator {sign}{suffix[:20]}")
        rest = rest[len(sign) + len(suffix) :].lstrip(_BLANKS)
        if not rest.startswith("{"):
            raise self._error(f"a '{{text}}' is expected behind {sign}{suffix}")
        right, rest = self._operand(rest)
        # Postfix expands the operands apart, so their levels do not count for this text.
        outside = self._deepest
        one, other = self.text(left, level=0), self.text(right, level=0)
        self._deepest = outside
        first, second = self._levels(one, other) if suffix else self._comparable(one, other)
        return "true" if _COMPARISONS[sign](first, second) else "", rest

    def _call(self, name: str, operand: str) -> str:
        """Return the value of ``name{operand}``, a function of Postfix 3.11."""
        if name not in _FUNCTIONS:
            raise self._error(f"there is no function {name}")
        inside, rest = self._operand(operand)
        if rest:
            raise self._error(f"there is text behind {name}{{text}}")
        outside = self._deepest
        domain = self.text(inside, level=0)
        self._deepest = outside
        try:
            return _FUNCTIONS[name](domain)
        except ValueError as error:
            raise self._error(f"the operand of {name} is no domain name") from error

    def _comparable(self, one: str, other: str) -> tuple[t.Any, t.Any]:
        """Return two texts as numbers when both are, else as bytes."""
        if _DIGITS.fullmatch(one) and _DIGITS.fullmatch(other):
            return self._number(one), self._number(other)
        return one.encode("utf-8", "surrogateescape"), other.encode("utf-8", "surrogateescape")

    def _levels(self, one: str, other: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
        return self._level(one), self._level(other)

    def _level(self, text: str) -> tuple[int, ...]:
        """Return a compatibility level such as 3.6 as numbers."""
        match = _LEVEL.fullmatch(text)
        if match:
            sign, *numbers = match.groups()
            major, *minor = (self._number(number or "0") for number in numbers)
            if major < 2**43 and max(minor) < 1024 and not (sign == "-" and major):
                return (major, *minor)
        raise self._error("an operand of a comparison of levels is no compatibility level")

    def _number(self, digits: str) -> int:
        digits = digits.lstrip("0") or "0"
        # The length first: Python refuses to read a number of thousands of digits.
        if len(digits) > len(str(_LARGEST)) or int(digits) > _LARGEST:
            raise self._error("a number in a comparison is too large")
        return int(digits)


def _to_ascii(domain: str) -> str:
    """Return a domain name with Punycode for its labels that need it; ValueError if it is none."""
    if not domain:
        raise ValueError("no domain name")
    if domain.isascii():
        return domain
    return ".".join(_encoded(label) for label in _labels(domain))


def _to_utf8(domain: str) -> str:
    """Return a domain name without Punycode; ValueError if it is none."""
    if not domain.isascii() or not domain:
        return domain
    return ".".join(_decoded(label) for label in _labels(domain))


def _labels(domain: str) -> list[str]:
    labels = [unicodedata.normalize("NFKC", one.lower()) for one in _DOTS.split(domain)]
    for label in labels:
        if not label or not all(
            character.isalnum() or character in "-_" or unicodedata.combining(character)
            for character in label
        ):
            raise ValueError("no label of a domain name")
    return labels


def _encoded(label: str) -> str:
    text = label if label.isascii() else "xn--" + label.encode("punycode").decode("ascii")
    if len(text) > _LONGEST_LABEL:
        raise ValueError("the label is too long")
    return text


def _decoded(label: str) -> str:
    if len(label) > _LONGEST_LABEL:
        raise ValueError("the label is too long")
    return label[4:].encode("ascii").decode("punycode") if label.startswith("xn--") else label


_FUNCTIONS: t.Mapping[str, t.Callable[[str], str]] = {
    "domain_to_ascii": _to_ascii,
    "domain_to_utf8": _to_utf8,
}


__all__ = ("NOT_EXPANDED", "ExpansionError", "Lookup", "expand")
