# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What choices come to in the words of 2.3 and of 2.4."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.dovecot.drop_in import quoted, render
from ansible_collections.hardened.mail.plugins.module_utils.policy import dovecot_choices as c
from ansible_collections.hardened.mail.plugins.module_utils.policy.dovecot_databases import (
    databases,
    translated,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.dovecot_resolve import (
    DovecotHost,
    normal,
    resolve,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.dovecot_settings import SETTINGS
from ansible_collections.hardened.mail.plugins.module_utils.policy.profiles import (
    CertificateChoice,
    ChoiceError,
)

OLD = DovecotHost((2, 3, 19), (3, 0), ("imap", "lmtp"))
NEW = DovecotHost((2, 4, 1), (3, 5), ("imap", "pop3", "sieve"))
PLAIN = c.DovecotChoices()
SQL = c.SqlChoice(
    "pgsql",
    "SELECT password FROM users WHERE name = '%u'",
    host="db",
    database="m",
    user="u",
    password="s3cret",
)
LDAP = c.LdapChoice(("ldaps://l.example",), "dc=example", "cn=a", "s3cret")


def written(choices: c.DovecotChoices, host: DovecotHost, **more: t.Any) -> dict[str, str]:
    return {" ".join((*one.section, one.name)): one.value for one in resolve(choices, host, **more)}


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        pytest.param(
            OLD,
            {
                "ssl": "required",
                "disable_plaintext_auth": "yes",
                "ssl_prefer_server_ciphers": "no",
                "ssl_curve_list": "X25519:prime256v1:secp384r1",
                "protocol imap mail_max_userip_connections": "10",
            },
            id="2.3",
        ),
        pytest.param(
            NEW,
            {
                "ssl": "required",
                "auth_allow_cleartext": "no",
                "ssl_server_prefer_ciphers": "client",
                "ssl_curve_list": "X25519MLKEM768:X25519:prime256v1:secp384r1",
                "protocol sieve mail_max_userip_connections": "10",
            },
            id="2.4",
        ),
    ],
)
def test_resolve_speaks_the_language_of_the_version(
    host: DovecotHost, expected: dict[str, str]
) -> None:
    found = written(PLAIN, host)
    assert {name: found.get(name) for name in expected} == expected
    other = "auth_allow_cleartext" if host is OLD else "disable_plaintext_auth"
    assert other not in found
    assert not any(
        "cert" in name or "local_name" in name or "unix_listener /" in name for name in found
    )


def test_resolve_names_certificates_and_sni() -> None:
    choices = replace(
        PLAIN,
        certificates=(CertificateChoice("/c1", "/k1"), CertificateChoice("/c2", "/k2")),
        sni=(c.SniChoice(("a.example", "b.example"), "/c3", "/k3"),),
    )
    old, new = written(choices, OLD), written(choices, NEW)
    assert (old["ssl_cert"], old["ssl_alt_key"]) == ("</c1", "</k2")
    assert (new["ssl_server_cert_file"], new["ssl_server_alt_key_file"]) == ("/c1", "/k2")
    assert old["local_name b.example ssl_cert"] == "</c3"
    assert new["local_name a.example ssl_server_key_file"] == "/k3"


def test_resolve_writes_the_socket() -> None:
    choices = replace(PLAIN, socket=c.SocketChoice("/q/private/auth", "postfix", "mail", "0660"))
    head = "service auth unix_listener /q/private/auth"
    found = written(choices, NEW)
    assert [found[f"{head} {name}"] for name in ("mode", "user", "group")] == [
        "0660",
        "postfix",
        "mail",
    ]


def test_resolve_allows_the_characters_of_unusual_names() -> None:
    names = ("jürgen müller", "bob@example.com")
    value = written(PLAIN, OLD, user_names=names)["auth_username_chars"]
    assert set("ü ") <= set(value)
    assert value == value.strip()
    again = replace(OLD, username_chars=value)
    assert written(PLAIN, again, user_names=names)["auth_username_chars"] == value
    assert "auth_username_chars" not in written(PLAIN, OLD, user_names=("bob@example.com",))
    assert "auth_username_chars" not in written(
        PLAIN, replace(OLD, username_chars=""), user_names=names
    )


