# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The grammar of values, against what real daemons do with them."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.postfix import values
from ansible_collections.hardened.mail.plugins.module_utils.postfix.version import (
    TlsLibrary,
    Version,
)
from hypothesis import given
from hypothesis import strategies as st

FIXTURES = pathlib.Path(__file__).parents[3] / "fixtures"
RECORDED = ("3.5.25", "3.7.11", "3.10.13", "3.11.7")
OLD, NEW = Version(3, 5, 25), Version(3, 10, 13)
OPENSSL = TlsLibrary("OpenSSL", (3, 5, 7))
TYPES = frozenset("btree cidr hash inline proxy regexp static unix".split())

ALL = set(values.PROTOCOLS)
TLS12 = {"TLSv1.2", "TLSv1.3"}
# What a list says of SSLv2 and SSLv3 is of no consequence: OpenSSL has them no more.
TLS = {"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"}


def check(
    parameter: str,
    value: str,
    *,
    postfix: Version = NEW,
    types: t.AbstractSet[str] = TYPES,
    classes: t.Optional[t.AbstractSet[str]] = None,
) -> t.Optional[str]:
    return values.check(
        parameter,
        value,
        postfix=postfix,
        tls_library=OPENSSL,
        map_types=types,
        restriction_classes=classes,
    )


# Measured with handshakes on Postfix 3.7, 3.10 and 3.11, and on 3.5 where the value is valid there.
MEASURED = [
    pytest.param("", TLS, id="empty"),
    pytest.param("!SSLv2, !SSLv3", TLS, id="old-default"),
    pytest.param("!TLSv1, !TLSv1.1", TLS12, id="two-forbidden"),
    pytest.param("!SSLv2 !SSLv3 !TLSv1 !TLSv1.1", TLS12, id="blanks"),
    pytest.param("!SSLv2:!SSLv3:!TLSv1:!TLSv1.1", TLS12, id="colons"),
    pytest.param("TLSv1.2, TLSv1.3", TLS12, id="two-allowed"),
    pytest.param("TLSv1.2", {"TLSv1.2"}, id="one-allowed-turns-1.3-off"),
    pytest.param(
        "!SSLv2, !SSLv3, TLSv1, TLSv1.1, TLSv1.2",
        {"TLSv1", "TLSv1.1", "TLSv1.2"},
        id="mixed-turns-1.3-off",
    ),
    pytest.param(
        "TLSv1.2, TLSv1.1, !TLSv1, !SSLv2, !SSLv3", {"TLSv1.1", "TLSv1.2"}, id="mixed-other-order"
    ),
    pytest.param("!sslv2, !SSLV3, !tlsv1, !TLSV1.1", TLS12, id="case-does-not-matter"),
]
MEASURED_SINCE_36 = [
    pytest.param(">=TLSv1.2", TLS12, id="floor"),
    pytest.param(">=tlsv1.2", TLS12, id="floor-lower-case"),
    pytest.param(">=0303", TLS12, id="floor-number"),
    pytest.param(">=0x0303", TLS12, id="floor-hexadecimal"),
    pytest.param(">=TLSv1", TLS, id="new-default"),
    pytest.param(">=TLSv1.2, <=TLSv1.2", {"TLSv1.2"}, id="floor-and-ceiling"),
    pytest.param(">=TLSv1, !TLSv1.1", {"TLSv1", "TLSv1.2", "TLSv1.3"}, id="floor-and-forbidden"),
    pytest.param(">= TLSv1.2", {"TLSv1.2"}, id="blank-after-limit-turns-1.3-off"),
    pytest.param(">=None", TLS, id="no-floor"),
    pytest.param("<=None", TLS, id="no-ceiling"),
]


@pytest.mark.parametrize(("value", "expected"), MEASURED)
@pytest.mark.parametrize("postfix", [OLD, NEW], ids=str)
def test_protocols_on_every_version(value: str, expected: set[str], postfix: Version) -> None:
    assert values.protocols(value, postfix=postfix) & TLS == expected


