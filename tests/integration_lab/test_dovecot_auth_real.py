# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""hardened.mail.doveconf on a real Dovecot 2.3 and 2.4, seen from another host by clients that are not our code.

Run with ``tests/lab/enter .venv/bin/pytest tests/integration_lab/test_dovecot_auth_real.py``. The machines of
both releases are put back to Debian's own configuration before each test; each asks the other's ports.
"""

from __future__ import annotations

import json
import os
import subprocess
import typing as t

import pytest

from .conftest import CODE, RELEASES, Machine, _code, applied, lab, refused

DROP_IN = "/etc/dovecot/conf.d/99-hardened-mail.conf"
USERS = "/etc/dovecot/hardened-mail.users"
STATE = "/var/lib/hardened-mail/etc-dovecot"
SECRET, OTHER = "Gehe1mes wort", "pass:word#2"
SYSTEM = "system-s3cret"

PREPARE = f"""
set -e
cp -a /etc/dovecot /root/dovecot
useradd -m -s /bin/sh alice
echo 'alice:{SYSTEM}' | chpasswd
postconf -e smtpd_sasl_type=dovecot smtpd_sasl_path=private/auth
postconf -Me 'submission/inet=submission inet n - n - - smtpd'
postconf -Pe submission/inet/smtpd_tls_security_level=encrypt submission/inet/smtpd_sasl_auth_enable=yes \\
  submission/inet/smtpd_tls_auth_only=yes
postfix reload 2>/dev/null
"""
RESET = """
rm -rf /var/lib/hardened-mail /run/hardened-mail-*
if ! diff -rq --no-dereference /root/dovecot /etc/dovecot >/dev/null; then
  find /etc/dovecot -mindepth 1 -delete
  cp -a /root/dovecot/. /etc/dovecot
fi
systemctl reset-failed dovecot
systemctl restart dovecot
"""

#: What a client from outside sees, one line of JSON for each attempt; the standard library is the referee.
CLIENT = """
import imaplib, json, poplib, smtplib, ssl, sys
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
def imap(host, port, how):
    client = imaplib.IMAP4_SSL(host, port, ssl_context=context) if how == "tls" else imaplib.IMAP4(host, port)
    if how == "starttls":
        client.starttls(context)
    return client
def attempt(host, kind, user, password):
    if kind.startswith("imap"):
        how = kind.partition("-")[2]
        client = imap(host, 993 if how == "tls" else 143, how)
        client.login(user, password)
        return client.select("INBOX")[0]
    if kind == "pop3":
        client = poplib.POP3_SSL(host, 995, context=context)
        client.user(user)
        return client.pass_(password).decode()
    client = smtplib.SMTP(host, 587, timeout=30)
    if kind == "smtp":
        client.starttls(context=context)
    client.ehlo("client.example")
    if user is None:
        return sorted(client.esmtp_features)
    client.user, client.password = user, password
    return client.auth("PLAIN", client.auth_plain)[0]
for one in json.load(sys.stdin):
    try:
        print(json.dumps(attempt(sys.argv[1], *one)))
    except (OSError, imaplib.IMAP4.error, poplib.error_proto, smtplib.SMTPException) as error:
        print(json.dumps("refused: " + str(error)))
"""


@pytest.fixture(scope="module")
def mail_machines() -> t.Iterator[dict[str, Machine]]:
    """One mail host for each release, and the host of the databases."""
    group = f"da-{os.getpid()}"
    names = {release: "mn"[index] for index, release in enumerate(RELEASES)}
    hosts = [f"{name}={release}:mail" for release, name in names.items()]
    lab("up", "--group", group, "--hosts", ",".join([*hosts, "db=trixie:databases"]))
    made = {}
    try:
        code = _code()
        for release, name in [*names.items(), ("databases", "db")]:
            container = f"hml-{group}-{name}"
            unpack = ["podman", "exec", "-i", container, "bash", "-c"]
            subprocess.run(
                [*unpack, f"mkdir {CODE} && tar -C {CODE} -xf -"], input=code, check=True
            )
            made[release] = Machine(name, release=release, container=container)
            if release in names:
                made[release].sh(PREPARE)
        for index, release in enumerate(RELEASES):
            made[release].peer = made[RELEASES[(index + 1) % len(RELEASES)]]
        yield made
    finally:
        for machine in made.values():
            machine.close()
        lab("down", "--group", group)


@pytest.fixture(params=RELEASES)
def machine(request: pytest.FixtureRequest, mail_machines: dict[str, Machine]) -> Machine:
    """The mail host of one release with Debian's own Dovecot."""
    found = mail_machines[request.param]
    found.sh(RESET)
    return found


