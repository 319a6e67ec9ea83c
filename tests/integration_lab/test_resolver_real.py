# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``postfix_tls_resolver: unbound`` on two hosts, below a root of the DNS that is made for the test.

dig, delv and posttls-finger are the referees. The tests stand in order: what is refused comes before what is set up.
"""

from __future__ import annotations

import typing as t

import outbound_hosts
import pytest
from outbound_hosts import OTHER, RELEASES, Hosts, Play

VARIABLES: t.Final = {"postfix_tls_resolver": "unbound", "postfix_tls_outbound_level": "dane"}
RESOLV_CONF: t.Final = "search lab.example\noptions timeout:2\n"
#: The site's own part of unbound's configuration: it may not ask the world itself.
FORWARD: t.Final = 'forward-zone:\n  name: "."\n  forward-addr: {}\n'

#: Below a signed root: a signed zone, one whose key is not the one that the root names, and one without a signature.
ZONES: t.Final = """
set -e
cd /var/lib/bind
head() { printf '$TTL 60\\n@ IN SOA ns.lab. hostmaster.lab. 1 3600 600 86400 60\\n@ IN NS ns.lab.\\n'; }
sign() {
  dnssec-keygen -q -a ECDSAP256SHA256 -f KSK $1 >/dev/null
  dnssec-signzone -z -S -o $1 -f $2.signed $2.zone >/dev/null 2>&1
}
for zone in secure bogus plain; do
  { head; cat <<'END'
RECORDS
END
  } >$zone.zone
  [ $zone = plain ] || sign $zone. $zone
done
sed -i -E 's/[0-9A-F]{56} [0-9A-F]{8}$/'$(printf '0%.0s' {1..64})'/' dsset-bogus.
{
  head
  echo 'ns.lab. IN A ADDRESS'
  for zone in secure bogus plain; do echo "$zone. IN NS ns.lab."; done
  cat dsset-secure. dsset-bogus.
} >root.zone
sign . root
chown -R bind: .
"""

#: Takes port 53 as a server of the site's would.
HOLDER: t.Final = """
import socket, signal
kept = []
for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
    one = socket.socket(socket.AF_INET, kind)
    one.bind(("ADDRESS", 53))
    if kind == socket.SOCK_STREAM:
        one.listen()
    kept.append(one)
signal.pause()
"""


def prepare(hosts: Hosts) -> None:
    """Make the DNS, with a TLSA record for what each host shows on port 25, and the site's configuration."""
    digest = (
        "openssl x509 -in /etc/ssl/certs/ssl-cert-snakeoil.pem -noout -pubkey"
        " | openssl pkey -pubin -outform der | openssl dgst -sha256 -r | cut -d' ' -f1"
    )
    records = []
    for host in RELEASES:
        records += [
            f"{host} IN A {hosts.addresses[host]}",
            f"to-{host} IN MX 10 {host}",
            f"_25._tcp.{host} IN TLSA 3 1 1 {hosts.sh(host, digest)}",
        ]
    script = ZONES.replace("RECORDS", "\n".join(records))
    hosts.sh("ns", script.replace("ADDRESS", hosts.addresses["ns"]))
    signed = {zone: f"{zone}.signed" for zone in ("secure", "bogus")}
    hosts.bind({".": "root.signed", **signed, "plain": "plain.zone"})
    forward = FORWARD.format(hosts.addresses["ns"])
    resolv_conf = f"{RESOLV_CONF}nameserver {hosts.addresses['ns']}"
    for host in RELEASES:
        hosts.sh(
            host,
            f"cat >/etc/resolv.conf <<'END'\n{resolv_conf}\nEND\nmkdir -p /etc/unbound/unbound.conf.d\n"
            f"cat >/etc/unbound/unbound.conf.d/site.conf <<'END'\n{forward}END\nsystemctl restart postfix",
        )


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Hosts]:
    """Both hosts without a resolver of their own, and a name server with a root."""
    with outbound_hosts.hosts("unbound", tmp_path_factory.mktemp("unbound"), prepare) as made:
        yield made


def play(hosts: Hosts, *options: str, fails: bool = False, **more: t.Any) -> Play:
    """Play the role."""
    return hosts.play(["postfix_tls"], {**VARIABLES, **more}, *options, fails=fails)


