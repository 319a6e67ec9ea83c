#!/usr/bin/env python3
# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether logins slow down a mail server's greetings: the time to banner and EHLO, idle and during 500 logins a minute.

Run it through ``tests/lab/enter``. One host is hardened by the three roles, with the slow hash that they choose; another one
asks port 25 and, until the EHLO inside TLS, port 587, and logs in on port 587. Idle and busy blocks take turns, and so do the variants of how passwords are
checked: each is one file of Dovecot's configuration more, or another hash of the same password.

Both hosts and the client share the machine's processors. The logins come from a process of their own, with the lowest priority,
so that the one that measures does not wait for it; what they take of the processors is printed.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import typing as t

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
LAB = [sys.executable, str(ROOT / "tests/lab/lab.py")]
GROUP = f"logins{os.getpid()}"
PASSWORD = "not-a-secret-of-anybody"

#: Runs on the client. ``greet SECONDS COUNT PORT...`` prints the milliseconds of every greeting by port, ``load SECONDS PER_MINUTE``
#: those of every login, the failures and the processor time that they took.
CLIENT = f"""
import json, resource, smtplib, socket, ssl, sys, threading, time
kind, seconds = sys.argv[1], float(sys.argv[2])
context = ssl._create_unverified_context()
taken, why = {{}}, []

def greeting(port):
    began = time.perf_counter()
    with socket.create_connection(("mail.example", port), 30) as peer:
        stream = peer.makefile("rwb")
        said = stream.readline()
        if not said.startswith(b"220 "):
            why.append("port %d: %r" % (port, said))
            return
        def ehlo():
            stream.write(b"EHLO client.example\\r\\n")
            stream.flush()
            while stream.readline()[3:4] == b"-":
                pass
        ehlo()
        if port == 587:
            # Only inside TLS does smtpd ask Dovecot, for the mechanisms.
            stream.write(b"STARTTLS\\r\\n")
            stream.flush()
            stream.readline()
            stream = context.wrap_socket(peer).makefile("rwb")
            ehlo()
        taken.setdefault(str(port), []).append(1000 * (time.perf_counter() - began))
        stream.write(b"QUIT\\r\\n")
        stream.flush()
        stream.readline()

def try_greeting(port):
    try:
        greeting(port)
    except OSError as error:
        why.append("port %d: %r" % (port, error))

def login():
    began = time.perf_counter()
    try:
        with smtplib.SMTP("mail.example", 587, timeout=60) as peer:
            peer.starttls(context=context)
            peer.login("anna", "{PASSWORD}")
        taken.setdefault("login", []).append(1000 * (time.perf_counter() - began))
    except (OSError, smtplib.SMTPException) as error:
        why.append(repr(error))

def every(pause, count, work):
    due = time.monotonic()
    for _ in range(count):
        work()
        due += pause
        time.sleep(max(due - time.monotonic(), 0))

if kind == "greet":
    ports, count = list(map(int, sys.argv[4:])), int(sys.argv[3])
    every(seconds / count, count, lambda: list(map(try_greeting, ports)))
else:
    pause = 60 / float(sys.argv[3])
    threads = []
    def start():
        threads.append(threading.Thread(target=login))
        threads[-1].start()
    every(pause, int(seconds / pause), start)
    for thread in threads:
        thread.join()
    used = resource.getrusage(resource.RUSAGE_SELF)
    taken["client"] = [used.ru_utime + used.ru_stime]
print(json.dumps({{"taken": taken, "why": why}}))
"""

_HASH = (
    f"hash=$(printf '%s\\n%s\\n' {PASSWORD} {PASSWORD} | doveadm -O pw OPTIONS); "
    'sed -i "s|^anna:[^:]*|anna:$hash|" /etc/dovecot/hardened-mail.users'
)
_NEW = "dovecot --version | grep -q '^2.4'"


def _workers(number: int) -> str:
    # A passwd-file of 2.3 is never asked by workers.
    lines = (
        "passdb hardened_mail {",
        "use_worker = yes",
        "}",
        "service auth-worker {",
        f"process_limit = {number}",
        "}",
    )
    return f"{_NEW}; printf '%s\\n' {' '.join(map(repr, lines))} >$more"


