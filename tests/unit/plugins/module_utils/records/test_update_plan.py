# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a dynamic update changes, and what of a shared set stays."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import RecordError
from ansible_collections.hardened.mail.plugins.module_utils.records.update_plan import (
    Found,
    Wish,
    diff_lines,
    exclusive_by_default,
    plan,
    refuse,
    version_of,
    zone_for,
)

SPF, OLD_SPF, FOREIGN = '"v=spf1 mx -all"', '"v=spf1 ~all"', '"site-verification=abc"'
CUT_SPF = '"v=spf1 " "mx -all"'
NAME = "example.org."


def wish(*data: str, type_: str = "TXT", **more: t.Any) -> Wish:
    return Wish(NAME, type_, 300, data, **{"exclusive": False, **more})


@pytest.mark.parametrize(
    ("wished", "before", "after"),
    [
        pytest.param(wish(SPF), Found(), Found(300, (SPF,)), id="new"),
        pytest.param(wish(SPF), Found(60, (SPF,)), Found(300, (SPF,)), id="ttl"),
        pytest.param(
            wish(SPF), Found(60, (FOREIGN, OLD_SPF)), Found(60, (FOREIGN, SPF)), id="beside-others"
        ),
        pytest.param(
            wish(SPF, exclusive=True), Found(60, (FOREIGN,)), Found(300, (SPF,)), id="exclusive"
        ),
        pytest.param(
            wish("1 a.", type_="MX"),
            Found(60, ("2 b.",)),
            Found(60, ("1 a.", "2 b.")),
            id="added-only",
        ),
        pytest.param(
            wish("no version"),
            Found(60, (OLD_SPF,)),
            Found(60, ("no version", OLD_SPF)),
            id="plain",
        ),
        pytest.param(
            wish(SPF, absent=True), Found(60, (FOREIGN, SPF)), Found(60, (FOREIGN,)), id="less"
        ),
        pytest.param(wish(absent=True, exclusive=True), Found(60, (SPF,)), Found(), id="gone"),
        pytest.param(
            wish(SPF, FOREIGN, exclusive=True),
            Found(60, (CUT_SPF,)),
            Found(300, (CUT_SPF, FOREIGN)),
            id="cut-elsewhere",
        ),
        pytest.param(
            wish(SPF, absent=True),
            Found(60, (CUT_SPF, FOREIGN, SPF)),
            Found(60, (FOREIGN,)),
            id="less-cut-elsewhere",
        ),
    ],
)
def test_plan_gives_the_set_as_it_shall_be(wished: Wish, before: Found, after: Found) -> None:
    (change,) = plan([wished], {(NAME, wished.type): before})
    assert change.after == Found(after.ttl, tuple(sorted(after.data)))
    assert plan([wished], {(NAME, wished.type): change.after}) == ()


@pytest.mark.parametrize("exclusive", [True, False])
def test_a_text_that_is_cut_elsewhere_is_the_same(exclusive: bool) -> None:
    found = {(NAME, "TXT"): Found(300, (CUT_SPF,))}
    assert plan([wish(SPF, exclusive=exclusive)], found) == ()


def test_plan_shows_what_goes_and_what_comes() -> None:
    changes = plan([wish(SPF)], {(NAME, "TXT"): Found(300, (OLD_SPF,))})
    assert diff_lines(changes) == (
        f"- {NAME} 300 IN TXT {OLD_SPF}",
        f"+ {NAME} 300 IN TXT {SPF}",
    )


@pytest.mark.parametrize(
    ("wishes", "problem"),
    [
        pytest.param([wish("x", type_="SOA")], "belong to the zone", id="soa"),
        pytest.param([wish(SPF), wish(FOREIGN)], "given twice", id="twice"),
        pytest.param([wish(absent=True)], "others may have records", id="shared"),
        pytest.param([wish()], "there is no data", id="empty"),
        pytest.param([wish("a.", type_="CNAME"), wish(SPF)], "stands alone", id="cname"),
    ],
)
def test_refuse_names_what_no_server_should_be_asked_for(wishes: list[Wish], problem: str) -> None:
    with pytest.raises(RecordError, match=problem):
        refuse(wishes)


@pytest.mark.parametrize(
    ("data", "version"),
    [
        pytest.param('"v=spf1 mx -all"', "spf1", id="spf"),
        pytest.param('"v=spf1"', "spf1", id="alone"),
        pytest.param('"V = DMARC1; p=none"', "dmarc1", id="blanks"),
        pytest.param('"v=sp" "f1 -all"', "spf1", id="two-strings"),
        pytest.param('"v=spf10 x"', "spf10", id="longer"),
        pytest.param('"site=v=spf1"', "", id="elsewhere"),
    ],
)
def test_version_of_reads_the_first_tag(data: str, version: str) -> None:
    assert version_of(data) == version


@pytest.mark.parametrize(
    ("name", "type_", "exclusive"),
    [
        pytest.param("example.org.", "TXT", False, id="apex"),
        pytest.param("_dmarc.example.org.", "TXT", True, id="one-purpose"),
        pytest.param("example.org.", "MX", True, id="other-type"),
    ],
)
def test_texts_without_an_underscore_are_shared(name: str, type_: str, exclusive: bool) -> None:
    assert exclusive_by_default(name, type_) is exclusive


def test_zone_for_takes_the_nearest_zone() -> None:
    assert zone_for("a.b.example.", ["example.", "b.example."]) == "b.example."
    assert zone_for("ab.example.", ["b.example."]) is None
