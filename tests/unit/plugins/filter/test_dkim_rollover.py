# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a change of DKIM selectors stands: every step, after every interruption."""

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.hardened.mail.plugins.filter.dkim_rollover import dkim_rollover
from ansible_collections.hardened.mail.plugins.filter.dkim_rollover_domains import (
    dkim_rollover_domains,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.dkim_rollover import (
    read_selectors,
)

# Public keys for Ed25519, from RFC 8032 section 7.1.
KEY: t.Final = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
OTHER: t.Final = "PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw="
NEXT: t.Final = {"selector": "r2027", "algorithm": "rsa"}
NOTE: t.Final = {"selectors": [NEXT], "previous": ["r2026"], "published": 1000}
SWITCHED: t.Final = {**NOTE, "switched": 9000}
RETIRED: t.Final = {**SWITCHED, "retired": 500000}


def signing(*selectors: t.Any) -> list[dict[str, t.Any]]:
    """The domains of an inventory, of which one is not touched."""
    listed = [one if isinstance(one, dict) else {"selector": one} for one in selectors]
    return [
        {"domain": "other.example", "selectors": [{"selector": "x"}]},
        {"domain": "One.example", "selectors": listed},
    ]


def plan(inventory: t.Any, *, to: t.Any = "r2027", noted: t.Any = None) -> dict[str, t.Any]:
    return dkim_rollover("one.example.", selectors=to, signing=inventory, noted=noted, where="NOTE")


def named(domains: list[t.Any]) -> list[str]:
    """The selectors of the domain, with a bar after those that do not sign."""
    assert domains[0] == signing()[0], "the other domain was changed"
    return [
        one["selector"] + ("" if one.get("sign", True) else "|") for one in domains[1]["selectors"]
    ]


@pytest.mark.parametrize(
    ("inventory", "noted", "due", "before", "previous", "retired"),
    [
        pytest.param(["r2026"], {}, True, ["r2026", "r2027|"], ["r2026"], [], id="begin"),
        pytest.param(["r2026"], NOTE, True, ["r2026", "r2027|"], ["r2026"], [], id="published"),
        pytest.param(["r2026"], SWITCHED, False, ["r2027"], ["r2026"], [], id="switched"),
        pytest.param(["r2027"], SWITCHED, False, ["r2027"], ["r2026"], [], id="inventory-early"),
        pytest.param(
            ["r2026", "x"], SWITCHED, False, ["r2027"], ["r2026"], [], id="one-more-since"
        ),
        pytest.param(["r2026"], RETIRED, False, ["r2027"], ["r2026"], ["r2026"], id="at-its-end"),
        pytest.param(["r2027"], RETIRED, False, ["r2027"], ["r2026"], ["r2026"], id="for-good"),
        pytest.param(["r2027"], {}, False, ["r2027"], [], [], id="nothing-to-do"),
        pytest.param([], {}, True, ["r2027|"], [], [], id="the-first-key"),
        pytest.param(
            ["r2026", {"selector": "r2027", "sign": False}],
            {},
            True,
            ["r2026", "r2027|"],
            ["r2026"],
            [],
            id="made-by-hand",
        ),
    ],
)
def test_each_step_is_known_again(
    inventory: t.Any, noted: t.Any, due: bool, before: t.Any, previous: t.Any, retired: t.Any
) -> None:
    found = plan(signing(*inventory), noted=noted)
    assert found["signs"]
    assert found["due"] == due
    assert found["begun"] == bool(noted)
    assert named(found["before"]) == before
    assert named(found["after"]) == ["r2027"]
    assert (found["previous"], found["retired"]) == (previous, retired)


def test_what_stays_signs_all_the_time() -> None:
    inventory = signing("r2026", {"selector": "e2026", "algorithm": "ed25519"})
    found = plan(inventory, to="r2027,e2026:ed25519")
    assert named(found["before"]) == ["r2026", "e2026", "r2027|"]
    assert named(found["after"]) == ["r2027", "e2026"]
    assert found["previous"] == ["r2026"]


def test_the_one_after_begins_with_what_signs() -> None:
    """The inventory may still have what was replaced, or already what replaced it."""
    bits = {**NEXT, "bits": 4096}
    noted = {**RETIRED, "selectors": [bits]}
    for inventory in (signing("r2026"), signing(bits)):
        found = plan(inventory, to="r2028", noted=noted)
        assert found["due"]
        assert found["before"][1]["selectors"][0] == bits
        assert named(found["before"]) == ["r2027", "r2028|"]
        assert (found["previous"], found["retired"]) == (["r2027"], ["r2026"])


def test_after_the_first_key_nothing_is_left_to_do() -> None:
    noted = {**SWITCHED, "previous": []}
    found = plan(signing("r2027"), to="r2028", noted=noted)
    assert found["due"]
    assert not found["begun"]
    assert found["previous"] == ["r2027"]


def test_a_host_that_does_not_sign_is_left_alone() -> None:
    inventory = signing()[:1]
    found = plan(inventory, to="")
    assert not found["signs"]
    assert not found["due"]
    assert found["before"] == found["after"] == inventory


@pytest.mark.parametrize(
    ("to", "noted", "message"),
    [
        pytest.param("r2028", NOTE, r"to r2027 is not at its end.* remove NOTE", id="under-way"),
        pytest.param("r2028", SWITCHED, "is not at its end", id="under-way-switched"),
        pytest.param("r2026", RETIRED, "r2026 of one.example was replaced before", id="back"),
        pytest.param("", None, "expected a list", id="nothing"),
        pytest.param("a b/c", None, "expected letters, digits", id="no-selector"),
        pytest.param("r1,R1", None, "each of them once", id="twice"),
        pytest.param("e1:ed25519", None, "no next selector is for RSA", id="no-rsa"),
        pytest.param("e1:dsa", None, "'dsa': expected rsa or ed25519", id="algorithm"),
        pytest.param([{"name": "r1"}], None, "expected letters, digits", id="no-key-selector"),
        pytest.param("r2027", {"selectors": [NEXT]}, "cannot be read", id="note"),
        pytest.param("r2027", "text", "cannot be read", id="note-is-text"),
    ],
)
def test_what_cannot_be_done_is_refused(to: t.Any, noted: t.Any, message: str) -> None:
    with pytest.raises(AnsibleFilterError, match=message):
        plan(signing("r2025"), to=to, noted=noted)


def test_selectors_may_be_a_text() -> None:
    assert read_selectors("r1, e1:ed25519") == (
        {"selector": "r1", "algorithm": "rsa"},
        {"selector": "e1", "algorithm": "ed25519"},
    )


def said(host: str, **keys: t.Optional[str]) -> dict[str, t.Any]:
    """What a host says of its keys; one of another domain and one that does not count are among them."""
    results = [
        {"item": {"domain": "one.example", "selector": selector}, "public_key": key}
        for selector, key in {**keys, "old": OTHER}.items()
    ]
    results.append({"item": {"domain": "two.example", "selector": "e1"}, "public_key": OTHER})
    return {"from": host, "selectors": list(keys), "results": results}


DESCRIBED: t.Final = [
    {"name": "two.example"},
    {
        "name": "One.Example",
        "mx": [],
        "dkim": [{"selector": "e0", "public_key": KEY, "subdomains": True}],
    },
]


def dkim(*hosts: t.Any, domains: t.Any = DESCRIBED, **options: t.Any) -> list[dict[str, t.Any]]:
    made = dkim_rollover_domains(domains, domain="one.example", keys=list(hosts), **options)
    assert made[0] == domains[0]
    assert {**made[1], "dkim": 0} == {**domains[1], "dkim": 0}
    listed: list[dict[str, t.Any]] = made[1]["dkim"]
    return listed


def test_the_next_key_comes_beside_the_present_one_and_is_like_it() -> None:
    present = DESCRIBED[1]["dkim"]  # type: ignore[index]
    assert dkim(said("a", e1=OTHER), said("b", e1=OTHER)) == [
        *present,
        {"selector": "e1", "public_key": OTHER, "subdomains": True},
    ]


def test_a_key_that_is_described_is_there_once() -> None:
    pem = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n"
    domains = [DESCRIBED[0], {**DESCRIBED[1], "dkim": [{"selector": "e1", "public_key": pem}]}]
    assert dkim(said("a", e1=KEY), domains=domains) == domains[1]["dkim"]


def test_an_old_key_is_revoked_whether_it_is_described_or_not() -> None:
    revoked = [{"selector": "e0", "revoked": True}]
    for listed in (DESCRIBED[1]["dkim"], [], None):  # type: ignore[index]
        domains = [DESCRIBED[0], {**DESCRIBED[1], "dkim": listed}]
        assert dkim(said("a", e0=KEY), domains=domains, revoked=["e0"]) == revoked


def test_a_key_that_is_not_known_in_check_mode_is_left_out() -> None:
    assert dkim(said("a", e1=None)) == DESCRIBED[1]["dkim"]  # type: ignore[index]


def test_different_keys_for_one_selector_are_refused() -> None:
    with pytest.raises(AnsibleFilterError, match=r"a and b have different keys for e1\._domainkey"):
        dkim(said("a", e1=KEY), said("b", e1=OTHER))
    with pytest.raises(
        AnsibleFilterError, match=r"another key for e0\._domainkey\.one\.example than the host"
    ):
        dkim(said("a", e0=OTHER))


def test_a_site_that_does_not_describe_the_domain_gets_nothing() -> None:
    assert dkim_rollover_domains(None, domain="one.example", keys=[said("a", e1=KEY)]) == []