def kept(hosts: Hosts, *more: str) -> dict[str, str]:
    """Return what is on the hosts: Postfix's configuration, the list of resolvers, and more."""
    return {host: hosts.tree(host, "/etc/postfix", "/etc/resolv.conf", *more) for host in RELEASES}


def held(hosts: Hosts, host: str, address: str) -> str:
    """Let another program take port 53 of an address; return the name of its unit."""
    unit = f"holder-{address.replace('.', '-')}"
    script = HOLDER.replace("ADDRESS", address)
    hosts.sh(host, f"systemd-run -q --collect --unit={unit} python3 -c '{script}'")
    hosts.wait(host, f"ss -Hlnt 'sport = :53 and src {address}'")
    return unit


def secured(answer: str) -> bool:
    """Tell whether what dig printed has the flag that says that DNSSEC was checked."""
    flags = next(line for line in answer.splitlines() if line.startswith(";; flags:"))
    return "ad" in flags.split(";")[2].split()


def test_check_mode_says_what_would_come_and_changes_nothing(hosts: Hosts) -> None:
    before = kept(hosts, "/etc/unbound", "/usr/sbin/unbound")
    assert all(play(hosts, "--check", "--diff").changed.values())
    assert kept(hosts, "/etc/unbound", "/usr/sbin/unbound") == before


def test_nothing_is_installed_where_postfix_is_missing_and_stays_so(hosts: Hosts) -> None:
    before = kept(hosts, "/etc/unbound", "/usr/sbin/unbound")
    for host in RELEASES:
        hosts.sh(host, "mv /usr/sbin/postconf /root/")
    said = play(hosts, fails=True, postfix_tls_install=False)
    for host in RELEASES:
        hosts.sh(host, "mv /root/postconf /usr/sbin/")
    assert "Postfix is not installed on this host, and postfix_tls_install is false." in said.words
    assert not any(said.changed.values())
    assert kept(hosts, "/etc/unbound", "/usr/sbin/unbound") == before


def test_another_server_on_port_53_is_named_and_stays_alone(hosts: Hosts) -> None:
    before = kept(hosts, "/etc/unbound", "/usr/sbin/unbound")
    units = {host: held(hosts, host, "127.0.0.1") for host in RELEASES}
    said = play(hosts, fails=True)
    assert said.words.count("python3 has port 53 of 127.0.0.1") >= len(RELEASES)
    assert "Nothing was changed." in said.words
    assert not any(said.changed.values())
    assert kept(hosts, "/etc/unbound", "/usr/sbin/unbound") == before
    for host, unit in units.items():
        hosts.sh(host, f"systemctl is-active {unit} && systemctl stop {unit}")


def test_a_resolver_that_cannot_check_is_not_used(hosts: Hosts) -> None:
    # Debian's key of the root is not the one of this root.
    before = kept(hosts)
    said = play(hosts, fails=True).words
    assert "unbound was installed, but" in said
    assert "/etc/resolv.conf and Postfix were not changed." in said
    assert kept(hosts) == before
    for host in RELEASES:
        assert "status: SERVFAIL" in hosts.sh(host, "dig @127.0.0.1 a.secure A")


@pytest.fixture(scope="module")
def served(hosts: Hosts) -> Hosts:
    """The hosts after the role, with the key of this root; a server on another address stays beside it."""
    key = hosts.sh("ns", "cat /var/lib/bind/K.+*.key")
    for host in RELEASES:
        place = "/usr/share/dns/root.key /var/lib/unbound/root.key"
        hosts.sh(
            host,
            f"systemctl stop unbound; tee {place} >/dev/null <<'END'\n{key}\nEND\n"
            "chown unbound: /var/lib/unbound/root.key; systemctl start unbound",
        )
        held(hosts, host, hosts.addresses[host])
    made = play(hosts)
    assert all(made.changed.values())
    return hosts


@pytest.mark.parametrize("host", RELEASES)
def test_dig_and_delv_see_a_resolver_that_checks(served: Hosts, host: str) -> None:
    secure = served.sh(host, "dig +adflag to-a.secure MX")
    assert "SERVER: 127.0.0.1#53" in secure
    assert secured(secure)
    plain = served.sh(host, "dig +adflag to-a.plain MX")
    assert "status: NOERROR" in plain
    assert not secured(plain)
    words = 's/^.* DNSKEY ([0-9]+ [0-9]+ [0-9]+) (.*)$/\\1 "\\2"/p'
    key = served.sh("ns", f"sed -nE '{words}' /var/lib/bind/K.+*.key")
    anchors = f"trust-anchors {{ . static-key {key}; }};"
    served.sh(host, f"cat >/root/anchors <<'END'\n{anchors}\nEND")
    said = served.sh(host, "delv @127.0.0.1 -a /root/anchors to-b.secure MX")
    assert "; fully validated" in said


