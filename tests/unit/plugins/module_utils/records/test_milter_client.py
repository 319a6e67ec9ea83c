# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Milters that never end; real ones are asked in tests/integration_lab/test_message_authentication_real.py."""

from __future__ import annotations

import socket
import struct
import time

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.records.milter_client import (
    Letter,
    MilterProblem,
    show,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.milter_protocol import packet
from ansible_collections.hardened.mail.tests.unit.plugins.module_utils.starttls.peers import Peer

LETTER = Letter("mx.example", "192.0.2.1", "a@b.example", "a@b.example", (), "x\r\n")
#: A milter that wants every step and answers none but the last (the values of SMFIP_NR_*).
OFFER = packet("O", struct.pack("!III", 6, 0x1FF, 0xFF080))


@pytest.mark.parametrize(
    ("again", "pause", "why"),
    [
        pytest.param(packet("p"), 0.005, "timed out", id="in-progress"),
        pytest.param(packet("p"), 0.0, "timed out", id="in-progress-at-once"),
        pytest.param(packet("h", b"X\0y\0"), 0.005, "timed out", id="fields"),
        pytest.param(packet("h", b"X\0" + b"y" * 99999 + b"\0"), 0.0, "octets", id="long-fields"),
    ],
)
def test_a_milter_without_an_end_ends_in_time(again: bytes, pause: float, why: str) -> None:
    def talk(conn: socket.socket) -> None:
        conn.recv(4096)
        conn.sendall(OFFER)
        end = time.monotonic() + 12
        while time.monotonic() < end:
            conn.sendall(again)
            time.sleep(pause)

    peer = Peer(talk)
    began = time.monotonic()
    with pytest.raises(MilterProblem, match=why):
        show(f"inet:127.0.0.1:{peer.port}", LETTER, seconds=1)
    assert time.monotonic() - began < 6
    peer.close()
