# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run of hardened.mail.doveconf that is killed (-9) at any of its effects is ended by the next one.

Run with ``tests/lab/enter .venv/bin/pytest tests/integration_lab -k killed_is_ended``. A run that is left alone notes
what Python's audit events tell of its renames, removals, signals, processes and connections; then one run is killed
before each of them, and some while systemd or Dovecot is at work on one.
"""

from __future__ import annotations

import collections
import dataclasses
import functools
import json
import time
import typing as t

from . import test_dovecot_auth_real as hosts
from .conftest import CODE, Machine, applied

mail_machines = hosts.mail_machines
machine = hosts.machine
KILLED: t.Final = -9
#: Not known before the run: the seals of passwords. It is JSON, or it is not there.
SEALS: t.Final = f"{hosts.STATE}/users.json"

#: ``killing.py MODULE TURN TEXT SECONDS``: kill this process that long after the effect of that text comes that often, or,
#: with 0, before it. With the turn 0 the effects are printed to standard error, from the first that is written to the state.
KILLING: t.Final = """
import os, runpy, signal, sys, threading, time
from ansible.module_utils.testing import patch_module_args
turn, wanted, seconds = int(sys.argv[2]), sys.argv[3], float(sys.argv[4])
seen = []

def told(event, arguments):
    if event == "os.rename":
        return "rename " + os.fsdecode(arguments[1])
    if event == "os.remove":
        path = os.fsdecode(arguments[0])
        # A temporary file has another name in the next run.
        return "" if path.startswith("/tmp/") else "remove " + path
    if event == "os.kill":
        return "signal %d" % arguments[1]
    if event == "subprocess.Popen":
        return "start " + " ".join(map(os.fsdecode, arguments[1]))
    return "connect" if event == "socket.connect" else ""

def die():
    time.sleep(seconds)
    os.kill(os.getpid(), signal.SIGKILL)

def effect(event, arguments):
    text = told(event, arguments)
    if not text or (not seen and not text.startswith("rename STATE")) or seen[-1:] == [text] == ["connect"]:
        return
    seen.append(text)
    if turn == 0:
        print(text, file=sys.stderr)
    elif text == wanted and seen.count(text) == turn:
        threading.Thread(target=die, daemon=True).start() if seconds else die()

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.addaudithook(effect)
import json
with patch_module_args(json.load(sys.stdin)):
    runpy.run_module("ansible_collections.hardened.mail.plugins.modules." + sys.argv[1], run_name="__main__")
""".replace("STATE", hosts.STATE)


@dataclasses.dataclass(frozen=True)
class Point:
    """The ``turn``-th effect of one text, and how many seconds after it begins the run is killed; with 0, before it."""

    turn: int
    text: str
    seconds: float = 0.0

    def __str__(self) -> str:
        return f"{self.seconds} s after {self.text}" if self.seconds else f"before {self.text}"


def traced(machine: Machine, options: t.Mapping[str, t.Any], point: Point) -> tuple[int, list[str]]:
    """Run the module, and kill it at the point; return the status and the effects of the point 0."""
    machine.write(f"{CODE}/killing.py", KILLING.encode())
    arguments = {name: value for name, value in options.items() if name != "module"}
    done = machine.try_run(
        *("env", "PYTHONDONTWRITEBYTECODE=1", "python3", f"{CODE}/killing.py", "doveconf"),
        *(str(point.turn), point.text, str(point.seconds)),
        stdin=json.dumps(arguments),
        seconds=200,
    )
    return done.status, done.err.splitlines()


def points_of(machine: Machine, options: t.Mapping[str, t.Any], *, status: int = 0) -> list[Point]:
    """Let one run go to its end; return where one like it is to be killed."""
    ended, effects = traced(machine, options, Point(0, ""))
    assert ended == status, effects
    count = collections.Counter(text.split()[0] for text in effects)
    assert count["rename"] > 3, effects
    points = [Point(effects[: n + 1].count(text), text) for n, text in enumerate(effects)]
    # What the killed run leaves differs only where one of these has happened or not.
    renames = [one for one in points if one.text.startswith("rename /etc/dovecot/")]
    removals = [one for one in points if one.text.startswith("remove")]
    alike = {*renames[1:-1], *removals[1:-1]}
    journal = next(n for n, one in enumerate(points) if one.text.endswith("/journal.json"))
    points = [one for one in points[journal:] if one not in alike]
    chosen = []
    for one in points:
        chosen.append(one)
        if one.text.startswith("signal 1") or one.text.split()[2:3] == ["restart"]:
            chosen += [dataclasses.replace(one, seconds=seconds) for seconds in (0.03, 0.4)]
    return chosen


def files_of(machine: Machine) -> dict[str, str]:
    """Return digest by name of Dovecot's files."""
    found = machine.sh("find /etc/dovecot -type f -exec sha256sum {} +")
    return dict(line.split(None, 1)[::-1] for line in found.splitlines())


