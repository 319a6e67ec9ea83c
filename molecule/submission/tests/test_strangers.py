# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nobody else sends, and nobody sends or reads outside of TLS."""

from __future__ import annotations

import base64
import re
import typing as t

import pytest

if t.TYPE_CHECKING:
    from conftest import Host

    Passwords = t.Mapping[str, str]
    Person = t.Callable[..., list[dict[str, t.Any]]]
    Scans = t.Mapping[tuple[str, int], dict[str, t.Any]]
    Talk = t.Callable[..., list[str]]

EHLO: t.Final = {"send": "EHLO client.example\r\n"}
QUIT: t.Final = {"send": "QUIT\r\n"}
START: t.Final = ({"send": "STARTTLS\r\n"}, {"tls": True}, EHLO)
FROM: t.Final = {"send": "MAIL FROM:<somebody@client.example>\r\n"}
# Up to the answer to EHLO inside TLS, which is the last one.
INSIDE: t.Final = {25: (EHLO, *START), 587: (EHLO, *START), 465: (EHLO,)}
WRONG: t.Final = "not-her-password"
# Dovecot holds back what it refuses for two seconds, counted roughly; a machine under load only adds to it.
DELAY_SECONDS: t.Final = 1


def to(address: str) -> dict[str, str]:
    """Return the step that names a recipient."""
    return {"send": f"RCPT TO:<{address}>\r\n"}


def plain(user: str, password: str) -> dict[str, str]:
    """Return the step that logs in."""
    secret = base64.b64encode(f"\0{user}\0{password}".encode()).decode("ascii")
    return {"send": f"AUTH PLAIN {secret}\r\n"}


@pytest.mark.parametrize("port", [25, 587])
def test_auth_is_not_offered_before_tls(mail: Host, talk: Talk, port: int) -> None:
    assert "AUTH" not in talk(mail, EHLO, QUIT, port=port)[1]


def test_auth_is_not_offered_on_port_25_inside_tls(mail: Host, talk: Talk) -> None:
    assert "AUTH" not in talk(mail, *INSIDE[25], QUIT)[-2]


@pytest.mark.parametrize("port", [587, 465])
def test_auth_is_offered_inside_tls(mail: Host, talk: Talk, port: int) -> None:
    (offered,) = re.findall("^250.AUTH (.*)$", talk(mail, *INSIDE[port], QUIT, port=port)[-2], re.M)
    assert set(offered.split()) == {"PLAIN", "LOGIN"}


def test_password_is_not_taken_on_port_25(mail: Host, talk: Talk, passwords: Passwords) -> None:
    login = plain("alice", passwords["alice"])
    assert talk(mail, EHLO, login, QUIT)[2].startswith("503 ")
    assert talk(mail, *INSIDE[25], login, QUIT)[-2].startswith("503 ")


def test_submission_demands_tls_for_everything(
    mail: Host, talk: Talk, passwords: Passwords
) -> None:
    replies = talk(mail, EHLO, FROM, plain("alice", passwords["alice"]), QUIT, port=587)
    assert [reply[:13] for reply in replies[2:4]] == ["530 5.7.0 Mus"] * 2


def test_implicit_tls_does_not_speak_in_clear(mail: Host, client: Host) -> None:
    heard = client.run("timeout", "3", "bash", "-c", f"cat < /dev/tcp/{mail.address}/465")
    assert heard.stdout == ""


@pytest.mark.parametrize("port", [143, 110])
def test_mailbox_is_not_opened_before_tls(
    mail: Host, talk: Talk, passwords: Passwords, port: int
) -> None:
    if port == 143:
        login = {"send": f"a LOGIN alice {passwords['alice']}\r\n"}
        replies = talk(mail, login, port=port)
        assert "LOGINDISABLED" in replies[0]
        assert re.match(r"\* BAD .*|a NO \[PRIVACYREQUIRED\]", replies[1]), replies
    else:
        assert talk(mail, {"send": "USER alice\r\n"}, port=port)[1].startswith("-ERR")


@pytest.mark.parametrize("port", [587, 465, 993, 995])
def test_wrong_password_and_account_of_the_system_are_refused_and_slowed(
    mail: Host, person: Person, passwords: Passwords, port: int
) -> None:
    wrong, right, outsider, again = person(
        mail,
        [
            {"do": "log in", "port": port, "user": user, "password": password}
            # Whoever logs in ends the penalty of his address.
            for user, password in (
                ("alice", WRONG),
                ("alice", passwords["alice"]),
                ("carol", passwords["carol"]),
                ("alice", passwords["alice"]),
            )
        ],
    )
    for refused in (wrong, outsider):
        assert "uthentication failed" in refused["refused"]
        assert refused["seconds"] >= DELAY_SECONDS
    assert (right["refused"], again["refused"]) == ("", "")


@pytest.mark.parametrize("port", [587, 465])
def test_anonymous_is_refused(mail: Host, talk: Talk, port: int) -> None:
    replies = talk(mail, *INSIDE[port], {"send": "AUTH ANONYMOUS dHJhY2U=\r\n"}, QUIT, port=port)
    assert replies[-2].startswith("535 "), replies


def test_anonymous_is_refused_by_the_mailbox(mail: Host, talk: Talk) -> None:
    replies = talk(mail, {"send": "a AUTHENTICATE ANONYMOUS dHJhY2U=\r\n"}, port=993)
    assert replies[1].startswith("a NO "), replies


