# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers to ask: ``openssl s_server`` set up badly on purpose, and scripted peers in threads."""

from __future__ import annotations

import pathlib
import re
import socket
import ssl
import subprocess
import time
import typing as t

import pytest
from ansible_collections.hardened.mail.tests.unit.plugins.module_utils.starttls.peers import (
    LIMIT,
    Peer,
)


class Pki(t.NamedTuple):
    """Files in PEM: an own CA, an intermediate, and certificates for mx.example under it."""

    ca: str
    intermediate: str
    rsa: str
    rsa_key: str
    ecdsa: str
    ecdsa_key: str


@pytest.fixture
def peer() -> t.Iterator[t.Callable[..., Peer]]:
    """Return a function that starts a scripted server, which ends with the test."""
    peers: list[Peer] = []

    def start(talk: t.Callable[[socket.socket], None], **options: str) -> Peer:
        peers.append(Peer(talk, **options))
        return peers[-1]

    yield start
    for one in peers:
        one.close()


def _openssl(*arguments: str, cwd: pathlib.Path) -> None:
    subprocess.run(["openssl", *arguments], cwd=cwd, check=True, capture_output=True, timeout=LIMIT)


def _issue(folder: pathlib.Path, name: str, *, key: list[str], issuer: str, ext: str) -> None:
    (folder / f"{name}.ext").write_text(ext)
    _openssl(
        *("req", "-new", "-nodes", "-newkey", *key, "-subj", f"/CN={name}.example"),
        *("-keyout", f"{name}.key", "-out", f"{name}.csr"),
        cwd=folder,
    )
    signer = (
        ["-signkey", f"{name}.key"]
        if issuer == name
        else ["-CA", f"{issuer}.pem", "-CAkey", f"{issuer}.key", "-CAcreateserial"]
    )
    _openssl(
        *("x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.pem", "-days", "30"),
        *("-extfile", f"{name}.ext", *signer),
        cwd=folder,
    )


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    folder = tmp_path_factory.mktemp("pki")
    authority = "basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign\n"
    server = "subjectAltName=DNS:mx.example\n"
    rsa, ecdsa = ["rsa:2048"], ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    _issue(folder, "root", key=ecdsa, issuer="root", ext=authority)
    _issue(folder, "intermediate", key=ecdsa, issuer="root", ext=authority)
    _issue(folder, "rsa", key=rsa, issuer="intermediate", ext=server)
    _issue(folder, "ecdsa", key=ecdsa, issuer="intermediate", ext=server)
    names = ("root.pem", "intermediate.pem", "rsa.pem", "rsa.key", "ecdsa.pem", "ecdsa.key")
    return Pki(*(str(folder / name) for name in names))


@pytest.fixture(scope="module")
def s_server(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[t.Callable[..., int]]:
    """Return a function that starts ``openssl s_server`` with arguments and returns its port."""
    running: list[subprocess.Popen[bytes]] = []

    def start(*arguments: str) -> int:
        folder = tmp_path_factory.mktemp("s_server")
        (folder / "empty.cnf").touch()
        with (folder / "output").open("wb") as output:
            server = subprocess.Popen(
                ["openssl", "s_server", "-accept", "127.0.0.1:0", *arguments],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={"OPENSSL_CONF": str(folder / "empty.cnf"), "PATH": "/usr/bin:/bin"},
            )
        running.append(server)
        end = time.monotonic() + LIMIT
        while time.monotonic() < end and server.poll() is None:
            match = re.search(rb"ACCEPT \S*:(\d+)", (folder / "output").read_bytes())
            if match:
                return int(match.group(1))
            time.sleep(0.01)
        pytest.fail(f"openssl s_server {arguments}: {(folder / 'output').read_text()}")

    yield start
    for server in running:
        server.kill()
        server.communicate()


@pytest.fixture
def server_context(pki: Pki) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki.rsa, pki.rsa_key)
    return context
