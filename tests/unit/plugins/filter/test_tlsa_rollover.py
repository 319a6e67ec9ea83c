# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What counts of a note, how long a rollover waits, and which files are behind the link."""

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.hardened.mail.plugins.filter.tlsa_rollover import tlsa_rollover
from ansible_collections.hardened.mail.plugins.filter.tlsa_rollover_pairs import (
    tlsa_rollover_pairs,
)

OLD, EC, RSA, OTHER = ("0" * 64, "ec" * 32, "ad" * 32, "07" * 32)
NOTE: t.Final = {"digests": [RSA, EC], "previous": "2026", "ttl": 3600, "published": 1000}


def seen(*digests: str, ttl: int = 3600, server: str = "ns1") -> dict[str, t.Any]:
    """A set as dns_served_info returns it."""
    data = [f"3 1 1 {one[:56].upper()} {one[56:].upper()}" for one in digests]
    return {"server": server, "name": "x", "type": "TLSA", "ttl": ttl, "data": data}


def plan(*sets: t.Any, keys: t.Any = (EC, RSA), noted: t.Any = None, **more: t.Any) -> t.Any:
    return tlsa_rollover(list(keys), seen=list(sets), previous="2026", noted=noted, **more)


def test_the_first_run_notes_the_keys_and_the_old_ttl() -> None:
    made = plan(seen(OLD, ttl=300), seen(OLD, ttl=299, server="the resolver"))
    note = {"digests": sorted([EC, RSA]), "previous": "2026", "ttl": 300, "published": None}
    assert made == {"note": note, "wait": 7200, "short": False}


@pytest.mark.parametrize(
    ("sets", "keys", "published"),
    [
        pytest.param([seen(OLD, EC, RSA)], [EC, RSA], 1000, id="goes-on"),
        pytest.param([seen(OLD, EC, RSA)], [RSA, EC, EC], 1000, id="whatever-the-order"),
        pytest.param([seen(OLD, EC, RSA, OTHER)], [OTHER], None, id="other-key"),
        pytest.param([seen(OLD, EC, RSA)], [EC], None, id="one-key-less"),
        pytest.param([seen(OLD)], [EC, RSA], None, id="records-are-gone"),
        pytest.param([seen(OLD, EC, RSA), seen(OLD, EC)], [EC, RSA], None, id="gone-at-one-server"),
    ],
)
def test_only_a_note_of_these_keys_counts_while_their_records_are_there(
    sets: t.Any, keys: t.Any, published: t.Any
) -> None:
    assert plan(*sets, keys=keys, noted=NOTE)["note"]["published"] == published


@pytest.mark.parametrize(
    ("ttl", "more", "wait", "short"),
    [
        pytest.param(3600, {}, 7200, False, id="default"),
        pytest.param(60, {}, 7200, False, id="never-less-by-itself"),
        pytest.param(86400, {}, 172800, False, id="twice-the-ttl"),
        pytest.param(60, {"ttl": 86400}, 172800, False, id="a-resolver-says-what-is-left"),
        pytest.param(60, {"noted": {**NOTE, "ttl": 86400}}, 172800, False, id="as-noted-before"),
        pytest.param(60, {"wait": "3"}, 3, True, id="short"),
        pytest.param(60, {"wait": 120}, 120, False, id="as-the-site-wants"),
    ],
)
def test_the_wait_is_twice_the_longest_ttl(ttl: int, more: t.Any, wait: int, short: bool) -> None:
    made = plan(seen(OLD, ttl=ttl), **more)
    assert (made["wait"], made["short"]) == (wait, short)


@pytest.mark.parametrize(
    ("sets", "more", "message"),
    [
        pytest.param([], {}, "no server said", id="nobody-answered"),
        pytest.param([seen(OLD)], {"noted": "1 /etc"}, "cannot be read", id="note-is-text"),
        pytest.param([seen(OLD)], {"noted": {"digests": [EC]}}, "cannot be read", id="note"),
        pytest.param([seen(OLD)], {"keys": ["x"]}, "is no SHA-256", id="no-digest"),
        pytest.param([seen(OLD)], {"wait": "soon"}, "soon", id="wait"),
    ],
)
def test_what_cannot_be_judged_is_refused(sets: t.Any, more: t.Any, message: str) -> None:
    with pytest.raises(AnsibleFilterError, match=message):
        plan(*sets, **more)


def test_every_pair_behind_the_link_moves_with_it() -> None:
    live = "/etc/ssl/mail/current"
    known = [
        {"certificate": f"{live}/ec.pem", "private_key": f"{live}/ec.key", "names": ["mx.example"]},
        {"certificate": "/etc/ssl/fixed.pem", "private_key": "/etc/ssl/fixed.key"},
        {"certificate": f"{live}/dovecot.pem", "private_key": "/etc/ssl/fixed.key"},
        {"certificate": f"{live}/ec.pem", "private_key": f"{live}/other.key"},
        {"certificate": f"{live}/one.pem"},
    ]
    records = [f"{live}/ec.pem", "/etc/ssl/fixed.pem", f"{live}/deep/rsa.pem"]
    made = tlsa_rollover_pairs(known, link=f"{live}/", to="/new", certificates=records)
    assert made == {
        "published": [
            {"certificate": "/new/ec.pem", "private_key": "/new/ec.key", "names": ["mx.example"]},
            {
                "certificate": "/new/deep/rsa.pem",
                "private_key": "/new/deep/privkey.pem",
                "names": [],
            },
        ],
        "others": [
            {
                "certificate": "/new/dovecot.pem",
                "private_key": "/etc/ssl/fixed.key",
                "names": [],
            },
            {"certificate": "/new/one.pem", "private_key": "/new/one.pem", "names": []},
        ],
    }


def test_pairs_of_another_shape_are_refused() -> None:
    with pytest.raises(AnsibleFilterError, match="expected a list with certificate"):
        tlsa_rollover_pairs(["/x.pem"], link="/a", to="/b", certificates=[])
