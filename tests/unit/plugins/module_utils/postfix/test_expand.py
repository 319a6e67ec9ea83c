# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Postfix makes of ``$name`` and its kin; tests/integration_lab/test_expand_real.py asks Postfix itself."""

from __future__ import annotations

import contextlib
import pathlib
import re
import sys
import time
import typing as t

import hypothesis
import pytest
from ansible_collections.hardened.mail.plugins.module_utils.postfix import expand as subject
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from expansions import Settings, settings

KNOWN: t.Final = {
    "a": "1",
    "b": "",
    "nested": "-${a}-",
    "twice": "$nested$nested",
    "hollow": "$b",
    "level": "3.10",
    "dollar": "5$$",
    "self": "x$self",
    "each": "$other",
    "other": "${each}",
    "compared": "${{$compared} == {x} ? {y}}",
    "chosen": "${chosen?yes}",
    "broken": "secret$",
    "uses_broken": "$broken",
}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("plain", "plain", id="plain"),
        pytest.param("", "", id="empty"),
        pytest.param("{a}?:(", "{a}?:(", id="no-reference"),
        pytest.param("$a", "1", id="name"),
        pytest.param("${a}b $(a)c", "1b 1c", id="brackets"),
        pytest.param("$a.x $a-x", "1.x 1-x", id="name-ends"),
        pytest.param("$aä", "1ä", id="name-is-ascii"),
        pytest.param("$nested", "-1-", id="nested"),
        pytest.param("$twice", "-1--1-", id="used-twice"),
        pytest.param("[$nope][${nope}]", "[][]", id="unknown"),
        pytest.param("$$a", "$a", id="dollar"),
        pytest.param("$$$a$$$$", "$1$$", id="dollars"),
        pytest.param("$dollar$a", "5$1", id="dollar-of-another"),
        pytest.param("${a?x}${b?y}", "x", id="if-set"),
        pytest.param("${a:x}${b:y}", "y", id="if-empty"),
        pytest.param("${nope:x}", "x", id="unknown-is-empty"),
        pytest.param("${hollow?x}${hollow:y}", "x", id="set-as-it-is-written"),
        pytest.param("${a?{p q}}", "p q", id="braces"),
        pytest.param("${a? {p q} }", "p q", id="blanks-around-braces"),
        pytest.param("${a? p q }", " p q ", id="blanks-without-braces"),
        pytest.param("${a?{p}:{q}}${b?{p}:{q}}", "pq", id="either"),
        pytest.param("${a?{p}:q}${b?{p}:q r}", "pq r", id="either-without-braces"),
        pytest.param("${b?p:q}", "", id="colon-is-text-without-braces"),
        pytest.param("${a??p:{q}r}", "?p:{q}r", id="signs-are-text"),
        pytest.param("${a?}", "", id="empty-text"),
        pytest.param("${a?{x$nested}}", "x-1-", id="reference-in-the-text"),
        pytest.param("${b:{${a?{x}:{y}}}}", "x", id="choice-in-a-choice"),
        pytest.param("${a?{$$}}", "$", id="dollar-in-the-text"),
        pytest.param("${b?{$self}}y", "y", id="text-not-chosen-is-not-read"),
        pytest.param("$chosen", "yes", id="a-condition-is-no-cycle"),
        pytest.param("$(a?(x))", "(x)", id="parentheses-nest"),
        pytest.param("$(a?{x)}", None, id="parentheses-do-not-see-braces"),
        pytest.param("${{1} == {1}}", "true", id="comparison"),
        pytest.param("[${{1} == {2}}]", "[]", id="false-comparison"),
        pytest.param("${{1} == {01}?same}", "same", id="numbers"),
        pytest.param("${{9} < {10}?less}", "less", id="numbers-by-size"),
        pytest.param("${{9} < {10}?p:{q}}", "p:{q}", id="colon-is-text-behind-a-comparison"),
        pytest.param("${{9x} < {10}?{less}:{more}}", "more", id="texts-by-bytes"),
        pytest.param("${{ 1} == {1}?{same}:{other}}", "other", id="a-blank-makes-it-text"),
        pytest.param("${ {$a} != {$b} ? {other} : {same} }", "other", id="blanks"),
        pytest.param("${{a} < {b}}${{a} <= {a}}${{b} > {a}}${{b} >= {b}}", "true" * 4, id="signs"),
        pytest.param("${{${{a} == {a}}} == {true} ? {x}}", "x", id="comparison-in-a-comparison"),
        pytest.param("${{$level} <level {3.9} ? {old} : {new}}", "new", id="levels"),
        pytest.param("${{$level} < {3.9} ? {old} : {new}}", "old", id="levels-as-texts"),
        pytest.param("${{2} <level {3.6} ? {old} : {new}}", "old", id="short-level"),
        pytest.param("${{3.6.0} ==level {3.6}}", "true", id="level-without-a-patch"),
        pytest.param("${{3.6.1} >level {3.6}}", "true", id="level-with-a-patch"),
    ],
)
def test_expand(value: str, expected: t.Optional[str]) -> None:
    """The expectations are what ``postconf -x`` of 3.7.11 and 3.10.13 makes of the same values."""
    if expected is None:
        with pytest.raises(subject.ExpansionError):
            subject.expand(value, KNOWN.get)
    else:
        assert subject.expand(value, KNOWN.get) == expected


