# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role certificates on real hosts: an own CA, renewal, and the hook that reloads only when it must.

Run with ``tests/lab/enter .venv/bin/pytest tests/integration_lab/test_certificates_real.py``. The tests stand
in order: the hook looks after the certificates that the CA issued. ``openssl`` is the referee.
"""

from __future__ import annotations

import pathlib
import re
import subprocess
import typing as t

import pytest
from lab_group import ROOT, Group, run

RELEASES: t.Final = {"b": "bookworm", "t": "trixie"}
PASSPHRASE: t.Final = "correct horse battery staple"
HOOK: t.Final = "/usr/local/sbin/hardened-mail-certificates"
CERTBOT: t.Final = "/etc/letsencrypt/renewal-hooks/deploy"
FILES: t.Final = "/etc/ssl/hardened-mail"

#: Both daemons use the certificates of the own CA, and one from elsewhere for a second name. There is one smtpd for each
#: port: another one would read new files when it starts, without a reload.
CONFIGURE: t.Final = rf"""
set -e
name=$(hostname -f)
mkdir -p /srv/other && cd /srv/other
openssl req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -days 300 -subj /CN=other \
  -addext subjectAltName=DNS:other.example -keyout other.key -out other.pem 2>/dev/null
postconf -e "smtpd_tls_chain_files = $(echo {FILES}/$name-{{ecdsa,rsa}}.{{key,pem}})" \
  'tls_server_sni_maps = inline:{{ {{ other.example = /srv/other/other.key /srv/other/other.pem }} }}'
postconf -# smtpd_tls_cert_file smtpd_tls_key_file
postconf -Me '465/inet=465 inet n - y - 1 smtpd -o smtpd_tls_wrappermode=yes' 'smtp/inet=smtp inet n - y - 1 smtpd'
if dovecot --version | grep -q '^2\.4'; then
  printf '%s\n' "ssl_server_cert_file = {FILES}/$name-ecdsa.pem" "ssl_server_key_file = {FILES}/$name-ecdsa.key" \
    'local_name other.example {{' 'ssl_server_cert_file = /srv/other/other.pem' \
    'ssl_server_key_file = /srv/other/other.key' '}}'
else
  printf '%s\n' "ssl_cert = <{FILES}/$name-ecdsa.pem" "ssl_key = <{FILES}/$name-ecdsa.key" \
    'local_name other.example {{' 'ssl_cert = </srv/other/other.pem' 'ssl_key = </srv/other/other.key' '}}'
fi >/etc/dovecot/conf.d/99-lab.conf
printf '%s\n' 'service lmtp {{' 'inet_listener lmtp {{' 'port = 24' '}}' 'inet_listener lmtps {{' 'port = 2424' 'ssl = yes' '}}' '}}' \
  >>/etc/dovecot/conf.d/99-lab.conf
