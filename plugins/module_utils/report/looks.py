# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the modules said of a host, brought into the shape of a report (pure).

All of it came from hosts and is not trusted: what is not of the expected shape was not judged.
"""

from __future__ import annotations

import datetime
import hashlib
import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.policy.findings import (
    SEVERITIES,
    Finding,
    Fix,
    Waiver,
    waive,
    worst_first,
)
from ansible_collections.hardened.mail.plugins.module_utils.report.domains import records_of
from ansible_collections.hardened.mail.plugins.module_utils.report.model import (
    CertificateSeen,
    Domain,
    Entry,
    Host,
    Origin,
    OriginKind,
    State,
    Unjudged,
    parse_moment,
)
from ansible_collections.hardened.mail.plugins.module_utils.report.texts import clean, shortened

if t.TYPE_CHECKING:
    from ansible_collections.hardened.mail.plugins.module_utils.policy.findings import Severity

Json = t.Mapping[str, t.Any]


class JudgePort(t.Protocol):
    """Judges what ``starttls_info`` saw, and returns what a validator module returns."""

    def __call__(
        self, report: Json, *, host: str, port: int, purpose: str, files: t.Sequence[Json]
    ) -> Json: ...


#: A value of a megabyte is in the host's file; a report shows its beginning.
_LONGEST: t.Final = 2000
_TEXTS: t.Final = (
    "rule",
    "area",
    "subject",
    "parameter",
    "observed",
    "expected",
    "message",
    "why",
    "source",
    "waived",
)
_REFUSED: t.Final = "Connection refused"
_LOGIN_BEFORE_TLS: t.Final = "wire-auth-before-tls"
#: ansible-core 2.19 and newer put it before every error.
_PREFIX: t.Final = "Task failed: "
_USUAL: t.Final = ("", "/etc/postfix", "/etc/dovecot/dovecot.conf")


class ShapeError(ValueError):
    """A result is not what the module of that name returns."""


class _Draft:
    """What is known of a host so far."""

    def __init__(
        self, rules: t.Mapping[OriginKind, t.Sequence[str]], *, counts: t.Callable[[str], bool]
    ) -> None:
        self.rules = rules
        self.counts = counts
        self.origins: list[Origin] = []
        self.found: list[tuple[str, Finding]] = []
        self.unjudged: list[Unjudged] = []
        self.certificates: list[CertificateSeen] = []
        #: The certificates in the files of each daemon, as the modules return them.
        self.files: dict[str, list[Json]] = {"postfix": [], "dovecot": []}
        self.names: list[str] = []
        self.unreachable = ""


def host_of(
    name: str,
    look: Json,
    *,
    judge_port: JudgePort,
    rules: t.Mapping[OriginKind, t.Sequence[str]],
    counts: t.Callable[[str], bool],
    waivers: t.Sequence[Waiver],
    today: datetime.date,
) -> Host:
    """Return the host as the report shows it.

    *look* holds the results of the modules as they were registered, under ``postfix``, ``dovecot`` and
    ``ports``. *rules* are those that the report is about; what a rule found is in it if it *counts*.
    """
    draft = _Draft(rules, counts=counts)
    for result in _results(look.get("postfix")):
        _configuration(draft, "postfix", result)
    for result in _results(look.get("dovecot")):
        _configuration(draft, "dovecot", result)
    for result in _results(look.get("ports")):
        _port(draft, clean(name), result, judge_port=judge_port)
    return _finished(draft, name, waivers=waivers, today=today)


def domain_of(
    name: str,
    result: Json,
    *,
    rules: t.Mapping[OriginKind, t.Sequence[str]],
    counts: t.Callable[[str], bool],
    waivers: t.Sequence[Waiver],
    today: datetime.date,
) -> Domain:
    """Return a mail domain as the report shows it; *result* is what ``mail_dns_info`` returned of it."""
    draft = _Draft(rules, counts=counts)
    asked = result.get("resolver")
    resolver = _words(asked.get("addresses")) if isinstance(asked, t.Mapping) else ()
    _judged(draft, "dns", "dns", result, detail=f"asked {', '.join(resolver)}" if resolver else "")
    seen = _finished(draft, name, waivers=waivers, today=today)
    return Domain(**vars(seen), records=records_of(result.get("facts")) if seen.origins else ())


def _finished(
    draft: _Draft, name: str, *, waivers: t.Sequence[Waiver], today: datetime.date
) -> Host:
    """Return what is known of a host as the report shows it."""
    state, reason = _state(draft)
    return Host(
        name=clean(name),
        state=state,
        reason=reason,
        origins=tuple(draft.origins),
        entries=_entries(clean(name), draft.found, waivers=waivers, today=today),
        unjudged=tuple(draft.unjudged) if state in ("judged", "partly") else (),
        certificates=_merged(draft.certificates),
    )


def _results(registered: t.Any) -> list[Json]:
    """Return the results of a task, of all its turns if it was a loop; those that were skipped left out."""
    if not isinstance(registered, t.Mapping):
        return []
    turns = registered.get("results")
    found = list(turns) if isinstance(turns, (list, tuple)) else [registered]
    if not found and registered.get("unreachable"):
        found = [registered]
    return [one for one in found if isinstance(one, t.Mapping) and not one.get("skipped")]


def _configuration(draft: _Draft, kind: OriginKind, result: Json) -> None:
    """Take in what ``postconf_validate`` or ``dovecot_validate`` returned."""
    if result.get("unreachable"):
        draft.unreachable = draft.unreachable or _reason(result)
        return
    if result.get("installed") is False:
        return
    instance = _text(result.get("instance"))
    name = kind if instance in _USUAL else instance
    details = [_text(result.get(key)) for key in ("version", "tls_library")]
    files = [one for one in _list(result.get("certificates")) if isinstance(one, t.Mapping)]
    if _judged(draft, kind, name, result, detail=", ".join(one for one in details if one)):
        draft.files[kind] += files
        for one in files:
            names, place = _words(one.get("names")), _text(one.get("path"))
            draft.certificates += _certificate(one, names=names, place=place)


def _port(draft: _Draft, host: str, result: Json, *, judge_port: JudgePort) -> None:
    """Take in what ``starttls_info`` saw on a port; a port on which nobody listens is nothing."""
    item = result.get("item")
    if not isinstance(item, t.Mapping) or not isinstance(item.get("port"), int):
        return
    port, purpose = item["port"], _text(item.get("purpose"))
    name = f"port {port}"
    if result.get("unreachable") or "complete" not in result:
        draft.unjudged.append(Unjudged(name, _reason(result)))
        return
    gap = next(filter(None, (_gap(result.get(one)) for one in _list(result.get("incomplete")))), "")
    if result.get("address") is None and gap:
        if item.get("listening") or not gap.endswith(_REFUSED):
            draft.unjudged.append(Unjudged(name, _text(gap)))
        return
    files = draft.files["dovecot" if purpose.startswith(("imap", "pop3")) else "postfix"]
    server = _text(item.get("server_name")) or host
    try:
        verdict = judge_port(result, host=server, port=port, purpose=purpose, files=files)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        draft.unjudged.append(Unjudged(name, f"the result has an unexpected shape: {error!r}"))
        return
    if _configured(draft, purpose, report=result):
        verdict = {**verdict, "incomplete": _without(verdict["incomplete"], _LOGIN_BEFORE_TLS)}
    if _judged(draft, "port", name, verdict, detail=_protocols(result)):
        for leaf in _leaves(result.get("chains")):
            names = _words(leaf.get("names")) or _words([leaf.get("common_name")])
            draft.certificates += _certificate(leaf, names=names, place=name)


def _configured(draft: _Draft, purpose: str, *, report: Json) -> bool:
    """Return whether a login before TLS was judged by the configuration of Dovecot, not over the wire.

    Dovecot lets its own host log in without TLS, so the host cannot ask itself.
    """
    from_itself = str(report.get("address")).startswith(("127.", "::1"))
    return (
        from_itself
        and purpose in ("imap", "pop3")
        and any(origin.kind == "dovecot" for origin in draft.origins)
    )


def _without(incomplete: t.Sequence[Json], rule: str) -> list[Json]:
    """Return what could not be judged but for one rule."""
    left = [{**one, "rules": [name for name in one["rules"] if name != rule]} for one in incomplete]
    return [new for new, old in zip(left, incomplete) if new["rules"] or not old["rules"]]


def _judged(draft: _Draft, kind: OriginKind, name: str, result: Json, *, detail: str) -> bool:
    """Take in the findings of one origin; return whether there were any to be had."""
    if not isinstance(result.get("findings"), (list, tuple)):
        draft.unjudged.append(Unjudged(name, _reason(result)))
        return False
    try:
        found = [finding_of(one) for one in result["findings"]]
        unjudged = [
            Unjudged(name, _text(one["reason"]), _words(one.get("rules")))
            for one in _list(result.get("incomplete"))
        ]
    except (ShapeError, KeyError, TypeError, AttributeError) as error:
        draft.unjudged.append(Unjudged(name, f"the result has an unexpected shape: {error!r}"))
        return False
    without = {rule for one in unjudged for rule in one.rules}
    draft.origins.append(
        Origin(kind, name, detail, tuple(rule for rule in draft.rules[kind] if rule not in without))
    )
    draft.found += [(name, one) for one in found if draft.counts(one.rule)]
    for one in unjudged:
        rules = tuple(filter(draft.counts, one.rules))
        if rules or not one.rules:
            draft.unjudged.append(Unjudged(name, one.reason, rules))
    return True


def _gap(answer: t.Any) -> t.Optional[str]:
    """Return why an answer of ``starttls_info`` is not whole."""
    if isinstance(answer, t.Mapping):
        if isinstance(answer.get("incomplete"), str):
            return str(answer["incomplete"])
        parts: t.Iterable[t.Any] = answer.values()
    elif isinstance(answer, (list, tuple)):
        parts = answer
    else:
        return None
    return next((found for found in map(_gap, parts) if found), None)


def finding_of(data: t.Any) -> Finding:
    """Return the finding that ``Finding.as_dict`` gave. Raises ShapeError."""
    if not isinstance(data, t.Mapping):
        raise ShapeError("a finding is not a dictionary")
    texts = {name: data.get(name, "") for name in _TEXTS}
    for name, value in texts.items():
        if not isinstance(value, str):
            raise ShapeError(f"{name} of a finding is not a text")
    fix = data.get("fix")
    if not texts["rule"] or data.get("severity") not in SEVERITIES:
        raise ShapeError(f"a finding without rule or with severity {data.get('severity')!r}")
    if not isinstance(fix, t.Mapping):
        raise ShapeError(f"no fix with {texts['rule']}")
    return Finding(
        severity=t.cast("Severity", str(data["severity"])),
        fix=Fix(_text(fix.get("variable")), _text(fix.get("command"))),
        **{name: _text(value) for name, value in texts.items()},
    )


def _entries(
    host: str,
    found: t.Sequence[tuple[str, Finding]],
    *,
    waivers: t.Sequence[Waiver],
    today: datetime.date,
) -> tuple[Entry, ...]:
    """Return the findings, the worst first, each with a fingerprint that no other of the host has."""
    by_finding: dict[int, str] = {}
    marked: list[Finding] = []
    for origin, finding in found:
        (one,) = (finding,) if finding.waived else waive([finding], waivers, today=today)
        by_finding[id(one)] = origin
        marked.append(one)
    times: dict[tuple[str, ...], int] = {}
    entries = []
    for finding in worst_first(marked):
        origin = by_finding[id(finding)]
        key = (host, origin, finding.rule, finding.subject, finding.parameter)
        times[key] = times.get(key, 0) + 1
        entries.append(Entry(origin, finding, fingerprint(*key, str(times[key]))))
    return tuple(entries)


def fingerprint(*parts: str) -> str:
    """Return the same short text for the same parts in every run."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:20]


