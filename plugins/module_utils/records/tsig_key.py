# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The key of a dynamic update, as an administrator has it (pure)."""

from __future__ import annotations

import base64
import binascii
import re
import typing as t
from dataclasses import dataclass, field

ALGORITHMS: t.Final = ("hmac-sha256", "hmac-sha384", "hmac-sha512")
_BLOCK: t.Final = re.compile(r'key\s+"?([^"\s{]+)"?\s*\{(.*?)\}', re.DOTALL)
_FIELD: t.Final = re.compile(r'(algorithm|secret)\s+"?([^";\s]+)"?\s*;')
# Base64 has slashes too, so what is in quotes is matched first, and stays.
_COMMENT: t.Final = re.compile(r'("[^"\n]*")|/\*.*?\*/|//[^\n]*|#[^\n]*', re.DOTALL)


class KeyProblem(ValueError):
    """A key that cannot be used; the text never holds the secret."""


@dataclass(frozen=True)
class TsigKey:
    """A key with its name; the secret is not shown in a representation."""

    name: str
    algorithm: str
    secret: bytes = field(repr=False)


def make_key(name: str, algorithm: str, secret: str) -> TsigKey:
    """Return a key from its name and its secret in base64. Raises KeyProblem."""
    kind = algorithm.lower().rstrip(".")
    if kind not in ALGORITHMS:
        raise KeyProblem(
            f"the key {name!r} has the algorithm {algorithm!r}: expected one of {', '.join(ALGORITHMS)}"
        )
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,253}", name):
        raise KeyProblem(f"the name of the key is {name!r}: expected a name such as mail-update")
    try:
        octets = base64.b64decode("".join(secret.split()), validate=True)
    except (binascii.Error, ValueError):
        raise KeyProblem(f"the secret of the key {name!r} is not base64") from None
    if len(octets) < 16:
        raise KeyProblem(
            f"the secret of the key {name!r} has {len(octets)} octets: expected 16 at least, make one with tsig-keygen"
        )
    return TsigKey(name, kind, octets)


def read_key(text: str, *, name: t.Optional[str], algorithm: t.Optional[str]) -> TsigKey:
    """Return the key in the text of a file: a key of BIND's, or the secret alone. Raises KeyProblem.

    *name* chooses among several keys; *name* and *algorithm* must not contradict the file.
    """
    keys = {
        match[1].rstrip("."): dict(_FIELD.findall(match[2]))
        for match in _BLOCK.finditer(_COMMENT.sub(r"\1", text))
    }
    if not keys:
        if name is None:
            raise KeyProblem("the file holds no key with a name, and no name of the key is given")
        return make_key(name, algorithm or ALGORITHMS[0], text)
    if name is None and len(keys) > 1:
        raise KeyProblem(f"the file holds the keys {', '.join(sorted(keys))}: name one of them")
    chosen = next(iter(keys)) if name is None else name.rstrip(".")
    if chosen not in keys:
        raise KeyProblem(f"the file holds no key {chosen!r}, only {', '.join(sorted(keys))}")
    found = keys[chosen]
    if "secret" not in found:
        raise KeyProblem(f"the key {chosen!r} in the file has no secret")
    kind = found.get("algorithm", algorithm or ALGORITHMS[0])
    if algorithm is not None and kind.lower() != algorithm:
        raise KeyProblem(f"the key {chosen!r} is for {kind} in the file, not for {algorithm}")
    return make_key(chosen, kind, found["secret"])


__all__ = ("ALGORITHMS", "KeyProblem", "TsigKey", "make_key", "read_key")
