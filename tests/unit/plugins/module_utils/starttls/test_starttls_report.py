# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lacking answer is said to be lacking, whatever it lacks."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.starttls.dialogue import Session, Target
from ansible_collections.hardened.mail.plugins.module_utils.starttls.report import (
    QUESTIONS,
    Evidence,
    Found,
    Question,
    Verdict,
    report,
)
from ansible_collections.hardened.mail.plugins.module_utils.starttls.tls_codec import (
    RENEGOTIATION_INFO,
    Answer,
)

OK = Session(
    answered=True,
    banner="220 mx.example ESMTP",
    capabilities=("STARTTLS",),
    starttls_offered=True,
    tls_established=True,
    tls_version="TLSv1.3",
    tls_cipher="TLS_AES_256_GCM_SHA384",
    capabilities_tls=("SIZE",),
    stage="done",
)
REFUSED = Answer("refused", "no")
FAILED = Answer("failed", "reset by peer")
HELLO = Answer("hello", version=0x0303, suite=0xC02F, extensions=frozenset((RENEGOTIATION_INFO,)))
RETRY = Answer("retry", version=0x0304, suite=0x1301, group=29)
OLD = dict.fromkeys((0x0300, 0x0301, 0x0302), REFUSED)
PROTOCOLS = {**OLD, 0x0303: HELLO, 0x0304: RETRY}


def evidence(**changes: t.Any) -> Evidence:
    return dataclasses.replace(
        Evidence(Target("192.0.2.1", 25), session=OK, protocols=PROTOCOLS), **changes
    )


def answer(question: Question, **changes: t.Any) -> t.Any:
    return report(evidence(**changes), questions=[question])[question]


def test_whole_answers_are_complete() -> None:
    found = report(
        evidence(
            parts={
                (0x0303, "ECDHE"): Found((HELLO,)),
                (0x0303, "DHE"): Found(),
                (0x0304, "any"): Found((RETRY,)),
            },
            groups={0x0304: Found((RETRY,))},
            preference={0x0303: None, 0x0304: True},
            injection="refused",
            connections=9,
        ),
        questions=[q for q in QUESTIONS if q not in ("chains", "verify")],
    )
    assert found["complete"] is True
    assert found["incomplete"] == []
    assert found["connections"] == 9
    assert found["banner"] == "220 mx.example ESMTP"
    assert found["capabilities"] == {"before_tls": ["STARTTLS"], "after_tls": ["SIZE"]}
    assert found["suites"] == {
        "TLSv1.2": ["ECDHE-RSA-AES128-GCM-SHA256"],
        "TLSv1.3": ["TLS_AES_128_GCM_SHA256"],
    }
    assert found["suite_classes"]["aead"] == [
        "TLS_AES_128_GCM_SHA256",
        "ECDHE-RSA-AES128-GCM-SHA256",
    ]
    assert found["groups"] == {"TLSv1.3": ["X25519"], "dhe": []}
    assert found["server_preference"] == {"TLSv1.2": None, "TLSv1.3": True}
    assert found["renegotiation_info"] is True


def test_a_failed_offer_is_neither_yes_nor_no() -> None:
    protocols = {**PROTOCOLS, 0x0301: FAILED}
    lacking = {"incomplete": "reset by peer"}
    assert answer("protocols", protocols=protocols)["TLSv1"] == lacking
    assert answer("chosen", protocols=protocols) == {
        "TLSv1": lacking,
        "TLSv1.2": "ECDHE-RSA-AES128-GCM-SHA256",
        "TLSv1.3": "TLS_AES_128_GCM_SHA256",
    }
    assert answer("groups", protocols=protocols)["TLSv1"] == lacking
    weak = answer("weak_suites", protocols=protocols)
    assert weak["incomplete"] == "TLSv1: reset by peer"
    assert weak["seen"]["anonymous"] == []


def test_a_refusal_that_the_tls_library_disproves_is_incomplete() -> None:
    found = answer("protocols", protocols={**PROTOCOLS, 0x0304: REFUSED})
    assert found["TLSv1.2"] is True
    assert "refused a bare offer" in found["TLSv1.3"]["incomplete"]


def test_an_older_version_in_answer_is_a_refusal() -> None:
    assert (
        answer(
            "protocols",
            protocols={**PROTOCOLS, 0x0304: HELLO},
            session=Session(stage="handshake", problem="TLS handshake: no"),
        )["TLSv1.3"]
        is False
    )


def test_no_accepted_protocol_leaves_the_rest_open() -> None:
    changes = {
        "protocols": dict.fromkeys(PROTOCOLS, REFUSED),
        "session": Session(stage="handshake", problem="TLS handshake: no"),
    }
    for question in ("chosen", "suites", "weak_suites", "groups", "renegotiation_info", "verify"):
        found = report(evidence(**changes), questions=[question])
        assert question in found["incomplete"], question


