# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists in main.cf of which only some members are ours, such as ``smtpd_milters`` (pure)."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ansible_collections.hardened.mail.plugins.module_utils.postfix.expand import (
    ExpansionError,
    expand,
)

_PIECES: t.Final = re.compile(r"[{}]|[\s,]+|[^{}\s,]+", re.ASCII)
#: A member with its own options, such as ``{ unix:milter.sock, default_action = accept }``.
_IN_BRACES: t.Final = re.compile(r"\{[\s,]*([^{}\s,]+)", re.ASCII)


@dataclass(frozen=True)
class Members:
    """What must be in the list of a parameter, and what must not; the rest is the site's."""

    parameter: str
    present: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()


def members_of(value: str) -> list[str]:
    """Return the members of a list; what stands in braces is one."""
    found: list[str] = []
    depth, glued = 0, False
    for piece in _PIECES.findall(value):
        blank = not piece.strip(" \t\r\n\v\f,")
        if depth == 0 and blank:
            glued = False
            continue
        if depth > 0 or glued:
            found[-1] += piece
        else:
            found.append(piece)
        depth += {"{": 1, "}": -1}.get(piece, 0)
        glued = True
    return found


def _names(members: t.Iterable[str]) -> set[str]:
    """Return what members can be called by: one in braces also by its first word, without its options."""
    found = set(members)
    for inside in filter(None, map(_IN_BRACES.match, tuple(found))):
        found.add(inside.group(1))
    return found


def with_members(
    wanted: t.Iterable[Members],
    *,
    written: t.Mapping[str, str],
    value: t.Callable[[str], t.Optional[str]],
) -> dict[str, t.Optional[str]]:
    """Return the parameters that must change, None for one whose list is empty then.

    *written* is what main.cf says, *value* gives what else is in force, by default or as a member of another list through a
    ``$name``. Raises ExpansionError for a list that Postfix could not expand either.
    """
    changed: dict[str, t.Optional[str]] = {}

    def now(name: str) -> t.Optional[str]:
        return changed.get(name) or "" if name in changed else written.get(name, value(name))

    for one in wanted:
        before = now(one.parameter) or ""
        kept = [member for member in members_of(before) if not _names([member]) & set(one.absent)]
        reached = _names(members_of(expand(" ".join(kept), now)))
        added = [member for member in one.present if member not in reached]
        if added or len(kept) < len(members_of(before)):
            # Ours come last: a milter of the site may count on being the first.
            changed[one.parameter] = ", ".join([*kept, *added]) or None
    return changed


__all__ = ("ExpansionError", "Members", "members_of", "with_members")
