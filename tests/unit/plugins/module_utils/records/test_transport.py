# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLSA, MTA-STS, TLS-RPT, MX, SRV, CAA and addresses. Examples are those of the RFCs where they are named."""

from __future__ import annotations

import contextlib
import hashlib
import typing as t

import dns.rdata
import pytest
from ansible_collections.hardened.mail.plugins.module_utils.records import (
    address,
    caa,
    mta_sts,
    mx,
    srv,
    tls_rpt,
    tlsa,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.lookup import table_of
from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import (
    RecordError,
    make_rrset,
)
from ansible_collections.hardened.mail.tests.unit.plugins.module_utils.records.record_texts import (
    P256_CERTIFICATE,
    P256_PUBLIC,
    P256_SPKI_SHA256,
    RSA_2048,
)
from hypothesis import given
from hypothesis import strategies as st

ONE: t.Final = "ab" * 32


# ---- TLSA ---------------------------------------------------------------------------------------


def test_a_certificate_its_key_and_its_digest_give_one_record() -> None:
    colons = ":".join(P256_SPKI_SHA256[at : at + 2] for at in range(0, 64, 2)).upper()
    forms = [P256_CERTIFICATE, P256_PUBLIC, P256_SPKI_SHA256, colons, P256_CERTIFICATE + RSA_2048]
    assert {tlsa.tlsa_of(one).text for one in forms} == {f"3 1 1 {P256_SPKI_SHA256}"}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param("3 1 1", "expected usage, selector", id="no-data"),
        pytest.param("3 1 1 abcd", "has 4 digits: expected 64", id="short"),
        pytest.param(f"3 1 2 {ONE}", "has 64 digits: expected 128", id="sha512"),
        pytest.param("3 1 0 abc", "expected hexadecimal", id="odd"),
        pytest.param(f"x 1 1 {ONE}", "expected 0 to 255", id="usage"),
        pytest.param(f"256 1 1 {ONE}", "expected 0 to 255", id="large-usage"),
    ],
)
def test_parse_tlsa_refuses(data: str, message: str) -> None:
    with pytest.raises(RecordError, match=message):
        tlsa.parse_tlsa(data)


@pytest.mark.parametrize(
    ("selector", "matching", "digest"),
    [
        (0, 0, ""),
        (1, 0, ""),
        (0, 1, "sha256"),
        (1, 1, "sha256"),
        (0, 2, "sha512"),
        (1, 2, "sha512"),
    ],
)
def test_matches_follows_selector_and_type(selector: int, matching: int, digest: str) -> None:
    subject = (b"certificate", b"key")[selector]
    data = hashlib.new(digest, subject).hexdigest() if digest else subject.hex()
    record = tlsa.parse_tlsa(f"3 {selector} {matching} {data.upper()}")
    assert tlsa.matches(record, certificate=b"certificate", spki=b"key")
    assert not tlsa.matches(record, certificate=b"other", spki=b"other")
    told = tlsa.matches_digests(
        record,
        sha256=hashlib.sha256(b"certificate").hexdigest(),
        spki_sha256=hashlib.sha256(b"key").hexdigest().upper(),
    )
    assert told is (True if matching == 1 else None)


def test_tlsa_is_at_the_port_of_the_host() -> None:
    assert tlsa.tlsa_name("MX.example") == "_25._tcp.mx.example."
    for host, port, message in (("_a.example", 25, "no name of a host"), ("a", 0, "a port is 0")):
        with pytest.raises(RecordError, match=message):
            tlsa.tlsa_name(host, port=port)


# ---- MTA-STS ------------------------------------------------------------------------------------

#: RFC 8461 section 3.2, the example in it.
POLICY: t.Final = """\
version: STSv1
mode: enforce
mx: mail.example.com
mx: *.example.net
mx: backupmx.example.com
max_age: 604800
"""


@pytest.mark.parametrize("text", [POLICY, POLICY.replace("\n", "\r\n"), POLICY.rstrip("\n")])
def test_the_policy_of_the_rfc_is_read_and_written(text: str) -> None:
    policy = mta_sts.parse_policy(text)
    names = ("mail.example.com", "*.example.net", "backupmx.example.com")
    assert policy == mta_sts.StsPolicy("enforce", names, 604800)
    assert mta_sts.policy_text(policy).split() == POLICY.split()
    assert mta_sts.policy_text(policy).count("\r\n") == 6