#: What is done to the host for each way to check passwords; ``$more`` is a file that Dovecot reads after the role's own.
VARIANTS: t.Final = {
    "role": (),
    "auth-process": (
        f"if {_NEW}; then printf '%s\\n' 'passdb hardened_mail {{' 'use_worker = no' '}}' >$more; fi",
    ),
    "one-worker": (_workers(1),),
    "two-workers": (_workers(2),),
    "workers": (_workers(30),),
    "one-round": (_HASH.replace("OPTIONS", "-s ARGON2ID -r 1"),),
    "one-round-one-worker": (_HASH.replace("OPTIONS", "-s ARGON2ID -r 1"), _workers(1)),
    "sha512-crypt": (_HASH.replace("OPTIONS", "-s SHA512-CRYPT"),),
    "no-hash": (_HASH.replace("OPTIONS", "-s PLAIN"),),
}
PREPARE = """
set -e
users=/etc/dovecot/hardened-mail.users more=/etc/dovecot/conf.d/99-z-bench.conf
[ -e /root/users ] || cp -a $users /root/users
cp -a /root/users $users
rm -f $more
"""
#: The first login fills Dovecot's cache, where there is one, and the first greetings start processes.
START = f"""
systemctl restart dovecot
until [ -S /var/spool/postfix/private/auth ] && doveadm auth test anna {PASSWORD} >/dev/null 2>&1; do sleep 0.1; done
"""


