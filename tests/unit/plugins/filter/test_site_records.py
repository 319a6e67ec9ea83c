# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What hosts say of a site becomes its records, and what contradicts is named.

tests/integration_lab/test_dns_records_real.py has the certificates of real hosts.
"""

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.hardened.mail.plugins.filter.site_records import site_records
from ansible_collections.hardened.mail.tests.unit.plugins.module_utils.records.record_texts import (
    ED25519,
    RSA_2048,
)

MX = {"mx": ["mx1.example"]}


def said(from_: str, host: str, **domain: t.Any) -> dict[str, t.Any]:
    return {
        "from": from_,
        "hosts": [{"name": host, "addresses": ["192.0.2.1"]}],
        "domains": [{"name": "one.example", **domain}],
    }


def described(own: t.Optional[list[str]], **host: t.Any) -> list[dict[str, t.Any]]:
    described_host = {"name": "mx1.example", "addresses": [], **host}
    return [{"from": "mx1", "hosts": [described_host], "own_addresses": own}]


def names(made: dict[str, t.Any], type_: str) -> list[str]:
    return sorted(one["name"] for one in made["records"] if one["type"] == type_)


def test_what_all_say_is_there_once() -> None:
    made = site_records([said("a", "mx1.example", **MX), said("b", "mx2.example", **MX)], ttl=60)
    assert names(made, "A") == ["mx1.example.", "mx2.example."]
    assert names(made, "MX") == ["one.example."]
    assert {one["ttl"] for one in made["records"]} == {60}
    assert made["refused"] == []


def test_two_that_disagree_are_named_with_what_differs() -> None:
    both = [said("a", "mx1.example", **MX), said("b", "mx2.example", mx=[])]
    words = r"a and b disagree about the domain one\.example \(mx\).* Nothing was published\.$"
    with pytest.raises(AnsibleFilterError, match=words):
        site_records(both)


def test_a_name_is_the_same_in_every_spelling() -> None:
    made = site_records(
        [said("a", "mx1.example", **MX), said("b", "MX1.Example.", name="One.Example.", **MX)]
    )
    assert (names(made, "A"), names(made, "MX")) == (["mx1.example."], ["one.example."])


def test_keys_of_several_hosts_that_sign_come_together() -> None:
    one, two = {"selector": "a", "public_key": RSA_2048}, {"selector": "b", "public_key": ED25519}
    hosts = [
        said("a", "mx1.example", dkim=[one], **MX),
        said("b", "mx2.example", dkim=[one, two], **MX),
        said("c", "mx3.example", **MX),
    ]
    keys = [name for name in names(site_records(hosts), "TXT") if "_domainkey" in name]
    assert keys == ["a._domainkey.one.example.", "b._domainkey.one.example."]
    hosts[1]["domains"][0]["dkim"] = [{"selector": "A", "public_key": ED25519}]
    with pytest.raises(
        AnsibleFilterError, match=r"\(dkim, the selector a\).* selectors of its own"
    ):
        site_records(hosts)


@pytest.mark.parametrize(
    "good",
    [
        pytest.param(described(None, addresses=["192.0.2.1"]), id="not-known"),
        pytest.param(
            described(["192.0.2.1", "2001:db8::1"], addresses=["2001:DB8:0::1", "192.0.2.1"]),
            id="spelling",
        ),
        pytest.param(
            described(["192.0.2.1"], addresses=["192.0.2.9"], publish_addresses=False),
            id="unpublished",
        ),
        pytest.param(described([]), id="none"),
        pytest.param(
            described(["192.0.2.1"], addresses=["192.0.2.1"], certificates=["ab" * 32]),
            id="digest-has-no-names",
        ),
        pytest.param([{"from": "mx1", "hosts": [], "domains": []}], id="no-host"),
    ],
)
def test_what_fits_is_not_refused(good: t.Any) -> None:
    assert site_records(good)["refused"] == []


def test_every_foreign_address_is_told_unless_nothing_is_judged() -> None:
    foreign = described(["192.0.2.1"], addresses=["192.0.2.1", "192.0.2.2", "2001:db8::2"])
    assert [one.split(", ")[0] for one in site_records(foreign)["refused"]] == [
        "mx1.example is to have the address 192.0.2.2",
        "mx1.example is to have the address 2001:db8::2",
    ]
    unjudged = site_records(foreign, fail_on="never")
    assert unjudged["refused"] == []
    assert unjudged["records"] == site_records(foreign)["records"]


def test_findings_count_from_the_named_severity_on() -> None:
    """A policy of MTA-STS that leaves out an MX is critical, a DMARC policy of none is not."""
    told = said(
        "a",
        "mx1.example",
        mx=["mx1.example", "mx2.example"],
        mta_sts={"mode": "enforce", "mx": ["mx1.example"], "addresses": ["192.0.2.80"]},
        dmarc={"p": "none"},
    )
    told["hosts"].append({"name": "mx2.example", "addresses": ["192.0.2.2"]})
    (critical,) = site_records([told])["refused"]
    assert "mx2.example" in critical
    all_of_them = site_records([told], fail_on="info")["refused"]
    assert critical in all_of_them
    assert [one for one in all_of_them if "forged mail is delivered" in one]
    told["domains"][0]["mta_sts"]["mx"].append("mx2.example")
    assert site_records([told])["refused"] == []


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param("text", id="no-list"),
        pytest.param([{"from": "a", "hosts": [{"addresses": []}]}], id="no-name"),
        pytest.param(described([], name="a..b"), id="no-domain-name"),
        pytest.param(
            [said("a", "mx1.example", dkim="x"), said("b", "mx2.example")], id="no-list-of-keys"
        ),
        pytest.param(described([], certificates="x"), id="no-list-of-certificates"),
        pytest.param(
            described([], certificates=["-----BEGIN CERTIFICATE-----"]), id="half-certificate"
        ),
    ],
)
def test_what_is_no_description_is_refused(wrong: t.Any) -> None:
    with pytest.raises(AnsibleFilterError, match=r"hardened\.mail\.site_records"):
        site_records(wrong)


def test_an_unknown_severity_is_refused() -> None:
    with pytest.raises(AnsibleFilterError, match="fail_on is 'all': expected one of info"):
        site_records([], fail_on="all")
