#!/usr/bin/env python3
# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What it costs to publish 30 record sets in one signed zone with the role dns_records, and to find them unchanged.

Run it through ``tests/lab/enter``. One mail host, BIND as the primary of the zone, unbound as a resolver that validates. Each
round publishes 30 new sets in one update, reads them back from the primary and the resolver, and then does the same again
with nothing to change; before that it runs the floor playbook of ``make bench``.

The seconds are those of the role within a playbook that runs: from the task before its first one to the task behind its last
one, each of which says what time it is. So all tasks of the role are in them, on the host and on the controller, and the
start of Ansible is not. The ratio is that of the whole playbook, with the start of Ansible, to the floor playbook of the round,
and the processor time is that of the whole playbook on the controller, which a machine with other work to do distorts least.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import pathlib
import re
import resource
import statistics
import sys
import tempfile
import time
import typing as t

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(ROOT / ".cache" / "collections"), str(ROOT / "tests" / "integration_lab")]

import dns_hosts
from ansible_collections.hardened.mail.tests.unit.plugins.module_utils.records.record_texts import (
    ED25519,
    RSA_2048,
)
from lab_group import Group, run

ZONE = "signed.example"
RECORDS = 30
CERTIFICATE = "/etc/ssl/mail.pem"


@dataclasses.dataclass(frozen=True)
class Run:
    """Seconds of the role, seconds and processor seconds of the whole playbook, and the changed sets."""

    role: float
    whole: float
    processor: float
    changes: int


def processor_seconds() -> float:
    """Return the processor seconds of all processes that this one has started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def site(number: int) -> dict[str, t.Any]:
    """Return the variables of a host with two mail domains, all below one name of the zone."""
    top = f"r{number}.{ZONE}"
    keys = [
        {"selector": "rsa", "public_key": RSA_2048},
        {"selector": "ed", "public_key": ED25519},
    ]
    usual = {
        "mx": [f"mx.{top}"],
        "mta_sts": {"mode": "enforce", "addresses": ["192.0.2.80"]},
        "tls_rpt": [f"mailto:tls@{top}"],
        "caa": {"issue": ["ca.example"]},
        "dmarc": {"p": "reject", "rua": [f"mailto:dmarc@{top}"]},
    }
    services = {"submissions": f"mx.{top}", "imaps": f"mx.{top}"}
    old = {"selector": "old", "revoked": True}
    return {
        "dns_records_host": f"mx.{top}",
        "dns_records_addresses": ["192.0.2.25", "2001:db8::25"],
        "dns_records_certificates": [CERTIFICATE],
        "dns_records_domains": [
            {"name": top, "dkim": keys, "srv": services, **usual},
            {"name": f"second.{top}", "dkim": [*keys, old], **usual},
        ],
    }


class Bench:
    """The hosts, and the playbooks on them."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.host = Group("publish")
        self.servers = dns_hosts.NameServers("publishdns")

    @contextlib.contextmanager
    def running(self, rounds: int) -> t.Iterator[None]:
        """Have everything for as long as the block lasts, with a certificate for the names of all rounds."""
        names = ",".join(f"DNS:mx.r{number}.{ZONE}" for number in range(rounds + 1))
        script = (
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=mx"
            f" -addext subjectAltName={names} -keyout /etc/ssl/mail.key -out {CERTIFICATE}"
        )
        with self.host.running({"mx": "trixie:postfix"}), self.servers.serving():
            self.host.sh("mx", script)
            yield

    def play(self, name: str, variables: t.Mapping[str, t.Any]) -> tuple[str, float, float]:
        """Run a playbook; return what it printed, the seconds and the processor seconds it took."""
        # The key of the updates does not belong on a command line.
        given = self.folder / "variables.json"
        given.write_text(json.dumps(variables), encoding="utf-8")
        inventory = str(self.host.inventory)
        before, began = processor_seconds(), time.monotonic()
        done = run("ansible-playbook", "-i", inventory, "-e", f"@{given}", str(HERE / name))
        took = time.monotonic() - began
        if done.returncode != 0:
            raise SystemExit(f"{name} failed:\n{done.stdout}{done.stderr}")
        return done.stdout, took, processor_seconds() - before

    def publish(self, number: int) -> Run:
        """Publish the records of a round."""
        said, whole, processor = self.play(
            "publish.yml",
            {
                **site(number),
                "dns_records_publish": "nsupdate",
                "dns_records_server": self.servers.primary,
                "dns_records_key_name": "update-256",
                "dns_records_key_secret": dns_hosts.SECRETS["update-256"],
                "dns_records_authoritative": [self.servers.primary],
                "dns_records_resolver": [self.servers.secondary],
                "dns_records_resolver_port": dns_hosts.RESOLVER_PORT,
                "dns_records_wait": 30,
            },
        )
        began, ended = (float(one) for one in re.findall(r"(?:began|ended) ([0-9]+\.[0-9]+)", said))
        (changes,) = re.findall(r"changes ([0-9]+)", said)
        return Run(ended - began, whole, processor, int(changes))


def measured(bench: Bench, rounds: int) -> t.Iterator[tuple[float, Run, Run]]:
    """Yield the seconds of the floor, the run that publishes and the one that changes nothing, of each round but the first."""
    for number in range(rounds + 1):
        _, floor, _ = bench.play("floor.yml", {})
        serial = bench.servers.serial(ZONE)
        new = bench.publish(number)
        steps = bench.servers.serial(ZONE) - serial
        again = bench.publish(number)
        # One update is one step of the serial number; the signer may take one of its own.
        if (new.changes, again.changes) != (RECORDS, 0) or not 1 <= steps <= 2:
            raise SystemExit(f"{new.changes} and {again.changes} changes, {steps} steps")
        if number:
            yield floor, new, again


def line(what: str, runs: t.Sequence[Run], floors: t.Sequence[float]) -> str:
    """Return a row of Markdown."""
    seconds = sorted(one.role for one in runs)
    ratios = sorted(one.whole / floor for one, floor in zip(runs, floors, strict=True))
    return (
        f"| {what} | {statistics.median(seconds):.2f} s | {seconds[0]:.2f} to {seconds[-1]:.2f} s |"
        f" {statistics.median(ratios):.2f} | {ratios[0]:.2f} to {ratios[-1]:.2f} |"
        f" {statistics.median(one.processor for one in runs):.2f} s |"
    )


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--rounds", type=int, default=5, help="rounds, beside one that is not counted"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(pathlib.Path(folder))
        with bench.running(options.rounds):
            rounds = list(measured(bench, options.rounds))
    floors = [floor for floor, _, _ in rounds]
    print("| what | role, median | range | playbook to floor, median | range | processor |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    print(line(f"{RECORDS} record sets, one update, read back", [one[1] for one in rounds], floors))
    print(line("the same, nothing to change", [one[2] for one in rounds], floors))
    return 0


if __name__ == "__main__":
    sys.exit(main())
