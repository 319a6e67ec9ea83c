# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records as dig, delv and named-checkzone see them, and mail that DANE and MTA-STS protect, as Postfix's log shows it."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import json
import os
import pathlib
import re
import signal
import subprocess
import typing as t

import pytest

if t.TYPE_CHECKING:
    from email.message import Message

    from conftest import Host

    Delivered = t.Callable[..., list[Message]]
    Groups = t.Mapping[str, t.Sequence[Host]]

FOREIGN: t.Final = '"somebody-else=keeps this; always"'
VERIFIED: t.Final = "Verified TLS connection established to {}.example"
SENDER: t.Final = """
number=0
while [ ! -e /root/enough ]; do
  number=$((number + 1))
  printf 'From: root@one.example\\nSubject: %s-%s.\\n\\ntext\\n' "$1" "$number" | sendmail -f root@one.example receiver@two.example
  sleep 0.3
done
echo "$number" >/root/sent
"""


@pytest.fixture(scope="session")
def named(groups: Groups) -> dict[str, Host]:
    """The hosts by their names."""
    return {host.name: host for host in groups["any_host"]}


@pytest.fixture
def dig(named: dict[str, Host]) -> t.Callable[..., list[str]]:
    """Ask one of the name servers with dig."""

    def ask(server: str, *words: str) -> list[str]:
        where = f"@{named[server].ip_address}"
        return sorted(named["primary"].output("dig", "+short", where, *words).splitlines())

    return ask


@contextlib.contextmanager
def changed(primary: Host, *lines: str, back: t.Sequence[str]) -> t.Iterator[None]:
    """Change records with nsupdate for as long as the block lasts."""

    def update(lines: t.Sequence[str]) -> None:
        text = "\n".join(["server 127.0.0.1", "zone example", *lines, "send", ""])
        key = "sed -n '/^key/,/^};/p' /etc/bind/named.conf >/root/key"
        primary.output("sh", "-c", f"{key}; printf '%s' '{text}' | nsupdate -k /root/key")

    update(lines)
    try:
        yield
    finally:
        update(back)


def send(host: Host, recipient: str, token: str) -> None:
    """Send a message with the host's own Postfix."""
    host.output("sh", "-c", f"printf 'Subject: {token}\\n\\ntext\\n' | sendmail {recipient}")


def deferred(host: Host, recipient: str) -> list[str]:
    """Return why mail to a recipient was put off."""
    return re.findall(rf"to=<{re.escape(recipient)}>, .*status=deferred \((.*)\)", host.log())


@pytest.mark.parametrize("server", ["primary", "secondary", "resolver"])
def test_every_server_has_the_records(server: str, dig: t.Callable[..., list[str]]) -> None:
    assert dig(server, "one.example", "MX") == ["10 mx1.example."]
    assert len(dig(server, "_25._tcp.mx1.example", "TLSA")) == 1
    assert dig(server, "_dmarc.two.example", "TXT")[0].startswith('"v=DMARC1; p=reject')
    assert dig(server, "parked.example", "MX") == ["0 ."]


def test_the_record_of_somebody_else_survives(dig: t.Callable[..., list[str]]) -> None:
    texts = dig("primary", "one.example", "TXT")
    assert FOREIGN in texts
    assert [one for one in texts if one != FOREIGN] == ['"v=spf1 mx -all"']


def test_the_tlsa_record_is_the_digest_that_openssl_makes(
    mail: Host, dig: t.Callable[..., list[str]]
) -> None:
    made = mail.output(
        "sh", "-c",
        "openssl x509 -in /etc/ssl/mail/first/fullchain.pem -noout -pubkey | openssl pkey -pubin -outform der"
        " | openssl dgst -sha256 -r | cut -d' ' -f1",
    )  # fmt: skip
    (record,) = dig("primary", f"_25._tcp.{mail.address}", "TLSA")
    assert record.split(" ", 3)[3].replace(" ", "").lower() == made


def test_delv_validates_the_zone_and_sees_the_broken_one(named: dict[str, Host]) -> None:
    place = f"@{named['resolver'].ip_address}"
    anchors = (
        "printf 'trust-anchors { example. static-key %s; };' \"$(dig +short @127.0.0.1 example DNSKEY"
        ' | sed -E \'s/^([0-9]+ [0-9]+ [0-9]+) (.*)$/\\1 "\\2"/\')" >/root/anchors'
    )
    primary = named["primary"]
    primary.output("sh", "-c", anchors)
    said = primary.output(
        "delv", "@127.0.0.1", "-a", "/root/anchors", "+root=example", "mx1.example", "A"
    )
    assert "; fully validated" in said
    broken = primary.output("dig", place, "broken.example", "MX")
    assert "status: SERVFAIL" in broken
    assert "status: NOERROR" in primary.output("dig", "+cd", place, "broken.example", "MX")


