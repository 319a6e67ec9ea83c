# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A throw-away public key infrastructure made with the openssl command."""

from __future__ import annotations

import pathlib
import subprocess
import typing as t

LONG_AGO = "20200101000000Z"
FAR = "20991231235959Z"

_KEYS: t.Final = {
    "rsa1024": ("RSA", "rsa_keygen_bits:1024"),
    "rsa2048": ("RSA", "rsa_keygen_bits:2048"),
    "rsa3072": ("RSA", "rsa_keygen_bits:3072"),
    "rsa-pss": ("RSA-PSS", "rsa_keygen_bits:2048"),
    "p224": ("EC", "ec_paramgen_curve:P-224"),
    "p256": ("EC", "ec_paramgen_curve:P-256"),
    "p384": ("EC", "ec_paramgen_curve:P-384"),
    "p521": ("EC", "ec_paramgen_curve:P-521"),
    "ed25519": ("ED25519", None),
    "ed448": ("ED448", None),
}

_CONFIGURATION = """
[ca]
default_ca = here
[here]
database = {directory}/index.txt
new_certs_dir = {directory}
unique_subject = no
policy = anything
rand_serial = yes
default_md = {digest}
[anything]
{policy}
[req]
distinguished_name = nothing
[nothing]
[extensions]
basicConstraints = critical,CA:{authority}
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
{names}
"""

_ATTRIBUTES = (
    "C ST L O OU CN emailAddress serialNumber DC UID street postalCode GN SN title".split()
)


def openssl(*arguments: str, stdin: bytes = b"") -> str:
    """Run openssl and return what it says; its complaint is in the failure of the test."""
    done = subprocess.run(
        ("openssl", *arguments), input=stdin, capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 0, f"openssl {arguments}: {done.stderr.decode()}"
    return done.stdout.decode()


class Pki:
    """Keys and certificates in one directory, by name: ``NAME.pem`` and ``KIND.key``."""

    def __init__(self, directory: pathlib.Path) -> None:
        self.directory = directory
        (directory / "index.txt").touch()

    def key(self, kind: str, *, copy: str = "") -> pathlib.Path:
        """Return the key of a kind, made at the first call; another ``copy`` is another key."""
        path = self.directory / f"{kind}{copy}.key"
        if not path.exists():
            algorithm, option = _KEYS[kind]
            more = ("-pkeyopt", option) if option else ()
            openssl("genpkey", "-algorithm", algorithm, *more, "-out", str(path))
            path.chmod(0o600)
        return path

    def issue(
        self,
        name: str,
        *,
        issuer: str | None = None,
        key: str = "p256",
        issuer_key: str = "p256",
        subject: str | None = None,
        names: str = "",
        authority: bool = False,
        start: str = LONG_AGO,
        end: str = FAR,
        digest: str = "sha256",
    ) -> pathlib.Path:
        """Make ``NAME.pem``; without an issuer it is self-signed. ``names`` is for subjectAltName."""
        path = self.directory / f"{name}.pem"
        own_key = self.key(key, copy=f"-{name}" if authority else "")
        configuration = self.directory / f"{name}.cnf"
        configuration.write_text(
            _CONFIGURATION.format(
                directory=self.directory,
                digest=digest,
                authority="TRUE" if authority else "FALSE",
                names=f"subjectAltName = {names}" if names else "",
                policy="\n".join(f"{one} = optional" for one in _ATTRIBUTES),
            )
        )
        request = str(self.directory / f"{name}.csr")
        shown = subject or f"/CN={name}"
        common = ("-config", str(configuration), "-utf8", "-multivalue-rdn", "-subj", shown)
        openssl("req", "-new", *common, "-key", str(own_key), "-out", request)
        signer: tuple[str, ...] = ("-selfsign", "-keyfile", str(own_key))
        if issuer is not None:
            signer = ("-cert", str(self.directory / f"{issuer}.pem"), "-keyfile")
            signer += (str(self.key(issuer_key, copy=f"-{issuer}")),)
        openssl(
            *("ca", "-batch", "-notext", "-preserveDN", *common, "-extensions", "extensions"),
            *("-startdate", start, "-enddate", end, "-in", request, "-out", str(path), *signer),
        )
        return path

    def file(self, name: str, *parts: pathlib.Path, mode: int = 0o600) -> pathlib.Path:
        """Make a file of the joined parts."""
        path = self.directory / name
        path.write_bytes(b"".join(part.read_bytes() for part in parts))
        path.chmod(mode)
        return path
