# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Change one instance of Postfix as a whole or not at all (effects: files, processes, sockets).

The order: survey, stage, validate, rehearse, replace, activate, probe; put back on failure.
"""

from __future__ import annotations

import os
import time
import typing as t
from dataclasses import dataclass, field

from ansible_collections.hardened.mail.plugins.module_utils.policy.profiles import wants_dane
from ansible_collections.hardened.mail.plugins.module_utils.postfix import (
    certificates,
    effective,
    endpoints,
    files,
    main_cf,
    master_cf,
    master_cf_changes,
    probe,
    processes,
    rehearsal,
    runner,
    service,
    survey,
    validate,
)
from ansible_collections.hardened.mail.plugins.module_utils.postfix.effective import Listener
from ansible_collections.hardened.mail.plugins.module_utils.postfix.postconf_output import Snapshot
from ansible_collections.hardened.mail.plugins.module_utils.postfix.values import masked
from ansible_collections.hardened.mail.plugins.module_utils.starttls.session import Session

#: What postconf needs beside the two files to know the map types that are installed.
_DYNAMIC_MAPS = ("dynamicmaps.cf", "dynamicmaps.cf.d")


class TransactionFailed(Exception):
    """The request was not carried out; the message says why and what is changed.

    ``details`` go into the module's result; ``changed`` is whether the host differs from before.
    """

    def __init__(
        self, message: str, *, changed: bool = False, details: t.Optional[dict[str, t.Any]] = None
    ) -> None:
        super().__init__(message)
        self.changed = changed
        self.details = details or {}


@dataclass
class Outcome:
    """What a run did and saw, for the module's result."""

    changed: bool = False
    warnings: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    rehearsal: dict[str, t.Any] = field(default_factory=dict)
    activation: str = "none"
    activation_needed: str = "none"
    probe: list[dict[str, t.Any]] = field(default_factory=list)
    recovered: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Live:
    """The running master, None when it does not run, and the mail ports it listens on."""

    pid: t.Optional[int]
    unit: t.Optional[str]
    queue_directory: str
    listeners: tuple[Listener, ...]


def run(request: survey.Request) -> tuple[survey.Survey, Outcome]:
    """Carry out *request*; return the survey it rests on and what happened.

    Raises TransactionFailed, and what survey.read() raises.
    """
    outcome = Outcome()
    state = files.state_directory(request.config_directory)
    if files.interrupted(state) or files.untidy(state):
        _recover(request, state=state, outcome=outcome)
    found = survey.read(request)
    if not request.apply:
        _judge(request, found, outcome=outcome)
        return found, outcome
    if not found.changes:
        return found, outcome
    if request.check_mode:
        with files.private_directory() as directory:
            new = _stage_and_validate(request, found, directory=directory, outcome=outcome)
        if os.geteuid() == 0:
            # Nobody else may listen on these ports, even to try.
            _check_endpoints(found, new, _look_at(request, found.snapshot))
        outcome.changed = True
        return found, outcome
    _demand_root(request)
    with files.locked(state):
        found = survey.read(request)
        if found.changes:
            files.sweep_leftovers([change.path for change in found.changes])
            _change(request, found, state=state, outcome=outcome)
    return found, outcome


def _demand_root(request: survey.Request) -> None:
    if os.geteuid() != 0:
        raise survey.RequestProblem(
            f"Changing {request.config_directory} needs root, and this task runs as user id "
            f"{os.geteuid()}: set become. Nothing was changed."
        )


