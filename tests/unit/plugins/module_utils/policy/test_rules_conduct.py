# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of a server's conduct: a good one, and one with one answer changed."""

from __future__ import annotations

import copy
import datetime
import re
import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.policy.findings import Verdict
from ansible_collections.hardened.mail.plugins.module_utils.policy.rules_conduct import (
    RULES,
    judge_conduct,
    rules_for,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.wire_view import PURPOSES
from ansible_collections.hardened.mail.plugins.module_utils.starttls.conduct import QUESTIONS

NOW = datetime.datetime(2026, 11, 25, tzinfo=datetime.timezone.utc)
PORTS: t.Final = {"mx": 25, "submission": 587, "submissions": 465, "imap": 143, "imaps": 993}
NO: t.Final = {"accepted": False, "reply": "554 no"}
YES: t.Final = {"accepted": True, "reply": "250 Ok"}
LOGIN: t.Final = {
    **YES,
    "seconds": 0.1,
    "elsewhere": YES,
    "unknown_recipient": NO,
    "other_sender": NO,
}
#: A good port for mail programs; the others differ from it a little.
BASE: t.Final[dict[str, t.Any]] = {
    "greeting": {"text": "220 mx.example ESMTP", "seconds": 0.1},
    "login_before_tls": NO,
    "mail_before_tls": NO,
    "relay": {"an empty sender": {**NO, "trick": False}, "a percent sign": {**NO, "trick": True}},
    "unknown_recipient": NO,
    "mail_without_login": NO,
    "vrfy": NO,
    "anonymous": NO,
    "sha1_signatures": False,
    "renegotiation": False,
    "login": LOGIN,
    "wrong_password": {**NO, "seconds": 2.0},
    "smuggling": {"LF.LF": "refused", "LF.CRLF": "refused"},
    "address": "192.0.2.1",
}
MX: t.Final = {**BASE, "login": NO, "mail_without_login": YES, "mail_before_tls": YES}
TRIP: t.Final = {"sent": YES, "read": {"found": True, "seconds": 0.2}, "left": 0, "address": None}
INSIDE: t.Final = dict.fromkeys(("login_before_tls", "mail_before_tls"))


def good(purpose: str) -> dict[str, t.Any]:
    """Return the answers of a good port."""
    base = MX if purpose == "mx" else BASE
    return copy.deepcopy({**base, **(INSIDE if purpose in ("submissions", "imaps") else {})})


def judge(report: t.Mapping[str, t.Any], purpose: str) -> Verdict:
    return judge_conduct(
        report, host="mx.example", port=PORTS[purpose], purpose=t.cast("t.Any", purpose), now=NOW
    )


def rules_of(verdict: Verdict) -> set[str]:
    return {f"{one.severity} {one.rule[5:]}" for one in verdict.findings}


@pytest.mark.parametrize("purpose", PORTS)
def test_a_good_port_has_no_finding(purpose: str) -> None:
    verdict = judge(good(purpose), purpose)
    assert verdict.findings == ()
    assert verdict.incomplete == ()
    assert verdict.rules_run == len(rules_for(t.cast("t.Any", purpose)))


TRICK: t.Final = {"a percent sign": {**YES, "trick": True}}
RELAY: t.Final = {"an empty sender": {**YES, "trick": False}}
CHANGED: t.Final = [
    ("mx", {"greeting": {"incomplete": "Connection refused"}}, "high no-answer", "does not answer"),
    ("submission", {"login_before_tls": YES}, "critical password-before-tls", "clear text"),
    ("imap", {"login_before_tls": YES}, "critical password-before-tls", "clear text"),
    ("submission", {"mail_before_tls": YES}, "high mail-before-tls", "takes mail in clear text"),
    ("mx", {"relay": RELAY}, "critical open-relay", "with an empty sender"),
    ("mx", {"relay": TRICK}, "critical open-relay", "with a percent sign"),
    ("mx", {"unknown_recipient": YES}, "medium unknown-recipient", "does not exist"),
    ("submission", {"login": {**LOGIN, "unknown_recipient": YES}}, "medium unknown-recipient", "not exist"),
    ("mx", {"mail_without_login": NO}, "low no-postmaster", "postmaster"),
    ("submissions", {"mail_without_login": YES}, "high mail-without-login", "did not log in"),
    ("mx", {"vrfy": YES}, "low vrfy-answered", "postmaster exists"),
    ("imaps", {"anonymous": YES}, "critical anonymous-login", "as anonymous"),
    ("mx", {"sha1_signatures": True}, "info sha1-signatures", "SHA-1"),
    ("imap", {"renegotiation": True}, "medium client-renegotiation", "renew the handshake"),
    ("mx", {"login": LOGIN}, "high login-on-port-25", "only other servers"),
    ("imaps", {"wrong_password": {**YES, "seconds": 0.1}}, "critical wrong-password", "wrong password"),
    ("imaps", {"wrong_password": {**NO, "seconds": 0.4}}, "medium wrong-password-fast", r"0\.4 seconds"),
    ("submission", {"login": {**LOGIN, "elsewhere": NO}}, "high login-cannot-send", "send nothing"),
    ("submission", {"login": {**LOGIN, "other_sender": YES}}, "info other-sender", "addresses of others"),
    ("mx", {"smuggling": {"LF.LF": "accepted", "LF.CRLF": {"incomplete": "x"}}}, "critical smuggling", r"LF\.LF"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("purpose", "answers", "rule", "words"), CHANGED, ids=[one[2] for one in CHANGED]
)
def test_a_changed_answer_gets_its_finding(
    purpose: str, answers: dict[str, t.Any], rule: str, words: str
) -> None:
    verdict = judge({**good(purpose), **answers}, purpose)
    assert rules_of(verdict) == {rule}
    (one,) = verdict.findings
    assert re.search(words, one.message)
    assert "mx.example" in one.message
    assert one.fix.command


def test_a_refused_login_is_a_finding_and_leaves_open_what_needs_one() -> None:
    verdict = judge({**good("submission"), "login": NO}, "submission")
    assert rules_of(verdict) == {"high login-fails"}
    unjudged = {rule for one in verdict.incomplete for rule in one.rules}
    assert unjudged == {
        "wire-wrong-password-fast", "wire-unknown-recipient", "wire-login-cannot-send", "wire-other-sender",
    }  # fmt: skip


def test_a_trick_proves_nothing_where_every_mailbox_is_taken() -> None:
    report = {**good("mx"), "relay": TRICK, "unknown_recipient": YES}
    assert rules_of(judge(report, "mx")) == {"medium unknown-recipient"}


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"sent": NO}, {"high message-lost"}),
        ({"read": {"found": False, "seconds": 30.0}}, {"high message-lost"}),
        ({}, set()),
    ],
)
def test_a_message_that_does_not_arrive_is_found(changes: dict[str, t.Any], rule: set[str]) -> None:
    verdict = judge({**TRIP, **changes}, "submissions")
    assert rules_of(verdict) == rule
    assert verdict.incomplete == ()


