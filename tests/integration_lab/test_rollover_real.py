# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook rollover_tlsa on a host with two types of keys, Postfix and Dovecot; openssl and dig are the referees.

Run with ``tests/lab/enter .venv/bin/pytest tests/integration_lab/test_rollover_real.py``.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import typing as t

import dns_hosts
import pytest
from lab_group import ROOT, run

HOST: t.Final = "mx.plain.example"
LINK: t.Final = "/etc/ssl/mail/current"
NOTE: t.Final = "/var/lib/hardened-mail-rollover"
KEYS: t.Final = {"ec": "ec -pkeyopt ec_paramgen_curve:P-256", "rsa": "rsa:2048"}
PORTS: t.Final = {25: "-starttls smtp", 993: ""}

SETUP: t.Final = f"""
set -e
mkdir -p /etc/ssl/mail && cd /etc/ssl/mail
make() {{ # directory, name, days
  mkdir -p $1
  openssl req -x509 -nodes -newkey {KEYS["ec"]} -days $3 -subj /CN=$2 -addext subjectAltName=DNS:$2 -keyout $1/ec.key -out $1/ec.pem
  openssl req -x509 -nodes -newkey {KEYS["rsa"]} -days $3 -subj /CN=$2 -addext subjectAltName=DNS:$2 -keyout $1/rsa.key -out $1/rsa.pem
  chmod 0600 $1/*.key
}} 2>/dev/null
for one in one two three; do make $one {HOST} 90; done
make elsewhere other.example 90
cp -a two keyless && rm keyless/rsa.key
cp -a two mixed && cp three/rsa.key mixed/rsa.key
ln -sfn one current
postconf -e smtpd_tls_security_level=may smtpd_delay_reject=no smtpd_client_connection_rate_limit=0 \\
  smtpd_tls_chain_files={LINK}/ec.key,{LINK}/ec.pem,{LINK}/rsa.key,{LINK}/rsa.pem
postconf -X smtpd_tls_cert_file smtpd_tls_key_file || :
cat >/etc/dovecot/conf.d/99-lab.conf <<'END'
ssl = required
ssl_server_cert_file = {LINK}/ec.pem
ssl_server_key_file = {LINK}/ec.key
ssl_server_alt_cert_file = {LINK}/rsa.pem
ssl_server_alt_key_file = {LINK}/rsa.key
END
systemctl restart postfix dovecot
"""


