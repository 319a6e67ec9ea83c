# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decisions for one host: what is set, kept and removed, and what is refused."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.policy import resolve as policy
from ansible_collections.hardened.mail.plugins.module_utils.policy import settings
from ansible_collections.hardened.mail.plugins.module_utils.policy.explain import explain
from ansible_collections.hardened.mail.plugins.module_utils.policy.resolve import (
    CertificateChoice,
    ChoiceError,
    Choices,
    Host,
    Policy,
    files_for,
    notes,
    resolve,
)
from ansible_collections.hardened.mail.plugins.module_utils.postfix.version import (
    TlsLibrary,
    Version,
)
from hypothesis import given
from hypothesis import strategies as st

HOST = Host(
    Version(3, 10, 13),
    TlsLibrary("OpenSSL", (3, 5, 7)),
    frozenset({"btree", "hash", "inline"}),
    ca_file="/etc/ssl/certs/ca-certificates.crt",
)
STOCK = {
    "smtpd_tls_security_level": "may",
    "smtp_tls_security_level": "may",
    "smtpd_tls_cert_file": "/etc/ssl/certs/ssl-cert-snakeoil.pem",
    "smtpd_tls_key_file": "/etc/ssl/private/ssl-cert-snakeoil.key",
    "smtp_tls_CApath": "/etc/ssl/certs",
    "smtp_tls_session_cache_database": "btree:/var/lib/postfix/smtp_scache",
    "smtpd_relay_restrictions": "permit_mynetworks permit_sasl_authenticated defer_unauth_destination",
}
KEPT: t.Final = "kept"


def value_of(
    parameter: str,
    *,
    choices: Choices = Choices(),  # noqa: B008
    host: Host = HOST,
    **current: str,
) -> t.Optional[str]:
    """Return the value, None for removed and KEPT for no decision."""
    found = resolve(host, choices=choices, current={**STOCK, **current})
    return {one.parameter: one.value for one in found}.get(parameter, KEPT)


def test_stock_host_keeps_its_certificate_and_ca() -> None:
    for name in ("smtpd_tls_cert_file", "smtpd_tls_key_file", "smtpd_tls_chain_files"):
        assert value_of(name) == KEPT
    assert value_of("smtp_tls_CAfile") == KEPT
    assert value_of("smtp_tls_policy_maps") == KEPT
    assert value_of("smtp_tls_wrappermode") == KEPT
    assert value_of("smtp_dns_support_level") == KEPT
    assert value_of("lmtp_tls_security_level") == KEPT
    assert value_of("tls_config_file") == KEPT


TWO = (
    CertificateChoice("/etc/c/rsa.pem", "/etc/c/rsa.key", ("mx.example",)),
    CertificateChoice("/etc/c/ec-all.pem", "/etc/c/ec-all.pem"),
)


def test_certificates_go_key_first_and_replace_the_old_parameters() -> None:
    chosen = Choices(certificates=TWO)
    assert (
        value_of("smtpd_tls_chain_files", choices=chosen)
        == "/etc/c/rsa.key, /etc/c/rsa.pem, /etc/c/ec-all.pem"
    )
    for name in "cert_file key_file eccert_file eckey_file dcert_file dkey_file".split():
        assert value_of(f"smtpd_tls_{name}", choices=chosen) is None
        assert value_of(f"tlsproxy_tls_{name}", choices=chosen) is None


def test_no_certificate_means_no_starttls() -> None:
    bare = {"smtpd_tls_cert_file": ""}
    assert value_of("smtpd_tls_security_level", **bare) == "none"
    assert value_of("smtpd_tls_security_level", smtpd_tls_cert_file="none") == "none"
    assert (
        value_of("smtpd_tls_security_level", **bare, smtpd_tls_chain_files="/etc/c/all.pem")
        == "may"
    )
    with pytest.raises(ChoiceError, match="inbound_level encrypt needs a certificate"):
        value_of("smtpd_tls_security_level", choices=Choices(inbound_level="encrypt"), **bare)
    unread = resolve(HOST, choices=Choices(), current={})
    assert {one.parameter: one.value for one in unread}["smtpd_tls_security_level"] == "may"


FOUND_INBOUND = [
    pytest.param({"smtpd_tls_security_level": "none"}, "may", id="none-is-raised"),
    pytest.param({"smtpd_tls_security_level": ""}, "may", id="unset-is-raised"),
    pytest.param({"smtpd_tls_security_level": "encrypt"}, "encrypt", id="encrypt-stays"),
    pytest.param({"smtpd_tls_security_level": "secure"}, "encrypt", id="secure-means-encrypt"),
    pytest.param(
        {"smtpd_tls_security_level": "", "smtpd_enforce_tls": "yes"}, "encrypt", id="old-switch"
    ),
    pytest.param(
        {"smtpd_tls_security_level": "may", "smtpd_enforce_tls": "yes"}, "may", id="level-wins"
    ),
]


@pytest.mark.parametrize(("current", "expected"), FOUND_INBOUND)
def test_inbound_level_is_raised_never_lowered(current: dict[str, str], expected: str) -> None:
    assert value_of("smtpd_tls_security_level", **current) == expected