def _recover(request: survey.Request, *, state: str, outcome: Outcome) -> None:
    if request.check_mode or not request.apply:
        if files.interrupted(state):
            outcome.warnings.append(
                f"An earlier run was cut off in the middle ({state}/journal.json), or is under way; "
                "the next real run puts back what it had replaced before it does anything else."
            )
        return
    with files.locked(state):
        foreign = files.recover(state)
        if foreign is None:
            # Another run was under way and ended well while this one waited for the lock, or was cut off after its last check.
            files.end_recovery(state)
            return
        outcome.recovered.append(
            "An earlier run was cut off in the middle; its files were put back."
        )
        for path in foreign:
            outcome.recovered.append(f"{path} was changed by somebody else since and left alone.")
        outcome.warnings.extend(outcome.recovered)
        outcome.changed = True
        snapshot = runner.read(request.config_directory)
        live = _look_at(request, snapshot)
        # smtpd may have died on the half-made configuration; only a restart lifts the throttling.
        try:
            if live.pid is None:
                pass
            elif all(one.answered for one in probe.ask_all(live.listeners).values()):
                service.reload(request.config_directory)
            else:
                service.restart(
                    request.config_directory, queue_directory=live.queue_directory, unit=live.unit
                )
        except service.ServiceProblem as error:
            raise TransactionFailed(
                f"{' '.join(outcome.recovered)} Then {_sentence(str(error))}.", changed=True
            ) from error
        files.end_recovery(state)


def _services_of(request: survey.Request) -> tuple[master_cf.Service, ...]:
    """Return the services of the live master.cf."""
    raw = files.read_bytes(os.path.join(request.config_directory, "master.cf")) or b""
    return master_cf.parse(survey.decode(raw))


def _look_at(request: survey.Request, snapshot: Snapshot) -> _Live:
    queue_directory = snapshot.effective["queue_directory"]
    pid = processes.master_pid(queue_directory)
    if pid is None:
        return _Live(None, None, queue_directory, ())
    return _Live(
        pid,
        processes.unit_of(pid, "postfix"),
        queue_directory,
        effective.listeners(
            _services_of(request),
            effective=snapshot.effective,
            sockets=processes.listening(pid),
        ),
    )


def _problems(
    snapshot: Snapshot, services: t.Sequence[master_cf.Service], *, new_files: t.Container[str] = ()
) -> tuple[validate.Problem, ...]:
    """Return the problems of a configuration, the files that it names looked up on this host."""
    try:
        daemons = frozenset(os.listdir(snapshot.effective["daemon_directory"]))
    except OSError:
        daemons = frozenset()
    tables = validate.table_files(snapshot, services=services)
    missing = frozenset(
        file for _s, _t, file in tables if file not in new_files and not os.path.exists(file)
    )
    return validate.problems(
        snapshot, services=services, evidence=validate.Evidence(daemons, missing)
    )


def _sentence(*parts: str) -> str:
    """Return the parts as one list, each without the full stop it may end in."""
    return "; ".join(part.rstrip(". ") for part in parts)


def _judge(request: survey.Request, found: survey.Survey, *, outcome: Outcome) -> None:
    """Validate and probe what is there; change nothing."""
    outcome.problems += [str(problem) for problem in _problems(found.snapshot, found.services)]
    outcome.problems += [str(one) for one in found.undercut]
    if found.submission is not None:
        outcome.problems += [str(one) for one in found.submission.below]
    outcome.problems += [
        str(problem)
        for problem in _certificate_problems(request, found.snapshot, services=found.services)
    ]
    void = _resolver_problem(request, found.snapshot)
    outcome.problems += [void] if void else []
    if request.probe:
        live = _look_at(request, found.snapshot)
        for listener, session in probe.ask_all(live.listeners).items():
            outcome.probe.append({"listener": str(listener), "now": probe.summary(session)})


