# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules about a server's conduct through their own main()."""

from __future__ import annotations

import json
import socket
import types
import typing as t

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.hardened.mail.plugins.module_utils.starttls.conduct import QUESTIONS
from ansible_collections.hardened.mail.plugins.modules import mail_conduct_info, mail_roundtrip

Run = t.Callable[..., dict[str, t.Any]]
ACCOUNT: t.Final = {"user": "probe", "password": "not to be seen"}


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs a module and returns what it prints."""

    def call(module: types.ModuleType, **options: t.Any) -> dict[str, t.Any]:
        with patch_module_args(options), pytest.raises(SystemExit) as exit_:
            module.main()
        out = capfd.readouterr().out
        assert ACCOUNT["password"] not in out
        result: dict[str, t.Any] = json.loads(out)
        assert (exit_.value.code != 0) == bool(result.get("failed"))
        return result

    return call


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_a_closed_port_answers_nothing(run: Run, closed_port: int) -> None:
    result = run(mail_conduct_info, host="127.0.0.1", port=closed_port, timeout=5, **ACCOUNT)
    text = f"connecting to 127.0.0.1 port {closed_port}: Connection refused"
    assert result["changed"] is False
    assert {one: result[one] for one in QUESTIONS} == {
        key: {"incomplete": text} for key in QUESTIONS
    }
    assert result["incomplete"] == list(QUESTIONS)
    assert result["address"] is None


def test_nothing_intrusive_is_asked_in_check_mode(run: Run, closed_port: int) -> None:
    result = run(
        mail_conduct_info, host="127.0.0.1", port=closed_port, questions=["login"], _ansible_check_mode=True, **ACCOUNT
    )  # fmt: skip
    assert result["login"] == {"incomplete": "no account was given for it"}
    result = run(mail_roundtrip, host="127.0.0.1", _ansible_check_mode=True, **ACCOUNT)
    assert result["sent"] == {"incomplete": "nothing is sent in check mode"}
    assert result["changed"] is False


def test_a_message_that_cannot_be_sent_is_told(run: Run, closed_port: int) -> None:
    result = run(mail_roundtrip, host="127.0.0.1", submit_port=closed_port, timeout=5, **ACCOUNT)
    assert "Connection refused" in result["sent"]["incomplete"]
    assert result["read"] == {"incomplete": "no message was sent"}
    assert result["left"] == 0


@pytest.mark.parametrize(
    ("module", "options", "problem"),
    [
        (mail_conduct_info, {"port": 0}, "port must be between 1 and 65535"),
        (mail_conduct_info, {"timeout": 0}, "timeout must be more than 0"),
        (mail_conduct_info, {"helo": "a b"}, "helo must be a name or an address"),
        (mail_conduct_info, {"domain": "x\r\nDATA"}, "domain must be a name or an address"),
        (mail_conduct_info, {"elsewhere": "nobody"}, "elsewhere must be an address such as"),
        (mail_conduct_info, {**ACCOUNT, "address": "a@b>\r\nDATA"}, "address must be an address"),
        (mail_conduct_info, {"user": "x", "password": ""}, "must not be empty"),
        (mail_roundtrip, {**ACCOUNT, "read_port": 70000}, "read_port must be between 1 and 65535"),
        (mail_roundtrip, {**ACCOUNT, "timeout": 9999}, "timeout must be more than 0"),
        (mail_roundtrip, {**ACCOUNT, "address": "x"}, "address must be an address such as"),
        (mail_roundtrip, {**ACCOUNT, "read_host": "a b"}, "read_host must be a name"),
        (mail_roundtrip, {"user": "", "password": "x"}, "must not be empty"),
    ],
)
def test_bad_options_are_refused_before_anything_is_asked(
    module: types.ModuleType, options: dict[str, t.Any], problem: str, run: Run
) -> None:
    result = run(module, host="127.0.0.1", **options)
    assert problem in result["msg"]
    assert result["msg"].endswith((". Nothing was asked.", ". Nothing was sent."))


def test_usual_ports_and_addresses_follow() -> None:
    spec = mail_conduct_info.ARGUMENT_SPEC
    options = {name: one.get("default") for name, one in spec.items()}
    request = mail_conduct_info.request_of(
        {**options, "host": "mail.example", "protocol": "imap", "implicit_tls": True, **ACCOUNT},
        check_mode=False,
    )
    assert request.target.port == 993
    assert request.domain == request.name == "mail.example"
    assert request.account is not None
    assert request.account.address == "probe@mail.example"
    assert ACCOUNT["password"] not in repr(request)
    trip = {name: one.get("default") for name, one in mail_roundtrip.ARGUMENT_SPEC.items()}
    found = mail_roundtrip.journey_of(
        {**trip, "host": "mail.example", "submit_port": 587, **ACCOUNT}
    )
    assert (found.submit.implicit_tls, found.read.implicit_tls) == (False, True)
