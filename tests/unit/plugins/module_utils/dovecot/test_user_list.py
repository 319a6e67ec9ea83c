# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users that are refused, the file that is written, and the seals."""

from __future__ import annotations

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.dovecot.user_list import (
    HEADER,
    Seals,
    User,
    UserProblem,
    checked,
    dump_seals,
    is_weak,
    kept,
    load_seals,
    masked,
    parse,
    render,
    seals_of,
    unchanged,
)

HASH = "{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$c2FsdA$dGVzdA"
OTHER = "{BLF-CRYPT}$2y$11$abcdefghijklmnopqrstuu"


@pytest.mark.parametrize(
    ("users", "told"),
    [
        pytest.param([User("a:b", "x")], "has a colon or a control character", id="colon"),
        pytest.param([User("a\nb", "x")], "has a colon or a control character", id="newline"),
        pytest.param([User("a\u2028b", "x")], "has a colon or a control character", id="separator"),
        pytest.param([User("#a", "x")], "would be a comment", id="comment"),
        pytest.param([User("", "x")], "is empty", id="no-name"),
        pytest.param([User(" a", "x")], "begins or ends with a blank", id="blank"),
        pytest.param([User("a")], "an empty password and no hash", id="empty-password"),
        pytest.param([User("a", "x", HASH)], "both a password and a hash", id="both"),
        pytest.param([User("a", "x\ny")], "has a line end in it", id="password-newline"),
        pytest.param([User("a", "x" * 513)], "longer than 512 octets", id="long-password"),
        pytest.param([User("Anna", "x"), User("anna", "y")], "the same user", id="case"),
        pytest.param([User("ÜLI", "x"), User("üli", "y")], "the same user", id="case-beyond-ascii"),
        pytest.param([User("a", hash="secret")], "not one line of the form", id="no-scheme"),
        pytest.param([User("a", hash=HASH + ":0:0")], "not one line of the form", id="hash-colon"),
        pytest.param([User("a", hash=HASH + "\nroot:x")], "not one line", id="hash-newline"),
        pytest.param([User("a", hash="{PLAIN}secret")], "a password that can be read", id="plain"),
        pytest.param([User("a", hash="{CRYPT}$y$j9T$a$b")], "the scheme CRYPT", id="lacking"),
    ],
)
def test_checked_refuses(users: list[User], told: str) -> None:
    with pytest.raises(UserProblem) as caught:
        checked(users, lower=True, schemes={"ARGON2ID"})
    assert told in str(caught.value)
    assert "secret" not in str(caught.value)


def test_checked_takes_what_dovecot_takes() -> None:
    users = [User("Jürgen Müller", "x"), User("Bob@Example.COM", "y:z"), User("c", hash=HASH)]
    assert [one.name for one in checked(users, lower=True, schemes={"ARGON2ID"})] == [
        "jürgen müller",
        "bob@example.com",
        "c",
    ]
    assert checked(users, lower=False)[1].name == "Bob@Example.COM"


def test_checked_lower_leaves_letters_beyond_ascii() -> None:
    """Dovecot's own lower case leaves them, and looks for the name as it leaves it."""
    assert checked([User("ÄB", "x")], lower=True)[0].name == "Äb"


def test_render_and_parse_agree() -> None:
    hashes = {"a b": HASH, "c@d": OTHER}
    text = render(hashes)
    assert text.startswith(HEADER)
    assert parse(text) == hashes


def test_masked_shows_schemes_and_that_a_hash_is_new() -> None:
    text = masked(render({"a": HASH}))
    assert "a:{ARGON2ID}" in text
    assert "argon2id$" not in text
    assert text != masked(render({"a": HASH[:-1] + "x"}))


USERS = (User("a", "one"), User("b", "two"), User("c", hash=HASH))
TEXT = render({"a": HASH, "b": OTHER, "c": HASH})


def test_seals_recognise_the_list_and_nothing_else() -> None:
    seals = load_seals(dump_seals(seals_of(USERS, text=TEXT, known=Seals())))
    assert unchanged(USERS, text=TEXT, seals=seals)
    assert not unchanged((User("a", "One"), *USERS[1:]), text=TEXT, seals=seals)
    assert not unchanged(USERS[:2], text=TEXT, seals=seals)
    assert not unchanged(USERS, text=TEXT + "d:x\n", seals=seals)
    assert not unchanged(USERS, text=TEXT, seals=Seals())


def test_seals_keep_the_hash_of_an_unchanged_password_only() -> None:
    seals = seals_of(USERS, text=TEXT, known=Seals())
    changed = (User("a", "new"), User("b", "two"), User("d", "four"))
    assert kept(changed, text=TEXT, seals=seals) == {"b": OTHER}
    edited = TEXT.replace(OTHER, OTHER[:-1] + "x")
    assert kept(changed, text=edited, seals=seals) == {}


def test_seals_hold_no_password_and_differ_for_equal_ones() -> None:
    users = (User("a", "same"), User("b", "same"))
    seals = seals_of(users, text=render({"a": HASH, "b": OTHER}), known=Seals())
    assert b"same" not in dump_seals(seals)
    assert seals.users["a"] != seals.users["b"]


@pytest.mark.parametrize("raw", [None, b"", b"{", b"[]"], ids=["absent", "empty", "torn", "list"])
def test_load_seals_takes_any_file(raw: bytes) -> None:
    assert load_seals(raw) == Seals()


@pytest.mark.parametrize(
    ("value", "weak"),
    [
        (HASH, False),
        (OTHER, False),
        ("{CRYPT}$6$a$b", False),
        ("{SSHA}abc", True),
        ("{MD5}abc", True),
    ],
)
def test_is_weak(value: str, weak: bool) -> None:
    assert is_weak(value) is weak
