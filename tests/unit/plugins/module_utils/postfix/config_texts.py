# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Made-up texts of main.cf and master.cf in every layout that Postfix accepts, with their meaning.

The meaning comes from how a text was put together, not from reading it back, so that it can be held
against our parser and against the real postconf.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

T = t.TypeVar("T")

#: Parameters that every Postfix knows and whose value postconf prints as it stands.
NAMES: t.Final = (
    "mydestination",
    "mynetworks",
    "relayhost",
    "smtpd_banner",
    "smtpd_client_restrictions",
    "smtpd_helo_restrictions",
    "smtpd_tls_exclude_ciphers",
    "smtp_tls_policy_maps",
)
#: One that is in none of the made-up texts.
FRESH: t.Final = "smtpd_sender_restrictions"

WORDS: t.Final = (
    "permit_mynetworks,",
    "reject",
    "$myhostname",
    "${mydomain?x}",
    "a=b",
    "=",
    "127.0.0.0/8",
    "[::1]/128",
    "!aNULL",
    "hash:/etc/postfix/table",
    '"quoted"',
    "it's",
    "\\",
    "grüß",
    "no\u00a0break",
    "\u00a0",
    "line\u2028separator",
    "\x1c",
    "form\x0cfeed",
    "\udcff",
    "a#b",
)
#: Words at which a line may not be broken: they would begin a comment there.
SHARP: t.Final = ("#", "#1")


@dataclasses.dataclass(frozen=True)
class MainText:
    """A text of main.cf and what it says: names and values in order, duplicates included."""

    text: str
    entries: tuple[tuple[str, str], ...]

    @property
    def values(self) -> dict[str, str]:
        return dict(self.entries)


@dataclasses.dataclass(frozen=True)
class ServiceText:
    """One entry of master.cf: columns, command, overrides in order, and the other arguments."""

    columns: tuple[str, ...]
    overrides: tuple[tuple[str, str], ...]
    options: tuple[str, ...]
    operands: tuple[str, ...]

    @property
    def id(self) -> str:
        return "/".join(self.columns[:2])


@dataclasses.dataclass(frozen=True)
class MasterText:
    """A text of master.cf and what it says."""

    text: str
    services: tuple[ServiceText, ...]


def samples(strategy: st.SearchStrategy[T], *, count: int) -> list[T]:
    """Return *count* different values of a strategy, the same ones every time."""
    found: list[T] = []

    @settings(
        max_examples=count,
        phases=[Phase.generate],
        database=None,
        derandomize=True,
        suppress_health_check=[],
        deadline=None,
    )
    @given(strategy)
    def collect(value: T) -> None:
        found.append(value)

    collect()
    return found


def values() -> st.SearchStrategy[str]:
    """Return values as they may be asked for: one line, not starting with a sharp."""
    return st.lists(st.sampled_from(WORDS + SHARP), max_size=30).map(" ".join).filter(_writable)


def _writable(value: str) -> bool:
    return not value.startswith("#")


_COMMENTS = st.sampled_from(["# comment", "  # indented = comment", "#", "\t#smtpd_banner = x"])
_BLANK_LINES = st.sampled_from(["", " ", "\t"])
_NOISE = st.one_of(_COMMENTS, _BLANK_LINES)
_INDENTS = st.sampled_from([" ", "    ", "\t", " \t "])
_EQUALS = st.sampled_from(["=", " = ", "= ", " =", "\t=\t"])


@st.composite
def _gap(draw: st.DrawFn, *, before: str) -> list[str]:
    """Return what may stand between two words: blanks, or line breaks with noise between them.

    The list has one element more than there are line breaks.
    """
    if before.startswith("#") or draw(st.integers(0, 3)):
        return [draw(_INDENTS)]
    return ["", *draw(st.lists(_NOISE, max_size=2)), draw(_INDENTS)]


@st.composite
def _laid_out(draw: st.DrawFn, first: str, words: t.Sequence[str]) -> list[str]:
    """Return physical lines that hold *first* and the words behind it."""
    lines = [first]
    for word in words:
        head, *rest = draw(_gap(before=word))
        lines[-1] += head
        lines += rest
        lines[-1] += word
    return lines


@st.composite
def main_texts(draw: st.DrawFn) -> MainText:
    """Make a main.cf."""
    # Continuations of nothing, which Postfix ignores.
    lines = [f"  {line}" for line in draw(st.sampled_from([[], [], [], ["myorigin = x", "y"]]))]
    entries = []
    for name in draw(st.lists(st.sampled_from(NAMES), max_size=6)):
        lines += draw(st.lists(_NOISE, max_size=2))
        words = draw(st.lists(st.sampled_from(WORDS + SHARP), max_size=6))
        if words[:1] and words[0] in SHARP:
            words = words[1:]
        lines += draw(_laid_out(name + draw(_EQUALS), words))
        entries.append((name, " ".join(words)))
    lines += draw(st.lists(_NOISE, max_size=2))
    return MainText(draw(_joined(lines)), tuple(entries))


