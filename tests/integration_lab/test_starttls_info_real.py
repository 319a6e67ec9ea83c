# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What starttls_info says of real daemons, beside what sslyze and ``openssl s_client`` say of them.

Run with ``tests/lab/enter .venv/bin/pytest tests/integration_lab/test_starttls_info_real.py``. It starts
two hosts of the flavour ``mail`` and removes them.
"""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import ssl
import subprocess
import sys
import time
import typing as t

import pytest
from lab_group import ROOT, Group

RELEASES = ("bookworm", "trixie")
# Port, protocol, whether TLS starts at once.
PORTS = {
    "postfix-stock": (25, "smtp", False),
    "postfix-hardened": (2525, "smtp", False),
    "dovecot-imap": (143, "imap", False),
    "dovecot-imaps": (993, "imap", True),
    "dovecot-pop3": (110, "pop3", False),
}
SSLYZE_KEYS = {
    "SSLv3": "ssl_3_0",
    "TLSv1": "tls_1_0",
    "TLSv1.1": "tls_1_1",
    "TLSv1.2": "tls_1_2",
    "TLSv1.3": "tls_1_3",
}
# The module names OpenSSL's curves as the RFCs do.
CURVES = {"prime256v1": "secp256r1"}

# One line each, as master.cf wants it without blanks in the values.
HARDENED = (
    "smtpd_tls_exclude_ciphers=aNULL,kRSA,kDHE,SHA1,SHA256,SHA384,CAMELLIA,ARIA,AESCCM8,AESCCM,PSK,SRP,DSS",
    "smtpd_tls_protocols=>=TLSv1.2",
    "smtpd_tls_chain_files=/etc/ssl/lab-ecdsa.pem,/etc/ssl/lab-rsa.pem",
)
PREPARE = """
set -e
export DEBIAN_FRONTEND=noninteractive
command -v doveadm >/dev/null
if ! dpkg -s dovecot-lmtpd >/dev/null 2>&1; then
  apt-get -q update
  apt-get -q install -y --no-install-recommends dovecot-pop3d dovecot-lmtpd
fi
cd /etc/ssl
if [ ! -e lab-rsa.pem ]; then
  for kind in rsa:3072 ec; do
    options=$([ $kind = ec ] && echo '-pkeyopt ec_paramgen_curve:P-256' || true)
    openssl req -x509 -nodes -newkey $kind $options -days 30 -subj /CN=mx.example \\
      -addext subjectAltName=DNS:mx.example -keyout lab.key -out lab.crt 2>/dev/null
    cat lab.key lab.crt >lab-$([ $kind = ec ] && echo ecdsa || echo rsa).pem
  done
fi
cat >/etc/dovecot/conf.d/99-lab.conf <<'END'
protocols = imap pop3 lmtp
service lmtp {
  inet_listener lmtp {
    port = 24
  }
}
END
systemctl restart dovecot
postconf -Me '2525/inet=2525 inet n - n - - smtpd' \\
  '2526/inet=2526 inet n - n - - smtpd' '2527/inet=2527 inet n - n - - smtpd'
postconf -Pe '2526/inet/smtpd_upstream_proxy_protocol=haproxy' \\
  '2527/inet/smtpd_tls_chain_files=/etc/ssl/no-such-file.pem' %s
