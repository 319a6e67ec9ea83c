# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Name servers for the tests: BIND as a primary, NSD as its secondary, unbound as a resolver that validates.

The primary has signed zones, an unsigned one, and one that nobody may update. The resolver trusts the key of
each signed zone, and a wrong key for ``bogus.example``.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import pathlib
import shlex
import subprocess
import tarfile
import typing as t

import ansible.module_utils
from lab_group import ROOT, Group

SIGNED = ("signed.example", "bogus.example")
UPDATED = (*SIGNED, "plain.example")
ZONES = (*UPDATED, "fixed.example")
RESOLVER_PORT = 5353
BIND_PORT = 5300
CODE = "/opt/hardened-mail"
#: Any will do; they live as long as the containers.
SECRETS: t.Final = {
    f"update-{size}": base64.b64encode(f"lab-{size}".encode() * 8).decode()
    for size in (256, 384, 512)
}

KEYS = "".join(
    f'key "{name}" {{ algorithm hmac-sha{name[-3:]}; secret "{secret}"; }};\n'
    for name, secret in SECRETS.items()
)
POLICY = 'dnssec-policy "lab" { keys { csk lifetime unlimited algorithm ecdsap256sha256; }; };\n'
ZONE = """$TTL 300
@ IN SOA ns1.{zone}. hostmaster.{zone}. 1 3600 600 86400 300
@ IN NS ns1.{zone}.
ns1 IN A {address}
"""


def primary_script(address: str, secondary: str) -> str:
    """Return the shell script that makes and starts the primary."""
    grants = " ".join(f"grant {name}. zonesub ANY;" for name in SECRETS)
    entries, files = [], []
    for zone in ZONES:
        extra = f"update-policy {{ {grants} }};" if zone in UPDATED else ""
        extra += ' dnssec-policy "lab";' if zone in SIGNED else ""
        entries.append(
            f'zone "{zone}" {{ type primary; file "/var/lib/bind/{zone}.zone"; {extra} '
            f"also-notify {{ {secondary}; }}; allow-transfer {{ {secondary}; }}; }};\n"
        )
        text = ZONE.format(zone=zone, address=address)
        files.append(f"cat >/var/lib/bind/{zone}.zone <<'END'\n{text}END\n")
    options = (
        'options { directory "/var/cache/bind"; recursion no; listen-on { any; }; listen-on-v6 { any; };'
        " notify explicit; };\n"
    )
    config = options + KEYS + POLICY + "".join(entries)
    return (
        "set -e\n"
        + "".join(files)
        + f"cat >/etc/bind/named.conf <<'END'\n{config}END\n"
        + "chown -R bind: /var/lib/bind\nnamed-checkconf\nsystemctl restart named\n"
        + "for turn in $(seq 200); do dig +short +time=1 +tries=1 @127.0.0.1 signed.example DNSKEY "
        + "| grep -q . && dig +short @127.0.0.1 bogus.example DNSKEY | grep -q . && exit 0; sleep 0.1; done; exit 1\n"
    )


def secondary_script(primary: str, anchors: t.Sequence[str]) -> str:
    """Return the shell script that makes and starts the secondary and the resolver."""
    zones = "".join(
        f"zone:\n  name: {zone}\n  zonefile: /var/lib/nsd/{zone}\n"
        f"  request-xfr: AXFR {primary} NOKEY\n  allow-notify: {primary} NOKEY\n"
        for zone in UPDATED
    )
    nsd = f"server:\n  ip-address: 0.0.0.0\n  verbosity: 1\n{zones}"
    stubs = "".join(f"stub-zone:\n  name: {zone}\n  stub-addr: {primary}\n" for zone in ZONES)
    trust = "".join(f'  trust-anchor: "{anchor}"\n' for anchor in anchors)
    unbound = (
        f"server:\n  interface: 0.0.0.0@{RESOLVER_PORT}\n  access-control: 0.0.0.0/0 allow\n  do-ip6: no\n"
        f'  chroot: ""\n  cache-max-ttl: 1\n  cache-max-negative-ttl: 1\n{trust}{stubs}'
        "remote-control:\n  control-enable: no\n"
    )
    other = (
        f'options {{ directory "/var/cache/bind"; recursion no; listen-on port {BIND_PORT} {{ any; }}; pid-file none; }};\n'
        f'{KEYS}zone "plain.example" {{ type secondary; primaries {{ {primary}; }}; }};\n'
    )
    return (
        "set -e\nmkdir -p /var/lib/nsd\n"
        f"cat >/etc/bind/named.conf <<'END'\n{other}END\n"
        f"cat >/etc/nsd/nsd.conf <<'END'\n{nsd}END\n"
        f"rm -f /etc/unbound/unbound.conf.d/*\ncat >/etc/unbound/unbound.conf <<'END'\n{unbound}END\n"
        "systemctl restart nsd unbound named\n"
        f"for port in 53 {BIND_PORT}; do for turn in $(seq 100); do "
        "dig +short +time=1 +tries=1 -p $port @127.0.0.1 plain.example SOA | grep -q . && break; "
        "sleep 0.1; done; done\n"
    )


