# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Numbers in records (pure)."""

from __future__ import annotations

import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import RecordError


def number(value: t.Any, *, what: str, most: int = 65535, least: int = 0) -> int:
    """Return a whole number within its bounds. Raises RecordError."""
    text = str(value).strip()
    if isinstance(value, bool) or not text.isascii() or not text.isdigit():
        raise RecordError(f"{what} is {value!r}: expected {least} to {most}")
    found = int(text) if len(text) <= 10 else most + 1
    if not least <= found <= most:
        raise RecordError(f"{what} is {value!r}: expected {least} to {most}")
    return found


__all__ = ("number",)