@pytest.mark.parametrize(("value", "expected"), MEASURED_SINCE_36)
def test_protocols_with_limits(value: str, expected: set[str]) -> None:
    assert values.protocols(value, postfix=Version(3, 6, 0)) & TLS == expected


@pytest.mark.parametrize("value", ["foo", ">=TLSv1.4", "!TLSv1.4", "TLSv1.2;", ">=SSLv2"])
def test_protocols_refuses_what_disables_tls(value: str) -> None:
    with pytest.raises(values.ValueProblem, match="Postfix turns TLS off for it"):
        values.protocols(value, postfix=NEW)


@pytest.mark.parametrize("value", [">=TLSv1.2", "!SSLv2, <=TLSv1.2"])
def test_protocols_refuses_limits_before_36(value: str) -> None:
    with pytest.raises(values.ValueProblem) as caught:
        values.protocols(value, postfix=OLD)
    assert "needs Postfix 3.6, and Postfix 3.5.25 turns TLS off for it" in str(caught.value)
    assert "write '!SSLv2, !SSLv3, !TLSv1, !TLSv1.1'" in str(caught.value)


WORDS = st.sampled_from(
    [*values.PROTOCOLS, *(f"!{one}" for one in values.PROTOCOLS), ">=TLSv1", "<=TLSv1.3"]
)


@given(st.lists(WORDS))
def test_protocols_forbidden_stay_forbidden(words: list[str]) -> None:
    left = values.protocols(", ".join(words), postfix=NEW)
    assert not left & {word[1:] for word in words if word.startswith("!")}
    assert left <= ALL


@given(st.lists(st.sampled_from([f"!{one}" for one in values.PROTOCOLS])), st.randoms())
def test_protocols_order_and_separators_do_not_matter(words: list[str], random: t.Any) -> None:
    before = values.protocols(", ".join(words), postfix=NEW)
    random.shuffle(words)
    assert values.protocols(":".join(words), postfix=OLD) == before


@pytest.mark.parametrize("version", RECORDED)
def test_check_accepts_every_default_of_a_real_postfix(version: str) -> None:
    types = set((FIXTURES / f"postconf-m-{version}.txt").read_text().split())
    problems = {}
    for line in (FIXTURES / f"postconf-d-{version}.txt").read_text().splitlines():
        name, _equals, value = line.partition(" =")
        found = check(name, value.strip(), postfix=Version.parse(version), types=types)
        if found:
            problems[name] = found
    assert problems == {}


BAD = [
    ("smtpd_tls_security_level", "bogus", "'bogus' is not a level of the server, the server dies"),
    ("smtpd_tls_security_level", "dane", "the server dies of it: expected none, may or encrypt"),
    ("smtpd_tls_security_level", "secure", "Postfix uses encrypt instead"),
    ("smtp_tls_security_level", "my", "'my' is not a TLS security level, and the client dies"),
    ("lmtp_tls_security_level", "halfdane", "the client dies of it"),
    ("smtpd_tls_protocols", "foo", "'foo' is not a protocol, and Postfix turns TLS off"),
    ("smtp_tls_mandatory_protocols", "<=SSLv3", "leaves no TLS protocol on"),
    ("smtpd_tls_ciphers", "strong", "'strong' is not a cipher grade: expected high, medium"),
    ("smtpd_tls_mandatory_ciphers", "", "'' is not a cipher grade"),
    ("smtpd_tls_exclude_ciphers", "aNULL, PSD", "'PSD' is no cipher and no class of ciphers"),
    ("smtpd_tls_exclude_ciphers", "anull", "excludes nothing: OpenSSL spells it aNULL"),
    (
        "smtpd_tls_exclude_ciphers",
        "!aNULL",
        "starts with '!', and Postfix fails every TLS handshake",
    ),
    ("smtpd_tls_auth_only", "true", "'true' is not a yes or no: expected yes, no; the daemon dies"),
    ("disable_vrfy_command", "yes # site", "is not a yes or no"),
    ("smtpd_tls_loglevel", "high", "'high' is not a TLS log level: expected a number from 0 to 4"),
    ("tls_ssl_options", "NO_RENEGOTIATE", "is not an option of tls_ssl_options"),
    ("smtp_tls_fingerprint_digest", "sha-256", "'sha-256' is not a message digest"),
    ("smtp_dns_support_level", "yes", "expected disabled, enabled, dnssec"),
    ("smtpd_forbid_bare_newline", "normalise", "'normalise' is not known to Postfix 3.10.13"),
    ("smtpd_sasl_security_options", "noanonymus", "is not a SASL security option"),
    ("smtpd_sasl_type", "saslauthd", "is not a SASL type: expected cyrus, dovecot"),
    ("smtpd_tls_chain_files", "/etc/a.pem, b.pem", "'b.pem' is not the absolute name of a file"),
    ("tls_config_file", "openssl.cnf", "expected default, none or the absolute name of a file"),
    ("smtpd_tls_session_cache_timeout", "1 hour", "is not a time"),
    ("smtpd_client_auth_rate_limit", "ten", "is not a whole number"),
    ("virtual_alias_maps", "/etc/postfix/virtual", "is not a table: expected type:name"),
    ("smtp_tls_session_cache_database", "lmdb:/x", "this Postfix has no table type 'lmdb'"),
    ("transport_maps", "proxy:mysql:/etc/x.cf", "has no table type 'mysql'"),
    (
        "smtp_tls_policy_maps",
        "inline:{ { a.example = may }",
        "has a '{' or '}' without its partner",
    ),
    (
        "smtpd_relay_restrictions",
        "check_client_access",
        "check_client_access needs a word after it",
    ),
    ("smtpd_relay_restrictions", "check_sender_access lmdb:/x, permit", "has no table type 'lmdb'"),
    ("smtpd_client_restrictions", "{ permit", "without its partner"),
]


