# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the name servers' own tools say of the zone fragments that the tests make; BIND says what it read, too.

Run with ``tests/lab/enter .venv/bin/pytest tests/integration_lab/test_zone_fragments_real.py``.
"""

from __future__ import annotations

import io
import json
import pathlib
import random
import subprocess
import sys
import tarfile
import typing as t

import dns.zone
import pytest
from ansible_collections.hardened.mail.plugins.module_utils.records.description import (
    ptr_of,
    read_description,
    rrsets_of,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import (
    RRset,
    is_within,
    make_rrset,
    name_of,
    quote_txt,
    zone_lines,
)
from ansible_collections.hardened.mail.tests.unit.plugins.module_utils.records.record_texts import (
    DESCRIPTION,
    ED25519,
    RSA_1024,
    RSA_2048,
)

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEAD: t.Final = """$TTL 300
{zone} IN SOA ns.{zone} hostmaster.{zone} 1 3600 600 86400 300
{zone} IN NS ns.{zone}
ns.{zone} IN A 192.0.2.53
$INCLUDE {file}.mail
"""
#: Runs in a container: every zone through each tool; prints what failed, and what BIND read.
CHECK: t.Final = """
import json, pathlib, subprocess, sys
found = {}
for file in sorted(pathlib.Path(".").glob("*.zone")):
    zone = file.name[: -len(".zone")]
    strict = [part for flag in "kmMSnr" for part in (f"-{flag}", "fail")]
    bind = subprocess.run(["named-checkzone", "-i", "local", *strict, "-D", zone, file.name], capture_output=True, text=True)
    nsd = subprocess.run(["nsd-checkzone", zone, file.name], capture_output=True, text=True)
    knot = subprocess.run(["kzonecheck", "-o", zone, file.name], capture_output=True, text=True)
    others = {one.args[0]: one.stdout + one.stderr for one in (nsd, knot) if one.returncode}
    found[zone] = [bind.returncode, bind.stderr, bind.stdout, others]
print(json.dumps(found))
"""


def image() -> str:
    """Return the image with the name servers' tools."""
    lab = [sys.executable, str(ROOT / "tests/lab/lab.py"), "image", "trixie", "dns"]
    done = subprocess.run(lab, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1]


def some_site(number: int) -> dict[str, t.Any]:
    """Return a site whose parts are chosen by chance, the same ones at every run."""
    chance = random.Random(number)
    zone = chance.choice(
        ["a.example", "xn--mnchen-3ya.example", f"{'b' * 63}.example", "münchen.de"]
    )
    hosts = [
        {
            "name": f"mx{one}.{zone}",
            "addresses": chance.sample(["192.0.2.1", "2001:db8::1", "198.51.100.7"], one),
            "certificates": [f"{chance.getrandbits(256):064x}"],
            "next_certificates": [RSA_2048] * chance.randint(0, 1),
            "tlsa_ports": chance.sample([25, 465, 587], 2),
        }
        for one in range(1, chance.randint(2, 4))
    ]
    domains = [
        {
            "name": f"{'x' * chance.randint(1, 60)}.{zone}" if below else zone,
            "ttl": chance.choice([0, 300, 86400, 2**31 - 1]),
            "mx": chance.choice([None, None, []]),
            "spf": chance.choice([{}, {"terms": ["a", "mx:b.example/24", "exists:%{i}.x"]}, False]),
            "dkim": chance.sample(
                [
                    {"selector": "r", "public_key": RSA_2048},
                    {"selector": "S_1.mail", "public_key": RSA_1024, "testing": True},
                    {"selector": "e", "public_key": ED25519, "services": ["email", "tlsrpt"]},
                    {"selector": "gone", "revoked": True},
                ],
                chance.randint(0, 4),
            ),
            "dmarc": chance.choice([{}, {"p": "reject", "rua": ["a@b.example"], "fo": ["1", "d"]}]),
            "tls_rpt": chance.choice([[], ["tls@b.example", "https://b.example/x?a=1&b=%3B"]]),
            "srv": chance.choice([{}, {"imaps": hosts[0]["name"]}]),
            "caa": chance.choice([{}, {"issue": ["ca.example; a=b"], "issuewild": []}]),
        }
        for below in (0, 1)
    ]
    return {"hosts": hosts, "domains": domains}


