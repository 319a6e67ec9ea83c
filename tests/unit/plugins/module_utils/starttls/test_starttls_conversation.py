# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole conversations with servers that are good, bad, broken and evil."""

from __future__ import annotations

import base64
import pathlib
import socket
import ssl
import time
import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.starttls import conversation
from ansible_collections.hardened.mail.plugins.module_utils.starttls.conduct import (
    INTRUSIVE,
    QUESTIONS,
    lacks,
)
from ansible_collections.hardened.mail.plugins.module_utils.starttls.conversation import (
    Request,
    ask_conduct,
)
from ansible_collections.hardened.mail.plugins.module_utils.starttls.dialogue import Target
from ansible_collections.hardened.mail.plugins.module_utils.starttls.roundtrip import (
    Journey,
    send_and_read,
)
from ansible_collections.hardened.mail.plugins.module_utils.starttls.talk import (
    Account,
    Trust,
    bad_address,
    bad_name,
)
from ansible_collections.hardened.mail.tests.unit.plugins.module_utils.starttls.conftest import Pki
from ansible_collections.hardened.mail.tests.unit.plugins.module_utils.starttls.peers import (
    EVIL,
    Peer,
    read_line,
)

StartPeer = t.Callable[..., Peer]
PASSWORD = "not to be seen"
ACCOUNT = Account("probe", PASSWORD, "probe@mx.example")
PLAIN = base64.b64encode(f"\0probe\0{PASSWORD}".encode())
QUICK: t.Final = tuple(one for one in QUESTIONS if one not in ("renegotiation", "sha1_signatures"))
GOOD: t.Final = {
    b"EHLO": b"250-mx.example\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n",
    b"STARTTLS": b"220 go\r\n",
    b"MAIL": b"250 Ok\r\n",
    b"RCPT TO:<postmaster": b"250 Ok\r\n",
    b"RCPT TO:<probe@mx": b"250 Ok\r\n",
    b"RCPT TO:<hardened-mail": b"550 5.1.1 User unknown\r\n",
    b"RCPT": b"554 5.7.1 Relay access denied\r\n",
    b"RSET": b"250 Ok\r\n",
    b"DATA": b"354 go on\r\n",
    b"AUTH PLAIN": b"334 \r\n",
    b"QUIT": b"221 bye\r\n",
}
IMAP: t.Final = {
    b"CAPABILITY": b"* CAPABILITY IMAP4rev1 STARTTLS\r\n# OK\r\n",
    b"STARTTLS": b"# OK go\r\n",
    b"AUTHENTICATE PLAIN": b"+ \r\n",
    b"SELECT": b"* 1 EXISTS\r\n# OK\r\n",
    b"UID SEARCH": b"* SEARCH 7\r\n# OK\r\n",
    b"UID FETCH": b"* 1 FETCH (UID 7 BODY[HEADER] {28}\r\nReceived: by mx with ESMTPSA)\r\n# OK\r\n",
    b"UID STORE": b"# OK\r\n",
    b"UID EXPUNGE": b"# OK\r\n",
    b"NOOP": b"# OK\r\n",
    b"LOGOUT": b"* BYE\r\n# OK\r\n",
}


class Server:
    """A scripted server: the longest command that fits decides; other commands are refused.

    ``clear`` are replies that hold before TLS. A line that is no command is a password: the right one is taken.
    """

    def __init__(
        self,
        context: ssl.SSLContext | None,
        answers: t.Mapping[bytes, bytes] = GOOD,
        *,
        imap: bool = False,
        clear: t.Mapping[bytes, bytes] | None = None,
        any_password: bool = False,
        loose: bool = False,
    ) -> None:
        self.context = context
        self.answers = answers
        self.imap = imap
        self.clear = clear or {}
        self.any_password = any_password
        self.loose = loose
        self.heard: list[bytes] = []

    def __call__(self, conn: socket.socket) -> None:
        conn.sendall(b"* OK ready\r\n" if self.imap else b"220 mx.example ESMTP\r\n")
        self.serve(conn, {**self.answers, **self.clear})

    def serve(self, conn: socket.socket, answers: t.Mapping[bytes, bytes]) -> None:
        tag = b""
        while True:
            line = read_line(conn).rstrip(b"\r\n")
            if not line:
                return
            self.heard.append(line)
            given, _blank, command = line.partition(b" ") if self.imap else (b"", b"", line)
            if self.imap and not command:
                conn.sendall(self.login(line).replace(b"#", tag))
                continue
            tag = given
            known = max((one for one in answers if command.startswith(one)), key=len, default=None)
            if known is None:
                no = b"# BAD what\r\n" if self.imap else self.login(line)
                conn.sendall(no.replace(b"#", tag))
                continue
            conn.sendall(answers[known].replace(b"#", tag))
            if known == b"DATA":
                self.message(conn)
                conn.sendall(b"250 queued\r\n")
            if known == b"STARTTLS" and self.context is not None:
                with self.context.wrap_socket(conn, server_side=True) as inside:
                    self.serve(inside, self.answers)
                return
            if known in (b"QUIT", b"LOGOUT"):
                return

    def message(self, conn: socket.socket) -> None:
        """Read a message to its end; a ``loose`` server takes other line ends for that too."""
        before, line = b"", b""
        while not (line == b".\r\n" and (self.loose or before.endswith(b"\r\n"))):
            before, line = line, read_line(conn)

    def login(self, line: bytes) -> bytes:
        good = line == PLAIN or (self.any_password and b" " not in line and line != b"*")
        if self.imap:
            return b"# OK in\r\n" if good else b"# NO never\r\n"
        return b"235 in\r\n" if good else b"535 never\r\n"


