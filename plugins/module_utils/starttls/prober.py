# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks a mail server questions about its TLS: one connection a question, a few at a time.

The questions are raw ClientHellos, so the local TLS library does not limit what can be seen. Only
verification, the injection test and the first look use that library.
"""

from __future__ import annotations

import ipaddress
import os
import re
import ssl
import threading
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

from ansible_collections.hardened.mail.plugins.module_utils.starttls.dialogue import (
    MAX_REPLY,
    Target,
)
from ansible_collections.hardened.mail.plugins.module_utils.starttls.report import (
    QUESTIONS,
    Evidence,
    Found,
    Part,
    Question,
    Verdict,
)
from ansible_collections.hardened.mail.plugins.module_utils.starttls.session import (
    Wire,
    WireError,
    connect,
    describe,
    lenient_context,
    look_at,
    reach_tls,
    words,
)
from ansible_collections.hardened.mail.plugins.module_utils.starttls.suites import (
    SUITES,
    TLS12_CURVES,
    TLS13_GROUPS,
    VERSIONS,
    WEAK,
    offer,
)
from ansible_collections.hardened.mail.plugins.module_utils.starttls.tls_codec import (
    TLS12,
    TLS13,
    Answer,
    ClientHello,
    ServerFlight,
)

Result = t.TypeVar("Result")
Job = t.Callable[[], None]

# Postfix counts connections per client (smtpd_client_connection_count_limit, anvil).
_AT_ONCE = 4
# One connection that hangs must not use up the time of the others; postscreen waits for 6 s.
_PATIENCE = 10.0
# Seconds for an alert about the injected command, before a ClientHello could hide it.
_REACTION = 0.3
_ALERT = b"\x15"
_FINAL_REPLY = {
    "smtp": re.compile(rb"^(\d{3})(?: |\r?$)", re.MULTILINE),
    "lmtp": re.compile(rb"^(\d{3})(?: |\r?$)", re.MULTILINE),
    "imap": re.compile(rb"^([xq]) ", re.MULTILINE),
    "pop3": re.compile(rb"^(\+OK|-ERR)", re.MULTILINE),
}


class CaFileError(Exception):
    """A file with roots cannot be read or holds no certificate; the text says why."""


def probe(
    target: Target,
    *,
    questions: t.Collection[Question] = QUESTIONS,
    timeout: float,
    ca_file: t.Optional[str] = None,
) -> Evidence:
    """Ask the ``questions`` within ``timeout`` seconds; network trouble becomes part of the answers.

    ``ca_file`` holds the roots for ``verify``; without it the system's are used. Raises CaFileError.
    """
    if "verify" in questions:
        _trusting_context(ca_file)
    prober = _Prober(target, timeout=timeout)
    wanted = set(questions) - {"banner", "capabilities"}
    prober.first_look(inside=wanted != set(questions))
    if wanted and prober.tls_in_reach():
        prober.run(prober.protocol_jobs(wanted))
    if wanted and prober.tls_in_reach():
        prober.run(prober.jobs(wanted))
        prober.run(prober.verify_jobs(wanted, ca_file))
    return prober.evidence


class _Prober:
    def __init__(self, target: Target, *, timeout: float) -> None:
        self.evidence = Evidence(target)
        self._target = target
        self._until = time.monotonic() + timeout
        self._patience = min(_PATIENCE, timeout / 2)
        self._lock = threading.Lock()

    def first_look(self, *, inside: bool) -> None:
        self._count()
        session = look_at(self._target, until=self._soon(), inside=inside)
        self.evidence.session = session
        if session.peer is not None:
            self._target = replace(self._target, address=session.peer)

    def tls_in_reach(self) -> bool:
        session, answers = self.evidence.session, self.evidence.protocols.values()
        if answers and all(answer.kind == "failed" for answer in answers):
            return False
        return session.tls_established or session.stage == "handshake"

    def run(self, jobs: t.Sequence[Job]) -> None:
        with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
            for future in [pool.submit(job) for job in jobs]:
                future.result()

    def protocol_jobs(self, wanted: t.Collection[str]) -> list[Job]:
        versions = VERSIONS if wanted != {"injection"} else ()
        return [partial(self._ask_protocol, version) for version in versions]

    def jobs(self, wanted: t.Collection[str]) -> list[Job]:
        """Return the remaining questions, long ones first."""
        found = self.evidence
        jobs: list[Job] = [partial(self._enumerate, *key) for key in self._parts(wanted)]
        if "groups" in wanted and TLS13 in found.accepted:
            jobs.append(self._groups_by_retry)
        if "groups" in wanted and found.classic is not None:
            jobs.append(self._groups_by_key_exchange)
        if "server_preference" in wanted:
            jobs.extend(partial(self._preference, version) for version in found.accepted)
        if "injection" in wanted and not self._target.implicit_tls:
            jobs.append(self._inject)
        if not {"chains", "verify"}.isdisjoint(wanted) and found.classic is not None:
            jobs.extend(partial(self._chain, kind) for kind in ("RSA", "ECDSA"))
        return jobs

    def verify_jobs(self, wanted: t.Collection[str], ca_file: t.Optional[str]) -> list[Job]:
        if "verify" not in wanted:
            return []
        chains = [a for a, answer in self.evidence.chains.items() if answer.accepted]
        if not self.evidence.chains and TLS13 in self.evidence.accepted:
            chains = ["any"]
        return [partial(self._verify, kind, ca_file) for kind in chains]

    def _parts(self, wanted: t.Collection[str]) -> list[tuple[int, Part]]:
        accepted = sorted(self.evidence.accepted, reverse=True)
        parts: list[tuple[int, Part]] = []
        for version in accepted:
            kinds: tuple[Part, ...] = ("any",) if version == TLS13 else ("DHE", "ECDHE", "static")
            if "suites" in wanted:
                parts.extend((version, kind) for kind in kinds)
            elif "weak_suites" in wanted and version < TLS13:
                parts.append((version, "weak"))
        classic = self.evidence.classic
        if "groups" in wanted and classic is not None and (classic, "DHE") not in parts:
            parts.append((classic, "DHE"))
        return parts

    def _count(self) -> None:
        with self._lock:
            self.evidence.connections += 1

    def _offer(
        self, version: int, suites: t.Sequence[int], *, groups: t.Sequence[int] = ()
    ) -> Answer:
        """Make one offer; trouble is an Answer of the kind ``failed``.

        Dovecot 2.3 refuses by closing the connection without an alert. That counts as a refusal when
        it happens twice and an ordinary handshake still succeeds afterwards.
        """
        hello = ClientHello(
            version,
            tuple(suites),
            os.urandom(32),
            groups=tuple(groups) or (TLS13_GROUPS if version == TLS13 else TLS12_CURVES),
            server_name=self._target.server_name,
        )
        answer = self._answer(hello)
        if answer.kind == "closed" and self.evidence.session.tls_established:
            answer = self._answer(hello)
            if answer.kind == "closed" and self._still_speaks_tls():
                return replace(answer, kind="refused")
        return replace(answer, kind="failed") if answer.kind == "closed" else answer

    def _answer(self, hello: ClientHello) -> Answer:
        try:
            return self._connected(lambda wire: _read_flight(wire, hello))
        except WireError as exc:
            return Answer("failed", str(exc))

    def _still_speaks_tls(self) -> bool:
        name = self._target.server_name
        try:
            self._connected(lambda wire: wire.start_tls(lenient_context(), server_name=name))
        except WireError:
            return False
        return True

    def _connected(self, use: t.Callable[[Wire], Result], *, injected: bytes = b"") -> Result:
        """Return what ``use`` makes of a connection that is ready for the TLS handshake."""
        if time.monotonic() >= self._until:
            raise WireError("the time for the probe is up")
        facts: dict[str, t.Any] = {"stage": "connect"}
        self._count()
        wire = None
        try:
            wire = connect(self._target, until=self._soon())
            reach_tls(wire, self._target, facts, injected=injected)
            return use(wire)
        except WireError as exc:
            stage = facts["stage"]
            text = describe(stage, self._target, str(exc))
            raise WireError(text, refused=exc.refused, stage=stage) from exc
        finally:
            if wire is not None:
                wire.close()

    def _soon(self) -> float:
        return min(self._until, time.monotonic() + self._patience)

    def _ask_protocol(self, version: int) -> None:
        self.evidence.protocols[version] = self._offer(version, offer(version))

    def _enumerate(self, version: int, part: Part) -> None:
        left = [number for number in offer(version) if _in_part(number, part)]
        answers: list[Answer] = []
        problem = None
        while left and problem is None:
            answer = self._offer(version, left)
            if answer.kind == "refused" or (answer.accepted and answer.version != version):
                break
            problem = _unsound(answer, left)
            if problem is None:
                left.remove(answer.suite)
                answers.append(answer)
        self.evidence.parts[version, part] = Found(tuple(answers), problem)

    def _groups_by_retry(self) -> None:
        left = list(TLS13_GROUPS)
        answers: list[Answer] = []
        problem = None
        while left and problem is None:
            answer = self._offer(TLS13, offer(TLS13), groups=left)
            if answer.kind == "refused":
                break
            if answer.kind == "failed":
                problem = answer.text
            elif answer.group not in left:
                problem = "the server chose a group that was not offered"
            else:
                left.remove(answer.group)
                answers.append(answer)
        self.evidence.groups[TLS13] = Found(tuple(answers), problem)

    def _groups_by_key_exchange(self) -> None:
        """Enumerate curves with the newest version below TLS 1.3.

        With an ECDSA certificate its own curve must stay in the offer (RFC 8422 section 5.1); so
        when the rest alone is refused, it is offered again with the curves found at its end.
        """
        version = self.evidence.classic or TLS12
        suites = [n for n in offer(version) if SUITES[n].key_exchange == "ECDHE"]
        left = list(TLS12_CURVES)
        answers: list[Answer] = []
        problem = None
        while left and problem is None:
            answer = self._offer(version, suites, groups=left)
            known = [a.group for a in answers if a.group is not None]
            if answer.kind == "refused" and known:
                answer = self._offer(version, suites, groups=left + known)
            if answer.kind == "refused" or answer.group in known:
                break
            if answer.kind == "failed":
                problem = answer.text
            elif answer.group not in left:
                problem = "the server chose a group that was not offered"
            else:
                left.remove(answer.group)
                answers.append(answer)
        self.evidence.groups[version] = Found(tuple(answers), problem)

    def _preference(self, version: int) -> None:
        """Find the second choice, then offer first and second in the reverse order."""
        first = self.evidence.protocols[version].suite
        others = [number for number in offer(version) if number != first]
        second = self._offer(version, others)
        result: t.Union[bool, str, None]
        if second.kind == "refused":
            result = None
        elif second.kind == "failed":
            result = second.text
        else:
            last = self._offer(version, (second.suite, first))
            result = last.suite == first if last.accepted else last.text
        self.evidence.preference[version] = result

    def _chain(self, authentication: str) -> None:
        version = self.evidence.classic or TLS12
        suites = [n for n in offer(version) if SUITES[n].authentication == authentication]
        answer = self.evidence.protocols[version]
        if answer.suite not in suites:
            answer = self._offer(version, suites)
        self.evidence.chains[authentication] = answer

    def _verify(self, authentication: str, ca_file: t.Optional[str]) -> None:
        context = _trusting_context(ca_file)
        if authentication != "any":
            context.set_ciphers(f"ALL+a{authentication}:@SECLEVEL=0")
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        try:
            self._connected(
                lambda wire: wire.start_tls(context, server_name=self._target.server_name)
            )
            verdict = Verdict(trusted=True)
        except ssl.SSLCertVerificationError as exc:
            verdict = Verdict(trusted=False, reason=exc.verify_message)
        except WireError as exc:
            verdict = Verdict(trusted=None, reason=str(exc))
        self.evidence.verdicts[authentication] = verdict

    def _inject(self) -> None:
        """Send a command in one piece with STARTTLS and count the replies inside TLS.

        One reply, to the goodbye: the server forgot the command. Two: it took it as if it had come
        through TLS (CVE-2011-0411). An alert, or the end of the connection, where a handshake
        without the command succeeds: the server took the command for TLS (Dovecot does).
        """
        command = b"x NOOP\r\n" if self._target.protocol == "imap" else b"NOOP\r\n"
        try:
            replies = self._connected(self._goodbye, injected=command)
        except WireError as exc:
            works = exc.stage == "starttls" or self.evidence.session.tls_established
            if exc.refused and works:
                self.evidence.injection = "refused"
            else:
                self.evidence.injection_problem = str(exc)
            return
        if not replies:
            self.evidence.injection_problem = "no reply inside TLS"
        else:
            self.evidence.injection = "refused" if len(replies) == 1 else "accepted"

    def _goodbye(self, wire: Wire) -> list[bytes]:
        if wire.peek(_REACTION) in (b"", _ALERT):
            raise WireError("the server hung up", refused=True)
        wire.start_tls(lenient_context(), server_name=self._target.server_name)
        wire.send(b"q LOGOUT\r\n" if self._target.protocol == "imap" else b"QUIT\r\n")
        text = b""
        replies: list[bytes] = []
        while len(text) < MAX_REPLY and len(replies) < 2 and replies[:1] not in ([b"221"], [b"q"]):
            data = wire.receive()
            if not data:
                break
            text += data
            replies = _FINAL_REPLY[self._target.protocol].findall(text)
        return replies


def _read_flight(wire: Wire, hello: ClientHello) -> Answer:
    wire.send(hello.encode())
    flight = ServerFlight()
    while True:
        data = wire.receive()
        answer = flight.feed(data) if data else flight.closed()
        if answer is not None:
            return answer


def _in_part(number: int, part: Part) -> bool:
    suite = SUITES[number]
    if part == "weak":
        return not suite.classes.isdisjoint(WEAK)
    if part == "static":
        return suite.key_exchange not in ("ECDHE", "DHE", "any")
    return suite.key_exchange == part


def _unsound(answer: Answer, offered: t.Sequence[int]) -> t.Optional[str]:
    if answer.kind == "failed":
        return answer.text
    return None if answer.suite in offered else "the server chose a suite that was not offered"


def _trusting_context(ca_file: t.Optional[str]) -> ssl.SSLContext:
    context = lenient_context()
    context.verify_mode = ssl.CERT_REQUIRED
    if ca_file is None:
        context.load_default_certs()
    else:
        try:
            context.load_verify_locations(cafile=ca_file)
        except (OSError, ValueError) as exc:
            raise CaFileError(words(exc)) from exc
    return context


def server_name_of(name: str) -> t.Optional[str]:
    """Return ``name`` as it may be sent in SNI, None for an address (RFC 6066 section 3)."""
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return name.rstrip(".") or None
    return None


__all__ = ("CaFileError", "probe", "server_name_of")