def asked(**more: t.Any) -> dict[str, t.Any]:
    """Return the options of a run for two users, with *more*; wrong passwords do not hold the tests up."""
    users = [{"name": "alice", "password": SECRET}, {"name": "Bob@Example.COM", "password": OTHER}]
    return {
        "module": "doveconf",
        "postfix_socket": {"path": "private/auth"},
        "passdb": "passwd_file",
        "users": users,
        "failure_delay": 0,
        "penalty": False,
        **more,
    }


def attempts(machine: Machine, *wanted: tuple[str, t.Optional[str], str]) -> list[t.Any]:
    """Return what the other host gets for each (kind, user, password)."""
    done = machine.peer.try_run("python3", "-c", CLIENT, machine.name, stdin=json.dumps(wanted))
    assert done.status == 0, done.err
    return [json.loads(line) for line in done.out.splitlines()]


def new(machine: Machine) -> bool:
    """Return whether this is Dovecot 2.4."""
    return machine.sh("dovecot --version").startswith("2.4")


def passdbs(machine: Machine) -> int:
    """Return how many password databases doveconf(1) shows."""
    return int(machine.try_run("bash", "-c", "doveconf -n | grep -c ^passdb").out)


def test_people_log_in_inside_tls_and_nobody_else(machine: Machine) -> None:
    before = machine.tree("/etc/dovecot")
    planned = machine.apply(**asked(), check_mode=True, diff=True)
    assert planned["changed"], planned
    assert machine.tree("/etc/dovecot") == before
    result = machine.apply(**asked(), diff=True)
    applied(result)
    assert result["activation"] == "restart"
    assert machine.apply(**asked(max_connections=11))["activation"] == "reload"
    applied(machine.apply(**asked()))
    assert {one["port"] for one in result["probe"]} >= {
        "imap on port 993",
        "pop3 on port 995",
        "sieve on port 4190",
    }
    again = machine.apply(**asked())
    assert (again.get("failed", False), again["changed"], again["changes"]) == (False, False, [])
    said = json.dumps([planned, result, again])
    assert not [one for one in (SECRET, OTHER, "$argon2id$v") if one in said]
    assert machine.status_of(USERS) == "640 root:dovecot"
    assert machine.status_of(f"{STATE}/users.json") == "600 root:root"
    assert machine.status_of("/var/spool/postfix/private/auth") == "660 postfix:postfix"
    assert machine.sh(f"grep -c '{{ARGON2ID}}' {USERS}") == "2"
    assert passdbs(machine) == 1
    seen = attempts(
        machine,
        ("imap-tls", "alice", SECRET),
        ("imap-starttls", "alice", SECRET),
        ("pop3", "alice", SECRET),
        ("smtp", "alice", SECRET),
        ("smtp", "bob@example.com", OTHER),
        ("smtp", "BOB@example.com", OTHER),
    )
    assert seen[:2] == ["OK", "OK"]
    assert seen[2].startswith("+OK")
    assert seen[3:] == [235, 235, 235]
    turned_away = attempts(
        machine,
        ("imap-plain", "alice", SECRET),
        ("imap-tls", "alice", "wrong"),
        ("imap-tls", "alice", SYSTEM),
        ("smtp", "alice", SYSTEM),
        ("smtp-plain", "alice", SECRET),
    )
    assert all(str(one).startswith("refused: ") for one in turned_away), turned_away
    assert "AUTH" not in str(attempts(machine, ("smtp-plain", None, ""))[0]).upper()


#: Logs somebody in whose hash takes long, and opens another session meanwhile; prints the seconds that each took.
BESIDE = """
import json, smtplib, ssl, sys, threading, time
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
taken = {}
def session(what, user):
    began = time.monotonic()
    with smtplib.SMTP(sys.argv[1], 587, timeout=120) as client:
        client.starttls(context=context)
        client.ehlo("client.example")
        if user:
            client.user, client.password = user, sys.argv[2]
            started.set()
            try:
                client.auth("PLAIN", client.auth_plain)
            except smtplib.SMTPException:
                # On a busy machine it takes longer than smtpd waits.
                pass
    taken[what] = time.monotonic() - began
started = threading.Event()
session("first", "alice")
started.clear()
slow = threading.Thread(target=session, args=("slow", "slow"))
slow.start()
started.wait()
time.sleep(0.2)
session("beside", None)
slow.join()
print(json.dumps(taken))
"""


