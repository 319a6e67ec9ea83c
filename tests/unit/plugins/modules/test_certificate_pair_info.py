# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module through its own main(), on files that openssl made."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.hardened.mail.plugins.modules import certificate_pair_info
from ansible_collections.hardened.mail.tests.unit.plugins.module_utils.x509.pki import (
    Pki,
    openssl,
)

Run = t.Callable[..., dict[str, t.Any]]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    """Return a function that judges pairs and returns what the module prints."""

    def module(*pairs: t.Any, **options: t.Any) -> dict[str, t.Any]:
        asked = {"pairs": list(pairs), "names": ["mx1.example"], **options}
        with patch_module_args(asked), pytest.raises(SystemExit) as exit_:
            certificate_pair_info.main()
        result: dict[str, t.Any] = json.loads(capfd.readouterr().out)
        assert (exit_.value.code != 0) == bool(result.get("failed"))
        return result

    return module


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    """Certificates of a root, for two names and one that is over."""
    made = Pki(tmp_path_factory.mktemp("pairs"))
    made.issue("root", authority=True, subject="/CN=Root")
    for name, for_, key in (("good", "mx1", "p256"), ("other", "mx2", "rsa3072")):
        made.issue(name, issuer="root", key=key, names=f"DNS:{for_}.example")
    made.issue("over", issuer="root", key="p384", names="DNS:mx1.example", end="20210101000000Z")
    return made


def pair(pki: Pki, certificate: str, key: str, **more: t.Any) -> dict[str, t.Any]:
    return {
        "certificate": str(pki.directory / f"{certificate}.pem"),
        "private_key": str(pki.directory / f"{key}.key"),
        **more,
    }


def test_good_pairs_are_returned_with_the_digest_that_openssl_makes(pki: Pki, run: Run) -> None:
    result = run(pair(pki, "good", "p256"), pair(pki, "other", "rsa3072", names=["mx2.example"]))
    assert result["problems"] == []
    assert [one["key_algorithm"] for one in result["pairs"]] == ["ecdsa", "rsa"]
    spki = pki.directory / "good.spki"
    openssl("pkey", "-in", str(pki.directory / "p256.key"), "-pubout", "-outform", "DER", "-out", str(spki))  # fmt: skip
    said = openssl("dgst", "-sha256", "-r", str(spki)).split()[0]
    assert result["pairs"][0]["spki_sha256"] == said


@pytest.mark.parametrize(
    ("certificate", "key", "message"),
    [
        ("good", "missing", "missing.key does not exist"),
        ("missing", "p256", "missing.pem does not exist"),
        ("good", "p384", "does not belong to the certificate"),
        ("over", "p384", "expired on 2021-01-01"),
        ("other", "rsa3072", "mail servers connect to mx1.example"),
    ],
)
def test_what_a_server_could_not_use_fails(
    certificate: str, key: str, message: str, pki: Pki, run: Run
) -> None:
    result = run(pair(pki, "good", "p256"), pair(pki, certificate, key))
    assert message in result["msg"]
    assert result["msg"].endswith("Nothing was changed.")
    assert len(result["problems"]) == 1


def test_nothing_of_a_key_is_returned(pki: Pki, run: Run) -> None:
    text = pathlib.Path(pair(pki, "good", "p256")["private_key"]).read_text(encoding="ascii")
    said = json.dumps(run(pair(pki, "good", "p256")))
    assert not [line for line in text.splitlines()[1:-1] if line in said]
