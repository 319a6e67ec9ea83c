# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Made-up values with references in them, together with what they mean.

The meaning comes from how a value was put together, not from expanding it, so that it can be held against our
expansion and against that of the real postconf.
"""

from __future__ import annotations

import dataclasses
import typing as t

from config_texts import NAMES
from hypothesis import strategies as st

#: (text, meaning); no blank at either end, braces and brackets balanced.
LITERALS: t.Final = (
    ("a", "a"),
    ("B9_", "B9_"),
    ("x y", "x y"),
    ("{b}", "{b}"),
    ("{ c d }", "{ c d }"),
    ("(e)", "(e)"),
    (",", ","),
    (":", ":"),
    ("?", "?"),
    ("==", "=="),
    ("$$", "$"),
    ("$$mydomain", "$mydomain"),
    ("10", "10"),
    ("9", "9"),
    ("ä", "ä"),
    ("\udcff", "\udcff"),
)
OPERANDS: t.Final = ("", "9", "10", "010", "1a", "Z", "ä", "\udcff", "\U00010000", "99999999999")
LEVELS: t.Final = ("0", "2", "3.6", "3.10", "3.9", "3.9.1", "3.9.0", "03.9")
COMPARE: t.Final = {
    "==": lambda one, other: one == other,
    "!=": lambda one, other: one != other,
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">=": lambda one, other: one >= other,
    ">": lambda one, other: one > other,
}
UNDEFINED: t.Final = "no_such_name"

#: Names that the tables below refer to.
KNOWN: t.Final = {
    "a": "1",
    "b": "",
    "nested": "-${a}-",
    "twice": "$nested$nested",
    "hollow": "$b",
    "level": "3.10",
    "dollar": "5$$",
    "self": "x$self",
    "each": "$other",
    "other": "${each}",
    "compared": "${{$compared} == {x} ? {y}}",
    "chosen": "${chosen?yes}",
    "broken": "secret$",
    "uses_broken": "$broken",
    "umlaut": "faß.example",
}

#: (name of the case, value, what it expands to).
EXPANDED: t.Final = (
    ("plain", "plain", "plain"),
    ("empty", "", ""),
    ("no-reference", "{a}?:(", "{a}?:("),
    ("name", "$a", "1"),
    ("brackets", "${a}b $(a)c", "1b 1c"),
    ("name-ends", "$a.x $a-x", "1.x 1-x"),
    ("name-is-ascii", "$aä", "1ä"),
    ("nested", "$nested", "-1-"),
    ("used-twice", "$twice", "-1--1-"),
    ("unknown", "[$nope][${nope}]", "[][]"),
    ("dollar", "$$a", "$a"),
    ("dollars", "$$$a$$$$", "$1$$"),
    ("dollar-of-another", "$dollar$a", "5$1"),
    ("if-set", "${a?x}${b?y}", "x"),
    ("if-empty", "${a:x}${b:y}", "y"),
    ("unknown-is-empty", "${nope:x}", "x"),
    ("set-as-it-is-written", "${hollow?x}${hollow:y}", "x"),
    ("braces", "${a?{p q}}", "p q"),
    ("blanks-around-braces", "${a? {p q} }", "p q"),
    ("blanks-without-braces", "${a? p q }", " p q "),
    ("either", "${a?{p}:{q}}${b?{p}:{q}}", "pq"),
    ("either-without-braces", "${a?{p}:q}${b?{p}:q r}", "pq r"),
    ("colon-is-text-without-braces", "${b?p:q}", ""),
    ("signs-are-text", "${a??p:{q}r}", "?p:{q}r"),
    ("empty-text", "${a?}", ""),
    ("reference-in-the-text", "${a?{x$nested}}", "x-1-"),
    ("choice-in-a-choice", "${b:{${a?{x}:{y}}}}", "x"),
    ("dollar-in-the-text", "${a?{$$}}", "$"),
    ("text-not-chosen-is-not-read", "${b?{$self}}y", "y"),
    ("a-condition-is-no-cycle", "$chosen", "yes"),
    ("parentheses-nest", "$(a?(x))", "(x)"),
    ("comparison", "${{1} == {1}}", "true"),
    ("false-comparison", "[${{1} == {2}}]", "[]"),
    ("numbers", "${{1} == {01}?same}", "same"),
    ("numbers-by-size", "${{9} < {10}?less}", "less"),
    ("colon-is-text-behind-a-comparison", "${{9} < {10}?p:{q}}", "p:{q}"),
    ("texts-by-bytes", "${{9x} < {10}?{less}:{more}}", "more"),
    ("a-blank-makes-it-text", "${{ 1} == {1}?{same}:{other}}", "other"),
    ("blanks", "${ {$a} != {$b} ? {other} : {same} }", "other"),
    ("signs", "${{a} < {b}}${{a} <= {a}}${{b} > {a}}${{b} >= {b}}", "true" * 4),
    ("comparison-in-a-comparison", "${{${{a} == {a}}} == {true} ? {x}}", "x"),
    ("levels", "${{$level} <level {3.9} ? {old} : {new}}", "new"),
    ("levels-as-texts", "${{$level} < {3.9} ? {old} : {new}}", "old"),
    ("short-level", "${{2} <level {3.6} ? {old} : {new}}", "old"),
    ("level-without-a-patch", "${{3.6.0} ==level {3.6}}", "true"),
    ("level-with-a-patch", "${{3.6.1} >level {3.6}}", "true"),
)

#: The same for the functions of Postfix 3.11.
CALLED: t.Final = (
    ("ascii-stays", "${domain_to_ascii{A.Example.}}", "A.Example."),
    ("no-name-stays", "${domain_to_ascii{x y,[::1]}}", "x y,[::1]"),
    ("encoded", "${domain_to_ascii{ä.$umlaut}}", "xn--4ca.xn--fa-hia.example"),
    ("upper-case", "${domain_to_ascii{Ä.Example}}", "xn--4ca.example"),
    ("underscore", "${domain_to_ascii{faß_x.exa_mple}}", "xn--fa_x-wna.exa_mple"),
    ("wide-dot", "${domain_to_ascii{ä\u3002b}}", "xn--4ca.b"),
    ("blanks-of-a-call", "${ domain_to_ascii {a} }", "a"),
    ("call-in-parentheses", "$(domain_to_ascii{a})", "a"),
    ("call-in-a-call", "${domain_to_ascii{${domain_to_utf8{xn--4ca}}}}", "xn--4ca"),
    ("compared-call", "${{${domain_to_ascii{ä}}} == {xn--4ca}}", "true"),
    ("name-like-a-function", "[$domain_to_ascii{a}]", "[{a}]"),
    ("choice-by-such-a-name", "${domain_to_ascii:{b}}", "b"),
    ("decoded", "${domain_to_utf8{XN--4CA.Example}}", "ä.example"),
    ("utf8-stays", "${domain_to_utf8{Ä..}}", "Ä.."),
    ("empty-utf8", "[${domain_to_utf8{}}]", "[]"),
)

#: (name of the case, value, part of the message).
NOT_CALLED: t.Final = (
    ("empty-domain", "${domain_to_ascii{$b}}", "the operand of domain_to_ascii is no"),
    ("empty-label", "${domain_to_ascii{ä..b}}", "the operand of domain_to_ascii is no"),
    ("root-label", "${domain_to_ascii{ä.}}", "the operand of domain_to_ascii is no"),
    ("blank-in-a-domain", "${domain_to_ascii{x y,ä}}", "the operand of domain_to_ascii is no"),
    ("no-characters", "${domain_to_ascii{\udcff}}", "the operand of domain_to_ascii is no"),
    ("long-label", "${domain_to_ascii{" + "ä" * 64 + "}}", "the operand of domain_to_ascii is no"),
    ("empty-ascii-label", "${domain_to_utf8{a..b}}", "the operand of domain_to_utf8 is no"),
    ("long-ascii-label", "${domain_to_utf8{" + "a" * 64 + "}}", "the operand of domain_to_utf8"),
    ("no-punycode", "${domain_to_utf8{xn--9999999999}}", "the operand of domain_to_utf8 is no"),
    ("cycle-in-a-call", "${domain_to_ascii{$self}}", "self refers to itself"),
)

#: (name of the case, value, part of the message).
REFUSED: t.Final = (
    ("itself", "$self", "self refers to itself: self -> self"),
    ("each-other", "$each", "each refers to itself: each -> other -> each"),
    ("in-a-comparison", "$compared", "compared refers to itself"),
    ("no-name", "x$", "a '$' has no name"),
    ("no-name-but-a-sign", "$-", "a '$' has no name"),
    ("no-name-in-brackets", "$()", "the name between the brackets is missing"),
    ("unclosed", "${a", "a '{' is never closed"),
    ("unclosed-parenthesis", "$(a}", "a '(' is never closed"),
    ("parentheses-do-not-see-braces", "$(a?{x)}", "a '{' is never closed"),
    ("unclosed-text", "${a?{b}", "a '{' is never closed"),
    ("sign-in-a-name", "${a-b}", "a name contains '-'"),
    ("reference-as-a-name", "${$a}", "a name contains '$'"),
    ("blank-in-a-name", "${a b}", "a name contains ' '"),
    ("text-behind-braces", "${a?{x}y}", "followed by ':' only"),
    ("two-else", "${a:{x}:{y}}", "text behind the last"),
    ("text-behind-both", "${a?{x}:{y}z}", "text behind the last"),
    ("no-function", "${a{b}}", "there is no function a"),
    ("text-behind-a-call", "${domain_to_ascii{a}?x}", "behind domain_to_ascii{text}"),
    ("no-sign", "${{a}}", "== != < <= >= >"),
    ("wrong-sign", "${{a} = {b}}", "== != < <= >= >"),
    ("no-right-operand", "${{a} ==}", "expected behind =="),
    ("right-operand-without-braces", "${{a} == b}", "expected behind =="),
    ("wrong-word", "${{a} <word {b}}", "no operator <word"),
    ("no-level", "${{a} <level {3}}", "no compatibility level"),
    ("minor-too-large", "${{3} <level {3.1024}}", "no compatibility level"),
    ("level-below-zero", "${{-1} <level {3}}", "no compatibility level"),
    ("four-numbers", "${{3.6.1.1} <level {3}}", "no compatibility level"),
    ("no-choice", "${{a} == {b} x}", "followed by '?' or ':' only"),
    ("long-number", "${{9" + "9" * 5000 + "} == {1}}", "too large"),
    ("large-number", "${{9223372036854775808} == {1}}", "too large"),
)

Piece = tuple[str, str]


@dataclasses.dataclass(frozen=True)
class Settings:
    """Values as they are written, and as they are meant, by name."""

    written: t.Mapping[str, str]
    meant: t.Mapping[str, str]

    @property
    def text(self) -> str:
        """A main.cf with these values."""
        return "".join(f"{name} = {value}\n" for name, value in self.written.items())


def chain(length: int, *, end: str, step: str = "${}") -> dict[str, str]:
    """Return names n0, n1, ... of which each refers to the next."""
    return {
        **{f"n{index}": step.replace("{}", f"n{index + 1}") for index in range(length)},
        f"n{length}": end,
    }


def number_or_bytes(one: str, other: str) -> tuple[t.Any, t.Any]:
    """Return two operands as they are compared: as numbers when both are."""
    if all(text.isascii() and text.isdigit() for text in (one, other)):
        return int(one), int(other)
    return one.encode("utf-8", "surrogateescape"), other.encode("utf-8", "surrogateescape")


def level(text: str) -> tuple[int, ...]:
    """Return a compatibility level as three numbers."""
    numbers = [int(number) for number in text.split(".")]
    return (*numbers, 0, 0)[:3]


@st.composite
def settings(draw: st.DrawFn, *, levels: bool = True) -> Settings:
    """Make values that refer to those defined before them; *levels*: compare levels too."""
    written: dict[str, str] = {}
    meant: dict[str, str] = {}
    for name in draw(st.permutations(NAMES)):
        pieces = draw(_pieces(written, meant, depth=2, levels=levels))
        text = "".join(piece for piece, _meaning in pieces)
        # A value may not begin with what Postfix takes for a comment, nor end in a blank.
        written[name] = text
        meant[name] = "".join(meaning for _piece, meaning in pieces)
    return Settings(written, meant)


@st.composite
def _pieces(
    draw: st.DrawFn,
    written: t.Mapping[str, str],
    meant: t.Mapping[str, str],
    *,
    depth: int,
    levels: bool,
) -> list[Piece]:
    kinds = ["literal", "name"]
    if depth:
        kinds += ["choice", "comparison", *(["levels"] if levels else [])]
    found = []
    for kind in draw(st.lists(st.sampled_from(kinds), max_size=3)):
        if kind == "literal":
            found.append(draw(st.sampled_from(LITERALS)))
        elif kind == "name":
            found.append(draw(_reference(meant)))
        else:
            found.append(draw(_choice(kind, written, meant, depth=depth - 1, levels=levels)))
    return found


@st.composite
def _name(draw: st.DrawFn, known: t.Mapping[str, str]) -> str:
    return draw(st.sampled_from([*known, UNDEFINED]))


@st.composite
def _reference(draw: st.DrawFn, meant: t.Mapping[str, str]) -> Piece:
    name = draw(_name(meant))
    text, tail = draw(
        st.sampled_from([(f"${name}", "."), (f"${{{name}}}", ""), (f"$({name})", "")])
    )
    return text + tail, meant.get(name, "") + tail


@st.composite
def _choice(
    draw: st.DrawFn,
    kind: str,
    written: t.Mapping[str, str],
    meant: t.Mapping[str, str],
    *,
    depth: int,
    levels: bool,
) -> Piece:
    """Make ``${condition?text:text}`` or the bare value of a comparison."""

    def text_of() -> Piece:
        pieces = draw(_pieces(written, meant, depth=depth, levels=levels))
        return "".join(one for one, _two in pieces), "".join(two for _one, two in pieces)

    if kind == "choice":
        name = draw(_name(written))
        condition, given = name, bool(written.get(name))
    else:
        condition, given = draw(_comparison(kind, text_of()))
    bare = kind != "choice"
    form = draw(st.sampled_from([*(["value"] if bare else []), "?", ":", "?:", "?bare", ":bare"]))
    if form == "value":
        return f"${{{condition}}}", "true" if given else ""
    (yes, yes_means), (no, no_means) = text_of(), text_of()
    before, behind = draw(st.sampled_from([("", ""), (" ", ""), ("", " "), (" ", " ")]))
    if form == "?bare":
        return f"${{{condition}?.{yes}}}", f".{yes_means}" if given else ""
    if form == ":bare":
        return f"${{{condition}:.{no}}}", "" if given else f".{no_means}"
    if form == "?":
        return f"${{{condition}?{before}{{{yes}}}{behind}}}", yes_means if given else ""
    if form == ":":
        return f"${{{condition}:{before}{{{no}}}{behind}}}", "" if given else no_means
    text = f"${{{condition}?{before}{{{yes}}}{behind}:{before}{{{no}}}{behind}}}"
    return text, yes_means if given else no_means


@st.composite
def _comparison(draw: st.DrawFn, kind: str, piece: Piece) -> tuple[str, bool]:
    """Return ``{left} operator {right}`` and whether it is true."""
    sign = draw(st.sampled_from(sorted(COMPARE)))
    blank = draw(st.sampled_from(["", " "]))
    if kind == "levels":
        left, right = draw(st.tuples(st.sampled_from(LEVELS), st.sampled_from(LEVELS)))
        given = COMPARE[sign](level(left), level(right))
        return f"{{{left}}}{blank}{sign}level{blank}{{{right}}}", given
    left, left_means = piece
    right = right_means = draw(st.sampled_from([*OPERANDS, left_means.replace("$", "")]))
    if draw(st.booleans()):
        left = left_means = draw(st.sampled_from(OPERANDS))
    given = COMPARE[sign](*number_or_bytes(left_means, right_means))
    return f"{{{left}}}{blank}{sign}{blank}{{{right}}}", given