systemctl restart dovecot
postfix reload 2>/dev/null
"""

#: How openssl(1) begins on the ports whose TLS does not start at once.
STARTTLS: t.Final = {
    25: "-starttls smtp",
    143: "-starttls imap",
    24: "-starttls lmtp -name localhost",
}

#: How often the daemons were reloaded.
RELOADS: t.Final = (
    "journalctl --no-pager -q | grep -cE 'postfix/master.*reload|dovecot.*SIGHUP' || :"
)


RENEW: t.Final = (
    "cd /srv/other && openssl req -x509 -key other.key -days 300 -subj /CN=renewed "
    "-addext subjectAltName=DNS:other.example -out other.pem"
)


class Play(t.NamedTuple):
    """How a play ended: its output, and the number of changes on each host."""

    text: str
    changed: dict[str, int]


class Lab(Group):
    """Two mail hosts and the controller."""

    def __init__(self, prefix: str, ca: pathlib.Path) -> None:
        super().__init__(prefix)
        self.ca = ca

    def play(self, *arguments: str, fails: bool = False) -> Play:
        """Run the play of the three entry points."""
        done = run(
            *("ansible-playbook", "-i", str(self.inventory)),
            *(str(ROOT / "tests/integration_lab/certificates.yml"), *arguments),
            *("-e", f"certificates_ca_directory={self.ca}"),
            *("-e", f"{{certificates_ca_passphrase: {PASSPHRASE}}}"),
        )
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        assert PASSPHRASE not in done.stdout + done.stderr
        found = re.findall(r"^(\w+)\s+: ok=\d+\s+changed=(\d+)", done.stdout, re.MULTILINE)
        return Play(done.stdout, {host: int(number) for host, number in found})

    def shown(self, host: str, port: int, *options: str) -> str:
        """Return the serial number of the certificate that a port shows."""
        start = STARTTLS.get(port, "")
        more = " ".join(options)
        return self.sh(
            host,
            f"openssl s_client -connect 127.0.0.1:{port} {start} {more} </dev/null 2>/dev/null"
            " | openssl x509 -noout -serial",
        )

    def in_file(self, host: str, file: str) -> str:
        """Return the serial number of the certificate in a file."""
        return self.sh(host, f"openssl x509 -noout -serial -in {file}")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Lab]:
    """Hosts that trust the own CA and use its certificates; the plays that made them so are noted."""
    subprocess.run([str(ROOT / "tests/tools/crypto_collection.sh")], check=True)
    made = Lab("certs", tmp_path_factory.mktemp("ca") / "ca")
    with made.running({host: f"{release}:mail" for host, release in RELEASES.items()}):
        yield made


def test_own_ca_issues_what_clients_verify(lab: Lab) -> None:
    for host in RELEASES:
        lab.sh(host, f"mkdir -p {CERTBOT}")
    looked = lab.play("--check", "--limit", "b")
    assert looked.changed["b"] > 0
    assert "Would issue" in looked.text
    assert not lab.ca.exists()
    lab.sh("b", f"! ls -d {FILES} {HOOK} /etc/hardened-mail 2>/dev/null")
    made = lab.play()
    assert all(made.changed.values())
    assert lab.play("--limit", "t").changed == {"t": 0}
    assert "ENCRYPTED" in (lab.ca / "root.key").read_text()
    assert sorted(one.name for one in lab.ca.iterdir()) == ["root.key", "root.pem"]
    for host in RELEASES:
        # The system's list of roots is the judge: the root was handed out.
        for kind in ("ecdsa", "rsa"):
            file = f"{FILES}/{host}.example-{kind}"
            name = f"-verify_hostname mail.{host}.example -purpose sslserver"
            assert "OK" in lab.sh(host, f"openssl verify {name} {file}.pem")
            assert lab.sh(host, f"stat -c '%a %U' {file}.key") == "600 root"


#: What a host that is not ours any more could ask for: its openssl changes the request, as sed does.
FORGED: t.Final = {
    "a CA": "s/^keyUsage = .*/&, keyCertSign/",
    "a usage that is not critical": "s/critical, //",
    "the name of another": "s/^CN = .*/CN = elsewhere.example/",
    "two names in the subject": "s/^CN = .*/0.CN = elsewhere.example\\n1.&/",
    "an organisation": "s/^CN = .*/&\\nO = Somebody/",
    "a client": "s/serverAuth/&, clientAuth/",
    "another host": "s/^subjectAltName = .*/&, DNS:elsewhere.example/",
}
FORGE: t.Final = """
printf '%s\\n' '#!/bin/sh' '[ "$1" = req ] || exec /usr/bin/openssl "$@"' 'sed -f /root/forge | /usr/bin/openssl "$@"' \
  >/usr/local/bin/openssl
