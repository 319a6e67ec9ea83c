# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Replace configuration files so that a crash at any moment can be undone (effects: files).

What is needed to go forward and to go back is on the disk, next to each file, before the first
rename; the journal that names it is written before the first rename and removed after the last
check, or when the old files are in force again. A rename needs no space, so neither way can fail
for want of it.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import shutil
import signal
import stat
import tempfile
import time
import typing as t
from dataclasses import dataclass

STATE_ROOT = "/var/lib/hardened-mail"
_RUN_PREFIX = "hardened-mail-"
_COOL_SECONDS = 3
_NEW = ".hardened-mail-new"
_OLD = ".hardened-mail-old"
_ACL = "system.posix_acl_access"


class FileProblem(Exception):
    """A file could not be read or written; the message ends with whether anything was changed."""


@dataclass(frozen=True)
class FileChange:
    """One file to replace.

    ``before`` is None for a file that does not exist yet, ``after`` None for one to remove;
    ``mode`` and ``group`` count for new files only: an existing file keeps owner, mode, ACL and security
    label, unless it is ``ours``: then it is root's and has them in any case.
    """

    path: str
    before: t.Optional[bytes]
    after: t.Optional[bytes]
    mode: int = 0o644
    group: int = -1
    ours: bool = False


def read_bytes(path: str) -> t.Optional[bytes]:
    """Return the content of *path*, None when it does not exist. Raises FileProblem."""
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise FileProblem(f"Cannot read {path}: {error.strerror}. Nothing was changed.") from error


def state_directory(config_directory: str) -> str:
    """Return where backups, journal and ownership record of one instance are kept."""
    real = os.path.realpath(config_directory)
    return os.path.join(STATE_ROOT, real.strip("/").replace("/", "-"))


@contextlib.contextmanager
def locked(directory: str, *, seconds: float = 60.0) -> t.Iterator[None]:
    """Hold the lock of an instance; wait for another run for at most *seconds*.

    Raises FileProblem when the lock is not free by then, or cannot be made.
    """
    try:
        os.makedirs(directory, mode=0o700, exist_ok=True)
        stream = open(os.path.join(directory, "lock"), "w", encoding="ascii")  # noqa: SIM115 - held by the caller
    except OSError as error:
        raise not_written(error) from error
    with stream:
        deadline = time.monotonic() + seconds
        while True:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > deadline:
                    raise FileProblem(
                        f"Another run has held {directory}/lock for {seconds:g} s; "
                        "run again when it has ended. Nothing was changed."
                    ) from error
                time.sleep(0.1)
        yield


def not_written(error: OSError, path: str = "") -> FileProblem:
    """Return the problem of a file that could not be written; *path* is for an error that names none."""
    return FileProblem(
        f"Cannot write {error.filename or path}: {error.strerror}. "
        "Make the file system writable or free space. Nothing was changed."
    )


@contextlib.contextmanager
def private_directory() -> t.Iterator[str]:
    """Yield a new directory (mode 0700) under /run that is removed at the end. Raises FileProblem."""
    base = "/run" if os.access("/run", os.W_OK) else tempfile.gettempdir()
    _sweep(base)
    try:
        path = tempfile.mkdtemp(prefix=f"{_RUN_PREFIX}{os.getpid()}-", dir=base)
    except OSError as error:
        raise not_written(error, base) from error
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _sweep(base: str) -> None:
    """Remove what a killed run left: directories whose process is gone, and who works in them."""
    for name in os.listdir(base):
        pid = name[len(_RUN_PREFIX) :].partition("-")[0]
        if name.startswith(_RUN_PREFIX) and pid.isdigit() and not os.path.exists(f"/proc/{pid}"):
            path = os.path.join(base, name)
            _end_processes(path)
            shutil.rmtree(path, ignore_errors=True)


