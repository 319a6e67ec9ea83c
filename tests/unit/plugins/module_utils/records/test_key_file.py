# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file with the key of a dynamic update."""

from __future__ import annotations

import os
import pathlib

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.records.key_file import load_key
from ansible_collections.hardened.mail.plugins.module_utils.records.tsig_key import KeyProblem

KEY = 'key "mail-update" { algorithm hmac-sha256; secret "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="; };'


def test_a_key_is_read(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "update.key"
    file.write_text(KEY)
    file.chmod(0o600)
    assert load_key(str(file), name=None, algorithm=None).name.rstrip(".") == "mail-update"


@pytest.mark.parametrize("kind", ["fifo", "directory", "binary", "open"])
def test_a_file_that_is_no_key_is_told(kind: str, tmp_path: pathlib.Path) -> None:
    file = tmp_path / "update.key"
    if kind == "fifo":
        os.mkfifo(file, 0o600)
    elif kind == "directory":
        file.mkdir()
    else:
        file.write_bytes(KEY.encode() if kind == "open" else b"\xff")
        file.chmod(0o644 if kind == "open" else 0o600)
    words = {
        "fifo": "it is not a regular file",
        "directory": "Is a directory",
        "binary": "it is no text",
        "open": "has the mode 0644",
    }
    with pytest.raises(KeyProblem, match=words[kind]):
        load_key(str(file), name=None, algorithm=None)