@pytest.mark.parametrize(
    ("value", "message"),
    [
        pytest.param("$self", "self refers to itself: self -> self", id="itself"),
        pytest.param("$each", "each refers to itself: each -> other -> each", id="each-other"),
        pytest.param("$compared", "compared refers to itself", id="in-a-comparison"),
        pytest.param("x$", "a '$' has no name", id="no-name"),
        pytest.param("$-", "a '$' has no name", id="no-name-but-a-sign"),
        pytest.param("$()", "the name between the brackets is missing", id="no-name-in-brackets"),
        pytest.param("${a", "a '{' is never closed", id="unclosed"),
        pytest.param("$(a}", "a '(' is never closed", id="unclosed-parenthesis"),
        pytest.param("${a?{b}", "a '{' is never closed", id="unclosed-text"),
        pytest.param("${a-b}", "a name contains '-'", id="sign-in-a-name"),
        pytest.param("${$a}", "a name contains '$'", id="reference-as-a-name"),
        pytest.param("${a b}", "a name contains ' '", id="blank-in-a-name"),
        pytest.param("${a?{x}y}", "followed by ':' only", id="text-behind-braces"),
        pytest.param("${a:{x}:{y}}", "text behind the last", id="two-else"),
        pytest.param("${a?{x}:{y}z}", "text behind the last", id="text-behind-both"),
        pytest.param("${{a}}", "== != < <= >= >", id="no-sign"),
        pytest.param("${{a} = {b}}", "== != < <= >= >", id="wrong-sign"),
        pytest.param("${{a} ==}", "expected behind ==", id="no-right-operand"),
        pytest.param("${{a} == b}", "expected behind ==", id="right-operand-without-braces"),
        pytest.param("${{a} <word {b}}", "no operator <word", id="wrong-word"),
        pytest.param("${{a} <level {3}}", "no compatibility level", id="no-level"),
        pytest.param("${{3} <level {3.1024}}", "no compatibility level", id="minor-too-large"),
        pytest.param("${{-1} <level {3}}", "no compatibility level", id="level-below-zero"),
        pytest.param("${{3.6.1.1} <level {3}}", "no compatibility level", id="four-numbers"),
        pytest.param("${{a} == {b} x}", "followed by '?' or ':' only", id="no-choice"),
        pytest.param("${{9" + "9" * 5000 + "} == {1}}", "too large", id="long-number"),
        pytest.param("${{9223372036854775808} == {1}}", "too large", id="large-number"),
    ],
)
def test_what_postfix_dies_of(value: str, message: str) -> None:
    with pytest.raises(subject.ExpansionError, match=re.escape(message)):
        subject.expand(value, KNOWN.get)


