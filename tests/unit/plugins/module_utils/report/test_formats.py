# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of the report are what their readers expect, whatever the hosts said."""

from __future__ import annotations

import json
import re
import typing as t
import xml.etree.ElementTree as ElementTree

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.report import (
    json_report,
    junit,
    page,
    sarif,
    terminal,
)
from ansible_collections.hardened.mail.plugins.module_utils.report.model import Report
from ansible_collections.hardened.mail.tests.report import fleet
from ansible_collections.hardened.mail.tests.unit.plugins.module_utils.report import made

GONE = {"postfix": {"unreachable": True, "msg": "no route"}}
LOOKS: dict[str, made.Look] = {
    "mx1.example": made.postfix(
        made.found("relay-open"),
        made.found("vrfy-on"),
        made.found("auth-before-tls", waived="A test host"),
        incomplete=[
            {"reason": "postconf hung", "rules": ["log-level-low"]},
            {"reason": "a file was not readable", "rules": []},
        ],
    ),
    "mx2.example": GONE,
    "web.example": {"postfix": {"installed": False}},
}
REPORTS = {
    "fleet": made.report(LOOKS),
    "hostile": made.report(fleet.hostile(), domains=fleet.hostile_domains()),
    "empty": made.report({}),
    "large": made.report(fleet.looks(30), domains=fleet.domains(9)),
}
every_report = pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS.keys())


def result(report: Report) -> t.Any:
    """Return the run of a SARIF text."""
    return json.loads(sarif.render(report))["runs"][0]


# ---- JSON


@every_report
def test_json_has_every_host_and_every_finding(report: Report) -> None:
    data = json.loads(json_report.render(report))
    assert (data["schema"], data["schema_version"]) == ("hardened.mail/audit", 1)
    assert [host["name"] for host in data["hosts"]] == [host.name for host in report.hosts]
    assert [one["name"] for one in data["domains"]] == [one.name for one in report.domains]
    for row, host in zip([*data["hosts"], *data["domains"]], report.sections):
        assert len(row["findings"]) == len(host.entries)
        assert row["state"] == host.state
    assert data["passed"] is report.passed


def test_json_is_the_shape_that_is_documented() -> None:
    data = json.loads(json_report.render(REPORTS["fleet"]))
    (mx1,) = [host for host in data["hosts"] if host["name"] == "mx1.example"]
    assert sorted(mx1["findings"][0]) == sorted(
        [*made.found("relay-open"), "origin", "fingerprint", "change"]
    )
    assert mx1["incomplete"] == [
        {"origin": "postfix", "reason": "postconf hung", "rules": ["log-level-low"]},
        {"origin": "postfix", "reason": "a file was not readable", "rules": []},
    ]
    assert mx1["counts"] == {"info": 0, "low": 1, "medium": 0, "high": 0, "critical": 1}
    assert (mx1["waived"], data["counts"]["critical"], data["states"]["unreachable"]) == (1, 1, 1)


def test_json_has_one_line_for_each_host() -> None:
    lines = json_report.render(REPORTS["fleet"]).splitlines()
    assert sum(line.startswith('    {"name"') for line in lines) == len(LOOKS)


# ---- SARIF: the essentials of the schema, and what code hosts demand beyond it


