# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""People send and read their mail, over TLS alone."""

from __future__ import annotations

import email
import re
import typing as t

import pytest

if t.TYPE_CHECKING:
    from conftest import Handshake, Host

    Connect = t.Callable[..., Handshake]
    Passwords = t.Mapping[str, str]
    Person = t.Callable[..., list[dict[str, t.Any]]]
    Until = t.Callable[..., t.Any]


def fields(text: str, name: str) -> str:
    """Return a field of a message, unfolded."""
    return re.sub(r"\s+", " ", str(email.message_from_string(text)[name]))


def read(person: Person, until: Until, host: Host, **step: t.Any) -> list[str]:
    """Return the messages with a token, as soon as there is one."""
    return t.cast("list[str]", until(lambda: person(host, [{"do": "read", **step}])[0]["messages"]))


@pytest.mark.parametrize(
    ("port", "start", "mailbox"),
    [
        pytest.param(587, "--tls", 993, id="starttls-read-on-993"),
        pytest.param(465, "--tls-on-connect", 143, id="implicit-tls-read-on-143"),
    ],
)
def test_message_submitted_by_swaks_arrives_and_is_read(
    mail: Host,
    client: Host,
    person: Person,
    until: Until,
    passwords: Passwords,
    token: str,
    port: int,
    start: str,
    mailbox: int,
) -> None:
    client.output(
        "swaks", "--server", mail.address, "--port", str(port), start, "--tls-verify", "--tls-ca-path",
        "/etc/ssl/lab/root.pem", "--auth", "PLAIN", "--auth-user", "alice", "--auth-password", passwords["alice"],
        "--from", f"alice@{mail.address}", "--to", f"bob@{mail.address}", "--h-Subject", token,
    )  # fmt: skip
    login = {"user": "bob", "password": passwords["bob"], "token": token}
    (message,) = read(person, until, mail, port=mailbox, **login)
    # From Postfix 3.10 on the field does not even say how the message came.
    assert re.match(r"from .* with ESMTPSA |by ", fields(message, "Received"))


@pytest.mark.parametrize(("port", "mailbox"), [(587, 110), (465, 995)])
def test_message_submitted_by_smtplib_is_read_over_pop3(
    mail: Host,
    person: Person,
    until: Until,
    passwords: Passwords,
    token: str,
    port: int,
    mailbox: int,
) -> None:
    addresses = {"sender": f"alice@{mail.address}", "recipient": f"bob@{mail.address}"}
    login = {"user": "alice", "password": passwords["alice"], "token": token}
    (sent,) = person(mail, [{"do": "submit", "port": port, **login, **addresses}])
    assert sent["refused"] == ""
    login = {"user": "bob", "password": passwords["bob"], "token": token}
    (message,) = read(person, until, mail, port=mailbox, **login)
    received = fields(message, "Received")
    assert "Authenticated sender" not in received
    assert "alice" not in received.replace(f"alice@{mail.address}", "")


def test_policy_of_port_25_does_not_meet_people(
    grown: Host, client: Host, passwords: Passwords, token: str
) -> None:
    def swaks(port: int, *options: str) -> tuple[int, str]:
        done = client.run(
            "swaks", "--server", grown.address, "--port", str(port), "--tls", "--helo", "laptop.example",
            "--from", f"alice@{grown.address}", "--to", f"bob@{grown.address}", "--h-Subject", token, *options,
        )  # fmt: skip
        return done.rc, done.stdout

    status, said = swaks(25)
    assert status != 0
    assert "dial-up" in said
    login = ("--auth", "PLAIN", "--auth-user", "alice", "--auth-password", passwords["alice"])
    status, said = swaks(587, *login)
    assert status == 0, said


@pytest.mark.parametrize("port", [25, 587, 465, 143, 993, 110, 995, 4190])
def test_every_port_negotiates_tls_1_3_with_its_certificate(
    mail: Host, handshake: Connect, port: int
) -> None:
    seen = handshake(mail, port=port)
    assert (seen.protocol, seen.verified) == ("TLSv1.3", True), seen.text


@pytest.mark.parametrize("service", ["dovecot", "postfix"])
def test_restart_of_a_service_keeps_people_in(
    mail: Host, person: Person, until: Until, passwords: Passwords, service: str
) -> None:
    mail.output("systemctl", "restart", service)
    assert until(lambda: ":587 " in mail.output("ss", "--listening", "--tcp", "--numeric"))
    login = {"user": "alice", "password": passwords["alice"]}
    for answer in person(
        mail, [{"do": "log in", "port": port, **login} for port in (587, 465, 993)]
    ):
        assert answer["refused"] == ""