def test_inbound_encrypt_says_what_rfc_3207_says() -> None:
    found = resolve(HOST, choices=Choices(inbound_level="encrypt"), current=STOCK)
    one = next(one for one in found if one.parameter == "smtpd_tls_security_level")
    assert one.value == "encrypt"
    assert "RFC 3207 section 4" in one.reason
    assert one.cost == "A host without TLS cannot deliver mail here."


FOUND_OUTBOUND = [
    pytest.param({"smtp_tls_security_level": ""}, "may", id="unset-is-raised"),
    pytest.param({"smtp_tls_security_level": "none"}, "may", id="none-is-raised"),
    *(
        pytest.param({"smtp_tls_security_level": one}, one, id=f"{one}-stays")
        for one in ("encrypt", "dane", "dane-only", "fingerprint", "verify", "secure")
    ),
    pytest.param({"smtp_tls_security_level": "Secure"}, "secure", id="case-does-not-matter"),
    pytest.param(
        {"smtp_tls_security_level": "", "smtp_use_tls": "yes"}, "may", id="old-use-switch"
    ),
    pytest.param(
        {"smtp_tls_security_level": "", "smtp_enforce_tls": "yes"},
        "verify",
        id="old-enforce-switch",
    ),
    pytest.param(
        {
            "smtp_tls_security_level": "",
            "smtp_enforce_tls": "yes",
            "smtp_tls_enforce_peername": "no",
        },
        "encrypt",
        id="old-enforce-without-name",
    ),
    pytest.param(
        {"smtp_tls_security_level": "may", "smtp_tls_wrappermode": "yes"},
        "encrypt",
        id="wrapper-needs-encrypt",
    ),
    pytest.param(
        {"smtp_tls_security_level": "secure", "smtp_tls_wrappermode": "yes"},
        "secure",
        id="wrapper-with-more",
    ),
]


@pytest.mark.parametrize(("current", "expected"), FOUND_OUTBOUND)
def test_outbound_level_is_raised_never_lowered(current: dict[str, str], expected: str) -> None:
    assert value_of("smtp_tls_security_level", **current) == expected


@pytest.mark.parametrize("level", ["encrypt", "dane", "verify"])
def test_outbound_level_that_was_chosen_holds_exactly(level: str) -> None:
    chosen = Choices(outbound_level=level)
    assert (
        value_of("smtp_tls_security_level", choices=chosen, smtp_tls_security_level="secure")
        == level
    )


def test_wrappermode_is_set_removed_or_kept() -> None:
    yes = Choices(outbound_wrappermode=True)
    assert value_of("smtp_tls_wrappermode", choices=yes) == "yes"
    assert value_of("smtp_tls_security_level", choices=yes) == "encrypt"
    no = Choices(outbound_wrappermode=False)
    assert value_of("smtp_tls_wrappermode", choices=no, smtp_tls_wrappermode="yes") is None
    assert value_of("smtp_tls_security_level", choices=no, smtp_tls_wrappermode="yes") == "may"


@pytest.mark.parametrize(
    "choices",
    [
        pytest.param(Choices(outbound_level="dane"), id="level"),
        pytest.param(Choices(policies=(Policy("a.example", "dane-only"),)), id="row"),
    ],
)
def test_dane_looks_up_dnssec(choices: Choices) -> None:
    found = resolve(HOST, choices=choices, current=STOCK)
    one = next(one for one in found if one.parameter == "smtp_dns_support_level")
    assert (one.value, one.ran) == ("dnssec", False)


def test_dane_found_on_the_host_gets_dnssec() -> None:
    assert value_of("smtp_dns_support_level", smtp_tls_security_level="dane") == "dnssec"


SECURE = Choices(outbound_level="secure")
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"


@pytest.mark.parametrize(
    ("choices", "current", "expected"),
    [
        pytest.param(SECURE, {"smtp_tls_CApath": ""}, BUNDLE, id="none-named"),
        pytest.param(
            SECURE, {"smtp_tls_CApath": "", "smtp_tls_CAfile": BUNDLE}, BUNDLE, id="second-run"
        ),
        pytest.param(SECURE, {}, KEPT, id="site-has-a-path"),
        pytest.param(
            SECURE,
            {"smtp_tls_CApath": "", "smtp_tls_CAfile": "/etc/own.pem"},
            KEPT,
            id="site-has-a-file",
        ),
        pytest.param(Choices(), {"smtp_tls_CApath": ""}, KEPT, id="nothing-is-verified"),
        pytest.param(
            Choices(),
            {"smtp_tls_CApath": "", "smtp_tls_policy_maps": "hash:/etc/postfix/tls_policy"},
            BUNDLE,
            id="site-table-may-verify",
        ),
        pytest.param(
            Choices(policies=(Policy("a.example", "verify"),)),
            {"smtp_tls_CApath": ""},
            BUNDLE,
            id="row-verifies",
        ),
    ],
)
def test_ca_file_only_where_it_is_needed_and_absent(
    choices: Choices, current: dict[str, str], expected: str
) -> None:
    assert value_of("smtp_tls_CAfile", choices=choices, **current) == expected


