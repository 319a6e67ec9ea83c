# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""DKIM and DMARC records. Examples are those of the RFCs where they are named."""

from __future__ import annotations

import base64
import contextlib
import subprocess
import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.records import ed25519
from ansible_collections.hardened.mail.plugins.module_utils.records.dkim import (
    DkimRecord,
    build_dkim,
    dkim_name,
    dkim_of_key,
    parse_dkim,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.dmarc import (
    DmarcRecord,
    authorization_name,
    build_dmarc,
    external_targets,
    parse_dmarc,
    walk,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.lookup import (
    Answer,
    table_of,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import (
    RecordError,
    make_rrset,
    quote_txt,
    unquote_txt,
)
from ansible_collections.hardened.mail.tests.unit.plugins.module_utils.records.record_texts import (
    ED25519,
    ED25519_RAW,
    RSA_2048,
    RSA_2048_PKCS1,
)
from hypothesis import given
from hypothesis import strategies as st

#: RFC 8463 appendix A.2.
BRISBANE: t.Final = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
#: RFC 6376 appendix C.
APPENDIX_C: t.Final = (
    "v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYt"
    "IxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhi"
    "tdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB"
)


@pytest.mark.parametrize(
    ("text", "algorithm", "bits"),
    [
        pytest.param(BRISBANE, "ed25519", 256, id="rfc8463"),
        pytest.param(APPENDIX_C, "rsa", 1024, id="rfc6376"),
    ],
)
def test_keys_of_the_rfcs_are_read(text: str, algorithm: str, bits: int) -> None:
    record = parse_dkim(text)
    key = record.public_key
    assert (key.algorithm, key.bits) == (algorithm, bits)
    assert parse_dkim(build_dkim(record)) == record


def test_every_form_of_a_key_gives_one_record() -> None:
    spki = "".join(RSA_2048.split("\n")[1:-2])
    forms = [RSA_2048, RSA_2048.replace("\n", "\r\n"), RSA_2048_PKCS1, spki]
    assert {build_dkim(dkim_of_key(one)) for one in forms} == {
        f"v=DKIM1; k=rsa; h=sha256; t=s; p={spki}"
    }
    assert dkim_of_key(ED25519) == dkim_of_key(ED25519_RAW)
    quoted = quote_txt(build_dkim(dkim_of_key(RSA_2048)))
    assert quoted.count('" "') == 1
    assert unquote_txt(quoted).endswith(spki)


@pytest.mark.parametrize(
    ("text", "record"),
    [
        pytest.param("v=DKIM1; p=", DkimRecord(), id="revoked"),
        pytest.param("p=", DkimRecord(), id="no-version"),
        pytest.param(
            "v=DKIM1; t = y : s ; h=sha256:sha1; s=*; n=note; p= YW Jj ;",
            DkimRecord("rsa", b"abc", ("sha256", "sha1"), (), ("y", "s"), "note"),
            id="blanks",
        ),
        pytest.param(
            "v=DKIM1; x=unknown; k=ed25519; s=email:tlsrpt; p=YWJj",
            DkimRecord("ed25519", b"abc", (), ("email", "tlsrpt")),
            id="unknown-tag",
        ),
    ],
)
def test_parse_dkim_reads_what_verifiers_read(text: str, record: DkimRecord) -> None:
    assert parse_dkim(text) == record


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "an empty tag", id="empty"),
        pytest.param("v=DKIM1", "there is no p=", id="no-key"),
        pytest.param("p=; v=DKIM1", "first", id="version-last"),
        pytest.param("v=DKIM2; p=", "expected v=DKIM1", id="version"),
        pytest.param("v=DKIM1; p=a", "no base64 text", id="base64"),
        pytest.param("v=DKIM1; p=YQ==; p=YQ==", "p is there twice", id="twice"),
        pytest.param("v=DKIM1; hello; p=", "found 'hello'", id="no-tag"),
        pytest.param("v=DKIM1;; p=", "an empty tag", id="two-semicolons"),
    ],
)
def test_parse_dkim_refuses(text: str, message: str) -> None:
    with pytest.raises(RecordError, match=message):
        parse_dkim(text)