def test_every_setting_has_a_reason_and_a_source() -> None:
    assert [
        one for one in SETTINGS if not one.reason or not one.source or not (one.old or one.new)
    ] == []


@pytest.mark.parametrize(
    ("choices", "old", "new"),
    [
        pytest.param(
            replace(PLAIN, passdb="passwd_file", users_file="/u"),
            "passdb {\n  driver = passwd-file\n  args = scheme=SHA512-CRYPT username_format=%u /u\n}\n",
            "passdb hardened_mail {\n  driver = passwd-file\n  passwd_file_path = /u\n"
            "  passdb_default_password_scheme = SHA512-CRYPT\n  passdb_use_worker = yes\n}\n",
            id="passwd-file",
        ),
        pytest.param(
            replace(PLAIN, passdb="pam", pam_service="imap"),
            "passdb {\n  driver = pam\n  args = imap\n}\n",
            "passdb hardened_mail {\n  driver = pam\n  passdb_pam_service_name = imap\n}\n",
            id="pam",
        ),
        pytest.param(
            replace(PLAIN, userdb="static", static=c.StaticUserdb("vmail", "vmail", "/v/%d/%n")),
            "userdb {\n  driver = static\n  args = uid=vmail gid=vmail home=/v/%d/%n\n}\n",
            "userdb hardened_mail {\n  driver = static\n  fields {\n    uid = vmail\n    gid = vmail\n"
            '    home = "/v/%{user | domain}/%{user | username}"\n  }\n}\n',
            id="static",
        ),
        pytest.param(
            replace(PLAIN, userdb="system"),
            "userdb {\n  driver = passwd\n}\n",
            "userdb hardened_mail {\n  driver = passwd\n}\n",
            id="system",
        ),
    ],
)
def test_databases_in_both_languages(choices: c.DovecotChoices, old: str, new: str) -> None:
    for text, is_new in ((old, False), (new, True)):
        found = databases(choices, new=is_new, directory="/d")
        assert render(found.lines).partition("\n")[2] == text
        assert found.secrets == {}


@pytest.mark.parametrize("new", [False, True], ids=["2.3", "2.4"])
@pytest.mark.parametrize("kind", ["sql", "ldap"])
def test_secrets_of_servers_are_in_no_line(kind: str, new: bool) -> None:
    choices = replace(
        PLAIN, passdb=kind, userdb=kind, sql=replace(SQL, user_query="SELECT 1"), ldap=LDAP
    )
    found = databases(choices, new=new, directory="/d")
    assert "s3cret" not in render(found.lines)
    assert list(found.secrets) == (["secrets"] if new else [kind])
    assert "s3cret" in "".join(found.secrets.values())


def test_the_root_of_a_directory_reaches_the_library_of_openldap() -> None:
    """2.4 does not hand its own setting on."""
    choices = replace(PLAIN, passdb="ldap", ldap=replace(LDAP, ca_file="/r.pem"))
    text = render(databases(choices, new=True, directory="/d").lines)
    assert "ssl_client_ca_file = /r.pem\n" in text
    assert "import_environment {\n  LDAPTLS_CACERT = /r.pem\n}\n" in text


def test_translated_leaves_other_percent_signs() -> None:
    assert (
        translated("%u %n@%d %% LIKE '%x'")
        == "%{user} %{user | username}@%{user | domain} %% LIKE '%x'"
    )


