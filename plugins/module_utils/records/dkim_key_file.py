# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Private keys for DKIM, made and kept on their host (effects: files, runs openssl).

What leaves the host is the public key. Private keys go through standard input and output of openssl, never through an
argument or a file that others can read.
"""

from __future__ import annotations

import base64
import contextlib
import os
import re
import shutil
import subprocess
import tempfile
import typing as t
from dataclasses import dataclass

from ansible_collections.hardened.mail.plugins.module_utils.records.keys import (
    PublicKey,
    public_key,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import RecordError

Format = t.Literal["pem", "seed"]
#: What the file of a key that was replaced has at its end. Its selector is not used again.
RETIRED: t.Final = ".retired"
#: What stands before the 32 octets in the PKCS#8 form of an Ed25519 key (RFC 8410 section 7).
_PKCS8: t.Final = bytes.fromhex("302e020100300506032b657004220420")
_SEED: t.Final = re.compile(r"[A-Za-z0-9+/]{43}=|[A-Za-z0-9+/]{86}==")
_SEED_OCTETS: t.Final = 32
_MODE: t.Final = 0o600
_SECONDS: t.Final = 120


class KeyProblem(Exception):
    """A key that cannot be made or used; the message has nothing of it. No file was changed."""


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
        with open(wanted.path, encoding="ascii") as stream:
            text = stream.read()
    except FileNotFoundError:
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


def make(wanted: Wanted) -> PublicKey:
    """Make the key and its file, with mode 0600, and return the public key. Raises KeyProblem.

    A file that appears meanwhile is left alone, and is a problem.
    """
    pem = _generate(wanted)
    found = _public(pem.decode("ascii").strip(), path=wanted.path)
    seed = wanted.algorithm == "ed25519" and wanted.form == "seed"
    _write(wanted.path, _seed_of(pem) if seed else pem)
    return found


def _generate(wanted: Wanted) -> bytes:
    if wanted.algorithm == "ed25519":
        return _openssl("genpkey", "-algorithm", "ED25519")
    return _openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", f"rsa_keygen_bits:{wanted.bits}")


def _public(text: str, *, path: str) -> PublicKey:
    if _SEED.fullmatch(text):
        octets = _PKCS8 + base64.b64decode(text)[:_SEED_OCTETS]
        said = _openssl("pkey", "-inform", "DER", "-pubout", given=octets)
    elif "-----BEGIN" in text and "ENCRYPTED" not in text:
        said = _openssl("pkey", "-pubout", given=text.encode("ascii"), what=path)
    else:
        raise KeyProblem(f"{path} holds no private key without a passphrase")
    try:
        return public_key(said.decode("ascii"), what=path)
    except RecordError as error:
        raise KeyProblem(str(error)) from error


def _seed_of(pem: bytes) -> bytes:
    octets = base64.b64decode(b"".join(pem.strip().split(b"\n")[1:-1]))
    return base64.b64encode(octets[-_SEED_OCTETS:]) + b"\n"


def _openssl(*arguments: str, given: bytes = b"", what: str = "") -> bytes:
    command = shutil.which("openssl", path=os.environ.get("PATH", os.defpath) + ":/usr/bin")
    if not command:
        raise KeyProblem("openssl was not found on this host: install it")
    try:
        # A key goes through standard input, where run_command would log it in verbose mode.
        done = subprocess.run(  # pylint: disable=ansible-bad-function
            [command, *arguments], input=given, capture_output=True, check=False, timeout=_SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise KeyProblem(f"openssl {arguments[0]} did not end within {_SECONDS} s") from error
    if done.returncode != 0:
        raise KeyProblem(
            f"{what} holds no private key that openssl can read"
            if what
            else f"openssl {arguments[0]} failed with status {done.returncode}"
        )
    return done.stdout


def _write(path: str, content: bytes) -> None:
    """Write a new file as a whole. Raises KeyProblem."""
    scratch = ""
    try:
        handle, scratch = tempfile.mkstemp(dir=os.path.dirname(path) or ".", prefix=".dkim-")
        with os.fdopen(handle, "wb") as stream:
            os.fchmod(stream.fileno(), _MODE)
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        # Unlike a rename, a link does not replace what is there.
        os.link(scratch, path)
    except FileExistsError as error:
        raise KeyProblem(f"{path} was made by somebody else meanwhile") from error
    except OSError as error:
        raise KeyProblem(f"{path} cannot be written: {error.strerror}") from error
    finally:
        if scratch:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(scratch)


__all__ = ("RETIRED", "Format", "KeyProblem", "Wanted", "existing", "make")