@pytest.mark.parametrize(
    ("host", "covered"),
    [
        ("mail.example.com", True),
        ("MAIL.example.com.", True),
        ("a.example.net", True),
        ("a.b.example.net", False),
        ("example.net", False),
        ("mail2.example.com", False),
    ],
)
def test_a_wildcard_covers_one_label(host: str, covered: bool) -> None:
    assert mta_sts.covers(mta_sts.parse_policy(POLICY), host) is covered


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "line 1: found ''", id="empty"),
        pytest.param(POLICY.replace("STSv1", "STSv2"), "version is 'STSv2'", id="version"),
        pytest.param(POLICY.replace("enforce", "on"), "mode of the MTA-STS", id="mode"),
        pytest.param(POLICY.replace("max_age", "age"), "there is no max_age", id="no-age"),
        pytest.param(POLICY.replace("604800", "-1"), "0 to 31557600", id="age"),
        pytest.param("version: STSv1\nmode: enforce\nmax_age: 1\n", "has no mx", id="no-mx"),
        pytest.param(POLICY.replace("*.example.net", "a.*.net"), "not the first label", id="star"),
        pytest.param("<html>", "line 1: found '<html>'", id="page"),
    ],
)
def test_parse_policy_refuses(text: str, message: str) -> None:
    with pytest.raises(RecordError, match=message):
        mta_sts.parse_policy(text)


def test_mode_none_needs_no_mx() -> None:
    assert mta_sts.parse_policy("version: STSv1\nmode: none\nmax_age: 86400\n").mx == ()


def test_the_id_is_one_for_the_record() -> None:
    found = mta_sts.policy_id(mta_sts.parse_policy(POLICY))
    assert mta_sts.parse_sts(mta_sts.build_sts(found)) == found
    # RFC 8461 section 3.1.
    assert mta_sts.parse_sts("v=STSv1; id=20160831085700Z;") == "20160831085700Z"
    for text in ("v=STSv1; id=;", "v=STSv1", "v=STSv1; id=a-b", f"v=STSv1; id={'1' * 33}"):
        with pytest.raises(RecordError, match="id of the MTA-STS record"):
            mta_sts.parse_sts(text)
    with pytest.raises(RecordError, match="expected v=STSv1"):
        mta_sts.parse_sts("id=1; v=STSv1")


# ---- TLS-RPT ------------------------------------------------------------------------------------


def test_the_records_of_rfc_8460_are_read_and_written() -> None:
    for text in (
        "v=TLSRPTv1; rua=mailto:reports@example.com",
        "v=TLSRPTv1; rua=https://reporting.example.com/v1/tlsrpt",
    ):
        assert tls_rpt.build_tls_rpt(tls_rpt.parse_tls_rpt(text)) == text
    both = "v=TLSRPTv1;rua=mailto:a@a.example , https://b.example:8443/x"
    assert len(tls_rpt.parse_tls_rpt(both).rua) == 2


@pytest.mark.parametrize(
    "text",
    [
        "v=TSLRPTv1; rua=mailto:a@a.example",
        "v=TLSRPTv1",
        "v=TLSRPTv1; rua=ftp://a.example",
        "v=TLSRPTv1; rua=http://a.example",
        "v=TLSRPTv1; rua=mailto:a@-.example",
        "rua=mailto:a@a.example",
    ],
)
def test_parse_tls_rpt_refuses(text: str) -> None:
    with pytest.raises(RecordError):
        tls_rpt.parse_tls_rpt(text)


# ---- MX and SRV ---------------------------------------------------------------------------------


def test_exchangers_come_in_the_order_in_which_they_are_tried() -> None:
    found = mx.exchangers_of(["20 b.example.", "10 c.example.", "10 A.example."])
    assert [one.host for one in found] == ["a.example.", "c.example.", "b.example."]
    assert mx.exchangers_of([mx.NULL_MX]) == ()
    assert mx.build_mx([]) == (mx.NULL_MX,)
    for data in ("10", "x a.example.", "10 a. b.", "-1 a.example."):
        with pytest.raises(RecordError):
            mx.parse_mx(data)


def test_srv_says_what_is_not_offered() -> None:
    assert srv.build_srv([]) == ("0 0 0 .",)
    assert srv.parse_srv("0 0 0 .").host == "."
    server = srv.Server("mail.example.", 993, 10, 5)
    assert srv.parse_srv(srv.build_srv([server])[0]) == server
    for data in ("0 1 993", "0 1 70000 a.", "0 1 x a."):
        with pytest.raises(RecordError):
            srv.parse_srv(data)
    with pytest.raises(RecordError, match="'smtp' is no service"):
        srv.service_name("smtp", "example.com")


# ---- CAA ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "tag", "authority"),
    [
        pytest.param('0 issue "ca1.example.net"', "issue", "ca1.example.net", id="rfc8659"),
        pytest.param(
            '0 issue "ca1.example.net; account=230123"', "issue", "ca1.example.net", id="parameter"
        ),
        pytest.param('0 issue ";"', "issue", "", id="nobody"),
        pytest.param('128 issuewild "%%%%%"', "issuewild", "%%%%%", id="garbage-authority"),
        pytest.param(
            '0 iodef "mailto:security@example.com"',
            "iodef",
            "mailto:security@example.com",
            id="iodef",
        ),
        pytest.param("0 ISSUE ca1.example.net", "issue", "ca1.example.net", id="bare"),
    ],
)
def test_parse_caa_reads_the_examples(data: str, tag: str, authority: str) -> None:
    record = caa.parse_caa(data)
    assert (record.tag, record.authority) == (tag, authority)


