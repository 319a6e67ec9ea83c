# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who logs in where, from lines as Postfix 3.7 and 3.10 wrote them."""

from __future__ import annotations

import typing as t
from datetime import datetime, timezone

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.postfix import login_log, master_cf
from ansible_collections.hardened.mail.plugins.module_utils.postfix.mail_log import Floor

NOW: t.Final = datetime(2026, 11, 28, 12, 0, tzinfo=timezone.utc)
SINCE: t.Final = datetime(2026, 11, 1, tzinfo=timezone.utc)
GOOD: t.Final = "TLS_AES_256_GCM_SHA384"
PLANS: t.Final = login_log.Plans(Floor("TLSv1.2", frozenset({GOOD})))
MASTER: t.Final = """\
smtp inet n - y - - smtpd
submission inet n - y - - smtpd -o syslog_name=postfix/submission
smtps inet n - y - - smtpd -o syslog_name=postfix/smtps -o smtpd_tls_wrappermode=yes
2525 inet n - y - - smtpd -o syslog_name=postfix/2525
"""


def session(
    *texts: str, name: str = "postfix/submission", pid: int = 7, host: str = "unknown[192.0.2.7]"
) -> list[str]:
    """Return the lines of one session."""
    at = f"2026-11-27T10:00:00+00:00 mx {name}/smtpd[{pid}]: "
    return [at + one.replace("HOST", host) for one in texts]


CONNECT: t.Final = "connect from HOST"
MESSAGE: t.Final = "4C0FFEE: client=HOST, sasl_method=PLAIN, sasl_username=alice"


def handshake(protocol: str, cipher: str = GOOD) -> str:
    return f"Anonymous TLS connection established from HOST: {protocol} with cipher {cipher} (256/256 bits)"


def end(counts: str) -> str:
    return f"disconnect from HOST ehlo=2 {counts} mail=1 rcpt=1 data=1 quit=1 commands=8"


def report(
    *sessions: t.Sequence[str], master: str = MASTER, plans: login_log.Plans = PLANS
) -> dict[str, t.Any]:
    tally = login_log.LoginTally(names=("postfix",), since=SINCE)
    for lines in sessions:
        for line in lines:
            tally.add(line, newest=NOW)
    known = login_log.doors(master_cf.parse(master), effective={"syslog_name": "postfix"})
    return login_log.report(tally, known=known, plans=plans, max_rows=10)


def test_a_login_has_user_client_service_and_tls() -> None:
    found = report(
        session(CONNECT, handshake("TLSv1.3"), MESSAGE, MESSAGE, end("starttls=1 auth=1"))
    )
    assert (found["answer"], found["sessions"]) == ("none", 1)
    (row,) = found["logins"]
    assert row == {
        "user": "alice",
        "client": "192.0.2.7",
        "log_name": "postfix/submission",
        "services": ["submission/inet"],
        "ports": ["587"],
        "tls": "TLSv1.3",
        "cipher": GOOD,
        "sessions": 1,
        "first": "2026-11-27T10:00:00Z",
        "last": "2026-11-27T10:00:00Z",
        "cut_off_because": None,
        "unknown_because": None,
    }


def test_a_client_with_a_name_is_shown_with_both() -> None:
    lines = session(
        CONNECT,
        handshake("TLSv1.3"),
        MESSAGE,
        end("starttls=1 auth=1"),
        host="PC.x.example[192.0.2.9]",
    )
    assert report(lines)["logins"][0]["client"] == "pc.x.example (192.0.2.9)"


#: Lines of a session, the name it logs under, and the verdict: cut off, unknown.
VERDICTS: t.Final = [
    pytest.param(
        (handshake("TLSv1"), MESSAGE, end("starttls=1 auth=1")),
        "postfix/submission",
        ("TLSv1 is older than TLSv1.2", None),
        id="old-printer",
    ),
    pytest.param(
        (handshake("TLSv1.2", "AES256-SHA"), MESSAGE, end("starttls=1 auth=1")),
        "postfix/submission",
        ("AES256-SHA is not among the suites of the profile", None),
        id="old-suite",
    ),
    pytest.param(
        (MESSAGE, end("auth=1")),
        "postfix/submission",
        ("no TLS was used", None),
        id="clear-text",
    ),
    pytest.param(
        (MESSAGE, end("starttls=1 auth=1")),
        "postfix/submission",
        (None, "TLS was not logged (smtpd_tls_loglevel)"),
        id="not-logged",
    ),
    pytest.param(
        (MESSAGE, end("auth=1")),
        "postfix/smtps",
        (None, "TLS was not logged (smtpd_tls_loglevel)"),
        id="not-logged-on-465",
    ),
    pytest.param(
        (handshake("TLSv1.3"), MESSAGE, end("starttls=1 auth=1")),
        "postfix",
        ("logins on port 25 end: the program must be set to port 465 or 587", None),
        id="port-25",
    ),
    pytest.param(
        (handshake("TLSv1"), MESSAGE, end("starttls=1 auth=1")),
        "postfix/2525",
        (None, None),
        id="other-port",
    ),
    pytest.param(
        (handshake("TLSv1"), MESSAGE, end("starttls=1 auth=1")),
        "postfix/former",
        (None, "no service logs under postfix/former now"),
        id="name-of-yesterday",
    ),
]


