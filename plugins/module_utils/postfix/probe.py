# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ask the mail ports of this host what they do, before and after a change (effects: sockets)."""

from __future__ import annotations

import concurrent.futures
import time
import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.postfix.effective import Listener
from ansible_collections.hardened.mail.plugins.module_utils.starttls.session import (
    NO_ANSWER,
    Session,
    look,
)

#: For a port that was never asked before; postscreen makes strangers wait for 6 s.
PATIENCE = 15.0
#: For the second look at a port whose daemon runs, and at one without a daemon.
_SLOW = 6.0
_DEAD = 0.3
_DYING = 1.6
#: How long a daemon from before a reload may hold a port up.
_HELD_UP = 3.0
_AT_ONCE = 4
_EARLY = ("connect", "greeting", "capabilities")


def ask_all(
    listeners: t.Sequence[Listener], *, deadline: float = PATIENCE
) -> dict[Listener, Session]:
    """Return what every mail port does, a few at a time, one connection each.

    *deadline* is in seconds, for each connection.
    """

    def ask(listener: Listener) -> Session:
        return look(
            listener.address,
            port=listener.port,
            implicit_tls=listener.implicit_tls,
            proxy_protocol=listener.proxy_protocol,
            deadline=deadline,
        )

    if not listeners:
        return {}
    with concurrent.futures.ThreadPoolExecutor(_AT_ONCE) as pool:
        return dict(zip(listeners, pool.map(ask, listeners)))


def patience_after(seconds: float) -> float:
    """Return how long to wait for ports that took *seconds* together before a change.

    A dead smtpd leaves the connection open without a word, so this decides how long port 25 is
    silent before the old files come back.
    """
    return min(PATIENCE, max(0.8, 5 * seconds))


def usable_tls(session: Session) -> bool:
    """Return whether an ordinary client gets TLS: a handshake in which a certificate was shown."""
    return session.tls_established and session.leaf_certificate is not None


def offers_auth(capabilities: t.Iterable[str]) -> bool:
    """Return whether AUTH is among EHLO *capabilities*, in the old spelling too."""
    return any(line.replace("=", " ").split()[:1] == ["AUTH"] for line in capabilities)


def lost(before: Session, after: Session) -> t.Optional[str]:
    """Say in plain words what *before* had and *after* lacks; None when nothing was lost."""
    if before.answered and not after.answered:
        return f"it greeted before the change and does not now ({after.problem or 'no greeting'})"
    if usable_tls(before) and not usable_tls(after):
        why = after.problem or "no certificate was shown"
        return f"TLS worked before the change and does not now ({why})"
    if before.stage not in _EARLY and after.stage in _EARLY:
        return (
            f"a session went on to its end before the change and breaks off now ({after.problem})"
        )
    if offers_auth(after.capabilities) and not offers_auth(before.capabilities):
        return "it offers AUTH without TLS, which it did not before the change"
    return None


def daemon_died(session: Session) -> bool:
    """Return whether the daemon seems to have died: no greeting, or an end in the middle of EHLO.

    master(8) then starts no other for a minute, and a reload does not change that.
    """
    return not session.answered or session.stage == "capabilities"


def unfit(session: Session) -> t.Optional[str]:
    """Say what is wrong with a port that was never seen before; None when it serves clients."""
    if not session.answered:
        return f"it gives no greeting ({session.problem})"
    if session.stage not in ("done", "starttls") or (
        session.tls_established and not usable_tls(session)
    ):
        return f"it gives no TLS ({session.problem or 'no certificate was shown'})"
    return None


def failures(
    before: t.Mapping[Listener, Session], after: t.Mapping[Listener, Session]
) -> dict[Listener, str]:
    """Return what is wrong with each port of *after*, measured by what the port did *before*.

    A port whose address changed is measured by what it did at its old one.
    """
    by_port = {listener.port: session for listener, session in before.items()}
    found = {}
    for listener, session in after.items():
        was = before.get(listener, by_port.get(listener.port))
        problem = lost(was, session) if was else unfit(session)
        if problem:
            found[listener] = problem
    return found


def ask_again(
    listeners: t.Sequence[Listener],
    *,
    before: t.Mapping[Listener, Session],
    deadline: float,
    alive: t.Callable[[Listener], bool],
    lingers: t.Callable[[Listener], bool] = lambda _listener: False,
) -> dict[Listener, Session]:
    """Look at every port after a change; a port that lost something gets one second look.

    *alive* tells whether a daemon is there to answer: then it may only be slow, and gets time, also when it
    greeted and the machine was too busy for the rest. One that dies of its configuration is there for a second
    more: Postfix sleeps before such an exit.

    *lingers* tells whether a daemon from before a reload is there. When it took a client in the moment of the reload, master(8)
    counts it as one that is free, and starts no other until it ends: such a port is silent, and lives.
    """
    after = ask_all(listeners, deadline=deadline)
    suspects = list(failures(before, after))
    silent = [one for one in suspects if not after[one].answered and _ran_out(after[one])]
    if _was_held_up(silent, alive=alive, lingers=lingers):
        after.update(ask_all(suspects, deadline=deadline))
        suspects = list(failures(before, after))
    if suspects:
        may_be_slow = all(not after[one].answered or _ran_out(after[one]) for one in suspects)
        until = time.monotonic() + _DYING
        while may_be_slow and time.monotonic() < until:
            may_be_slow = any(alive(one) for one in suspects)
            time.sleep(0.1)
        after.update(ask_all(suspects, deadline=_SLOW if may_be_slow else _DEAD))
    return after


def _was_held_up(
    silent: t.Sequence[Listener],
    *,
    alive: t.Callable[[Listener], bool],
    lingers: t.Callable[[Listener], bool],
) -> bool:
    """Wait until no daemon from before holds up a port for which there is no new one; return whether one did."""
    held_up = [one for one in silent if lingers(one) and not alive(one)]
    until = time.monotonic() + _HELD_UP
    while time.monotonic() < until and any(lingers(one) and not alive(one) for one in held_up):
        time.sleep(0.05)
    return bool(held_up)


def _ran_out(session: Session) -> bool:
    """Return whether a session ended because its time was over."""
    return (session.problem or "").endswith(NO_ANSWER)


def summary(session: Session) -> dict[str, t.Any]:
    """Return the part of a session that is worth a place in a module's result."""
    return {
        "answered": session.answered,
        "banner": session.banner,
        "starttls_offered": session.starttls_offered,
        "tls": usable_tls(session),
        "tls_version": session.tls_version,
        "tls_cipher": session.tls_cipher,
        "auth_without_tls": offers_auth(session.capabilities),
        "auth_with_tls": offers_auth(session.capabilities_tls),
        "problem": session.problem,
    }


__all__ = (
    "PATIENCE",
    "ask_again",
    "ask_all",
    "daemon_died",
    "failures",
    "lost",
    "offers_auth",
    "patience_after",
    "summary",
    "unfit",
    "usable_tls",
)
