# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What we make of ``$name`` and its kin is what the real postconf makes of it.

Run with ``tests/lab/enter .venv/bin/pytest tests/integration_lab/test_expand_real.py``.
"""

from __future__ import annotations

import functools
import pathlib
import sys
import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.postfix import main_cf
from ansible_collections.hardened.mail.plugins.module_utils.postfix.expand import (
    NOT_EXPANDED,
    ExpansionError,
    expand,
)
from ansible_collections.hardened.mail.plugins.module_utils.postfix.postconf_output import (
    parameters,
)
from hypothesis import strategies as st

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [
    str(ROOT / "tests/unit/plugins/module_utils/postfix"),
    str(pathlib.Path(__file__).parent),
]

from config_texts import samples
from expansions import CALLED, EXPANDED, KNOWN, NOT_CALLED, REFUSED, Settings, chain, settings
from real_postconf import Answer, judge

if t.TYPE_CHECKING:
    from ansible_collections.hardened.mail.tests.integration_lab.conftest import Machine

COUNT = 25

#: Where levels cannot be compared: "<level" came with Postfix 3.6.
NO_LEVELS = ("bullseye",)
#: Where functions can be called, new in Postfix 3.11.
FUNCTIONS = ("sid",)


def expansions(raw: t.Mapping[str, str], explicit: t.Mapping[str, str]) -> dict[str, str]:
    """Return every parameter, expanded from what ``postconf`` and ``postconf -n`` print."""
    written = {**raw, **explicit}
    return {
        name: value if name in NOT_EXPANDED else main_cf.normalise(expand(value, written.get))
        for name, value in written.items()
    }


def read(answer: Answer) -> tuple[dict[str, str], ...]:
    """Return what ``postconf``, ``-n`` and ``-x`` print."""
    found = tuple(parameters(answer[question][1]) for question in ("", "-n", "-x"))
    for one in found:
        # Another one for each run of postconf.
        one.pop("process_id", None)
    return found


def test_every_parameter_of_the_stock_configuration(shared_machine: Machine) -> None:
    files = {
        name: shared_machine.read(f"/root/pristine/{name}").decode()
        for name in ("main.cf", "master.cf")
    }
    (answer,) = judge(shared_machine, [files], "", "-n", "-x")
    raw, explicit, real = read(answer)
    assert len(real) > 900
    assert sum("$" in value for value in raw.values()) > 100
    assert expansions(raw, explicit) == real


def test_which_parameters_are_never_expanded(shared_machine: Machine) -> None:
    (defaults,) = judge(shared_machine, [{}], "-d")
    names = set(parameters(defaults["-d"][1])) - {"config_directory"}
    text = "once = twice\n" + "".join(f"{name} = $once\n" for name in sorted(names))
    (answer,) = judge(shared_machine, [{"main.cf": text}], "-x")
    real = parameters(answer["-x"][1])
    assert {name for name, value in real.items() if value == "$once"} == NOT_EXPANDED
    assert sum(value == "twice" for value in real.values()) > 800


@functools.cache
def made_up(*, levels: bool) -> list[Settings]:
    return samples(settings(levels=levels), count=COUNT)


def test_every_parameter_of_made_up_configurations(shared_machine: Machine) -> None:
    levels = shared_machine.release not in NO_LEVELS
    made = made_up(levels=levels)
    answers = judge(shared_machine, [{"main.cf": one.text} for one in made], "", "-n", "-x")
    for one, answer in zip(made, answers, strict=True):
        assert [status for status, _out, _err in answer.values()] == [0, 0, 0], (one.text, answer)
        raw, explicit, real = read(answer)
        meant = {name: main_cf.normalise(value) for name, value in one.meant.items()}
        assert {name: real[name] for name in meant} == meant, one.text
        assert expansions(raw, explicit) == real, one.text


def asked(machine: Machine, values: t.Sequence[str]) -> list[t.Optional[str]]:
    """Return what postconf makes of each value, None where it dies."""
    known = "".join(f"{name} = {value}\n" for name, value in KNOWN.items())
    files = [{"main.cf": f"{known}relayhost = {value}\n"} for value in values]
    found: list[t.Optional[str]] = []
    for value, answer in zip(values, judge(machine, files, "-x relayhost"), strict=True):
        status, out, err = answer["-x relayhost"]
        assert (status == 0) == ("fatal" not in err), (value, answer)
        found.append(parameters(out)["relayhost"] if status == 0 else None)
    return found


def test_the_tables_of_the_unit_tests_are_true(shared_machine: Machine) -> None:
    levels = shared_machine.release not in NO_LEVELS
    expanded = [
        (value, meant) for _name, value, meant in EXPANDED if levels or "level" not in value
    ]
    # Of a cycle through a comparison Postfix dies without a word: its stack overflows.
    refused = [value for name, value, _message in REFUSED if name != "in-a-comparison"]
    if shared_machine.release in FUNCTIONS:
        expanded += [(value, meant) for _name, value, meant in CALLED]
        refused += [value for _name, value, _message in NOT_CALLED]
    else:
        refused += [
            value for name, value, _meant in CALLED if "such" not in name and "like" not in name
        ]
    real = asked(shared_machine, [value for value, _meant in expanded])
    for (value, meant), found in zip(expanded, real, strict=True):
        assert found == main_cf.normalise(meant), value
    for value, found in zip(refused, asked(shared_machine, refused), strict=True):
        assert found is None, value


DEEP = (
    "$n0",
    "${a?{$n0}}",
    "${{x} == {$n0}}",
    "${{x} == {$n0} ? {$n1}}",
    "$n0 ${domain_to_ascii{$n0}}",
)


def test_how_deep_references_may_be_nested(shared_machine: Machine) -> None:
    cases = [
        (value, {"a": "1", **chain(length, end=end)})
        for value in DEEP
        for length in (97, 98, 99, 100, 101)
        for end in ("x", "")
        if "domain" not in value or shared_machine.release in FUNCTIONS
    ]
    files = [
        {"main.cf": "".join(f"{k} = {v}\n" for k, v in {**known, "relayhost": value}.items())}
        for value, known in cases
    ]
    answers = judge(shared_machine, files, "-x relayhost")
    for (value, known), answer in zip(cases, answers, strict=True):
        status, out, _err = answer["-x relayhost"]
        if status:
            with pytest.raises(ExpansionError):
                expand(value, known.get)
        else:
            assert main_cf.normalise(expand(value, known.get)) == parameters(out)["relayhost"]


TOKENS = """
$ $ $ ${ ${ ${ $( { { } } } ) ( ? : == != < >= ~ $$ a b 1 10 $a ${a? ${b: ${{ }:{ }?{ - $nested $self
${relayhost $broken } == { } <= { ${domain_to_ascii{ ${a{
""".split()
WILD = st.lists(st.sampled_from([*TOKENS, " "]), min_size=1, max_size=9).map("".join)


def test_any_text_is_expanded_or_refused_as_postconf_does(shared_machine: Machine) -> None:
    texts = samples(WILD, count=5 * COUNT)
    refused = 0
    for text, real in zip(texts, asked(shared_machine, texts), strict=True):
        known = {**KNOWN, "relayhost": main_cf.normalise(text)}
        if real is None:
            refused += 1
            with pytest.raises(ExpansionError):
                expand("$relayhost", known.get)
        else:
            assert main_cf.normalise(expand("$relayhost", known.get)) == real, text
    assert COUNT < refused < 4 * COUNT
