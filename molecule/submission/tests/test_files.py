# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is the site's stays, and no password is on the disk."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from conftest import Host


def test_file_of_the_site_is_in_force_still(mail: Host) -> None:
    assert mail.output("doveconf", "-h", "mail_max_userip_connections") == "17"


def test_no_password_is_on_the_disk_in_clear(mail: Host, passwords: t.Mapping[str, str]) -> None:
    found = mail.run(
        "grep", "--recursive", "--files-with-matches", passwords["alice"], "/etc", "/var/lib", "/var/log", "/run", "/tmp",
    )  # fmt: skip
    assert found.stdout == ""
    mode = mail.output("stat", "--format=%a %U:%G", "/etc/dovecot/hardened-mail.users")
    assert mode in ("640 root:dovecot", "600 root:root")
