# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Judge the Postfix of this host (effects: runs postconf and looks at files; nothing is written)."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.policy import validation
from ansible_collections.hardened.mail.plugins.module_utils.postfix import host_look, runner


class LiveProblem(Exception):
    """There is no such instance of Postfix on this host."""


def judge_host(
    config_directory: str, request: validation.Request, *, timeout: float
) -> dict[str, t.Any]:
    """Return the result for one instance; *timeout* is how many seconds postconf may take.

    A host without Postfix gives a result in which nothing was judged. Raises LiveProblem when there is no
    such directory.
    """
    try:
        runner.command("postconf")
    except runner.PostfixMissing as missing:
        return validation.unjudged(
            str(missing),
            request,
            host=os.uname().nodename,
            instance=config_directory,
            installed=False,
        )
    if not os.path.isdir(config_directory):
        raise LiveProblem(
            f"config_directory {config_directory} is not a directory of this host; "
            "postmulti -l lists the instances of Postfix"
        )
    capture = runner.capture(config_directory, timeout=timeout)
    return validation.result_of(capture, request, look=host_look.look)


__all__ = ("LiveProblem", "judge_host")