def test_named_checkzone_accepts_the_fragment(named: dict[str, Host]) -> None:
    place = pathlib.Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "example.mail"
    head = "$ORIGIN example.\n@ 60 IN SOA primary hostmaster 1 3600 600 86400 60\n@ 60 IN NS primary\nprimary 60 IN A 192.0.2.53\n"
    primary = named["primary"]
    text = head + place.read_text(encoding="utf-8")
    written = primary.run("sh", "-c", f"cat >/root/zone <<'END'\n{text}END\n")
    assert written.rc == 0
    assert "OK" in primary.output("named-checkzone", "-i", "full", "example", "/root/zone")


@pytest.mark.parametrize(
    ("from_", "to", "domain"), [("mx1", "mx2", "two.example"), ("mx2", "mx1", "one.example")]
)
def test_mail_goes_over_a_connection_that_dane_verified(
    from_: str, to: str, domain: str, named: dict[str, Host], delivered: Delivered, token: str
) -> None:
    send(named[from_], f"receiver@{domain}", token)
    assert delivered(named[to], token)
    assert VERIFIED.format(to) in named[from_].log()


def test_posttls_finger_verifies_by_dane(named: dict[str, Host]) -> None:
    said = named["mx1"].output("posttls-finger", "-c", "-l", "dane", "two.example")
    assert "Verified TLS connection established to mx2.example" in said


@pytest.fixture
def put_off(until: t.Callable[..., t.Any]) -> t.Callable[[Host, str, str], str]:
    """Send a message that is not to go through; return why it was put off."""

    def refuse(host: Host, recipient: str, token: str) -> str:
        before = len(deferred(host, recipient))
        send(host, recipient, token)
        found: list[str] = until(lambda: deferred(host, recipient)[before:])
        assert found, host.log()[-3000:]
        return found[0]

    return refuse


def knows_record(host: Host, domain: str, digest: str) -> bool:
    """Tell whether a host's own resolver has this TLSA record, and no other, for the MX of a domain."""
    said = host.run("posttls-finger", "-c", "-l", "dane", "-L", "verbose", domain)
    found = re.findall(r" TLSA record: \S+: 3 1 1 ([0-9a-fA-F]+)", said.stdout + said.stderr)
    return [one.upper() for one in found] == [digest]


def test_a_wrong_record_keeps_the_mail_back(
    named: dict[str, Host],
    dig: t.Callable[..., list[str]],
    delivered: Delivered,
    until: t.Callable[..., t.Any],
    put_off: t.Callable[[Host, str, str], str],
    token: str,
) -> None:
    name, sender = "_25._tcp.mx2.example", named["mx1"]
    (right,) = dig("primary", name, "TLSA")
    delete = f"update delete {name} TLSA"
    wrong = [delete, f"update add {name} 60 TLSA 3 1 1 {'0' * 64}"]
    with changed(named["primary"], *wrong, back=[delete, f"update add {name} 60 TLSA {right}"]):
        assert until(lambda: knows_record(sender, "two.example", "0" * 64))
        # A process of Postfix that has sent mail remembers the old record for as long as its TTL.
        sender.output("postfix", "reload")
        assert put_off(sender, "receiver@two.example", token) == "Server certificate not verified"
    digest = right.split(" ", 3)[3].replace(" ", "")
    assert until(lambda: knows_record(sender, "two.example", digest))
    assert not [one for one in named["mx2"].messages() if token in one.as_string()]
    sender.output("postfix", "reload")
    sender.output("postqueue", "-f")
    assert delivered(named["mx2"], token)


def test_a_stripped_starttls_keeps_the_mail_back(
    named: dict[str, Host],
    delivered: Delivered,
    put_off: t.Callable[[Host, str, str], str],
    token: str,
) -> None:
    receiver = named["mx1"]
    receiver.output("postconf", "-e", "smtpd_discard_ehlo_keywords = starttls")
    receiver.output("postfix", "reload")
    try:
        reason = put_off(named["mx2"], "receiver@one.example", token)
        assert "TLS is required, but was not offered" in reason
    finally:
        receiver.output("postconf", "-X", "smtpd_discard_ehlo_keywords")
        receiver.output("postfix", "reload")
    named["mx2"].output("postqueue", "-f")
    assert delivered(receiver, token)


