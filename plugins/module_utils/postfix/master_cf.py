# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read and rewrite the text of master.cf, token by token (pure).

The grammar is that of master(5): logical lines as in main.cf, eight fields, the last one a command
with its arguments; ``{ text with blanks }`` is one argument. Every token remembers where it stands,
so a change touches that token alone.
"""

from __future__ import annotations

import functools
import re
import typing as t
from dataclasses import dataclass, field

from ansible_collections.hardened.mail.plugins.module_utils.postfix.main_cf import (
    SPACE,
    ConfigSyntaxError,
    check_writable,
    line_end,
    logical_lines,
    normalise,
    physical_lines,
)

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

_WORD = re.compile(r"[^ \t\r\n]+")

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


@dataclass(frozen=True)
class Token:
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


def _words(lines: t.Sequence[str], indexes: t.Sequence[int]) -> list[Token]:
    """Split the physical lines of one entry into tokens, as mystrtokq(3) of Postfix does.

    Inside braces blanks and line breaks are part of a word.
    """
    tokens: list[Token] = []
    spans: list[tuple[int, int, int]] = []
    depth = 0
    for index in indexes:
        for match in _WORD.finditer(lines[index]):
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


def _unbraced(text: str) -> str:
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
                raise ConfigSyntaxError(f"text behind '}}' in {text[:80]!r}")
            return text[1:-1].strip(SPACE)
    raise ConfigSyntaxError(f"missing '}}' in {text[:80]!r}")


@dataclass(frozen=True)
class _Override:
    """One ``-o name=value``; ``flags`` are options in the same word (``-v`` of ``-vo``)."""

    name: str
    value: str
    tokens: tuple[Token, ...]
    flags: str


@dataclass(frozen=True)
class _Arguments:
    """The arguments of a daemon as getopt(3) takes them apart.

    ``options`` are other options than ``-o``, those in the word of an ``-o`` included, and
    ``option_tokens`` the words that hold nothing else; ``operands`` is all from the first word on
    that is no option; ``invalid`` are the words behind ``-o`` that are no ``name=value``.
    """

    overrides: tuple[_Override, ...]
    options: tuple[str, ...]
    option_tokens: tuple[Token, ...]
    operands: tuple[Token, ...]
    invalid: tuple[str, ...]

    @property
    def plain(self) -> tuple[str, ...]:
        """All that is no override."""
        return (*self.options, *(token.text for token in self.operands))


def _split(text: str) -> t.Optional[tuple[str, str]]:
    """Split ``name = value``, as split_nameval(3) of Postfix does; None when it is none."""
    name, equals, value = text.lstrip(SPACE).partition("=")
    name = name.rstrip(SPACE)
    if not equals or not name or any(character in SPACE for character in name):
        return None
    return name, normalise(value)


def _take_apart(arguments: t.Sequence[Token]) -> _Arguments:
    overrides: list[_Override] = []
    options: list[str] = []
    option_tokens: list[Token] = []
    invalid: list[str] = []
    index = 0
    while index < len(arguments):
        token = arguments[index]
        text = _unbraced(token.text)
        if not text.startswith("-") or text in ("-", "--"):
            break
        flags, letter, inline = text[1:].partition("o")
        tokens = (token,) if not letter or inline else tuple(arguments[index : index + 2])
        index += len(tokens)
        if not letter:
            options.append(token.text)
            option_tokens.append(token)
            continue
        found = _split(_unbraced(inline or tokens[-1].text)) if inline or tokens[1:] else None
        if found is None:
            invalid.append(" ".join(one.text for one in tokens))
            options += [one.text for one in tokens]
            option_tokens += tokens
        else:
            options += [f"-{flags}"] if flags else []
            overrides.append(_Override(*found, tokens, f"-{flags}" if flags else ""))
    return _Arguments(
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
            services.append(_service(_words(lines, logical.lines), logical.lines))
        except ConfigSyntaxError as error:
            raise ConfigSyntaxError(
                f"{file}, line {logical.lines[0] + 1}: {error}: {logical.text.strip(SPACE)[:80]!r}"
            ) from error
    return tuple(services)


def _service(tokens: t.Sequence[Token], lines: tuple[int, ...]) -> Service:
    words = [token.text for token in tokens]
    if len(words) < 8:
        raise ConfigSyntaxError(f"expected the eight fields of master(5), found {len(words)}")
    for name, word in zip(("type", *FIELDS), words[1:7]):
        check_field(name, word)
    arguments = _take_apart(tokens[8:])
    for token in arguments.operands:
        _unbraced(token.text)
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


@dataclass(frozen=True)
class ServiceChange:
    """What to make of one service.

    ``fields`` maps names of FIELDS to their text; ``overrides`` maps a parameter to its value, or
    None to remove its ``-o``; ``arguments`` replaces every argument that is not a ``-o`` override
    when it is not None, one with blanks is put into braces; ``exclusive`` removes the overrides
    that are not named; ``exact`` means the one address of ``name``, none being an address too.
    """

    name: str
    type: str = "inet"
    exact: bool = False
    present: bool = True
    command: t.Optional[str] = None
    arguments: t.Optional[tuple[str, ...]] = None
    fields: t.Mapping[str, str] = field(default_factory=dict)
    overrides: t.Mapping[str, t.Optional[str]] = field(default_factory=dict)
    exclusive: bool = False


def matching(services: t.Sequence[Service], change: ServiceChange) -> list[Service]:
    """Return the entries that *change* is about: same type and port, and the address if it has one.

    Duplicates are among them; of those, Postfix uses the last.
    """
    kind, address, port = service_key(change.name, type=change.type)
    return [
        service
        for service in services
        if (service.key[0], service.key[2]) == (kind, port)
        and (address == service.key[1] or (address == "" and not change.exact))
    ]


def check_change(change: ServiceChange) -> None:
    """Raise ConfigSyntaxError when *change* cannot be written so that Postfix reads it as meant."""
    for what, word in (("the name", change.name), ("the command", change.command)):
        if word is not None and (not _is_word(word) or word.startswith("#")):
            raise ConfigSyntaxError(f"{what} of service {change.name!r} must be one word: {word!r}")
    for name, text in (("type", change.type), *change.fields.items()):
        check_field(name, text)
    for text in change.arguments or ():
        written = format_argument(text)
        if not _is_word(written) or not _unbraced(written):
            raise ConfigSyntaxError(f"{text!r} cannot be an argument of service {change.name!r}")
    for name, value in change.overrides.items():
        check_writable(name, value)
        if value is None:
            continue
        written = format_override(name, value)
        if not _is_word(written) or _split(_unbraced(written)) != (name, normalise(value)):
            raise ConfigSyntaxError(
                f"the braces in the value of {name} for service {change.name!r} must be balanced: "
                f"{value[:60]!r}"
            )


def _is_word(text: str) -> bool:
    """Return whether *text* is one token of master.cf, whatever comes behind it."""
    if "\n" in text or "\r" in text or "\0" in text:
        return False
    return [token.text for token in _words([f"{text} x"], [0])] == [text, "x"]


def format_argument(text: str) -> str:
    """Return an argument as it is written in master.cf; braces where it has blanks."""
    return text if text.startswith("{") or _WORD.fullmatch(text) else f"{{ {text} }}"


def format_override(name: str, value: str) -> str:
    """Return the argument behind ``-o``; braces where the value has blanks (Postfix 3.0)."""
    value = normalise(value)
    return f"{{ {name} = {value} }}" if " " in value else f"{name}={value}"


def format_service(change: ServiceChange) -> str:
    """Return the text of a new entry for *change*; every field not given is ``-``."""
    fields = {"private": "n" if change.type == "inet" else "-", **change.fields}
    options, operands = _arguments_of(change)
    head = [f"{change.name:<9}", f"{change.type:<5}"]
    head += [f"{fields.get(name, '-'):<7}" for name in FIELDS]
    out = [" ".join([*head, change.command or "smtpd", *options])]
    for name, value in change.overrides.items():
        if value is not None:
            out.append(f"  -o {format_override(name, value)}")
    if operands:
        out.append("  " + " ".join(operands))
    return "\n".join(out) + "\n"


def _arguments_of(change: ServiceChange) -> tuple[list[str], list[str]]:
    """Return the options and the operands among the arguments of *change*, as they are written."""
    words = [format_argument(text) for text in change.arguments or ()]
    count = next((i for i, word in enumerate(words) if not _is_option(word)), len(words))
    return words[:count], words[count:]


def _is_option(word: str) -> bool:
    return word.startswith("-") and word not in ("-", "--")


class _Edits:
    """Edits of the lines of a file, collected by position and applied from right to left."""

    def __init__(self, lines: t.Sequence[str]) -> None:
        self._lines = list(lines)
        self._end = line_end(lines)
        self._spans: list[tuple[int, int, int, str]] = []
        self._before: dict[int, list[str]] = {}
        self._after: dict[int, list[str]] = {}
        self._dropped: set[int] = set()

    def replace(self, token: Token, text: str) -> None:
        """Put *text* in the place of *token*; nothing when it is empty."""
        for position, span in enumerate(token.spans):
            self._spans.append((*span, "" if position else text))

    def insert(self, text: str, *, before: Token) -> None:
        """Put *text* before a token: on a line of its own when the token begins its line."""
        index, start, _end = before.spans[0]
        if self._lines[index][:start].strip(SPACE):
            self._spans.append((index, start, start, text + " "))
        else:
            self._before.setdefault(index, []).append(f"  {text}{self._end}")

    def append(self, text: str, *, line: int) -> None:
        """Put *text* on a line of its own behind line number *line*."""
        self._after.setdefault(line, []).append(f"  {text}{self._end}")

    def drop(self, lines: t.Iterable[int]) -> None:
        """Remove whole lines."""
        self._dropped.update(lines)

    def text(self) -> str:
        """Return the edited file."""
        out = list(self._lines)
        # Sorted by position; of two at the same place the one noted first stands first.
        for index, start, end, text in sorted(self._spans, key=lambda one: one[:3])[::-1]:
            head, tail = out[index][:start], out[index][end:]
            if not text and tail.strip(SPACE):
                tail = tail.lstrip(" \t")
            elif not text:
                head = head.rstrip(" \t")
            out[index] = head + text + tail
            if not out[index].strip(SPACE):
                self._dropped.add(index)
        for index in self._dropped:
            out[index] = ""
        for index, texts in self._before.items():
            out[index] = "".join(texts) + out[index]
        for index, texts in self._after.items():
            if out[index] and not out[index].endswith("\n"):
                out[index] += self._end
            out[index] += "".join(texts)
        return "".join(out)


def _edit_service(service: Service, change: ServiceChange, edits: _Edits) -> None:
    arguments = _take_apart(service.tokens[8:])
    for position, name in enumerate(FIELDS):
        wanted = change.fields.get(name)
        if wanted is not None and wanted != service.fields[position]:
            edits.replace(service.tokens[2 + position], wanted)
    command = change.command if change.command is not None else service.command
    options, operands = _arguments_of(change)
    replaced = change.arguments is not None and [_unbraced(word) for word in arguments.plain] != [
        _unbraced(word) for word in (*options, *operands)
    ]
    if replaced:
        for token in (*arguments.option_tokens, *arguments.operands):
            edits.replace(token, "")
        # Options of the command come before its -o overrides, on the command's line.
        command = " ".join([command, *options])
    if command != service.command:
        edits.replace(service.tokens[7], command)
    _edit_overrides(service, change, arguments, edits=edits, replaced=replaced)
    if replaced and operands:
        edits.append(" ".join(operands), line=service.lines[-1])


def _edit_overrides(
    service: Service,
    change: ServiceChange,
    arguments: _Arguments,
    *,
    edits: _Edits,
    replaced: bool,
) -> None:
    """Edit the ``-o`` of *service*; *replaced*: all its other arguments go."""
    wanted = dict(change.overrides)
    if change.exclusive:
        wanted.update({name: None for name in service.overrides if name not in wanted})
    # An override that has its value already is left alone, and so are its duplicates.
    wanted = {
        name: value
        for name, value in wanted.items()
        if service.overrides.get(name) != (None if value is None else normalise(value))
    }
    last = {one.name: one for one in arguments.overrides}
    for one in arguments.overrides:
        flags = "" if replaced else one.flags
        value = wanted.get(one.name, one.value) if one is last[one.name] else None
        if one.name in wanted and value is None:
            _remove_override(one, flags, edits)
        else:
            _write_override(one, one.value if value is None else value, flags, edits)
    for name, value in wanted.items():
        if value is None or name in last:
            continue
        text = f"-o {format_override(name, value)}"
        # Behind the first operand it would be an argument of the site's own command.
        if arguments.operands and not replaced:
            edits.insert(text, before=arguments.operands[0])
        else:
            edits.append(text, line=service.lines[-1])


def _remove_override(one: _Override, flags: str, edits: _Edits) -> None:
    edits.replace(one.tokens[0], flags)
    for token in one.tokens[1:]:
        edits.replace(token, "")


def _write_override(one: _Override, value: str, flags: str, edits: _Edits) -> None:
    """Give one ``-o`` the *value* and *flags*; words that need no change keep their spelling."""
    changed = normalise(value) != one.value
    head = f"{flags} -o".lstrip()
    text = format_override(one.name, value)
    if not one.tokens[1:]:
        if changed or flags != one.flags:
            edits.replace(one.tokens[0], f"{head} {text}")
        return
    if changed:
        edits.replace(one.tokens[1], text)
    if flags != one.flags:
        edits.replace(one.tokens[0], head)


def plain_arguments(service: Service) -> tuple[str, ...]:
    """Return the arguments of *service* that are not ``-o`` overrides."""
    return _take_apart(service.tokens[8:]).plain


def render(text: str, *, changes: t.Sequence[ServiceChange], file: str = "master.cf") -> str:
    """Return *text* with *changes* made to its services; every other byte stays.

    Raises ConfigSyntaxError as parse() does, and for a change that cannot be written.
    """
    for change in changes:
        check_change(change)
        edits = _Edits(physical_lines(text, file=file))
        found = matching(parse(text, file=file), change)
        in_force = {service.key: service for service in found}
        for service in in_force.values() if change.present else found:
            if change.present:
                _edit_service(service, change, edits)
            else:
                edits.drop(service.lines)
        if found:
            text = edits.text()
        elif change.present:
            end = line_end(physical_lines(text, file=file))
            text += "" if not text or text.endswith("\n") else end
            text += format_service(change).replace("\n", end)
    return text


def mask(text: str, *, masked: t.Callable[[str, str], str], file: str = "master.cf") -> str:
    """Return *text* with the value of every ``-o`` put through *masked* (name, value).

    Duplicates of a service and of an override are among them; other arguments have no name. Raises
    ConfigSyntaxError as parse().
    """
    edits = _Edits(physical_lines(text, file=file))
    for service in parse(text, file=file):
        arguments = _take_apart(service.tokens[8:])
        for one in arguments.overrides:
            shown = masked(one.name, one.value)
            _write_override(one, shown, one.flags, edits)
        for token in (*arguments.option_tokens, *arguments.operands):
            shown = masked("", token.text)
            if shown != token.text:
                edits.replace(token, shown)
    return edits.text()


__all__ = (
    "FIELDS",
    "PORTS",
    "TYPES",
    "Service",
    "ServiceChange",
    "Token",
    "check_change",
    "check_field",
    "format_argument",
    "format_override",
    "format_service",
    "mask",
    "matching",
    "parse",
    "plain_arguments",
    "render",
    "service_key",
)
