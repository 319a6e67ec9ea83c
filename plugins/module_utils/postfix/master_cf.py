# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the text of master.cf, token by token (pure).

The grammar is that of master(5): logical lines as in main.cf, eight fields, the last one a command
with its arguments; ``{ text with blanks }`` is one argument. Every token remembers where it stands,
so a change (master_cf_changes) touches that token alone.
"""

from __future__ import annotations

import functools
import re
import typing as t
from dataclasses import dataclass, field

from ansible_collections.hardened.mail.plugins.module_utils.postfix.main_cf import (
    SPACE,
    ConfigSyntaxError,
    excerpt,
    logical_lines,
    normalise,
    physical_lines,
)
from ansible_collections.hardened.mail.plugins.module_utils.postfix.patterns import later

FIELDS = ("private", "unprivileged", "chroot", "wakeup", "process_limit")

TYPES = ("inet", "unix", "fifo", "unix-dgram", "pass")

#: What postconf(1) accepts in each column; with anything else it reads nothing at all.
_FORMS = {
    "type": re.compile("|".join(TYPES)),
    "private": re.compile("[yn-]"),
    "unprivileged": re.compile("[yn-]"),
    "chroot": re.compile("[yn-]"),
    "wakeup": re.compile(r"(?:-|[0-9]*)\??"),
    "process_limit": re.compile("-|[0-9]+"),
}

WORD = later(r"[^ \t\r\n]+")

#: Names of /etc/services under which the mail ports are known; the numbers are IANA's.
PORTS = {
    "smtp": 25,
    "mail": 25,
    "submission": 587,
    "submissions": 465,
    "smtps": 465,
    "ssmtp": 465,
    "urd": 465,
}


class Token(t.NamedTuple):
    """A word of master.cf: its text, and where it stands.

    ``spans`` are (index of the physical line, first column, column behind the last); there is more
    than one when text in braces goes on behind a line break.
    """

    text: str
    spans: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True)
class Service:
    """One entry of master.cf.

    ``overrides`` holds what ``-o`` sets, the last of a name winning, values normalised;
    ``broken_arguments`` holds words that make the daemon die when it is started: an ``-o`` without
    ``name=value``, and words that end option parsing by accident (``-o name = value`` without
    braces).
    """

    name: str
    type: str
    fields: tuple[str, ...]
    command: str
    tokens: tuple[Token, ...]
    lines: tuple[int, ...]
    overrides: t.Mapping[str, str] = field(default_factory=dict)
    broken_arguments: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """``name/type``, as ``postconf -M`` and ``-P`` write it."""
        return f"{self.name}/{self.type}"

    @property
    def arguments(self) -> tuple[str, ...]:
        """The words behind the command, braces kept."""
        return tuple(token.text for token in self.tokens[8:])

    @functools.cached_property
    def key(self) -> tuple[str, str, str]:
        """What identifies the service: its type, and address and port however spelt."""
        return service_key(self.name, type=self.type)


def service_key(name: str, *, type: str) -> tuple[str, str, str]:  # noqa: A002 - master(5)'s word
    """Return (type, address, port or name) of a service, independent of its spelling."""
    if type != "inet":
        return (type, "", name)
    address, colon, port = name.rpartition(":")
    if not colon:
        address, port = "", name
    number = PORTS.get(port.lower(), port)
    return ("inet", address.strip("[]").lower(), str(number))


def words_of(lines: t.Sequence[str], indexes: t.Sequence[int]) -> list[Token]:
    """Split the physical lines of one entry into tokens, as mystrtokq(3) of Postfix does.

    Inside braces blanks and line breaks are part of a word.
    """
    tokens: list[Token] = []
    spans: list[tuple[int, int, int]] = []
    depth = 0
    for index in indexes:
        for match in WORD.finditer(lines[index]):
            inside = depth > 0
            if "{" in match.group() or (inside and "}" in match.group()):
                depth = _depth(match.group(), depth)
            start, end = match.span()
            if inside and spans[-1][0] == index:
                start = spans.pop()[1]
            spans.append((index, start, end))
            if depth == 0:
                tokens.append(_token(lines, spans))
                spans = []
    if spans:
        tokens.append(_token(lines, spans))
    return tokens


def _token(lines: t.Sequence[str], spans: t.Sequence[tuple[int, int, int]]) -> Token:
    return Token(" ".join(lines[index][start:end] for index, start, end in spans), tuple(spans))


def _depth(text: str, depth: int) -> int:
    """Return how many braces are open behind *text*; a stray closing one counts for nothing."""
    for character in text:
        if character == "{":
            depth += 1
        elif character == "}" and depth:
            depth -= 1
    return depth


def unbraced(text: str) -> str:
    """Return what Postfix takes from an argument: the text inside, when it starts with a brace.

    Raises ConfigSyntaxError where master(8) would be fatal.
    """
    if not text.startswith("{"):
        return text
    depth = 0
    for column, character in enumerate(text):
        depth += {"{": 1, "}": -1}.get(character, 0)
        if depth == 0:
            if column + 1 != len(text):
                raise ConfigSyntaxError(f"text behind '}}' in {excerpt(text, until='=')!r}")
            return text[1:-1].strip(SPACE)
    raise ConfigSyntaxError(f"missing '}}' in {excerpt(text, until='=')!r}")


class Override(t.NamedTuple):
    """One ``-o name=value``; ``flags`` are options in the same word (``-v`` of ``-vo``)."""

    name: str
    value: str
    tokens: tuple[Token, ...]
    flags: str


class Arguments(t.NamedTuple):
    """The arguments of a daemon as getopt(3) takes them apart.

    ``options`` are other options than ``-o``, those in the word of an ``-o`` included, and
    ``option_tokens`` the words that hold nothing else; ``operands`` is all from the first word on
    that is no option; ``invalid`` are the words behind ``-o`` that are no ``name=value``.
    """

    overrides: tuple[Override, ...]
    options: tuple[str, ...]
    option_tokens: tuple[Token, ...]
    operands: tuple[Token, ...]
    invalid: tuple[str, ...]

    @property
    def plain(self) -> tuple[str, ...]:
        """All that is no override."""
        return (*self.options, *(token.text for token in self.operands))


def name_and_value(text: str) -> t.Optional[tuple[str, str]]:
    """Split ``name = value``, as split_nameval(3) of Postfix does; None when it is none."""
    name, equals, value = text.lstrip(SPACE).partition("=")
    name = name.rstrip(SPACE)
    if not equals or not name or any(character in SPACE for character in name):
        return None
    return name, normalise(value)


def take_apart(arguments: t.Sequence[Token]) -> Arguments:
    overrides: list[Override] = []
    options: list[str] = []
    option_tokens: list[Token] = []
    invalid: list[str] = []
    index = 0
    while index < len(arguments):
        token = arguments[index]
        text = unbraced(token.text)
        if not text.startswith("-") or text in ("-", "--"):
            break
        flags, letter, inline = text[1:].partition("o")
        tokens = (token,) if not letter or inline else tuple(arguments[index : index + 2])
        index += len(tokens)
        if not letter:
            options.append(token.text)
            option_tokens.append(token)
            continue
        found = (
            name_and_value(unbraced(inline or tokens[-1].text)) if inline or tokens[1:] else None
        )
        if found is None:
            invalid.append(" ".join(one.text for one in tokens))
            options += [one.text for one in tokens]
            option_tokens += tokens
        else:
            options += [f"-{flags}"] if flags else []
            overrides.append(Override(*found, tokens, f"-{flags}" if flags else ""))
    return Arguments(
        overrides=tuple(overrides),
        options=tuple(options),
        option_tokens=tuple(option_tokens),
        operands=tuple(arguments[index:]),
        invalid=tuple(invalid),
    )


#: Daemons that take options only; the others (pipe, spawn) run a command of the site's.
_OPTIONS_ONLY = frozenset({"smtpd", "smtp", "lmtp", "postscreen", "tlsproxy", "cleanup", "qmgr"})


def parse(text: str, *, file: str = "master.cf") -> tuple[Service, ...]:
    """Return the services of master.cf in their order, duplicates included.

    Raises ConfigSyntaxError, with file and line, where ``postconf -M`` or master(8) would be fatal.
    """
    lines = physical_lines(text, file=file)
    services = []
    for logical in logical_lines(lines):
        try:
            services.append(_service(words_of(lines, logical.lines), logical.lines))
        except ConfigSyntaxError as error:
            raise ConfigSyntaxError(
                f"{file}, line {logical.lines[0] + 1}: {error}: {excerpt(logical.text, until='=')!r}"
            ) from error
    return tuple(services)


def _service(tokens: t.Sequence[Token], lines: tuple[int, ...]) -> Service:
    words = [token.text for token in tokens]
    if len(words) < 8:
        raise ConfigSyntaxError(f"expected the eight fields of master(5), found {len(words)}")
    for name, word in zip(("type", *FIELDS), words[1:7]):
        check_field(name, word)
    arguments = take_apart(tokens[8:])
    for token in arguments.operands:
        unbraced(token.text)
    stray = [token.text for token in arguments.operands]
    return Service(
        name=words[0],
        type=words[1],
        fields=tuple(words[2:7]),
        command=words[7],
        tokens=tuple(tokens),
        lines=lines,
        overrides={one.name: one.value for one in arguments.overrides},
        broken_arguments=(
            (*arguments.invalid, *(stray if stray != ["--"] else ()))
            if words[7] in _OPTIONS_ONLY
            else ()
        ),
    )


def check_field(name: str, text: str) -> None:
    """Raise ConfigSyntaxError when *text* is nothing for the column *name*, see master(5)."""
    if not _FORMS[name].fullmatch(text):
        raise ConfigSyntaxError(f"invalid {name} {text!r}")


def plain_arguments(service: Service) -> tuple[str, ...]:
    """Return the arguments of *service* that are not ``-o`` overrides."""
    return take_apart(service.tokens[8:]).plain


__all__ = (
    "FIELDS",
    "PORTS",
    "TYPES",
    "WORD",
    "Arguments",
    "Override",
    "Service",
    "Token",
    "check_field",
    "name_and_value",
    "parse",
    "plain_arguments",
    "service_key",
    "take_apart",
    "unbraced",
    "words_of",
)
