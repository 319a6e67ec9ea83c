# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A good mail server passes the playbook hardened.mail.verify, and each way to break it is told in the right words.

Run with ``tests/lab/enter .venv/bin/pytest tests/integration_lab/test_verify_real.py``. The breakages run side by
side on some hosts; the questions are those of the modules, asked from outside of the hosts.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import datetime
import json
import pathlib
import queue
import re
import time
import typing as t
import xml.etree.ElementTree as ElementTree

import pytest
import verify_hosts as lab
from ansible_collections.hardened.mail.plugins.module_utils.report.verified import (
    Host,
    Request,
    host_of,
)
from ansible_collections.hardened.mail.plugins.module_utils.starttls import (
    conversation,
    prober,
    roundtrip,
)
from ansible_collections.hardened.mail.plugins.module_utils.starttls.dialogue import Target
from ansible_collections.hardened.mail.plugins.module_utils.starttls.report import report
from ansible_collections.hardened.mail.plugins.module_utils.starttls.talk import Account, Trust
from lab_group import Group, run

GROUP: t.Final = Group("verify")
#: Breakages are shared out among the first three; the last one has those that a release can have differently.
HOSTS: t.Final = {"a": "trixie", "b": "trixie", "c": "trixie", "d": "bookworm"}
PORTS: t.Final = {
    25: ("smtp", False, "mx"),
    587: ("smtp", False, "submission"),
    465: ("smtp", True, "submissions"),
    143: ("imap", False, "imap"),
    993: ("imap", True, "imaps"),
}
#: What is tried on Debian 12 too: where Dovecot's configuration differs, or Postfix's default.
ON_BOOKWORM: t.Final = frozenset(
    {"password-before-tls-imap", "anonymous-login-smtp", "wrong-password-taken", "smuggling", "open-relay", "message-lost"}
)  # fmt: skip
#: A reload takes a moment until the last old process is gone.
LIMIT: t.Final = 15.0


CASES: t.Final = [
    (one, release)
    for one in lab.BREAKAGES
    for release in ("trixie", "bookworm")
    if release == "trixie" or one.name in ON_BOOKWORM
]


@dataclasses.dataclass(frozen=True)
class Server:
    """One host of the laboratory; ``root`` is the file with its authority."""

    name: str
    release: str
    address: str
    root: str

    @property
    def domain(self) -> str:
        """Its name, which is also its domain."""
        return f"{self.name}.example"

    @property
    def account(self) -> Account:
        """The test account."""
        return Account(lab.USER, lab.PASSWORD, f"{lab.USER}@{self.domain}")

    def sh(self, script: str) -> str:
        """Run a script that must succeed."""
        return GROUP.sh(self.name, f"set -e\n{script}")

    def target(self, port: int) -> Target:
        """How to reach a port."""
        protocol, implicit, _purpose = PORTS[port]
        return Target(
            self.address, port, t.cast("t.Any", protocol), implicit, server_name=self.domain
        )

    def look(self, case: t.Any) -> dict[str, t.Any]:
        """Ask what a breakage needs; return it as the playbook registers it."""
        item = {"port": case.port, "purpose": PORTS[case.port][2], "server_name": self.domain}
        look = {
            "tls": {**self.tls(case.port, case.tls), "item": item},
            "conduct": {
                **self.conduct(case.port, case.conduct, account=case.account),
                "item": item,
            },
        }
        if case.trip:
            look["trip"] = {**self.trip(case.port), "item": item}
        return {key: {"results": [value]} for key, value in look.items()}

    def tls(self, port: int, questions: t.Sequence[t.Any]) -> dict[str, t.Any]:
        """Ask what starttls_info asks."""
        evidence = prober.probe(
            self.target(port), questions=questions, timeout=30, ca_file=self.root
        )
        return report(evidence, questions=questions, name=self.domain)

    def conduct(
        self, port: int, questions: t.Sequence[t.Any], *, account: bool
    ) -> dict[str, t.Any]:
        """Ask what mail_conduct_info asks."""
        request = conversation.Request(
            target=self.target(port),
            domain=self.domain,
            elsewhere="relay-test@example.com",
            questions=("greeting", *questions),
            account=self.account if account else None,
            ca_file=self.root,
            name=self.domain,
        )
        return conversation.ask_conduct(request, timeout=40)

    def trip(self, port: int) -> dict[str, t.Any]:
        """Ask what mail_roundtrip asks."""
        trust = Trust(self.root, self.domain)
        journey = roundtrip.Journey(self.target(port), self.target(993), self.account, trust)
        return roundtrip.send_and_read(journey, timeout=6)


