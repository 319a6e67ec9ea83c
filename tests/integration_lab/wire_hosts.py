#!/usr/bin/env python3
# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts with ports of every kind, and what starttls_info says of them.

As Debian installs them (``stock``), hardened by the role (``hard``), and with one thing wrong on each port
(``bad``). Run as a script, ``tests/lab/enter tests/integration_lab/wire_hosts.py`` records the answers for the
unit tests in tests/unit/fixtures/starttls-info.json.
"""

from __future__ import annotations

import contextlib
import json
import re
import sys
import typing as t

from lab_group import ROOT, Group, run

RECORDED = ROOT / "tests" / "unit" / "fixtures" / "starttls-info.json"
RELEASES = ("bookworm", "trixie")

#: Name, kind of host, port, protocol, whether TLS starts at once, and for whom the port is.
PORTS: t.Final = (
    ("stock-mx", "stock", 25, "smtp", False, "mx"),
    ("stock-imap", "stock", 143, "imap", False, "imap"),
    ("stock-imaps", "stock", 993, "imap", True, "imaps"),
    ("hard-mx", "hard", 25, "smtp", False, "mx"),
    ("hard-submission", "hard", 587, "smtp", False, "submission"),
    ("hard-submissions", "hard", 465, "smtp", True, "submissions"),
    ("hard-imap", "hard", 143, "imap", False, "imap"),
    ("hard-imaps", "hard", 993, "imap", True, "imaps"),
    ("no-tls", "bad", 2501, "smtp", False, "mx"),
    ("refuses", "bad", 2502, "smtp", False, "mx"),
    ("anonymous-only", "bad", 2503, "smtp", False, "mx"),
    ("auth-before-tls", "bad", 2504, "smtp", False, "submission"),
    ("auth-on-25", "bad", 2505, "smtp", False, "mx"),
    ("bad-certificate", "bad", 2506, "smtp", False, "mx"),
    ("no-middle", "bad", 2507, "smtp", False, "submission"),
    ("wrong-name", "bad", 2508, "smtp", False, "submission"),
    ("imap-in-clear-text", "bad", 143, "imap", False, "imap"),
    ("closed", "bad", 2599, "smtp", False, "mx"),
)

CERTIFICATES = r"""
set -e
mkdir -p /etc/ssl/lab && cd /etc/ssl/lab
own() {
  openssl req -x509 -nodes -newkey $2 -days 300 -subj /CN=$3 -addext subjectAltName=DNS:$3 \
    -keyout $1.key -out $1.crt $4 2>/dev/null
  cat $1.key $1.crt >$1.pem
}
own rsa rsa:3072 $(hostname -f)
own ecdsa 'ec -pkeyopt ec_paramgen_curve:P-256' $(hostname -f)
own other 'ec -pkeyopt ec_paramgen_curve:P-256' other.example
own root 'ec -pkeyopt ec_paramgen_curve:P-256' root.example
for one in 'middle root TRUE' "$(hostname -f) middle FALSE"; do
  set -- $one
  openssl req -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -subj /CN=$1 -keyout $1.key -out $1.csr 2>/dev/null
  printf 'basicConstraints=CA:%s\nsubjectAltName=DNS:%s\n' $3 $1 >$1.ext
  openssl x509 -req -in $1.csr -CA $2.crt -CAkey $2.key -CAcreateserial -days 300 -extfile $1.ext -out $1.crt 2>/dev/null
done
cat $(hostname -f).key $(hostname -f).crt >leaf.pem
: >index; echo 01 >serial
printf '[ca]\ndefault_ca=d\n[d]\ndatabase=index\nserial=serial\nnew_certs_dir=.\ndefault_md=sha1\npolicy=p\n[p]\ncommonName=supplied\n' >ca.cnf
openssl req -nodes -newkey rsa:1024 -subj /CN=bad.example -keyout bad.key -out bad.csr 2>/dev/null
openssl ca -config ca.cnf -batch -in bad.csr -keyfile rsa.key -cert rsa.crt -startdate 20200101000000Z \
  -enddate 20200201000000Z -notext -out bad.crt 2>/dev/null
cat bad.key bad.crt >bad.pem
chmod 0600 *.key *.pem
"""

LOGIN_SOCKET = r"""
cat >/etc/dovecot/conf.d/99-lab.conf <<'END'
service auth {
  unix_listener /var/spool/postfix/private/auth {
    mode = 0660
    user = postfix
    group = postfix
  }
}
END
"""

BAD = (
    CERTIFICATES
    + LOGIN_SOCKET
    + r"""
