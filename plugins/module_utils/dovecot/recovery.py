# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""End what a run that was killed had begun: its files go back, and Dovecot serves with them (effects: files, processes).

What the killed run knew of Dovecot is noted on the disk before its first rename. Without the note nobody could tell
a Dovecot that was killed off between stop and start from one that somebody had stopped, nor that a reload with the
old files would kill it. A note counts only beside a journal, and the same run writes both.
"""

from __future__ import annotations

import contextlib
import json
import os
import typing as t
from dataclasses import asdict, dataclass

from ansible_collections.hardened.mail.plugins.module_utils.dovecot import ask, service, survey
from ansible_collections.hardened.mail.plugins.module_utils.postfix import files
from ansible_collections.hardened.mail.plugins.module_utils.postfix.processes import unit_of


@dataclass(frozen=True)
class Note:
    """What a change does with Dovecot.

    ``runs`` is whether Dovecot shall run after it, ``unit`` its unit of systemd, None outside of it, and
    ``activation`` what puts the files into force: ``none``, ``reload`` or ``restart``.
    """

    runs: bool
    unit: t.Optional[str]
    activation: str


@dataclass(frozen=True)
class Recovered:
    """How a recovery went: whether files were put back, what to tell, and what is left to do.

    ``pending`` is the note of a change whose old files Dovecot does not take: Dovecot cannot serve before they
    are written anew, and the journal stays until then.
    """

    changed: bool = False
    warnings: tuple[str, ...] = ()
    pending: t.Optional[Note] = None


def _path(state: str) -> str:
    return os.path.join(state, "service.json")


def write(state: str, note: Note) -> None:
    """Note what the change does with Dovecot, before the journal is written. Raises files.FileProblem."""
    try:
        files.write_state(_path(state), json.dumps(asdict(note)).encode())
    except OSError as error:
        raise files.not_written(error) from error


def left(state: str) -> bool:
    """Return whether a run was cut off, or is, between its note and its end."""
    return files.interrupted(state) or files.untidy(state) or os.path.exists(_path(state))


def forget(state: str) -> None:
    """Remove the note, after the journal."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(_path(state))


def _read(state: str) -> t.Optional[Note]:
    """Return the note, None when there is none that can be read: that of a release before there were any."""
    try:
        return Note(**json.loads(files.read_bytes(_path(state)) or b"{}"))
    except (TypeError, ValueError):
        return None


def recover(config_file: str, *, state: str) -> Recovered:
    """Put back what a cut-off run left, and have Dovecot serve with it. Call it with the lock.

    Raises files.FileProblem when the journal cannot be read, and service.ServiceProblem when Dovecot does not start:
    then the journal stays, and the next run tries again.
    """
    foreign = files.recover(state)
    if foreign is None:
        files.end_recovery(state)
        forget(state)
        return Recovered()
    told = ["An earlier run was cut off in the middle; its files were put back."]
    told += [f"{path} was changed by somebody else since and left alone." for path in foreign]
    note = _read(state)
    try:
        view = survey.ask(config_file)[1]
    except survey.DovecotBroken:
        # Our file of before an upgrade, or one of the site. Reloaded or started now, Dovecot would only die of it.
        return Recovered(True, tuple(told), note)
    base = service.base_directory(view.value("base_dir"))
    if _serve(config_file, base=base, note=note):
        told.append("Dovecot was restarted with them.")
    pid = service.master_pid(base)
    if pid is not None:
        ask.await_ports(view, pid)
    files.end_recovery(state)
    forget(state)
    return Recovered(True, tuple(told))


def _serve(config_file: str, *, base: str, note: t.Optional[Note]) -> bool:
    """Put the old files into force in a Dovecot that runs, or that ran before the change; return whether by a start."""
    pid = service.master_pid(base)
    if pid is None and not (note and note.runs):
        return False
    # Without a note a restart is what is always right.
    activation = note.activation if note else "restart"
    unit = (unit_of(pid, "dovecot") if pid else None) or (note.unit if note else None)
    if pid is not None and activation == "none":
        return False
    if pid is not None and activation == "reload":
        with contextlib.suppress(service.ServiceProblem):
            service.reload(pid)
            if service.survives(pid):
                return False
    service.restart(config_file, base_directory=base, unit=unit)
    return True


__all__ = ("Note", "Recovered", "forget", "left", "recover", "write")
