#!/usr/bin/env python3
# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the jobs of the gate, three at a time, and say what passed.

Without arguments every job runs; otherwise the arguments name jobs or groups of jobs. Each job's output goes
to .cache/logs/NAME.log; a single job's output is shown as it comes.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
import types
import typing as t

ROOT = pathlib.Path(__file__).resolve().parents[2]
LOGS = ROOT / ".cache" / "logs"
PYTHON = ".venv/bin/python"
TAIL_LINES = 80
LAST_LINES = 15
# One more than the cores of a small machine: those that have containers wait most of the time.
WORKERS = 3
LAB_PYTEST = f"tests/lab/enter {PYTHON} -m pytest --durations=15 --durations-min=20"

# What the exit status of a job says that found nothing here to test with; its last line says why.
ABSENT = 77

Lane = t.Literal["cpu", "lab"]
Result = t.Literal["ok", "absent", "FAILED", "TIMEOUT", "NOT RUN"]


@dataclasses.dataclass(frozen=True)
class Job:
    """One command of the gate.

    ``minutes`` is the longest it may take before it is ended and counted as failed. Jobs in the lane ``lab``
    have containers, each its own. ``needs`` names jobs that must pass first; those left out by the selection
    do not count. ``workers`` is how many it takes: two for a job that measures, so that it runs beside one
    other at most.
    """

    name: str
    group: str
    command: str
    lane: Lane = "cpu"
    needs: tuple[str, ...] = ()
    minutes: float = 5
    workers: int = 1


def rules(*names: str) -> str:
    """Return files of the tests of the rules, for a command."""
    return " ".join(f"tests/rules/test_{name}_real.py" for name in names)


# A line of a log that says what could not be tested here; shown although the job passed.
ABSENT_LINE = re.compile(r"^\s*(absent: .*)$", re.MULTILINE)

# The self-test makes networks of its own, which must not meet those of others.
READY: t.Final = ("lab-images", "lab-selftest")