def test_an_error_names_the_parameter_and_shows_no_value() -> None:
    with pytest.raises(subject.ExpansionError) as caught:
        subject.expand("password $uses_broken", KNOWN.get)
    assert str(caught.value).endswith("(in the value of broken)")
    assert "secret" not in str(caught.value)
    assert "password" not in str(caught.value)


def chain(length: int, *, end: str, step: str = "${}") -> dict[str, str]:
    """Return names n0, n1, ... of which each refers to the next."""
    return {
        **{f"n{index}": step.replace("{}", f"n{index + 1}") for index in range(length)},
        f"n{length}": end,
    }


@pytest.mark.parametrize(
    ("length", "end", "fine"),
    [
        pytest.param(99, "x", True, id="text-at-the-limit"),
        pytest.param(100, "x", False, id="text-beyond"),
        pytest.param(100, "", True, id="name-at-the-limit"),
        pytest.param(101, "", False, id="name-beyond"),
    ],
)
def test_how_deep_references_may_be_nested(length: int, end: str, *, fine: bool) -> None:
    known = chain(length, end=end)
    if fine:
        assert subject.expand("$n0", known.get) == end
    else:
        with pytest.raises(subject.ExpansionError, match="nested more than 100 deep"):
            subject.expand("$n0", known.get)


def test_a_name_that_is_known_already_needs_its_depth_again() -> None:
    known = {**chain(60, end="x"), **{f"m{i}": f"$m{i + 1}" for i in range(60)}, "m60": "$n0"}
    assert subject.expand("$n0 $n0", known.get) == "x x"
    with pytest.raises(subject.ExpansionError, match="nested more than 100 deep"):
        subject.expand("$n0 $m0", known.get)


def test_operands_of_a_comparison_begin_to_count_again() -> None:
    known = {**chain(98, end="x"), "half": "${{$n0} == {x} ? {$m0}}", "m0": "$m1", "m1": "y"}
    assert subject.expand("$half $n0", known.get) == "y x"


BOMBS: t.Final = {
    "doubling": ("$n0", chain(60, end="xx", step="${}${}")),
    "comparing": ("$n0", chain(80, end="x", step="${{${}}} == {${}}}")),
    "many": ("$a" * 200_000, {"a": "1"}),
    "open": ("${" * 200_000, {}),
    "choices": ("${a?" * 20_000 + "}" * 20_000, {"a": "1"}),
    "brackets": ("${a?" * 90 + "{}" * 100_000 + "}" * 90, {"a": "1"}),
    "comparisons": ("${{" * 20_000 + "x" + "} == {x}}" * 20_000, {}),
}


@pytest.mark.parametrize(("value", "known"), BOMBS.values(), ids=BOMBS)
def test_a_bomb_costs_neither_time_nor_stack(value: str, known: dict[str, str]) -> None:
    began = time.monotonic()
    with contextlib.suppress(subject.ExpansionError):
        assert len(subject.expand(value, known.get)) <= 4 * 1024 * 1024
    assert time.monotonic() - began < 5


@given(st.text(alphabet="ab c,!=/{}()?:", max_size=20))
def test_text_without_a_dollar_stays(text: str) -> None:
    assert subject.expand(text, KNOWN.get) is text


@given(st.text(max_size=30))
def test_dollars_are_escaped_by_doubling(text: str) -> None:
    assert subject.expand(text.replace("$", "$$"), KNOWN.get) == text


@hypothesis.settings(max_examples=50)
@given(settings())
def test_a_value_means_what_it_was_made_of(made: Settings) -> None:
    for name, meaning in made.meant.items():
        assert subject.expand(f"${name}", made.written.get) == meaning
        assert subject.expand(made.written[name], made.written.get) == meaning


@given(st.text(alphabet="$$$ab{{}}()?:=<>!level 19.", max_size=40))
def test_any_text_is_expanded_or_refused(text: str) -> None:
    known = {**KNOWN, "text": text}
    with contextlib.suppress(subject.ExpansionError):
        assert subject.expand(text, known.get) == subject.expand("${text}", known.get)