def test_a_hash_that_takes_long_holds_up_nobody_else(machine: Machine) -> None:
    """2.4 has workers for it; with 2.3 the session beside waits, because smtpd asks the process that hashes."""
    costly = f"printf '%s\\n%s\\n' '{SECRET}' '{SECRET}' | doveadm -O pw -s SHA512-CRYPT -r 3000000"
    users = [
        {"name": "alice", "password": SECRET},
        {"name": "slow", "hash": machine.sh(costly, seconds=120)},
    ]
    applied(machine.apply(**asked(users=users)))
    machine.sh("postfix reload 2>/dev/null")
    done = machine.peer.try_run("python3", "-c", BESIDE, machine.name, SECRET, seconds=200)
    assert done.status == 0, done.err
    taken = json.loads(done.out)
    assert taken["beside"] < taken["slow"] / 2 or not new(machine), taken
    wrong = attempts(machine, ("smtp", "alice", OTHER), ("imap-tls", "alice", OTHER))
    assert all(str(one).startswith("refused: ") for one in wrong), wrong


def test_many_who_come_at_once_after_a_start_get_in(machine: Machine) -> None:
    applied(machine.apply(**asked(max_connections=50)))
    machine.sh("systemctl restart dovecot")
    script = (
        "import concurrent.futures, json, subprocess, sys\n"
        "ask = lambda _n: subprocess.run([sys.executable, '-c', sys.argv[1], sys.argv[2]], input=sys.argv[3],"
        " capture_output=True, text=True).stdout\n"
        "with concurrent.futures.ThreadPoolExecutor(12) as pool: print(json.dumps(list(pool.map(ask, range(12)))))"
    )
    login = json.dumps([["imap-tls", "alice", SECRET]])
    done = machine.peer.try_run("python3", "-c", script, CLIENT, machine.name, login, seconds=100)
    assert json.loads(done.out) == ['"OK"\n'] * 12, done.out


def test_the_penalty_comes_and_goes(machine: Machine) -> None:
    """Dovecot's main process dies of a reload when a listener of anvil comes or goes, so it is restarted."""
    for penalty in (False, True):
        result = machine.apply(**asked(penalty=penalty))
        applied(result)
        assert result["activation"] == "restart"
        assert attempts(machine, ("imap-tls", "alice", SECRET)) == ["OK"]


def test_postfix_asks_the_new_configuration_at_once(machine: Machine) -> None:
    """An smtpd keeps its connection to Dovecot; a process of before must not go on answering there."""
    applied(machine.apply(**asked(penalty=True)))
    applied(machine.apply(**asked(penalty=False)))
    result = machine.apply(**asked(penalty=True))
    applied(result)
    assert result["activation"] == "restart"
    assert attempts(machine, ("smtp", "alice", SECRET)) == [235]
    users = [{"name": "alice", "password": OTHER}]
    result = machine.apply(**asked(penalty=True, passdb="pam", users=[]))
    applied(result)
    assert result["activation"] == "reload"
    assert attempts(machine, ("smtp", "alice", SYSTEM)) == [235]
    applied(machine.apply(**asked(penalty=True, users=users)))
    assert attempts(machine, ("smtp", "alice", OTHER)) == [235]


def test_old_protocols_and_weak_suites_are_refused(machine: Machine) -> None:
    applied(machine.apply(**asked()))
    peer, connect = machine.peer, f"timeout 20 openssl s_client -connect {machine.name}:993"
    for options in ("-tls1_1 -cipher ALL:@SECLEVEL=0", "-tls1_2 -cipher AES256-SHA:@SECLEVEL=0"):
        done = peer.try_run("bash", "-c", f"{connect} {options} </dev/null")
        assert done.status != 0, options
        assert "Cipher is (NONE)" in done.out, options
    good = peer.sh(f"{connect} -tls1_2 </dev/null 2>&1")
    assert "ECDHE" in good
    if new(machine):
        # Only the TLS library of this release has the group, on both sides.
        seen = machine.sh(
            "openssl s_client -connect 127.0.0.1:993 -groups X25519MLKEM768 </dev/null 2>&1"
        )
        assert "X25519MLKEM768" in seen


def test_only_a_new_password_gets_a_new_hash(machine: Machine) -> None:
    applied(machine.apply(**asked()))
    first = machine.sh(f"cat {USERS}").splitlines()
    users = [
        {"name": "alice", "password": "another one"},
        {"name": "bob@example.com", "password": OTHER},
    ]
    result = machine.apply(**asked(users=users))
    applied(result)
    assert [one["name"] for one in result["changes"]] == ["alice"]
    second = machine.sh(f"cat {USERS}").splitlines()
    assert second[2] == first[2]
    assert second[1] != first[1]
    # Somebody else's edit is undone, and a mode that is too wide.
    machine.sh(f"sed -i 's/^bob.*/bob@example.com:{{PLAIN}}x/' {USERS}; chmod 0644 {USERS}")
    applied(machine.apply(**asked(users=users)))
    assert "PLAIN" not in machine.sh(f"cat {USERS}")
    machine.sh(f"chmod 0644 {USERS}")
    applied(machine.apply(**asked(users=users)))
    assert machine.status_of(USERS) == "640 root:dovecot"
    assert attempts(
        machine, ("smtp", "alice", "another one"), ("smtp", "bob@example.com", OTHER)
    ) == [235, 235]


