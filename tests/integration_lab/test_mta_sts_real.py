# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""MTA-STS on two hosts: each publishes policies with the role mta_sts, and keeps to those of the other.

curl and openssl judge what is published, Postfix's log and the mailbox what becomes of mail. The tests stand in order:
what is refused comes before what is set up.
"""

from __future__ import annotations

import typing as t

import outbound_hosts
import pytest
from outbound_hosts import OTHER, RELEASES, Hosts, Play

#: The mail domains of each host, by what is special about them: the host that is their MX, and the mode of the policy.
DOMAINS: t.Final = {
    "good": ("{}.example", "enforce"),
    # The host has no certificate for this one of its names.
    "name": ("alias-{}.example", "enforce"),
    # The certificate for this one is from an authority that nobody knows.
    "strange": ("foreign-{}.example", "enforce"),
    "testing": ("alias-{}.example", "testing"),
}
SITE: t.Final = "/etc/nginx/conf.d/hardened-mail-mta-sts.conf"
POLICIES: t.Final = "/var/www/mta-sts"
HANDED_OVER: t.Final = "/srv/policies"
#: max_age is the role's: two weeks.
POLICY: t.Final = "version: STSv1\nmode: {}\nmx: {}\nmax_age: 1209600\n"
VERIFIED: t.Final = "Verified TLS connection established to {}.example"

CERTIFICATES: t.Final = """
set -e
mkdir -p /srv/tls && cd /srv/tls
key='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
issue() {
  openssl req $key -subj /CN=$1 -keyout $1.key -out $1.csr
  openssl x509 -req -in $1.csr -CA $2.pem -CAkey $2.key -CAcreateserial -days 30 -out $1.pem \\
    -extfile <(printf 'basicConstraints=CA:FALSE\\nsubjectKeyIdentifier=hash\\nauthorityKeyIdentifier=keyid\\nsubjectAltName=%s' "$3")
}
for name in known unknown; do
  # Newer Pythons want the extension.
  openssl req -x509 $key -days 30 -subj "/CN=$name authority of HOST" -addext keyUsage=critical,keyCertSign -keyout $name.key -out $name.pem
done
issue mx known DNS:HOST.example
issue strange unknown DNS:foreign-HOST.example
issue web known WEB
"""


def domain(kind: str, host: str) -> str:
    """Return a mail domain of a host."""
    return f"{kind}-{host}.example"


def site(host: str) -> dict[str, t.Any]:
    """Return the description of a host's mail domains."""
    return {
        "hosts": [{"name": mx.format(host)} for mx in dict(DOMAINS.values())],
        "domains": [
            {"name": domain(kind, host), "mx": [mx.format(host)], "mta_sts": {"mode": mode}}
            for kind, (mx, mode) in DOMAINS.items()
        ],
    }


VARIABLES: t.Final = {
    "sites": {host: site(host) for host in RELEASES},
    "mta_sts_description": "{{ sites[inventory_hostname] }}",
    "mta_sts_domains": "{{ sites[inventory_hostname].domains | map(attribute='name') | list }}",
    "mta_sts_certificate": "/srv/tls/web.pem",
    "mta_sts_private_key": "/srv/tls/web.key",
    "postfix_tls_certificates": [
        {"certificate": "/srv/tls/mx.pem", "private_key": "/srv/tls/mx.key"}
    ],
    "postfix_tls_sni": [
        {
            "names": ["foreign-{{ inventory_hostname }}.example"],
            "certificate": "/srv/tls/strange.pem",
            "private_key": "/srv/tls/strange.key",
        }
    ],
    "postfix_tls_policy_server": "postfix-mta-sts-resolver",
}
BOTH: t.Final = ("mta_sts", "postfix_tls")


def zone(hosts: Hosts) -> str:
    """Return the zone that everything is in."""
    lines = ["$TTL 60", "@ IN SOA ns hostmaster 1 3600 600 86400 60", "@ IN NS ns"]
    lines += [f"{name} IN A {address}" for name, address in hosts.addresses.items()]
    for host in RELEASES:
        lines += [f"{name}-{host} IN A {hosts.addresses[host]}" for name in ("alias", "foreign")]
        for kind, (mx, _) in DOMAINS.items():
            lines.append(f"{domain(kind, host)}. IN MX 10 {mx.format(host)}.")
            lines.append(f"mta-sts.{domain(kind, host)}. IN A {hosts.addresses[host]}")
            lines.append(f'_mta-sts.{domain(kind, host)}. IN TXT "v=STSv1; id=1;"')
    return "\n".join(lines)