def ask(peer: Peer, pki: Pki, *, timeout: float = 10, **options: t.Any) -> dict[str, t.Any]:
    target = {"implicit_tls": False, "server_name": "mx.example", **options.pop("target", {})}
    request = Request(
        **{
            "target": Target("127.0.0.1", peer.port, **target),
            "domain": "mx.example",
            "elsewhere": "far@example.com",
            "questions": QUICK,
            "ca_file": pki.ca,
            "name": "mx.example",
            **options,
        }
    )
    return ask_conduct(request, timeout=timeout)


@pytest.fixture
def trusted(pki: Pki, tmp_path: pathlib.Path) -> ssl.SSLContext:
    """A server's context with the whole chain."""
    chain = tmp_path / "chain.pem"
    texts = [pathlib.Path(one).read_text("ascii") for one in (pki.ecdsa, pki.intermediate)]
    chain.write_text("".join(texts), "ascii")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, pki.ecdsa_key)
    return context


def accepted(answers: t.Mapping[str, t.Any]) -> set[str]:
    """Return the questions whose answer is that something was taken."""
    found = {
        one for one in QUICK if isinstance(answers[one], dict) and answers[one].get("accepted")
    }
    if any(
        one.get("accepted") for one in (answers["relay"] or {}).values() if isinstance(one, dict)
    ):
        found.add("relay")
    return found


def test_a_good_server_is_seen_whole(peer: StartPeer, pki: Pki, trusted: ssl.SSLContext) -> None:
    clear = {b"AUTH PLAIN": b"530 TLS first\r\n", b"MAIL": b"530 TLS first\r\n"}
    answers = ask(peer(Server(trusted, clear=clear)), pki)
    assert answers["incomplete"] == sorted(INTRUSIVE, key=QUESTIONS.index)
    assert accepted(answers) == {"mail_without_login"}
    assert answers["greeting"]["text"] == "220 mx.example ESMTP"
    assert answers["from_itself"] is True
    assert answers["mail_before_tls"] == {"accepted": False, "reply": "530 TLS first"}
    assert answers["unknown_recipient"] == {"accepted": False, "reply": "550 5.1.1 User unknown"}
    assert {one["reply"] for one in answers["relay"].values()} == {"554 5.7.1 Relay access denied"}


@pytest.mark.parametrize(
    ("changes", "clear", "question"),
    [
        pytest.param({}, {b"AUTH PLAIN": b"334 \r\n"}, "login_before_tls", id="password"),
        pytest.param({}, {b"MAIL": b"250 Ok\r\n"}, "mail_before_tls", id="mail"),
        pytest.param({b"RCPT TO:<far@": b"250 Ok\r\n"}, {}, "relay", id="relay"),
        pytest.param({b"RCPT TO:<far%": b"251 Ok\r\n"}, {}, "relay", id="percent"),
        pytest.param({b"RCPT TO:<hardened": b"250 Ok\r\n"}, {}, "unknown_recipient", id="unknown"),
        pytest.param({b"VRFY": b"252 maybe\r\n"}, {}, "vrfy", id="vrfy"),
        pytest.param({b"AUTH ANONYMOUS": b"235 in\r\n"}, {}, "anonymous", id="anonymous"),
    ],
)
def test_what_is_taken_is_seen(
    changes: dict[bytes, bytes],
    clear: dict[bytes, bytes],
    question: str,
    peer: StartPeer,
    pki: Pki,
    trusted: ssl.SSLContext,
) -> None:
    answers = {
        one: reply for one, reply in GOOD.items() if not any(one.startswith(new) for new in changes)
    }
    locked = {b"AUTH PLAIN": b"530 TLS first\r\n", b"MAIL": b"530 TLS first\r\n"}
    server = Server(trusted, {**answers, **changes}, clear={**locked, **clear})
    assert accepted(ask(peer(server), pki)) == {"mail_without_login", question}


