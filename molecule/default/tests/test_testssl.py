# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Port 25 of one hardened host of each release, seen by testssl.sh, which takes more than a minute a port.

The fixture ``scans_of_testssl`` starts the scans before the first test.
"""

from __future__ import annotations

import json
import typing as t

import pytest

if t.TYPE_CHECKING:
    from conftest import Host

GRADES: t.Final = frozenset({"LOW", "MEDIUM", "HIGH", "CRITICAL"})
# What stays, and why.
KNOWN: t.Final = {
    "FS_TLS12_sig_algs": "SHA-1 signatures of the handshake; only the profile strict can refuse them",
    "overall_grade": "T for every STARTTLS port, since STARTTLS can be stripped",
    "cert_revocation": "the throw-away authority publishes no revocations",
    "DNS_CAArecord": "the hosts are not in the DNS",
}


@pytest.mark.slow
@pytest.mark.parametrize("release", ["bookworm", "trixie"])
def test_testssl_finds_nothing_else_than_what_is_known(
    client: Host, until: t.Callable[..., t.Any], release: str
) -> None:
    unit = f"testssl-{release}"
    assert until(lambda: client.run("systemctl", "is-active", unit).rc, seconds=400)
    log = client.output("journalctl", "-o", "cat", "--unit", unit)
    report = client.output("cat", f"/root/lab/{release}.json")
    findings = json.loads(report)
    assert [one for one in findings if one["id"] == "TLS1_3"], log
    found = {one["id"].split()[0]: one for one in findings if one["severity"] in GRADES}
    assert set(found) == set(KNOWN), [found[name] for name in set(found) - set(KNOWN)]
