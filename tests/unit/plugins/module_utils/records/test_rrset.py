# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names, TXT strings and zone lines; the referee is dnspython."""

from __future__ import annotations

import typing as t

import dns.name
import dns.rdata
import dns.rdtypes.ANY.TXT
import dns.zone
import pytest
from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import (
    MAX_TTL,
    RecordError,
    RRset,
    host_of,
    is_within,
    make_rrset,
    name_of,
    quote_txt,
    rrset_of,
    shown,
    txt_strings,
    unquote_txt,
    zone_lines,
)
from hypothesis import given
from hypothesis import strategies as st


def read(data: str) -> dns.rdtypes.ANY.TXT.TXT:
    """Return what dnspython makes of a TXT record."""
    found = dns.rdata.from_text("IN", "TXT", data)
    assert isinstance(found, dns.rdtypes.ANY.TXT.TXT)
    return found


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("Example.COM", "example.com.", id="case"),
        pytest.param("example.com.", "example.com.", id="dot"),
        pytest.param(" example.com ", "example.com.", id="blanks"),
        pytest.param("_25._tcp.mx.example", "_25._tcp.mx.example.", id="underscore"),
        pytest.param("*.example", "*.example.", id="wildcard"),
        pytest.param("münchen.example", "xn--mnchen-3ya.example.", id="international"),
        pytest.param("MÜNCHEN。example", "xn--mnchen-3ya.example.", id="other-dot"),
        pytest.param("xn--mnchen-3ya.example", "xn--mnchen-3ya.example.", id="a-label"),
        pytest.param("a" * 63 + ".example", "a" * 63 + ".example.", id="longest-label"),
        pytest.param(".", ".", id="root"),
        pytest.param("s_1._domainkey.example", "s_1._domainkey.example.", id="selector"),
    ],
)
def test_name_of_gives_one_form(name: str, expected: str) -> None:
    assert name_of(name) == expected
    assert name_of(expected) == expected


def test_name_of_puts_a_domain_below() -> None:
    assert name_of("_25._tcp.", below="MX.example.") == "_25._tcp.mx.example."


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param("", "is empty", id="empty"),
        pytest.param("a..example", "'a..example' has an empty label", id="empty-label"),
        pytest.param(".example", "has an empty label", id="leading-dot"),
        pytest.param("a" * 64 + ".example", "has a label of 64 characters", id="long-label"),
        pytest.param("ü" * 60 + ".example", "is no international name", id="long-a-label"),
        pytest.param(".".join(["a" * 49] * 6), "is a name of 299 characters", id="long-name"),
        pytest.param("-a.example", "has the label '-a'", id="hyphen-first"),
        pytest.param("a-.example", "has the label 'a-'", id="hyphen-last"),
        pytest.param("a b.example", "has the label 'a b'", id="blank"),
        pytest.param("a\nb.example", r"has the label 'a\\nb'", id="newline"),
        pytest.param('a".example', "has the label", id="quote"),
        pytest.param("a.*.example", r"has a \* that is not the first label", id="star-inside"),
        pytest.param("straße.example", "two versions of IDNA", id="sharp-s"),
        pytest.param(25, "expected a string", id="number"),
    ],
)
def test_name_of_refuses_what_is_no_name(name: t.Any, message: str) -> None:
    with pytest.raises(RecordError, match=message):
        name_of(name)


def test_the_longest_name_is_one_for_dnspython_too() -> None:
    longest = ".".join(["a" * 63] * 3 + ["b" * 61])
    assert len(longest) == 253
    assert dns.name.from_text(name_of(longest)).to_text() == f"{longest}."
    with pytest.raises(RecordError, match="254 characters"):
        name_of(longest + "c")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param("_dmarc.example", "no name of a host", id="underscore"),
        pytest.param("*.example", "no name of a host", id="wildcard"),
        pytest.param(".", "no name of a host", id="root"),
        pytest.param("192.0.2.1", "is an address", id="address"),
    ],
)
def test_host_of_refuses_other_names(name: str, message: str) -> None:
    assert host_of("mx1.Example") == "mx1.example."
    with pytest.raises(RecordError, match=message):
        host_of(name)


