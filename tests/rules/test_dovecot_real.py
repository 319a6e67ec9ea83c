# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each rule for Dovecot on a real Dovecot of each release: failing, passing, absent, overridden by a section.

Where the fix of a finding is a command, it is run, and the rule must then be content. Run with
``tests/lab/enter .venv/bin/pytest tests/rules/test_dovecot_real.py``, ``-k RULE`` for one.
"""

from __future__ import annotations

import importlib
import io
import json
import os
import pathlib
import subprocess
import sys
import tarfile
import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.policy.rules_dovecot import RULES

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))
cases = importlib.import_module("dovecot_cases")
harness = importlib.import_module("harness")
CODE = "/opt/hardened-mail"
SECRETS = ("geheimnis", "c2FsdA", "dGVzdA", "user0")

RUNS: t.Final = tuple(
    pytest.param(one, release, id=f"{one.id}-{release}")
    for one in cases.CASES
    for release in cases.RELEASES
    if release in one.releases
)


def _code() -> bytes:
    """Return an archive of the collection's code and of what runs it."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.add(ROOT / "plugins", "ansible_collections/hardened/mail/plugins")
        archive.add(HERE / "apply_dovecot_cases.py", "apply_dovecot_cases.py")
    return packed.getvalue()


class Container:
    """A container of one release."""

    def __init__(self, name: str) -> None:
        self.name = name

    def run(self, *command: str, given: bytes = b"", check: bool = True) -> str:
        """Run a command; return its standard output."""
        done = subprocess.run(
            ["podman", "exec", "-i", self.name, *command],
            input=given,
            capture_output=True,
            check=False,
            timeout=300,
        )
        if check and done.returncode != 0:
            raise RuntimeError(f"{command}: {done.stderr.decode(errors='replace')}")
        return done.stdout.decode(errors="replace")


@pytest.fixture(scope="session")
def containers(request: pytest.FixtureRequest) -> t.Iterator[dict[str, Container]]:
    """One container with Postfix and Dovecot for each release that is going to be tested."""
    wanted = {
        item.callspec.params["release"]
        for item in request.session.items
        if "release" in getattr(getattr(item, "callspec", None), "params", {})
    }
    group = f"dovecot-{os.getpid()}"
    names = {release: "abcd"[index] for index, release in enumerate(sorted(wanted))}
    hosts = ",".join(f"{name}={release}:mail" for release, name in names.items())
    harness.lab("up", "--group", group, "--hosts", hosts)
    try:
        found = {release: Container(f"hml-{group}-{name}") for release, name in names.items()}
        for container in found.values():
            unpack = f"mkdir {CODE} && tar -C {CODE} -xf -"
            container.run("sh", "-c", unpack, given=_code())
        yield found
    finally:
        harness.lab("down", "--group", group)


@pytest.fixture(scope="session")
def answers(
    request: pytest.FixtureRequest, containers: dict[str, Container]
) -> dict[tuple[str, str], t.Any]:
    """What each case that is going to be run came to, by its name and the release."""
    wanted: dict[str, list[t.Any]] = {}
    for item in request.session.items:
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        if "one" in parameters:
            wanted.setdefault(parameters["release"], []).append(parameters["one"])
    found = {}
    for release, asked in wanted.items():
        jobs = json.dumps([one.job(release) for one in asked]).encode()
        output = containers[release].run("python3", f"{CODE}/apply_dovecot_cases.py", given=jobs)
        for one, said in zip(asked, json.loads(output)):
            found[one.id, release] = said
    return found


@pytest.mark.parametrize(("one", "release"), RUNS)
def test_rule_tells_the_truth(
    one: t.Any, release: str, answers: dict[tuple[str, str], t.Any]
) -> None:
    said = answers[one.id, release]
    result = said["found"]
    text = json.dumps(said)
    assert not [secret for secret in SECRETS if secret in text]
    # A configuration that is not taken leaves all but the rules about that unjudged.
    refused = [entry for entry in result["incomplete"] if "does not take" in entry["reason"]]
    assert result["incomplete"] == [entry for entry in refused if one.rule not in entry["rules"]]
    subjects = {finding["subject"] for finding in result["findings"]}
    expected = one.subject.replace("$CASE", said["directory"])
    if release not in one.found:
        assert not subjects
        return
    assert expected in subjects
    assert said["failed"] == ""
    if one.mended:
        assert said["mended"]["incomplete"] == []
        assert said["mended"]["findings"] == []


def test_every_rule_has_its_cases() -> None:
    """A rule that nothing shows to fail, to pass and to judge an absent setting is no rule."""
    known = {rule.id for rule in RULES}
    kinds = {rule: {one.kind for one in cases.CASES if one.rule == rule} for rule in known}
    lacking = {
        rule: sorted({"fails", "passes", "absent"} - there)
        for rule, there in kinds.items()
        if not {"fails", "passes", "absent"} <= there
    }
    assert not lacking
    assert sorted({one.rule for one in cases.CASES} - known) == []
    names = [one.id for one in cases.CASES]
    assert sorted({name for name in names if names.count(name) > 1}) == []
