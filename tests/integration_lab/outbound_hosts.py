# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two mail hosts that roles are played on, and a name server that tells them what the world would."""

from __future__ import annotations

import contextlib
import pathlib
import re
import time
import typing as t

import yaml
from lab_group import Group, run

#: The mail hosts and their releases; each sends to the other.
RELEASES: t.Final = {"a": "trixie", "b": "bookworm"}
OTHER: t.Final = {"a": "b", "b": "a"}
SECONDS: t.Final = 40


class Play(t.NamedTuple):
    """How a play ended: its output, the changes on each host, and the hosts that failed."""

    text: str
    changed: dict[str, int]
    failed: set[str]

    @property
    def words(self) -> str:
        """The output in one line, however it was folded."""
        return " ".join(self.text.split())


class Hosts(Group):
    """The mail hosts ``a`` and ``b``, and ``ns``, running."""

    def __init__(self, prefix: str, folder: pathlib.Path) -> None:
        super().__init__(prefix)
        self.folder = folder
        self.addresses: dict[str, str] = {}

    def play(
        self,
        roles: t.Sequence[str],
        variables: dict[str, t.Any],
        *options: str,
        fails: bool = False,
    ) -> Play:
        """Play roles of the collection on both mail hosts; it must fail everywhere, or nowhere."""
        book = self.folder / "play.yml"
        play = {
            "name": "Play",
            "hosts": "flavour_outbound",
            "gather_facts": False,
            "roles": [f"hardened.mail.{role}" for role in roles],
            "vars": variables,
        }
        book.write_text(yaml.safe_dump([play]), encoding="utf-8")
        done = run("ansible-playbook", "-i", str(self.inventory), *options, str(book))
        text = done.stdout + done.stderr
        found = re.findall(
            r"^(\w+)\s+: ok=\d+\s+changed=(\d+)\s+unreachable=0\s+failed=(\d+)",
            done.stdout,
            re.MULTILINE,
        )
        played = Play(
            text,
            {host: int(changed) for host, changed, _ in found},
            {host for host, _, failed in found if int(failed)},
        )
        assert played.changed.keys() == RELEASES.keys(), text
        assert played.failed == (set(RELEASES) if fails else set()), text
        return played

    def wait(self, host: str, script: str) -> str:
        """Run a script until it prints something; return that."""
        until = time.monotonic() + SECONDS
        while not (said := self.try_sh(host, script).stdout.strip()):
            assert time.monotonic() < until, (
                f"{script}: nothing\n{self.sh(host, 'journalctl -n 60 --no-pager')}"
            )
            time.sleep(0.2)
        return said

    def send(self, host: str, recipient: str, subject: str) -> None:
        """Send a message with a host's own Postfix."""
        self.sh(host, f"printf 'Subject: {subject}\\n\\ntext\\n' | sendmail {recipient}")

    def fate(self, host: str, recipient: str) -> str:
        """Wait until Postfix says what became of mail to a recipient; return the line of the last time."""
        look = f"journalctl --no-pager -q -o cat | grep -F 'to=<{recipient}>' | tail -n 1"
        return self.wait(host, look)

    def tree(self, host: str, *paths: str) -> str:
        """Return what there is under the paths: kind, mode, owner, time and digest by name."""
        places = " ".join(paths)
        return self.sh(
            host,
            f"find {places} -printf '%p %y %m %U:%G %T@ %l\\n' 2>/dev/null | sort;"
            f" find {places} -type f -exec sha256sum {{}} + 2>/dev/null | sort -k2",
        )

    def bind(self, files: dict[str, str]) -> None:
        """Start BIND on ``ns``, which has authority for each zone from its file and tells nothing else."""
        lines = ['options { directory "/var/lib/bind"; recursion no; listen-on { any; }; };']
        lines += [
            f'zone "{zone}" {{ type primary; file "{file}"; }};' for zone, file in files.items()
        ]
        config = "\n".join(lines)
        self.sh("ns", f"cat >/etc/bind/named.conf <<'END'\n{config}\nEND\nsystemctl restart named")
        zone = next(iter(files))
        self.wait("ns", f"dig +short +time=1 +tries=1 @127.0.0.1 {zone} SOA")


@contextlib.contextmanager
def hosts(
    prefix: str, folder: pathlib.Path, prepare: t.Callable[[Hosts], None]
) -> t.Iterator[Hosts]:
    """Have the hosts, prepared, for as long as the block lasts."""
    made = Hosts(prefix, folder)
    made_of = {name: f"{release}:outbound" for name, release in RELEASES.items()}
    with made.running({**made_of, "ns": "trixie:dns"}):
        made.addresses = {name: made.address(name) for name in (*RELEASES, "ns")}
        prepare(made)
        yield made


__all__ = ("OTHER", "RELEASES", "Hosts", "Play", "hosts")
