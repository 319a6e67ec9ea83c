# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Submission on real hosts with Dovecot: who can log in where, and what becomes of a site's own services.

Run with ``tests/lab/enter .venv/bin/pytest tests/integration_lab/test_submission_real.py``. The referees are
smtplib and ``openssl s_client`` on the other host.
"""

from __future__ import annotations

import json
import typing as t

import pytest

from .conftest import CODE, RELEASES, Machine, applied, machines_of, refused

MAIN: t.Final = "/etc/postfix/main.cf"
MASTER: t.Final = "/etc/postfix/master.cf"
SOCKET: t.Final = "/var/spool/postfix/private/auth"

DOVECOT: t.Final = """
cat >/etc/dovecot/conf.d/99-lab.conf <<'END'
service auth {
  unix_listener /var/spool/postfix/private/auth {
    mode = 0660
    user = postfix
    group = postfix
  }
}
END
useradd -m alice && echo alice:sesame | chpasswd
systemctl restart dovecot
until [ -S /var/spool/postfix/private/auth ]; do :; done
"""

#: Logs in as told and names recipients; the referee, smtplib of the other host.
CLIENT: t.Final = """
import json, smtplib, ssl, sys
ask = json.load(sys.stdin)
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
seen = {}
try:
    if ask["implicit"]:
        client = smtplib.SMTP_SSL(ask["host"], ask["port"], context=context, timeout=20)
    else:
        client = smtplib.SMTP(ask["host"], ask["port"], timeout=20)
    client.ehlo()
    seen["plain"] = sorted(client.esmtp_features)
    if not ask["implicit"]:
        seen["mail_before_tls"] = client.mail(ask["sender"])[0]
        client.rset()
        client.starttls(context=context)
        client.ehlo()
    seen["secured"] = sorted(client.esmtp_features)
    seen["tls"] = client.sock.version()
    client.mail(ask["sender"])
    seen["relay_without_login"] = client.rcpt("somebody@far.example")[0]
    client.rset()
    if ask["user"]:
        try:
            client.login(ask["user"], ask["password"])
            seen["login"] = 235
        except smtplib.SMTPAuthenticationError as error:
            seen["login"] = error.smtp_code
        seen["sender"] = client.mail(ask["sender"])[0]
        seen["recipients"] = [client.rcpt(one)[0] for one in ask["recipients"]]
    client.close()
except (OSError, smtplib.SMTPException) as error:
    seen["error"] = repr(error)
print(json.dumps(seen))
"""


@pytest.fixture(scope="module")
def hosts() -> t.Iterator[dict[str, Machine]]:
    """Hosts with Dovecot, one for each release."""
    with machines_of("sub", flavour="mail") as made:
        for one in made.values():
            one.sh(DOVECOT)
        yield made


@pytest.fixture(params=RELEASES)
def host(request: pytest.FixtureRequest, hosts: dict[str, Machine]) -> Machine:
    """One of them, with Debian's own Postfix."""
    hosts[request.param].reset()
    return hosts[request.param]


def talk(host: Machine, port: int, *, implicit: bool = False, **ask: t.Any) -> dict[str, t.Any]:
    """Return what a mail program on the other host sees."""
    asked = {
        "host": f"{host.name}.example",
        "port": port,
        "implicit": implicit,
        "user": "",
        "password": "sesame",
        "sender": "alice@a.example",
        "recipients": ["somebody@far.example"],
        **ask,
    }
    done = host.peer.try_run("python3", "-c", CLIENT, stdin=json.dumps(asked))
    assert done.status == 0, done.err
    seen: dict[str, t.Any] = json.loads(done.out)
    return seen


def submit(host: Machine, **options: t.Any) -> dict[str, t.Any]:
    """Apply the submission settings."""
    choices = options.pop("submission", {})
    return host.apply(owner="postfix_submission", submission=choices, **options)


