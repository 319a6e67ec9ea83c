# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run does to the running Postfix: it asks the ports, reloads, restarts only when it must, and puts back."""

from __future__ import annotations

import typing as t

import pytest

from .conftest import Machine, applied, refused

MAIN = "/etc/postfix/main.cf"
MASTER = "/etc/postfix/master.cf"
VRFY: t.Final = {"disable_vrfy_command": True}
UNITS = "postfix.service postfix@-.service"

#: smtpd dies of it: Dovecot's socket is not there. The files alone do not tell.
DEADLY: t.Final = {
    "smtpd_sasl_auth_enable": True,
    "smtpd_sasl_type": "dovecot",
    "smtpd_sasl_path": "private/nothing-here",
}
DEAD_SERVICE = (
    "2525 inet n - n - - smtpd\n"
    "  -o smtpd_sasl_auth_enable=yes -o smtpd_sasl_type=dovecot -o smtpd_sasl_path=private/nothing\n"
)


def reloads(machine: Machine) -> int:
    """Return how often the master was reloaded since the journal began."""
    return int(machine.sh("journalctl --no-pager -o cat | grep -c '^reload -- version' || :"))


def test_parameter_is_put_into_force_by_a_reload(machine: Machine) -> None:
    pid, before = machine.master_pid(), reloads(machine)
    result = machine.apply(parameters={"smtpd_banner": "$myhostname ESMTP at last"})
    applied(result)
    assert result["activation"] == "reload"
    assert result["activation_needed"] == "none"
    assert machine.master_pid() == pid
    assert reloads(machine) == before + 1
    assert machine.outside()["banner"] == f"220 {machine.name}.example ESMTP at last"


def test_parameter_that_needs_a_restart_gets_one(machine: Machine) -> None:
    pid = machine.master_pid()
    result = machine.apply(parameters={"inet_protocols": "ipv4"})
    applied(result)
    assert result["activation"] == "restart"
    assert machine.master_pid() != pid
    assert machine.masters() == 1
    assert machine.sh("ss -Hltn6 'sport = :25'") == ""
    machine.serves()


def test_new_service_serves_at_once_and_goes_again(machine: Machine) -> None:
    pid = machine.master_pid()
    service = {
        "name": "submission",
        "command": "smtpd",
        "overrides": {"smtpd_tls_security_level": "encrypt"},
    }
    applied(machine.apply(services=[service]))
    machine.serves(port=587)
    applied(machine.apply(services=[{"name": "587", "state": "absent"}]))
    assert "refused" in machine.outside(port=587)["error"]
    machine.serves()
    assert machine.master_pid() == pid


@pytest.mark.parametrize("needed", ["reload", "restart"])
def test_activation_is_left_to_the_caller(machine: Machine, needed: str) -> None:
    pid, before = machine.master_pid(), reloads(machine)
    parameters = VRFY if needed == "reload" else {"inet_protocols": "ipv4"}
    result = machine.apply(parameters=parameters, activate="none")
    applied(result)
    assert result["activation"] == "none"
    assert result["activation_needed"] == needed
    assert machine.master_pid() == pid
    assert reloads(machine) == before
    machine.left_nothing()
    machine.serves()


def test_postfix_that_was_stopped_stays_stopped(machine: Machine) -> None:
    machine.sh(f"systemctl stop {UNITS}")
    result = machine.apply(parameters=VRFY)
    assert [warning for warning in applied(result) if "was not running and was left so" in warning]
    assert result["activation"] == "none"
    assert machine.value("disable_vrfy_command") == "yes"
    assert machine.masters() == 0
    machine.left_nothing()
    machine.restart()
    machine.serves()


def test_postfix_that_was_masked_stays_masked(machine: Machine) -> None:
    machine.sh(f"systemctl stop {UNITS} && systemctl mask --quiet {UNITS}")
    assert [warning for warning in applied(machine.apply(parameters=VRFY)) if "left so" in warning]
    assert machine.masters() == 0
    assert machine.try_run("systemctl", "is-enabled", *UNITS.split()).out.split() == ["masked"] * 2


def test_masked_unit_of_a_running_postfix_is_no_hindrance_to_a_reload(machine: Machine) -> None:
    pid = machine.master_pid()
    machine.sh(f"systemctl mask --quiet {UNITS}")
    result = machine.apply(parameters=VRFY)
    applied(result)
    assert result["activation"] == "reload"
    assert machine.master_pid() == pid
    machine.serves()


