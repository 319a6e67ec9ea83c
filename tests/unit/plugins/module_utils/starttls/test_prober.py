# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole probes of ``openssl s_server`` set up badly on purpose, of fakes and of evil peers."""

from __future__ import annotations

import os
import pathlib
import re
import socket
import ssl
import subprocess
import sys
import threading
import time
import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.starttls import prober, session
from ansible_collections.hardened.mail.plugins.module_utils.starttls.dialogue import Target
from ansible_collections.hardened.mail.plugins.module_utils.starttls.prober import (
    CaFileError,
    probe,
    server_name_of,
)
from ansible_collections.hardened.mail.plugins.module_utils.starttls.report import (
    QUESTIONS,
    Question,
    report,
)
from ansible_collections.hardened.mail.plugins.module_utils.starttls.session import Wire
from ansible_collections.hardened.mail.tests.unit.plugins.module_utils.starttls.conftest import Pki
from ansible_collections.hardened.mail.tests.unit.plugins.module_utils.starttls.peers import (
    EVIL,
    LIMIT,
    Peer,
    fake_tls,
    mail_server,
)

StartPeer = t.Callable[..., Peer]
StartServer = t.Callable[..., int]
# s_server sends no greeting, so what needs one is not asked.
TLS_QUESTIONS = [q for q in QUESTIONS if q not in ("banner", "capabilities")]
AEAD_OF_RSA = [
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-RSA-CHACHA20-POLY1305",
    "ECDHE-RSA-AES128-GCM-SHA256",
]
# The extension supported_versions with TLS 1.3 alone, or first.
TLS13_OFFER = re.compile(rb"\x00\x2b\x00..\x03\x04", re.DOTALL)
TLS13_SUITES = ["TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256"]


def ask(
    port: int,
    *,
    questions: t.Sequence[Question] = TLS_QUESTIONS,
    timeout: float = 20,
    ca_file: str | None = None,
    name: str = "mx.example",
    **target: t.Any,
) -> dict[str, t.Any]:
    options = {"implicit_tls": True, "server_name": name, **target}
    evidence = probe(
        Target("127.0.0.1", port, **options), questions=questions, timeout=timeout, ca_file=ca_file
    )
    return report(evidence, questions=questions, name=name)


def suites_of_openssl(selection: str, version: str) -> set[str]:
    """Return the names that the openssl command gives for a cipher string and a version."""
    command = ["openssl", "ciphers", "-s", version, f"{selection}:!PSK:!SRP:@SECLEVEL=0"]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return {name for name in output.strip().split(":") if not name.startswith("TLS_")}


@pytest.fixture(scope="module")
def worst(s_server: StartServer, pki: Pki) -> dict[str, t.Any]:
    """The report of a server that accepts whatever OpenSSL can still do."""
    port = s_server("-cert", pki.rsa, "-key", pki.rsa_key, "-cipher", "ALL:eNULL:@SECLEVEL=0")
    start = time.monotonic()
    answers = ask(port)
    answers["seconds"] = time.monotonic() - start
    return answers


def test_a_bad_server_is_seen_whole_and_fast(worst: dict[str, t.Any]) -> None:
    assert worst["incomplete"] == []
    assert worst["complete"] is True
    # The machine may be busy with other things.
    waiting = os.getloadavg()[0] / (os.cpu_count() or 1)
    assert worst["seconds"] < 2 * max(1, waiting)
    assert 100 < worst["connections"] < 200


def test_a_bad_server_accepts_old_protocols(worst: dict[str, t.Any]) -> None:
    assert worst["protocols"] == {
        "SSLv3": False,
        "TLSv1": True,
        "TLSv1.1": True,
        "TLSv1.2": True,
        "TLSv1.3": True,
    }


@pytest.mark.parametrize("version", ["TLSv1", "TLSv1.1", "TLSv1.2"])
def test_all_suites_that_openssl_has_are_found(version: str, worst: dict[str, t.Any]) -> None:
    option = {"TLSv1": "-tls1", "TLSv1.1": "-tls1_1", "TLSv1.2": "-tls1_2"}[version]
    known = suites_of_openssl("ALL:eNULL:!aECDSA:!aDSS", option)
    assert set(worst["suites"][version]) == known
    assert len(known) > 15


