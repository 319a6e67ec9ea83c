# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which settings stand in Dovecot's own files, and where; their values are not kept (pure).

doveconf prints what the configuration comes to, and nothing at all of one that does not load. The files say
which line is to blame, and which file holds a secret.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

_SETTING: t.Final = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)")
_SECTION: t.Final = re.compile(
    r"\s*([A-Za-z_][A-Za-z0-9_]*)(?:\s+([^{=#\s][^{=#]*?))?\s*\{\s*(?:#.*)?$"
)
_INCLUDE: t.Final = re.compile(r"\s*!include(_try)?\s+(.+?)\s*$")
_SECRET: t.Final = re.compile(r"(?:^|_)(?:password|passwd|pass|secret|dnpass|api_key|nonce)$")
_INLINE_PASSWORD: t.Final = re.compile(r"(?i)\bpass(?:word)?\s*=\s*(?!%|</|'%|\$)[^\s'\"]")
#: A map or a driver says where passwords are with these; the word is no secret in them.
_QUERIES: t.Final = re.compile(r"(?:_query|^query|_attrs|_filter|_format|_fields)$")


@dataclass(frozen=True)
class Written:
    """One line that sets something. ``section`` is the innermost section, ``secret`` whether a password
    stands in the line."""

    file: str
    line: int
    name: str
    section: str = ""
    secret: bool = False


@dataclass(frozen=True)
class Unnamed:
    """A section without the name that 2.4 wants."""

    file: str
    line: int
    kind: str


@dataclass(frozen=True)
class Scan:
    """What a file has: its settings, the sections without a name, and the patterns that it includes."""

    settings: tuple[Written, ...] = ()
    unnamed: tuple[Unnamed, ...] = ()
    includes: tuple[str, ...] = ()


def scan(text: str, *, file: str) -> Scan:
    """Return what is written in a file. Any text will do: what is no setting is passed over."""
    settings: list[Written] = []
    unnamed: list[Unnamed] = []
    includes: list[str] = []
    sections: list[str] = []
    for number, line in _logical(text):
        include = _INCLUDE.match(line)
        section = _SECTION.match(line)
        setting = _SETTING.match(line)
        if include:
            includes.append(include.group(2))
        elif section:
            sections.append(section.group(1))
            if section.group(1) in ("passdb", "userdb") and not section.group(2):
                unnamed.append(Unnamed(file, number, section.group(1)))
        elif setting:
            name, value = setting.groups()
            inside = sections[-1] if sections else ""
            secret = _is_secret(name, value)
            settings.append(Written(file, number, name, inside, secret))
        elif line.strip().startswith("}") and sections:
            sections.pop()
    return Scan(tuple(settings), tuple(unnamed), tuple(includes))


def _logical(text: str) -> t.Iterator[tuple[int, str]]:
    """Yield the lines that are no comments, joined where one ends with a backslash."""
    pending, start = "", 0
    for number, raw in enumerate(text.split("\n"), start=1):
        line = raw.rstrip()
        if not pending and (not line or line.lstrip().startswith("#")):
            continue
        start = start if pending else number
        if line.endswith("\\"):
            pending += line[:-1] + " "
            continue
        yield start, pending + line.lstrip() if pending else line
        pending = ""
    if pending:
        yield start, pending


def _is_secret(name: str, value: str) -> bool:
    value = value.strip()
    if not value or value.startswith(("<", "#", "/", "$")) or _QUERIES.search(name):
        return False
    if _SECRET.search(name):
        return not value.startswith("%")
    if name in ("ssl_key", "ssl_alt_key") or value.startswith("inline:"):
        return "key" in name
    return name in ("connect", "args") and _INLINE_PASSWORD.search(value) is not None


__all__ = ("Scan", "Unnamed", "Written", "scan")
