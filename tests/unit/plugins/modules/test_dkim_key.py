# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module through its own main(), with the real openssl."""

from __future__ import annotations

import base64
import json
import os
import pathlib
import stat
import subprocess
import typing as t

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.hardened.mail.plugins.modules import dkim_key

Run = t.Callable[..., dict[str, t.Any]]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs the module and returns what it prints."""

    def module(**options: t.Any) -> dict[str, t.Any]:
        with patch_module_args(options), pytest.raises(SystemExit) as exit_:
            dkim_key.main()
        said = capfd.readouterr().out
        result: dict[str, t.Any] = json.loads(said)
        assert (exit_.value.code != 0) == bool(result.get("failed"))
        assert "PRIVATE" not in said
        return result

    return module


def openssl(*arguments: str, given: bytes = b"") -> bytes:
    """What openssl prints."""
    return subprocess.run(
        ["openssl", *arguments], input=given, capture_output=True, check=True
    ).stdout


@pytest.mark.parametrize("algorithm", ["rsa", "ed25519"])
def test_a_key_is_made_once_and_its_public_half_returned(
    algorithm: str, run: Run, tmp_path: pathlib.Path
) -> None:
    path = tmp_path / "r1.key"
    made = run(path=str(path), algorithm=algorithm)
    assert made["changed"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["r1.key"], "something was left behind"
    before = path.read_bytes()
    spki = openssl("pkey", "-in", str(path), "-pubout", "-outform", "DER")
    wanted = spki if algorithm == "rsa" else spki[-32:]
    assert base64.b64decode(made["public_key"]) == wanted
    again = run(path=str(path), algorithm=algorithm)
    assert not again["changed"]
    assert again["public_key"] == made["public_key"]
    assert path.read_bytes() == before


def test_a_seed_is_what_rspamd_reads(run: Run, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "e1.key"
    made = run(path=str(path), algorithm="ed25519", format="seed")
    seed = base64.b64decode(path.read_bytes())
    assert len(seed) == 32
    der = bytes.fromhex("302e020100300506032b657004220420") + seed
    spki = openssl("pkey", "-inform", "DER", "-pubout", "-outform", "DER", given=der)
    assert base64.b64decode(made["public_key"]) == spki[-32:]
    assert not run(path=str(path), algorithm="ed25519", format="seed")["changed"]


def test_no_key_is_made_where_one_was_retired(run: Run, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "r1.key"
    run(path=str(path))
    path.rename(tmp_path / "r1.key.retired")
    result = run(path=str(path))
    assert "was retired, and the key in DNS is revoked: use a new selector" in result["msg"]
    assert not path.exists()


def test_what_is_no_regular_file_is_told_at_once(run: Run, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    result = run(path=str(path))
    assert f"{path} cannot be read: it is not a regular file. Nothing was" in result["msg"]


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_link_to_nothing_is_told(check_mode: bool, run: Run, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "r1.key"
    path.symlink_to("nowhere")
    result = run(path=str(path), _ansible_check_mode=check_mode)
    assert f"{path} is a symbolic link to nowhere, which is not there" in result["msg"]


@pytest.mark.parametrize("option", ["owner", "group"])
def test_no_key_is_made_for_an_owner_that_is_not_there(
    option: str, run: Run, tmp_path: pathlib.Path
) -> None:
    result = run(path=str(tmp_path / "r1.key"), **{option: "no-such-name"})
    assert "no-such-name on this host. Nothing was changed." in result["msg"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("left", ["before the link", "after the link"])
def test_what_a_killed_run_left_is_removed(left: str, run: Run, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "r1.key"
    with pytest.MonkeyPatch.context() as patch:
        link = os.link

        def killed(source: str, target: str) -> t.NoReturn:
            if left == "after the link":
                link(source, target)
            patch.setattr(os, "unlink", lambda _path: None)
            raise KeyboardInterrupt

        patch.setattr(os, "link", killed)
        with pytest.raises(KeyboardInterrupt), patch_module_args({"path": str(path)}):
            dkim_key.main()
    (scratch,) = set(tmp_path.iterdir()) - {path}
    key = scratch.read_bytes()
    assert b"PRIVATE" in key
    made = run(path=str(path))
    assert made["changed"] == (left == "before the link")
    assert (path.read_bytes() == key) == (left == "after the link")
    assert list(tmp_path.iterdir()) == [path]


def test_check_mode_makes_no_key(run: Run, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "r1.key"
    result = run(path=str(path), _ansible_check_mode=True)
    assert result["changed"]
    assert result["public_key"] is None
    assert not path.exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param({"algorithm": "ed25519"}, "holds a key of type rsa", id="other-type"),
        pytest.param({"bits": 3072}, "2048 bits, and 3072 are asked for", id="too-short"),
    ],
)
def test_a_key_that_is_there_is_never_replaced(
    options: dict[str, t.Any], words: str, run: Run, tmp_path: pathlib.Path
) -> None:
    path = tmp_path / "r1.key"
    run(path=str(path))
    before = path.read_bytes()
    result = run(path=str(path), **options)
    assert words in result["msg"]
    assert "Nothing was changed" in result["msg"]
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\x00\xff\xfe", id="binary"),
        pytest.param(
            b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", id="broken"
        ),
        pytest.param(b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n", id="encrypted"),
    ],
)
def test_a_file_that_is_no_key_is_left_alone(
    content: bytes, run: Run, tmp_path: pathlib.Path
) -> None:
    path = tmp_path / "r1.key"
    path.write_bytes(content)
    result = run(path=str(path))
    assert str(path) in result["msg"]
    assert path.read_bytes() == content


def test_a_directory_that_is_missing_is_named(run: Run, tmp_path: pathlib.Path) -> None:
    result = run(path=str(tmp_path / "gone" / "r1.key"))
    assert "cannot be written: No such file or directory" in result["msg"]
