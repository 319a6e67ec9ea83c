# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a verification says: passed, failed, not tested, in every format, whatever the hosts said."""

from __future__ import annotations

import copy
import datetime
import importlib.util
import json
import pathlib
import sys
import types
import typing as t
import xml.etree.ElementTree as ElementTree

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.policy import (
    rules_conduct,
    rules_wire,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.findings import Waiver
from ansible_collections.hardened.mail.plugins.module_utils.policy.wire_view import PURPOSES
from ansible_collections.hardened.mail.plugins.module_utils.report import verify_texts
from ansible_collections.hardened.mail.plugins.module_utils.report.checks import (
    CHECKS,
    PURPOSE_WORDS,
    checks_for,
)
from ansible_collections.hardened.mail.plugins.module_utils.report.verified import (
    Host,
    Request,
    Verification,
    host_of,
)

HERE = pathlib.Path(__file__).resolve().parent
FIXTURE = HERE.parents[2] / "fixtures" / "starttls-info.json"
REPORTS: t.Final = json.loads(FIXTURE.read_text(encoding="utf-8"))["reports"]
NOW = datetime.datetime(2026, 11, 25, tzinfo=datetime.timezone.utc)
PORTS: t.Final = {25: "hard-mx", 587: "hard-submission", 465: "hard-submissions", 143: "hard-imap", 993: "hard-imaps"}  # fmt: skip
#: What no setting mends on the recorded hosts, whose certificates are of their own making.
WAIVER: t.Final = Waiver("wire-certificate-self-signed", "a laboratory", datetime.date(2026, 12, 1))


def _module(path: pathlib.Path) -> types.ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


conduct = _module(HERE.parent / "policy" / "test_rules_conduct.py")


def look(**changes: t.Any) -> dict[str, t.Any]:
    """Return what was registered of a good host; of a port as ``tls_25`` or ``conduct_25`` it may be changed."""
    found: dict[str, t.Any] = {"tls": {"results": []}, "conduct": {"results": []}}
    for port, name in PORTS.items():
        purpose = name.partition("-")[2]
        item = {"port": port, "purpose": purpose, "server_name": "mx.example"}
        tls = {**REPORTS[f"{name}-trixie"], **changes.get(f"tls_{port}", {})}
        said = {**conduct.good(purpose), "complete": True, **changes.get(f"conduct_{port}", {})}
        found["tls"]["results"].append({**tls, "item": item})
        found["conduct"]["results"].append({**said, "item": item})
    return copy.deepcopy(found)


def host(given: dict[str, t.Any] | None = None, **options: t.Any) -> Host:
    request = Request(NOW, waivers=(WAIVER,), **{"intrusive": True, **options})
    return host_of("mx.example", look() if given is None else given, request)


def verified(*hosts: Host, **options: t.Any) -> Verification:
    return Verification(Request(NOW, **{"intrusive": True, **options}), hosts)


def ended(done: Host, result: t.Any) -> set[tuple[int, str]]:
    return {(port.port, one.check.id) for port in done.ports for one in port.having(result)}


def test_every_rule_belongs_to_one_check_and_every_purpose_has_its_rules() -> None:
    wire = {one.id for one in (*rules_wire.RULES, *rules_conduct.RULES)}
    assert {rule for one in CHECKS for rule in one.rules} == wire
    assert len({one.id for one in CHECKS}) == len(CHECKS)
    assert set(PURPOSE_WORDS) == set(PURPOSES)
    for purpose in PURPOSES:
        judged = [rule for one in checks_for(purpose) for rule in one.rules]
        assert len(judged) == len(set(judged)), purpose
        asked = {rule for rule in judged if rule in {one.id for one in rules_conduct.RULES}}
        assert asked == rules_conduct.rules_for(purpose), purpose


def test_a_good_host_passes() -> None:
    done = host()
    assert ended(done, "fail") == ended(done, "not tested") == set()
    notes = {name for _port, name in ended(done, "note")}
    assert notes == {"certificate-trust", "cbc"}
    assert verified(done).passed


def test_without_an_account_what_needs_one_is_not_tested_and_does_not_fail() -> None:
    lacking = {"incomplete": "no account was given for it"}
    intrusive = dict.fromkeys(("login", "wrong_password", "smuggling"), lacking)
    given = look(**{f"conduct_{port}": intrusive for port in PORTS})
    done = host(given, intrusive=False)
    account = {one.id for one in CHECKS if one.account and not one.trip}
    assert {name for _port, name in ended(done, "not tested")} == account
    assert verified(done, intrusive=False).passed
    # With the account it would have to be known.
    assert not verified(host(given)).passed


def test_a_dead_port_is_one_failure() -> None:
    gone = {"incomplete": "connecting to mx.example port 587: Connection refused"}
    conducted = {one: gone for one in conduct.BASE if one != "address"}
    given = look(conduct_587={**conducted, "greeting": gone}, tls_587=REPORTS["closed-trixie"])
    done = host(given, expected=True)
    assert ended(done, "fail") == {(587, "answers")}
    assert verified(done, expected=True).failures() == ("1 check failed on 1 host",)
    # Where nobody said that the port must be there, it is only told.
    done = host(given)
    assert ended(done, "fail") == set()
    assert "  nobody listens on 587" in verify_texts.lines(verified(done))


def test_a_host_without_any_open_port_is_not_verified() -> None:
    gone = {"greeting": {"incomplete": "connecting to mx.example port 25: no answer in time"}}
    done = host(look(**{f"conduct_{port}": gone for port in PORTS}))
    assert "no answer in time" in done.reason
    assert verified(done).failures() == ("1 host not verified",)
    assert verified().failures() == ("no host was verified",)


def test_a_port_without_tls_has_one_failure_for_that() -> None:
    given = look(tls_25=REPORTS["no-tls-trixie"])
    done = host(given)
    assert {name for port, name in ended(done, "fail") if port == 25} == {"tls", "vrfy"}
    reasons = {one.reason for one in done.ports[0].having("not tested")}
    assert reasons == {"the port has no TLS"}


@pytest.mark.parametrize(
    "result",
    [
        {"unreachable": True, "msg": "no route"},
        {"msg": "the module failed\nbadly"},
        {},
        {"complete": True, "greeting": 5, "relay": "x", "login": []},
        {"complete": True, "incomplete": [], "capabilities": "x", "protocols": 7},
    ],
    ids=["unreachable", "failed", "empty", "odd-conduct", "odd-tls"],
)
def test_a_result_of_another_shape_never_passes(result: dict[str, t.Any]) -> None:
    item = {"port": 25, "purpose": "mx"}
    both = {"results": [{**result, "item": item}]}
    done = host_of("mx", {"tls": both, "conduct": both}, Request(NOW, expected=True))
    assert ended(done, "pass") == set()
    assert not verified(done).passed


@pytest.mark.parametrize(
    "given", [{}, {"tls": None}, {"tls": {"results": [None, {"item": 5}]}}, {"tls": 7}]
)
def test_nothing_registered_is_not_verified(given: dict[str, t.Any]) -> None:
    assert host_of("mx", given, Request(NOW)).reason == "nothing was asked"


def test_limits_waivers_and_rules_that_do_not_count() -> None:
    vrfy = look(conduct_25={"vrfy": conduct.YES})
    assert ended(host(vrfy), "fail") == {(25, "vrfy")}
    assert ended(host(vrfy, fail_on="medium"), "fail") == set()
    assert (25, "vrfy") in ended(host(vrfy, fail_on="medium"), "note")
    assert verified(host(vrfy, fail_on="never"), fail_on="never").passed
    disabled = frozenset({"wire-vrfy", "wire-vrfy-answered"})
    assert (25, "vrfy") not in ended(host(vrfy, disabled=disabled), "pass")
    accepted = Waiver("wire-vrfy-answered", "wanted", datetime.date(2026, 12, 1))
    done = host_of("mx", vrfy, Request(NOW, waivers=(WAIVER, accepted)))
    assert (25, "vrfy") in ended(done, "note")
    expired = Waiver("wire-vrfy-answered", "wanted", datetime.date(2026, 11, 1))
    done = host_of("mx", vrfy, Request(NOW, waivers=(WAIVER, expired)))
    assert (25, "vrfy") in ended(done, "fail")


def test_commands_slipped_in_before_tls_fail_their_check() -> None:
    done = host(look(tls_587={"injection": "accepted"}))
    assert ended(done, "fail") == {(587, "injection")}
    (one,) = done.ports[1].having("fail")
    assert "executes commands inside TLS that came in clear text" in one.findings[0].message


def test_a_message_that_was_lost_fails_its_port() -> None:
    item = {"port": 465, "purpose": "submissions"}
    trip = {
        "sent": conduct.YES,
        "read": {"found": False, "seconds": 9},
        "complete": True,
        "item": item,
    }
    done = host({**look(), "trip": {"results": [trip]}})
    assert ended(done, "fail") == {(465, "delivery")}


@pytest.mark.parametrize(
    ("found", "left", "words"),
    [
        (True, 0, "lines in the mail log; 0 test messages in the mailbox"),
        (True, 1, "1 test message in the mailbox"),
        (False, 0, "test messages may be in the mailbox"),
        (True, "x", "test messages may be in the mailbox"),
    ],
)
def test_what_was_left_behind_is_said(found: bool, left: t.Any, words: str) -> None:
    item = {"port": 465, "purpose": "submissions"}
    read = {"found": found, "seconds": 1}
    trip = {"sent": conduct.YES, "read": read, "left": left, "complete": True, "item": item}
    done = verified(host({**look(), "trip": {"results": [trip]}}))
    assert any(words in line for line in verify_texts.lines(done))
    # Without an account nothing is left.
    quiet = verified(host(intrusive=False), intrusive=False)
    assert not any("left behind" in line for line in verify_texts.lines(quiet))


HOSTILE: t.Final = "<script>\x1b[31m\u202e&\"'" + "x" * 3000


def test_formats_agree_and_take_whatever_a_server_says() -> None:
    evil = look(
        conduct_25={"vrfy": {"accepted": True, "reply": HOSTILE}, "relay": {"incomplete": HOSTILE}}
    )
    done = verified(host(evil), host_of("gone", {}, Request(NOW)))
    data = json.loads(verify_texts.as_json(done))
    assert (data["schema"], data["schema_version"]) == ("hardened.mail/verify", 1)
    assert data["passed"] is False
    assert data["counts"] == {
        one: done.number(one) for one in ("fail", "note", "not tested", "pass")
    }
    suites = ElementTree.fromstring(verify_texts.as_junit(done))
    cases = suites.findall("./testsuite/testcase")
    assert int(suites.get("tests", "")) == len(cases) == sum(data["counts"].values()) + 1
    assert int(suites.get("failures", "")) == len(suites.findall(".//failure")) == 1
    assert int(suites.get("skipped", "")) == len(suites.findall(".//skipped")) == 1
    assert int(suites.get("errors", "")) == 1
    lines = verify_texts.lines(done)
    assert all(line.isprintable() for line in lines)
    assert "\u202e" not in "".join(lines)
    assert any(line.startswith("    FAILED      low: Port 25 of mx.example") for line in lines)
    assert (
        lines[-1] == "NOT PASSED: 1 check failed on 1 host; 1 host not verified; 1 check not tested"
    )


def test_of_many_hosts_only_the_number_of_good_checks_is_shown() -> None:
    few, many = verified(host()), verified(*[host()] * 4)
    assert any("it answers" in line for line in verify_texts.lines(few))
    assert not any("it answers" in line for line in verify_texts.lines(many))