@every_report
def test_sarif_keeps_the_schema(report: Report) -> None:
    document = json.loads(sarif.render(report))
    assert document["version"] == "2.1.0"
    (run,) = document["runs"]
    rules = run["tool"]["driver"]["rules"]
    ids = [rule["id"] for rule in rules]
    assert len(set(ids)) == len(ids)
    for rule in rules:
        assert rule["help"]["text"]
        assert rule["help"]["markdown"]
        assert rule["fullDescription"]["text"]
        assert 0 <= float(rule["properties"]["security-severity"]) <= 10
    for one in run["results"]:
        assert ids[one["ruleIndex"]] == one["ruleId"]
        assert one["level"] in ("error", "warning", "note")
        assert one["message"]["text"]
        (place,) = one["locations"]
        uri = place["physicalLocation"]["artifactLocation"]["uri"]
        assert re.fullmatch(r"[A-Za-z0-9._~%/-]+", uri)
        assert ".." not in uri.split("/")
        assert place["physicalLocation"]["region"]["startLine"] == 1
        assert re.fullmatch(r"[0-9a-f]{20}", one["partialFingerprints"]["hardenedMailFinding/v1"])
    marks = [one["partialFingerprints"]["hardenedMailFinding/v1"] for one in run["results"]]
    assert len(set(marks)) == len(marks)
    assert len(run["results"]) == sum(len(host.entries) for host in report.sections)


def test_sarif_levels_suppressions_and_notes() -> None:
    run = result(REPORTS["fleet"])
    levels = {one["ruleId"]: one["level"] for one in run["results"]}
    assert levels == {"relay-open": "error", "auth-before-tls": "error", "vrfy-on": "note"}
    accepted = {one["ruleId"]: one["suppressions"] for one in run["results"]}
    assert accepted["vrfy-on"] == []
    assert accepted["auth-before-tls"] == [
        {"kind": "external", "status": "accepted", "justification": "A test host"}
    ]
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is False
    notes = [
        (one["level"], one["message"]["text"]) for one in invocation["toolExecutionNotifications"]
    ]
    assert ("error", "mx2.example: not judged: no route") in notes
    assert (
        "warning",
        "mx1.example: postfix: not judged: postconf hung (rules: log-level-low)",
    ) in notes


def test_sarif_says_what_is_new() -> None:
    before = json.loads(
        json_report.render(made.report({"mx": made.postfix(made.found("vrfy-on"))}))
    )
    now = {"mx": made.postfix(made.found("vrfy-on"), made.found("relay-open"))}
    states = {
        one["ruleId"]: one["baselineState"]
        for one in result(made.report(now, earlier=before))["results"]
    }
    assert states == {"relay-open": "new", "vrfy-on": "unchanged"}
    assert "baselineState" not in result(made.report(now))["results"][0]


def test_sarif_paths_stay_below_the_host() -> None:
    finding = made.found("vrfy-on", subject="/../../etc/ssl/my key.pem")
    (one,) = result(made.report({"..": made.postfix(finding)}))["results"]
    assert one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == (
        "%2E%2E/%2E%2E/%2E%2E/etc/ssl/my%20key.pem"
    )


# ---- JUnit


def cases(report: Report) -> dict[tuple[str, str], ElementTree.Element]:
    """Return the cases by class and name."""
    root = ElementTree.fromstring(junit.render(report))
    return {(one.get("classname", ""), one.get("name", "")): one for one in root.iter("testcase")}


@every_report
def test_junit_counts_what_it_holds(report: Report) -> None:
    root = ElementTree.fromstring(junit.render(report))
    suites = root.findall("testsuite")
    assert [one.get("name") for one in suites] == [host.name for host in report.sections]
    for part in (root, *suites):
        for attribute, tag in (
            ("tests", "testcase"),
            ("failures", "failure"),
            ("errors", "error"),
            ("skipped", "skipped"),
        ):
            assert int(part.get(attribute, "-1")) == len(list(part.iter(tag))), attribute
    names = [(one.get("classname"), one.get("name")) for one in root.iter("testcase")]
    assert len(set(names)) == len(names)


def test_junit_has_a_case_for_each_rule_of_each_host() -> None:
    found = cases(REPORTS["fleet"])
    rules = {name for group, name in found if group == "mx1.example.postfix"}
    assert set(fleet.RULE_IDS["postfix"]) - {"log-level-low"} <= rules
    assert found["mx1.example.postfix", "relay-open"].find("failure") is not None
    assert found["mx1.example.postfix", "vrfy-on"].find("failure") is None
    assert found["mx1.example.postfix", "auth-before-tls"].find("failure") is None
    skipped = found["mx1.example.postfix", "log-level-low (not judged)"].find("skipped")
    assert skipped is not None
    assert skipped.get("message") == "postconf hung"
    assert (
        found["mx1.example.postfix", "not judged: a file was not readable"].find("skipped")
        is not None
    )
    assert found["mx2.example", "host is judged"].find("error") is not None
    assert found["web.example", "mail server"].find("skipped") is not None


