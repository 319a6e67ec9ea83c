# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The packets of the milter protocol, and what signatures and results in them say."""

from __future__ import annotations

import struct

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.records import (
    milter_protocol as protocol,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.milter_protocol import (
    Field,
    MilterError,
    Signature,
)


def test_packets_are_as_the_protocol_has_them() -> None:
    assert protocol.packet("T") == b"\0\0\0\x01T"
    assert protocol.packet("H", protocol.strings("a.example")) == b"\0\0\0\x0bHa.example\0"
    assert protocol.connection("localhost", "127.0.0.1") == b"localhost\x004\0\x19127.0.0.1\0"
    assert protocol.macros("M", i="0", mail_addr="a") == b"\0\0\0\x14DMi\x000\0{mail_addr}\0a\0"
    assert protocol.negotiation()[:9] == b"\0\0\0\x0dO\0\0\0\x06"


def test_an_offer_is_read_and_a_wrong_one_refused() -> None:
    assert protocol.agreed(struct.pack("!III", 6, 0x1FF, 0xFF080)) == 0xFF080
    with pytest.raises(MilterError, match="speaks version 7"):
        protocol.agreed(struct.pack("!III", 7, 0, 0))
    with pytest.raises(MilterError, match="has 4 octets"):
        protocol.agreed(b"\0\0\0\x06")


@pytest.mark.parametrize(
    ("command", "data", "field"),
    [
        pytest.param("h", b"A\0b c\0", Field("A", "b c"), id="add"),
        pytest.param("i", b"\0\0\0\x01A\0b\0", Field("A", "b"), id="insert"),
        pytest.param("m", b"\0\0\0\x01A\0\0", None, id="change"),
        pytest.param("c", b"", None, id="end"),
    ],
)
def test_added_fields_are_read(command: str, data: bytes, field: object) -> None:
    assert protocol.field_of(command, data) == field


def test_a_field_that_has_no_end_is_refused() -> None:
    with pytest.raises(MilterError, match="cannot be read"):
        protocol.field_of("h", b"A\0b")


SIGNED = Field(
    "DKIM-Signature",
    "v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n\td=One.example; s=r1;\n\th=from:from; bh=x=; b=y==",
)


def test_signatures_are_read_with_what_was_said_of_them() -> None:
    other = Field("dkim-signature", "a=ed25519-sha256; d=one.example; s=e1")
    found = protocol.signatures_of([Field("From", "d=x"), SIGNED, other])
    assert found == (
        Signature("One.example", "r1", "rsa-sha256"),
        Signature("one.example", "e1", "ed25519-sha256"),
    )
    said = Field(
        "Authentication-Results",
        "mx.example;\r\n\tdkim=pass header.d=one.example header.s=r1 header.b=y;\r\n\t"
        "dkim=fail (no key) header.d=one.example header.s=e1;\r\n\tdmarc=pass header.from=one.example",
    )
    assert [one.result for one in protocol.judged(found, [said])] == ["pass", "fail"]
    assert [one.result for one in protocol.judged(found, [])] == ["none", "none"]


def test_what_is_said_of_another_key_does_not_count() -> None:
    said = Field("Authentication-Results", "a; dkim=pass header.d=one.example header.s=r2")
    (found,) = protocol.judged(protocol.signatures_of([SIGNED]), [said])
    assert found.result == "none"
