#!/usr/bin/env python3
# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs in a container: write each configuration of Dovecot, judge it, do what the fix says, judge again.

Standard input is a list of jobs, see dovecot_cases.py; standard output a list of {"directory", "found": result,
"mended": result or null, "failed": what a command of a fix said}.
"""

from __future__ import annotations

import concurrent.futures
import datetime
import json
import os
import pathlib
import shutil
import subprocess
import sys
import typing as t

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from ansible_collections.hardened.mail.plugins.module_utils.dovecot import live
from ansible_collections.hardened.mail.plugins.module_utils.policy import validation
from ansible_collections.hardened.mail.plugins.module_utils.policy.rules_dovecot import (
    RULES,
)

CASES = pathlib.Path("/srv/cases")
RULE = {one.id: one for one in RULES}


def judge(directory: pathlib.Path, rule: str) -> t.Dict[str, t.Any]:
    """Return what the rule, or every rule, says of the configuration in a directory."""
    rules = (RULE[rule],) if rule else RULES
    request = validation.Request(rules=rules, today=datetime.date(2026, 11, 24))
    return live.judge_host(
        str(directory / "dovecot.conf"),
        request,
        postfix_directory=str(directory / "postfix"),
        timeout=30,
    )


def prepare(directory: pathlib.Path, job: t.Dict[str, t.Any]) -> None:
    """Write the configuration of a case."""
    shutil.copytree("/etc/dovecot", directory, symlinks=True)
    shutil.copytree("/etc/postfix", directory / "postfix", symlinks=True)
    main = directory / "dovecot.conf"
    text = "" if job["whole"] else main.read_text()
    main.write_text(text + "\n" + job["text"].replace("$CASE", str(directory)))
    with (directory / "postfix/master.cf").open("a") as master:
        master.write(job["master"])
    environment = {**os.environ, "CASE": str(directory)}
    subprocess.run(["bash", "-c", "set -e\n" + job["setup"]], env=environment, check=True)


def answer(number: int, job: t.Dict[str, t.Any]) -> t.Dict[str, t.Any]:
    """Return what one case came to."""
    directory = CASES / str(number)
    prepare(directory, job)
    found = judge(directory, job["rule"])
    said: t.Dict[str, t.Any] = {"directory": str(directory), "found": found, "mended": None}
    said["failed"] = ""
    if job["mend"]:
        for finding in found["findings"]:
            command = finding["fix"]["command"].replace(" && doveadm reload", "")
            done = subprocess.run(
                ["bash", "-c", command], capture_output=True, text=True, check=False
            )
            if done.returncode != 0:
                said["failed"] += f"{command}: {done.stderr}"
        said["mended"] = judge(directory, job["rule"])
    return said


def main() -> None:
    """Answer one list of jobs."""
    shutil.rmtree(CASES, ignore_errors=True)
    CASES.mkdir(parents=True)
    jobs = json.load(sys.stdin)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        json.dump(list(pool.map(answer, range(len(jobs)), jobs)), sys.stdout)


if __name__ == "__main__":
    main()
