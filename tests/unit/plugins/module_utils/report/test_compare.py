# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What changed between two reports; what nobody can know is neither broken nor fixed."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.report import json_report
from ansible_collections.hardened.mail.plugins.module_utils.report.compare import EarlierError
from ansible_collections.hardened.mail.tests.report import fleet
from ansible_collections.hardened.mail.tests.unit.plugins.module_utils.report import made

Looks = dict[str, made.Look]
VRFY, RELAY = made.found("vrfy-on"), made.found("relay-open")
GONE = {"postfix": {"unreachable": True, "msg": "gone"}}


def text_of(looks: Looks) -> t.Any:
    return json.loads(json_report.render(made.report(looks)))


def compared(before: Looks, now: Looks) -> t.Any:
    return made.report(now, earlier=text_of(before))


def gap(*rules: str) -> list[dict[str, t.Any]]:
    return [{"reason": "x", "rules": list(rules)}]


PORT = {"results": [fleet.port(25, [], old=True)]}


@pytest.mark.parametrize(
    ("before", "now", "broken", "fixed", "uncertain"),
    [
        pytest.param(made.postfix(VRFY), made.postfix(VRFY), 0, 0, 0, id="the-same"),
        pytest.param(made.postfix(), made.postfix(VRFY), 1, 0, 0, id="broken"),
        pytest.param(made.postfix(VRFY), made.postfix(), 0, 1, 0, id="fixed"),
        pytest.param(made.postfix(VRFY), made.postfix(RELAY), 1, 1, 0, id="both"),
        pytest.param(made.postfix(VRFY), GONE, 0, 0, 1, id="host-not-reached-now"),
        pytest.param(GONE, made.postfix(VRFY), 0, 0, 0, id="host-not-reached-then"),
        pytest.param(made.postfix(VRFY), made.postfix(incomplete=gap("vrfy-on")), 0, 0, 1, id="rule-not-judged-now"),
        pytest.param(made.postfix(VRFY), made.postfix(incomplete=gap("log-level-low")), 0, 1, 0, id="another-rule-not-judged"),
        pytest.param(made.postfix(VRFY), made.postfix(incomplete=gap()), 0, 0, 1, id="something-not-judged-now"),
        pytest.param(made.postfix(incomplete=gap("vrfy-on")), made.postfix(VRFY), 0, 0, 0, id="rule-not-judged-then"),
        pytest.param(made.postfix(incomplete=gap()), made.postfix(VRFY), 0, 0, 0, id="something-not-judged-then"),
        pytest.param(made.postfix(VRFY), made.postfix({**VRFY, "waived": "ok"}), 0, 0, 0, id="waived-is-not-fixed"),
        pytest.param(made.postfix({**VRFY, "waived": "ok"}), made.postfix(VRFY), 1, 0, 0, id="waiver-expired"),
        pytest.param({**made.postfix(), "ports": PORT}, made.postfix(), 0, 0, 1, id="port-not-asked-now"),
        pytest.param(made.postfix(), {**made.postfix(), "ports": PORT}, 0, 0, 0, id="port-not-asked-then"),
        pytest.param(made.postfix({**VRFY, "observed": "a"}), made.postfix({**VRFY, "observed": "b"}), 0, 0, 0, id="same-fault-other-value"),
    ],
)  # fmt: skip
def test_changes_of_one_host(
    before: made.Look, now: made.Look, broken: int, fixed: int, uncertain: int
) -> None:
    changes = compared({"mx.example": before}, {"mx.example": now}).comparison
    assert (changes.broken, len(changes.fixed), changes.uncertain) == (broken, fixed, uncertain)


def test_entries_say_how_they_relate_to_the_earlier_report() -> None:
    report = compared(
        {"mx": made.postfix(VRFY)}, {"mx": made.postfix(VRFY, RELAY), "new": made.postfix(VRFY)}
    )
    marks = {
        (host.name, one.finding.rule): one.change for host in report.hosts for one in host.entries
    }
    assert marks == {
        ("mx", "vrfy-on"): "known",
        ("mx", "relay-open"): "new",
        ("new", "vrfy-on"): "first",
    }


def test_rule_that_the_earlier_version_did_not_have_breaks_nothing() -> None:
    before = text_of({"mx": made.postfix()})
    before["hosts"][0]["origins"][0]["rules"].remove("vrfy-on")
    assert made.report({"mx": made.postfix(VRFY)}, earlier=before).comparison.broken == 0


def test_hosts_that_came_and_went_are_named() -> None:
    changes = compared(
        {"a": made.postfix(), "b": GONE}, {"b": GONE, "c": made.postfix(VRFY)}
    ).comparison
    assert (changes.joined, changes.left, changes.broken, changes.since) == (
        ("c",),
        ("a",),
        0,
        "2026-11-24T14:05:00Z",
    )


def test_what_was_fixed_is_told() -> None:
    (past,) = compared({"mx": made.postfix(VRFY)}, {"mx": made.postfix()}).comparison.fixed
    assert (past.host, past.rule, past.severity, past.subject) == (
        "mx",
        "vrfy-on",
        "low",
        "main.cf",
    )
    assert past.message == VRFY["message"]


def damaged(change: t.Callable[[t.Any], None]) -> t.Any:
    text = text_of({"mx": made.postfix(VRFY)})
    change(text)
    return text


@pytest.mark.parametrize(
    ("earlier", "problem"),
    [
        pytest.param([], "not a JSON report of this audit", id="list"),
        pytest.param({"version": "2.1.0"}, "not a JSON report of this audit", id="sarif"),
        pytest.param(damaged(lambda one: one.update(schema_version=2)), "schema_version is 2", id="version"),
        pytest.param(damaged(lambda one: one.pop("hosts")), "damaged: KeyError", id="no-hosts"),
        pytest.param(damaged(lambda one: one.update(hosts=["x"])), "damaged: TypeError", id="host-is-text"),
        pytest.param(damaged(lambda one: one["hosts"][0]["findings"][0].pop("rule")), "damaged", id="no-rule"),
        pytest.param(damaged(lambda one: one.update(generated=None)), "damaged", id="no-moment"),
    ],
)  # fmt: skip
def test_report_that_is_none_is_refused(earlier: t.Any, problem: str) -> None:
    with pytest.raises(EarlierError, match=problem):
        made.report({"mx": made.postfix()}, earlier=earlier)


def test_report_of_a_whole_fleet_does_not_differ_from_itself() -> None:
    looks = fleet.looks(60)
    report = made.report(looks, earlier=text_of(looks))
    changes = report.comparison
    assert (changes.broken, changes.fixed, changes.uncertain, changes.joined, changes.left) == (
        0,
        (),
        0,
        (),
        (),
    )
    assert {one.change for host in report.hosts for one in host.entries if one.stands} == {"known"}
