#!/usr/bin/env python3
# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether logins slow down port 25: the time to banner and EHLO, idle and during 500 logins a minute.

Run it through ``tests/lab/enter``. One host is hardened by the three roles, with the slow hash that they choose; another one
asks port 25 and logs in on port 587, half of the time each, in one run.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
LAB = [sys.executable, str(ROOT / "tests/lab/lab.py")]
GROUP = f"logins{os.getpid()}"

#: Runs on the client; prints the milliseconds of every greeting, idle and under load, and how the logins went.
CLIENT = """
import json, smtplib, socket, ssl, sys, threading, time
count, per_minute, seconds = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
context = ssl._create_unverified_context()
said = {"ok": 0, "failed": 0}
stop = threading.Event()

def greeting():
    began = time.perf_counter()
    with socket.create_connection(("mail.example", 25), 30) as peer:
        stream = peer.makefile("rwb")
        assert stream.readline().startswith(b"220 ")
        stream.write(b"EHLO client.example\\r\\n")
        stream.flush()
        while stream.readline()[3:4] == b"-":
            pass
        took = time.perf_counter() - began
        stream.write(b"QUIT\\r\\n")
        stream.flush()
        stream.readline()
    return 1000 * took

def login():
    try:
        with smtplib.SMTP("mail.example", 587, timeout=60) as peer:
            peer.starttls(context=context)
            peer.login("anna", "not-a-secret-of-anybody")
        said["ok"] += 1
    except (OSError, smtplib.SMTPException) as error:
        said["failed"] += 1
        said["why"] = repr(error)

def load():
    due = time.monotonic()
    while not stop.is_set():
        threading.Thread(target=login).start()
        due += 60 / per_minute
        time.sleep(max(due - time.monotonic(), 0))

def measure():
    taken = []
    for _ in range(count):
        taken.append(greeting())
        time.sleep(seconds / count)
    return taken

idle = measure()
threading.Thread(target=load).start()
time.sleep(3)
before, began = said["ok"], time.monotonic()
busy = measure()
rate = 60 * (said["ok"] - before) / (time.monotonic() - began)
stop.set()
print(json.dumps({"idle": idle, "busy": busy, "rate": rate, **said}))
"""


def percentile(values: list[float], share: float) -> float:
    """Return the value that *share* of the others do not exceed."""
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--release", default="trixie")
    parser.add_argument("--count", type=int, default=200, help="greetings in each half")
    parser.add_argument("--logins", type=float, default=500, help="logins a minute")
    parser.add_argument("--seconds", type=float, default=40, help="length of each half")
    options = parser.parse_args()
    hosts = f"mail={options.release}:mail,client={options.release}:base"
    inventory = str(ROOT / ".cache" / "lab" / GROUP / "inventory.yml")
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache" / "collections"),
        "ANSIBLE_HOME": str(ROOT / ".cache" / "ansible"),
    }
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
        numbers = [str(one) for one in (options.count, options.logins, options.seconds)]
        said = subprocess.run(
            ["podman", "exec", f"hml-{GROUP}-client", "python3", "-c", CLIENT, *numbers],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
    finally:
        subprocess.run([*LAB, "down", "--group", GROUP], capture_output=True, check=False)
    found = json.loads(said.stdout)
    print(f"logins: {found['ok']} done, {found['failed']} failed, {found['rate']:.0f} a minute")
    for share in (0.5, 0.95):
        idle, busy = (percentile(found[half], share) for half in ("idle", "busy"))
        print(
            f"{share:.0%} of the greetings within: idle {idle:.1f} ms, busy {busy:.1f} ms, ratio {busy / idle:.2f}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
