# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A policy host that answers, and those that do it for ever."""

from __future__ import annotations

import contextlib
import pathlib
import socket
import ssl
import subprocess
import time
import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.records.sts_fetch import fetch_policy
from ansible_collections.hardened.mail.tests.unit.plugins.module_utils.starttls.peers import Peer

POLICY = "version: STSv1\r\nmode: enforce\r\nmx: mx.example.org\r\nmax_age: 604800\r\n"
GOOD = (
    f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {len(POLICY)}\r\n\r\n{POLICY}"
)
#: What comes again and again, and how often in a second.
Drip = tuple[bytes, float]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Return a file with the policy host's key and certificate, which is its own root."""
    path = tmp_path_factory.mktemp("sts") / "host.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "30", "-subj", "/CN=mta-sts.example.org"),
            *("-addext", "subjectAltName=DNS:mta-sts.example.org"),
            *("-keyout", str(path), "-out", str(path.with_suffix(".crt"))),
        ],
        check=True,
        capture_output=True,
    )
    with path.open("a") as file:
        file.write(path.with_suffix(".crt").read_text())
    return path


@contextlib.contextmanager
def policy_host(certificate: pathlib.Path, first: str, then: Drip = (b"", 0.0)) -> t.Iterator[int]:
    """Serve a text by HTTPS and repeat what comes then; yield the port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def talk(conn: socket.socket) -> None:
        with context.wrap_socket(conn, server_side=True) as secured:
            secured.recv(4096)
            secured.sendall(first.encode("ascii"))
            end = time.monotonic() + 12
            while then[0] and time.monotonic() < end:
                secured.sendall(then[0])
                time.sleep(then[1])

    peer = Peer(talk)
    yield peer.port
    peer.close()


def test_a_policy_is_fetched(certificate: pathlib.Path) -> None:
    with policy_host(certificate, "HTTP/1.1 100 Continue\r\n\r\n" + GOOD) as port:
        found = fetch_policy(
            "example.org.", ["127.0.0.1"], timeout=5, ca_file=str(certificate), port=port
        )
    assert found == (POLICY, "")


@pytest.mark.parametrize(
    ("first", "then", "why"),
    [
        pytest.param("HTTP/1.1 200 OK\r\nX: ", (b"a", 0.2), "timed out", id="field"),
        pytest.param("", (b"HTTP/1.1 100 Continue\r\n\r\n", 0.2), "timed out", id="continue"),
        pytest.param("", (b"HTTP/1.1 100 Continue\r\n\r\n" * 99, 0.0), "too long", id="flood"),
    ],
)
def test_an_answer_without_an_end_ends_in_time(
    certificate: pathlib.Path, first: str, then: Drip, why: str
) -> None:
    with policy_host(certificate, first, then) as port:
        began = time.monotonic()
        text, reason = fetch_policy(
            "example.org.", ["127.0.0.1"], timeout=1, ca_file=str(certificate), port=port
        )
        assert time.monotonic() - began < 6
    assert text is None
    assert why in reason


def test_addresses_that_say_nothing_share_the_time() -> None:
    with socket.create_server(("127.0.0.2", 0)) as silent:
        port = silent.getsockname()[1]
        seconds = []
        for number in (1, 6):
            began = time.monotonic()
            text, reason = fetch_policy(
                "example.org.", ["127.0.0.2"] * number, timeout=1, port=port
            )
            seconds.append(time.monotonic() - began)
            assert (text, "timed out" in reason) == (None, True), reason
    # Six times as long with a timeout for each.
    assert seconds[1] < 3 * seconds[0]
    assert fetch_policy("example.org.", ["127.0.0.2"], timeout=0, port=port)[0] is None