def prepare(hosts: Hosts) -> None:
    """Make certificates and the zone, and let both hosts receive mail for their domains."""
    hosts.sh("ns", f"cat >/var/lib/bind/example.zone <<'END'\n{zone(hosts)}\nEND")
    hosts.bind({"example": "example.zone"})
    for host in RELEASES:
        web = ",".join(f"DNS:mta-sts.{domain(kind, host)}" for kind in DOMAINS)
        hosts.sh(host, CERTIFICATES.replace("WEB", web).replace("HOST", host))
        own = ", ".join(domain(kind, host) for kind in DOMAINS)
        hosts.sh(
            host, f"postconf -e 'mydestination = $myhostname, localhost, {own}'; useradd -m bob"
        )
    for host, other in OTHER.items():
        for one in (host, other):
            root = hosts.sh(one, "cat /srv/tls/known.pem")
            place = f"/usr/local/share/ca-certificates/{one}.crt"
            hosts.sh(host, f"cat >{place} <<'END'\n{root}\nEND")
        # The list of resolvers is a mount, and Postfix copies it when it starts.
        names = f"echo nameserver {hosts.addresses['ns']} >/etc/resolv.conf"
        hosts.sh(host, f"update-ca-certificates 2>&1; {names}; systemctl restart postfix")


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Hosts]:
    """Both hosts with certificates of an authority that both know, and a name server for everything."""
    with outbound_hosts.hosts("sts", tmp_path_factory.mktemp("sts"), prepare) as made:
        yield made


def play(
    hosts: Hosts, *roles: str, check: bool = False, fails: bool = False, **more: t.Any
) -> Play:
    """Play roles with these variables beside the usual ones."""
    options = ["--check", "--diff"] if check else []
    return hosts.play(roles, {**VARIABLES, **more}, *options, fails=fails)


def kept(hosts: Hosts) -> dict[str, str]:
    """Return what is on the hosts: configuration, policies and packages."""
    programs = ("/usr/sbin/nginx", "/usr/sbin/unbound")
    places = ("/etc/postfix", "/etc/nginx", POLICIES, *programs, "/etc/mta-sts-daemon.yml")
    return {host: hosts.tree(host, *places) for host in RELEASES}


def test_a_policy_is_handed_over_as_a_file(hosts: Hosts) -> None:
    only = ["good-{{ inventory_hostname }}.example"]
    options = {"mta_sts_publish": "file", "mta_sts_directory": HANDED_OVER}
    made = play(hosts, "mta_sts", mta_sts_domains=only, **options)
    assert all(made.changed.values())
    for host in RELEASES:
        text = hosts.sh(host, f"cat {HANDED_OVER}/{domain('good', host)}/mta-sts.txt")
        assert text.split() == POLICY.format("enforce", f"{host}.example").split()
        assert hosts.sh(host, "ls -d /usr/sbin/nginx 2>/dev/null || true") == ""


def test_a_policy_server_that_overrides_dane_is_refused_and_not_installed(hosts: Hosts) -> None:
    before = kept(hosts)
    asked = {
        "postfix_tls_outbound_level": "dane",
        "postfix_tls_resolver_check": "warn",
        # It would be installed, and written into the list of resolvers, before the policy server.
        "postfix_tls_resolver": "unbound",
    }
    said = play(hosts, "postfix_tls", fails=True, **asked).words
    assert "postfix-mta-sts-resolver overrides DANE" in said
    assert "which RFC 8461 section 2 forbids" in said
    assert "Nothing was changed." in said
    assert kept(hosts) == before


def test_check_mode_says_what_would_come_and_changes_nothing(hosts: Hosts) -> None:
    before = kept(hosts)
    foreseen = play(hosts, *BOTH, check=True)
    assert all(foreseen.changed.values())
    assert kept(hosts) == before


@pytest.fixture(scope="module")
def served(hosts: Hosts) -> Hosts:
    """The hosts after the roles."""
    made = play(hosts, *BOTH)
    assert all(made.changed.values())
    return hosts


def test_a_second_run_changes_nothing_and_check_mode_tells_the_truth(served: Hosts) -> None:
    before = kept(served)
    assert not any(play(served, *BOTH).changed.values())
    assert kept(served) == before
    for host in RELEASES:
        policy = f"{POLICIES}/{domain('good', host)}/mta-sts.txt"
        served.sh(host, f"cp -a {policy} /root/kept; sed -i s/enforce/none/ {policy}")
    foreseen = play(served, "mta_sts", check=True)
    assert set(foreseen.changed.values()) == {1}
    assert "-mode: none" in foreseen.text
    assert "+mode: enforce" in foreseen.text
    for host in RELEASES:
        policy = f"{POLICIES}/{domain('good', host)}/mta-sts.txt"
        served.sh(host, f"cp -a /root/kept {policy}")


