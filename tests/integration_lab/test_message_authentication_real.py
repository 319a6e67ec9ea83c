# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role message_authentication on two hosts that send mail to each other.

dkimverify of dkimpy judges the signatures, and what one host's rspamd signs the other's verifies. Each host asks its own
unbound, which tells the zones that the public keys of the role are published in.
"""

from __future__ import annotations

import email
import email.message
import json
import pathlib
import shlex
import time
import typing as t

import pytest
import yaml
from lab_group import Group, run

GROUP: t.Final = Group("auth")
#: On b the site has an rspamd of its own before the role comes, and a milter that is down.
HOSTS: t.Final = {"a": "trixie", "b": "bookworm"}
SITE_MILTER: t.Final = "{ inet:127.0.0.1:9, default_action=accept }"
SECONDS: t.Final = 60
STOP_SECONDS: t.Final = 9
ABSENT: t.Final = "unknown ok not-installed"

PLAY: t.Final = {
    "name": "Sign and judge",
    "hosts": "all",
    "gather_facts": False,
    "roles": [{"role": "hardened.mail.message_authentication"}],
    "post_tasks": [
        {
            "name": "Hand over the public keys",
            "ansible.builtin.copy": {
                "content": "{{ dict(__keys | map(attribute='item.selector') | zip(__keys | map(attribute='public_key'))) | to_json }}",
                "dest": "{{ place }}/{{ inventory_hostname }}.json",
                "mode": "0644",
            },
            "vars": {"__keys": "{{ message_authentication_key_results.results | default([]) }}"},
            "delegate_to": "localhost",
            "when": "place is defined and not ansible_check_mode",
        }
    ],
    "vars": {
        "message_authentication_domains": [
            {
                "domain": "{{ inventory_hostname }}.example",
                "selectors": [
                    {"selector": "r1"},
                    {"selector": "e1", "algorithm": "ed25519"},
                ],
            }
        ],
        "message_authentication_nameservers": ["127.0.0.1"],
    },
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[pathlib.Path]:
    """A folder for playbooks and keys; the hosts are up while it is there."""
    folder = tmp_path_factory.mktemp("auth")
    with GROUP.running({name: f"{release}:milters" for name, release in HOSTS.items()}):
        for name in HOSTS:
            GROUP.sh(name, "postconf -e 'mydestination = $myhostname, localhost' && useradd -m bob")
        GROUP.sh("b", "apt-get install -y -qq --no-install-recommends rspamd >/dev/null 2>&1")
        GROUP.sh(
            "b", f"postconf -e 'smtpd_milters = {SITE_MILTER}' 'non_smtpd_milters = $smtpd_milters'"
        )
        yield folder


def play(place: pathlib.Path, *options: str, **variables: t.Any) -> str:
    """Run the role on both hosts and return what Ansible printed."""
    book = place / "play.yml"
    book.write_text(yaml.safe_dump([PLAY]))
    extra = json.dumps({"place": str(place), **variables})
    done = run("ansible-playbook", "-i", str(GROUP.inventory), "-e", extra, *options, str(book))
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def signed_with(host: str, domain: str = "") -> dict[str, str]:
    """With which selectors a host signs now, and what it says of the signatures, by the module; empty before it listens."""
    command = ["ansible", "-i", str(GROUP.inventory), host, "-m", "hardened.mail.dkim_signing_info"]
    said = run(*command, "-a", f"domain={domain or host + '.example'}").stdout
    if "SUCCESS" not in said:
        return {}
    result = json.loads(said.partition("=>")[2])
    assert result["outgoing"] == "accepted"
    return {one["selector"]: one["result"] for one in result["signatures"]}


def wait_for(check: t.Callable[[], bool], *, seconds: float = SECONDS) -> None:
    """Wait until something is true."""
    until = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < until
        time.sleep(0.2)


def txt(text: str) -> str:
    """A TXT record of unbound's, which wants strings of 255 octets at most."""
    return " ".join(f'"{text[at : at + 250]}"' for at in range(0, len(text), 250))