# In order of start, the longest first: a free worker takes the first job whose needs have passed.
JOBS: t.Final = (
    Job("lab-images", "lab", "tests/lab/enter tests/tools/lab_images.sh", lane="lab", minutes=30),
    Job("lab-selftest", "lab", "tests/lab/selftest", lane="lab", needs=("lab-images",), minutes=10),
    Job(
        "integration-load",
        "lab",
        f"{LAB_PYTEST} tests/integration_lab/test_transaction_load.py",
        lane="lab",
        needs=READY,
        minutes=15,
        workers=2,
    ),
    Job(
        "integration",
        "lab",
        # The tests of a file stay in one process: they share what is costly to start.
        f"{LAB_PYTEST} -n 3 --dist loadfile tests/integration_lab"
        " --ignore tests/integration_lab/test_transaction_load.py"
        " --ignore tests/integration_lab/test_dovecot_kill_real.py"
        " --ignore tests/integration_lab/test_rollover_real.py",
        lane="lab",
        needs=READY,
        minutes=60,
    ),
    # Few tests that take long: the job above would begin them last, and be alone with them at its end.
    Job(
        "integration-long",
        "lab",
        # Much of it is waiting.
        f"{LAB_PYTEST} -n 4 --dist worksteal tests/integration_lab/test_rollover_real.py"
        " tests/integration_lab/test_dovecot_kill_real.py",
        lane="lab",
        needs=READY,
        minutes=45,
    ),
    # What dies is waited for: side by side.
    Job(
        "rules-dies",
        "rules",
        f"{LAB_PYTEST} -n 4 --dist worksteal {rules('configuration', 'files', 'login')}",
        lane="lab",
        needs=READY,
        minutes=30,
    ),
    Job(
        "rules-tls",
        "rules",
        f"{LAB_PYTEST} -n 6 --dist worksteal {rules('tls')}",
        lane="lab",
        needs=READY,
        minutes=30,
    ),
    Job(
        "rules-postfix",
        "rules",
        f"{LAB_PYTEST} {rules('rules', 'mutants', 'corpus')}",
        lane="lab",
        needs=READY,
        minutes=30,
    ),
    Job(
        "rules-dovecot",
        "rules",
        f"{LAB_PYTEST} {rules('dovecot')}",
        lane="lab",
        needs=READY,
        minutes=15,
    ),
    Job(
        "molecule-default",
        "lab",
        "tests/lab/enter molecule test -s default",
        lane="lab",
        needs=READY,
        minutes=30,
    ),
    Job(
        "molecule-submission",
        "lab",
        "tests/lab/enter molecule test -s submission",
        lane="lab",
        needs=READY,
        minutes=30,
    ),
    Job(
        "molecule-upgrade",
        "lab",
        "tests/lab/enter molecule test -s upgrade",
        lane="lab",
        needs=READY,
        minutes=25,
    ),
    Job(
        "molecule-brownfield",
        "lab",
        "tests/lab/enter molecule test -s brownfield",
        lane="lab",
        needs=READY,
        minutes=20,
    ),
    Job(
        "molecule-dns",
        "lab",
        "tests/lab/enter molecule test -s dns",
        lane="lab",
        needs=READY,
        minutes=20,
    ),
    Job(
        "demo",
        "lab",
        f"tests/lab/enter {PYTHON} tests/demo/demo.py",
        lane="lab",
        needs=READY,
        minutes=10,
    ),
    Job(
        "oldest-core-host",
        "lab",
        "bin=$(tests/tools/venv.sh core-oldest) && tests/lab/enter bash -c '"
        "tests/lab/lab.py up --group core$$ --hosts a=bookworm:mail"
        ' && tests/tools/check_archive.py --bin "$0" --inventory .cache/lab/core$$/inventory.yml'
        '\' "$bin"',
        lane="lab",
        needs=READY,
    ),
    Job("texts", "lint", "tests/tools/check_text.py"),
    Job("ruff-check", "lint", "ruff check ."),
    Job("ruff-format", "lint", "ruff format --check ."),
    Job("yamllint", "lint", "yamllint --strict ."),
    Job("mypy-plugins", "lint", "mypy -p ansible_collections.hardened.mail.plugins"),
    Job(
        "mypy-tools",
        "lint",
        "MYPYPATH=tests/tools mypy --python-version 3.11 tests/tools tests/sanity",
    ),
    Job(
        "mypy-lab",
        "lint",
        "MYPYPATH=tests/lab:tests/report:tests/integration_lab mypy --python-version 3.11 tests/lab tests/demo tests/bench",
    ),
    Job("mypy-report", "lint", "MYPYPATH=tests/report mypy --python-version 3.11 tests/report"),
    Job("shellcheck", "lint", "git grep -lzE '^#!.*(bash|/sh)$' | xargs -0 shellcheck"),
    Job("changelog", "lint", "antsibull-changelog lint"),
    Job("ansible-lint", "lint", "ansible-lint --offline --strict", minutes=15),
    Job("unit", "unit", "pytest tests/unit --ignore tests/unit/test_playing.py", minutes=15),
    Job(
        "unit-python3.9",
        "unit",
        'bin=$(tests/tools/venv.sh pure) && "$bin/pytest" tests/unit/plugins/module_utils',
        minutes=15,
    ),
    # Playbooks that run; of the unit tests it takes a third of the time.
    Job("unit-playing", "unit", "pytest tests/unit/test_playing.py"),
    Job("report", "report", "pytest tests/report", minutes=15),
    Job("sanity", "sanity", "tests/sanity/run.py", minutes=15),
    Job("archive", "archive", "tests/tools/check_archive.py"),
    Job(
        "archive-oldest-core",
        "archive",
        'bin=$(tests/tools/venv.sh core-oldest) && tests/tools/check_archive.py --bin "$bin"',
    ),
)


