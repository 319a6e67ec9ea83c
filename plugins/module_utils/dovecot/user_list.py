# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The users of a passwd-file of ours: what is refused, the file, and how an unchanged password is recognised (pure).

A hash cannot be compared with a password without making another one, which is slow on purpose and, with
Dovecot's own command, would put the hash into an argument list. So a seal is kept beside: scrypt over the
whole list, with the file as its salt. It costs one computation however long the list is. Where it does not
fit, the seals of the single users tell whose password is new; each is salted with the user's own hash.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import typing as t
from dataclasses import dataclass, field

from ansible_collections.hardened.mail.plugins.module_utils.dovecot.passwd_file import (
    scheme_of,
)

HEADER: t.Final = "# Written by hardened.mail; who is not in its list is gone at its next run.\n"
#: Schemes that store what can be read.
_READABLE: t.Final = frozenset({"PLAIN", "CLEAR", "CLEARTEXT", "PLAIN-TRUNC"})
#: Schemes that make each guess cost something.
_SLOW: t.Final = frozenset(
    """
    ARGON2 ARGON2I ARGON2ID BLF-CRYPT PBKDF2 SCRAM-SHA-256 SCRYPT SHA256-CRYPT SHA512-CRYPT YESCRYPT
    """.split()
)
_SCHEME: t.Final = re.compile(r"\{([A-Za-z0-9-]+)(?:\.[A-Za-z0-9]+)?\}\S+")
_CONTROL: t.Final = re.compile(r"[\x00-\x1f\x7f\x80-\x9f\u2028\u2029]")
#: 16 MiB and some 40 ms for each seal; the file of seals is root's alone.
_COST: t.Final = {"n": 1 << 14, "r": 8, "p": 1, "maxmem": 64 << 20}
_LONGEST_PASSWORD: t.Final = 512


class UserProblem(ValueError):
    """A user cannot be written as asked; the message names the user and no secret."""


@dataclass(frozen=True)
class User:
    """Somebody who may log in: with a password, or with a hash that the caller has."""

    name: str
    password: str = field(default="", repr=False)
    hash: str = field(default="", repr=False)


@dataclass(frozen=True)
class Seals:
    """What is kept to recognise the list, and each user of it."""

    whole: str = ""
    users: t.Mapping[str, str] = field(default_factory=dict)


def checked(
    users: t.Sequence[User], *, lower: bool, schemes: t.Optional[t.Container[str]] = None
) -> tuple[User, ...]:
    """Return the users with their names as Dovecot looks for them.

    *lower* is whether it makes names lower case; *schemes* are those that the host's Dovecot has, where
    that was asked. Raises UserProblem.
    """
    seen: dict[str, str] = {}
    found = []
    for user in users:
        _check_name(user.name)
        _check_secret(user, schemes=schemes)
        folded = user.name.casefold()
        if folded in seen:
            raise UserProblem(
                f"users: {user.name!r} and {seen[folded]!r} are the same user in Dovecot's eyes; drop one of them"
            )
        seen[folded] = user.name
        found.append(
            User(_ascii_lower(user.name) if lower else user.name, user.password, user.hash)
        )
    return tuple(found)


def _ascii_lower(name: str) -> str:
    """Return the name as Dovecot's own lower case makes it: letters beyond ASCII stay."""
    return "".join(char.lower() if char.isascii() else char for char in name)


def _check_name(name: str) -> None:
    if not name or name != name.strip():
        raise UserProblem(f"users: the name {name!r} is empty, or begins or ends with a blank")
    if ":" in name or _CONTROL.search(name):
        raise UserProblem(
            f"users: the name {name!r} has a colon or a control character in it, which would end its field or its line"
        )
    if name.startswith("#"):
        raise UserProblem(f"users: the name {name!r} would be a comment")


