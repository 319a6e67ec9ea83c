# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module through its own main(), on captures and on a postconf that is a script of this test."""

from __future__ import annotations

import json
import os
import pathlib
import stat
import subprocess
import sys
import time
import typing as t

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args
from ansible_collections.hardened.mail.plugins.module_utils.policy import (
    findings,
    from_capture,
    profiles,
    rules,
    rules_dovecot,
    validation,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.rules import RULES
from ansible_collections.hardened.mail.plugins.module_utils.postfix import bulk, capture, runner
from ansible_collections.hardened.mail.plugins.module_utils.postfix.capture import Said
from ansible_collections.hardened.mail.plugins.modules import postconf_validate
from ansible_collections.hardened.mail.tests.unit.plugins.module_utils.policy.capture_texts import (
    MASTER,
    capture_of,
)

ROOT: t.Final = pathlib.Path(__file__).parents[4]
SCRIPT: t.Final = ROOT / "playbooks" / "files" / "postfix-capture"
SECRET: t.Final = "hunter2-Zx"
#: A secret in every place where one may stand.
SECRETS: t.Final = {
    "smtp_sasl_password_maps": f"inline:{{ mail.example=user:{SECRET} }}, static:user:{SECRET}",
    "relay_password": SECRET,
    "virtual_mailbox_maps": f"mysql://user:{SECRET}@192.0.2.1/mail, password={SECRET}",
    "smtpd_tls_protocols": f"SSLv9 password={SECRET}",
    "smtpd_relay_restrictions": f"check_policy_service {{ inet:127.0.0.1:10023, secret={SECRET} }}",
    "smtpd_banner": f"$myhostname //user:{SECRET}@mx.example/",
    "relayhost": f"$relay_password {SECRET}",
    "mynetworks": f"0.0.0.0/0 static:user:{SECRET}",
}
SECRET_MASTER: t.Final = MASTER + (
    f"policy unix - n n - 0 spawn user=nobody argv=/usr/bin/policy --password={SECRET} password {SECRET}\n"
    f"587 inet n - y - - smtpd -o smtpd_sasl_auth_enable=yes -o relay_password={SECRET} -o a = {SECRET}\n"
)
SECRET_SAID: t.Final[dict[str, t.Any]] = {
    "master": Said(0, SECRET_MASTER),
    "explicit": Said(
        0,
        "".join(f"{name} = {value}\n" for name, value in SECRETS.items()),
        f"postconf: warning: /etc/postfix/main.cf: unused parameter: smtp_sasl_pasword={SECRET}\n"
        f"postconf: warning: /etc/postfix/main.cf: unused parameter: mail_db=mysql://u:{SECRET}@h/d\n"
        f"postconf: warning: /etc/postfix/main.cf, line 3: overriding earlier entry: bind_pw={SECRET}\n"
        f"postconf: warning: #comment after other text is not allowed: # it is {SECRET}\n",
    ),
    "overrides": Said(
        1, "", f'postconf: fatal: missing "=" after: "{SECRET}", x_password={SECRET}'
    ),
}

Run = t.Callable[..., dict[str, t.Any]]


def text_of(*arguments: t.Any, **said: t.Any) -> str:
    return capture.render(capture_of(*arguments, **said))


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs the module and returns what it prints."""

    def module(**options: t.Any) -> dict[str, t.Any]:
        with patch_module_args(options), pytest.raises(SystemExit) as exit_:
            postconf_validate.main()
        output = capfd.readouterr()
        assert SECRET not in output.out + output.err
        result: dict[str, t.Any] = json.loads(output.out)
        assert (exit_.value.code != 0) == bool(result.get("failed"))
        return result

    return module


@pytest.fixture
def postconf(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """A postconf that answers with the files of a directory, each named like the options."""
    answers = tmp_path / "answers"
    answers.mkdir()
    for question, options in capture.QUESTIONS.items():
        said = capture_of({"smtpd_tls_security_level": "may"}).said[question]
        (answers / ("".join(options) + ".out")).write_text(said.stdout)
    program = tmp_path / "bin" / "postconf"
    program.parent.mkdir()
    program.write_text(
        "#!/bin/sh\nshift 2\n"
        f'[ ! -e "{answers}/slow" ] || sleep 60\n'
        f'name="{answers}/$(printf %s "$*" | tr -d " ").out"\n'
        '[ ! -e "$name.err" ] || cat "$name.err" >&2\n'
        'exec cat "$name"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return answers


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_capture_is_judged(check_mode: bool, run: Run) -> None:
    text = text_of({"smtpd_tls_security_level": "none"})
    result = run(capture=text, fail_on="never", _ansible_check_mode=check_mode)
    assert (result["changed"], result["host"]) == (False, "mx.example")
    assert (result["version"], result["tls_library"]) == ("3.10.13", "OpenSSL 3.5.7")
    assert result["instance"] == "/etc/postfix"
    assert result["passed"] is False
    assert result["listening"] is None
    assert [one["reason"] for one in result["incomplete"]] == [from_capture.NOT_ON_HOST]
    assert result["rules_run"] + len(result["incomplete"][0]["rules"]) == len(RULES)
    worst = result["findings"][0]
    assert set(worst) == set(
        "rule severity area subject parameter observed expected message why fix source waived".split()
    )
    assert sum(result["counts"].values()) == len(result["findings"])


def test_the_task_fails_on_what_stands(run: Run) -> None:
    text = text_of({"smtpd_tls_security_level": "none"})
    result = run(capture=text, fail_on="critical")
    bad = [one["rule"] for one in result["findings"] if one["severity"] == "critical"]
    assert result.get("failed", False) == bool(bad)
    result = run(capture=text, fail_on="info")
    assert "findings of severity info or worse stand: " in result["msg"]
    assert from_capture.NOT_ON_HOST not in result["msg"]
    assert result["findings"]


def test_only_the_rules_asked_for_are_run(run: Run) -> None:
    found = {one["rule"] for one in run(capture=text_of(), fail_on="never")["findings"]}
    first, second = [one.id for one in RULES if one.id not in found and "host" not in one.needs][:2]
    result = run(capture=text_of(), rules_enabled=[first, second], rules_disabled=[second])
    ids = [rule for one in result["incomplete"] for rule in one["rules"]]
    assert (result["rules_run"], ids) == (1, [])
    assert result["passed"] is True


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param(
            {"rules_disabled": [RULES[0].id + "x"]}, f"did you mean {RULES[0].id!r}?", id="misspelt"
        ),
        pytest.param({"rules_enabled": ["zzzzz"]}, "docs/rules.md lists the rules", id="unknown"),
        pytest.param({"timeout": 0}, "timeout must be more than 0", id="timeout"),
        pytest.param(
            {"waivers": [{"rule": "zzzzz", "reason": "x", "expires": "2099-01-01"}]},
            "waivers, entry 1: there is no rule 'zzzzz'",
            id="waiver-of-nothing",
        ),
        pytest.param(
            {"waivers": [{"rule": RULES[0].id, "reason": "x", "expires": "1.2.2099"}]},
            "entry 1: expires is '1.2.2099': expected a day such as '2027-01-31'",
            id="waiver-until-when",
        ),
        pytest.param(
            {"waivers": [{"rule": RULES[0].id, "reason": " ", "expires": "2099-01-01"}]},
            "needs a reason",
            id="waiver-without-reason",
        ),
        pytest.param({"output": "/x"}, "required together: captures, output", id="output"),
        pytest.param({"captures": "/x"}, "mutually exclusive", id="both"),
        pytest.param({"captur": "x"}, "Unsupported parameters", id="option"),
    ],
)
def test_a_task_without_sense_is_refused(options: dict[str, t.Any], message: str, run: Run) -> None:
    text = text_of({"relay_password": SECRET})
    result = run(**{"capture": text, **options})
    assert result["failed"] is True
    assert message in result["msg"]


def test_a_waiver_covers_until_its_day(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    # In a process that is a controller as well, for the tests of filters, Ansible returns no warnings.
    warned: list[str] = []
    monkeypatch.setattr(
        postconf_validate.AnsibleModule, "warn", lambda _self, text: warned.append(text)
    )
    text = text_of({"smtpd_tls_security_level": "none"})
    bare = run(capture=text, fail_on="never")["findings"][0]
    row = {"rule": bare["rule"], "reason": "known", "subject": bare["subject"]}
    result = run(capture=text, fail_on="never", waivers=[{**row, "expires": "2099-01-01"}])
    waived = [one for one in result["findings"] if one["waived"] == "known"]
    assert bare["rule"] in {one["rule"] for one in waived}
    assert sum(result["counts"].values()) == len(result["findings"]) - len(waived)
    result = run(capture=text, fail_on="never", waivers=[{**row, "expires": "2020-01-01"}])
    assert not any(one["waived"] for one in result["findings"])
    assert warned == [f"The waiver of {bare['rule']} expired on 2020-01-01: known"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("", "no capture: line 1: ", id="empty"),
        pytest.param(f"relay_password = {SECRET}", "a line 'name = value'", id="postconf"),
        pytest.param(f"\0{SECRET}", "binary data", id="binary"),
        pytest.param(text_of()[:9000], "the capture ends before it; it was cut off", id="cut"),
        pytest.param(text_of(version=Said(0, "3.x")), "something that is no version", id="version"),
        pytest.param(text_of(master=Said(124, "")), "did not end in time", id="hangs"),
    ],
)
def test_what_cannot_be_judged_is_no_pass(text: str, reason: str, run: Run) -> None:
    for fail_on in ("never", "critical"):
        result = run(capture=text, fail_on=fail_on)
        assert result["passed"] is False
        assert bool(result.get("failed")) == (fail_on != "never")
        assert reason in " ".join(one["reason"] for one in result["incomplete"])
        assert sum(len(one["rules"]) for one in result["incomplete"])
    assert reason in result["msg"]


def test_no_secret_leaves_a_capture(run: Run) -> None:
    # The fixture looks for it in all that the module prints.
    for said in (SECRET_SAID, {**SECRET_SAID, "overrides": Said(0, "")}):
        text = text_of(SECRETS, **said)
        assert SECRET in text
        result = run(capture=text, fail_on="never")
        assert result["findings"]
        run(capture=text)
        run(capture=text.replace("|", "", 1))
        run(capture=text, rules_enabled=["nonsense"])


def test_the_net_below_the_rules_catches_a_secret(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def careless(view: t.Any) -> t.Any:
        shown = view.explicit["relay_password"] + view.explicit["smtp_sasl_password_maps"]
        return [hit_of(shown + repr(view.services[-1].overrides))]

    from ansible_collections.hardened.mail.plugins.module_utils.policy import rule

    def hit_of(text: str) -> rule.Hit:
        return rule.Hit(text, "x", text, text, text, findings.Fix(text, text))

    bad = rule.Rule("careless", "login", "low", "x", "x.", "x", careless)
    monkeypatch.setattr(rules, "RULES", (bad,))
    result = run(capture=text_of(SECRETS, master=Said(0, SECRET_MASTER)), fail_on="never")
    assert [one["rule"] for one in result["findings"]] == ["careless"]


def test_an_error_of_ours_shows_no_value(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from ansible_collections.hardened.mail.plugins.module_utils.policy import rule

    def broken(view: t.Any) -> t.Any:
        raise ValueError(view.explicit["relay_password"])

    bad = rule.Rule("broken", "login", "low", "x", "x.", "x", broken)
    monkeypatch.setattr(rules, "RULES", (bad,))
    result = run(capture=text_of({"relay_password": SECRET}))
    assert result["failed"] is True
    assert "An error in hardened.mail.postconf_validate itself" in result["msg"]


def test_the_arguments_are_shown_without_the_capture(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: dict[str, t.Any] = {}
    monkeypatch.setattr(
        postconf_validate.AnsibleModule,
        "exit_json",
        lambda _self, **result: shown.update(result) or sys.exit(0),
    )
    text = text_of({"relay_password": SECRET})
    with (
        patch_module_args({"capture": text, "fail_on": "never"}),
        pytest.raises(SystemExit),
    ):
        postconf_validate.main()
    arguments = shown["invocation"]["module_args"]
    assert arguments["capture"] == f"a text of {len(text)} characters"
    assert arguments["fail_on"] == "never"


def test_refused_arguments_are_shown_without_the_capture(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: dict[str, t.Any] = {}
    monkeypatch.setattr(
        postconf_validate.AnsibleModule,
        "fail_json",
        lambda _self, msg, **result: shown.update(result, msg=msg) or sys.exit(1),
    )
    text = text_of({"relay_password": SECRET})
    with patch_module_args({"capture": text, "captur": 1}), pytest.raises(SystemExit):
        postconf_validate.main()
    assert "Unsupported" in shown["msg"]
    assert SECRET not in repr(shown)


def test_nothing_is_written_to_the_system_log(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(
        postconf_validate.AnsibleModule, "log", lambda _self, msg, **_more: said.append(msg)
    )
    run(capture=text_of({"relay_password": SECRET}), fail_on="never")
    assert said == []


# The host itself


def test_the_host_is_judged(run: Run, postconf: pathlib.Path) -> None:
    result = run(config_directory=str(postconf), fail_on="never")
    assert (result["installed"], result["version"]) == (True, "3.10.13")
    assert (result["host"], result["instance"]) == (os.uname().nodename, str(postconf))
    assert result["myhostname"]
    assert result["listening"] is not None
    assert from_capture.NOT_ON_HOST not in str(result["incomplete"])
    assert result["findings"]


def test_a_postconf_that_hangs_is_ended(run: Run, postconf: pathlib.Path) -> None:
    (postconf / "slow").touch()
    began = time.monotonic()
    result = run(config_directory=str(postconf), timeout=0.3, fail_on="never")
    assert time.monotonic() - began < 55
    assert "did not end in time" in result["incomplete"][0]["reason"]
    assert sum(len(one["rules"]) for one in result["incomplete"]) >= len(RULES)
    assert (result["passed"], result["rules_run"]) == (False, 0)


def test_secrets_of_the_host_stay_there(run: Run, postconf: pathlib.Path) -> None:
    found = capture_of(SECRETS, **SECRET_SAID)
    for question, options in capture.QUESTIONS.items():
        path = postconf / ("".join(options) + ".out")
        path.write_text(found.said[question].stdout)
        path.with_name(path.name + ".err").write_text(found.said[question].stderr)
    result = run(config_directory=str(postconf), fail_on="never")
    assert result["rules_run"] > 0
    assert result["findings"]


def test_a_host_without_postfix_is_no_pass(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise runner.PostfixMissing(f"{name} was not found on this host: Postfix is not installed")

    monkeypatch.setattr(runner, "command", missing)
    result = run(fail_on="never")
    assert (result["installed"], result["passed"]) == (False, False)
    assert "Postfix is not installed" in result["incomplete"][0]["reason"]
    assert "Postfix is not installed" in run()["msg"]


def test_a_directory_that_is_not_there_is_an_error(run: Run, postconf: pathlib.Path) -> None:
    result = run(config_directory=str(postconf / "nothing"))
    assert f"{postconf / 'nothing'} is not a directory of this host" in result["msg"]


# Many captures


@pytest.fixture
def captures(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """Good, foreign, cut and unreadable files."""
    # Threads of other tests may run in this process, which must not be forked then.
    monkeypatch.setattr(bulk, "_processors", lambda: 1)
    directory = tmp_path / "captures"
    directory.mkdir()
    (directory / "a.example").write_text(text_of())
    (directory / "b.example").write_text(text_of(SECRETS, **SECRET_SAID))
    (directory / "c.example").write_bytes(b"\xff\0" + SECRET.encode())
    (directory / "d.example").write_text(text_of()[:5000])
    (directory / "e.example").symlink_to("/proc/self/mem")
    (directory / ".hidden").write_text("no capture")
    (directory / "folder").mkdir()
    return directory


def lines_of(output: pathlib.Path) -> list[dict[str, t.Any]]:
    text = output.read_text()
    assert SECRET not in text
    return [json.loads(line) for line in text.splitlines()]


def test_a_directory_becomes_lines(
    run: Run, captures: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    output = tmp_path / "out.jsonl"
    options = {"captures": str(captures), "output": str(output)}
    result = run(**options, _ansible_check_mode=True)
    assert (result["changed"], output.exists()) == (True, False)
    result = run(**options)
    assert result["changed"] is True
    assert stat.S_IMODE(output.stat().st_mode) == 0o600
    lines = lines_of(output)
    assert [one["file"] for one in lines] == [f"{name}.example" for name in "abcde"]
    assert [one["host"] for one in lines] == ["mx.example"] * 2 + [
        "c.example",
        "mx.example",
        "e.example",
    ]
    alone = run(capture=text_of(), fail_on="never")
    assert {name: alone[name] for name in lines[0] if name != "file"} == {
        name: value for name, value in lines[0].items() if name != "file"
    }
    assert result["hosts"] == 5
    assert result["hosts_incomplete"] == 4
    assert result["hosts_passed"] == sum(one["passed"] for one in lines)
    assert result["not_passed"] == [one["file"] for one in lines if not one["passed"]]
    assert result["counts"] == {
        severity: sum(one["counts"][severity] for one in lines) for severity in result["counts"]
    }
    assert "captures did not pass, the first is " in result["msg"]
    before = output.stat()
    assert run(**options)["changed"] is False
    assert run(**options, _ansible_check_mode=True)["changed"] is False
    assert output.stat().st_ino == before.st_ino
    output.chmod(0o644)
    assert run(**options, fail_on="never")["changed"] is True
    assert stat.S_IMODE(output.stat().st_mode) == 0o600
    (captures / "a.example").unlink()
    assert run(**options, fail_on="never")["changed"] is True
    assert len(lines_of(output)) == 4
    assert sorted(one.name for one in tmp_path.iterdir()) == ["captures", "out.jsonl"]


def test_the_output_is_no_capture(run: Run, captures: pathlib.Path) -> None:
    options = {"captures": str(captures), "output": str(captures / "out"), "fail_on": "never"}
    assert run(**options)["hosts"] == 5
    assert run(**options)["hosts"] == 5


@pytest.mark.parametrize("change", ["missing", "empty", "no-output"])
def test_a_directory_that_cannot_be_judged_is_an_error(
    change: str, run: Run, tmp_path: pathlib.Path
) -> None:
    directory, output = tmp_path / "captures", tmp_path / "out"
    if change != "missing":
        directory.mkdir()
    if change == "no-output":
        (directory / "a").write_text("x")
        output = tmp_path / "nowhere" / "out"
    result = run(captures=str(directory), output=str(output))
    assert result["failed"] is True
    assert "Nothing was judged." in result["msg"]
    assert str({"no-output": output.parent}.get(change, directory)) in result["msg"]


WORKERS: t.Final = """
import datetime, sys
from ansible_collections.hardened.mail.plugins.module_utils.policy import rules, validation
from ansible_collections.hardened.mail.plugins.module_utils.postfix import bulk
if sys.argv[4:]:
    def dying(path, request):
        import os, signal
        os.kill(os.getpid(), signal.SIGKILL)
    bulk._result = dying
request = validation.Request(rules.RULES, datetime.date(2026, 11, 24))
try:
    print(bulk.judge_all(sys.argv[1], output=sys.argv[2], request=request, workers=int(sys.argv[3])))
except bulk.BulkProblem as error:
    print("BulkProblem:", error)
"""


def in_workers(captures: pathlib.Path, output: pathlib.Path, workers: int, *more: str) -> str:
    """Judge in a process of its own, since threads of other tests may run in this one."""
    return subprocess.run(
        [sys.executable, "-c", WORKERS, str(captures), str(output), str(workers), *more],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ).stdout


def test_workers_share_the_work_and_keep_the_order(
    captures: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    texts = []
    for workers in (1, 2, 3, 9):
        output = tmp_path / f"out{workers}"
        assert "hosts=5" in in_workers(captures, output, workers)
        texts.append(output.read_text())
    assert len(set(texts)) == 1


def test_a_worker_that_dies_is_an_error_and_leaves_the_file(
    captures: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    output = tmp_path / "out"
    output.write_text("old")
    said = in_workers(captures, output, 2, "die")
    assert said == "BulkProblem: a.example: the process that judged it was killed\n"
    assert output.read_text() == "old"


# The documentation


def test_the_module_knows_the_choices_of_the_engine() -> None:
    # It names them itself, to load the engine only while postconf runs.
    assert postconf_validate.SEVERITIES == findings.SEVERITIES
    assert postconf_validate.NEVER == validation.NEVER
    assert postconf_validate.INBOUND_LEVELS == profiles.INBOUND_LEVELS
    assert postconf_validate.OUTBOUND_LEVELS == profiles.OUTBOUND_LEVELS


def test_rules_of_other_modules_may_be_named(run: Run) -> None:
    name = rules_dovecot.RULES[0].id
    row = {"rule": name, "reason": "x", "expires": "2099-01-01"}
    result = run(capture=text_of(), rules_disabled=[name], waivers=[row], fail_on="never")
    assert "failed" not in result


def test_the_documentation_has_the_options_and_results() -> None:
    documented = yaml.safe_load(postconf_validate.DOCUMENTATION)["options"]
    spec = postconf_validate.argument_spec()
    assert set(documented) == set(spec)
    for name, option in spec.items():
        assert documented[name]["type"] == option["type"], name
        assert documented[name].get("default") == option.get("default"), name
        assert list(documented[name].get("choices", [])) == list(option.get("choices", [])), name


def test_every_result_is_documented(
    run: Run, captures: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    documented = set(yaml.safe_load(postconf_validate.RETURN))
    alone = set(run(capture=text_of(), fail_on="never"))
    bulk_result = set(run(captures=str(captures), output=str(tmp_path / "out"), fail_on="never"))
    assert (alone | bulk_result) - {"changed", "invocation", "warnings"} == documented


def test_the_examples_name_rules_that_there_are() -> None:
    known = {one.id for one in RULES}
    tasks = yaml.safe_load(postconf_validate.EXAMPLES)
    options = [task.get("hardened.mail.postconf_validate") or {} for task in tasks]
    named = {one["rule"] for row in options for one in row.get("waivers", [])}
    assert named
    assert named <= known
