# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Look at running processes and at the ports on which they listen (effects: reads /proc)."""

from __future__ import annotations

import os
import socket
import sys
import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.postfix.patterns import later

_UNIT = later(r"/([^/]+\.service)(?:/|$)")


def master_pid(queue_directory: str) -> t.Optional[int]:
    """Return the process id of the master(8) of this queue, None when it does not run."""
    try:
        with open(os.path.join(queue_directory, "pid", "master.pid"), encoding="utf-8") as stream:
            pid = int(stream.read().strip() or "0")
        with open(f"/proc/{pid}/comm", encoding="utf-8") as stream:
            return pid if stream.read().strip() == "master" else None
    except (OSError, ValueError):
        return None


def children(pid: int) -> frozenset[int]:
    """Return the running processes that process *pid* started."""
    found = set()
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as stream:
                state, parent = stream.read().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if int(parent) == pid and state != "Z":
            found.add(int(entry))
    return frozenset(found)


def daemon_runs(pid: int, *, service: str, but: t.Container[int]) -> bool:
    """Return whether master *pid* has a daemon of *service* (``name/type``) that is not in *but*.

    master(8) tells each daemon its service: ``smtpd -n smtp -t inet ...``.
    """
    name, _slash, kind = service.rpartition("/")
    wanted = [b"-n", name.encode(), b"-t", kind.encode()]
    for child in children(pid):
        try:
            with open(f"/proc/{child}/cmdline", "rb") as stream:
                words = stream.read().split(b"\0")
        except OSError:
            continue
        if child not in but and words[1:5] == wanted:
            return True
    return False


def unit_of(pid: int, daemon: str) -> t.Optional[str]:
    """Return the systemd unit of *daemon* that a process belongs to, None outside systemd."""
    if not os.path.isdir("/run/systemd/system"):
        return None
    try:
        with open(f"/proc/{pid}/cgroup", encoding="utf-8") as stream:
            found = _UNIT.findall(stream.read())
    except OSError:
        return None
    return next((unit for unit in reversed(found) if daemon in unit), None)


def listening(pid: int) -> frozenset[tuple[str, int]]:
    """Return (address, port) of every TCP socket on which process *pid* listens."""
    inodes = set()
    try:
        for descriptor in os.listdir(f"/proc/{pid}/fd"):
            target = os.readlink(f"/proc/{pid}/fd/{descriptor}")
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
    except OSError:
        return frozenset()
    return frozenset(end for inode, end in _listeners(str(pid)) if inode in inodes)


def listening_anyone() -> frozenset[tuple[str, int]]:
    """Return (address, port) of every TCP socket on which any process of this host listens."""
    return frozenset(end for _inode, end in _listeners("self"))


def holder_of(port: int) -> str:
    """Return name and process id of a program that listens on TCP *port*, empty when it cannot be seen."""
    inodes = {inode for inode, end in _listeners("self") if end[1] == port}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            for descriptor in os.listdir(f"/proc/{pid}/fd"):
                target = os.readlink(f"/proc/{pid}/fd/{descriptor}")
                if target.startswith("socket:[") and target[8:-1] in inodes:
                    with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as stream:
                        return f"{stream.read().strip()}, process {pid}"
        except OSError:
            # It ended meanwhile, or is not ours to look at.
            continue
    return ""


def _listeners(process: str) -> t.Iterator[tuple[str, tuple[str, int]]]:
    """Return inode and (address, port) of the listening sockets in the network of a process."""
    for table in ("tcp", "tcp6"):
        try:
            with open(f"/proc/{process}/net/{table}", encoding="utf-8") as stream:
                rows = [line.split() for line in stream.readlines()[1:]]
        except OSError:
            continue
        for row in rows:
            if row[3] == "0A":
                address, _colon, port = row[1].partition(":")
                yield row[9], (_address(address), int(port, 16))


def _address(raw: str) -> str:
    """Return the text of an address of /proc/net/tcp (32-bit words in host byte order)."""
    words = bytes.fromhex(raw)
    if sys.byteorder == "little":
        words = b"".join(words[i : i + 4][::-1] for i in range(0, len(words), 4))
    family = socket.AF_INET if len(words) == 4 else socket.AF_INET6
    return socket.inet_ntop(family, words)


__all__ = (
    "children",
    "daemon_runs",
    "holder_of",
    "listening",
    "listening_anyone",
    "master_pid",
    "unit_of",
)
