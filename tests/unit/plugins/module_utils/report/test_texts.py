# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text from hosts is harmless wherever it is shown."""

from __future__ import annotations

import json

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.report import texts
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("smtpd_tls_protocols = >=TLSv1.2", "smtpd_tls_protocols = >=TLSv1.2", id="as-it-is"),
        pytest.param("one\n  two\tthree", "one two three", id="one-line"),
        pytest.param("\x1b[2Jgone\x07", "\ufffd[2Jgone\ufffd", id="terminal"),
        pytest.param("a\u202eb\u2066c", "a\ufffdb\ufffdc", id="direction-of-writing"),
        pytest.param("a\u200bb\ufeff", "a\ufffdb\ufffd", id="invisible"),
        pytest.param("half \ud800", "half \ufffd", id="surrogate"),
        pytest.param("größer 邮件 ✓", "größer 邮件 ✓", id="other-scripts"),
        pytest.param("", "", id="empty"),
    ],
)  # fmt: skip
def test_clean_leaves_nothing_that_does_harm(text: str, expected: str) -> None:
    assert texts.clean(text) == expected


@given(st.text())
def test_clean_text_can_be_written_and_stays_clean(text: str) -> None:
    once = texts.clean(text)
    once.encode("utf-8")
    assert texts.clean(once) == once
    assert "\n" not in once
    assert "\x1b" not in once


@given(st.text(alphabet="<>&\"'/scriptSCRIPT!-\\\u2028\u2029x"))
def test_json_for_a_script_cannot_end_the_script(text: str) -> None:
    made = texts.script(json.dumps(text, ensure_ascii=False))
    assert not set("<>&\u2028\u2029") & set(made)
    assert json.loads(made) == text


def test_xml_escapes_what_means_something() -> None:
    assert texts.xml("<a b='c'>&\"") == "&lt;a b=&#39;c&#39;&gt;&amp;&quot;"
    assert texts.xml("plain") == "plain"


def test_markdown_escapes_what_means_something() -> None:
    assert texts.markdown("a|b <i> `c` [d](e) _f_ @team #1") == (
        "a\\|b \\<i\\> \\`c\\` \\[d\\](e) \\_f\\_ \\@team \\#1"
    )


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [("abc", 3, "abc"), ("abcd", 3, "ab\u2026"), ("ab cd", 4, "ab\u2026"), ("abc", 0, "\u2026")],
)
def test_shortened_has_the_width(text: str, width: int, expected: str) -> None:
    assert texts.shortened(text, width) == expected
