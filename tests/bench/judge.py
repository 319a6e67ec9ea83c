#!/usr/bin/env python3
# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Time to parse and judge what one host's postconf printed, in milliseconds.

The argument is the name of a running container with Postfix; nothing but the commands' output
comes from it.
"""

from __future__ import annotations

import pathlib
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / ".cache" / "collections"))

from ansible_collections.hardened.mail.plugins.module_utils.postfix import (
    master_cf,
    postconf_output,
    validate,
    version,
)

QUESTIONS = {"n": "-n", "x": "-x", "M": "-M", "P": "-P", "m": "-m", "T": "-Trun-version"}
ROUNDS = 200


def capture(container: str) -> dict[str, tuple[str, str]]:
    """Return standard output and standard error of each question."""
    said = {}
    for key, option in QUESTIONS.items():
        done = subprocess.run(
            ["podman", "exec", container, "postconf", option],
            capture_output=True,
            text=True,
            check=True,
        )
        said[key] = (done.stdout, done.stderr)
    return said


def judge(said: dict[str, tuple[str, str]]) -> int:
    """Parse and judge; return how many problems were found."""
    effective = postconf_output.parameters(said["x"][0])
    snapshot = postconf_output.Snapshot(
        version=version.Version.parse(effective["mail_version"]),
        tls_library=version.TlsLibrary.parse(said["T"][0]),
        map_types=frozenset(said["m"][0].split()),
        explicit=postconf_output.parameters(said["n"][0]),
        effective=effective,
        overrides=postconf_output.service_parameters(said["P"][0]),
        warnings=postconf_output.warnings(said["n"][1] + said["P"][1]),
    )
    services = master_cf.parse(said["M"][0])
    return len(validate.problems(snapshot, services=services))


def main() -> int:
    """Measure and print."""
    said = capture(sys.argv[1])
    found = judge(said)
    times = []
    for _round in range(ROUNDS):
        began = time.perf_counter()
        judge(said)
        times.append(1000 * (time.perf_counter() - began))
    print(
        f"Parse and judge one host's postconf output: {statistics.median(times):.2f} ms median of "
        f"{ROUNDS}, {max(times):.2f} ms at most ({found} problems found)."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
