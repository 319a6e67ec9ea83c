# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of a good domain, and of one with a single thing changed."""

from __future__ import annotations

import base64
import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.policy.dns_view import (
    DnsView,
    ServedCertificate,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.findings import Verdict
from ansible_collections.hardened.mail.plugins.module_utils.policy.rules_dns import (
    RULES,
    judge_domain,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.description import (
    policy_of,
    ptr_of,
    read_description,
    rrsets_of,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.lookup import (
    Answer,
    Lookup,
    table_of,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.mta_sts import (
    policy_text,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import (
    make_rrset,
    name_of,
    quote_txt,
)
from ansible_collections.hardened.mail.tests.unit.plugins.module_utils.records.record_texts import (
    ED25519,
    ED25519_RAW,
    P256_CERTIFICATE,
    P256_SPKI_SHA256,
    RSA_1024,
    RSA_2048,
)

GOOD: t.Final[dict[str, t.Any]] = {
    "hosts": [
        {
            "name": "mx1.example.com",
            "addresses": ["192.0.2.25", "2001:db8::25"],
            "certificates": [P256_CERTIFICATE],
            "next_certificates": ["ab" * 32],
        }
    ],
    "domains": [
        {
            "name": "example.com",
            "dkim": [
                {"selector": "r", "public_key": RSA_2048},
                {"selector": "e", "public_key": ED25519},
            ],
            "dmarc": {"p": "reject", "rua": ["d@example.com", "d@reports.example"]},
            "mta_sts": {"mode": "enforce", "addresses": ["192.0.2.80", "2001:db8::80"]},
            "tls_rpt": ["tls@example.com"],
            "srv": {"submissions": "mx1.example.com", "imaps": "mx1.example.com"},
            "caa": {"issue": ["ca.example.net"]},
        },
        {"name": "reports.example"},
    ],
}
SERVED: t.Final = ServedCertificate("00" * 32, P256_SPKI_SHA256, ("mx1.example.com",))
POLICY: t.Final = policy_text(policy_of(read_description(GOOD), "example.com"))
Changes = t.Mapping[tuple[str, str], t.Any]


def der(pem: str) -> str:
    return "".join(pem.split("\n")[1:-2])


def lookup_of(changes: Changes, *, secure: bool = True) -> Lookup:
    """Return the good domain with some sets changed: texts, an answer, or None for nothing."""
    read = read_description(GOOD)
    sets = {one.key: one for one in (*rrsets_of(read), *ptr_of(read))}
    answers = {}
    for (name, type_), data in changes.items():
        key = (name_of(name), type_)
        sets.pop(key, None)
        if isinstance(data, Answer):
            answers[key] = data
        elif data is not None:
            several = [data] if isinstance(data, str) else data
            written = [quote_txt(one) for one in several] if type_ == "TXT" else several
            sets[key] = make_rrset(name, type_, written)
    zones = ("example.com", "example", "net", "arpa", "com")
    table = table_of(sets.values(), zones=zones, secure=secure)

    def lookup(name: str, type_: str, /) -> Answer:
        return answers[name, type_] if (name, type_) in answers else table(name, type_)

    return lookup


def judged(changes: Changes, **more: t.Any) -> Verdict:
    given: dict[str, t.Any] = {
        "selectors": ("r", "e"),
        "served": {"mx1.example.com.": ((SERVED,),)},
        "sts_policy": POLICY,
        "authority": "ca.example.net",
        **more,
    }
    secure = given.pop("secure", True)
    return judge_domain(DnsView("example.com.", lookup_of(changes, secure=secure), **given))


APEX: t.Final = ("example.com", "TXT")
MX: t.Final = ("example.com", "MX")
DMARC: t.Final = ("_dmarc.example.com", "TXT")
KEY: t.Final = ("r._domainkey.example.com", "TXT")
TLSA: t.Final = ("_25._tcp.mx1.example.com", "TLSA")
STS: t.Final = ("_mta-sts.example.com", "TXT")
RPT: t.Final = ("_smtp._tls.example.com", "TXT")
CAA: t.Final = ("example.com", "CAA")
OWN: t.Final = f"3 1 1 {P256_SPKI_SHA256}"
NEXT: t.Final = f"3 1 1 {'ab' * 32}"
#: An RSA key of 4104 bits, its numbers without meaning.
LARGE: t.Final = base64.b64encode(
    bytes.fromhex("30820223300d06092a864886f70d01010105000382021000" + "3082020b0282020200ff")
    + b"\x01" * 512
    + bytes.fromhex("0203010001")
).decode()


def test_a_good_domain_has_no_findings() -> None:
    verdict = judged({})
    assert verdict.findings == ()
    assert verdict.incomplete == ()
    assert verdict.rules_run == len(RULES)


CASES: t.Final = [
    pytest.param({MX: None}, {}, {"dns-mx-missing", "dns-dmarc-report-mx"}, id="no-mx"),
    pytest.param(
        {MX: "10 192.0.2.25."},
        {},
        {"dns-mx-syntax"},
        id="mx-address",
    ),
    pytest.param({MX: ["0 .", "10 mx1.example.com."]}, {}, {"dns-mx-syntax"}, id="null-mx-mixed"),
    pytest.param(
        {
            ("mx1.example.com", "A"): None,
            ("mx1.example.com", "AAAA"): None,
            ("mx1.example.com", "TXT"): None,
            ("mx1.example.com", "CNAME"): "h.example.net.",
            ("h.example.net", "A"): "192.0.2.25",
            ("h.example.net", "AAAA"): "2001:db8::25",
        },
        {},
        {"dns-mx-alias", "dns-spf-helo", "dns-srv-target"},
        id="mx-alias",
    ),
    pytest.param(
        {("mx1.example.com", "A"): None, ("mx1.example.com", "AAAA"): None},
        {},
        {"dns-mx-address", "dns-srv-target"},
        id="mx-without-address",
    ),
    pytest.param({("mx1.example.com", "AAAA"): None}, {}, {"dns-mx-no-ipv6"}, id="no-ipv6"),
    pytest.param({("25.2.0.192.in-addr.arpa", "PTR"): None}, {}, {"dns-ptr"}, id="no-ptr"),
    pytest.param(
        {("25.2.0.192.in-addr.arpa", "PTR"): "other.example.net."},
        {},
        {"dns-ptr"},
        id="ptr-elsewhere",
    ),
    pytest.param(
        {
            ("25.2.0.192.in-addr.arpa", "PTR"): "host.example.net.",
            ("host.example.net", "A"): "192.0.2.25",
        },
        {},
        {"dns-ptr"},
        id="ptr-other-name",
    ),
    pytest.param({("*.example.com", "TXT"): "v=spf1 -all"}, {}, {"dns-wildcard"}, id="wildcard"),
    pytest.param(
        {MX: Answer("failed", reason="RRSIG expired", bogus=True)}, {}, {"dns-bogus"}, id="bogus"
    ),
    pytest.param({APEX: "hello"}, {}, {"dns-spf-missing"}, id="no-spf"),
    pytest.param(
        {APEX: ["v=spf1 mx -all", "v=spf1 a -all"]}, {}, {"dns-spf-several"}, id="two-spf"
    ),
    pytest.param({APEX: "v=spf1 ip4:2001:db8::1 -all"}, {}, {"dns-spf-syntax"}, id="spf-ip4"),
    pytest.param({APEX: "v=spf1 mx +all"}, {}, {"dns-spf-pass-all"}, id="pass-all"),
    pytest.param({APEX: "v=spf1 mx all"}, {}, {"dns-spf-pass-all"}, id="bare-all"),
    pytest.param(
        {APEX: "v=spf1 redirect=o.example.net", ("o.example.net", "TXT"): "v=spf1 +all"},
        {},
        {"dns-spf-pass-all"},
        id="redirect-to-all",
    ),
    pytest.param(
        {APEX: "v=spf1 include:o.example.net -all", ("o.example.net", "TXT"): "v=spf1 all"},
        {},
        {"dns-spf-pass-all"},
        id="include-of-all",
    ),
    pytest.param(
        {APEX: "v=spf1 ip4:0.0.0.0/1 ip4:128.0.0.0/1 -all"},
        {},
        {"dns-spf-pass-all"},
        id="all-in-halves",
    ),
    pytest.param({APEX: "v=spf1 mx/0 -all"}, {}, {"dns-spf-pass-all"}, id="all-around-the-mx"),
    pytest.param(
        {APEX: "v=spf1 redirect=o.example.net", ("o.example.net", "TXT"): "v=spf1 mx ?all"},
        {},
        {"dns-spf-no-all"},
        id="redirect-to-neutral",
    ),
    pytest.param(
        {
            APEX: "v=spf1 redirect=o.example.net",
            ("o.example.net", "TXT"): "v=spf1 a:mx1.example.com",
        },
        {},
        {"dns-spf-no-all"},
        id="redirect-to-no-all",
    ),
    pytest.param(
        {APEX: "v=spf1 redirect=o.example.net", ("o.example.net", "TXT"): "v=spf1 ~all"},
        {},
        {"dns-spf-softfail"},
        id="redirect-to-softfail",
    ),
    pytest.param({APEX: "v=spf1 mx"}, {}, {"dns-spf-no-all"}, id="no-all"),
    pytest.param({APEX: "v=spf1 mx ?all"}, {}, {"dns-spf-no-all"}, id="neutral-all"),
    pytest.param({APEX: "v=spf1 mx ~all"}, {}, {"dns-spf-softfail"}, id="softfail"),
    pytest.param({APEX: "v=spf1 mx ptr -all"}, {}, {"dns-spf-ptr"}, id="ptr-term"),
    pytest.param({APEX: "v=spf1 mx -all ip4:192.0.2.1"}, {}, {"dns-spf-after-all"}, id="after-all"),
    pytest.param(
        {APEX: "v=spf1 mx -all redirect=reports.example"},
        {},
        {"dns-spf-after-all"},
        id="redirect-and-all",
    ),
    pytest.param(
        {
            APEX: "v=spf1 " + "include:i.example.net " * 9 + "mx -all",
            ("i.example.net", "TXT"): "v=spf1 a:mx1.example.com -all",
        },
        {},
        {"dns-spf-lookups"},
        id="nineteen-lookups",
    ),
    pytest.param(
        {APEX: "v=spf1 a:x1.example.net a:x2.example.net mx:x3.example.net mx -all"},
        {},
        {"dns-spf-voids"},
        id="three-voids",
    ),
    pytest.param(
        {APEX: "v=spf1 exists:x1.example.net exists:x2.example.net exists:x3.example.net mx -all"},
        {},
        {"dns-spf-voids"},
        id="three-voids-of-exists",
    ),
    pytest.param(
        {
            APEX: "v=spf1 mx:example.net mx -all",
            ("example.net", "MX"): [f"10 x{number}.example.net." for number in range(3)],
        },
        {},
        {"dns-spf-voids"},
        id="three-mx-hosts-without-addresses",
    ),
    pytest.param(
        {APEX: "v=spf1 include:gone.example.net mx -all"},
        {},
        {"dns-spf-include"},
        id="include-of-nothing",
    ),
    pytest.param(
        {APEX: "v=spf1 include:example.com mx -all"},
        {},
        {"dns-spf-include"},
        id="include-of-itself",
    ),
    pytest.param(
        {APEX: "v=spf1 mx" + " ip4:192.0.2.111/32" * 30 + " -all"}, {}, {"dns-spf-long"}, id="long"
    ),
    pytest.param({("mx1.example.com", "TXT"): None}, {}, {"dns-spf-helo"}, id="helo"),
    pytest.param({KEY: None}, {}, {"dns-dkim-missing", "dns-dkim-only-ed25519"}, id="no-key"),
    pytest.param(
        {KEY: [f"v=DKIM1; k=rsa; p={der(RSA_2048)}", "v=DKIM1; p="]},
        {},
        {"dns-dkim-several", "dns-dkim-only-ed25519"},
        id="two-keys",
    ),
    pytest.param(
        {KEY: f"k=rsa; v=DKIM1; p={der(RSA_2048)}"},
        {},
        {"dns-dkim-syntax", "dns-dkim-only-ed25519"},
        id="version-second",
    ),
    pytest.param(
        {KEY: "v=DKIM1; k=rsa; p=!"},
        {},
        {"dns-dkim-syntax", "dns-dkim-only-ed25519"},
        id="no-base64",
    ),
    pytest.param(
        {("e._domainkey.example.com", "TXT"): f"v=DKIM1; k=ed25519; p={der(ED25519)}"},
        {},
        {"dns-dkim-syntax"},
        id="spki-for-ed25519",
    ),
    pytest.param(
        {KEY: f"v=DKIM1; k=dsa; p={der(RSA_2048)}"},
        {},
        {"dns-dkim-syntax", "dns-dkim-only-ed25519"},
        id="unknown-key-type",
    ),
    pytest.param({KEY: f"v=DKIM1; p={der(RSA_1024)}"}, {}, {"dns-dkim-key-size"}, id="short-key"),
    pytest.param({KEY: f"v=DKIM1; p={LARGE}"}, {}, {"dns-dkim-key-size"}, id="large-key"),
    pytest.param({KEY: f"v=DKIM1; t=y:s; p={der(RSA_2048)}"}, {}, {"dns-dkim-testing"}, id="t-y"),
    pytest.param({KEY: f"v=DKIM1; h=sha1; p={der(RSA_2048)}"}, {}, {"dns-dkim-hash"}, id="sha1"),
    pytest.param(
        {KEY: f"v=DKIM1; s=tlsrpt; p={der(RSA_2048)}"}, {}, {"dns-dkim-services"}, id="services"
    ),
    pytest.param(
        {KEY: "v=DKIM1; p="}, {}, {"dns-dkim-revoked", "dns-dkim-only-ed25519"}, id="revoked"
    ),
    pytest.param({DMARC: None}, {}, {"dns-dmarc-missing"}, id="no-dmarc"),
    pytest.param(
        {
            DMARC: None,
            ("_dmarc.com", "TXT"): "v=DMARC1; p=reject; psd=y; rua=mailto:d@nic.com",
            ("nic.com", "MX"): "10 mx1.example.com.",
            ("example.com._report._dmarc.nic.com", "TXT"): "v=DMARC1",
        },
        {},
        {"dns-dmarc-missing"},
        id="only-the-public-suffix-has-dmarc",
    ),
    pytest.param(
        {DMARC: ["v=DMARC1; p=reject; rua=mailto:d@example.com", "v=DMARC1; p=none"]},
        {},
        {"dns-dmarc-several"},
        id="two-dmarc",
    ),
    pytest.param({DMARC: "v=dmarc1; p=reject"}, {}, {"dns-dmarc-syntax"}, id="dmarc-lower-case"),
    pytest.param({DMARC: "p=reject; v=DMARC1"}, {}, {"dns-dmarc-missing"}, id="dmarc-order"),
    pytest.param({APEX: ["v=spf1 mx -all", "v=DMARC1; p=none"]}, {}, {"dns-dmarc-apex"}, id="apex"),
    pytest.param(
        {DMARC: "v=DMARC1; p=none; rua=mailto:d@example.com"},
        {},
        {"dns-dmarc-policy-none"},
        id="p-none",
    ),
    pytest.param(
        {DMARC: "v=DMARC1; rua=mailto:d@example.com"}, {}, {"dns-dmarc-policy-none"}, id="no-p"
    ),
    pytest.param(
        {DMARC: "v=DMARC1; p=reject; t=y; rua=mailto:d@example.com"},
        {},
        {"dns-dmarc-testing"},
        id="dmarc-t-y",
    ),
    pytest.param(
        {DMARC: "v=DMARC1; p=reject; sp=none; rua=mailto:d@example.com"},
        {},
        {"dns-dmarc-weaker-subdomains"},
        id="sp-none",
    ),
    pytest.param(
        {DMARC: "v=DMARC1; p=reject; np=quarantine; rua=mailto:d@example.com"},
        {},
        {"dns-dmarc-weaker-subdomains"},
        id="np",
    ),
    pytest.param(
        {DMARC: "v=DMARC1; p=reject; pct=50; rua=mailto:d@example.com"},
        {},
        {"dns-dmarc-dead-tags"},
        id="pct",
    ),
    pytest.param(
        {DMARC: "v=DMARC1; p=reject; fo=7; rua=mailto:d@example.com"},
        {},
        {"dns-dmarc-unknown"},
        id="unknown-value",
    ),
    pytest.param(
        {DMARC: "v=DMARC1; p=reject; rau=mailto:d@example.com"},
        {},
        {"dns-dmarc-unknown", "dns-dmarc-no-reports"},
        id="unknown-tag",
    ),
    pytest.param({DMARC: "v=DMARC1; p=reject"}, {}, {"dns-dmarc-no-reports"}, id="no-rua"),
    pytest.param(
        {DMARC: "v=DMARC1; p=reject; rua=d@example.com"},
        {},
        {"dns-dmarc-report-address"},
        id="no-mailto",
    ),
    pytest.param(
        {DMARC: "v=DMARC1; p=reject; rua=mailto:d@example.com!10m"},
        {},
        {"dns-dmarc-report-size"},
        id="size",
    ),
    pytest.param(
        {("example.com._report._dmarc.reports.example", "TXT"): None},
        {},
        {"dns-dmarc-report-authorization"},
        id="authorization",
    ),
    pytest.param(
        {("reports.example", "MX"): "0 ."}, {}, {"dns-dmarc-report-mx"}, id="reports-to-nobody"
    ),
    pytest.param(
        {APEX: "v=spf1 -all", KEY: "v=DKIM1; p="},
        {"selectors": ("r",)},
        {"dns-dmarc-alignment", "dns-dkim-revoked"},
        id="alignment",
    ),
    pytest.param({TLSA: None}, {}, {"dns-tlsa-missing"}, id="no-tlsa"),
    pytest.param({}, {"secure": False}, {"dns-tlsa-unsigned"}, id="unsigned"),
    pytest.param({TLSA: [OWN, NEXT, "3 1 1 abcd"]}, {}, {"dns-tlsa-syntax"}, id="tlsa-short"),
    pytest.param({TLSA: [OWN, NEXT, "1 1 1 " + "cd" * 32]}, {}, {"dns-tlsa-usage"}, id="usage-1"),
    pytest.param(
        {TLSA: [OWN, "3 0 1 " + "cd" * 32]}, {}, {"dns-tlsa-parameters"}, id="whole-certificate"
    ),
    pytest.param({TLSA: [NEXT, "3 1 1 " + "cd" * 32]}, {}, {"dns-tlsa-mismatch"}, id="mismatch"),
    pytest.param({TLSA: OWN}, {}, {"dns-tlsa-no-next"}, id="no-next"),
    pytest.param(
        {TLSA: Answer("found", (NEXT, OWN), 604800, secure=True)},
        {},
        {"dns-tlsa-ttl"},
        id="tlsa-ttl",
    ),
    pytest.param(
        {("_25._tcp.example.com", "TLSA"): OWN}, {}, {"dns-tlsa-place"}, id="tlsa-at-the-domain"
    ),
    pytest.param({STS: None}, {"sts_policy": None}, {"dns-sts-missing"}, id="no-sts"),
    pytest.param({STS: "v=STSv1; id=2026-11-22"}, {}, {"dns-sts-syntax"}, id="sts-id"),
    pytest.param({STS: ["v=STSv1; id=1;", "v=STSv1; id=2;"]}, {}, {"dns-sts-syntax"}, id="two-sts"),
    pytest.param(
        {("mta-sts.example.com", "A"): None, ("mta-sts.example.com", "AAAA"): None},
        {},
        {"dns-sts-host"},
        id="sts-host",
    ),
    pytest.param({}, {"sts_policy": None, "sts_failure": "404"}, {"dns-sts-policy"}, id="sts-404"),
    pytest.param({}, {"sts_policy": "mode: enforce\n"}, {"dns-sts-policy"}, id="sts-policy-broken"),
    pytest.param(
        {}, {"sts_policy": POLICY.replace("enforce", "testing")}, {"dns-sts-mode"}, id="sts-testing"
    ),
    pytest.param(
        {}, {"sts_policy": POLICY.replace("1209600", "3600")}, {"dns-sts-max-age"}, id="sts-age"
    ),
    pytest.param(
        {}, {"sts_policy": POLICY.replace("mx1", "mx2")}, {"dns-sts-mx"}, id="sts-contradicts"
    ),
    pytest.param(
        {},
        {
            "served": {
                "mx1.example.com.": ((ServedCertificate("", P256_SPKI_SHA256, ("example.com",)),),)
            }
        },
        {"dns-sts-certificate", "dns-srv-certificate"},
        id="certificate-name",
    ),
    pytest.param({RPT: None}, {}, {"dns-tls-rpt-missing"}, id="no-tls-rpt"),
    pytest.param(
        {RPT: "v=TLSRPTv1; rua=tls@example.com"}, {}, {"dns-tls-rpt-syntax"}, id="tls-rpt-no-mailto"
    ),
    pytest.param(
        {RPT: "v=TSLRPTv1; rua=mailto:tls@example.com"},
        {},
        {"dns-tls-rpt-syntax"},
        id="tls-rpt-typo",
    ),
    pytest.param(
        {("_imaps._tcp.example.com", "SRV"): "0 1 993 gone.example.com."},
        {},
        {"dns-srv-target"},
        id="srv-gone",
    ),
    pytest.param(
        {("_imaps._tcp.example.com", "SRV"): "0 993 mx1.example.com."},
        {},
        {"dns-srv-target"},
        id="srv-broken",
    ),
    pytest.param(
        {("_imap._tcp.example.com", "SRV"): "0 1 143 mx1.example.com."},
        {},
        {"dns-srv-clear-text"},
        id="srv-imap",
    ),
    pytest.param(
        {
            ("_submissions._tcp.example.com", "SRV"): "0 0 0 .",
            ("_submission._tcp.example.com", "SRV"): "0 1 587 mx1.example.com.",
        },
        {},
        {"dns-srv-submissions"},
        id="srv-587-only",
    ),
    pytest.param({CAA: None}, {}, {"dns-caa-missing"}, id="no-caa"),
    pytest.param(
        {CAA: ['0 issue "ca.example.net"', "0 issue"]}, {}, {"dns-caa-syntax"}, id="caa-broken"
    ),
    pytest.param({CAA: '0 issue "other.example"'}, {}, {"dns-caa-authority"}, id="caa-other"),
    pytest.param({CAA: '0 issue ";"'}, {}, {"dns-caa-authority"}, id="caa-nobody"),
]


@pytest.mark.parametrize(("changes", "more", "rules"), CASES)
def test_one_change_is_found_and_nothing_else(
    changes: Changes, more: dict[str, t.Any], rules: set[str]
) -> None:
    verdict = judged(changes, **more)
    assert {one.rule for one in verdict.findings} == rules
    for one in verdict.findings:
        assert one.subject
        assert one.message.endswith(".") or one.message.endswith("'") or ":" in one.message
        assert one.parameter in ("A", "AAAA", "CAA", "CNAME", "MX", "PTR", "SRV", "TLSA", "TXT")


def test_every_rule_is_found_once() -> None:
    assert {rule for case in CASES for rule in case.values[2]} == {one.id for one in RULES}


def test_severities_follow_what_was_found() -> None:
    def severity(rule: str, changes: Changes, **more: t.Any) -> str:
        return next(one.severity for one in judged(changes, **more).findings if one.rule == rule)

    soft = {APEX: "v=spf1 mx ~all"}
    assert severity("dns-spf-softfail", soft) == "info"
    assert severity("dns-spf-softfail", {**soft, DMARC: "v=DMARC1; p=none"}) == "low"
    assert severity("dns-dmarc-no-reports", {DMARC: "v=DMARC1; p=none"}) == "medium"
    testing = POLICY.replace("enforce", "testing").replace("mx1", "mx2")
    assert severity("dns-sts-mx", {}, sts_policy=testing) == "medium"


def test_a_domain_that_gets_no_mail_needs_little() -> None:
    parked = {
        MX: "0 .",
        APEX: "v=spf1 -all",
        DMARC: "v=DMARC1; p=reject; rua=mailto:d@reports.example",
        STS: None,
        RPT: None,
    }
    verdict = judged(parked, selectors=(), served={}, sts_policy=None)
    assert [one.rule for one in verdict.findings] == []
    assert verdict.incomplete == ()


def test_what_is_not_known_is_incomplete_and_never_good() -> None:
    silent = Answer("failed", reason="no answer in time")
    everything = judge_domain(DnsView("example.com.", lambda _name, _type: silent))
    assert everything.findings == ()
    unjudged = {rule for one in everything.incomplete for rule in one.rules}
    # These look at what only another source has, which was not asked.
    elsewhere = {
        "dns-bogus",
        "dns-caa-authority",
        "dns-sts-mode",
        "dns-sts-max-age",
        "dns-sts-mx",
        "dns-sts-certificate",
    }
    keys = {one.id for one in RULES if one.id.startswith("dns-dkim-")} - {"dns-dkim-missing"}
    assert unjudged == {one.id for one in RULES} - elsewhere - keys - {"dns-spf-ptr"}


@pytest.mark.parametrize(
    ("changes", "more", "reason", "rule"),
    [
        pytest.param(
            {},
            {"served": {}},
            "what it serves on port 25 was not asked",
            "dns-tlsa-mismatch",
            id="served",
        ),
        pytest.param(
            {},
            {"sts_policy": None},
            "the MTA-STS policy was not asked for",
            "dns-sts-policy",
            id="policy",
        ),
        pytest.param(
            {}, {"selectors": ()}, "no DKIM selector was given", "dns-dkim-missing", id="selectors"
        ),
        pytest.param(
            {},
            {"secure": None},
            "not known whether DNSSEC vouches",
            "dns-tlsa-unsigned",
            id="dnssec",
        ),
        pytest.param(
            {
                APEX: "v=spf1 include:x.example.net mx -all",
                ("x.example.net", "TXT"): Answer("failed", reason="timeout"),
            },
            {},
            "x.example.net. TXT: timeout",
            "dns-spf-lookups",
            id="include",
        ),
        pytest.param(
            {
                APEX: "v=spf1 redirect=x.example.net",
                ("x.example.net", "TXT"): Answer("failed", reason="timeout"),
            },
            {},
            "x.example.net. TXT: timeout",
            "dns-spf-pass-all",
            id="redirect",
        ),
        pytest.param(
            {APEX: "v=spf1 a:x.example.net/0 -all", ("x.example.net", "A"): Answer("failed")},
            {},
            "x.example.net. A",
            "dns-spf-pass-all",
            id="wide-network-around-what",
        ),
        pytest.param(
            {APEX: "v=spf1 a:x.example.net -all", ("x.example.net", "A"): Answer("failed")},
            {},
            "x.example.net. A",
            "dns-spf-voids",
            id="address",
        ),
        pytest.param(
            {TLSA: ["3 1 2 " + "ab" * 64]},
            {},
            "a TLSA record is no SHA-256",
            "dns-tlsa-mismatch",
            id="sha512",
        ),
    ],
)
def test_a_part_that_is_not_known_is_said(
    changes: Changes, more: dict[str, t.Any], reason: str, rule: str
) -> None:
    found = [one for one in judged(changes, **more).incomplete if reason in one.reason]
    assert [one for one in found if rule in one.rules]


AUTHORIZED: t.Final = ("example.com._report._dmarc.reports.example", "TXT")


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        pytest.param({}, set(), id="allowed"),
        pytest.param({AUTHORIZED: None}, {"dns-dmarc-report-authorization"}, id="not-allowed"),
        pytest.param(
            {AUTHORIZED: None, ("*._report._dmarc.reports.example", "TXT"): "v=DMARC1"},
            set(),
            id="allowed-to-everybody",
        ),
    ],
)
def test_reports_to_another_domain_need_its_word(changes: Changes, found: set[str]) -> None:
    assert {one.rule for one in judged(changes).findings} == found


@pytest.mark.parametrize(
    ("records", "rules"),
    [
        pytest.param({"example.com": "v=DMARC1; p=reject"}, set(), id="siblings"),
        pytest.param(
            {"example.com": "v=DMARC1; p=reject; psd=y"},
            {"dns-dmarc-report-authorization"},
            id="siblings-below-a-public-suffix",
        ),
        pytest.param({}, {"dns-dmarc-report-authorization"}, id="nothing-above"),
    ],
)
def test_siblings_of_one_organization_need_no_word(
    records: dict[str, str], rules: set[str]
) -> None:
    texts = {"a.example.com": "v=DMARC1; p=reject; rua=mailto:d@b.example.com", **records}
    sets = [make_rrset(f"_dmarc.{name}", "TXT", [quote_txt(text)]) for name, text in texts.items()]
    sets.append(make_rrset("b.example.com", "MX", ["10 b.example.com."]))
    verdict = judge_domain(DnsView("a.example.com.", table_of(sets, zones=["com"])))
    assert {one.rule for one in verdict.findings if "report" in one.rule} == rules


def test_an_address_that_is_not_known_leaves_no_more_open_than_it_must() -> None:
    changes = {APEX: "v=spf1 a:x.example.net -all", ("x.example.net", "A"): Answer("failed")}
    (open_,) = judged(changes).incomplete
    assert open_.rules == ("dns-spf-voids",)


def test_whom_a_record_lets_send_is_said() -> None:
    def said(text: str) -> str:
        found = judged({APEX: text, ("o.example.net", "TXT"): "v=spf1 +all"}).findings
        return next(one.message for one in found if one.rule == "dns-spf-pass-all")

    assert "lets the whole world send in its name (+all)." in said("v=spf1 +all")
    assert "the whole world send in its name (include:o.example.net)." in said(
        "v=spf1 mx include:o.example.net -all"
    )
    assert "every second IPv4 address or more send in its name (mx/0)." in said("v=spf1 mx/0 -all")


def test_a_domain_with_an_ipv6_address_alone_gets_mail() -> None:
    view = DnsView(
        "example.com.",
        lookup_of({MX: None, ("example.com", "AAAA"): "2001:db8::25"}),
    )
    assert [one.host for one in view.exchangers] == ["example.com."]
    assert not DnsView("example.com.", lookup_of({MX: None})).receives


def test_a_message_is_a_sentence_and_names_stay_as_they_are() -> None:
    said = {one.rule: one.message for one in judged({RPT: None, DMARC: "v=DMARC1"}).findings}
    assert said["dns-tls-rpt-missing"].startswith("example.com asks nobody")
    assert said["dns-dmarc-policy-none"].startswith("The DMARC policy for example.com is none")


def test_texts_of_strangers_are_shown_on_one_line() -> None:
    verdict = judged({KEY: "v=DKIM1; p=\x1b[31m" + "A" * 900})
    shown = next(one for one in verdict.findings if one.rule == "dns-dkim-syntax")
    assert "\x1b" not in shown.observed + shown.message
    assert len(shown.observed) < 210
    assert ED25519_RAW not in shown.observed


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({MX: ["10 _a.example.com.", "x", "10 *.example."]}, id="mx"),
        pytest.param({("mx1.example.com", "A"): ["0.0.0.0", "x"]}, id="address"),
        pytest.param({("_imaps._tcp.example.com", "SRV"): "x"}, id="srv"),
        pytest.param(
            {DMARC: "v=DMARC1; p=reject; rua=mailto:a@b..c,mailto:a@-,https://x"}, id="rua"
        ),
        pytest.param({APEX: "v=spf1 include:a..b redirect=-.x exists:%{z} -all"}, id="spf"),
        pytest.param({TLSA: ["x", "3 1 1 zz", "9 9 9 aa"]}, id="tlsa"),
        pytest.param({CAA: ["x", '0 issue "a b"', '999 issue "a"']}, id="caa"),
        pytest.param({("25.2.0.192.in-addr.arpa", "PTR"): "-.x_."}, id="ptr"),
    ],
)
def test_nothing_that_strangers_publish_stops_the_judgement(changes: Changes) -> None:
    verdict = judged(changes)
    assert verdict.findings or verdict.incomplete
    assert verdict.rules_run == len(RULES)