def test_existing_brings_back_what_was_there(machine: Machine) -> None:
    before = machine.sh("cat /etc/dovecot/conf.d/auth-system.conf.ext")
    applied(
        machine.apply(
            **asked(
                userdb="static", userdb_static={"uid": "alice", "gid": "alice", "home": "/home/%n"}
            )
        )
    )
    assert (
        machine.sh("cat /etc/dovecot/conf.d/auth-system.conf.ext | grep -c '^#hardened.mail#'")
        != "0"
    )
    assert (
        attempts(machine, ("imap-tls", "bob@example.com", OTHER), ("imap-tls", "alice", SECRET))[1]
        == "OK"
    )
    applied(machine.apply(module="doveconf", postfix_socket={"path": "private/auth"}))
    assert machine.sh("cat /etc/dovecot/conf.d/auth-system.conf.ext") == before
    assert machine.try_run("test", "-e", USERS).status != 0
    assert attempts(machine, ("imap-tls", "alice", SYSTEM), ("smtp", "alice", SYSTEM)) == [
        "OK",
        235,
    ]


def test_kept_databases_stay_on(machine: Machine) -> None:
    applied(machine.apply(**asked(keep_passdbs=["pam"])))
    assert passdbs(machine) == 2
    assert attempts(machine, ("smtp", "alice", SYSTEM), ("smtp", "alice", SECRET)) == [235, 235]
    # Nobody has to be in the file while another database lets people in.
    applied(machine.apply(**asked(keep_passdbs=["pam"], users=[])))
    assert attempts(machine, ("smtp", "alice", SYSTEM)) == [235]


def test_an_empty_list_of_users_takes_no_login_away(machine: Machine) -> None:
    applied(machine.apply(**asked()))
    before = machine.tree("/etc/dovecot")
    refused(machine.apply(**asked(users=[])), "users is empty", "nobody could log in")
    assert machine.tree("/etc/dovecot") == before
    assert attempts(machine, ("smtp", "alice", SECRET)) == [235]


def test_unusual_names_log_in(machine: Machine) -> None:
    users = [
        {"name": "Jürgen Müller", "password": SECRET},
        {"name": "a-b.c_d@e", "password": OTHER},
    ]
    applied(machine.apply(**asked(users=users)))
    assert machine.apply(**asked(users=users))["changed"] is False
    told = machine.sh(
        f"doveadm auth test 'jürgen müller' '{SECRET}'; doveadm auth test a-b.c_d@e '{OTHER}'"
    )
    assert told.count("auth succeeded") == 2


def test_pam_is_a_choice(machine: Machine) -> None:
    applied(machine.apply(module="doveconf", postfix_socket={"path": "private/auth"}, passdb="pam"))
    assert passdbs(machine) == 1
    assert attempts(machine, ("smtp", "alice", SYSTEM), ("smtp", "alice", SECRET))[0] == 235


def test_names_get_their_own_certificate(machine: Machine) -> None:
    make = "openssl req -x509 -nodes -newkey {} -days 30 -subj /CN={} -addext subjectAltName=DNS:{} -keyout {} -out {} 2>/dev/null"
    machine.sh(
        "mkdir -p /srv/c && cd /srv/c && "
        + make.format("rsa:3072", "m.example", "m.example", "rsa.key", "rsa.crt")
        + " && "
        + make.format(
            "ec -pkeyopt ec_paramgen_curve:P-256", "m.example", "m.example", "ec.key", "ec.crt"
        )
        + " && "
        + make.format(
            "ec -pkeyopt ec_paramgen_curve:P-256", "o.example", "o.example", "o.key", "o.crt"
        )
        + " && chmod 0600 *.key"
    )
    pairs = [
        {"certificate": f"/srv/c/{kind}.crt", "private_key": f"/srv/c/{kind}.key"}
        for kind in ("rsa", "ec")
    ]
    sni = [{"names": ["o.example"], "certificate": "/srv/c/o.crt", "private_key": "/srv/c/o.key"}]
    twice = machine.apply(**asked(certificates=[pairs[1], {**sni[0], "names": []}]))
    refused(twice, "both have a key of the type")
    wrong = machine.apply(**asked(certificates=[{**pairs[0], "private_key": "/srv/c/ec.key"}]))
    refused(wrong, "/srv/c/ec.key")
    applied(machine.apply(**asked(certificates=pairs, sni=sni, profile="strict")))
    look = f"timeout 20 openssl s_client -connect {machine.name}:993 -tls1_2"
    names = "2>/dev/null </dev/null | openssl x509 -noout -subject -text | grep -E 'subject|Public Key Algorithm'"
    assert "id-ecPublicKey" in machine.peer.sh(
        f"{look} -cipher ECDHE-ECDSA-AES128-GCM-SHA256 {names}"
    )
    assert "rsaEncryption" in machine.peer.sh(f"{look} -cipher ECDHE-RSA-AES128-GCM-SHA256 {names}")
    assert "o.example" in machine.peer.sh(f"{look} -servername o.example {names}")


