# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every hardened setting broken in turn on a real Postfix of each release: the validator reports each.

Run with ``tests/lab/enter .venv/bin/pytest tests/rules/test_mutants_real.py``; captures that were taken before
are read from .cache/rules. tests/unit has the same without a daemon, in seconds.
"""

from __future__ import annotations

import importlib
import pathlib
import sys
import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.policy.findings import Finding
from ansible_collections.hardened.mail.plugins.module_utils.policy.from_capture import view_of
from ansible_collections.hardened.mail.plugins.module_utils.policy.rule import judge
from ansible_collections.hardened.mail.plugins.module_utils.policy.rules import RULES
from ansible_collections.hardened.mail.plugins.module_utils.policy.rules_versions import UNFIXABLE
from ansible_collections.hardened.mail.plugins.module_utils.postfix.capture import parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
harness = importlib.import_module("harness")
mutants = importlib.import_module("mutants")

CHOICES: t.Final = mutants.CHOICES["default"]
JUDGED: t.Final = tuple(rule for rule in RULES if "host" not in rule.needs)


def changes(release: str, mutant: t.Optional[t.Any]) -> dict[str, t.Any]:
    """Return what turns Debian's own configuration into the mutant, as case.Case.changes() does."""
    main = mutants.main_with(mutant, mutants.hardened(release, CHOICES))
    gone = {*mutants.STOCK, *mutants.decided(release, CHOICES)} - set(main)
    return {
        "main": "".join(f"{name} = {value}\n" for name, value in main.items()),
        "master": mutants.services_with(mutant),
        "remove": sorted(gone),
        "raw_main": "",
        "raw_master": "",
    }


def findings(text: str) -> tuple[Finding, ...]:
    view, missing = view_of(parse(text), choices=CHOICES)
    assert set(missing) <= {"host"}
    verdict = judge(view, JUDGED, missing=missing)
    assert verdict.incomplete == ()
    return verdict.findings


@pytest.mark.parametrize("release", mutants.RELEASES)
def test_every_broken_setting_of_a_real_postfix_is_reported(release: str) -> None:
    every = mutants.mutants(release, CHOICES)
    whole, *broken = harness.captures(release, [changes(release, one) for one in (None, *every)])
    before = findings(whole)
    assert [
        (one.rule, one.subject, one.parameter, one.observed)
        for one in before
        if one.severity != "info" and one.rule not in UNFIXABLE
    ] == []
    missed = [
        one.id
        for one, text in zip(every, broken)
        if not mutants.reported(one, findings(text), before)
    ]
    assert missed == []
    assert len(every) >= 180
