# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists of which only some members are ours."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.postfix.words import (
    Members,
    members_of,
    with_members,
)

OURS: t.Final = "unix:ours/milter.sock"
SITE: t.Final = "inet:localhost:8891"


@pytest.mark.parametrize(
    ("value", "members"),
    [
        pytest.param("", [], id="empty"),
        pytest.param(" , ", [], id="separators-alone"),
        pytest.param("a b,c", ["a", "b", "c"], id="blanks-and-commas"),
        pytest.param(
            "{ inet:h:1, connect_timeout=10s }, b",
            ["{ inet:h:1, connect_timeout=10s }", "b"],
            id="braces",
        ),
        pytest.param("${a?{b c}} d", ["${a?{b c}}", "d"], id="expression"),
        pytest.param("a{b c}d e", ["a{b c}d", "e"], id="braces-inside-a-member"),
    ],
)
def test_members_are_read_as_postfix_reads_them(value: str, members: list[str]) -> None:
    assert members_of(value) == members


def _changed(
    *wanted: Members, written: t.Optional[dict[str, str]] = None
) -> dict[str, t.Optional[str]]:
    return with_members(wanted, written=written or {}, value={"smtpd_milters": ""}.get)


SMTPD: t.Final = Members("smtpd_milters", present=(OURS,))
OTHER: t.Final = Members("non_smtpd_milters", present=(OURS,))


def test_a_new_list_has_ours_alone() -> None:
    assert _changed(SMTPD) == {"smtpd_milters": OURS}


def test_those_of_the_site_stay_and_come_first() -> None:
    written = {"smtpd_milters": f"{SITE} {{ unix:x, default_action=accept }}"}
    assert _changed(SMTPD, written=written) == {
        "smtpd_milters": f"{SITE}, {{ unix:x, default_action=accept }}, {OURS}"
    }


def test_a_list_that_has_it_is_left_alone() -> None:
    assert _changed(SMTPD, written={"smtpd_milters": f"{OURS} {SITE}"}) == {}


def test_a_member_by_reference_is_not_added_again() -> None:
    written = {"smtpd_milters": SITE, "non_smtpd_milters": "$smtpd_milters"}
    assert _changed(SMTPD, OTHER, written=written) == {"smtpd_milters": f"{SITE}, {OURS}"}


def test_what_is_absent_goes_and_the_rest_stays() -> None:
    written = {"smtpd_milters": f"{SITE}, {OURS}"}
    gone = Members("smtpd_milters", absent=(OURS,))
    assert _changed(gone, written=written) == {"smtpd_milters": SITE}
    assert _changed(gone, written={"smtpd_milters": OURS}) == {"smtpd_milters": None}
    assert _changed(gone, written={"smtpd_milters": SITE}) == {}
    assert _changed(gone) == {}


@pytest.mark.parametrize(
    "spelt",
    [
        pytest.param(f"{{ {OURS}, default_action = accept }}", id="with-options"),
        pytest.param(f"{{{OURS}}}", id="without-blanks"),
        pytest.param(f"{{ ,{OURS} connect_timeout=10s}}", id="separators-first"),
    ],
)
def test_a_member_with_options_is_called_by_its_first_word(spelt: str) -> None:
    written = {"smtpd_milters": f"{spelt}, {SITE}"}
    assert _changed(SMTPD, written=written) == {}
    assert _changed(Members("smtpd_milters", absent=(OURS,)), written=written) == {
        "smtpd_milters": SITE
    }
    others = Members("smtpd_milters", absent=("default_action", "accept", "connect_timeout=10s"))
    assert _changed(others, written=written) == {}
