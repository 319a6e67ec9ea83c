# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the passwords of a passwd-file are stored; neither names nor hashes are kept (pure)."""

from __future__ import annotations

import re
import typing as t

_SCHEME: t.Final = re.compile(r"\{([A-Za-z0-9-]{1,24})(?:\.[A-Za-z0-9]{1,8})?\}")
#: What crypt(3) makes of a password begins with one of these (crypt(5)).
_CRYPT: t.Final[tuple[tuple[str, str], ...]] = (
    ("$argon2id$", "ARGON2ID"),
    ("$argon2i$", "ARGON2I"),
    ("$2", "BLF-CRYPT"),
    ("$y$", "YESCRYPT"),
    ("$gy$", "YESCRYPT"),
    ("$7$", "SCRYPT"),
    ("$6$", "SHA512-CRYPT"),
    ("$5$", "SHA256-CRYPT"),
    ("$1$", "MD5-CRYPT"),
    ("$3$", "NT"),
    ("$md5", "SUN-MD5-CRYPT"),
    ("$sha1", "SHA1-CRYPT"),
)
#: Other words in braces are part of a password, and not repeated.
_KNOWN: t.Final = frozenset(
    """
    ARGON2 ARGON2I ARGON2ID BLF-CRYPT CLEAR CLEARTEXT CRAM-MD5 CRYPT DES-CRYPT DIGEST-MD5 HMAC-MD5 LANMAN LDAP-MD5
    MD5 MD5-CRYPT NTLM OTP PBKDF2 PLAIN PLAIN-MD4 PLAIN-MD5 PLAIN-TRUNC RPA SCRAM-SHA-1 SCRAM-SHA-256 SHA SHA1 SHA256
    SHA256-CRYPT SHA512 SHA512-CRYPT SKEY SMD5 SSHA SSHA256 SSHA512
    """.split()
)
#: Crypt schemes: the hash itself says more.
_GENERIC: t.Final = frozenset({"CRYPT", "MD5"})
#: A line without a scheme and without a mark of crypt(3).
UNPREFIXED: t.Final = "no scheme"
#: A line that lets nobody in with a password.
LOCKED: t.Final = "locked"


def scheme_of(field: str) -> str:
    """Return the scheme of one password field, in upper case; UNPREFIXED or LOCKED when it names none."""
    match = _SCHEME.match(field)
    if match and match.group(1).upper() not in _KNOWN:
        return UNPREFIXED
    name = match.group(1).upper() if match else ""
    rest = field[match.end() :] if match else field
    if not match and (not field or field[0] in "*!"):
        return LOCKED
    if name and name not in _GENERIC:
        return name
    for mark, scheme in _CRYPT:
        if rest.startswith(mark):
            return scheme
    return "DES-CRYPT" if name == "CRYPT" else name or UNPREFIXED


def schemes(text: str) -> dict[str, int]:
    """Return how many lines of a passwd-file have each scheme."""
    found: dict[str, int] = {}
    for line in text.split("\n"):
        line = line.strip()
        if not line or line.startswith("#") or ":" not in line:
            continue
        scheme = scheme_of(_field(line))
        found[scheme] = found.get(scheme, 0) + 1
    return found


def _field(line: str) -> str:
    # A clear-text password may hold what looks like the end of the field; its beginning is enough.
    return line.partition(":")[2].partition(":")[0]


__all__ = ("LOCKED", "UNPREFIXED", "scheme_of", "schemes")