def _stage_and_validate(
    request: survey.Request, found: survey.Survey, *, directory: str, outcome: Outcome
) -> Snapshot:
    """Let the real postconf judge the new files; return what it makes of them."""
    staged = os.path.join(directory, "staged")
    _stage(request, staged, main=found.plan.main, master=found.plan.master)
    try:
        snapshot = _relocated(runner.read(staged), staged=staged, real=request.config_directory)
    except runner.PostconfFailed as error:
        raise TransactionFailed(
            f"Postfix refuses the new configuration: {_sentence(str(error))}. Nothing was changed."
        ) from error
    refused = runner.refusal(staged)
    if refused and not runner.refusal(request.config_directory):
        told = _sentence(refused.replace(staged, request.config_directory))
        raise TransactionFailed(
            f"Postfix refuses the new configuration: {told}. Nothing was changed.",
            details={"problems": [told]},
        )
    services = master_cf.parse(found.plan.master)
    before = _problems(found.snapshot, found.services)
    after = _problems(snapshot, services, new_files={change.path for change in found.changes})
    stopping = validate.new_problems(before, after, asked=_asked(request, found))
    mismatches = _differs_from_plan(snapshot, found) if not stopping else ()
    faults = (*map(str, stopping), *mismatches) or _deadly(request, staged)
    if faults:
        raise TransactionFailed(
            f"The new configuration would not work: {_sentence(*faults)}. Nothing was changed.",
            details={"problems": list(faults)},
        )
    outcome.warnings += [f"Found on the host and left alone: {p}" for p in after]
    _certificates(request, snapshot, services=services, outcome=outcome)
    _check_logins(request, found, snapshot, outcome=outcome)
    _resolver(request, snapshot, outcome=outcome)
    return snapshot


def _deadly(request: survey.Request, staged: str) -> tuple[str, ...]:
    """Return what the rules of the validator know to kill a daemon, and the host has not already."""
    # The rules are many, and a run that changes nothing does not need them.
    from ansible_collections.hardened.mail.plugins.module_utils.postfix import (  # noqa: PLC0415 - only for a change
        staged as staged_copy,
    )

    return staged_copy.stopping(staged, real=request.config_directory)


def _asked(request: survey.Request, found: survey.Survey) -> frozenset[str]:
    names = {f"main.cf {name}" for name in request.parameters}
    names.update(f"main.cf {decision.parameter}" for decision in found.decisions)
    for change in request.services:
        for name in change.overrides:
            names.update(
                f"{s.id} {name}" for s in master_cf_changes.matching(found.services, change)
            )
    return frozenset(names)


def _stage(request: survey.Request, staged: str, *, main: str, master: str) -> None:
    os.mkdir(staged, 0o700)
    for name, text in (("main.cf", main), ("master.cf", master)):
        with open(os.path.join(staged, name), "wb") as stream:
            stream.write(survey.encode(text))
        files.cool(os.path.join(staged, name))
    for name in _DYNAMIC_MAPS:
        source = os.path.join(os.path.realpath(request.config_directory), name)
        if os.path.exists(source):
            os.symlink(source, os.path.join(staged, name))


def _relocated(snapshot: Snapshot, *, staged: str, real: str) -> Snapshot:
    """Return *snapshot* as if the staged directory were the real one."""
    explicit = {
        name: value.replace(staged, real)
        for name, value in snapshot.explicit.items()
        if not (name == "config_directory" and value == staged)
    }
    return Snapshot(
        version=snapshot.version,
        tls_library=snapshot.tls_library,
        map_types=snapshot.map_types,
        explicit=explicit,
        effective={name: v.replace(staged, real) for name, v in snapshot.effective.items()},
        overrides=snapshot.overrides,
        master=snapshot.master,
        warnings=tuple(w.replace(staged, real) for w in snapshot.warnings),
    )


def _differs_from_plan(snapshot: Snapshot, found: survey.Survey) -> tuple[str, ...]:
    """Return where Postfix reads the staged files otherwise than they were meant."""
    differences = []
    for change in found.plan.changes:
        if change.place == "main.cf":
            now = snapshot.explicit.get(change.name)
            wanted = None if change.after is None else main_cf.normalise(change.after)
        elif change.name.startswith("-o ") and change.after is not None:
            now = snapshot.overrides.get(change.place, {}).get(change.name[3:])
            wanted = change.after
        else:
            continue
        if now != wanted:
            name = change.name[3:] if change.name.startswith("-o ") else change.name
            meant, read = (one and masked(name, one) for one in (wanted, now))
            # Where only what is masked differs, the two look alike.
            differences.append(
                f"{change.place} {change.name}: meant {meant!r}, Postfix reads {read!r}"
            )
    return tuple(differences)


