# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Private keys for DKIM, made and kept on their host (effects: files, runs openssl).

What leaves the host is the public key.
"""

from __future__ import annotations

import base64
import grp
import os
import pwd
import re
import typing as t
from dataclasses import dataclass

from ansible_collections.hardened.mail.plugins.module_utils.records.keys import (
    PublicKey,
    public_key,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import RecordError
from ansible_collections.hardened.mail.plugins.module_utils.x509.private_key import (
    KeyProblem,
    open_regular,
    openssl,
    sweep,
    write_new,
)

Format = t.Literal["pem", "seed"]
#: What the file of a key that was replaced has at its end. Its selector is not used again.
RETIRED: t.Final = ".retired"
#: What stands before the 32 octets in the PKCS#8 form of an Ed25519 key (RFC 8410 section 7).
_PKCS8: t.Final = bytes.fromhex("302e020100300506032b657004220420")
_SEED: t.Final = re.compile(r"[A-Za-z0-9+/]{43}=|[A-Za-z0-9+/]{86}==")
_SEED_OCTETS: t.Final = 32
_LARGEST: t.Final = 65536


@dataclass(frozen=True)
class Wanted:
    """The key to have at ``path``; ``bits`` counts for RSA, ``form`` for Ed25519."""

    path: str
    algorithm: t.Literal["rsa", "ed25519"]
    bits: int
    form: Format


def existing(wanted: Wanted) -> t.Optional[PublicKey]:
    """Return the public key of the file, None when there is none.

    Raises KeyProblem for a file that cannot be read, that holds another key than is wanted, or that was retired.
    """
    try:
        with open_regular(wanted.path) as stream:
            text = stream.read(_LARGEST).decode("ascii")
    except FileNotFoundError:
        if os.path.islink(wanted.path):
            raise KeyProblem(
                f"{wanted.path} is a symbolic link to {os.readlink(wanted.path)}, which is not there: remove the link"
            ) from None
        if os.path.lexists(wanted.path + RETIRED):
            raise KeyProblem(
                f"{wanted.path} was retired, and the key in DNS is revoked: use a new selector with a file of its own"
            ) from None
        return None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise KeyProblem(f"{wanted.path} cannot be read: {reason}") from error
    found = _public(text.strip(), path=wanted.path)
    if found.algorithm != wanted.algorithm:
        raise KeyProblem(
            f"{wanted.path} holds a key of type {found.algorithm}, and one of type {wanted.algorithm} is asked for: "
            "use a new selector with a file of its own"
        )
    if wanted.algorithm == "rsa" and found.bits < wanted.bits:
        raise KeyProblem(
            f"{wanted.path} holds an RSA key of {found.bits} bits, and {wanted.bits} are asked for: "
            "use a new selector with a file of its own, or ask for less"
        )
    return found


def demand_owners(user: t.Optional[str], group: t.Optional[str]) -> None:
    """Raise KeyProblem for an owner that is not on this host: a key would be made, and not be theirs."""
    for what, name, look in (("user", user, pwd.getpwnam), ("group", group, grp.getgrnam)):
        if name is not None and not name.isdigit():
            try:
                look(name)
            except KeyError:
                raise KeyProblem(f"there is no {what} {name} on this host") from None


def make(wanted: Wanted) -> PublicKey:
    """Make the key and its file, with mode 0600, and return the public key. Raises KeyProblem.

    A file that appears meanwhile is left alone, and is a problem.
    """
    pem = _generate(wanted)
    found = _public(pem.decode("ascii").strip(), path=wanted.path)
    seed = wanted.algorithm == "ed25519" and wanted.form == "seed"
    write_new(wanted.path, _seed_of(pem) if seed else pem)
    return found


def _generate(wanted: Wanted) -> bytes:
    if wanted.algorithm == "ed25519":
        return openssl("genpkey", "-algorithm", "ED25519")
    return openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", f"rsa_keygen_bits:{wanted.bits}")


def _public(text: str, *, path: str) -> PublicKey:
    if _SEED.fullmatch(text):
        octets = _PKCS8 + base64.b64decode(text)[:_SEED_OCTETS]
        said = openssl("pkey", "-inform", "DER", "-pubout", given=octets)
    elif "-----BEGIN" in text and "ENCRYPTED" not in text:
        try:
            said = openssl("pkey", "-pubout", given=text.encode("ascii"))
        except KeyProblem as error:
            raise KeyProblem(f"{path} holds no private key that can be read: {error}") from error
    else:
        raise KeyProblem(f"{path} holds no private key without a passphrase")
    try:
        return public_key(said.decode("ascii"), what=path)
    except RecordError as error:
        raise KeyProblem(str(error)) from error


def _seed_of(pem: bytes) -> bytes:
    octets = base64.b64decode(b"".join(pem.strip().split(b"\n")[1:-1]))
    return base64.b64encode(octets[-_SEED_OCTETS:]) + b"\n"


__all__ = (
    "RETIRED",
    "Format",
    "KeyProblem",
    "Wanted",
    "demand_owners",
    "existing",
    "make",
    "sweep",
)
