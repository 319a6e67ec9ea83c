# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The model of cipher lists against what OpenSSL itself says of them."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.policy import tls_suites
from ansible_collections.hardened.mail.plugins.module_utils.policy.profiles import PROFILES
from ansible_collections.hardened.mail.plugins.module_utils.policy.settings import AEAD_ONLY
from ansible_collections.hardened.mail.plugins.module_utils.postfix.version import TlsLibrary

FIXTURES = pathlib.Path(__file__).parents[3] / "fixtures"
OPTIONAL: t.Final = frozenset(tls_suites.names(tls_suites.OPTIONAL))
MEDIUM = "aNULL:-aNULL:HIGH:MEDIUM:+RC4:@STRENGTH"


def recorded(version: str) -> dict[str, frozenset[str]]:
    lines = (FIXTURES / f"openssl-selects-{version}.txt").read_text().splitlines()
    middle = lines.index("")
    names = [line for line in lines[:middle] if not line.startswith("#")]
    return {
        wanted: frozenset(name for bit, name in enumerate(names) if int(bits, 16) >> bit & 1)
        for wanted, bits in (line.split("\t") for line in lines[middle + 1 :])
    }


ERAS: t.Final[dict[str, tls_suites.Era]] = {"1.1.1w": "1.1.1", "3.0.19": "3.0", "3.5.9": "3.2"}
RECORDED: t.Final = {version: recorded(version) for version in ERAS}


@pytest.mark.parametrize(
    ("version", "wanted"), [(version, one) for version in ERAS for one in RECORDED[version]]
)
def test_select_agrees_with_openssl(version: str, wanted: str) -> None:
    """But for suites that the recorded OpenSSL was built without."""
    model = frozenset(tls_suites.names(tls_suites.select(wanted, era=ERAS[version])))
    real = RECORDED[version][wanted]
    assert model - OPTIONAL <= real <= model


@pytest.mark.parametrize("version", ERAS)
def test_the_records_cover_every_class_and_every_suite(version: str) -> None:
    assert set(tls_suites.CLASS_NAMES) <= set(RECORDED[version])
    everything = frozenset(tls_suites.names(tls_suites.select("ALL:eNULL")))
    assert everything - OPTIONAL == frozenset().union(*RECORDED[version].values()) - OPTIONAL


@pytest.mark.parametrize(
    ("library", "era"),
    [
        ("OpenSSL 1.1.1w  11 Sep 2023", "1.1.1"),
        ("OpenSSL 3.0.19 27 Jan 2026", "3.0"),
        ("OpenSSL 3.1.8 1 Jan 2025", "3.0"),
        ("OpenSSL 3.2.0 23 Nov 2023", "3.2"),
        ("OpenSSL 4.0.0 1 Jan 2027", "3.2"),
        ("LibreSSL 4.0.0", "3.0"),
    ],
)
def test_era_of(library: str, era: str) -> None:
    assert tls_suites.era_of(TlsLibrary.parse(library)) == era


def test_an_unknown_library_counts_as_openssl_3_0() -> None:
    assert tls_suites.era_of(None) == "3.0"


def test_names_of_an_older_openssl_are_known_too() -> None:
    older = set((FIXTURES / "openssl-ciphers-1.1.1w.txt").read_text().split())
    assert older <= set(tls_suites.names(tls_suites.select("ALL:eNULL")))


def test_left_is_what_the_profiles_promise() -> None:
    left = tls_suites.left(MEDIUM, AEAD_ONLY)
    promised = PROFILES["intermediate"].suites or frozenset()
    assert set(tls_suites.names(left)) == {one for one in promised if not one.startswith("TLS_")}
    assert left == tls_suites.BEST


@pytest.mark.parametrize("era", ["1.1.1", "3.0", "3.2"])
def test_the_exclusions_of_the_role_need_no_era(era: tls_suites.Era) -> None:
    assert tls_suites.left(MEDIUM, AEAD_ONLY, era=era) == tls_suites.BEST


@pytest.mark.parametrize(
    ("exclusions", "expected"),
    [
        pytest.param("aNULL:kRSA", "!aNULL:!kRSA", id="colon"),
        pytest.param("aNULL, kRSA", "!aNULL:!kRSA", id="comma"),
        pytest.param("aNULL\tkRSA", "!aNULL:!kRSA", id="tab"),
        pytest.param("aNULL+SHA1", "!aNULL+SHA1", id="both-classes"),
        pytest.param("PSD", "", id="unknown-excludes-nothing"),
        pytest.param("anull", "", id="wrong-case-excludes-nothing"),
        pytest.param("AES256-SHA", "!AES256-SHA", id="one-suite"),
    ],
)
def test_left_excludes_word_by_word(exclusions: str, expected: str) -> None:
    assert tls_suites.left(MEDIUM, exclusions) == tls_suites.select(f"{MEDIUM}:{expected}")


def test_some_names_a_few_and_counts_the_rest() -> None:
    suites = tls_suites.select("AES256-SHA:AES128-SHA:CAMELLIA256-SHA:CAMELLIA128-SHA")
    assert tls_suites.some(suites, most=2) == "AES256-SHA, AES128-SHA and 2 more"
    assert tls_suites.some(suites, most=3) == (
        "AES256-SHA, AES128-SHA, CAMELLIA256-SHA, CAMELLIA128-SHA"
    )
    assert tls_suites.some(0) == ""


@pytest.mark.parametrize(
    ("word", "known"), [("kRSA", True), ("ADH+SHA1", True), ("PSD", False), ("kRSA+PSD", False)]
)
def test_is_class(word: str, known: bool) -> None:
    assert tls_suites.is_class(word) is known
