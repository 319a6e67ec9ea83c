#!/usr/bin/env python3
# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs in a container: write each configuration, ask postconf about it as the capture script does.

Standard input is {"script": text of postfix-capture, "configurations": [changes, ...]}, see case.py; standard
output is a list with the text of one capture each. The script takes three times as long as what is done here, so it
looks at some of the configurations only, and must say the same.
"""

from __future__ import annotations

import concurrent.futures
import functools
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

#: The questions of the script, in its order.
QUESTIONS = {
    "version": ("-d", "-h", "mail_version"),
    "postconf": (),
    "explicit": ("-n",),
    "master": ("-M",),
    "overrides": ("-P",),
    "map_types": ("-m",),
    "tls_library": ("-T", "run-version"),
}
#: Those that a main.cf and a master.cf do not change.
CONSTANT = frozenset({"version", "tls_library"})
#: One of so many configurations is shown to the script, the first among them.
COMPARED = 20


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


def ask(directory: pathlib.Path, name: str) -> str:
    """Return the answer of postconf to a question, as the script prints it."""
    done = subprocess.run(
        ["postconf", "-c", str(directory), *QUESTIONS[name]],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=60,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C", "NORANDOMIZE": "1"},
    )
    out, err = (part.decode("utf-8", "surrogateescape") for part in (done.stdout, done.stderr))
    said = re.sub("^(?!\\Z)", "|", out, flags=re.MULTILINE)
    errors = "".join(f"|{line}\n" for line in err.split("\n") if line)
    blocks = (f"stdout\n{said}", f"stderr\n{errors}".rstrip("\n"), f"status {done.returncode}")
    return "".join(f"--- {name} {block}\n" for block in blocks)


@functools.cache
def ask_once(name: str) -> str:
    """Return the answer to a question that is not about main.cf and master.cf."""
    return ask(ETC, name)


def composed(directory: pathlib.Path) -> str:
    """Return the capture of a configuration."""
    parts = [ask_once(one) if one in CONSTANT else ask(directory, one) for one in QUESTIONS]
    taken = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    heading = f"postfix-capture 1\nhost: {os.uname().nodename}\ntaken: {taken}\n"
    return f"{heading}config_directory: {directory}\n{''.join(parts)}--- end\n"


def scripted(script: str, directory: pathlib.Path) -> str:
    """Return what the script says of a configuration."""
    done = subprocess.run(
        ["sh", script, "-c", str(directory)], capture_output=True, check=False, timeout=120
    )
    if done.returncode != 0:
        raise SystemExit(f"postfix-capture: status {done.returncode}: {done.stderr!r}")
    return done.stdout.decode("utf-8", "surrogateescape")


def lasting(text: str) -> str:
    """Return a capture without what is another each time."""
    return re.sub(r"^(taken:|\|process_id =) .*", "", text, flags=re.MULTILINE)


def capture(job: t.Tuple[int, str, t.Dict[str, t.Any]]) -> str:
    """Return what postconf says of one configuration."""
    number, script, changes = job
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
        text = composed(directory)
        if number % COMPARED == 0 and lasting(text) != lasting(scripted(script, directory)):
            raise SystemExit(f"postfix-capture says something else than:\n{text}")
        # The directory is ours alone; a host has its configuration where everybody has it.
        return re.sub(re.escape(str(directory)), str(ETC), text)


def main() -> None:
    """Answer one list of configurations."""
    asked = json.load(sys.stdin)
    with tempfile.NamedTemporaryFile("w", suffix=".sh") as script:
        script.write(asked["script"])
        script.flush()
        jobs = [
            (number, script.name, changes) for number, changes in enumerate(asked["configurations"])
        ]
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            json.dump(list(pool.map(capture, jobs)), sys.stdout)


if __name__ == "__main__":
    main()