def test_default_ca_stays_while_nothing_else_verifies() -> None:
    without = HOST._replace(ca_file=None)
    current = {"smtp_tls_CApath": "", "tls_append_default_CA": "yes"}
    assert value_of("tls_append_default_CA", host=without, choices=SECURE, **current) == KEPT
    assert value_of("tls_append_default_CA", choices=SECURE, **current) is None


POLICIES = (
    Policy("Relay.example", "secure", match=("mx.relay.example", ".relay.example")),
    Policy(
        "[old.example]:587", "encrypt", protocols=">=TLSv1.2", ciphers="high", exclude=("AES128",)
    ),
    Policy(
        ".partner.example", "fingerprint", match=("AA:BB", "CC:DD"), servername="mx.partner.example"
    ),
    Policy("broken.example", "may", protocols="!SSLv2, !SSLv3", exclude=("aNULL", "RC4")),
)


def test_policies_become_one_inline_table_before_the_sites() -> None:
    found = resolve(
        HOST,
        choices=Choices(policies=POLICIES),
        current=STOCK,
        site_policy_maps="hash:/etc/postfix/tls_policy",
    )
    value = {one.parameter: one.value for one in found}["smtp_tls_policy_maps"]
    assert value == (
        "inline:{ { hardened-mail.invalid = none }, { relay.example = secure match=mx.relay.example:.relay.example },"
        " { [old.example]:587 = encrypt protocols=>=TLSv1.2 ciphers=high"
        " exclude=AES128:aNULL:kRSA:kDHE:SHA1:SHA256:SHA384:CAMELLIA:ARIA:AESCCM8:AESCCM:PSK:SRP:DSS },"
        " { .partner.example = fingerprint match=AA:BB|CC:DD servername=mx.partner.example },"
        " { broken.example = may protocols=!SSLv2:!SSLv3 exclude=aNULL:RC4 } },"
        " hash:/etc/postfix/tls_policy"
    )


SITE_TABLES = [
    pytest.param("", id="none"),
    pytest.param("hash:/etc/postfix/tls_policy", id="file"),
    pytest.param("inline:{ { own.example = none } }, hash:/etc/p", id="own-inline-table"),
]


@pytest.mark.parametrize("site", SITE_TABLES)
def test_policies_come_change_and_go_and_the_sites_tables_stay(site: str) -> None:
    def run(choices: Choices, current: str) -> t.Optional[str]:
        return value_of("smtp_tls_policy_maps", choices=choices, smtp_tls_policy_maps=current)

    first = run(Choices(policies=POLICIES), site)
    assert first is not None
    assert first.endswith("exclude=aNULL:RC4 } }" + (f", {site}" if site else ""))
    assert run(Choices(policies=POLICIES), first) == first
    second = run(Choices(policies=POLICIES[:1]), first)
    assert second is not None
    assert second.endswith("mx.relay.example:.relay.example } }" + (f", {site}" if site else ""))
    assert run(Choices(), second) == (site or None)
    assert run(Choices(), site) == KEPT


def test_policy_maps_without_policies_are_the_sites() -> None:
    assert policy.policy_maps((), site_policy_maps="hash:/etc/p") == "hash:/etc/p"
    assert policy.policy_maps(()) == ""


SERVER: t.Final = "socketmap:inet:127.0.0.1:8642:QUERY"
ASKS_SERVER: t.Final = Choices(policy_server=SERVER)
SOCKETS: t.Final = HOST._replace(map_types=HOST.map_types | {"socketmap"})


@pytest.mark.parametrize("site", SITE_TABLES)
def test_policy_server_comes_changes_and_goes_and_the_sites_tables_stay(site: str) -> None:
    def run(choices: Choices, current: str) -> t.Optional[str]:
        return value_of(
            "smtp_tls_policy_maps", host=SOCKETS, choices=choices, smtp_tls_policy_maps=current
        )

    behind = f", {site}" if site else ""
    first = run(ASKS_SERVER, site)
    assert first == f"inline:{{ {{ hardened-mail.invalid = may }} }}, {SERVER}{behind}"
    assert run(ASKS_SERVER, first) == first
    both = run(ASKS_SERVER._replace(policies=POLICIES[:1]), first)
    assert both is not None
    assert both.endswith(f".relay.example }} }}, {SERVER}{behind}")
    assert run(Choices(policies=POLICIES[:1]), both) == run(Choices(policies=POLICIES[:1]), site)
    assert run(Choices(), both) == (site or None)


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        pytest.param({"outbound_level": "dane"}, "would override DANE", id="dane"),
        pytest.param(
            {"policies": (Policy("a.example", "dane-only"),)}, "would override DANE", id="dane-row"
        ),
        pytest.param({"policy_server": "hash:/etc/x"}, "expected a table such as", id="no-server"),
        pytest.param({"policy_server": f"{SERVER}, hash:/x"}, "expected a table", id="two-tables"),
        pytest.param({"policy_server": "tcp:127.0.0.1:1"}, "the table type tcp", id="no-type"),
    ],
)
def test_policy_server_that_cannot_be_right_is_refused(
    choices: dict[str, t.Any], words: str
) -> None:
    asked = ASKS_SERVER._replace(**choices)
    with pytest.raises(ChoiceError, match=words):
        resolve(SOCKETS, choices=asked, current=STOCK)