def test_is_within_counts_whole_labels() -> None:
    assert is_within("a.example.", "example.")
    assert is_within("example.", "example.")
    assert is_within("example.", ".")
    assert not is_within("notexample.", "example.")
    assert shown("a.example.") == "a.example"
    assert shown(".") == "."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("v=spf1 -all", '"v=spf1 -all"', id="plain"),
        pytest.param("", '""', id="empty"),
        pytest.param('a"b\\c', '"a\\"b\\\\c"', id="escapes"),
        pytest.param("ä;", '"\\195\\164;"', id="octets"),
        pytest.param("a" * 255, f'"{"a" * 255}"', id="one-string"),
        pytest.param("a" * 256, f'"{"a" * 255}" "a"', id="two-strings"),
        pytest.param("\t", '"\\009"', id="tab"),
    ],
)
def test_quote_txt_splits_and_escapes(text: str, expected: str) -> None:
    assert quote_txt(text) == expected
    assert unquote_txt(expected) == text
    assert read(expected).to_text() == expected


@given(st.text(max_size=900))
def test_what_is_quoted_is_read_by_dnspython_and_by_us(text: str) -> None:
    octets = text.encode("utf-8", "surrogatepass")
    text = octets.decode("utf-8", "surrogateescape")
    quoted = quote_txt(text)
    assert b"".join(read(quoted).strings) == octets
    assert unquote_txt(quoted) == text
    assert all(len(part) == 255 for part in txt_strings(quoted)[:-1])


@given(st.lists(st.binary(max_size=255), min_size=1, max_size=4))
def test_what_dnspython_writes_is_read(strings: list[bytes]) -> None:
    written = dns.rdtypes.ANY.TXT.TXT("IN", "TXT", strings).to_text()
    assert txt_strings(written) == tuple(strings)


@pytest.mark.parametrize(
    ("data", "strings"),
    [
        pytest.param("v=spf1", (b"v=spf1",), id="bare"),
        pytest.param('  "a"   b "c" ', (b"a", b"b", b"c"), id="mixed"),
        pytest.param(r"a\;b\ c\065", (b"a;b cA",), id="bare-escapes"),
        pytest.param('"a""b"', (b"a", b"b"), id="without-a-blank"),
    ],
)
def test_txt_strings_reads_every_form(data: str, strings: tuple[bytes, ...]) -> None:
    assert txt_strings(data) == strings
    assert read(data).strings == strings


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param("", "is empty", id="empty"),
        pytest.param('"a', "cannot be read from character 1", id="no-end"),
        pytest.param('"a" ; b', "cannot be read from character 4", id="comment"),
        pytest.param(r"\256", r"expected \\000 to \\255", id="escape"),
        pytest.param("a" * 256, "has 256 octets", id="long"),
    ],
)
def test_txt_strings_refuses_what_is_no_txt(data: str, message: str) -> None:
    with pytest.raises(RecordError, match=message):
        txt_strings(data)


