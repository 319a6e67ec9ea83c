# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every host is in the report with what is known of it, and nothing that is not known passes."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.policy.validation import RequestError
from ansible_collections.hardened.mail.tests.report import fleet
from ansible_collections.hardened.mail.tests.unit.plugins.module_utils.report import made

LEAF = fleet.leaf("mx.example", days=40)
ABSENT = {"installed": False, "findings": [], "incomplete": [{"reason": "none", "rules": []}]}
GONE = {"unreachable": True, "msg": "ssh: no route", "results": []}


@pytest.mark.parametrize(
    ("look", "state", "reason"),
    [
        pytest.param(made.postfix(), "judged", "", id="nothing-wrong"),
        pytest.param(made.postfix(made.found("vrfy-on")), "judged", "", id="something-wrong"),
        pytest.param(
            made.postfix(incomplete=[{"reason": "postconf hung", "rules": ["vrfy-on"]}]),
            "partly",
            "",
            id="a-rule-not-judged",
        ),
        pytest.param({"postfix": GONE}, "unreachable", "ssh: no route", id="unreachable"),
        pytest.param(
            {"postfix": {"results": [{"unreachable": True, "msg": "Task failed: ssh: no"}]}},
            "unreachable",
            "ssh: no",
            id="unreachable-in-a-loop",
        ),
        pytest.param(
            {"postfix": {"results": [{"failed": False, "msg": "No python"}]}},
            "failed",
            "postfix: No python",
            id="the-module-failed",
        ),
        pytest.param(
            {"postfix": {"module_stderr": "Traceback\n  x\nKeyError: y"}},
            "failed",
            "postfix: KeyError: y",
            id="traceback",
        ),
        pytest.param(
            {"postfix": {"results": [ABSENT]}, "dovecot": ABSENT},
            "no-mail",
            "no Postfix and no Dovecot here, and no port of mail answers",
            id="no-mail-server",
        ),
        pytest.param(
            {"postfix": {"results": [ABSENT]}, "ports": {"results": [fleet.port(25, [LEAF])]}},
            "judged",
            "",
            id="another-mail-server",
        ),
        pytest.param({}, "no-mail", None, id="nothing-registered"),
        pytest.param({"postfix": "text", "ports": 7}, "no-mail", None, id="not-even-a-result"),
    ],
)
def test_state_is_what_was_seen(look: made.Look, state: str, reason: t.Optional[str]) -> None:
    host = made.host(look)
    assert host.state == state
    assert reason is None or host.reason == reason


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param({"findings": ["text"]}, id="finding-is-text"),
        pytest.param({"findings": [made.found("vrfy-on", severity="awful")]}, id="severity"),
        pytest.param({"findings": [made.found("vrfy-on", message=7)]}, id="number"),
        pytest.param({"findings": [made.found("vrfy-on", rule="")]}, id="no-rule"),
        pytest.param({"findings": [made.found("vrfy-on", fix=None)]}, id="no-fix"),
        pytest.param({"findings": None}, id="no-findings"),
        pytest.param({"incomplete": ["text"]}, id="incomplete-is-text"),
        pytest.param({"incomplete": [{"rules": []}]}, id="no-reason"),
    ],
)
def test_result_of_another_shape_is_not_judged(broken: t.Mapping[str, t.Any]) -> None:
    host = made.host({"postfix": {**fleet.postfix([]), **broken}})
    assert host.state == "failed"
    assert host.entries == ()
    assert not made.report({"a": {"postfix": {**fleet.postfix([]), **broken}}}).passed


def test_port_that_is_closed_is_nothing_and_one_that_should_answer_is_not_judged() -> None:
    closed = made.host({**made.postfix(), "ports": {"results": [fleet.refused(465)]}})
    assert closed.state == "judged"
    dead = fleet.refused(465)
    dead["item"]["listening"] = True
    dead_host = made.host({**made.postfix(), "ports": {"results": [dead]}})
    assert [(one.origin, one.reason) for one in dead_host.unjudged] == [
        ("port 465", "connecting to 127.0.0.1 port 465: Connection refused")
    ]
    slow = fleet.refused(465)
    slow["banner"] = {"incomplete": "connecting to 127.0.0.1 port 465: no answer in time"}
    assert made.host({**made.postfix(), "ports": {"results": [slow]}}).state == "partly"


def test_port_judged_by_rules_that_cannot_is_not_judged() -> None:
    def judge(*_arguments: t.Any, **_options: t.Any) -> t.Any:
        raise KeyError("protocols")

    look = {**made.postfix(), "ports": {"results": [fleet.port(25, [LEAF])]}}
    host = made.host(look, judge=judge)
    assert [one.origin for one in host.unjudged] == ["port 25"]