def publish(place: pathlib.Path) -> None:
    """Tell both hosts the zones of both; what is signed is in them."""
    lines = ["server:", "  interface: 127.0.0.1", "  do-ip6: no", '  module-config: "iterator"']
    lines.append('  local-zone: "example." static')
    for name in HOSTS:
        address = GROUP.sh(name, "ip -4 -o addr show eth0 | awk '{print $4}'").partition("/")[0]
        domain = f"{name}.example."
        records = {
            f"{domain} IN A": address,
            f"{domain} IN MX": f"10 {domain}",
            f"{domain} IN TXT": txt("v=spf1 a -all"),
            f"_dmarc.{domain} IN TXT": txt("v=DMARC1; p=reject"),
        }
        for selector, key in json.loads((place / f"{name}.json").read_text()).items():
            algorithm = "rsa" if selector == "r1" else "ed25519"
            value = f"v=DKIM1; k={algorithm}; p={key}"
            records[f"{selector}._domainkey.{domain} IN TXT"] = txt(value)
        lines += [f"  local-data: '{name} {value}'" for name, value in records.items()]
    for name in HOSTS:
        GROUP.sh(name, "cat > /etc/unbound/unbound.conf.d/lab.conf", given="\n".join(lines) + "\n")
        GROUP.sh(name, "rm -f /etc/unbound/unbound.conf.d/root-auto-trust-anchor-file.conf")
        GROUP.sh(name, "systemctl restart unbound && echo nameserver 127.0.0.1 > /etc/resolv.conf")
        GROUP.sh(name, "cp /etc/resolv.conf /var/spool/postfix/etc/resolv.conf; postfix reload")


@pytest.fixture(scope="module")
def foreseen(place: pathlib.Path) -> str:
    """What check mode says of hosts that have nothing yet."""
    return play(place, "--check", "--diff")


@pytest.fixture(scope="module")
def served(place: pathlib.Path, foreseen: str) -> pathlib.Path:
    """Both hosts sign and judge, and their keys are published."""
    assert foreseen
    play(place)
    publish(place)
    return place


def delivered(host: str, subject: str) -> email.message.Message:
    """Wait for a message in bob's mailbox and return it as it was stored."""
    until = time.monotonic() + SECONDS
    while True:
        box = GROUP.sh(host, "cat /var/mail/bob 2>/dev/null || true")
        for text in f"\n{box}".split("\nFrom ")[1:]:
            message = email.message_from_string(text.partition("\n")[2])
            if message["Subject"] == subject:
                return message
        assert time.monotonic() < until, GROUP.sh(host, "journalctl -n 60 --no-pager")
        time.sleep(0.2)


def send(frm: str, to: str, *, subject: str, sender: str = "", header: str = "") -> str:
    """Send a message from one host to the other, by sendmail, or as a stranger over SMTP; return the answer."""
    address = sender or f"root@{frm}.example"
    text = f"From: {address}\nTo: bob@{to}.example\nSubject: {subject}\nMIME-Version: 1.0\n{header}\nhello\n"
    if not sender:
        return GROUP.sh(frm, f"sendmail -f {address} bob@{to}.example", given=text)
    script = (
        "python3 -c 'import smtplib, sys\n"
        f'with smtplib.SMTP("{to}.example", 25, local_hostname="stranger.example") as s:\n'
        "    try:\n"
        f'        s.sendmail("eve@stranger.example", ["bob@{to}.example"], sys.stdin.read())\n'
        '        print("250")\n'
        "    except smtplib.SMTPResponseException as refused:\n"
        "        print(refused.smtp_code, refused.smtp_error.decode())'"
    )
    return GROUP.sh(frm, script, given=text)


def results(message: email.message.Message) -> list[str]:
    """The Authentication-Results, folded lines joined."""
    return [" ".join(one.split()) for one in message.get_all("Authentication-Results", [])]


