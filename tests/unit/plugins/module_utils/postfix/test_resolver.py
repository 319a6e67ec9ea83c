# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of a resolver, by its answers; real ones are asked in tests/integration_lab."""

from __future__ import annotations

import contextlib
import pathlib
import socket
import threading
import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.postfix import resolver


@contextlib.contextmanager
def answering(*answers: bytes) -> t.Iterator[int]:
    """Answer each question with these packets, the question's number put in front; yield the port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))

        def serve() -> None:
            with contextlib.suppress(OSError):
                asked, client = sock.recvfrom(512)
                for one in answers:
                    sock.sendto(asked[:2] + one, client)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield sock.getsockname()[1]
        thread.join(timeout=5)


CHECKED: t.Final = bytes.fromhex("81a0") + bytes(8)
NOT_CHECKED: t.Final = bytes.fromhex("8180") + bytes(8)
REFUSED: t.Final = bytes.fromhex("8185") + bytes(8)


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        pytest.param([CHECKED], "", id="checked"),
        pytest.param([b"", CHECKED], "", id="a-foreign-packet-first"),
        pytest.param([NOT_CHECKED], "does not check DNSSEC (no AD bit", id="not-checked"),
        pytest.param([REFUSED], "answers REFUSED for the name '.'", id="refused"),
    ],
)
def test_the_answer_decides(answers: list[bytes], words: str) -> None:
    with answering(*answers) as port:
        found = resolver.problem_of(["127.0.0.1"], port=port)
    assert words in found
    assert bool(found) == bool(words)


def test_a_resolver_that_is_not_there_is_told() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    assert "127.0.0.1 does not answer" in resolver.problem_of(["127.0.0.1"], port=port)


def test_resolvers_must_be_on_this_host_and_in_the_chroot_too(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conf, copy = tmp_path / "resolv.conf", tmp_path / "queue" / "etc" / "resolv.conf"
    monkeypatch.setattr(resolver, "RESOLV_CONF", "/etc/resolv.conf")
    texts = {"/etc/resolv.conf": conf, str(copy): copy}
    monkeypatch.setattr(
        resolver, "_read", lambda path: texts[path].read_text() if texts[path].exists() else None
    )
    copy.parent.mkdir(parents=True)
    queue = str(tmp_path / "queue")
    conf.write_text("nameserver 192.0.2.1\nnameserver 127.0.0.1\n")
    assert "192.0.2.1 in /etc/resolv.conf is another host" in resolver.problem(
        queue_directory=queue
    )
    conf.write_text("nameserver 127.0.0.1\n")
    copy.write_text("nameserver 192.0.2.1\n")
    assert "restart Postfix" in resolver.problem(queue_directory=queue)
    copy.write_text(conf.read_text())
    with answering(CHECKED) as port:
        assert resolver.problem(queue_directory=queue, port=port) == ""