@pytest.mark.parametrize("port", [25, 587, 465])
@pytest.mark.parametrize("start", ["in-clear", "inside-tls"])
def test_relaying_without_login_is_refused(mail: Host, talk: Talk, port: int, start: str) -> None:
    before = INSIDE[port] if start == "inside-tls" else (EHLO,)
    replies = talk(mail, *before, FROM, to("victim@elsewhere.example"), QUIT, port=port)
    assert replies[-2][0] in "45", replies
    if port == 25:
        assert "elay access denied" in replies[-2]


@pytest.mark.parametrize("port", [587, 465])
def test_submission_takes_nothing_of_strangers_for_its_own_people(
    mail: Host, talk: Talk, port: int
) -> None:
    replies = talk(mail, *INSIDE[port], FROM, to(f"bob@{mail.address}"), QUIT, port=port)
    assert replies[-2].startswith("554 5.7.1"), replies


def test_unknown_recipient_is_refused_on_port_25(mail: Host, talk: Talk) -> None:
    replies = talk(mail, *INSIDE[25], FROM, to(f"no-such-person@{mail.address}"), QUIT)
    assert replies[-2].startswith("550 5.1.1"), replies


@pytest.mark.parametrize("port", [587, 465])
def test_unknown_recipient_is_refused_to_people_too(
    mail: Host, talk: Talk, passwords: Passwords, port: int
) -> None:
    sender = {"send": f"MAIL FROM:<alice@{mail.address}>\r\n"}
    login = plain("alice", passwords["alice"])
    recipient = to(f"no-such-person@{mail.address}")
    replies = talk(mail, *INSIDE[port], login, sender, recipient, QUIT, port=port)
    assert replies[-4].startswith("235 ")
    assert replies[-2].startswith("550 5.1.1"), replies


@pytest.mark.parametrize("port", [587, 465])
def test_person_cannot_send_in_the_name_of_another(
    bound_senders: Host, person: Person, passwords: Passwords, token: str, port: int
) -> None:
    step = {
        "do": "submit",
        "port": port,
        "user": "bob",
        "password": passwords["bob"],
        "recipient": f"bob@{bound_senders.address}",
        "token": token,
    }
    senders = [f"{name}@{bound_senders.address}" for name in ("alice", "bob")]
    forged, own = person(bound_senders, [{**step, "sender": sender} for sender in senders])
    assert "not owned by user bob" in forged["refused"]
    assert own["refused"] == ""


@pytest.mark.parametrize("port", [587, 143, 110])
def test_text_injected_behind_starttls_is_not_obeyed(mail: Host, talk: Talk, port: int) -> None:
    before, injected, after = {
        587: ([EHLO], "STARTTLS\r\nEHLO injected.example\r\n", "NOOP\r\n"),
        143: ([], "a STARTTLS\r\nb NOOP\r\n", "c NOOP\r\n"),
        110: ([], "STLS\r\nCAPA\r\n", "NOOP\r\n"),
    }[port]
    steps = [*before, {"send": injected}, {"tls": True}, {"send": after}]
    replies = talk(mail, *steps, port=port)
    # The answer to the last line, or none at all: some end the connection.
    assert re.match(r"250 [^\n]*$|c OK|-ERR|$", replies[-1]), replies


@pytest.mark.parametrize("port", [25, 587, 465, 143, 993, 110, 995])
def test_no_port_accepts_old_protocols_or_weak_suites(
    mail: Host, handshakes: t.Callable[..., dict[str, str]], port: int
) -> None:
    weak = {
        "tls-1.0": "-tls1 -cipher ALL:@SECLEVEL=0",
        "tls-1.1": "-tls1_1 -cipher ALL:@SECLEVEL=0",
        "anonymous": "-tls1_2 -cipher aNULL:@SECLEVEL=0",
        "without-forward-secrecy": "-tls1_2 -cipher kRSA:@SECLEVEL=0",
        "finite-field": "-tls1_2 -cipher kDHE:@SECLEVEL=0",
        "cbc": "-tls1_2 -cipher SHA1:SHA256:SHA384:@SECLEVEL=0",
    }
    good = {"tls-1.2": "-tls1_2", "tls-1.3": "-tls1_3"}
    negotiated = handshakes(mail, {**weak, **good}, port=port)
    assert {name for name, cipher in negotiated.items() if cipher} == set(good), negotiated


@pytest.mark.parametrize("port", [465, 993])
def test_sslyze_finds_the_suites_of_the_profile_and_nothing_else(
    mail: Host, scans: Scans, port: int
) -> None:
    result = scans[mail.address, port]["scan_result"]
    accepted = {
        version: {
            one["cipher_suite"]["name"]
            for one in result[f"{version}_cipher_suites"]["result"]["accepted_cipher_suites"]
        }
        for version in ("ssl_2_0", "ssl_3_0", "tls_1_0", "tls_1_1", "tls_1_2", "tls_1_3")
    }
    old = ("ssl_2_0", "ssl_3_0", "tls_1_0", "tls_1_1")
    assert set().union(*(accepted[version] for version in old)) == set()
    assert accepted["tls_1_2"]
    assert all(re.search("^TLS_ECDHE_.*(GCM|POLY1305)", suite) for suite in accepted["tls_1_2"])
    assert len(accepted["tls_1_3"]) == 3
    renegotiation = result["session_renegotiation"]["result"]
    assert renegotiation["is_vulnerable_to_client_renegotiation_dos"] is False
