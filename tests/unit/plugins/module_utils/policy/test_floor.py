# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is weaker than a profile, judged by meaning and not by spelling."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.policy.resolve import (
    Choices,
    Host,
    Policy,
    Weaker,
    resolve,
    weaker,
)
from ansible_collections.hardened.mail.plugins.module_utils.postfix.version import (
    TlsLibrary,
    Version,
)
from hypothesis import given
from hypothesis import strategies as st

TYPES = frozenset({"btree", "inline"})
HOST = Host(Version(3, 10, 13), TlsLibrary("OpenSSL", (3, 5, 7)), TYPES, compatibility_level="3.9")
OLD = Host(Version(3, 5, 25), TlsLibrary("OpenSSL", (1, 1, 1)), TYPES, compatibility_level="2")
NEW = Host(Version(3, 11, 7), TlsLibrary("OpenSSL", (3, 6, 5)), TYPES, compatibility_level="3.11")
STRONG = "aNULL, kRSA, kDHE, SHA1, SHA256, SHA384, CAMELLIA, ARIA, AESCCM8, AESCCM, PSK, SRP, DSS"
TLS12 = "!SSLv2, !SSLv3, !TLSv1, !TLSv1.1"
DANE = Choices(outbound_level="dane")
STRICT = Choices(inbound_profile="strict")
INTEROP = Choices(inbound_profile="interop")
ENCRYPT = Choices(outbound_level="encrypt")


def reason(
    parameter: str,
    value: t.Optional[str],
    choices: Choices,
    host: Host,
    **others: t.Optional[str],
) -> t.Optional[str]:
    found = weaker(host, choices=choices, overrides={parameter: value, **others})
    return {one.parameter: one.reason for one in found}.get(parameter)


def case(
    parameter: str,
    value: t.Optional[str],
    expected: t.Optional[str],
    choices: Choices = Choices(),  # noqa: B008
    *,
    host: Host = HOST,
    id: str,  # noqa: A002
) -> t.Any:
    return pytest.param(parameter, value, expected, choices, host, id=id)