@st.composite
def _joined(draw: st.DrawFn, lines: t.Sequence[str]) -> str:
    end = draw(st.sampled_from(["\n", "\n", "\r\n"]))
    return end.join(lines) + draw(st.sampled_from([end, end, ""])) if lines else ""


_SERVICE_NAMES = {
    "inet": ("smtp", "25", "587", "submission", "127.0.0.1:10025", "[::1]:submission", "465"),
    "unix": ("pickup", "dovecot", "private/auth"),
    "pass": ("smtpd",),
}
_COMMANDS = {"inet": "smtpd", "unix": "pipe", "pass": "smtpd"}
_OVERRIDE_VALUES = st.lists(
    st.sampled_from([word for word in WORDS if word != "\u00a0"]), max_size=3
).map(" ".join)


@st.composite
def _override(draw: st.DrawFn, name: str, value: str) -> tuple[list[str], list[str]]:
    """Return the other options that come with one ``-o``, and its words."""
    bare = f"{name}={value}"
    style = draw(st.sampled_from(["braces", "bare", "joined", "cluster", "joined cluster"]))
    if style == "braces" or " " in value:
        spaced = draw(st.sampled_from([f"{name} = {value}", f" {name}={value} "]))
        return [], ["-o", *f"{{{spaced}}}".split(" ")]
    if "joined" in style and "o" in bare:
        # The daemons read it, but postconf takes the second o for another option.
        style = "bare"
    return {
        "joined": ([], [f"-o{bare}"]),
        "cluster": (["-v"], ["-vo", bare]),
        "joined cluster": (["-vD"], [f"-vDo{bare}"]),
        "bare": ([], ["-o", bare]),
    }[style]


@st.composite
def _service(draw: st.DrawFn) -> tuple[ServiceText, list[str]]:
    kind = draw(st.sampled_from(sorted(_SERVICE_NAMES)))
    flag = st.sampled_from("yn-")
    columns = (
        draw(st.sampled_from(_SERVICE_NAMES[kind])),
        kind,
        *(draw(flag) for _column in range(3)),
        draw(st.sampled_from(["-", "60", "300?", "0"])),
        draw(st.sampled_from(["-", "1", "0", "100"])),
        _COMMANDS[kind],
    )
    options = draw(st.lists(st.sampled_from(["-v", "-D", "-vv"]), max_size=1))
    words = [*options]
    overrides = []
    for name in draw(st.lists(st.sampled_from(NAMES), max_size=4)):
        value = draw(_OVERRIDE_VALUES)
        others, written = draw(_override(name, value))
        options += others
        words += written
        overrides.append((name, value))
    operands: list[str] = []
    if kind == "unix":
        operands = draw(
            st.sampled_from(
                [
                    [],
                    ["flags=DRhu", "user=vmail", "argv=/usr/bin/x", "-f", "${sender}"],
                    ["user=vmail", "argv=/x", "{two words}", "-o", "smtpd_banner=z"],
                ]
            )
        )
    lines = draw(_laid_out(columns[0], [*columns[1:], *words, *operands]))
    return ServiceText(columns, tuple(overrides), tuple(options), tuple(operands)), lines


@st.composite
def master_texts(draw: st.DrawFn) -> MasterText:
    """Make a master.cf."""
    lines = draw(st.sampled_from([[], [], [], ["  -o orphan=x"]]))
    services = []
    for service, body in draw(st.lists(_service(), max_size=5)):
        lines = [*lines, *draw(st.lists(_NOISE, max_size=2)), *body]
        services.append(service)
    lines = [*lines, *draw(st.lists(_NOISE, max_size=2))]
    return MasterText(draw(_joined(lines)), tuple(services))


#: What a text is thrown together from when its meaning is not known beforehand.
_GAPS = st.sampled_from(["", " ", "  ", "\t", " \t", "\r", "\x0b", "\x0c"])
_BRACES = ("{", "}", "{", "}", "{}", "{ ", " }")
_SCRAPS = (
    *"abxyz019()=,:;#!\"'\\/-_.@*?<>[]|~",
    *" \t\r\x0b\x0c\x1c\x85\u00a0\u2028\ufeff",
    *("  ", "ä", "\udcff", "\U0001f4e7", "$$", "$mydomain", "${mydomain}", "\x01", "\x7f"),
    *NAMES,
)
_TAME = st.lists(st.sampled_from(_SCRAPS), min_size=1, max_size=8).map("".join)
_WILD = st.lists(st.sampled_from((*_SCRAPS, *_BRACES)), max_size=8).map("".join)
_LINE_ENDS = st.sampled_from(["\n", "\n", "\n", "\r\n", "\n\n"])