@pytest.mark.parametrize(
    ("choices", "told"),
    [
        pytest.param(replace(PLAIN, profile="interop"), "profile is 'interop'", id="profile"),
        pytest.param(replace(PLAIN, mechanisms=()), "nobody could log in", id="mechanisms"),
        pytest.param(replace(PLAIN, failure_delay=61), "failure_delay is 61", id="delay"),
        pytest.param(replace(PLAIN, max_connections=0), "max_connections is 0", id="connections"),
        pytest.param(
            replace(PLAIN, certificates=(CertificateChoice("/a", "/b"),) * 3),
            "takes two",
            id="three",
        ),
        pytest.param(
            replace(PLAIN, certificates=(CertificateChoice("a b", "/b"),)),
            "'a b' is not the absolute",
            id="path",
        ),
        pytest.param(
            replace(PLAIN, users_file="/a\nb"), "is not the absolute name", id="users-file"
        ),
        pytest.param(
            replace(PLAIN, sni=(c.SniChoice((), "/a", "/b"),)), "is for no name", id="sni-none"
        ),
        pytest.param(
            replace(PLAIN, sni=(c.SniChoice(("a {",), "/a", "/b"),)),
            "'a {' is not a host name",
            id="sni-name",
        ),
        pytest.param(
            replace(PLAIN, sni=(c.SniChoice(("a.b", "A.b"), "/a", "/b"),)),
            "is there twice",
            id="sni-twice",
        ),
        pytest.param(
            replace(PLAIN, socket=c.SocketChoice("/a b", "x", "y")), "is not a word", id="socket"
        ),
        pytest.param(
            replace(PLAIN, socket=c.SocketChoice("/a", "x\n", "y")),
            "not a name of an account",
            id="owner",
        ),
        pytest.param(
            replace(PLAIN, passdb="pam", pam_service="a\nb"), "pam_service: 'a\\nb'", id="pam"
        ),
        pytest.param(replace(PLAIN, userdb="static"), "needs uid, gid and home", id="static"),
        pytest.param(replace(PLAIN, passdb="sql"), "sql needs a driver", id="sql"),
        pytest.param(
            replace(PLAIN, passdb="sql", sql=replace(SQL, host="")), "needs host", id="sql-host"
        ),
        pytest.param(
            replace(PLAIN, passdb="sql", sql=replace(SQL, password="a b")),
            "password has a blank",
            id="sql-password",
        ),
        pytest.param(
            replace(PLAIN, passdb="sql", sql=replace(SQL, password_query="a\nb")),
            "control character",
            id="sql-query",
        ),
        pytest.param(replace(PLAIN, userdb="sql", sql=SQL), "needs user_query", id="sql-user"),
        pytest.param(replace(PLAIN, passdb="ldap"), "ldap needs uris and base", id="ldap"),
        pytest.param(
            replace(PLAIN, passdb="ldap", ldap=replace(LDAP, uris=("http://x",))),
            "is not an address",
            id="ldap-uri",
        ),
        pytest.param(
            replace(PLAIN, passdb="ldap", ldap=replace(LDAP, filter="(a=b)")),
            "does not ask for a user",
            id="ldap-filter",
        ),
        pytest.param(
            replace(PLAIN, passdb="ldap", ldap=replace(LDAP, bind_password="")),
            "needs bind_password",
            id="ldap-password",
        ),
    ],
)
def test_validate_refuses(choices: c.DovecotChoices, told: str) -> None:
    with pytest.raises(ChoiceError) as caught:
        c.validate(choices)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a b", "a b"),
        ("", ""),
        ("</a", "</a"),
        ("a#b", '"a#b"'),
        ("a  b", '"a  b"'),
        (" a", '" a"'),
        ('a"b\\c', '"a\\"b\\\\c"'),
        ("'%{user}'", "\"'%{user}'\""),
    ],
)
def test_quoted(value: str, text: str) -> None:
    assert quoted(value) == text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("0", "0 secs"),
        ("00", "0"),
        ("2G", "2 G"),
        ("2 secs", "2secs"),
        ("plain  login", "plain login"),
    ],
)
def test_normal_is_the_same_for_two_spellings(one: str, other: str) -> None:
    assert normal(one) == normal(other)
