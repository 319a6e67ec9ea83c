# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes ``ansible_collections.hardened.mail`` importable from the checkout, with or without Ansible installed."""

from __future__ import annotations

import os
import pathlib
import sys

from hypothesis import settings

ROOT = pathlib.Path(__file__).resolve().parents[1]
TREE = ROOT / ".cache" / "collections"


def _link_checkout() -> None:
    link = TREE / "ansible_collections" / "hardened" / "mail"
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink() or os.readlink(link) != str(ROOT):
        # Made aside and renamed: two test runs may get here at once.
        fresh = link.with_name(f"mail.{os.getpid()}")
        fresh.symlink_to(ROOT, target_is_directory=True)
        fresh.replace(link)


_link_checkout()
sys.path.insert(0, str(TREE))

# No deadline for one example: the machine may be busy with containers. In CI the same examples every time.
settings.register_profile("house", deadline=None, database=None, derandomize="CI" in os.environ)
settings.load_profile("house")
