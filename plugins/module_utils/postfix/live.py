# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Judge the Postfix of this host (effects: runs postconf and looks at files; nothing is written)."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.postfix import runner

if t.TYPE_CHECKING:
    from ansible_collections.hardened.mail.plugins.module_utils.policy.validation import Request


class LiveProblem(Exception):
    """There is no such instance of Postfix on this host."""


def asked(config_directory: str, *, timeout: float) -> t.Optional[runner.Asked]:
    """Ask postconf about an instance, *timeout* seconds long; None on a host without Postfix.

    Raises LiveProblem when there is no such directory.
    """
    try:
        runner.command("postconf")
    except runner.PostfixMissing:
        return None
    if not os.path.isdir(config_directory):
        raise LiveProblem(
            f"config_directory {config_directory} is not a directory of this host; "
            "postmulti -l lists the instances of Postfix"
        )
    return runner.ask(config_directory, timeout=timeout)


def judged(
    asking: t.Optional[runner.Asked], request: Request, *, config_directory: str
) -> dict[str, t.Any]:
    """Return the result of what was asked; without Postfix one in which nothing was judged."""
    # Loaded while postconf runs.
    from ansible_collections.hardened.mail.plugins.module_utils.policy import (  # noqa: PLC0415 - while postconf runs
        validation,
    )
    from ansible_collections.hardened.mail.plugins.module_utils.postfix import (  # noqa: PLC0415 - while postconf runs
        host_look,
    )

    if asking is None:
        return validation.unjudged(
            "postconf was not found on this host: Postfix is not installed",
            request,
            host=os.uname().nodename,
            instance=config_directory,
            installed=False,
        )
    return validation.result_of(asking.capture(), request, look=host_look.look)


__all__ = ("LiveProblem", "asked", "judged")