CASES = [
    # Protocols: the set counts, not the text.
    case("smtpd_tls_protocols", TLS12, None, id="same-set-other-spelling"),
    case("smtpd_tls_protocols", ">=0303", None, id="same-set-number"),
    case("smtpd_tls_protocols", "!SSLv3 !TLSv1 !TLSv1.1", None, id="sslv2-is-dead-anyway"),
    case("smtpd_tls_protocols", ">=TLSv1.3", None, id="higher-floor"),
    case("smtpd_tls_protocols", ">=TLSv1.1", "allows TLSv1.1", id="lower-floor"),
    case("smtpd_tls_protocols", "!SSLv2, !SSLv3", "allows TLSv1, TLSv1.1", id="old-default"),
    case("smtpd_tls_protocols", None, "allows TLSv1, TLSv1.1", id="default"),
    case("smtpd_tls_protocols", None, "allows TLSv1, TLSv1.1", host=OLD, id="default-of-35"),
    case("smtpd_tls_protocols", "", "allows SSLv3, TLSv1, TLSv1.1", id="empty"),
    case("smtpd_tls_protocols", "TLSv1.2", "turns TLSv1.3 off", id="one-name"),
    case("smtpd_tls_protocols", "!SSLv2, !SSLv3", None, INTEROP, id="interop-allows-it"),
    case(
        "smtpd_tls_protocols",
        "TLSv1, TLSv1.1, TLSv1.2",
        "turns TLSv1.3 off",
        INTEROP,
        id="interop-keeps-13",
    ),
    case(
        "smtpd_tls_mandatory_protocols",
        ">=TLSv1",
        "allows TLSv1, TLSv1.1",
        INTEROP,
        id="mandatory-stays",
    ),
    case("smtp_tls_protocols", "!SSLv2, !SSLv3", None, id="outbound-interop"),
    case(
        "smtpd_tls_protocols",
        ">=TLSv1.2",
        "'>=TLSv1.2' needs Postfix 3.6, and Postfix 3.5.25 turns"
        " TLS off for it: write '!SSLv2, !SSLv3, !TLSv1, !TLSv1.1' for TLS 1.2 and later",
        host=OLD,
        id="invalid",
    ),
    # Grades.
    case("smtpd_tls_ciphers", "HIGH", None, id="grade-case"),
    case("smtpd_tls_ciphers", "medium", "medium is below high", id="grade-medium"),
    case("smtpd_tls_ciphers", None, "medium is below high", id="grade-default"),
    case("smtpd_tls_ciphers", "medium", None, INTEROP, id="grade-interop"),
    case("smtp_tls_ciphers", "low", "low is below medium", id="grade-low"),
    case("smtp_tls_ciphers", "high", None, id="grade-higher"),
    # Exclusions: a superset by meaning, in any order.
    case("smtpd_tls_exclude_ciphers", STRONG, None, id="exclude-same"),
    case(
        "smtpd_tls_exclude_ciphers",
        ":".join([*STRONG.split(", ")[::-1], "AES128"]),
        None,
        id="exclude-more",
    ),
    case(
        "smtpd_tls_exclude_ciphers",
        "ADH AECDH RSA kEDH SHA SHA256 SHA384 CAMELLIA128 CAMELLIA256 ARIAGCM AESCCM PSK kSRP aDSS",
        None,
        id="exclude-other-words",
    ),
    case(
        "smtpd_tls_exclude_ciphers",
        STRONG.replace("kRSA, ", ""),
        "does not exclude kRSA",
        id="exclude-one-less",
    ),
    case(
        "smtpd_tls_exclude_ciphers",
        STRONG.replace("aNULL", "ADH"),
        "does not exclude aNULL",
        id="exclude-half",
    ),
    case(
        "smtpd_tls_exclude_ciphers",
        "aNULL, 3DES, RC4, MD5, SEED, IDEA, PSK, SRP, DSS",
        None,
        INTEROP,
        id="exclude-interop",
    ),
    case("smtp_tls_exclude_ciphers", "aNULL", None, id="exclude-outbound-interop"),
    case("smtp_tls_exclude_ciphers", None, None, id="exclude-outbound-none"),
    # Levels: promises, not an order.
    case("smtpd_tls_security_level", "encrypt", None, id="server-more"),
    case("smtpd_tls_security_level", "none", "never offers TLS", id="server-none"),
    case("smtpd_tls_security_level", None, "never offers TLS", id="server-unset"),
    case(
        "smtpd_tls_security_level",
        "may",
        "may is below encrypt",
        Choices(inbound_level="encrypt"),
        id="server-less",
    ),
    case("smtp_tls_security_level", "none", "none never encrypts", id="client-none"),
    case("smtp_tls_security_level", None, "none never encrypts", id="client-unset"),
    case("smtp_tls_security_level", None, None, host=NEW, id="client-unset-311"),
    case("smtp_tls_security_level", "dane", None, id="client-more"),
    case(
        "smtp_tls_security_level", "may", "may does not look at DANE records", DANE, id="dane-may"
    ),
    case(
        "smtp_tls_security_level",
        "encrypt",
        "encrypt does not look at DANE records",
        DANE,
        id="dane-encrypt",
    ),
    case("smtp_tls_security_level", "secure", None, DANE, id="dane-secure"),
    case("smtp_tls_security_level", "dane", "dane allows clear text", ENCRYPT, id="encrypt-dane"),
    case("smtp_tls_security_level", "dane-only", None, ENCRYPT, id="encrypt-dane-only"),
    case(
        "smtp_tls_security_level",
        "verify",
        "verify does not look at DANE records and trusts the names in the DNS",
        Choices(outbound_level="secure"),
        id="secure-verify",
    ),
    case(
        "smtp_tls_security_level", "bogus", "'bogus' is not a TLS security level", id="client-bogus"
    ),
    # Switches.
    case("smtpd_tls_auth_only", "no", "turns it off", id="auth-only-no"),
    case("smtpd_tls_auth_only", "Yes", None, id="auth-only-case"),
    case("smtpd_tls_auth_only", None, "turns it off", id="auth-only-unset"),
    case("disable_vrfy_command", "no", "turns it off", id="vrfy"),
    case(
        "disable_vrfy_command", "no", None, Choices(smtp_hygiene=False), id="vrfy-without-hygiene"
    ),
    case("smtpd_forbid_unauth_pipelining", None, None, id="pipelining-default"),
    case(
        "smtpd_forbid_unauth_pipelining",
        None,
        "turns it off",
        host=OLD,
        id="pipelining-default-of-35",
    ),
    case("cleanup_replace_stray_cr_lf", "no", "turns it off", id="stray-cr-lf"),
    case("cleanup_replace_stray_cr_lf", "yes", None, id="stray-cr-lf-default"),
    case("tls_append_default_CA", "yes", "turns it on", id="default-ca"),
    case("tls_append_default_CA", "no", None, id="default-ca-off"),
    case("smtpd_forbid_bare_newline", "no", "leaves SMTP smuggling open", id="newline-no"),
    case("smtpd_forbid_bare_newline", "reject", None, id="newline-reject"),
    case("smtpd_forbid_bare_newline", None, None, id="newline-default"),
    case(
        "smtpd_forbid_bare_newline",
        None,
        "leaves SMTP smuggling open",
        host=OLD,
        id="newline-default-of-35",
    ),
    # The rest.
    case(
        "smtp_tls_fingerprint_digest", "sha1", "sha1 fingerprints can be forged", id="digest-sha1"
    ),
    case("smtp_tls_fingerprint_digest", "sha512", None, id="digest-sha512"),
    case("smtp_tls_fingerprint_digest", None, None, id="digest-default"),
    case(
        "smtp_tls_fingerprint_digest",
        None,
        "md5 fingerprints can be forged",
        host=OLD,
        id="digest-default-of-35",
    ),
    case(
        "tls_high_cipherlist",
        "ALL",
        "replaces the suites of the grade with a list of its own",
        id="own-list",
    ),
    case("tls_high_cipherlist", None, None, id="no-own-list"),
    case(
        "tls_ssl_options", "NO_COMPRESSION", "lets clients renegotiate", host=OLD, id="options-less"
    ),
    case("tls_ssl_options", "NO_COMPRESSION, 0x40000000", None, host=OLD, id="options-bits"),
    case("tls_ssl_options", None, "lets clients renegotiate", host=OLD, id="options-unset"),
    case("tls_ssl_options", "NO_TICKET", None, id="options-harmless"),
    case(
        "tls_ssl_options",
        "LEGACY_SERVER_CONNECT",
        "talks to servers without secure renegotiation",
        id="options-legacy",
    ),
    case(
        "tls_ssl_options",
        "0x4",
        "talks to servers without secure renegotiation",
        id="options-legacy-bits",
    ),
    case(
        "tls_eecdh_auto_curves", "X25519 prime192v1", "offers the weak prime192v1", id="curves-weak"
    ),
    case("tls_eecdh_auto_curves", "X25519 prime256v1", None, id="curves-fine"),
    case("tls_ffdhe_auto_groups", "ffdhe3072", "offers ffdhe3072", id="groups"),
    case("tls_ffdhe_auto_groups", None, "offers ffdhe2048, ffdhe3072", id="groups-default"),
    case(
        "tls_ffdhe_auto_groups",
        "",
        "offers ffdhe2048, ffdhe3072",
        host=NEW,
        id="groups-in-the-curves",
    ),
    case("tls_ffdhe_auto_groups", "-ffdhe3072 -ffdhe2048", None, host=NEW, id="groups-taken-out"),
    case("tls_ffdhe_auto_groups", "-ffdhe3072", "offers ffdhe2048", host=NEW, id="groups-half-out"),
    case("tls_ffdhe_auto_groups", "ffdhe2048", None, INTEROP, id="groups-interop"),
    case(
        "tls_config_file",
        "none",
        "is not /etc/postfix/openssl-postfix.cnf",
        STRICT,
        id="config-file",
    ),
    case("tls_config_file", "none", None, id="config-file-not-strict"),
    case(
        "smtp_dns_support_level",
        "enabled",
        "takes DANE away: TLSA records are not looked up",
        DANE,
        id="dns",
    ),
    case("smtp_dns_support_level", "enabled", None, id="dns-without-dane"),
    # What inherits.
    case("tlsproxy_tls_protocols", ">=TLSv1", "allows TLSv1, TLSv1.1", id="tlsproxy"),
    case("tlsproxy_tls_protocols", None, None, id="tlsproxy-inherits"),
    case("postscreen_tls_security_level", "none", "never offers TLS", id="postscreen"),
    case("tlsproxy_client_security_level", "none", "none never encrypts", id="tlsproxy-client"),
    # Not judged.
    case("smtpd_tls_loglevel", "0", None, id="loglevel"),
    case("smtpd_use_tls", "no", None, id="superseded"),
    case("mynetworks", "0.0.0.0/0", None, id="not-in-the-table"),
]


