# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The floor says what the role would write, and only where no other rule has said it."""

from __future__ import annotations

import dataclasses
import importlib
import pathlib
import sys
import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.policy.findings import Fix, Severity
from ansible_collections.hardened.mail.plugins.module_utils.policy.profiles import Choices
from ansible_collections.hardened.mail.plugins.module_utils.policy.resolve import (
    floors,
    resolve,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.rule import Hit, Rule, judge
from ansible_collections.hardened.mail.plugins.module_utils.policy.settings import (
    BY_NAME,
    SETTINGS,
    Edit,
)

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[4] / "rules"))
mutants = importlib.import_module("mutants")


@dataclasses.dataclass(frozen=True)
class Nothing:
    """What rules without a configuration look at."""

    broken: t.Mapping[str, str] = dataclasses.field(default_factory=dict)


def rule(
    name: str, severity: Severity, *places: tuple[str, str], yields: bool = False
) -> Rule[t.Any]:
    hits = [Hit(subject, parameter, "", "", "", Fix()) for subject, parameter in places]
    return Rule(name, "levels", severity, "", "", "", lambda _view: hits, yields=yields)


def found(*rules: Rule[t.Any]) -> list[tuple[str, str, str]]:
    verdict = judge(Nothing(), rules)
    return [(one.rule, one.subject, one.parameter) for one in verdict.findings]


def test_a_rule_that_yields_is_silent_where_another_speaks_and_only_there() -> None:
    floor = rule("floor", "low", ("main.cf", "a"), ("main.cf", "b"), ("x/inet", "a"), yields=True)
    assert found(floor, rule("known", "medium", ("main.cf", "a"))) == [
        ("known", "main.cf", "a"),
        ("floor", "main.cf", "b"),
        ("floor", "x/inet", "a"),
    ]


def test_a_rule_that_yields_does_not_make_a_hint_worse() -> None:
    floor = rule("floor", "low", ("main.cf", "a"), yields=True)
    assert found(floor, rule("hint", "info", ("main.cf", "a"))) == [("hint", "main.cf", "a")]


def test_of_two_rules_that_yield_the_first_speaks() -> None:
    first = rule("first", "low", ("main.cf", "a"), yields=True)
    second = rule("second", "low", ("main.cf", "a"), yields=True)
    assert found(first, second) == [("first", "main.cf", "a")]


SITUATIONS: t.Final = {
    "stock": {},
    "encrypting": {"smtpd_tls_security_level": "encrypt", "smtp_tls_security_level": "secure"},
    "no-certificate": {"smtpd_tls_cert_file": ""},
    "client-certificates": {"relay_clientcerts": "hash:/etc/postfix/clients"},
    "policy-tables": {"smtp_tls_policy_maps": "hash:/etc/postfix/policy"},
    "wrapper": {"smtp_tls_wrappermode": "yes"},
}


@pytest.mark.parametrize("release", mutants.RELEASES)
@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("profile", ["interop", "intermediate", "strict"])
def test_floors_are_what_the_role_decides(release: str, situation: str, profile: str) -> None:
    host = mutants.host(release)
    choices = Choices(inbound_profile=profile, outbound_profile=profile)
    current = {**mutants.stock(release), **SITUATIONS[situation]}
    decided = resolve(host, choices=choices, current=current)
    assert floors(host, choices=choices, current=current) == {
        one.parameter: one.value for one in decided if BY_NAME[one.parameter].judge
    }


def test_no_judged_setting_is_an_edit_of_the_value_of_the_site() -> None:
    """floors() shares its answer between hosts whose values differ."""
    assert not [
        one.parameter
        for one in SETTINGS
        if one.judge and any(isinstance(rule.value, Edit) for rule in one.rules)
    ]
