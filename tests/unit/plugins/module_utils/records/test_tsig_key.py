# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The key of a dynamic update: its file, and what is wrong with it."""

from __future__ import annotations

import base64

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.records.tsig_key import (
    KeyProblem,
    make_key,
    read_key,
)

SECRET = "c2l4dGVlbiBvY3RldHMgb3IgbW9yZQ=="
FILE = f"""
// made by tsig-keygen
key "mail-update" {{
    algorithm hmac-sha384;
    secret "{SECRET}";
}};
"""


def test_read_key_takes_the_name_and_the_algorithm_from_the_file() -> None:
    key = read_key(FILE, name=None, algorithm=None)
    assert (key.name, key.algorithm) == ("mail-update", "hmac-sha384")
    assert key.secret == b"sixteen octets or more"
    assert "sixteen" not in repr(key)


def test_read_key_takes_a_secret_alone() -> None:
    key = read_key(f"{SECRET}\n", name="k", algorithm=None)
    assert (key.name, key.algorithm) == ("k", "hmac-sha256")


@pytest.mark.parametrize(
    "secret",
    [
        pytest.param("//" + SECRET[2:], id="slashes-first"),
        pytest.param("c2l4//RlZW4gb2N0ZXRzIG9yIG1vcmU=", id="slashes-inside"),
        pytest.param(SECRET, id="none"),
    ],
)
def test_a_secret_may_look_like_a_comment(secret: str) -> None:
    text = FILE.replace(SECRET, secret) + '/* key "old" { secret "x"; }; */ # key "x" {}\n'
    key = read_key(text, name=None, algorithm=None)
    assert key.secret == base64.b64decode(secret)


@pytest.mark.parametrize(
    ("text", "name", "algorithm", "problem"),
    [
        pytest.param(FILE, "other", None, "no key 'other'", id="other-name"),
        pytest.param(
            FILE, None, "hmac-sha256", "for hmac-sha384 in the file", id="other-algorithm"
        ),
        pytest.param(SECRET, None, None, "no key with a name", id="no-name"),
        pytest.param(FILE + FILE.replace("mail", "web"), None, None, "name one", id="several"),
        pytest.param('key "k" { algorithm hmac-sha256; };', None, None, "no secret", id="empty"),
        pytest.param(FILE.replace("sha384", "md5"), None, None, "hmac-md5", id="md5"),
    ],
)
def test_read_key_says_what_is_wrong(text: str, name: str, algorithm: str, problem: str) -> None:
    with pytest.raises(KeyProblem, match=problem) as raised:
        read_key(text, name=name, algorithm=algorithm)
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "secret", "problem"),
    [
        pytest.param("k", "not base64!", "not base64", id="letters"),
        pytest.param("k", "YWJj", "3 octets", id="short"),
        pytest.param("a b", SECRET, "name of the key", id="name"),
    ],
)
def test_make_key_refuses_what_is_no_key(name: str, secret: str, problem: str) -> None:
    with pytest.raises(KeyProblem, match=problem):
        make_key(name, "hmac-sha256", secret)