def test_check_mode_says_what_would_come_and_changes_nothing(foreseen: str) -> None:
    assert "would install rspamd" in foreseen
    assert GROUP.sh("a", "ls -d /etc/hardened-mail /usr/bin/rspamd 2>/dev/null || true") == ""
    assert "hardened-mail" not in GROUP.sh("b", "ls /etc; postconf -n smtpd_milters")


@pytest.mark.parametrize(("frm", "to"), [("a", "b"), ("b", "a")])
@pytest.mark.usefixtures("served")
def test_what_one_host_signs_the_other_verifies(frm: str, to: str) -> None:
    send(frm, to, subject=f"signed {frm}")
    message = delivered(to, f"signed {frm}")
    (judged,) = results(message)
    assert judged.startswith(f"{to}.example;")
    for selector in ("r1", "e1"):
        assert f"dkim=pass header.d={frm}.example header.s={selector}" in judged
    assert "spf=pass" in judged
    assert "dmarc=pass (policy=reject)" in judged


@pytest.mark.usefixtures("served")
def test_a_referee_that_is_not_the_signer_verifies_both_signatures() -> None:
    send("a", "b", subject="refereed")
    message = delivered("b", "refereed")
    for number, algorithm in enumerate(("rsa-sha256", "ed25519-sha256")):
        signature = " ".join(message.get_all("DKIM-Signature", [])[number].split())
        assert f"a={algorithm};" in signature
        fields = signature.split("h=")[1].split(";")[0].replace(" ", "").split(":")
        assert fields.count("from") == 2, "one more From could be added unseen"
        assert {"to", "subject", "date", "message-id", "mime-version"} <= set(fields)
        assert " l=" not in signature
        said = GROUP.sh("b", f"dkimverify --index {number}", given=message.as_string())
        assert "signature ok" in said
    forged = message.as_string().replace("\n\nhello", "\n\nhallo")
    done = GROUP.try_sh("b", "dkimverify", given=forged)
    assert "signature ok" not in done.stdout, "the referee accepts anything"


@pytest.mark.usefixtures("served")
def test_a_forged_message_fails_and_its_own_results_are_gone() -> None:
    claim = "Authentication-Results: b.example; dmarc=pass header.from=a.example\n"
    said = send("a", "b", subject="forged", sender="root@a.example", header=claim)
    assert said == "250", "without enforcing, nothing is refused"
    (judged,) = results(delivered("b", "forged"))
    assert "dmarc=fail" in judged
    assert "dkim=none" in judged
    assert "dmarc=pass" not in judged


@pytest.mark.usefixtures("served")
def test_the_milter_of_the_site_and_its_own_rspamd_stay() -> None:
    assert (
        GROUP.sh("b", "postconf -h smtpd_milters")
        == f"{SITE_MILTER}, unix:hardened-mail/milter.sock"
    )
    assert GROUP.sh("b", "postconf -h non_smtpd_milters") == "$smtpd_milters"
    assert GROUP.sh("b", "systemctl is-active rspamd") == "active"
    assert GROUP.sh("a", "systemctl is-active rspamd || true") == "inactive"


def test_a_second_run_changes_nothing_and_shows_no_private_key(served: pathlib.Path) -> None:
    listed = GROUP.sh(
        "a", "find /etc/hardened-mail/dkim -name '*.key' -printf '%m %u:%g\\n'"
    ).split("\n")
    assert listed == ["600 _rspamd:root"] * 2
    secret = GROUP.sh("a", "sed -n 2p /etc/hardened-mail/dkim/a.example/r1.key")
    assert len(secret) == 64
    said = play(served, "-vvv", "--diff")
    assert secret not in said
    assert said.count("changed=0") == len(HOSTS), "a second run changes something"


