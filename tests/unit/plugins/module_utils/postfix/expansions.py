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