chmod 755 /usr/local/bin/openssl
"""


@pytest.mark.parametrize("case", FORGED)
def test_own_ca_signs_nothing_but_what_the_inventory_says(lab: Lab, case: str) -> None:
    file = f"{FILES}/b.example-ecdsa.pem"
    before = lab.in_file("b", file)
    lab.sh("b", f"{FORGE} cat >/root/forge <<'end'\n{FORGED[case]}\nend")
    renewal = ("-e", "certificates_renew_days=300", "-e", "certificates_days=301")
    said = lab.play("--limit", "b", *renewal, fails=True).text
    lab.sh("b", "rm /usr/local/bin/openssl")
    assert "Nothing was signed" in " ".join(said.split())
    assert lab.in_file("b", file) == before


def test_hook_leaves_alone_what_is_right(lab: Lab) -> None:
    for host in RELEASES:
        lab.sh(host, CONFIGURE)
        before = lab.sh(host, RELOADS)
        said = lab.sh(host, f"{CERTBOT}/{pathlib.Path(HOOK).name}")
        assert "Postfix (/etc/postfix): every port shows the certificate in its file; not" in said
        assert "Dovecot: every port shows the certificate in its file; not reloaded" in said
        assert lab.sh(host, RELOADS) == before


def test_renewal_before_expiry_reaches_the_wire(lab: Lab) -> None:
    key = "openssl x509 -noout -pubkey -in {}-ecdsa.pem"
    keys = [lab.sh(host, key.format(f"{FILES}/{host}.example")) for host in RELEASES]
    masters = [lab.sh(host, "cat /var/spool/postfix/pid/master.pid") for host in RELEASES]
    old = [lab.shown(host, 993) for host in RELEASES]
    renewed = lab.play("-e", "certificates_renew_days=100", "-e", "certificates_days=200")
    assert all(renewed.changed.values())
    for index, host in enumerate(RELEASES):
        file = f"{FILES}/{host}.example"
        now = lab.in_file(host, f"{file}-ecdsa.pem")
        assert now != old[index]
        for port in (25, 465, 143, 993, 24, 2424):
            assert lab.shown(host, port) == now, port
        rsa = lab.in_file(host, f"{file}-rsa.pem")
        assert lab.shown(host, 25, "-tls1_2", "-cipher", "aRSA") == rsa
        assert lab.sh(host, key.format(file)) == keys[index]
        assert lab.sh(host, "cat /var/spool/postfix/pid/master.pid") == masters[index]


def test_hook_brings_a_renewed_name_of_sni_to_the_wire(lab: Lab) -> None:
    for host in RELEASES:
        lab.sh(host, RENEW)
        looked = lab.try_sh(host, f"{HOOK} --check")
        assert looked.returncode == 1
        assert (
            "port 465 for other.example: does not show the certificate in /srv/other/other.pem"
            in (looked.stdout)
        )
        said = lab.sh(host, HOOK)
        assert "Postfix (/etc/postfix): reloaded; every port shows" in said
        assert "Dovecot: reloaded; every port shows" in said
        for port in (25, 993):
            now = lab.in_file(host, "/srv/other/other.pem")
            assert lab.shown(host, port, "-servername", "other.example") == now


#: What keeps each daemon from being reloaded, while it goes on serving, and how that is mended.
NO_RELOAD: t.Final = {
    "Postfix (/etc/postfix)": (
        "cd /var/spool/postfix && mv active away && touch active",
        "cd /var/spool/postfix && rm active && mv away active",
    ),
    # No process has this number.
    "Dovecot": (
        "cp -a /run/dovecot/master.pid /root/noted && echo 4194303 >/run/dovecot/master.pid",
        "cat /root/noted >/run/dovecot/master.pid",
    ),
}


@pytest.mark.parametrize("broken", NO_RELOAD)
def test_hook_tells_a_reload_that_fails_and_tries_again(lab: Lab, broken: str) -> None:
    (whole,) = set(NO_RELOAD) - {broken}
    port = {"Postfix (/etc/postfix)": 25, "Dovecot": 993}
    spoil, mend = NO_RELOAD[broken]
    asked = ("-servername", "other.example")
    for host in RELEASES:
        old = lab.shown(host, port[broken], *asked)
        lab.sh(host, f"{RENEW} && {spoil}")
        done = lab.try_sh(host, HOOK)
        shown = lab.shown(host, port[broken], *asked)
        lab.sh(host, mend)
        new = lab.in_file(host, "/srv/other/other.pem")
        assert done.returncode == 1, done.stdout
        assert f"FAILED: {broken}: " in done.stdout
        assert f"{whole}: reloaded; every port shows" in done.stdout
        assert shown == old
        assert lab.shown(host, port[whole], *asked) == new
        said = lab.sh(host, HOOK)
        assert f"{broken}: reloaded; every port shows" in said
        assert f"{whole}: every port shows the certificate in its file; not reloaded" in said
        assert lab.shown(host, port[broken], *asked) == new


BREAK: t.Final = {
    "another key": ("cp /srv/other/other.key FILE.key", "the key is another certificate's"),
    "no file": ("rm FILE.pem", "cannot be read or is empty"),
    "no certificate": ("echo nonsense >FILE.pem", "FILE.pem and FILE.key: "),
    "a port without its daemon's configuration": (
        "echo 'ssl_min_protocol {' >/etc/dovecot/conf.d/99-z.conf",
        "FAILED: doveconf",
    ),
}


@pytest.mark.parametrize("case", BREAK)
def test_hook_does_not_reload_on_what_is_broken(lab: Lab, case: str) -> None:
    script, words = BREAK[case]
    for host in RELEASES:
        file = f"{FILES}/{host}.example-ecdsa"
        # A process of Postfix that was started on the broken files of the case before has no TLS.
        lab.sh(host, HOOK)
        lab.sh(host, f"cp -a {FILES} /srv/good && {script.replace('FILE', file)}")
        before, shown = lab.sh(host, RELOADS), lab.shown(host, 993)
        done = lab.try_sh(host, HOOK)
        lab.sh(
            host,
            f"rm -rf {FILES} /etc/dovecot/conf.d/99-z.conf && mv /srv/good {FILES}",
        )
        assert done.returncode == 1, done.stdout
        assert words.replace("FILE", file) in done.stdout
        assert lab.sh(host, RELOADS) == before
        assert lab.shown(host, 993) == shown


#: One file with two keys, each before its certificate, and names that no client can be made to ask for.
ONE_FILE: t.Final = rf"""
set -e
cd /srv/other && name=$(hostname -f)
openssl req -x509 -nodes -newkey rsa:2048 -days 300 -subj /CN=rsa -keyout rsa.key -out rsa.pem 2>/dev/null
cat {FILES}/$name-ecdsa.{{key,pem}} rsa.key rsa.pem >all.pem && chmod 600 all.pem
printf '%s\n' '/^third\.example$/ /srv/other/other.key /srv/other/other.pem' \
  '/^(.*\.)?many\.example$/ /srv/other/other.key, /srv/other/other.pem' >names
