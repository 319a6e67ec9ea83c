# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail domains in the report: what the world sees of them, and what nobody could tell."""

from __future__ import annotations

import datetime
import json
import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.report import (
    json_report,
    junit,
    page,
    sarif,
    terminal,
)
from ansible_collections.hardened.mail.plugins.module_utils.report.domains import records_of
from ansible_collections.hardened.mail.tests.report import fleet
from ansible_collections.hardened.mail.tests.unit.plugins.module_utils.report import made

SEEN = fleet.domains(3)
BAD, GOOD, LOST = SEEN.values()
NAMES = ["DNSSEC", "MX", "DANE", "SPF", "DKIM", "DMARC", "MTA-STS", "TLS-RPT"]


def shorts(facts: t.Any) -> dict[str, str]:
    return {one.name: one.short for one in records_of(facts)}


def seen(name: str, **facts: t.Any) -> str:
    """Return what the table says under a name when the good domain is changed."""
    return shorts({**GOOD["facts"], **facts})[name]


def data(*texts: str, **more: t.Any) -> dict[str, t.Any]:
    return {"data": list(texts), "dnssec": "secure", "failed": "", **more}


def test_good_and_bad_domain_side_by_side() -> None:
    assert shorts(GOOD["facts"]) == dict(
        zip(NAMES, ["secure", "2", "2 of 2 MX", "-all", "2 of 2", "p=reject", "enforce", "yes"])
    )
    assert shorts(BAD["facts"]) == dict(
        zip(NAMES, ["insecure", "1", "none", "+all", "not asked", "p=none", "none", "?"])
    )


@pytest.mark.parametrize(
    ("name", "facts", "expected"),
    [
        ("MX", {"mx": data("0 .")}, "takes no mail"),
        ("MX", {"mx": data(failed="timeout")}, "?"),
        ("MX", {"mx": data()}, "none"),
        ("DANE", {"mx": {**data("10 a."), "hosts": [{"host": "a", "tlsa": data("3 1 1 ab", dnssec="insecure")}]}}, "0 of 1 MX"),
        ("DANE", {"mx": {**data("10 a."), "hosts": [{"host": "a", "tlsa": data(failed="SERVFAIL")}]}}, "?"),
        ("SPF", {"spf": {"text": "v=spf1 redirect=_spf.example"}}, "redirect"),
        ("SPF", {"spf": {"text": "v=spf1 mx"}}, "no all"),
        ("SPF", {"spf": {"text": "v=spf1 mxx:"}}, "damaged"),
        ("SPF", {"spf": {"text": "", "unknown": ["timeout"]}}, "?"),
        ("DKIM", {"dkim": {"a": data("v=DKIM1; p=x"), "b": data()}}, "1 of 2"),
        ("DMARC", {"dmarc": data("v=DMARC1; p=none", "v=DMARC1; p=reject")}, "2 records"),
        ("DMARC", {"dmarc": data("v=DMARC1; p=perhaps; p")}, "damaged"),
        ("MTA-STS", {"mta_sts": {**data("v=STSv1; id=1"), "policy": None}}, "no policy"),
        ("MTA-STS", {"mta_sts": {**data("v=STSv1; id=1"), "policy": "version: STSv1\nmode: none\nmax_age: 86400\n"}}, "switched off"),
        ("MTA-STS", {"mta_sts": {**data("v=STSv1; id=1"), "policy": "mode: whatever"}}, "damaged"),
    ],
)  # fmt: skip
def test_what_is_odd_has_its_own_word(name: str, facts: dict[str, t.Any], expected: str) -> None:
    assert seen(name, **facts) == expected


@pytest.mark.parametrize("facts", [None, [], {}, {"mx": 1, "spf": [], "dkim": "x", "dmarc": None}])
def test_facts_of_any_shape_are_no_error(facts: t.Any) -> None:
    found = shorts(facts)
    assert list(found) == NAMES
    assert found["DNSSEC"] == "?"


def test_domain_that_nobody_answers_for_fails_the_audit() -> None:
    report = made.report({}, domains={"lost.example": LOST})
    (domain,) = report.domains
    assert (domain.state, domain.records) == ("failed", ())
    assert "timed out" in domain.reason
    report = made.report({"mx": made.postfix()}, domains={"lost.example": LOST})
    assert report.failures() == ("1 domain not judged or judged only in part",)


def test_findings_of_domains_count_like_those_of_hosts() -> None:
    report = made.report({"mx": made.postfix(made.found("relay-open"))}, domains=SEEN)
    assert report.counts["high"] == 1
    assert report.failures()[:2] == (
        "1 finding of severity critical or high on 1 host",
        "1 finding of severity critical or high in 1 domain",
    )
    quiet = made.report({"mx": made.postfix()}, domains=SEEN, unwanted=["dns-spf-everybody"])
    assert quiet.counts["high"] == 0


def test_waiver_of_a_host_covers_a_domain() -> None:
    waiver = {"rule": "dns-spf-everybody", "reason": "A test", "expires": "2026-12-01"}
    look = {**made.postfix(), "waivers": [waiver]}
    report = made.report({"mx": look}, domains={"shop.example": BAD})
    (domain,) = report.domains
    assert (domain.waived, domain.counts["high"]) == (1, 0)


def test_domain_is_compared_with_itself_and_not_with_a_host_of_its_name() -> None:
    mended = {**BAD, "findings": BAD["findings"][:1]}
    before = json.loads(json_report.render(made.report({}, domains={"shop.example": mended})))
    now = made.report(
        {"shop.example": made.postfix()}, domains={"shop.example": BAD}, earlier=before
    )
    assert now.comparison is not None
    assert (now.comparison.broken, len(now.comparison.fixed)) == (1, 0)
    before = json.loads(json_report.render(made.report({}, domains={"shop.example": BAD})))
    now = made.report({}, domains={"shop.example": mended}, earlier=before)
    assert now.comparison is not None
    assert [past.rule for past in now.comparison.fixed] == ["dns-spf-everybody"]


def test_report_from_before_there_were_domains_can_be_compared_with() -> None:
    before = json.loads(json_report.render(made.report({})))
    del before["domains"]
    now = made.report({}, domains=SEEN, earlier=before)
    assert now.comparison is not None
    assert (now.comparison.broken, now.comparison.fixed) == (0, ())


def test_every_format_has_the_domains() -> None:
    report = made.report({"mx": made.postfix()}, domains=SEEN)
    rows = json.loads(json_report.render(report))["domains"]
    assert [one["name"] for one in rows] == ["lost.example", "shop.example", "news.example"]
    assert {one["name"]: one["short"] for one in rows[2]["records"]} == shorts(GOOD["facts"])
    assert '<testsuite name="shop.example"' in junit.render(report)
    assert 'name="domain is judged"' in junit.render(report)
    results = json.loads(sarif.render(report))["runs"][0]["results"]
    assert {one["properties"]["host"] for one in results} == {"shop.example"}
    lines = terminal.render(report)
    assert any(line.startswith("shop.example") for line in lines)
    shown = page.context(report, areas={}, rule_areas={})
    assert [row["cells"] for row in shown["domains"]][2] == list(shorts(GOOD["facts"]).values())
    assert shown["domain_columns"] == NAMES


def test_records_of_strangers_harm_no_format() -> None:
    report = made.report({}, domains=fleet.hostile_domains())
    text = page.data(report) + json_report.render(report) + "".join(terminal.render(report))
    assert not [one for one in text if one != "\n" and not one.isprintable()]
    assert "<script>" not in page.data(report)
    assert report.generated.tzinfo is datetime.timezone.utc