def _certificates(
    request: survey.Request,
    snapshot: Snapshot,
    *,
    services: t.Sequence[master_cf.Service],
    outcome: Outcome,
) -> None:
    """Judge the certificates in force after the change; see certificates.judge()."""
    if request.certificate_check == "skip" or not (request.choices or request.submission):
        return
    for problem in _certificate_problems(request, snapshot, services=services):
        if problem.stops and request.certificate_check == "error":
            raise TransactionFailed(
                f"{_sentence(str(problem))}. Nothing was changed.",
                details={"problems": [str(problem)]},
            )
        outcome.warnings.append(str(problem))


def _certificate_problems(
    request: survey.Request, snapshot: Snapshot, *, services: t.Sequence[master_cf.Service]
) -> tuple[certificates.CertificateProblem, ...]:
    """Return what is wrong with the certificates that the request is about."""
    submission = request.submission
    found: tuple[certificates.CertificateProblem, ...] = ()
    if request.choices is not None or submission is None:
        found = certificates.judge(snapshot, choices=request.choices, services=services)
    if submission is not None:
        found += certificates.judge_services(
            snapshot,
            choices=submission.as_inbound,
            services=effective.in_force(services),
            ports=submission.ports(),
        )
    return tuple(dict.fromkeys(found))


def _check_logins(
    request: survey.Request, found: survey.Survey, new: Snapshot, *, outcome: Outcome
) -> None:
    """Refuse a login service that does not answer: smtpd dies of that with every connection."""
    if found.submission is None:
        return
    # Only who asks for submission needs it, and every file is compiled on the host.
    from ansible_collections.hardened.mail.plugins.module_utils.postfix import (  # noqa: PLC0415 - rarely needed
        sasl_look,
    )

    found_faults = (
        sasl_look.problem(
            one.type,
            one.path,
            queue_directory=new.effective["queue_directory"],
            user=new.effective["mail_owner"],
        )
        for one in found.submission.backends
    )
    faults = tuple(dict.fromkeys(one for one in found_faults if one))
    if faults and request.check_mode:
        # In check mode nobody has started what an earlier task of the play would have.
        outcome.warnings.append(
            f"{_sentence(*faults)}. A run that is no check stops here unless that has changed by then."
        )
    elif faults:
        raise TransactionFailed(
            f"Nobody could log in on the ports of submission: {_sentence(*faults)}. Nothing was changed.",
            details={"problems": list(faults)},
        )


def _resolver_problem(request: survey.Request, snapshot: Snapshot) -> str:
    """Return why the chosen DANE would be void, empty when it is not or was not chosen."""
    if request.resolver_check == "skip" or request.choices is None:
        return ""
    if request.choices.observe or not wants_dane(request.choices):
        return ""
    # Only who chose DANE needs it, and every file is compiled on the host.
    from ansible_collections.hardened.mail.plugins.module_utils.postfix import (  # noqa: PLC0415 - rarely needed
        resolver,
    )

    why = resolver.problem(
        queue_directory=snapshot.effective["queue_directory"], name=request.resolver_check_name
    )
    return why and (
        f"DANE needs a resolver on this host that checks DNSSEC: {why}. Install one such as unbound, which "
        "postfix_tls_resolver of the role does, or choose the outbound_level may"
    )


def _resolver(request: survey.Request, snapshot: Snapshot, *, outcome: Outcome) -> None:
    """Refuse DANE, or warn, where the host's resolver makes it void."""
    why = _resolver_problem(request, snapshot)
    if why and request.resolver_check == "error":
        raise TransactionFailed(f"{why}. Nothing was changed.", details={"problems": [why]})
    if why:
        outcome.warnings.append(why)


