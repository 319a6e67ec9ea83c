# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""postfix_tls_sessions_info on real hosts: what it tells is what ``openssl s_client`` did.

Run with ``tests/lab/enter .venv/bin/pytest tests/integration_lab/test_tls_sessions_real.py``.
"""

from __future__ import annotations

import json
import time
import typing as t

import pytest

if t.TYPE_CHECKING:
    from ansible_collections.hardened.mail.tests.integration_lab.conftest import Machine

OLD = "-tls1 -cipher ALL:@SECLEVEL=0"
GOOD = "TLS_AES_256_GCM_SHA384"


def info(machine: Machine, **options: t.Any) -> dict[str, t.Any]:
    """Run the module; return its result."""
    done = machine.try_run(
        "python3",
        "/opt/hardened-mail/run.py",
        "postfix_tls_sessions_info",
        stdin=json.dumps(options),
    )
    result: dict[str, t.Any] = json.loads(done.out.strip().splitlines()[-1])
    assert not result.get("failed"), result
    return result


def session(machine: Machine, options: str, *, port: int = 25) -> None:
    """Let the other host open a session with STARTTLS and leave in an orderly way."""
    machine.peer.try_run(
        "bash",
        "-c",
        f"printf 'QUIT\\r\\n' | timeout 20 openssl s_client -connect {machine.name}.example:{port}"
        f" -starttls smtp -quiet {options}",
    )


def wait_for(machine: Machine, pattern: str, *, where: str = "journalctl -b") -> None:
    """Wait until the log has a line with *pattern*."""
    ends = time.monotonic() + 20
    while machine.try_run("bash", "-c", f"{where} | grep -q -- '{pattern}'").status:
        assert time.monotonic() < ends, f"no {pattern!r} in the log"
        time.sleep(0.2)


@pytest.fixture
def server(machine: Machine) -> Machine:
    """A machine that logs TLS and whose log begins now."""
    machine.sh("journalctl --rotate --quiet; journalctl --vacuum-time=1us --quiet 2>/dev/null")
    machine.sh(
        "postconf -e smtpd_tls_loglevel=1 smtp_tls_loglevel=1 smtp_tls_security_level=may"
        " smtp_host_lookup=native 'smtpd_tls_protocols=>=TLSv1'"
    )
    machine.restart()
    return machine


def rows(part: dict[str, t.Any]) -> set[tuple[str, str, int]]:
    return {(row["protocol"], row["cipher"], row["sessions"]) for row in part["combinations"]}


def test_a_stock_host_does_not_know(machine: Machine) -> None:
    session(machine, "-tls1_2")
    found = info(machine)
    for part in (found["inbound"], found["outbound"]):
        assert part["answer"] == "unknown"
        assert part["tls_logging"] == "off"
        assert "tls_loglevel is 0" in part["reason"]


def test_sessions_are_told_as_they_were(server: Machine) -> None:
    session(server, "-tls1_3")
    session(server, "-tls1_3")
    session(server, OLD)
    session(server, "-tls1_2 -cipher AES128-SHA")
    wait_for(server, "cipher AES128-SHA ")
    found = info(server)
    inbound = found["inbound"]
    assert found["sources"] == ["journal"]
    assert {("TLSv1", "ECDHE-RSA-AES256-SHA", 1), ("TLSv1.2", "AES128-SHA", 1)} <= rows(inbound)
    (good,) = (one for one in inbound["combinations"] if one["cipher"] == GOOD)
    assert good["sessions"] >= 2
    assert (inbound["answer"], inbound["tls_logging"]) == ("some", "on")
    assert (inbound["refused_sessions"], inbound["unlogged_sessions"]) == (2, 0)
    assert {row["refused_because"] for row in inbound["refused"]} == {
        "TLSv1 is older than TLSv1.2",
        "AES128-SHA is not among the suites of the profile",
    }
    assert info(server, inbound_profile="interop")["inbound"]["answer"] == "none"


def test_a_time_without_logging_is_noticed(server: Machine) -> None:
    session(server, "-tls1_3")
    wait_for(server, f"cipher {GOOD} ")
    assert info(server)["inbound"]["answer"] == "none"
    server.sh("postconf -e smtpd_tls_loglevel=0")
    server.restart()
    session(server, OLD)
    wait_for(server, "disconnect from .* starttls=1")
    server.sh("postconf -e smtpd_tls_loglevel=1")
    server.restart()
    inbound = info(server)["inbound"]
    assert (inbound["answer"], inbound["tls_logging"]) == ("unknown", "on")
    assert inbound["unlogged_sessions"] >= 1
    assert inbound["refused"] == []


def test_outgoing_sessions(server: Machine) -> None:
    peer = server.peer
    address = peer.sh("hostname -i").split()[0]
    server.sh(f"postconf -e 'relayhost=[{address}]:25'")
    server.restart()
    server.sh("echo 'Subject: x' | sendmail -f root x@elsewhere.example")
    wait_for(server, "TLS connection established to")
    found = info(server, outbound_profile="intermediate")["outbound"]
    assert rows(found) == {("TLSv1.3", GOOD, 1)}
    assert found["answer"] == "none"
    server.sh("postsuper -d ALL 2>/dev/null")


def test_a_log_file_with_its_rotated_copy(server: Machine) -> None:
    log = "/var/log/maillog-of-test"
    server.sh(f"postconf -e maillog_file={log}")
    server.sh("postfix stop; postfix start; systemctl restart postfix.service")
    server.wait_for_banner()
    session(server, "-tls1_2 -cipher AES128-SHA")
    wait_for(server, "cipher AES128-SHA ", where=f"cat {log}")
    server.sh("postfix logrotate")
    session(server, OLD)
    wait_for(server, "cipher ECDHE-RSA-AES256-SHA ", where=f"cat {log}")
    try:
        found = info(server)
        files = [source for source in found["sources"] if source.startswith(log)]
        assert len(files) == 2
        assert files[0].endswith(".gz")
        assert found["problems"] == []
        assert {("TLSv1.2", "AES128-SHA", 1), ("TLSv1", "ECDHE-RSA-AES256-SHA", 1)} <= rows(
            found["inbound"]
        )
        explicit = info(server, log_files=[files[0]])
        assert explicit["sources"] == [files[0]]
        assert ("TLSv1.2", "AES128-SHA", 1) in rows(explicit["inbound"])
    finally:
        server.sh(f"rm -f {log}*")


def test_a_host_without_postfix(shared_machine: Machine) -> None:
    shared_machine.sh("mv /usr/sbin/postconf /usr/sbin/postconf.away")
    try:
        assert info(shared_machine)["missing"] is True
    finally:
        shared_machine.sh("mv /usr/sbin/postconf.away /usr/sbin/postconf")
