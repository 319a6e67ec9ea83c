# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Change services of master.cf (pure): only what a change is about is written, every other byte stays."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.hardened.mail.plugins.module_utils.postfix.main_cf import (
    SPACE,
    ConfigSyntaxError,
    check_writable,
    excerpt,
    line_end,
    normalise,
    physical_lines,
)
from ansible_collections.hardened.mail.plugins.module_utils.postfix.master_cf import (
    FIELDS,
    WORD,
    Arguments,
    Override,
    Service,
    Token,
    check_field,
    name_and_value,
    parse,
    service_key,
    take_apart,
    unbraced,
    words_of,
)


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
        if not _is_word(written) or not unbraced(written):
            raise ConfigSyntaxError(
                f"{excerpt(text, until='=')!r} cannot be an argument of service {change.name!r}"
            )
    for name, value in change.overrides.items():
        check_writable(name, value)
        if value is None:
            continue
        written = format_override(name, value)
        if not _is_word(written) or name_and_value(unbraced(written)) != (name, normalise(value)):
            raise ConfigSyntaxError(
                f"the braces in the value of {name} for service {change.name!r} must be balanced"
            )


def _is_word(text: str) -> bool:
    """Return whether *text* is one token of master.cf, whatever comes behind it."""
    if "\n" in text or "\r" in text or "\0" in text:
        return False
    return [token.text for token in words_of([f"{text} x"], [0])] == [text, "x"]


def format_argument(text: str) -> str:
    """Return an argument as it is written in master.cf; braces where it has blanks."""
    return text if text.startswith("{") or WORD.fullmatch(text) else f"{{ {text} }}"


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
    arguments = take_apart(service.tokens[8:])
    for position, name in enumerate(FIELDS):
        wanted = change.fields.get(name)
        if wanted is not None and wanted != service.fields[position]:
            edits.replace(service.tokens[2 + position], wanted)
    command = change.command if change.command is not None else service.command
    options, operands = _arguments_of(change)
    replaced = change.arguments is not None and [unbraced(word) for word in arguments.plain] != [
        unbraced(word) for word in (*options, *operands)
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
    arguments: Arguments,
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


def _remove_override(one: Override, flags: str, edits: _Edits) -> None:
    edits.replace(one.tokens[0], flags)
    for token in one.tokens[1:]:
        edits.replace(token, "")


def _write_override(one: Override, value: str, flags: str, edits: _Edits) -> None:
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
        arguments = take_apart(service.tokens[8:])
        for one in arguments.overrides:
            shown = masked(one.name, one.value)
            _write_override(one, shown, one.flags, edits)
        for token in (*arguments.option_tokens, *arguments.operands):
            shown = masked("", token.text)
            if shown != token.text:
                edits.replace(token, shown)
    return edits.text()


__all__ = (
    "ServiceChange",
    "check_change",
    "format_argument",
    "format_override",
    "format_service",
    "mask",
    "matching",
    "render",
)