def _change(request: survey.Request, found: survey.Survey, *, state: str, outcome: Outcome) -> None:
    with files.private_directory() as directory:
        new = _stage_and_validate(request, found, directory=directory, outcome=outcome)
        live = _look_at(request, found.snapshot)
        _check_endpoints(found, new, live)
        asked = time.monotonic()
        before = probe.ask_all(live.listeners) if request.probe else {}
        patience = probe.patience_after(time.monotonic() - asked)
        mended = (
            _rehearse(request, found, new, directory=directory, before=before, outcome=outcome)
            if request.rehearse
            else frozenset()
        )
        changes = _in_safe_order(request, found, directory=directory)
    record = survey.owned_change(request.config_directory, found.owned)
    replacement = files.Replacement(state, changes=(*changes, record) if record else changes)
    replacement.prepare()
    began = time.monotonic()
    replacement.swap()
    outcome.changed = True
    needed = "restart" if found.plan.needs_restart or mended else "reload"
    if live.pid is None:
        outcome.warnings.append(
            "Postfix was not running and was left so; the new configuration counts when it starts."
        )
    elif request.activate == "none":
        outcome.activation_needed = needed
    else:
        _warn_of_pending(found, live, needed=needed, outcome=outcome)
        old = processes.children(live.pid)
        failure = _activate(request, live, needed=needed)
        activated = not failure
        after: dict[Listener, Session] = {}
        if request.probe and not failure:
            after, failure = _look_again(
                request, new, live, before=before, deadline=patience, old=old
            )
        if failure:
            _put_back(
                request,
                replacement,
                live,
                before=before,
                began=began,
                failure=failure,
                activated=activated,
                outcome=outcome,
            )
        outcome.activation = needed
        _report_probe(before, after, outcome=outcome)
    replacement.commit()


def _look_again(
    request: survey.Request,
    new: Snapshot,
    live: _Live,
    *,
    before: t.Mapping[Listener, Session],
    deadline: float,
    old: t.Container[int],
) -> tuple[dict[Listener, Session], str]:
    """Ask every mail port of the new configuration; return the answers and what is wrong.

    *old* are the daemons of before, which may be busy with a client and do not count as new ones.
    """
    listeners, absent = _open_ports(request, new, seconds=max(deadline, 3.0))
    after = probe.ask_again(
        listeners,
        before=before,
        deadline=deadline,
        alive=lambda one: _daemon_runs(live, one, but=old),
        lingers=lambda one: _daemon_runs(live, one),
    )
    failures = [f"nothing listens on port {port}" for port in sorted(absent)]
    failures += [f"{one}: {problem}" for one, problem in probe.failures(before, after).items()]
    return after, "; ".join(failures)


def _daemon_runs(live: _Live, listener: Listener, *, but: t.Container[int] = ()) -> bool:
    pid = processes.master_pid(live.queue_directory)
    return pid is not None and processes.daemon_runs(pid, service=listener.service, but=but)


def _open_ports(
    request: survey.Request, new: Snapshot, *, seconds: float
) -> tuple[tuple[Listener, ...], frozenset[str]]:
    """Wait until master(8) listens on all mail ports; return them, and the ports that are absent.

    A reload returns before master(8) has acted on it.
    """
    wanted = frozenset(
        one.key[2] for one in effective.mail_services(_services_of(request)) if one.key[2].isdigit()
    )
    until = time.monotonic() + seconds
    while True:
        listeners = _look_at(request, new).listeners
        absent = wanted - {str(one.port) for one in listeners}
        if not absent or time.monotonic() > until:
            return listeners, absent
        time.sleep(0.05)


def _report_probe(
    before: t.Mapping[Listener, Session],
    after: t.Mapping[Listener, Session],
    *,
    outcome: Outcome,
) -> None:
    for listener, now in after.items():
        was = before.get(listener)
        outcome.probe.append(
            {
                "listener": str(listener),
                "before": probe.summary(was) if was else None,
                "after": probe.summary(now),
            }
        )
        if was and not was.answered and not now.answered:
            outcome.warnings.append(
                f"{listener} did not answer before this run and does not now "
                f"({now.problem}); the change is not to blame."
            )


