# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read Dovecot's configuration files line by line, in the order in which Dovecot reads them, and switch sections off (pure).

Lines that are switched off are comments with a mark of ours, so that they can be switched on again byte for byte.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

#: Begins each line that was switched off.
MARK: t.Final = "#hardened.mail# "
_INCLUDE: t.Final = re.compile(r"!include(_try)?\s+(.+?)\s*$")
_SETTING: t.Final = re.compile(r"([^\s={}#]+)\s*=\s*(.*)$", re.DOTALL)
_SECTION: t.Final = re.compile(r"([^\s={}#]+(?:\s+[^{=#]*?)?)\s*\{\s*(?:#.*)?$")

Kind = t.Literal["setting", "open", "close", "include"]


@dataclass(frozen=True)
class Item:
    """One statement: lines *first* to *last*, counted from 0, and the titles of the sections around it.

    ``name`` is the name of a setting, the title of a section, or the pattern of an include; ``value`` is
    that of a setting.
    """

    kind: Kind
    name: str
    first: int
    last: int
    sections: tuple[str, ...] = ()
    value: str = ""


@dataclass(frozen=True)
class Section:
    """A section outside of all others, from the line of its title to that of its end."""

    kind: str
    name: str
    first: int
    last: int
    settings: t.Mapping[str, str]

    @property
    def driver(self) -> str:
        """The driver of a database: as written, or the name."""
        return self.settings.get("driver") or self.settings.get(f"{self.kind}_driver") or self.name

    def says(self, name: str) -> bool:
        """Return whether a switch is on, with or without the prefix that 2.4 takes."""
        return "yes" in (self.settings.get(name), self.settings.get(f"{self.kind}_{name}"))


def items(text: str) -> tuple[Item, ...]:
    """Return the statements of a file. Any text will do: what is none is passed over."""
    found: list[Item] = []
    sections: list[str] = []
    for first, last, line in _logical(text):
        where = tuple(sections)
        include, section, setting = _INCLUDE.match(line), _SECTION.match(line), _SETTING.match(line)
        if include:
            found.append(Item("include", include.group(2), first, last, where))
        elif section:
            title = " ".join(section.group(1).replace('"', "").split())
            found.append(Item("open", title, first, last, where))
            sections.append(title)
        elif line.startswith("}"):
            if sections:
                sections.pop()
            found.append(Item("close", "", first, last, tuple(sections)))
        elif setting:
            name, value = setting.groups()
            found.append(Item("setting", name, first, last, where, value.strip()))
    return tuple(found)


def _logical(text: str) -> t.Iterator[tuple[int, int, str]]:
    """Yield first and last number of each line that is no comment, joined where one ends with a backslash."""
    pending, first = "", 0
    lines = text.split("\n")
    for number, raw in enumerate(lines):
        line = raw.strip()
        if not pending:
            first = number
            if not line or line.startswith("#"):
                continue
        if line.endswith("\\") and number + 1 < len(lines):
            pending += line[:-1] + " "
            continue
        yield first, number, (pending + line).strip()
        pending = ""


def sections(text: str) -> tuple[Section, ...]:
    """Return the sections that stand in no other."""
    found = []
    opened: t.Optional[Item] = None
    settings: dict[str, str] = {}
    for item in items(text):
        if item.kind == "open" and not item.sections:
            opened, settings = item, {}
        elif item.kind == "setting" and len(item.sections) == 1:
            settings[item.name] = item.value.strip('"')
        elif item.kind == "close" and not item.sections and opened is not None:
            kind, _blank, name = opened.name.partition(" ")
            found.append(Section(kind, name, opened.first, item.last, settings))
            opened = None
    return tuple(found)


def switched_on(text: str) -> str:
    """Return the text without our mark: what was switched off is on again."""
    return re.sub(f"^{re.escape(MARK)}", "", text, flags=re.MULTILINE)


def switched_off(text: str, off: t.Iterable[Section]) -> str:
    """Return the text with these sections of it as comments."""
    lines = text.split("\n")
    for section in off:
        for number in range(section.first, section.last + 1):
            lines[number] = MARK + lines[number]
    return "\n".join(lines)


__all__ = ("MARK", "Item", "Section", "items", "sections", "switched_off", "switched_on")