LOW_COMPATIBILITY = NEW._replace(compatibility_level="2")
OLD_WITH_HIGH_COMPATIBILITY = OLD._replace(compatibility_level="3.11")
MD5 = "md5 fingerprints can be forged"
CASES += [
    case("smtp_tls_fingerprint_digest", None, MD5, host=LOW_COMPATIBILITY, id="digest-compatible"),
    case(
        "smtp_tls_fingerprint_digest",
        None,
        MD5,
        host=OLD_WITH_HIGH_COMPATIBILITY,
        id="digest-too-old",
    ),
    case(
        "smtp_tls_security_level",
        None,
        "none never encrypts",
        host=LOW_COMPATIBILITY,
        id="client-unset-compatible",
    ),
    case(
        "smtp_tls_security_level",
        None,
        "none never encrypts",
        host=OLD_WITH_HIGH_COMPATIBILITY,
        id="client-unset-too-old",
    ),
    case(
        "smtp_tls_security_level",
        "encrypt",
        "encrypt does not verify the server",
        Choices(outbound_level="verify"),
        id="verify-encrypt",
    ),
    case(
        "smtp_tls_security_level",
        "none",
        "none never encrypts",
        Choices(outbound_level="secure"),
        id="secure-none",
    ),
    *(
        case(
            "smtpd_tls_security_level",
            one,
            None,
            Choices(inbound_level="encrypt"),
            id=f"server-{one}",
        )
        for one in ("encrypt", "fingerprint", "verify", "secure")
    ),
    case("smtpd_tls_security_level", "dane", "dane is below may", id="server-dane"),
    case("smtpd_tls_auth_only", "yes\u00a0", "turns it off", id="not-a-blank-to-postfix"),
    case("smtpd_tls_auth_only", " yes\t", None, id="blanks"),
    case("smtpd_forbid_bare_newline", "note", None, id="newline-note"),
    case("tls_append_default_CA", None, None, id="default-ca-unset"),
    case(
        "tls_ffdhe_auto_groups",
        "ffdhe4096 ffdhe3072",
        "offers ffdhe3072, ffdhe4096",
        id="groups-two",
    ),
    *(
        case("smtpd_tls_exclude_ciphers", STRONG.replace("kDHE", one), None, id=f"exclude-{one}")
        for one in ("kEDH", "DH", "DHE", "EDH")
    ),
    *(
        case(
            "smtpd_tls_exclude_ciphers",
            STRONG.replace("kDHE", f"{one} ADH").replace("aNULL", "AECDH"),
            None,
            id=f"exclude-{one}-and-ADH",
        )
        for one in ("DHE", "EDH")
    ),
    *(
        case(
            "smtpd_tls_exclude_ciphers", STRONG.replace(word, others), None, id=f"exclude-{others}"
        )
        for word, others in (
            ("ARIA", "ARIA128 ARIA256"),
            ("PSK", "kPSK kRSAPSK kDHEPSK kECDHEPSK"),
        )
    ),
]


