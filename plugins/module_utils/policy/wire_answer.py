# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with a port, from what the modules saw of it (pure)."""

from __future__ import annotations

import datetime
import typing as t
from collections.abc import Mapping

from ansible_collections.hardened.mail.plugins.module_utils.policy.findings import worst_first
from ansible_collections.hardened.mail.plugins.module_utils.policy.profiles import PROFILES
from ansible_collections.hardened.mail.plugins.module_utils.policy.rules_conduct import (
    is_conduct,
    judge_conduct,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.rules_wire import (
    PURPOSES,
    judge_port,
    served_against_file,
)


class Refused(Exception):
    """What was given cannot be judged; the message says why."""


def wire_answer(
    report: t.Any,
    *,
    host: str,
    port: int,
    purpose: t.Optional[str] = None,
    profile: str = "intermediate",
    files: t.Sequence[t.Mapping[str, t.Any]] = (),
    now: datetime.datetime,
) -> dict[str, t.Any]:
    """Return what is wrong with a port; the options are those of the filter ``wire_findings``. Raises Refused.

    *now* has a time zone.
    """
    if not isinstance(report, Mapping) or not isinstance(report.get("incomplete"), list):
        raise Refused(
            "the input is no result of starttls_info, mail_conduct_info or mail_roundtrip"
        )
    if purpose is not None and purpose not in PURPOSES:
        raise Refused(f"purpose is {purpose!r}: expected one of {', '.join(PURPOSES)}")
    if profile not in PROFILES:
        raise Refused(f"profile is {profile!r}: expected one of {', '.join(PROFILES)}")
    chosen = t.cast("t.Any", purpose)
    try:
        verdict = (judge_conduct if is_conduct(report) else judge_port)(
            report,
            host=str(host),
            port=int(port),
            purpose=chosen,
            profile=profile,
            now=now,
        )
        served = served_against_file(report, files, host=str(host), port=int(port), purpose=chosen)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Refused(
            f"the input is no result of starttls_info, mail_conduct_info or mail_roundtrip ({error!r})"
        ) from error
    verdict = verdict._replace(findings=worst_first((*verdict.findings, *served)))
    return {
        "findings": [one.as_dict() for one in verdict.findings],
        "incomplete": [one.as_dict() for one in verdict.incomplete],
        "counts": verdict.counts(),
        "rules_run": verdict.rules_run,
    }


__all__ = ("Refused", "wire_answer")
