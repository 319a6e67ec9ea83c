# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module dovecot_validate through main(): options, a doveconf that misbehaves, and what becomes of secrets.

What it says of real configurations is tested in tests/rules/test_dovecot_real.py.
"""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.hardened.mail.plugins.modules import dovecot_validate

FIXTURES = pathlib.Path(__file__).resolve().parents[2] / "fixtures"


class Host:
    """A directory with a doveconf that the test wrote, and a configuration file."""

    def __init__(self, directory: pathlib.Path) -> None:
        self.directory = directory
        self.config = directory / "dovecot.conf"
        self.config.write_text("ssl = required\n", encoding="utf-8")

    def doveconf(self, script: str) -> None:
        """Put a doveconf there that runs this shell script."""
        program = self.directory / "doveconf"
        program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        program.chmod(0o755)

    def prints(self, version: str) -> None:
        """Let doveconf print what a real one printed."""
        files = f"{FIXTURES}/doveconf-${{2#-}}-{version}.txt"
        self.doveconf(f'sed "1s|: .*|: {self.config}|" "{files}"')


@pytest.fixture
def host(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(dovecot_validate.live.runner, "_SBIN", ())
    return Host(tmp_path)


def run(host: Host, capsys: pytest.CaptureFixture[str], **options: t.Any) -> dict[str, t.Any]:
    arguments = {"config_file": str(host.config), **options}
    with patch_module_args(arguments), pytest.raises(SystemExit):
        dovecot_validate.main()
    result: dict[str, t.Any] = json.loads(capsys.readouterr().out)
    return result


@pytest.mark.parametrize("version", ["2.3.13", "2.3.19", "2.4.1", "2.4.5"])
def test_a_configuration_is_judged(
    version: str, host: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    host.prints(version)
    result = run(host, capsys, fail_on="never")
    assert result["version"] == version
    assert result["changed"] is False
    assert not result.get("failed")
    assert {"dovecot-certificate-unusable", "dovecot-old-protocols"} <= {
        one["rule"] for one in result["findings"]
    }
    assert result["ports"] == [{"protocol": "imap", "port": 993, "implicit_tls": True}]
    assert "geheimnis" not in json.dumps(result)


def test_a_bad_configuration_fails_the_task_and_returns_the_findings(
    host: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    host.prints("2.4.1")
    result = run(host, capsys)
    assert result["failed"]
    assert "dovecot-certificate-unusable" in result["msg"]
    assert result["findings"]
    assert result["passed"] is False


def test_a_host_without_dovecot_passes(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    result = run(host, capsys)
    assert result["installed"] is False
    assert result["passed"] is True
    assert result["incomplete"] == []


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        pytest.param("exec sleep 60", "did not end within 0.3 s", id="hangs"),
        pytest.param("echo text", "not what doveconf prints", id="other-program"),
        pytest.param("head -c 999 /dev/urandom", "not what doveconf prints", id="binary"),
        pytest.param("exit 3", "ended with status 3", id="status"),
        pytest.param("kill -9 $$", "ended with status -9", id="killed"),
    ],
)
def test_a_doveconf_that_misbehaves_leaves_everything_unjudged(
    script: str, reason: str, host: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    host.doveconf(script)
    timeout = 0.3 if "sleep" in script else 20
    result = run(host, capsys, fail_on="never", timeout=timeout)
    assert any(reason in one["reason"] for one in result["incomplete"])
    assert result["findings"] == []
    assert result["passed"] is False


def test_a_refused_configuration_is_reported_with_dovecots_words(
    host: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    host.config.write_text("dovecot_config_version = 2.4.1\nssl_cert = </etc/x\n", encoding="utf-8")
    host.doveconf(
        f"echo '# 2.4.1 (x): {host.config}'; "
        f"echo 'doveconf: Fatal: Error in configuration file {host.config} line 2: Unknown setting: ssl_cert' >&2; "
        "exit 89"
    )
    result = run(host, capsys)
    rules = {one["rule"] for one in result["findings"]}
    assert rules == {"dovecot-configuration-refused", "dovecot-foreign-names"}
    assert result["failed"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"config_file": "/nonexistent"}, "is not a file of this host", id="file"),
        pytest.param({"timeout": 0}, "timeout must be more than 0", id="timeout"),
        pytest.param({"rules_enabled": ["dovecot-ssl"]}, "there is no rule", id="rule"),
        pytest.param({"rules_disabled": ["dovecot-old-protocol"]}, "did you mean", id="near"),
        pytest.param(
            {"waivers": [{"rule": "dovecot-old-protocols", "reason": "x", "expires": "soon"}]},
            "expected a day",
            id="day",
        ),
    ],
)
def test_an_option_that_says_nothing_is_refused(
    options: dict[str, t.Any], message: str, host: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    host.prints("2.4.1")
    result = run(host, capsys, **options)
    assert result["failed"]
    assert message in result["msg"]
    assert result["msg"].endswith("Nothing was judged.")


def test_rules_of_the_other_module_may_stand_in_the_lists(
    host: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    host.prints("2.4.1")
    other = dovecot_validate.rules.RULES[0].id
    enabled = [other, "dovecot-old-protocols"]
    result = run(host, capsys, rules_enabled=enabled, fail_on="never")
    assert {one["rule"] for one in result["findings"]} == {"dovecot-old-protocols"}
    assert result["rules_run"] == 1


def test_an_expired_waiver_gives_a_warning(
    host: Host, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Where the process counts as a controller, Ansible shows a warning and does not return it.
    said: list[str] = []
    monkeypatch.setattr(
        dovecot_validate.AnsibleModule, "warn", lambda _self, text: said.append(text)
    )
    host.prints("2.4.1")
    waiver = {"rule": "dovecot-old-protocols", "reason": "old", "expires": "2020-01-31"}
    result = run(host, capsys, waivers=[waiver], fail_on="never")
    assert said == ["The waiver of dovecot-old-protocols expired on 2020-01-31: old"]
    assert all(one["waived"] == "" for one in result["findings"])