def test_weak_classes_are_told(worst: dict[str, t.Any]) -> None:
    weak = worst["weak_suites"]
    assert set(weak["anonymous"]) == suites_of_openssl("aNULL", "-tls1_2")
    assert set(weak["null"]) == suites_of_openssl("eNULL:!aECDSA", "-tls1_2")
    assert weak["md5"] == ["NULL-MD5"]
    assert [weak[name] for name in ("export", "des", "3des", "rc4", "rc2_idea_seed")] == [[]] * 5
    assert set(worst["suite_classes"]["static_rsa"]) == suites_of_openssl("kRSA", "-tls1_2")


def test_suites_and_groups_of_tls13_are_found(worst: dict[str, t.Any]) -> None:
    assert worst["suites"]["TLSv1.3"] == TLS13_SUITES
    assert {"X25519", "secp256r1", "X448", "secp384r1", "secp521r1"} <= set(
        worst["groups"]["TLSv1.3"]
    )


def test_small_finite_field_groups_are_told(worst: dict[str, t.Any]) -> None:
    # OpenSSL's automatic choice: 1024 bits for anonymous suites with AES-128.
    assert worst["groups"]["dhe"] == ["modp1024", "modp2048", "modp3072"]


def test_the_client_chooses_from_a_bad_server(worst: dict[str, t.Any]) -> None:
    assert set(worst["server_preference"].values()) == {False}
    assert worst["chosen"]["TLSv1.2"] == "ECDHE-RSA-AES256-GCM-SHA384"
    assert worst["chosen"]["TLSv1"] == "ECDHE-RSA-AES256-SHA"
    assert worst["renegotiation_info"] is True


@pytest.fixture(scope="module")
def good(s_server: StartServer, pki: Pki) -> dict[str, t.Any]:
    """The report of a server with two certificates and its own order of suites."""
    port = s_server(
        *("-cert", pki.rsa, "-key", pki.rsa_key, "-dcert", pki.ecdsa, "-dkey", pki.ecdsa_key),
        *("-cert_chain", pki.intermediate, "-dcert_chain", pki.intermediate, "-serverpref"),
        *("-cipher", "ECDHE+AESGCM:ECDHE+CHACHA20", "-no_tls1", "-no_tls1_1"),
    )
    return ask(port, ca_file=pki.ca)


def test_a_good_server_accepts_only_modern_protocols_and_suites(good: dict[str, t.Any]) -> None:
    assert good["complete"]
    assert [v for v, accepted in good["protocols"].items() if accepted] == ["TLSv1.2", "TLSv1.3"]
    assert [n for n in good["suites"]["TLSv1.2"] if "RSA" in n] == AEAD_OF_RSA
    assert len(good["suites"]["TLSv1.2"]) == 6
    assert not any(good["weak_suites"].values())
    assert good["groups"]["dhe"] == []
    assert good["server_preference"] == {"TLSv1.2": True, "TLSv1.3": True}


