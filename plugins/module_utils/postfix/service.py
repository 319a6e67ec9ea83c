# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Look at and act on the running Postfix (effects: processes, signals, the service manager)."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import time
import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.postfix import runner

_SUCCESSION_SECONDS = 3.0
_QUIET_SECONDS = 0.5
_UNIT = re.compile(r"/([^/]+\.service)(?:/|$)")


class ServiceProblem(Exception):
    """Postfix could not be reloaded or restarted."""


def master_pid(queue_directory: str) -> t.Optional[int]:
    """Return the process id of the master(8) of this queue, None when it does not run."""
    try:
        with open(os.path.join(queue_directory, "pid", "master.pid"), encoding="ascii") as stream:
            pid = int(stream.read().strip() or "0")
        with open(f"/proc/{pid}/comm", encoding="ascii") as stream:
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


def unit_of(pid: int) -> t.Optional[str]:
    """Return the systemd unit that a process belongs to, None outside systemd."""
    if not os.path.isdir("/run/systemd/system"):
        return None
    try:
        with open(f"/proc/{pid}/cgroup", encoding="utf-8") as stream:
            found = _UNIT.findall(stream.read())
    except OSError:
        return None
    return next((unit for unit in reversed(found) if "postfix" in unit), None)


def reload(config_directory: str, *, pid: t.Optional[int] = None) -> None:
    """Tell the running master to read its configuration. Raises ServiceProblem.

    With *pid*, the master's, return when whoever connects meets a daemon that was started since:
    an idle one of before still takes a client until it learns of the reload.
    """
    old = children(pid) if pid else frozenset()
    done = runner.run([runner.command("postfix"), "-c", config_directory, "reload"])
    if done.status != 0:
        raise ServiceProblem(
            f"postfix reload failed with status {done.status}: "
            f"{(done.stderr or done.stdout).strip() or 'no message; see the mail log'}"
        )
    if pid:
        _wait_for_successors(pid, old=old)


def _wait_for_successors(pid: int, *, old: frozenset[int]) -> None:
    """Wait until the idle ones among the daemons *old* have ended.

    A busy one ends after its client and takes no other. Which are busy nobody tells, so they are
    those that stay when for a while no more of them end.
    """
    left, changed = old, time.monotonic()
    deadline = changed + _SUCCESSION_SECONDS
    while left and time.monotonic() < deadline:
        now = left.intersection(children(pid))
        if now != left:
            left, changed = now, time.monotonic()
        elif left != old and time.monotonic() - changed > _QUIET_SECONDS:
            return
        time.sleep(0.02)


def read_again(pid: int) -> None:
    """Tell the master *pid* itself to read its configuration, as ``postfix reload`` does at its end."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGHUP)


def restart(config_directory: str, *, queue_directory: str, unit: t.Optional[str]) -> None:
    """Stop and start the master, through systemd when *unit* is given.

    Returns when a new master runs. Raises ServiceProblem when it was told that the start failed,
    or when there is none within 30 s.
    """
    old = master_pid(queue_directory)
    systemctl = shutil.which("systemctl")
    if unit and systemctl:
        # Else systemd refuses the sixth start within ten seconds, and putting back is one of them.
        runner.run([systemctl, "reset-failed", unit])
        done = runner.run([systemctl, "restart", unit], timeout=120)
    else:
        postfix = runner.command("postfix")
        runner.run([postfix, "-c", config_directory, "stop"], timeout=60)
        done = runner.run([postfix, "-c", config_directory, "start"], timeout=60)
    deadline = time.monotonic() + 30
    while master_pid(queue_directory) in (None, old):
        if done.status != 0 or time.monotonic() > deadline:
            raise ServiceProblem(
                f"Postfix was not started again (status {done.status}): "
                f"{(done.stderr or done.stdout).strip() or 'no message; see the mail log'}"
            )
        time.sleep(0.1)


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
            with open(f"/proc/{process}/net/{table}", encoding="ascii") as stream:
                rows = [line.split() for line in stream.readlines()[1:]]
        except OSError:
            continue
        for row in rows:
            if row[3] == "0A":
                address, _colon, port = row[1].partition(":")
                yield row[9], (_address(address), int(port, 16))


def _address(raw: str) -> str:
    """Return the text of an address of /proc/net/tcp (32-bit words in host byte order)."""
    import socket  # noqa: PLC0415 - only this function needs it
    import sys  # noqa: PLC0415 - only this function needs it

    words = bytes.fromhex(raw)
    if sys.byteorder == "little":
        words = b"".join(words[i : i + 4][::-1] for i in range(0, len(words), 4))
    family = socket.AF_INET if len(words) == 4 else socket.AF_INET6
    return socket.inet_ntop(family, words)


__all__ = (
    "ServiceProblem",
    "children",
    "daemon_runs",
    "holder_of",
    "listening",
    "listening_anyone",
    "master_pid",
    "read_again",
    "reload",
    "restart",
    "unit_of",
)
