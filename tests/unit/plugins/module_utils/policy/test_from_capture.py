# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The view of a capture, and what is said when a part of it makes no sense."""

from __future__ import annotations

import datetime
import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.policy import rules, validation
from ansible_collections.hardened.mail.plugins.module_utils.policy.from_capture import (
    NOT_ON_HOST,
    view_of,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.host_facts import HostFacts
from ansible_collections.hardened.mail.plugins.module_utils.postfix import capture as text_format
from ansible_collections.hardened.mail.plugins.module_utils.postfix.capture import Capture, Said
from ansible_collections.hardened.mail.plugins.module_utils.postfix.version import (
    TlsLibrary,
    Version,
)
from ansible_collections.hardened.mail.tests.unit.plugins.module_utils.policy.capture_texts import (
    MASTER,
    capture_of,
    fixture,
    listing,
)

WARNING: t.Final = "/usr/sbin/postconf: warning: /etc/postfix/main.cf: unused parameter: foo=bar"
EVERY_PART: t.Final = {"main", "master", "map_types", "tls_library", "warnings", "host"}
SECRET: t.Final = "hunter2"
DEFAULTS: t.Final = fixture("d", "3.10.13")


def missing_of(capture: Capture) -> dict[str, str]:
    """Return the parts that are missing, without the host, and check that no rule passes without its parts."""
    view, missing = view_of(capture)
    assert missing.pop("host") == NOT_ON_HOST
    request = validation.Request(rules.RULES, today=datetime.date(2026, 11, 24))
    result = validation.result_of(capture, request)
    unjudged = {
        rule
        for one in result["incomplete"]
        if one["reason"] != NOT_ON_HOST
        for rule in one["rules"]
    }
    for rule in rules.RULES:
        assert (rule.id in unjudged) >= bool(set(rule.needs) & set(missing)), rule.id
    assert not (missing and result["passed"])
    assert SECRET not in repr(result)
    assert SECRET not in repr(view.warnings)
    return t.cast("dict[str, str]", missing)


@pytest.mark.parametrize("version", ["3.5.25", "3.7.11", "3.10.13", "3.11.7"])
def test_a_whole_capture_gives_the_view(version: str) -> None:
    found = capture_of({"smtpd_tls_security_level": "may"}, release=version)
    view, missing = view_of(text_format.parse(text_format.render(found)))
    assert missing == {"host": NOT_ON_HOST}
    assert view.version == Version.parse(version)
    assert view.explicit == {"smtpd_tls_security_level": "may"}
    assert len(view.raw) == fixture("d", version).count("\n")
    assert view.raw["smtpd_tls_security_level"] == "may"
    assert view.raw["virtual_uid_maps"] == ""
    assert view.raw["milter_helo_macros"].startswith("{tls_version} {cipher}")
    assert isinstance(view.tls_library, TlsLibrary)
    assert "static" in view.map_types
    assert [one.id for one in view.services] == [
        "smtp/inet",
        "cleanup/unix",
        "smtp/unix",
        "relay/unix",
        "submission/inet",
    ]
    assert view.services[-1].overrides == {
        "smtpd_banner": "a b, c",
        "smtpd_tls_security_level": "encrypt",
    }


def test_facts_of_the_host_are_a_part() -> None:
    facts = HostFacts(now=datetime.datetime.now(datetime.timezone.utc))
    view, missing = view_of(capture_of(), facts=facts)
    assert missing == {}
    assert view.facts is facts


def test_warnings_come_from_every_answer_and_from_between_the_lines() -> None:
    lines = DEFAULTS.splitlines(keepends=True)
    found = capture_of(
        postconf=Said(0, "".join([*lines[:9], WARNING + "\n", *lines[9:]]), "postconf: warning: a"),
        explicit=Said(0, "", "postconf: warning: b\nbash: warning: setlocale: cannot change\n"),
        master=Said(0, f"{WARNING}\n{MASTER}", "postconf: warning: c"),
        overrides=Said(0, "", "postconf: warning: d"),
    )
    assert missing_of(found) == {}
    assert view_of(found)[0].warnings == (
        "/etc/postfix/main.cf: unused parameter: foo=bar",
        "a",
        "b",
        "bash: warning: setlocale: cannot change",
        "c",
        "d",
    )


QUESTIONS_OF: t.Final[dict[str, set[str]]] = {
    "version": {"main", "master", "map_types", "tls_library", "warnings"},
    "postconf": {"main", "warnings"},
    "explicit": {"main", "warnings"},
    "master": {"master", "warnings"},
    "overrides": {"warnings"},
    "map_types": {"map_types"},
    "tls_library": {"tls_library"},
}


@pytest.mark.parametrize("question", QUESTIONS_OF)
@pytest.mark.parametrize(
    ("said", "words"),
    [
        pytest.param(None, "does not hold the answer", id="absent"),
        pytest.param(Said(124, ""), "did not end in time", id="hangs"),
        pytest.param(
            Said(1, "", 'postconf: fatal: open /etc/postfix/main.cf: Permission denied: "hunter2"'),
            "ended with status 1: open /etc/postfix/main.cf: Permission denied",
            id="unreadable",
        ),
        pytest.param(Said(127, "", "sh: postconf: not found"), "status 127: sh:", id="no-postconf"),
        pytest.param(Said(137, ""), "ended with status 137", id="killed"),
        pytest.param(Said(0, "\x7fELF\0\0hunter2 = x\n"), "printed binary data", id="binary"),
    ],
)
def test_an_answer_that_is_none_names_what_is_not_known(
    question: str, said: t.Optional[Said], words: str
) -> None:
    replaced: dict[str, t.Any] = {question: said}
    missing = missing_of(capture_of({"relay_password": SECRET}, **replaced))
    assert set(missing) == QUESTIONS_OF[question]
    for reason in missing.values():
        assert words in reason
        assert "postconf" in reason


@pytest.mark.parametrize("question", QUESTIONS_OF)
@pytest.mark.parametrize(
    "stdout",
    [
        pytest.param("PING 192.0.2.1 hunter2 (192.0.2.1) 56(84) bytes of data.\n", id="ping"),
        pytest.param("bash: postconf: Kommando nicht gefunden hunter2.\n", id="german"),
        pytest.param("Datei oder Verzeichnis = nicht gefunden: hunter2\n", id="localised-equals"),
        pytest.param('{"hunter2": "json"}\n', id="json"),
        pytest.param("<html>hunter2</html>\n", id="html"),
    ],
)
def test_the_output_of_another_program_is_no_answer(question: str, stdout: str) -> None:
    replaced: dict[str, t.Any] = {question: Said(0, stdout)}
    expected = QUESTIONS_OF[question]
    # Whatever it prints beside warnings, postconf was run: its standard error counts.
    if question != "version":
        expected = expected - {"warnings"}
    assert set(missing_of(capture_of(**replaced))) == expected


@pytest.mark.parametrize(
    ("said", "part", "words"),
    [
        pytest.param({"version": Said(0, "3.x\n")}, "main", "is no version", id="wrong-version"),
        pytest.param({"version": Said(0, "\n")}, "main", "is no version", id="empty-version"),
        pytest.param(
            {"version": Said(0, "2.11.0\n")}, "main", "do not know Postfix 2.11.0", id="old"
        ),
        pytest.param({"postconf": Said(0, "")}, "main", "printed 0, and", id="no-parameters"),
        pytest.param(
            {"postconf": Said(0, DEFAULTS[: DEFAULTS.rindex("virtual_uid_maps") + 5])},
            "main",
            "that is no 'name = value'",
            id="cut-in-a-line",
        ),
        pytest.param(
            {"postconf": Said(0, DEFAULTS[: DEFAULTS.rindex("virtual_uid_maps")])},
            "main",
            "virtual_uid_maps, which every Postfix has",
            id="cut",
        ),
        pytest.param(
            {"postconf": Said(0, DEFAULTS[DEFAULTS.index("mynetworks") :])},
            "main",
            "2bounce_notice_recipient, which every Postfix has",
            id="beginning-lost",
        ),
        pytest.param(
            {"explicit": Said(0, "relayhost = hunter2\n")},
            "main",
            "do not agree about relayhost",
            id="of-another-host",
        ),
        pytest.param({"master": Said(0, "")}, "master", "printed none", id="empty-master"),
        pytest.param(
            {"master": Said(0, MASTER + "smtp hunter2")}, "master", "line 6", id="master-cut"
        ),
        pytest.param({"map_types": Said(0, "")}, "map_types", "no list of them", id="no-types"),
        pytest.param({"map_types": Said(0, "usage: x [-y]")}, "map_types", "no list", id="usage"),
        pytest.param({"tls_library": Said(0, "")}, "tls_library", "without TLS", id="no-tls"),
    ],
)
def test_an_answer_without_sense_is_none(said: dict[str, t.Any], part: str, words: str) -> None:
    assert words in missing_of(capture_of(**said))[part]


def test_a_capture_that_was_cut_off_says_so() -> None:
    text = text_format.render(capture_of())
    cut = text_format.parse(text[: text.index("--- master")])
    missing = missing_of(cut)
    assert set(missing) == {"master", "warnings", "map_types", "tls_library"}
    assert all("the capture ends before it; it was cut off" in one for one in missing.values())


def test_a_capture_cut_off_anywhere_is_never_a_pass() -> None:
    text = text_format.render(capture_of({"smtpd_tls_security_level": "may"}))
    for length in range(100, text.index("--- tls_library status"), 997):
        _view, missing = view_of(text_format.parse(text[:length]))
        assert "tls_library" in missing


def test_a_main_cf_of_a_hundred_thousand_lines_is_judged() -> None:
    many = {f"my_class_{number}": "permit" for number in range(100_000)}
    found = capture_of(many)
    assert missing_of(found) == {}
    assert view_of(found)[0].raw["my_class_99999"] == "permit"


def test_a_value_of_a_mebibyte_is_judged() -> None:
    long = "192.0.2.1 " * 104_858
    found = capture_of({"mynetworks": long.strip(), "relay_domains": "$mynetworks"})
    assert missing_of(found) == {}
    assert view_of(found)[0].value("relay_domains") == long.strip()


def test_a_cycle_names_the_parameter_that_could_not_be_judged() -> None:
    cyclic = {"mynetworks": "$relay_domains", "relay_domains": "$mynetworks"}
    request = validation.Request(rules.RULES, today=datetime.date(2026, 11, 24))
    result = validation.result_of(capture_of(cyclic), request)
    reasons = [one["reason"] for one in result["incomplete"]]
    assert any(one.startswith("mynetworks: ") for one in reasons)
    assert result["passed"] is False


@pytest.mark.parametrize(
    "warning",
    [
        "/etc/postfix/main.cf: unused parameter: relay_password=hunter2",
        "/etc/postfix/main.cf: unused parameter: smtp_sasl_passwrd=hunter2 word",
        "/etc/postfix/main.cf: unused parameter: smtp_sasl_passwrd_maps=static:user:hunter2",
        "/etc/postfix/main.cf: unused parameter: ldap=ldap://admin:hunter2@192.0.2.1/",
        "/etc/postfix/master.cf: unused parameter: db_pwd=hunter2",
        "/etc/postfix/main.cf, line 6: overriding earlier entry: bind_pw=hunter2",
        "/etc/postfix/main.cf, line 3: #comment after other text is not allowed: # is hunter2",
    ],
)
def test_a_warning_shows_no_secret(warning: str) -> None:
    said = Said(0, "", f"postconf: warning: {warning}\n")
    found = capture_of(explicit=said)
    assert missing_of(found) == {}
    shown = view_of(found)[0].warnings[0]
    assert shown.split("=")[0].split("# ")[0] in warning


def test_a_warning_without_secret_is_whole() -> None:
    said = Said(0, "", f"{WARNING}\n")
    assert view_of(capture_of(explicit=said))[0].warnings == (WARNING.partition("warning: ")[2],)


def test_nothing_at_all_is_incomplete_in_every_part() -> None:
    nothing = Capture("", "", "", {})
    assert set(view_of(nothing)[1]) == EVERY_PART
    assert missing_of(nothing)


def test_the_listing_of_this_test_is_as_postconf_prints_it() -> None:
    pairs = dict(line.partition(" =")[::2] for line in DEFAULTS.splitlines())
    assert listing({name: value.strip() for name, value in pairs.items()}) == DEFAULTS