def test_login_before_tls_is_judged_by_the_configuration_when_the_host_asked_itself() -> None:
    seen = fleet.port(143, [LEAF])
    seen["item"] = {"port": 143, "purpose": "imap"}
    seen["address"] = "127.0.0.1"
    rules = ["wire-auth-before-tls", "wire-no-starttls"]

    def judge(*_arguments: t.Any, **_options: t.Any) -> t.Any:
        return {"findings": [], "incomplete": [{"reason": "own host", "rules": rules[:1]}]}

    ids = {**fleet.RULE_IDS, "port": rules}
    look = {"dovecot": fleet.postfix([]), "ports": {"results": [seen]}}
    assert made.host(look, judge=judge).state == "judged"
    assert made.host({"ports": {"results": [seen]}}, judge=judge).state == "partly"
    outside = {**seen, "address": "192.0.2.1"}
    assert made.host({**look, "ports": {"results": [outside]}}, judge=judge).state == "partly", ids


def test_findings_are_sorted_with_the_worst_first() -> None:
    rules = ["vrfy-on", "relay-open", "package-version", "auth-before-tls"]
    host = made.host(made.postfix(*map(made.found, rules)))
    severities = [entry.finding.severity for entry in host.entries]
    assert severities == ["critical", "high", "low", "info"]
    assert host.worst == "critical"


def test_fingerprint_is_the_same_every_time_and_for_no_other_finding() -> None:
    twins = [made.found("vrfy-on"), made.found("vrfy-on", observed="maybe")]
    look = made.postfix(*twins, made.found("vrfy-on", subject="smtp/inet"))
    looks = {"a.example": look, "b.example": look}
    marks = [one.fingerprint for host in made.report(looks).hosts for one in host.entries]
    assert len(set(marks)) == 6
    again = [one.fingerprint for host in made.report(looks).hosts for one in host.entries]
    assert marks == again


def test_fingerprint_does_not_depend_on_what_was_observed() -> None:
    marks = {
        made.host(made.postfix(made.found("vrfy-on", observed=value))).entries[0].fingerprint
        for value in ("no", "no (the default)")
    }
    assert len(marks) == 1


def test_certificate_is_listed_once_with_all_its_places() -> None:
    filed = {**LEAF, "path": "/etc/ssl/mx.pem"}
    look = made.postfix(certificates=[filed])
    look["ports"] = {"results": [fleet.port(25, [LEAF]), fleet.port(993, [LEAF])]}
    (one,) = made.host(look).certificates
    assert one.places == ("/etc/ssl/mx.pem", "port 25", "port 993")
    assert one.names == ("mx.example",)


@pytest.mark.parametrize("bad", [{"not_after": "soon"}, {"not_after": None}, {"sha256": ""}])
def test_certificate_that_cannot_be_read_is_left_out(bad: dict[str, t.Any]) -> None:
    look = made.postfix(certificates=[{**LEAF, "path": "x", **bad}])
    assert made.host(look).certificates == ()


def test_files_of_the_daemon_go_to_the_rules_of_the_port() -> None:
    asked: list[tuple[int, list[str], str]] = []

    def judge(_report: t.Any, *, host: str, port: int, purpose: str, files: t.Any) -> t.Any:
        del purpose
        asked.append((port, [one["path"] for one in files], host))
        return {"findings": [], "incomplete": []}

    look = made.postfix(certificates=[{**LEAF, "path": "p"}])
    look["dovecot"] = fleet.postfix([], certificates=[{**LEAF, "path": "d"}])
    imaps = fleet.port(993, [])
    imaps["item"]["server_name"] = "imap.example"
    look["ports"] = {"results": [fleet.port(25, []), imaps]}
    made.host(look, judge=judge)
    assert asked == [(25, ["p"], "mx.example"), (993, ["d"], "imap.example")]


WAIVER = {"rule": "vrfy-on", "reason": "An old scanner", "expires": "2026-11-24"}


def test_waived_finding_is_there_and_does_not_count() -> None:
    host = made.host({**made.postfix(made.found("vrfy-on")), "waivers": [WAIVER]})
    assert host.entries[0].finding.waived == "An old scanner"
    assert host.counts["low"] == 0
    assert host.waived == 1


def test_waiver_that_expired_covers_nothing_and_is_named() -> None:
    waivers = [{**WAIVER, "expires": "2026-11-23"}]
    report = made.report(
        {"mx.example": {**made.postfix(made.found("vrfy-on")), "waivers": waivers}}
    )
    assert report.counts["low"] == 1
    assert report.notes == ("The waiver of vrfy-on expired on 2026-11-23: An old scanner",)


