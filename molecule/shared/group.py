#!/usr/bin/env python3
# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start and remove the hosts of a scenario, which its hosts.yml names; run by create.yml and destroy.yml.

``up`` leaves the inventory where Molecule looks for it. Hosts whose release this machine cannot provide are
left out, and named in the output.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import pathlib
import secrets
import subprocess
import sys
import typing as t

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
LAB = ROOT / "tests" / "lab" / "lab.py"
NOT_AVAILABLE = 3


@dataclasses.dataclass(frozen=True)
class Host:
    """A host of a scenario; one that is ``optional`` may be absent."""

    name: str
    release: str
    flavour: str
    groups: tuple[str, ...]
    optional: bool = False


def read_hosts(scenario: pathlib.Path) -> list[Host]:
    """Return the hosts of a scenario."""
    listed = yaml.safe_load((scenario / "hosts.yml").read_text(encoding="utf-8"))
    return [
        Host(name=name, **{**host, "groups": tuple(host["groups"])})
        for name, host in listed.items()
    ]


def lab(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the laboratory; its messages pass through to the person at the terminal."""
    return subprocess.run(
        [sys.executable, str(LAB), *arguments],
        check=False,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )


def is_available(host: Host) -> bool:
    """Tell whether the image of ``host`` is here; ends the program when it should be."""
    status = lab("image", host.release, host.flavour).returncode
    if status not in (0, NOT_AVAILABLE) or (status and not host.optional):
        raise SystemExit(f"no image for {host.name} ({host.release} {host.flavour})")
    return status == 0


def inventory(folder: pathlib.Path, hosts: t.Sequence[Host]) -> dict[str, t.Any]:
    """Return the inventory of the laboratory with the groups of the scenario."""
    content = yaml.safe_load((folder / "inventory.yml").read_text(encoding="utf-8"))
    groups = content["all"]["children"]
    for host in hosts:
        for group in host.groups:
            groups.setdefault(group, {"hosts": {}})["hosts"][host.name] = {}
    return t.cast("dict[str, t.Any]", content)


def up(scenario: pathlib.Path, ephemeral: pathlib.Path) -> None:
    """Start the hosts of ``scenario``."""
    wished = read_hosts(scenario)
    hosts = [host for host in wished if is_available(host)]
    absent = [
        f"absent: {host.name}: Debian {host.release} cannot be had here\n"
        for host in wished
        if host not in hosts
    ]
    print("".join(absent), end="")
    # The tests say it again in their heading.
    (ephemeral / "absent").write_text("".join(absent), encoding="utf-8")
    # Two runs at once, here or in another checkout, must not meet.
    group = f"mol-{scenario.name}-{secrets.token_hex(4)}"
    (ephemeral / "group").write_text(group, encoding="ascii")
    wanted = ",".join(f"{host.name}={host.release}:{host.flavour}" for host in hosts)
    started = lab("up", f"--group={group}", f"--hosts={wanted}", *keep())
    if started.returncode:
        raise SystemExit(f"the hosts did not start: {wanted}")
    content = inventory(pathlib.Path(started.stdout.strip()), hosts)
    (ephemeral / "inventory").mkdir(exist_ok=True)
    (ephemeral / "inventory" / "lab.yml").write_text(yaml.safe_dump(content), encoding="utf-8")


def keep() -> list[str]:
    """Return what lets the hosts outlive this call of the laboratory, for someone who works step by step."""
    return ["--keep"] if os.environ.get("HARDENED_MAIL_MOLECULE_KEEP") else []


def down(ephemeral: pathlib.Path) -> None:
    """Remove the hosts, if there are any."""
    name = ephemeral / "group"
    if name.exists() and lab("down", f"--group={name.read_text(encoding='ascii')}").returncode:
        raise SystemExit("the hosts could not be removed")


def main() -> None:
    """Run one command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=["up", "down"])
    parser.add_argument("--scenario", type=pathlib.Path, required=True)
    parser.add_argument("--ephemeral", type=pathlib.Path, required=True)
    options = parser.parse_args()
    if options.command == "up":
        up(options.scenario, options.ephemeral)
    else:
        down(options.ephemeral)


if __name__ == "__main__":
    main()
