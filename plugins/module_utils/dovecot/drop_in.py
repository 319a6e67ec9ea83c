# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write our file of Dovecot's configuration, and compare what Dovecot makes of it with what was meant (pure)."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ansible_collections.hardened.mail.plugins.module_utils.dovecot.doveconf_output import Block
from ansible_collections.hardened.mail.plugins.module_utils.policy.dovecot_resolve import (
    Line,
    normal,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.dovecot_view import DovecotView

#: Our file, below the directory of dovecot.conf; no file of Debian's or of habit comes later.
NAME: t.Final = "conf.d/99-hardened-mail.conf"
HEADER: t.Final = "# Written by hardened.mail; what you change here is gone at its next run.\n"
_PLAIN: t.Final = re.compile(r"[^\s\"#'{}\\]+(?: [^\s\"#'{}\\]+)*")
_DATABASES: t.Final = ("passdb", "userdb")


@dataclass(frozen=True)
class Difference:
    """A setting that does not have the value that was meant: ``found`` None is not there."""

    subject: str
    name: str
    meant: str
    found: t.Optional[str]

    def __str__(self) -> str:
        where = f" ({self.subject})" if self.subject else ""
        return f"{self.name}{where} is {self.found!r}, not {self.meant!r}"


def render(lines: t.Iterable[Line], *, includes: t.Iterable[str] = ()) -> str:
    """Return the text of our file; *includes* are files that need not be readable for everybody."""
    written = [HEADER]
    opened: tuple[str, ...] = ()
    told = ""
    for line in lines:
        shared = _shared(opened, line.section)
        for depth in range(len(opened), shared, -1):
            written.append("  " * (depth - 1) + "}\n")
        opened = opened[:shared]
        if line.reason and line.reason != told:
            # Before a section that is opened now, so that each reason stands above what it is for.
            written.append(f"\n{'  ' * len(opened)}# {line.reason}\n")
        told = line.reason
        for title in line.section[shared:]:
            written.append("  " * len(opened) + title + " {\n")
            opened = (*opened, title)
        written.append(f"{'  ' * len(opened)}{line.name} = {quoted(line.value)}".rstrip() + "\n")
    for depth in range(len(opened), 0, -1):
        written.append("  " * (depth - 1) + "}\n")
    written += [f"\n!include_try {path}\n" for path in includes]
    return "".join(written)


def _shared(first: tuple[str, ...], second: tuple[str, ...]) -> int:
    for number, (one, other) in enumerate(zip(first, second)):
        if one != other:
            return number
    return min(len(first), len(second))


def quoted(value: str) -> str:
    """Return a value as Dovecot reads it: in quotation marks where blanks or a ``#`` would be lost."""
    if not value or _PLAIN.fullmatch(value) or value.startswith("<"):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def differences(lines: t.Iterable[Line], view: DovecotView) -> tuple[Difference, ...]:
    """Return where Dovecot does not read what was meant: a file of the site comes later, or narrows it."""
    found = []
    for line in lines:
        if line.section[:1] and line.section[0].split()[0] in _DATABASES:
            continue
        if line.section:
            now = _inside(view, line)
            if now is None and not line.value:
                continue
            if now is None or normal(now) != normal(line.value):
                found.append(Difference(" ".join(line.section), line.name, line.value, now))
            continue
        for subject, value in _everywhere(line, view):
            if normal(value) != normal(line.value):
                found.append(Difference(subject, line.name, line.value, value))
    return tuple(found)


def _everywhere(line: Line, view: DovecotView) -> t.Iterator[tuple[str, str]]:
    """Yield each value of a setting outside of sections, and of the filters that narrow it."""
    if line.name == "auth_mechanisms":
        yield "", " ".join(view.mechanisms)
        return
    for subject, value in view.settings(line.name):
        section = subject.partition(": ")[2]
        # Another certificate for a name or an address is what such a section is for.
        if not section or not re.search(r"(?:cert|key)(?:_file)?$", line.name):
            yield section, value


def _inside(view: DovecotView, line: Line) -> t.Optional[str]:
    for source in (view.explicit, view.everything):
        block = _at(source, line.section)
        found = block.get(line.name) if block else None
        if found is not None:
            return found
    # doveconf leaves out of a filter what is no different from outside.
    return view.value(line.name) if line.section[0].startswith("protocol ") else None


def needs_restart(lines: t.Iterable[Line], view: DovecotView) -> bool:
    """Return whether a reload would kill Dovecot, or not be enough.

    Its main process dies when a listener of anvil comes or goes, and hands on the environment that it started
    with. That was measured on 2.3.19 and 2.4.1.
    """
    for line in lines:
        if line.section == ("import_environment",) and _inside(view, line) != line.value:
            return True
        if line.section[:1] == ("service anvil",):
            # 2.4 does not print the default.
            now = _inside(view, line) or "0600"
            if (normal(now) == "0") != (normal(line.value) == "0"):
                return True
    return False


def _at(block: t.Optional[Block], titles: tuple[str, ...]) -> t.Optional[Block]:
    for title in titles:
        if block is None:
            return None
        kind, _blank, name = title.partition(" ")
        block = next((one for one in block.children(kind) if one.name == name), None)
    return block


def databases(lines: t.Iterable[Line]) -> dict[str, dict[str, str]]:
    """Return the settings of our passdb and our userdb, where there is one."""
    found: dict[str, dict[str, str]] = {}
    for line in lines:
        kind = line.section[0].split()[0] if line.section else ""
        if kind in _DATABASES and len(line.section) == 1:
            found.setdefault(kind, {})[line.name] = line.value
    return found


def is_ours(block: Block, wanted: t.Mapping[str, str]) -> bool:
    """Return whether a passdb or userdb that Dovecot has is the one with these settings."""
    return all(
        normal(value) in (normal(block.value(name)), normal(block.value(name.partition("_")[2])))
        for name, value in wanted.items()
    )


__all__ = (
    "HEADER",
    "NAME",
    "Difference",
    "databases",
    "differences",
    "is_ours",
    "needs_restart",
    "quoted",
    "render",
)
