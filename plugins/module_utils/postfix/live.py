# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Start what a task of ``postconf_validate`` has to ask, and load what judges meanwhile (effects: processes)."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.postfix import loading, runner

if t.TYPE_CHECKING:
    from ansible_collections.hardened.mail.plugins.module_utils.postfix.validate_task import Outcome


class TaskProblem(Exception):
    """The task cannot be done as it is written, or not on this host."""


def outcome(params: t.Mapping[str, t.Any], *, check_mode: bool) -> Outcome:
    """Return what comes of a task. Raises TaskProblem."""
    timeout = params["timeout"]
    if not 0 < timeout <= 3600:
        raise TaskProblem(f"timeout must be more than 0 and at most 3600 seconds, not {timeout}")
    here = params["captures"] is None and params["capture"] is None
    asking = _asked(params["config_directory"], timeout=timeout) if here else None
    with loading.quickly():
        from ansible_collections.hardened.mail.plugins.module_utils.postfix import (  # noqa: PLC0415 - while postconf runs
            validate_task,
        )

    try:
        return validate_task.outcome(params, asking, write=not check_mode)
    except validate_task.Refused as error:
        raise TaskProblem(str(error)) from error


def _asked(config_directory: str, *, timeout: float) -> t.Optional[runner.Asked]:
    """Ask postconf about an instance, *timeout* seconds long; None on a host without Postfix.

    Raises TaskProblem when there is no such directory.
    """
    try:
        runner.command("postconf")
    except runner.PostfixMissing:
        return None
    if not os.path.isdir(config_directory):
        raise TaskProblem(
            f"config_directory {config_directory} is not a directory of this host; "
            "postmulti -l lists the instances of Postfix"
        )
    return runner.ask(config_directory, timeout=timeout)


__all__ = ("TaskProblem", "outcome")
