#!/usr/bin/env python3
# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the pages of docs/ that come from tables; with --check only tell whether they are up to date."""

from __future__ import annotations

import pathlib
import sys
import typing as t

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"


def _import_tables() -> None:
    """Put a tree on sys.path in which the checkout is the collection, and the pages beside this file."""
    tree = ROOT / ".cache" / "collections"
    link = tree / "ansible_collections" / "hardened" / "mail"
    if not link.exists():
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(ROOT, target_is_directory=True)
    sys.path[:0] = [str(tree), str(ROOT / "tests" / "tools")]


_import_tables()

import dovecot_page
import rules_page
import settings_page
import submission_page

PAGES: t.Final[t.Mapping[str, t.Callable[[], str]]] = {
    "settings.md": settings_page.page,
    "submission-settings.md": submission_page.page,
    "dovecot-settings.md": dovecot_page.page,
    "rules.md": lambda: rules_page.page(rules_page.every_rule()),
}


def main(arguments: t.Sequence[str]) -> int:
    """Write or check the pages; returns the exit code."""
    if list(arguments) not in ([], ["--check"]):
        print("usage: generate_docs.py [--check]", file=sys.stderr)
        return 2
    stale = 0
    for name, page in PAGES.items():
        path = DOCS / name
        wanted = page()
        if path.exists() and path.read_text(encoding="utf-8") == wanted:
            continue
        if arguments:
            print(f"docs/{name} is stale: run tests/tools/generate_docs.py", file=sys.stderr)
            stale = 1
        else:
            path.write_text(wanted, encoding="utf-8")
    return stale


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
