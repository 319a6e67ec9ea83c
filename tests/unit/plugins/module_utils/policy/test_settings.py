# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings table: its shape, and the values that facts on real daemons call for."""

from __future__ import annotations

import pathlib
import re

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.policy import floor, settings
from ansible_collections.hardened.mail.plugins.module_utils.policy.resolve import (
    CertificateChoice,
    Choices,
    Decision,
    Host,
    Policy,
    owned_parameters,
    resolve,
)
from ansible_collections.hardened.mail.plugins.module_utils.postfix import values
from ansible_collections.hardened.mail.plugins.module_utils.postfix.version import (
    TlsLibrary,
    Version,
)

FIXTURES = pathlib.Path(__file__).parents[3] / "fixtures"
RECORDED = ("3.5.25", "3.7.11", "3.10.13", "3.11.7")

# The exclusions that leave ECDHE with AEAD, run on all four versions and seen by sslyze.
STRONG = "aNULL, kRSA, kDHE, SHA1, SHA256, SHA384, CAMELLIA, ARIA, AESCCM8, AESCCM, PSK, SRP, DSS"
OLD_TLS12 = "!SSLv2, !SSLv3, !TLSv1, !TLSv1.1"


def recorded_host(version: str) -> Host:
    lines = (FIXTURES / f"postconf-d-{version}.txt").read_text().splitlines()
    return Host(
        postfix=Version.parse(version),
        tls_library=TlsLibrary.parse((FIXTURES / f"postconf-T-{version}.txt").read_text()),
        map_types=frozenset((FIXTURES / f"postconf-m-{version}.txt").read_text().split()),
        ca_file="/etc/ssl/certs/ca-certificates.crt",
        known_parameters=frozenset(line.partition(" =")[0] for line in lines),
    )


def decided(version: str, choices: Choices) -> dict[str, Decision]:
    return {
        one.parameter: one for one in resolve(recorded_host(version), choices=choices, current={})
    }


# What a host gets when nothing is chosen: the same everywhere, then what differs.
EVERYWHERE = {
    "smtpd_tls_security_level": "may",
    "smtpd_tls_auth_only": "yes",
    "smtpd_tls_ciphers": "high",
    "smtpd_tls_mandatory_ciphers": "high",
    "smtpd_tls_exclude_ciphers": STRONG,
    "smtpd_tls_mandatory_exclude_ciphers": STRONG,
    "smtpd_tls_fingerprint_digest": "sha256",
    "smtpd_tls_loglevel": "1",
    "smtpd_tls_received_header": "yes",
    "smtp_tls_security_level": "may",
    "smtp_tls_ciphers": "medium",
    "smtp_tls_mandatory_ciphers": "high",
    "smtp_tls_mandatory_exclude_ciphers": STRONG,
    "smtp_tls_fingerprint_digest": "sha256",
    "smtp_tls_loglevel": "1",
    "lmtp_tls_ciphers": "medium",
    "lmtp_tls_mandatory_ciphers": "high",
    "lmtp_tls_mandatory_exclude_ciphers": STRONG,
    "lmtp_tls_fingerprint_digest": "sha256",
    "lmtp_tls_loglevel": "1",
    "tls_preempt_cipherlist": "no",
    "disable_vrfy_command": "yes",
    "smtpd_helo_required": "yes",
    "smtpd_forbid_bare_newline": "normalize",
    "smtpd_forbid_unauth_pipelining": "yes",
}
BTREE = "btree:${data_directory}/smtp_scache"
SINCE_36 = {
    "smtpd_tls_protocols": ">=TLSv1.2",
    "smtpd_tls_mandatory_protocols": ">=TLSv1.2",
    "smtp_tls_protocols": ">=TLSv1",
    "smtp_tls_mandatory_protocols": ">=TLSv1.2",
    "lmtp_tls_protocols": ">=TLSv1",
    "lmtp_tls_mandatory_protocols": ">=TLSv1.2",
}
DIFFERS = {
    "3.5.25": {
        "smtpd_tls_protocols": OLD_TLS12,
        "smtpd_tls_mandatory_protocols": OLD_TLS12,
        "smtp_tls_protocols": "!SSLv2, !SSLv3",
        "smtp_tls_mandatory_protocols": OLD_TLS12,
        "lmtp_tls_protocols": "!SSLv2, !SSLv3",
        "lmtp_tls_mandatory_protocols": OLD_TLS12,
        "smtp_tls_session_cache_database": BTREE,
        "tls_ssl_options": "NO_RENEGOTIATION",
    },
    "3.7.11": {**SINCE_36, "smtp_tls_session_cache_database": BTREE},
    "3.10.13": {
        **SINCE_36,
        "smtp_tls_session_cache_database": BTREE,
        "tls_eecdh_auto_curves": "X25519 X25519MLKEM768 prime256v1 secp384r1",
        "tls_ffdhe_auto_groups": "",
    },
    "3.11.7": {
        **SINCE_36,
        "smtp_tls_session_cache_database": "lmdb:${data_directory}/smtp_scache",
        "tls_ffdhe_auto_groups": "-ffdhe2048 -ffdhe3072",
    },
}


