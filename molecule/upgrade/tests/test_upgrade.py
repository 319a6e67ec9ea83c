# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host is what it should have become."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from conftest import Host


def test_both_services_are_of_the_next_release(mail: Host) -> None:
    assert mail.output("postconf", "-h", "mail_version").startswith("3.10.")
    assert mail.output("dovecot", "--version").startswith("2.4.")


def test_every_package_is_configured(mail: Host) -> None:
    assert mail.output("dpkg", "--audit") == ""


def test_no_service_has_failed(mail: Host) -> None:
    failed = mail.output("systemctl", "--failed", "--plain", "--no-legend")
    assert not [line for line in failed.splitlines() if "postfix" in line or "dovecot" in line]


def test_nothing_warns_of_old_settings(mail: Host) -> None:
    assert mail.run("postconf", "-n").stderr == ""
    assert mail.run("doveconf", "-n").stderr == ""