def _check_secret(user: User, *, schemes: t.Optional[t.Container[str]]) -> None:
    if bool(user.password) == bool(user.hash):
        state = "both a password and a hash" if user.password else "an empty password and no hash"
        raise UserProblem(f"users: {user.name!r} has {state}; give one of them")
    if user.password:
        if re.search(r"[\x00\r\n]", user.password):
            raise UserProblem(f"users: the password of {user.name!r} has a line end in it")
        if len(user.password.encode("utf-8", "surrogateescape")) > _LONGEST_PASSWORD:
            raise UserProblem(
                f"users: the password of {user.name!r} is longer than {_LONGEST_PASSWORD} octets"
            )
        return
    match = _SCHEME.fullmatch(user.hash)
    if not match or ":" in user.hash or _CONTROL.search(user.hash):
        raise UserProblem(
            f"users: the hash of {user.name!r} is not one line of the form {{SCHEME}}hash without blanks and colons"
        )
    if scheme_of(user.hash) in _READABLE:
        raise UserProblem(
            f"users: what is given as the hash of {user.name!r} is no hash but a password that can be read"
        )
    if schemes is not None and match.group(1).upper() not in schemes:
        raise UserProblem(
            f"users: the hash of {user.name!r} has the scheme {match.group(1)}, which the Dovecot of this host "
            "does not have (doveadm pw -l)"
        )


def is_weak(value: str) -> bool:
    """Return whether a hash can be tried out by the thousand million."""
    return scheme_of(value) not in _SLOW


def parse(text: str) -> dict[str, str]:
    """Return the hash of each user in a file of ours."""
    found = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, _colon, rest = line.partition(":")
            found[name] = rest.partition(":")[0]
    return found


def render(hashes: t.Mapping[str, str]) -> str:
    """Return the file."""
    return HEADER + "".join(f"{name}:{value}\n" for name, value in hashes.items())


def masked(text: str) -> str:
    """Return the file for a diff: the scheme of each hash and, so that a new one is seen, a digest of it."""
    lines = []
    for line in text.splitlines(keepends=True):
        name, colon, rest = line.partition(":")
        shown = (
            rest.partition("}")[0]
            + "}"
            + hashlib.sha256(rest.encode("utf-8", "surrogateescape")).hexdigest()[:8]
        )
        lines.append(line if line.startswith("#") or not colon else f"{name}:{shown}...\n")
    return "".join(lines)


def _seal(secret: str, salt: str) -> str:
    return hashlib.scrypt(
        secret.encode("utf-8", "surrogateescape"),
        salt=hashlib.sha256(salt.encode("utf-8", "surrogateescape")).digest(),
        dklen=32,
        **_COST,
    ).hex()


def _list_of(users: t.Iterable[User]) -> str:
    return json.dumps([[user.name, user.password, user.hash] for user in users])


def unchanged(users: t.Iterable[User], *, text: str, seals: Seals) -> bool:
    """Return whether the file is what was made of this list, password by password."""
    return bool(seals.whole) and hmac.compare_digest(_seal(_list_of(users), text), seals.whole)


def seals_of(users: t.Iterable[User], *, text: str, known: Seals) -> Seals:
    """Return the seals of a file that was just made; *known* are those of users that keep their line."""
    hashes = parse(text)
    single = {
        user.name: known.users.get(user.name) or _seal(user.password, hashes[user.name])
        for user in users
        if user.password
    }
    return Seals(_seal(_list_of(users), text), single)


def kept(users: t.Iterable[User], *, text: str, seals: Seals) -> dict[str, str]:
    """Return the hashes that still fit: those of users with a password whose seal is right."""
    hashes = parse(text)
    return {
        user.name: hashes[user.name]
        for user in users
        if user.password
        and user.name in hashes
        and user.name in seals.users
        and hmac.compare_digest(_seal(user.password, hashes[user.name]), seals.users[user.name])
    }


def load_seals(raw: t.Optional[bytes]) -> Seals:
    """Return the seals of a file of the state directory; none when it is not there or not whole."""
    try:
        data = json.loads(raw or b"{}")
    except ValueError:
        return Seals()
    if not isinstance(data, dict) or not isinstance(data.get("users"), dict):
        return Seals()
    return Seals(str(data.get("whole", "")), data["users"])


def dump_seals(seals: Seals) -> bytes:
    """Return the file of the state directory."""
    return json.dumps({"whole": seals.whole, "users": dict(seals.users)}, indent=1).encode()


__all__ = (
    "HEADER",
    "Seals",
    "User",
    "UserProblem",
    "checked",
    "dump_seals",
    "is_weak",
    "kept",
    "load_seals",
    "masked",
    "parse",
    "render",
    "seals_of",
    "unchanged",
)