@pytest.mark.parametrize("version", RECORDED)
def test_defaults_give_exactly_these_values(version: str) -> None:
    found = {
        name: one.value
        for name, one in decided(version, Choices()).items()
        if one.value is not None
    }
    assert found == {**EVERYWHERE, **DIFFERS[version]}


# Superseded spellings, and what the defaults do better; these must not be in main.cf.
GONE = """
    smtpd_use_tls smtpd_enforce_tls smtp_use_tls smtp_enforce_tls lmtp_use_tls lmtp_enforce_tls
    smtp_tls_per_site lmtp_tls_per_site smtp_tls_enforce_peername lmtp_tls_enforce_peername
    smtpd_tls_dh1024_param_file smtpd_tls_dh512_param_file smtpd_tls_eecdh_grade
    tls_eecdh_strong_curve tls_eecdh_ultra_curve tls_low_cipherlist tls_export_cipherlist
    tls_medium_cipherlist tls_high_cipherlist tls_null_cipherlist smtpd_tls_cipherlist
    smtp_tls_cipherlist smtpd_tls_wrappermode smtpd_tls_session_cache_database
    lmtp_tls_session_cache_database smtpd_tls_ask_ccert smtpd_tls_req_ccert tls_random_source
    tls_disable_workarounds tls_append_default_CA tls_session_ticket_cipher
    smtp_tls_note_starttls_offer lmtp_tls_note_starttls_offer smtp_tls_exclude_ciphers
    lmtp_tls_exclude_ciphers postscreen_use_tls postscreen_enforce_tls tlsproxy_use_tls
    tlsproxy_enforce_tls tlsproxy_client_use_tls tlsproxy_client_enforce_tls
    tlsproxy_client_per_site postscreen_tls_security_level tlsproxy_tls_security_level
    tlsproxy_tls_protocols tlsproxy_tls_mandatory_protocols tlsproxy_tls_ciphers
    tlsproxy_tls_mandatory_ciphers tlsproxy_tls_exclude_ciphers
    tlsproxy_tls_mandatory_exclude_ciphers tlsproxy_tls_fingerprint_digest tlsproxy_tls_ask_ccert
    tlsproxy_tls_req_ccert tlsproxy_tls_loglevel tlsproxy_tls_eecdh_grade
    tlsproxy_tls_dh1024_param_file tlsproxy_tls_dh512_param_file tlsproxy_client_security_level
    tlsproxy_client_level tlsproxy_client_policy_maps tlsproxy_client_policy tlsproxy_client_loglevel
    tlsproxy_client_fingerprint_digest cleanup_replace_stray_cr_lf
"""


@pytest.mark.parametrize("version", RECORDED)
def test_defaults_remove_exactly_these(version: str) -> None:
    found = {name for name, one in decided(version, Choices()).items() if one.value is None}
    differ = {"tls_ssl_options", "tls_eecdh_auto_curves", "tls_ffdhe_auto_groups"}
    assert found == set(GONE.split()) | (differ - set(DIFFERS[version]))


def test_no_parameter_is_in_the_table_twice() -> None:
    names = [one.parameter for one in settings.SETTINGS]
    assert len(names) == len(set(names)) == len(owned_parameters())


@pytest.mark.parametrize(
    "name", ["smtpd_sasl_auth_enable", "relayhost", "mynetworks", "smtpd_relay_restrictions"]
)
def test_other_owners_parameters_are_not_in_the_table(name: str) -> None:
    assert name not in owned_parameters()
    assert owned_parameters("postfix_submission") == frozenset()


