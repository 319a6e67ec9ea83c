# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the answers of doveconf come to: a view, a refusal, or nothing."""

from __future__ import annotations

import datetime
import pathlib
import typing as t
from dataclasses import replace

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.policy import (
    dovecot_fix,
    dovecot_validation,
    validation,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.dovecot_view import (
    DovecotFacts,
    DovecotView,
    certificate_paths,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.findings import Waiver
from ansible_collections.hardened.mail.plugins.module_utils.policy.rules_dovecot import RULES

FIXTURES = pathlib.Path(__file__).resolve().parents[3] / "fixtures"
NOW = datetime.datetime(2026, 11, 24, tzinfo=datetime.timezone.utc)
REQUEST = validation.Request(rules=RULES, today=NOW.date())
VERSIONS = ("2.3.13", "2.3.19", "2.4.1", "2.4.5")


def recorded(option: str, version: str) -> str:
    return (FIXTURES / f"doveconf-{option}-{version}.txt").read_text(encoding="utf-8")


def heard(version: str = "2.4.1", **more: t.Any) -> dovecot_validation.Heard:
    said: dict[str, t.Any] = {
        "status": 0,
        "explicit": recorded("n", version),
        "everything": recorded("a", version),
        "stderr": "",
        "refused_status": 89,
        **more,
    }
    return dovecot_validation.heard(**said)


def view(version: str) -> DovecotView:
    found = heard(version).view
    assert found is not None
    return replace(found, facts=DovecotFacts(NOW))


def result(found: dovecot_validation.Heard, **more: t.Any) -> dict[str, t.Any]:
    request = REQUEST._replace(**more)
    return dovecot_validation.result_of(
        found, request, host="mx.example", config_file="/etc/dovecot/dovecot.conf"
    )


@pytest.mark.parametrize("version", VERSIONS)
def test_the_view_speaks_one_language(version: str) -> None:
    seen = view(version)
    assert seen.new is version.startswith("2.4")
    assert seen.protocols == ("imap",)
    assert seen.mechanisms == ("plain", "login")
    assert [(one.name, one.port, one.implicit_tls) for one in seen.logins] == [("imaps", 993, True)]
    assert [(one.driver, one.scheme, one.file) for one in seen.passdbs] == [
        ("passwd-file", "PLAIN", "/etc/dovecot/users"),
        ("static", "", ""),
    ]
    assert [path for _subject, _name, path, _key in certificate_paths(seen)] == [
        "/etc/ssl/mx.example.pem",
        "/etc/ssl/imap.example.pem",
    ]
    assert [key for _subject, _name, _path, key in certificate_paths(seen)] == [
        "/etc/ssl/mx.example.key",
        "/etc/ssl/imap.example.key",
    ]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_configuration_is_judged_without_its_host(version: str) -> None:
    judged = result(heard(version))
    rules = {one["rule"] for one in judged["findings"]}
    assert {"dovecot-default-scheme", "dovecot-old-protocols"} <= rules
    assert judged["version"] == version
    assert judged["incomplete"] == []
    assert "geheimnis" not in str(judged)


def test_a_refused_configuration_is_critical_and_leaves_the_rest_unjudged() -> None:
    found = heard(
        status=89,
        explicit=recorded("n", "2.4.1").splitlines()[0] + "\n",
        everything="",
        stderr="doveconf: Fatal: Error in configuration file /etc/dovecot/a.conf line 3: ssl_cert: Unknown setting: ssl_cert\n",
    )
    judged = result(found)
    (finding,) = judged["findings"]
    assert finding["severity"] == "critical"
    assert finding["subject"] == "/etc/dovecot/a.conf"
    assert "line 3: ssl_cert: Unknown setting: ssl_cert" in finding["message"]
    assert "ssl_server_cert_file" in finding["fix"]["command"]
    (incomplete,) = judged["incomplete"]
    assert "dovecot-tls-not-required" in incomplete["rules"]
    assert judged["passed"] is False


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        pytest.param({"explicit": ""}, "this is not what doveconf prints", id="empty"),
        pytest.param({"explicit": "\x00\x01\xff"}, "this is not what doveconf prints", id="binary"),
        pytest.param({"everything": "x"}, "this is not what doveconf prints", id="half"),
        pytest.param(
            {"explicit": recorded("n", "2.4.1")[:-8]}, "ends within a section", id="cut-off"
        ),
        pytest.param({"status": 1}, "doveconf ended with status 1", id="status"),
        pytest.param(
            {"status": 127, "explicit": "", "stderr": "doveconf: Fatal: out of memory\n"},
            "doveconf ended with status 127: out of memory",
            id="words",
        ),
        pytest.param(
            {"explicit": "# 2.2.36 (x): /etc/dovecot/dovecot.conf\n"},
            "do not know Dovecot 2.2.36",
            id="too-old",
        ),
    ],
)
def test_what_cannot_be_read_leaves_everything_unjudged(
    said: dict[str, t.Any], reason: str
) -> None:
    judged = result(heard(**said))
    assert judged["findings"] == []
    assert [one["reason"] for one in judged["incomplete"] if reason in one["reason"]]
    unjudged = {rule for one in judged["incomplete"] for rule in one["rules"]}
    assert unjudged == {rule.id for rule in RULES}
    assert judged["passed"] is False
    assert judged["version"] is None


