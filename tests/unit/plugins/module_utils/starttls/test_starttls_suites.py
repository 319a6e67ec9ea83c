# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of cipher suites, compared with the openssl command's."""

from __future__ import annotations

import subprocess

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.starttls.suites import (
    CLASSES,
    GROUPS,
    SUITES,
    TLS12_CURVES,
    TLS13_GROUPS,
    WEAK,
    group_name,
    offer,
    suite_name,
)


def openssl_ciphers(selection: str) -> dict[int, list[str]]:
    """Return the fields that ``openssl ciphers -V`` prints for each suite number."""
    output = subprocess.run(
        ["openssl", "ciphers", "-V", selection], check=True, capture_output=True, text=True
    ).stdout
    rows = (line.split() for line in output.splitlines())
    return {int(row[0].replace(",0x", ""), 16): row[2:] for row in rows}


def test_suites_agree_with_openssl() -> None:
    known = openssl_ciphers("ALL:COMPLEMENTOFALL:!PSK:!SRP:@SECLEVEL=0")
    assert len(known) > 80
    authentications = {"None": "none", "any": "any", "RSA": "RSA", "ECDSA": "ECDSA", "DSS": "DSS"}
    for number, (name, version, exchange, authentication, *_rest) in known.items():
        suite = SUITES[number]
        assert suite.name == name
        assert suite.authentication == authentications[authentication.partition("=")[2]]
        assert suite.key_exchange == {"ECDH": "ECDHE", "DH": "DHE"}.get(exchange[3:], exchange[3:])
        assert suite.tls12_only == (version == "TLSv1.2") or suite.key_exchange == "any"


@pytest.mark.parametrize(
    ("name", "selection"),
    [("anonymous", "aNULL"), ("null", "eNULL"), ("static_rsa", "kRSA"), ("ffdhe", "kDHE")],
)
def test_classes_agree_with_openssl(name: str, selection: str) -> None:
    known = openssl_ciphers("ALL:COMPLEMENTOFALL:!PSK:!SRP:@SECLEVEL=0")
    chosen = set(openssl_ciphers(f"{selection}:!PSK:!SRP:@SECLEVEL=0"))
    chosen -= {number for number in chosen if SUITES[number].key_exchange == "any"}
    assert chosen == {number for number in known if name in SUITES[number].classes}


@pytest.mark.parametrize(
    ("number", "name", "classes"),
    [
        (0x0004, "RC4-MD5", {"rc4", "md5", "static_rsa"}),
        (0x0003, "EXP-RC4-MD5", {"export", "rc4", "md5", "static_rsa"}),
        (0x0006, "EXP-RC2-CBC-MD5", {"export", "rc2_idea_seed", "md5", "cbc", "static_rsa"}),
        (0x000A, "DES-CBC3-SHA", {"3des", "cbc", "static_rsa"}),
        (0x0009, "DES-CBC-SHA", {"des", "cbc", "static_rsa"}),
        (0x0007, "IDEA-CBC-SHA", {"rc2_idea_seed", "cbc", "static_rsa"}),
        (0x0096, "SEED-SHA", {"rc2_idea_seed", "cbc", "static_rsa"}),
        (0x0017, "EXP-ADH-RC4-MD5", {"anonymous", "export", "rc4", "md5", "ffdhe"}),
        (0xC016, "AECDH-RC4-SHA", {"anonymous", "rc4"}),
        (0x003B, "NULL-SHA256", {"null", "static_rsa"}),
        (0xC02F, "ECDHE-RSA-AES128-GCM-SHA256", {"aead"}),
        (0xC02D, "ECDH-ECDSA-AES128-GCM-SHA256", {"static_dh", "aead"}),
        (0x1303, "TLS_CHACHA20_POLY1305_SHA256", {"aead"}),
    ],
)
def test_classes_of_old_suites(number: int, name: str, classes: set[str]) -> None:
    assert SUITES[number].name == name
    assert SUITES[number].classes == classes


def test_names_and_numbers_are_unique() -> None:
    assert len({suite.name for suite in SUITES.values()}) == len(SUITES)
    assert len(set(GROUPS.values())) == len(GROUPS)


def test_offer_holds_what_a_version_can_negotiate() -> None:
    assert set(offer(0x0304)) == {0x1301, 0x1302, 0x1303, 0x1304, 0x1305}
    assert not set(offer(0x0304)) & set(offer(0x0303))
    assert set(offer(0x0301)) == {n for n in offer(0x0303) if not SUITES[n].tls12_only}
    assert 0xC02F not in offer(0x0301)
    assert 0x0003 in offer(0x0300)


def test_offer_puts_weak_suites_last() -> None:
    weak = [bool(SUITES[number].classes & set(WEAK)) for number in offer(0x0303)]
    assert weak == sorted(weak)
    assert suite_name(offer(0x0303)[0]) == "ECDHE-ECDSA-AES256-GCM-SHA384"


def test_classes_are_all_used() -> None:
    assert {name for suite in SUITES.values() for name in suite.classes} == set(CLASSES)


def test_groups_of_each_version() -> None:
    assert [GROUPS[number] for number in TLS13_GROUPS[:3]] == [
        "X25519MLKEM768",
        "SecP256r1MLKEM768",
        "SecP384r1MLKEM1024",
    ]
    assert TLS13_GROUPS[0] == 0x11EC
    assert set(TLS12_CURVES) & set(TLS13_GROUPS) == {23, 24, 25, 29, 30}


def test_names_of_the_unknown_are_numbers() -> None:
    assert (suite_name(0xFEFE), group_name(0xFEFE)) == ("0xfefe", "0xfefe")