@pytest.mark.parametrize("setting", settings.SETTINGS, ids=lambda one: one.parameter)
def test_every_setting_is_whole(setting: settings.Setting) -> None:
    assert setting.area in settings.AREAS
    assert setting.rules[-1].when == "", "the last rule must hold everywhere"
    for text in [setting.reason, *(one.reason for one in setting.rules if one.reason)]:
        assert re.fullmatch(r"[A-Za-z][^\n]{10,140}\.", text), text
    if setting.judge not in ("", "like"):
        floor.default(setting.judge, parameter=setting.parameter, host=recorded_host("3.7.11"))
    if setting.judge == "like":
        assert settings.BY_NAME[setting.like].judge not in ("", "like")


# Names that no Postfix of the laboratory knows; they are in the table to be removed.
OLDER_THAN_THE_LABORATORY = {"smtpd_tls_cipherlist", "smtp_tls_cipherlist"}


def test_every_name_is_spelt_as_postfix_spells_it() -> None:
    known = frozenset[str]().union(
        *(recorded_host(version).known_parameters or frozenset() for version in RECORDED)
    )
    assert owned_parameters() - known == OLDER_THAN_THE_LABORATORY


EVERY_CHOICE = [
    Choices(
        inbound_profile=inbound,
        outbound_profile=outbound,
        inbound_level=level_in,
        outbound_level=level_out,
        certificates=(CertificateChoice("/etc/x/chain.pem", "/etc/x/key.pem"),),
        policies=(Policy("relay.example", "secure", match=(".relay.example",), ciphers="high"),),
        outbound_wrappermode=None if level_out.startswith("dane") else True,
    )
    for inbound in ("interop", "intermediate", "strict")
    for outbound in ("interop", "intermediate", "strict")
    for level_in, level_out in (
        *(("may", one) for one in ("may", "dane", "dane-only", "verify", "secure")),
        ("encrypt", "encrypt"),
    )
]


@pytest.mark.parametrize("version", RECORDED)
def test_every_value_is_valid_for_the_postfix_that_gets_it(version: str) -> None:
    host = recorded_host(version)
    assert host.known_parameters is not None
    for choices in EVERY_CHOICE:
        for one in resolve(host, choices=choices, current={}):
            if one.value is None:
                continue
            assert one.parameter in host.known_parameters
            problem = values.check(
                one.parameter,
                one.value.replace("${data_directory}", "/var/lib/postfix"),
                postfix=host.postfix,
                tls_library=host.tls_library,
                map_types=host.map_types,
            )
            assert problem is None, (one, choices)
            assert re.search(r"(?<!\$)\{\w+\}", one.value) is None, (
                "a placeholder was not filled in"
            )


def test_mandatory_floors_do_not_depend_on_the_profile() -> None:
    for version in RECORDED:
        found = {
            tuple(
                (name, one.value)
                for name, one in decided(version, choices).items()
                if "_mandatory_" in name
            )
            for choices in EVERY_CHOICE
        }
        assert len(found) == 1


INTEROP = [
    ("smtpd_tls_protocols", ">=TLSv1"),
    ("smtpd_tls_mandatory_protocols", ">=TLSv1.2"),
    ("smtpd_tls_ciphers", "medium"),
    ("smtpd_tls_exclude_ciphers", "aNULL, 3DES, RC4, MD5, SEED, IDEA, PSK, SRP, DSS"),
    ("smtpd_tls_mandatory_exclude_ciphers", STRONG),
    ("tls_preempt_cipherlist", "yes"),
    ("tls_ffdhe_auto_groups", None),
]


@pytest.mark.parametrize(("parameter", "value"), INTEROP)
def test_interop_inbound(parameter: str, value: str) -> None:
    assert decided("3.10.13", Choices(inbound_profile="interop"))[parameter].value == value


def test_interop_says_what_it_costs() -> None:
    interop = Choices(inbound_profile="interop")
    for name in ("smtpd_tls_protocols", "smtpd_tls_ciphers", "smtpd_tls_exclude_ciphers"):
        assert "TLS 1.0 and 1.1" in (decided("3.10.13", interop)[name].cost or "")
        assert decided("3.10.13", Choices())[name].cost is None
    assert "clear text" in (decided("3.10.13", Choices())["smtp_tls_protocols"].cost or "")