def test_policy_server_that_honours_dane_may_stand_beside_it() -> None:
    asked = ASKS_SERVER._replace(outbound_level="dane", policy_server_honours_dane=True)
    assert value_of("smtp_dns_support_level", host=SOCKETS, choices=asked) == "dnssec"
    maps = value_of("smtp_tls_policy_maps", host=SOCKETS, choices=asked)
    assert maps is not None
    assert maps.endswith(SERVER)


def test_reports_are_wired_where_postfix_can_report() -> None:
    reports = Choices(tlsrpt_socket="run/tlsrpt/tlsrpt.sock")
    assert value_of("smtp_tlsrpt_enable", choices=reports) == "yes"
    assert value_of("smtp_tlsrpt_socket_name", choices=reports) == "run/tlsrpt/tlsrpt.sock"
    assert value_of("smtp_tlsrpt_enable") == KEPT
    old = HOST._replace(postfix=Version(3, 7, 11))
    assert value_of("smtp_tlsrpt_enable", host=old, choices=reports) == KEPT
    told = [one.parameter for one in notes(old, choices=reports, current=STOCK)]
    assert "smtp_tlsrpt_enable" in told
    assert "smtp_tlsrpt_enable" not in [
        one.parameter for one in notes(HOST, choices=reports, current=STOCK)
    ]
    with pytest.raises(ChoiceError, match="expected the path of a socket"):
        resolve(HOST, choices=Choices(tlsrpt_socket="a b"), current=STOCK)


SNI = (
    CertificateChoice("/e/org.pem", "/e/org.key", ("Mail.example.org", "smtp.example.org")),
    CertificateChoice("/e/net.pem", "/e/net.pem", (".example.net",)),
    CertificateChoice("/e/rsa.pem", "/e/rsa.key", ("mail.example.org",)),
)


def test_sni_becomes_one_inline_table_with_every_key_of_a_name() -> None:
    assert value_of("tls_server_sni_maps", choices=Choices(sni=SNI)) == (
        "inline:{ { hardened-mail.invalid = /e/org.key /e/org.pem /e/rsa.key /e/rsa.pem },"
        " { mail.example.org = /e/org.key /e/org.pem /e/rsa.key /e/rsa.pem },"
        " { smtp.example.org = /e/org.key /e/org.pem }, { .example.net = /e/net.pem } }"
    )


@pytest.mark.parametrize("site", ["", "hash:/etc/postfix/sni", "inline:{ { a.example = /a.pem } }"])
def test_sni_comes_changes_and_goes_and_the_sites_tables_stay(site: str) -> None:
    def run(choices: Choices, current: str) -> t.Optional[str]:
        return value_of("tls_server_sni_maps", choices=choices, tls_server_sni_maps=current)

    first = run(Choices(sni=SNI), site)
    assert first is not None
    assert first.endswith("/e/net.pem } }" + (f", {site}" if site else ""))
    assert run(Choices(sni=SNI), first) == first
    second = run(Choices(sni=SNI[1:2]), first)
    assert second is not None
    assert second.endswith(".example.net = /e/net.pem } }" + (f", {site}" if site else ""))
    assert run(Choices(), second) == (site or None)
    assert run(Choices(), site) == KEPT


@pytest.mark.parametrize(
    ("row", "words"),
    [
        pytest.param({"names": ()}, "/c.pem has no names", id="no-names"),
        pytest.param({"names": ("*.example",)}, r"'\*\.example' is not a name", id="wildcard"),
        pytest.param({"names": ("a b.example",)}, "'a b.example' is not a name", id="blank"),
        pytest.param({"names": ("a}.example",)}, "is not a name", id="brace"),
        pytest.param({"certificate": "c.pem"}, "sni: 'c.pem' is not the absolute", id="relative"),
        pytest.param({"private_key": "/k }.pem"}, "sni: '/k }.pem' is not", id="brace-in-file"),
    ],
)
def test_sni_that_would_break_the_table_is_refused(row: dict[str, t.Any], words: str) -> None:
    given = {"certificate": "/c.pem", "private_key": "/k.pem", "names": ("a.example",), **row}
    with pytest.raises(ChoiceError, match=words):
        resolve(HOST, choices=Choices(sni=(CertificateChoice(**given),)), current=STOCK)


@pytest.mark.parametrize(
    ("host", "words"),
    [
        pytest.param({"map_types": frozenset({"hash"})}, "the table type inline", id="no-inline"),
        pytest.param(
            {"known_parameters": frozenset({"myhostname"})}, "has from 3.4 on", id="old-postfix"
        ),
    ],
)
def test_sni_is_refused_where_postfix_cannot_do_it(host: dict[str, t.Any], words: str) -> None:
    with pytest.raises(ChoiceError, match=words):
        resolve(HOST._replace(**host), choices=Choices(sni=SNI), current=STOCK)


