# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read what doveconf(1) of Dovecot 2.3 and 2.4 prints (pure).

Settings that hold secrets are masked while they are read, so that nothing behind this file can show one.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

#: Stands for a secret that there is.
MASK: t.Final = "***"

_HEADER: t.Final = re.compile(r"# (\d+)\.(\d+)(?:\.(\d+))?\S* \([^)]*\): (.+)")
_NAME: t.Final = re.compile(r"[A-Za-z0-9_!@][^\s={}\"#]*")
_SECRET_NAME: t.Final = re.compile(
    r"(?:^|_)(?:password|passwd|pass|secret|key|nonce|dnpass|connect)$"
)
_SECRET_WORD: t.Final = re.compile(
    r"(?i)\b((?!no)\w*(?:pass(?!wd-file\b)(?:word|wd)?|secret))(\s*[=:]\s*)[^\s,;]+"
)
_FILE: t.Final = re.compile(r"<\s*/")
_URL_USER: t.Final = re.compile(r"(://)[^/\s@]+@")
_PREFIX: t.Final = re.compile(r"^(?:doveconf|dovecot): (Fatal|Error|Warning): ")
_PLACE: t.Final = re.compile(r"(/\S+?)(?: line (\d+)|:(\d+))?: (.*)")

#: Sections that narrow their settings to some connections.
FILTERS: t.Final = frozenset({"protocol", "local", "local_name", "remote"})


class DoveconfSyntaxError(ValueError):
    """The text is not what doveconf prints; the message has the number of the line and no value."""


@dataclass(frozen=True)
class Block:
    """A section, or the whole configuration (``kind`` is empty then).

    ``service auth {`` has the kind ``service`` and the name ``auth``; ``passdb {`` of 2.3 has no name.
    """

    kind: str = ""
    name: str = ""
    settings: t.Mapping[str, str] = field(default_factory=dict)
    blocks: tuple[Block, ...] = ()

    def value(self, name: str) -> str:
        """Return a setting, empty when it is not there.

        2.4 also prints ``ssl_server_cert_file`` as ``ssl_server { cert_file }``; both are found.
        """
        return self.get(name) or ""

    def get(self, name: str) -> t.Optional[str]:
        """Return a setting as value() does, None when it is not there."""
        found = None
        for one in self.blocks:
            if not one.name and name.startswith(one.kind + "_"):
                found = one.get(name[len(one.kind) + 1 :]) or found
        if found:
            return found
        return self.settings.get(name, found)

    def words(self, name: str) -> list[str]:
        """Return a list: the words of a value, or what a section of that name says ``yes`` to."""
        for one in self.blocks:
            if one.kind == name and not one.name:
                return [word for word, value in one.settings.items() if value == "yes"]
        return self.value(name).replace(",", " ").split()

    def children(self, kind: str) -> tuple[Block, ...]:
        """Return the sections of a kind."""
        return tuple(one for one in self.blocks if one.kind == kind)

    def filters(self, *, above: str = "") -> t.Iterator[tuple[str, Block]]:
        """Yield the sections that narrow their settings, inner ones too, with their whole title."""
        for one in self.blocks:
            if one.kind in FILTERS:
                title = " ".join(part for part in (above, one.kind, one.name) if part)
                yield title, one
                yield from one.filters(above=title)


@dataclass(frozen=True)
class Header:
    """The first line: the version of Dovecot and the file that was read."""

    version: tuple[int, int, int]
    file: str


@dataclass(frozen=True)
class Message:
    """One line of standard error: ``kind`` is ``Fatal``, ``Error`` or ``Warning``; ``line`` 0 is unknown."""

    kind: str
    text: str
    file: str = ""
    line: int = 0


def header(text: str) -> Header:
    """Return what the first line says. Raises DoveconfSyntaxError when it is not doveconf's."""
    match = _HEADER.match(text)
    if not match:
        raise DoveconfSyntaxError("the first line does not name a version of Dovecot")
    major, minor, patch, file = match.groups()
    return Header((int(major), int(minor), int(patch or 0)), file.strip())


def parse(text: str) -> Block:
    """Return the configuration. Raises DoveconfSyntaxError for text that doveconf did not print."""
    header(text)
    stack: list[tuple[str, str, dict[str, str], list[Block]]] = [("", "", {}, [])]
    inline = False
    for number, raw in enumerate(text.split("\n"), start=1):
        line = raw.strip(" \t\r")
        if inline or "-----BEGIN " in line:
            # A key or certificate within the configuration: its lines are no settings.
            name = "" if inline else line.partition("=")[0].rstrip()
            if _NAME.fullmatch(name):
                stack[-1][2][name] = MASK
            inline = "-----END " not in line
        elif not line or line.startswith("#"):
            continue
        elif line == "}":
            if len(stack) == 1:
                raise DoveconfSyntaxError(f"line {number} ends a section that did not begin")
            kind, name, settings, blocks = stack.pop()
            stack[-1][3].append(Block(kind, name, settings, tuple(blocks)))
        elif line.endswith("{"):
            stack.append((*_title(line[:-1].rstrip(), number), {}, []))
        else:
            name, value = _setting(line, number)
            stack[-1][2][name] = masked(name, value)
    if len(stack) > 1 or inline:
        raise DoveconfSyntaxError("the text ends within a section")
    return Block("", "", stack[0][2], tuple(stack[0][3]))


def _title(text: str, number: int) -> tuple[str, str]:
    kind, _blank, name = text.partition(" ")
    if not _NAME.fullmatch(kind):
        raise DoveconfSyntaxError(f"line {number} begins no section of Dovecot")
    return kind, _unquoted(name.strip())


def _setting(line: str, number: int) -> tuple[str, str]:
    name, equals, value = line.partition("=")
    name = name.rstrip()
    if not equals or not _NAME.fullmatch(name):
        raise DoveconfSyntaxError(f"line {number} is no setting of Dovecot")
    return name, _unquoted(value.strip())


def _unquoted(text: str) -> str:
    if len(text) > 1 and text[0] == text[-1] == '"':
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return text


def masked(name: str, value: str) -> str:
    """Return the value without what is secret in it; the name of a file is not."""
    if not value or _FILE.match(value):
        return value
    if _SECRET_NAME.search(name) or value.startswith("inline:"):
        return MASK
    return without_secrets(value)


def without_secrets(text: str) -> str:
    """Return text in which what follows a word for a password is masked, and the user in a URL."""
    return _URL_USER.sub(rf"\1{MASK}@", _SECRET_WORD.sub(rf"\1\2{MASK}", text))


def messages(stderr: str) -> tuple[Message, ...]:
    """Return what doveconf says on standard error, each once, without secrets.

    That it cannot find the socket of a Dovecot that is not running says nothing about the configuration.
    """
    found: dict[Message, None] = {}
    for line in stderr.splitlines():
        match = _PREFIX.match(line)
        if not match or "t_readlink(" in line or "NOTE: You can get a new clean" in line:
            continue
        text = line[match.end() :]
        for start in ("Error in configuration file ", "Obsolete setting in "):
            text = text[len(start) :] if text.startswith(start) else text
        place = _PLACE.match(text)
        if place:
            file, number, obsolete_at, rest = place.groups()
            line_number = int(number or obsolete_at or 0)
            message = Message(match.group(1), without_secrets(rest), file, line_number)
        else:
            message = Message(match.group(1), without_secrets(text))
        found[message] = None
    return tuple(found)


__all__ = (
    "FILTERS",
    "MASK",
    "Block",
    "DoveconfSyntaxError",
    "Header",
    "Message",
    "header",
    "masked",
    "messages",
    "parse",
    "without_secrets",
)
