# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Judge a staged configuration by the rules about what kills a daemon (effects: runs postconf)."""

from __future__ import annotations

import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.policy import redaction
from ansible_collections.hardened.mail.plugins.module_utils.policy.from_capture import view_of
from ansible_collections.hardened.mail.plugins.module_utils.policy.rule import judge
from ansible_collections.hardened.mail.plugins.module_utils.policy.rules import RULES
from ansible_collections.hardened.mail.plugins.module_utils.postfix import runner

if t.TYPE_CHECKING:
    from ansible_collections.hardened.mail.plugins.module_utils.policy.findings import Finding
    from ansible_collections.hardened.mail.plugins.module_utils.postfix.capture import Capture

#: Files of the new configuration may not exist yet; the transaction looks at them in its own way.
_RULES: t.Final = tuple(
    one
    for one in RULES
    if one.dies and "host" not in one.needs and one.severity in ("high", "critical")
)


def stopping(staged: str, *, real: str) -> tuple[str, ...]:
    """Return what in the directory *staged* kills a daemon, or TLS, and is not in *real* already.

    Each is a sentence without secrets. What postconf does not answer is not judged here: the transaction has
    refused it before.
    """
    found = _deadly(_relocated(runner.capture(staged), staged=staged, real=real))
    if not found:
        return ()
    known = _deadly(runner.capture(real))
    return tuple(text for key, text in found.items() if key not in known)


def _deadly(capture: Capture) -> dict[tuple[str, str, str], str]:
    """Return what each finding is about, and its text."""
    view, missing = view_of(capture)
    verdict = judge(view, _RULES, missing=missing)
    findings = redaction.without_secrets(verdict.findings, view=view)
    return {(one.rule, one.subject, one.parameter): _text(one) for one in findings}


def _text(one: Finding) -> str:
    name = f"{one.subject} {one.parameter}".rstrip()
    return f"{name}: {one.message.rstrip('.')}. {one.why}"


def _relocated(capture: Capture, *, staged: str, real: str) -> Capture:
    """Return *capture* as if the staged directory were the real one."""
    return capture._replace(
        config_directory=real,
        said={
            question: said._replace(
                stdout=said.stdout.replace(staged, real),
                stderr=said.stderr.replace(staged, real),
            )
            for question, said in capture.said.items()
        },
    )


__all__ = ("stopping",)