def _rehearse(
    request: survey.Request,
    found: survey.Survey,
    new: Snapshot,
    *,
    directory: str,
    before: t.Mapping[Listener, Session],
    outcome: Outcome,
) -> frozenset[str]:
    """Try the new configuration; return the services whose daemon died before and lives with it.

    Only for those a reload does not do: master(8) starts no daemon for up to a minute after one died.
    """
    held = rehearsal.rehearse(
        os.path.join(directory, "new"),
        main=found.plan.main,
        services=master_cf.parse(found.plan.master),
        effective=new.effective,
        config_directory=request.config_directory,
        extra_files={
            os.path.basename(change.path): change.after
            for change in found.changes
            if change.after is not None
            and os.path.basename(change.path) not in ("main.cf", "master.cf")
        },
    )
    outcome.rehearsal = {"held": held.ran, "reason": held.reason, "seconds": held.seconds}
    if not held.ran:
        _control(request, found, held, directory=directory, outcome=outcome)
    was = {listener.service: session for listener, session in before.items()}
    failures = []
    for answer in held.answers:
        earlier = was.get(answer.service)
        problem = probe.lost(earlier, answer.session) if earlier else probe.unfit(answer.session)
        if problem:
            failures.append(f"{answer.service}: {problem}")
    if failures:
        log = "; ".join(held.log[:3])
        raise TransactionFailed(
            f"In the rehearsal the new configuration failed: {'; '.join(failures)}. "
            f"Its log says: {log or 'nothing'}. Nothing was changed.",
            details={"rehearsal": outcome.rehearsal},
        )
    return frozenset(
        answer.service
        for answer in held.answers
        if answer.service in was
        and probe.daemon_died(was[answer.service])
        and not probe.daemon_died(answer.session)
    )


def _control(
    request: survey.Request,
    found: survey.Survey,
    failed: rehearsal.Rehearsal,
    *,
    directory: str,
    outcome: Outcome,
) -> None:
    """Find out whether a rehearsal failed for the new files or for this host: try the old ones."""
    control = rehearsal.rehearse(
        os.path.join(directory, "old"),
        main=found.main,
        services=found.services,
        effective=found.snapshot.effective,
        config_directory=request.config_directory,
        extra_files={},
    )
    if control.ran:
        raise TransactionFailed(
            f"In the rehearsal Postfix did not start with the new configuration "
            f"({_sentence(failed.reason, *failed.log[:3])}), and it does with the present one. "
            "Nothing was changed.",
            details={"rehearsal": outcome.rehearsal},
        )
    outcome.warnings.append(
        f"The rehearsal could not be held ({failed.reason}); validation alone vouches for the change."
    )


def _check_endpoints(found: survey.Survey, new: Snapshot, live: _Live) -> None:
    """Refuse addresses and ports that master(8) could not have, of which it would die."""
    refused = endpoints.unavailable(
        master_cf.parse(found.plan.master),
        effective=new.effective,
        live=processes.listening(live.pid) if live.pid else (),
        interfaces_change=any(change.name == "inet_interfaces" for change in found.plan.changes),
    )
    if refused:
        raise TransactionFailed(
            f"Postfix could not listen: {_sentence(*refused)}. Nothing was changed.",
            details={"problems": list(refused)},
        )


def _in_safe_order(
    request: survey.Request, found: survey.Survey, *, directory: str
) -> tuple[files.FileChange, ...]:
    """Return the changes with main.cf and master.cf in the order whose mixed state works.

    A new smtpd reads main.cf at once, so what stands between the two renames is in force.
    """
    names = [os.path.basename(change.path) for change in found.changes]
    if not {"main.cf", "master.cf"} <= set(names):
        return found.changes
    mixed = os.path.join(directory, "mixed")
    _stage(request, mixed, main=found.plan.main, master=found.master)
    snapshot = _relocated(runner.read(mixed), staged=mixed, real=request.config_directory)
    known = _problems(found.snapshot, found.services)
    broken = validate.new_problems(known, _problems(snapshot, found.services), asked=())
    ordered = sorted(
        found.changes,
        key=lambda change: {"main.cf": 2 if broken else 1, "master.cf": 1 if broken else 2}.get(
            os.path.basename(change.path), 0
        ),
    )
    return tuple(ordered)