def serves_users(host: Machine) -> None:
    """Fail unless alice, and nobody else, can send through 587 and 465."""
    for port, implicit in ((587, False), (465, True)):
        nobody = f"nobody-here@{host.name}.example"
        seen = talk(
            host, port, implicit=implicit, user="alice", recipients=["x@far.example", nobody]
        )
        assert "auth" in seen["secured"], seen
        assert implicit or ("auth" not in seen["plain"] and seen["mail_before_tls"] == 530), seen
        assert seen["relay_without_login"] == 554, seen
        assert (seen["login"], seen["recipients"]) == (235, [250, 550]), seen


def test_a_stock_host_gets_both_services_and_a_second_run_changes_nothing(host: Machine) -> None:
    host.sh("journalctl --rotate --quiet; journalctl --vacuum-time=1us --quiet 2>/dev/null")
    before = host.tree("/etc/postfix")
    checked = submit(host, check_mode=True)
    assert checked["changed"] is True
    assert host.tree("/etc/postfix") == before
    result = submit(host)
    applied(result)
    assert result["rehearsal"]["held"]
    assert result["changes"] == checked["changes"]
    serves_users(host)
    port_25 = talk(host, 25)
    assert "auth" not in port_25["plain"] + port_25["secured"]
    for port, option in ((587, "-starttls smtp"), (465, "")):
        old = host.peer.sh(
            f"openssl s_client -connect {host.name}.example:{port} {option} -tls1_1 "
            "-cipher ALL:@SECLEVEL=0 </dev/null 2>&1 || :"
        )
        assert "Cipher is (NONE)" in old
    assert submit(host)["changed"] is False
    host.left_nothing()
    host.sh(
        "until [ $(journalctl -b | grep -c 'disconnect from .* auth=1') -ge 2 ]; do :; done",
        seconds=20,
    )
    done = host.try_run("python3", f"{CODE}/run.py", "postfix_logins_info", stdin="{}")
    logins = json.loads(done.out.strip().splitlines()[-1])
    rows = {one["services"][0]: one for one in logins["logins"]}
    assert set(rows) == {"submission/inet", "submissions/inet"}, logins
    assert {(one["user"], one["tls"]) for one in rows.values()} == {("alice", "TLSv1.3")}


#: How a site wrote a service, and the names that master.cf must have afterwards.
SPELLINGS: t.Final = (
    ("submission", "smtps"),
    ("0.0.0.0:587", "0.0.0.0:465"),
)


@pytest.mark.parametrize("names", SPELLINGS, ids=[names[0] for names in SPELLINGS])
def test_a_service_is_adopted_however_it_is_spelt(host: Machine, names: tuple[str, str]) -> None:
    host.append(
        MASTER,
        f"{names[0]} inet n - y - 7 smtpd -o smtpd_tls_security_level=may\n"
        "  -o smtpd_banner=mine.example\n"
        f"{names[1]} inet n - y - - smtpd -o smtpd_tls_wrappermode=yes\n",
    )
    host.restart()
    warnings = applied(submit(host, rehearse=False))
    assert any(f"{names[0]}/inet -o smtpd_tls_security_level" in one for one in warnings)
    serves_users(host)
    listed = host.sh("postconf -M").splitlines()
    ports = [line.split()[0] for line in listed if line.split()[1] == "inet"]
    assert sorted(ports) == sorted(["smtp", *names])
    assert host.sh(f"postconf -P '{names[0]}/inet/smtpd_banner'").endswith("= mine.example")
    assert submit(host)["changed"] is False


def test_logins_leave_main_cf_and_port_25_and_nobody_is_locked_out(host: Machine) -> None:
    host.append(
        MAIN,
        "smtpd_sasl_auth_enable = yes\nsmtpd_sasl_type = dovecot\nsmtpd_sasl_path = private/auth\n"
        "smtpd_tls_auth_only = yes\n",
    )
    host.append(
        MASTER,
        "2525 inet n - y - - smtpd\n10025 inet n - y - - smtpd -o smtpd_banner=filter.example\n",
    )
    host.restart()
    assert "auth" in talk(host, 25)["secured"]
    applied(submit(host, rehearse=False))
    serves_users(host)
    assert "auth" not in talk(host, 25)["secured"]
    for port in (2525, 10025):
        seen = talk(host, port, user="alice")
        assert (seen["login"], seen["recipients"]) == (235, [250]), seen
    assert host.value("smtpd_sasl_auth_enable") == "no"
    assert "permit_sasl_authenticated" not in host.value("smtpd_relay_restrictions")
    assert submit(host)["changed"] is False
    warnings = applied(submit(host, submission={"auth_on_25": True}, rehearse=False))
    assert any("port 25: offers logins by your choice" in one for one in warnings)
    assert "auth" in talk(host, 25)["secured"]