@pytest.mark.parametrize(
    ("octets", "is_point"),
    [
        # RFC 8032 section 7.1: the private key and the public key of tests 1 to 3.
        pytest.param(
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            False,
            id="private-1",
        ),
        pytest.param(
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", True, id="public-1"
        ),
        pytest.param(
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            False,
            id="private-2",
        ),
        pytest.param(
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", True, id="public-2"
        ),
        pytest.param(
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            True,
            id="private-3",
        ),
        pytest.param(
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", True, id="public-3"
        ),
        # y = 1 is the neutral element, with one sign only; y = 2^255 - 19 is no number of the field.
        pytest.param("01" + "00" * 31, True, id="neutral"),
        pytest.param("01" + "00" * 30 + "80", False, id="minus-zero"),
        pytest.param("ed" + "ff" * 30 + "7f", False, id="too-large"),
    ],
)
def test_points_of_the_curve_are_told_from_other_octets(octets: str, is_point: bool) -> None:
    assert ed25519.is_point(bytes.fromhex(octets)) == is_point


def made_by_openssl() -> tuple[str, str]:
    """Return the octets of a private key and of its public key in base64."""
    key = openssl("genpkey", "-algorithm", "ED25519")
    # PrivateKeyInfo and SubjectPublicKeyInfo (RFC 8410) end in them.
    seed = openssl("pkey", "-outform", "DER", given=key)[-32:]
    public = openssl("pkey", "-pubout", "-outform", "DER", given=key)[-32:]
    return base64.b64encode(seed).decode(), base64.b64encode(public).decode()


def openssl(*words: str, given: bytes = b"") -> bytes:
    return subprocess.run(["openssl", *words], input=given, capture_output=True, check=True).stdout


def refusal(key: str) -> str:
    try:
        dkim_of_key(key)
    except RecordError as error:
        return str(error)
    return ""


def test_public_keys_of_openssl_are_taken_and_most_private_ones_refused() -> None:
    pairs = [made_by_openssl() for _turn in range(40)]
    for _seed, public in pairs:
        assert build_dkim(dkim_of_key(public)).endswith(f"p={public}")
    refusals = {seed: refusal(seed) for seed, _public in pairs if refusal(seed)}
    # One in sixteen is taken: the chance that this fails by itself is one in 10^9.
    assert len(refusals) >= 25
    for seed, said in refusals.items():
        assert "If they are the private key, it must stay on its host" in said
        assert seed not in said


def test_a_point_that_is_no_multiple_of_the_base_point_is_no_public_key() -> None:
    # y = -1 is the point of order 2.
    octets = bytes.fromhex("ec" + "ff" * 30 + "7f")
    assert ed25519.is_point(octets)
    assert not ed25519.is_public_key(octets)
    # The private key of test 3 in RFC 8032 section 7.1 is one of those that look like a public one.
    assert ed25519.is_public_key(
        bytes.fromhex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7")
    )


def test_octets_that_are_no_key_are_refused_in_pem_and_in_a_record() -> None:
    octets = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    spki = base64.b64decode("".join(ED25519.split("\n")[1:-2]))[:-32] + octets
    pem = (
        f"-----BEGIN PUBLIC KEY-----\n{base64.b64encode(spki).decode()}\n-----END PUBLIC KEY-----\n"
    )
    with pytest.raises(RecordError, match="no public key of Ed25519"):
        build_dkim(dkim_of_key(pem, what="here"))
    with pytest.raises(RecordError, match="no public key of Ed25519"):
        _key = DkimRecord("ed25519", octets).public_key


def test_a_key_of_the_wrong_kind_is_not_built() -> None:
    spki = base64.b64decode("".join(ED25519.split("\n")[1:-2]))
    with pytest.raises(RecordError, match="44 octets of a SubjectPublicKeyInfo"):
        build_dkim(DkimRecord("ed25519", spki))
    with pytest.raises(RecordError, match="found a key of type ed25519"):
        build_dkim(DkimRecord("rsa", spki))
    with pytest.raises(RecordError, match="k is 'dsa'"):
        build_dkim(DkimRecord("dsa", spki))
    with pytest.raises(RecordError, match="expected no semicolon"):
        build_dkim(DkimRecord(notes="a; p=b"))
    with pytest.raises(RecordError, match="k is 'dsa': expected one of rsa, ed25519"):
        _key = DkimRecord("dsa", spki).public_key
    assert dkim_name("S1.mail", "Example.com") == "s1.mail._domainkey.example.com."


