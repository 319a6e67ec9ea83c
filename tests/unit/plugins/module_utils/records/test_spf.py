# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SPF records: the grammar, and what a record costs. Examples are those of RFC 7208 where they have a section."""

from __future__ import annotations

import contextlib
import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.records.lookup import (
    Answer,
    table_of,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import (
    RecordError,
    make_rrset,
    quote_txt,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.spf import (
    SpfRecord,
    SpfTerm,
    build_spf,
    parse_spf,
    spf_of_terms,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.spf_tree import (
    open_to,
    spf_tree,
)
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "record"),
    [
        pytest.param(
            "v=spf1 +mx a:colo.example.com/28 -all",
            SpfRecord(
                (SpfTerm("mx"), SpfTerm("a", "colo.example.com/28"), SpfTerm("all", "", "-"))
            ),
            id="section-3",
        ),
        pytest.param(
            "v=spf1 ip6:2001:db8::cd30 ?all",
            SpfRecord((SpfTerm("ip6", "2001:db8::cd30"), SpfTerm("all", "", "?"))),
            id="section-5.6",
        ),
        pytest.param(
            "v=spf1 exists:%{ir}.%{l1r+-}._spf.%{d} -all",
            SpfRecord((SpfTerm("exists", "%{ir}.%{l1r+-}._spf.%{d}"), SpfTerm("all", "", "-"))),
            id="section-5.7-macros",
        ),
        pytest.param(
            "v=spf1 redirect=_spf.example.com", SpfRecord((), "_spf.example.com"), id="section-6.1"
        ),
        pytest.param(
            "v=spf1 mx -all exp=explain._spf.%{d}",
            SpfRecord(
                (SpfTerm("mx"), SpfTerm("all", "", "-")), "", (("exp", "explain._spf.%{d}"),)
            ),
            id="section-6.2",
        ),
        pytest.param(
            "v=spf1 a/24//64 mx//48 -all",
            SpfRecord((SpfTerm("a", "/24//64"), SpfTerm("mx", "//48"), SpfTerm("all", "", "-"))),
            id="both-prefixes",
        ),
        pytest.param("v=spf1", SpfRecord(()), id="empty"),
        pytest.param(
            "v=spf1 a:%{d2/}.example/0//0 include:%{d} redirect=a.x1 exp=%{h}.example",
            SpfRecord(
                (SpfTerm("a", "%{d2/}.example/0//0"), SpfTerm("include", "%{d}")),
                "a.x1",
                (("exp", "%{h}.example"),),
            ),
            id="ends-of-domains",
        ),
        pytest.param(
            "v=spf1 moo.cow-far_out=man:dog/cat ~all",
            SpfRecord((SpfTerm("all", "", "~"),), "", (("moo.cow-far_out", "man:dog/cat"),)),
            id="unknown-modifier",
        ),
    ],
)
def test_what_is_read_is_written_alike(text: str, record: SpfRecord) -> None:
    assert parse_spf(text) == record
    assert parse_spf(build_spf(record)) == record


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("v=spf10 mx -all", "expected v=spf1", id="version"),
        pytest.param("v=spf1mx -all", "expected v=spf1", id="no-blank"),
        pytest.param(
            "v=spf1 mx=example.com \u2013all",
            "found '\u2013all': expected printable ASCII",
            id="dash",
        ),
        pytest.param("v=spf1 ip4:192.0.2.0/33 -all", "an IPv4 address", id="prefix"),
        pytest.param("v=spf1 ip4:192.0.2.0/255.255.255.0 -all", "an IPv4 address", id="mask"),
        pytest.param(
            "v=spf1 ip4=192.0.2.1 +redirect=a.example", "has no sign", id="signed-modifier"
        ),
        pytest.param("v=spf1 ip6:192.0.2.1 -all", "an IPv6 address", id="ip6"),
        pytest.param("v=spf1 ip4 -all", "expected ip4:ADDRESS", id="ip4-alone"),
        pytest.param("v=spf1 include -all", "there is no such mechanism", id="include-alone"),
        pytest.param("v=spf1 include: -all", "expected a domain", id="include-of-nothing"),
        pytest.param("v=spf1 ip:192.0.2.1 -all", "there is no such mechanism", id="ip"),
        pytest.param("v=spf1 all:x", "all stands alone", id="all-with-value"),
        pytest.param("v=spf1 a:a.example/33 -all", "the prefix of 'a:a.example/33'", id="a-prefix"),
        pytest.param("v=spf1 a: -all", "expected a:DOMAIN", id="a-of-nothing"),
        pytest.param("v=spf1 exists:%{x}.a -all", "expected a domain", id="macro"),
        pytest.param("v=spf1 exists:a%b -all", "expected a domain", id="percent"),
        pytest.param("v=spf1 redirect=a.example redirect=b.example", "there twice", id="redirects"),
        pytest.param("v=spf1 mx, -all", "expected mx, then a blank", id="comma"),
        pytest.param("v=spf1 -", "expected a mechanism", id="sign-alone"),
        # RFC 7208 section 7.1: a domain has two labels, and the last one is not all digits.
        pytest.param("v=spf1 a:192.0.2.1 -all", "an address stands behind ip4", id="a-address"),
        pytest.param("v=spf1 mx:192.0.2.1/24 -all", "two labels at least", id="mx-address"),
        pytest.param("v=spf1 include:192.0.2.1 -all", "two labels", id="include-address"),
        pytest.param("v=spf1 include:com -all", "two labels at least", id="one-label"),
        pytest.param("v=spf1 mx:mail -all", "two labels at least", id="mx-one-label"),
        pytest.param("v=spf1 redirect=com", "two labels at least", id="redirect-one-label"),
        pytest.param("v=spf1 exists:%{i}.1 -all", "two labels at least", id="macro-and-digits"),
        pytest.param("v=spf1 exists:%{i}x -all", "two labels at least", id="macro-and-no-dot"),
        pytest.param("v=spf1 ip6:fe80::1%eth0 -all", "an IPv6 address", id="zone"),
        pytest.param("v=spf1 ip4:192.0.2.0/024 -all", "an IPv4 address", id="zero-prefix"),
        pytest.param("v=spf1 ip6:2001:db8::/032 -all", "an IPv6 address", id="ip6-zero-prefix"),
        pytest.param("v=spf1 a/024 -all", "expected a:DOMAIN/PREFIX", id="a-zero-prefix"),
        pytest.param("v=spf1 mx//064 -all", "expected mx:DOMAIN/PREFIX", id="mx-zero-prefix"),
        pytest.param("v=spf1 exists:%{d0}.a.example", "expected a domain", id="zero-labels"),
        pytest.param("v=spf1 exists:%{t}.a.example", "text of exp", id="macro-of-text"),
        pytest.param("v=spf1 -all exp=%{c}.example", "text of exp", id="macro-of-text-in-exp"),
        pytest.param("v=spf1 mx x=%(d) -all", "expected macros", id="modifier"),
        pytest.param("v=spf1 include:b\u00fccher.example", "A-labels", id="international"),
    ],
)
def test_what_breaks_the_grammar_is_said(text: str, message: str) -> None:
    with pytest.raises(RecordError, match=message):
        parse_spf(text)


