# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom a list of client addresses covers."""

from __future__ import annotations

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.policy.networks import (
    coverage,
    repaired_network,
)


@pytest.mark.parametrize(
    ("text", "everybody"),
    [
        pytest.param("127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128", False, id="loopback"),
        pytest.param("0.0.0.0/0", True, id="all"),
        pytest.param("[::]/0", True, id="all-of-six"),
        pytest.param("[2000::]/3", True, id="all-public-of-six"),
        pytest.param("0.0.0.0/1, 128.0.0.0/1", True, id="halves"),
        pytest.param("128.0.0.0/2 192.0.0.0/2", True, id="exactly-half"),
        pytest.param("128.0.0.0/2 128.0.0.0/3 128.0.0.0/2", False, id="the-same-quarter"),
        pytest.param("10.0.0.0/8 192.168.0.0/16 [fc00::]/7", False, id="private"),
        pytest.param("static:all", True, id="table-of-all"),
        pytest.param("!0.0.0.0/0", False, id="excluded"),
        pytest.param("hash:/etc/postfix/networks", False, id="table"),
        pytest.param("", False, id="empty"),
    ],
)
def test_coverage_finds_everybody(text: str, everybody: bool) -> None:
    assert coverage(text).everybody is everybody


@pytest.mark.parametrize(
    ("text", "wide"),
    [
        pytest.param("8.8.8.0/24 [2001:4860::]/48", (), id="sites"),
        pytest.param("8.8.8.0/23", ("8.8.8.0/23",), id="two-sites"),
        pytest.param("[2a00::]/32 10.0.0.0/8", ("[2a00::]/32",), id="a-provider"),
        pytest.param("203.0.113.0/24 [2001:db8::]/32", (), id="of-documentation"),
    ],
)
def test_coverage_finds_wide_public_networks(text: str, wide: tuple[str, ...]) -> None:
    assert coverage(text).wide == wide


# What smtpd does with these words was seen in the laboratory, see test_restrictions_real.py.
@pytest.mark.parametrize(
    ("word", "deadly", "malformed"),
    [
        pytest.param("::1/128", True, False, id="no-brackets"),
        pytest.param("::1", True, False, id="no-brackets-no-length"),
        pytest.param("2001:db8::/32", False, True, id="type-of-a-table"),
        pytest.param("fe80::/10", False, True, id="link-local"),
        pytest.param("192.168.1.10/24", False, True, id="bits-beyond-the-length"),
        pytest.param("10.0.0.0/255.0.0.0", False, True, id="mask"),
        pytest.param("10.0.0.0/33", False, True, id="too-long"),
        pytest.param("10.0.0/24", False, True, id="too-few-bytes"),
        pytest.param("10.0.0.300/32", False, True, id="too-large-a-byte"),
        pytest.param("[2001:db8::1]/32", False, True, id="bits-beyond-of-six"),
        pytest.param("300.1.2.3", False, False, id="no-length-no-harm"),
        pytest.param("mail.example", False, False, id="name"),
        pytest.param("/etc/postfix/networks", False, False, id="file"),
        pytest.param("cidr:/etc/postfix/networks.cidr", False, False, id="table"),
    ],
)
def test_coverage_finds_what_postfix_cannot_read(word: str, deadly: bool, malformed: bool) -> None:
    found = coverage(f"127.0.0.0/8 {word}")
    assert (found.deadly, found.malformed) == ((word,) * deadly, (word,) * malformed)


@pytest.mark.parametrize(
    ("text", "loopback"),
    [
        pytest.param("127.0.0.0/8 [::1]/128", True, id="usual"),
        pytest.param("127.0.0.2", True, id="another"),
        pytest.param("127.0.0.0/8 192.0.2.1", False, id="and-a-host"),
        pytest.param("static:all", False, id="all"),
        pytest.param("/etc/postfix/networks", False, id="file"),
    ],
)
def test_coverage_knows_loopback(text: str, loopback: bool) -> None:
    assert coverage(text).loopback is loopback


@pytest.mark.parametrize(
    ("word", "repaired"),
    [
        ("192.168.1.10/24", ["192.168.1.0/24"]),
        ("10.0.0.0/255.0.0.0", ["10.0.0.0/8"]),
        ("[2001:db8::1]/32", ["[2001:db8::]/32"]),
        ("10.0.0.300/32", []),
    ],
)
def test_repaired_network_is_what_was_meant(word: str, repaired: list[str]) -> None:
    assert repaired_network(word) == repaired
