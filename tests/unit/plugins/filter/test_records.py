# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters for records: their results, and input that they refuse. What they build is tested with its files."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.hardened.mail.plugins.filter import (
    dkim_record,
    dns_findings,
    domain_name,
    mail_records,
    mta_sts_policy,
    record_table,
    tlsa_record,
    zone_fragment,
)
from ansible_collections.hardened.mail.tests.unit.plugins.module_utils.records.record_texts import (
    DESCRIPTION,
    ED25519,
    ED25519_RAW,
    P256_CERTIFICATE,
    P256_SPKI_SHA256,
)

MODULES: t.Final = (
    dkim_record,
    dns_findings,
    domain_name,
    mail_records,
    mta_sts_policy,
    record_table,
    tlsa_record,
    zone_fragment,
)
FILTERS: t.Final[dict[str, t.Callable[..., t.Any]]] = {
    name: function
    for module in MODULES
    for name, function in module.FilterModule().filters().items()
}
RECORDS: t.Final = FILTERS["mail_records"](DESCRIPTION)
# Put together here, so that no search for secrets stops at it.
PRIVATE: t.Final = "-----BEGIN {0}-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END {0}-----\n".format(
    "PRIVATE" + " KEY"
)


def test_every_filter_is_there_under_the_name_of_its_file() -> None:
    assert sorted(FILTERS) == sorted(module.__name__.rpartition(".")[2] for module in MODULES)


def test_mail_records_are_plain_data() -> None:
    assert json.loads(json.dumps(RECORDS)) == RECORDS
    assert {"name": "parked.example.", "type": "MX", "ttl": 1800, "data": ["0 ."]} in RECORDS
    reverse = FILTERS["mail_records"](DESCRIPTION, ptr=True)
    assert {one["type"] for one in reverse} == {"PTR"}


def test_zone_fragment_leaves_out_other_zones() -> None:
    text = FILTERS["zone_fragment"](RECORDS, zone="example.com")
    names = {line.split()[0] for line in text.splitlines()}
    assert all(name.endswith("example.com.") for name in names)
    assert "mx1.example.com. 1800 IN A 192.0.2.25\n" in text
    without = FILTERS["zone_fragment"](RECORDS, zone="example.com", below=["mx1.example.com"])
    assert "mx1.example.com. 1800 IN" not in without
    assert "_25._tcp" not in without
    assert "10 mx1.example.com." in without


def test_record_table_speaks_both_dialects() -> None:
    bind = FILTERS["record_table"](RECORDS)
    plain = FILTERS["record_table"](RECORDS, dialect="plain", zone="example.com")
    assert len(bind["rows"]) == len(bind["lines"]) == len(plain["rows"])
    long = next(row for row in bind["rows"] if row["name"] == "s2026._domainkey.example.com.")
    assert long["value"].count('"') == 4
    rows = {(row["name"], row["type"]): row["value"] for row in plain["rows"]}
    assert '"' not in rows["s2026._domainkey", "TXT"]
    assert rows["@", "MX"] == "10 mx2.example.net"
    assert rows["_imap._tcp", "SRV"] == "0 0 0 ."
    assert rows["parked.example", "MX"] == "0 ."
    assert rows["mta-sts.xn--mnchen-3ya.example", "CNAME"] == "www.example.com"
    assert any(line.split() == ["mx1", "A", "1800", "192.0.2.25"] for line in plain["lines"])


def test_mta_sts_policy_is_the_text() -> None:
    assert FILTERS["mta_sts_policy"](DESCRIPTION, domain="Example.com") == (
        "version: STSv1\r\nmode: enforce\r\nmx: mx1.example.com\r\nmx: mx2.example.net\r\nmax_age: 1209600\r\n"
    )


def test_dkim_record_takes_every_form_of_a_public_key() -> None:
    expected = f"v=DKIM1; k=ed25519; h=sha256; t=s; p={ED25519_RAW}"
    assert FILTERS["dkim_record"](ED25519) == FILTERS["dkim_record"](ED25519_RAW) == expected
    assert "t=y;" in FILTERS["dkim_record"](ED25519, testing=True, subdomains=True)


def test_tlsa_record_is_that_of_the_key() -> None:
    assert FILTERS["tlsa_record"](P256_CERTIFICATE) == f"3 1 1 {P256_SPKI_SHA256}"
    assert FILTERS["tlsa_record"](P256_SPKI_SHA256.upper(), usage=2) == f"2 1 1 {P256_SPKI_SHA256}"


def test_dns_findings_judges_records_that_nobody_published_yet() -> None:
    judged = FILTERS["dns_findings"](
        RECORDS,
        domain="example.com",
        sts_policy=FILTERS["mta_sts_policy"](DESCRIPTION, domain="example.com"),
    )
    assert [one["rule"] for one in judged["findings"]] == ["dns-dkim-revoked"]
    assert judged["counts"]["high"] == 0
    reasons = " ".join(one["reason"] for one in judged["incomplete"])
    assert "what it serves on port 25 was not asked" in reasons
    parked = FILTERS["dns_findings"](RECORDS, domain="parked.example", signed=False)
    assert [one["rule"] for one in parked["findings"]] == ["dns-dmarc-no-reports"]
    wrong = [one for one in RECORDS if one["name"] != "_dmarc.example.com."]
    zones = ["example.com", "com"]
    found = FILTERS["dns_findings"](wrong, domain="example.com", zones=zones)["findings"]
    assert "dns-dmarc-missing" in [one["rule"] for one in found]