@pytest.mark.usefixtures("served")
@pytest.mark.parametrize("host", HOSTS)
def test_the_milter_reads_its_keys_and_cannot_write_them(host: str) -> None:
    """As whoever takes the daemon over: in its place, as its user."""
    key = f"/etc/hardened-mail/dkim/{host}.example/r1.key"
    tried = f"head -c 1 {key} >/dev/null && echo read; true >>{key} && echo written; rm -f {key}; ls {key}"
    inside = f"nsenter --target $(systemctl show -P MainPID {UNIT}) --mount"
    said = GROUP.try_sh(host, f"{inside} runuser -u _rspamd -- sh -c {shlex.quote(tried)}")
    assert said.stdout.split() == ["read", key]
    assert "Read-only file system" in said.stderr


@pytest.mark.usefixtures("served")
def test_nothing_comes_that_was_only_recommended() -> None:
    assert GROUP.sh("a", "dpkg-query -W -f '${Status}\n' redis-server 2>/dev/null || true") in (
        "",
        ABSENT,
    )


UNIT: t.Final = "hardened-mail-rspamd"


@pytest.mark.parametrize("host", list(HOSTS))
@pytest.mark.usefixtures("served")
def test_it_stops_quickly_while_a_client_keeps_its_connection(host: str) -> None:
    """rspamd 3.12 waited a minute after the first message, and while a client said nothing more."""
    client = "exec 3<>/dev/tcp/127.0.0.1/25; read -r -u 3 banner; printf 'EHLO a.example\r\n' >&3; sleep 60"
    GROUP.sh(host, f"systemd-run --collect --unit=client bash -c {shlex.quote(client)}")
    sockets = "ss -Hxn state connected | grep -c hardened-mail/milter.sock"
    try:
        wait_for(lambda: int(GROUP.sh(host, f"{sockets} || true")) > 0)
        begun = time.monotonic()
        GROUP.sh(host, f"systemctl stop {UNIT}")
        took = time.monotonic() - begun
        print(f"{host} stopped after {took:.1f} s")
        assert took < STOP_SECONDS
        assert GROUP.sh(host, f"systemctl is-active {UNIT} || true") == "inactive", (
            "it had to be killed"
        )
        assert GROUP.sh(host, f"pgrep -u _rspamd -af {UNIT}/ || true") == ""
    finally:
        GROUP.sh(host, f"systemctl stop client; systemctl start {UNIT}")


@pytest.mark.parametrize("host", list(HOSTS))
@pytest.mark.usefixtures("served")
def test_a_reload_while_it_starts_does_not_end_it(host: str) -> None:
    """The first start compiles the public suffixes for a while; a SIGHUP in that time ends the daemon when that is done."""
    GROUP.sh(host, f"systemctl stop {UNIT} && rm -rf /var/lib/hardened-mail-rspamd/*")
    GROUP.sh(host, f"systemctl start {UNIT}")
    before = GROUP.sh(host, f"systemctl show -P MainPID {UNIT}")
    GROUP.sh(host, f"systemctl reload {UNIT}")
    listens = (
        f"[ -S /run/{UNIT}/controller.sock ] || [ $(systemctl show -P MainPID {UNIT}) != {before} ]"
    )
    wait_for(lambda: GROUP.sh(host, f"{{ {listens}; }} && echo yes || true") == "yes", seconds=150)
    assert GROUP.sh(host, f"systemctl show -P MainPID,NRestarts,ActiveState {UNIT}").split() == [
        before,
        "0",
        "active",
    ]
    wait_for(lambda: send(host, host, subject=f"after the reload of {host}") == "")
    assert delivered(host, f"after the reload of {host}")


def test_a_host_with_an_rspamd_of_its_own_gets_what_the_configuration_names(
    served: pathlib.Path,
) -> None:
    assert served
    named = GROUP.sh("b", "grep -o '/usr/share[^\"]*' /etc/hardened-mail/rspamd.conf")
    assert GROUP.sh("b", f"head -c 4 {named}")


