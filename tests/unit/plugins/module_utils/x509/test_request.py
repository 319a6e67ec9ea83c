# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys and requests for certificates, and when a new certificate is needed; openssl is the referee."""

from __future__ import annotations

import pathlib
import stat
import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.x509 import request
from ansible_collections.hardened.mail.plugins.module_utils.x509.private_key import KeyProblem
from ansible_collections.hardened.mail.tests.unit.plugins.module_utils.x509.pki import Pki, openssl

NAMES: t.Final = ["mx1.example", "mail.example"]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        pytest.param([], "at least one host name", id="none"),
        pytest.param(["mx1"], "'mx1' is not a host name in full", id="short"),
        pytest.param(["a.example,IP:192.0.2.1"], "is not a host name", id="second-name-by-a-comma"),
        pytest.param(["a.example\nCN = b"], "is not a host name", id="line-end"),
        pytest.param(["münchen.example"], "xn--", id="letters"),
        pytest.param([f"{'a' * 60}.example"], "put a shorter one first", id="long"),
    ],
)
def test_names_that_cannot_be_asked_for_are_refused(names: list[str], words: str) -> None:
    with pytest.raises(KeyProblem, match=words):
        request.check_names(names)


@pytest.mark.parametrize(
    ("key_type", "words"),
    [("ecdsa", "NIST CURVE: P-256"), ("rsa", "Public-Key: (3072 bit)")],
)
def test_a_request_asks_for_a_server_with_the_names_and_nothing_else(
    tmp_path: pathlib.Path, key_type: str, words: str
) -> None:
    key = tmp_path / "new.key"
    request.make_key(str(key), key_type=key_type)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["new.key"]
    csr = request.make_request(str(key), names=NAMES)
    text = openssl("req", "-noout", "-text", "-verify", stdin=csr.encode())
    assert words in text
    assert "DNS:mx1.example, DNS:mail.example" in text
    assert text.count("X509v3") == 3


def test_a_key_that_is_there_is_never_written_over(tmp_path: pathlib.Path) -> None:
    key = tmp_path / "old.key"
    key.write_text("precious")
    with pytest.raises(KeyProblem, match="made by somebody else meanwhile"):
        request.make_key(str(key), key_type="ecdsa")
    assert key.read_text() == "precious"
    assert [one.name for one in tmp_path.iterdir()] == ["old.key"]


def test_openssl_is_found_without_a_path(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    request.make_key(str(tmp_path / "new.key"), key_type="ecdsa")
    assert (tmp_path / "new.key").exists()


def test_an_encrypted_key_is_told_and_not_asked_for(tmp_path: pathlib.Path) -> None:
    pki = Pki(tmp_path)
    key = tmp_path / "encrypted.key"
    plain = str(pki.key("p256"))
    openssl("pkey", "-in", plain, "-aes256", "-passout", "pass:secret", "-out", str(key))
    with pytest.raises(KeyProblem, match="openssl req failed"):
        request.make_request(str(key), names=NAMES)


class Held(t.NamedTuple):
    """A certificate of an authority for NAMES, and its key."""

    pki: Pki
    certificate: str
    key: str
    issuer: str


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Held:
    pki = Pki(tmp_path_factory.mktemp("pki"))
    root = pki.issue("root", authority=True)
    names = ",".join(f"DNS:{name}" for name in NAMES)
    leaf = pki.issue("leaf", issuer="root", names=names, end="20991231235959Z")
    return Held(pki, str(leaf), str(pki.key("p256")), root.read_text())


def asked(held: Held, **changed: t.Any) -> str:
    given = {
        "certificate": held.certificate,
        "key": held.key,
        "names": NAMES,
        "issuer": held.issuer,
        "renew_days": 30,
        **changed,
    }
    return request.why_needed(given.pop("certificate"), **given)


def test_a_good_certificate_is_left_alone(held: Held) -> None:
    assert asked(held) == ""
    assert asked(held, names=NAMES[::-1]) == ""
    assert asked(held, issuer="") == ""


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        pytest.param({"key": "/nonexistent/key"}, "there is no private key", id="no-key"),
        pytest.param({"certificate": "/nonexistent/pem"}, "holds no certificate", id="none-yet"),
        pytest.param({"renew_days": 40000}, "it expires on 2099-12-31", id="expires"),
        pytest.param({"names": [NAMES[0]]}, "it is for mx1.example, mail.example", id="fewer"),
        pytest.param({"names": [*NAMES, "new.example"]}, "new.example", id="more-names"),
    ],
)
def test_a_new_certificate_is_needed(held: Held, changed: dict[str, t.Any], words: str) -> None:
    assert words in asked(held, **changed)


def test_a_new_certificate_is_needed_for_another_key_or_issuer(held: Held) -> None:
    assert "does not belong" in asked(held, key=str(held.pki.key("p256", copy="-new")))
    other = held.pki.issue("other", authority=True, key="p384").read_text()
    assert "another authority issued it" in asked(held, issuer=other)
    with pytest.raises(KeyProblem, match="issuer is no certificate in PEM"):
        asked(held, issuer="-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n")