class Site:
    """The mail host, the name servers, and what the inventory says of them."""

    def __init__(self, servers: dns_hosts.NameServers) -> None:
        self.servers = servers
        self.variables: dict[str, t.Any] = {
            "rollover_hosts": "mx",
            "rollover_wait": 1,
            "dns_records_host": HOST,
            "dns_records_certificates": [f"{LINK}/ec.pem", f"{LINK}/rsa.pem"],
            "postfix_tls_certificates": [
                {"certificate": f"{LINK}/{kind}.pem", "private_key": f"{LINK}/{kind}.key"}
                for kind in KEYS
            ],
            "dns_records_host_options": {"tlsa_ports": list(PORTS)},
            "dns_records_ttl": 60,
            "dns_records_publish": "nsupdate",
            "dns_records_server": servers.primary,
            "dns_records_key_name": "update-256",
            "dns_records_key_secret": dns_hosts.SECRETS["update-256"],
            "dns_records_authoritative": [servers.primary, servers.secondary],
            "dns_records_wait": 30,
        }

    def reset(self) -> None:
        """Serve the first keys, with their records in DNS, as if nothing had been begun."""
        self.servers.sh("mx", f"rm -f {NOTE}; ln -sfn one {LINK}")
        self.servers.sh("mx", "systemctl reload postfix dovecot")
        self.publish("one")

    def publish(self, directory: str, *, ttl: int = 60) -> None:
        """Put the records of the keys of a directory into DNS, and no others."""
        lines = ["zone plain.example"]
        for port in PORTS:
            name = f"_{port}._tcp.{HOST}"
            lines.append(f"update delete {name} TLSA")
            lines += [f"update add {name} {ttl} TLSA 3 1 1 {one}" for one in self.keys(directory)]
        self.servers.nsupdate(*lines)

    def keys(self, directory: str) -> list[str]:
        """Return the digests of the keys of a directory, as openssl makes them."""
        script = (
            f"for kind in {' '.join(KEYS)}; do openssl x509 -in /etc/ssl/mail/{directory}/$kind.pem -noout -pubkey "
            "| openssl pkey -pubin -outform der | openssl dgst -sha256 -r | cut -d' ' -f1; done"
        )
        return sorted(self.servers.sh("mx", script).split())

    def served(self, port: int) -> list[str]:
        """Return the digests of the keys that a port shows."""
        script = (
            f"for kind in ECDSA RSA; do openssl s_client {PORTS[port]} -connect 127.0.0.1:{port} -tls1_2 -cipher a$kind </dev/null 2>/dev/null"
            " | openssl x509 -noout -pubkey | openssl pkey -pubin -outform der | openssl dgst -sha256 -r | cut -d' ' -f1; done"
        )
        return sorted(self.servers.sh("mx", script).split())

    def published(self, port: int) -> list[str]:
        """Return the digests in the TLSA records of a port."""
        said = self.servers.dig(f"_{port}._tcp.{HOST}", "TLSA")
        return sorted(one.split(" ", 3)[3].replace(" ", "").lower() for one in said)

    def live(self) -> str:
        """Return where the link leads."""
        return self.servers.sh("mx", f"readlink {LINK}").rpartition("/")[2]

    def note(self) -> dict[str, t.Any]:
        """Return what the host noted."""
        return json.loads(self.servers.sh("mx", f"cat {NOTE} 2>/dev/null || echo {{}}"))  # type: ignore[no-any-return]

    def command(self, to: str, **variables: t.Any) -> list[str]:
        """Return the command of a rollover to a directory."""
        wishes = {**self.variables, "rollover_next": f"/etc/ssl/mail/{to}", **variables}
        inventory = ["-i", str(self.servers.inventory)]
        return ["ansible-playbook", *inventory, "hardened.mail.rollover_tlsa", "-e", json.dumps(wishes)]  # fmt: skip

    def roll(self, to: str, **variables: t.Any) -> tuple[bool, str]:
        """Run the playbook; return whether it came to its end, and what it said."""
        done = run(*self.command(to, **variables))
        print(done.stdout[-6000:], done.stderr[-2000:])
        return done.returncode == 0, " ".join(done.stdout.split())

    def roll_until_published(self, to: str) -> dict[str, t.Any]:
        """Run the playbook with a long wait, and kill it there; return what the host noted."""
        process = subprocess.Popen(
            self.command(to, rollover_wait=600),
            env={
                **os.environ,
                "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache" / "collections"),
                "ANSIBLE_HOME": str(ROOT / ".cache" / "ansible"),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        before, deadline = self.note(), time.monotonic() + 300
        try:
            while True:
                found = self.note()
                if found != before and found.get("published"):
                    return found
                assert process.poll() is None, "it ended"
                assert time.monotonic() < deadline, found
                time.sleep(0.3)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture(scope="module")
def whole_site() -> t.Iterator[Site]:
    """The hosts."""
    servers = dns_hosts.NameServers("roll")
    with servers.serving(mx="trixie:mail"):
        servers.sh("mx", SETUP)
        yield Site(servers)


@pytest.fixture
def site(whole_site: Site) -> Site:
    """The hosts, where nothing was begun."""
    whole_site.reset()
    return whole_site


def untouched(site: Site) -> None:
    """Fail unless the first keys are live and alone in DNS, and nothing is noted."""
    assert site.live() == "one"
    assert site.note() == {}
    assert site.published(25) == site.keys("one")


@pytest.mark.parametrize(
    ("to", "variables", "message"),
    [
        ("keyless", {}, "keyless/rsa.key does not exist"),
        ("mixed", {}, "the private key does not belong to the certificate"),
        ("elsewhere", {}, f"mail servers connect to {HOST}"),
        ("nowhere", {}, "nowhere/ec.pem does not exist"),
        ("two", {"dns_records_authoritative": []}, "both are empty. Nothing was changed."),
        ("two", {"dns_records_authoritative": ["192.0.2.1"]}, "Not served as wanted within 0"),
        (
            "two",
            {"dns_records_certificates": ["/etc/ssl/mail/one/ec.pem"]},
            "must name files behind it",
        ),
    ],
    ids=[
        "no-key",
        "key-of-another",
        "wrong-name",
        "no-directory",
        "no-servers",
        "no-answer",
        "not-linked",
    ],
)
def test_what_would_end_badly_is_refused_before_anything_is_published(
    site: Site, to: str, variables: dict[str, t.Any], message: str
) -> None:
    well, said = site.roll(to, **variables)
    assert not well
    assert message in said
    untouched(site)


def test_both_types_of_keys_change_on_both_ports(site: Site) -> None:
    well, said = site.roll("two")
    assert well
    assert "WARNING: rollover_wait is 1" in said
    assert site.live() == "two"
    assert site.note() == {}
    for port in PORTS:
        assert site.served(port) == site.keys("two")
        assert site.published(port) == site.keys("two")
    well, said = site.roll("two")
    assert well
    assert "changed=0" in said


def test_the_time_of_other_keys_does_not_count(site: Site) -> None:
    first = site.roll_until_published("two")
    assert first["digests"] == site.keys("two")
    assert site.published(25) == sorted([*site.keys("one"), *site.keys("two")])
    time.sleep(1.1)
    second = site.roll_until_published("three")
    assert second["digests"] == site.keys("three")
    assert second["published"] > first["published"]
    assert site.published(993) == sorted([*site.keys("one"), *site.keys("three")])
    assert site.live() == "one"
    well, _said = site.roll("three")
    assert well
    assert site.served(993) == site.keys("three")


def test_an_old_ttl_is_remembered_over_a_kill(site: Site) -> None:
    site.publish("one", ttl=86400)
    # The secondary has it as soon as the primary's word reached it.
    site.servers.sh(
        "ns2",
        f"for turn in $(seq 100); do dig +noall +answer @127.0.0.1 _25._tcp.{HOST} TLSA | grep -q 86400 && exit 0; sleep 0.1; done; exit 1",
    )
    assert site.roll_until_published("two")["ttl"] == 86400
    well, said = site.roll("two")
    assert well
    assert "may be remembered for 86400 seconds" in said


def test_a_server_that_does_not_get_the_records_keeps_the_old_keys(site: Site) -> None:
    well, said = site.roll("two", dns_records_publish="print", dns_records_wait=1)
    assert not well
    assert "Not served as wanted within 1 seconds" in said
    assert site.live() == "one"
    assert site.note()["published"] is None
    # Somebody brings them.
    site.servers.nsupdate(
        "zone plain.example",
        *(
            f"update add _{port}._tcp.{HOST} 60 TLSA 3 1 1 {one}"
            for port in PORTS
            for one in site.keys("two")
        ),
    )
    well, said = site.roll("two", dns_records_publish="print", dns_records_wait=5)
    assert not well
    assert "Not served as wanted within 5 seconds" in said, "the old records are still there"
    assert site.live() == "two"
    assert site.served(25) == site.keys("two")
    site.publish("two")
    well, _said = site.roll("two", dns_records_publish="print", dns_records_wait=10)
    assert well
    assert site.note() == {}


def test_a_port_that_does_not_serve_the_next_keys_puts_the_old_ones_back(site: Site) -> None:
    site.servers.sh("mx", "sed -i s,/current/,/one/, /etc/dovecot/conf.d/99-lab.conf")
    site.servers.sh("mx", "systemctl reload dovecot")
    try:
        well, said = site.roll("two")
        assert not well
        assert f"{LINK} leads to one again, and postfix, dovecot reloaded" in said
        assert site.live() == "one"
        for port in PORTS:
            assert site.served(port) == site.keys("one")
            assert site.published(port) == sorted([*site.keys("one"), *site.keys("two")])
    finally:
        site.servers.sh("mx", "sed -i s,/one/,/current/, /etc/dovecot/conf.d/99-lab.conf")
        site.servers.sh("mx", "systemctl reload dovecot")
    well, _said = site.roll("two")
    assert well
    assert site.served(993) == site.published(993) == site.keys("two")