@pytest.mark.parametrize(("parameter", "value", "expected", "choices", "host"), CASES)
def test_weaker(
    parameter: str,
    value: t.Optional[str],
    expected: t.Optional[str],
    choices: Choices,
    host: Host,
) -> None:
    assert reason(parameter, value, choices, host) == expected


def test_weaker_shows_value_and_floor() -> None:
    assert weaker(HOST, choices=Choices(), overrides={"smtpd_tls_ciphers": "medium"}) == (
        Weaker("smtpd_tls_ciphers", value="medium", floor="high", reason="medium is below high"),
    )
    assert weaker(HOST, choices=Choices(), overrides={}) == ()


def test_mandatory_exclusions_count_with_the_list_they_are_added_to() -> None:
    name = "smtpd_tls_mandatory_exclude_ciphers"
    assert reason(name, "aNULL", Choices(), HOST) is None
    missing = "does not exclude kDHE, SHA1, SHA256, SHA384, CAMELLIA, ARIA, AESCCM8, AESCCM"
    assert (reason(name, "kRSA", INTEROP, HOST)) == missing
    both = reason(name, "aNULL", Choices(), HOST, smtpd_tls_exclude_ciphers="kRSA")
    assert both == missing + ", PSK, SRP, DSS"
    rest = STRONG.replace("aNULL, ", "")
    assert reason(name, "aNULL", Choices(), HOST, smtpd_tls_exclude_ciphers=rest) is None
    assert reason("smtp_tls_mandatory_exclude_ciphers", "aNULL", Choices(), HOST) == (
        "does not exclude kRSA, " + missing.partition("exclude ")[2] + ", PSK, SRP, DSS"
    )
    assert reason("tlsproxy_tls_mandatory_exclude_ciphers", "aNULL", Choices(), HOST) is None