def test_both_chains_are_shown_and_verified(good: dict[str, t.Any], pki: Pki) -> None:
    trusted = {"trusted": True, "reason": None, "name_matches": True}
    assert good["verify"] == {"rsa": trusted, "ecdsa": trusted}
    for kind in ("rsa", "ecdsa"):
        leaf, intermediate = good["chains"][kind]
        assert leaf["key_algorithm"] == kind
        assert leaf["names"] == ["mx.example"]
        assert leaf["issuer"] == intermediate["subject"] == "CN=intermediate.example"
        assert (leaf["is_ca"], intermediate["is_ca"]) == (False, True)
    text = subprocess.run(
        ["openssl", "x509", "-in", pki.rsa, "-noout", "-fingerprint", "-sha256", "-serial"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    fingerprint, serial = (line.partition("=")[2] for line in text.splitlines())
    assert good["chains"]["rsa"][0]["sha256"] == fingerprint.replace(":", "").lower()
    assert int(good["chains"]["rsa"][0]["serial"], 16) == int(serial, 16)


def test_each_chain_is_verified_by_itself(s_server: StartServer, pki: Pki) -> None:
    port = s_server(
        *("-cert", pki.rsa, "-key", pki.rsa_key, "-dcert", pki.ecdsa, "-dkey", pki.ecdsa_key),
        *("-cert_chain", pki.intermediate),
    )
    verify = ask(port, questions=["verify"], ca_file=pki.ca)["verify"]
    assert {kind: found["trusted"] for kind, found in verify.items()} == {
        "rsa": True,
        "ecdsa": False,
    }


def test_a_chain_without_its_intermediate_is_not_trusted(s_server: StartServer, pki: Pki) -> None:
    port = s_server("-cert", pki.rsa, "-key", pki.rsa_key)
    answers = ask(port, questions=["chains", "verify"], ca_file=pki.ca, name="other.example")
    assert len(answers["chains"]["rsa"]) == 1
    assert answers["verify"] == {
        "rsa": {
            "trusted": False,
            "reason": "unable to get local issuer certificate",
            "name_matches": False,
        }
    }


@pytest.mark.parametrize(
    ("groups", "seen"),
    [
        ("P-384", ["secp384r1"]),
        ("X25519:P-521", ["X25519", "secp521r1"]),
        ("ffdhe2048", ["ffdhe2048"]),
    ],
)
def test_tls13_only_with_few_groups(
    groups: str, seen: list[str], s_server: StartServer, pki: Pki
) -> None:
    port = s_server(
        *("-cert", pki.rsa, "-key", pki.rsa_key, "-cert_chain", pki.intermediate),
        *("-tls1_3", "-groups", groups),
    )
    answers = ask(port, ca_file=pki.ca)
    assert [v for v, accepted in answers["protocols"].items() if accepted] == ["TLSv1.3"]
    assert sorted(answers["groups"]["TLSv1.3"]) == sorted(seen)
    assert "TLSv1.2" not in answers["groups"]
    assert answers["renegotiation_info"] is None
    assert answers["verify"]["rsa"]["trusted"] is True
    if sys.version_info >= (3, 13):
        assert [c["subject"] for c in answers["chains"]["rsa"]] == [
            "CN=rsa.example",
            "CN=intermediate.example",
        ]
    else:
        assert answers["incomplete"] == ["chains"]
        assert [c["subject"] for c in answers["chains"]["rsa"]["seen"]] == ["CN=rsa.example"]


def test_curves_below_tls13_are_seen_behind_an_ecdsa_certificate(
    s_server: StartServer, pki: Pki
) -> None:
    port = s_server(
        *("-cert", pki.ecdsa, "-key", pki.ecdsa_key, "-tls1_2", "-groups", "P-256:P-384:P-521"),
    )
    answers = ask(port, questions=["groups"])
    assert sorted(answers["groups"]["TLSv1.2"]) == ["secp256r1", "secp384r1", "secp521r1"]


def test_without_a_certificate_only_anonymous_suites_are_left(s_server: StartServer) -> None:
    answers = ask(s_server("-nocert", "-cipher", "ALL:@SECLEVEL=0"))
    assert answers["protocols"]["TLSv1.3"] is False
    assert set(answers["suites"]["TLSv1.2"]) == suites_of_openssl("aNULL:!eNULL", "-tls1_2")
    assert answers["chains"] == {}
    assert answers["verify"] == {"incomplete": "the server showed no certificate"}
    assert answers["incomplete"] == ["verify"]


def test_suites_that_no_library_speaks_any_more_are_seen(peer: StartPeer) -> None:
    accepts = {0x0300: [0x0004, 0x0003], 0x0301: [0x000A, 0x0006, 0x0009, 0x0096]}
    answers = ask(peer(fake_tls(accepts)).port, timeout=10)
    assert answers["protocols"] == {
        "SSLv3": True,
        "TLSv1": True,
        "TLSv1.1": False,
        "TLSv1.2": False,
        "TLSv1.3": False,
    }
    assert answers["suites"] == {
        "SSLv3": ["RC4-MD5", "EXP-RC4-MD5"],
        "TLSv1": ["SEED-SHA", "DES-CBC3-SHA", "DES-CBC-SHA", "EXP-RC2-CBC-MD5"],
    }
    assert answers["weak_suites"]["export"] == ["EXP-RC2-CBC-MD5", "EXP-RC4-MD5"]
    assert answers["weak_suites"]["rc4"] == ["RC4-MD5", "EXP-RC4-MD5"]
    assert answers["server_preference"] == {"SSLv3": True, "TLSv1": True}
    assert answers["renegotiation_info"] is False
    assert "incomplete" in answers["chains"]["rsa"][0]
    assert {"chains", "verify"} <= set(answers["incomplete"])


def test_an_older_version_in_answer_ends_the_enumeration(peer: StartPeer) -> None:
    server = peer(fake_tls({0x0303: [0xC02F], 0x0302: [0x002F, 0x0035]}))
    answers = ask(server.port, questions=["suites"])
    assert answers["suites"] == {
        "TLSv1.1": ["AES256-SHA", "AES128-SHA"],
        "TLSv1.2": ["ECDHE-RSA-AES128-GCM-SHA256"],
    }


def test_one_suite_has_no_preference(peer: StartPeer) -> None:
    answers = ask(peer(fake_tls({0x0303: [0xC02F]})).port, questions=["server_preference"])
    assert answers["server_preference"] == {"TLSv1.2": None}


def test_a_suite_that_was_not_offered_ends_the_enumeration(peer: StartPeer) -> None:
    def talk(conn: socket.socket) -> None:
        data = conn.recv(65536, socket.MSG_PEEK)
        if TLS13_OFFER.search(data) or data[9:11] != b"\x03\x03":
            conn.sendall(b"\x15\x03\x00\x00\x02\x02\x28")
            return
        conn.recv(65536)
        flight = b"\x02\x00\x00\x26\x03\x03" + b"r" * 32 + b"\x00\x12\x34\x00" + b"\x0e\x00\x00\x00"
        conn.sendall(b"\x16\x03\x03" + len(flight).to_bytes(2, "big") + flight)
        conn.recv(1)

    answers = ask(peer(talk).port, questions=["suites"])
    assert answers["suites"]["TLSv1.2"]["incomplete"] == (
        "the server chose a suite that was not offered"
    )


@pytest.mark.parametrize("protocol", ["smtp", "lmtp", "imap", "pop3"])
def test_every_question_is_answered_through_starttls(
    protocol: str, peer: StartPeer, server_context: ssl.SSLContext, pki: Pki
) -> None:
    server = peer(mail_server(protocol, server_context))
    answers = ask(
        server.port,
        questions=QUESTIONS,
        protocol=protocol,
        implicit_tls=False,
        ca_file=pki.ca,
    )
    assert answers["incomplete"] == []
    assert answers["protocols"]["TLSv1.3"] is True
    assert answers["suites"]["TLSv1.3"] == TLS13_SUITES
    assert answers["capabilities"]["before_tls"] == answers["capabilities"]["after_tls"] != []
    assert answers["injection"] == "refused"
    assert answers["connections"] == server.connections


def test_few_connections_are_open_at_a_time(
    peer: StartPeer, server_context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = peer(mail_server("smtp", server_context))
    opened: list[int] = [0]
    lock = threading.Lock()
    connect, close = prober.connect, Wire.close

    def counted(target: Target, **options: t.Any) -> Wire:
        with lock:
            opened.append(opened[-1] + 1)
        return connect(target, **options)

    def uncounted(wire: Wire) -> None:
        with lock:
            opened.append(opened[-1] - 1)
        close(wire)

    monkeypatch.setattr(prober, "connect", counted)
    monkeypatch.setattr(session, "connect", counted)
    monkeypatch.setattr(Wire, "close", uncounted)
    answers = ask(server.port, questions=["suites", "groups"], implicit_tls=False)
    assert answers["complete"]
    assert 2 <= max(opened) <= 4
    assert opened[-1] == 0


@pytest.mark.parametrize("protocol", ["smtp", "lmtp", "imap", "pop3"])
def test_injection_that_is_executed_inside_tls_is_seen(
    protocol: str, peer: StartPeer, server_context: ssl.SSLContext
) -> None:
    server = peer(mail_server(protocol, server_context, keeps_plaintext=True))
    answers = ask(server.port, questions=["injection"], protocol=protocol, implicit_tls=False)
    assert answers["injection"] == "accepted"
    assert server.connections == 2


def injection_of(port: int) -> t.Any:
    return ask(port, questions=["injection"], implicit_tls=False)["injection"]


def _forgets(context: ssl.SSLContext, *, reply: bytes) -> t.Callable[[socket.socket], None]:
    """A server that reads all that came with STARTTLS, says ``reply`` and forgets the rest."""

    def talk(conn: socket.socket) -> None:
        conn.sendall(b"220 mx\r\n")
        conn.recv(1000)
        conn.sendall(b"250-mx\r\n250 STARTTLS\r\n")
        injected = b"NOOP" in conn.recv(1000)
        conn.sendall(reply if injected else b"220 go\r\n")
        if injected and not reply.startswith(b"220"):
            return
        with context.wrap_socket(conn, server_side=True) as inside:
            for answer in (b"250 mx\r\n", b"221 bye\r\n"):
                said = inside.recv(1000)
                inside.sendall(b"221 bye\r\n" if said.startswith(b"QUIT") else answer)

    return talk


@pytest.mark.parametrize(
    "reply", [b"220 go\r\n", b"554 5.5.0 Error: SMTP protocol synchronization\r\n"]
)
def test_injection_that_is_forgotten_or_refused_is_refused(
    reply: bytes, peer: StartPeer, server_context: ssl.SSLContext
) -> None:
    assert injection_of(peer(_forgets(server_context, reply=reply)).port) == "refused"


def test_injection_without_any_reply_inside_tls_is_incomplete(
    peer: StartPeer, server_context: ssl.SSLContext
) -> None:
    def talk(conn: socket.socket) -> None:
        conn.sendall(b"220 mx\r\n")
        conn.recv(1000)
        conn.sendall(b"250-mx\r\n250 STARTTLS\r\n")
        conn.recv(1000)
        conn.sendall(b"220 go\r\n")
        with server_context.wrap_socket(conn, server_side=True) as inside:
            inside.recv(1000)

    assert injection_of(peer(talk).port) == {"incomplete": "no reply inside TLS"}


def test_injection_that_is_answered_in_clear_text_is_incomplete(
    peer: StartPeer, server_context: ssl.SSLContext
) -> None:
    server = peer(_forgets(server_context, reply=b"220 go\r\n250 Ok\r\n"))
    assert injection_of(server.port) == {"incomplete": "TLS handshake: the answer is not TLS"}


def test_injection_says_nothing_where_no_handshake_succeeds(peer: StartPeer) -> None:
    # Without a certificate every handshake ends with an alert.
    server = peer(mail_server("smtp", ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)))
    answers = ask(
        server.port, questions=["protocols", "weak_suites", "injection"], implicit_tls=False
    )
    assert answers["protocols"]["TLSv1.2"] is False
    assert answers["incomplete"] == ["weak_suites", "injection"]
    assert answers["weak_suites"]["incomplete"] == "the server accepted no protocol"


def test_implicit_tls_has_nothing_to_inject_into(s_server: StartServer, pki: Pki) -> None:
    port = s_server("-cert", pki.rsa, "-key", pki.rsa_key)
    answers = ask(port, questions=["injection"], timeout=1)
    assert answers["injection"] is None


@pytest.mark.parametrize("name", EVIL)
def test_evil_peers_give_incomplete_answers(name: str, peer: StartPeer) -> None:
    evil = EVIL[name]
    server = peer(evil.talk)
    start = time.monotonic()
    answers = ask(
        server.port,
        questions=QUESTIONS,
        timeout=1.5,
        protocol=evil.protocol,
        implicit_tls=evil.implicit,
    )
    # Left alone, the peer would hold on for so long.
    assert time.monotonic() - start < LIMIT
    assert answers["complete"] is False
    expected = set(QUESTIONS) | {"suite_classes"}
    if evil.stage not in ("connect", "greeting", "handshake") or not evil.implicit:
        expected -= {"banner"} if evil.stage != "greeting" else set()
    assert set(answers["incomplete"]) == expected
    assert evil.problem in answers["protocols"]["incomplete"]
    assert evil.problem in answers["weak_suites"]["incomplete"]
    # One look, and no more than the five offers of the protocols after it.
    assert server.connections <= 6


def test_a_peer_that_turns_evil_gives_incomplete_answers(
    peer: StartPeer, server_context: ssl.SSLContext
) -> None:
    honest = mail_server("smtp", server_context)

    def talk(conn: socket.socket) -> None:
        if server.connections > 12:
            conn.sendall(b"421 4.7.0 Error: too many connections\r\n")
        else:
            honest(conn)

    server = peer(talk)
    answers = ask(server.port, questions=QUESTIONS, implicit_tls=False, timeout=10)
    assert answers["protocols"]["TLSv1.3"] is True
    assert {"suites", "groups", "weak_suites"} <= set(answers["incomplete"])
    assert "421 4.7.0" in str(answers["weak_suites"]["incomplete"])
    assert answers["weak_suites"]["seen"]["anonymous"] == []


class _Closing:
    """A server that speaks TLS 1.3 alone and closes on any other offer, without an alert."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.honest = mail_server("smtp", context, implicit=True)
        self.closes_always = False

    def talk(self, conn: socket.socket) -> None:
        hello = conn.recv(65536, socket.MSG_PEEK)
        if self.closes_always or not TLS13_OFFER.search(hello):
            conn.recv(65536)
        else:
            self.honest(conn)


def test_a_close_without_an_alert_is_a_refusal_when_the_server_works_on(
    peer: StartPeer, server_context: ssl.SSLContext
) -> None:
    server = peer(_Closing(server_context).talk)
    answers = ask(server.port, questions=["protocols"])
    assert answers["complete"]
    assert [v for v, accepted in answers["protocols"].items() if accepted] == ["TLSv1.3"]
    # A look, an offer of TLS 1.3; for each of the others two offers and a handshake.
    assert server.connections == 1 + 1 + 4 * 3


def test_a_close_without_an_alert_is_no_refusal_when_the_server_works_no_more(
    peer: StartPeer, server_context: ssl.SSLContext
) -> None:
    closing = _Closing(server_context)

    def talk(conn: socket.socket) -> None:
        closing.closes_always = server.connections > 1
        closing.talk(conn)

    server = peer(talk)
    answers = ask(server.port, questions=["protocols"])
    assert answers["protocols"] == {
        "incomplete": "the server closed the connection without an answer"
    }


def test_one_close_without_an_alert_is_asked_again(
    peer: StartPeer, server_context: ssl.SSLContext
) -> None:
    honest = mail_server("smtp", server_context, implicit=True)
    closed: list[int] = []

    def talk(conn: socket.socket) -> None:
        hello = conn.recv(65536, socket.MSG_PEEK)
        if hello[9:11] == b"\x03\x03" and not TLS13_OFFER.search(hello) and not closed:
            closed.append(1)
            conn.recv(65536)
        else:
            honest(conn)

    answers = ask(peer(talk).port, questions=["protocols"])
    assert closed
    assert answers["protocols"]["TLSv1.2"] is True


def test_a_silent_offer_does_not_eat_the_time_of_the_others(
    peer: StartPeer, server_context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = mail_server("smtp", server_context, implicit=True)

    def talk(conn: socket.socket) -> None:
        # Some servers drop what they do not know: here SSLv3.
        if conn.recv(11, socket.MSG_PEEK)[9:11] == b"\x03\x00":
            conn.recv(65536)
            conn.recv(1)
            return
        honest(conn)

    name = "ansible_collections.hardened.mail.plugins.module_utils.starttls.prober._PATIENCE"
    monkeypatch.setattr(name, 0.3)
    answers = ask(peer(talk).port, questions=["protocols", "suites"], timeout=20)
    assert answers["protocols"]["SSLv3"] == {"incomplete": "TLS handshake: no answer in time"}
    assert answers["protocols"]["TLSv1.3"] is True
    assert answers["suites"]["TLSv1.3"] == TLS13_SUITES
    assert answers["incomplete"] == ["protocols", "suites", "suite_classes"]


def test_the_address_of_the_first_look_serves_for_all(
    peer: StartPeer, server_context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = peer(mail_server("smtp", server_context))
    asked: list[str] = []
    real = socket.getaddrinfo

    def resolve(host: str, port: int, **options: t.Any) -> t.Any:
        if host == "mx.example":
            if options.get("flags"):
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
            asked.append(host)
            host = "127.0.0.1"
        return real(host, port, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    target = Target("mx.example", server.port, server_name="mx.example")
    evidence = probe(target, questions=["protocols"], timeout=10)
    assert evidence.protocols[0x0304].accepted
    assert asked == ["mx.example"]


def test_a_whole_probe_sends_a_proxy_header_each_time(
    peer: StartPeer, server_context: ssl.SSLContext
) -> None:
    headers: list[bytes] = []
    server = peer(mail_server("smtp", server_context, proxy=headers))
    answers = ask(
        server.port, questions=["protocols"], implicit_tls=False, proxy_protocol=True, timeout=10
    )
    assert answers["protocols"]["TLSv1.2"] is True
    assert len(headers) == server.connections == 6
    assert all(header.startswith(b"PROXY TCP4 127.0.0.1 ") for header in headers)


@pytest.mark.parametrize(
    ("text", "problem"), [(None, "No such file or directory"), ("no certificate", "certificate")]
)
def test_a_bad_ca_file_is_told_before_any_connection(
    text: str | None, problem: str, peer: StartPeer, tmp_path: pathlib.Path
) -> None:
    path = tmp_path / "ca.pem"
    if text is not None:
        path.write_text(text)
    server = peer(mail_server("smtp", None))
    with pytest.raises(CaFileError, match=problem):
        ask(server.port, questions=["verify"], ca_file=str(path))
    assert server.connections == 0


@pytest.mark.parametrize(
    ("name", "sni"),
    [
        ("mx.example", "mx.example"),
        ("mx.example.", "mx.example"),
        ("192.0.2.1", None),
        ("2001:db8::1", None),
        ("fe80::1%eth0", None),
    ],
)
def test_server_name_of_leaves_out_addresses(name: str, sni: str | None) -> None:
    assert server_name_of(name) == sni
