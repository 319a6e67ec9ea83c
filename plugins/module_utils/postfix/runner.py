# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run Postfix's own commands (effects: processes; nothing is written)."""

from __future__ import annotations

import contextlib
import datetime
import os
import shutil
import signal
import subprocess
import time
import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.postfix.capture import (
    QUESTIONS,
    TOO_LONG,
    Capture,
    Said,
)
from ansible_collections.hardened.mail.plugins.module_utils.postfix.main_cf import excerpt
from ansible_collections.hardened.mail.plugins.module_utils.postfix.patterns import later
from ansible_collections.hardened.mail.plugins.module_utils.postfix.postconf_output import (
    Snapshot,
    parameters,
    service_parameters,
    warnings,
)
from ansible_collections.hardened.mail.plugins.module_utils.postfix.version import (
    TlsLibrary,
    Version,
)

_SBIN = ("/usr/sbin", "/usr/local/sbin", "/sbin", "/opt/local/sbin")

#: What read() asks postconf, and the option letters of each question.
_QUESTIONS = {
    "explicit": ("-n",),
    "effective": ("-x",),
    "master": ("-M",),
    "overrides": ("-P",),
    "map_types": ("-m",),
    "tls_library": ("-T", "run-version"),
}


#: postconf quotes the line of main.cf that it does not take.
_QUOTED_LINE: t.Final = later(r'(line \d+: [^"]*: )"(.*)"$')


class PostfixMissing(Exception):
    """There is no postconf(1) on this host."""


class PostconfFailed(Exception):
    """postconf(1) refused a configuration; the message is its own."""


class Completed(t.NamedTuple):
    """How a command ended: exit status, standard output and standard error."""

    status: int
    stdout: str
    stderr: str


def environment() -> dict[str, str]:
    """Return the environment for Postfix commands: fixed locale, order and configuration."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MAIL_")}
    path = os.pathsep.join([kept.get("PATH", "/usr/bin:/bin"), *_SBIN])
    return {**kept, "PATH": path, "LC_ALL": "C", "NORANDOMIZE": "1"}


def command(name: str) -> str:
    """Return the path of a Postfix command. Raises PostfixMissing when there is none."""
    found = shutil.which(name, path=environment()["PATH"])
    if not found:
        raise PostfixMissing(f"{name} was not found on this host: Postfix is not installed")
    return found


def run(arguments: t.Sequence[str], *, timeout: float = 60.0) -> Completed:
    """Run a command and return how it ended.

    *timeout* is in seconds; a command that takes longer is killed and has status 124, as with
    timeout(1).
    """
    try:
        # Also used outside a module (tests, the offline validator), where there is no run_command.
        done = subprocess.run(  # pylint: disable=ansible-bad-function
            list(arguments),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=environment(),
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Completed(124, "", f"{arguments[0]} did not end within {timeout:g} s")
    return Completed(done.returncode, _text(done.stdout), _text(done.stderr))


def _begun(line: t.Match[str]) -> str:
    return f'{line[1]}"{excerpt(line[2])}"'


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def read(config_directory: str) -> Snapshot:
    """Return what Postfix makes of *config_directory*; the questions run side by side.

    Raises PostfixMissing, and PostconfFailed with postconf's own words when it cannot read the
    configuration.
    """
    postconf = command("postconf")
    # Side by side: run_command would ask one after the other.
    running = {
        question: subprocess.Popen(  # pylint: disable=ansible-bad-function
            [postconf, "-c", config_directory, *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(),
        )
        for question, options in _QUESTIONS.items()
    }
    said = {}
    for question, process in running.items():
        stdout, stderr = process.communicate()
        said[question] = Completed(process.returncode, _text(stdout), _text(stderr))
    for question in ("explicit", "master", "effective", "overrides"):
        if said[question].status != 0:
            told = (_QUOTED_LINE.sub(_begun, one) for one in warnings(said[question].stderr))
            raise PostconfFailed("; ".join(told) or "postconf failed")
    effective = parameters(said["effective"].stdout)
    return Snapshot(
        version=Version.parse(effective["mail_version"]),
        tls_library=TlsLibrary.parse(said["tls_library"].stdout.strip()),
        map_types=frozenset(said["map_types"].stdout.split()),
        explicit=parameters(said["explicit"].stdout),
        effective=effective,
        overrides=service_parameters(said["overrides"].stdout),
        master=tuple(said["master"].stdout.splitlines()),
        warnings=warnings(said["explicit"].stderr + said["overrides"].stderr),
    )


class Asked(t.NamedTuple):
    """The questions of a capture, being answered side by side; ``deadline`` is of time.monotonic()."""

    config_directory: str
    running: t.Mapping[str, subprocess.Popen[bytes]]
    deadline: float

    def capture(self) -> Capture:
        """Wait for the answers.

        A postconf that is not done at the deadline is killed, and its answer has the status of TOO_LONG.
        """
        return Capture(
            host=os.uname().nodename,
            taken=datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            config_directory=self.config_directory,
            said={name: _answer(process, self.deadline) for name, process in self.running.items()},
        )


def ask(config_directory: str, *, timeout: float = 20.0) -> Asked:
    """Ask postconf everything about *config_directory*; *timeout* is in seconds. Raises PostfixMissing."""
    postconf = command("postconf")
    return Asked(
        config_directory,
        {
            question: subprocess.Popen(  # pylint: disable=ansible-bad-function
                [postconf, "-c", config_directory, *options],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment(),
                # What postconf may have started holds the pipes open, and is ended with it.
                start_new_session=True,
            )
            for question, options in QUESTIONS.items()
        },
        time.monotonic() + timeout,
    )


def capture(config_directory: str, *, timeout: float = 20.0) -> Capture:
    """Return what postconf says of *config_directory* within *timeout* seconds. Raises PostfixMissing."""
    return ask(config_directory, timeout=timeout).capture()


def _answer(process: subprocess.Popen[bytes], deadline: float) -> Said:
    try:
        stdout, stderr = process.communicate(timeout=max(deadline - time.monotonic(), 0.5))
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return Said(TOO_LONG, "")
    return Said(process.returncode, _text(stdout), _text(stderr))


def refusal(config_directory: str) -> str:
    """Return why Postfix's programs die of a configuration, empty when they do not.

    Every one of them reads numbers, times and host names of main.cf at its start; postconf does not.
    postmap(1) is the one that does nothing else when it looks a word up in a static table, and that
    says so on standard error.
    """
    done = run([command("postmap"), "-c", config_directory, "-q", "word", "static:word"])
    said = [line for line in done.stderr.splitlines() if "fatal: " in line]
    return said[-1].partition("fatal: ")[2] if done.status != 0 and said else ""


__all__ = (
    "Asked",
    "Completed",
    "PostconfFailed",
    "PostfixMissing",
    "ask",
    "capture",
    "command",
    "environment",
    "read",
    "refusal",
    "run",
)
