# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role dns_records on this machine: what it publishes, and what it refuses to.

Run with ``tests/lab/enter .venv/bin/pytest tests/integration_lab/test_dns_records_real.py``. The scenario ``dns`` has it on real hosts.
"""

from __future__ import annotations

import json
import pathlib
import re
import subprocess
import sys
import typing as t

import dns_hosts
import pytest
from lab_group import run

PLAY: t.Final = """
- hosts: mx
  gather_facts: false
  become: "{{ escalate | default(false) }}"
  pre_tasks:
    - ansible.builtin.setup:
        gather_subset: [network]
      when: facts | default(false)
  roles:
    - role: hardened.mail.dns_records
"""
#: Runs what it is given, without being anybody else.
SUDO: t.Final = """#!/bin/sh
while [ $# -gt 0 ]; do case "$1" in -u) shift 2;; -*) shift;; *) break;; esac; done
exec "$@"
"""
NO_SUDO: t.Final = "#!/bin/sh\necho 'sudo: a password is required' >&2; exit 1\n"
NOTHING: t.Final = "Nothing was published."

Said = subprocess.CompletedProcess[str]


class Site:
    """Two mail hosts, both of them this machine, and their certificates."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        (folder / "play.yml").write_text(PLAY, encoding="utf-8")
        for name, text in (("sudo", SUDO), ("no-sudo", NO_SUDO)):
            (folder / name).write_text(text, encoding="utf-8")
            (folder / name).chmod(0o755)

    def certificate(self, name: str, *names: str) -> tuple[pathlib.Path, pathlib.Path]:
        """Make a key and a certificate for names; return the certificate and the key."""
        made, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        command = "req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -days 30"
        alternatives = ",".join(f"DNS:{one}" for one in names)
        more = ["-subj", f"/CN={name}", "-addext", f"subjectAltName={alternatives}"]
        done = run("openssl", *command.split(), *more, "-keyout", str(key), "-out", str(made))
        assert done.returncode == 0, done.stderr
        return made, key

    def play(
        self,
        *arguments: str,
        hosts: t.Mapping[str, t.Mapping[str, t.Any]] | None = None,
        **variables: t.Any,
    ) -> Said:
        """Run the role, with variables of single hosts and of both."""
        local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        mine = {
            "mx1": {"dns_records_host": "mx1.example.org"},
            "mx2": {"dns_records_host": "mx2.example.org"},
        }
        for name, more in (hosts or {}).items():
            mine[name] = {**mine[name], **more}
        usual = {
            "dns_records_addresses": ["192.0.2.25"],
            "dns_records_domains": [{"name": "example.org"}],
        }
        inventory = {
            "all": {"vars": local, "hosts": {"localhost": {"ansible_become_exe": self.path("no-sudo")}}},
            "mx": {
                "hosts": mine,
                "vars": {"ansible_become_exe": self.path("sudo"), **usual, **variables},
            },
        }  # fmt: skip
        place = self.folder / "inventory.json"
        place.write_text(json.dumps(inventory), encoding="utf-8")
        return run("ansible-playbook", "-i", str(place), *arguments, str(self.folder / "play.yml"))

    def path(self, name: str) -> str:
        """Return where a file of the site is."""
        return str(self.folder / name)


@pytest.fixture
def site(tmp_path: pathlib.Path) -> Site:
    """A site in a folder of its own."""
    return Site(tmp_path)


def refused(said: Said, *words: str) -> None:
    """Fail unless the run ended with all of the words, and with the word that nothing was published."""
    text = " ".join((said.stdout + said.stderr).split())
    assert said.returncode == 2, text
    assert not [one for one in (*words, NOTHING) if one not in text], text


def shown(said: Said) -> str:
    """Return the table that was printed by a run that went well."""
    assert said.returncode == 0, said.stdout + said.stderr
    return said.stdout


def test_a_private_key_beside_the_certificate_stays_on_the_host(site: Site) -> None:
    certificate, key = site.certificate("chain", "mx1.example.org", "mx2.example.org")
    both = site.folder / "both.pem"
    both.write_bytes(key.read_bytes() + certificate.read_bytes())
    both.chmod(0o600)
    said = site.play("-vvv", dns_records_certificates=[str(both)])
    assert "PRIVATE KEY" not in said.stdout + said.stderr
    digest = run(
        "sh", "-c",
        f"openssl pkey -in {key} -pubout -outform der | openssl dgst -sha256 -r | cut -d' ' -f1",
    ).stdout.strip()  # fmt: skip
    assert re.search(rf"_25\._tcp\.mx1\S* .*3 1 1 {digest}", shown(said))
    secret = "".join(key.read_text(encoding="ascii").splitlines()[1:-1])
    assert secret[40:80] not in said.stdout + said.stderr
    alone = site.play(dns_records_certificates=[str(key)])
    assert alone.returncode == 2
    assert "expected a certificate or a public key in PEM, found PRIVATE KEY" in alone.stdout


def test_a_certificate_for_another_name_is_refused(site: Site) -> None:
    wrong, _key = site.certificate("wrong", "www.example.org")
    words = "A certificate of mx1.example.org is for www.example.org, not for mx1.example.org"
    refused(site.play(dns_records_certificates=[str(wrong)]), words)
    refused(site.play(dns_records_next_certificates=[str(wrong)]), words)
    shown(site.play(dns_records_certificates=[str(wrong)], dns_records_fail_on="never"))
    right, _key = site.certificate("right", "*.example.org")
    shown(site.play(dns_records_certificates=[str(right)]))


def test_an_address_that_is_not_the_hosts_is_refused(site: Site) -> None:
    words = "mx1.example.org is to have the address 192.0.2.25, and the host has "
    refused(site.play(facts=True), words, "dns_records_addresses_elsewhere: true")
    shown(site.play(facts=True, dns_records_addresses_elsewhere=True))
    own = "{{ ansible_facts.all_ipv4_addresses + ansible_facts.all_ipv6_addresses | reject('match', 'fe80') }}"
    shown(site.play(facts=True, dns_records_addresses=own))


def test_a_policy_of_mta_sts_that_leaves_out_an_mx_is_refused(site: Site) -> None:
    def domain(mode: str) -> list[dict[str, t.Any]]:
        policy = {"mode": mode, "mx": ["mx1.example.org"], "host": "www.example.org"}
        return [{"name": "example.org", "mta_sts": policy}]

    words = "The MTA-STS policy of example.org leaves out the MX hosts mx2.example.org"
    refused(site.play(dns_records_domains=domain("enforce")), words)
    shown(site.play(dns_records_domains=domain("testing")))


def test_a_limit_is_refused_until_it_is_meant(site: Site) -> None:
    refused(site.play("--limit", "mx1"), "This run is limited to mx1.", "without --limit")
    refused(site.play("--check", "--limit", "mx1"), "This run is limited to mx1.")
    told = shown(site.play("--limit", "mx1", dns_records_partial=True))
    assert "mx1.example.org" in told
    assert "mx2.example.org" not in told


def test_a_set_in_none_of_the_zones_is_refused_before_a_file_is_written(site: Site) -> None:
    (site.folder / "zones").mkdir()
    files: dict[str, t.Any] = {
        "dns_records_publish": "zone_file",
        "dns_records_zone_directory": site.path("zones"),
        "dns_records_domains": [{"name": "example.org"}, {"name": "example.net"}],
    }
    said = site.play(dns_records_zones=["example.org"], **files)
    refused(said, "example.net MX", "in none of the zones example.org")
    assert not list((site.folder / "zones").iterdir())
    # A zone below another one has its own file.
    zones = "Example.ORG,example.net,mx1.example.org"
    assert site.play(dns_records_zones=zones, **files).returncode == 0
    written = {one.name: one.read_text() for one in (site.folder / "zones").iterdir()}
    assert "mx1.example.org. 3600 IN A" in written["mx1.example.org.mail"]
    assert "mx1.example.org. 3600 IN A" not in written["Example.ORG.mail"]


def test_nobody_else_does_the_work_of_the_site(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    # The test may run as root already.
    monkeypatch.setenv("ANSIBLE_BECOME_ALLOW_SAME_USER", "1")
    files: dict[str, t.Any] = {
        "escalate": True,
        "dns_records_publish": "zone_file",
        "dns_records_zone_directory": site.path(""),
        "dns_records_zones": ["example.org"],
    }
    shown(site.play(**files))
    said = site.play(**files, dns_records_run_on_become=True)
    assert said.returncode == 2
    assert "a password is required" in said.stdout + said.stderr


def test_texts_where_lists_and_numbers_belong_are_taken(site: Site) -> None:
    certificate, _key = site.certificate("text", "mx1.example.org", "mx2.example.org")
    texts = {
        "dns_records_ttl": "300",
        "dns_records_addresses": "192.0.2.25,2001:db8::25",
        "dns_records_certificates": str(certificate),
        "dns_records_authoritative": "ns1.example.org",
        "dns_records_resolver": "192.0.2.53",
        "dns_records_zones": "example.org",
    }
    told = shown(site.play("-e", "dns_records_port=53", **texts))
    assert re.search(r"mx1\S* +AAAA +300 +2001:db8::25", told), told
    assert "_25._tcp.mx1" in told


#: Public keys of RFC 8032 section 7.1.
KEYS: t.Final = (
    "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
    "PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=",
)


def test_hosts_that_sign_say_their_own_keys_and_names_in_any_spelling(site: Site) -> None:
    def signing(name: str, selector: str, key: str) -> dict[str, t.Any]:
        keys = [{"selector": selector, "public_key": key}]
        return {"dns_records_domains": [{"name": name, "dkim": keys}]}

    hosts = {
        "mx1": signing("Example.org", "a", KEYS[0]),
        "mx2": signing("example.org.", "b", KEYS[1]),
    }
    told = shown(site.play(hosts=hosts))
    assert "a._domainkey" in told
    assert "b._domainkey" in told
    hosts["mx2"] = signing("example.org", "A", KEYS[1])
    refused(
        site.play(hosts=hosts),
        "mx1 and mx2 disagree about the domain example.org (dkim, the selector a)",
    )


@pytest.fixture(scope="module")
def servers() -> t.Iterator[dns_hosts.NameServers]:
    """The name servers."""
    made = dns_hosts.NameServers("roledns")
    with made.serving():
        yield made


def test_an_update_is_read_back_from_servers_that_nobody_named(
    site: Site, servers: dns_hosts.NameServers
) -> None:
    key = site.folder / "update.key"
    # Not the algorithm that a secret without a file is for.
    key.write_text(servers.sh("ns1", "grep update-512 /etc/bind/named.conf | head -1"))
    key.chmod(0o600)
    options = {
        "hosts": {one: {"dns_records_host": f"{one}.plain.example"} for one in ("mx1", "mx2")},
        "dns_records_domains": [{"name": "role.plain.example"}],
        "dns_records_publish": "nsupdate",
        "dns_records_server": servers.primary,
        "dns_records_key_file": str(key),
        "dns_records_wait": 20,
    }
    told = shown(site.play("-v", **options))
    assert servers.dig("role.plain.example", "MX") == [
        "10 mx1.plain.example.",
        "10 mx2.plain.example.",
    ]
    read_back = told.partition("and read back]")[2]
    assert f'"servers": ["{servers.primary}"]' in read_back
    assert re.search(r"mx1 .*changed=1 ", told), told
    assert re.search(r"mx1 .*changed=0 ", shown(site.play(**options)))
