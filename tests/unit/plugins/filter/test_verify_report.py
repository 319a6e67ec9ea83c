# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter verify_report over what Ansible registers."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.hardened.mail.plugins.filter.verify_report import verify_report

NOW = "2026-11-25T12:00:00Z"


def test_a_host_of_which_nothing_is_known_fails() -> None:
    made = verify_report(["mx"], {"mx": {}}, now=NOW)
    assert made["passed"] is False
    assert made["failures"] == ["1 host not verified"]
    assert made["lines"][-1].startswith("NOT PASSED")
    assert json.loads(made["json"])["generated"] == NOW
    assert made["junit"].startswith("<?xml")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"profile": "modern"}, "profile is 'modern': expected one of"),
        ({"fail_on": "bad"}, "fail_on is 'bad': expected one of"),
        ({"rules_disabled": ["wire-nothing"]}, "rules_disabled is 'wire-nothing'"),
    ],
)
def test_what_there_is_not_is_refused(options: dict[str, t.Any], words: str) -> None:
    with pytest.raises(AnsibleFilterError, match=words):
        verify_report(["mx"], {"mx": {}}, now=NOW, **options)


def test_a_waiver_of_an_unknown_rule_is_refused() -> None:
    waivers = [{"rule": "wire-nothing", "reason": "x", "expires": "2027-01-01"}]
    with pytest.raises(AnsibleFilterError, match=r"verify_waivers of mx: .*wire-nothing"):
        verify_report(["mx"], {"mx": {"verify_waivers": waivers}}, now=NOW)
