# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Turn choices and the facts of one Dovecot into the lines that it gets (pure)."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ansible_collections.hardened.mail.plugins.module_utils.policy.dovecot_choices import (
    DovecotChoices,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.dovecot_settings import (
    SETTINGS,
    DovecotSetting,
)

#: What Dovecot lets a user's name consist of, unless it is told otherwise.
USUAL_CHARS: t.Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ01234567890.-_@"
_WITH_LIMIT: t.Final = ("imap", "pop3", "sieve")
#: doveconf of 2.3 prints the mode 0 as 00, and no unit of no time.
_ZERO: t.Final = re.compile(r"0+(?:\s*secs?)?")
_SIZE: t.Final = re.compile(r"(\d+)\s*([A-Za-z]+)")


@dataclass(frozen=True)
class DovecotHost:
    """What decides between values: versions, the protocols that are on, and the present ``auth_username_chars``."""

    version: tuple[int, int, int]
    tls_library: tuple[int, int]
    protocols: tuple[str, ...] = ()
    username_chars: str = USUAL_CHARS

    @property
    def new(self) -> bool:
        """Whether names are those of 2.4."""
        return self.version >= (2, 4, 0)


@dataclass(frozen=True)
class Line:
    """One setting of the drop-in, in the words of the installed version; ``secret`` keeps its value to itself."""

    section: tuple[str, ...]
    name: str
    value: str
    reason: str = ""
    source: str = ""
    secret: bool = False


def facts(
    choices: DovecotChoices, host: DovecotHost, *, user_names: t.Iterable[str] = ()
) -> dict[str, str]:
    """Return the words that hold, with the text that each fills in where it does."""
    found = {"2.4" if host.new else "2.3": "", choices.profile: ""}
    if host.tls_library >= (3, 5):
        found["openssl>=3.5"] = ""
    for number, one in zip(("", "2"), choices.certificates):
        found["second-certificate" if number else "certificates"] = ""
        found[f"certificate{number}"], found[f"key{number}"] = one.certificate, one.private_key
    found["mechanisms"] = " ".join(choices.mechanisms)
    found["failure_delay"] = str(choices.failure_delay)
    found["max_connections"] = str(choices.max_connections)
    if choices.penalty:
        found["penalty"] = ""
    if choices.passdb in ("passwd_file", "sql"):
        found["hashes"] = ""
    if choices.socket:
        one_socket = choices.socket
        found.update(
            socket=one_socket.path,
            owner=one_socket.owner,
            group=one_socket.group,
            mode=one_socket.mode,
        )
    needed = sorted({char for name in user_names for char in name} - set(USUAL_CHARS))
    if needed and host.username_chars:
        lacking = "".join(char for char in needed if char not in host.username_chars)
        found["unusual-names"] = ""
        # Not at the end, where a blank would be lost.
        found["username_chars"] = host.username_chars[:-1] + lacking + host.username_chars[-1]
    return found


def resolve(
    choices: DovecotChoices, host: DovecotHost, *, user_names: t.Iterable[str] = ()
) -> tuple[Line, ...]:
    """Return the lines of the settings table for this host."""
    known = facts(choices, host, user_names=user_names)
    return tuple(
        line
        for setting in SETTINGS
        for more in _repeated(setting, choices, host)
        for line in _line(setting, {**known, **more}, new=host.new)
    )


def _repeated(
    setting: DovecotSetting, choices: DovecotChoices, host: DovecotHost
) -> list[dict[str, str]]:
    """Return what fills in each repetition of a setting."""
    if setting.each == "sni":
        return [
            {"name": name, "certificate": one.certificate, "key": one.private_key}
            for one in choices.sni
            for name in one.names
        ]
    if setting.each == "protocol":
        return [{"name": name} for name in _WITH_LIMIT if name in host.protocols]
    return [{}]


def _line(setting: DovecotSetting, known: t.Mapping[str, str], *, new: bool) -> t.Iterator[Line]:
    name = setting.new if new else setting.old
    for rule in setting.rules if name else ():
        if all(
            (word[1:] not in known) if word[0] == "!" else word in known
            for word in rule.when.split()
        ):
            yield Line(
                section=tuple(title.format_map(known) for title in setting.section),
                name=name,
                value=str(rule.value).format_map(known),
                reason=f"{setting.reason} {rule.reason}".strip(),
                source=setting.source,
            )
            return


def normal(value: str) -> str:
    """Return a value so that two spellings of one size, time or mode are equal."""
    if _ZERO.fullmatch(value):
        return "0"
    return " ".join(_SIZE.sub(r"\1 \2", value).replace(" secs", " s").replace(" sec", " s").split())


__all__ = ("USUAL_CHARS", "DovecotHost", "Line", "facts", "normal", "resolve")
