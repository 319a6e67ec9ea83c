# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mail log is read from files and journal, in order of time and nothing twice."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import pathlib
import sys
import typing as t
from datetime import datetime, timedelta

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.postfix import log_files

NOW = datetime.now().astimezone().replace(microsecond=0)
SINCE = NOW - timedelta(days=30)


def stamp(age: timedelta) -> str:
    return (NOW - age).isoformat()


def line(age: timedelta, text: str) -> str:
    return f"{stamp(age)} mx1 postfix/smtpd[1]: {text}\n"


def write(path: pathlib.Path, text: str, *, age: timedelta = timedelta()) -> None:
    writers: dict[str, t.Callable[[bytes], bytes]] = {
        ".gz": gzip.compress,
        ".xz": lzma.compress,
        ".bz2": bz2.compress,
    }
    path.write_bytes(writers.get(path.suffix, bytes)(text.encode()))
    moment = (NOW - age).timestamp()
    os.utime(path, (moment, moment))


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


@pytest.fixture(autouse=True)
def no_log_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> pathlib.Path:
    """Keep away from the files and the journal of the machine; return where programs are found."""
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setattr(log_files, "_USUAL", (str(tmp_path / "mail.log"),))
    monkeypatch.setenv("PATH", str(programs))
    return programs


@pytest.fixture
def journal(no_log_of_this_machine: pathlib.Path) -> pathlib.Path:
    """Make a journalctl that honours --since and --until; return the file that is its journal."""
    program, entries = (no_log_of_this_machine / name for name in ("journalctl", "entries"))
    program.write_text(
        f"""#!{sys.executable}
import sys
given = dict(word.partition("=")[::2] for word in sys.argv)
since, until = (int(given.get(name, "@9999999999")[1:]) for name in ("--since", "--until"))
assert given["--output"] == "short-unix"
for line in open({str(entries)!r}):
    if since <= float(line.split()[0]) <= until and given["SYSLOG_FACILITY"] == "2":
        print(line, end="")
""",
        encoding="utf-8",
    )
    program.chmod(0o755)
    entries.write_text("", encoding="utf-8")
    return entries


def fill(journal: pathlib.Path, *entries: tuple[timedelta, str]) -> None:
    journal.write_text(
        "".join(
            f"{(NOW - age).timestamp() + 0.25:.6f} mx1 postfix/smtpd[1]: {text}\n"
            for age, text in entries
        ),
        encoding="utf-8",
    )


def read(
    *, explicit: t.Sequence[str] = (), **effective: str
) -> tuple[list[str], log_files.Reading]:
    reading = log_files.Reading()
    found = log_files.lines(since=SINCE, effective=effective, explicit=explicit, reading=reading)
    return [text.rstrip("\n").rpartition("]: ")[2] for text, _newest in found], reading


def test_nothing_to_read() -> None:
    assert read() == ([], log_files.Reading())


def test_the_journal_alone(journal: pathlib.Path) -> None:
    fill(journal, (timedelta(days=31), "too old"), (hours(2), "a"), (hours(0), "this second"))
    texts, reading = read()
    assert texts == ["a", "this second"]
    assert (reading.sources, reading.problems) == (["journal"], [])


def test_an_empty_journal_is_no_source(journal: pathlib.Path) -> None:
    fill(journal)
    assert read() == ([], log_files.Reading())


def test_files_are_read_from_the_oldest_on(tmp_path: pathlib.Path) -> None:
    log = tmp_path / "mail.log"
    write(log, line(hours(1), "e"))
    write(tmp_path / "mail.log.1", line(hours(20), "d"), age=hours(19))
    write(tmp_path / "mail.log.2.gz", line(hours(40), "c"), age=hours(39))
    write(tmp_path / "mail.log-20261101.xz", line(hours(60), "b"), age=hours(59))
    write(tmp_path / "mail.log.20261031-235959.bz2", line(hours(80), "a"), age=hours(79))
    write(tmp_path / "mail.log.9", "too old\n", age=timedelta(days=31))
    write(tmp_path / "mail.log.bak", "not rotated\n")
    write(tmp_path / "mail.log2", "another log\n")
    (tmp_path / "mail.log.5").mkdir()
    texts, reading = read()
    assert texts == ["a", "b", "c", "d", "e"]
    assert [pathlib.Path(path).name for path in reading.sources] == [
        "mail.log.20261031-235959.bz2",
        "mail.log-20261101.xz",
        "mail.log.2.gz",
        "mail.log.1",
        "mail.log",
    ]
    assert reading.problems == []


