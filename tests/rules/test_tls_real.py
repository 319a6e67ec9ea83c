# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the rules about TLS say of daemons and of OpenSSL, tried on those of each release.

Run with ``tests/lab/enter .venv/bin/pytest tests/rules/test_tls_real.py``.
"""

from __future__ import annotations

import importlib
import json
import os
import pathlib
import subprocess
import sys
import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.policy import rules_tls, tls_suites

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
case = importlib.import_module("case")
harness = importlib.import_module("harness")
CASES: t.Final = tuple(
    one
    for name in ("cases_tls", "cases_tls_suites", "cases_tls_keys")
    for one in importlib.import_module(name).CASES
)
DYING: t.Final = frozenset(rule.id for rule in rules_tls.RULES if rule.dies)
# On port 25 of a stock host, so the case must be about the opportunistic settings.
ELSEWHERE: t.Final = frozenset({"mandatory", "wrapper", "idle", "postscreen", "tlsproxy"})
FATAL: t.Final = tuple(
    one for one in CASES if one.rule in DYING and one.kind == "fails" and one.name not in ELSEWHERE
)
ERAS: t.Final = {"bullseye": "1.1.1", "bookworm": "3.0", "trixie": "3.2", "sid": "3.2"}
OPENSSL = 'while IFS= read -r list; do openssl ciphers "$list:@SECLEVEL=0" || echo; done'


class Host:
    """A container of one release."""

    def __init__(self, release: str) -> None:
        self.group = f"tls-{release}-{os.getpid()}"
        self.container = f"hml-{self.group}-a"
        harness.lab("up", "--group", self.group, "--hosts", f"a={release}:postfix")

    def run(self, *command: str, text: str) -> str:
        """Run a command in it; return what it prints."""
        done = subprocess.run(
            ["podman", "exec", "-i", self.container, *command],
            input=text.encode(),
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode(errors="replace")
        return done.stdout.decode()

    def handshakes(self, changes: t.Sequence[t.Mapping[str, t.Any]]) -> list[dict[str, t.Any]]:
        """Return what a client gets with each configuration."""
        for name in ("apply_cases.py", "handshakes.py"):
            self.run("sh", "-c", f"cat >/root/{name}", text=(HERE / name).read_text())
        found: list[dict[str, t.Any]] = json.loads(
            self.run("python3", "/root/handshakes.py", text=json.dumps(list(changes)))
        )
        return found


@pytest.fixture(scope="module", params=case.RELEASES)
def host(request: pytest.FixtureRequest) -> t.Iterator[tuple[str, Host]]:
    """One container for the tests of a release."""
    one = Host(request.param)
    try:
        yield request.param, one
    finally:
        harness.lab("down", "--group", one.group)


def test_tls_is_dead_where_a_rule_says_so(host: tuple[str, Host]) -> None:
    """And it works with Debian's configuration, before and after."""
    release, machine = host
    stock = case.Case("", "passes").changes()
    fatal = [one for one in FATAL if one.found_on(release)]
    assert {one.rule for one in fatal} >= DYING - {"curves-empty", "protocols-need-newer-postfix"}
    first, *broken, last = machine.handshakes([stock, *(one.changes() for one in fatal), stock])
    assert first["tls"], first["said"]
    assert last["tls"], last["said"]
    alive = {one.id: said["said"] for one, said in zip(fatal, broken) if said["tls"]}
    assert alive == {}


def test_tls_lives_where_the_case_passes(host: tuple[str, Host]) -> None:
    release, machine = host
    fine = [
        one
        for one in CASES
        if one.rule in DYING
        and one.kind == "passes"
        and not one.found_on(release)
        and not one.master
    ]
    # The certificates of these cases are not there, or no daemon listens outside.
    usable = [one for one in fine if "tls_config_file = /etc" not in one.main]
    found = machine.handshakes([one.changes() for one in usable])
    dead = {one.id: said["said"] for one, said in zip(usable, found) if not said["tls"]}
    assert dead == {}


def lists() -> list[str]:
    fixture = HERE.parent / "unit/fixtures/openssl-selects-3.0.19.txt"
    lines = fixture.read_text().splitlines()
    return [line.split("\t")[0] for line in lines[lines.index("") + 1 :]]


def test_the_model_of_suites_is_that_of_openssl(host: tuple[str, Host]) -> None:
    """But for suites that this OpenSSL was built without."""
    release, machine = host
    asked = lists()
    said = machine.run("sh", "-c", f"{OPENSSL} 2>/dev/null", text="\n".join(asked) + "\n")
    answers = said.splitlines()
    assert len(answers) == len(asked)
    optional = set(tls_suites.names(tls_suites.OPTIONAL))
    wrong = {}
    for wanted, answer in zip(asked, answers):
        real = {name for name in answer.split(":") if name and not name.startswith("TLS_")}
        model = set(tls_suites.names(tls_suites.select(wanted, era=ERAS[release])))
        if not model - optional <= real <= model:
            wrong[wanted] = sorted(real ^ model)
    assert wrong == {}