def _warn_of_pending(found: survey.Survey, live: _Live, *, needed: str, outcome: Outcome) -> None:
    pid = live.pid
    if pid is None:
        return
    for name in effective.waiting_for_restart(
        found.snapshot.effective, sockets=processes.listening(pid), services=found.services
    ):
        outcome.warnings.append(
            f"{name} was changed by the site and waits for a restart of Postfix; "
            + (
                "the restart that this change needs puts it into force."
                if needed == "restart"
                else "this run only reloads and leaves that to you."
            )
        )


def _activate(request: survey.Request, live: _Live, *, needed: str) -> str:
    """Put the new files into force; return what went wrong, empty when nothing did."""
    try:
        if needed == "restart":
            service.restart(
                request.config_directory, queue_directory=live.queue_directory, unit=live.unit
            )
        else:
            service.reload(request.config_directory, pid=live.pid)
    except service.ServiceProblem as error:
        return str(error)
    pid = processes.master_pid(live.queue_directory)
    if pid is None:
        return "the master process is gone"
    if needed == "reload" and pid != live.pid:
        return f"the master process changed from {live.pid} to {pid} on a reload"
    return ""


_RESTARTED: t.Final = "Postfix was restarted and answers as before"


def _put_back(
    request: survey.Request,
    replacement: files.Replacement,
    live: _Live,
    *,
    before: t.Mapping[Listener, Session],
    began: float,
    failure: str,
    activated: bool,
    outcome: Outcome,
) -> t.NoReturn:
    foreign = replacement.undo()
    told = ["The old files are back"]
    if foreign:
        told.append(f"except {', '.join(foreign)}, which somebody else changed meanwhile")
    served = _serve_again(request, live, before=before, activated=activated)
    gap = round(time.monotonic() - began, 1)
    told.append(served + (f"; the gap was at most {gap} s" if served == _RESTARTED else ""))
    replacement.end()
    raise TransactionFailed(
        f"After the change, {_sentence(failure)}. {', '.join(told)}. Nothing is changed.",
        changed=bool(foreign),
        details={
            "gap_seconds": gap,
            "rehearsal": outcome.rehearsal,
        },
    )


def _serve_again(
    request: survey.Request,
    live: _Live,
    *,
    before: t.Mapping[Listener, Session],
    activated: bool,
) -> str:
    """Put the old files into force; return in words how that went.

    When the new ones never got into force, the master is left alone if its ports answer: what made
    a reload fail may make a start fail as well. Otherwise only a restart helps: after a fatal smtpd
    the master starts no other for a minute.
    """

    def lost_ports() -> str:
        again = probe.ask_again(
            live.listeners,
            before=before,
            deadline=probe.PATIENCE if activated else probe.patience_after(0),
            alive=lambda one: _daemon_runs(live, one),
        )
        return "; ".join(f"{one}: {p}" for one, p in probe.failures(before, again).items())

    if not activated and live.pid and processes.master_pid(live.queue_directory) == live.pid:
        service.read_again(live.pid)
        if not lost_ports():
            return "Postfix runs on with them and answers as before"
    try:
        service.restart(
            request.config_directory, queue_directory=live.queue_directory, unit=live.unit
        )
    except service.ServiceProblem as error:
        runs = processes.master_pid(live.queue_directory) is not None
        return f"but {_sentence(str(error))}" + (
            "; the master runs on" if runs else ". Postfix is down: start it by hand"
        )
    still = lost_ports()
    if still:
        return f"Postfix was restarted, but: {still}"
    return _RESTARTED


__all__ = ("Outcome", "TransactionFailed", "run")
