# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Change one Dovecot as a whole or not at all (effects: files, processes, sockets).

The order: survey, stage, validate, replace, activate, ask; put back on failure.
"""

from __future__ import annotations

import contextlib
import os
import time
import typing as t
from dataclasses import dataclass, field, replace

from ansible_collections.hardened.mail.plugins.module_utils.dovecot import (
    ask,
    drop_in,
    recovery,
    service,
    survey,
    tree,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.dovecot_view import DovecotView
from ansible_collections.hardened.mail.plugins.module_utils.postfix import files, probe
from ansible_collections.hardened.mail.plugins.module_utils.postfix.processes import unit_of
from ansible_collections.hardened.mail.plugins.module_utils.starttls.session import Session


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
    activation: str = "none"
    activation_needed: str = "none"
    probe: list[dict[str, t.Any]] = field(default_factory=list)


@dataclass(frozen=True)
class _Live:
    """The running Dovecot and what its ports did before the change; ``pid`` None when it does not run.

    ``runs`` without ``pid`` is one that this change starts: its last start failed of what is mended here, or a run
    that was killed had begun to start it.
    """

    pid: t.Optional[int]
    unit: t.Optional[str]
    base_directory: str
    before: t.Mapping[ask.Port, Session]
    runs: bool


def run(request: survey.Request) -> tuple[survey.Survey, Outcome]:
    """Carry out *request*; return the survey it rests on and what happened.

    Raises TransactionFailed, and what survey.read() raises.
    """
    outcome = Outcome()
    state = files.state_directory(os.path.dirname(request.config_file))
    pending = None
    if recovery.left(state):
        pending = _recover(request, state=state, outcome=outcome)
    found = survey.read(request)
    outcome.warnings += found.warnings
    if not request.apply:
        _judge(request, found, outcome=outcome)
        return found, outcome
    if not found.changes:
        _demand_effect(found, found.view, place=found.place)
        return found, outcome
    if request.check_mode:
        with files.private_directory() as directory:
            _stage_and_validate(request, found, directory=directory, outcome=outcome)
        outcome.changed = True
        return found, outcome
    if os.geteuid() != 0:
        raise survey.RequestProblem(
            f"Changing {request.config_file} needs root, and this task runs as user id {os.geteuid()}: set "
            "become. Nothing was changed."
        )
    with files.locked(state):
        found = survey.read(request)
        if found.changes:
            files.sweep_leftovers([change.path for change in found.changes if _there(change.path)])
            _change(request, found, state=state, pending=pending, outcome=outcome)
    return found, outcome


def _there(path: str) -> bool:
    return os.path.isdir(os.path.dirname(os.path.realpath(path)))


def _recover(request: survey.Request, *, state: str, outcome: Outcome) -> t.Optional[recovery.Note]:
    """Put back what a cut-off run left, and have Dovecot serve; return what of that this run has to do later."""
    if request.check_mode or not request.apply:
        if files.interrupted(state):
            outcome.warnings.append(
                f"An earlier run was cut off in the middle ({state}/journal.json), or is under way; "
                "the next real run puts back what it had replaced before it does anything else."
            )
        return None
    with files.locked(state):
        try:
            done = recovery.recover(request.config_file, state=state)
        except service.ServiceProblem as error:
            raise TransactionFailed(
                "An earlier run was cut off in the middle; its files were put back, and "
                f"{_sentence(str(error))}. Mend that, and run again: the next run starts Dovecot.",
                changed=True,
            ) from error
    outcome.changed = outcome.changed or done.changed
    outcome.warnings += done.warnings
    return done.pending


def _sentence(*parts: str) -> str:
    """Return the parts as one list, each without the full stop it may end in."""
    return "; ".join(part.rstrip(". ") for part in parts)


def _ineffective(found: survey.Survey, view: DovecotView, *, place: str) -> list[str]:
    """Return what Dovecot reads otherwise than it was meant, with the line of the site that is to blame."""
    told = []
    for one in drop_in.differences(found.lines, view):
        later = found.tree.later(one.name, after=place)
        told.append(f"{one}; {later} sets it" if later else str(one))
    return told + survey.other_databases(found, view)


def _demand_effect(found: survey.Survey, view: DovecotView, *, place: str) -> None:
    """Raise TransactionFailed when what we write would not count."""
    told = _ineffective(found, view, place=place)
    if told:
        raise TransactionFailed(
            f"What is written to {place} does not count: {_sentence(*told)}. Remove what sets it otherwise, or move "
            "it before that file. Nothing was changed.",
            details={"problems": told},
        )


def _judge(request: survey.Request, found: survey.Survey, *, outcome: Outcome) -> None:
    """Say what is wrong with what is there; change nothing."""
    if found.upgraded:
        outcome.problems.append(f"Dovecot does not take {found.place} and will not start with it")
    elif not found.changes:
        outcome.problems += _ineffective(found, found.view, place=found.place)
    outcome.problems += [message for message, _stops in _certificates(found, found.view)]
    live = _look(request, found)
    if live.pid is None:
        outcome.problems.append("Dovecot does not run")
    elif request.probe:
        _report({}, live.before, outcome=outcome, key="now")
        if found.choices.socket and not found.changes:
            problem = ask.socket_problem(found.choices.socket, found.choices.mechanisms)
            outcome.problems += [problem] if problem else []


def _certificates(found: survey.Survey, view: DovecotView) -> tuple[tuple[str, bool], ...]:
    # Loads the parser of certificates, which a run that changes nothing does not need.
    from ansible_collections.hardened.mail.plugins.module_utils.dovecot import (  # noqa: PLC0415 - only for a change
        certificates,
    )

    return certificates.judge(found.choices, view)


def _stage_and_validate(
    request: survey.Request, found: survey.Survey, *, directory: str, outcome: Outcome
) -> DovecotView:
    """Let the real doveconf judge the new files; return what it makes of them."""
    staged = os.path.join(directory, "staged")
    main = tree.stage(found.tree, found.texts, directory=staged)

    def real(text: str) -> str:
        return text.replace(staged, found.tree.directory)

    try:
        view = survey.ask(main)[1]
    except survey.DovecotBroken as error:
        raise TransactionFailed(
            f"Dovecot refuses the new configuration: {_sentence(real(str(error)))}. Nothing was changed.",
            details={"problems": [real(str(error))]},
        ) from error
    sources = tree.read(main)
    at = found.place.replace(found.tree.directory, staged)
    told = [real(one) for one in _ineffective(replace(found, tree=sources), view, place=at)]
    if told:
        raise TransactionFailed(
            f"What is written to {found.place} would not count: {_sentence(*told)}. Remove what sets it otherwise, "
            "or move it before that file. Nothing was changed.",
            details={"problems": told},
        )
    known = {one.text for one in found.view.messages}
    outcome.warnings += [
        f"doveconf: {real(one.text)}" for one in view.messages if one.text not in known
    ]
    for message, stops in _certificates(found, view) if request.certificate_check != "skip" else ():
        if stops and request.certificate_check == "error":
            raise TransactionFailed(
                f"{_sentence(message)}. Nothing was changed.", details={"problems": [message]}
            )
        outcome.warnings.append(message)
    return view


def _look(request: survey.Request, found: survey.Survey) -> _Live:
    base = service.base_directory(found.view.value("base_dir"))
    pid = service.master_pid(base)
    if pid is None:
        return _Live(None, None, base, {}, runs=False)
    asked = ask.ports(found.view, pid) if request.probe else ()
    return _Live(pid, unit_of(pid, "dovecot"), base, ask.ask_all(asked), runs=True)


def _change(
    request: survey.Request,
    found: survey.Survey,
    *,
    state: str,
    pending: t.Optional[recovery.Note],
    outcome: Outcome,
) -> None:
    with files.private_directory() as directory:
        new = _stage_and_validate(request, found, directory=directory, outcome=outcome)
    live = _look(request, found)
    failed = "" if live.pid else service.failed_start()
    if live.pid is None and pending and pending.runs:
        live = replace(live, unit=pending.unit, runs=True)
    elif failed and found.upgraded:
        # Our own file of before the upgrade is why it failed, and that is mended here.
        live = replace(live, unit=service.UNIT, runs=True)
    elif failed:
        raise TransactionFailed(
            f"Dovecot does not run, because its last start failed: {_sentence(failed)}. Mend that first. "
            "Nothing was changed."
        )
    needed = _needed(found, live)
    activates = live.runs and request.activate != "none"
    note = recovery.Note(activates, live.unit, needed if activates else "none")
    recovery.write(state, note)
    replacement = files.Replacement(state, changes=found.changes)
    replacement.prepare()
    began = time.monotonic()
    replacement.swap()
    outcome.changed = True
    if not live.runs:
        outcome.warnings.append(
            "Dovecot was not running and was left so; the new configuration counts when it starts."
        )
    elif request.activate == "none":
        outcome.activation_needed = needed
    else:
        outcome.activation = needed
        failure, after = _activate(request, found, new, live, state=state, outcome=outcome)
        if failure:
            _put_back(request, replacement, live, found, began=began, failure=failure)
        _report(live.before, after, outcome=outcome, key="after")
    replacement.commit()
    recovery.forget(state)


def _needed(found: survey.Survey, live: _Live) -> str:
    restart = live.pid is None or drop_in.needs_restart(found.lines, found.view)
    return "restart" if restart else "reload"


def _activate(
    request: survey.Request,
    found: survey.Survey,
    new: DovecotView,
    live: _Live,
    *,
    state: str,
    outcome: Outcome,
) -> tuple[str, dict[ask.Port, Session]]:
    """Put the new files into force; return what went wrong, and what the ports do now."""
    try:
        if outcome.activation == "reload":
            service.reload(t.cast(int, live.pid))
            if not service.survives(t.cast(int, live.pid)):
                outcome.warnings.append("Dovecot died of the reload and was started again.")
                outcome.activation = "restart"
        if outcome.activation == "restart":
            _restart(request, live, state=state)
    except service.ServiceProblem as error:
        return str(error), {}
    pid = service.master_pid(live.base_directory)
    if pid is None:
        return "the main process of Dovecot is gone", {}
    if not request.probe:
        return "", {}
    asked, absent = ask.await_ports(new, pid)
    after = ask.ask_all(asked)
    if ask.failures(live.before, after):
        # A login process of before may have taken the connection on its way out.
        after = ask.ask_all(asked)
    told = [f"nothing listens on port {port}" for port in absent]
    told += ask.failures(live.before, after)
    if found.choices.socket:
        problem = ask.socket_problem(found.choices.socket, found.choices.mechanisms)
        told += [problem] if problem else []
    return "; ".join(told), after


def _restart(request: survey.Request, live: _Live, *, state: str) -> None:
    """Stop and start Dovecot; should this run be killed between the two, the next one starts it."""
    with contextlib.suppress(files.FileProblem):
        # Where it cannot be written, the note of before the change stands and starts Dovecot as well.
        recovery.write(state, recovery.Note(True, live.unit, "restart"))
    service.restart(request.config_file, base_directory=live.base_directory, unit=live.unit)


def _put_back(
    request: survey.Request,
    replacement: files.Replacement,
    live: _Live,
    found: survey.Survey,
    *,
    began: float,
    failure: str,
) -> t.NoReturn:
    foreign = replacement.undo()
    told = ["The old files are back"]
    if foreign:
        told.append(f"except {', '.join(foreign)}, which somebody else changed meanwhile")
    told.append(_serve_again(request, live, found, state=replacement.state))
    gap = round(time.monotonic() - began, 1) if live.pid else 0.0
    replacement.end()
    recovery.forget(replacement.state)
    silent = f"; the gap was at most {gap} s" if live.pid else ""
    raise TransactionFailed(
        f"After the change, {_sentence(failure)}. {', '.join(told)}. Nothing is changed{silent}.",
        changed=bool(foreign),
        details={"gap_seconds": gap},
    )


def _serve_again(request: survey.Request, live: _Live, found: survey.Survey, *, state: str) -> str:
    """Put the old files into force: by a reload, or a restart where that does not help; say how it went."""
    if live.pid is None:
        # Dovecot does not start with them; what the new ones may have started ends here.
        with contextlib.suppress(service.ServiceProblem):
            service.restart(request.config_file, base_directory=live.base_directory, unit=live.unit)
        return "Dovecot does not run, as before"
    pid = service.master_pid(live.base_directory)
    try:
        if pid is not None:
            service.reload(pid)
            if not ask.failures(live.before, ask.ask_all(tuple(live.before))):
                return "Dovecot runs on with them and answers as before"
        _restart(request, live, state=state)
    except service.ServiceProblem as error:
        return f"but {_sentence(str(error))}. Dovecot is down: start it by hand"
    pid = service.master_pid(live.base_directory)
    asked = ask.await_ports(found.view, pid)[0] if pid else ()
    still = ask.failures(live.before, ask.ask_all(asked))
    return (
        f"Dovecot was restarted, but: {_sentence(*still)}"
        if still
        else "Dovecot was restarted and answers as before"
    )


def _report(
    before: t.Mapping[ask.Port, Session],
    after: t.Mapping[ask.Port, Session],
    *,
    outcome: Outcome,
    key: str,
) -> None:
    was = {port.login.port: session for port, session in before.items()}
    for port, session in after.items():
        earlier = was.get(port.login.port)
        entry: dict[str, t.Any] = {"port": str(port), key: _summary(session)}
        if key == "after":
            entry["before"] = _summary(earlier) if earlier else None
        outcome.probe.append(entry)


def _summary(session: Session) -> dict[str, t.Any]:
    """Return what is worth a place in the result; to this host itself Dovecot offers AUTH without TLS as well."""
    told = probe.summary(session)
    return {name: value for name, value in told.items() if not name.startswith("auth_")}


__all__ = ("Outcome", "TransactionFailed", "run")
