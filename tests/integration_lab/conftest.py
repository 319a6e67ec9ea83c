# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts of the laboratory on which a module runs as often as a test likes, some milliseconds away.

Run with ``tests/lab/enter .venv/bin/pytest tests/integration_lab``. Each release is one container,
shared by all tests and put back to Debian's own state before each of them; the other container is
the client from outside.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import importlib.util
import io
import json
import os
import pathlib
import subprocess
import sys
import tarfile
import time
import types
import typing as t

import ansible.module_utils
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
LAB = ROOT / "tests" / "lab" / "lab.py"
#: Releases to test on; the variable is for a look at others.
RELEASES = os.environ.get("HARDENED_MAIL_RELEASES", "bookworm,trixie").split(",")
CODE = "/opt/hardened-mail"
PRISTINE = "/root/pristine"

#: Runs in the container for as long as the tests last: a new "podman exec" takes 0.3 s.
AGENT = """
import json, subprocess, sys
for line in sys.stdin:
    ask = json.loads(line)
    given = ask["stdin"].encode("utf-8", "surrogateescape")
    try:
        done = subprocess.run(
            ask["arguments"], input=given, capture_output=True, timeout=ask["seconds"]
        )
        answer = done.returncode, done.stdout, done.stderr
    except FileNotFoundError as error:
        answer = 127, b"", str(error).encode()
    except subprocess.TimeoutExpired:
        answer = 124, b"", b"no end within the time given"
    texts = [part.decode("utf-8", "surrogateescape") for part in answer[1:]]
    print(json.dumps([answer[0], *texts]), flush=True)
"""

RUN = """
import json, os, runpy, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from ansible.module_utils.testing import patch_module_args
with patch_module_args(json.load(sys.stdin)):
    runpy.run_module("ansible_collections.hardened.mail.plugins.modules." + sys.argv[1], run_name="__main__")
"""

#: What a client from outside sees: a referee of the standard library, not the collection's prober.
CLIENT = """
import hashlib, json, smtplib, ssl, sys
host, port, proxy = sys.argv[1], int(sys.argv[2]), sys.argv[3]
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
seen = {}
class Client(smtplib.SMTP):
    def _get_socket(self, *arguments):
        sock = super()._get_socket(*arguments)
        sock.sendall(proxy.encode())
        return sock
try:
    with Client(timeout=15) as client:
        client._host = host
        code, text = client.connect(host, port)
        seen["banner"] = "%d %s" % (code, text.decode())
        client.ehlo()
        seen["plain"] = sorted(client.esmtp_features)
        client.starttls(context=context)
        client.ehlo()
        seen["tls"], seen["secured"] = client.sock.version(), sorted(client.esmtp_features)
        seen["leaf"] = hashlib.sha256(client.sock.getpeercert(True)).hexdigest()
except (OSError, smtplib.SMTPException) as error:
    seen["error"] = repr(error)
print(json.dumps(seen))
"""

#: Where the master listens; what a reload does not change.
SOCKETS = "ss -Hltnp | grep '\"master\"' | awk '{print $4}' | sort"

RESET = f"""
umount --lazy --recursive /etc/postfix 2>/dev/null
systemctl unmask --quiet postfix.service postfix@-.service
for unit in $(systemctl list-units --all --plain --no-legend 'postfix-*' | cut -d' ' -f1); do
  systemctl stop "$unit"
done
rm -rf /var/lib/hardened-mail /run/hardened-mail-* /etc/postfix-* /srv/certificates
read pid </var/spool/postfix/pid/master.pid
alive=$([ "$pid" = "$(cat /root/pid 2>/dev/null)" ] && cat /proc/$pid/comm 2>/dev/null)
if ! diff -rq --no-dereference {PRISTINE} /etc/postfix >/dev/null; then
  find /etc/postfix -mindepth 1 -delete
  cp -a {PRISTINE}/. /etc/postfix
  [ "$alive" != master ] || postfix reload 2>/dev/null
fi
if [ "$alive" = master ]; then
  for turn in $(seq 20); do
    [ "$({SOCKETS})" != "$(cat /root/sockets)" ] || exit 0
    sleep 0.05
  done
fi
set -e
systemctl daemon-reload
systemctl reset-failed
systemctl stop postfix.service postfix@-.service
! pgrep -x master >/dev/null || pkill -x master
systemctl start postfix.service
postsuper -d ALL >/dev/null 2>&1
read pid </var/spool/postfix/pid/master.pid
echo $pid >/root/pid
{SOCKETS} >/root/sockets
"""