@pytest.mark.parametrize(
    ("script", "options", "told"),
    [
        pytest.param(
            ":",
            {"postfix_socket": {"path": "nowhere/auth"}},
            ["/var/spool/postfix/nowhere", "does not exist"],
            id="socket-directory",
        ),
        pytest.param(
            "echo 'nonsense = 1' >/etc/dovecot/conf.d/50-site.conf",
            {},
            ["does not take its configuration as it is", "50-site.conf line 1"],
            id="broken-by-the-site",
        ),
        pytest.param(
            "echo 'ssl_min_protocol = TLSv1' >/etc/dovecot/conf.d/99-z.conf",
            {},
            ["ssl_min_protocol is 'TLSv1', not 'TLSv1.2'", "99-z.conf line 1 sets it"],
            id="later-file",
        ),
        pytest.param(
            "printf 'protocol imap {\\nssl_min_protocol = TLSv1\\n}\\n' >/etc/dovecot/conf.d/50-site.conf",
            {},
            ["ssl_min_protocol (protocol imap) is 'TLSv1'"],
            id="narrower-section",
        ),
        pytest.param(
            f"echo 'site:{{PLAIN}}x' >{USERS}",
            {},
            ["was not written by this collection"],
            id="users-of-the-site",
        ),
        pytest.param(
            ":",
            {"users": [{"name": "a", "password": "x1y2"}, {"name": "A", "password": "x1y2"}]},
            ["are the same user"],
            id="same-user",
        ),
        pytest.param(
            ":",
            {"users": []},
            ["users is empty", "nobody could log in", "Nothing was changed."],
            id="no-users",
        ),
        pytest.param(
            ":",
            # Named, but no section of the configuration.
            {"users": [], "keep_passdbs": ["ldap"]},
            ["users is empty", "nobody could log in"],
            id="no-users-and-nothing-kept",
        ),
        pytest.param(
            ":",
            {"users": [{"name": "a", "hash": "{LANMAN}0123456789abcdef"}]},
            ["which the Dovecot of this host does not have"],
            id="lacking-scheme",
        ),
        pytest.param(
            ":",
            {"certificates": [{"certificate": "/nowhere.pem", "private_key": "/nowhere.key"}]},
            ["/nowhere.pem"],
            id="no-certificate",
        ),
    ],
)
def test_faults_are_told_and_change_nothing(
    machine: Machine, script: str, options: dict[str, t.Any], told: list[str]
) -> None:
    machine.sh(script)
    before, pid = machine.tree("/etc/dovecot"), machine.sh("cat /run/dovecot/master.pid")
    refused(machine.apply(**asked(**options), check_mode=True), *told)
    refused(machine.apply(**asked(**options)), *told)
    assert machine.tree("/etc/dovecot") == before
    assert machine.sh("cat /run/dovecot/master.pid") == pid
    assert machine.sh("ls -d /run/hardened-mail-* 2>/dev/null || :") == ""


def test_a_later_file_is_found_in_a_run_that_changes_nothing(machine: Machine) -> None:
    applied(machine.apply(**asked()))
    machine.sh("echo 'ssl = yes' >/etc/dovecot/conf.d/99-z.conf")
    refused(machine.apply(**asked()), "does not count", "99-z.conf line 1 sets it")


