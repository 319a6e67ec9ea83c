# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""main.cf is read as Postfix reads it, and only the lines of changed parameters are rewritten."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.postfix import main_cf
from ansible_collections.hardened.mail.tests.unit.plugins.module_utils.postfix.config_texts import (
    FRESH,
    NAMES,
    MainText,
    main_texts,
    values,
)
from hypothesis import given
from hypothesis import strategies as st

CHANGES = st.dictionaries(st.sampled_from((*NAMES, FRESH)), st.none() | values(), max_size=4)


def entries(text: str) -> list[tuple[str, str]]:
    return [(entry.name, entry.value) for entry in main_cf.parse(text)]


def other_lines(text: str, names: t.Container[str]) -> list[str]:
    """Return the lines that carry none of *names*; the last line may lack its line end."""
    ours = {i for entry in main_cf.parse(text) if entry.name in names for i in entry.lines}
    if text and not text.endswith("\n"):
        text += "\r\n" if "\r\n" in text else "\n"
    return [line for i, line in enumerate(text.split("\n")) if i not in ours]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", [], id="empty"),
        pytest.param("a=1", [("a", "1")], id="no-final-newline"),
        pytest.param("a =\n", [("a", "")], id="empty-value"),
        pytest.param("a = b = c\n", [("a", "b = c")], id="equals-in-value"),
        pytest.param("a = 1\n  2\n\t3\n", [("a", "1 2 3")], id="continued"),
        pytest.param("a = 1,\n# x\n\n \n   # y\n  2\n", [("a", "1, 2")], id="comments-inside"),
        pytest.param("a = 1\n# x\n  2\nb = 3\n", [("a", "1 2"), ("b", "3")], id="comment-between"),
        pytest.param("  # x\n\t# y\n#z\na = 1\n", [("a", "1")], id="indented-comments"),
        pytest.param("a = 1\r\n\r\n  2\r\nb = 3\r\n", [("a", "1 2"), ("b", "3")], id="dos"),
        pytest.param("a = 1\na = 2\n", [("a", "1"), ("a", "2")], id="duplicates"),
        pytest.param("a = 1 # no comment\n", [("a", "1 # no comment")], id="sharp-in-value"),
        pytest.param("a = #b\n", [("a", "#b")], id="value-starts-with-sharp"),
        pytest.param("a = 1 \t 2\r3\n", [("a", "1 2 3")], id="white-space-folded"),
        pytest.param("a = \x0b1\x0b2\x0c\n", [("a", "1\x0b2")], id="vertical-tab-kept-inside"),
        pytest.param("a\x0b=1\n", [("a", "1")], id="vertical-tab-before-equals"),
        pytest.param("a = 1\n\x0b2\n", [("a", "1\x0b2")], id="vertical-tab-continues"),
        pytest.param("a = \u00a0x\u00a0 \u2028y\n", [("a", "\u00a0x\u00a0 \u2028y")], id="unicode"),
        pytest.param("\u00a0a = 1\n", [("\u00a0a", "1")], id="no-break-space-is-a-name"),
        pytest.param("  a = 1\n  b = 2\nc = 3\n", [("c", "3")], id="continuation-of-nothing"),
    ],
)
def test_parse(text: str, expected: list[tuple[str, str]]) -> None:
    assert entries(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            "a = 1\nb\n", "main.cf, line 2: expected 'name = value', found 'b'", id="no-equals"
        ),
        pytest.param("= 1\n", "line 1: expected 'name = value', found '=...'", id="no-name"),
        pytest.param("# x\n\na b = 1\n", "line 3: .* found 'a b =...'", id="two-names"),
        pytest.param("a = 1\nb = \0\n", "main.cf, line 2: the line contains a NUL byte", id="nul"),
        pytest.param("# \0\n", "line 1: the line contains a NUL byte", id="nul-in-a-comment"),
        pytest.param("b\n  = 1\n c = 2\nd\n", "line 4: .* found 'd'", id="name-continued"),
    ],
)
def test_parse_refuses(text: str, message: str) -> None:
    with pytest.raises(main_cf.ConfigSyntaxError, match=message):
        main_cf.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("smtp_sasl_password_maps inline:{[r]:587 = user:s3cret}", id="no-equals"),
        pytest.param("user:s3cret}", id="continuation-in-the-first-column"),
    ],
)
def test_no_secret_is_quoted(text: str) -> None:
    with pytest.raises(main_cf.ConfigSyntaxError, match=r"^(?!.*s3cret)main\.cf, line 1: "):
        main_cf.parse(text)


