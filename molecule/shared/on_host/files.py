# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Note every file of a host (``note``), and say later which are not as they were (``compare``).

A file is its content, owner, mode, place a link leads to, and time of its last change.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys

PLACES = ("/etc", "/root", "/usr/local", "/var/lib", "/var/mail", "/var/spool/postfix/etc")
# What services of their own accord write there, and Podman when a container starts; Ansible's working directory,
# and this program's.
NOT_OURS = (
    "/etc/hosts/",
    "/etc/resolv.conf/",
    "/root/.ansible/",
    "/root/lab/",
    "/var/lib/dovecot/",
    "/var/lib/ldap/",
    "/var/lib/postfix",
    "/var/lib/postgresql/",
    "/var/lib/systemd/",
)
NOTES = "/root/lab/before.json"


def describe(path: str) -> list[int | str]:
    """Return what ``path`` is."""
    found = os.lstat(path)
    described: list[int | str] = [found.st_uid, found.st_gid, oct(found.st_mode), found.st_mtime_ns]
    if os.path.islink(path):
        return [*described, os.readlink(path)]
    if not os.path.isfile(path):
        return described[:3]
    with open(path, "rb") as stream:
        return [*described, hashlib.sha256(stream.read()).hexdigest()]


def look() -> dict[str, list[int | str]]:
    """Return every file and directory of PLACES with what it is."""
    found: dict[str, list[int | str]] = {}
    for place in PLACES:
        for directory, _folders, names in os.walk(place):
            for path in [directory, *(os.path.join(directory, name) for name in names)]:
                if not f"{path}/".startswith(NOT_OURS):
                    found[path] = describe(path)
    return found


def main() -> None:
    """Run the command."""
    if sys.argv[1] == "note":
        with open(NOTES, "w", encoding="utf-8") as stream:
            json.dump(look(), stream)
        return
    with open(NOTES, encoding="utf-8") as stream:
        before = json.load(stream)
    after = look()
    different = [path for path in {*before, *after} if before.get(path) != after.get(path)]
    json.dump(sorted(different), sys.stdout)


main()