def run_on(host: str, *command: str, stdin: str = "") -> str:
    """Return what a command on a host prints."""
    done = subprocess.run(
        ["podman", "exec", "-i", f"hml-{GROUP}-{host}", *command],
        input=stdin,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return done.stdout


def percentile(values: t.Sequence[float], share: float) -> float:
    """Return the value that *share* of the others do not exceed."""
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def processors() -> tuple[float, float]:
    """Return the seconds that the machine's processors were busy so far, and those that passed."""
    with open("/proc/stat", encoding="ascii") as stream:
        ticks = [int(word) for word in stream.readline().split()[1:9]]
    hertz = os.sysconf("SC_CLK_TCK")
    return (sum(ticks) - ticks[3] - ticks[4]) / hertz, sum(ticks) / hertz


class Cell:
    """What was measured of one variant: milliseconds by half and port, and how the logins went."""

    def __init__(self) -> None:
        self.greetings: dict[tuple[str, str], list[float]] = {}
        self.ratios: dict[str, list[float]] = {}
        self.logins: list[float] = []
        self.failures: list[str] = []
        self.busy = self.passed = self.client = self.seconds = 0.0

    def block(self, options: argparse.Namespace, half: str) -> dict[str, list[float]]:
        """Measure one block; return the milliseconds by port."""
        load = None
        if half == "busy":
            seconds = options.seconds + 4
            load = subprocess.Popen(
                [
                    *("podman", "exec", f"hml-{GROUP}-client", "nice", "-n", "19", "python3"),
                    *("/root/client.py", "load", str(seconds), str(options.logins)),
                ],
                stdout=subprocess.PIPE,
                text=True,
            )
            run_on("client", "sleep", "2")
            self.seconds += seconds
        began = processors()
        greet = ["greet", str(options.seconds), str(options.count), *options.ports.split(",")]
        said = json.loads(run_on("client", "python3", "/root/client.py", *greet))
        if load is not None:
            ended = processors()
            self.busy += ended[0] - began[0]
            self.passed += ended[1] - began[1]
            done = json.loads(load.communicate()[0])
            self.logins += done["taken"].get("login", [])
            self.client += done["taken"]["client"][0]
            self.failures += done["why"]
        self.failures += said["why"]
        for port, taken in said["taken"].items():
            self.greetings.setdefault((half, port), []).extend(taken)
        return dict(said["taken"])

    def pair(self, options: argparse.Namespace, *, turn: int) -> None:
        """Measure an idle and a busy block, in turns the one or the other first."""
        halves = ("idle", "busy") if turn % 2 else ("busy", "idle")
        taken = {half: self.block(options, half) for half in halves}
        for port in options.ports.split(",") if all(taken.values()) else ():
            idle, busy = (percentile(taken[half][port], 0.95) for half in ("idle", "busy"))
            self.ratios.setdefault(port, []).append(busy / idle)

    def lines(self, name: str) -> t.Iterator[str]:
        """Yield a row of the table for each port, and one of the logins."""
        for port, ratios in self.ratios.items():
            idle, busy = (self.greetings[half, port] for half in ("idle", "busy"))
            cells = [
                f"{percentile(one, share):.1f}" for share in (0.5, 0.95) for one in (idle, busy)
            ]
            pooled = percentile(busy, 0.95) / percentile(idle, 0.95)
            spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
            yield f"| {name} | {port} | {' | '.join(cells)} | {pooled:.2f} | {statistics.median(ratios):.2f} | {spread} |"

    def logins_line(self, name: str) -> str:
        """Return what a login took, and who had the processors."""
        cores = os.cpu_count() or 1
        half, most = (percentile(self.logins, share) for share in (0.5, 0.95))
        rate = 60 * len(self.logins) / self.seconds
        return (
            f"| {name} | {rate:.0f} | {len(self.failures)} | {half:.0f} | {most:.0f} | {self.busy / self.passed:.0%} | "
            f"{self.client / self.seconds / cores:.0%} |"
        )


def show(cells: t.Mapping[str, Cell]) -> None:
    """Print the tables."""
    print(
        "| variant | port | idle 50% | busy 50% | idle 95% | busy 95% | ratio of 95% | median ratio | of a pair |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for name, cell in cells.items():
        print("\n".join(cell.lines(name)))
    print(
        "\n| variant | logins a minute | failed | login 50% ms | 95% | processors busy | by the client |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name, cell in cells.items():
        print(cell.logins_line(name))
        for why in sorted(set(cell.failures))[:3]:
            print(f"  {why}", file=sys.stderr)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--release", default="trixie")
    parser.add_argument("--ports", default="25,587", help="ports whose greetings are measured")
    parser.add_argument("--count", type=int, default=150, help="greetings of each port in a block")
    parser.add_argument("--logins", type=float, default=500, help="logins a minute")
    parser.add_argument("--seconds", type=float, default=15, help="length of a block")
    parser.add_argument("--repeat", type=int, default=4, help="pairs of blocks of each variant")
    parser.add_argument("--variants", default="role,no-hash", help=f"some of {', '.join(VARIANTS)}")
    options = parser.parse_args()
    hosts = f"mail={options.release}:mail,client={options.release}:base"
    inventory = str(ROOT / ".cache" / "lab" / GROUP / "inventory.yml")
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache" / "collections"),
        "ANSIBLE_HOME": str(ROOT / ".cache" / "ansible"),
    }
    cells = {name: Cell() for name in options.variants.split(",")}
    try:
        subprocess.run([*LAB, "up", "--group", GROUP, "--hosts", hosts], check=True)
        # What limits a client that guesses would limit this one too.
        limits = '{"postfix_submission_auth_rate_limit": 0, "dovecot_auth_max_connections": 100}'
        command = ["ansible-playbook", "-i", inventory, "--limit", "mail", "-e", limits]
        subprocess.run(
            [*command, str(HERE / "three_roles.yml")],
            check=True,
            env=environment,
            stdout=subprocess.DEVNULL,
        )
        run_on("client", "sh", "-c", "cat >/root/client.py", stdin=CLIENT)
        # All logins come from one address, and on a busy machine many of them wait at a time.
        run_on("mail", "postconf", "-e", "smtpd_client_connection_count_limit=0")
        run_on("mail", "postfix", "reload")
        for turn in range(options.repeat):
            for name, cell in cells.items():
                run_on("mail", "bash", "-c", "\n".join([PREPARE, *VARIANTS[name], START]))
                run_on(
                    "client",
                    "python3",
                    "/root/client.py",
                    "greet",
                    "2",
                    "20",
                    *options.ports.split(","),
                )
                cell.pair(options, turn=turn)
    finally:
        subprocess.run([*LAB, "down", "--group", GROUP], capture_output=True, check=False)
    show(cells)
    return 0


if __name__ == "__main__":
    sys.exit(main())