@pytest.mark.parametrize(
    ("record", "message"),
    [
        pytest.param(caa.CaaRecord("contact", "a"), "the tag of a CAA record", id="tag"),
        pytest.param(caa.CaaRecord("issue", "a b"), "has the label", id="authority"),
        pytest.param(caa.CaaRecord("issue", "a; b c"), "a parameter of a CAA", id="parameter"),
        pytest.param(caa.CaaRecord("issue", 'a; b="c"'), "without quotes", id="quote"),
        pytest.param(caa.CaaRecord("iodef", "a@b.example"), "iodef is", id="iodef"),
        pytest.param(caa.CaaRecord("issue", "a", 256), "0 to 255", id="flags"),
        pytest.param(caa.CaaRecord("issue", "a; b=" + "c" * 65536), "octets: expected", id="long"),
    ],
)
def test_build_caa_refuses(record: caa.CaaRecord, message: str) -> None:
    with pytest.raises(RecordError, match=message):
        caa.build_caa(record)


@pytest.mark.parametrize("octets", [200, 256, 300, 5000])
def test_a_caa_value_of_any_length_is_read_as_it_is_written(octets: int) -> None:
    # RFC 8659 section 4.1.1: the value is not limited to 255 octets, as a string of a TXT record is.
    record = caa.CaaRecord("issue", "ca.example; accounturi=https://ca.example/" + "a" * octets)
    data = caa.build_caa(record)
    assert caa.parse_caa(data) == record
    assert dns.rdata.from_text("IN", "CAA", data).to_text() == data
    with pytest.raises(RecordError, match="expected one value"):
        caa.parse_caa('0 issue "a" "b"')


def test_the_caa_set_that_counts_is_the_next_one_above() -> None:
    sets = [
        make_rrset("example.com", "CAA", ['0 issue "one.example"']),
        make_rrset("b.example.com", "CAA", ['0 issue "two.example"', '0 issuewild ";"']),
    ]
    table = table_of(sets, zones=["com"])
    assert caa.find_caa("a.b.example.com", table)[0] == "b.example.com."
    assert caa.find_caa("mx.example.com", table)[0] == "example.com."
    assert caa.find_caa("other.com", table)[1].empty
    records = [caa.parse_caa(one) for one in sets[1].data]
    assert caa.may_issue("Two.example", records)
    assert not caa.may_issue("one.example", records)
    assert caa.may_issue("one.example", [])


# ---- Addresses ----------------------------------------------------------------------------------


def test_addresses_have_one_form_and_a_name_in_the_reverse_zone() -> None:
    sets = address.address_rrsets("h.example", ["2001:DB8:0:0::1", "192.0.2.1", "2001:db8::1"])
    assert [(one.type, one.data) for one in sets] == [
        ("A", ("192.0.2.1",)),
        ("AAAA", ("2001:db8::1",)),
    ]
    assert address.reverse_name("192.0.2.1") == "1.2.0.192.in-addr.arpa."
    assert address.ptr_rrsets("h.example", ["2001:DB8::1", "2001:db8:0::1"])[0].data == (
        "h.example.",
    )
    for text in ("", "192.0.2", "0.0.0.0", "224.0.0.1", "fe80::1%eth0", "192.0.2.1/32"):
        with pytest.raises(RecordError):
            address.address_of(text)
    with pytest.raises(RecordError, match="no address"):
        address.reverse_name("x")


# ---- All of them --------------------------------------------------------------------------------


@given(st.text(max_size=60))
def test_no_text_does_more_than_be_refused(text: str) -> None:
    for read in (
        tlsa.parse_tlsa,
        mta_sts.parse_policy,
        mta_sts.parse_sts,
        tls_rpt.parse_tls_rpt,
        mx.parse_mx,
        srv.parse_srv,
        caa.parse_caa,
    ):
        with contextlib.suppress(RecordError):
            read(text)


@given(
    st.sampled_from(["issue", "issuewild", "issuemail"]),
    st.sampled_from(["", "ca.example.net"]),
    st.lists(st.from_regex(r"[a-z]{1,9}=[!-:<-\[\]-~]{0,20}", fullmatch=True), max_size=3),
)
def test_caa_is_written_as_dnspython_writes_it(tag: str, issuer: str, more: list[str]) -> None:
    value = "; ".join([issuer, *more]) or ";"
    if '"' in value:
        return
    data = caa.build_caa(caa.CaaRecord(tag, value))
    assert dns.rdata.from_text("IN", "CAA", data).to_text() == data
    assert caa.parse_caa(data).tag == tag