def test_what_only_a_login_process_refuses_is_put_back(machine: Machine) -> None:
    """doveconf takes a certificate with the wrong key; the ports then have no TLS."""
    machine.sh(
        "mkdir -p /srv/w && cd /srv/w && for n in a b; do openssl req -x509 -nodes -newkey rsa:2048 -days 9 "
        "-subj /CN=$n -keyout $n.key -out $n.crt 2>/dev/null; done"
    )
    before = machine.tree("/etc/dovecot")
    pair = {"certificate": "/srv/w/a.crt", "private_key": "/srv/w/b.key"}
    result = machine.apply(**asked(certificates=[pair], certificate_check="skip"))
    assert result.get("failed"), result
    assert "TLS worked before the change and does not now" in result["msg"]
    assert "Nothing is changed" in result["msg"]
    assert not result["changed"]
    after = machine.tree("/etc/dovecot")
    assert {k: v.split(" ")[0] for k, v in after.items() if "#" in k} == {
        k: v.split(" ")[0] for k, v in before.items() if "#" in k
    }
    assert attempts(machine, ("imap-tls", "alice", SYSTEM)) == ["OK"]


def test_a_stopped_dovecot_stays_stopped_and_a_failed_one_is_told(machine: Machine) -> None:
    machine.sh("systemctl stop dovecot")
    warnings = applied(machine.apply(**asked()))
    assert any("was not running and was left so" in one for one in warnings)
    machine.sh("systemctl start dovecot")
    assert attempts(machine, ("smtp", "alice", SECRET)) == [235]


def test_only_looking_changes_nothing(machine: Machine) -> None:
    before = machine.tree("/etc/dovecot")
    result = machine.apply(**asked(apply=False))
    assert (result["changed"], machine.tree("/etc/dovecot")) == (False, before)
    assert [one for one in result["changes"] if one["name"] == "ssl"]


def test_our_file_is_written_anew_after_an_upgrade(machine: Machine) -> None:
    """What stands in it in the words of the other version keeps Dovecot from starting, but not the module."""
    applied(machine.apply(**asked()))
    foreign = "ssl_cert = </x" if new(machine) else "ssl_server_cert_file = /x"
    machine.sh(f"echo '{foreign}' >>{DROP_IN}")
    applied(machine.apply(**asked()))
    assert attempts(machine, ("imap-tls", "alice", SECRET)) == ["OK"]


def state_of(machine: Machine) -> str:
    """Return what systemd says of Dovecot: active, inactive or failed."""
    return machine.try_run("systemctl", "is-active", "dovecot").out.strip()


def upgraded(machine: Machine, *, state: str) -> None:
    """Have our file in the words of the other version, and Dovecot failed or stopped because of it."""
    applied(machine.apply(**asked()))
    foreign = "ssl_cert = </x" if new(machine) else "ssl_server_cert_file = /x"
    machine.sh(f"systemctl stop dovecot; echo '{foreign}' >>{DROP_IN}")
    if state == "failed":
        machine.sh("! systemctl start dovecot 2>/dev/null")
    assert state_of(machine) == state


def test_a_dovecot_that_failed_after_an_upgrade_is_started(machine: Machine) -> None:
    upgraded(machine, state="failed")
    planned = machine.apply(**asked(), check_mode=True)
    assert (planned.get("failed", False), planned["changed"]) == (False, True), planned
    assert state_of(machine) == "failed"
    result = machine.apply(**asked())
    assert not any("not running" in one for one in applied(result))
    assert (result["activation"], state_of(machine)) == ("restart", "active")
    assert attempts(machine, ("imap-tls", "alice", SECRET), ("smtp", "alice", SECRET)) == [
        "OK",
        235,
    ]
    assert machine.apply(**asked())["changed"] is False


def test_a_failed_dovecot_is_left_to_the_caller_who_wants_that(machine: Machine) -> None:
    upgraded(machine, state="failed")
    result = machine.apply(**asked(activate="none"))
    applied(result)
    assert (result["activation_needed"], state_of(machine)) == ("restart", "failed")


def test_a_dovecot_that_somebody_stopped_before_the_upgrade_stays_stopped(machine: Machine) -> None:
    upgraded(machine, state="inactive")
    warnings = applied(machine.apply(**asked()))
    assert any("was not running and was left so" in one for one in warnings)
    assert state_of(machine) == "inactive"
    machine.sh("systemctl start dovecot")
    assert attempts(machine, ("imap-tls", "alice", SECRET)) == ["OK"]


def test_a_failed_dovecot_that_does_not_start_with_the_new_file_either(machine: Machine) -> None:
    upgraded(machine, state="failed")
    before = machine.tree("/etc/dovecot")
    machine.sh("systemd-run --quiet --unit thief python3 -m http.server 143")
    machine.sh("until ss -Hltn 'sport = 143' | grep -q .; do sleep 0.1; done")
    try:
        result = machine.apply(**asked())
    finally:
        machine.sh("systemctl stop thief")
    assert result.get("failed"), result
    assert "ddress already in use" in result["msg"]
    assert "Dovecot does not run, as before. Nothing is changed." in result["msg"]
    assert (result["changed"], state_of(machine)) == (False, "failed")
    after = machine.tree("/etc/dovecot")
    assert {k: v.split(" ")[0] for k, v in after.items() if "#" in k} == {
        k: v.split(" ")[0] for k, v in before.items() if "#" in k
    }
    # Nothing is in the way any more.
    applied(machine.apply(**asked()))
    assert state_of(machine) == "active"


