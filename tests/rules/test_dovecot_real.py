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
from ansible_collections.hardened.mail.plugins.module_utils.dovecot.doveconf_output import parse
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


@pytest.mark.parametrize("release", cases.RELEASES)
def test_a_good_configuration_has_nothing_above_info(
    release: str, containers: dict[str, Container]
) -> None:
    job = json.dumps([cases.GOOD.job(release)]).encode()
    output = containers[release].run("python3", f"{CODE}/apply_dovecot_cases.py", given=job)
    (said,) = json.loads(output)
    result = said["found"]
    assert result["incomplete"] == []
    assert result["rules_run"] == len(RULES)
    assert {one["severity"] for one in result["findings"]} <= {"info"}, result["findings"]
    assert result["passed"] is True


@pytest.mark.parametrize("release", cases.RELEASES)
def test_the_parser_reads_what_doveconf_reads(
    release: str, containers: dict[str, Container]
) -> None:
    """Each setting by itself, as doveconf prints it alone, is what the parser found in the whole."""
    run = containers[release].run
    whole = parse(run("doveconf", "-P", "-n"))
    assert {name for name, value in whole.settings.items() if value} > {"mail_privileged_group"}
    for name, value in whole.settings.items():
        # 2.4 does not print its own versions alone.
        if not name.startswith("dovecot_"):
            assert run("doveconf", "-P", "-h", name).strip() == value.strip(), name
    everything = parse(run("doveconf", "-P", "-a"))
    for name in ("ssl_cipher_list", "ssl_min_protocol", "auth_verbose_passwords", "ssl"):
        assert run("doveconf", "-h", name).strip() == everything.value(name), name


DIES: t.Final = """
set -e
cat >/etc/dovecot/local.conf
systemctl reset-failed dovecot
systemctl restart dovecot || :
"""
#: A client that wants TLS at once; it verifies nothing.
TLS: t.Final = (
    "import socket, ssl; context = ssl.create_default_context(); context.check_hostname = False; "
    "context.verify_mode = ssl.CERT_NONE; "
    "print(context.wrap_socket(socket.create_connection(('127.0.0.1', 993), 10)).version())"
)
#: What port 587 announces inside TLS.
FEATURES: t.Final = """
import smtplib, ssl
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
client = smtplib.SMTP("127.0.0.1", 587, timeout=10)
client.starttls(context=context)
client.ehlo()
print(" ".join(client.esmtp_features))
"""


@pytest.fixture
def dovecot(release: str, containers: dict[str, Container]) -> t.Iterator[Container]:
    """A container whose Dovecot and Postfix are put back afterwards."""
    container = containers[release]
    container.run("sh", "-c", "cp -a /etc/postfix/master.cf /root/master.cf")
    yield container
    container.run("sh", "-c", "cp -a /root/master.cf /etc/postfix/master.cf; postfix reload")
    container.run("bash", "-c", DIES, given=b"")


@pytest.mark.parametrize("release", cases.RELEASES)
@pytest.mark.parametrize("name", ["other", "value", ""])
def test_a_refused_configuration_stops_dovecot(name: str, release: str, dovecot: Container) -> None:
    """dovecot-configuration-refused and dovecot-foreign-names: the service is down after a restart."""
    rule = "dovecot-foreign-names" if name == "other" else "dovecot-configuration-refused"
    (one,) = [
        case for case in cases.CASES if (case.rule, case.kind, case.name) == (rule, "fails", name)
    ]
    text = one.job(release)["text"]
    dovecot.run("bash", "-c", DIES, given=text.encode())
    state = dovecot.run("systemctl", "is-active", "dovecot", check=False).strip()
    # 2.3 takes over what 2.2 called ssl_protocols, with a warning; the words of 2.4 stop it.
    assert state in ("failed", "activating"), text


@pytest.mark.parametrize("release", cases.RELEASES)
def test_a_certificate_of_another_key_leaves_no_tls(release: str, dovecot: Container) -> None:
    """dovecot-certificate-unusable: no handshake succeeds any more."""
    dovecot.run("bash", "-c", DIES, given=b"")
    assert dovecot.run("python3", "-c", TLS).startswith("TLSv1.")
    setup = cases.make("own", cases.EC) + cases.make("other", cases.EC)
    dovecot.run("bash", "-c", f"mkdir -p /srv/dies; CASE=/srv/dies; {setup}cp other.key own.key")
    words = cases.PAIR_OLD if release in cases.OLD else cases.PAIR_NEW
    dovecot.run("bash", "-c", DIES, given=words.replace("$CASE", "/srv/dies").encode())
    assert dovecot.run("python3", "-c", TLS, check=False) == ""


@pytest.mark.parametrize("release", cases.RELEASES)
@pytest.mark.parametrize(
    ("configuration", "answers"),
    [
        pytest.param(cases.socket("0660"), True, id="open"),
        pytest.param("", False, id="missing"),
        pytest.param(cases.socket("0600", "root", "root"), False, id="closed"),
    ],
)
@pytest.mark.usefixtures("release")
def test_without_the_login_socket_nobody_logs_in(
    configuration: str, answers: bool, dovecot: Container
) -> None:
    """dovecot-postfix-socket-missing and -closed: smtpd dies after STARTTLS."""
    dovecot.run("sh", "-c", "cat >>/etc/postfix/master.cf", given=cases.SUBMISSION.encode())
    dovecot.run(
        "bash", "-c", "rm -f /var/spool/postfix/private/auth; " + DIES, given=configuration.encode()
    )
    dovecot.run("postfix", "reload")
    features = dovecot.run("python3", "-c", FEATURES, check=False).split()
    assert ("auth" in features) is answers
    assert bool(features) is answers
