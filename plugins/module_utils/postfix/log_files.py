# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the mail log, wherever this host keeps it (effects: files and journalctl are read).

Files, also rotated and compressed ones, come first; the journal fills in what is older and newer
than they are, so that nothing is counted twice where a syslog daemon copies the journal.
"""

from __future__ import annotations

import bz2
import glob
import gzip
import lzma
import os
import re
import shutil
import subprocess
import typing as t
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ansible_collections.hardened.mail.plugins.module_utils.postfix import runner
from ansible_collections.hardened.mail.plugins.module_utils.postfix.mail_log import take_apart

#: Where syslog daemons write the facility mail; the first of them that is a file counts.
_USUAL = ("/var/log/mail.log", "/var/log/maillog", "/var/log/mail")
_ROTATED = re.compile(r"(?:[.-][0-9][0-9-]*)?(?:\.(?:gz|xz|bz2|zst|lz4))?")
#: A longer line is no log line; it is read in pieces, so that it needs no memory.
_LONGEST = 16384
_FACILITIES = {"mail": 2, **{f"local{number}": 16 + number for number in range(8)}}


@dataclass
class Reading:
    """What was read: names of files and ``journal``, and what could not be read, with the reason."""

    sources: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def lines(
    *,
    since: datetime,
    effective: t.Mapping[str, str],
    explicit: t.Sequence[str],
    reading: Reading,
) -> t.Iterator[tuple[str, datetime]]:
    """Yield the lines of the mail log from *since* on, the oldest first.

    With each line comes a moment that it is not younger than, see mail_log.take_apart(). *effective*
    is ``postconf -x``; with *explicit* only these files are read. Nothing is raised for a source
    that cannot be read: *reading* says so.
    """
    if explicit:
        for path in explicit:
            yield from _file(path, reading=reading)
        return
    files = _files_since(_main_file(effective), since=since)
    first = _first_moment(files)
    yield from _journal(since, first, effective=effective, reading=reading)
    last: t.Optional[tuple[str, datetime]] = None
    for path in files:
        for entry in _file(path, reading=reading):
            last = entry
            yield entry
    ended = take_apart(last[0], newest=last[1]) if last else None
    if first and ended:
        after = ended.at + timedelta(seconds=1)
        yield from _journal(after, None, effective=effective, reading=reading)


def _main_file(effective: t.Mapping[str, str]) -> t.Optional[str]:
    own = effective.get("maillog_file", "")
    return next((path for path in ((own,) if own else _USUAL) if os.path.isfile(path)), None)


def _files_since(path: t.Optional[str], *, since: datetime) -> list[str]:
    """Return *path* and its rotated copies that were written to after *since*, the oldest first."""
    if path is None:
        return []
    found = []
    for name in glob.glob(f"{glob.escape(path)}*"):
        if _ROTATED.fullmatch(name[len(path) :]) and os.path.isfile(name):
            changed = os.path.getmtime(name)
            if changed >= since.timestamp():
                found.append((changed, name))
    return [name for _changed, name in sorted(found)]


def _open(path: str) -> t.IO[bytes]:
    """Open a log file, compressed or not. Raises OSError, and ValueError for other compressions."""
    ending = os.path.splitext(path)[1]
    if ending == ".gz":
        return t.cast("t.IO[bytes]", gzip.open(path, "rb"))
    if ending == ".xz":
        return t.cast("t.IO[bytes]", lzma.open(path, "rb"))
    if ending == ".bz2":
        return t.cast("t.IO[bytes]", bz2.open(path, "rb"))
    if ending in (".zst", ".lz4"):
        raise ValueError(f"Python has no reader for {ending}")
    return open(path, "rb")


def _file(path: str, *, reading: Reading) -> t.Iterator[tuple[str, datetime]]:
    try:
        newest = datetime.fromtimestamp(os.path.getmtime(path)).astimezone()
        with _open(path) as stream:
            reading.sources.append(path)
            while True:
                raw = stream.readline(_LONGEST)
                if not raw:
                    return
                yield raw.decode("utf-8", "replace"), newest
    except (OSError, EOFError, ValueError, lzma.LZMAError) as error:
        # Logs are rotated while they are read, and a compressed one may end in the middle.
        reading.problems.append(f"{path}: {error}")


def _first_moment(files: t.Sequence[str]) -> t.Optional[datetime]:
    """Return the moment of the first log line in *files*."""
    for path in files:
        for number, (text, newest) in enumerate(_file(path, reading=Reading())):
            line = take_apart(text, newest=newest)
            if line:
                return line.at
            if number > 1000:
                break
    return None


def _journal(
    since: datetime,
    until: t.Optional[datetime],
    *,
    effective: t.Mapping[str, str],
    reading: Reading,
) -> t.Iterator[tuple[str, datetime]]:
    program = shutil.which("journalctl")
    if program is None or (until and until <= since):
        return
    newest = until or datetime.now().astimezone()
    facility = _FACILITIES.get(effective.get("syslog_facility", "mail"), 2)
    arguments = [program, "--no-pager", "--quiet", "--output=short-unix"]
    arguments.append(f"--since=@{int(since.timestamp())}")
    if until:
        arguments.append(f"--until=@{int(until.timestamp())}")
    # Read while it writes, so that a large journal needs no memory; run_command keeps all of it.
    with subprocess.Popen(  # pylint: disable=ansible-bad-function
        [*arguments, f"SYSLOG_FACILITY={facility}"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=runner.environment(),
    ) as process:
        stream = t.cast("t.IO[bytes]", process.stdout)
        try:
            for raw in iter(lambda: stream.readline(_LONGEST), b""):
                if "journal" not in reading.sources:
                    reading.sources.append("journal")
                yield raw.decode("utf-8", "replace"), newest
        finally:
            process.kill()


__all__ = ("Reading", "lines")