@dataclasses.dataclass
class Running:
    """A job under way."""

    job: Job
    process: subprocess.Popen[bytes]
    log: pathlib.Path
    started: float
    shown: int = 0


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a job ended; ``passed`` and ``failed`` count its tests, or the job itself where it has none."""

    job: Job
    result: Result
    seconds: float
    passed: int
    failed: int


def select(words: t.Sequence[str]) -> list[Job]:
    """Return the jobs that ``words`` name, in the table's order; all of them for no words.

    Raises ``SystemExit`` for a word that names neither a job nor a group.
    """
    known = {job.name for job in JOBS} | {job.group for job in JOBS}
    unknown = sorted(set(words) - known)
    if unknown:
        raise SystemExit(
            f"no such job or group: {', '.join(unknown)}; there are: {', '.join(sorted(known))}"
        )
    return [job for job in JOBS if not words or job.name in words or job.group in words]


def count_tests(text: str, *, ok: bool) -> tuple[int, int]:
    """Return (passed, failed) of a log: pytest's closing lines added up, else the job itself as one test."""
    passed = failed = 0
    for line in re.findall(r"^=*\s*((?:\d+ [a-z]+,? ?)+) in [\d.]+s", text, re.MULTILINE):
        for number, word in re.findall(r"(\d+) ([a-z]+)", line):
            passed += int(number) if word == "passed" else 0
            failed += int(number) if word in ("failed", "error", "errors") else 0
    return (max(passed, 1), failed) if ok else (passed, max(failed, 1))


def environment() -> dict[str, str]:
    """Return the variables of every job: our commands and collection first, no colours in a log."""
    return {
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache" / "collections"),
        "ANSIBLE_HOME": str(ROOT / ".cache" / "ansible"),
        "ANSIBLE_NOCOLOR": "1",
        "NO_COLOR": "1",
        "PATH": f"{ROOT}/.venv/bin:{os.environ['PATH']}",
        "PYTHONUNBUFFERED": "1",
    }


def start(job: Job) -> Running:
    """Start ``job`` in a process group of its own."""
    log = LOGS / f"{job.name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["/bin/bash", "-c", job.command],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ | environment(),
            start_new_session=True,
        )
    return Running(job=job, process=process, log=log, started=time.monotonic())


def stop(running: Running) -> None:
    """End a job and all that it started; what does not end in 20 s is killed."""
    for number, seconds in ((signal.SIGTERM, 20), (signal.SIGKILL, 5)):
        try:
            os.killpg(running.process.pid, number)
            running.process.wait(timeout=seconds)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def finish(running: Running, *, timed_out: bool) -> Outcome:
    """Report a job that has ended."""
    seconds = time.monotonic() - running.started
    returncode = running.process.returncode
    result: Result = "ok" if returncode == 0 else "FAILED"
    passed = failed = 0
    if timed_out:
        result = "TIMEOUT"
    elif returncode == ABSENT:
        result = "absent"
    if result != "absent":
        passed, failed = count_tests(read_log(running.job), ok=result == "ok")
    return Outcome(job=running.job, result=result, seconds=seconds, passed=passed, failed=failed)


def read_log(job: Job) -> str:
    """Return what ``job`` has written."""
    return (LOGS / f"{job.name}.log").read_text(encoding="utf-8", errors="replace")


def show_new_output(running: Running) -> None:
    """Print what ``running`` wrote since the last call."""
    with running.log.open("rb") as log:
        log.seek(running.shown)
        data = log.read()
    running.shown += len(data)
    sys.stdout.buffer.write(data)
    sys.stdout.flush()


def report(outcome: Outcome, *, live: bool) -> None:
    """Print one job's result, with the tail of its log when it did not pass."""
    job = outcome.job
    reason = ""
    if outcome.result == "absent":
        reason = ": " + (read_log(job).strip().splitlines() or ["no reason given"])[-1]
    elif outcome.result not in ("ok", "NOT RUN") and not live:
        print(f"---- {job.name}: $ {job.command}")
        print("\n".join(read_log(job).splitlines()[-TAIL_LINES:]))
        print(f"---- {job.name}: the whole log is {LOGS.relative_to(ROOT)}/{job.name}.log")
    print(f"{outcome.result:8} {job.name} ({outcome.seconds:.0f} s){reason}", flush=True)
    if outcome.result == "ok" and not live:
        for line in sorted(set(ABSENT_LINE.findall(read_log(job)))):
            print(f"         {line}", flush=True)


@contextlib.contextmanager
def one_view(jobs: t.Sequence[Job]) -> t.Iterator[None]:
    """Hold the laboratory's view for all jobs: it ends, with everything in it, with the command that made it."""
    if sum(job.lane != "cpu" for job in jobs) < 2:
        yield
        return
    log = LOGS / "lab-view.log"
    with log.open("wb") as output:
        holder = subprocess.Popen(
            ["tests/lab/enter", "sh", "-c", "echo ready; exec sleep infinity"],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ | environment(),
            start_new_session=True,
        )
    try:
        while holder.poll() is None and b"ready\n" not in log.read_bytes():
            time.sleep(0.1)
        if holder.returncode:
            print(f"The laboratory cannot be entered: {log.read_text(errors='replace')}")
        yield
    finally:
        if holder.poll() is None:
            os.killpg(holder.pid, signal.SIGTERM)
            holder.wait()


