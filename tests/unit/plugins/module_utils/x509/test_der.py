# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The DER reader takes one form of everything, the one of X.690, and says where it found another."""

from __future__ import annotations

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.x509 import der
from hypothesis import given
from hypothesis import strategies as st


def element(data: bytes) -> der.Element:
    return der.Reader(data).read("it")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(
            b"\x04", "offset 11: expected the length of it, found the end", id="no-length"
        ),
        pytest.param(
            b"\x04\x80\0\0", "offset 11: expected a definite length of it", id="indefinite"
        ),
        pytest.param(
            b"\x04\x85\0\0\0\0\1x", "offset 11: expected a definite length of it", id="five-octets"
        ),
        pytest.param(
            b"\x04\x82\1", "offset 11: expected a definite length of it", id="half-length"
        ),
        pytest.param(
            b"\x04\x81\x01x",
            "offset 11: expected the shortest form of the length of it",
            id="long-form-of-a-short-length",
        ),
        pytest.param(
            b"\x04\x82\x00\x81" + b"x" * 129,
            "offset 11: expected the shortest form of the length of it",
            id="zero-first",
        ),
        pytest.param(
            b"\x04\x84\xff\xff\xff\xff",
            "offset 10: expected it of 4294967295 octets, found 0",
            id="four-gigabytes",
        ),
        pytest.param(
            b"\x1f\x81\x01\0",
            "offset 10: expected it, found a tag of several octets",
            id="long-tag",
        ),
    ],
)
def test_read_refuses_what_is_not_der(data: bytes, message: str) -> None:
    with pytest.raises(der.X509Error) as caught:
        der.Reader(data, base=10).read("it")

    assert str(caught.value) == message


@given(st.integers(0, 70_000))
def test_read_takes_any_length_in_its_shortest_form(length: int) -> None:
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    header = bytes((4, length)) if length < 128 else bytes((4, 0x80 | len(size))) + size
    reader = der.Reader(header + b"x" * length + b"\x05\0", base=100)
    first = reader.read("first")

    assert (len(first.value), len(first.raw)) == (length, len(header) + length)
    assert (first.start, first.value_start) == (100, 100 + len(header))
    assert reader.read("second").start == 100 + len(header) + length
    reader.finish("all")


@given(st.integers())
def test_integer_reads_the_shortest_form_of_any_number(number: int) -> None:
    size = (number if number >= 0 else ~number).bit_length() // 8 + 1
    value = number.to_bytes(size, "big", signed=True)
    if len(value) < 128:
        assert der.integer(element(bytes((2, len(value))) + value), what="it") == number
        padded = (b"\xff" if number < 0 else b"\0") + value
        with pytest.raises(der.X509Error, match="the shortest form of it"):
            der.integer(element(bytes((2, len(padded))) + padded), what="it")


@given(
    st.integers(0, 2).flatmap(
        lambda root: st.tuples(st.just(root), st.integers(0, 39 if root < 2 else 10**6))
    ),
    st.lists(st.integers(0, 2**128), max_size=5),
)
def test_object_identifier_reads_any_number(start: tuple[int, int], rest: list[int]) -> None:
    octets = b""
    for number in (start[0] * 40 + start[1], *rest):
        group = [number & 0x7F]
        left = number >> 7
        while left:
            group.append(0x80 | left & 0x7F)
            left >>= 7
        octets += bytes(reversed(group))

    found = der.object_identifier(element(bytes((6, len(octets))) + octets), what="it")
    assert found == ".".join(str(number) for number in (*start, *rest))


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\x2a\x80", id="arc-without-its-end"),
        pytest.param(b"\x2a\x80\x01", id="padded-arc"),
        pytest.param(b"\x2a" + b"\xff" * 25 + b"\x01", id="arc-of-26-octets"),
    ],
)
def test_object_identifier_refuses(octets: bytes) -> None:
    with pytest.raises(der.X509Error, match="offset 0: expected it"):
        der.object_identifier(element(bytes((6, len(octets))) + octets), what="it")


@pytest.mark.parametrize("data", [b"\x03\x01\x01", b"\x03\x00"], ids=["unused-bits", "empty"])
def test_octets_of_bits_refuses(data: bytes) -> None:
    with pytest.raises(der.X509Error, match="offset 0: expected it as whole octets"):
        der.octets_of_bits(element(data), what="it")


def test_string_of_another_type_is_none() -> None:
    assert der.string(element(b"\x05\0")) is None


@given(st.binary())
def test_a_reader_ends_after_at_most_half_the_octets(data: bytes) -> None:
    reader = der.Reader(data)
    steps = 0
    try:
        while reader.next_tag() is not None:
            reader.read("it")
            steps += 1
    except der.X509Error:
        pass
    assert steps <= len(data) / 2
