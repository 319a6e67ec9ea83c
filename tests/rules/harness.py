# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Captures of real Postfix, taken in containers and kept until the case, the image or the script changes."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import subprocess
import sys
import typing as t

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
LAB = ROOT / "tests" / "lab" / "lab.py"
SCRIPT = ROOT / "playbooks" / "files" / "postfix-capture"
APPLY = HERE / "apply_cases.py"
KEPT = ROOT / ".cache" / "rules"

Changes = t.Mapping[str, t.Any]


def lab(*arguments: str) -> str:
    """Run lab.py; return its last line."""
    done = subprocess.run(
        [sys.executable, str(LAB), *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"lab.py {' '.join(arguments)}: {done.stderr}")
    lines = done.stdout.splitlines()
    return lines[-1] if lines else ""


def _kept_at(image: str, changes: Changes) -> pathlib.Path:
    digest = hashlib.sha256(image.encode())
    for part in (
        SCRIPT.read_bytes(),
        APPLY.read_bytes(),
        json.dumps(changes, sort_keys=True).encode(),
    ):
        digest.update(hashlib.sha256(part).digest())
    return KEPT / digest.hexdigest()


def captures(release: str, configurations: t.Sequence[Changes]) -> list[str]:
    """Return the text of a capture for each configuration on a release.

    A container is started only for those that were never taken before.
    """
    image = lab("image", release, "postfix")
    places = [_kept_at(image, one) for one in configurations]
    wanted = {
        str(place): changes for place, changes in zip(places, configurations) if not place.exists()
    }
    if wanted:
        KEPT.mkdir(parents=True, exist_ok=True)
        for name, text in zip(wanted, _take(release, list(wanted.values()))):
            # Made aside and renamed: a run that was ended must leave no half capture behind.
            fresh = pathlib.Path(f"{name}.{os.getpid()}")
            fresh.write_text(text, encoding="utf-8", errors="surrogateescape")
            fresh.replace(name)
    return [place.read_text(encoding="utf-8", errors="surrogateescape") for place in places]


def _take(release: str, configurations: t.Sequence[Changes]) -> list[str]:
    group = f"rules-{release}-{os.getpid()}"
    lab("up", "--group", group, "--hosts", f"a={release}:postfix")
    try:
        container = f"hml-{group}-a"
        subprocess.run(
            ["podman", "exec", "-i", container, "sh", "-c", "cat >/root/apply_cases.py"],
            input=APPLY.read_bytes(),
            check=True,
        )
        asked = {"script": SCRIPT.read_text(), "configurations": list(configurations)}
        done = subprocess.run(
            ["podman", "exec", "-i", container, "python3", "/root/apply_cases.py"],
            input=json.dumps(asked).encode(),
            capture_output=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{release}: {done.stderr.decode(errors='replace')}")
        texts: list[str] = json.loads(done.stdout)
        return texts
    finally:
        lab("down", "--group", group)
