# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter gives the table's values, and refuses bad input in words."""

from __future__ import annotations

import sys
import types
import typing as t

import pytest

OPENSSL = "OpenSSL 3.5.7 9 Jun 2026"


class FilterError(Exception):
    """Stands for ansible.errors.AnsibleFilterError where Ansible is not installed."""


@pytest.fixture(name="call")
def fixture_call(monkeypatch: pytest.MonkeyPatch) -> t.Callable[..., dict[str, t.Optional[str]]]:
    """Return the filter, loaded without Ansible."""
    errors = types.ModuleType("ansible.errors")
    errors.AnsibleFilterError = FilterError  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "ansible", types.ModuleType("ansible"))
    monkeypatch.setitem(sys.modules, "ansible.errors", errors)
    name = "ansible_collections.hardened.mail.plugins.filter.postfix_settings"
    monkeypatch.delitem(sys.modules, name, raising=False)
    from ansible_collections.hardened.mail.plugins.filter.postfix_settings import FilterModule

    monkeypatch.delitem(sys.modules, name)
    return FilterModule().filters()["postfix_settings"]


def test_defaults_list_values_and_removals(call: t.Callable[..., t.Any]) -> None:
    found = call({}, postfix_version="3.10.13", tls_library=OPENSSL, map_types=["btree", "inline"])
    assert found["smtpd_tls_protocols"] == ">=TLSv1.2"
    assert found["smtpd_tls_security_level"] == "may"
    assert found["tls_ffdhe_auto_groups"] == ""
    assert found["smtp_tls_session_cache_database"] == "btree:${data_directory}/smtp_scache"
    assert found["smtpd_use_tls"] is None
    assert "smtpd_tls_chain_files" not in found


def test_removed_false_lists_values_only(call: t.Callable[..., t.Any]) -> None:
    found = call({}, postfix_version="3.5.25", tls_library="OpenSSL 1.1.1w", removed=False)
    assert found["smtpd_tls_protocols"] == "!SSLv2, !SSLv3, !TLSv1, !TLSv1.1"
    assert None not in found.values()
    assert "smtpd_use_tls" not in found


def test_every_choice_arrives(call: t.Callable[..., t.Any]) -> None:
    choices = {
        "inbound_profile": "strict",
        "outbound_profile": "intermediate",
        "inbound_level": "encrypt",
        "outbound_level": "secure",
        "smtp_hygiene": False,
        "outbound_wrappermode": True,
        "certificates": [
            {"certificate": "/c.pem", "private_key": "/k.pem", "names": ["mx.example"]}
        ],
        "policies": [
            {
                "destination": "a.example",
                "level": "secure",
                "match": ["b.example"],
                "protocols": ">=TLSv1.2",
                "ciphers": "high",
                "exclude": ["AES128"],
                "servername": "b.example",
            }
        ],
    }
    found = call(
        choices,
        postfix_version="3.10.13",
        tls_library=OPENSSL,
        ca_file="/ca.pem",
        config_directory="/etc/postfix-out",
    )
    assert found["tls_config_file"] == "/etc/postfix-out/openssl-postfix.cnf"
    assert found["smtp_tls_protocols"] == ">=TLSv1.2"
    assert found["smtpd_tls_security_level"] == "encrypt"
    assert found["smtp_tls_security_level"] == "secure"
    assert found["smtp_tls_CAfile"] == "/ca.pem"
    assert found["smtp_tls_wrappermode"] == "yes"
    assert found["smtpd_tls_chain_files"] == "/k.pem, /c.pem"
    assert "disable_vrfy_command" not in found
    assert (
        "{ a.example = secure match=b.example protocols=>=TLSv1.2 ciphers=high exclude=AES128:"
        in found["smtp_tls_policy_maps"]
    )
    assert found["smtp_tls_policy_maps"].endswith(" servername=b.example } }")


def test_observe_and_an_undecided_wrapper_arrive(call: t.Callable[..., t.Any]) -> None:
    choices = {"observe": True, "outbound_wrappermode": None}
    found = call(choices, postfix_version="3.10.13", tls_library=OPENSSL)
    assert found == {"smtpd_tls_loglevel": "1", "smtp_tls_loglevel": "1"}


BAD = [
    pytest.param("x", "the input is 'x': expected a dictionary", id="no-dictionary"),
    pytest.param(
        {"profile": "strict"}, "the input: unknown profile: expected inbound_prof", id="key"
    ),
    pytest.param({"inbound_profile": 1}, "inbound_profile is 1: expected a string", id="text"),
    pytest.param({"inbound_profile": "x"}, "inbound_profile is 'x': expected one of", id="profile"),
    pytest.param(
        {"smtp_hygiene": "yes"}, "smtp_hygiene is 'yes': expected true or false", id="switch"
    ),
    pytest.param({"observe": None}, "observe is None: expected true or false", id="no-switch"),
    pytest.param({"policies": {}}, "policies is {}: expected a list", id="list"),
    pytest.param(
        {"certificates": [{"certificate": "/c.pem"}]},
        "certificates: private_key is missing",
        id="missing",
    ),
    pytest.param(
        {"policies": [{"destination": "a.example", "level": "x"}]},
        "policies: a.example: level is 'x'",
        id="row-level",
    ),
]


@pytest.mark.parametrize(("choices", "words"), BAD)
def test_bad_choices_are_refused_in_words(
    call: t.Callable[..., t.Any], choices: t.Any, words: str
) -> None:
    with pytest.raises(FilterError) as caught:
        call(choices, postfix_version="3.10.13", tls_library=OPENSSL)
    assert str(caught.value).startswith("hardened.mail.postfix_settings: ")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("version", "library", "words"),
    [
        ("new", OPENSSL, "'new' is not a Postfix version"),
        ("3.10.13", "none", "'none' is not a TLS library"),
        ("3.5.18", "OpenSSL 1.1.1w", "the profile strict needs the parameter tls_config_file"),
    ],
)
def test_bad_hosts_are_refused_in_words(
    call: t.Callable[..., t.Any], version: str, library: str, words: str
) -> None:
    with pytest.raises(FilterError) as caught:
        call({"inbound_profile": "strict"}, postfix_version=version, tls_library=library)
    assert words in str(caught.value)
