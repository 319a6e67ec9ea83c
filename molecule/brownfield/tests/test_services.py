# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every service that was there still works, and none accepts what the profile refuses."""

from __future__ import annotations

import re
import typing as t

import pytest

if t.TYPE_CHECKING:
    from email.message import Message

    from conftest import Handshake, Host

    Connect = t.Callable[..., Handshake]
    Delivered = t.Callable[..., list[Message]]
    Scan = t.Callable[..., dict[str, t.Any]]
    Talk = t.Callable[..., list[str]]

EHLO: t.Final = {"send": "EHLO client.example\r\n"}
QUIT: t.Final = {"send": "QUIT\r\n", "rest": True}
FROM: t.Final = {"send": "MAIL FROM:<somebody@client.example>\r\n"}

# Python's own SMTP client as a person's mail program: a verified server, then the password.
SUBMIT: t.Final = """
import smtplib, ssl, sys
server, port, recipient, token = sys.argv[1:]
context = ssl.create_default_context(cafile="/etc/ssl/lab/root.pem")
if port == "465":
    client = smtplib.SMTP_SSL(server, 465, timeout=20, context=context)
else:
    client = smtplib.SMTP(server, int(port), timeout=20)
    client.starttls(context=context)
client.login("sender", "not-a-secret-in-the-lab")
client.sendmail("sender@client.example", [recipient], f"Subject: {token}\\r\\n\\r\\ntext\\r\\n")
client.quit()
"""

LISTENERS: t.Final = [
    pytest.param("grown", 25, id="port-25"),
    pytest.param("grown", 587, id="submission-without-auth"),
    pytest.param("grown", 2525, id="second-instance"),
    pytest.param("screened", 25, id="postscreen"),
    pytest.param("screened", 587, id="submission"),
    pytest.param("screened", 465, id="submissions"),
]


@pytest.fixture
def named(groups: t.Mapping[str, t.Sequence[Host]]) -> t.Callable[[str], Host]:
    """Return the host of a name."""
    return lambda name: next(host for host in groups["any_host"] if host.name == name)


@pytest.mark.parametrize(("name", "port"), LISTENERS)
def test_every_listener_negotiates_tls_1_3_with_its_certificate(
    named: t.Callable[[str], Host], handshake: Connect, name: str, port: int
) -> None:
    seen = handshake(named(name), port=port)
    assert (seen.protocol, seen.verified) == ("TLSv1.3", True), seen.text


@pytest.mark.parametrize(("name", "port"), LISTENERS)
def test_no_listener_accepts_old_protocols_or_weak_suites(
    named: t.Callable[[str], Host], sslyze: Scan, name: str, port: int
) -> None:
    result = sslyze(named(name), port=port)["scan_result"]
    accepted = {
        version: {
            one["cipher_suite"]["name"]
            for one in result[f"{version}_cipher_suites"]["result"]["accepted_cipher_suites"]
        }
        for version in ("ssl_2_0", "ssl_3_0", "tls_1_0", "tls_1_1", "tls_1_2", "tls_1_3")
    }
    old = set().union(
        *(accepted[version] for version in ("ssl_2_0", "ssl_3_0", "tls_1_0", "tls_1_1"))
    )
    assert old == set()
    assert len(accepted["tls_1_2"]) == 3
    assert all(re.search("^TLS_ECDHE_.*(GCM|POLY1305)", suite) for suite in accepted["tls_1_2"])
    assert len(accepted["tls_1_3"]) == 3


@pytest.mark.parametrize("name", ["grown", "screened"])
def test_submission_still_demands_tls(
    named: t.Callable[[str], Host], talk: Talk, name: str
) -> None:
    replies = talk(named(name), EHLO, FROM, QUIT, port=587)
    assert replies[2].startswith("530 5.7.0 Must issue a STARTTLS")
    assert "AUTH" not in replies[1]


@pytest.mark.parametrize("port", ["587", "465"])
def test_person_can_still_submit_a_message(
    submission: Host, client: Host, delivered: Delivered, token: str, port: str
) -> None:
    recipient = f"receiver@{submission.address}"
    client.output("python3", "-c", SUBMIT, submission.address, port, recipient, token)
    (message,) = delivered(submission, token)
    header = re.sub(r"\s+", " ", message["Received"])
    assert "using TLSv1.3 with cipher TLS_" in header
    assert "ESMTPSA" in header


def test_postscreen_still_screens(submission: Host, talk: Talk) -> None:
    talk(submission, EHLO, QUIT)
    assert re.search(r"^PASS (NEW|OLD) \[", submission.log(), re.MULTILINE)


def test_mail_comes_in_on_port_25(
    hand_made: Host, talk: Talk, delivered: Delivered, token: str
) -> None:
    to = {"send": f"RCPT TO:<receiver@{hand_made.address}>\r\n"}
    text = {"send": f"Subject: {token}\r\n\r\ntext\r\n.\r\n"}
    talk(hand_made, EHLO, FROM, to, {"send": "DATA\r\n"}, text, QUIT)
    assert len(delivered(hand_made, token)) == 1


def test_both_instances_run(two_instances: Host) -> None:
    running = two_instances.output("postmulti", "-l").splitlines()
    assert len(running) == 2
    for queue in ("/var/spool/postfix", "/var/spool/postfix-out"):
        pid = two_instances.output("cat", f"{queue}/pid/master.pid")
        assert two_instances.output("cat", f"/proc/{pid}/comm") == "master"


@pytest.mark.parametrize(
    ("name", "service", "chroot"),
    [
        pytest.param("grown", "smtp", "n", id="grown-25"),
        pytest.param("grown", "587", "y", id="grown-587"),
        pytest.param("screened", "smtp", "n", id="screened-25"),
        pytest.param("screened", "submission", "y", id="screened-587"),
    ],
)
def test_chroot_column_is_as_it_was(
    named: t.Callable[[str], Host], name: str, service: str, chroot: str
) -> None:
    assert named(name).output("postconf", "-Fh", f"{service}/inet/chroot") == chroot
