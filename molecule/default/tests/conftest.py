# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The slow scans of the scenario, which run beside the other tests."""

from __future__ import annotations

import typing as t

import pytest

if t.TYPE_CHECKING:
    from conftest import Host

RELEASES: t.Final = ("bookworm", "trixie")


@pytest.fixture(scope="session", autouse=True)
def scans_of_testssl(
    request: pytest.FixtureRequest, groups: t.Mapping[str, t.Sequence[Host]]
) -> None:
    """Start the scans if a test wants them."""
    if not any(item.name.startswith("test_testssl") for item in request.session.items):
        return
    (referee,) = groups["client"]
    for release in RELEASES:
        referee.output(
            "systemd-run", "--collect", f"--unit=testssl-{release}", "--property=WorkingDirectory=/root/lab",
            "testssl", "--quiet", "--color=0", "--warnings=off", "--add-ca=/etc/ssl/lab/root.pem", "--overwrite",
            "--jsonfile", f"/root/lab/{release}.json", "--starttls=smtp", f"{release}.example:25",
        )  # fmt: skip