def test_dns_findings_compares_certificates() -> None:
    def rules(*certificates: str) -> list[str]:
        judged = FILTERS["dns_findings"](
            RECORDS,
            domain="reports.example",
            signed=True,
            certificates={"mx1.example.com": certificates},
        )
        return [one["rule"] for one in judged["findings"] if "tlsa" in one["rule"]]

    others = [one for one in RECORDS if one["type"] != "TLSA"]
    wrong = {"name": "_25._tcp.mx1.example.com", "type": "TLSA", "data": ["3 1 1 " + "cd" * 32]}
    assert rules(P256_CERTIFICATE) == []
    judged = FILTERS["dns_findings"](
        [*others, wrong],
        domain="reports.example",
        certificates={"mx1.example.com": [P256_CERTIFICATE]},
    )
    assert "dns-tlsa-mismatch" in [one["rule"] for one in judged["findings"]]


@pytest.mark.parametrize(
    ("name", "arguments", "options", "message"),
    [
        pytest.param("mail_records", [7], {}, "expected a dictionary", id="description"),
        pytest.param("mta_sts_policy", [{}], {"domain": "a.example"}, "no mta_sts", id="policy"),
        pytest.param("dkim_record", [PRIVATE], {}, "must stay on its host", id="private-dkim"),
        pytest.param("dkim_record", [P256_CERTIFICATE], {}, "type ecdsa", id="ecdsa-dkim"),
        pytest.param("tlsa_record", [PRIVATE], {}, "must stay on its host", id="private-tlsa"),
        pytest.param(
            "tlsa_record", [P256_CERTIFICATE + PRIVATE], {}, "must stay", id="private-beside"
        ),
        pytest.param("tlsa_record", ["x"], {}, "expected PEM text", id="no-key"),
        pytest.param("tlsa_record", [P256_CERTIFICATE], {"usage": 1}, "the usage is 1", id="usage"),
        pytest.param("record_table", ["x"], {}, "no list of record sets", id="table-text"),
        pytest.param("record_table", [[]], {"dialect": "djb"}, "expected one of", id="dialect"),
        pytest.param("record_table", [[7]], {}, "expected a dictionary", id="table-set"),
        pytest.param("zone_fragment", [{}], {"zone": "a"}, "no list of record sets", id="zone"),
        pytest.param("zone_fragment", [[]], {"zone": "a..b"}, "an empty label", id="zone-name"),
        pytest.param(
            "zone_fragment",
            [[{"name": "a", "type": "TXT", "data": ["v=spf1 mx -all"]}]],
            {"zone": "a"},
            "every string in double quotes",
            id="zone-unquoted",
        ),
        pytest.param(
            "zone_fragment",
            [RECORDS],
            {"zone": "example.com", "zones": ["example.com"]},
            "in none of the zones example.com",
            id="zone-outside",
        ),
        pytest.param("dns_findings", ["x"], {"domain": "a"}, "no list", id="findings-text"),
        pytest.param("dns_findings", [[]], {"domain": "-"}, "has the label", id="findings-name"),
        pytest.param(
            "dns_findings",
            [[]],
            {"domain": "a", "certificates": {"b": ["x"]}},
            "a certificate of b",
            id="findings-certificate",
        ),
        pytest.param(
            "dns_findings",
            [[]],
            {"domain": "a", "certificates": ["x"]},
            "certificates is list",
            id="findings-certificates",
        ),
        pytest.param(
            "dns_findings",
            [[{**RECORDS[0], "ttl": 1}, RECORDS[0]]],
            {"domain": "a"},
            "is given twice",
            id="findings-twice",
        ),
    ],
)
def test_what_cannot_be_read_is_refused(
    name: str, arguments: list[t.Any], options: dict[str, t.Any], message: str
) -> None:
    with pytest.raises(AnsibleFilterError, match=message) as caught:
        FILTERS[name](*arguments, **options)
    assert str(caught.value).startswith(f"hardened.mail.{name}: ")
    assert "MC4CAQAw" not in str(caught.value)


def test_an_address_that_somebody_else_publishes_is_no_finding() -> None:
    def judged(host: dict[str, t.Any], **domain: t.Any) -> tuple[set[str], set[str]]:
        given = {"hosts": [{"name": "mx1.example.com", **host}]}
        records = FILTERS["mail_records"](
            {**given, "domains": [{"name": "example.com", "spf": {"terms": ["a", "mx"]}, **domain}]}
        )
        verdict = FILTERS["dns_findings"](records, domain="example.com", signed=True)
        return (
            {one["rule"] for one in verdict["findings"]},
            {rule for one in verdict["incomplete"] for rule in one["rules"]},
        )

    address = {"dns-mx-address", "dns-mx-no-ipv6", "dns-mx-alias", "dns-srv-target"}
    srv = {"imaps": "mx1.example.com", "submissions": "mx1.example.com"}
    for host in (
        {"publish_addresses": False, "spf": True},
        {"publish_addresses": False, "addresses": ["192.0.2.1"]},
        {"certificates": ["ab" * 32]},
    ):
        found, incomplete = judged(host, srv=srv)
        assert not found & {*address, "dns-spf-voids"}
        assert incomplete >= {*address, "dns-spf-voids"}
        assert not incomplete & {"dns-spf-lookups", "dns-spf-include", "dns-spf-pass-all"}
    found, incomplete = judged({"addresses": ["192.0.2.1"]}, srv=srv)
    assert not incomplete & address
    assert "dns-mx-no-ipv6" in found
    assert "dns-mx-address" in judged({"addresses": ["192.0.2.1"]}, mx=["typo.example.com"])[0]
