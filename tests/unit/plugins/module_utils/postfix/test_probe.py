# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a port lost between two looks is told; what it never had is not blamed on a change."""

from __future__ import annotations

import dataclasses
import re
import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.postfix import probe
from ansible_collections.hardened.mail.plugins.module_utils.postfix.effective import Listener
from ansible_collections.hardened.mail.plugins.module_utils.starttls.session import Session

GOOD = Session(
    answered=True,
    banner="220 mx1.example ESMTP",
    capabilities=("PIPELINING", "STARTTLS"),
    starttls_offered=True,
    tls_established=True,
    leaf_certificate=b"DER",
    capabilities_tls=("PIPELINING", "AUTH PLAIN"),
    stage="done",
)


def but(**other: t.Any) -> Session:
    return dataclasses.replace(GOOD, **other)


SILENT = Session(problem="timed out")
NO_TLS = but(
    tls_established=False, leaf_certificate=None, stage="handshake", problem="handshake failure"
)
ANONYMOUS = but(leaf_certificate=None)
CLEAR = but(
    starttls_offered=False,
    tls_established=False,
    leaf_certificate=None,
    stage="starttls",
    problem="STARTTLS is not offered",
)
AUTH_IN_CLEAR = but(capabilities=("AUTH PLAIN LOGIN", "STARTTLS"))
OLD_AUTH_IN_CLEAR = but(capabilities=("AUTH=PLAIN", "STARTTLS"))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param(GOOD, GOOD, None, id="as-before"),
        pytest.param(
            GOOD,
            SILENT,
            r"it greeted before the change and does not now \(timed out\)",
            id="silent-now",
        ),
        pytest.param(SILENT, SILENT, None, id="was-dead-already"),
        pytest.param(SILENT, GOOD, None, id="answers-now"),
        pytest.param(GOOD, NO_TLS, r"TLS worked before .* \(handshake failure\)", id="tls-lost"),
        pytest.param(
            GOOD,
            ANONYMOUS,
            r"TLS worked before .* \(no certificate was shown\)",
            id="anonymous-now",
        ),
        pytest.param(
            GOOD, CLEAR, r"TLS worked before .* \(STARTTLS is not offered\)", id="no-starttls-now"
        ),
        pytest.param(
            GOOD,
            but(stage="capabilities", problem="Connection reset by peer"),
            r"a session went on to its end before .* breaks off now \(Connection reset by peer\)",
            id="dies-inside-tls",
        ),
        pytest.param(NO_TLS, NO_TLS, None, id="tls-was-broken"),
        pytest.param(CLEAR, CLEAR, None, id="never-had-tls"),
        pytest.param(ANONYMOUS, CLEAR, None, id="anonymous-before-was-no-tls"),
        pytest.param(
            GOOD, AUTH_IN_CLEAR, "it offers AUTH without TLS, which .*", id="auth-in-clear"
        ),
        pytest.param(
            GOOD, OLD_AUTH_IN_CLEAR, "it offers AUTH without TLS, which .*", id="old-auth-in-clear"
        ),
        pytest.param(AUTH_IN_CLEAR, OLD_AUTH_IN_CLEAR, None, id="auth-was-in-clear"),
        pytest.param(AUTH_IN_CLEAR, GOOD, None, id="auth-behind-tls-now"),
    ],
)
def test_lost(before: Session, after: Session, expected: t.Optional[str]) -> None:
    assert re.fullmatch(expected or "", probe.lost(before, after) or "")


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        pytest.param(GOOD, None, id="good"),
        pytest.param(CLEAR, None, id="clear-text-only"),
        pytest.param(SILENT, "it gives no greeting (timed out)", id="silent"),
        pytest.param(NO_TLS, "it gives no TLS (handshake failure)", id="no-tls"),
        pytest.param(ANONYMOUS, "it gives no TLS (no certificate was shown)", id="anonymous"),
    ],
)
def test_unfit(session: Session, expected: t.Optional[str]) -> None:
    assert probe.unfit(session) == expected


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        pytest.param((), False, id="none"),
        pytest.param(("AUTH PLAIN",), True, id="auth"),
        pytest.param(("AUTH=LOGIN",), True, id="old-spelling"),
        pytest.param(("XAUTHX PLAIN", "8BITMIME"), False, id="other"),
    ],
)
def test_offers_auth(capabilities: tuple[str, ...], *, expected: bool) -> None:
    assert probe.offers_auth(capabilities) is expected


