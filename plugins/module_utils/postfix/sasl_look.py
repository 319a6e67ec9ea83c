# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ask Dovecot's authentication service whether it is there, as smtpd does when it starts (effects: sockets).

Dovecot greets first: its version, a line for each mechanism, and DONE. An smtpd that does not get that far
dies with every connection, and ``postfix check`` says nothing.
"""

from __future__ import annotations

import grp
import os
import pwd
import socket
import stat
import time
import typing as t

_SECONDS = 5.0
_LONGEST = 65536
_GREETING = b"VERSION\t1\t1\nCPID\t%d\n"


def problem(kind: str, path: str, *, queue_directory: str, user: str) -> t.Optional[str]:
    """Return why smtpd could not use this login service; None when it could.

    *kind* and *path* are smtpd_sasl_type and smtpd_sasl_path, *user* is mail_owner. Nothing is said of Cyrus
    SASL, which has no socket of its own: the rehearsal tries it.
    """
    if kind.strip().lower() != "dovecot":
        return None
    if path.startswith("inet:"):
        host, _colon, port = path[5:].rpartition(":")
        return _talk(
            path, lambda: socket.create_connection((host.strip("[]"), int(port)), _SECONDS)
        )
    where = os.path.join(queue_directory, path[5:] if path.startswith("unix:") else path)
    try:
        found = os.stat(where)
    except OSError as error:
        return (
            f"there is no socket {where} ({error.strerror}): start Dovecot with a listener there, which the "
            "role hardened.mail.dovecot_auth does"
        )
    if not stat.S_ISSOCK(found.st_mode):
        return f"{where} is no socket: remove it and restart Dovecot"
    if not _may_write(found, user=user):
        mode = stat.S_IMODE(found.st_mode)
        return (
            f"{user} may not use the socket {where} (mode {mode:04o}): give it mode 0660, user {user} and "
            f"group {user} in Dovecot's service auth"
        )
    return _talk(where, lambda: _local(where))


def _may_write(found: os.stat_result, *, user: str) -> bool:
    try:
        account = pwd.getpwnam(user)
    except KeyError:
        return True
    if found.st_uid == account.pw_uid:
        return bool(found.st_mode & stat.S_IWUSR)
    groups = {account.pw_gid, *(one.gr_gid for one in grp.getgrall() if user in one.gr_mem)}
    if found.st_gid in groups:
        return bool(found.st_mode & stat.S_IWGRP)
    return bool(found.st_mode & stat.S_IWOTH)


def _local(path: str) -> socket.socket:
    wire = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    wire.settimeout(_SECONDS)
    try:
        wire.connect(path)
    except OSError:
        wire.close()
        raise
    return wire


def _talk(where: str, dial: t.Callable[[], socket.socket]) -> t.Optional[str]:
    try:
        with dial() as wire:
            wire.sendall(_GREETING % os.getpid())
            mechanisms = _mechanisms(wire)
    except (OSError, ValueError) as error:
        return f"nobody answers at {where} ({getattr(error, 'strerror', None) or error}): is Dovecot running?"
    if mechanisms is None:
        return f"what answers at {where} is not Dovecot's authentication service"
    return None if mechanisms else f"Dovecot offers no mechanism at {where}: set auth_mechanisms"


def _mechanisms(wire: socket.socket) -> t.Optional[tuple[str, ...]]:
    """Return the mechanisms of the greeting, None when it is none. Raises OSError."""
    until = time.monotonic() + _SECONDS
    text = b""
    while b"\nDONE\n" not in b"\n" + text:
        left = until - time.monotonic()
        if left <= 0 or len(text) > _LONGEST:
            return None
        wire.settimeout(left)
        more = wire.recv(4096)
        if not more:
            return None
        text += more
    lines = [line.split(b"\t") for line in text.splitlines()]
    return tuple(
        line[1].decode("ascii", "replace") for line in lines if line[0] == b"MECH" and line[1:]
    )


__all__ = ("problem",)
