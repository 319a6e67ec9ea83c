# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What playbooks refuse before they look at any host."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def play(playbook: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run a playbook with two hosts that nobody can reach."""
    return subprocess.run(
        [sys.executable, "-m", "ansible", "playbook", "-i", "mx1.invalid,mx2.invalid,", f"hardened.mail.{playbook}", *options],
        env={
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache" / "collections"),
            "ANSIBLE_HOME": str(ROOT / ".cache" / "ansible"),
            "ANSIBLE_NOCOLOR": "1",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("playbook", "options", "message"),
    [
        *(
            pytest.param(one, ["-e", f"{one}_hosts=nosuch"], "names no host", id=f"{one}-nobody")
            for one in ("harden", "audit", "verify")
        ),
        *(
            pytest.param(f"rollover_{one}", ["-e", f"rollover_hosts={hosts}", *more], message, id=f"{one}-{id_}")
            for one in ("tlsa", "dkim")
            for id_, hosts, more, message in (
                ("nobody", "nosuch", [], "must name the hosts of the site"),
                ("a-part", "all", ["--limit", "mx1.invalid"], "--limit cannot be used"),
            )
        ),
    ],
)  # fmt: skip
def test_a_run_for_nobody_or_for_a_part_is_refused(
    playbook: str, options: list[str], message: str
) -> None:
    done = play(playbook, *options)
    said = " ".join(done.stdout.split())
    assert done.returncode != 0, said
    assert message in said
    assert "unreachable=1" not in said