@given(st.text(max_size=80))
def test_no_text_does_more_to_tags_than_be_refused(text: str) -> None:
    for read in (parse_dkim, parse_dmarc):
        for head in ("", "v=DKIM1; p=; ", "v=DMARC1; "):
            with contextlib.suppress(RecordError):
                read(head + text)


# ---- DMARC --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "record"),
    [
        pytest.param("v=DMARC1", DmarcRecord(), id="version-alone"),
        pytest.param(
            "v=DMARC1; p=none; rua=mailto:dmarc-feedback@example.com",
            DmarcRecord(rua=("mailto:dmarc-feedback@example.com",)),
            id="monitoring",
        ),
        pytest.param(
            "v=DMARC1;p=quarantine;sp=none;np=reject;adkim=s;aspf=r;fo=1:d;psd=n;t=y",
            DmarcRecord("quarantine", "none", "reject", "s", "r", ("1", "d"), psd="n", t="y"),
            id="every-tag",
        ),
        pytest.param(
            "v=DMARC1; rua=mailto:a@a.example, mailto:b@b.example; P=reject; p=Reject; pct=20; ri=1; x=y;",
            DmarcRecord(
                "reject",
                rua=("mailto:a@a.example", "mailto:b@b.example"),
                gone=(("pct", "20"), ("ri", "1")),
                unknown=(("P", "reject"), ("x", "y")),
            ),
            id="an-unknown-tag-in-upper-case",
        ),
        pytest.param(
            "v=DMARC1; p=Reject; pct=20; rf=afrf; ri=86400",
            DmarcRecord("reject", gone=(("pct", "20"), ("rf", "afrf"), ("ri", "86400"))),
            id="gone",
        ),
    ],
)
def test_parse_dmarc_reads_what_receivers_read(text: str, record: DmarcRecord) -> None:
    assert parse_dmarc(text) == record


@pytest.mark.parametrize(
    "record",
    [
        DmarcRecord("reject"),
        DmarcRecord("quarantine", "none", "reject", "s", "r", ("1", "d"), ("mailto:a@b.example",)),
        DmarcRecord("none", psd="y", t="y", ruf=("mailto:a@b.example", "mailto:c@d.example")),
    ],
    ids=["short", "long", "psd"],
)
def test_a_built_dmarc_record_is_read_alike(record: DmarcRecord) -> None:
    text = build_dmarc(record)
    assert text.startswith(f"v=DMARC1; p={record.p}")
    assert parse_dmarc(text) == record


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("v=DMARC1 p=none", "begins 'v=DMARC1 p=none'", id="no-semicolon"),
        pytest.param("v=DMARC1; p=", "p is ''", id="empty-p"),
        pytest.param("v=DMARC1; p=none; adkim=strict", "adkim is 'strict'", id="adkim"),
        pytest.param("v=DMARC1; t=yes", "t is 'yes'", id="t"),
        pytest.param("p=none; v=DMARC1", "expected v=DMARC1;", id="order"),
    ],
)
def test_parse_dmarc_refuses(text: str, message: str) -> None:
    with pytest.raises(RecordError, match=message):
        parse_dmarc(text)


@pytest.mark.parametrize(
    ("record", "message"),
    [
        pytest.param(DmarcRecord("off"), "p is 'off'", id="p"),
        pytest.param(DmarcRecord(""), "p is ''", id="no-p"),
        pytest.param(DmarcRecord(gone=(("pct", "5"),)), "pct is no tag any more", id="gone"),
        pytest.param(DmarcRecord(fo=("2",)), "fo has '2'", id="fo"),
        pytest.param(DmarcRecord(unknown=(("x", "y"),)), "nobody knows x=y", id="unknown"),
        pytest.param(DmarcRecord(rua=("a@192.0.2.1",)), "is an address", id="address"),
        pytest.param(DmarcRecord(rua=("d\u00fc@a.example",)), "ASCII before the @", id="mailbox"),
        pytest.param(
            DmarcRecord(rua=("mailto:d@a.example?x=\u00fc",)), "behind the domain", id="query"
        ),
        pytest.param(DmarcRecord(rua=("https://a.example",)), "expected mailto:", id="https"),
        pytest.param(DmarcRecord(rua=("mailto:a@b!10m",)), "exclamation mark as", id="size"),
        pytest.param(DmarcRecord(rua=("mailto:a;b@c",)), "semicolon", id="semicolon"),
    ],
)
def test_build_dmarc_refuses(record: DmarcRecord, message: str) -> None:
    with pytest.raises(RecordError, match=message):
        build_dmarc(record)