@pytest.mark.parametrize(
    ("terms", "redirect", "message"),
    [
        pytest.param(["mx +all"], "", "found 'mx \\+all': expected one term", id="all"),
        pytest.param(["a ptr"], "", "found 'a ptr': expected one term", id="ptr"),
        pytest.param(["mx", ""], "", "found '': expected one term", id="nothing"),
        pytest.param(["mx\t+all"], "", "expected one term", id="tab"),
        pytest.param([], "x.example +all", "expected one term, without a blank", id="redirect"),
        pytest.param(["redirect=x.example"], "", "among the terms", id="redirect-as-a-term"),
        pytest.param(["exists:%{i}.b\u00fccher.example"], "", "A-labels", id="macro"),
        pytest.param(["include:stra\u00dfe.example"], "", "two versions of IDNA", id="sharp-s"),
    ],
)
def test_terms_that_nobody_should_publish_are_refused(
    terms: list[str], redirect: str, message: str
) -> None:
    with pytest.raises(RecordError, match=message):
        spf_of_terms(terms, all_="" if redirect else "-all", redirect=redirect)


def test_international_domains_in_terms_become_a_labels() -> None:
    terms = ["include:b\u00fccher.example", "-a:B\u00dcCHER.example/24//64", "mx"]
    assert build_spf(spf_of_terms(terms)) == (
        "v=spf1 include:xn--bcher-kva.example -a:xn--bcher-kva.example/24//64 mx -all"
    )
    redirected = spf_of_terms([], all_="", redirect="_spf.b\u00fccher.example")
    assert build_spf(redirected) == "v=spf1 redirect=_spf.xn--bcher-kva.example"


