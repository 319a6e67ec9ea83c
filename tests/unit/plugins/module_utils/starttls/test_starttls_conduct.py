# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a reply says of a question, and what it does not."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.starttls.conduct import (
    QUESTIONS,
    applies,
    lacks,
    own_recipient_answer,
    plain_answer,
    recipient_answer,
    relay_attempts,
    sender_answer,
    smuggling_answer,
)
from ansible_collections.hardened.mail.plugins.module_utils.starttls.replies import Reply


def reply(text: str) -> Reply:
    kinds: dict[str, t.Any] = {"2": "yes", "3": "more", "4": "later", "5": "no"}
    return Reply(kinds[text[0]], text)


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ("250 2.1.5 Ok", True),
        ("554 5.7.1 <x@y>: Relay access denied", False),
        # The default of Debian only puts it off.
        ("454 4.7.1 <x@y>: Relay access denied", False),
        ("550 5.1.1 <x@y>: User unknown in local recipient table", False),
        ("450 4.1.1 <x@y>: User unknown in local recipient table", False),
        ("554 5.7.1 <unknown[192.0.2.1]>: Client host rejected: Access denied", False),
        ("530 5.7.0 Must issue a STARTTLS command first", False),
        ("553 5.7.1 <x@y>: Sender address rejected: not logged in", False),
        ("450 4.2.0 <x@y>: Recipient address rejected: Greylisted", None),
        ("450 4.1.2 <x@y>: Recipient address rejected: Domain not found", None),
        ("554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.example", None),
        ("504 5.5.2 <probe>: Helo command rejected: need fully-qualified hostname", None),
        ("550 5.7.25 Client host rejected: cannot find your hostname", None),
    ],
)
def test_a_recipient_is_taken_or_refused_or_neither(text: str, accepted: bool | None) -> None:
    answer = recipient_answer(reply(text))
    assert answer.get("accepted") is accepted
    assert ("incomplete" in answer) == (accepted is None)
    assert text in (answer.get("reply") or answer["incomplete"])


def test_a_domain_that_is_not_the_servers_own_says_nothing() -> None:
    answer = own_recipient_answer(reply("554 5.7.1 Relay access denied"), domain="mx.example")
    assert "takes no mail for mx.example" in answer["incomplete"]
    assert own_recipient_answer(reply("250 Ok"), domain="mx.example")["accepted"] is True


@pytest.mark.parametrize(
    ("own", "other", "accepted"),
    [
        ("250 Ok", "250 Ok", True),
        ("250 Ok", "553 5.7.1 <x@mx.example>: Sender address rejected: not owned by user alice", False),
        # A server that takes nothing of us tells nothing about senders.
        ("554 5.7.1 Client host rejected", "554 5.7.1 <x@mx.example>: Sender address rejected", None),
        ("250 Ok", "450 4.7.1 Try again later", None),
    ],
)  # fmt: skip
def test_refusal_of_another_sender_counts_where_ones_own_is_taken(
    own: str, other: str, accepted: t.Optional[bool]
) -> None:
    assert sender_answer(reply(other), own=reply(own)).get("accepted") is accepted


def test_being_put_off_is_no_refusal() -> None:
    assert "puts it off" in plain_answer(reply("421 4.3.2 busy"))["incomplete"]
    assert plain_answer(reply("334 "))["accepted"] is True
    assert plain_answer(reply("502 no"))["accepted"] is False


@pytest.mark.parametrize(
    ("replies", "answer"),
    [
        (["250 queued", "221 bye"], "refused"),
        (["250 queued"], "refused"),
        (["250 queued", "500 bad", "221 bye"], "accepted"),
        (["250 queued", "554 5.5.0 improper pipelining", "500 bad"], "accepted"),
        (["550 5.5.2 Error: bare <LF> received"], "refused"),
    ],
)
def test_a_second_end_shows_in_the_number_of_replies(replies: list[str], answer: str) -> None:
    assert smuggling_answer([reply(one) for one in replies]) == answer


@pytest.mark.parametrize("text", ["554 5.7.1 spam", "451 4.7.1 try later", "450 5.5.2 odd"])
def test_a_message_that_is_not_taken_says_nothing_about_its_end(text: str) -> None:
    assert "incomplete" in smuggling_answer([reply(text)])


def test_no_reply_says_nothing_about_the_end() -> None:
    assert "incomplete" in smuggling_answer([])


def test_attempts_are_told_apart_and_the_tricky_ones_are_marked() -> None:
    found = relay_attempts(domain="mx.example", elsewhere="a@b.example")
    assert len({one.name for one in found}) == len(found)
    assert [one.recipient for one in found if not one.trick] == ["a@b.example"] * 2
    assert {one.recipient for one in found if one.trick} == {
        "a%b.example@mx.example",
        '"a@b.example"@mx.example',
    }


def test_questions_apply_where_they_make_sense() -> None:
    asked = {one for one in QUESTIONS if applies(one, protocol="imap", implicit_tls=True)}
    assert asked == {
        "greeting", "anonymous", "sha1_signatures", "renegotiation", "login", "wrong_password",
    }  # fmt: skip
    assert all(applies(one, protocol="smtp", implicit_tls=False) for one in QUESTIONS)


def test_an_answer_lacks_something_at_any_depth() -> None:
    assert lacks({"a": {"b": {"incomplete": "x"}}})
    assert lacks([{"incomplete": "x"}])
    assert not lacks({"a": {"accepted": True}})
    assert not lacks(None)