@pytest.mark.parametrize(
    ("row", "choices", "expected"),
    [
        pytest.param(Policy("a.example", "secure"), Choices(), None, id="stronger"),
        pytest.param(Policy("a.example", "may"), Choices(), None, id="same"),
        pytest.param(
            Policy("a.example", "none"), Choices(), "a.example: none never encrypts", id="none"
        ),
        pytest.param(
            Policy("a.example", "may"), ENCRYPT, "a.example: may allows clear text", id="less"
        ),
        pytest.param(
            Policy("a.example", "encrypt", protocols=">=TLSv1"),
            Choices(),
            "a.example: allows TLSv1, TLSv1.1",
            id="mandatory-protocols",
        ),
        pytest.param(
            Policy("a.example", "may", protocols=">=TLSv1"), Choices(), None, id="opportunistic"
        ),
        pytest.param(
            Policy("a.example", "encrypt", ciphers="medium"),
            Choices(),
            "a.example: medium is below high",
            id="mandatory-grade",
        ),
        pytest.param(
            Policy("a.example", "encrypt", exclude=("AES128",)),
            Choices(),
            None,
            id="exclusions-are-added",
        ),
        pytest.param(
            Policy("a.example", "may", exclude=("aNULL",)),
            Choices(outbound_profile="intermediate"),
            "a.example: does not exclude kRSA, kDHE, SHA1, SHA256, SHA384, CAMELLIA, ARIA, AESCCM8,"
            " AESCCM, PSK, SRP, DSS",
            id="opportunistic-exclusions",
        ),
    ],
)
def test_weaker_rows_count_as_the_policy_table(
    row: Policy, choices: Choices, expected: t.Optional[str]
) -> None:
    chosen = Choices(
        outbound_level=choices.outbound_level,
        outbound_profile=choices.outbound_profile,
        policies=(row,),
    )
    found = weaker(HOST, choices=chosen, overrides={})
    assert [(one.parameter, one.reason) for one in found] == (
        [("smtp_tls_policy_maps", expected)] if expected else []
    )


@pytest.mark.parametrize("host", [HOST, OLD, NEW], ids=lambda one: str(one.postfix))
@pytest.mark.parametrize("choices", [Choices(), INTEROP, STRICT, DANE, ENCRYPT])
def test_our_own_values_are_never_weaker(host: Host, choices: Choices) -> None:
    own = {one.parameter: one.value for one in resolve(host, choices=choices, current={})}
    assert weaker(host, choices=choices, overrides=own) == ()


WORDS = st.sampled_from(
    [*STRONG.split(", "), "ADH", "AECDH", "kEDH", "SHA", "RSA", "AES128", "PSD"]
)


@given(st.lists(WORDS), st.lists(WORDS))
def test_excluding_more_is_never_weaker(words: list[str], more: list[str]) -> None:
    def missing(value: list[str]) -> set[str]:
        found = reason("smtpd_tls_exclude_ciphers", ", ".join(value), Choices(), HOST) or "exclude "
        return set(found.partition("exclude ")[2].split(", "))

    assert missing(words + more) - {""} <= missing(words)


NAMES = st.lists(st.sampled_from(["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3", "SSLv3"]), unique=True)


@given(NAMES)
def test_a_protocol_list_is_weaker_exactly_when_it_allows_more_or_loses_tls13(
    forbidden: list[str],
) -> None:
    value = ", ".join(f"!{one}" for one in forbidden)
    allows_more = {"SSLv3", "TLSv1", "TLSv1.1"} - set(forbidden)
    found = reason("smtpd_tls_protocols", value, Choices(), HOST)
    assert (found is not None) is bool(allows_more or "TLSv1.3" in forbidden)