@dataclasses.dataclass(frozen=True)
class Done:
    """How a command on a machine ended."""

    status: int
    out: str
    err: str


class Machine:
    """One container with Postfix; ``peer`` is the other one, from which it is seen from outside."""

    def __init__(self, name: str, *, release: str, container: str) -> None:
        self.name = name
        self.release = release
        self.container = container
        self.peer = self
        self._agent = subprocess.Popen(
            ["podman", "exec", "-i", container, "python3", "-u", "-c", AGENT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def close(self) -> None:
        """End the agent."""
        self._agent.communicate(timeout=30)

    def try_run(self, *arguments: str, stdin: str = "", seconds: float = 60) -> Done:
        """Run a command, whatever its status."""
        assert self._agent.stdin is not None
        assert self._agent.stdout is not None
        ask = {"arguments": arguments, "stdin": stdin, "seconds": seconds}
        with contextlib.suppress(BrokenPipeError):
            self._agent.stdin.write(json.dumps(ask) + "\n")
            self._agent.stdin.flush()
        answer = self._agent.stdout.readline()
        assert answer, f"the agent on {self.name} ended with status {self._agent.poll()}"
        return Done(*json.loads(answer))

    def sh(self, script: str, *, stdin: str = "", seconds: float = 60) -> str:
        """Run a shell script that must succeed; return its output without the last line end."""
        done = self.try_run("bash", "-c", script, stdin=stdin, seconds=seconds)
        assert done.status == 0, f"{self.name}: {script}\nstatus {done.status}\n{done.err}"
        return done.out.rstrip("\n")

    def apply(
        self,
        *,
        module: str = "postconf",
        check_mode: bool = False,
        diff: bool = False,
        **options: t.Any,
    ) -> dict[str, t.Any]:
        """Run a module of the collection with these options; return its result, ``failed`` or not."""
        arguments = {
            **options,
            "_ansible_check_mode": check_mode,
            "_ansible_diff": diff,
            "_ansible_tracebacks_for": ["error"],
        }
        done = self.try_run(
            "python3", f"{CODE}/run.py", module, stdin=json.dumps(arguments), seconds=200
        )
        return result_of(done)

    def read(self, path: str) -> bytes:
        """Return the bytes of a file."""
        return base64.b64decode(self.sh(f"base64 -w0 {path}"))

    def write(self, path: str, content: bytes) -> None:
        """Write the bytes into the file, as an editor that keeps owner, mode and inode."""
        self.sh(f"base64 -d >{path}", stdin=base64.b64encode(content).decode())

    def append(self, path: str, text: str) -> None:
        """Add lines to a file."""
        self.sh(f"cat >>{path}", stdin=text)

    def tree(self, *paths: str) -> dict[str, str]:
        """Return what there is under the paths: kind, mode, owner, time, link and digest by name."""
        listed = self.sh(
            f"for path in {' '.join(paths)}; do [ ! -e $path ] || "
            "find $path -type d -printf '%p\\t%m %U:%G\\n' "
            "-o -printf '%p\\t%y %m %U:%G %T@ %i %l\\n'; done | sort; "
            f"find {' '.join(paths)} -type f -exec sha256sum {{}} + 2>/dev/null "
            "| sed 's/\\(.*\\)  \\(.*\\)/\\2#\\t\\1/'"
        )
        return dict(line.split("\t", 1) for line in listed.splitlines())

    def status_of(self, path: str) -> str:
        """Return mode and owner of a file, such as ``644 root:root``."""
        return self.sh(f"stat -L -c '%a %U:%G' {path}")

    def value(self, name: str, *, directory: str = "/etc/postfix") -> str:
        """Return a parameter as Postfix reads it."""
        return self.sh(f"postconf -c {directory} -h {name} 2>/dev/null")

    def master_pid(self) -> str:
        """Return the process id of the running master; fails when there is none."""
        return self.sh(
            "pid=$(tr -d ' ' </var/spool/postfix/pid/master.pid) && "
            'read name </proc/$pid/comm && [ "$name" = master ] && echo $pid'
        )

    def masters(self) -> int:
        """Return how many master processes there are."""
        return int(self.try_run("pgrep", "-cx", "master").out)

    def outside(self, *, port: int = 25, proxy: str = "") -> dict[str, t.Any]:
        """Return what the other machine sees on a port; ``error`` is there when something failed."""
        done = self.peer.try_run("python3", "-c", CLIENT, self.name, str(port), proxy)
        assert done.status == 0, done.err
        seen: dict[str, t.Any] = json.loads(done.out)
        return seen

    @contextlib.contextmanager
    def untouched(self) -> t.Iterator[None]:
        """Fail when the block changes a file or the master, or leaves anything behind."""
        before, pid = self.tree("/etc/postfix"), self.master_pid()
        yield
        assert self.tree("/etc/postfix") == before
        assert self.master_pid() == pid
        self.left_nothing()
        self.serves()

    def left_nothing(self) -> None:
        """Fail when a run left a journal, a temporary file, a private directory or a process."""
        look = (
            "ls -d /run/hardened-mail-* /etc/postfix*/.*hardened-mail* "
            "/var/lib/hardened-mail/*/journal.json 2>/dev/null; "
            "ls -l /proc/[0-9]*/cwd 2>/dev/null | grep /run/hardened-mail || :"
        )
        # A killed process is there until the kernel has taken it away.
        deadline = time.monotonic() + 3
        found = self.sh(look)
        while found and time.monotonic() < deadline:
            found = self.sh(look)
        assert found == ""

    def serves(self, *, port: int = 25) -> None:
        """Fail unless the other machine gets a greeting and TLS."""
        seen = self.outside(port=port)
        assert seen.get("banner", "").startswith(f"220 {self.name}.example ESMTP"), seen
        assert seen.get("tls", "").startswith("TLSv1."), seen

    def restart(self) -> None:
        """Restart Postfix and wait until it greets; also the way to note a new main process."""
        self.sh("systemctl reset-failed; systemctl restart postfix.service")
        self.wait_for_banner()

    def wait_for_banner(self, *, seconds: float = 30) -> float:
        """Wait until the other machine is greeted; return after how many seconds."""
        began = time.monotonic()
        while "banner" not in self.outside():
            assert time.monotonic() - began < seconds, f"no greeting within {seconds} s"
            time.sleep(0.1)
        return time.monotonic() - began

    def unpack(self, archive: bytes, directory: str) -> None:
        """Unpack an archive into a directory, owned by root."""
        script = f"mkdir -p {directory} && base64 -d | tar -C {directory} --no-same-owner -xf -"
        self.sh(script, stdin=base64.b64encode(archive).decode())

    def reset(self) -> None:
        """Put Debian's own configuration back; Postfix is restarted only when something differed."""
        self.sh(RESET)
        self.wait_for_banner()


def result_of(done: Done) -> dict[str, t.Any]:
    """Return the result that a module printed; fails with its traceback when there is none."""
    lines = done.out.strip().splitlines()
    assert lines, f"status {done.status}: {done.err}"
    result: dict[str, t.Any] = json.loads(lines[-1])
    assert "itself" not in result.get("msg", ""), result
    return result


def _code() -> bytes:
    """Return an archive of the collection, of Ansible's library for modules and of the runner."""
    packed = io.BytesIO()

    def no_cache(entry: tarfile.TarInfo) -> t.Optional[tarfile.TarInfo]:
        return None if "__pycache__" in entry.name else entry

    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.add(ROOT / "plugins", "ansible_collections/hardened/mail/plugins", filter=no_cache)
        archive.add(
            pathlib.Path(ansible.module_utils.__path__[0]), "ansible/module_utils", filter=no_cache
        )
        for name, text in (("ansible/__init__.py", ""), ("run.py", RUN)):
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return packed.getvalue()


def lab(*arguments: str) -> None:
    """Run lab.py."""
    done = subprocess.run(
        [sys.executable, str(LAB), *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@contextlib.contextmanager
def machines_of(prefix: str, *, flavour: str) -> t.Iterator[dict[str, Machine]]:
    """Hold one machine of a flavour for each release, all in one group."""
    group = f"{prefix}-{os.getpid()}"
    names = {release: "abcd"[index] for index, release in enumerate(RELEASES)}
    hosts = ",".join(f"{name}={release}:{flavour}" for release, name in names.items())
    lab("up", "--group", group, "--hosts", hosts)
    made = {}
    try:
        code = _code()
        for release, name in names.items():
            container = f"hml-{group}-{name}"
            unpack = f"mkdir {CODE} && tar -C {CODE} -xf - && cp -a /etc/postfix {PRISTINE}"
            subprocess.run(
                ["podman", "exec", "-i", container, "bash", "-c", unpack], input=code, check=True
            )
            made[release] = Machine(name, release=release, container=container)
        for index, release in enumerate(RELEASES):
            made[release].peer = made[RELEASES[(index + 1) % len(RELEASES)]]
        yield made
    finally:
        for machine in made.values():
            machine.close()
        lab("down", "--group", group)


@pytest.fixture(scope="session")
def machines() -> t.Iterator[dict[str, Machine]]:
    """One machine for each release, all in one group that ends with the tests."""
    with machines_of("tx", flavour="strace") as made:
        yield made


@pytest.fixture(scope="session", params=RELEASES)
def shared_machine(request: pytest.FixtureRequest, machines: dict[str, Machine]) -> Machine:
    """The machine of one release, in whatever state the last test left it."""
    return machines[request.param]


@pytest.fixture
def machine(shared_machine: Machine) -> Machine:
    """The machine of one release with Debian's own configuration, Postfix running."""
    shared_machine.reset()
    return shared_machine


def refused(result: t.Mapping[str, t.Any], *fragments: str) -> None:
    """Fail unless the module failed, said all of the fragments, and that nothing was changed."""
    assert result.get("failed"), result
    missing = [fragment for fragment in fragments if fragment not in result["msg"]]
    assert not missing, f"{missing} not in: {result['msg']}"
    assert result["msg"].endswith("Nothing was changed."), result["msg"]
    assert not result.get("changed"), result


def applied(result: t.Mapping[str, t.Any]) -> list[str]:
    """Fail unless the module changed something and is content; return its warnings."""
    assert not result.get("failed"), result["msg"]
    assert result["changed"] is True, result
    return [_warning_text(warning) for warning in result.get("warnings", ())]


def _warning_text(warning: t.Any) -> str:
    """Return the text of a warning, which is an object since ansible-core 2.19."""
    return str(warning["event"]["msg"] if isinstance(warning, dict) else warning)


@pytest.fixture(scope="session")
def pki_module() -> types.ModuleType:
    """The throw-away certificate authority of the unit tests."""
    path = ROOT / "tests/unit/plugins/module_utils/x509/pki.py"
    spec = importlib.util.spec_from_file_location("lab_pki", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> t.Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the end of the machine's mail log with a test that failed."""
    report = yield
    machine = getattr(item, "funcargs", {}).get("machine")
    if report.failed and call.when == "call" and machine is not None:
        with contextlib.suppress(AssertionError):
            log = machine.try_run("journalctl", "-n", "40", "--no-pager", "-o", "short-precise").out
            report.sections.append((f"journal of {machine.name}", log))
    return report