def test_no_password_is_sent_to_find_out_whether_one_is_taken(
    peer: StartPeer, pki: Pki, trusted: ssl.SSLContext
) -> None:
    server = Server(trusted)
    ask(peer(server), pki, questions=["login_before_tls"])
    assert server.heard[server.heard.index(b"AUTH PLAIN") + 1] == b"*"


def test_a_port_without_tls_is_asked_in_clear_text(peer: StartPeer, pki: Pki) -> None:
    server = Server(None, {**GOOD, b"EHLO": b"250 mx.example\r\n", b"RCPT TO:<far@": b"250 Ok\r\n"})
    answers = ask(peer(server), pki, account=ACCOUNT)
    assert "relay" in accepted(answers)
    assert answers["login"] == {"incomplete": "STARTTLS: the server does not offer it"}
    assert not any(PLAIN in one for one in server.heard)


def test_an_account_logs_in_sends_and_is_refused_with_another_password(
    peer: StartPeer, pki: Pki, trusted: ssl.SSLContext
) -> None:
    server = Server(trusted, {**GOOD, b"RCPT TO:<far@": b"250 Ok\r\n"})
    answers = ask(peer(server), pki, account=ACCOUNT)
    assert answers["incomplete"] == []
    assert answers["login"]["accepted"] is True
    assert answers["login"]["elsewhere"]["accepted"] is True
    assert answers["login"]["unknown_recipient"]["accepted"] is False
    assert answers["wrong_password"]["accepted"] is False
    assert answers["smuggling"] == {"LF.LF": "refused", "LF.CRLF": "refused"}
    assert PASSWORD not in repr(answers)


def test_a_loose_end_of_a_message_is_seen(
    peer: StartPeer, pki: Pki, trusted: ssl.SSLContext
) -> None:
    answers = ask(peer(Server(trusted, loose=True)), pki, account=ACCOUNT)
    assert answers["smuggling"] == {"LF.LF": "refused", "LF.CRLF": "accepted"}


def test_any_password_is_seen(peer: StartPeer, pki: Pki, trusted: ssl.SSLContext) -> None:
    answers = ask(peer(Server(trusted, any_password=True)), pki, account=ACCOUNT)
    assert answers["wrong_password"]["accepted"] is True


@pytest.mark.parametrize("name", ["mx.example", "other.example"])
def test_a_server_that_does_not_prove_who_it_is_gets_no_password(
    name: str, peer: StartPeer, pki: Pki, server_context: ssl.SSLContext, trusted: ssl.SSLContext
) -> None:
    # Its chain lacks a certificate, or its name is not the one wanted.
    server = Server(server_context if name == "mx.example" else trusted)
    answers = ask(peer(server), pki, account=ACCOUNT, name=name)
    assert "the server does not prove who it is" in answers["login"]["incomplete"]
    assert PLAIN not in server.heard


def test_imap_is_asked_too(peer: StartPeer, pki: Pki, trusted: ssl.SSLContext) -> None:
    server = Server(trusted, IMAP, imap=True, clear={b"AUTHENTICATE": b"# NO TLS first\r\n"})
    answers = ask(peer(server), pki, account=ACCOUNT, target={"protocol": "imap"})
    assert answers["incomplete"] == []
    assert answers["login_before_tls"]["accepted"] is True  # the longer command still asks
    assert answers["login"]["accepted"] is True
    assert answers["wrong_password"]["accepted"] is False
    assert answers["relay"] is None


@pytest.mark.parametrize("name", EVIL)
def test_an_evil_server_passes_nothing(name: str, peer: StartPeer, pki: Pki) -> None:
    evil = EVIL[name]
    answers = ask(
        peer(evil.talk),
        pki,
        timeout=0.8,
        account=ACCOUNT,
        target={"protocol": evil.protocol, "implicit_tls": evil.implicit},
    )
    told = {one: answers[one] for one in QUICK if answers[one] is not None and one != "greeting"}
    good = {one for one, answer in told.items() if not lacks(answer)}
    # What it says in clear text before it does evil is an answer.
    assert good <= {"login_before_tls", "mail_before_tls", "vrfy", "anonymous"}
    assert not accepted(answers) & {"login", "wrong_password"}
    assert set(answers["incomplete"]) >= told.keys() - good


