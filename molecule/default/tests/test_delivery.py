# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages that really go from one host to another, and what their headers and the logs say."""

from __future__ import annotations

import re
import typing as t

import pytest

if t.TYPE_CHECKING:
    from email.message import Message

    from conftest import Host

    Delivered = t.Callable[..., list[Message]]
    Groups = t.Mapping[str, t.Sequence[Host]]

# Python's own SMTP client, which verifies the certificate for the name.
SMTPLIB: t.Final = """
import smtplib, ssl, sys
server, recipient, token = sys.argv[1:]
with smtplib.SMTP(server, 25, timeout=20) as client:
    client.starttls(context=ssl.create_default_context(cafile="/etc/ssl/lab/root.pem"))
    client.sendmail("somebody@client.example", [recipient], f"Subject: {token}\\r\\n\\r\\ntext\\r\\n")
"""


def send(host: Host, recipient: str, token: str) -> None:
    """Send a message with the host's own Postfix."""
    host.output("sh", "-c", f"printf 'Subject: {token}\\n\\ntext\\n' | sendmail {recipient}")


def received(message: Message) -> list[str]:
    """Return the Received headers, newest first, without folding."""
    return [re.sub(r"\s+", " ", header) for header in message.get_all("Received", [])]


def test_received_header_of_a_delivered_message_shows_tls_1_3(
    mx: Host, client: Host, delivered: Delivered, token: str
) -> None:
    client.output("python3", "-c", SMTPLIB, mx.address, f"receiver@{mx.address}", token)
    (message,) = delivered(mx, token)
    assert re.search(r"\(using TLSv1\.3 with cipher TLS_\w+ \(\d+/\d+ bits\)", received(message)[0])


def test_log_shows_protocol_and_cipher_of_each_session(
    mx: Host, client: Host, delivered: Delivered, token: str
) -> None:
    client.output("python3", "-c", SMTPLIB, mx.address, f"receiver@{mx.address}", token)
    assert delivered(mx, token)
    assert re.search(r"TLS connection established from \S+: TLSv1\.3 with cipher TLS_", mx.log())


@pytest.mark.parametrize(
    ("domain", "header"),
    [
        pytest.param("static-rsa.example", r"using TLSv1\.2 with cipher AES256-GCM-SHA384", id="only-static-rsa"),
        pytest.param("tls-1-0.example", r"using TLSv1 with cipher \S+", id="only-tls-1.0"),
        pytest.param("verified.example", r"using TLSv1\.3 with cipher TLS_", id="good"),
    ],
)  # fmt: skip
def test_old_servers_get_mail_encrypted(
    mx: Host, client: Host, delivered: Delivered, token: str, domain: str, header: str
) -> None:
    send(mx, f"receiver@{domain}", token)
    (message,) = delivered(client, token)
    assert re.search(header, received(message)[0]), received(message)


def test_server_without_tls_gets_mail_in_clear_text(
    mx: Host, client: Host, delivered: Delivered, token: str
) -> None:
    send(mx, "receiver@clear.example", token)
    (message,) = delivered(client, token)
    assert "using TLS" not in received(message)[0]


def test_destination_with_a_policy_is_verified(
    mx: Host, client: Host, delivered: Delivered, token: str
) -> None:
    send(mx, "receiver@verified.example", token)
    assert delivered(client, token)
    assert "Verified TLS connection established to referee.example" in mx.log()


def test_server_with_the_wrong_name_gets_nothing(
    mx: Host, client: Host, until: t.Callable[..., t.Any], token: str
) -> None:
    send(mx, "receiver@impostor.example", token)
    refused = (
        r"to=<receiver@impostor\.example>, .*status=deferred \(Server certificate not verified\)"
    )
    assert until(lambda: re.search(refused, mx.log()))
    assert not [message for message in client.messages() if token in message.as_string()]


def test_null_client_sends_through_its_relay_with_password_and_verified_tls(
    null_client: Host, relay: Host, groups: Groups, delivered: Delivered, token: str
) -> None:
    (trixie,) = (host for host in groups["mx"] if host.name == "trixie")
    send(null_client, f"receiver@{trixie.address}", token)
    (message,) = delivered(trixie, token)
    newest, middle = received(message)[:2]
    assert f"from {relay.address}" in newest
    assert f"from {null_client.address}" in middle
    assert "using TLSv1.3 with cipher TLS_" in newest
    assert "using TLSv1.3 with cipher TLS_" in middle
    assert f"Verified TLS connection established to {relay.address}" in null_client.log()
    assert f"Verified TLS connection established to {trixie.address}" in relay.log()
    assert "sasl_method=PLAIN, sasl_username=sender" in relay.log()
