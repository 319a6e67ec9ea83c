# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The switches of the playbook harden on a real host: off by default, and what each one brings."""

from __future__ import annotations

import json
import re
import typing as t

import pytest
from lab_group import Group, run

GROUP: t.Final = Group("harden")
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


@pytest.fixture(scope="module", autouse=True)
def host() -> t.Iterator[None]:
    """One host, ``mx``."""
    with GROUP.running({"mx": "trixie:milters"}):
        yield


def on_host(script: str) -> str:
    """Run a script on the host that must succeed; return what it prints."""
    return GROUP.sh("mx", script)


def harden(*on: str) -> int:
    """Run the playbook with these switches on; return how many changes it made."""
    given = json.dumps({**SITE, **dict.fromkeys(on, True)})
    done = run("ansible-playbook", "-i", str(GROUP.inventory), "-e", given, "hardened.mail.harden")
    assert done.returncode == 0, done.stdout + done.stderr
    (changed,) = re.findall(r"^mx\s+: ok=\d+\s+changed=(\d+)", done.stdout, re.MULTILINE)
    return int(changed)


def there() -> set[str]:
    """Return which of the files that the switches bring are on the host."""
    return set(on_host(f"ls {' '.join(SWITCHES.values())} 2>/dev/null || true").split())


def test_switches_are_off_until_they_are_asked_for() -> None:
    assert harden() > 0
    assert there() == set()
    assert on_host("postconf -h smtpd_milters") == ""


def test_switches_bring_their_roles_and_a_second_run_changes_nothing() -> None:
    assert harden(*SWITCHES) > 0
    assert there() == set(SWITCHES.values())
    assert on_host("systemctl is-active hardened-mail-rspamd") == "active"
    assert "hardened-mail/milter.sock" in on_host("postconf -h smtpd_milters")
    assert harden(*SWITCHES) == 0