def test_parse_names_the_file() -> None:
    with pytest.raises(main_cf.ConfigSyntaxError, match=r"^/srv/x\.cf, line 1: "):
        main_cf.parse("x", file="/srv/x.cf")


def test_values_takes_the_last_duplicate() -> None:
    assert main_cf.values(main_cf.parse("a = 1\nb = 2\na = 3\n")) == {"a": "3", "b": "2"}


def test_entry_lines_leave_comments_out() -> None:
    (entry,) = main_cf.parse("# before\na = 1,\n# inside\n  2\n# behind\n")
    assert entry.lines == (1, 3)


CLASS = "reject_unknown_client_hostname, check_client_access"


@pytest.mark.parametrize(
    ("text", "changes", "expected"),
    [
        pytest.param("a = 1\n", {"a": "2"}, "a = 2\n", id="set"),
        pytest.param("a = 1\n", {"b": "2"}, "a = 1\nb = 2\n", id="append"),
        pytest.param("a = 1", {"b": "2"}, "a = 1\nb = 2\n", id="append-without-final-newline"),
        pytest.param("", {"b": "2"}, "b = 2\n", id="append-to-nothing"),
        pytest.param("a = 1\n", {"c": "3", "b": "2"}, "a = 1\nc = 3\nb = 2\n", id="append-order"),
        pytest.param("a = 1\nb = 2\n", {"a": None}, "b = 2\n", id="remove"),
        pytest.param("a = 1\n", {"b": None}, "a = 1\n", id="remove-what-is-not-there"),
        pytest.param("b = 2\na = 1", {"a": "2"}, "b = 2\na = 2\n", id="set-without-final-newline"),
        pytest.param("a = 1\n", {"a": ""}, "a =\n", id="empty"),
        pytest.param("a=1\nb=2\na=3\n", {"a": "4"}, "b=2\na = 4\n", id="duplicates"),
        pytest.param("a=1\nb=2\na=3\n", {"a": None}, "b=2\n", id="remove-duplicates"),
        pytest.param(
            "a = 1,\n# why 2\n  2,\n\n  # why 3\n  3\n#end\n",
            {"a": "4"},
            "a = 4\n# why 2\n\n  # why 3\n#end\n",
            id="comments-inside-survive",
        ),
        pytest.param(
            "a = 1\r\n  2\r\nb = 3\r\n",
            {"a": "4", "c": "5"},
            "a = 4\r\nb = 3\r\nc = 5\r\n",
            id="dos",
        ),
        pytest.param("a = 1\n#a = 9\n", {"a": "2"}, "a = 2\n#a = 9\n", id="commented-out-stays"),
        pytest.param("  a = 1\nb = 2\n", {"a": "3"}, "  a = 1\nb = 2\na = 3\n", id="orphan-stays"),
        pytest.param("a = 1\n", {"a": " 2\t 3 "}, "a = 2 3\n", id="folded"),
        pytest.param(
            "",
            {"a": f"{CLASS} hash:/etc/postfix/access, {CLASS} hash:/etc/b, reject"},
            f"a = {CLASS} hash:/etc/postfix/access,\n    {CLASS} hash:/etc/b, reject\n",
            id="long-value-continued",
        ),
        pytest.param(
            "", {"a": "x" * 99 + " y"}, "a =\n    " + "x" * 99 + "\n    y\n", id="long-first-word"
        ),
        pytest.param(
            "", {"a": "x" * 95 + " #y z"}, "a = " + "x" * 95 + " #y\n    z\n", id="sharp-not-first"
        ),
    ],
)
def test_render(text: str, changes: dict[str, t.Optional[str]], expected: str) -> None:
    assert main_cf.render(text, changes=changes) == expected


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        pytest.param("", "1", "'' is not the name of a Postfix parameter", id="no-name"),
        pytest.param("a b", "1", "'a b' is not the name", id="blank-in-name"),
        pytest.param("a=b", "1", "'a=b' is not the name", id="equals-in-name"),
        pytest.param("#a", "1", "'#a' is not the name", id="comment-as-name"),
        pytest.param("a\0", None, "is not the name", id="nul-in-name"),
        pytest.param("a\u00a0", None, "is not the name", id="no-break-space-in-name"),
        pytest.param("a", "1\nb = 2", "the value of a contains a line break", id="line-break"),
        pytest.param("a", "1\r", "the value of a contains a carriage return", id="carriage-return"),
        pytest.param("a", "1\0", "the value of a contains a NUL", id="nul"),
        pytest.param("a", " #1", "the value of a starts with '#'", id="sharp"),
        pytest.param("a", "user:pass\n", "give it as one line$", id="secret-not-quoted"),
    ],
)
def test_render_refuses(name: str, value: t.Optional[str], message: str) -> None:
    with pytest.raises(main_cf.ConfigSyntaxError, match=message):
        main_cf.render("x = y\n", changes={name: value})