@pytest.mark.parametrize(
    ("waivers", "problem"),
    [
        pytest.param({"rule": "x"}, "must be a list", id="not-a-list"),
        pytest.param(["x"], "entry 1: expected a dictionary", id="not-a-dictionary"),
        pytest.param([{**WAIVER, "until": "x"}], "entry 1: there is no key 'until'", id="key"),
        pytest.param([WAIVER, {"rule": "vrfy-on"}], "entry 2: reason is missing", id="no-reason"),
        pytest.param([{**WAIVER, "rule": "vrfy-onn"}], "there is no rule 'vrfy-onn'", id="rule"),
        pytest.param([{**WAIVER, "expires": "soon"}], "expires is 'soon'", id="day"),
    ],
)
def test_waiver_that_says_nothing_is_refused(waivers: t.Any, problem: str) -> None:
    with pytest.raises(RequestError, match=problem):
        made.report({"mx.example": {**made.postfix(), "waivers": waivers}})


def test_rules_that_do_not_count_are_left_out_everywhere() -> None:
    gaps = [{"reason": "not seen", "rules": ["log-level-low"]}]
    look = made.postfix(made.found("vrfy-on"), made.found("relay-open"), incomplete=gaps)
    host = made.host(look, unwanted=("vrfy-on", "log-level-low"))
    assert [one.finding.rule for one in host.entries] == ["relay-open"]
    assert host.state == "judged"
    assert "vrfy-on" not in host.origins[0].rules
    only = made.host(look, wanted=("vrfy-on",))
    assert [one.finding.rule for one in only.entries] == ["vrfy-on"]


def test_rule_that_was_not_judged_was_not_run() -> None:
    gaps = [{"reason": "not seen", "rules": ["vrfy-on"]}]
    assert "vrfy-on" not in made.host(made.postfix(incomplete=gaps)).origins[0].rules
    assert "vrfy-on" in made.host(made.postfix()).origins[0].rules


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"fail_on": "bad"}, "fail_on is 'bad'"),
        ({"wanted": ["vrfy"]}, "rules_enabled: there is no rule 'vrfy'"),
        ({"unwanted": ["vrfy"]}, "rules_disabled: there is no rule 'vrfy'"),
    ],
)
def test_option_that_cannot_be_is_refused(options: dict[str, t.Any], problem: str) -> None:
    with pytest.raises(RequestError, match=problem):
        made.report({}, **options)


GAP = [{"reason": "x", "rules": []}]


@pytest.mark.parametrize(
    ("looks", "options", "failures"),
    [
        pytest.param({}, {}, ("no host was audited",), id="no-host"),
        pytest.param({}, {"fail_on": "never"}, (), id="no-host-never"),
        pytest.param({"a": made.postfix()}, {}, (), id="good"),
        pytest.param(
            {"a": made.postfix(made.found("relay-open"), made.found("auth-before-tls"))},
            {},
            ("2 findings of severity critical or high on 1 host",),
            id="bad",
        ),
        pytest.param(
            {"a": made.postfix(made.found("auth-before-tls"))}, {"fail_on": "critical"}, (), id="limit"
        ),
        pytest.param(
            {"a": made.postfix(incomplete=GAP), "b": {"postfix": GONE}},
            {},
            ("2 hosts not judged or judged only in part",),
            id="gaps",
        ),
        pytest.param(
            {"a": made.postfix(incomplete=GAP)}, {"fail_on_unjudged": False}, (), id="gaps-allowed"
        ),
        pytest.param({"a": {"postfix": ABSENT}}, {}, (), id="no-mail-server"),
        pytest.param(
            {"a": made.postfix(made.found("relay-open", waived="A test"))}, {}, (), id="waived"
        ),
    ],
)  # fmt: skip
def test_audit_fails_for_what_stands_and_for_what_is_not_known(
    looks: t.Any, options: dict[str, t.Any], failures: tuple[str, ...]
) -> None:
    report = made.report(looks, **options)
    assert report.failures() == failures
    assert report.passed is (not failures)


def test_worst_host_is_the_first_and_an_unknown_one_before_the_merely_bad() -> None:
    looks = {
        "a-good": made.postfix(),
        "b-absent": {"postfix": ABSENT},
        "c-low": made.postfix(made.found("vrfy-on")),
        "d-high": made.postfix(made.found("auth-before-tls")),
        "e-gone": {"postfix": GONE},
        "f-critical": made.postfix(made.found("relay-open")),
    }
    names = [host.name for host in made.report(looks).hosts]
    assert names == ["f-critical", "e-gone", "d-high", "c-low", "a-good", "b-absent"]


def test_value_of_a_megabyte_is_cut() -> None:
    host = made.host(made.postfix(made.found("vrfy-on", observed="x" * 1_000_000)))
    assert len(host.entries[0].finding.observed) == 2000