@pytest.mark.parametrize(
    ("parameter", "value", "words"), BAD, ids=[f"{one[0]}-{one[1]}"[:60] for one in BAD]
)
def test_check_says_what_is_wrong(parameter: str, value: str, words: str) -> None:
    found = check(parameter, value)
    assert found is not None
    assert words in found


GOOD = [
    ("smtpd_tls_security_level", ""),
    ("smtpd_tls_security_level", "May"),
    ("smtp_tls_security_level", "dane-only"),
    ("smtpd_tls_exclude_ciphers", "aNULL:eNULL:EXPORT:DES+MD5:RC4-SHA, ECDHE-RSA-DES-CBC3-SHA"),
    ("smtpd_tls_loglevel", "1"),
    ("smtpd_tls_loglevel", "summary, peercert"),
    ("tls_ssl_options", "no_renegotiation, 0x40"),
    ("tls_eecdh_auto_curves", ""),
    ("smtpd_tls_cert_file", "none"),
    ("smtpd_tls_dh1024_param_file", "auto"),
    ("smtpd_tls_security_level", "$site_level"),
    ("smtpd_forbid_bare_newline", "Normalize"),
    ("smtp_tls_policy_maps", "inline:{ { a.example = may }, { b.example = none } }, hash:/etc/p"),
    ("smtp_sasl_password_maps", "static:user:word"),
    ("local_recipient_maps", "proxy:unix:passwd.byname $alias_maps"),
    ("proxy_read_maps", "$local_recipient_maps $mydestination"),
    ("mydestination", "anything at all"),
    (
        "smtpd_recipient_restrictions",
        """permit_mynetworks, check_client_access cidr:{{192.0.2.0/24 permit}}, greylist,
        check_policy_service { inet:127.0.0.1:10023, timeout=10s }, hash:/etc/access,
        reject_rbl_client bl.example=127.0.0.[2..11]""",
    ),
]


@pytest.mark.parametrize(
    ("parameter", "value"), GOOD, ids=[f"{one[0]}-{one[1]}"[:60] for one in GOOD]
)
def test_check_accepts(parameter: str, value: str) -> None:
    assert check(parameter, value) is None


def test_check_knows_restriction_classes_when_it_is_told() -> None:
    value = "permit_mynetworks, greylist, permit_mynetwork"
    assert check("smtpd_client_restrictions", value) is None
    found = check("smtpd_client_restrictions", value, classes={"greylist"})
    assert found == (
        "'permit_mynetwork' is not a restriction, and Postfix refuses all mail for it with 451"
    )