def test_old_per_site_table_stays_while_it_is_the_only_one() -> None:
    table = {"smtp_tls_per_site": "hash:/etc/postfix/tls_per_site"}
    assert value_of("smtp_tls_per_site", **table) == KEPT
    assert value_of("smtp_tls_per_site", **table, smtp_tls_policy_maps="hash:/etc/p") is None
    rows = Choices(policies=(Policy("a.example", "encrypt"),))
    assert value_of("smtp_tls_per_site", choices=rows, **table) is None


@pytest.mark.parametrize(
    "current",
    [
        pytest.param({"relay_clientcerts": "hash:/etc/postfix/certs"}, id="relay-clientcerts"),
        pytest.param(
            {"smtpd_relay_restrictions": "permit_tls_clientcerts, reject"}, id="restriction"
        ),
        pytest.param(
            {"smtpd_client_restrictions": "check_ccert_access hash:/etc/postfix/a"}, id="access"
        ),
    ],
)
def test_client_certificates_in_use_are_left_alone(current: dict[str, str]) -> None:
    for name in ("smtpd_tls_ask_ccert", "smtpd_tls_req_ccert", "smtpd_tls_fingerprint_digest"):
        assert value_of(name, **current) == KEPT
        assert value_of(name) != KEPT


@pytest.mark.parametrize(
    ("prefix", "current"),
    [
        ("smtp", {"smtp_tls_policy_maps": "hash:/etc/postfix/tls_policy"}),
        ("smtp", {"smtp_tls_fingerprint_cert_match": "AA:BB"}),
        ("smtp", {"smtp_tls_security_level": "fingerprint"}),
        ("lmtp", {"lmtp_tls_policy_maps": "hash:/etc/postfix/tls_policy"}),
    ],
)
def test_fingerprints_in_use_keep_their_digest(prefix: str, current: dict[str, str]) -> None:
    assert value_of(f"{prefix}_tls_fingerprint_digest") == "sha256"
    assert value_of(f"{prefix}_tls_fingerprint_digest", **current) == KEPT


@pytest.mark.parametrize(
    ("current", "expected"),
    [
        pytest.param({}, KEPT, id="no-lmtp-tls"),
        pytest.param({"lmtp_tls_security_level": "encrypt"}, KEPT, id="level"),
        pytest.param({"lmtp_use_tls": "yes"}, "may", id="old-use-switch"),
        pytest.param({"lmtp_enforce_tls": "yes"}, "verify", id="old-enforce-switch"),
    ],
)
def test_lmtp_keeps_its_level(current: dict[str, str], expected: str) -> None:
    assert value_of("lmtp_tls_security_level", **current) == expected


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("starttls", None),
        ("STARTTLS, etrn", "etrn"),
        ("silent-discard, etrn", KEPT),
        ("", KEPT),
    ],
)
def test_starttls_is_never_hidden(before: str, expected: t.Optional[str]) -> None:
    assert value_of("smtpd_discard_ehlo_keywords", smtpd_discard_ehlo_keywords=before) == expected


OLD_PATCH = HOST._replace(postfix=Version(3, 5, 18), tls_library=TlsLibrary("OpenSSL", (1, 1, 1)))


@pytest.mark.parametrize(
    ("parameter", "before", "expected"),
    [
        ("smtpd_discard_ehlo_keywords", "", "chunking, silent-discard"),
        ("smtpd_discard_ehlo_keywords", "etrn, starttls", "chunking, silent-discard, etrn"),
        ("smtpd_discard_ehlo_keywords", "silent-discard chunking", "silent-discard chunking"),
        ("smtpd_data_restrictions", "", "reject_unauth_pipelining"),
        ("smtpd_data_restrictions", "permit_x", "reject_unauth_pipelining, permit_x"),
        (
            "smtpd_data_restrictions",
            "permit_x reject_unauth_pipelining",
            "permit_x reject_unauth_pipelining",
        ),
    ],
)
def test_workarounds_are_added_to_what_the_site_has(
    parameter: str, before: str, expected: str
) -> None:
    assert value_of(parameter, host=OLD_PATCH, **{parameter: before}) == expected
    assert value_of(parameter, host=OLD_PATCH, **{parameter: expected}) == expected


HYGIENE = [one.parameter for one in settings.SETTINGS if one.area == "hygiene"]


def test_hygiene_can_be_left_to_the_site() -> None:
    for host in (HOST, OLD_PATCH):
        for name in HYGIENE:
            assert value_of(name, host=host, choices=Choices(smtp_hygiene=False)) == KEPT
    assert value_of("disable_vrfy_command") == "yes"


def test_refusing_bare_newlines_is_not_softened() -> None:
    assert value_of("smtpd_forbid_bare_newline", smtpd_forbid_bare_newline="reject") == "reject"
    assert value_of("smtpd_forbid_bare_newline", smtpd_forbid_bare_newline="no") == "normalize"


