#!/usr/bin/env python3
# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a certificate authority to throw away: a root, an intermediate, and two certificates for each host.

The folder gets root.pem, and for NAME.example the full chains and keys NAME-rsa.{pem,key} and NAME-ecdsa.{pem,key}.
"""

from __future__ import annotations

import argparse
import pathlib
import subprocess
import typing as t

KEYS: t.Final = {
    "rsa": ("rsa:3072",),
    "ecdsa": ("ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
}
AUTHORITY: t.Final = ("basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign")
SERVER: t.Final = (
    "basicConstraints=critical,CA:FALSE",
    "keyUsage=critical,digitalSignature",
    "extendedKeyUsage=serverAuth",
)


def issue(
    folder: pathlib.Path,
    name: str,
    *,
    key: str,
    subject: str,
    extensions: t.Sequence[str],
    issuer: str | None = None,
) -> None:
    """Write the certificate NAME.pem and its key; without an ``issuer`` it signs itself."""
    command = ["openssl", "req", "-x509", "-batch", "-noenc", "-days", "200", "-sha256"]
    command += ["-newkey", *KEYS[key], "-subj", subject]
    command += ["-keyout", str(folder / f"{name}.key"), "-out", str(folder / f"{name}.pem")]
    if issuer:
        command += ["-CA", str(folder / f"{issuer}.pem"), "-CAkey", str(folder / f"{issuer}.key")]
    for extension in extensions:
        command += ["-addext", extension]
    subprocess.run(command, check=True, capture_output=True)


def main() -> None:
    """Make the authority and the certificates of the hosts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("names", nargs="+")
    parser.add_argument(
        "--further",
        metavar=("HOST", "NAME"),
        nargs=2,
        action="append",
        default=[],
        help="another name that the certificates of a host are for",
    )
    options = parser.parse_args()
    folder = options.folder
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    issue(folder, "root", key="ecdsa", subject="/CN=Lab root", extensions=AUTHORITY)
    issue(
        folder,
        "intermediate",
        key="ecdsa",
        subject="/CN=Lab intermediate",
        extensions=AUTHORITY,
        issuer="root",
    )
    intermediate = (folder / "intermediate.pem").read_text(encoding="ascii")
    for host in options.names:
        names = [f"{host}.example", *(name for of, name in options.further if of == host)]
        for key in KEYS:
            name = f"{host}-{key}"
            issue(
                folder,
                name,
                key=key,
                subject=f"/CN={host}.example",
                extensions=(*SERVER, f"subjectAltName=DNS:{',DNS:'.join(names)}"),
                issuer="intermediate",
            )
            with (folder / f"{name}.pem").open("a", encoding="ascii") as chain:
                chain.write(intermediate)


if __name__ == "__main__":
    main()