def test_an_enumeration_that_stopped_shows_what_it_saw() -> None:
    parts = {(0x0303, "ECDHE"): Found((HELLO,), "too many connections")}
    lacking = {"incomplete": "too many connections", "seen": ["ECDHE-RSA-AES128-GCM-SHA256"]}
    assert answer("suites", parts=parts)["TLSv1.2"] == lacking
    assert answer("weak_suites", parts=parts)["incomplete"] == "too many connections"
    groups = {0x0304: Found((RETRY,), "too many connections")}
    assert answer("groups", groups=groups)["TLSv1.3"] == {
        "incomplete": "too many connections",
        "seen": ["X25519"],
    }
    parts = {(0x0303, "DHE"): Found((), "too many connections")}
    assert answer("groups", parts=parts)["dhe"]["incomplete"] == "too many connections"


def test_what_was_not_reached_is_incomplete() -> None:
    lacking = {"incomplete": "the question was not reached"}
    assert answer("server_preference")["TLSv1.2"] == lacking
    assert answer("injection") == lacking
    assert answer("suites")["TLSv1.2"] == {**lacking, "seen": []}


def test_an_unknown_preference_says_why() -> None:
    assert answer("server_preference", preference={0x0303: "reset", 0x0304: False}) == {
        "TLSv1.2": {"incomplete": "reset"},
        "TLSv1.3": False,
    }


def test_trouble_before_tls_is_the_answer_to_all() -> None:
    session = Session(problem="STARTTLS: refused: 454", stage="starttls", answered=True)
    found = report(evidence(session=session, protocols={}), questions=QUESTIONS)
    lacking = {"incomplete": "STARTTLS: refused: 454"}
    assert found["incomplete"] == [*QUESTIONS[1:], "suite_classes"]
    assert found["capabilities"] == {"before_tls": [], "after_tls": lacking}
    assert all(found[question] == lacking for question in QUESTIONS[2:])


def test_trouble_at_the_capabilities_leaves_both_open() -> None:
    session = Session(problem="capabilities: refused: 502", stage="capabilities", answered=True)
    lacking = {"incomplete": "capabilities: refused: 502"}
    found = report(evidence(session=session, protocols={}), questions=["capabilities", "banner"])
    assert found["capabilities"] == {"before_tls": lacking, "after_tls": lacking}
    assert found["banner"] == ""


def test_trouble_inside_tls_leaves_the_capabilities_there_open() -> None:
    session = dataclasses.replace(
        OK, stage="capabilities", problem="capabilities: no answer in time", capabilities_tls=()
    )
    assert answer("capabilities", session=session) == {
        "before_tls": ["STARTTLS"],
        "after_tls": {"incomplete": "capabilities: no answer in time"},
    }


def test_when_all_offers_fail_the_first_trouble_counts() -> None:
    failed = dict.fromkeys(PROTOCOLS, FAILED)
    assert answer("suites", protocols=failed) == {"incomplete": "reset by peer"}
    session = Session(stage="handshake", problem="TLS handshake: the answer is not TLS")
    assert answer("suites", protocols=failed, session=session) == {
        "incomplete": "TLS handshake: the answer is not TLS"
    }


def test_certificates_that_cannot_be_read_are_shown_by_digest() -> None:
    shown = dataclasses.replace(HELLO, certificates=(b"junk",))
    (certificate,) = answer("chains", chains={"RSA": shown})["rsa"]
    assert certificate["incomplete"].startswith("not readable: ")
    assert len(certificate["sha256"]) == 64


def test_a_chain_that_could_not_be_had_is_incomplete() -> None:
    chains = {"RSA": FAILED, "ECDSA": REFUSED}
    assert answer("chains", chains=chains) == {"rsa": {"incomplete": "reset by peer"}}
    assert answer("verify", chains=chains) == {"rsa": {"incomplete": "reset by peer"}}


@pytest.mark.parametrize(
    ("verdicts", "found"),
    [
        ({}, {"incomplete": "the question was not reached"}),
        ({"RSA": Verdict(None, "reset")}, {"incomplete": "reset"}),
        (
            {"RSA": Verdict(trusted=False, reason="certificate has expired")},
            {"trusted": False, "reason": "certificate has expired", "name_matches": None},
        ),
    ],
)
def test_verify_never_passes_what_was_not_tried(
    verdicts: dict[str, Verdict], found: dict[str, t.Any]
) -> None:
    shown = dataclasses.replace(HELLO, certificates=(b"junk",))
    assert answer("verify", chains={"RSA": shown}, verdicts=verdicts) == {"rsa": found}


def test_one_failed_offer_leaves_renegotiation_open_where_only_tls13_is_spoken() -> None:
    protocols = {**OLD, 0x0303: REFUSED, 0x0304: RETRY}
    assert answer("renegotiation_info", protocols=protocols) is None
    lacking = answer("renegotiation_info", protocols={**protocols, 0x0303: FAILED})
    assert lacking == {"incomplete": "reset by peer"}