@given(made=main_texts())
def test_parse_gives_what_the_text_says(made: MainText) -> None:
    assert entries(made.text) == list(made.entries)


@given(made=main_texts())
def test_render_without_changes_is_identity(made: MainText) -> None:
    assert main_cf.render(made.text, changes={}) == made.text


@given(made=main_texts(), changes=CHANGES)
def test_render_gives_what_was_asked(made: MainText, changes: dict[str, t.Optional[str]]) -> None:
    found = main_cf.parse(main_cf.render(made.text, changes=changes))
    expected = {name: value for name, value in made.entries if name not in changes}
    expected |= {n: main_cf.normalise(v) for n, v in changes.items() if v is not None}
    assert main_cf.values(found) == expected
    names = [entry.name for entry in found]
    assert all(names.count(name) == 1 for name in changes if changes[name] is not None)


@given(made=main_texts(), changes=CHANGES)
def test_render_twice_changes_nothing(made: MainText, changes: dict[str, t.Optional[str]]) -> None:
    once = main_cf.render(made.text, changes=changes)
    assert main_cf.render(once, changes=changes) == once


@given(made=main_texts(), changes=CHANGES)
def test_render_leaves_all_other_lines_byte_identical(
    made: MainText, changes: dict[str, t.Optional[str]]
) -> None:
    rendered = main_cf.render(made.text, changes=changes)
    assert other_lines(rendered, changes) == other_lines(made.text, changes)


@given(made=main_texts(), changes=CHANGES)
def test_render_keeps_the_line_ends(made: MainText, changes: dict[str, t.Optional[str]]) -> None:
    rendered = main_cf.render(made.text, changes=changes)
    if made.text.startswith("\r\n") or "\r\n" in made.text.split("\n")[0] + "\n":
        assert rendered.count("\n") == rendered.count("\r\n")
    else:
        assert "\r" not in rendered


@given(value=values())
def test_formatted_values_read_back(value: str) -> None:
    text = main_cf.format_entry("a", value)
    assert entries(text) == [("a", main_cf.normalise(value))]
    too_long = [line for line in text.split("\n") if len(line) > 100 and " " in line.strip(" ")]
    assert all("#" in line for line in too_long)


@given(text=st.text())
def test_normalise_is_idempotent(text: str) -> None:
    once = main_cf.normalise(text)
    assert main_cf.normalise(once) == once


@given(text=st.text(alphabet="ab= #\t\r\n\x0b\0{}", max_size=40))
def test_any_text_is_read_or_refused_with_its_line(text: str) -> None:
    problem = ""
    found: tuple[main_cf.Entry, ...] = ()
    try:
        found = main_cf.parse(text)
    except main_cf.ConfigSyntaxError as error:
        problem = str(error)
    assert problem.startswith("main.cf, line ") if problem else True
    assert all(entry.name and entry.lines for entry in found)
    if not problem:
        assert main_cf.render(text, changes={}) == text
