# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing but what the roles own differs, byte for byte."""

from __future__ import annotations

import json
import typing as t

if t.TYPE_CHECKING:
    from conftest import Host

# What the roles keep for themselves, mail, and what Postfix copies whenever it starts.
NOT_LOOKED_AT: t.Final = ("/var/lib/hardened-mail", "/var/mail", "/var/spool/postfix/etc")


def differing(host: Host) -> list[str]:
    """Return the files that are not as they were before the first run."""
    paths = json.loads(host.output("python3", "/root/lab/files.py", "compare"))
    return [path for path in paths if not path.startswith(NOT_LOOKED_AT)]


def test_only_the_files_of_the_roles_differ(mail: Host) -> None:
    assert differing(mail) == [
        "/etc/dovecot/conf.d/99-hardened-mail.conf",
        "/etc/dovecot/conf.d/auth-system.conf.ext",
        "/etc/dovecot/hardened-mail.users",
        "/etc/postfix/main.cf",
        "/etc/postfix/master.cf",
    ]


def test_other_port_of_the_site_still_takes_logins(
    grown: Host, talk: t.Callable[..., list[str]]
) -> None:
    ehlo = {"send": "EHLO client.example\r\n"}
    steps = (ehlo, {"send": "STARTTLS\r\n"}, {"tls": True}, ehlo)
    assert "AUTH" in talk(grown, *steps, port=2525)[-1]