def test_maillog_file_takes_the_place_of_the_usual_one(tmp_path: pathlib.Path) -> None:
    own = tmp_path / "own"
    write(own, line(hours(1), "own"))
    write(tmp_path / "mail.log", line(hours(1), "usual"))
    assert read(maillog_file=str(own))[0] == ["own"]
    assert read(maillog_file="/dev/stdout")[0] == []


def test_the_journal_fills_in_what_the_files_lack(
    tmp_path: pathlib.Path, journal: pathlib.Path
) -> None:
    ages = [hours(age) for age in (90, 50, 40, 30, 3, 2, 1)]
    fill(journal, *((age, f"journal-{number}") for number, age in enumerate(ages)))
    write(tmp_path / "mail.log.1", "no log line\n" + line(ages[2], "2"), age=hours(35))
    write(tmp_path / "mail.log", line(ages[3], "3") + line(ages[4], "4"), age=ages[4])
    texts, reading = read()
    assert texts == [
        *("journal-0", "journal-1"),
        *("no log line", "2", "3", "4"),
        *("journal-5", "journal-6"),
    ]
    assert reading.sources[0] == "journal"
    assert len(reading.sources) == 3


def test_files_without_a_log_line_leave_it_to_the_journal(
    tmp_path: pathlib.Path, journal: pathlib.Path
) -> None:
    write(tmp_path / "mail.log", "garbage\n")
    fill(journal, (hours(2), "a"), (hours(1), "b"))
    assert read()[0] == ["a", "b", "garbage"]


def test_explicit_files_are_all_that_is_read(tmp_path: pathlib.Path, journal: pathlib.Path) -> None:
    fill(journal, (hours(2), "journal"))
    write(tmp_path / "mail.log", line(hours(1), "usual"))
    write(tmp_path / "copy.gz", line(hours(9000), "copy"), age=hours(9000))
    texts, reading = read(explicit=[str(tmp_path / "copy.gz"), str(tmp_path / "nosuch")])
    assert texts == ["copy"]
    assert reading.sources == [str(tmp_path / "copy.gz")]
    (problem,) = reading.problems
    assert problem.startswith(f"{tmp_path}/nosuch: ")
    assert "No such file" in problem


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        pytest.param("x.gz", b"not gzip", "Not a gzipped file", id="not-gzip"),
        pytest.param("x.gz", gzip.compress(b"x" * 9999)[:40], "end-of-stream", id="cut-gzip"),
        pytest.param("x.xz", b"not xz", "format not supported", id="not-xz"),
        pytest.param("x.zst", b"", "Python has no reader for .zst", id="zst"),
    ],
)
def test_a_file_that_cannot_be_read_is_said(
    tmp_path: pathlib.Path, name: str, content: bytes, problem: str
) -> None:
    (tmp_path / name).write_bytes(content)
    write(tmp_path / "good", line(hours(1), "good"))
    texts, reading = read(explicit=[str(tmp_path / name), str(tmp_path / "good")])
    assert texts[-1] == "good"
    assert len(reading.problems) == 1
    assert reading.problems[0].startswith(str(tmp_path / name))
    assert problem in reading.problems[0]


def test_bytes_that_are_no_text_and_lines_without_end_are_read(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"\xff\xfe\0 a\n" + b"x" * 100000 + b"\nb")
    reading = log_files.Reading()
    found = log_files.lines(since=SINCE, effective={}, explicit=[str(path)], reading=reading)
    texts = [text for text, _newest in found]
    assert texts[-1] == "b"
    assert max(map(len, texts)) <= 16384
    assert reading.problems == []


def test_the_time_of_the_file_comes_with_its_lines(tmp_path: pathlib.Path) -> None:
    write(tmp_path / "log", "a\n", age=hours(5))
    found = log_files.lines(
        since=SINCE,
        effective={},
        explicit=[str(tmp_path / "log")],
        reading=log_files.Reading(),
    )
    assert list(found) == [("a\n", NOW - hours(5))]
