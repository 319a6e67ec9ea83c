# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter wire_findings: its result, and input that it refuses. The rules are tested with their file."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.hardened.mail.plugins.filter.wire_findings import (
    FilterModule,
    wire_findings,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.rules_conduct import is_conduct
from ansible_collections.hardened.mail.plugins.module_utils.policy.rules_wire import RULES
from ansible_collections.hardened.mail.plugins.module_utils.starttls.conduct import QUESTIONS
from ansible_collections.hardened.mail.plugins.module_utils.starttls.report import (
    QUESTIONS as TLS_QUESTIONS,
)

FIXTURE = pathlib.Path(__file__).resolve().parents[2] / "fixtures" / "starttls-info.json"
REPORTS: t.Final[dict[str, t.Any]] = json.loads(FIXTURE.read_text(encoding="utf-8"))["reports"]


def test_the_filter_is_there_and_counts() -> None:
    name, function = next(iter(FilterModule().filters().items()))
    judged = function(
        REPORTS["hard-mx-trixie"],
        host="mx.example",
        port=25,
        files=[{"path": "/x", "sha256": "1" * 64}],
        now="2026-11-25T00:00:00Z",
    )
    assert name == "wire_findings"
    assert judged["counts"] == {"info": 0, "low": 2, "medium": 2, "high": 0, "critical": 0}
    assert judged["findings"][0]["rule"] == "served-certificate-not-in-files"
    assert judged["rules_run"] == len(RULES)


@pytest.mark.parametrize(
    ("report", "options", "message"),
    [
        pytest.param("text", {}, "is no result", id="text"),
        pytest.param({}, {}, "is no result", id="empty"),
        pytest.param({"incomplete": []}, {"purpose": "web"}, "expected one of mx,", id="purpose"),
        pytest.param({"incomplete": []}, {"profile": "best"}, "expected one of", id="profile"),
        pytest.param({"incomplete": []}, {"now": "2026-11-25"}, "a time zone", id="no-zone"),
        pytest.param({"incomplete": []}, {"now": "today"}, "expected a moment", id="no-moment"),
        pytest.param({"incomplete": [], "chains": {"rsa": [7]}}, {}, "is no result", id="garbage"),
    ],
)
def test_the_filter_refuses_what_it_cannot_judge(
    report: t.Any, options: dict[str, t.Any], message: str
) -> None:
    with pytest.raises(AnsibleFilterError, match=message):
        wire_findings(report, host="mx.example", port=25, **options)


def test_conduct_is_judged_too() -> None:
    taken = {"accepted": True, "reply": "250 Ok"}
    report = {"mail_before_tls": taken, "incomplete": [], "address": "192.0.2.1"}
    judged = wire_findings(report, host="mx.example", port=587, now="2026-11-25T00:00:00Z")
    assert [one["rule"] for one in judged["findings"]] == ["wire-mail-before-tls"]
    # What was not asked is not good.
    assert judged["incomplete"]
    assert is_conduct(dict.fromkeys(QUESTIONS[:1]))
    assert all(is_conduct({one: None}) for one in QUESTIONS)
    assert not any(is_conduct({one: None}) for one in TLS_QUESTIONS)