def test_what_could_not_be_looked_at_is_said() -> None:
    found = heard()
    assert found.view is not None
    facts = DovecotFacts(NOW, unseen=("/etc/dovecot/users: Permission denied",))
    judged = result(replace(found, view=replace(found.view, facts=facts)))
    assert judged["incomplete"] == [
        {"reason": "could not look at /etc/dovecot/users: Permission denied", "rules": []}
    ]
    assert judged["passed"] is False


def test_a_waiver_covers_a_finding() -> None:
    waiver = Waiver("dovecot-old-protocols", "an old scanner", datetime.date(2027, 1, 31))
    judged = result(heard(), waivers=(waiver,))
    (finding,) = [one for one in judged["findings"] if one["rule"] == waiver.rule]
    assert finding["waived"] == "an old scanner"
    assert finding["subject"] == "dovecot: local 192.0.2.1 protocol imap"
    assert result(heard())["counts"]["high"] - judged["counts"]["high"] == 1


def test_interop_lets_old_mail_programs_in() -> None:
    choices = REQUEST.choices._replace(inbound_profile="interop")
    judged = result(heard(), choices=choices)
    severities = {one["rule"]: one["severity"] for one in judged["findings"]}
    assert severities["dovecot-old-protocols"] == "low"


def test_a_host_without_dovecot_has_nothing_to_judge() -> None:
    judged = dovecot_validation.not_installed(REQUEST, host="mx.example", config_file="/x")
    assert judged["installed"] is False
    assert judged["passed"] is True
    assert judged["incomplete"] == []
    assert judged["rules_run"] == 0


def test_a_fix_is_quoted_for_the_shell_and_goes_into_its_section() -> None:
    seen = view("2.4.1")
    fix = dovecot_fix.set_to(
        seen, "login_greeting", "it's", subject="dovecot: local 192.0.2.1 protocol imap"
    )
    assert fix.command == (
        "printf '%s\\n' 'local 192.0.2.1 {' 'protocol imap {' 'login_greeting = it'\\''s' '}' '}' "
        ">>'/srv/dovecot.conf' && doveadm reload"
    )


def test_ids_are_words_and_all_different() -> None:
    ids = [rule.id for rule in RULES]
    assert len(set(ids)) == len(ids)
    assert all(one.startswith("dovecot-") for one in ids)
    for rule in RULES:
        assert rule.why.endswith(".")
        assert rule.source
        assert rule.example
