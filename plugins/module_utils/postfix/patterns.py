# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Patterns that are compiled when they are first used (pure).

The validator has a hundred, a host needs half of them, and each costs as much as a page of code.
"""

from __future__ import annotations

import re
import typing as t


class _Later:
    """Stands for a pattern until somebody uses it."""

    def __init__(self, text: str, flags: int) -> None:
        self._text = text
        self._flags = flags

    def __getattr__(self, name: str) -> t.Any:
        compiled = re.compile(self._text, self._flags)
        for method in (
            "search",
            "match",
            "fullmatch",
            "sub",
            "subn",
            "split",
            "findall",
            "finditer",
        ):
            setattr(self, method, getattr(compiled, method))
        return getattr(compiled, name)


def later(text: str, flags: int = 0) -> re.Pattern[str]:
    """Return a pattern as ``re.compile`` does; what is wrong with it is told when it is first used."""
    return t.cast("re.Pattern[str]", _Later(text, flags))


__all__ = ("later",)