def test_junit_fails_from_the_limit_on() -> None:
    found = cases(made.report(LOOKS, fail_on="low"))
    assert found["mx1.example.postfix", "vrfy-on"].find("failure") is not None
    never = ElementTree.fromstring(junit.render(made.report(LOOKS, fail_on="never")))
    assert never.get("failures") == "0"


# ---- The terminal


@every_report
def test_terminal_lines_fit_and_move_no_cursor(report: Report) -> None:
    lines = terminal.render(report)
    assert all(line.isprintable() for line in lines)
    assert max(map(len, lines)) <= 112
    reasons = report.failures()
    end = lines[-len(reasons) - 1 :] if len(reasons) > 1 else lines[-1:]
    assert "NOT PASSED:" in "".join(end)
    assert all(one in "\n".join(end) for one in reasons)


def test_terminal_shows_the_worst_and_what_is_not_known() -> None:
    text = "\n".join(terminal.render(REPORTS["fleet"]))
    assert re.search(r"^mx1\.example +1 +\. +\. +1 +\. +2$", text, re.MULTILINE)
    assert re.search(r"^mx2\.example +NOT REACHED: no route$", text, re.MULTILINE)
    assert re.search(r"^web\.example +no mail server found$", text, re.MULTILINE)
    assert "critical Anyone on the Internet can send mail to anywhere" in text
    assert "relay-open: mx1.example" in text
    assert "1 finding accepted by waivers" in text


def test_terminal_of_a_large_fleet_is_short() -> None:
    lines = terminal.render(made.report(fleet.looks(300)))
    assert len(lines) < 70
    assert any(line.startswith("+275 more") for line in lines)


def test_terminal_says_passed_only_when_it_is() -> None:
    assert terminal.render(made.report({"mx": made.postfix()}))[-1] == "PASSED"
    assert terminal.render(REPORTS["empty"])[-1] == "NOT PASSED: no host was audited"
    bad = {"mx": made.postfix(made.found("relay-open"))}
    assert terminal.render(made.report(bad, fail_on="never"))[-1] == "NO LIMIT SET"


def test_terminal_says_what_changed() -> None:
    before = json.loads(json_report.render(made.report(LOOKS)))
    lines = terminal.render(made.report({"mx1.example": made.postfix()}, earlier=before))
    assert "Since 2026-11-24: 0 newly broken, 2 newly fixed, 2 hosts no longer audited" in lines


# ---- What the templates show


def context(report: Report) -> dict[str, t.Any]:
    """Return what the templates get."""
    return page.context(
        report, areas={"relay": "Relay", "smtp": "SMTP"}, rule_areas={"log-level-low": "logging"}
    )


@every_report
def test_data_of_the_page_holds_every_finding_and_ends_no_script(report: Report) -> None:
    text = context(report)["data"]
    assert not set("<>&") & set(text)
    data = json.loads(text)
    assert [host["name"] for host in data["hosts"]] == [host.name for host in report.sections]
    for row, host in zip(data["hosts"], report.sections):
        messages = [data["strings"][one[7]] for one in row["findings"]]
        assert messages == [entry.finding.message for entry in host.entries]