def world(**records: str) -> t.Callable[[str, str], Answer]:
    made = [
        make_rrset(f"_dmarc.{name.replace('_', '.')}", "TXT", [quote_txt(text)])
        for name, text in records.items()
    ]
    return table_of(made, zones=["com", "org", "example"])


@pytest.mark.parametrize(
    ("domain", "records", "at", "organizational"),
    [
        pytest.param(
            "example.com", {"example_com": "v=DMARC1"}, "example.com.", "example.com.", id="own"
        ),
        pytest.param(
            "a.b.example.com",
            {"example_com": "v=DMARC1; sp=reject"},
            "example.com.",
            "example.com.",
            id="above",
        ),
        pytest.param(
            "a.b.example.com",
            {"example_com": "v=DMARC1", "b_example_com": "v=DMARC1; p=reject"},
            "example.com.",
            "example.com.",
            id="the-one-in-between-does-not-count",
        ),
        pytest.param(
            "a.b.example.com",
            {"example_com": "v=DMARC1", "b_example_com": "v=DMARC1; psd=n"},
            "b.example.com.",
            "b.example.com.",
            id="psd-n-ends-the-walk",
        ),
        pytest.param(
            "giant.bank.example",
            {"bank_example": "v=DMARC1; psd=y"},
            "bank.example.",
            "giant.bank.example.",
            id="below-a-public-suffix",
        ),
        pytest.param("example.org", {}, "", "example.org.", id="none"),
        pytest.param(
            "example.com", {"example_com": "v=DMARC1; p=bad"}, "", "example.com.", id="broken"
        ),
    ],
)
def test_the_tree_walk_finds_the_record(
    domain: str, records: dict[str, str], at: str, organizational: str
) -> None:
    found = walk(domain, world(**records))
    assert (found.at, found.organizational) == (at, organizational)
    assert (found.record is not None) == bool(at)
    assert found.unknown == ()


def test_the_tree_walk_asks_eight_questions_at_most() -> None:
    asked = []

    def lookup(name: str, type_: str, /) -> Answer:
        asked.append((name, type_))
        return Answer("no_name")

    walk("a.b.c.d.e.f.g.h.i.j.mail.example.com", lookup)
    # RFC 9989 section 4.10: the name itself, then the last seven labels, and so on.
    assert [name for name, _type in asked] == [
        "_dmarc.a.b.c.d.e.f.g.h.i.j.mail.example.com.",
        "_dmarc.g.h.i.j.mail.example.com.",
        "_dmarc.h.i.j.mail.example.com.",
        "_dmarc.i.j.mail.example.com.",
        "_dmarc.j.mail.example.com.",
        "_dmarc.mail.example.com.",
        "_dmarc.example.com.",
        "_dmarc.com.",
    ]


def test_a_question_without_an_answer_is_remembered() -> None:
    found = walk("example.com", lambda _name, _type: Answer("failed", reason="timeout"))
    assert found.unknown == ("_dmarc.example.com. TXT: timeout", "_dmarc.com. TXT: timeout")


def test_international_domains_of_reports_become_a_labels() -> None:
    record = DmarcRecord(rua=("dmarc@b\u00fccher.example", "mailto:D@B\u00dcCHER.example?x=1"))
    text = "v=DMARC1; p=none; rua=mailto:dmarc@xn--bcher-kva.example,mailto:D@xn--bcher-kva.example?x=1"
    assert build_dmarc(record) == text
    assert external_targets("xn--bcher-kva.example", parse_dmarc(text)) == ()


def test_targets_of_reports_outside_need_a_record() -> None:
    record = DmarcRecord(
        rua=(
            "mailto:a@Example.com",
            "mailto:a@sub.example.com",
            "mailto:a@other.example",
            "mailto:b@other.example!10m",
            "nonsense",
        ),
        ruf=("mailto:a@third.example",),
    )
    assert external_targets("example.com", record) == ("other.example.", "third.example.")
    assert external_targets("sub.example.com", DmarcRecord(rua=("mailto:a@example.com",))) == ()
    assert (
        authorization_name("example.com", "other.example")
        == "example.com._report._dmarc.other.example."
    )
