#!/usr/bin/env python3
# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run ``ansible-test sanity`` on a copy of what the collection ships; arguments go to ansible-test.

ansible-test wants a real path that ends in ansible_collections/NAMESPACE/NAME, hence the copy. What it keeps for
itself goes to a home of its own under .cache.
"""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import subprocess
import sys

import ansible_test

ROOT = pathlib.Path(__file__).resolve().parents[2]
COPY = ROOT / ".cache" / "sanity" / "ansible_collections" / "hardened" / "mail"
# The tests and tools are no part of the collection and have their own linters.
SHIPPED = (
    "README.md",
    "CHANGELOG.md",
    "changelogs",
    "docs",
    "galaxy.yml",
    "meta",
    "playbooks",
    "plugins",
    "roles",
)
HOME = ROOT / ".cache" / "home"
BOOTSTRAP = ROOT / "tests" / "sanity" / "pip_bootstrap.py"


def copy_checkout() -> None:
    """Copy what a user of the collection gets, as far as git does not ignore it, to ``COPY``."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *SHIPPED]
    output = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    shutil.rmtree(COPY, ignore_errors=True)
    for name in filter(None, output.split("\0")):
        if (ROOT / name).exists():
            (COPY / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, COPY / name, follow_symlinks=False)
    # ansible-test asks git for the files; without a repository of its own the copy would be one ignored folder.
    subprocess.run(["git", "init", "--quiet"], cwd=COPY, check=True)


def place_pip_bootstrap() -> None:
    """Put our stand-in where this ansible-test looks for get-pip, for every version of pip that it names.

    Raises ``SystemExit`` when its source names none.
    """
    source = (
        pathlib.Path(str(ansible_test.__file__)).parent / "_internal" / "python_requirements.py"
    )
    versions = re.findall(r"\bpip='([0-9.]+)'", source.read_text(encoding="utf-8"))
    if not versions:
        raise SystemExit(f"{source} names no version of pip; see how it bootstraps pip now")
    cache = HOME / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in versions:
        target = cache / f"get_pip_{version.replace('.', '_')}.py"
        shutil.copy(BOOTSTRAP, target)


def link_pip_settings() -> None:
    """Make pip's cache and settings in the user's home visible in ours; ansible-test passes no variable on."""
    for name in (".cache/pip", ".config/pip", ".pip"):
        theirs, ours = pathlib.Path.home() / name, HOME / name
        if theirs.is_dir() and not ours.exists():
            ours.parent.mkdir(parents=True, exist_ok=True)
            ours.symlink_to(theirs, target_is_directory=True)


def environment() -> dict[str, str]:
    """Return the environment of ansible-test: its own home, and all interpreters that pyenv has."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
    pyenv = pathlib.Path(env.get("PYENV_ROOT", pathlib.Path.home() / ".pyenv")) / "versions"
    pythons = [str(path) for path in sorted(pyenv.glob("3.*/bin"))]
    env["PATH"] = ":".join([str(ROOT / ".venv" / "bin"), *pythons, env["PATH"]])
    env["HOME"] = str(HOME)
    return env


def main() -> int:
    """Copy, prepare, run."""
    copy_checkout()
    place_pip_bootstrap()
    link_pip_settings()
    command = [
        str(ROOT / ".venv" / "bin" / "ansible-test"),
        "sanity",
        "--requirements",
        "--color",
        "no",
    ]
    return subprocess.call([*command, *sys.argv[1:]], cwd=COPY, env=environment())


if __name__ == "__main__":
    sys.exit(main())
