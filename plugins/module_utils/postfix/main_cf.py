# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read and rewrite the text of main.cf, line by line (pure).

The grammar is that of postconf(5), "main.cf file format": a logical line starts with text in
the first column, a line that starts with white space continues it, empty lines and lines whose
first non-blank character is ``#`` are skipped even between a line and its continuation. White space
is ASCII's: a no-break space is an ordinary character to Postfix.
"""

from __future__ import annotations

import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.postfix.patterns import later

_WRAP_COLUMN = 100

#: What isspace(3) of the C locale knows.
SPACE = " \t\n\v\f\r"

#: What separates words; postconf(1) folds these into one blank, and leaves \v and \f.
_BLANKS = later(r"[ \t\r\n]+")


class ConfigSyntaxError(ValueError):
    """A text that Postfix would refuse, or would read otherwise than its author meant."""


class LogicalLine(t.NamedTuple):
    """One logical line: its joined text and the indexes of the physical lines that carry it."""

    text: str
    lines: tuple[int, ...]


class Entry(t.NamedTuple):
    """One ``name = value`` of main.cf.

    ``value`` is normalised as ``postconf -n`` prints it; ``lines`` are the indexes of the
    physical lines that carry it (comments in between are not among them).
    """

    name: str
    value: str
    lines: tuple[int, ...]


def normalise(value: str) -> str:
    """Return *value* with white space folded, as ``postconf -n`` prints it."""
    return _BLANKS.sub(" ", value.strip(SPACE))


def excerpt(text: str, *, until: str = ":=") -> str:
    """Return the beginning of *text* for a message: behind the first of *until* a password may stand."""
    text = text.strip(SPACE)
    end = next((at for at, one in enumerate(text, start=1) if one in until), len(text))
    return text[:80] if end == len(text) else f"{text[:end][:80]}..."


def physical_lines(text: str, *, file: str) -> list[str]:
    """Return the physical lines of *text* with their line ends.

    A carriage return counts as white space, as in Postfix, so DOS line ends are read and kept.
    Raises ConfigSyntaxError for a NUL byte, at which Postfix would stop reading the line.
    """
    lines = text.split("\n")
    lines = [line + "\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
    for number, line in enumerate(lines, start=1):
        if "\0" in line:
            raise ConfigSyntaxError(
                f"{file}, line {number}: the line contains a NUL byte; "
                "remove the byte, or restore the file from a backup"
            )
    return lines


def line_end(lines: t.Sequence[str]) -> str:
    """Return the line end of a file, that of its first line."""
    return "\r\n" if lines and lines[0].endswith("\r\n") else "\n"


def logical_lines(lines: t.Sequence[str]) -> list[LogicalLine]:
    """Join physical *lines* into logical lines, as readlline(3) of Postfix does.

    A continuation without a line before it is skipped: Postfix warns and ignores it.
    """
    found: list[LogicalLine] = []
    text: list[str] = []
    indexes: list[int] = []
    for index, line in enumerate(lines):
        stripped = line.strip(SPACE)
        if not stripped or stripped.startswith("#"):
            continue
        continues = line[0] in SPACE
        if continues and not indexes:
            continue
        if not continues and indexes:
            found.append(LogicalLine("".join(text), tuple(indexes)))
            text, indexes = [], []
        text.append(line.rstrip("\n"))
        indexes.append(index)
    if indexes:
        found.append(LogicalLine("".join(text), tuple(indexes)))
    return found


def parse(text: str, *, file: str = "main.cf") -> tuple[Entry, ...]:
    """Return the entries of main.cf in their order, duplicates included.

    Raises ConfigSyntaxError, with file and line, where ``postconf`` would be fatal.
    """
    entries = []
    for logical in logical_lines(physical_lines(text, file=file)):
        name, equals, value = logical.text.partition("=")
        name = name.rstrip(SPACE)
        if not equals or not name or any(character in SPACE for character in name):
            raise ConfigSyntaxError(
                f"{file}, line {logical.lines[0] + 1}: expected 'name = value', "
                f"found {excerpt(logical.text)!r}"
            )
        entries.append(Entry(name, normalise(value), logical.lines))
    return tuple(entries)


def values(entries: t.Iterable[Entry]) -> dict[str, str]:
    """Return name to value; of duplicates the last one wins, as in Postfix."""
    return {entry.name: entry.value for entry in entries}


def format_entry(name: str, value: str) -> str:
    """Return the text of one entry, long values continued on indented lines."""
    value = normalise(value)
    line = f"{name} = {value}" if value else f"{name} ="
    if len(line) <= _WRAP_COLUMN:
        return line + "\n"
    words = value.split(" ")
    out, current = [], f"{name} ="
    for word in words:
        # A continuation line that begins with "#" would be read as a comment.
        if len(current) + 1 + len(word) > _WRAP_COLUMN and not word.startswith("#"):
            out.append(current)
            current = "   "
        current += " " + word
    out.append(current)
    return "\n".join(out) + "\n"


def render(text: str, *, changes: t.Mapping[str, t.Optional[str]], file: str = "main.cf") -> str:
    """Return *text* with *changes* made: name to its new value, or None to remove it.

    Only lines that carry a changed parameter differ. A changed value stands where the last entry
    of that name stood, which is the one in force; earlier duplicates go. Comments, also those
    inside a continued value, stay. New parameters are appended in the order of *changes*.
    Raises ConfigSyntaxError as parse() does, and for a value that cannot be written.
    """
    for name, value in changes.items():
        check_writable(name, value)
    lines = physical_lines(text, file=file)
    end = line_end(lines)
    replaced: dict[int, str] = {}
    last: dict[str, Entry] = {}
    for entry in parse(text, file=file):
        if entry.name in changes:
            replaced.update((index, "") for index in entry.lines)
            last[entry.name] = entry
    for name, entry in last.items():
        value = changes[name]
        if value is not None:
            replaced[entry.lines[0]] = format_entry(name, value).replace("\n", end)
    kept = [replaced.get(index, line) for index, line in enumerate(lines)]
    added = [
        format_entry(name, value).replace("\n", end)
        for name, value in changes.items()
        if value is not None and name not in last
    ]
    body = "".join(kept)
    if added and body and not body.endswith("\n"):
        body += end
    return body + "".join(added)


def check_writable(name: str, value: t.Optional[str]) -> None:
    """Raise ConfigSyntaxError when ``name = value`` would not be read back as it was meant."""
    if not name or name.startswith("#") or any(c.isspace() or c in "=\0" for c in name):
        raise ConfigSyntaxError(f"{name!r} is not the name of a Postfix parameter")
    if value is None:
        return
    for character, word in (("\n", "a line break"), ("\r", "a carriage return"), ("\0", "a NUL")):
        if character in value:
            raise ConfigSyntaxError(f"the value of {name} contains {word}; give it as one line")
    if value.strip(SPACE).startswith("#"):
        raise ConfigSyntaxError(
            f"the value of {name} starts with '#', which Postfix does not take as a comment there"
        )


__all__ = (
    "SPACE",
    "ConfigSyntaxError",
    "Entry",
    "LogicalLine",
    "check_writable",
    "excerpt",
    "format_entry",
    "line_end",
    "logical_lines",
    "normalise",
    "parse",
    "physical_lines",
    "render",
    "values",
)