@pytest.mark.parametrize("host", RELEASES)
@pytest.mark.parametrize("kind", DOMAINS)
def test_curl_gets_the_policy_of_each_domain_and_nothing_else(
    served: Hosts, kind: str, host: str
) -> None:
    mx, mode = DOMAINS[kind]
    place = f"https://mta-sts.{domain(kind, host)}"
    # The root that curl trusts is the other host's list of all roots.
    said = served.sh(OTHER[host], f"curl -sSi {place}/.well-known/mta-sts.txt")
    head, _, text = said.replace("\r\n", "\n").partition("\n\n")
    assert " 200" in head.splitlines()[0]
    assert "content-type: text/plain" in head.lower()
    assert text.split() == POLICY.format(mode, mx.format(host)).split()
    for path in ("/", "/.well-known/", "/.well-known/mta-sts.txt.bak", "/index.html"):
        code = served.sh(
            OTHER[host], f"curl -s -o /dev/null -w '%{{http_code}}' --path-as-is {place}{path}"
        )
        assert code == "404", path


@pytest.mark.parametrize("host", RELEASES)
def test_openssl_verifies_the_web_server_and_gets_no_old_protocol(served: Hosts, host: str) -> None:
    name = f"mta-sts.{domain('good', host)}"
    ask = f"openssl s_client -connect {name}:443 -servername {name} -verify_hostname {name}"
    said = served.sh(OTHER[host], f"{ask} -verify_return_error </dev/null 2>&1")
    assert "Verify return code: 0 (ok)" in said
    old = served.try_sh(
        OTHER[host], f"{ask} -tls1_1 -cipher DEFAULT@SECLEVEL=0 </dev/null 2>&1"
    ).stdout
    assert "alert protocol version" in old, old


def test_a_site_that_nginx_cannot_read_is_not_written(served: Hosts) -> None:
    before = kept(served)
    # The key of another certificate.
    said = play(served, "mta_sts", fails=True, mta_sts_private_key="/srv/tls/mx.key").words
    assert "failed to validate" in said
    assert "key values mismatch" in said
    assert kept(served) == before
    for host in RELEASES:
        served.sh(host, "nginx -t && systemctl restart nginx")


def left(hosts: Hosts, host: str, recipient: str) -> str:
    """Return what is in the queue of a host for a recipient."""
    return hosts.sh(host, f"postqueue -j | grep -F '\"{recipient}\"' || true")


def received(hosts: Hosts, host: str, subject: str) -> str:
    """Return the subject when a message with it is in a mailbox of the host, ."""
    return hosts.sh(host, f"grep -hxF 'Subject: {subject}' /var/mail/bob 2>/dev/null || true")


@pytest.mark.parametrize("sender", RELEASES)
def test_mail_to_the_right_certificate_goes_over_verified_tls(served: Hosts, sender: str) -> None:
    to = OTHER[sender]
    recipient = f"bob@{domain('good', to)}"
    served.send(sender, recipient, "good")
    assert "status=sent" in served.fate(sender, recipient)
    log = served.sh(sender, "journalctl --no-pager -q -o cat")
    assert VERIFIED.format(to) in log
    served.wait(to, "grep -hxF 'Subject: good' /var/mail/bob")


@pytest.mark.parametrize("sender", RELEASES)
@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        pytest.param("name", "hostname mismatch", id="wrong-name"),
        pytest.param("strange", "untrusted issuer /CN=unknown authority", id="unknown-authority"),
    ],
)
def test_mail_to_a_wrong_certificate_is_deferred_and_not_sent(
    served: Hosts, sender: str, kind: str, reason: str
) -> None:
    to = OTHER[sender]
    recipient = f"bob@{domain(kind, to)}"
    served.send(sender, recipient, kind)
    fate = served.fate(sender, recipient)
    assert "status=deferred" in fate
    assert "Server certificate not verified" in fate
    assert reason in served.sh(sender, "journalctl --no-pager -q -o cat")
    assert left(served, sender, recipient)
    assert not received(served, to, kind)


@pytest.mark.parametrize("sender", RELEASES)
def test_mode_testing_sends_in_spite_of_a_wrong_certificate(served: Hosts, sender: str) -> None:
    to = OTHER[sender]
    recipient = f"bob@{domain('testing', to)}"
    served.send(sender, recipient, "testing")
    assert "status=sent" in served.fate(sender, recipient)
    served.wait(to, "grep -hxF 'Subject: testing' /var/mail/bob")


def test_absent_takes_the_site_and_the_policies_away(served: Hosts) -> None:
    for host in RELEASES:
        served.sh(host, f"touch {POLICIES}/of-the-site.txt")
    gone = play(served, "mta_sts", mta_sts_state="absent")
    assert all(gone.changed.values())
    for host in RELEASES:
        assert served.sh(host, f"ls -d {SITE} 2>/dev/null; ls {POLICIES}") == "of-the-site.txt"
        place = f"https://mta-sts.{domain('good', host)}/.well-known/mta-sts.txt"
        until = f"curl -sSf {place} >/dev/null 2>&1 || echo gone"
        assert served.wait(OTHER[host], until) == "gone"
    assert not any(play(served, "mta_sts", mta_sts_state="absent").changed.values())