@pytest.mark.parametrize("domain", ["one.example", "two.example"])
def test_the_policy_is_on_the_web_and_its_record_in_the_dns(
    domain: str, named: dict[str, Host], dig: t.Callable[..., list[str]]
) -> None:
    mx = {"one.example": "mx1.example", "two.example": "mx2.example"}[domain]
    place = f"https://mta-sts.{domain}/.well-known/mta-sts.txt"
    policy = named["web"].output("curl", "-sSf", place).split()
    assert policy[:6] == ["version:", "STSv1", "mode:", "enforce", "mx:", mx]
    (record,) = dig("resolver", f"_mta-sts.{domain}", "TXT")
    assert re.fullmatch(r'"v=STSv1; id=\w{1,32};?"', record)


@contextlib.contextmanager
def shown(receiver: Host, directory: str) -> t.Iterator[None]:
    """Let a mail host show the certificate of another directory for as long as the block lasts."""

    def lead(target: str) -> None:
        receiver.output("ln", "-sfn", target, "/etc/ssl/mail/current")
        receiver.output("postfix", "reload")

    lead(directory)
    try:
        yield
    finally:
        lead("first")


@pytest.fixture
def wrong_certificates(named: dict[str, Host]) -> dict[str, str]:
    """Bring certificates to mx2 that are not its own; return their directories."""
    places = {"of an unknown authority": "/root/stranger", "for another name": "/root/other"}
    receiver = named["mx2"]
    receiver.output("mkdir", "-p", *places.values())
    receiver.output(
        "sh", "-c",
        "cd /root/stranger && openssl req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -days 30"
        " -subj /CN=stranger -addext subjectAltName=DNS:mx2.example -keyout privkey.pem -out fullchain.pem 2>/dev/null",
    )  # fmt: skip
    for name in ("fullchain.pem", "privkey.pem"):
        text = named["mx1"].content(f"/etc/ssl/mail/first/{name}")
        receiver.output("sh", "-c", f"echo '{text}' >/root/other/{name}")
    return places


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("of an unknown authority", "self-signed certificate"),
        ("for another name", "hostname mismatch"),
    ],
)
def test_mta_sts_keeps_mail_back_from_a_wrong_certificate(
    kind: str,
    reason: str,
    named: dict[str, Host],
    delivered: Delivered,
    put_off: t.Callable[[Host, str, str], str],
    wrong_certificates: dict[str, str],
    token: str,
) -> None:
    sender, receiver, recipient = named["web"], named["mx2"], "receiver@two.example"
    with shown(receiver, wrong_certificates[kind]):
        assert put_off(sender, recipient, token) == "Server certificate not verified"
        assert reason in sender.log()
        assert not [one for one in receiver.messages() if token in one.as_string()]
    before = sender.log().count(VERIFIED.format("mx2"))
    sender.output("postqueue", "-f")
    assert delivered(receiver, token)
    assert sender.log().count(VERIFIED.format("mx2")) == before + 1


def results(message: Message) -> str:
    """What the receiver wrote of a message, on one line."""
    return " ".join(" ".join(message.get_all("Authentication-Results", [])).split())


def write(host: Host, sender: str, recipient: str, token: str) -> None:
    """Send a message with From, as a program on the host does."""
    text = f"From: {sender}\\nSubject: {token}\\n\\ntext\\n"
    host.output("sh", "-c", f"printf '{text}' | sendmail -f {sender} {recipient}")


def referee(host: Host, text: str, number: int) -> str:
    """What dkimpy says of one of the signatures of a message."""
    return str(host.run("sh", "-c", f"dkimverify --index {number} <<'END'\n{text}\nEND\n").stdout)


@pytest.mark.parametrize(("from_", "to"), [("mx1", "mx2"), ("mx2", "mx1")])
def test_what_one_host_signs_the_other_and_a_referee_verify(
    from_: str, to: str, named: dict[str, Host], delivered: Delivered, token: str
) -> None:
    domains = {"mx1": "one.example", "mx2": "two.example"}
    domain = domains[from_]
    write(named[from_], f"root@{domain}", f"receiver@{domains[to]}", token)
    (message,) = delivered(named[to], token)
    said = results(message)
    for selector in ("r1", "e1"):
        assert f"dkim=pass header.d={domain} header.s={selector}" in said
    assert "spf=pass" in said
    assert "dmarc=pass (policy=reject)" in said
    text = message.as_string()
    for number in range(2):
        assert "signature ok" in referee(named[to], text, number)
        assert "signature ok" not in referee(named[to], text.replace("\ntext", "\ntest"), number)