postconf -e 'smtpd_tls_chain_files = /srv/other/all.pem' 'tls_server_sni_maps = regexp:/srv/other/names, inline:{{ {{ mx..example = /srv/other/other.key /srv/other/other.pem }} }}'
postfix reload 2>/dev/null
"""

RENEW_RSA: t.Final = rf"""
set -e
cd /srv/other
openssl req -x509 -key rsa.key -days 300 -subj /CN=rsa-renewed -out rsa.pem
cat {FILES}/$(hostname -f)-ecdsa.{{key,pem}} rsa.key rsa.pem >all.pem
"""


def test_hook_reads_pairs_of_one_file_and_names_by_pattern(lab: Lab) -> None:
    for host in RELEASES:
        lab.sh(host, f"{HOOK}; {ONE_FILE}")
        said = lab.sh(host, HOOK)
        assert "Postfix (/etc/postfix): every port shows the certificate in its file; not" in said
        assert said.count("for mx..example: not one name that a client can ask for") == 2
        assert r"port 465 for /^(.*\.)?many\.example$/: not one name" in said
        assert "Dovecot: every port shows the certificate in its file" in said
        lab.sh(host, RENEW_RSA)
        said = lab.sh(host, HOOK)
        assert "Postfix (/etc/postfix): reloaded; every port shows" in said
        rsa = lab.in_file(host, "/srv/other/rsa.pem")
        assert lab.shown(host, 25, "-tls1_2", "-cipher", "aRSA") == rsa
        ecdsa = lab.in_file(host, f"{FILES}/{host}.example-ecdsa.pem")
        assert lab.shown(host, 25, "-tls1_2", "-cipher", "aECDSA") == ecdsa
        lab.sh(host, RENEW)
        lab.sh(host, HOOK)
        third = lab.in_file(host, "/srv/other/other.pem")
        assert lab.shown(host, 25, "-servername", "third.example") == third
