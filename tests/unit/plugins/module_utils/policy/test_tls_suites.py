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

FIXTURES = pathlib.Path(__file__).parents[3] / "fixtures"
OPTIONAL: t.Final = frozenset(tls_suites.names(tls_suites.OPTIONAL))
MEDIUM = "aNULL:-aNULL:HIGH:MEDIUM:+RC4:@STRENGTH"


def recorded() -> dict[str, frozenset[str]]:
    lines = (FIXTURES / "openssl-ciphers-3.0.19.txt").read_text().splitlines()
    middle = lines.index("")
    names = [line for line in lines[:middle] if not line.startswith("#")]
    return {
        wanted: frozenset(name for bit, name in enumerate(names) if int(bits, 16) >> bit & 1)
        for wanted, bits in (line.split("\t") for line in lines[middle + 1 :])
    }


RECORDED: t.Final = recorded()


@pytest.mark.parametrize("wanted", RECORDED)
def test_select_agrees_with_openssl(wanted: str) -> None:
    """But for suites that the recorded OpenSSL was built without."""
    assert frozenset(tls_suites.names(tls_suites.select(wanted))) - OPTIONAL == RECORDED[wanted]


def test_the_records_cover_every_class_and_every_suite() -> None:
    assert set(tls_suites.CLASS_NAMES) <= set(RECORDED)
    everything = frozenset(tls_suites.names(tls_suites.select("ALL:eNULL")))
    assert everything - OPTIONAL == frozenset().union(*RECORDED.values())


def test_names_of_an_older_openssl_are_known_too() -> None:
    older = set((FIXTURES / "openssl-ciphers-1.1.1w.txt").read_text().split())
    assert older <= set(tls_suites.names(tls_suites.select("ALL:eNULL")))


def test_left_is_what_the_profiles_promise() -> None:
    left = tls_suites.left(MEDIUM, AEAD_ONLY)
    promised = PROFILES["intermediate"].suites or frozenset()
    assert set(tls_suites.names(left)) == {one for one in promised if not one.startswith("TLS_")}
    assert left == tls_suites.BEST


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