@pytest.mark.parametrize("step", ["sent", "read"])
def test_a_message_that_could_not_be_tried_is_incomplete(step: str) -> None:
    verdict = judge({**TRIP, step: {"incomplete": "no answer in time"}}, "submissions")
    assert verdict.findings == ()
    assert [one.rules for one in verdict.incomplete] == [("wire-message-lost",)]


@pytest.mark.parametrize("purpose", PORTS)
@pytest.mark.parametrize("question", [one for one in QUESTIONS if one != "greeting"])
def test_an_answer_that_could_not_be_had_never_passes(purpose: str, question: str) -> None:
    if good(purpose)[question] is None:
        question = "anonymous"
    lacking = {**good(purpose), question: {"incomplete": "the server closed the connection"}}
    missing = {one: answer for one, answer in good(purpose).items() if one != question}
    used = judge(lacking, purpose).incomplete
    assert all("the server closed" in one.reason for one in used)
    assert {rule for one in used for rule in one.rules} == {
        rule for one in judge(missing, purpose).incomplete for rule in one.rules
    }
    assert judge(lacking, purpose).findings == ()


def test_every_question_is_used_by_a_rule() -> None:
    for question in QUESTIONS:
        verdicts = [
            judge({one: a for one, a in good(purpose).items() if one != question}, purpose)
            for purpose in PORTS
        ]
        assert any(verdict.incomplete for verdict in verdicts), question


@pytest.mark.parametrize("where", [{"address": "127.0.0.1"}, {"from_itself": True}])
def test_a_host_that_asks_itself_is_told_to_ask_from_elsewhere(where: dict[str, t.Any]) -> None:
    for purpose in ("mx", "submission"):
        verdict = judge({**good(purpose), **where}, purpose)
        reasons = " ".join(one.reason for one in verdict.incomplete)
        assert "ask from another host" in reasons
        assert verdict.findings == ()
    imap = {**good("imap"), **where, "login_before_tls": YES}
    assert judge(imap, "imap").findings == ()
    assert judge(imap, "imap").incomplete != ()


def test_rules_are_for_some_purpose_and_have_their_own_case() -> None:
    wanted = {rule for purpose in PURPOSES for rule in rules_for(purpose)} | rules_for(
        "mx", trip=True
    )
    assert wanted == {one.id for one in RULES}
    shown = {f"wire-{one[2].split()[1]}" for one in CHANGED} | {
        "wire-login-fails",
        "wire-message-lost",
    }
    assert shown == wanted
