# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of all scenarios share: the hosts, and the referees that look at them from outside.

A test that takes an argument named like a group of the inventory (``mx``, ``client``) runs once for each host of
that group. The referees are other people's clients, run on the host ``client``.
"""

from __future__ import annotations

import collections
import dataclasses
import email
import functools
import json
import os
import pathlib
import re
import shlex
import subprocess
import time
import typing as t
import uuid

import pytest
import testinfra  # type: ignore[import-untyped]
import yaml

if t.TYPE_CHECKING:
    from email.message import Message

    from testinfra.backend.base import (  # type: ignore[import-untyped]
        CommandResult,
    )

    Check = t.Callable[[], t.Any]

ROOT_CERTIFICATE: t.Final = "/etc/ssl/lab/root.pem"
POLL_SECONDS: t.Final = 0.2
IMPLICIT_TLS: t.Final = (465, 993, 995)
# What is spoken before TLS, where it is not SMTP.
STARTTLS: t.Final = {143: "imap", 110: "pop3", 4190: "sieve"}
SCANS: t.Final = (
    *("--sslv2", "--sslv3", "--tlsv1", "--tlsv1_1", "--tlsv1_2", "--tlsv1_3"),
    *("--reneg", "--compression", "--ems"),
)


@dataclasses.dataclass(frozen=True)
class Host:
    """A host of the scenario; ``address`` is its name as others reach it."""

    name: str
    container: str

    @property
    def address(self) -> str:
        """Return the name by which other hosts reach it."""
        return f"{self.name}.example"

    @property
    def ip_address(self) -> str:
        """Return its address in the network of the scenario."""
        places = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
        command = ["podman", "inspect", "--format", places, self.container]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def run(self, *command: str, timeout: int = 60) -> CommandResult:
        """Run a command there; one that takes longer than ``timeout`` seconds is ended with status 124."""
        line = shlex.join(["timeout", "--kill-after=5", str(timeout), *command])
        return testinfra.get_host(f"podman://{self.container}").run(f"{line} </dev/null")

    def output(self, *command: str) -> str:
        """Run a command there that must succeed, and return its standard output."""
        done = self.run(*command)
        assert done.rc == 0, f"{command} on {self.name}: {done.rc}\n{done.stdout}\n{done.stderr}"
        return t.cast("str", done.stdout).strip()

    def content(self, path: str) -> str:
        """Return a file, every byte of it."""
        done = self.run("cat", path)
        assert done.rc == 0, f"{path} on {self.name}: {done.stderr}"
        return t.cast("bytes", done.stdout_bytes).decode("utf-8")

    def postconf(self, *names: str, directory: str = "/etc/postfix") -> dict[str, str]:
        """Return the values of parameters, without further expansion."""
        lines = self.output("postconf", "-c", directory, *names).splitlines()
        return {
            name.strip(): value.strip()
            for name, _, value in (line.partition("=") for line in lines)
        }

    def log(self) -> str:
        """Return the mail log."""
        return self.output("journalctl", "--no-pager", "-o", "cat", "SYSLOG_FACILITY=2")

    def messages(self, user: str = "receiver") -> list[Message]:
        """Return the messages in the mailbox of ``user``."""
        done = self.run("cat", f"/var/mail/{user}")
        parts = re.split(r"^From .*\n", done.stdout, flags=re.MULTILINE)[1:] if done.rc == 0 else []
        return [email.message_from_string(part) for part in parts]


@dataclasses.dataclass(frozen=True)
class Handshake:
    """What ``openssl s_client`` says of a connection; empty where there was none."""

    protocol: str
    cipher: str
    group: str
    verified: bool
    text: str


def ephemeral_directory() -> pathlib.Path:
    """Return where Molecule keeps what it knows of this run."""
    return pathlib.Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"])


def hosts_by_group() -> dict[str, list[Host]]:
    """Return the hosts of the running scenario; ``any_host`` is all of them."""
    text = (ephemeral_directory() / "inventory" / "lab.yml").read_text(encoding="utf-8")
    listed = yaml.safe_load(text)["all"]
    hosts = {name: Host(name, found["lab_container"]) for name, found in listed["hosts"].items()}
    groups = {
        group: [hosts[name] for name in found["hosts"]]
        for group, found in listed["children"].items()
    }
    return {**groups, "any_host": list(hosts.values())}


def pytest_configure(config: pytest.Config) -> None:
    """Make the markers of these tests known."""
    config.addinivalue_line("markers", "slow: takes a minute or more")


def pytest_report_header() -> list[str]:
    """Say which hosts of the scenario there are not."""
    return (ephemeral_directory() / "absent").read_text(encoding="utf-8").splitlines()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test once for each host of the groups that it asks for."""
    for group, hosts in hosts_by_group().items():
        if group in metafunc.fixturenames:
            metafunc.parametrize(group, hosts, ids=[host.name for host in hosts], scope="session")


