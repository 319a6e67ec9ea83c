# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of rules as a whole."""

from __future__ import annotations

import collections
import importlib
import pathlib
import re
import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.policy import findings, rule, rules

UTILS: t.Final = pathlib.Path(rules.__file__).parent
SLUG: t.Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
#: What other modules judge.
ELSEWHERE: t.Final = ("dns", "dovecot", "wire")
PARTS: t.Final = frozenset(t.get_args(rule.Part))


def test_every_file_of_rules_is_in_the_table() -> None:
    table = {one.id for one in rules.RULES}
    missing = []
    for path in sorted(UTILS.glob("rules_*.py")):
        module = importlib.import_module(f"{rule.__package__}.{path.stem}")
        missing += [
            f"{path.name}: {one.id}"
            for one in module.RULES
            if one.area not in ELSEWHERE and one.id not in table
        ]
    assert missing == []


def test_ids_are_unique() -> None:
    counts = collections.Counter(one.id for one in rules.RULES)
    assert [name for name, count in counts.items() if count > 1] == []


@pytest.mark.parametrize("one", rules.RULES, ids=lambda one: one.id)
def test_a_rule_is_described(one: rule.Rule) -> None:
    assert SLUG.fullmatch(one.id)
    assert one.area in rule.AREAS
    assert one.severity in findings.SEVERITIES
    assert set(one.needs) <= PARTS
    for text in (one.title, one.why, one.source):
        assert text.strip() == text != ""
        assert "\n" not in text
    assert one.example.strip("\n") == one.example
    assert not one.title.endswith(".")
    assert one.why.endswith(".")