@pytest.mark.parametrize("profile", ["intermediate", "strict"])
def test_outbound_profile_raises_the_opportunistic_floor(profile: str) -> None:
    found = decided("3.10.13", Choices(outbound_profile=profile))
    for prefix in ("smtp", "lmtp"):
        assert found[f"{prefix}_tls_protocols"].value == ">=TLSv1.2"
        assert found[f"{prefix}_tls_ciphers"].value == "high"
        assert found[f"{prefix}_tls_exclude_ciphers"].value == STRONG


# 3.6, 3.8 and 3.9 from the documentation: nobody ran them.
BY_DOCUMENTATION = [
    pytest.param("3.6.19", "OpenSSL 3.0.2", "tls_ffdhe_auto_groups", None, id="no-groups-yet"),
    pytest.param("3.8.6", "OpenSSL 3.0.13", "tls_ffdhe_auto_groups", "", id="groups-off"),
    pytest.param("3.8.5", "OpenSSL 3.5.1", "tls_eecdh_auto_curves", None, id="curves-not-yet"),
    pytest.param("3.9.1", "OpenSSL 3.5.1", "tls_eecdh_auto_curves", None, id="curves-not-in-39"),
    pytest.param(
        "3.6.4", "OpenSSL 1.1.1f", "tls_ssl_options", "NO_RENEGOTIATION", id="renegotiation"
    ),
    pytest.param("3.8.0", "OpenSSL 1.1.1f", "tls_ssl_options", None, id="postfix-does-it"),
    pytest.param("3.6.0", "OpenSSL 3.0.2", "smtpd_tls_protocols", ">=TLSv1.2", id="floor-syntax"),
    pytest.param(
        "3.6.14", "OpenSSL 3.0.2", "smtpd_forbid_bare_newline", "normalize", id="backport"
    ),
    pytest.param("3.6.13", "OpenSSL 3.0.2", "smtpd_forbid_bare_newline", "yes", id="first-fix"),
    pytest.param(
        "3.6.10", "OpenSSL 3.0.2", "smtpd_forbid_unauth_pipelining", "yes", id="pipelining"
    ),
    pytest.param(
        "3.6.12",
        "OpenSSL 3.0.2",
        "smtpd_discard_ehlo_keywords",
        "chunking, silent-discard",
        id="workaround-bdat",
    ),
    pytest.param(
        "3.6.9",
        "OpenSSL 3.0.2",
        "smtpd_data_restrictions",
        "reject_unauth_pipelining",
        id="workaround-pipelining",
    ),
]


@pytest.mark.parametrize(("version", "library", "parameter", "value"), BY_DOCUMENTATION)
def test_values_from_the_documentation(
    version: str, library: str, parameter: str, value: str
) -> None:
    host = Host(Version.parse(version), TlsLibrary.parse(library), frozenset({"hash"}))
    found = {one.parameter: one for one in resolve(host, choices=Choices(), current={})}
    assert found[parameter].value == value
    assert not found[parameter].ran


@pytest.mark.parametrize(
    ("version", "absent"),
    [
        pytest.param("3.6.12", "smtpd_forbid_bare_newline", id="no-newline-parameter"),
        pytest.param("3.6.9", "smtpd_forbid_unauth_pipelining", id="no-pipelining-parameter"),
        pytest.param("3.6.13", "smtpd_discard_ehlo_keywords", id="no-workaround-needed"),
        pytest.param("3.6.10", "smtpd_data_restrictions", id="no-restriction-needed"),
    ],
)
def test_what_a_patch_level_does_not_need_is_left_out(version: str, absent: str) -> None:
    host = Host(Version.parse(version), TlsLibrary.parse("OpenSSL 3.0.2"), frozenset())
    assert absent not in {one.parameter for one in resolve(host, choices=Choices(), current={})}


@pytest.mark.parametrize(
    ("version", "library", "ran"),
    [
        ("3.5.25", "OpenSSL 1.1.1w", True),
        ("3.7.11", "OpenSSL 3.0.22", True),
        ("3.10.13", "OpenSSL 3.5.7", True),
        ("3.11.7", "OpenSSL 3.6.5", True),
        ("3.8.6", "OpenSSL 3.0.13", False),
        ("3.10.13", "LibreSSL 3.8.2", False),
    ],
)
def test_ran_says_what_the_laboratory_has(version: str, library: str, ran: bool) -> None:
    host = Host(Version.parse(version), TlsLibrary.parse(library), frozenset())
    found = {one.parameter: one for one in resolve(host, choices=Choices(), current={})}
    assert found["smtpd_tls_protocols"].ran is ran
