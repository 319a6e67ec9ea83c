# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Port 25 of the hardened hosts, seen by openssl, sslyze and posttls-finger."""

from __future__ import annotations

import typing as t

import pytest

if t.TYPE_CHECKING:
    from conftest import Handshake, Host

    Connect = t.Callable[..., Handshake]
    Scan = t.Callable[[Host], dict[str, t.Any]]
    Groups = t.Mapping[str, t.Sequence[Host]]

ALL_SUITES: t.Final = "ALL:COMPLEMENTOFALL:@SECLEVEL=0"
TLS_1_3: t.Final = frozenset(
    {"TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256"}
)
AEAD: t.Final = ("AES_256_GCM_SHA384", "CHACHA20_POLY1305_SHA256", "AES_128_GCM_SHA256")
KEYS: t.Final = {"with_rsa": "RSA", "with_ecdsa": "ECDSA"}


def test_ordinary_client_gets_tls_1_3_and_a_verified_certificate(
    mx: Host, handshake: Connect
) -> None:
    seen = handshake(mx)
    assert (seen.protocol, seen.verified) == ("TLSv1.3", True), seen.text


def test_client_with_tls_1_2_gets_it(mx: Host, handshake: Connect) -> None:
    seen = handshake(mx, "-tls1_2")
    assert (seen.protocol, seen.verified) == ("TLSv1.2", True), seen.text


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(("-tls1", "-cipher", ALL_SUITES), id="tls-1.0"),
        pytest.param(("-tls1_1", "-cipher", ALL_SUITES), id="tls-1.1"),
        pytest.param(("-tls1_2", "-cipher", "aNULL:@SECLEVEL=0"), id="anonymous"),
        pytest.param(("-tls1_2", "-cipher", "kRSA:@SECLEVEL=0"), id="without-forward-secrecy"),
        pytest.param(("-tls1_2", "-cipher", "kDHE:@SECLEVEL=0"), id="finite-field"),
        pytest.param(("-tls1_2", "-cipher", "SHA1:SHA256:SHA384:@SECLEVEL=0"), id="cbc"),
        pytest.param(("-tls1_2", "-cipher", "CAMELLIA:ARIA:AESCCM:@SECLEVEL=0"), id="rare"),
    ],
)
def test_weak_client_is_refused(mx: Host, handshake: Connect, options: tuple[str, ...]) -> None:
    seen = handshake(mx, *options)
    assert "alert" in seen.text, seen.text
    assert seen.protocol == ""


@pytest.mark.parametrize(
    ("group", "key"), [("with_rsa", "RSA"), ("with_ecdsa", "ECDSA")], ids=["rsa", "ecdsa"]
)
def test_each_key_type_has_its_certificate(
    mx: Host, handshake: Connect, groups: Groups, group: str, key: str
) -> None:
    seen = handshake(mx, "-tls1_2", "-cipher", f"ECDHE-{key}-AES256-GCM-SHA384")
    assert (seen.cipher != "") == (mx in groups[group]), seen.text
    assert seen.verified == (mx in groups[group])


def test_chain_is_sent_with_its_intermediate(mx: Host, handshake: Connect) -> None:
    text = handshake(mx, "-showcerts").text
    assert text.count("-----BEGIN CERTIFICATE-----") == 2
    assert "CN=Lab intermediate" in text.replace("CN = ", "CN=")


def test_post_quantum_key_exchange_is_negotiated(post_quantum: Host, handshake: Connect) -> None:
    seen = handshake(post_quantum, "-groups", "X25519MLKEM768")
    assert (seen.protocol, seen.group) == ("TLSv1.3", "X25519MLKEM768"), seen.text


def test_client_without_post_quantum_key_exchange_gets_x25519(mx: Host, handshake: Connect) -> None:
    seen = handshake(mx, "-groups", "X25519")
    assert seen.protocol == "TLSv1.3", seen.text


def test_sslyze_finds_exactly_the_suites_of_the_profile(
    mx: Host, sslyze: Scan, groups: Groups
) -> None:
    result = sslyze(mx)["scan_result"]
    found = {
        version: {
            one["cipher_suite"]["name"]
            for one in result[f"{version}_cipher_suites"]["result"]["accepted_cipher_suites"]
        }
        for version in ("ssl_2_0", "ssl_3_0", "tls_1_0", "tls_1_1", "tls_1_2", "tls_1_3")
    }
    ours = [key for group, key in KEYS.items() if mx in groups[group]]
    assert found == {
        "ssl_2_0": set(),
        "ssl_3_0": set(),
        "tls_1_0": set(),
        "tls_1_1": set(),
        "tls_1_2": {f"TLS_ECDHE_{key}_WITH_{suite}" for key in ours for suite in AEAD},
        "tls_1_3": TLS_1_3,
    }


def test_sslyze_finds_no_compression_no_renegotiation_and_extended_master_secret(
    mx: Host, sslyze: Scan
) -> None:
    result = sslyze(mx)["scan_result"]
    assert result["tls_compression"]["result"]["supports_compression"] is False
    assert (
        result["session_renegotiation"]["result"]["is_vulnerable_to_client_renegotiation_dos"]
        is False
    )
    assert result["tls_extended_master_secret"]["result"]["supports_ems_extension"] is True


@pytest.mark.parametrize("key", ["RSA", "ECDSA"])
def test_profile_strict_refuses_sha_1_signatures(
    strict: Host, handshake: Connect, key: str
) -> None:
    suite = ("-tls1_2", "-cipher", f"ECDHE-{key}-AES256-GCM-SHA384:@SECLEVEL=0", "-sigalgs")
    assert handshake(strict, *suite, f"{key}+SHA1").protocol == ""
    assert handshake(strict, *suite, f"{key}+SHA256").protocol == "TLSv1.2"


def test_profile_strict_serves_everybody_else(strict: Host, handshake: Connect) -> None:
    seen = handshake(strict)
    assert (seen.protocol, seen.verified) == ("TLSv1.3", True), seen.text


def test_posttls_finger_verifies_the_certificate(mx: Host, client: Host) -> None:
    done = client.run(
        "posttls-finger", "-c", "-t", "20", "-l", "secure", "-F", "/etc/ssl/lab/root.pem",
        f"[{mx.address}]", mx.address,
    )  # fmt: skip
    assert "Verified TLS connection established" in done.stdout + done.stderr, done.stderr
    assert "TLSv1.3" in done.stdout + done.stderr
