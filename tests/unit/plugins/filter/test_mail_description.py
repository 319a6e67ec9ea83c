# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What hosts say of a site is put together, and a contradiction is named."""

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.hardened.mail.plugins.filter.mail_description import mail_description


def said(from_: str, host: str, **domain: t.Any) -> dict[str, t.Any]:
    return {
        "from": from_,
        "hosts": [{"name": host}],
        "domains": [{"name": "one.example", **domain}],
    }


def test_what_all_say_is_there_once() -> None:
    made = mail_description(
        [
            said("a", "mx1.example", mx=["mx1.example"]),
            said("b", "mx2.example", mx=["mx1.example"]),
        ],
        ttl=60,
    )
    assert made == {
        "ttl": 60,
        "hosts": [{"name": "mx1.example"}, {"name": "mx2.example"}],
        "domains": [{"name": "one.example", "mx": ["mx1.example"]}],
    }


def test_two_that_disagree_are_named_with_what_differs() -> None:
    both = [said("a", "mx1.example", mx=["mx1.example"]), said("b", "mx2.example", mx=[])]
    words = r"a and b disagree about the domain one\.example \(mx\).* Nothing was published\.$"
    with pytest.raises(AnsibleFilterError, match=words):
        mail_description(both)


def test_a_name_is_the_same_in_every_spelling() -> None:
    both = [said("a", "mx1.example"), said("b", "MX1.Example.", name="One.Example.")]
    made = mail_description(both)
    assert [one["name"] for one in made["hosts"]] == ["mx1.example"]
    assert [one["name"] for one in made["domains"]] == ["one.example"]


def test_keys_of_several_hosts_that_sign_come_together() -> None:
    one, two, three = ({"selector": name, "public_key": name} for name in ("a", "b", "c"))
    hosts = [
        said("a", "mx1.example", dkim=[one, two]),
        said("b", "mx2.example", dkim=[two, three]),
        said("c", "mx3.example"),
    ]
    assert mail_description(hosts)["domains"] == [
        {"name": "one.example", "dkim": [one, two, three]}
    ]
    hosts[1]["domains"][0]["dkim"] = [{"selector": "A", "public_key": "another"}]
    with pytest.raises(
        AnsibleFilterError, match=r"\(dkim, the selector a\).* selectors of its own"
    ):
        mail_description(hosts)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param("text", id="no-list"),
        pytest.param([{"from": "a", "hosts": [{"addresses": []}]}], id="no-name"),
        pytest.param([{"from": "a", "hosts": [{"name": "a..b"}]}], id="no-domain-name"),
        pytest.param(
            [said("a", "mx1.example", dkim="x"), said("b", "mx2.example")], id="no-list-of-keys"
        ),
    ],
)
def test_what_is_no_description_is_refused(wrong: t.Any) -> None:
    with pytest.raises(AnsibleFilterError, match=r"hardened\.mail\.mail_description"):
        mail_description(wrong)
