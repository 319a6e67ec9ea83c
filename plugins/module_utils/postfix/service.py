# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Act on the running Postfix (effects: processes, signals, the service manager)."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.postfix import runner
from ansible_collections.hardened.mail.plugins.module_utils.postfix.processes import (
    children,
    master_pid,
)

_SUCCESSION_SECONDS = 3.0
_QUIET_SECONDS = 0.5


class ServiceProblem(Exception):
    """Postfix could not be reloaded or restarted."""


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


__all__ = ("ServiceProblem", "read_again", "reload", "restart")
