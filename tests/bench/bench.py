#!/usr/bin/env python3
# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``make bench``: what a run that changes nothing costs, as a ratio to the floor playbook.

Every round runs every playbook once, side by side in time, so that a machine that slows down slows
all of them; the ratios are made round by round, and the median is what counts.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
LAB = [sys.executable, str(ROOT / "tests/lab/lab.py")]
GROUP = f"bench{os.getpid()}"
FLOOR = "floor.yml"
PLAYBOOKS = (
    FLOOR,
    "postfix_tls_without_facts.yml",
    "postfix_tls.yml",
    "lineinfile_loop.yml",
    "postconf_loop.yml",
)
#: With ``--three``: a mail server with all of it.
THREE = (FLOOR, "three_roles.yml")


def play(path: pathlib.Path, *, limit: str) -> float:
    """Run a playbook on some hosts; return the seconds it took."""
    inventory = ROOT / ".cache" / "lab" / GROUP / "inventory.yml"
    began = time.monotonic()
    done = subprocess.run(
        ["ansible-playbook", "-i", str(inventory), "--limit", limit, "--forks", "10", str(path)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        env={
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": os.pathsep.join(
                [str(ROOT / ".cache" / "collections"), os.environ.get("BENCH_COLLECTIONS", "")]
            ).rstrip(os.pathsep),
            "ANSIBLE_HOME": str(ROOT / ".cache" / "ansible"),
        },
    )
    if done.returncode != 0:
        raise SystemExit(f"{path.name} failed:\n{done.stdout}")
    return time.monotonic() - began


def first_runs(*, limit: str) -> tuple[float, float]:
    """Return the seconds of the floor playbook and of the role's first run on one new host."""
    play(HERE / FLOOR, limit=limit)
    floor = play(HERE / FLOOR, limit=limit)
    return floor, play(HERE / "postfix_tls_without_facts.yml", limit=limit)


def compare(paths: list[pathlib.Path], *, limit: str, rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each playbook in each round, after a round that is not counted."""
    seconds: dict[str, list[float]] = {path.stem: [] for path in paths}
    for number in range(rounds + 1):
        for path in paths:
            took = play(path, limit=limit)
            if number:
                seconds[path.stem].append(took)
    return seconds


def table(seconds: dict[str, list[float]], *, hosts: int) -> str:
    """Return the ratios to the floor as rows of Markdown."""
    floor = seconds[pathlib.Path(FLOOR).stem]
    rows = []
    for name, taken in seconds.items():
        ratios = sorted(one / base for one, base in zip(taken, floor, strict=True))
        rows.append(
            f"| {hosts} | {name} | {statistics.median(ratios):.2f} | "
            f"{ratios[0]:.2f} to {ratios[-1]:.2f} | {statistics.median(taken):.2f} |"
        )
    return "\n".join(rows)


def main() -> int:
    """Measure on one host and on several, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--hosts", type=int, default=10)
    parser.add_argument(
        "--also", type=pathlib.Path, action="append", default=[], help="another playbook to compare"
    )
    parser.add_argument(
        "--three", action="store_true", help="the three roles together, on hosts with Dovecot"
    )
    options = parser.parse_args()
    names = [f"h{number}" for number in range(options.hosts)]
    paths = [*(HERE / name for name in (THREE if options.three else PLAYBOOKS)), *options.also]
    flavour = "mail" if options.three else "postfix"
    hosts = ",".join(f"{name}=bookworm:{flavour}" for name in names)
    try:
        subprocess.run([*LAB, "up", "--group", GROUP, "--hosts", hosts], check=True)
        floor, first = first_runs(limit=names[-1])
        print("| hosts | playbook, nothing to change | ratio, median | range | seconds, median |")
        print("| ---: | --- | ---: | --- | ---: |")
        for limit, count in ((names[0], 1), ("all", options.hosts)):
            print(
                table(compare(paths, limit=limit, rounds=options.rounds), hosts=count), flush=True
            )
        print(
            f"\nFirst run on a host: {first:.2f} s, {first / floor:.2f} times the floor ({floor:.2f} s)."
        )
        subprocess.run(
            [sys.executable, str(HERE / "judge.py"), f"hml-{GROUP}-{names[0]}"], check=True
        )
    finally:
        subprocess.run([*LAB, "down", "--group", GROUP], capture_output=True, check=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