def test_masked_unit_of_a_running_postfix_forbids_a_restart(machine: Machine) -> None:
    pid, before = machine.master_pid(), machine.read(MAIN)
    machine.sh(f"systemctl mask --quiet {UNITS}")
    result = machine.apply(parameters={"inet_protocols": "ipv4"})
    assert result["failed"]
    assert "masked" in result["msg"]
    assert "The old files are back" in result["msg"]
    assert "by hand" not in result["msg"]
    assert machine.read(MAIN) == before
    assert machine.master_pid() == pid
    machine.left_nothing()
    machine.serves()


def test_reload_that_fails_is_put_back_and_nothing_is_stopped(machine: Machine) -> None:
    pid, before = machine.master_pid(), machine.read(MAIN)
    # Then neither "postfix reload" nor "postfix start" works.
    machine.sh("chmod 644 /usr/sbin/postsuper")
    try:
        result = machine.apply(parameters=VRFY)
    finally:
        machine.sh("chmod 755 /usr/sbin/postsuper")
    assert result["failed"]
    assert "postfix reload failed with status 1" in result["msg"]
    assert "The old files are back" in result["msg"]
    assert "Nothing is changed." in result["msg"]
    assert not result["changed"]
    assert machine.read(MAIN) == before
    assert machine.master_pid() == pid
    machine.left_nothing()
    machine.serves()


def test_site_change_that_waits_for_a_restart_is_left_waiting(machine: Machine) -> None:
    pid = machine.master_pid()
    text = machine.read(MAIN).replace(b"inet_interfaces = all", b"inet_interfaces = loopback-only")
    machine.write(MAIN, text)
    warnings = applied(machine.apply(parameters=VRFY))
    told = [one for one in warnings if one.startswith("inet_interfaces was changed by the site")]
    assert len(told) == 1
    assert "only reloads and leaves that to you" in told[0]
    assert machine.master_pid() == pid
    machine.serves()


def test_site_change_that_waits_for_a_restart_is_told_before_one(machine: Machine) -> None:
    text = machine.read(MAIN).replace(b"inet_interfaces = all", b"inet_interfaces = loopback-only")
    machine.write(MAIN, text)
    warnings = applied(machine.apply(parameters={"inet_protocols": "ipv4"}))
    told = [one for one in warnings if one.startswith("inet_interfaces was changed by the site")]
    assert len(told) == 1
    assert "puts it into force" in told[0]
    assert machine.sh("ss -Hltn 'sport = :25' | awk '{print $4}'") == "127.0.0.1:25"


@pytest.mark.parametrize("rehearse", [True, False])
def test_port_that_was_dead_before_is_said_and_not_blamed_on_the_run(
    machine: Machine, rehearse: bool
) -> None:
    machine.append(MASTER, DEAD_SERVICE)
    machine.restart()
    pid = machine.master_pid()
    warnings = applied(machine.apply(parameters=VRFY, rehearse=rehearse))
    told = [one for one in warnings if "did not answer before this run" in one]
    assert len(told) == 1
    assert told[0].startswith("2525/inet (127.0.0.1:2525)")
    assert "not to blame" in told[0]
    assert machine.master_pid() == pid
    machine.serves()


def test_port_that_the_change_revives_answers_at_once(machine: Machine) -> None:
    machine.append(MASTER, DEAD_SERVICE)
    machine.restart()
    assert "error" in machine.outside(port=2525)
    revived = {"name": "2525", "overrides": {"smtpd_sasl_auth_enable": False}}
    result = machine.apply(services=[revived])
    applied(result)
    assert result["activation"] == "restart"
    machine.serves(port=2525)


def test_listener_of_the_proxy_protocol_is_asked_in_its_language(machine: Machine) -> None:
    machine.append(MASTER, "2526 inet n - y - - smtpd -o smtpd_upstream_proxy_protocol=haproxy\n")
    machine.restart()
    result = machine.apply(parameters=VRFY)
    applied(result)
    seen = {one["listener"].partition("/")[0]: one for one in result["probe"]}
    for moment in ("before", "after"):
        assert seen["2526"][moment]["answered"], seen["2526"]
        assert seen["2526"][moment]["tls"]
    header = "PROXY TCP4 192.0.2.7 192.0.2.8 40000 2526\r\n"
    assert machine.outside(port=2526, proxy=header)["banner"].startswith("220 ")
    assert (
        machine.sh(
            "journalctl --no-pager -o cat -n 60 | grep -c 'haproxy.*\\(error\\|unexpected\\)' || :"
        )
        == "0"
    )