def test_forged_senders_are_refused_when_a_table_is_given(host: Machine) -> None:
    maps = "inline:{ { alice@a.example = alice } }"
    applied(submit(host, submission={"sender_login_maps": maps}, rehearse=False))
    own = talk(host, 587, user="alice")
    assert own["recipients"] == [250], own
    forged = talk(host, 587, user="alice", sender="boss@a.example")
    assert forged["recipients"] == [553], forged
    wrong = talk(host, 465, implicit=True, user="alice", password="wrong")
    assert (wrong["login"], wrong["recipients"]) == (535, [554]), wrong
    applied(submit(host, rehearse=False))
    assert talk(host, 587, user="alice", sender="boss@a.example")["recipients"] == [250]


def test_a_port_that_another_program_has_is_found_before_anything_is_changed(
    host: Machine,
) -> None:
    host.sh(
        "systemd-run --quiet --unit=postfix-587 python3 -c "
        "'import socket, time; s = socket.create_server((\"\", 587)); time.sleep(900)'"
    )
    host.sh("until ss -Hltn 'sport = :587' | grep -q .; do :; done", seconds=20)
    try:
        for check_mode in (True, False):
            with host.untouched():
                refused(
                    submit(host, check_mode=check_mode),
                    "submission/inet: cannot listen on every address port 587",
                    "(python3, process ",
                )
    finally:
        host.sh("systemctl stop postfix-587")


NOBODY: t.Final = (
    "systemctl stop dovecot.socket dovecot.service; python3 -c 'import socket; "
    f'socket.socket(socket.AF_UNIX).bind("{SOCKET}")\'; chown postfix {SOCKET}'
)
DEAD: t.Final = {
    "no-socket": (f"rm {SOCKET}", f"there is no socket {SOCKET}"),
    "nobody-listens": (
        NOBODY,
        f"nobody answers at {SOCKET} (Connection refused)",
    ),
    "closed": (
        f"chmod 0600 {SOCKET}; chown root {SOCKET}",
        f"postfix may not use the socket {SOCKET}",
    ),
}


def test_a_login_service_that_is_not_there_stops_the_run(host: Machine) -> None:
    for command, said in DEAD.values():
        host.sh(command)
        try:
            with host.untouched():
                refused(submit(host, rehearse=False), "Nobody could log in", said)
                checked = submit(host, check_mode=True)
                assert checked["changed"] is True
                assert any(said in str(one) for one in checked["warnings"]), checked["warnings"]
        finally:
            host.sh(f"rm -f {SOCKET}; systemctl restart dovecot; until [ -S {SOCKET} ]; do :; done")


def test_cyrus_stays_where_the_site_named_it(host: Machine) -> None:
    host.append(MAIN, "smtpd_sasl_type = cyrus\nsmtpd_sasl_path = smtpd\n")
    result = submit(host, check_mode=True)
    kept = {
        one["name"]: one["after"] for one in result["changes"] if one["place"] == "submission/inet"
    }
    assert (kept["-o smtpd_sasl_type"], kept["-o smtpd_sasl_path"]) == ("cyrus", "smtpd")


def test_a_service_that_is_switched_off_stays_until_it_is_to_go(host: Machine) -> None:
    applied(submit(host, rehearse=False))
    assert submit(host, submission={"starttls": False})["changed"] is False
    serves_users(host)
    gone = {"starttls": False, "remove": True}
    applied(submit(host, submission=gone, rehearse=False))
    assert "refused" in talk(host, 587)["error"]
    assert "auth" in talk(host, 465, implicit=True)["secured"]