def texts(number: int) -> list[RRset]:
    """Return TXT records of every octet and length that make trouble."""
    chance = random.Random(number)
    made = []
    for index, size in enumerate((0, 1, 254, 255, 256, 510, 511, 900)):
        octets = bytes(chance.choice([*range(256), 34, 59, 92, 40]) for _one in range(size))
        text = octets.decode("utf-8", "surrogateescape")
        made.append(make_rrset(f"t{index}.texts.example", "TXT", [quote_txt(text)]))
    return made


def zones() -> dict[str, list[RRset]]:
    """Return the record sets of each zone, under a number that keeps two alike apart."""
    read = read_description(DESCRIPTION)
    sets = [*rrsets_of(read), *ptr_of(read)]
    places = ["example.com.", "example.net.", "example.", "in-addr.arpa.", "ip6.arpa."]
    found = {place: [one for one in sets if is_within(one.name, place)] for place in places}
    for number in range(40):
        some = rrsets_of(read_description(some_site(number)))
        below = some[0].name.rstrip(".").split(".")[-1] + "."
        found[f"{number}/{below}"] = [one for one in some if is_within(one.name, below)]
    for number in range(100, 106):
        found[f"{number}/texts.example."] = texts(number)
    return found


@pytest.fixture(scope="module")
def checked() -> tuple[dict[str, list[RRset]], dict[str, t.Any]]:
    """All zones, and what the tools said of them."""
    made = zones()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for key, sets in made.items():
            number, _slash, rest = key.rpartition("/")
            # A zone is known by its name alone, so those alike are in folders of their own.
            folder, zone = number or "all", name_of(rest).rstrip(".")
            body = zone_lines(sets, origin=zone)
            head = HEAD.format(zone=f"{zone}.", file=zone)
            for name, text in ((f"{zone}.mail", body), (f"{zone}.zone", head)):
                member = tarfile.TarInfo(f"{folder}/{name}")
                member.size = len(text.encode())
                tar.addfile(member, io.BytesIO(text.encode()))
    script = (
        "mkdir /tmp/z && cd /tmp/z && tar -x && for one in *; do "
        'echo "@$one"; (cd "$one" && python3 -c "$0"); done'
    )
    run = ["podman", "run", "--rm", "--interactive", "--network=none", "--entrypoint=/bin/sh"]
    done = subprocess.run(
        [*run, image(), "-c", script, CHECK],
        check=False,
        input=packed.getvalue(),
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr.decode()
    said: dict[str, t.Any] = {}
    folder = ""
    for line in done.stdout.decode().splitlines():
        if line.startswith("@"):
            folder = "" if line == "@all" else f"{line[1:]}/"
        else:
            said.update({f"{folder}{zone}.": one for zone, one in json.loads(line).items()})
    return made, said


def test_every_zone_passes_the_tools_of_bind_nsd_and_knot(checked: t.Any) -> None:
    made, said = checked
    assert sorted(said) == sorted(made)
    assert len(said) > 40
    failed = [
        (zone, errors, others)
        for zone, (bind_status, errors, _dump, others) in said.items()
        if bind_status or others or "warning" in errors.lower()
    ]
    assert failed == []


def test_bind_reads_what_was_meant(checked: t.Any) -> None:
    made, said = checked
    for key, sets in made.items():
        origin = name_of(key.rpartition("/")[2])
        zone = dns.zone.from_text(said[key][2], origin=origin, relativize=False)
        found = {
            make_rrset(
                name.to_text(), data.rdtype.name, [one.to_text() for one in data], ttl=data.ttl
            )
            for name, data in zone.iterate_rdatasets()
        }
        added = {(origin, "SOA"), (origin, "NS"), (f"ns.{origin}", "A")}
        assert {one for one in found if one.key not in added} == set(sets), key