_NAMES = st.sampled_from(["example.com", "_spf.example.net", "a-b.c.example"])
_TERMS = st.one_of(
    st.builds(
        lambda sign, name: f"{sign}include:{name}", st.sampled_from(["", "-", "~", "?"]), _NAMES
    ),
    st.builds(lambda one: f"ip4:{one}", st.ip_addresses(v=4)),
    st.builds(lambda one, size: f"ip6:{one}/{size}", st.ip_addresses(v=6), st.integers(0, 128)),
    st.builds(lambda name, size: f"a:{name}/{size}", _NAMES, st.integers(0, 32)),
    st.sampled_from(["a", "mx", "mx/28", "a//64"]),
)


@given(st.lists(_TERMS, max_size=8), st.sampled_from(["-all", "~all", "?all"]))
def test_every_list_of_terms_makes_a_record_that_is_read_alike(terms: list[str], all_: str) -> None:
    text = build_spf(spf_of_terms(terms, all_=all_))
    assert text == " ".join(["v=spf1", *terms, all_])
    assert build_spf(parse_spf(text)) == text


@given(st.text(max_size=60))
def test_no_text_does_more_than_be_refused(text: str) -> None:
    with contextlib.suppress(RecordError):
        assert parse_spf(build_spf(parse_spf(f"v=spf1 {text}")))


def tree(records: t.Mapping[str, str], **sets: t.Any) -> t.Any:
    """Return the tree of example.com in a world of these SPF records."""
    made = [make_rrset(name, "TXT", [quote_txt(text)]) for name, text in records.items()]
    made += [make_rrset(name, type_, data) for (name, type_), data in sets.get("more", {}).items()]
    table = table_of(made, zones=["com", "net"])
    answers = sets.get("answers", {})
    return spf_tree(
        "example.com", lambda name, type_: answers.get((name, type_)) or table(name, type_)
    )


def test_lookups_are_counted_through_includes_and_redirects() -> None:
    node = tree(
        {
            "example.com": "v=spf1 a mx include:one.net include:two.net ip4:192.0.2.1 -all",
            "one.net": "v=spf1 include:three.net exists:%{i}.l.net ptr -all",
            "two.net": "v=spf1 redirect=three.net",
            "three.net": "v=spf1 ip4:192.0.2.2 a:h.net ~all",
        },
        more={
            ("example.com", "A"): ["192.0.2.1"],
            ("example.com", "AAAA"): ["2001:db8::1"],
            ("example.com", "MX"): ["10 h.net."],
            ("h.net", "A"): ["192.0.2.3"],
        },
    )
    # a, mx, include, include; then include, exists, ptr; redirect; and a of three.net twice.
    assert node.lookups == 4 + 3 + 1 + 2
    # h.net has no AAAA record, as the MX host and twice as that of three.net.
    assert (node.voids_of, node.voids) == ((0, 3), 3)
    assert [child.lookups for child in node.children] == [4, 2]
    assert [one.domain for one in node.walk()] == [
        "example.com.",
        "one.net.",
        "three.net.",
        "two.net.",
        "three.net.",
    ]
    assert node.as_dict()["children"][1]["term"] == "include:two.net"


def test_terms_after_all_and_a_redirect_beside_all_cost_nothing() -> None:
    assert tree({"example.com": "v=spf1 -all mx include:one.net"}).lookups == 0
    assert tree({"example.com": "v=spf1 ip4:192.0.2.1 -all redirect=one.net"}).lookups == 0
    assert tree({"example.com": "v=spf1 redirect=one.net", "one.net": "v=spf1 -all"}).lookups == 1


