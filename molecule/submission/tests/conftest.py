# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The people of the scenario, and one scan of each daemon."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import typing as t

import pytest
import yaml

if t.TYPE_CHECKING:
    from conftest import Host

    Scans = t.Mapping[tuple[str, int], dict[str, t.Any]]

HERE: t.Final = pathlib.Path(__file__).resolve().parent
# One port of each daemon, where TLS comes first.
SCANNED: t.Final = (465, 993)
VERSIONS: t.Final = ("sslv2", "sslv3", "tlsv1", "tlsv1_1", "tlsv1_2", "tlsv1_3")


@pytest.fixture(scope="session")
def passwords() -> dict[str, str]:
    """Return the password of each person, and of the account that is no login for mail."""
    told = yaml.safe_load((HERE.parent / "vars.yml").read_text(encoding="utf-8"))
    return {one["name"]: one["password"] for one in [*told["people"], told["outsider"]]}


@pytest.fixture(scope="session")
def scans(groups: t.Mapping[str, t.Sequence[Host]]) -> Scans:
    """Scan a port of each daemon of every mail host with sslyze, from here and all at once."""
    report = pathlib.Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "sslyze.json"
    targets = [
        f"{host.address}:{port}{{{host.ip_address}}}" for host in groups["mail"] for port in SCANNED
    ]
    # Dovecot starts a process for each connection, and sslyze waits for an answer for five seconds only.
    command = ["sslyze", "--quiet", "--slow_connection", f"--json_out={report}"]
    command += [f"--{version}" for version in VERSIONS]
    subprocess.run([*command, "--reneg", "--compression", *targets], check=True, timeout=300)
    results = json.loads(report.read_text(encoding="utf-8"))["server_scan_results"]
    unreached = [one["connectivity_error_trace"] for one in results if not one["scan_result"]]
    assert not unreached, "\n".join(map(str, unreached))
    return {
        (one["server_location"]["hostname"], one["server_location"]["port"]): one for one in results
    }