def test_two_keys_for_one_selector_are_refused(served: pathlib.Path) -> None:
    before = {host: signed_with(host) for host in HOSTS}
    several = [{"selector": "s-{{ inventory_hostname_short }}"}, {"selector": "same"}]
    book = [{**PLAY, "vars": {**PLAY["vars"]}, "post_tasks": []}]
    for selectors, refused in ((several, True), (several[:1], False)):
        book[0]["vars"]["message_authentication_domains"] = [
            {"domain": "{{ inventory_hostname }}.example", "selectors": [{"selector": "r1"}]},
            {"domain": "shared.example", "selectors": selectors},
        ]
        (served / "shared.yml").write_text(yaml.safe_dump(book))
        done = run("ansible-playbook", "-i", str(GROUP.inventory), str(served / "shared.yml"))
        said = " ".join(done.stdout.split())
        assert (done.returncode != 0) == refused, said
        told = "Two hosts have different keys for same._domainkey.shared.example (a and b)"
        assert (told in said) == refused, said
        if refused:
            assert {host: signed_with(host) for host in HOSTS} == before
    play(served)
    for host in HOSTS:
        GROUP.sh(host, "rm -r /etc/hardened-mail/dkim/shared.example")


def test_a_key_is_made_before_it_signs(served: pathlib.Path) -> None:
    selectors = [{"selector": "r1"}, {"selector": "r2", "sign": False}]
    domains = [{"domain": "a.example", "selectors": selectors}]
    play(served, "--limit", "a", message_authentication_domains=domains)
    assert GROUP.sh("a", "ls /etc/hardened-mail/dkim/a.example") == "e1.key\nr1.key\nr2.key"
    wait_for(lambda: signed_with("a") == {"r1": "pass"})
    play(served, "--limit", "a")
    wait_for(lambda: signed_with("a") == {"r1": "pass", "e1": "pass"})
    GROUP.sh("a", "rm /etc/hardened-mail/dkim/a.example/r2.key")


def test_what_is_signed_is_seen_without_a_message(served: pathlib.Path) -> None:
    assert served
    before = GROUP.sh(
        "b",
        "find /var/spool/postfix -type f -path '*/[0-9A-F]/*' | wc -l; cat /var/mail/bob || true",
    )
    assert signed_with("b") == {"r1": "pass", "e1": "pass"}
    GROUP.sh("b", "unbound-control local_data_remove e1._domainkey.b.example")
    # What rspamd knows of the key goes with it.
    GROUP.sh("b", f"systemctl restart {UNIT}")
    try:
        wait_for(lambda: signed_with("b") not in ({}, {"r1": "pass", "e1": "pass"}))
        seen = signed_with("b")
        assert seen["r1"] == "pass"
        assert seen["e1"] in ("none", "permerror")
    finally:
        GROUP.sh("b", "systemctl restart unbound")
    assert signed_with("b", "nobody.example") == {}
    after = GROUP.sh(
        "b",
        "find /var/spool/postfix -type f -path '*/[0-9A-F]/*' | wc -l; cat /var/mail/bob || true",
    )
    assert after == before


def test_enforcing_refuses_what_the_domain_wants_refused(served: pathlib.Path) -> None:
    play(served, message_authentication_enforce_dmarc=True)
    until = time.monotonic() + SECONDS
    while not (said := send("a", "b", subject="refused", sender="root@a.example")).startswith("5"):
        # The old worker may take a message or two after the reload.
        assert time.monotonic() < until, said
    send("a", "b", subject="welcome")
    assert delivered("b", "welcome")


def test_absent_takes_it_out_and_leaves_the_rest(served: pathlib.Path) -> None:
    play(served, message_authentication_state="absent")
    assert GROUP.sh("b", "postconf -h smtpd_milters") == SITE_MILTER
    assert GROUP.sh("a", "postconf -n smtpd_milters non_smtpd_milters") == ""
    assert GROUP.sh("b", "systemctl is-active rspamd") == "active"
    assert GROUP.sh("a", "systemctl is-active hardened-mail-rspamd || true") == "inactive"
    assert GROUP.sh("a", "ls /etc/hardened-mail/dkim/a.example") == "e1.key\nr1.key"
    said = play(served, "--limit", "a", message_authentication_state="absent")
    assert said.count("changed=0") == 1, said