def test_observe_sets_the_two_log_levels_and_nothing_else() -> None:
    found = resolve(HOST, choices=Choices(observe=True, inbound_profile="strict"), current=STOCK)
    assert {one.parameter: one.value for one in found} == {
        "smtpd_tls_loglevel": "1",
        "smtp_tls_loglevel": "1",
    }
    assert files_for(HOST, choices=Choices(observe=True, inbound_profile="strict")) == ()


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        pytest.param({"btree", "lmdb"}, "lmdb:${data_directory}/smtp_scache", id="lmdb-first"),
        pytest.param({"btree"}, "btree:${data_directory}/smtp_scache", id="btree"),
        pytest.param({"cdb", "texthash"}, None, id="none-that-can-be-written"),
    ],
)
def test_session_cache_uses_a_type_that_exists(types: set[str], expected: str) -> None:
    host = HOST._replace(map_types=frozenset(types))
    assert value_of("smtp_tls_session_cache_database", host=host) == expected


SIGNATURES = (
    "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:ed25519:ed448:RSA-PSS+SHA256:RSA-PSS+SHA384:"
    "RSA-PSS+SHA512:RSA+SHA256:RSA+SHA384:RSA+SHA512"
)


def test_strict_has_a_file_without_sha1_signatures() -> None:
    for chosen in (Choices(inbound_profile="strict"), Choices(outbound_profile="strict")):
        assert value_of("tls_config_file", choices=chosen) == "/etc/postfix/openssl-postfix.cnf"
        assert value_of("tls_config_name", choices=chosen) == "postfix"
        (file,) = files_for(HOST, choices=chosen)
        assert (file.name, file.mode) == ("openssl-postfix.cnf", 0o644)
        assert file.content.splitlines()[1:] == [
            "postfix = postfix_settings",
            "[postfix_settings]",
            "ssl_conf = postfix_ssl_settings",
            "[postfix_ssl_settings]",
            "system_default = baseline_postfix_settings",
            "[baseline_postfix_settings]",
            f"SignatureAlgorithms = {SIGNATURES}",
        ]
    assert files_for(HOST, choices=Choices()) == ()


def test_leaving_strict_removes_only_our_own_file() -> None:
    instance = HOST._replace(config_directory="/etc/postfix-out/")
    ours = {"tls_config_file": "/etc/postfix-out/openssl-postfix.cnf", "tls_config_name": "postfix"}
    assert value_of("tls_config_file", host=instance, **ours) is None
    assert value_of("tls_config_name", host=instance, **ours) is None
    assert value_of("tls_config_file", host=instance, tls_config_file="none") == KEPT


def test_unknown_names_are_left_out_and_still_removed() -> None:
    host = HOST._replace(known_parameters=frozenset({"smtpd_tls_loglevel"}))
    found = {one.parameter: one.value for one in resolve(host, choices=Choices(), current=STOCK)}
    assert [name for name, value in found.items() if value is not None] == ["smtpd_tls_loglevel"]
    assert "smtpd_use_tls" in found


def bad(**choices: t.Any) -> Choices:
    return Choices(**choices)


REFUSED = [
    pytest.param(
        bad(inbound_profile="modern"),
        "inbound_profile is 'modern': expected one of interop, intermediate, strict",
        id="inbound-profile",
    ),
    pytest.param(bad(outbound_profile=""), "outbound_profile is ''", id="outbound-profile"),
    pytest.param(
        bad(inbound_level="dane"),
        "inbound_level is 'dane': expected one of may, encrypt",
        id="inbound-level",
    ),
    pytest.param(bad(outbound_level="none"), "outbound_level is 'none'", id="outbound-level"),
    pytest.param(
        bad(outbound_level="dane", outbound_wrappermode=True),
        "outbound_wrappermode does not work with outbound_level dane",
        id="wrapper-with-dane",
    ),
    pytest.param(
        bad(certificates=(CertificateChoice("mx.pem", "/k.pem"),)),
        "certificates: 'mx.pem' is not the absolute name of a file",
        id="relative-certificate",
    ),
    pytest.param(
        bad(certificates=(CertificateChoice("/a b.pem", "/k.pem"),)),
        "'/a b.pem'",
        id="blank-in-name",
    ),
    pytest.param(
        bad(policies=(Policy("a example", "may"),)),
        "'policies: a example' is not a destination",
        id="destination",
    ),
    pytest.param(
        bad(policies=(Policy("bücher.example", "may"),)),
        "'policies: bücher.example' is not a destination",
        id="destination-not-ascii",
    ),
    pytest.param(
        bad(policies=(Policy("a.example", "my"),)),
        "policies: a.example: level is 'my': expected one of none, may",
        id="row-level",
    ),
    pytest.param(
        bad(policies=(Policy("a.example", "none", ciphers="high"),)),
        "policies: a.example: the level none takes no other attribute",
        id="row-none",
    ),
    pytest.param(
        bad(policies=(Policy("a.example", "encrypt", match=("b.example",)),)),
        "match has no meaning at the level encrypt",
        id="row-match",
    ),
    pytest.param(
        bad(policies=(Policy("a.example", "fingerprint"),)),
        "policies: a.example: the level fingerprint needs match",
        id="row-fingerprint",
    ),
    pytest.param(
        bad(policies=(Policy("a.example", "secure", match=("b example",)),)),
        "match 'b example' is not a host name or a fingerprint",
        id="row-match-name",
    ),
    pytest.param(
        bad(policies=(Policy("a.example", "encrypt", protocols="TLS1.2"),)),
        "policies: a.example: 'TLS1.2' is not a protocol",
        id="row-protocols",
    ),
    pytest.param(
        bad(policies=(Policy("a.example", "encrypt", ciphers="best"),)),
        "'best' is not a cipher grade",
        id="row-ciphers",
    ),
    pytest.param(
        bad(policies=(Policy("a.example", "encrypt", exclude=("PSD",)),)), "'PSD'", id="row-exclude"
    ),
    pytest.param(
        bad(policies=(Policy("a.example", "encrypt", ciphers="$x"),)), "'$x'", id="row-dollar"
    ),
    pytest.param(
        bad(policies=(Policy("a.example", "encrypt", servername="a b"),)),
        "servername 'a b' is not a host name",
        id="row-servername",
    ),
]


