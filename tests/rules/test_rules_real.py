# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each rule of the validator on a real Postfix of each release: failing, passing, absent, overridden.

Run with ``tests/lab/enter .venv/bin/pytest tests/rules``, ``-k RULE`` for one. Captures that were taken before
are read from .cache/rules; a container is started only for new ones.
"""

from __future__ import annotations

import importlib
import pathlib
import sys
import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.policy.from_capture import view_of
from ansible_collections.hardened.mail.plugins.module_utils.policy.profiles import Choices
from ansible_collections.hardened.mail.plugins.module_utils.policy.rule import judge
from ansible_collections.hardened.mail.plugins.module_utils.policy.rules import RULES
from ansible_collections.hardened.mail.plugins.module_utils.postfix.capture import parse

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
case = importlib.import_module("case")
harness = importlib.import_module("harness")

CASES: t.Final = tuple(
    one
    for path in sorted(HERE.glob("cases_*.py"))
    for one in importlib.import_module(path.stem).CASES
)
RULE: t.Final = {rule.id: rule for rule in RULES}
ON_HOST: t.Final = frozenset(rule.id for rule in RULES if "host" in rule.needs)


@pytest.fixture(scope="session")
def captures(request: pytest.FixtureRequest) -> dict[tuple[str, str], str]:
    """The capture of each case that is going to be run, by release and the name of the case."""
    wanted: dict[str, list[t.Any]] = {}
    for item in request.session.items:
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        if "one" in parameters and "release" in parameters:
            wanted.setdefault(parameters["release"], []).append(parameters["one"])
    return {
        (release, one.id): text
        for release, cases in wanted.items()
        for one, text in zip(cases, harness.captures(release, [one.changes() for one in cases]))
    }


@pytest.mark.parametrize("release", case.RELEASES)
@pytest.mark.parametrize("one", CASES, ids=lambda one: one.id)
def test_rule_tells_the_truth(
    one: t.Any, release: str, captures: dict[tuple[str, str], str]
) -> None:
    view, missing = view_of(
        parse(captures[release, one.id]), choices=Choices(inbound_profile=one.profile)
    )
    verdict = judge(view, [RULE[one.rule]], missing=missing)
    assert not verdict.incomplete
    found = {finding.subject: finding for finding in verdict.findings}
    if one.found_on(release):
        assert one.subject in found
    else:
        assert not found


def test_every_rule_has_its_cases() -> None:
    """A rule that nothing shows to fail, to pass and to judge an absent setting is no rule."""
    kinds = {rule: {one.kind for one in CASES if one.rule == rule} for rule in RULE}
    lacking = {
        rule: sorted({"fails", "passes", "absent"} - there)
        for rule, there in kinds.items()
        if rule not in ON_HOST and not {"fails", "passes", "absent"} <= there
    }
    assert not lacking
    assert sorted({one.rule for one in CASES} - set(RULE)) == []
    names = [one.id for one in CASES]
    assert sorted({name for name in names if names.count(name) > 1}) == []