def test_a_configuration_without_drop_ins_gets_an_include(machine: Machine) -> None:
    machine.sh(
        "sed -i 's,^!include conf.d.*,!include conf.d/1*.conf,' /etc/dovecot/dovecot.conf; systemctl reload dovecot"
    )
    applied(machine.apply(**asked()))
    assert machine.sh("tail -1 /etc/dovecot/dovecot.conf") == "!include hardened-mail.conf"
    assert machine.apply(**asked())["changed"] is False
    assert attempts(machine, ("imap-tls", "alice", SECRET)) == ["OK"]


# ---- Databases -----------------------------------------------------------------------------------

QUERIES = {
    "password_query": "SELECT name AS user, password FROM users WHERE name = '%u'",
    "user_query": "SELECT home, uid, gid FROM users WHERE name = '%u'",
}


def table(machine: Machine) -> str:
    """Return SQL that makes the table of users with one user, whose hash the host makes."""
    value = machine.sh(f"printf '%s\\n%s\\n' '{SECRET}' '{SECRET}' | doveadm -O pw -s ARGON2ID")
    ids = machine.sh("id -u alice; id -g alice").split()
    return (
        "CREATE TABLE users (name text, password text, home text, uid text, gid text);\n"
        f"INSERT INTO users VALUES ('alice', '{value}', '/home/alice', '{ids[0]}', '{ids[1]}');\n"
    )


WORKS = (("imap-tls", "alice", SECRET), ("smtp", "alice", SECRET))
FAILS = (("imap-tls", "alice", SYSTEM), ("smtp", "alice", SYSTEM))


def same_user_works(machine: Machine, options: dict[str, t.Any]) -> None:
    """Fail unless alice logs in with the password of the database, and not with that of the system."""
    applied(machine.apply(**options, diff=True))
    assert machine.apply(**options)["changed"] is False
    assert attempts(machine, *WORKS) == ["OK", 235]
    assert all(str(one).startswith("refused: ") for one in attempts(machine, *FAILS))


def nobody_gets_in(machine: Machine) -> None:
    """Fail unless a database that is gone lets nobody in.

    Dovecot tells Postfix that the failure is temporary, which Postfix passes on only where Dovecot takes long.
    """
    imap, smtp = attempts(machine, *WORKS)
    assert "UNAVAILABLE" in imap, imap
    assert smtp.startswith(("refused: (454,", "refused: (535,")), smtp


def test_sqlite_is_a_choice(machine: Machine) -> None:
    machine.sh(
        "rm -f /srv/users.db; sqlite3 /srv/users.db; chgrp dovecot /srv/users.db; chmod 0640 /srv/users.db",
        stdin=table(machine),
    )
    sql = {"driver": "sqlite", "path": "/srv/users.db", **QUERIES}
    same_user_works(machine, asked(passdb="sql", userdb="sql", users=[], sql=sql))


def test_postgresql_is_a_choice_and_its_absence_lets_nobody_in(
    machine: Machine, mail_machines: dict[str, Machine]
) -> None:
    server = mail_machines["databases"]
    server.sh(
        "cd /etc/postgresql/*/main && echo \"listen_addresses = '*'\" >conf.d/lab.conf && "
        "grep -q 'mail all' pg_hba.conf || echo 'host mail all all scram-sha-256' >>pg_hba.conf; "
        "systemctl restart postgresql postgresql@*; cd /; "
        "runuser -u postgres -- psql -q -c 'DROP DATABASE IF EXISTS mail' -c 'DROP ROLE IF EXISTS dovecot' "
        f"-c \"CREATE ROLE dovecot LOGIN PASSWORD 'db-{SYSTEM}'\" -c 'CREATE DATABASE mail OWNER dovecot'; "
        "runuser -u postgres -- psql -q mail -c 'SET ROLE dovecot' -f -",
        stdin=table(machine),
    )
    sql = {
        "driver": "pgsql",
        "host": "db",
        "database": "mail",
        "user": "dovecot",
        "password": f"db-{SYSTEM}",
        **QUERIES,
    }
    same_user_works(machine, asked(passdb="sql", userdb="sql", users=[], sql=sql))
    found = machine.sh(
        f"grep -rl 'db-{SYSTEM}' /etc/dovecot {STATE} /var/log /run 2>/dev/null || :"
    ).split()
    # Dovecot 2.4 keeps what it read in a file of its own.
    assert 1 <= len(found) <= 2, found
    assert {machine.status_of(path) for path in found} == {"600 root:root"}
    server.sh("systemctl stop 'postgresql@*'")
    nobody_gets_in(machine)