def _end_processes(directory: str) -> None:
    """End the processes that work below *directory*: the daemons of a rehearsal."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if os.readlink(f"/proc/{pid}/cwd").startswith(directory + "/"):
                os.kill(int(pid), signal.SIGKILL)


def write_state(path: str, content: bytes, *, mode: int = 0o600) -> None:
    """Write a file of the state directory: whole or not at all, and on the disk."""
    directory = os.path.dirname(path)
    os.makedirs(directory, mode=0o700, exist_ok=True)
    temporary = f"{path}.new"
    with _whole(temporary), open(temporary, "wb") as stream:
        os.fchmod(stream.fileno(), mode)
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(temporary, path)
    _sync_directory(directory)


@contextlib.contextmanager
def _whole(path: str) -> t.Iterator[None]:
    """Remove a file that could not be written to its end; the error then names it."""
    try:
        yield
    except OSError as error:
        with contextlib.suppress(OSError):
            os.unlink(path)
        # A full file system is told by write(2) and fsync(2), which know no name.
        raise OSError(error.errno, error.strerror, error.filename or path) from error


def cool(file: t.Union[str, int]) -> None:
    """Date a new file back, so that Postfix reads it at once.

    Every Postfix program sleeps until a main.cf that it reads has been as it is for more than a
    second ("pausing to let file cool down"); renamed into place, such a file is complete.
    """
    moment = time.time() - _COOL_SECONDS
    os.utime(file, (moment, moment))


def _sync_directory(directory: str) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_beside(target: str, content: bytes, *, suffix: str, change: FileChange) -> str:
    """Write *content* next to *target*, with the owner, mode, ACL and label that *target* has or gets."""
    path = os.path.join(os.path.dirname(target), f".{os.path.basename(target)}{suffix}")
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with _whole(path), os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        try:
            old = os.stat(target)
        except FileNotFoundError:
            os.fchown(descriptor, -1, change.group)
            os.fchmod(descriptor, change.mode)
        else:
            new = change.ours and suffix == _NEW
            os.fchown(descriptor, 0 if new else old.st_uid, change.group if new else old.st_gid)
            if not new:
                _copy_acl(target, descriptor)
            os.fchmod(descriptor, change.mode if new else stat.S_IMODE(old.st_mode))
            _copy_label(target, path)
        cool(descriptor)
        os.fsync(descriptor)
    return path


def _copy_acl(source: str, descriptor: int) -> None:
    """Give a file the ACL of *source*, or none; before its mode, which with an ACL says nothing of the group."""
    try:
        acl = os.getxattr(source, _ACL)
    except OSError as error:
        if error.errno not in (errno.ENODATA, errno.EOPNOTSUPP):
            raise
        # The directory may have a default for new files.
        with contextlib.suppress(OSError):
            os.removexattr(descriptor, _ACL)
    else:
        os.setxattr(descriptor, _ACL, acl)


def _copy_label(source: str, destination: str) -> None:
    try:
        label = os.getxattr(source, "security.selinux")
        os.setxattr(destination, "security.selinux", label)
    except OSError as error:
        if error.errno not in (errno.ENODATA, errno.EOPNOTSUPP, errno.ENOENT, errno.EPERM):
            raise


def _digest(content: t.Optional[bytes]) -> str:
    return "absent" if content is None else hashlib.sha256(content).hexdigest()


class Replacement:
    """A set of file changes under way: ``prepare``, ``swap``, then ``commit``, or ``undo`` and ``end``.

    *state* is the state directory of the instance.
    """

    def __init__(self, state: str, *, changes: t.Sequence[FileChange]) -> None:
        self.state = state
        self.changes = tuple(changes)
        self.journal = _journal(state)
        self._steps: list[dict[str, str]] = []

    def prepare(self) -> None:
        """Write everything that is needed to go forward and back. Raises FileProblem."""
        try:
            for change in self.changes:
                target = os.path.realpath(change.path)
                step = {"path": change.path, "target": target, "new": "", "old": ""}
                step["before"], step["after"] = _digest(change.before), _digest(change.after)
                self._steps.append(step)
                if change.after is not None:
                    step["new"] = _write_beside(target, change.after, suffix=_NEW, change=change)
                if change.before is not None:
                    step["old"] = _write_beside(target, change.before, suffix=_OLD, change=change)
                # Recovery takes an old file that is not there for one that was removed.
                _sync_directory(os.path.dirname(target))
            self._back_up()
        except OSError as error:
            self._discard()
            raise not_written(error, change.path) from error

    def _back_up(self) -> None:
        for change in self.changes:
            if change.before is None or os.path.dirname(change.path) == self.state:
                continue
            name = os.path.basename(change.path)
            original = os.path.join(self.state, "original", name)
            if not os.path.exists(original):
                write_state(original, change.before)
            write_state(os.path.join(self.state, "previous", name), change.before)

    def swap(self) -> None:
        """Put the new files in place, the journal first. Raises FileProblem, all undone."""
        try:
            write_state(self.journal, json.dumps(self._steps, indent=1).encode())
            for step in self._steps:
                if step["new"]:
                    os.replace(step["new"], step["target"])
                else:
                    os.unlink(step["target"])
                _sync_directory(os.path.dirname(step["target"]))
        except OSError as error:
            self.undo()
            self.end()
            raise FileProblem(
                f"Cannot replace {error.filename2 or error.filename}: {error.strerror}. "
                "What had been replaced was put back; nothing is changed."
            ) from error

    def undo(self) -> tuple[str, ...]:
        """Put the old files back; return the paths that were left as somebody else made them.

        The journal stays until ``end``: what runs on the new files must be told first.
        """
        return _undo(self._steps)

    def end(self) -> None:
        """End the replacement after ``undo``: the old files are in force again."""
        _end(self.state, self._steps)

    def commit(self) -> None:
        """End the replacement: the new files stay."""
        os.replace(self.journal, _done(self.state))
        # The files beside may be on another file system, where they would be gone before it.
        _sync_directory(self.state)
        _end(self.state, self._steps)

    def _discard(self) -> None:
        _remove_leftovers(self._steps)


def _remove_leftovers(steps: t.Iterable[t.Mapping[str, str]]) -> None:
    for step in steps:
        for leftover in (step["new"], step["old"]):
            if leftover:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(leftover)


def _journal(state: str) -> str:
    return os.path.join(state, "journal.json")


def _done(state: str) -> str:
    """Return where the journal of a replacement is that only has to be cleared away."""
    return os.path.join(state, "journal-done.json")


def _end(state: str, steps: t.Sequence[t.Mapping[str, str]]) -> None:
    _remove_leftovers(steps)
    for path in (_journal(state), _done(state)):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


def _undo(steps: t.Sequence[t.Mapping[str, str]]) -> tuple[str, ...]:
    foreign = []
    for step in reversed(steps):
        current = _digest(read_bytes(step["target"]))
        if current == step["before"]:
            continue
        if current != step["after"]:
            foreign.append(step["path"])
        elif step["old"]:
            os.replace(step["old"], step["target"])
        else:
            os.unlink(step["target"])
        _sync_directory(os.path.dirname(step["target"]))
    return tuple(foreign)


def interrupted(state: str) -> bool:
    """Return whether a run was cut off, or is, between its first rename and its last check."""
    return os.path.exists(_journal(state))


def untidy(state: str) -> bool:
    """Return whether a run was cut off after its last check, when it cleared away."""
    return os.path.exists(_done(state))


def recover(state: str) -> t.Optional[tuple[str, ...]]:
    """Undo what a cut-off run left; return the paths that somebody has changed since (left alone).

    None when there was nothing to undo. The journal stays until ``end_recovery``. Call it with the
    lock. Raises FileProblem when the journal cannot be read, or a file not be put back.
    """
    steps = _read_steps(_journal(state), state=state)
    if steps is None or _committed(steps):
        return None
    try:
        return _undo(steps)
    except OSError as error:
        raise FileProblem(
            f"Cannot put back what a run that was cut off had replaced: {error.filename2 or error.filename}: "
            f"{error.strerror}. Make the file system writable and run again. Nothing else was changed."
        ) from error


def _committed(steps: t.Iterable[t.Mapping[str, str]]) -> bool:
    """Return whether the last check was passed: old files are removed after it, and used in an undo."""
    return any(
        step["old"]
        and not os.path.lexists(step["old"])
        and _digest(read_bytes(step["target"])) == step["after"] != step["before"]
        for step in steps
    )


def end_recovery(state: str) -> None:
    """Clear away after a cut-off run, whose files are old and in force, or new and checked."""
    for journal in (_journal(state), _done(state)):
        steps = _read_steps(journal, state=state)
        if steps is not None:
            _end(state, steps)


def _read_steps(journal: str, *, state: str) -> t.Optional[list[dict[str, str]]]:
    raw = read_bytes(journal)
    if raw is None:
        return None
    try:
        return list(json.loads(raw))
    except ValueError as error:
        raise FileProblem(
            f"Cannot read the journal {journal}: {error}. Compare the configuration with "
            f"{state}/previous and remove the journal. Nothing was changed."
        ) from error


def sweep_leftovers(paths: t.Iterable[str]) -> None:
    """Remove temporary files of a run that was killed before its journal was written.

    *paths* are the files that are replaced; symbolic links are followed.
    """
    for directory in {os.path.dirname(os.path.realpath(path)) for path in paths}:
        for name in os.listdir(directory):
            if name.startswith(".") and name.endswith((_NEW, _OLD)):
                os.unlink(os.path.join(directory, name))


__all__ = (
    "FileChange",
    "FileProblem",
    "Replacement",
    "cool",
    "end_recovery",
    "interrupted",
    "locked",
    "not_written",
    "private_directory",
    "read_bytes",
    "recover",
    "state_directory",
    "sweep_leftovers",
    "untidy",
    "write_state",
)
