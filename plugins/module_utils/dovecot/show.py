# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Say what a run found and did, without secrets (effects: none of its own; it reads what has them)."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.dovecot import (
    doveconf_output,
    survey,
    user_list,
)

if t.TYPE_CHECKING:
    from ansible_collections.hardened.mail.plugins.module_utils.dovecot.transaction import Outcome


def result_of(found: survey.Survey, outcome: Outcome, *, explain: bool) -> dict[str, t.Any]:
    """Return the result of the module, without the diff."""
    result = {
        "changed": outcome.changed,
        "missing": False,
        "version": ".".join(map(str, found.host.version)),
        "changes": [
            {
                "place": one.place,
                "name": one.name,
                "before": _masked(one.name, one.before),
                "after": _masked(one.name, one.after),
            }
            for one in found.told
        ],
        "problems": outcome.problems,
        "activation": outcome.activation,
        "activation_needed": outcome.activation_needed,
        "probe": outcome.probe,
    }
    if explain:
        result["explain"] = [
            {
                "section": " ".join(line.section),
                "name": line.name,
                "value": _masked(line.name, line.value),
                "reason": line.reason,
                "source": line.source,
            }
            for line in found.lines
        ]
    return result


def _masked(name: str, value: t.Optional[str]) -> t.Optional[str]:
    return None if value is None else doveconf_output.masked(name, value)


def diff_of(found: survey.Survey) -> list[dict[str, str]]:
    """Return the diff of every file that changes; the seals are nobody's business."""
    state = os.path.dirname(survey.seals_path(found.tree.main))
    diffs = []
    for change in found.changes:
        if change.path.startswith(state):
            continue
        mask = _mask_of(change.path, found)
        before, after = (
            mask((raw or b"").decode("utf-8", "replace")) for raw in (change.before, change.after)
        )
        diffs.append(
            {
                "before_header": change.path,
                "after_header": change.path,
                "before": before,
                "after": after,
            }
        )
    return diffs


def _mask_of(path: str, found: survey.Survey) -> t.Callable[[str], str]:
    if path == found.choices.users_file:
        return user_list.masked
    return masked_text


def masked_text(text: str) -> str:
    """Return a configuration file with what is secret in a setting masked, in comments too."""
    lines = []
    for line in text.splitlines(keepends=True):
        name, equals, value = line.partition("=")
        bare = name.strip(" \t#")
        if equals and bare.isidentifier():
            shown = doveconf_output.masked(bare, value.strip())
            end = "\n" if line.endswith("\n") else ""
            lines.append(line if shown == value.strip() else f"{name}= {shown}{end}")
        else:
            lines.append(doveconf_output.without_secrets(line))
    return "".join(lines)


__all__ = ("diff_of", "masked_text", "result_of")