def judged(server: Server, look: dict[str, t.Any]) -> Host:
    """Judge as the playbook does, but strictly: everything that is found fails its check."""
    now = datetime.datetime.now(datetime.timezone.utc)
    return host_of(server.domain, look, Request(now, fail_on="info", expected=True, intrusive=True))


def found_on(host: Host) -> dict[str, str]:
    """Return the messages of what failed, by rule."""
    return {
        finding.rule: finding.message
        for port in host.ports
        for one in port.having("fail")
        for finding in one.findings
    }


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[dict[str, Server]]:
    """The hosts, all of them good."""
    place = tmp_path_factory.mktemp("verify")
    with GROUP.running({name: f"{release}:mail" for name, release in HOSTS.items()}):
        found = {
            name: Server(name, release, GROUP.address(name), str(place / f"{name}.crt"))
            for name, release in HOSTS.items()
        }
        with concurrent.futures.ThreadPoolExecutor() as pool:
            list(pool.map(lambda one: one.sh(lab.GOOD), found.values()))
        for one in found.values():
            pathlib.Path(one.root).write_text(one.sh("cat /etc/ssl/lab/root.crt") + "\n", "utf-8")
        yield found


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What was said of a broken host."""

    messages: dict[str, str]
    error: str = ""


def broken(server: Server, case: t.Any) -> Outcome:
    """Break a host, look until it shows, and mend it."""
    messages: dict[str, str] = {}
    try:
        server.sh(case.script)
        deadline = time.monotonic() + LIMIT
        while time.monotonic() < deadline and not messages.keys() >= case.rules:
            messages = found_on(judged(server, server.look(case)))
        return Outcome(messages)
    except AssertionError as error:
        return Outcome(messages, str(error))
    finally:
        server.sh(lab.MEND + case.mend)


@pytest.fixture(scope="module")
def outcomes(servers: dict[str, Server], whole: Verified) -> dict[tuple[str, str], Outcome]:
    """All breakages, each on whatever host of its release is free. The good hosts are looked at before."""
    assert whole.said
    free: dict[str, queue.SimpleQueue[Server]] = {
        one: queue.SimpleQueue() for one in HOSTS.values()
    }
    for server in servers.values():
        free[server.release].put(server)

    def one(case: t.Any, release: str) -> Outcome:
        server = free[release].get()
        try:
            return broken(server, case)
        finally:
            free[release].put(server)

    # What takes longest comes first.
    cases = sorted(CASES, key=lambda pair: (not pair[0].account, pair[0].name != "tarpit"))
    with concurrent.futures.ThreadPoolExecutor(len(HOSTS)) as pool:
        found = {(case.name, release): pool.submit(one, case, release) for case, release in cases}
    return {key: future.result() for key, future in found.items()}


@dataclasses.dataclass(frozen=True)
class Verified:
    """One run of the playbook."""

    status: int
    said: str
    place: pathlib.Path

    @property
    def data(self) -> dict[str, t.Any]:
        """The JSON report."""
        loaded: dict[str, t.Any] = json.loads((self.place / "verify.json").read_text("utf-8"))
        return loaded

    def checks(self, name: str, result: str) -> dict[tuple[int, str], dict[str, t.Any]]:
        """The checks of a host that ended like this, by port and name."""
        (host,) = [one for one in self.data["hosts"] if one["name"] == name]
        return {
            (port["port"], one["check"]): one
            for port in host["ports"]
            for one in port["checks"]
            if one["result"] == result
        }


def verify(
    place: pathlib.Path, servers: t.Iterable[Server], *options: str, **variables: t.Any
) -> Verified:
    """Run the playbook on some hosts. Ansible has no way into them: their port for SSH is nobody's."""
    place.mkdir()
    known = {
        one.domain: {"ansible_host": one.address, "ansible_port": 1, "verify_ca_file": one.root}
        for one in servers
    }
    (place / "hosts.json").write_text(json.dumps({"all": {"hosts": known}}), "utf-8")
    (place / "variables.json").write_text(json.dumps(variables), "utf-8")
    done = run(
        *("ansible-playbook", "-i", str(place / "hosts.json"), "hardened.mail.verify"),
        *("-e", f"@{place / 'variables.json'}", *options),
        cwd=place,
    )
    return Verified(done.returncode, done.stdout + done.stderr, place / "reports")


