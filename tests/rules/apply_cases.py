#!/usr/bin/env python3
# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs in a container: write each configuration, let the capture script look at it.

Standard input is {"script": text of postfix-capture, "configurations": [changes, ...]}, see case.py; standard
output is a list with the text of one capture each.
"""

from __future__ import annotations

import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import typing as t

ETC = pathlib.Path("/etc/postfix")


def logical(text: str) -> t.List[str]:
    """Return the logical lines with their continuations; comments and blank lines are left out."""
    found: t.List[str] = []
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line[0] in " \t" and found:
            found[-1] += "\n" + line
        else:
            found.append(line)
    return found


def main_key(line: str) -> str:
    """Return the name of the parameter that a line of main.cf sets."""
    return line.partition("=")[0].strip()


def master_key(line: str) -> str:
    """Return name and type of an entry of master.cf."""
    return " ".join(line.split()[:2])


def replaced(
    text: str, new: str, *, key: t.Callable[[str], str], gone: t.Iterable[str] = ()
) -> str:
    """Return *text* without the lines whose key is in *new* or *gone*, and *new* behind it."""
    fresh = logical(new)
    keys = {key(line) for line in fresh} | set(gone)
    kept = [line for line in logical(text) if key(line) not in keys]
    return "\n".join([*kept, *fresh, ""])


def capture(job: t.Tuple[str, t.Dict[str, t.Any]]) -> str:
    """Return what the script says of one configuration."""
    script, changes = job
    with tempfile.TemporaryDirectory(prefix="case-") as scratch:
        directory = pathlib.Path(scratch) / "postfix"
        shutil.copytree(ETC, directory, symlinks=True)
        for file, key in (("main", main_key), ("master", master_key)):
            path = directory / f"{file}.cf"
            gone = changes["remove"] if file == "main" else ()
            text = replaced(path.read_text(), changes[file], key=key, gone=gone)
            path.write_text(text + changes[f"raw_{file}"])
            # Postfix waits until a main.cf is not younger than two seconds.
            long_ago = time.time() - 60
            os.utime(path, (long_ago, long_ago))
        done = subprocess.run(
            ["sh", script, "-c", str(directory)],
            capture_output=True,
            check=False,
            timeout=120,
        )
        if done.returncode != 0:
            raise SystemExit(f"postfix-capture: status {done.returncode}: {done.stderr!r}")
        text = done.stdout.decode("utf-8", "surrogateescape")
        # The directory is ours alone; a host has its configuration where everybody has it.
        return re.sub(re.escape(str(directory)), str(ETC), text)


def main() -> None:
    """Answer one list of configurations."""
    asked = json.load(sys.stdin)
    with tempfile.NamedTemporaryFile("w", suffix=".sh") as script:
        script.write(asked["script"])
        script.flush()
        jobs = [(script.name, changes) for changes in asked["configurations"]]
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            json.dump(list(pool.map(capture, jobs)), sys.stdout)


if __name__ == "__main__":
    main()