@pytest.mark.parametrize("at", [b"MAIL", b"RCPT", b"VRFY", b"AUTH ANONYMOUS"])
@pytest.mark.parametrize(
    "reply", [b"", b"what\r\n", b"250-never\r\n" * 9000], ids=["ends", "garbage", "endless"]
)
def test_a_server_that_breaks_in_the_middle_leaves_the_rest_answered(
    at: bytes, reply: bytes, peer: StartPeer, pki: Pki, trusted: ssl.SSLContext
) -> None:
    answers = {one: text for one, text in GOOD.items() if not one.startswith(at)}
    if reply:
        answers[at] = reply
    else:
        answers[at] = b"221 bye\r\n"
    found = ask(peer(Server(trusted, answers)), pki, timeout=5)
    asked = {b"MAIL": "relay", b"RCPT": "relay", b"VRFY": "vrfy", b"AUTH ANONYMOUS": "anonymous"}[
        at
    ]
    if reply:
        assert asked in found["incomplete"]
    whole = {"anonymous", "vrfy"} - {asked}
    assert all("accepted" in found[one] for one in whole)


def test_renegotiation_and_sha1_of_a_real_library(s_server: t.Callable[..., int], pki: Pki) -> None:
    common = ("-cert", pki.rsa, "-key", pki.rsa_key, "-tls1_2", "-cipher", "ALL:@SECLEVEL=0")
    for more, renews in ((("-client_renegotiation",), True), (("-no_renegotiation",), False)):
        port = s_server(*common, *more)
        request = Request(
            Target("127.0.0.1", port, implicit_tls=True, server_name="mx.example"),
            domain="mx.example",
            elsewhere="far@example.com",
            questions=["renegotiation", "sha1_signatures"],
        )
        found = handshakes_of(request)
        assert found["renegotiation"] is renews
        assert found["sha1_signatures"] is True


def handshakes_of(request: Request) -> dict[str, t.Any]:
    """Ask what is asked in handshakes; s_server gives no greeting."""
    asked = conversation._Asked(request, time.monotonic() + 10)
    conversation._handshakes(asked)
    return dict(asked.answers)


def journey(smtp: Peer, imap: Peer, pki: Pki) -> Journey:
    return Journey(
        Target("127.0.0.1", smtp.port, server_name="mx.example"),
        Target("127.0.0.1", imap.port, "imap", server_name="mx.example"),
        ACCOUNT,
        Trust(pki.ca, "mx.example"),
    )


def test_a_message_goes_round_and_what_stays_is_counted(
    peer: StartPeer, pki: Pki, trusted: ssl.SSLContext
) -> None:
    imap = Server(trusted, IMAP, imap=True)
    found = send_and_read(journey(peer(Server(trusted)), peer(imap), pki), timeout=10)
    assert found["sent"] == {"accepted": True, "reply": "250 queued"}
    assert found["read"]["found"] is True
    assert found["read"]["received_with"] == "ESMTPSA"
    # This mailbox does not forget.
    assert found["left"] == 1
    assert any(b"UID EXPUNGE 7" in one for one in imap.heard)
    assert not any(b" EXPUNGE" in one and b"UID" not in one for one in imap.heard)


@pytest.mark.parametrize(
    ("smtp", "imap", "step", "words"),
    [
        pytest.param({b"MAIL": b"550 no\r\n"}, {}, "sent", "550 no", id="refused"),
        pytest.param({}, {b"UID SEARCH": b"* SEARCH\r\n# OK\r\n"}, "read", "False", id="lost"),
        pytest.param(
            {}, {b"SELECT": b"# NO gone\r\n"}, "read", "SELECT was refused", id="no-inbox"
        ),
        pytest.param(
            {b"AUTH PLAIN": b"535 no\r\n"}, {}, "sent", "login was refused", id="no-login"
        ),
        pytest.param(
            {}, {b"UID SEARCH": b"\x00\xff\r\n"}, "read", "not an IMAP reply", id="garbage"
        ),
    ],
)
def test_a_message_that_does_not_arrive_is_told(
    smtp: dict[bytes, bytes],
    imap: dict[bytes, bytes],
    step: str,
    words: str,
    peer: StartPeer,
    pki: Pki,
    trusted: ssl.SSLContext,
) -> None:
    first = peer(Server(trusted, {**GOOD, **smtp}))
    second = peer(Server(trusted, {**IMAP, **imap}, imap=True))
    found = send_and_read(journey(first, second, pki), timeout=3)
    assert words in str(found[step])
    assert found["read"].get("found") is not True


@pytest.mark.parametrize(
    "text", ["a b@c", "a@b c", "@c", "a@", "a\r\nRCPT@c", "<a>@c", "", "a@b@c"]
)
def test_no_command_can_be_slipped_in_with_an_address(text: str) -> None:
    assert bad_address(text)


def test_usual_addresses_and_names_are_good() -> None:
    assert not bad_address("first.last+tag@mail.example")
    assert not bad_name("mx.example")
    assert bad_name("mx example")
    assert bad_name("mx\nQUIT")
