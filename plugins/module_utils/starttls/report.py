# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shapes what the prober saw into answers: each is a value, or ``{"incomplete": reason}``.

An enumeration that stopped early carries what it saw until then as ``seen`` beside ``incomplete``.
"""

from __future__ import annotations

import datetime
import hashlib
import typing as t
from dataclasses import dataclass, field

from ansible_collections.hardened.mail.plugins.module_utils.starttls.dialogue import (
    Session,
    Target,
)
from ansible_collections.hardened.mail.plugins.module_utils.starttls.suites import (
    CLASSES,
    SUITES,
    VERSIONS,
    WEAK,
    group_name,
    suite_name,
)
from ansible_collections.hardened.mail.plugins.module_utils.starttls.tls_codec import (
    RENEGOTIATION_INFO,
    TLS13,
    Answer,
)
from ansible_collections.hardened.mail.plugins.module_utils.x509.certificate import (
    Certificate,
    X509Error,
    matches_name,
    parse_certificate,
)

Question = t.Literal[
    "banner",
    "capabilities",
    "protocols",
    "chosen",
    "server_preference",
    "weak_suites",
    "suites",
    "groups",
    "renegotiation_info",
    "chains",
    "verify",
    "injection",
]
QUESTIONS: tuple[Question, ...] = t.get_args(Question)
Part = t.Literal["any", "ECDHE", "DHE", "static", "weak"]
Json = t.Any
_NOT_ASKED = "the question was not reached"


@dataclass(frozen=True)
class Found:
    """What an enumeration brought; ``problem`` says why it may lack something."""

    answers: tuple[Answer, ...] = ()
    problem: t.Optional[str] = None


@dataclass(frozen=True)
class Verdict:
    """Outcome of a verified handshake: ``trusted`` is None when it could not be tried."""

    trusted: t.Optional[bool]
    reason: t.Optional[str] = None


@dataclass
class Evidence:
    """All that was seen. Keys are protocol versions, or the authentication of a suite.

    ``preference``: True, False, None (less than two suites), or the reason why it is unknown.
    ``injection``: ``accepted``, ``refused``, or None with ``injection_problem``.
    """

    target: Target
    session: Session = field(default_factory=Session)
    protocols: dict[int, Answer] = field(default_factory=dict)
    parts: dict[tuple[int, Part], Found] = field(default_factory=dict)
    preference: dict[int, t.Union[bool, str, None]] = field(default_factory=dict)
    groups: dict[int, Found] = field(default_factory=dict)
    chains: dict[str, Answer] = field(default_factory=dict)
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    injection: t.Optional[str] = None
    injection_problem: t.Optional[str] = None
    connections: int = 0

    @property
    def accepted(self) -> list[int]:
        """The protocol versions that the server accepted, the oldest first."""
        return [v for v, a in sorted(self.protocols.items()) if a.accepted and a.version == v]

    @property
    def classic(self) -> t.Optional[int]:
        """The newest accepted version that shows certificates in clear text, None if there is none."""
        return max((v for v in self.accepted if v < TLS13), default=None)


def report(
    evidence: Evidence, *, questions: t.Collection[Question], name: t.Optional[str] = None
) -> dict[str, Json]:
    """Return the answers to ``questions`` and what they rest on.

    ``name`` is the host name or address that certificates are compared with. ``incomplete`` lists
    the questions without a whole answer.
    """
    shapers: dict[Question, t.Callable[[], Json]] = {
        "banner": lambda: _banner(evidence),
        "capabilities": lambda: _capabilities(evidence),
        "protocols": lambda: _protocols(evidence),
        "chosen": lambda: _per_version(evidence, lambda v: suite_name(evidence.protocols[v].suite)),
        "server_preference": lambda: _per_version(evidence, lambda v: _preference(evidence, v)),
        "weak_suites": lambda: _by_class(evidence, WEAK),
        "suites": lambda: _per_version(evidence, lambda v: _suites(evidence, v)),
        "groups": lambda: _groups(evidence),
        "renegotiation_info": lambda: _renegotiation_info(evidence),
        "chains": lambda: _chains(evidence),
        "verify": lambda: _verify(evidence, name),
        "injection": lambda: _injection(evidence),
    }
    trouble = _trouble(evidence)
    answers: dict[str, Json] = {}
    for question in questions:
        whole = trouble is None or question in ("banner", "capabilities")
        answers[question] = shapers[question]() if whole else _incomplete(trouble)
    if "suites" in answers:
        answers["suite_classes"] = (
            _by_class(evidence, CLASSES) if trouble is None else _incomplete(trouble)
        )
    lacking = [question for question, answer in answers.items() if _lacks(answer)]
    return {
        **answers,
        "address": evidence.session.peer,
        "connections": evidence.connections,
        "complete": not lacking,
        "incomplete": lacking,
    }


def _incomplete(reason: t.Optional[str], seen: Json = None) -> dict[str, Json]:
    answer = {"incomplete": reason or _NOT_ASKED}
    return answer if seen is None else {**answer, "seen": seen}


def _lacks(answer: Json) -> bool:
    if isinstance(answer, dict):
        return "incomplete" in answer or any(_lacks(value) for value in answer.values())
    return isinstance(answer, list) and any(_lacks(value) for value in answer)


def _trouble(evidence: Evidence) -> t.Optional[str]:
    """Return why nothing can be said about TLS, or None."""
    session = evidence.session
    if not session.tls_established and session.stage != "handshake":
        return session.problem
    failed = [answer.text for answer in evidence.protocols.values() if answer.kind == "failed"]
    if failed and len(failed) == len(evidence.protocols):
        return (None if session.tls_established else session.problem) or failed[0]
    return None


def _banner(evidence: Evidence) -> Json:
    session = evidence.session
    return session.banner if session.answered else _incomplete(session.problem)


def _capabilities(evidence: Evidence) -> Json:
    session = evidence.session
    before: Json = list(session.capabilities)
    if not evidence.target.implicit_tls and not session.tls_established:
        reached = session.stage in ("starttls", "handshake")
        before = before if reached else _incomplete(session.problem)
    after: Json = list(session.capabilities_tls)
    if session.stage != "done":
        after = _incomplete(session.problem)
    return {"before_tls": before, "after_tls": after}


def _protocols(evidence: Evidence) -> Json:
    return {VERSIONS[v]: _protocol(evidence, v) for v in sorted(evidence.protocols)}


def _protocol(evidence: Evidence, version: int) -> Json:
    answer = evidence.protocols[version]
    if answer.kind == "failed":
        return _incomplete(answer.text)
    accepted = version in evidence.accepted
    if not accepted and evidence.session.tls_version == VERSIONS[version]:
        return _incomplete("the server refused a bare offer but spoke it with the TLS library")
    return accepted


def _per_version(evidence: Evidence, answer: t.Callable[[int], Json]) -> Json:
    """Return an answer for each accepted version; a version of unknown state is incomplete."""
    answers: dict[str, Json] = {}
    for version in sorted(evidence.protocols):
        state = _protocol(evidence, version)
        if state is True:
            answers[VERSIONS[version]] = answer(version)
        elif state is not False:
            answers[VERSIONS[version]] = state
    return answers or _incomplete("the server accepted no protocol")


def _preference(evidence: Evidence, version: int) -> Json:
    found = evidence.preference.get(version, _NOT_ASKED)
    return _incomplete(found) if isinstance(found, str) else found


def _parts(evidence: Evidence, version: int) -> list[Found]:
    return [found for (v, _part), found in evidence.parts.items() if v == version]


def _suites(evidence: Evidence, version: int) -> Json:
    parts = _parts(evidence, version)
    numbers = {answer.suite for part in parts for answer in part.answers}
    names = [suite.name for suite in SUITES.values() if suite.number in numbers]
    problem = next((part.problem for part in parts if part.problem), None)
    return _incomplete(problem, names) if problem or not parts else names


def _by_class(evidence: Evidence, classes: t.Sequence[str]) -> Json:
    """Return the suites of each class, accepted with whatever protocol."""
    problem: t.Optional[str] = None
    numbers: set[int] = set()
    for version in evidence.protocols:
        state = _protocol(evidence, version)
        if isinstance(state, dict):
            problem = problem or f"{VERSIONS[version]}: {state['incomplete']}"
        for part in _parts(evidence, version):
            numbers.update(answer.suite for answer in part.answers)
            problem = problem or part.problem
    if not evidence.accepted:
        return _incomplete(problem or "the server accepted no protocol")
    found: dict[str, list[str]] = {
        name: [s.name for s in SUITES.values() if s.number in numbers and name in s.classes]
        for name in classes
    }
    return _incomplete(problem, found) if problem else found


def _groups(evidence: Evidence) -> Json:
    if not evidence.accepted:
        return _incomplete("the server accepted no protocol")
    answers: dict[str, Json] = {}
    for version, found in sorted(evidence.groups.items()):
        names = [group_name(answer.group or 0) for answer in found.answers]
        answers[VERSIONS[version]] = _incomplete(found.problem, names) if found.problem else names
    for version in evidence.protocols:
        state = _protocol(evidence, version)
        if isinstance(state, dict) and VERSIONS[version] not in answers:
            answers[VERSIONS[version]] = state
    answers["dhe"] = _primes(evidence)
    return answers


def _primes(evidence: Evidence) -> Json:
    """Return the finite-field groups seen, small ones first."""
    seen = {
        (answer.prime_bits, answer.prime)
        for part in evidence.parts.values()
        for answer in part.answers
        if answer.prime_bits is not None
    }
    names = [f"other{bits}" if prime == "other" else prime for bits, prime in sorted(seen)]
    part = evidence.parts.get((evidence.classic or 0, "DHE"))
    problem = part.problem if part is not None else None
    return _incomplete(problem, names) if problem else names


def _renegotiation_info(evidence: Evidence) -> Json:
    """RFC 5746 support; None where only TLS 1.3 is spoken, which has no renegotiation."""
    if evidence.classic is not None:
        return RENEGOTIATION_INFO in evidence.protocols[evidence.classic].extensions
    failed = [answer.text for answer in evidence.protocols.values() if answer.kind == "failed"]
    if failed or not evidence.accepted:
        return _incomplete(failed[0] if failed else "the server accepted no protocol")
    return None


def _certificate(der: bytes) -> Json:
    try:
        certificate = parse_certificate(der)
    except X509Error as exc:
        return {**_incomplete(f"not readable: {exc}"), "sha256": hashlib.sha256(der).hexdigest()}
    return {
        "subject": certificate.subject,
        "issuer": certificate.issuer,
        "serial": f"{certificate.serial:x}",
        "not_before": _moment(certificate.not_before),
        "not_after": _moment(certificate.not_after),
        "names": list(certificate.names),
        "common_name": certificate.common_name,
        "key_algorithm": certificate.key_algorithm,
        "key_bits": certificate.key_bits,
        "curve": certificate.curve,
        "signature_algorithm": certificate.signature_algorithm,
        "spki_sha256": certificate.spki_sha256,
        "sha256": certificate.sha256,
        "is_ca": certificate.is_ca,
        "self_signed": certificate.self_signed,
    }


def _moment(moment: datetime.datetime) -> str:
    return moment.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _leaf(der: t.Optional[bytes]) -> t.Optional[Certificate]:
    try:
        return parse_certificate(der) if der else None
    except X509Error:
        return None


def _shown(evidence: Evidence) -> dict[str, tuple[str, t.Optional[bytes]]]:
    """Return for each certificate shown its key algorithm and DER, keyed as the prober keys it."""
    shown: dict[str, tuple[str, t.Optional[bytes]]] = {}
    for kind, answer in evidence.chains.items():
        if answer.certificates:
            leaf = _leaf(answer.certificates[0])
            shown[kind] = (leaf.key_algorithm if leaf else kind.lower(), answer.certificates[0])
    session = evidence.session
    if evidence.classic is None and session.leaf_certificate is not None:
        leaf = _leaf(session.leaf_certificate)
        shown["any"] = (leaf.key_algorithm if leaf else "unknown", session.leaf_certificate)
    return shown


def _chains(evidence: Evidence) -> Json:
    if evidence.classic is None:
        return _chain_of_session(evidence)
    shown = _shown(evidence)
    answers: dict[str, Json] = {}
    for kind, answer in evidence.chains.items():
        if kind in shown:
            answers[shown[kind][0]] = [_certificate(der) for der in answer.certificates]
        elif answer.kind == "failed":
            answers[kind.lower()] = _incomplete(answer.text)
    return answers


def _chain_of_session(evidence: Evidence) -> Json:
    """The chain of a server that only speaks TLS 1.3, where it is encrypted."""
    session = evidence.session
    shown = _shown(evidence).get("any")
    if shown is None or session.leaf_certificate is None:
        return _incomplete(session.problem or "the server accepted no protocol")
    if session.chain:
        return {shown[0]: [_certificate(der) for der in session.chain]}
    reason = (
        "TLS 1.3 encrypts the chain and this Python (older than 3.13) shows only its first part"
    )
    return {shown[0]: _incomplete(reason, [_certificate(session.leaf_certificate)])}


def _verify(evidence: Evidence, name: t.Optional[str]) -> Json:
    shown = _shown(evidence)
    answers: dict[str, Json] = {}
    for kind, (algorithm, der) in shown.items():
        verdict = evidence.verdicts.get(kind)
        if verdict is None or verdict.trusted is None:
            answers[algorithm] = _incomplete(verdict.reason if verdict else _NOT_ASKED)
            continue
        leaf = _leaf(der)
        matches: t.Optional[bool] = None
        if name is not None and leaf is not None:
            matches = matches_name(leaf, name=name)
        answers[algorithm] = {
            "trusted": verdict.trusted,
            "reason": verdict.reason,
            "name_matches": matches,
        }
    for kind, answer in evidence.chains.items():
        if answer.kind == "failed":
            answers[kind.lower()] = _incomplete(answer.text)
    return answers or _incomplete("the server showed no certificate")


def _injection(evidence: Evidence) -> Json:
    if evidence.target.implicit_tls:
        return None
    return evidence.injection or _incomplete(evidence.injection_problem)


__all__ = ("QUESTIONS", "Evidence", "Found", "Part", "Question", "Verdict", "report")
