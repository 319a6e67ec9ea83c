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
    service,
    survey,
    tree,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.dovecot_view import DovecotView
from ansible_collections.hardened.mail.plugins.module_utils.postfix import files, probe
from ansible_collections.hardened.mail.plugins.module_utils.postfix.processes import (
    listening,
    unit_of,
)
from ansible_collections.hardened.mail.plugins.module_utils.starttls.session import Session

_OPEN_SECONDS: t.Final = 5.0


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

    ``unit`` without ``pid`` is one whose last start failed, and which this change mends.
    """

    pid: t.Optional[int]
    unit: t.Optional[str]
    base_directory: str
    before: t.Mapping[ask.Port, Session]


def run(request: survey.Request) -> tuple[survey.Survey, Outcome]:
    """Carry out *request*; return the survey it rests on and what happened.

    Raises TransactionFailed, and what survey.read() raises.
    """
    outcome = Outcome()
    state = files.state_directory(os.path.dirname(request.config_file))
    if files.interrupted(state) or files.untidy(state):
        _recover(request, state=state, outcome=outcome)
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
            _change(request, found, state=state, outcome=outcome)
    return found, outcome


def _there(path: str) -> bool:
    return os.path.isdir(os.path.dirname(os.path.realpath(path)))


def _recover(request: survey.Request, *, state: str, outcome: Outcome) -> None:
    """Put back what a cut-off run left, and have Dovecot read it."""
    if request.check_mode or not request.apply:
        if files.interrupted(state):
            outcome.warnings.append(
                f"An earlier run was cut off in the middle ({state}/journal.json), or is under way; "
                "the next real run puts back what it had replaced before it does anything else."
            )
        return
    with files.locked(state):
        foreign = files.recover(state)
        if foreign is not None:
            outcome.changed = True
            outcome.warnings.append(
                "An earlier run was cut off in the middle; its files were put back."
            )
            outcome.warnings += [
                f"{path} was changed by somebody else since and left alone." for path in foreign
            ]
            view = survey.ask(request.config_file)[1]
            pid = service.master_pid(service.base_directory(view.value("base_dir")))
            if pid is not None:
                service.reload(pid)
        files.end_recovery(state)


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
        return _Live(None, None, base, {})
    asked = ask.ports(found.view, listening(pid)) if request.probe else ()
    return _Live(pid, unit_of(pid, "dovecot"), base, ask.ask_all(asked))


def _change(request: survey.Request, found: survey.Survey, *, state: str, outcome: Outcome) -> None:
    with files.private_directory() as directory:
        new = _stage_and_validate(request, found, directory=directory, outcome=outcome)
    live = _look(request, found)
    failed = "" if live.pid else service.failed_start()
    if failed and found.upgraded:
        # Our own file of before the upgrade is why it failed, and that is mended here.
        live = replace(live, unit=service.UNIT)
    elif failed:
        raise TransactionFailed(
            f"Dovecot does not run, because its last start failed: {_sentence(failed)}. Mend that first. "
            "Nothing was changed."
        )
    replacement = files.Replacement(state, changes=found.changes)
    replacement.prepare()
    began = time.monotonic()
    replacement.swap()
    outcome.changed = True
    if live.pid is None and live.unit is None:
        outcome.warnings.append(
            "Dovecot was not running and was left so; the new configuration counts when it starts."
        )
    elif request.activate == "none":
        outcome.activation_needed = _needed(found, live)
    else:
        failure, after = _activate(request, found, new, live, outcome=outcome)
        if failure:
            _put_back(request, replacement, live, found, began=began, failure=failure)
        _report(live.before, after, outcome=outcome, key="after")
    replacement.commit()


def _needed(found: survey.Survey, live: _Live) -> str:
    restart = live.pid is None or drop_in.needs_restart(found.lines, found.view)
    return "restart" if restart else "reload"


def _activate(
    request: survey.Request,
    found: survey.Survey,
    new: DovecotView,
    live: _Live,
    *,
    outcome: Outcome,
) -> tuple[str, dict[ask.Port, Session]]:
    """Put the new files into force; return what went wrong, and what the ports do now."""
    outcome.activation = _needed(found, live)
    try:
        if outcome.activation == "reload":
            service.reload(t.cast(int, live.pid))
            if not service.survives(t.cast(int, live.pid)):
                outcome.warnings.append("Dovecot died of the reload and was started again.")
                outcome.activation = "restart"
        if outcome.activation == "restart":
            service.restart(request.config_file, base_directory=live.base_directory, unit=live.unit)
    except service.ServiceProblem as error:
        return str(error), {}
    pid = service.master_pid(live.base_directory)
    if pid is None:
        return "the main process of Dovecot is gone", {}
    if not request.probe:
        return "", {}
    asked, absent = _open_ports(new, pid)
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


def _open_ports(view: DovecotView, pid: int) -> tuple[tuple[ask.Port, ...], list[int]]:
    """Wait until Dovecot listens on all its ports; return them, and those that are absent."""
    wanted = {login.port for login in view.logins}
    until = time.monotonic() + _OPEN_SECONDS
    while True:
        found = ask.ports(view, listening(pid))
        absent = sorted(wanted - {one.login.port for one in found})
        if not absent or time.monotonic() > until:
            return found, absent
        time.sleep(0.05)


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
    told.append(_serve_again(request, live, found))
    gap = round(time.monotonic() - began, 1) if live.pid else 0.0
    replacement.end()
    silent = f"; the gap was at most {gap} s" if live.pid else ""
    raise TransactionFailed(
        f"After the change, {_sentence(failure)}. {', '.join(told)}. Nothing is changed{silent}.",
        changed=bool(foreign),
        details={"gap_seconds": gap},
    )


def _serve_again(request: survey.Request, live: _Live, found: survey.Survey) -> str:
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
        service.restart(request.config_file, base_directory=live.base_directory, unit=live.unit)
    except service.ServiceProblem as error:
        return f"but {_sentence(str(error))}. Dovecot is down: start it by hand"
    pid = service.master_pid(live.base_directory)
    asked = _open_ports(found.view, pid)[0] if pid else ()
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
