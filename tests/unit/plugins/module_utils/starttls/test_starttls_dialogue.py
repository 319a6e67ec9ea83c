# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clear-text dialogues, from transcripts of real daemons and of bad ones."""

from __future__ import annotations

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.starttls.dialogue import (
    MAX_REPLY,
    TALKS_EARLY,
    Dialogue,
    Event,
    Protocol,
    Step,
    printable,
)

Transcript = list[tuple[Step, bytes]]

# What Postfix 3.10 and Dovecot 2.4 of Debian 13 said.
POSTFIX: Transcript = [
    ("greeting", b"220 b.example ESMTP Postfix (Debian)\r\n"),
    (
        "capabilities",
        (
            b"250-b.example\r\n250-PIPELINING\r\n250-SIZE 10240000\r\n250-VRFY\r\n250-ETRN\r\n"
            b"250-STARTTLS\r\n250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250-DSN\r\n"
            b"250-SMTPUTF8\r\n250 CHUNKING\r\n"
        ),
    ),
    ("starttls", b"220 2.0.0 Ready to start TLS\r\n"),
]
DOVECOT_IMAP: Transcript = [
    ("greeting", b"* OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] Dovecot ready.\r\n"),
    (
        "capabilities",
        (
            b"* CAPABILITY IMAP4rev1 SASL-IR LITERAL+ STARTTLS LOGINDISABLED\r\n"
            b"c OK Pre-login capabilities listed, post-login capabilities have more.\r\n"
        ),
    ),
    ("starttls", b"s OK Begin TLS negotiation now.\r\n"),
    ("quit", b"* BYE Logging out\r\nq OK Logout completed.\r\n"),
]
DOVECOT_POP3: Transcript = [
    ("greeting", b"+OK Dovecot ready.\r\n"),
    ("capabilities", b"+OK\r\nCAPA\r\nTOP\r\nRESP-CODES\r\nSTLS\r\nSASL PLAIN LOGIN\r\n.\r\n"),
    ("starttls", b"+OK Begin TLS negotiation now.\r\n"),
    ("quit", b"+OK Logging out\r\n"),
]
POSTSCREEN: Transcript = [
    ("greeting", b"220-mx.example wait\r\n220 mx.example ESMTP\r\n"),
    ("capabilities", b"250-mx.example\r\n250 auth plain\r\n"),
    ("quit", b"221 2.0.0 Bye\r\n"),
]
TRANSCRIPTS = {
    "postfix": ("smtp", POSTFIX),
    "postscreen": ("smtp", POSTSCREEN),
    "dovecot-imap": ("imap", DOVECOT_IMAP),
    "dovecot-pop3": ("pop3", DOVECOT_POP3),
    "early-after-go": ("smtp", [*POSTFIX[:2], ("starttls", b"220 go\r\n250 injected\r\n")]),
    "early-greeting": ("smtp", [("greeting", b"220 a\r\n250 b\r\n")]),
    "not-smtp": ("smtp", [("greeting", b"HTTP/1.1 400 Bad Request\r\n\r\n")]),
    "not-imap": ("imap", [("greeting", b"220 smtp.example\r\n")]),
    "not-pop3": ("pop3", [("greeting", b"220 smtp.example\r\n")]),
    "busy": ("smtp", [("greeting", b"421 4.7.0 too many connections\r\n")]),
    "long-line": ("smtp", [("greeting", b"220 " + b"x" * MAX_REPLY + b"\r\n")]),
    "endless-line": ("smtp", [("greeting", b"x" * (MAX_REPLY + 1))]),
    "many-lines": ("smtp", [("greeting", b"220-hello there\r\n" * (MAX_REPLY // 17 + 1))]),
}


def run(protocol: Protocol, transcript: Transcript, *, size: int) -> list[list[Event]]:
    """Return the events of each step when the bytes come in portions of ``size``."""
    dialogue = Dialogue(protocol, helo="probe.invalid")
    events = []
    for step, data in transcript:
        if step != "greeting":
            dialogue.ask(step)
        seen: list[Event] = []
        for start in range(0, len(data), size):
            seen += dialogue.feed(data[start : start + size])
        events.append(seen)
    return events


@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_feed_gives_the_same_events_for_every_split(name: str) -> None:
    protocol, transcript = TRANSCRIPTS[name]
    whole = run(protocol, transcript, size=10**6)
    longest = max(len(data) for _step, data in transcript)
    for size in range(1, longest) if longest < 1000 else (1, 2, 3, 1000, 65535, 65536):
        assert run(protocol, transcript, size=size) == whole


@pytest.mark.parametrize("cut", range(1, 60))
def test_feed_gives_the_same_events_for_every_cut_of_one_reply(cut: int) -> None:
    data = b"220 go\r\n250 injected\r\n"
    for reply in (data, b"250-mx\r\n250-STARTTLS\r\n250 SIZE\r\n"):
        dialogue = Dialogue("smtp", helo="x", greeted=True)
        dialogue.ask("starttls" if reply is data else "capabilities")
        cut_up = dialogue.feed(reply[:cut]) + dialogue.feed(reply[cut:])
        again = Dialogue("smtp", helo="x", greeted=True)
        again.ask("starttls" if reply is data else "capabilities")
        assert cut_up == again.feed(reply)


def test_feed_reads_postfix() -> None:
    greeting, capabilities, go = (events[0] for events in run("smtp", POSTFIX, size=10**6))
    assert greeting == Event("greeting", "greeting", "220 b.example ESMTP Postfix (Debian)")
    assert capabilities.kind == "capabilities"
    assert capabilities.items[:2] == ("PIPELINING", "SIZE 10240000")
    assert capabilities.items[-1] == "CHUNKING"
    assert "STARTTLS" in capabilities.items
    assert go.kind == "go"


def test_feed_reads_dovecot_imap() -> None:
    _greeting, capabilities, go, bye = (e[0] for e in run("imap", DOVECOT_IMAP, size=10**6))
    assert capabilities.items == ("IMAP4REV1", "SASL-IR", "LITERAL+", "STARTTLS", "LOGINDISABLED")
    assert (go.kind, bye.kind) == ("go", "bye")


def test_feed_reads_dovecot_pop3() -> None:
    greeting, capabilities, go, bye = (e[0] for e in run("pop3", DOVECOT_POP3, size=10**6))
    assert greeting.text == "+OK Dovecot ready."
    assert capabilities.items == ("CAPA", "TOP", "RESP-CODES", "STLS", "SASL PLAIN LOGIN")
    assert (go.kind, bye.kind) == ("go", "bye")


def test_feed_spells_keywords_in_upper_case_and_keeps_arguments() -> None:
    events = run("smtp", POSTSCREEN, size=10**6)
    assert events[0][0].text == "220 mx.example wait mx.example ESMTP"
    assert events[1][0].items == ("AUTH plain",)


@pytest.mark.parametrize(
    ("protocol", "step", "reply", "text"),
    [
        pytest.param(
            *("smtp", "starttls", b"454 4.7.0 TLS not available due to local problem\r\n"),
            "454 4.7.0 TLS not available due to local problem",
            id="postfix-without-certificate",
        ),
        pytest.param(
            "smtp", "capabilities", b"502-5.5.1 no\r\n502 sorry\r\n", "502 5.5.1 no sorry"
        ),
        pytest.param("smtp", "starttls", b"250 what\r\n", "250 what", id="wrong-code"),
        pytest.param("lmtp", "capabilities", b"500 5.5.2 bad\r\n", "500 5.5.2 bad", id="lmtp"),
        pytest.param("imap", "starttls", b"s NO [ALERT] no TLS\r\n", "NO [ALERT] no TLS", id="no"),
        pytest.param("imap", "starttls", b"s BAD what\r\n", "BAD what", id="bad"),
        pytest.param("imap", "capabilities", b"* BYE idle\r\n", "BYE idle", id="imap-bye"),
        pytest.param("pop3", "starttls", b"-ERR no TLS\r\n", "-ERR no TLS", id="pop3"),
        pytest.param("pop3", "capabilities", b"-ERR unknown\r\n", "-ERR unknown", id="no-capa"),
    ],
)
def test_feed_tells_a_refusal(protocol: Protocol, step: Step, reply: bytes, text: str) -> None:
    dialogue = Dialogue(protocol, helo="x", greeted=True)
    dialogue.ask(step)
    assert dialogue.feed(reply) == [Event("refused", step, text)]


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("early-after-go", ["go", "early"]),
        ("early-greeting", ["greeting", "early"]),
        ("not-smtp", ["broken"]),
        ("not-imap", ["broken"]),
        ("not-pop3", ["broken"]),
        ("busy", ["refused"]),
        ("long-line", ["broken"]),
        ("endless-line", ["broken"]),
        ("many-lines", ["broken"]),
    ],
)
def test_feed_tells_bad_peers(name: str, kinds: list[str]) -> None:
    protocol, transcript = TRANSCRIPTS[name]
    assert [event.kind for event in run(protocol, transcript, size=10**6)[-1]] == kinds


def test_feed_takes_a_reply_of_the_greatest_size() -> None:
    dialogue = Dialogue("smtp", helo="x")
    events = dialogue.feed(b"220 " + b"x" * (MAX_REPLY - 5) + b"\r\n")
    assert [event.kind for event in events] == ["greeting"]


def test_feed_says_nothing_after_the_end() -> None:
    dialogue = Dialogue("smtp", helo="x")
    assert dialogue.feed(b"garbage\r\n")[0].kind == "broken"
    assert dialogue.feed(b"220 late\r\n") == []


def test_imap_preauth_is_a_greeting_and_bye_is_not() -> None:
    assert Dialogue("imap", helo="x").feed(b"* PREAUTH hello\r\n")[0].kind == "greeting"
    assert Dialogue("imap", helo="x").feed(b"* BYE full\r\n")[0].kind == "refused"


def test_imap_passes_over_other_untagged_lines() -> None:
    dialogue = Dialogue("imap", helo="x", greeted=True)
    dialogue.ask("capabilities")
    events = dialogue.feed(b"* OK still here\r\n* CAPABILITY X\r\nc OK\r\n")
    assert events == [Event("capabilities", "capabilities", "OK", ("X",))]


def test_imap_refuses_a_foreign_tag() -> None:
    dialogue = Dialogue("imap", helo="x", greeted=True)
    dialogue.ask("starttls")
    assert dialogue.feed(b"z OK\r\n")[0].kind == "broken"


def test_closed_says_what_was_left() -> None:
    dialogue = Dialogue("smtp", helo="x")
    dialogue.feed(b"220 half")
    assert dialogue.closed() == Event(
        "broken", "greeting", "the server closed the connection after '220 half'"
    )
    assert Dialogue("smtp", helo="x").closed().text == "the server closed the connection"


@pytest.mark.parametrize(
    ("protocol", "commands"),
    [
        ("smtp", (b"EHLO me.example\r\n", b"STARTTLS\r\n", b"QUIT\r\n")),
        ("lmtp", (b"LHLO me.example\r\n", b"STARTTLS\r\n", b"QUIT\r\n")),
        ("imap", (b"c CAPABILITY\r\n", b"s STARTTLS\r\n", b"q LOGOUT\r\n")),
        ("pop3", (b"CAPA\r\n", b"STLS\r\n", b"QUIT\r\n")),
    ],
)
def test_ask_gives_the_command(protocol: Protocol, commands: tuple[bytes, ...]) -> None:
    dialogue = Dialogue(protocol, helo="me.example")
    steps: tuple[Step, ...] = ("capabilities", "starttls", "quit")
    assert tuple(dialogue.ask(step) for step in steps) == commands


def test_unasked_bytes_before_the_first_command_are_early() -> None:
    dialogue = Dialogue("smtp", helo="x", greeted=True)
    assert dialogue.feed(b"2")[0] == Event("early", "greeting", TALKS_EARLY)


def test_printable_removes_what_could_harm_a_terminal() -> None:
    assert printable(b"220 \x1b[31mred\x07\xff ") == "220 ?[31mred??"
    assert printable("x" * 301) == "x" * 300 + "..."
