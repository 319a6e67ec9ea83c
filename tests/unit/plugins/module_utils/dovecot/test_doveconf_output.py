# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What doveconf prints, read.

The fixtures doveconf-n-VERSION.txt and doveconf-a-VERSION.txt are what ``doveconf -P -n`` and ``doveconf -P -a`` of
Debian 11, 12, 13 and sid print of one configuration in the words of 2.3 and of 2.4; the lines with the kernel and
the name of the host were taken out.
"""

from __future__ import annotations

import pathlib

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.dovecot.doveconf_output import (
    MASK,
    Block,
    DoveconfSyntaxError,
    Header,
    Message,
    header,
    masked,
    messages,
    parse,
    without_secrets,
)
from hypothesis import given
from hypothesis import strategies as st

FIXTURES = pathlib.Path(__file__).resolve().parents[3] / "fixtures"
OLD = ("2.3.13", "2.3.19")
NEW = ("2.4.1", "2.4.5")
HEAD = "# 2.4.1-4 (7d8c0e5759): /etc/dovecot/dovecot.conf\n"


def recorded(option: str, version: str) -> str:
    return (FIXTURES / f"doveconf-{option}-{version}.txt").read_text(encoding="utf-8")


def child(block: Block, kind: str, name: str = "") -> Block:
    (found,) = [one for one in block.children(kind) if one.name == name]
    return found


@pytest.mark.parametrize("version", OLD + NEW)
@pytest.mark.parametrize("option", ["n", "a"])
def test_the_header_has_version_and_file(option: str, version: str) -> None:
    numbers = tuple(map(int, version.split(".")))
    assert header(recorded(option, version)) == Header(numbers, "/srv/dovecot.conf")  # type: ignore[arg-type]


@pytest.mark.parametrize("version", OLD + NEW)
@pytest.mark.parametrize("option", ["n", "a"])
def test_settings_are_the_same_in_both_forms(option: str, version: str) -> None:
    block = parse(recorded(option, version))
    assert block.value("ssl") == "required"
    assert block.words("protocols") == ["imap"]
    assert block.words("auth_mechanisms") == ["plain", "login"]
    assert block.value("login_greeting") == "Hello # world"


@pytest.mark.parametrize("version", OLD + NEW)
def test_secrets_are_gone_and_paths_are_not(version: str) -> None:
    for option in ("n", "a"):
        text = recorded(option, version)
        block = parse(text)
        assert "geheimnis" in text
        assert "geheimnis" not in repr(block)
        assert block.value("doveadm_password") == MASK
        old = version in OLD
        assert block.value("ssl_key_password" if old else "ssl_server_key_password") == MASK
        key = block.value("ssl_key" if old else "ssl_server_key_file")
        assert key == ("</etc/ssl/mx.example.key" if old else "/etc/ssl/mx.example.key")


@pytest.mark.parametrize("version", OLD + NEW)
def test_sections_keep_kind_name_and_depth(version: str) -> None:
    block = parse(recorded("n", version))
    listener = child(
        child(block, "service", "auth"), "unix_listener", "/var/spool/postfix/private/auth"
    )
    assert dict(listener.settings) == {"group": "postfix", "mode": "0660", "user": "postfix"}
    assert (
        child(child(block, "service", "imap-login"), "inet_listener", "imap").value("port") == "0"
    )
    titles = [title for title, _inner in block.filters()]
    assert sorted(titles) == [
        "local 192.0.2.1",
        "local 192.0.2.1 protocol imap",
        "local_name imap.example",
        "protocol imap",
    ]
    inner = dict(block.filters())["local 192.0.2.1 protocol imap"]
    assert inner.value("ssl_min_protocol") == "TLSv1"


@pytest.mark.parametrize("version", OLD)
def test_a_section_without_a_name_is_2_3(version: str) -> None:
    block = parse(recorded("n", version))
    drivers = [one.value("driver") for one in block.children("passdb")]
    assert drivers == ["passwd-file", "static"]
    arguments = [one.value("args") for one in block.children("passdb")]
    assert arguments[0] == "scheme=PLAIN username_format=%u /etc/dovecot/users"
    assert arguments[1] == f"nopassword=y password={MASK}"
    assert child(child(block, "namespace", "inbox"), "mailbox", "Sent Messages").value(
        "special_use"
    ) in ("\\Sent",)


@pytest.mark.parametrize("version", NEW)
def test_a_setting_may_stand_in_a_section_of_its_prefix(version: str) -> None:
    block = parse(recorded("n", version))
    assert block.value("ssl_server_cert_file") == "/etc/ssl/mx.example.pem"
    inner = dict(block.filters())["local_name imap.example"]
    assert inner.value("ssl_server_cert_file") == "/etc/ssl/imap.example.pem"
    assert inner.get("ssl_min_protocol") is None
    everything = parse(recorded("a", version))
    assert everything.value("ssl_server_cert_file") == "/etc/ssl/mx.example.pem"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("", "first line", id="empty"),
        pytest.param("mail_version = 3.10\n", "first line", id="postconf"),
        pytest.param("<html>\n", "first line", id="web-page"),
        pytest.param(HEAD + "service auth {\n", "ends within a section", id="cut-off"),
        pytest.param(HEAD + "}\n", "line 2 ends a section", id="too-many-ends"),
        pytest.param(HEAD + "geheimnis\n", "line 2 is no setting", id="no-setting"),
        pytest.param(
            HEAD + "ssl = yes\ngehe imnis = x\n", "line 3 is no setting", id="blank-in-name"
        ),
        pytest.param(HEAD + '"geheimnis" x {\n}\n', "line 2 begins no section", id="quoted-kind"),
        pytest.param(HEAD + "ssl_key = -----BEGIN PRIVATE KEY-----\nabc\n", "within", id="cut-key"),
    ],
)
def test_what_doveconf_does_not_print_is_refused(text: str, problem: str) -> None:
    with pytest.raises(DoveconfSyntaxError, match=problem) as caught:
        parse(text)
    assert "geheimnis" not in str(caught.value)


def test_a_key_within_the_configuration_is_no_setting_and_not_shown() -> None:
    text = (
        HEAD
        + "ssl_key = -----BEGIN PRIVATE KEY-----\nMIIx = {\n-----END PRIVATE KEY-----\nssl = yes\n"
    )
    block = parse(text)
    assert block.value("ssl_key") == MASK
    assert block.value("ssl") == "yes"
    assert set(block.settings) == {"ssl_key", "ssl"}


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("ssl_key", "</etc/key.pem", "</etc/key.pem"),
        ("ssl_key", "< /etc/key.pem", "< /etc/key.pem"),
        ("ssl_key", "geheimnis", MASK),
        ("ssl_server_key_file", "/etc/key.pem", "/etc/key.pem"),
        ("ssl_server_key_file", "inline:geheimnis", MASK),
        ("password", "geheimnis", MASK),
        ("auth_policy_hash_nonce", "geheimnis", MASK),
        ("imapc_password", "", ""),
        ("connect", "host=db user=x password=geheimnis", MASK),
        ("args", "uid=vmail pass=geheimnis", f"uid=vmail pass={MASK}"),
        ("args", "proxy=y password = geheimnis", f"proxy=y password = {MASK}"),
        ("driver", "passwd-file", "passwd-file"),
        ("auth_policy_server_url", "https://me:geheimnis@host/", f"https://{MASK}@host/"),
        ("passdb_default_password_scheme", "PLAIN", "PLAIN"),
        ("auth_verbose_passwords", "plain", "plain"),
    ],
)
def test_only_secrets_are_masked(name: str, value: str, shown: str) -> None:
    assert masked(name, value) == shown


def test_messages_have_place_and_words() -> None:
    stderr = (
        "doveconf: Warning: NOTE: You can get a new clean config file with: doveconf -Pn > x\n"
        "doveconf: Warning: Obsolete setting in /etc/d.conf:7: ssl_protocols has been replaced\n"
        "doveconf: Warning: Obsolete setting in /etc/d.conf:7: ssl_protocols has been replaced\n"
        "doveconf: Error: t_readlink(/run/dovecot/dovecot.conf) failed: readlink() failed: No such file\n"
        "doveconf: Error: Could not find a minimum: Unrecognized protocol 'SSLv2'\n"
        "something else\n"
        "doveconf: Fatal: Error in configuration file /etc/d.conf line 3: ssl_cert: Unknown setting: ssl_cert\n"
        "doveconf: Fatal: Error in configuration file /etc/d.conf: default_login_user doesn't exist\n"
    )
    assert messages(stderr) == (
        Message("Warning", "ssl_protocols has been replaced", "/etc/d.conf", 7),
        Message("Error", "Could not find a minimum: Unrecognized protocol 'SSLv2'"),
        Message("Fatal", "ssl_cert: Unknown setting: ssl_cert", "/etc/d.conf", 3),
        Message("Fatal", "default_login_user doesn't exist", "/etc/d.conf", 0),
    )


def test_a_secret_in_a_message_is_masked() -> None:
    (message,) = messages("doveconf: Fatal: Invalid value: password=geheimnis\n")
    assert message.text == f"Invalid value: password={MASK}"
    assert without_secrets("passwd-file") == "passwd-file"


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    for whole in (text, HEAD + text):
        try:
            block = parse(whole)
        except DoveconfSyntaxError:
            continue
        assert isinstance(block, Block)


@given(st.text(alphabet='ab={}\n #"_'))
def test_text_like_a_configuration_is_read_or_refused(text: str) -> None:
    try:
        block = parse(HEAD + text)
    except DoveconfSyntaxError:
        return
    assert all(line.strip() in ("", "}") or line.strip()[0] == "#" or "=" in line or "{" in line
               for line in text.split("\n"))  # fmt: skip
    assert block.kind == ""


@given(st.text())
def test_any_messages_are_read(text: str) -> None:
    assert isinstance(messages(text), tuple)