@pytest.fixture
def handshake(client: Host) -> t.Callable[..., Handshake]:
    """Connect from the client with ``openssl s_client`` and any further options."""

    def connect(target: Host, *options: str, port: int = 25) -> Handshake:
        command = ["openssl", "s_client", "-connect", f"{target.address}:{port}"]
        if port not in IMPLICIT_TLS:
            command += ["-starttls", STARTTLS.get(port, "smtp"), "-name", client.address]
        command += ["-servername", target.address, "-verify_hostname", target.address]
        done = client.run(*command, "-CAfile", ROOT_CERTIFICATE, *options, timeout=20)
        text = done.stdout + done.stderr

        def said(pattern: str) -> str:
            found = re.search(pattern, text, re.MULTILINE)
            return found[1] if found else ""

        established = re.search(r"^New, (\S+), Cipher is (\S+)$", text, re.MULTILINE)
        connected = established is not None and established[2] != "(NONE)"
        return Handshake(
            protocol=said(r"^Protocol: (\S+)$") or said(r"^\s+Protocol\s*: (\S+)$")
            if connected
            else "",
            cipher=established[2] if established and connected else "",
            group=said(r"^Negotiated TLS1.3 group: (\S+)$"),
            verified=said(r"^Verification: (\S+)$") == "OK" and "Verified peername" in text,
            text=text,
        )

    return connect


@pytest.fixture
def talk(client: Host) -> t.Callable[..., list[str]]:
    """Talk to a server from the client, a step at a time; see on_host/talk.py."""

    def converse(target: Host, *steps: dict[str, t.Any], port: int = 25) -> list[str]:
        told = client.output(
            "python3", "/root/lab/talk.py", target.address, str(port), json.dumps(steps)
        )
        return t.cast("list[str]", json.loads(told))

    return converse


@pytest.fixture
def person(client: Host) -> t.Callable[..., list[dict[str, t.Any]]]:
    """Be a person with a mail program on the client; see on_host/person.py."""

    def use(target: Host, steps: t.Sequence[t.Mapping[str, t.Any]]) -> list[dict[str, t.Any]]:
        told = json.dumps([{"server": target.address, **step} for step in steps])
        answers = json.loads(client.output("python3", "/root/lab/person.py", told))
        return t.cast("list[dict[str, t.Any]]", answers)

    return use


@pytest.fixture
def handshakes(client: Host) -> t.Callable[..., dict[str, str]]:
    """Try many options of ``openssl s_client`` on a port; return the cipher of each, empty for none."""

    def connect(target: Host, options: t.Mapping[str, str], *, port: int) -> dict[str, str]:
        start = "" if port in IMPLICIT_TLS else f"-starttls {STARTTLS.get(port, 'smtp')}"
        one = f"timeout 20 openssl s_client -connect {target.address}:{port} {start}"
        script = "\n".join(
            f"echo; echo -n '{name} '; {one} {option} </dev/null 2>&1 | sed -n 's/.*Cipher is //p' | tr -d '\\n'"
            for name, option in options.items()
        )
        said = dict(line.split(" ", 1) for line in client.output("bash", "-c", script).splitlines())
        return {name: said.get(name, "").replace("(NONE)", "") for name in options}

    return connect


def poll(check: Check, *, seconds: float = 30) -> t.Any:
    """Return what ``check`` returns as soon as that is true; the last answer when time is up."""
    deadline = time.monotonic() + seconds
    while not (answer := check()) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return answer


@pytest.fixture
def until() -> t.Callable[..., t.Any]:
    """Wait for something to become true."""
    return poll


@pytest.fixture(scope="session")
def groups() -> dict[str, list[Host]]:
    """Return the hosts by group; see hosts.yml of the scenario."""
    return collections.defaultdict(list, hosts_by_group())


@pytest.fixture(scope="session")
def sslyze() -> t.Callable[..., dict[str, t.Any]]:
    """Scan a port with sslyze from here, once only; return its report."""

    @functools.cache
    def scan(target: Host, *, port: int = 25) -> dict[str, t.Any]:
        where = f"{target.address}:{port}{{{target.ip_address}}}"
        report = ephemeral_directory() / f"sslyze-{target.name}-{port}.json"
        start = [] if port in IMPLICIT_TLS else ["--starttls=smtp"]
        command = ["sslyze", "--quiet", *start, f"--json_out={report}", *SCANS, where]
        subprocess.run(command, check=True, timeout=120)
        (result,) = json.loads(report.read_text(encoding="utf-8"))["server_scan_results"]
        return t.cast("dict[str, t.Any]", result)

    return scan


@pytest.fixture
def scenario_file() -> t.Callable[[str], str]:
    """Read a file of the scenario's directory."""
    directory = pathlib.Path(os.environ["MOLECULE_SCENARIO_DIRECTORY"])
    return lambda name: (directory / name).read_bytes().decode("utf-8")


@pytest.fixture
def token() -> str:
    """Return a word by which a message can be told from all others."""
    return f"token-{uuid.uuid4().hex}"


@pytest.fixture
def delivered() -> t.Callable[..., list[Message]]:
    """Wait until a message with the token has arrived; return all that have it."""

    def wait(host: Host, token: str, *, seconds: float = 30) -> list[Message]:
        def arrived() -> list[Message]:
            return [message for message in host.messages() if token in message.as_string()]

        return t.cast("list[Message]", poll(arrived, seconds=seconds))

    return wait


__all__ = ("Handshake", "Host")
