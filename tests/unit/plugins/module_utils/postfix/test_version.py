# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions as Postfix and OpenSSL spell them."""

from __future__ import annotations

import pathlib

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.postfix.version import (
    SINCE,
    TlsLibrary,
    Version,
    available,
    since,
)
from hypothesis import given
from hypothesis import strategies as st

FIXTURES = pathlib.Path(__file__).parents[3] / "fixtures"
RECORDED = ("3.5.25", "3.7.11", "3.10.13", "3.11.7")


def names_of(version: str) -> set[str]:
    lines = (FIXTURES / f"postconf-d-{version}.txt").read_text().splitlines()
    return {line.partition(" =")[0] for line in lines}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("3.10.13", Version(3, 10, 13), id="release"),
        pytest.param("3.10.13\n", Version(3, 10, 13), id="line-end"),
        pytest.param("3.12-20260821", Version(3, 12, 0), id="snapshot"),
        pytest.param("3.11-RC1", Version(3, 11, 0), id="candidate"),
        pytest.param("3.9", Version(3, 9, 0), id="without-patch"),
    ],
)
def test_parse_reads(text: str, expected: Version) -> None:
    assert Version.parse(text) == expected


@pytest.mark.parametrize("text", ["", "3", "three", "3.10.13.1", "v3.10", "3.10 13"])
def test_parse_refuses(text: str) -> None:
    with pytest.raises(ValueError, match="is not a Postfix version, such as"):
        Version.parse(text)


def test_versions_are_ordered_as_numbers() -> None:
    texts = ["3.9.14", "3.10.2", "3.5.25", "3.10.13"]
    assert sorted(texts, key=Version.parse) == ["3.5.25", "3.9.14", "3.10.2", "3.10.13"]


@given(st.tuples(*[st.integers(0, 999)] * 3))
def test_version_survives_its_own_text(parts: tuple[int, int, int]) -> None:
    assert Version.parse(str(Version(*parts))) == Version(*parts)


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        pytest.param("3.5.19", False, id="before-the-backport"),
        pytest.param("3.5.20", True, id="the-backport"),
        pytest.param("3.6.9", False, id="other-branch-before"),
        pytest.param("3.8.0", False, id="newer-branch-before-its-backport"),
        pytest.param("3.8.1", True, id="newer-branch-backport"),
        pytest.param("3.9.0", True, id="mainline"),
        pytest.param("3.12-20260821", True, id="snapshot"),
        pytest.param("3.4.99", False, id="branch-without-backport"),
    ],
)
def test_has_knows_backports(version: str, expected: bool) -> None:
    assert Version.parse(version).has("3.5.20 3.6.10 3.7.6 3.8.1 3.9") is expected


@pytest.mark.parametrize(
    ("text", "name", "version"),
    [
        pytest.param("OpenSSL 3.5.6 7 Apr 2026", "OpenSSL", (3, 5, 6), id="openssl-3"),
        pytest.param("OpenSSL 1.1.1w  11 Sep 2023", "OpenSSL", (1, 1, 1), id="openssl-letter"),
        pytest.param("OpenSSL 1.1.1k  FIPS 25 Mar 2021", "OpenSSL", (1, 1, 1), id="fips"),
        pytest.param("LibreSSL 3.8.2", "LibreSSL", (3, 8, 2), id="libressl"),
    ],
)
def test_library_reads(text: str, name: str, version: tuple[int, ...]) -> None:
    assert TlsLibrary.parse(text) == TlsLibrary(name, version)


def test_library_refuses_what_is_none() -> None:
    with pytest.raises(ValueError, match="is not a TLS library, such as 'OpenSSL"):
        TlsLibrary.parse("no TLS here")


@pytest.mark.parametrize("version", RECORDED)
def test_library_reads_what_postconf_says(version: str) -> None:
    text = (FIXTURES / f"postconf-T-{version}.txt").read_text()
    assert TlsLibrary.parse(text).is_openssl(since=(1, 1, 1), before=(4,))


def test_is_openssl_has_limits() -> None:
    library = TlsLibrary("OpenSSL", (3, 5, 6))
    assert library.is_openssl(since=(3, 5), before=(3, 6))
    assert not library.is_openssl(before=(3, 5))
    assert not library.is_openssl(since=(3, 6))
    assert not TlsLibrary("LibreSSL", (3, 5, 6)).is_openssl(since=(3, 5))


@pytest.mark.parametrize("version", RECORDED)
def test_since_agrees_with_the_names_that_a_real_postfix_has(version: str) -> None:
    names = names_of(version)
    said = {one: available(one, postfix=Version.parse(version)) for one in SINCE}
    assert said == {one: one in names for one in SINCE}


def test_since_gives_the_first_mainline_release() -> None:
    assert since("tls_config_file") == Version(3, 9, 0)
    assert since("tls_ffdhe_auto_groups") == Version(3, 8, 0)
    assert since("smtpd_tls_chain_files") is None
