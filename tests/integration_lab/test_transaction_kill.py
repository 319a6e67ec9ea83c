# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that is killed (-9) at any of its writes leaves whole files and a Postfix that serves; the next run ends it.

strace lists the system calls of a run that was left alone, then kills one run at each of them, before the call is made.
"""

from __future__ import annotations

import collections
import dataclasses
import json
import re
import typing as t

from .conftest import CODE, Machine, applied

MAIN = "/etc/postfix/main.cf"
MASTER = "/etc/postfix/master.cf"
JOURNAL = "/var/lib/hardened-mail/etc-postfix/journal.json"
#: What changes files, and what starts a process, such as "postfix reload". Not every machine has each of them.
CALLS = "write rename renameat renameat2 unlink unlinkat rmdir mkdir symlink fsync kill vfork clone clone3".split()
KILLED = -9
_CALL = re.compile(r"(\w+)\((.*)")


@dataclasses.dataclass(frozen=True)
class Point:
    """The ``count``-th call of one kind that a run makes; ``text`` is how strace shows it."""

    call: str
    count: int
    text: str

    def __str__(self) -> str:
        return f"{self.call} {self.count}: {self.text}"


OWN: t.Final = {"one": "header_size_limit", "two": "line_length_limit"}


def wish(word: str, **more: t.Any) -> dict[str, t.Any]:
    """Return options that change both files; with another word one parameter is dropped."""
    return {
        "parameters": {"smtpd_banner": f"$myhostname ESMTP {word}", OWN[word]: "51201"},
        "services": [
            {"name": "submission", "command": "smtpd", "overrides": {"syslog_name": f"sub-{word}"}}
        ],
        "owner": "site",
        "rehearse": False,
        **more,
    }


def traced(machine: Machine, options: t.Mapping[str, t.Any], *strace: str) -> int:
    """Run the module under strace; return the status."""
    command = ("env", "PYTHONDONTWRITEBYTECODE=1", "strace", "-qq", *strace)
    run = ("python3", f"{CODE}/run.py", "postconf")
    return machine.try_run(*command, *run, stdin=json.dumps(options), seconds=200).status


def points_of(machine: Machine, options: t.Mapping[str, t.Any], *, status: int = 0) -> list[Point]:
    """Let one run go to its end; return its calls from the moment on at which it has the lock."""
    calls = ",".join(f"?{name}" for name in CALLS)
    log = "/root/strace.log"
    assert traced(machine, options, "-y", "-o", log, "-e", f"trace={calls},flock") == status
    counts: collections.Counter[str] = collections.Counter()
    points: list[Point] = []
    locked = False
    for line in machine.sh(f"cut -c-300 {log}").splitlines():
        found = _CALL.match(line)
        if found is None:
            continue
        name = found[1]
        counts[name] += 1
        locked = locked or name == "flock"
        if locked and name in CALLS:
            points.append(Point(name, counts[name], found[2][:160]))
    return points


def killed_at(machine: Machine, point: Point, options: t.Mapping[str, t.Any]) -> None:
    """Run the module and kill it when it is about to make the call."""
    inject = f"inject={point.call}:signal=KILL:when={point.count}"
    status = traced(machine, options, "-o", "/dev/null", "-e", f"trace={point.call}", "-e", inject)
    assert status == KILLED, f"not killed at {point}"


def both(machine: Machine) -> tuple[bytes, bytes]:
    """Return the bytes of main.cf and master.cf."""
    return machine.read(MAIN), machine.read(MASTER)


def calls(points: t.Iterable[Point], kind: str, text: str) -> list[Point]:
    """Return the calls of one kind, in each of its spellings, that mention the text."""
    return [point for point in points if point.call.startswith(kind) and text in point.text]


SPAWNS: t.Final = ("vfork", "clone", "clone3")


def worth_a_kill(points: t.Sequence[Point]) -> list[Point]:
    """Leave out calls before which everything is as it was before the call before.

    Those are most of the private directory's, and processes that are started before the journal.
    """
    journal = next(n for n, point in enumerate(points) if 'journal.json"' in point.text)
    return [
        point
        for number, point in enumerate(points)
        if not (point.call in SPAWNS and number < journal)
        and not ("/run/hardened-mail-" in point.text and point.call not in ("mkdir", "rmdir"))
        and point.call != "fsync"
    ]


def test_run_that_is_killed_at_any_write_is_ended_by_the_next(machine: Machine) -> None:
    state = {}
    for word in ("one", "two"):
        applied(machine.apply(**wish(word)))
        state[word] = both(machine)
    pid = machine.master_pid()
    points = worth_a_kill(points_of(machine, wish("one")))
    renames = calls(points, "rename", '/etc/postfix/main.cf")')
    assert renames, "the trace does not show how main.cf is replaced"
    assert len(points) > 30
    old, new = "one", "two"
    recovered = 0
    for point in points:
        killed_at(machine, point, wish(new))
        for now, before, after in zip(both(machine), state[old], state[new]):
            assert now in (before, after), f"half a file after {point}"
        assert "tls" in machine.outside(), f"no service after {point}"
        journal = machine.try_run("test", "-e", JOURNAL).status == 0
        result = machine.apply(**wish(new))
        assert not result.get("failed"), f"after {point}: {result['msg']}"
        told = [
            str(one) for one in result.get("warnings", ()) if "cut off in the middle" in str(one)
        ]
        assert len(told) == journal, f"after {point}: {result}"
        recovered += journal
        assert both(machine) == state[new], f"after {point}"
        machine.left_nothing()
        assert machine.sh("postconf -P submission/inet/syslog_name").endswith(f"sub-{new}")
        assert machine.outside()["banner"].endswith(f"ESMTP {new}"), f"after {point}"
        old, new = new, old
    assert recovered > 5
    assert machine.master_pid() == pid
    assert machine.masters() == 1


def test_run_that_is_killed_in_the_rehearsal_leaves_no_second_master(machine: Machine) -> None:
    applied(machine.apply(**wish("one")))
    before, pid = both(machine), machine.master_pid()
    points = points_of(machine, wish("two", rehearse=True))
    applied(machine.apply(**wish("one")))
    stops = [point for point in points if point.call == "kill"]
    starts = [point for point in points if "/queue/" in point.text and point.call == "symlink"]
    assert stops
    assert starts
    for point in (stops[0], starts[-1]):
        killed_at(machine, point, wish("two", rehearse=True))
        assert both(machine) == before, f"after {point}"
        copies = machine.sh("ls /run/hardened-mail-*/new/rehearsal/ma*.cf || :").split()
        for copy in copies:
            assert machine.try_run("runuser", "-u", "nobody", "--", "cat", copy).status != 0, copy
        assert copies or point in starts
        machine.serves()
        applied(machine.apply(**wish("two")))
        machine.left_nothing()
        assert machine.masters() == 1, f"after {point}"
        assert machine.master_pid() == pid
        machine.serves()
        applied(machine.apply(**wish("one")))


DEADLY: t.Final = {
    "smtpd_sasl_auth_enable": True,
    "smtpd_sasl_type": "dovecot",
    "smtpd_sasl_path": "private/nothing-here",
}


def test_run_that_is_killed_while_it_puts_back_is_ended_by_the_next(machine: Machine) -> None:
    applied(machine.apply(**wish("one")))
    before = both(machine)
    deadly = wish("two", parameters=DEADLY, owner="")
    points = points_of(machine, deadly, status=1)
    assert both(machine) == before
    back = calls(points, "rename", ".hardened-mail-old")
    gone = calls(points, "unlink", "journal.json")
    assert back, "the trace does not show how main.cf is put back"
    assert gone
    after = points[points.index(back[-1]) :]
    starts = [point for point in after if point.call in SPAWNS]
    for point in (back[0], back[-1], starts[0], gone[0]):
        killed_at(machine, point, deadly)
        # The next run wants something else, or nothing at all: it ends the other one's work all the same.
        result = machine.apply(**wish("one"))
        assert not result.get("failed"), f"after {point}: {result['msg']}"
        assert both(machine) == before, f"after {point}"
        machine.left_nothing()
        machine.serves()
        assert machine.masters() == 1


def test_what_somebody_changed_since_is_left_alone(machine: Machine) -> None:
    applied(machine.apply(**wish("one")))
    points = points_of(machine, wish("two"))
    (gone,) = calls(points, "rename", "journal-done.json")
    killed_at(machine, gone, wish("one"))
    assert machine.try_run("test", "-e", JOURNAL).status == 0
    machine.append(MAIN, "header_size_limit = 51200\n")
    edited = machine.read(MAIN)
    told = machine.apply(check_mode=True, **wish("one"))
    assert "cut off in the middle" in str(told["warnings"])
    assert machine.try_run("test", "-e", JOURNAL).status == 0
    warnings = applied(machine.apply(parameters={}))
    assert f"{MAIN} was changed by somebody else since and left alone." in warnings
    assert machine.read(MAIN) == edited
    machine.left_nothing()
    machine.serves()
