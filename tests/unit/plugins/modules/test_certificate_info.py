# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a file leaves the host, with files that openssl made."""

from __future__ import annotations

import json
import pathlib
import subprocess
import typing as t

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.hardened.mail.plugins.modules import certificate_info

Run = t.Callable[..., dict[str, t.Any]]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs the module and returns what it prints."""

    def module(*paths: pathlib.Path) -> dict[str, t.Any]:
        with patch_module_args({"paths": list(map(str, paths))}), pytest.raises(SystemExit):
            certificate_info.main()
        result: dict[str, t.Any] = json.loads(capfd.readouterr().out)
        return result

    return module


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Keys in every form that openssl writes, a public one, and a certificate."""
    folder = tmp_path_factory.mktemp("made")

    def openssl(*arguments: str) -> str:
        command = ["openssl", *arguments]
        return subprocess.run(
            command, cwd=folder, check=True, capture_output=True, text=True
        ).stdout

    subject = ["-subj", "/CN=mx1.example", "-days", "9"]
    openssl("req", "-x509", "-nodes", "-newkey", "rsa:2048", *subject, "-keyout", "key", "-out", "certificate")  # fmt: skip
    return {
        "certificate": (folder / "certificate").read_text(),
        "key": (folder / "key").read_text(),
        "traditional": openssl("rsa", "-in", "key", "-traditional"),
        "encrypted": openssl("pkey", "-in", "key", "-aes256", "-passout", "pass:secret"),
        "public": openssl("pkey", "-in", "key", "-pubout"),
        "parameters": openssl("ecparam", "-name", "prime256v1", "-genkey"),
    }


@pytest.mark.parametrize("key", ["key", "traditional", "encrypted", "parameters"])
@pytest.mark.parametrize("first", [True, False])
def test_the_certificate_comes_and_the_key_does_not(
    key: str, first: bool, made: dict[str, str], run: Run, tmp_path: pathlib.Path
) -> None:
    parts = [made[key], "a remark\n", made["certificate"]]
    file = tmp_path / "chain.pem"
    file.write_text("".join(parts if first else reversed(parts)))
    result = run(file)
    assert result["files"] == [{"path": str(file), "pem": made["certificate"]}]
    assert result["changed"] is False


def test_files_come_in_their_order_with_all_that_is_public(
    made: dict[str, str], run: Run, tmp_path: pathlib.Path
) -> None:
    files = [tmp_path / "b", tmp_path / "a"]
    files[0].write_text(made["public"])
    files[1].write_text(made["certificate"].replace("\n", "\r\n") + made["certificate"])
    assert [one["pem"] for one in run(*files)["files"]] == [
        made["public"],
        made["certificate"] * 2,
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("{key}", "found PRIVATE KEY", id="key-alone"),
        pytest.param("", "found no PEM block", id="empty"),
        pytest.param("{half}", "expected -----END PRIVATE KEY-----", id="no-end"),
        pytest.param(None, "No such file or directory", id="no-file"),
    ],
)
def test_a_file_with_nothing_public_is_an_error(
    text: t.Optional[str], words: str, made: dict[str, str], run: Run, tmp_path: pathlib.Path
) -> None:
    file = tmp_path / "file.pem"
    secret = made["key"].splitlines()[3]
    if text is not None:
        file.write_text(text.format(key=made["key"], half=made["key"].rpartition("-----END")[0]))
    result = run(file)
    assert result["failed"]
    assert f"{file}: " in result["msg"]
    assert words in result["msg"]
    assert result["msg"].endswith("Nothing was changed.")
    assert secret not in json.dumps(result)
