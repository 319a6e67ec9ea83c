# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Judge the Dovecot of this host (effects: runs doveconf and postconf, looks at files; nothing is written)."""

from __future__ import annotations

import os
import typing as t
from dataclasses import replace

from ansible_collections.hardened.mail.plugins.module_utils.dovecot import host_look, runner
from ansible_collections.hardened.mail.plugins.module_utils.policy import (
    dovecot_validation,
    validation,
)


class LiveProblem(Exception):
    """There is no such configuration on this host."""


def judge_host(
    config_file: str, request: validation.Request, *, postfix_directory: str, timeout: float
) -> dict[str, t.Any]:
    """Return the result for one configuration; *timeout* is how many seconds doveconf may take.

    Raises LiveProblem when Dovecot is installed and there is no such file.
    """
    host = os.uname().nodename
    try:
        runner.doveconf()
    except runner.DovecotMissing:
        return dovecot_validation.not_installed(request, host=host, config_file=config_file)
    if not os.path.isfile(config_file):
        raise LiveProblem(
            f"config_file {config_file} is not a file of this host; doveconf says in its first line which one it reads"
        )
    try:
        said = runner.ask(config_file, timeout=timeout)
    except runner.DoveconfSilent as problem:
        found = dovecot_validation.unheard(str(problem))
    else:
        found = dovecot_validation.heard(
            status=said.status,
            explicit=said.explicit,
            everything=said.everything,
            stderr=said.stderr,
            refused_status=runner.REFUSED,
        )
    if found.view is not None:
        view = replace(found.view, choices=request.choices)
        facts = host_look.look(view, postfix_directory=postfix_directory)
        found = replace(found, view=replace(view, facts=facts))
    return dovecot_validation.result_of(found, request, host=host, config_file=config_file)


__all__ = ("LiveProblem", "judge_host")