class NameServers(Group):
    """The two hosts, running."""

    def __init__(self, prefix: str) -> None:
        super().__init__(prefix)
        self.primary = self.secondary = ""

    @contextlib.contextmanager
    def serving(self, **others: str) -> t.Iterator[None]:
        """Have the servers, and other hosts, for as long as the block lasts."""
        with self.running({"ns1": "trixie:dns", "ns2": "bookworm:dns", **others}):
            self.primary, self.secondary = self.address("ns1"), self.address("ns2")
            self.sh("ns1", primary_script(self.primary, self.secondary))
            anchors = [self.anchor(zone) for zone in SIGNED]
            # The digest of a key that nobody has.
            anchors[1] = anchors[1][: anchors[1].rindex(" ")] + " " + "0" * 64
            self.sh("ns2", secondary_script(self.primary, anchors))
            yield

    def anchor(self, zone: str) -> str:
        """Return the DS record of a zone."""
        script = f"dig @127.0.0.1 {zone} DNSKEY | dnssec-dsfromkey -2 -f - {zone}"
        return self.sh("ns1", script).splitlines()[0]

    def module(self, host: str, name: str, options: dict[str, t.Any]) -> dict[str, t.Any]:
        """Run a module of ours on a host, with what Debian has there; return its result."""
        archive = _archive()
        unpack = f"[ -d {CODE} ] || {{ mkdir {CODE} && tar -C {CODE} -xf -; }}"
        command = ["podman", "exec", "-i", self.container(host)]
        subprocess.run([*command, "bash", "-c", unpack], input=archive, check=True)
        done = subprocess.run(
            [*command, "python3", f"{CODE}/run.py", name],
            input=json.dumps(options),
            capture_output=True,
            text=True,
            check=False,
        )
        lines = done.stdout.strip().splitlines()
        assert lines, done.stderr
        result: dict[str, t.Any] = json.loads(lines[-1])
        return result

    def dig(self, *words: str) -> list[str]:
        """Return the lines of ``dig +short``, asked of the primary: a referee that is not our own code."""
        return sorted(self.sh("ns1", f"dig +short @127.0.0.1 {' '.join(words)}").splitlines())

    def wait_for(self, text: str, *words: str) -> None:
        """Wait until the resolver's answer to a question holds a text: it remembers the last one for a second."""
        ask = f"dig +short -p {RESOLVER_PORT} @127.0.0.1 {' '.join(words)} | grep -qF -- {shlex.quote(text)}"
        self.sh("ns2", f"for turn in $(seq 100); do {ask} && exit 0; sleep 0.1; done; exit 1")

    def nsupdate(self, *lines: str) -> None:
        """Change records behind the module's back."""
        script = "\n".join(["server 127.0.0.1", *lines, "send", ""])
        key = f"hmac-sha256:update-256:{SECRETS['update-256']}"
        self.sh("ns1", f"nsupdate -y {key}", given=script)

    def serial(self, zone: str) -> int:
        """Return the serial number of a zone."""
        return int(self.dig(zone, "SOA")[0].split()[2])


RUN = """
import json, os, runpy, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from ansible.module_utils.testing import patch_module_args
with patch_module_args(json.load(sys.stdin)):
    runpy.run_module("ansible_collections.hardened.mail.plugins.modules." + sys.argv[1], run_name="__main__")
"""


def _archive() -> bytes:
    """Return what a module needs: the collection and Ansible's library for modules."""
    packed = io.BytesIO()

    def no_cache(entry: tarfile.TarInfo) -> t.Optional[tarfile.TarInfo]:
        return None if "__pycache__" in entry.name else entry

    library = pathlib.Path(ansible.module_utils.__path__[0])
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.add(ROOT / "plugins", "ansible_collections/hardened/mail/plugins", filter=no_cache)
        archive.add(library, "ansible/module_utils", filter=no_cache)
        for name, text in (("ansible/__init__.py", ""), ("run.py", RUN)):
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return packed.getvalue()


__all__ = ("BIND_PORT", "RESOLVER_PORT", "SECRETS", "SIGNED", "UPDATED", "NameServers")
