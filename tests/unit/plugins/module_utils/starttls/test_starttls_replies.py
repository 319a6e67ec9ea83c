# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replies, whole and in pieces, and what is no reply."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.starttls.replies import (
    Replies,
    Reply,
    ReplyError,
)

SMTP = b"250-mx.example\r\n250 STARTTLS\r\n"
IMAP = b"* 1 EXISTS\r\n* SEARCH 4 7\r\nh1 OK done\r\n"
LITERAL = b"* 1 FETCH (BODY {9}\r\nh1 OK no\n)\r\nh1 OK done\r\n"


@pytest.mark.parametrize(
    ("protocol", "data", "reply"),
    [
        pytest.param("smtp", SMTP, Reply("yes", "250 mx.example STARTTLS", ("mx.example", "STARTTLS")), id="lines"),
        pytest.param("smtp", b"334 \r\n", Reply("more", "334", ("",)), id="more"),
        pytest.param("smtp", b"450 4.2.0 later\r\n", Reply("later", "450 4.2.0 later", ("4.2.0 later",)), id="later"),
        pytest.param("smtp", b"554 no\n", Reply("no", "554 no", ("no",)), id="bare-lf"),
        pytest.param("smtp", b"221\r\n", Reply("yes", "221", ("",)), id="code-alone"),
        pytest.param("imap", IMAP, Reply("yes", "OK done", ("1 EXISTS", "SEARCH 4 7")), id="imap"),
        pytest.param("imap", b"+ \r\n", Reply("more", "+"), id="imap-more"),
        pytest.param("imap", b"h1 NO [X] never\r\n", Reply("no", "NO [X] never"), id="imap-no"),
        pytest.param("imap", b"h1 BAD what\r\n", Reply("no", "BAD what"), id="imap-bad"),
        pytest.param("imap", LITERAL, Reply("yes", "OK done", ("1 FETCH (BODY {9}\r\nh1 OK no\n)",)), id="literal"),
        pytest.param("pop3", b"+OK hello\r\n", Reply("yes", "+OK hello"), id="pop3"),
        pytest.param("pop3", b"+ \r\n", Reply("more", "+"), id="pop3-more"),
        pytest.param("pop3", b"-ERR no\r\n", Reply("no", "-ERR no"), id="pop3-no"),
    ],
)  # fmt: skip
def test_portions_make_no_difference(protocol: t.Any, data: bytes, reply: Reply) -> None:
    for size in (1, 3, len(data)):
        replies = Replies(protocol)
        replies.expect("h1")
        found = [
            one
            for start in range(0, len(data), size)
            for one in replies.feed(data[start : start + size])
        ]
        assert found == [reply], size


def test_replies_that_come_together_are_told_apart() -> None:
    found = Replies("smtp").feed(b"250 one\r\n500 two\r\n221 th")
    assert [one.text for one in found] == ["250 one", "500 two"]


@pytest.mark.parametrize(
    ("protocol", "data", "problem"),
    [
        pytest.param("smtp", b"hello\r\n", "not an SMTP reply: 'hello'", id="words"),
        pytest.param("smtp", b"999 what\r\n", "not an SMTP reply", id="no-such-code"),
        pytest.param("smtp", b"\x1b]0;x\x07\r\n", "not an SMTP reply: '?]0;x?'", id="control"),
        pytest.param("imap", b"h2 OK done\r\n", "not an IMAP reply", id="foreign-tag"),
        pytest.param("imap", b"h1 MAYBE\r\n", "not an IMAP reply", id="no-such-word"),
        pytest.param("imap", b"* x {99999999}\r\n", "more than 65536 bytes", id="large-literal"),
        pytest.param("pop3", b"OK\r\n", "not a POP3 reply", id="pop3"),
        pytest.param("smtp", b"x" * 70000, "more than 65536 bytes", id="no-end"),
        pytest.param("smtp", b"250-x\r\n" * 20000, "more than 65536 bytes", id="endless"),
        pytest.param("imap", b"* x\r\n" * 20000, "more than 65536 bytes", id="endless-imap"),
    ],
)
def test_what_is_no_reply_is_refused(protocol: t.Any, data: bytes, problem: str) -> None:
    replies = Replies(protocol)
    replies.expect("h1")
    with pytest.raises(ReplyError) as caught:
        replies.feed(data)
    assert problem in str(caught.value)