ACCOUNT: t.Final = {"user": lab.USER, "password": lab.PASSWORD}


@pytest.fixture(scope="module")
def whole(servers: dict[str, Server], tmp_path_factory: pytest.TempPathFactory) -> Verified:
    """The playbook with the account on a good host of each release."""
    place = tmp_path_factory.mktemp("whole")
    chosen = [servers["a"], servers["d"]]
    return verify(
        place / "it",
        chosen,
        "-vvv",
        verify_intrusive=True,
        verify_account=ACCOUNT,
        verify_ports=list(PORTS),
    )


def test_a_good_host_passes(whole: Verified) -> None:
    assert whole.status == 0, whole.said
    assert re.search(r"passed +\d+: it answers; TLS is offered and works", whole.said)
    assert "left behind: lines in the mail log; 0 test messages in the mailbox" in whole.said
    assert [one["messages_left"] for one in whole.data["hosts"]] == [0, 0]
    assert whole.data["passed"] is True
    assert whole.data["counts"]["fail"] == whole.data["counts"]["not tested"] == 0
    for name in ("a.example", "d.example"):
        good = set(whole.checks(name, "pass"))
        assert len(good) > 100
        assert {
            (587, "delivery"),
            (465, "delivery"),
            (25, "smuggling"),
            (993, "wrong-password-slow"),
        } <= good
        notes = {one for _port, one in whole.checks(name, "note")}
        assert notes <= {"post-quantum", "sha1", "other-sender"}
    suites = ElementTree.parse(whole.place / "verify.junit.xml").getroot()
    assert {one.get("name") for one in suites} == {"a.example", "d.example"}
    assert suites.get("failures") == "0"


def test_the_password_is_shown_nowhere(whole: Verified) -> None:
    # The results of the modules are in it.
    assert '"wrong_password": {' in whole.said
    assert lab.PASSWORD not in whole.said
    assert all(lab.PASSWORD not in one.read_text("utf-8") for one in whole.place.iterdir())


def test_no_message_is_left(whole: Verified, servers: dict[str, Server]) -> None:
    assert whole.status == 0
    for name in ("a", "d"):
        assert (
            servers[name].sh("find /home/probe/Maildir/cur /home/probe/Maildir/new -type f") == ""
        )


@pytest.mark.parametrize(
    ("case", "release"), CASES, ids=[f"{one.name}-{release}" for one, release in CASES]
)
def test_a_breakage_is_told_in_the_right_words(
    case: t.Any, release: str, outcomes: dict[tuple[str, str], Outcome]
) -> None:
    outcome = outcomes[case.name, release]
    assert outcome.error == ""
    assert outcome.messages.keys() >= case.rules
    assert re.search(case.words, "\n".join(outcome.messages.values())), outcome.messages


def test_breakages_are_enough_and_each_is_found_by_other_rules_than_the_rest() -> None:
    assert len({one.name for one in lab.BREAKAGES}) == len(lab.BREAKAGES) >= 25
    assert len(frozenset().union(*(one.rules for one in lab.BREAKAGES))) >= 25


def test_mended_hosts_pass_again_and_a_broken_one_does_not(
    outcomes: dict[tuple[str, str], Outcome],
    servers: dict[str, Server],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    assert outcomes
    place = tmp_path_factory.mktemp("again")
    servers["b"].sh(
        "postconf -e disable_vrfy_command=no mynetworks=0.0.0.0/0; postfix reload 2>/dev/null"
    )
    servers["c"].sh("postconf -MX submission/inet; postfix reload 2>/dev/null")
    done = verify(place / "some", servers.values(), verify_ports=[25, 587])
    assert done.status == 2
    assert "The verification did not pass: 4 checks failed on 2 hosts." in done.said
    for name in ("a.example", "d.example"):
        assert set(done.checks(name, "fail")) == set()
        untested = done.checks(name, "not tested").values()
        assert {one["reason"] for one in untested} == {"needs verify_intrusive and verify_account"}
    assert set(done.checks("b.example", "fail")) == {
        (25, "relay"),
        (25, "vrfy"),
        (587, "vrfy"),
    }
    assert set(done.checks("c.example", "fail")) == {(587, "answers")}
    assert re.search(r"FAILED +critical: Port 25 of b\.example takes mail for a domain", done.said)
