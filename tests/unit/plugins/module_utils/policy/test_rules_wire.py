# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of ports that starttls_info saw in the laboratory, as they were and with one answer changed."""

from __future__ import annotations

import copy
import datetime
import importlib.util
import json
import pathlib
import sys
import types
import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.policy.findings import Verdict
from ansible_collections.hardened.mail.plugins.module_utils.policy.rules_wire import (
    RULES,
    judge_port,
    served_against_file,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.wire_view import (
    PURPOSES,
    purpose_of,
)
from ansible_collections.hardened.mail.plugins.module_utils.starttls.report import QUESTIONS

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[4]
FIXTURE = ROOT / "tests" / "unit" / "fixtures" / "starttls-info.json"
REPORTS: t.Final[dict[str, dict[str, t.Any]]] = json.loads(FIXTURE.read_text(encoding="utf-8"))[
    "reports"
]
NOW = datetime.datetime(2026, 11, 25, tzinfo=datetime.timezone.utc)
DAY = datetime.timedelta(days=1)
#: Questions whose answers the rules do not need, with the reason.
NOT_USED: t.Final = {
    "chosen": "the list of suites says more",
    "server_preference": "with good suites either order will do",
    "suites": "its classes are used",
}


def _module(path: pathlib.Path) -> types.ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


table = _module(HERE / "wire_expected.py")
lab = _module(ROOT / "tests" / "integration_lab" / "wire_hosts.py")
PORTS: t.Final = {name: (port, purpose) for name, _kind, port, _p, _i, purpose in lab.PORTS}
EVERY: t.Final = [(name, release) for name in PORTS for release in lab.RELEASES]


def judge(report: t.Mapping[str, t.Any], name: str, **more: t.Any) -> Verdict:
    port, purpose = PORTS[name]
    options = {"host": "mx.example", "port": port, "purpose": purpose, "now": NOW, **more}
    return judge_port(report, **options)


def changed(name: str, **answers: t.Any) -> dict[str, t.Any]:
    """Return the recorded report of a port of trixie with some answers changed; None takes one away."""
    report = copy.deepcopy(REPORTS[f"{name}-trixie"])
    for question, answer in answers.items():
        if isinstance(answer, dict) and isinstance(report.get(question), dict):
            whole = "incomplete" in answer
            report[question] = answer if whole else {**report[question], **answer}
        else:
            report[question] = answer
    return report


def rules_of(verdict: Verdict) -> set[str]:
    return {f"{one.severity} {one.rule[len('wire-') :]}" for one in verdict.findings}


@pytest.mark.parametrize(("name", "release"), EVERY)
def test_a_port_gets_the_findings_expected(name: str, release: str) -> None:
    verdict = judge(REPORTS[f"{name}-{release}"], name)
    judged = {
        "findings": [one.as_dict() for one in verdict.findings],
        "incomplete": [one.as_dict() for one in verdict.incomplete],
    }
    assert table.found(judged) == table.expected(name, release)


@pytest.mark.parametrize(("name", "release"), EVERY)
def test_a_message_names_the_port_and_says_what_to_do(name: str, release: str) -> None:
    verdict = judge(REPORTS[f"{name}-{release}"], name)
    for one in verdict.findings:
        assert one.subject == f"port {PORTS[name][0]}"
        assert f"ort {PORTS[name][0]} of mx.example" in one.message
        assert one.message.endswith(".")
        assert one.message[0].isupper()
        assert one.fix.command
        assert one.expected
        assert one.observed


def with_chain(name: str, **fields: t.Any) -> dict[str, t.Any]:
    """Return a report in which the server's own certificates have other fields."""
    report = changed(name)
    for chain in report["chains"].values():
        chain[0].update(fields)
    return report


def leaf_of_two(**fields: t.Any) -> dict[str, t.Any]:
    """Return a report with a chain of two whose second certificate has some fields."""
    report = with_chain("hard-mx", self_signed=False)
    for chain in report["chains"].values():
        chain.append({**chain[0], "is_ca": True, **fields})
    return report


SEEN: t.Final = {"trusted": True, "reason": None, "name_matches": True}
WEAK: t.Final = "weak_suites"

CHANGED: t.Final = [
    pytest.param("hard-mx", changed("hard-mx", injection="accepted"), {"critical injection"}, id="injection"),
    pytest.param("hard-mx", changed("hard-mx", protocols={"SSLv3": True}), {"high old-protocols"}, id="sslv3"),
    pytest.param("hard-mx", changed("hard-mx", protocols={"TLSv1.1": True}), {"medium old-protocols"}, id="tls1.1-mx"),
    pytest.param("hard-imap", changed("hard-imap", protocols={"TLSv1.1": True}), {"high old-protocols"}, id="tls1.1-imap"),
    pytest.param("hard-mx", changed("hard-mx", protocols={"TLSv1.3": False}), {"low no-tls13"}, id="no-tls1.3"),
    pytest.param("hard-mx", changed("hard-mx", protocols={"TLSv1.2": False, "TLSv1.3": False}), {"high tls-fails", "low no-tls13"}, id="no-protocol-at-all"),
    *(
        pytest.param("hard-mx", changed("hard-mx", weak_suites={kind: ["SUITE"]}), {f"{severity} {rule}"}, id=kind)
        for kind, severity, rule in (
            ("anonymous", "medium", "anonymous-suites"),
            ("null", "high", "broken-suites"),
            ("export", "high", "broken-suites"),
            ("des", "high", "broken-suites"),
            ("3des", "medium", "broken-suites"),
            ("rc4", "high", "broken-suites"),
            ("rc2_idea_seed", "high", "broken-suites"),
            ("md5", "high", "broken-suites"),
        )
    ),
    pytest.param("hard-submission", changed("hard-submission", weak_suites={"anonymous": ["ADH"]}), {"high anonymous-suites"}, id="anonymous-587"),
    pytest.param("hard-mx", changed("hard-mx", suite_classes={"static_dh": ["DH-RSA"]}), {"medium no-forward-secrecy"}, id="static-dh"),
    pytest.param("hard-mx", changed("hard-mx", groups={"dhe": ["modp2048", "other1536"]}), {"low weak-dh"}, id="weak-dh"),
    pytest.param("hard-mx", changed("hard-mx", groups={"dhe": ["modp2048", "ffdhe3072"]}), set(), id="good-dh"),
    pytest.param("hard-mx", changed("hard-mx", groups={"TLSv1.3": ["X25519"]}), {"info no-post-quantum"}, id="no-post-quantum"),
    pytest.param("hard-mx", changed("hard-mx", renegotiation_info=False), {"medium insecure-renegotiation"}, id="renegotiation"),
    pytest.param("hard-mx", changed("hard-mx", renegotiation_info=None), set(), id="tls1.3-only-has-none"),
    pytest.param("hard-mx", changed("hard-mx", banner="220 mx.example ESMTP Postfix 3.7.11"), {"info banner-version"}, id="banner"),
    pytest.param("hard-mx", changed("hard-mx", banner="220 mx4.2.example ESMTP Postfix"), set(), id="banner-with-a-number"),
    pytest.param("hard-submission", changed("hard-submission", capabilities={"after_tls": ["SIZE"]}), {"high no-auth-after-tls"}, id="nobody-can-log-in"),
    pytest.param("hard-mx", changed("hard-mx", capabilities={"after_tls": ["AUTH PLAIN"]}), {"high auth-on-port-25"}, id="auth-on-25"),
    pytest.param("hard-mx", changed("hard-mx", capabilities={"after_tls": ["VRFY"]}), {"low vrfy"}, id="vrfy-inside"),
    pytest.param("hard-imap", changed("hard-imap", capabilities={"before_tls": ["STARTTLS"]}), {"critical auth-before-tls"}, id="imap-login"),
    pytest.param("hard-imap", changed("hard-imap", capabilities={"before_tls": ["STARTTLS", "LOGINDISABLED"]}), set(), id="imap-logindisabled"),
    pytest.param("hard-mx", with_chain("hard-mx", not_after="2026-11-24T00:00:00Z"), {"high certificate-expired"}, id="expired"),
    pytest.param("hard-mx", with_chain("hard-mx", not_before="2026-11-26T00:00:00Z"), {"high certificate-expired"}, id="not-yet"),
    pytest.param("hard-mx", with_chain("hard-mx", not_after="2026-12-08T00:00:00Z"), {"medium certificate-expires-soon"}, id="soon"),
    pytest.param("hard-mx", with_chain("hard-mx", not_after="2026-12-10T00:00:00Z"), set(), id="not-so-soon"),
    pytest.param("hard-mx", with_chain("hard-mx", key_algorithm="rsa", key_bits=1024), {"high weak-key"}, id="rsa-1024"),
    pytest.param("hard-mx", with_chain("hard-mx", key_algorithm="rsa", key_bits=2048), {"info weak-key"}, id="rsa-2048"),
    pytest.param("hard-mx", with_chain("hard-mx", key_algorithm="dsa"), {"high weak-key"}, id="dsa"),
    pytest.param("hard-mx", with_chain("hard-mx", key_algorithm="ecdsa", key_bits=192), {"high weak-key"}, id="p-192"),
    pytest.param("hard-mx", with_chain("hard-mx", signature_algorithm="sha1WithRSAEncryption"), {"medium weak-signature"}, id="sha1"),
    pytest.param("hard-mx", leaf_of_two(signature_algorithm="sha1WithRSAEncryption", self_signed=True), {"-low certificate-self-signed", "medium certificate-untrusted"}, id="sha1-of-a-root"),
    pytest.param("hard-mx", leaf_of_two(signature_algorithm="md5WithRSAEncryption"), {"medium weak-signature", "medium certificate-untrusted", "-low certificate-self-signed"}, id="md5-in-the-middle"),
    pytest.param("hard-imaps", changed("hard-imaps", chains={}), set(), id="unchanged"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "report", "more"), CHANGED)
def test_a_changed_answer_gets_its_finding(
    name: str, report: dict[str, t.Any], more: set[str]
) -> None:
    before = rules_of(judge(REPORTS[f"{name}-trixie"], name))
    gone = {one[1:] for one in more if one.startswith("-")}
    verdict = judge(report, name)
    assert rules_of(verdict) == (before - gone) | {one for one in more if one[0] != "-"}
    assert verdict.incomplete == ()


def test_every_rule_is_seen_to_find_something_and_to_be_content() -> None:
    verdicts = [judge(REPORTS[f"{name}-{release}"], name) for name, release in EVERY]
    verdicts += [judge(one.values[1], one.values[0]) for one in CHANGED]  # type: ignore[arg-type]
    for rule in RULES:
        hits = [any(one.rule == rule.id for one in verdict.findings) for verdict in verdicts]
        assert any(hits), rule.id
        assert not all(hits), rule.id


@pytest.mark.parametrize("question", [one for one in QUESTIONS if one not in NOT_USED])
@pytest.mark.parametrize("name", ["hard-mx", "hard-submission", "hard-imap", "stock-mx"])
def test_an_answer_that_could_not_be_had_is_incomplete(name: str, question: str) -> None:
    lacking = {"incomplete": "the server closed the connection"}
    whole = judge(REPORTS[f"{name}-trixie"], name)
    key = "suite_classes" if question == "suites" else question
    verdict = judge(changed(name, **{key: lacking}), name)
    assert verdict.incomplete
    assert all("the server closed the connection" in one.reason for one in verdict.incomplete)
    assert rules_of(verdict) <= rules_of(whole)
    unjudged = {rule for one in verdict.incomplete for rule in one.rules}
    # What was found before and is not any more is unjudged, not passed.
    assert {one.rule for one in whole.findings} - {one.rule for one in verdict.findings} <= unjudged


@pytest.mark.parametrize("question", [one for one in QUESTIONS if one not in NOT_USED])
def test_an_answer_that_was_not_asked_for_is_incomplete(question: str) -> None:
    report = changed("hard-mx")
    del report[question]
    verdict = judge(report, "hard-mx")
    assert any(f"{question} was not asked" in one.reason for one in verdict.incomplete)


def test_nothing_known_leaves_every_rule_of_the_purpose_incomplete() -> None:
    asked = [*QUESTIONS, "suite_classes"]
    nothing = {question: {"incomplete": "no answer in time"} for question in asked}
    for purpose in PURPOSES:
        verdict = judge_port(nothing, host="mx.example", port=25, purpose=purpose, now=NOW)
        assert verdict.findings == ()
        unjudged = {rule for one in verdict.incomplete for rule in one.rules}
        rules = {rule.id for rule in RULES}
        allowed = {
            "mx": {"wire-no-auth-after-tls"},
            "lmtp": {
                "wire-no-auth-after-tls", "wire-auth-on-port-25", "wire-auth-before-tls", "wire-vrfy",
            },
        }.get(purpose, {"wire-auth-on-port-25"})  # fmt: skip
        if purpose in ("imap", "imaps", "pop3", "pop3s"):
            allowed = allowed | {"wire-vrfy"}
        if purpose in ("submissions", "imaps", "pop3s"):
            allowed = allowed | {"wire-no-starttls", "wire-auth-before-tls"}
        assert rules - unjudged == allowed, purpose


def test_what_an_enumeration_saw_before_it_stopped_counts() -> None:
    report = changed(
        "hard-mx",
        suite_classes={"incomplete": "no answer in time", "seen": {"static_rsa": ["AES128-SHA"]}},
        protocols={"TLSv1": True, "TLSv1.1": {"incomplete": "no answer in time"}},
    )
    verdict = judge(report, "hard-mx")
    assert {"medium no-forward-secrecy", "medium old-protocols"} <= rules_of(verdict)
    unjudged = {rule for one in verdict.incomplete for rule in one.rules}
    assert {"wire-no-forward-secrecy", "wire-cbc-suites", "wire-old-protocols"} <= unjudged


def test_a_certificate_that_cannot_be_read_is_incomplete() -> None:
    report = changed("hard-mx")
    report["chains"]["rsa"] = [{"incomplete": "not readable: line 1", "sha256": "0" * 64}]
    verdict = judge(report, "hard-mx")
    unjudged = {rule for one in verdict.incomplete for rule in one.rules}
    assert {"wire-certificate-expired", "wire-weak-key", "wire-weak-signature"} <= unjudged


def test_a_handshake_that_took_too_long_is_not_said_to_fail() -> None:
    slow = {"incomplete": "TLS handshake: no answer in time"}
    report = changed("hard-mx", protocols=slow)
    report["capabilities"]["after_tls"] = slow
    assert "high tls-fails" not in rules_of(judge(report, "hard-mx"))
    broken = {"incomplete": "TLS handshake: the server closed the connection"}
    report = changed("hard-mx", protocols=broken)
    report["capabilities"]["after_tls"] = broken
    assert "high tls-fails" in rules_of(judge(report, "hard-mx"))


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_dovecot_seen_from_its_own_host_is_not_judged_for_clear_text(address: str) -> None:
    report = {**REPORTS["imap-in-clear-text-trixie"], "address": address}
    verdict = judge(report, "imap-in-clear-text")
    assert "critical auth-before-tls" not in rules_of(verdict)
    assert [one.rules for one in verdict.incomplete] == [("wire-auth-before-tls",)]
    report = {**REPORTS["auth-before-tls-trixie"], "address": address}
    assert "critical auth-before-tls" in rules_of(judge(report, "auth-before-tls"))


def test_interop_lets_other_servers_do_what_they_like() -> None:
    verdict = judge(REPORTS["stock-mx-trixie"], "stock-mx", profile="interop")
    severities = {one.rule: one.severity for one in verdict.findings}
    relaxed = (
        "wire-old-protocols", "wire-anonymous-suites", "wire-no-forward-secrecy", "wire-cbc-suites",
    )  # fmt: skip
    assert {severities[rule] for rule in relaxed} == {"info"}
    verdict = judge(REPORTS["auth-before-tls-trixie"], "auth-before-tls", profile="interop")
    assert "high old-protocols" in rules_of(verdict)


def test_strict_wants_larger_keys() -> None:
    verdict = judge(REPORTS["stock-mx-trixie"], "stock-mx", profile="strict")
    assert "medium weak-key" in rules_of(verdict)


def test_two_certificates_give_two_findings_that_can_be_told_apart() -> None:
    verdict = judge(REPORTS["hard-mx-trixie"], "hard-mx")
    parameters = {one.parameter for one in verdict.findings}
    assert parameters == {"rsa certificate", "ecdsa certificate"}


@pytest.mark.parametrize(
    ("port", "purpose"),
    [(25, "mx"), (465, "submissions"), (587, "submission"), (993, "imaps"), (2525, "mx")],
)
def test_the_purpose_follows_from_the_port(port: int, purpose: str) -> None:
    assert purpose_of(port) == purpose


def served(files: t.Sequence[t.Mapping[str, t.Any]], **more: t.Any) -> tuple[t.Any, ...]:
    report = more.pop("report", REPORTS["stock-mx-trixie"])
    return served_against_file(report, files, host="mx.example", port=25, **more)


LEAF = REPORTS["stock-mx-trixie"]["chains"]["rsa"][0]


def test_a_served_certificate_that_is_in_a_file_is_well() -> None:
    assert served([{"path": "/etc/ssl/mx.pem", "sha256": LEAF["sha256"]}]) == ()


def test_a_renewed_certificate_that_was_not_reloaded_is_found() -> None:
    files = [
        {"path": "/etc/ssl/other.pem", "sha256": "1" * 64, "names": ["other.example"]},
        {"path": "/etc/ssl/mx.pem", "sha256": "2" * 64, "names": LEAF["names"]},
    ]
    (finding,) = served(files)
    assert finding.severity == "medium"
    assert "/etc/ssl/mx.pem" in finding.message
    assert "other.pem" not in finding.message
    assert finding.fix.command == "systemctl reload postfix"
    (finding,) = served(files, purpose="imaps")
    assert finding.fix.command == "systemctl reload dovecot"


@pytest.mark.parametrize(
    ("files", "report"),
    [
        pytest.param([], REPORTS["stock-mx-trixie"], id="no-files-known"),
        pytest.param([{"path": "/x", "sha256": ""}], REPORTS["stock-mx-trixie"], id="no-digest"),
        pytest.param([{"path": "/x", "sha256": "1" * 64}], REPORTS["closed-trixie"], id="closed"),
        pytest.param([{"path": "/x", "sha256": "1" * 64}], {}, id="not-asked"),
    ],
)
def test_nothing_to_compare_gives_no_finding(
    files: list[dict[str, t.Any]], report: dict[str, t.Any]
) -> None:
    assert served(files, report=report) == ()


def test_the_first_certificate_is_compared_when_the_rest_was_not_seen() -> None:
    report = changed("stock-mx")
    report["chains"]["rsa"] = {"incomplete": "TLS 1.3 encrypts the chain", "seen": [LEAF]}
    assert served([{"path": "/x", "sha256": "1" * 64}], report=report)
