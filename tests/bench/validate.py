#!/usr/bin/env python3
# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``postconf_validate`` costs: one host, and many captures.

``one``: run it through ``tests/lab/enter``. A container with Postfix gets the module and ``ansible.builtin.ping`` as
Ansible packs them, and runs both in turn. The module's own time is what it takes beyond ping, which does nothing.

``many``: captures are made from what real versions of postconf printed (tests/unit/fixtures), each host with other
values; they are judged into one file, and the time and the largest memory of each process are measured.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time
import typing as t

ROOT = pathlib.Path(__file__).resolve().parents[2]
TREE = ROOT / ".cache" / "collections"
sys.path.insert(0, str(TREE))

from ansible_collections.hardened.mail.plugins.module_utils.policy import (
    rules,
    validation,
)
from ansible_collections.hardened.mail.plugins.module_utils.postfix import (
    bulk,
    capture,
)
from ansible_collections.hardened.mail.tests.unit.plugins.module_utils.policy.capture_texts import (
    MASTER,
    capture_of,
)

RELEASES: t.Final = ("3.5.25", "3.7.11", "3.10.13", "3.11.7")
#: Runs in the container: the packed modules in turn; prints seconds of wall clock and of processor.
LOOP: t.Final = """
import json, resource, subprocess, sys, time
rounds, *files = sys.argv[1:]
took = {name: [] for name in files}
for number in range(int(rounds) + 1):
    for name in files:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.perf_counter()
        done = subprocess.run([sys.executable, name], capture_output=True)
        wall = time.perf_counter() - began
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert b'"changed"' in done.stdout or b'"ping"' in done.stdout, done
        if number:
            took[name].append((wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime))
print(json.dumps(took))
"""


def packed(inventory: str, module: str, arguments: str) -> str:
    """Run a module on the host ``a`` of an inventory; return where the host keeps what Ansible sent."""
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(TREE),
        "ANSIBLE_HOME": str(ROOT / ".cache" / "ansible"),
        "ANSIBLE_KEEP_REMOTE_FILES": "1",
        "ANSIBLE_PIPELINING": "0",
        "ANSIBLE_REMOTE_TMP": f"/tmp/bench-{module}",
    }
    subprocess.run(
        ["ansible", "-i", inventory, "a", "-m", module, "-a", arguments],
        check=True,
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    return f"/tmp/bench-{module}"


def output(*command: str) -> str:
    """Return what a command prints."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def one(release: str, rounds: int) -> None:
    """Measure the module on one host."""
    lab = [sys.executable, str(ROOT / "tests/lab/lab.py")]
    group = f"bench{os.getpid()}"
    subprocess.run([*lab, "up", "--group", group, "--hosts", f"a={release}:postfix"], check=True)
    try:
        inventory = str(ROOT / ".cache" / "lab" / group / "inventory.yml")
        homes = [
            packed(inventory, "hardened.mail.postconf_validate", "fail_on=never"),
            packed(inventory, "ansible.builtin.ping", ""),
        ]
        container = output(
            "podman", "ps", "--quiet", "--filter", f"label=hardened.mail.lab.group={group}"
        )
        names = output(
            "podman", "exec", container, "find", *homes, "-name", "AnsiballZ_*.py"
        ).split()
        names.sort(key=lambda name: "ping" in name)
        said = output("podman", "exec", container, "python3", "-c", LOOP, str(rounds), *names)
    finally:
        subprocess.run([*lab, "down", "--group", group], check=False, capture_output=True)
    judged, ping = json.loads(said.splitlines()[-1]).values()
    for position, what in enumerate(("wall clock", "processor time")):
        # The least of many rounds: other work on the machine only ever adds.
        module, floor = (1000 * min(row[position] for row in rows) for rows in (judged, ping))
        print(
            f"{release}, {what}: {module:.0f} ms, ping {floor:.0f} ms, the module's own {module - floor:.0f} ms"
        )


def write_captures(directory: pathlib.Path, count: int) -> None:
    """Write captures of hosts of all releases, each with values of its own."""
    levels = ("may", "encrypt", "none", "")
    for number in range(count):
        main = {
            "myhostname": f"mx{number}.example",
            "mydestination": f"$myhostname, mx{number}.example, localhost",
            "mynetworks": f"127.0.0.0/8 [::1]/128 192.0.2.{number % 256}/32",
            "smtpd_tls_security_level": levels[number % 4],
            "smtpd_relay_restrictions": "permit_mynetworks permit_sasl_authenticated "
            + ("reject_unauth_destination" if number % 3 else "permit"),
            "smtpd_client_restrictions": f"check_client_access hash:/etc/postfix/clients{number}",
            "smtpd_banner": f"$myhostname ESMTP number {number}",
            "smtp_sasl_password_maps": f"static:user{number}:password{number}",
        }
        found = capture_of(
            main,
            release=RELEASES[number % len(RELEASES)],
            master=capture.Said(0, MASTER.replace("a b, c", f"mx{number} ESMTP")),
        )
        (directory / f"mx{number:06}.example").write_text(capture.render(found))


def measured(directory: pathlib.Path, output: pathlib.Path) -> tuple[float, int, int, bulk.Summary]:
    """Judge a directory; return the seconds, and the largest memory of this and of a child, in KiB."""
    request = validation.Request(rules.RULES, datetime.date(2026, 11, 24))
    began = time.perf_counter()
    summary = bulk.judge_all(str(directory), output=str(output), request=request)
    took = time.perf_counter() - began
    own, child = (
        resource.getrusage(who).ru_maxrss
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return took, own, child, summary


def many(counts: list[int]) -> None:
    """Measure directories of captures, the small ones first, since the largest memory is remembered."""
    for count in sorted(counts):
        with tempfile.TemporaryDirectory(prefix="hardened-mail-bench-") as scratch:
            directory = pathlib.Path(scratch) / "captures"
            directory.mkdir()
            write_captures(directory, count)
            output = pathlib.Path(scratch) / "out.jsonl"
            took, own, child, summary = measured(directory, output)
            size = output.stat().st_size >> 20
        print(
            f"{summary.hosts} captures: {took:.1f} s, {1000 * took / count:.2f} ms each; memory at most "
            f"{own >> 10} MiB, of a worker {child >> 10} MiB; {size} MiB of results, "
            f"{sum(summary.counts.values())} findings"
        )


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    what = parser.add_subparsers(dest="what", required=True)
    single = what.add_parser("one")
    single.add_argument("--release", default="trixie")
    single.add_argument("--rounds", type=int, default=20)
    several = what.add_parser("many")
    several.add_argument("counts", type=int, nargs="*", default=[1000, 10000])
    options = parser.parse_args()
    if options.what == "one":
        one(options.release, options.rounds)
    else:
        many(options.counts)
    return 0


if __name__ == "__main__":
    sys.exit(main())
