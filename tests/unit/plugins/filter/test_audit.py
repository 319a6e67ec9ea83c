# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters of the audit, as the playbook uses them."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.hardened.mail.plugins.filter.audit_domains import audit_domains
from ansible_collections.hardened.mail.plugins.filter.audit_ports import audit_ports
from ansible_collections.hardened.mail.plugins.filter.audit_report import audit_report
from ansible_collections.hardened.mail.plugins.module_utils.report.audited import FORMATS
from ansible_collections.hardened.mail.tests.report import fleet

NOW = "2026-11-24T14:05:00Z"
FINDING = fleet.finding(fleet.KINDS[0], rule="mynetworks-everybody")
SEEN = {"audit_postfix_seen": {"results": [fleet.postfix([FINDING])]}}
#: What starttls_info really returned of ports.
RECORDED = json.loads(
    (pathlib.Path(__file__).parents[2] / "fixtures/starttls-info.json").read_text(encoding="utf-8")
)["reports"]


def report(hostvars: dict[str, t.Any], **options: t.Any) -> dict[str, t.Any]:
    return audit_report(list(hostvars), hostvars, now=NOW, **options)


def test_report_is_made_in_every_format() -> None:
    made = report({"mx.example": SEEN})
    assert made["failures"] == ["1 finding of severity critical or high on 1 host"]
    assert not made["passed"]
    assert json.loads(made["json"])["hosts"][0]["name"] == "mx.example"
    assert json.loads(made["sarif"])["version"] == "2.1.0"
    assert made["junit"].startswith("<?xml")
    assert json.loads(made["page"])["hosts"] == json.loads(made["markdown"])["hosts"] == 1
    assert made["lines"][-1].startswith("NOT PASSED")


@pytest.mark.parametrize("name", ["json", "sarif", "junit"])
def test_only_what_is_wanted_is_made(name: str) -> None:
    made = report({"mx.example": SEEN}, formats=[name])
    assert set(made) == {"passed", "failures", "lines", name}
    assert name in FORMATS


def test_host_without_any_result_is_in_the_report() -> None:
    hosts = json.loads(report({"mx.example": {}, "odd.example": None})["json"])["hosts"]
    assert [(one["name"], one["state"]) for one in hosts] == [
        ("mx.example", "no-mail"),
        ("odd.example", "no-mail"),
    ]


def test_report_is_compared_with_an_earlier_one() -> None:
    before = report({"mx.example": SEEN})["json"]
    clean = {"audit_postfix_seen": {"results": [fleet.postfix([])]}}
    made = report({"mx.example": clean}, previous=before)
    assert json.loads(made["page"])["comparison"]["fixed"] == 1


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"previous": "{"}, "audit_previous cannot be compared with: it is not JSON"),
        ({"previous": "{}"}, "audit_previous cannot be compared with: it is not a JSON report"),
        ({"fail_on": "bad"}, "audit: fail_on is 'bad'"),
        ({"rules_disabled": ["x"]}, "audit: rules_disabled: there is no rule 'x'"),
        ({"now": "noon"}, "now is no moment"),
    ],
)
def test_option_that_cannot_be_used_is_named(options: dict[str, t.Any], problem: str) -> None:
    with pytest.raises(AnsibleFilterError, match=problem):
        audit_report(["mx"], {"mx": SEEN}, **{"now": NOW, **options})


def test_waivers_of_a_host_are_its_own() -> None:
    waiver = {"rule": "mynetworks-everybody", "reason": "A test", "expires": "2026-12-01"}
    made = report({"a": {**SEEN, "audit_waivers": [waiver]}, "b": SEEN})
    waived = {one["name"]: one["waived"] for one in json.loads(made["json"])["hosts"]}
    assert waived == {"a": 1, "b": 0}