def test_deadly_change_that_validation_cannot_see_is_seen_in_the_rehearsal(
    machine: Machine,
) -> None:
    with machine.untouched():
        result = machine.apply(parameters=DEADLY)
        refused(result, "In the rehearsal", "smtp/inet", "it greeted before the change", "SASL")


def test_port_that_does_not_answer_afterwards_is_put_back(machine: Machine) -> None:
    before = {path: (machine.read(path), machine.status_of(path)) for path in (MAIN, MASTER)}
    run = {"owner": "site", "rehearse": False}
    service = {"name": "2527", "command": "smtpd"}
    result = machine.apply(parameters=DEADLY, services=[service], **run)
    assert result["failed"]
    assert result["changed"] is False
    for fragment in (
        "After the change, smtp/inet (127.0.0.1:25): it greeted before the change and does not now",
        "The old files are back",
        "Postfix was restarted and answers as before",
        f"the gap was at most {result['gap_seconds']} s",
        "Nothing is changed.",
    ):
        assert fragment in result["msg"]
    assert 0 < result["gap_seconds"] < 30
    assert {path: (machine.read(path), machine.status_of(path)) for path in before} == before
    assert machine.masters() == 1
    assert machine.sh("ss -Hltn 'sport = :2527'") == ""
    machine.left_nothing()
    machine.serves()
    # Nothing of it is on record, so the same owner has nothing to remove.
    assert machine.apply(parameters={}, **run)["changed"] is False


def test_milter_that_hangs_is_put_back(machine: Machine) -> None:
    machine.sh(
        "systemd-run --quiet --unit=postfix-milter python3 -c "
        "'import socket, time; s = socket.create_server((\"127.0.0.1\", 8891)); time.sleep(900)'"
    )
    machine.sh("until ss -Hltn 'sport = :8891' | grep -q .; do :; done", seconds=20)
    before = machine.read(MAIN)
    parameters = {"smtpd_milters": "inet:127.0.0.1:8891", "milter_command_timeout": "600s"}
    result = machine.apply(parameters=parameters, rehearse=False)
    assert result["failed"]
    assert "no answer in time" in result["msg"]
    assert "The old files are back" in result["msg"]
    assert machine.read(MAIN) == before
    machine.serves()


def test_tls_that_is_lost_afterwards_is_put_back(machine: Machine) -> None:
    before = machine.read(MAIN)
    machine.sh("openssl genpkey -algorithm ED25519 -out /root/other.key")
    result = machine.apply(parameters={"smtpd_tls_key_file": "/root/other.key"}, rehearse=False)
    assert result["failed"]
    assert "TLS worked before the change and does not now" in result["msg"]
    assert machine.read(MAIN) == before
    machine.serves()


def test_auth_without_tls_that_appears_afterwards_is_put_back(machine: Machine) -> None:
    before = machine.read(MAIN)
    machine.sh("cat >/root/auth.py", stdin=AUTH_SERVER)
    machine.sh(
        "systemd-run --quiet --unit=postfix-auth python3 /root/auth.py; "
        "until [ -S /var/spool/postfix/private/fake-auth ]; do :; done",
        seconds=20,
    )
    parameters = {**DEADLY, "smtpd_sasl_path": "private/fake-auth"}
    for rehearse in (False, True):
        result = machine.apply(parameters=parameters, rehearse=rehearse)
        assert result["failed"]
        assert "it offers AUTH without TLS, which it did not before the change" in result["msg"]
        assert machine.read(MAIN) == before
    applied(machine.apply(parameters={**parameters, "smtpd_tls_auth_only": True}))
    seen = machine.outside()
    assert "auth" not in seen["plain"]
    assert "auth" in seen["secured"]


#: The first words of Dovecot's authentication protocol, enough for smtpd to offer AUTH.
AUTH_SERVER = """
import os, socket, threading
path = "/var/spool/postfix/private/fake-auth"
if os.path.exists(path):
    os.unlink(path)
server = socket.socket(socket.AF_UNIX)
server.bind(path)
os.chmod(path, 0o666)
server.listen(20)
def talk(peer):
    peer.sendall(b"VERSION\\t1\\t1\\nMECH\\tPLAIN\\tplaintext\\nSPID\\t1\\nCUID\\t1\\nCOOKIE\\t00\\nDONE\\n")
    while peer.recv(4096):
        pass
while True:
    peer = server.accept()[0]
    threading.Thread(target=talk, args=(peer,), daemon=True).start()
"""