@st.composite
def wild_main_texts(draw: st.DrawFn) -> str:
    """Throw together a main.cf; not every one is accepted by Postfix."""
    kinds = ["entry"] * 4 + ["more"] * 3 + ["comment", "blank"]
    if not draw(st.integers(0, 3)):
        kinds.append("junk")
    made = []
    for kind in draw(st.lists(st.sampled_from(kinds), min_size=3, max_size=10)):
        line = draw(_GAPS)
        if kind == "entry":
            name = draw(st.sampled_from((*NAMES[:4], FRESH)))
            line = f"{name}{line}={draw(_GAPS)}{draw(_WILD)}"
        elif kind == "more":
            line = draw(_INDENTS) + line + draw(_WILD)
        elif kind == "comment":
            line += "#" + draw(_WILD)
        elif kind == "junk":
            line = draw(_WILD)
        made.append(line + draw(_LINE_ENDS))
    return "".join(made).rstrip(draw(st.sampled_from(["", "\n"])))


#: Of an argument "-" postconf reads beyond the end of the string.
_LONE_DASH = re.compile(r"(?<![^\s{])-(?![^\s}])")
_WILD_OVERRIDE = st.builds(
    "{}{}{}={}{}{}".format,
    st.sampled_from(["-o ", "-o\t", "-o { ", "-o {", "-o\r{\x0b", "-vo ", "-o{", "{"]),
    st.sampled_from(NAMES),
    st.sampled_from(["", "", " ", "\t"]),
    st.sampled_from(["", "", " ", "\x0c"]),
    st.one_of(_TAME, _TAME, _WILD),
    st.sampled_from(["", "", "}", " }", "}}"]),
)
_ARGUMENTS = st.one_of(
    _WILD_OVERRIDE,
    _WILD_OVERRIDE,
    st.sampled_from(["-v", "-D", "-o", "-vo", "--", "{", "}", "{-o}", "#", "=", "flags=R"]),
    _TAME,
).filter(lambda text: not _LONE_DASH.search(text))
#: One that postconf and the daemons take for what it looks like.
_GOOD_OVERRIDE = st.one_of(
    st.builds(
        "{}{}={}".format,
        st.sampled_from(["-o ", "-o\t", "-vo ", "-o\r "]),
        st.sampled_from(NAMES),
        _TAME.map(lambda text: re.sub("[ \t\r]", "", text)),
    ),
    st.builds(
        "{}{}{}={}{}{}".format,
        st.sampled_from(["-o {", "-o { ", "-vo {\x0b", "-o\r{\t"]),
        st.sampled_from(NAMES),
        _GAPS,
        _GAPS,
        st.one_of(_TAME, _TAME.map(lambda text: f"{{{text}}}x{{{{}}y}}")),
        st.sampled_from(["}", " }", "\t}"]),
    ),
).filter(lambda text: not _LONE_DASH.search(text))


@st.composite
def wild_master_texts(draw: st.DrawFn) -> str:
    """Throw together a master.cf; not every one is accepted by Postfix."""
    argument = draw(st.sampled_from([_GOOD_OVERRIDE, _GOOD_OVERRIDE, _ARGUMENTS]))
    heads = draw(st.permutations(["smtp inet", "587 inet", "x unix", "{y} unix", "z unix-dgram"]))
    made = []
    for head in heads[: draw(st.integers(1, 5))]:
        columns = draw(st.sampled_from(["n - y - -", "- - n 60? 0", "y n - 0 1"]))
        command = draw(st.sampled_from(["smtpd", "pipe", "{smtpd}", "/usr/bin/own"]))
        blank = draw(st.sampled_from([" ", " ", "  ", "\t", "\r"]))
        made.append(f"{head} {columns} {command}".replace(" ", blank) + draw(_LINE_ENDS))
        for _line in range(draw(st.integers(0, 3))):
            arguments = draw(st.lists(argument, min_size=1, max_size=2))
            made.append(draw(_INDENTS) + blank.join(arguments) + draw(_LINE_ENDS))
            if not draw(st.integers(0, 3)):
                made.append(draw(_GAPS) + "#" + draw(_WILD) + draw(_LINE_ENDS))
    return "".join(made)
