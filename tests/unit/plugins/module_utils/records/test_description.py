# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a description to records: what is there, and what is refused."""

from __future__ import annotations

import copy
import typing as t

import dns.rdata
import pytest
from ansible_collections.hardened.mail.plugins.module_utils.records.description import (
    policy_of,
    ptr_of,
    read_description,
    rrsets_of,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.mta_sts import policy_id
from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import (
    RecordError,
    unquote_txt,
    zone_lines,
)
from ansible_collections.hardened.mail.tests.unit.plugins.module_utils.records.record_texts import (
    DESCRIPTION,
    ED25519_RAW,
    P256_SPKI_SHA256,
    RSA_1024,
    RSA_2048,
)

P_RSA = "".join(RSA_2048.split("\n")[1:-2])


def made(value: t.Any) -> dict[tuple[str, str], tuple[str, ...]]:
    """Return the data of each set, TXT without its quotes."""
    return {
        one.key: tuple(map(unquote_txt, one.data)) if one.type == "TXT" else one.data
        for one in rrsets_of(read_description(value))
    }


def test_the_records_of_a_site() -> None:
    sts = policy_id(policy_of(read_description(DESCRIPTION), "example.com"))
    other = policy_id(policy_of(read_description(DESCRIPTION), "münchen.example"))
    nowhere = ("0 0 0 .",)
    assert made(DESCRIPTION) == {
        ("mx1.example.com.", "A"): ("192.0.2.25",),
        ("mx1.example.com.", "AAAA"): ("2001:db8::25",),
        ("mx1.example.com.", "TXT"): ("v=spf1 a -all",),
        ("_25._tcp.mx1.example.com.", "TLSA"): (
            f"3 1 1 {P256_SPKI_SHA256}" if P256_SPKI_SHA256 < "ab" else f"3 1 1 {'ab' * 32}",
            f"3 1 1 {P256_SPKI_SHA256}" if P256_SPKI_SHA256 > "ab" else f"3 1 1 {'ab' * 32}",
        ),
        ("_465._tcp.mx1.example.com.", "TLSA"): tuple(
            sorted([f"3 1 1 {P256_SPKI_SHA256}", f"3 1 1 {'ab' * 32}"])
        ),
        ("mx2.example.net.", "TXT"): ("v=spf1 a -all",),
        ("example.com.", "MX"): ("10 mx1.example.com.", "10 mx2.example.net."),
        ("example.com.", "TXT"): ("v=spf1 mx -all",),
        ("example.com.", "CAA"): (
            '0 iodef "mailto:security@example.com"',
            '0 issue "ca.example.net; accounturi=https://ca.example.net/acct/1"',
            '0 issuewild ";"',
        ),
        ("s2026._domainkey.example.com.", "TXT"): (f"v=DKIM1; k=rsa; h=sha256; t=s; p={P_RSA}",),
        ("e2026._domainkey.example.com.", "TXT"): (
            f"v=DKIM1; k=ed25519; h=sha256; t=s; p={ED25519_RAW}",
        ),
        ("old._domainkey.example.com.", "TXT"): ("v=DKIM1; k=rsa; p=",),
        ("_dmarc.example.com.", "TXT"): (
            "v=DMARC1; p=reject; adkim=s; aspf=s; rua=mailto:dmarc@example.com,mailto:d@reports.example",
        ),
        ("example.com._report._dmarc.reports.example.", "TXT"): ("v=DMARC1",),
        ("_mta-sts.example.com.", "TXT"): (f"v=STSv1; id={sts};",),
        ("mta-sts.example.com.", "A"): ("192.0.2.80",),
        ("_smtp._tls.example.com.", "TXT"): ("v=TLSRPTv1; rua=mailto:tls@example.com",),
        ("_submissions._tcp.example.com.", "SRV"): ("0 1 465 mx1.example.com.",),
        ("_imaps._tcp.example.com.", "SRV"): ("5 1 1993 mx1.example.com.",),
        ("_submission._tcp.example.com.", "SRV"): nowhere,
        ("_imap._tcp.example.com.", "SRV"): nowhere,
        ("_pop3._tcp.example.com.", "SRV"): nowhere,
        ("_pop3s._tcp.example.com.", "SRV"): nowhere,
        ("_sieve._tcp.example.com.", "SRV"): nowhere,
        ("xn--mnchen-3ya.example.", "MX"): ("10 mx2.example.net.", "5 mx1.example.com."),
        ("xn--mnchen-3ya.example.", "TXT"): (
            "v=spf1 mx ip4:192.0.2.0/28 include:_spf.example.net ~all",
        ),
        ("_dmarc.xn--mnchen-3ya.example.", "TXT"): ("v=DMARC1; p=none",),
        ("_mta-sts.xn--mnchen-3ya.example.", "TXT"): (f"v=STSv1; id={other};",),
        ("mta-sts.xn--mnchen-3ya.example.", "CNAME"): ("www.example.com.",),
        ("reports.example.", "MX"): ("10 mx1.example.com.", "10 mx2.example.net."),
        ("reports.example.", "TXT"): ("v=spf1 redirect=_spf.example.com",),
        ("parked.example.", "MX"): ("0 .",),
        ("parked.example.", "TXT"): ("v=spf1 -all",),
        ("_dmarc.parked.example.", "TXT"): ("v=DMARC1; p=reject",),
    }


def test_dnspython_reads_and_writes_every_record_alike() -> None:
    for one in rrsets_of(read_description(DESCRIPTION)):
        for data in one.data:
            assert dns.rdata.from_text("IN", one.type, data).to_text() == data, one


def test_international_domains_are_a_labels_wherever_they_stand() -> None:
    name = "b\u00fccher.example"
    found = made(
        domain(
            spf={"terms": [f"include:_spf.{name}"]},
            dmarc={"rua": [f"d@{name}"], "ruf": [f"mailto:d@{name}"]},
            tls_rpt=[f"t@{name}", f"https://{name}/t"],
            caa={"issue": [f"{name}; a=b"], "iodef": [f"mailto:c@{name}", f"https://{name}/"]},
        )
    )
    texts = " ".join(one for data in found.values() for one in data)
    assert texts.isascii()
    assert texts.count("xn--bcher-kva.example") == 8
    assert '0 issue "xn--bcher-kva.example; a=b"' in texts


def test_the_order_is_that_of_a_zone_file_and_stable() -> None:
    sets = rrsets_of(read_description(DESCRIPTION))
    assert rrsets_of(read_description(copy.deepcopy(DESCRIPTION))) == sets
    apex = [one.name for one in sets].index("example.com.")
    assert all(one.name == "example.com." for one in sets[apex : apex + 3])
    assert "example.com. 1800 IN MX 10 mx1.example.com.\n" in zone_lines(sets, origin=".")


def test_ptr_records_name_the_host() -> None:
    assert [(one.name, one.data) for one in ptr_of(read_description(DESCRIPTION))] == [
        ("25.2.0.192.in-addr.arpa.", ("mx1.example.com.",)),
        ("25.100.51.198.in-addr.arpa.", ("mx2.example.net.",)),
        (
            "5.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.",
            ("mx1.example.com.",),
        ),
    ]


def host(**more: t.Any) -> dict[str, t.Any]:
    return {"hosts": [{"name": "mx.example", **more}]}


def domain(**more: t.Any) -> dict[str, t.Any]:
    return {"domains": [{"name": "a.example", "mx": ["mx.example"], **more}]}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        pytest.param([], "the description is \\[\\]: expected a dictionary", id="list"),
        pytest.param({"host": []}, "there is no key 'host'", id="unknown-key"),
        pytest.param({"hosts": {}}, "hosts is {}: expected a list", id="no-list"),
        pytest.param({"hosts": ["mx"]}, "the host 'mx' is 'mx': expected a dictionary", id="host"),
        pytest.param({"hosts": [{}]}, "the host None: name is missing", id="no-name"),
        pytest.param(host(name="_a.example"), "is no name of a host", id="underscore"),
        pytest.param(host(adresses=[]), "there is no key 'adresses'", id="typo"),
        pytest.param(host(addresses=["192.0.2.256"]), "is no address", id="address"),
        pytest.param(host(addresses=["fe80::1"]), "others cannot connect to", id="link-local"),
        pytest.param(host(addresses=["::ffff:192.0.2.1"]), "cannot connect to", id="mapped"),
        pytest.param(host(spf="yes"), "expected true or false", id="switch"),
        pytest.param(host(certificates=["ab"]), "the host mx.example: found 'ab'", id="digest"),
        pytest.param(host(certificates=["ab" * 32], tlsa_ports=[0]), "a port is 0", id="port"),
        pytest.param(host(addresses=["192.0.2.1"], ttl=-1), "the TTL is -1", id="ttl"),
        pytest.param(
            {"hosts": [{"name": "a.example"}, {"name": "A.example."}]},
            "hosts: a.example is there twice",
            id="host-twice",
        ),
        pytest.param(
            {"domains": [{"name": "a.example"}, {"name": "a.example"}]},
            "domains: a.example is there twice",
            id="domain-twice",
        ),
        pytest.param(domain(name="a" * 64 + ".example"), "a label of 64", id="label"),
        pytest.param(domain(name=".".join(["a" * 60] * 5)), "304 characters", id="long-name"),
        pytest.param(domain(name="a..example"), "an empty label", id="empty-label"),
        pytest.param(domain(mx=["192.0.2.1"]), "'192.0.2.1' is an address", id="mx-address"),
        pytest.param(domain(mx=["mx.example", "MX.example"]), "an MX twice", id="mx-twice"),
        pytest.param(
            domain(mx=[{"host": "mx.example", "preference": 70000}]), "0 to 65535", id="preference"
        ),
        pytest.param(domain(spf={"all": "+all"}), "all is '\\+all'", id="pass-all"),
        pytest.param(domain(spf={"terms": ["ptr"]}), "found 'ptr'", id="ptr"),
        pytest.param(domain(spf={"terms": ["-all"]}), "found '-all'", id="early-all"),
        pytest.param(domain(spf={"terms": ["ip4:2001:db8::1"]}), "an IPv4 address", id="ip4"),
        pytest.param(
            domain(spf={"redirect": "b.example", "all": "-all"}), "one of them", id="redirect"
        ),
        pytest.param(domain(spf="v=spf2 -all"), "expected v=spf1", id="spf-version"),
        pytest.param(domain(dkim=[{"public_key": RSA_2048}]), "selector is missing", id="selector"),
        pytest.param(
            domain(dkim=[{"selector": "a"}]), "the selector a has no public_key", id="no-key"
        ),
        pytest.param(
            domain(dkim=[{"selector": "a", "public_key": "no key!"}]), "no base64", id="garbage"
        ),
        pytest.param(
            domain(dkim=[{"selector": "a", "public_key": "YWJj"}]), "no public key", id="short"
        ),
        pytest.param(
            domain(dkim=[{"selector": "a b", "public_key": RSA_2048}]), "has the label", id="blank"
        ),
        pytest.param(domain(dmarc={"p": "block"}), "p is 'block'", id="dmarc-policy"),
        pytest.param(domain(dmarc={"pct": 50}), "there is no key 'pct'", id="dmarc-gone"),
        pytest.param(domain(dmarc={"rua": "a@b.example"}), "expected a list", id="rua-text"),
        pytest.param(domain(dmarc={"rua": ["nobody"]}), "expected mailto:", id="rua"),
        pytest.param(domain(mta_sts={"mode": "on"}), "mode of the MTA-STS", id="sts-mode"),
        pytest.param(domain(mta_sts={"max_age": 40000000}), "0 to 31557600", id="sts-age"),
        pytest.param(domain(mx=[], mta_sts={"mode": "none"}), "gets no mail", id="sts-without-mx"),
        pytest.param(
            domain(mta_sts={"host": "w.example", "addresses": ["192.0.2.1"]}),
            "mta-sts.a.example. would be a CNAME and have A",
            id="cname-and-address",
        ),
        pytest.param(
            domain(mta_sts={"host": "mta-sts.A.example."}),
            "mta-sts.a.example. would be a CNAME that leads back to itself",
            id="cname-to-itself",
        ),
        pytest.param(
            {
                "domains": [
                    {
                        "name": "a.example",
                        "mx": ["m.example"],
                        "mta_sts": {"host": "mta-sts.b.example"},
                    },
                    {
                        "name": "b.example",
                        "mx": ["m.example"],
                        "mta_sts": {"host": "mta-sts.a.example"},
                    },
                ]
            },
            "mta-sts.a.example. -> mta-sts.b.example. -> mta-sts.a.example.",
            id="cnames-in-a-circle",
        ),
        pytest.param(domain(name="192.0.2.1"), "'192.0.2.1' is an address", id="domain-address"),
        pytest.param(domain(name="*.a.example"), "is no mail domain", id="domain-wildcard"),
        pytest.param(
            domain(dkim=[{"selector": "*", "public_key": RSA_2048}]),
            "the selector is '\\*'",
            id="star",
        ),
        pytest.param(
            domain(dkim=[{"selector": "*.a", "revoked": True}]),
            "the selector is",
            id="star-revoked",
        ),
        pytest.param(domain(tls_rpt=["d\u00fc@a.example"]), "ASCII before the @", id="mailbox"),
        pytest.param(domain(spf={"terms": ["mx +all"]}), "without a blank", id="two-terms"),
        pytest.param(domain(spf="v=spf1 include:b\u00fccher.example"), "A-labels", id="spf-text"),
        pytest.param(
            domain(caa={"issue": ["stra\u00dfe.example"]}), "versions of IDNA", id="caa-idn"
        ),
        pytest.param(
            domain(caa={"iodef": ["http://\u00fc.example"]}), "expected mailto", id="http"
        ),
        pytest.param(domain(tls_rpt=["ftp://a.example"]), "expected mailto:", id="tls-rpt"),
        pytest.param(domain(srv={"smtp": "mx.example"}), "there is no key 'smtp'", id="service"),
        pytest.param(domain(srv={"imaps": {"port": 993}}), "host is missing", id="srv-host"),
        pytest.param(domain(caa={"issue": ["a b"]}), "has the label 'a b'", id="caa"),
        pytest.param(domain(caa={"iodef": ["nobody"]}), "iodef is 'nobody'", id="iodef"),
        pytest.param(
            {
                "hosts": [{"name": "mta-sts.a.example", "addresses": ["192.0.2.1"]}],
                **domain(mta_sts={"addresses": ["192.0.2.2"]}),
            },
            "mta-sts.a.example. A is described twice, as 192.0.2.1 with TTL 3600 and as 192.0.2.2",
            id="two-descriptions",
        ),
        pytest.param(
            {
                "hosts": [{"name": "w.a.example", "addresses": ["192.0.2.1"]}],
                **domain(mta_sts={"mode": "bad"}),
            },
            "mode",
            id="mode",
        ),
    ],
)
def test_what_is_wrong_is_refused_and_said(value: t.Any, message: str) -> None:
    with pytest.raises(RecordError, match=message):
        rrsets_of(read_description(value))


def test_a_small_key_is_published_only_from_1024_bits_on() -> None:
    small = "MDwwDQYJKoZIhvcNAQEBBQADKwAwKAIhAMQ8GJzzaEFs1OlgXvTTDBkVE3XcSCbMT4XMsk0N8CcRAgMBAAE="
    with pytest.raises(RecordError, match="the RSA key has 256 bits: expected 2048 to 4096"):
        made(domain(dkim=[{"selector": "a", "public_key": small}]))
    assert made(domain(dkim=[{"selector": "a", "public_key": RSA_1024}]))


def test_a_policy_is_another_record_when_it_changes() -> None:
    def sts(**more: t.Any) -> str:
        return made(domain(mta_sts={"mode": "enforce", **more}))["_mta-sts.a.example.", "TXT"][0]

    assert sts() == sts(mx=["MX.example."])
    assert len({sts(), sts(mode="testing"), sts(max_age=86400), sts(mx=["*.example"])}) == 4
    with pytest.raises(RecordError, match=r"b\.example has no mta_sts"):
        policy_of(read_description(DESCRIPTION), "b.example")