def test_make_rrset_sorts_and_removes_doubles() -> None:
    made = make_rrset("Example.com", "mx", ["20 b.", "10 a.", "20 b."], ttl=300)
    assert made == RRset("example.com.", "MX", 300, ("10 a.", "20 b."))
    assert rrset_of(made.as_dict()) == made
    assert rrset_of(made) is made
    assert made.key == ("example.com.", "MX")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        pytest.param({"type": "A", "data": []}, "has the keys data, type", id="no-name"),
        pytest.param({"name": "a", "type": "A", "data": ["1"], "x": 1}, "has the keys", id="more"),
        pytest.param({"name": "a", "type": "A", "data": []}, "there is no data", id="empty"),
        pytest.param({"name": "a", "type": "A", "data": "1"}, "a list of strings", id="text"),
        pytest.param({"name": "a", "type": "A", "data": ["x\ny"]}, "one printable line", id="line"),
        pytest.param({"name": "a", "type": "A", "data": ["ä"]}, "one printable line", id="octets"),
        pytest.param({"name": "a", "type": "A 1", "data": ["1"]}, "the type is", id="type"),
        pytest.param(
            {"name": "a", "type": "A", "ttl": MAX_TTL + 1, "data": ["1"]}, "the TTL is", id="ttl"
        ),
        pytest.param({"name": "a", "type": "A", "ttl": True, "data": ["1"]}, "TTL", id="ttl-bool"),
        pytest.param(7, "expected a dictionary", id="number"),
    ],
)
def test_rrset_of_refuses_what_is_no_set(value: t.Any, message: str) -> None:
    with pytest.raises(RecordError, match=message):
        rrset_of(value)


@pytest.mark.parametrize(
    ("type_", "data", "message"),
    [
        pytest.param("TXT", "v=spf1 mx -all", "every string in double quotes", id="blanks"),
        pytest.param("TXT", "v=DMARC1;p=none", "every string in double quotes", id="semicolon"),
        pytest.param("TXT", '"v=spf1 mx" -all', "every string in double quotes", id="half"),
        pytest.param("TXT", '"v=spf1 mx -all', "every string in double quotes", id="no-end"),
        pytest.param("txt", "v=spf1", "every string in double quotes", id="one-word"),
        pytest.param("CAA", "0 issue ca.example; x=y", "no semicolon", id="caa"),
        pytest.param("MX", "10 mx.example. ; the first", "no semicolon", id="comment"),
        pytest.param(
            "MX", "( 10 mx.example. )", "no semicolon and no parenthesis", id="parenthesis"
        ),
        pytest.param("CAA", r"0 issue a\\;b", "no semicolon", id="escaped-backslash"),
    ],
)
def test_make_rrset_refuses_what_a_zone_file_reads_as_less(
    type_: str, data: str, message: str
) -> None:
    with pytest.raises(RecordError, match=message):
        make_rrset("a.example", type_, [data])


@pytest.mark.parametrize(
    ("type_", "data"),
    [
        pytest.param("TXT", r'"a;b (c) \" \\" "d"', id="quoted"),
        pytest.param("TXT", '"a""b"', id="no-blank"),
        pytest.param("CAA", '0 issue "ca.example; x=y"', id="caa"),
        pytest.param("CAA", r"0 issue a\;b", id="escaped"),
    ],
)
def test_make_rrset_takes_what_is_quoted_or_escaped(type_: str, data: str) -> None:
    assert make_rrset("a.example", type_, [data]).data == (data,)


def test_zone_lines_are_a_zone_for_dnspython() -> None:
    sets = [
        make_rrset("example.com", "TXT", [quote_txt("v=spf1 mx -all"), quote_txt('a;"b')]),
        make_rrset("_dmarc.example.com", "TXT", [quote_txt("v=DMARC1; p=reject")]),
        make_rrset("*.example.com", "MX", ["0 ."]),
        make_rrset("example.com", "MX", ["10 mx.example."], ttl=60),
    ]
    text = zone_lines(sets, origin="Example.com")
    assert text.splitlines()[0] == "example.com. 60 IN MX 10 mx.example."
    zone = dns.zone.from_text(text, origin="example.com.", relativize=False, check_origin=False)
    found = {
        make_rrset(
            name.to_text(),
            rdataset.rdtype.name,
            [one.to_text() for one in rdataset],
            ttl=rdataset.ttl,
        )
        for name, rdataset in zone.iterate_rdatasets()
    }
    assert found == set(sets)


def test_zone_lines_refuses_a_name_outside() -> None:
    with pytest.raises(RecordError, match=r"mx\.example\. is not in the zone example\.com\."):
        zone_lines([make_rrset("mx.example", "A", ["192.0.2.1"])], origin="example.com")
