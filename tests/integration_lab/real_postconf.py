# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask the real postconf about many made-up configurations in one go."""

from __future__ import annotations

import json
import typing as t

if t.TYPE_CHECKING:
    from ansible_collections.hardened.mail.tests.integration_lab.conftest import Machine

#: Runs in the container: every case is a directory that postconf is asked about.
JUDGE = """
import concurrent.futures, json, os, shutil, subprocess, sys, tempfile
environment = {**os.environ, "LC_ALL": "C", "NORANDOMIZE": "1"}
top = tempfile.mkdtemp()

def ask(numbered):
    number, case = numbered
    directory = os.path.join(top, str(number))
    os.mkdir(directory)
    for name, text in case["files"].items():
        with open(os.path.join(directory, name), "wb") as stream:
            stream.write(text.encode("utf-8", "surrogateescape"))
        # Postfix sleeps and reads again when the file is younger than two seconds.
        os.utime(stream.name, (0, 0))
    answer = {}
    for question in case["questions"]:
        done = subprocess.run(
            ["postconf", "-c", directory, *question.split()], capture_output=True, env=environment
        )
        answer[question] = (
            done.returncode,
            done.stdout.decode("utf-8", "surrogateescape").replace(directory, "DIR"),
            done.stderr.decode("utf-8", "surrogateescape").replace(directory, "DIR"),
        )
    return answer

# Many at once: Postfix sleeps for a second before it dies.
with concurrent.futures.ThreadPoolExecutor(64) as pool:
    json.dump(list(pool.map(ask, enumerate(json.load(sys.stdin)))), sys.stdout)
shutil.rmtree(top)
"""

#: By question: status, output and errors of postconf.
Answer = dict[str, tuple[int, str, str]]


def judge(
    machine: Machine, files: t.Sequence[t.Mapping[str, str]], *questions: str
) -> list[Answer]:
    """Return what postconf says of each set of files; a question is its options, such as ``-n``."""
    cases = [
        {"files": {"main.cf": "", "master.cf": "", **one}, "questions": questions} for one in files
    ]
    done = machine.try_run("python3", "-c", JUDGE, stdin=json.dumps(cases), seconds=300)
    assert done.status == 0, done.err
    answers: list[Answer] = json.loads(done.out)
    return answers