@pytest.mark.parametrize(
    ("records", "more", "problem"),
    [
        pytest.param({}, {}, "example.com has no SPF record", id="none"),
        pytest.param(
            {
                "example.com": "v=spf1 include:a.net -all",
                "a.net": "v=spf1 include:example.com -all",
            },
            {},
            "example.com leads back to itself",
            id="loop",
        ),
        pytest.param(
            {"example.com": "v=spf1 mx:m.net -all"},
            {("m.net", "MX"): [f"10 h{number}.net." for number in range(11)]},
            "m.net has 11 MX hosts, and SPF allows 10",
            id="many-mx",
        ),
        pytest.param(
            {"example.com": "v=spf1 include:a.net -all", "a.net": "v=spf1 ip4:x -all"},
            {},
            "a.net: SPF: found 'ip4:x'",
            id="broken-include",
        ),
    ],
)
def test_a_record_that_does_not_count_says_why(
    records: dict[str, str], more: t.Any, problem: str
) -> None:
    problems = [one.problem for one in tree(records, more=more).walk() if one.problem]
    assert [one for one in problems if problem in one]


def test_includes_without_end_are_cut() -> None:
    many = {f"n{number}.net": f"v=spf1 include:n{number + 1}.net -all" for number in range(200)}
    wide = {"example.com": "v=spf1 " + "include:n0.net " * 3 + "-all", **many}
    node = tree(wide)
    assert node.lookups > 10
    assert sum(1 for _one in node.walk()) < 70


def test_a_question_without_an_answer_is_not_a_void() -> None:
    silent = Answer("failed", reason="timeout")
    node = tree(
        {"example.com": "v=spf1 a:h.net mx:m.net include:i.net -all"},
        answers={
            ("h.net.", "A"): silent,
            ("h.net.", "AAAA"): silent,
            ("m.net.", "MX"): silent,
            ("i.net.", "TXT"): silent,
        },
    )
    assert node.voids == 0
    assert [one for part in node.walk() for one in part.as_dict()["unknown"]] == [
        "m.net. MX: timeout",
        "h.net. A: timeout",
        "h.net. AAAA: timeout",
        "i.net. TXT: timeout",
    ]


@pytest.mark.parametrize(
    ("text", "voids"),
    [
        pytest.param("exists:n1.net exists:n2.net exists:n3.net", (3, 3), id="exists"),
        pytest.param("mx:m.net", (1, 2), id="mx-hosts"),
        pytest.param("mx:gone.net", (1, 1), id="no-mx"),
        pytest.param("mx:parked.net", (0, 0), id="null-mx"),
        pytest.param("include:four.net include:four.net", (0, 2), id="families-apart"),
        pytest.param("exists:h1.net exists:%{i}.l.net", (0, 0), id="exists-and-is-there"),
    ],
)
def test_voids_are_counted_for_each_kind_of_sender(text: str, voids: tuple[int, int]) -> None:
    node = tree(
        {"example.com": f"v=spf1 {text} -all", "four.net": "v=spf1 a:h1.net -all"},
        more={
            ("m.net", "MX"): ["10 h1.net.", "20 h2.net."],
            ("parked.net", "MX"): ["0 ."],
            ("h1.net", "A"): ["192.0.2.1"],
        },
    )
    assert node.voids_of == voids