@pytest.mark.parametrize("host", RELEASES)
def test_a_bogus_zone_is_refused(served: Hosts, host: str) -> None:
    assert "status: SERVFAIL" in served.sh(host, "dig to-a.bogus MX")
    assert "status: NOERROR" in served.sh(host, "dig +cd to-a.bogus MX")


@pytest.mark.parametrize("host", RELEASES)
def test_posttls_finger_verifies_by_dane_and_does_not_find_what_is_bogus(
    served: Hosts, host: str
) -> None:
    to = OTHER[host]
    said = served.try_sh(host, f"posttls-finger -c -l dane to-{to}.secure 2>&1").stdout
    assert f"Verified TLS connection established to {to}.secure" in said
    bogus = served.try_sh(host, f"posttls-finger -c -l dane to-{to}.bogus 2>&1").stdout
    assert "TLS connection established" not in bogus
    assert "try again" in bogus


@pytest.mark.parametrize("host", RELEASES)
def test_the_host_and_postfix_ask_unbound_and_the_rest_of_the_list_stays(
    served: Hosts, host: str
) -> None:
    for place in ("/etc/resolv.conf", "/var/spool/postfix/etc/resolv.conf"):
        lines = served.sh(host, f"cat {place}").splitlines()
        assert [one for one in lines if one.startswith("nameserver")] == ["nameserver 127.0.0.1"]
        assert set(RESOLV_CONF.splitlines()) < set(lines)
    levels = served.sh(host, "postconf -h smtp_tls_security_level smtp_dns_support_level")
    assert levels.split() == ["dane", "dnssec"]
    assert served.sh(host, "systemctl is-enabled unbound") == "enabled"


def test_a_second_run_changes_nothing(served: Hosts) -> None:
    before = kept(served, "/etc/unbound")
    assert not any(play(served).changed.values())
    assert kept(served, "/etc/unbound") == before


def test_an_unbound_of_the_site_is_not_disturbed(served: Hosts) -> None:
    pids = {}
    for host in RELEASES:
        served.sh(
            host,
            "printf 'server:\\n  interface: 127.0.0.1\\n  cache-max-ttl: 30\\n' >>/etc/unbound/unbound.conf.d/site.conf\n"
            "printf '# ours\\noptions edns0\\nnameserver 127.0.0.1\\n' >/etc/resolv.conf\n"
            "systemctl restart unbound postfix",
        )
        pids[host] = served.sh(host, "systemctl show -P MainPID unbound")
    before = kept(served, "/etc/unbound")
    assert not any(play(served).changed.values())
    assert kept(served, "/etc/unbound") == before
    assert pids == {host: served.sh(host, "systemctl show -P MainPID unbound") for host in RELEASES}


def test_a_restart_that_is_left_to_the_caller_is_told(served: Hosts) -> None:
    pids = {}
    for host in RELEASES:
        served.sh(host, f"echo nameserver {served.addresses['ns']} >/etc/resolv.conf")
        pids[host] = served.sh(host, "pgrep -x master")
    made = play(served, postfix_tls_activate="none")
    assert made.words.count("Postfix asks the resolver of before until it is restarted") == 2
    for host in RELEASES:
        assert served.sh(host, "cat /etc/resolv.conf") == "nameserver 127.0.0.1"
        assert served.sh(host, "pgrep -x master") == pids[host]
        served.sh(host, "systemctl restart postfix")


def test_a_postfix_that_somebody_stopped_stays_stopped(served: Hosts) -> None:
    for host in RELEASES:
        served.sh(
            host,
            f"systemctl stop postfix; echo nameserver {served.addresses['ns']} >/etc/resolv.conf",
        )
    made = play(served)
    for host in RELEASES:
        assert "nameserver 127.0.0.1" in served.sh(host, "cat /etc/resolv.conf")
        assert served.sh(host, "pgrep -x master || true") == "", made.text
        served.sh(host, "systemctl start postfix")
