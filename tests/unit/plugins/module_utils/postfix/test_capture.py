# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text that carries postconf's answers, whole and damaged."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.postfix import capture
from ansible_collections.hardened.mail.plugins.module_utils.postfix.capture import (
    Capture,
    CaptureError,
    Said,
)
from hypothesis import given
from hypothesis import strategies as st

WHOLE: t.Final = Capture(
    host="mx.example",
    taken="2026-11-24T12:00:00Z",
    config_directory="/etc/postfix",
    said={
        "version": Said(0, "3.10.13\n"),
        "explicit": Said(0, "a = b\n|c = --- end\n\n--- d = e\n", "postconf: warning: x\n"),
        "master": Said(1, "", "postconf: fatal: y\n"),
    },
)
TEXT: t.Final = capture.render(WHOLE)

LINES = st.lists(
    st.text(st.characters(exclude_characters="\n", exclude_categories=())), max_size=5
).map(lambda lines: "".join(line + "\n" for line in lines))
ANSWERS = st.builds(Said, st.integers(0, 255), LINES, LINES)


def whole_or_refused(text: str) -> t.Optional[Capture]:
    """Return the capture in a text, None when it is refused; any other error is a defect."""
    try:
        return capture.parse(text)
    except CaptureError as error:
        if not str(error).startswith("line "):
            raise
        return None


@given(st.dictionaries(st.sampled_from(sorted(capture.QUESTIONS)), ANSWERS))
def test_a_capture_comes_through(said: dict[str, Said]) -> None:
    found = WHOLE._replace(said=said)
    assert capture.parse(capture.render(found)) == found


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda text: text.replace("\n", "\r\n"), id="dos-line-ends"),
        pytest.param(lambda text: "\ufeff" + text, id="byte-order-mark"),
        pytest.param(lambda text: text.rstrip("\n"), id="last-line-end-lost"),
        pytest.param(lambda text: text + "\n\n", id="blank-lines-at-the-end"),
    ],
)
def test_what_a_transport_does_is_undone(change: t.Callable[[str], str]) -> None:
    assert capture.parse(change(TEXT)) == WHOLE


def test_a_text_cut_off_anywhere_gives_whole_answers_only() -> None:
    whole = 0
    for length in range(TEXT.index("--- "), len(TEXT) - len("--- end")):
        found = capture.parse(TEXT[:length])
        assert not found.complete
        assert found.said.items() <= WHOLE.said.items()
        whole = max(whole, len(found.said))
    assert whole == len(WHOLE.said)


def test_a_text_cut_off_in_its_head_is_no_capture_or_empty() -> None:
    for length in range(TEXT.index("--- ")):
        found = whole_or_refused(TEXT[:length])
        assert found is None or (found.said, found.complete) == ({}, False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "found nothing", id="empty"),
        pytest.param("\0\1\2", "found binary data", id="binary"),
        pytest.param("2bounce = x", "of postconf alone", id="postconf"),
        pytest.param("PING 192.0.2.1 (192.0.2.1)", "found something else", id="another-program"),
        pytest.param("postfix-capture 2\n", "another version of the format", id="newer"),
        pytest.param(
            "postfix-capture 1\nhost mx\n--- x", "line 2: expected 'name: value'", id="head"
        ),
        pytest.param(TEXT.replace("|a", "a"), "line 11: expected '|'", id="unquoted"),
        pytest.param(TEXT + "more\n", "behind the end of the capture", id="more"),
        pytest.param(TEXT + TEXT, "behind the end of the capture", id="two"),
        pytest.param(TEXT.replace("status 1", "status x"), "expected the standard", id="status"),
        pytest.param(
            TEXT.replace("--- master stdout", "--- version stdout"), "is there twice", id="twice"
        ),
    ],
)
def test_what_is_no_capture_is_refused(text: str, message: str) -> None:
    with pytest.raises(CaptureError, match=r"^line \d+: ") as error:
        capture.parse(text)
    assert message in str(error.value)


def test_the_line_that_an_error_names_is_the_one() -> None:
    lines = TEXT.split("\n")
    for number, line in enumerate(lines, start=1):
        if line.startswith("|"):
            broken = "\n".join([*lines[: number - 1], line[1:] + "x", *lines[number:]])
            if line[1:].startswith("|"):
                continue
            with pytest.raises(CaptureError, match=rf"^line {number}: "):
                capture.parse(broken)


@given(st.text())
def test_any_text_is_a_capture_or_refused(text: str) -> None:
    for one in (text, TEXT[:60] + text, TEXT[:-8] + text):
        whole_or_refused(one)