@pytest.mark.parametrize(("texts", "name", "expected"), VERDICTS)
def test_who_would_be_cut_off(
    texts: tuple[str, ...], name: str, expected: tuple[t.Optional[str], t.Optional[str]]
) -> None:
    found = report(session(CONNECT, *texts, name=name))
    (row,) = found["logins"]
    assert (row["cut_off_because"], row["unknown_because"]) == expected
    answer = "some" if expected[0] else "unknown" if expected[1] else "none"
    assert found["answer"] == answer
    assert len(found["cut_off"]) == (answer == "some")


SHARED: t.Final = "smtp inet n - y - - smtpd\nsubmission inet n - y - - smtpd\n"


def test_services_that_share_a_name_are_not_told_apart() -> None:
    lines = session(
        CONNECT, handshake("TLSv1.3"), MESSAGE, end("starttls=1 auth=1"), name="postfix"
    )
    found = report(lines, master=SHARED)
    assert found["answer"] == "unknown"
    assert "smtp/inet, submission/inet log under the same name" in found["reason"]


def test_logins_on_port_25_go_on_when_they_may() -> None:
    lines = session(CONNECT, handshake("TLSv1"), MESSAGE, end("starttls=1 auth=1"), name="postfix")
    plans = login_log.Plans(PLANS.floor, auth_on_25=True)
    assert report(lines, plans=plans)["answer"] == "none"


def test_a_login_without_a_message_has_no_name_and_leaves_doubt() -> None:
    good = session(CONNECT, handshake("TLSv1.3"), MESSAGE, end("starttls=1 auth=1"))
    found = report(good, session(CONNECT, handshake("TLSv1"), end("starttls=1 auth=1"), pid=8))
    assert (found["answer"], found["nameless_sessions"]) == ("unknown", 1)
    assert "1 sessions had a login and no message" in found["reason"]


def test_logins_that_were_refused_are_counted() -> None:
    lines = session(CONNECT, handshake("TLSv1.3"), end("starttls=1 auth=0/3"))
    found = report(lines)
    assert (found["failed_logins"], found["nameless_sessions"]) == (3, 0)
    assert found["failed_by_log_name"] == {"postfix/submission": 3}


def test_an_empty_log_is_no_proof() -> None:
    found = report()
    assert found["answer"] == "unknown"
    assert found["reason"] == "the logs of the period hold no message of a user who logged in"


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("4C0FFEE: client=HOST", id="no-login"),
        pytest.param(
            "warning: 4C0FFEE: client=HOST, sasl_method=PLAIN, sasl_username=x", id="other"
        ),
        pytest.param(
            "NOQUEUE: reject: RCPT from HOST: helo=<4C: client=a[1.2.3.4], sasl_method=P, sasl_username=x>",
            id="said-by-a-stranger",
        ),
    ],
)
def test_other_lines_are_no_logins(line: str) -> None:
    assert report(session(CONNECT, line, end("starttls=1")))["logins"] == []


def test_lines_of_other_programs_and_instances_are_not_read() -> None:
    texts = (CONNECT, handshake("TLSv1"), MESSAGE, end("starttls=1 auth=1"))
    assert (
        report(session(*texts, name="postfix-out"), session(*texts, name="other"))["logins"] == []
    )


def test_what_is_too_much_is_counted_together() -> None:
    tally = login_log.LoginTally(names=("postfix",), since=SINCE, limit=1)
    for user in ("alice", "bob", "carol"):
        message = MESSAGE.replace("alice", user)
        for line in session(CONNECT, handshake("TLSv1.3"), message, end("starttls=1 auth=1")):
            tally.add(line, newest=NOW)
    counted = {one.user: seen.sessions for one, seen in tally.seen.items()}
    assert counted == {"alice": 1, "(others)": 2}


def test_a_session_that_began_before_the_log_is_counted_with_unknown_tls() -> None:
    found = report(session(MESSAGE, end("starttls=1 auth=1")))
    assert [(one["user"], one["tls"]) for one in found["logins"]] == [("alice", None)]