def test_ports_take_the_usual_values_of_their_number() -> None:
    results = [{"listening": [["0.0.0.0", 2525], ["0.0.0.0", 993]], "myhostname": "mx.example"}]
    made = audit_ports(results, ports=[{"port": 2525, "purpose": "mx"}, {"port": 993}])
    assert [
        (one["port"], one["protocol"], one["implicit_tls"], one["purpose"]) for one in made
    ] == [
        (2525, "smtp", False, "mx"),
        (993, "imap", True, "imaps"),
    ]
    assert {one["proxy_protocol"] for one in made} == {False}


def test_a_number_stands_for_the_usual_port() -> None:
    assert audit_ports([], ports=[993]) == audit_ports([], ports=[{"port": 993}])


@pytest.mark.parametrize(
    ("results", "ports", "problem"),
    [
        ("text", None, "must be a list"),
        ([], [True], "a port is a number or a dictionary"),
        ([], [{"port": "25"}], "a port is a number or a dictionary"),
        ([], [{"port": 25, "tls": True}], "there is no key 'tls'"),
    ],
)
def test_ports_that_say_nothing_are_refused(results: t.Any, ports: t.Any, problem: str) -> None:
    with pytest.raises(AnsibleFilterError, match=problem):
        audit_ports(results, ports=ports)


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_port_is_judged_by_the_rules_of_the_wire(name: str) -> None:
    seen = {**RECORDED[name], "item": {"port": 25, "purpose": "mx"}}
    made = report({"mx.example": {**SEEN, "audit_ports_seen": {"results": [seen]}}})
    (host,) = json.loads(made["json"])["hosts"]
    ports = [one for one in host["origins"] if one["kind"] == "port"]
    closed = name.startswith("closed-")
    assert ["wire-no-starttls" in one["rules"] for one in ports] == ([] if closed else [True])
    assert all(one["rule"].startswith(("wire-", "mynetworks-")) for one in host["findings"])


def test_domains_of_all_hosts_are_looked_at_once() -> None:
    described = [{"name": "Shop.example.", "dkim": [{"selector": "s1"}]}]
    leaf = {"sha256": "aa", "spki_sha256": "bb", "names": ["mx.example"]}
    chains = {"rsa": [{**leaf, "issuer": "CN=Example CA"}]}
    port = {"item": {"port": 25, "server_name": "mx.example"}, "chains": chains}
    hostvars = {
        "a": {"dns_records_domains": described, "audit_ports_seen": {"results": [port]}},
        "b": {"audit_domains": ["news.example", {"name": "shop.example", "selectors": ["s2"]}]},
        "c": {"audit_domains": [], "dns_records_domains": [{"name": "hidden.example"}]},
        "d": {"audit_ports_seen_outside": {"results": [{"item": {"port": 465}, "chains": {}}]}},
    }
    served = {"mx.example": {"chains": {"rsa": [leaf]}}}
    assert audit_domains(list(hostvars), hostvars) == [
        {"name": "shop.example", "selectors": ["s1", "s2"], "served": served},
        {"name": "news.example", "selectors": [], "served": served},
    ]


@pytest.mark.parametrize(
    ("domains", "problem"),
    [
        ("shop.example", "must be a list"),
        ([1], "a domain is a name, or a dictionary with a name"),
        ([{"selectors": []}], "a domain is a name, or a dictionary with a name"),
        ([{"name": "a.example", "selector": "s"}], "there is no key 'selector'"),
        ([{"name": "a.example", "selectors": "s"}], "selectors must be a list"),
    ],
)
def test_domains_that_say_nothing_are_refused(domains: t.Any, problem: str) -> None:
    with pytest.raises(AnsibleFilterError, match=problem):
        audit_domains(["a"], {"a": {"audit_domains": domains}})


def test_domain_that_was_seen_is_in_the_report() -> None:
    seen = {"results": [{**fleet.domains(1)["shop.example"], "item": {"name": "shop.example"}}]}
    seen["results"][0]["findings"] = []
    made = report(
        {"mx.example": {**SEEN, "audit_domains_seen": seen}, "b": {"audit_domains_seen": seen}}
    )
    (domain,) = json.loads(made["json"])["domains"]
    assert (domain["name"], domain["state"]) == ("shop.example", "partly")
