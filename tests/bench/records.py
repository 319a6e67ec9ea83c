#!/usr/bin/env python3
# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What it costs to build, judge and compare the records of many domains, without any network.

records.py [--domains 1000] [--profile]
"""

from __future__ import annotations

import argparse
import cProfile
import pathlib
import pstats
import sys
import time
import typing as t

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / ".cache" / "collections"))

from ansible_collections.hardened.mail.plugins.module_utils.policy.dns_view import DnsView
from ansible_collections.hardened.mail.plugins.module_utils.policy.rules_dns import judge_domain
from ansible_collections.hardened.mail.plugins.module_utils.records.description import (
    policy_of,
    read_description,
    rrsets_of,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.lookup import table_of
from ansible_collections.hardened.mail.plugins.module_utils.records.mta_sts import policy_text
from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import RRset, zone_lines
from ansible_collections.hardened.mail.tests.unit.plugins.module_utils.records.record_texts import (
    ED25519,
    P256_CERTIFICATE,
    RSA_2048,
)


def description(count: int) -> dict[str, t.Any]:
    """Return a site with so many domains, each with every kind of record."""
    return {
        "hosts": [
            {
                "name": f"mx{number}.example.net",
                "addresses": [f"192.0.2.{number}", f"2001:db8::{number}"],
                "certificates": [P256_CERTIFICATE],
                "next_certificates": ["ab" * 32],
            }
            for number in (1, 2)
        ],
        "domains": [
            {
                "name": f"customer{number}.example",
                "spf": {
                    "terms": ["mx", f"ip4:198.51.100.{number % 250}", "include:_spf.example.net"]
                },
                "dkim": [
                    {"selector": "r", "public_key": RSA_2048},
                    {"selector": "e", "public_key": ED25519},
                ],
                "dmarc": {"p": "reject", "rua": [f"dmarc@customer{number}.example"]},
                "mta_sts": {"mode": "enforce", "host": "www.example.net"},
                "tls_rpt": [f"tls@customer{number}.example"],
                "srv": {"submissions": "mx1.example.net", "imaps": "mx1.example.net"},
                "caa": {"issue": ["ca.example.net"]},
            }
            for number in range(count)
        ],
    }


def steps(count: int) -> t.Iterator[tuple[str, str]]:
    """Do the work; yield what was done and how much there was of it."""
    read = read_description(description(count))
    built = rrsets_of(read)
    yield "built", f"{len(built)} record sets"
    table = table_of(built, zones=("example", "net"), secure=True)
    found = 0
    for domain in read.domains:
        view = DnsView(
            domain.name,
            table,
            selectors=("r", "e"),
            sts_policy=policy_text(policy_of(read, domain.name)),
            authority="ca.example.net",
        )
        found += len(judge_domain(view).findings)
    yield "judged", f"{found} findings"
    changed = description(count)
    for domain_ in changed["domains"][::10]:
        domain_["dmarc"]["p"] = "quarantine"
    yield "compared", f"{len(difference(built, rrsets_of(read_description(changed))))} changes"
    yield "written", f"{len(zone_lines(built, origin='.'))} octets"


def difference(old: t.Iterable[RRset], new: t.Iterable[RRset]) -> set[tuple[str, str]]:
    """Return the keys of the sets that are not the same."""
    return {one.key for one in set(old) ^ set(new)}


def main() -> int:
    """Print the seconds of processor time of each step: there is nothing to wait for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--domains", type=int, default=1000)
    parser.add_argument("--profile", action="store_true", help="show where the time goes")
    options = parser.parse_args()
    profiler = cProfile.Profile()
    if options.profile:
        profiler.enable()
    began = last = time.process_time()
    for done, amount in steps(options.domains):
        now = time.process_time()
        print(f"{options.domains} domains {done}: {now - last:.2f} s, {amount}", flush=True)
        last = now
    print(f"all: {last - began:.2f} s")
    if options.profile:
        profiler.disable()
        pstats.Stats(profiler).sort_stats("tottime").print_stats(20)
    return 0


if __name__ == "__main__":
    sys.exit(main())