def run(jobs: t.Sequence[Job]) -> list[Outcome]:
    """Run ``jobs`` and return their outcomes in the order in which they ended."""
    waiting = list(jobs)
    active: list[Running] = []
    outcomes: list[Outcome] = []
    live = len(jobs) == 1
    try:
        while waiting or active:
            results = {outcome.job.name: outcome.result for outcome in outcomes}
            for job in next_jobs(
                waiting, active=active, results=results, chosen={job.name for job in jobs}
            ):
                waiting.remove(job)
                if any(results.get(need, "ok") not in ("ok", "absent") for need in job.needs):
                    outcomes.append(
                        Outcome(job=job, result="NOT RUN", seconds=0, passed=0, failed=1)
                    )
                    report(outcomes[-1], live=live)
                else:
                    active.append(start(job))
            time.sleep(0.1)
            for running in list(active):
                if live:
                    show_new_output(running)
                timed_out = time.monotonic() - running.started > running.job.minutes * 60
                if timed_out:
                    stop(running)
                if timed_out or running.process.poll() is not None:
                    active.remove(running)
                    outcomes.append(finish(running, timed_out=timed_out))
                    report(outcomes[-1], live=live)
    finally:
        for running in active:
            stop(running)
    return outcomes


def next_jobs(
    waiting: t.Sequence[Job],
    *,
    active: t.Sequence[Running],
    results: t.Mapping[str, str],
    chosen: t.AbstractSet[str],
) -> list[Job]:
    """Return the jobs to start now; one that takes several workers holds up those behind it until they are free."""
    free = WORKERS - sum(running.job.workers for running in active)
    picked: list[Job] = []
    for job in waiting:
        if not all(need in results or need not in chosen for need in job.needs):
            continue
        if job.workers > free:
            break
        picked.append(job)
        free -= job.workers
    return picked


def repeat_failures(outcomes: t.Sequence[Outcome]) -> None:
    """Print the last lines of what failed: whoever reads only the end of a long output must not guess."""
    for outcome in outcomes:
        if outcome.result in ("FAILED", "TIMEOUT"):
            last = read_log(outcome.job).splitlines()[-LAST_LINES:]
            print("\n".join([f"\n---- the last lines of {outcome.job.name}:", *last]))


def summarise(outcomes: t.Sequence[Outcome], *, seconds: float) -> int:
    """Print the table and the closing line; return the exit status."""
    width = max(len(outcome.job.name) for outcome in outcomes)
    print(f"\n{'job':{width}}  result   passed failed   time")
    for outcome in outcomes:
        print(
            f"{outcome.job.name:{width}}  {outcome.result:8} {outcome.passed:6} {outcome.failed:6} {outcome.seconds:5.0f} s"
        )
    passed = sum(outcome.passed for outcome in outcomes)
    failed = sum(outcome.failed for outcome in outcomes)
    print(
        f"{'all':{width}}  {'ok' if not failed else 'FAILED':8} {passed:6} {failed:6} {seconds:5.0f} s\n"
    )
    print(f"{passed} passed, {failed} failed", flush=True)
    return 1 if failed else 0


def interrupt(number: int, _frame: types.FrameType | None) -> t.NoReturn:
    """Turn a signal into an exception, so that the running jobs are ended."""
    raise SystemExit(f"Ended by {signal.Signals(number).name}; what was running is ended too.")


def main() -> int:
    """Run what the command line names."""
    signal.signal(signal.SIGTERM, interrupt)
    signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGHUP, interrupt)
    jobs = select(sys.argv[1:])
    LOGS.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with one_view(jobs):
        outcomes = run(jobs)
    if len(jobs) > 1:
        repeat_failures(outcomes)
    return summarise(outcomes, seconds=time.monotonic() - started)


if __name__ == "__main__":
    sys.exit(main())