def left_nothing(machine: Machine) -> None:
    """Fail when a run left a journal, a note, a temporary file or a private directory, or Dovecot runs twice."""
    look = (
        f"ls -d /run/hardened-mail-* {hosts.STATE}/journal* {hosts.STATE}/service.json 2>/dev/null; "
        f"find /etc/dovecot {hosts.STATE} -name '.*hardened-mail*'"
    )
    # What a killed run had started is there until the kernel or systemd has ended it.
    assert until(lambda: machine.sh(f"{look} || :") == ""), machine.sh(look)
    assert machine.sh("pgrep -cx dovecot") == "1"


def logs_in(machine: Machine) -> bool:
    """Return whether alice, whom no change concerns, gets at her mail."""
    return hosts.attempts(machine, ("imap-tls", "alice", hosts.SECRET)) == ["OK"]


def until(true: t.Callable[[], bool], *, seconds: float = 10.0) -> bool:
    """Return whether it comes true in time."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


@functools.cache
def hashed(machine: Machine, word: str) -> str:
    """Return a hash, the same each time, so that files can be compared octet by octet."""
    return machine.sh(f"printf '%s\\n%s\\n' '{word}' '{word}' | doveadm -O pw -s SHA512-CRYPT")


def wish(machine: Machine, word: str, **more: t.Any) -> dict[str, t.Any]:
    """Return options that change settings and the password of bob."""
    users = [
        {"name": "alice", "hash": hashed(machine, hosts.SECRET)},
        {"name": "bob@example.com", "hash": hashed(machine, word)},
    ]
    limit = {"one": 11, "two": 12}[word]
    return hosts.asked(users=users, max_connections=limit, **more)


def restart(machine: Machine, word: str) -> dict[str, t.Any]:
    """Return options whose change needs a restart: of a reload with it Dovecot dies."""
    return wish(machine, word, penalty=word == "one")


def is_as_wished(machine: Machine, word: str) -> None:
    """Fail unless bob has this password, for Dovecot and for Postfix, and not the other one."""
    other = {"one": "two", "two": "one"}[word]
    bob = "bob@example.com"
    seen = hosts.attempts(machine, ("smtp", bob, word), ("smtp", bob, other))
    assert seen[0] == 235, seen
    assert "535" in seen[1], seen


def end_each(
    machine: Machine,
    options: t.Callable[[Machine, str], dict[str, t.Any]],
    *,
    points: t.Callable[[list[Point]], list[Point]] = list,
    serves_alone: bool = True,
    activation: str = "restart",
) -> int:
    """Kill a run at each point and run again; return after how many files were put back.

    ``serves_alone`` is whether Dovecot runs on, or again, without the next run.
    """
    state = {}
    for word in ("one", "two"):
        result = machine.apply(**options(machine, word))
        applied(result)
        state[word] = files_of(machine)
    assert result["activation"] == activation
    pid = machine.sh("cat /run/dovecot/master.pid")
    old, new, recovered = "one", "two", 0
    chosen = points(points_of(machine, options(machine, "one")))
    for point in chosen:
        assert traced(machine, options(machine, new), point)[0] == KILLED, point
        for path, now in files_of(machine).items():
            if "/.99-" not in path and "/.hardened-" not in path:
                assert now in (state[old].get(path), state[new].get(path)), (
                    f"{path}, killed {point}"
                )
        assert not serves_alone or until(lambda: logs_in(machine)), f"killed {point}"
        cut_off = machine.try_run("test", "-e", f"{hosts.STATE}/journal.json").status == 0
        result = machine.apply(**options(machine, new))
        assert not result.get("failed"), f"killed {point}: {result['msg']}"
        told = "cut off in the middle" in str(result.get("warnings", ()))
        assert told == cut_off, f"killed {point}: {result}"
        recovered += cut_off
        assert files_of(machine) == state[new], f"killed {point}"
        assert logs_in(machine), f"killed {point}"
        is_as_wished(machine, new)
        left_nothing(machine)
        again = machine.apply(**options(machine, new))
        assert (again.get("failed", False), again["changed"]) == (False, False), again
        old, new = new, old
    if activation == "reload":
        assert machine.sh("cat /run/dovecot/master.pid") == pid
    return recovered


def test_a_restart_that_is_killed_is_ended(machine: Machine) -> None:
    assert end_each(machine, restart) > 5


def test_a_reload_that_is_killed_is_ended(machine: Machine) -> None:
    assert end_each(machine, wish, activation="reload") > 5


def test_a_restart_outside_systemd_that_is_killed_is_ended(machine: Machine) -> None:
    """Nobody but the next run starts a Dovecot that was killed off between stop and start."""

    def of_the_service(points: list[Point]) -> list[Point]:
        starts = [n for n, one in enumerate(points) if one.text.startswith("start ")]
        return points[starts[0] : starts[-1] + 2]

    try:
        machine.sh("systemctl stop dovecot; dovecot >/dev/null 2>&1")
        recovered = end_each(machine, restart, points=of_the_service, serves_alone=False)
    finally:
        machine.sh("doveadm stop; systemctl reset-failed dovecot; systemctl start dovecot")
    assert recovered >= 2


def test_an_upgrade_that_is_killed_is_ended(machine: Machine) -> None:
    """Dovecot cannot even be started with the old files: the run that writes them anew has to start it."""
    hosts.upgraded(machine, state="failed")
    broken = machine.read(hosts.DROP_IN)
    points = points_of(machine, hosts.asked())
    for point in points:
        machine.sh("systemctl stop dovecot")
        machine.write(hosts.DROP_IN, broken)
        machine.sh("! systemctl start dovecot 2>/dev/null")
        assert hosts.state_of(machine) == "failed"
        assert traced(machine, hosts.asked(), point)[0] == KILLED, point
        result = machine.apply(**hosts.asked())
        assert not result.get("failed"), f"killed {point}: {result['msg']}"
        assert hosts.state_of(machine) == "active", f"killed {point}"
        assert logs_in(machine), f"killed {point}"
        left_nothing(machine)
        assert machine.apply(**hosts.asked())["changed"] is False


def test_putting_back_that_is_killed_is_ended(machine: Machine) -> None:
    """After the change there is no TLS, because the key is another certificate's."""
    machine.sh(
        "mkdir -p /srv/w && cd /srv/w && for n in a b; do openssl req -x509 -nodes -newkey rsa:2048 -days 9 "
        "-subj /CN=$n -keyout $n.key -out $n.crt 2>/dev/null; done"
    )
    applied(machine.apply(**restart(machine, "one")))
    before = files_of(machine)
    pair = {"certificate": "/srv/w/a.crt", "private_key": "/srv/w/b.key"}
    wrong = {
        **restart(machine, "two"),
        "certificates": [pair],
        "certificate_check": "skip",
    }
    points = points_of(machine, wrong, status=1)
    assert files_of(machine) == before
    back = [n for n, one in enumerate(points) if one.text.startswith("rename /etc/dovecot/")]
    killed = 0
    for point in points[back[-1] :]:
        # Whether Dovecot dies of the reload with the old files, or is restarted, is not the same each time.
        status = traced(machine, wrong, point)[0]
        assert status in (KILLED, 1), point
        killed += status == KILLED
        result = machine.apply(**restart(machine, "one"))
        assert not result.get("failed"), f"killed {point}: {result['msg']}"
        assert files_of(machine) == before, f"killed {point}"
        assert logs_in(machine), f"killed {point}"
        is_as_wished(machine, "one")
        left_nothing(machine)
        assert machine.apply(**restart(machine, "one"))["changed"] is False
    assert killed > 4


def test_a_stopped_dovecot_whose_change_is_killed_is_ended_stopped(machine: Machine) -> None:
    applied(machine.apply(**restart(machine, "one")))
    points = points_of(machine, restart(machine, "two"))
    renames = [one for one in points if one.text.startswith("rename /etc/dovecot/")]
    machine.sh("systemctl stop dovecot")
    assert traced(machine, restart(machine, "one"), renames[-1])[0] == KILLED
    result = machine.apply(**restart(machine, "one"))
    assert "was not running and was left so" in str(result["warnings"])
    assert hosts.state_of(machine) == "inactive"
