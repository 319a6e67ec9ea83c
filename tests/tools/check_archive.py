#!/usr/bin/env python3
# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the collection, look at what is in the archive, install it and use it from there.

With ``--inventory`` every role is also applied, twice, to the hosts in it: the second run must change nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import posixpath
import re
import subprocess
import sys
import tarfile
import tempfile
import typing as t

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONTENT: t.Final = frozenset(
    {
        "CHANGELOG.md",
        "FILES.json",
        "LICENSE",
        "MANIFEST.json",
        "README.md",
        "changelogs",
        "docs",
        "meta",
        "playbooks",
        "plugins",
        "roles",
    }
)
PLUGIN_TYPES: t.Final = {"module": "plugins/modules", "filter": "plugins/filter"}
FQCN: t.Final = "hardened.mail."


class Ansible:
    """The commands of one ansible-core, seeing only the collections under ``place``."""

    def __init__(self, binaries: pathlib.Path, *, place: pathlib.Path) -> None:
        self.binaries = binaries
        self.place = place

    def run(self, command: str, *arguments: str) -> str:
        """Return the standard output; raise ``SystemExit`` with it when the command fails."""
        env = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
        env |= {
            "ANSIBLE_COLLECTIONS_PATH": str(self.place / "collections"),
            "ANSIBLE_HOME": str(self.place / "home"),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
            "ANSIBLE_NOCOLOR": "1",
            "LC_ALL": "C.UTF-8",
        }
        print(f"$ {command} {' '.join(arguments)}", flush=True)
        result = subprocess.run(
            [str(self.binaries / command), *arguments],
            cwd=self.place,
            env=env,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        if result.returncode != 0:
            raise SystemExit(f"{result.stdout}\n{command} failed with status {result.returncode}")
        return result.stdout


def foreign_files(archive: pathlib.Path) -> list[str]:
    """Return the names in ``archive`` that a user has no use for."""
    with tarfile.open(archive) as tar:
        names = tar.getnames()
    return [
        name
        for name in names
        if name.split("/", 1)[0] not in CONTENT or "/." in name or "__pycache__" in name
    ]


def dead_links(archive: pathlib.Path) -> list[str]:
    """Return the links of the guides in ``archive`` to files that are not in it."""
    with tarfile.open(archive) as tar:
        texts = {
            one.name: content.read().decode("utf-8")
            for one in tar
            if one.name.endswith(".md") and (content := tar.extractfile(one)) is not None
        }
        names = {name.rstrip("/") for name in tar.getnames()}
    dead = []
    for name, text in texts.items():
        for link in re.findall(r"\]\(([^)#\s]+)", text):
            target = posixpath.normpath(posixpath.join(posixpath.dirname(name), link))
            if not re.match("[a-z]+:", link) and target not in names:
                dead.append(f"{name} links to {link}, which is not in the archive")
    return dead


def check_plugins(ansible: Ansible) -> list[str]:
    """Have ansible-doc render every module and filter; return those that it does not know."""
    missing = []
    for kind, folder in PLUGIN_TYPES.items():
        expected = {
            FQCN + path.stem
            for path in (ROOT / folder).glob("*.py")
            if not path.stem.startswith("_")
        }
        if not expected:
            continue
        known = json.loads(ansible.run("ansible-doc", "--json", "--type", kind, *sorted(expected)))
        missing += [
            f"ansible-doc shows nothing of the {kind} {name}"
            for name in sorted(expected)
            if not known.get(name, {}).get("doc", {}).get("description")
        ]
    return missing


def write_play(ansible: Ansible, *, hosts: str, roles: t.Sequence[str]) -> str:
    """Write a play that applies ``roles`` and return its path."""
    play = ansible.place / f"{hosts}.yml"
    # The submission services leave to main.cf what it says already, so it comes first.
    ordered = sorted(roles, key=lambda role: role != "postfix_tls")
    content = [
        {
            "hosts": hosts,
            # The milter is a package that no host of this check has.
            "vars": {"message_authentication_state": "absent"},
            "roles": [FQCN + role for role in ordered],
        }
    ]
    play.write_text(json.dumps(content), encoding="utf-8")
    return str(play)


def check_roles(ansible: Ansible, *, roles: t.Sequence[str]) -> list[str]:
    """Have Ansible parse a play with every role, and every playbook; return those without documentation."""
    ansible.run(
        "ansible-playbook", "--syntax-check", write_play(ansible, hosts="localhost", roles=roles)
    )
    for playbook in sorted((ROOT / "playbooks").glob("*.yml")):
        ansible.run("ansible-playbook", "--syntax-check", FQCN + playbook.stem)
    if not roles:
        return []
    known = json.loads(
        ansible.run("ansible-doc", "--json", "--type", "role", "--list", "hardened.mail")
    )
    return [
        f"ansible-doc shows nothing of the role {role}"
        for role in roles
        if FQCN + role not in known
    ]


def check_hosts(ansible: Ansible, *, inventory: str, roles: t.Sequence[str]) -> list[str]:
    """Apply every role to the hosts of ``inventory`` twice; return the hosts that the second run changed."""
    play = write_play(ansible, hosts="all", roles=roles)
    changes = []
    for _run in range(2):
        output = ansible.run("ansible-playbook", "-i", inventory, play)
        print(output)
        changes = re.findall(r"^(\S+) +: ok=\d+ +changed=(\d+) ", output, re.MULTILINE)
    if not changes:
        return [f"{play} ran on no host"]
    return [
        f"the second run changed {host} {count} times" for host, count in changes if count != "0"
    ]


def main() -> int:
    """Build, look, install, use."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--bin", default=ROOT / ".venv" / "bin", type=pathlib.Path, help="whose Ansible"
    )
    parser.add_argument("--inventory", help="hosts to apply the roles to")
    options = parser.parse_args()
    roles = sorted(path.name for path in (ROOT / "roles").glob("*") if path.is_dir())
    with tempfile.TemporaryDirectory(prefix="hardened-mail-archive-") as name:
        place = pathlib.Path(name)
        ansible = Ansible(options.bin, place=place)
        print(ansible.run("ansible", "--version").splitlines()[0])
        ansible.run("ansible-galaxy", "collection", "build", str(ROOT), "--output-path", str(place))
        (archive,) = place.glob("hardened-mail-*.tar.gz")
        problems = [f"{archive.name} holds {file}" for file in foreign_files(archive)]
        problems += dead_links(archive)
        collections = place / "collections"
        ansible.run(
            "ansible-galaxy",
            "collection",
            "install",
            "--offline",
            str(archive),
            "-p",
            str(collections),
        )
        problems += check_plugins(ansible)
        problems += check_roles(ansible, roles=roles)
        if options.inventory:
            problems += check_hosts(ansible, inventory=str(ROOT / options.inventory), roles=roles)
    print("\n".join([*problems, f"{len(problems)} problems"]))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