new=$(dovecot --version | grep -c '^2\.4' || :)
[ $new = 1 ] && echo auth_allow_cleartext = yes >>/etc/dovecot/conf.d/99-lab.conf
[ $new = 1 ] || echo disable_plaintext_auth = no >>/etc/dovecot/conf.d/99-lab.conf
sasl=' -o smtpd_sasl_auth_enable=yes -o smtpd_sasl_type=dovecot -o smtpd_sasl_path=private/auth'
chain=' -o smtpd_tls_chain_files=/etc/ssl/lab'
cat >>/etc/postfix/master.cf <<END
2501 inet n - y - - smtpd -o smtpd_tls_security_level=none
2502 inet n - y - - smtpd -o smtpd_tls_cert_file=/etc/ssl/none.pem -o smtpd_tls_key_file=/etc/ssl/none.pem
2503 inet n - y - - smtpd -o smtpd_tls_chain_files=/etc/ssl/none.pem
2504 inet n - y - - smtpd$sasl
2505 inet n - y - - smtpd$sasl -o smtpd_tls_auth_only=yes
2506 inet n - y - - smtpd$chain/bad.pem
2507 inet n - y - - smtpd$chain/leaf.pem$sasl -o smtpd_tls_auth_only=yes
2508 inet n - y - - smtpd$chain/other.pem$sasl -o smtpd_tls_auth_only=yes
END
systemctl restart dovecot
postfix reload 2>/dev/null
"""
)

HARD = (
    CERTIFICATES
    + LOGIN_SOCKET
    + r"""
new=$(dovecot --version | grep -c '^2\.4' || :)
{ echo ssl = required
  [ $new = 1 ] && echo ssl_server_cert_file = /etc/ssl/lab/ecdsa.crt
  [ $new = 1 ] && echo ssl_server_key_file = /etc/ssl/lab/ecdsa.key
  [ $new = 1 ] || echo 'ssl_cert = </etc/ssl/lab/ecdsa.crt'
  [ $new = 1 ] || echo 'ssl_key = </etc/ssl/lab/ecdsa.key'
} >>/etc/dovecot/conf.d/99-lab.conf
sasl=' -o smtpd_sasl_auth_enable=yes -o smtpd_sasl_type=dovecot -o smtpd_sasl_path=private/auth'
cat >>/etc/postfix/master.cf <<END
587 inet n - y - - smtpd -o smtpd_tls_security_level=encrypt$sasl
465 inet n - y - - smtpd -o smtpd_tls_wrappermode=yes$sasl
END
systemctl restart dovecot
postfix reload 2>/dev/null
"""
)

PLAY = [
    {
        "hosts": "all",
        "gather_facts": False,
        "roles": [
            {
                "role": "hardened.mail.postfix_tls",
                "vars": {
                    "postfix_tls_certificates": [
                        {
                            "certificate": f"/etc/ssl/lab/{kind}.crt",
                            "private_key": f"/etc/ssl/lab/{kind}.key",
                        }
                        for kind in ("rsa", "ecdsa")
                    ]
                },
            }
        ],
    }
]


@contextlib.contextmanager
def hosts(releases: t.Sequence[str] = RELEASES) -> t.Iterator[dict[tuple[str, str], str]]:
    """Start the hosts and take them away at the end; yield their addresses by (kind, release)."""
    group = Group("wire")
    kinds = {"stock": "", "hard": HARD, "bad": BAD}
    names = {(kind, release): f"{kind}-{release}" for kind in kinds for release in releases}
    with group.running({name: f"{release}:mail" for (_kind, release), name in names.items()}):
        for (kind, _release), name in names.items():
            group.sh(name, kinds[kind])
        play = group.inventory.with_name("harden.yml")
        play.write_text(json.dumps(PLAY), encoding="utf-8")
        limit = ",".join(name for (kind, _release), name in names.items() if kind == "hard")
        command = ["ansible-playbook", "-i", str(group.inventory), "--limit", limit, str(play)]
        done = run(*command)
        assert done.returncode == 0, done.stdout + done.stderr
        yield {key: group.address(name) for key, name in names.items()}


def look(
    address: str, *, port: int, protocol: str, implicit_tls: bool, server_name: str
) -> dict[str, t.Any]:
    """Return the result of the module starttls_info, run as Ansible runs it."""
    options = {
        "host": address,
        "port": port,
        "protocol": protocol,
        "implicit_tls": implicit_tls,
        "server_name": server_name,
        "timeout": 30,
    }
    done = run(
        *(sys.executable, "-m", "ansible", "adhoc", "localhost", "-i", "localhost,", "-c", "local"),
        *("-e", f"ansible_python_interpreter={sys.executable}"),
        *("-m", "hardened.mail.starttls_info", "-a", json.dumps(options)),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    result: dict[str, t.Any] = json.loads(done.stdout.split(" => ", 1)[1])
    return {key: value for key, value in result.items() if not key.startswith("ansible_")}


def look_at_all(addresses: t.Mapping[tuple[str, str], str]) -> dict[str, dict[str, t.Any]]:
    """Return what is seen of every port by its name and release, such as ``stock-mx-trixie``."""
    return {
        f"{name}-{release}": look(
            address,
            port=port,
            protocol=protocol,
            implicit_tls=implicit,
            server_name=f"{kind}-{release}.example",
        )
        for name, wanted, port, protocol, implicit, _purpose in PORTS
        for (kind, release), address in addresses.items()
        if kind == wanted
    }


def main() -> None:
    """Record the answers."""
    with hosts() as addresses:
        seen = look_at_all(addresses)
    how = "tests/lab/enter tests/integration_lab/wire_hosts.py"
    text = json.dumps({"recorded_with": how, "reports": seen}, indent=1, sort_keys=True)
    for number, address in enumerate(sorted(addresses.values(), key=len, reverse=True), start=1):
        text = re.sub(rf"\b{re.escape(address)}\b", f"192.0.2.{number}", text)
    RECORDED.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