def test_row_of_the_fleet_shows_areas_and_gaps() -> None:
    made_page = context(REPORTS["fleet"])
    assert [one["id"] for one in made_page["areas"]] == ["relay", "smtp", "logging", "login"]
    row = made_page["fleet"][0]
    cells = dict(zip([one["id"] for one in made_page["areas"]], row["cells"]))
    assert cells["relay"] == {"number": 1, "severity": "critical", "gap": False}
    assert cells["logging"] == {"number": 0, "severity": "", "gap": True}
    # Waived: it neither counts nor passes unseen.
    assert cells["login"] is None
    assert row["waived"] == 1
    gone = made_page["fleet"][1]
    assert (gone["judged"], gone["cells"], gone["reason"]) == (False, [], "no route")


def test_groups_are_the_rules_by_severity_and_number_of_hosts() -> None:
    looks = {
        "a": made.postfix(made.found("vrfy-on"), made.found("log-level-low")),
        "b": made.postfix(made.found("log-level-low"), made.found("relay-open")),
    }
    found = page.groups(made.report(looks).hosts)
    assert [(one.rule, len(one.hosts)) for one in found] == [
        ("relay-open", 1),
        ("log-level-low", 2),
        ("vrfy-on", 1),
    ]


def test_markdown_of_the_page_has_no_meaning_of_its_own() -> None:
    looks = {"a_b": made.postfix(made.found("relay-open", message="a | b <c> [d](e)"))}
    shown = page.escaped(context(made.report(looks)))
    assert shown["groups"][0]["message"] == "a \\| b \\<c\\> \\[d\\](e)"
    assert shown["groups"][0]["hosts"] == ["a\\_b"]
    assert "data" not in shown


# ---- Expiry


def chart(*days: int) -> dict[str, t.Any]:
    """Return the chart of a host with certificates that end after so many days."""
    leaves = [fleet.leaf(f"{number}.example", days=one) for number, one in enumerate(days)]
    looks = {"mx": {**made.postfix(), "ports": {"results": [fleet.port(25, leaves)]}}}
    return t.cast("dict[str, t.Any]", context(made.report(looks))["timeline"])


@pytest.mark.parametrize(
    ("days", "urgency", "left"),
    [
        (-1, "expired", "expired 1 day ago"),
        (0, "soon", "ends today"),
        (13, "soon", "13 days left"),
        (14, "near", "14 days left"),
        (29, "near", "29 days left"),
        (30, "calm", "30 days left"),
        (36500, "calm", "36500 days left"),
    ],
)
def test_expiry_is_as_urgent_as_it_is_near(days: int, urgency: str, left: str) -> None:
    made_chart = chart(days)
    assert [one["urgency"] for one in made_chart["marks"]] == [urgency]
    assert (made_chart["listed"][0]["urgency"], made_chart["listed"][0]["left"]) == (urgency, left)


@pytest.mark.parametrize(
    "days", [(), (5,), (-4000, 5, 90, 36500), tuple(range(-30, 400)), (60,) * 1]
)
def test_chart_stays_in_its_frame(days: tuple[int, ...]) -> None:
    made_chart = chart(*days)
    assert made_chart["total"] == len(days)
    for one in (*made_chart["marks"], *made_chart["ticks"], *made_chart["zones"]):
        assert 0 <= one["place"] <= 100
    for one in made_chart["marks"]:
        assert (one["place"] < made_chart["now"]) == (one["urgency"] == "expired")
    assert len(made_chart["ticks"]) <= 8


@pytest.mark.parametrize(
    ("days", "earlier", "later"),
    [((5, 90), False, False), ((5, 3650), False, True), ((-3650, 5), True, False)],
)
def test_chart_says_what_is_beyond_its_ends(
    days: tuple[int, ...], *, earlier: bool, later: bool
) -> None:
    made_chart = chart(*days)
    assert (made_chart["earlier"], made_chart["later"]) == (earlier, later)


def test_chart_of_many_has_bars_of_their_number() -> None:
    made_chart = chart(*[60] * 40, 90)
    assert made_chart["dots"] is False
    heights = {one["label"].split(":")[0]: one["height"] for one in made_chart["marks"]}
    assert heights == {"40 certificates": 104, "1 certificate": 4}