def test_postfix_outside_systemd_is_reloaded_and_put_back(machine: Machine) -> None:
    machine.sh(f"systemctl stop {UNITS} && postfix start", seconds=90)
    try:
        pid, before = machine.master_pid(), machine.read(MAIN)
        applied(machine.apply(parameters={**VRFY}, rehearse=False))
        assert machine.master_pid() == pid
        after = machine.read(MAIN)
        result = machine.apply(parameters=DEADLY, rehearse=False)
        assert "answers as before" in result["msg"]
        assert machine.read(MAIN) == after != before
        machine.serves()
    finally:
        machine.sh("postfix stop", seconds=90)


SECOND = """
set -e
postmulti -e init >/dev/null 2>&1
postmulti -e create -I postfix-two -G mta
cp /etc/postfix/master.cf /etc/postfix-two/master.cf
sed -i 's/^smtp  *inet/2627 inet/' /etc/postfix-two/master.cf
postconf -c /etc/postfix-two -e 'inet_interfaces = all' 'master_service_disable =' 'authorized_submit_users =' \\
  'syslog_name = postfix-two' 'smtpd_tls_cert_file = /etc/ssl/certs/ssl-cert-snakeoil.pem' \\
  'smtpd_tls_key_file = /etc/ssl/private/ssl-cert-snakeoil.key' 'smtpd_tls_security_level = may'
postmulti -i postfix-two -e enable
postfix -c /etc/postfix-two start
"""


def test_second_instance_is_changed_alone(machine: Machine) -> None:
    machine.sh(SECOND, seconds=90)
    queue = "/var/spool/postfix-two"
    try:
        pid = machine.sh(f"cat {queue}/pid/master.pid")
        second = machine.read("/etc/postfix-two/main.cf")
        with machine.untouched():
            result = machine.apply(config_directory="/etc/postfix-two", parameters=VRFY)
            applied(result)
            assert [one["listener"] for one in result["probe"]] == ["2627/inet (127.0.0.1:2627)"]
            assert (
                machine.read("/etc/postfix-two/main.cf") == second + b"disable_vrfy_command = yes\n"
            )
            assert machine.sh(f"cat {queue}/pid/master.pid") == pid
            machine.serves(port=2627)
            again = machine.read("/etc/postfix-two/main.cf")
            back = machine.apply(
                config_directory="/etc/postfix-two", parameters=DEADLY, rehearse=False
            )
            assert "answers as before" in back["msg"]
            assert machine.read("/etc/postfix-two/main.cf") == again
            machine.serves(port=2627)
        assert machine.sh("ls /var/lib/hardened-mail") == "etc-postfix-two"
    finally:
        machine.sh(
            f"postfix -c /etc/postfix-two stop; rm -rf /etc/postfix-two {queue} /var/lib/postfix-two",
            seconds=90,
        )


def test_only_looking_changes_nothing_and_tells_what_is_wrong(machine: Machine) -> None:
    machine.append(MAIN, "smtpd_tls_ciphers = strong\n")
    machine.sh("postfix reload 2>/dev/null")
    tree = machine.tree("/etc/postfix")
    result = machine.apply(parameters=VRFY, apply=False)
    assert not result.get("failed"), result
    assert result["changed"] is False
    assert [one for one in result["problems"] if "smtpd_tls_ciphers" in one and "'strong'" in one]
    assert result["probe"][0]["now"]["answered"]
    assert machine.tree("/etc/postfix") == tree
    assert machine.tree("/var/lib/hardened-mail") == {}


def test_host_without_postfix_is_said(machine: Machine) -> None:
    machine.sh("mv /usr/sbin/postconf /root/postconf")
    try:
        result = machine.apply(parameters=VRFY)
    finally:
        machine.sh("mv /root/postconf /usr/sbin/postconf")
    assert result["missing"] is True
    assert result["changed"] is False
    assert not result.get("failed")


def test_probe_that_is_switched_off_asks_nothing(machine: Machine) -> None:
    before = machine.sh("journalctl --no-pager -o cat | grep -c 'connect from localhost' || :")
    result = machine.apply(parameters=VRFY, probe=False, rehearse=False)
    applied(result)
    assert result["probe"] == []
    assert (
        machine.sh("journalctl --no-pager -o cat | grep -c 'connect from localhost' || :") == before
    )