def test_check_asks_no_table_type_when_none_are_known() -> None:
    assert check("transport_maps", "mysql:/etc/x.cf", types=frozenset()) is None


@pytest.mark.parametrize(
    ("version", "fatal"),
    [("3.5.25", True), ("3.7.11", True), ("3.7.13", False), ("3.9.1", True), ("3.10.13", False)],
)
def test_check_empty_curves_kill_some_servers(version: str, fatal: bool) -> None:
    found = check("tls_eecdh_auto_curves", "", postfix=Version.parse(version))
    assert (found is not None) is fatal


@pytest.mark.parametrize(
    ("version", "value", "fine"),
    [
        pytest.param("3.5.23", "yes", True, id="first-has-yes"),
        pytest.param("3.5.23", "normalize", False, id="first-has-no-normalize"),
        pytest.param("3.5.24", "reject", True, id="second-has-reject"),
        pytest.param("3.8.5", "note", False, id="note-is-not-backported"),
        pytest.param("3.9.0", "note", True, id="note-is-in-39"),
    ],
)
def test_check_bare_newline_by_patch_level(version: str, value: str, fine: bool) -> None:
    found = check("smtpd_forbid_bare_newline", value, postfix=Version.parse(version))
    assert (found is None) is fine


def test_check_knows_every_suite_name_of_openssl() -> None:
    names = (FIXTURES / "openssl-ciphers-1.1.1w.txt").read_text().split()
    assert len(names) > 150
    assert {one: check("smtpd_tls_exclude_ciphers", one) for one in names} == dict.fromkeys(names)


SECRETS = [
    pytest.param(
        "smtp_sasl_password_maps", "static:bob:s3cret", "static:********", id="static-password"
    ),
    pytest.param(
        "smtp_sasl_password_maps",
        "inline:{ [relay.example]:587=bob:s3cret }, hash:/etc/sasl",
        "inline:{ ******** }, hash:/etc/sasl",
        id="inline-passwords",
    ),
    pytest.param(
        "smtp_sasl_password_maps",
        "inline:{ { [relay.example]:587 = bob:s3cret } }",
        "inline:{ ******** }",
        id="inline-in-braces",
    ),
    pytest.param("ldapsource_bind_pw", "s3cret", "********", id="named-like-a-password"),
    pytest.param(
        "virtual_alias_maps",
        "pgsql:{ { user = bob }, { password = s3cret }, { hosts = db.example } }",
        "pgsql:{ { user = bob }, { password = ******** }, { hosts = db.example } }",
        id="word-password",
    ),
    pytest.param(
        "x_url", "mysql://bob:s3cret@db.example/mail", "mysql://********@db.example/mail", id="url"
    ),
    pytest.param("x_relay", "static:bob:s3cret", "static:********", id="static-pair-anywhere"),
]


@pytest.mark.parametrize(("parameter", "value", "expected"), SECRETS)
def test_masked_hides(parameter: str, value: str, expected: str) -> None:
    assert values.masked(parameter, value) == expected


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("smtp_sasl_password_maps", "hash:/etc/postfix/sasl_passwd"),
        ("local_header_rewrite_clients", "static:all"),
        ("virtual_uid_maps", "static:5000"),
        ("smtpd_tls_exclude_ciphers", "aNULL, kRSA"),
        ("smtp_tls_policy_maps", "inline:{ { a.example = secure match=.a.example } }"),
        ("relayhost", "[relay.example]:587"),
    ],
)
def test_masked_leaves_the_rest(parameter: str, value: str) -> None:
    assert values.masked(parameter, value) == value


@given(st.text(alphabet="abcXYZ019_-", min_size=4), st.sampled_from(["hash:/etc/a, ", "", "  "]))
def test_masked_never_shows_an_inline_password(secret: str, before: str) -> None:
    value = f"{before}inline:{{ {{ [r.example]:587 = bob:{secret}#9 }} }}"
    assert f"{secret}#9" not in values.masked("smtp_sasl_password_maps", value)