FORGER: t.Final = """
import smtplib, sys
with smtplib.SMTP("mx2.example", local_hostname="stranger.example") as server:
    server.sendmail("eve@stranger.example", ["receiver@two.example"], sys.argv[1])
"""


def test_a_forged_message_fails(named: dict[str, Host], delivered: Delivered, token: str) -> None:
    claim = "Authentication-Results: mx2.example; dkim=pass header.d=one.example; dmarc=pass header.from=one.example"
    text = f"{claim}\r\nFrom: root@one.example\r\nSubject: {token}\r\n\r\ntext\r\n"
    named["primary"].output("python3", "-c", FORGER, text)
    (message,) = delivered(named["mx2"], token)
    said = results(message)
    assert "dkim=none" in said
    assert "dmarc=fail" in said
    assert "pass" not in said


@dataclasses.dataclass(frozen=True)
class Running:
    """A playbook that runs, and where it says what it does."""

    process: subprocess.Popen[bytes]
    log: pathlib.Path

    def kill(self) -> None:
        """End it at once, as a machine that fails would."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def said(self) -> str:
        """Wait for its end, which must be a good one; return what it said."""
        text = self.end()
        assert self.process.returncode == 0, text[-8000:]
        return text

    def end(self) -> str:
        """Wait for its end; return what it said."""
        self.process.wait()
        return self.log.read_text(encoding="utf-8")


Play = t.Callable[..., Running]


@pytest.fixture
def play(tmp_path: pathlib.Path) -> t.Iterator[Play]:
    """Start a playbook of the scenario, with its variables in the inventory."""
    directory = pathlib.Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"])
    scenario = pathlib.Path(os.environ["MOLECULE_SCENARIO_DIRECTORY"])
    project = os.environ["MOLECULE_PROJECT_DIRECTORY"]
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / "mail.yml").write_bytes((scenario / "vars.yml").read_bytes())
    (tmp_path / "hosts").write_text("[mail]\nmx1\nmx2\n")
    started: list[Running] = []

    def start(book: str, *options: str, **variables: t.Any) -> Running:
        command = ["ansible-playbook", "-i", str(directory / "inventory" / "lab.yml")]
        command += ["-i", str(tmp_path / "hosts"), str(scenario / book)]
        command += ["-e", f"molecule_ephemeral_directory={directory}", *options]
        for name, value in variables.items():
            command += ["-e", f"{name}={value}"]
        log = tmp_path / f"{len(started)}.log"
        with log.open("wb") as stream:
            process = subprocess.Popen(
                command,
                env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": f"{project}/.cache/collections"},
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        started.append(Running(process, log))
        return started[-1]

    yield start
    for running in started:
        if running.process.poll() is None:
            running.kill()


@pytest.fixture
def mail_going_on(until: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
    """Send messages as long as a block lasts; the function that it gives says how many, afterwards."""

    @contextlib.contextmanager
    def going_on(sender: Host, token: str) -> t.Iterator[t.Callable[[], int]]:
        sender.output("rm", "-f", "/root/enough", "/root/sent")
        sender.output("systemd-run", "--collect", "--unit=sender", "sh", "-c", SENDER, "sh", token)
        try:
            yield lambda: int(until(lambda: sender.run("cat", "/root/sent").stdout.strip() or None))
        finally:
            sender.output("touch", "/root/enough")

    return going_on


def arrived(receiver: Host, token: str) -> dict[str, Message]:
    """Return those of the messages that have arrived, by their subjects."""
    found = {str(message["Subject"]): message for message in receiver.messages()}
    return {subject: one for subject, one in found.items() if subject.startswith(token)}


@pytest.mark.parametrize(
    ("book", "variable"),
    [
        ("rollover_dkim.yml", "dns_records_domains"),
        ("rollover_dkim.yml", "message_authentication_domains"),
        ("rollover.yml", "dns_records_next_certificates"),
    ],
)
def test_what_the_command_line_would_hold_in_place_is_refused(
    book: str, variable: str, play: Play
) -> None:
    running = play(book, **{variable: "[]"})
    said = running.end()
    assert running.process.returncode != 0
    assert "given with -e" in " ".join(said.split())
    assert re.findall(r"changed=[1-9]", said) == []


def test_dkim_keys_change_under_mail_and_every_signature_verifies(
    named: dict[str, Host],
    dig: t.Callable[..., list[str]],
    until: t.Callable[..., t.Any],
    play: Play,
    mail_going_on: t.Callable[..., t.Any],
    token: str,
) -> None:
    sender, receiver = named["mx1"], named["mx2"]
    note = "/var/lib/hardened-mail-rollover-dkim-one.example"
    book = "rollover_dkim.yml"

    def selectors(server: str) -> dict[str, bool]:
        """Which keys are published, and whether they are in force."""
        found = {
            name: dig(server, f"{name}._domainkey.one.example", "TXT")
            for name in ("r1", "e1", "r2", "e2")
        }
        return {name: not said[0].endswith('p="') for name, said in found.items() if said}

    play(book, "--check").said()
    assert selectors("primary") == {"r1": True, "e1": True}
    with mail_going_on(sender, token) as sent:
        killed = play(book, rollover_wait=600)
        assert until(lambda: sender.run("cat", note).stdout, seconds=300), "nothing was published"
        killed.kill()
        first = sender.content(note)
        assert selectors("primary") == dict.fromkeys(("r1", "e1", "r2", "e2"), True)
        said = play(book, rollover_keep=600, rollover_patience=1).said()
        assert "run the same command again in" in said
        assert f'"published": {json.loads(first)["published"]}' in sender.content(note)
        assert selectors("secondary") == dict.fromkeys(("r1", "e1", "r2", "e2"), True)
        play(book, rollover_keep=10).said()
    number = sent()
    assert until(lambda: len(arrived(receiver, token)) == number), number
    judged = collections.Counter(
        " ".join(sorted(re.findall(r"dkim=\w+ header\.d=one\.example header\.s=\w+", results(one))))
        for one in arrived(receiver, token).values()
    )
    passed = "dkim=pass header.d=one.example header.s="
    assert set(judged) == {f"{passed}e{age} {passed}r{age}" for age in "12"}, judged
    for server in ("primary", "secondary", "resolver"):
        assert selectors(server) == {"r1": False, "e1": False, "r2": True, "e2": True}
    assert re.findall(r"changed=[1-9]\d*", play(book).said()) == []


# The last of the file: it changes the keys that other tests look for.
def test_a_rollover_under_mail_loses_and_weakens_nothing(
    named: dict[str, Host],
    dig: t.Callable[..., list[str]],
    until: t.Callable[..., t.Any],
    play: Play,
    mail_going_on: t.Callable[..., t.Any],
    token: str,
) -> None:
    sender, receiver = named["mx1"], named["mx2"]
    next_ = {"rollover_next": "/etc/ssl/mail/second"}
    before = {name: dig("primary", f"_25._tcp.{name}.example", "TLSA") for name in ("mx1", "mx2")}
    put_off = len(deferred(sender, "receiver@two.example"))
    untrusted = sender.log().count("Untrusted TLS connection")
    note = "/var/lib/hardened-mail-rollover"
    with mail_going_on(sender, token) as sent:
        killed = play("rollover.yml", rollover_wait=600, **next_)
        assert until(lambda: '"published": 1' in sender.run("cat", note).stdout, seconds=300)
        killed.kill()
        first = sender.content(note)
        for name, records in before.items():
            assert len(dig("secondary", f"_25._tcp.{name}.example", "TLSA")) == 2
            assert set(records) < set(dig("primary", f"_25._tcp.{name}.example", "TLSA"))
        again = play("rollover.yml", **next_)
        assert until(
            lambda: sender.run("readlink", "/etc/ssl/mail/current").stdout.strip() != "first",
            seconds=90,
        )
        assert sender.content(note) == first
        again.said()
    number = sent()
    assert until(lambda: len(arrived(receiver, token)) == number), number
    assert number > len(before)
    assert deferred(sender, "receiver@two.example")[put_off:] == []
    assert sender.log().count("Untrusted TLS connection") == untrusted
    after = {name: dig("primary", f"_25._tcp.{name}.example", "TLSA") for name in before}
    assert all(len(records) == 1 for records in after.values())
    assert not [name for name in before if before[name] == after[name]]
    assert re.findall(r"changed=[1-9]\d*", play("rollover.yml", **next_).said()) == []
