# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Judge a directory of captures into a file of JSON lines (effects: reads, forks, writes the one file)."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import typing as t
from dataclasses import dataclass

from ansible_collections.hardened.mail.plugins.module_utils.policy import validation
from ansible_collections.hardened.mail.plugins.module_utils.policy.findings import SEVERITIES
from ansible_collections.hardened.mail.plugins.module_utils.postfix import capture

#: A capture has 60 KiB; with a main.cf of 100,000 lines it has a few MiB.
_LARGEST: t.Final = 64 * 1024 * 1024
#: How many hosts are named that did not pass.
_NAMED: t.Final = 50
_MODE: t.Final = 0o600


class BulkProblem(Exception):
    """The captures cannot be judged; the message says why and that nothing was written."""


@dataclass
class Summary:
    """What was found in all captures together; ``failed`` names the first files that did not pass."""

    hosts: int
    passed: int
    incomplete: int
    counts: dict[str, int]
    failed: list[str]
    changed: bool = False


def judge_all(
    directory: str,
    *,
    output: str,
    request: validation.Request,
    write: bool = True,
    workers: t.Optional[int] = None,
) -> Summary:
    """Judge every file of *directory* and write one line for each to *output*, in the order of their names.

    The file is replaced as a whole, and only when it changes; with *write* off it is only compared. Raises
    BulkProblem.
    """
    names = _names(directory, besides=output)
    summary = Summary(0, 0, 0, dict.fromkeys(SEVERITIES, 0), [])
    count = max(1, min(workers or _processors(), len(names)))
    try:
        with _Sink(output, write=write) as sink:
            judged = _side_by_side(
                names, lambda name: _line(directory, name, request=request), workers=count
            )
            for name, line in zip(names, judged):
                _add(summary, name, line)
                sink.put(line[line.index(b"\t") + 1 :])
    except OSError as error:
        raise BulkProblem(f"{error.filename or output}: {error.strerror}") from error
    summary.changed = sink.changed
    return summary


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _names(directory: str, *, besides: str) -> list[str]:
    try:
        with os.scandir(directory) as entries:
            names = sorted(
                one.name
                for one in entries
                if one.is_file()
                and not one.name.startswith(".")
                and os.path.realpath(one.path) != os.path.realpath(besides)
            )
    except OSError as error:
        raise BulkProblem(f"{directory}: {error.strerror}") from error
    if not names:
        raise BulkProblem(f"{directory} holds no file: there is nothing to judge")
    return names


def _add(summary: Summary, name: str, line: bytes) -> None:
    passed, incomplete, *counts = map(int, line[: line.index(b"\t")].split())
    summary.hosts += 1
    summary.passed += passed
    summary.incomplete += incomplete
    for severity, count in zip(SEVERITIES, counts):
        summary.counts[severity] += count
    if not passed and len(summary.failed) < _NAMED:
        summary.failed.append(name)


def _line(directory: str, name: str, *, request: validation.Request) -> bytes:
    """Return the line of one capture, behind what the summary needs and a tab."""
    result = {"file": name, **_result(os.path.join(directory, name), request)}
    unasked = sum(1 for one in result["incomplete"] if one["reason"] != validation.NOT_ON_HOST)
    numbers = (int(result["passed"]), int(unasked > 0), *result["counts"].values())
    text = json.dumps(result, separators=(",", ":"))
    return f"{' '.join(map(str, numbers))}\t{text}\n".encode("ascii")


def _result(path: str, request: validation.Request) -> dict[str, t.Any]:
    host = os.path.basename(path).removesuffix(".txt").removesuffix(".capture")
    try:
        with open(path, "rb") as stream:
            content = stream.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise capture.CaptureError(f"larger than {_LARGEST >> 20} MiB")
        found = capture.parse(content.decode("utf-8", "surrogateescape"))
        return validation.result_of(found, request)
    except capture.CaptureError as error:
        return validation.unjudged(f"no capture: {error}", request, host=host)
    except OSError as error:
        reason = f"the file cannot be read: {error.strerror}"
        return validation.unjudged(reason, request, host=host)
    except Exception as error:  # noqa: BLE001 - the border: one capture must not end the others
        reason = f"an error in the validator itself ({type(error).__name__}); please report it"
        return validation.unjudged(reason, request, host=host)


def _side_by_side(
    names: t.Sequence[str], line: t.Callable[[str], bytes], *, workers: int
) -> t.Iterator[bytes]:
    """Give the line of each name, in order, made by *workers* processes.

    Each takes every nth name and waits when its pipe is full, so nothing piles up in memory. The module
    multiprocessing is not used: it needs shared memory, which containers may lack, and Python 3.14 would load
    the module's archive anew in each process.
    """
    if workers == 1:
        yield from map(line, names)
        return
    children: list[tuple[int, t.BinaryIO]] = []
    try:
        for number in range(workers):
            children.append(_child(names[number::workers], line, others=children))
        for position, name in enumerate(names):
            made = children[position % workers][1].readline()
            if not made.endswith(b"\n"):
                raise BulkProblem(f"{name}: the process that judged it was killed")
            yield made
    finally:
        for _pid, stream in children:
            stream.close()
        for pid, _stream in children:
            os.waitpid(pid, 0)


def _child(
    names: t.Sequence[str],
    line: t.Callable[[str], bytes],
    *,
    others: t.Sequence[tuple[int, t.BinaryIO]],
) -> tuple[int, t.BinaryIO]:
    """Start a process that writes the lines of *names* into a pipe; return its id and the pipe."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return pid, os.fdopen(reading, "rb")
    status = 1
    try:
        # Whoever writes into a pipe that only another child holds open would wait for ever.
        for _pid, stream in others:
            stream.close()
        os.close(reading)
        with os.fdopen(writing, "wb") as stream:
            for name in names:
                stream.write(line(name))
        status = 0
    finally:
        os._exit(status)


class _Sink:
    """A file that is replaced as a whole, when what is put into it differs from what it holds."""

    def __init__(self, path: str, *, write: bool) -> None:
        self._path = path
        self._write = write
        self._same = False
        self._old: t.Optional[t.BinaryIO] = None
        self._new: t.Optional[t.IO[bytes]] = None
        self.changed = False

    def __enter__(self) -> _Sink:
        with contextlib.suppress(FileNotFoundError):
            self._old = open(self._path, "rb")
            self._same = os.fstat(self._old.fileno()).st_mode & 0o7777 == _MODE
        if self._write:
            # Made with mode 0600.
            self._new = tempfile.NamedTemporaryFile(
                dir=os.path.dirname(self._path) or ".",
                prefix=f".{os.path.basename(self._path)}.",
                delete=False,
            )
        return self

    def put(self, line: bytes) -> None:
        """Add a line."""
        if self._same and self._old:
            self._same = self._old.read(len(line)) == line
        if self._new:
            self._new.write(line)

    def __exit__(self, kind: t.Optional[type[BaseException]], *_rest: object) -> None:
        if self._old:
            self._same = self._same and not self._old.read(1)
            self._old.close()
        self.changed = not self._same
        if not self._new:
            return
        try:
            self._new.close()
            if kind is None and self.changed:
                os.replace(self._new.name, self._path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._new.name)


__all__ = ("BulkProblem", "Summary", "judge_all")