SLAPD = """include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/nis.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
database mdb
suffix dc=example
rootdn cn=admin,dc=example
rootpw {admin}
directory /srv/ldap/db
access to attrs=userPassword by anonymous auth by * none
access to * by * none
"""
PEOPLE = """dn: dc=example
objectClass: dcObject
objectClass: organization
dc: example
o: example

dn: uid=alice,dc=example
objectClass: inetOrgPerson
objectClass: posixAccount
uid: alice
cn: alice
sn: alice
uidNumber: {uid}
gidNumber: {gid}
homeDirectory: /home/alice
userPassword: {secret}
"""


def test_ldap_is_a_choice(machine: Machine, mail_machines: dict[str, Machine]) -> None:
    server, admin = mail_machines["databases"], f"ldap-{SYSTEM}"
    uid, gid = machine.sh("id -u alice; id -g alice").split()
    server.sh(
        "pkill -x slapd; while pgrep -x slapd; do :; done; rm -rf /srv/ldap; mkdir -p /srv/ldap/db; cat >/srv/ldap/slapd.conf",
        stdin=SLAPD.format(admin=admin),
    )
    server.sh(
        "slapadd -f /srv/ldap/slapd.conf && slapd -f /srv/ldap/slapd.conf -h ldap://0.0.0.0/",
        stdin=PEOPLE.format(uid=uid, gid=gid, secret=SECRET),
    )
    directory = {
        "uris": ["ldap://db"],
        "base": "dc=example",
        "bind_dn": "cn=admin,dc=example",
        "bind_password": admin,
    }
    same_user_works(machine, asked(passdb="ldap", userdb="ldap", users=[], ldap=directory))
    found = machine.sh(
        f"grep -rl '{admin}' /etc/dovecot {STATE} /var/log /run 2>/dev/null || :"
    ).split()
    # Dovecot 2.4 keeps what it read in a file of its own.
    assert 1 <= len(found) <= 2, found
    assert {machine.status_of(path) for path in found} == {"600 root:root"}
    server.sh("pkill -x slapd; while pgrep -x slapd; do :; done")
    nobody_gets_in(machine)


# ---- LMTP ----------------------------------------------------------------------------------------

LMTP = """
service lmtp {
  inet_listener lmtp {
    port = 24
  }
  inet_listener lmtps {
    port = 2424
    ssl = yes
  }
}
"""


def test_lmtp_has_the_floor_where_the_site_has_a_port_for_it(machine: Machine) -> None:
    machine.sh("cat >/etc/dovecot/conf.d/50-lmtp.conf && systemctl restart dovecot", stdin=LMTP)
    result = machine.apply(**asked())
    told = applied(result)
    (warned,) = [one for one in told if "LMTP" in one]
    assert "port 24 (LMTP) and cannot demand it" in warned
    probed = {one["port"]: one["after"] for one in result["probe"]}
    for name in ("lmtp on port 24", "lmtp on port 2424"):
        assert probed[name]["tls_version"] == "TLSv1.3", probed
    peer = machine.peer
    for port in (f"24 -starttls lmtp -name {peer.name}", "2424"):
        connect = f"timeout 20 openssl s_client -connect {machine.name}:{port}"
        good = peer.sh(f"{connect} -tls1_2 </dev/null 2>&1")
        assert "ECDHE" in good, port
        for options in (
            "-tls1_1 -cipher ALL:@SECLEVEL=0",
            "-tls1_2 -cipher AES256-SHA:@SECLEVEL=0",
        ):
            done = peer.try_run("bash", "-c", f"{connect} {options} </dev/null")
            assert done.status != 0, (port, options)
            assert "Cipher is (NONE)" in done.out, (port, options)
    assert machine.apply(**asked())["changed"] is False


def test_lmtp_on_this_host_alone_is_no_matter(machine: Machine) -> None:
    here = LMTP.replace("port = 24\n", "port = 24\n    LISTEN = 127.0.0.1\n")
    here = here.replace("LISTEN", "listen" if new(machine) else "address")
    machine.sh("cat >/etc/dovecot/conf.d/50-lmtp.conf && systemctl restart dovecot", stdin=here)
    assert not [one for one in applied(machine.apply(**asked())) if "LMTP" in one]
