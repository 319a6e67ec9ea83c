# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One configuration of a real Postfix, and whether a rule of the validator must report it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

#: Releases of the laboratory with their Postfix: 3.5, 3.7, 3.10 and 3.11.
RELEASES: t.Final = ("bullseye", "bookworm", "trixie", "sid")

Kind = t.Literal["fails", "passes", "absent", "overridden"]


@dataclass(frozen=True)
class Case:
    """Debian's own configuration of each release with some changes.

    ``main`` are ``name = value`` lines that take the place of the parameters of these names, ``remove``
    names that go. ``master`` are entries that take the place of those with the same name and type;
    continuation lines are indented. ``raw_main`` and ``raw_master`` are added at the end as they are.
    ``found`` says whether the rule must report it, or on which releases; ``subject`` what it must name.
    ``profile`` is the inbound profile. ``name`` tells cases of one rule and kind apart.
    """

    rule: str
    kind: Kind
    main: str = ""
    master: str = ""
    found: t.Union[bool, frozenset[str]] = True
    subject: str = "main.cf"
    remove: tuple[str, ...] = ()
    raw_main: str = ""
    raw_master: str = ""
    profile: str = "intermediate"
    name: str = ""

    @property
    def id(self) -> str:
        """The name of the case in a test."""
        return "-".join(part for part in (self.rule, self.kind, self.name) if part)

    def found_on(self, release: str) -> bool:
        """Return whether the rule must report the case on a release."""
        return self.found if isinstance(self.found, bool) else release in self.found

    def changes(self) -> dict[str, t.Any]:
        """Return what apply_cases.py needs."""
        return {
            "main": self.main,
            "master": self.master,
            "remove": list(self.remove),
            "raw_main": self.raw_main,
            "raw_master": self.raw_master,
        }
