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

from expansions import CALLED, EXPANDED, KNOWN, NOT_CALLED, REFUSED, Settings, chain, settings


@pytest.mark.parametrize(
    ("value", "expected"),
    [pytest.param(value, meant, id=name) for name, value, meant in EXPANDED + CALLED],
)
def test_expand(value: str, expected: str) -> None:
    assert subject.expand(value, KNOWN.get) == expected


@pytest.mark.parametrize(
    ("value", "message"),
    [pytest.param(value, said, id=name) for name, value, said in REFUSED + NOT_CALLED],
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


@pytest.mark.parametrize(
    "half", ["${{$n0} == {x} ? {$m0}}", "${domain_to_ascii{$n0}}"], ids=["comparison", "call"]
)
def test_operands_begin_to_count_again(half: str) -> None:
    known = {**chain(98, end="x"), "half": half, "m0": "$m1", "m1": "x"}
    known |= {f"p{index}": f"$p{index + 1}" for index in range(20)} | {"p20": "$half"}
    assert subject.expand("$half $n0 $p0", known.get) == "x x x"


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
    # Of the processor, whatever else the machine does.
    began = time.process_time()
    with contextlib.suppress(subject.ExpansionError):
        assert len(subject.expand(value, known.get)) <= 4 * 1024 * 1024
    assert time.process_time() - began < 5


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