@pytest.mark.parametrize(
    ("text", "open_"),
    [
        pytest.param("mx -all", {}, id="nobody"),
        pytest.param("+all", {"IPv4": ("all",), "IPv6": ("all",)}, id="all"),
        pytest.param("-all all", {}, id="too-late"),
        pytest.param("?all", {}, id="neutral"),
        pytest.param("ip4:0.0.0.0/0 -all", {"IPv4": ("ip4:0.0.0.0/0",)}, id="ip4"),
        pytest.param(
            "ip4:0.0.0.0/1 ip4:192.0.2.0/24 ip4:128.0.0.0/1 -all",
            {"IPv4": ("ip4:0.0.0.0/1", "ip4:128.0.0.0/1")},
            id="halves",
        ),
        pytest.param("ip4:0.0.0.0/2 ip4:0.0.0.0/2 -all", {}, id="one-quarter-twice"),
        pytest.param(" ".join(f"ip4:{n}.0.0.0/8" for n in range(127)) + " -all", {}, id="127-of-8"),
        pytest.param("-ip4:0.0.0.0/0 ip4:0.0.0.0/0 -all", {}, id="refused-before"),
        pytest.param("ip6:::/0 -all", {"IPv6": ("ip6:::/0",)}, id="ip6"),
        pytest.param("ip6:2000::/3 ~all", {"IPv6": ("ip6:2000::/3",)}, id="global-unicast"),
        pytest.param("a:h.net/0 -all", {"IPv4": ("a:h.net/0",)}, id="a"),
        pytest.param("a:h.net//0 -all", {}, id="a-without-aaaa"),
        # 192.0.2.1/1 is 128.0.0.0 to 255.255.255.255.
        pytest.param("mx:m.net/1 -all", {"IPv4": ("mx:m.net/1",)}, id="half"),
        pytest.param("mx:m.net/0//0 -all", {"IPv4": ("mx:m.net/0//0",)}, id="mx"),
        pytest.param(
            "exists:h.net -all", {"IPv4": ("exists:h.net",), "IPv6": ("exists:h.net",)}, id="exists"
        ),
        pytest.param("exists:%{i}.h.net -all", {}, id="exists-of-the-sender"),
        pytest.param(
            "include:open.net -all",
            {"IPv4": ("include:open.net",), "IPv6": ("include:open.net",)},
            id="include",
        ),
        pytest.param("-include:open.net -all", {}, id="include-to-refuse"),
        pytest.param("include:neutral.net -all", {}, id="include-of-neutral"),
        pytest.param("include:wide.net -all", {"IPv4": ("include:wide.net",)}, id="include-ip4"),
        pytest.param(
            "redirect=open.net",
            {"IPv4": ("redirect=open.net",), "IPv6": ("redirect=open.net",)},
            id="redirect",
        ),
        pytest.param("redirect=neutral.net", {}, id="redirect-to-neutral"),
        pytest.param(
            "redirect=deep.net",
            {"IPv4": ("redirect=deep.net",), "IPv6": ("redirect=deep.net",)},
            id="redirect-to-include",
        ),
        pytest.param("-all redirect=open.net", {}, id="redirect-that-nobody-reads"),
    ],
)
def test_whoever_lets_half_the_world_send_is_seen(
    text: str, open_: dict[str, tuple[str, ...]]
) -> None:
    node = tree(
        {
            "example.com": f"v=spf1 {text}",
            "open.net": "v=spf1 +all",
            "neutral.net": "v=spf1 ?all",
            "wide.net": "v=spf1 ip4:0.0.0.0/0 -all",
            "deep.net": "v=spf1 -ip4:192.0.2.1 include:open.net -all",
        },
        more={
            ("example.com", "MX"): ["10 h.net."],
            ("m.net", "MX"): ["10 h.net."],
            ("h.net", "A"): ["192.0.2.1"],
        },
    )
    assert open_to(node) == open_


@pytest.mark.parametrize(
    ("text", "end"),
    [
        pytest.param("mx -all", "-", id="all"),
        pytest.param("mx", "", id="none"),
        pytest.param("redirect=neutral.net", "?", id="neutral"),
        pytest.param("redirect=none.net", "", id="redirect-to-none"),
        pytest.param("redirect=two.net", "?", id="two-redirects"),
        pytest.param("-all redirect=neutral.net", "-", id="all-comes-first"),
        pytest.param("redirect=gone.net", None, id="gone"),
        pytest.param("redirect=%{d}.net", None, id="macro"),
    ],
)
def test_the_end_of_a_record_is_followed_through_redirects(text: str, end: t.Optional[str]) -> None:
    node = tree(
        {
            "example.com": f"v=spf1 {text}",
            "neutral.net": "v=spf1 mx ?all",
            "none.net": "v=spf1 mx",
            "two.net": "v=spf1 mx redirect=neutral.net",
        },
    )
    assert node.end == end


def test_a_record_that_asks_without_end_is_not_followed_without_end() -> None:
    asked: list[str] = []
    wide = "v=spf1 " + " ".join(f"mx:m{number}.net" for number in range(200)) + " -all"

    def lookup(name: str, type_: str, /) -> Answer:
        asked.append(name)
        if type_ == "TXT":
            return Answer("found", (quote_txt(wide),))
        if type_ == "MX":
            return Answer("found", tuple(f"10 {number}.{name}" for number in range(10)))
        return Answer("no_name")

    assert spf_tree("example.com", lookup).lookups == 200
    assert len(asked) < 2000