def _state(draft: _Draft) -> tuple[State, str]:
    """Return the state of the host and, when nothing was judged, why."""
    if draft.unreachable and not draft.origins:
        return "unreachable", draft.unreachable
    if draft.unreachable:
        draft.unjudged.append(Unjudged("host", f"lost on the way: {draft.unreachable}"))
    if not draft.origins and draft.unjudged:
        return "failed", "; ".join(
            dict.fromkeys(f"{one.origin}: {one.reason}" for one in draft.unjudged)
        )
    if not draft.origins:
        return "no-mail", "no Postfix and no Dovecot here, and no port of mail answers"
    return ("partly" if draft.unjudged else "judged"), ""


def _leaves(chains: t.Any) -> t.Iterator[Json]:
    if not isinstance(chains, t.Mapping):
        return
    for chain in chains.values():
        if isinstance(chain, (list, tuple)) and chain and isinstance(chain[0], t.Mapping):
            yield chain[0]


def _certificate(data: Json, *, names: tuple[str, ...], place: str) -> list[CertificateSeen]:
    """Return a certificate; none when it could not be read."""
    sha256, not_after = data.get("sha256"), data.get("not_after")
    if not isinstance(sha256, str) or not sha256 or not isinstance(not_after, str):
        return []
    try:
        moment = parse_moment(not_after)
    except ValueError:
        return []
    key = " ".join(_words([data.get("key_algorithm"), str(data.get("key_bits") or "")]))
    issuer = _text(data.get("issuer"))
    return [CertificateSeen(_text(sha256), names, moment, issuer, key, (place,))]


