# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module through its own main(), against a port where nobody listens and a server that talks."""

from __future__ import annotations

import json
import pathlib
import socket
import threading
import typing as t

import pytest
import yaml
from ansible.module_utils import basic
from ansible.module_utils.testing import patch_module_args
from ansible_collections.hardened.mail.plugins.module_utils.starttls.report import QUESTIONS
from ansible_collections.hardened.mail.plugins.modules import starttls_info

Run = t.Callable[..., dict[str, t.Any]]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs the module and returns what it prints."""

    def module(**options: t.Any) -> dict[str, t.Any]:
        with patch_module_args(options), pytest.raises(SystemExit) as exit_:
            starttls_info.main()
        result: dict[str, t.Any] = json.loads(capfd.readouterr().out)
        assert (exit_.value.code != 0) == bool(result.get("failed"))
        return result

    return module


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture
def mail_port() -> t.Iterator[int]:
    """A server that greets, lists its capabilities and knows no STARTTLS."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        conn, _address = listener.accept()
        with conn:
            conn.sendall(b"220 mx.example ESMTP\r\n")
            conn.recv(1000)
            conn.sendall(b"250-mx.example\r\n250 SIZE 1000\r\n")
            conn.recv(1000)
            conn.sendall(b"221 bye\r\n")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield int(listener.getsockname()[1])
    thread.join(10)
    listener.close()


@pytest.mark.parametrize("check_mode", [False, True])
def test_main_reports_a_server_without_tls(check_mode: bool, run: Run, mail_port: int) -> None:
    result = run(host="127.0.0.1", port=mail_port, timeout=5, _ansible_check_mode=check_mode)
    reason = {"incomplete": "STARTTLS: the server does not offer it"}
    assert result["changed"] is False
    assert result["banner"] == "220 mx.example ESMTP"
    assert result["capabilities"] == {"before_tls": ["SIZE 1000"], "after_tls": reason}
    assert result["address"] == "127.0.0.1"
    assert result["connections"] == 1
    assert {q: result[q] for q in QUESTIONS[2:]} == dict.fromkeys(QUESTIONS[2:], reason)
    assert result["incomplete"] == [*QUESTIONS[1:], "suite_classes"]


def test_main_reports_a_closed_port(run: Run, closed_port: int) -> None:
    result = run(host="127.0.0.1", port=closed_port, questions=["protocols"], timeout=5)
    text = f"connecting to 127.0.0.1 port {closed_port}: Connection refused"
    assert result["protocols"] == {"incomplete": text}
    assert (result["complete"], result["incomplete"]) == (False, ["protocols"])
    assert set(result) & set(QUESTIONS) == {"protocols"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"port": 0}, "port must be between 1 and 65535, not 0. Nothing was asked."),
        ({"port": 65536}, "port must be between 1 and 65535, not 65536. Nothing was asked."),
        (
            {"timeout": 0},
            "timeout must be more than 0 and at most 3600 seconds, not 0.0. Nothing was asked.",
        ),
        (
            {"timeout": "nan"},
            "timeout must be more than 0 and at most 3600 seconds, not nan. Nothing was asked.",
        ),
        (
            {"helo": "x\r\nMAIL FROM:<>"},
            "helo must be a name or an address, not 'x\\r\\nMAIL FROM:<>'. Nothing was asked.",
        ),
        ({"host": ""}, "host must be a name or an address, not ''. Nothing was asked."),
        (
            {"server_name": "bücher.example"},
            "server_name must be a name or an address, not 'bücher.example'. Nothing was asked.",
        ),
    ],
)
def test_main_refuses_bad_options(options: dict[str, t.Any], message: str, run: Run) -> None:
    result = run(**{"host": "127.0.0.1", **options})
    assert result["failed"]
    assert result["msg"] == message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "one of the following is required: host, unix_socket"),
        ({"host": "a", "unix_socket": "/x"}, "parameters are mutually exclusive: host|unix_socket"),
        ({"unix_socket": "/x", "port": 1}, "parameters are mutually exclusive: port|unix_socket"),
    ],
)
def test_main_wants_one_place_to_ask(options: dict[str, t.Any], message: str, run: Run) -> None:
    assert run(**options)["msg"] == message


def test_main_refuses_a_bad_ca_file(run: Run, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "none.pem"
    result = run(host="127.0.0.1", ca_file=str(path))
    assert result["msg"] == (
        f"Cannot use ca_file {path}: No such file or directory. Nothing was asked."
    )


@pytest.mark.parametrize(
    ("protocol", "implicit", "port"),
    [
        ("smtp", False, 25),
        ("smtp", True, 465),
        ("imap", False, 143),
        ("imap", True, 993),
        ("pop3", False, 110),
        ("pop3", True, 995),
        ("lmtp", False, 24),
    ],
)
def test_target_of_knows_the_ports(protocol: str, implicit: bool, port: int) -> None:
    params = {name: spec.get("default") for name, spec in starttls_info.ARGUMENT_SPEC.items()}
    params.update(host="192.0.2.1", protocol=protocol, implicit_tls=implicit)
    target = starttls_info.target_of(params)
    assert target.port == port
    assert target.server_name is None
    params.update(server_name="mx.example", port=2525)
    assert starttls_info.target_of(params).port == 2525
    assert starttls_info.target_of(params).server_name == "mx.example"


def test_documentation_and_code_name_the_same_things() -> None:
    documented = yaml.safe_load(starttls_info.DOCUMENTATION)["options"]
    assert set(documented) == set(starttls_info.ARGUMENT_SPEC)
    assert list(documented["questions"]["choices"]) == list(QUESTIONS)
    returned = yaml.safe_load(starttls_info.RETURN)
    assert set(returned) == {
        *QUESTIONS,
        *("suite_classes", "address", "complete", "incomplete", "connections"),
    }


def test_documentation_warns_of_logs_and_bans() -> None:
    notes = " ".join(yaml.safe_load(starttls_info.DOCUMENTATION)["notes"])
    for word in ("server's log", "fail2ban", "postscreen"):
        assert word in notes


def test_examples_can_be_used() -> None:
    for task in yaml.safe_load(starttls_info.EXAMPLES):
        options = task.get("hardened.mail.starttls_info")
        if options is None:
            continue
        spec = starttls_info.ARGUMENT_SPEC
        assert set(options) <= set(spec)
        arguments = {"supports_check_mode": True, "argument_spec": spec}
        with patch_module_args(options):
            module = basic.AnsibleModule(**arguments)
        assert starttls_info.bad_option(module.params) is None