@pytest.mark.parametrize(("choices", "words"), REFUSED)
def test_bad_choices_are_refused_in_words(choices: Choices, words: str) -> None:
    with pytest.raises(ChoiceError) as caught:
        resolve(HOST, choices=choices, current=STOCK)
    assert words in str(caught.value)


def test_strict_is_refused_where_it_cannot_be() -> None:
    with pytest.raises(
        ChoiceError, match=r"needs the parameter tls_config_file, .* is Postfix 3\.5\.18"
    ):
        files_for(OLD_PATCH, choices=Choices(inbound_profile="strict"))
    without = HOST._replace(known_parameters=frozenset())
    with pytest.raises(ChoiceError, match="needs the parameter tls_config_file"):
        resolve(without, choices=Choices(outbound_profile="strict"), current=STOCK)


def test_policies_are_refused_without_inline_tables() -> None:
    host = HOST._replace(map_types=frozenset({"hash"}))
    with pytest.raises(ChoiceError, match="policies need the table type inline"):
        resolve(host, choices=Choices(policies=POLICIES), current=STOCK)


# Situations that together must reach every rule of the table.
HOSTS = [
    HOST,
    OLD_PATCH,
    HOST._replace(ca_file=None),
    HOST._replace(postfix=Version(3, 11, 7), map_types=frozenset({"lmdb", "inline"})),
    HOST._replace(
        postfix=Version(3, 5, 23),
        tls_library=TlsLibrary("OpenSSL", (1, 1, 1)),
        map_types=frozenset(),
    ),
    HOST._replace(postfix=Version(3, 7, 11), tls_library=TlsLibrary("OpenSSL", (3, 0, 22))),
]
CHOICES = [
    Choices(),
    Choices(inbound_profile="interop", smtp_hygiene=False, outbound_wrappermode=False),
    Choices(outbound_profile="intermediate", outbound_level="dane"),
    Choices(
        inbound_profile="strict", certificates=TWO, policies=POLICIES, outbound_wrappermode=True
    ),
    Choices(inbound_level="encrypt", outbound_level="verify", sni=SNI, tlsrpt_socket="t"),
]
CURRENTS: list[dict[str, str]] = [
    STOCK,
    {"myhostname": "mx.example"},
    {
        **STOCK,
        "smtpd_tls_security_level": "encrypt",
        "smtp_tls_security_level": "secure",
        "smtp_tls_CApath": "",
        "relay_clientcerts": "hash:/etc/c",
        "tls_append_default_CA": "yes",
        "smtp_tls_per_site": "hash:/etc/s",
        "lmtp_tls_per_site": "hash:/etc/s",
        "lmtp_tls_fingerprint_cert_match": "AA",
        "lmtp_use_tls": "yes",
        "tls_config_file": "/etc/postfix/openssl-postfix.cnf",
        "smtpd_forbid_bare_newline": "reject",
    },
    {**STOCK, "smtp_tls_wrappermode": "yes", "smtp_tls_policy_maps": "hash:/etc/p"},
    {
        **STOCK,
        "smtp_tls_policy_maps": policy.policy_maps(POLICIES),
        "tls_server_sni_maps": policy.sni_maps(SNI),
    },
    {**STOCK, "tls_server_sni_maps": policy.sni_maps(SNI, site_maps="hash:/etc/postfix/sni")},
    {**STOCK, "smtp_tls_policy_maps": policy.policy_maps(POLICIES, site_policy_maps="hash:/etc/p")},
]


def test_every_rule_of_the_table_is_reached() -> None:
    reached = set()
    for host in HOSTS:
        for choices in CHOICES:
            for current in CURRENTS:
                where = policy._situation(host, choices, current=current)
                for one in settings.SETTINGS:
                    rule = next(rule for rule in one.rules if where.holds(rule.when))
                    reached.add((one.parameter, rule.when))
    every = {(one.parameter, rule.when) for one in settings.SETTINGS for rule in one.rules}
    assert every - reached == set()


