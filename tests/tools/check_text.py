#!/usr/bin/env python3
# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judge the text of every tracked file: no place that only one machine knows, one ending for YAML, a licence line."""

from __future__ import annotations

import pathlib
import re
import subprocess
import sys
import typing as t

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Written in two parts, so that this file does not find itself.
FORBIDDEN: t.Final = {
    "a path of one machine": re.compile("/wo" + r"rk/|/ro" + r"ot/\.pyenv"),
    "a package registry's host name": re.compile(
        "|".join(
            (
                "deb" + r"\.debian\.org",
                "security" + r"\.debian\.org",
                "snapshot" + r"\.debian\.org",
                "pypi" + r"\.org",
                "files\\.python" + "hosted",
                "registry" + r"\.npmjs",
            )
        )
    ),
    "a merge conflict": re.compile("^(<{7}|>{7}) ", re.MULTILINE),
}
YAML_NAMED_BY_ITS_TOOL: t.Final = frozenset({"changelogs/config.yaml"})
LICENCE_LINE: t.Final = "SPDX-License" + "-Identifier: GPL-3.0-or-later"
LICENSED_SUFFIXES: t.Final = frozenset({".py", ".sh"})


def problems_of(name: str, text: str) -> list[str]:
    """Return what is wrong with the file ``name`` that holds ``text``."""
    path = pathlib.PurePosixPath(name)
    found = [
        f"{name}:{text.count(chr(10), 0, match.start()) + 1}: {what}: {match.group(0)}"
        for what, pattern in FORBIDDEN.items()
        for match in pattern.finditer(text)
    ]
    if path.suffix == ".yaml" and name not in YAML_NAMED_BY_ITS_TOOL:
        found.append(f"{name}: YAML files end in .yml here")
    if path.suffix in LICENSED_SUFFIXES and LICENCE_LINE not in text[:1000]:
        found.append(f"{name}: the first lines hold no '{LICENCE_LINE}'")
    return found


def checkout_files() -> list[str]:
    """Return the names of all files of the checkout that git does not ignore."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    output = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return sorted({name for name in output.split("\0") if name})


def main() -> int:
    """Print every problem; fail when there is one."""
    found = []
    names = checkout_files()
    for name in names:
        path = ROOT / name
        if path.is_file() and not path.is_symlink():
            found += problems_of(name, path.read_bytes().decode("utf-8", errors="replace"))
    print("\n".join([*found, f"{len(names)} files, {len(found)} problems"]))
    return 1 if found or not names else 0


if __name__ == "__main__":
    sys.exit(main())