def _merged(seen: t.Sequence[CertificateSeen]) -> tuple[CertificateSeen, ...]:
    """Return every certificate once, with all its places, the first to expire first."""
    by_digest: dict[str, CertificateSeen] = {}
    places: dict[str, dict[str, None]] = {}
    for one in seen:
        by_digest.setdefault(one.sha256, one)
        places.setdefault(one.sha256, {}).update(dict.fromkeys(one.places))
    merged = [
        CertificateSeen(
            one.sha256, one.names, one.not_after, one.issuer, one.key, tuple(places[one.sha256])
        )
        for one in by_digest.values()
    ]
    return tuple(sorted(merged, key=lambda one: (one.not_after, one.sha256)))


def _protocols(report: Json) -> str:
    """Return the protocols that a port accepts, in words."""
    protocols = report.get("protocols")
    if not isinstance(protocols, t.Mapping):
        return ""
    return ", ".join(_text(name) for name, accepted in protocols.items() if accepted is True)


def _reason(result: Json) -> str:
    """Return why a task gave no result; the last line of an error is what it was."""
    lines = [line for line in str(result.get("msg") or "").splitlines() if line.strip()]
    lines = lines or str(result.get("module_stderr") or "").strip().splitlines()[-1:]
    text = _text(" ".join(lines))
    return (text[len(_PREFIX) :] if text.startswith(_PREFIX) else text) or "no result"


def _text(value: t.Any) -> str:
    return shortened(clean(value), _LONGEST) if isinstance(value, str) else ""


def _list(value: t.Any) -> t.Sequence[t.Any]:
    return value if isinstance(value, (list, tuple)) else ()


def _words(values: t.Any) -> tuple[str, ...]:
    return tuple(_text(one) for one in _list(values) if isinstance(one, str) and one)


__all__ = (
    "JudgePort",
    "ShapeError",
    "domain_of",
    "finding_of",
    "fingerprint",
    "host_of",
)
