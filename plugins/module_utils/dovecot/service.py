# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Look at and act on the running Dovecot (effects: processes, signals, the service manager)."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.postfix import runner
from ansible_collections.hardened.mail.plugins.module_utils.postfix.processes import children

UNIT: t.Final = "dovecot.service"
_SUCCESSION_SECONDS: t.Final = 3.0
_ENDING_SECONDS: t.Final = 1.0
_DYING_SECONDS: t.Final = 0.4
_START_SECONDS: t.Final = 30.0
#: Those that go on with the configuration of before serve people who are logged in.
_SUCCEEDED: t.Final = frozenset({"auth", "config", "imap-login", "managesieve-logi", "pop3-login"})


class ServiceProblem(Exception):
    """Dovecot could not be reloaded or restarted."""


def base_directory(value: str) -> str:
    """Return where Dovecot has its process id and sockets; doveconf of 2.4 does not print the default."""
    return value or "/run/dovecot"


def master_pid(base_directory: str) -> t.Optional[int]:
    """Return the process id of the running Dovecot, None when it does not run."""
    try:
        with open(os.path.join(base_directory, "master.pid"), encoding="ascii") as stream:
            pid = int(stream.read().strip() or "0")
        return pid if _name(pid) == "dovecot" else None
    except (OSError, ValueError):
        return None


def _name(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as stream:
            return stream.read().strip()
    except OSError:
        return ""


def failed_start(unit: str = UNIT) -> str:
    """Return what the log says of the last start, empty when it did not fail or there is no systemd."""
    systemctl, journalctl = shutil.which("systemctl"), shutil.which("journalctl")
    if not systemctl or not os.path.isdir("/run/systemd/system"):
        return ""
    if runner.run([systemctl, "is-failed", unit]).stdout.strip() != "failed":
        return ""
    told: list[str] = []
    if journalctl:
        done = runner.run([journalctl, "-u", unit, "-n", "30", "-o", "cat", "--no-pager"])
        told = _last_words(done.stdout.splitlines())
    return "; ".join(told) or f"see journalctl -u {unit}"


def _last_words(log: t.Sequence[str]) -> list[str]:
    """Return the last errors since the last start, once each: Dovecot logs and prints them."""
    told: dict[str, None] = {}
    for line in log:
        if line.startswith("Starting "):
            told = {}
        elif "Fatal: " in line or "Error: " in line:
            told[line.partition("master: ")[2] or line] = None
    return list(told)[-2:]


def reload(pid: int) -> None:
    """Tell the running Dovecot to read its configuration; return when new processes serve it.

    Raises ServiceProblem when it is gone.
    """
    old = {one for one in children(pid) if _name(one) in _SUCCEEDED}
    try:
        os.kill(pid, signal.SIGHUP)
    except ProcessLookupError as error:
        raise ServiceProblem(f"Dovecot's main process {pid} is gone") from error
    if _await_end(old, pid=pid, seconds=_SUCCESSION_SECONDS):
        return
    # Dovecot 2.3.19 and 2.4.1 do not end an auth process that has not reported to them since it started,
    # and an smtpd that is connected to it would go on being answered with the configuration of before.
    stale = {one for one in old & children(pid) if _name(one) == "auth"}
    for one in stale:
        with contextlib.suppress(ProcessLookupError):
            os.kill(one, signal.SIGTERM)
    _await_end(stale, pid=pid, seconds=_ENDING_SECONDS)


def _await_end(processes: t.Collection[int], *, pid: int, seconds: float) -> bool:
    """Return whether none of the processes is a child of *pid* any more, after at most *seconds*."""
    deadline = time.monotonic() + seconds
    while not children(pid).isdisjoint(processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def survives(pid: int) -> bool:
    """Return whether the main process is there for a moment after a reload, which it may die of."""
    until = time.monotonic() + _DYING_SECONDS
    while time.monotonic() < until:
        if _name(pid) != "dovecot":
            return False
        time.sleep(0.02)
    return True


def restart(config_file: str, *, base_directory: str, unit: t.Optional[str]) -> None:
    """Stop and start Dovecot, through systemd when *unit* is given. Raises ServiceProblem."""
    old = master_pid(base_directory)
    systemctl = shutil.which("systemctl")
    if unit and systemctl:
        runner.run([systemctl, "reset-failed", unit])
        done = runner.run([systemctl, "restart", unit], timeout=120)
    else:
        runner.run([runner.command("doveadm"), "-c", config_file, "stop"], timeout=60)
        # It waits three seconds, and the main process longer, for a child that was just started.
        until = time.monotonic() + _START_SECONDS
        while old and _name(old) == "dovecot" and time.monotonic() < until:
            time.sleep(0.1)
        done = _start(config_file)
    deadline = time.monotonic() + _START_SECONDS
    while master_pid(base_directory) in (None, old):
        if done.status != 0 or time.monotonic() > deadline:
            why = (failed_start(unit) if unit else "") or (done.stderr or done.stdout).strip()
            raise ServiceProblem(
                f"Dovecot was not started (status {done.status}): {why or 'no message; see the mail log'}"
            )
        time.sleep(0.1)


def _start(config_file: str) -> runner.Completed:
    """Start Dovecot without systemd; return how the command ended.

    What it starts keeps its standard error open, so a pipe would not end before Dovecot does.
    """
    with tempfile.TemporaryFile() as told:
        try:
            done = subprocess.run(  # pylint: disable=ansible-bad-function
                [runner.command("dovecot"), "-c", config_file],
                stdin=subprocess.DEVNULL,
                stdout=told,
                stderr=subprocess.STDOUT,
                timeout=_START_SECONDS,
                check=False,
            )
            status = done.returncode
        except subprocess.TimeoutExpired:
            status = 124
        told.seek(0)
        return runner.Completed(status, "", told.read().decode("utf-8", "replace"))


__all__ = (
    "UNIT",
    "ServiceProblem",
    "base_directory",
    "failed_start",
    "master_pid",
    "reload",
    "restart",
    "survives",
)