LEVELS = st.sampled_from(["", "none", "may", "encrypt", "dane", "verify", "secure", "Encrypt"])
YES_NO = st.sampled_from(["", "yes", "no"])
CURRENT = st.fixed_dictionaries(
    {"myhostname": st.just("mx.example")},
    optional={
        **dict.fromkeys(
            ("smtpd_tls_security_level", "smtp_tls_security_level", "lmtp_tls_security_level"),
            LEVELS,
        ),
        **dict.fromkeys(
            (
                *("smtp_use_tls", "smtp_enforce_tls", "lmtp_use_tls", "lmtp_enforce_tls"),
                *("smtpd_use_tls", "smtpd_enforce_tls", "smtp_tls_wrappermode"),
                *(
                    "tls_append_default_CA",
                    "smtp_tls_enforce_peername",
                    "smtpd_forbid_bare_newline",
                ),
            ),
            YES_NO,
        ),
        "smtpd_tls_cert_file": st.sampled_from(["", "/etc/c.pem"]),
        "smtp_tls_CAfile": st.sampled_from(["", "/etc/own.pem", BUNDLE]),
        "smtp_tls_policy_maps": st.sampled_from(["", "hash:/etc/p"]),
        "smtp_tls_per_site": st.sampled_from(["", "hash:/etc/s"]),
        "smtpd_discard_ehlo_keywords": st.sampled_from(["", "etrn", "starttls", "etrn starttls"]),
        "smtpd_data_restrictions": st.sampled_from(["", "permit_x"]),
        "tls_config_file": st.sampled_from(["none", "/etc/postfix/openssl-postfix.cnf"]),
        "relay_clientcerts": st.sampled_from(["", "hash:/etc/c"]),
    },
)


def applied(decisions: t.Iterable[policy.Decision], current: t.Mapping[str, str]) -> dict[str, str]:
    decided = {one.parameter: one.value for one in decisions}
    merged = {**current, **decided}
    return {name: value for name, value in merged.items() if value is not None}


RUN_TWICE = [
    *(one for one in CHOICES if one.inbound_level == "may"),
    Choices(outbound_level="secure"),
]
NEW_HOSTS = [one for one in HOSTS if one.postfix.has("3.6") and "inline" in one.map_types]


@given(CURRENT, st.sampled_from(RUN_TWICE), st.sampled_from(NEW_HOSTS))
def test_a_second_run_changes_nothing(
    current: dict[str, str], choices: Choices, host: Host
) -> None:
    after = applied(resolve(host, choices=choices, current=current), current)
    second = resolve(host, choices=choices, current=after)
    assert applied(second, after) == after


def test_notes_name_what_was_left() -> None:
    current = {
        **STOCK,
        "smtp_tls_cert_file": "/etc/c.pem",
        "smtp_tls_security_level": "secure",
        "smtpd_tls_security_level": "encrypt",
        "smtp_tls_per_site": "hash:/etc/s",
        "relay_clientcerts": "hash:/etc/c",
        "tls_config_file": "none",
    }
    found = {one.parameter: one.text for one in notes(HOST, choices=Choices(), current=current)}
    assert set(found) == {
        "smtp_tls_cert_file",
        "smtp_tls_security_level",
        "smtpd_tls_security_level",
        "smtp_tls_per_site",
        "smtpd_tls_fingerprint_digest",
        "tls_config_file",
    }
    assert "public CAs no longer issue certificates for clients" in found["smtp_tls_cert_file"]
    assert notes(HOST, choices=Choices(), current=STOCK) == ()


@pytest.mark.parametrize(
    ("choices", "current", "parameter", "words"),
    [
        pytest.param(
            Choices(),
            {"smtpd_tls_cert_file": ""},
            "smtpd_tls_security_level",
            "There is no server certificate, so port 25 offers no TLS.",
            id="no-certificate",
        ),
        pytest.param(
            Choices(),
            {"lmtp_tls_chain_files": "/etc/c.pem"},
            "lmtp_tls_chain_files",
            "A client certificate is shown to every server.",
            id="lmtp-client-certificate",
        ),
        pytest.param(
            Choices(outbound_level="fingerprint"),
            {},
            "smtp_tls_fingerprint_cert_match",
            "The level fingerprint delivers nothing until",
            id="no-fingerprints",
        ),
    ],
)
def test_notes_say_what_is_missing(
    choices: Choices, current: dict[str, str], parameter: str, words: str
) -> None:
    (found,) = notes(HOST, choices=choices, current={**STOCK, **current})
    assert found.parameter == parameter
    assert words in found.text


def test_explain_has_one_row_per_decision() -> None:
    decisions = resolve(HOST, choices=Choices(), current=STOCK)
    overrides = {"smtpd_tls_received_header": "no", "disable_vrfy_command": None}
    rows = {one["parameter"]: one for one in explain(decisions, overrides=overrides, current=STOCK)}
    assert len(rows) == len(decisions)
    assert rows["smtpd_tls_received_header"] == {
        "parameter": "smtpd_tls_received_header",
        "value": "no",
        "current": None,
        "reason": "Shows protocol and suite in the Received header of each message.",
        "source": "postconf(5) smtpd_tls_received_header; TLS_README, Server-side TLS activity logging",
        "ran": True,
        "cost": None,
        "overridden_by": "site",
    }
    assert rows["disable_vrfy_command"]["value"] is None
    assert rows["smtpd_tls_security_level"]["current"] == "may"
    assert rows["smtpd_tls_security_level"]["overridden_by"] is None