postfix reload 2>/dev/null
"""


class Host(t.NamedTuple):
    """A container with Postfix and Dovecot."""

    release: str
    container: str
    address: str


def _run(*command: str, stdin: str = "", seconds: float = 300) -> str:
    done = subprocess.run(
        command, input=stdin, capture_output=True, text=True, timeout=seconds, check=False
    )
    assert done.returncode == 0, f"{command}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def hosts() -> t.Iterator[dict[str, Host]]:
    group = Group("si")
    overrides = " ".join(f"'2525/inet/{setting}'" for setting in HARDENED)
    with group.running({release: f"{release}:mail" for release in RELEASES}):
        for release in RELEASES:
            group.sh(release, PREPARE % overrides)
        yield {
            release: Host(release, group.container(release), group.address(release))
            for release in RELEASES
        }


@pytest.fixture(scope="module", params=RELEASES)
def host(request: pytest.FixtureRequest, hosts: dict[str, Host]) -> Host:
    return hosts[request.param]


def module(**options: t.Any) -> dict[str, t.Any]:
    """Return the result of the module, run as Ansible runs it."""
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache" / "collections")}
    command = [
        *(sys.executable, "-m", "ansible", "adhoc"),
        *("localhost", "-i", "localhost,", "-c", "local"),
        *("-e", f"ansible_python_interpreter={sys.executable}"),
        *("-m", "hardened.mail.starttls_info", "-a", json.dumps({"timeout": 20, **options})),
    ]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert " | SUCCESS => " in done.stdout, done.stdout + done.stderr
    result: dict[str, t.Any] = json.loads(done.stdout.split(" => ", 1)[1])
    return result


def sslyze(host: Host, port: int, *, starttls: str | None) -> dict[str, t.Any]:
    """Return the scan that sslyze made of a port."""
    options = [f"--starttls={starttls}"] if starttls else []
    output = _run(
        *(str(pathlib.Path(sys.executable).with_name("sslyze")), "--json_out=-"),
        *("--mozilla_config=disable", "--sni=mx.example", *options),
        *("--sslv3", "--tlsv1", "--tlsv1_1", "--tlsv1_2", "--tlsv1_3"),
        *("--certinfo", "--elliptic_curves", "--reneg", f"{host.address}:{port}"),
    )
    result = json.loads(output)["server_scan_results"][0]
    assert result["scan_status"] == "COMPLETED", result
    scan: dict[str, t.Any] = result["scan_result"]
    return scan


def _negotiates(
    host: Host, port: int, suite: str, *, version: str, options: tuple[int, str, bool]
) -> bool:
    """Ask ``openssl s_client`` about a suite that sslyze does not know."""
    _port, protocol, implicit = options
    command = ["openssl", "s_client", "-connect", f"{host.address}:{port}", "-cipher"]
    command += [f"{suite}:@SECLEVEL=0", f"-{version.lower().replace('v', '').replace('.', '_')}"]
    command += [] if implicit else ["-starttls", protocol]
    done = subprocess.run(
        command, input="", capture_output=True, text=True, timeout=60, check=False
    )
    return f"Cipher is {suite}" in done.stdout


@pytest.mark.parametrize("name", PORTS)
def test_the_report_agrees_with_sslyze(name: str, host: Host) -> None:
    port, protocol, implicit = PORTS[name]
    seen = module(
        host=host.address,
        port=port,
        protocol=protocol,
        implicit_tls=implicit,
        server_name="mx.example",
    )
    scan = sslyze(host, port, starttls=None if implicit else protocol)
    assert seen["incomplete"] == []
    for version, key in SSLYZE_KEYS.items():
        result = scan[f"{key}_cipher_suites"]["result"]
        accepted, rejected = (
            {entry["cipher_suite"]["openssl_name"] for entry in result[f"{what}_cipher_suites"]}
            for what in ("accepted", "rejected")
        )
        ours = set(seen["suites"].get(version, []))
        assert seen["protocols"][version] is bool(accepted)
        assert ours & (accepted | rejected) == accepted, version
        for suite in ours - accepted:
            assert _negotiates(host, port, suite, version=version, options=PORTS[name]), suite
    curves = scan["elliptic_curves"]["result"]["supported_curves"] or []
    theirs = {CURVES.get(curve["name"], curve["name"]) for curve in curves}
    assert set(seen["groups"]["TLSv1.2"]) == theirs
    reneg = scan["session_renegotiation"]["result"]["supports_secure_renegotiation"]
    assert seen["renegotiation_info"] is reneg
    deployments = scan["certificate_info"]["result"]["certificate_deployments"]
    theirs = {
        tuple(_sha256_of_pem(c["as_pem"]) for c in d["received_certificate_chain"])
        for d in deployments
    }
    assert {tuple(c["sha256"] for c in chain) for chain in seen["chains"].values()} == theirs


def _sha256_of_pem(pem: str) -> str:
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()


def test_a_full_report_is_fast_and_opens_few_connections(host: Host) -> None:
    import_path = str(ROOT / ".cache" / "collections")
    code = (
        "import time\n"
        "from ansible_collections.hardened.mail.plugins.module_utils.starttls import prober\n"
        "from ansible_collections.hardened.mail.plugins.module_utils.starttls.dialogue import Target\n"
        f"start = time.monotonic()\nevidence = prober.probe(Target({host.address!r}, 25), timeout=20)\n"
        "print(time.monotonic() - start, evidence.connections)"
    )
    best = 99.0
    end = time.monotonic() + 60
    while best >= 2 and time.monotonic() < end:
        seconds, connections = _run(
            "env", f"PYTHONPATH={import_path}", sys.executable, "-c", code
        ).split()
        best = min(best, float(seconds))
        assert int(connections) < 200
    assert best < 2


def test_a_stock_postfix_shows_what_is_wrong_with_it(host: Host) -> None:
    seen = module(host=host.address)
    assert seen["banner"].startswith("220 ")
    assert "STARTTLS" in seen["capabilities"]["before_tls"]
    assert "STARTTLS" not in seen["capabilities"]["after_tls"]
    assert seen["protocols"]["TLSv1"] is True
    assert "ADH-AES128-SHA" in seen["weak_suites"]["anonymous"]
    assert "modp1024" in seen["groups"]["dhe"]
    assert "AES128-SHA" in seen["suite_classes"]["static_rsa"]
    assert seen["verify"]["rsa"]["trusted"] is False
    assert seen["injection"] == "refused"
    assert seen["complete"]


def test_a_hardened_postfix_shows_two_chains_and_six_suites(host: Host) -> None:
    seen = module(host=host.address, port=2525, server_name="mx.example")
    assert [v for v, accepted in seen["protocols"].items() if accepted] == ["TLSv1.2", "TLSv1.3"]
    assert len(seen["suites"]["TLSv1.2"]) == 6
    assert not any(seen["weak_suites"].values())
    assert set(seen["chains"]) == {"rsa", "ecdsa"}
    for kind in ("rsa", "ecdsa"):
        assert seen["chains"][kind][0]["key_algorithm"] == kind
        assert seen["verify"][kind] == {
            "trusted": False,
            "reason": seen["verify"][kind]["reason"],
            "name_matches": True,
        }
        assert "self-signed" in seen["verify"][kind]["reason"]


def test_missing_certificate_files_leave_only_anonymous_suites(host: Host) -> None:
    seen = module(host=host.address, port=2527)
    assert seen["chains"] == {}
    assert seen["protocols"]["TLSv1.3"] is False
    assert set(seen["suites"]["TLSv1.2"]) == set(seen["weak_suites"]["anonymous"])
    assert seen["incomplete"] == ["verify"]


def test_a_proxy_listener_answers_only_with_a_header(host: Host) -> None:
    questions = ["banner", "protocols", "injection"]
    seen = module(host=host.address, port=2526, proxy_protocol=True, questions=questions)
    assert seen["complete"]
    assert seen["protocols"]["TLSv1.3"] is True
    seen = module(host=host.address, port=2526, questions=questions, timeout=3)
    assert seen["incomplete"] == questions


def test_lmtp_of_dovecot_is_seen(host: Host) -> None:
    seen = module(host=host.address, protocol="lmtp")
    assert seen["complete"]
    assert "STARTTLS" in seen["capabilities"]["before_tls"]
    for option, version in (("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")):
        address = f"{host.address}:24"
        output = _run("openssl", "s_client", "-starttls", "lmtp", "-connect", address, option)
        assert seen["protocols"][version] is ("Server certificate" in output)


@pytest.mark.parametrize("port", ["dovecot-imap", "dovecot-pop3"])
def test_dovecot_refuses_injection(port: str, host: Host) -> None:
    number, protocol, _implicit = PORTS[port]
    seen = module(host=host.address, port=number, protocol=protocol, questions=["injection"])
    assert seen["injection"] == "refused"


def test_post_quantum_groups_are_seen_where_openssl_sees_them(hosts: dict[str, Host]) -> None:
    client = hosts["trixie"]
    for host in hosts.values():
        seen = module(
            host=host.address, port=993, protocol="imap", implicit_tls=True, questions=["groups"]
        )
        for group in ("X25519MLKEM768", "SecP256r1MLKEM768", "X25519", "X448"):
            command = ["openssl", "s_client", "-tls1_3", "-groups", group]
            done = subprocess.run(
                ["podman", "exec", client.container, *command, "-connect", f"{host.address}:993"],
                input="",
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            accepted = "Server certificate" in done.stdout
            assert (group in seen["groups"]["TLSv1.3"]) is accepted, (host.release, group)
        assert ("X25519MLKEM768" in seen["groups"]["TLSv1.3"]) is (host.release == "trixie")
