# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS sessions are read from the mail log.

The files ``mail-log-VERSION-SOURCE.txt`` were recorded from Postfix of that version on Debian 12 and 13,
with sessions of ``openssl s_client`` and between the two hosts, and with smtpd_tls_loglevel at 0 for one
session. SOURCE is ``journal`` (``journalctl -o short-unix``), ``maillog_file`` or ``rsyslog``; only the
network's addresses were replaced by 192.0.2.0/24.
"""

from __future__ import annotations

import pathlib
import typing as t
from datetime import datetime, timedelta, timezone

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.policy.profiles import PROFILES
from ansible_collections.hardened.mail.plugins.module_utils.postfix import mail_log, master_cf
from ansible_collections.hardened.mail.plugins.module_utils.postfix.mail_log import (
    Floor,
    Handshake,
    Tally,
)
from hypothesis import given
from hypothesis import strategies as st

FIXTURES = pathlib.Path(__file__).parents[3] / "fixtures"
NEWEST = datetime(2026, 11, 23, 6, 0, tzinfo=timezone.utc)
LONG_AGO = NEWEST - timedelta(days=30)
VERSIONS = ["3.7.11", "3.10.13"]

INTERMEDIATE = Floor(
    oldest_protocol=PROFILES["intermediate"].oldest_protocol,
    suites=PROFILES["intermediate"].suites,
)
INTEROP = Floor(oldest_protocol="TLSv1", suites=None, excluded=("aNULL", "3DES", "RC4"))
GCM = "TLS_AES_256_GCM_SHA384"


def lines(version: str, source: str = "journal") -> list[str]:
    text = (FIXTURES / f"mail-log-{version}-{source}.txt").read_text(encoding="utf-8")
    return text.splitlines(keepends=True)


def tally(
    texts: t.Iterable[str],
    *,
    names: t.Collection[str] = ("postfix",),
    since: datetime = LONG_AGO,
    newest: datetime = NEWEST,
    limit: int = 10000,
) -> Tally:
    made = Tally(names=names, since=since, limit=limit)
    for text in texts:
        made.add(text, newest=newest)
    return made


def counts(made: Tally, direction: str) -> dict[tuple[str, ...], int]:
    return {key[1:]: seen.sessions for key, seen in made.seen.items() if key[0] == direction}


def report(
    made: Tally,
    *,
    direction: mail_log.Direction = "inbound",
    floor: Floor = INTERMEDIATE,
    logging: mail_log.Logging = "on",
    silent: t.Sequence[str] = (),
    max_peers: int = 100,
) -> dict[str, t.Any]:
    return mail_log.report(
        made,
        direction=direction,
        floor=floor,
        logging=logging,
        silent=silent,
        max_peers=max_peers,
    )


def journal(text: str, *, at: datetime = NEWEST, name: str = "postfix/smtpd", pid: int = 7) -> str:
    return f"{at.timestamp():.6f} mx1.example {name}[{pid}]: {text}\n"


def established(
    peer: str = "sender.example[192.0.2.7]",
    *,
    protocol: str = "TLSv1.3",
    cipher: str = GCM,
    way: str = "from",
) -> str:
    return (
        f"Anonymous TLS connection established {way} {peer}: {protocol} with cipher {cipher} "
        "(256/256 bits)"
    )


@pytest.mark.parametrize("version", VERSIONS)
def test_recorded_incoming_sessions(version: str) -> None:
    found = counts(tally(lines(version)), "inbound")
    by_suite: dict[tuple[str, str], int] = {}
    for (_peer, protocol, cipher), sessions in found.items():
        by_suite[protocol, cipher] = by_suite.get((protocol, cipher), 0) + sessions
    assert by_suite.pop(("TLSv1.3", GCM)) > 5
    assert by_suite == {
        ("TLSv1", "ECDHE-RSA-AES256-SHA"): 1,
        ("TLSv1.1", "ECDHE-RSA-AES256-SHA"): 1,
        ("TLSv1.2", "AES128-SHA"): 1,
        ("TLSv1.2", "ECDHE-RSA-AES256-GCM-SHA384"): 5,
        ("TLSv1.3", "TLS_CHACHA20_POLY1305_SHA256"): 1,
    }


@pytest.mark.parametrize(("version", "other"), [("3.7.11", "t.example"), ("3.10.13", "b.example")])
def test_recorded_peers(version: str, other: str) -> None:
    made = tally(lines(version))
    address = f"192.0.2.{'5' if other == 't.example' else '4'}"
    # The address is that of a client of postscreen, which is not looked up; ::1 had no name.
    assert {peer for peer, _protocol, _cipher in counts(made, "inbound")} == {
        other,
        address,
        "localhost",
        "::1",
    }
    assert {peer for peer, _protocol, _cipher in counts(made, "outbound")} == {other}


@pytest.mark.parametrize("version", VERSIONS)
def test_recorded_sessions_are_those_that_the_log_names(version: str) -> None:
    made = tally(lines(version))
    named = sum(" TLS connection established " in line for line in lines(version))
    assert sum(seen.sessions for seen in made.seen.values()) == named


@pytest.mark.parametrize("version", VERSIONS)
def test_recorded_session_without_a_line_of_its_own_is_noticed(version: str) -> None:
    assert tally(lines(version)).unlogged.sessions == 1


@pytest.mark.parametrize(
    ("version", "source", "inbound", "outbound"),
    [
        pytest.param("3.7.11", "maillog_file", 2, 1, id="3.7-maillog_file"),
        pytest.param("3.10.13", "maillog_file", 2, 1, id="3.10-maillog_file"),
        pytest.param("3.7.11", "rsyslog", 1, 0, id="3.7-rsyslog"),
        pytest.param("3.10.13", "rsyslog", 1, 0, id="3.10-rsyslog"),
    ],
)
def test_recorded_files(version: str, source: str, inbound: int, outbound: int) -> None:
    made = tally(lines(version, source))
    assert sum(counts(made, "inbound").values()) == inbound
    assert sum(counts(made, "outbound").values()) == outbound
    assert made.first is not None
    assert made.first.date().isoformat() == "2026-11-23"
    assert made.unlogged.sessions == 0


@pytest.mark.parametrize(
    ("text", "newest", "expected"),
    [
        pytest.param("1795410663.890823", NEWEST, "2026-11-23T05:11:03Z", id="unix"),
        pytest.param(
            "2026-11-23T05:12:36.350272+00:00", NEWEST, "2026-11-23T05:12:36Z", id="rfc3339"
        ),
        pytest.param("2026-11-23T05:12:36Z", NEWEST, "2026-11-23T05:12:36Z", id="rfc3339-z"),
        pytest.param("2026-11-23T06:12:36+0100", NEWEST, "2026-11-23T05:12:36Z", id="short-iso"),
        pytest.param("Nov 23 05:12:36", NEWEST, "2026-11-23T05:12:36Z", id="rfc3164"),
        pytest.param("Nov  3 05:12:36", NEWEST, "2026-11-03T05:12:36Z", id="rfc3164-day"),
        pytest.param("Dec 31 23:59:59", NEWEST, "2025-12-31T23:59:59Z", id="last-year"),
        pytest.param(
            "Jan  1 00:00:01",
            datetime(2026, 12, 31, 23, 59, tzinfo=timezone.utc),
            "2027-01-01T00:00:01Z",
            id="just-after-new-year",
        ),
        pytest.param("Feb 29 12:00:00", NEWEST, "2024-02-29T12:00:00Z", id="leap-day"),
        pytest.param(
            "Nov 23 05:12:36",
            NEWEST.astimezone(timezone(timedelta(hours=2))),
            "2026-11-23T03:12:36Z",
            id="zone-of-the-file",
        ),
    ],
)
def test_moments(text: str, newest: datetime, expected: str) -> None:
    line = mail_log.take_apart(f"{text} mx1 postfix/smtpd[12]: connect from x\r\n", newest=newest)
    assert line is not None
    assert mail_log.iso(line.at) == expected
    assert (line.name, line.pid, line.text) == ("postfix/smtpd", 12, "connect from x")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("-- Boot 0123 --", id="journal-marker"),
        pytest.param("Nov 23 05:12:36 mx1 kernel: x", id="no-process"),
        pytest.param("Nov 31 05:12:36 mx1 postfix/smtpd[1]: x", id="no-such-day"),
        pytest.param("Foo 30 05:12:36 mx1 postfix/smtpd[1]: x", id="no-such-month"),
        pytest.param("2026-13-01T00:00:00Z mx1 postfix/smtpd[1]: x", id="month-13"),
        pytest.param("99999999999.0 mx1 postfix/smtpd[1]: x", id="year-5138"),
    ],
)
def test_what_is_no_log_line_is_skipped(text: str) -> None:
    found = mail_log.take_apart(text, newest=NEWEST)
    assert found is None or found.at.year > 5000


@given(text=st.text(max_size=60))
def test_any_text_is_taken(text: str) -> None:
    made = tally([text, f" TLS connection established {text}", journal(text)])
    assert not made.seen


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        pytest.param(
            "postfix/smtpd",
            established(),
            Handshake("inbound", "sender.example", "192.0.2.7", "TLSv1.3", GCM),
            id="smtpd",
        ),
        pytest.param(
            "postfix/smtpd",
            established("unknown[2001:db8::7]"),
            Handshake("inbound", "", "2001:db8::7", "TLSv1.3", GCM),
            id="unknown",
        ),
        pytest.param(
            "postfix/smtpd",
            established("sender.example[192.0.2.7] to mx1.example"),
            Handshake("inbound", "sender.example", "192.0.2.7", "TLSv1.3", GCM),
            id="with-sni",
        ),
        pytest.param(
            "postfix/tlsproxy",
            established("[192.0.2.7]:43426"),
            Handshake("inbound", "", "192.0.2.7", "TLSv1.3", GCM),
            id="postscreen",
        ),
        pytest.param(
            "postfix/smtp",
            established("MX.example[192.0.2.9]:25", way="to"),
            Handshake("outbound", "mx.example", "192.0.2.9", "TLSv1.3", GCM),
            id="smtp",
        ),
        pytest.param(
            "postfix/tlsproxy",
            established("mx.example[2001:db8::9]:25", way="to"),
            Handshake("outbound", "mx.example", "2001:db8::9", "TLSv1.3", GCM),
            id="connection-reuse",
        ),
        pytest.param("postfix/smtpd", "SSL_accept error from x[192.0.2.7]: -1", None, id="failed"),
        pytest.param(
            "postfix/smtp",
            established("mx.example[192.0.2.9]:25", way="to").replace("established", "reused"),
            None,
            id="reused",
        ),
        pytest.param(
            "postfix/cleanup", f"1A: warning: header Subject: {established()}", None, id="subject"
        ),
        pytest.param("postfix/cleanup", established(), None, id="other-daemon"),
        pytest.param("postfix/smtp", established(), None, id="wrong-way"),
        pytest.param("postfix/lmtp", established("localhost[::1]:24", way="to"), None, id="lmtp"),
        pytest.param(
            "postfix/smtpd",
            f"NOQUEUE: reject: EHLO from x[192.0.2.7]: helo=<{established()}>",
            None,
            id="helo",
        ),
    ],
)
def test_handshake(name: str, text: str, expected: t.Optional[Handshake]) -> None:
    line = mail_log.take_apart(journal(text, name=name), newest=NEWEST)
    assert line is not None
    assert mail_log.handshake(line) == expected


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        pytest.param("", "192.0.2.7", id="unknown"),
        pytest.param("localhost", "localhost", id="one-label"),
        pytest.param("example.com", "example.com", id="two-labels"),
        pytest.param("mail-ed1-f41.example.com", "example.com", id="three-labels"),
        pytest.param("a.b.example.com.", "b.example.com", id="four-labels"),
    ],
)
def test_peer_of(host: str, expected: str) -> None:
    assert mail_log.peer_of(Handshake("inbound", host, "192.0.2.7", "TLSv1.3", GCM)) == expected


def test_other_instances_and_programs_are_not_counted() -> None:
    names = ("postfix", "mta-in")
    ours = ["postfix/smtpd", "postfix/submission/smtpd", "mta-in/smtpd"]
    theirs = ["postfix-out/smtpd", "other/smtpd", "smtpd", "postfix"]
    made = tally([journal(established(), name=name) for name in (*ours, *theirs)], names=names)
    assert counts(made, "inbound") == {("sender.example", "TLSv1.3", GCM): len(ours)}


def test_old_lines_are_not_counted() -> None:
    texts = [journal(established(), at=NEWEST - timedelta(days=age)) for age in (40, 20, 0)]
    made = tally(texts)
    (seen,) = made.seen.values()
    assert (seen.sessions, seen.first, seen.last) == (2, NEWEST - timedelta(days=20), NEWEST)


def test_memory_is_bounded() -> None:
    texts = [
        journal(established(f"unknown[192.0.2.{number}]"), pid=number)
        for number in (1, 2, 3, 4, 5, 1, 3)
    ]
    made = tally([*texts, *[journal("connect from x[y]", pid=pid) for pid in range(9)]], limit=3)
    assert counts(made, "inbound") == {
        ("192.0.2.1", "TLSv1.3", GCM): 2,
        ("192.0.2.2", "TLSv1.3", GCM): 1,
        ("192.0.2.3", "TLSv1.3", GCM): 2,
        (mail_log.OTHERS, "TLSv1.3", GCM): 2,
    }
    assert len(made._open) <= 3


CONNECT, HELLO = "connect from a.example[192.0.2.7]", "ehlo=2 starttls=1 quit=1 commands=4"
DISCONNECT = f"disconnect from a.example[192.0.2.7] {HELLO}"


@pytest.mark.parametrize(
    ("texts", "unlogged"),
    [
        pytest.param([CONNECT, established(), DISCONNECT], 0, id="logged"),
        pytest.param([CONNECT, DISCONNECT], 1, id="not-logged"),
        pytest.param([DISCONNECT], 0, id="began-before-the-log"),
        pytest.param([CONNECT, DISCONNECT.replace("=1 quit", "=0/1 quit")], 0, id="failed"),
        pytest.param([CONNECT, DISCONNECT.replace("starttls=1 ", "")], 0, id="clear-text"),
        pytest.param(
            [CONNECT, established(), DISCONNECT, CONNECT, DISCONNECT], 1, id="the-next-one"
        ),
    ],
)
def test_unlogged_sessions(texts: list[str], unlogged: int) -> None:
    assert tally(map(journal, texts)).unlogged.sessions == unlogged


def test_sessions_of_two_processes_are_kept_apart() -> None:
    made = tally(
        [
            journal(CONNECT, pid=1),
            journal(CONNECT, pid=2),
            journal(established(), pid=2),
            journal(DISCONNECT, pid=1),
            journal(DISCONNECT, pid=2),
        ]
    )
    assert made.unlogged.sessions == 1


@pytest.mark.parametrize(
    ("protocol", "cipher", "floor", "expected"),
    [
        pytest.param("TLSv1.3", GCM, INTERMEDIATE, None, id="1.3"),
        pytest.param("TLSv1.2", "ECDHE-RSA-AES128-GCM-SHA256", INTERMEDIATE, None, id="1.2"),
        pytest.param(
            "TLSv1.1",
            "ECDHE-RSA-AES256-SHA",
            INTERMEDIATE,
            "TLSv1.1 is older than TLSv1.2",
            id="old-protocol",
        ),
        pytest.param(
            "TLSv1.2",
            "AES128-SHA",
            INTERMEDIATE,
            "AES128-SHA is not among the suites of the profile",
            id="old-suite",
        ),
        pytest.param("TLSv1", "AES128-SHA", INTEROP, None, id="interop"),
        pytest.param("SSLv3", "AES128-SHA", INTEROP, "SSLv3 is older than TLSv1", id="sslv3"),
        pytest.param(
            "TLSv1.2",
            "ADH-AES256-SHA",
            INTEROP,
            "ADH-AES256-SHA is excluded by aNULL",
            id="anonymous",
        ),
        pytest.param(
            "TLSv1.2",
            "ECDHE-RSA-DES-CBC3-SHA",
            INTEROP,
            "ECDHE-RSA-DES-CBC3-SHA is excluded by 3DES",
            id="3des",
        ),
        pytest.param("TLSv1.2", "RC4-SHA", INTEROP, "RC4-SHA is excluded by RC4", id="rc4"),
        pytest.param("TLSv2", GCM, INTEROP, "TLSv2 is no protocol that is known here", id="future"),
    ],
)
def test_refusal(protocol: str, cipher: str, floor: Floor, expected: t.Optional[str]) -> None:
    assert mail_log.refusal(protocol, cipher, floor=floor) == expected


SMTPD = "smtp inet n - y - - smtpd\n"
EFFECTIVE = {
    "smtpd_tls_security_level": "may",
    "smtpd_tls_loglevel": "1",
    "smtp_tls_loglevel": "1",
    "syslog_name": "postfix",
}


@pytest.mark.parametrize(
    ("direction", "master", "other", "expected"),
    [
        pytest.param("inbound", SMTPD, {}, ("on", ()), id="on"),
        pytest.param(
            "inbound", SMTPD, {"smtpd_tls_loglevel": "0"}, ("off", ("smtp/inet",)), id="off"
        ),
        pytest.param("inbound", SMTPD, {"smtp_tls_loglevel": "0"}, ("on", ()), id="other-way"),
        pytest.param(
            "inbound",
            f"{SMTPD}587 inet n - y - - smtpd -o smtpd_tls_loglevel=0\n",
            {},
            ("partly", ("587/inet",)),
            id="partly",
        ),
        pytest.param(
            "inbound",
            f"{SMTPD}10025 inet n - y - - smtpd -o smtpd_tls_loglevel=0"
            " -o smtpd_tls_security_level=none\n",
            {},
            ("on", ()),
            id="no-tls-there",
        ),
        pytest.param(
            "inbound",
            "465 inet n - y - - smtpd -o smtpd_tls_wrappermode=yes -o smtpd_tls_loglevel=0\n",
            {"smtpd_tls_security_level": ""},
            ("off", ("465/inet",)),
            id="wrappermode",
        ),
        pytest.param("inbound", "", {"smtpd_tls_loglevel": "0"}, ("off", ()), id="no-service"),
        pytest.param(
            "inbound",
            "smtp inet n - y - 1 postscreen\nsmtpd pass - - y - - smtpd\n",
            {"smtpd_tls_loglevel": "0"},
            ("off", ("smtpd/pass",)),
            id="postscreen",
        ),
        pytest.param("outbound", "smtp unix - - y - - smtp\n", {}, ("on", ()), id="out-on"),
        pytest.param(
            "outbound",
            "smtp unix - - y - - smtp\nrelay unix - - y - - smtp -o smtp_tls_loglevel=0\n",
            {},
            ("partly", ("relay/unix",)),
            id="out-partly",
        ),
        pytest.param(
            "outbound",
            "smtp unix - - y - - smtp\n",
            {"smtp_tls_loglevel": ""},
            ("off", ("smtp/unix",)),
            id="out-empty",
        ),
    ],
)
def test_logging_state(
    direction: mail_log.Direction,
    master: str,
    other: dict[str, str],
    expected: tuple[str, tuple[str, ...]],
) -> None:
    found = mail_log.logging_state(
        direction, services=master_cf.parse(master), effective={**EFFECTIVE, **other}
    )
    assert found == expected


def test_log_names() -> None:
    services = master_cf.parse(
        f"{SMTPD}587 inet n - y - - smtpd -o syslog_name=mta-in\n"
        "relay unix - - y - - smtp -o syslog_name=postfix/$service_name\n"
    )
    assert mail_log.log_names(services=services, effective=EFFECTIVE)[:2] == ("postfix", "mta-in")
    assert mail_log.log_names(services=(), effective={"syslog_name": "postfix-out"}) == (
        "postfix-out",
    )


GOOD = tally([journal(established())])
WEAK = tally([journal(established()), journal(established(protocol="TLSv1", cipher="AES128-SHA"))])
UNLOGGED = tally(map(journal, [CONNECT, established(), DISCONNECT, CONNECT, DISCONNECT]))
EMPTY = tally([])


@pytest.mark.parametrize(
    ("made", "logging", "answer", "reason"),
    [
        pytest.param(GOOD, "on", "none", "1 sessions with 1 peers were seen between", id="none"),
        pytest.param(GOOD, "off", "unknown", "smtpd_tls_loglevel is 0", id="off-now"),
        pytest.param(
            GOOD, "partly", "unknown", "smtpd_tls_loglevel is 0 for 587/inet", id="partly"
        ),
        pytest.param(EMPTY, "on", "unknown", "hold no TLS session", id="nothing-seen"),
        pytest.param(EMPTY, "off", "unknown", "smtpd_tls_loglevel is 0", id="nothing-seen-and-off"),
        pytest.param(UNLOGGED, "on", "unknown", "1 sessions with STARTTLS were not", id="was-off"),
        pytest.param(WEAK, "on", "some", "2 sessions with 1 peers", id="some"),
        pytest.param(WEAK, "off", "some", "smtpd_tls_loglevel is 0", id="some-but-off-now"),
    ],
)
def test_answer(made: Tally, logging: mail_log.Logging, answer: str, reason: str) -> None:
    silent = ("587/inet",) if logging == "partly" else ()
    found = report(made, logging=logging, silent=silent)
    assert found["answer"] == answer
    assert reason in found["reason"]


def test_unlogged_incoming_sessions_say_nothing_of_outgoing_ones() -> None:
    made = tally(
        [
            *map(journal, [CONNECT, DISCONNECT]),
            journal(established("mx.example[192.0.2.9]:25", way="to"), name="postfix/smtp"),
        ]
    )
    assert report(made, direction="outbound")["answer"] == "none"
    assert report(made, direction="outbound")["unlogged_sessions"] == 0


def test_report() -> None:
    def seen(peer: str, hour: int, protocol: str = "TLSv1.3", cipher: str = GCM) -> str:
        return journal(
            established(f"{peer}[192.0.2.7]", protocol=protocol, cipher=cipher),
            at=NEWEST - timedelta(hours=hour),
        )

    made = tally(
        [
            seen("b.example", 5),
            seen("a.example", 4, "TLSv1", "AES128-SHA"),
            seen("b.example", 3),
            seen("c.example", 2, "TLSv1.2", "AES128-SHA"),
            seen("c.example", 1, "TLSv1.2", "AES128-SHA"),
        ]
    )
    found = report(made, max_peers=2)
    assert [(row["peer"], row["sessions"]) for row in found["peers"]] == [
        ("b.example", 2),
        ("c.example", 2),
    ]
    assert found["peers"][0] == {
        "peer": "b.example",
        "protocol": "TLSv1.3",
        "cipher": GCM,
        "sessions": 2,
        "first": "2026-11-23T01:00:00Z",
        "last": "2026-11-23T03:00:00Z",
        "refused_because": None,
    }
    assert [(row["peer"], row["refused_because"]) for row in found["refused"]] == [
        ("c.example", "AES128-SHA is not among the suites of the profile"),
        ("a.example", "TLSv1 is older than TLSv1.2"),
    ]
    assert found["combinations"] == [
        {"protocol": "TLSv1.2", "cipher": "AES128-SHA", "sessions": 2},
        {"protocol": "TLSv1.3", "cipher": GCM, "sessions": 2},
        {"protocol": "TLSv1", "cipher": "AES128-SHA", "sessions": 1},
    ]
    assert (found["sessions"], found["refused_sessions"]) == (5, 3)
    assert (found["peers_left_out"], found["refused_left_out"]) == (1, 0)
    assert (found["first"], found["last"]) == ("2026-11-23T01:00:00Z", "2026-11-23T05:00:00Z")


def test_nothing_refused_hides_among_the_others() -> None:
    texts = [journal(established(f"unknown[192.0.2.{number}]")) for number in range(3)]
    texts.append(journal(established("unknown[192.0.2.9]", protocol="TLSv1")))
    found = report(tally(texts, limit=2))
    assert found["answer"] == "some"
    assert [row["peer"] for row in found["refused"]] == [mail_log.OTHERS]