def listener(address: str, port: int) -> Listener:
    return Listener(
        service=f"{port}/inet", address=address, port=port, implicit_tls=False, proxy_protocol=False
    )


PORT_25, PORT_587 = listener("127.0.0.1", 25), listener("127.0.0.1", 587)


def test_failures_name_the_port_that_lost_something() -> None:
    found = probe.failures({PORT_25: GOOD, PORT_587: SILENT}, {PORT_25: NO_TLS, PORT_587: SILENT})
    assert list(found) == [PORT_25]


def test_failures_of_a_new_port_are_measured_by_what_clients_need() -> None:
    assert list(probe.failures({PORT_25: GOOD}, {PORT_25: GOOD, PORT_587: SILENT})) == [PORT_587]
    assert probe.failures({}, {PORT_587: CLEAR}) == {}


@pytest.mark.parametrize(
    ("first", "runs", "patient"),
    [
        pytest.param(NO_TLS, True, False, id="without-tls"),
        pytest.param(
            but(
                tls_established=False, stage="handshake", problem="TLS handshake: no answer in time"
            ),
            True,
            True,
            id="busy",
        ),
        pytest.param(SILENT, True, True, id="daemon-runs"),
        pytest.param(SILENT, False, False, id="dead"),
    ],
)
def test_ask_again_is_patient_with_what_is_not_dead(
    first: Session, runs: bool, patient: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine may be too busy for a handshake; a port without a daemon is silent however long one waits."""
    port = PORT_25
    looks = iter((first, GOOD))
    deadlines: list[float] = []

    def ask_all(listeners: t.Sequence[Listener], *, deadline: float) -> dict[Listener, Session]:
        deadlines.extend([deadline] * len(listeners))
        return {one: next(looks) for one in listeners}

    monkeypatch.setattr(probe, "ask_all", ask_all)
    monkeypatch.setattr(probe, "_DYING", 0.1)
    after = probe.ask_again([port], before={port: GOOD}, deadline=1, alive=lambda _one: runs)
    assert after == {port: GOOD}
    assert deadlines[0] == 1
    assert (deadlines[1] > 1) is patient


@pytest.mark.parametrize(
    ("first", "second", "held_up"),
    [
        pytest.param("greeting: no answer in time", GOOD, True, id="lives"),
        pytest.param("greeting: no answer in time", SILENT, True, id="dead-all-the-same"),
        pytest.param("greeting: the connection was closed", GOOD, False, id="closed"),
    ],
)
def test_ask_again_waits_for_a_daemon_that_holds_a_port_up(
    first: str, second: Session, held_up: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is silent while a daemon from before a reload is busy gets the same look again when that has ended."""
    looks = iter((Session(problem=first), second, GOOD))
    busy = iter((True, True, True))
    deadlines: list[float] = []

    def ask_all(listeners: t.Sequence[Listener], *, deadline: float) -> dict[Listener, Session]:
        deadlines.extend([deadline] * len(listeners))
        return {one: next(looks) for one in listeners}

    monkeypatch.setattr(probe, "ask_all", ask_all)
    after = probe.ask_again(
        [PORT_25],
        before={PORT_25: GOOD},
        deadline=1,
        alive=lambda _one: False,
        lingers=lambda _one: next(busy, False),
    )
    assert after == {PORT_25: GOOD}
    assert len(deadlines) == (2 if second is GOOD else 3)
    assert (deadlines[1] == 1) is held_up
    # All of its time was waited for, or none.
    assert next(busy, None) is (None if held_up else True)
