# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The switches of the playbook harden on a real host: off by default, and what each one brings."""

from __future__ import annotations

import json
import os
import pathlib
import re
import subprocess
import sys
import typing as t

import pytest

ROOT: t.Final = pathlib.Path(__file__).resolve().parents[2]
LAB: t.Final = [sys.executable, str(ROOT / "tests" / "lab" / "lab.py")]
GROUP: t.Final = f"harden{os.getpid()}"
SITE: t.Final = {
    "harden_hosts": "all",
    "message_authentication_domains": [{"domain": "mx.example", "selectors": [{"selector": "r1"}]}],
    "mta_sts_publish": "file",
    "mta_sts_domains": ["mx.example"],
    "mta_sts_description": {
        "hosts": [{"name": "mx.example"}],
        "domains": [{"name": "mx.example", "mx": ["mx.example"], "mta_sts": {"mode": "testing"}}],
    },
}
SWITCHES: t.Final = {
    "harden_certificates": "/usr/local/sbin/hardened-mail-certificates",
    "harden_message_authentication": "/etc/hardened-mail/dkim/mx.example/r1.key",
    "harden_mta_sts": "/var/www/mta-sts/mx.example/mta-sts.txt",
}


@pytest.fixture(scope="module")
def inventory() -> t.Iterator[pathlib.Path]:
    """The inventory of one host."""
    try:
        subprocess.run([*LAB, "up", "--group", GROUP, "--hosts", "mx=trixie:milters"], check=True)
        yield ROOT / ".cache" / "lab" / GROUP / "inventory.yml"
    finally:
        subprocess.run([*LAB, "down", "--group", GROUP], check=True)


def on_host(script: str) -> str:
    """Run a script on the host that must succeed; return what it prints."""
    command = ["podman", "exec", f"hml-{GROUP}-mx", "sh", "-c", script]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def harden(inventory: pathlib.Path, *on: str) -> int:
    """Run the playbook with these switches on; return how many changes it made."""
    given = json.dumps({**SITE, **dict.fromkeys(on, True)})
    done = subprocess.run(
        ["ansible-playbook", "-i", str(inventory), "-e", given, "hardened.mail.harden"],
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache" / "collections"),
            "ANSIBLE_HOME": str(ROOT / ".cache" / "ansible"),
            "ANSIBLE_NOCOLOR": "1",
        },
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (changed,) = re.findall(r"^mx\s+: ok=\d+\s+changed=(\d+)", done.stdout, re.MULTILINE)
    return int(changed)


def there() -> set[str]:
    """Return which of the files that the switches bring are on the host."""
    return set(on_host(f"ls {' '.join(SWITCHES.values())} 2>/dev/null || true").split())


def test_switches_are_off_until_they_are_asked_for(inventory: pathlib.Path) -> None:
    assert harden(inventory) > 0
    assert there() == set()
    assert on_host("postconf -h smtpd_milters") == ""


def test_switches_bring_their_roles_and_a_second_run_changes_nothing(
    inventory: pathlib.Path,
) -> None:
    assert harden(inventory, *SWITCHES) > 0
    assert there() == set(SWITCHES.values())
    assert on_host("systemctl is-active hardened-mail-rspamd") == "active"
    assert "hardened-mail/milter.sock" in on_host("postconf -h smtpd_milters")
    assert harden(inventory, *SWITCHES) == 0
