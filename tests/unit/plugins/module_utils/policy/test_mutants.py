# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every hardened setting broken in turn: the validator reports each, and nothing of the whole.

tests/rules/test_mutants_real.py does the same on a real Postfix.
"""

from __future__ import annotations

import importlib
import pathlib
import sys
import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.policy.findings import Finding
from ansible_collections.hardened.mail.plugins.module_utils.policy.profiles import Choices
from ansible_collections.hardened.mail.plugins.module_utils.policy.rule import judge
from ansible_collections.hardened.mail.plugins.module_utils.policy.rules import RULES
from ansible_collections.hardened.mail.plugins.module_utils.policy.rules_versions import UNFIXABLE
from ansible_collections.hardened.mail.plugins.module_utils.policy.settings import SETTINGS
from ansible_collections.hardened.mail.plugins.module_utils.policy.view import View

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[4] / "rules"))
mutants = importlib.import_module("mutants")

JUDGED: t.Final = tuple(rule for rule in RULES if "host" not in rule.needs)
PROFILES: t.Final = (
    ("intermediate", "interop"),
    ("interop", "interop"),
    ("strict", "strict"),
    ("intermediate", "intermediate"),
)
#: Levels below which the whole configuration may speak: hints that need no action.
HINTS: t.Final = frozenset({"info"})


def findings(view: View) -> tuple[Finding, ...]:
    verdict = judge(view, JUDGED)
    assert verdict.incomplete == ()
    return verdict.findings


@pytest.mark.parametrize("release", mutants.RELEASES)
@pytest.mark.parametrize(("inbound", "outbound"), PROFILES)
def test_what_the_role_writes_gives_nothing_to_report(
    release: str, inbound: str, outbound: str
) -> None:
    choices = Choices(
        certificates=mutants.CERTIFICATES, inbound_profile=inbound, outbound_profile=outbound
    )
    found = findings(mutants.view(release, choices))
    assert [
        (one.rule, one.subject, one.parameter, one.observed)
        for one in found
        if one.severity not in HINTS and one.rule not in UNFIXABLE
    ] == []


@pytest.mark.parametrize("release", mutants.RELEASES)
@pytest.mark.parametrize("chosen", mutants.CHOICES)
def test_every_broken_setting_is_reported(release: str, chosen: str) -> None:
    choices = mutants.CHOICES[chosen]
    before = findings(mutants.view(release, choices))
    every = mutants.mutants(release, choices)
    missed = [
        one.id
        for one in every
        if not mutants.reported(one, findings(mutants.view(release, choices, one)), before)
    ]
    assert missed == []
    assert len(every) >= 180


def test_every_setting_that_can_be_weaker_has_a_mutant() -> None:
    """A parameter whose values the table compares, and no mutant for it, is not tried at all."""
    judged = {one.parameter for one in SETTINGS if one.judge}
    assert judged - set(mutants.WEAK) == set()
