# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the key of a dynamic update from a file (effects)."""

from __future__ import annotations

import os
import stat
import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.records.tsig_key import (
    KeyProblem,
    TsigKey,
    read_key,
)
from ansible_collections.hardened.mail.plugins.module_utils.x509.private_key import open_regular


def load_key(path: str, *, name: t.Optional[str], algorithm: t.Optional[str]) -> TsigKey:
    """Return the key in a file. Raises KeyProblem, for a file that others may read too."""
    try:
        with open_regular(path) as handle:
            mode = stat.S_IMODE(os.fstat(handle.fileno()).st_mode)
            text = handle.read(65536).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise KeyProblem(f"Cannot read the key file {path}: {reason}") from None
    if mode & 0o177:
        raise KeyProblem(
            f"The key file {path} has the mode {mode:04o}, so others than its owner have access: expected 0600"
        )
    try:
        return read_key(text, name=name, algorithm=algorithm)
    except KeyProblem as problem:
        raise KeyProblem(f"Cannot use the key file {path}: {problem}") from None


__all__ = ("load_key",)
