# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A group of hosts of the laboratory, scripts run on them, and commands run here with the collection of this checkout."""

from __future__ import annotations

import contextlib
import os
import pathlib
import subprocess
import sys
import typing as t

ROOT: t.Final = pathlib.Path(__file__).resolve().parents[2]
LAB: t.Final = ROOT / "tests" / "lab" / "lab.py"
#: The longest that a command may take, in seconds; images may have to be built first.
SECONDS: t.Final = 900


def run(
    *command: str, given: str = "", cwd: pathlib.Path | None = None, seconds: float = SECONDS
) -> subprocess.CompletedProcess[str]:
    """Run a command with the collection of this checkout, whatever its status."""
    return subprocess.run(
        command,
        input=given,
        cwd=cwd,
        env={
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache" / "collections"),
            "ANSIBLE_HOME": str(ROOT / ".cache" / "ansible"),
            "ANSIBLE_NOCOLOR": "1",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
    )


class Group:
    """Hosts that have each other as neighbours; the name of the group is of this process alone."""

    def __init__(self, prefix: str) -> None:
        self.name = f"{prefix}{os.getpid()}"

    @property
    def inventory(self) -> pathlib.Path:
        """The inventory of the hosts."""
        return ROOT / ".cache" / "lab" / self.name / "inventory.yml"

    @contextlib.contextmanager
    def running(self, hosts: t.Mapping[str, str]) -> t.Iterator[None]:
        """Have the hosts for as long as the block lasts; they are given as RELEASE:FLAVOUR by name."""
        listed = ",".join(f"{name}={made_of}" for name, made_of in hosts.items())
        try:
            self._lab("up", "--group", self.name, "--hosts", listed)
            yield
        finally:
            self._lab("down", "--group", self.name)

    def _lab(self, *arguments: str) -> None:
        done = run(sys.executable, str(LAB), *arguments)
        assert done.returncode == 0, done.stderr

    def container(self, host: str) -> str:
        """Return the container that a host is."""
        return f"hml-{self.name}-{host}"

    def address(self, host: str) -> str:
        """Return the address of a host in the network of the group."""
        places = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
        done = run("podman", "inspect", "--format", places, self.container(host))
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def sh(self, host: str, script: str, *, given: str = "") -> str:
        """Run a shell script on a host that must succeed; return what it prints."""
        done = self.try_sh(host, script, given=given)
        assert done.returncode == 0, f"{host}: {script}\n{done.stdout}{done.stderr}"
        return done.stdout.strip()

    def try_sh(
        self, host: str, script: str, *, given: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run a shell script on a host, whatever its status."""
        command = ["podman", "exec", "-i", self.container(host), "bash", "-c", script]
        return run(*command, given=given)


__all__ = ("ROOT", "Group", "run")
