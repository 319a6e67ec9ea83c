# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configurations with which Postfix could not run, or would not do what they say."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.postfix import master_cf, validate
from ansible_collections.hardened.mail.plugins.module_utils.postfix.postconf_output import Snapshot
from ansible_collections.hardened.mail.plugins.module_utils.postfix.validate import Problem
from ansible_collections.hardened.mail.plugins.module_utils.postfix.version import (
    TlsLibrary,
    Version,
)

DEFAULTS = {
    "daemon_directory": "/usr/lib/postfix/sbin",
    "smtp_dns_support_level": "",
    "smtp_tls_security_level": "",
    "smtpd_tls_protocols": ">=TLSv1",
    "smtpd_tls_security_level": "",
    "postscreen_tls_security_level": "",
}
SMTP = "smtp inet n - y - - smtpd\n"


def snapshot(
    *, version: str = "3.7.11", warnings: t.Sequence[str] = (), **explicit: str
) -> Snapshot:
    return Snapshot(
        version=Version.parse(version),
        tls_library=TlsLibrary("OpenSSL", (3, 0, 22)),
        map_types=frozenset({"hash", "lmdb", "inline", "static", "texthash"}),
        explicit=explicit,
        effective={**DEFAULTS, **explicit},
        warnings=tuple(warnings),
    )


def problems(
    master: str = SMTP,
    *,
    evidence: t.Optional[validate.Evidence] = None,
    **given: t.Any,
) -> list[str]:
    found = validate.problems(
        snapshot(**given), services=master_cf.parse(master), evidence=evidence
    )
    return [str(problem) for problem in found]


def test_a_sound_configuration_has_no_problem() -> None:
    assert problems(smtpd_tls_security_level="may", smtpd_tls_protocols=">=TLSv1.2") == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("smtpd_tls_security_level", "bogus", id="level"),
        pytest.param("smtpd_tls_protocols", "foo", id="protocols"),
        pytest.param("smtpd_tls_ciphers", "higher", id="grade"),
        pytest.param("smtpd_tls_auth_only", "maybe", id="boolean"),
        pytest.param("smtp_tls_policy_maps", "btree:/etc/postfix/policy", id="map-type"),
    ],
)
def test_a_bad_value_is_found_in_main_cf_and_in_an_override(name: str, value: str) -> None:
    (of_main,) = problems(**{name: value})
    assert of_main.startswith(f"main.cf {name}: ")
    (of_service,) = problems(f"587 inet n - y - - smtpd -o {name}={value}\n")
    assert of_service.startswith(f"587/inet {name}: ")
    assert of_main.partition(": ")[2] == of_service.partition(": ")[2]
    assert value.partition(":")[0] in of_main


def test_a_newer_syntax_is_found() -> None:
    (found,) = problems(version="3.5.25", smtpd_tls_protocols=">=TLSv1.2")
    assert found.startswith("main.cf smtpd_tls_protocols: ")


def test_an_override_is_judged_expanded() -> None:
    master = "587 inet n - y - - smtpd -o smtpd_tls_security_level=$mua_level\n"
    assert problems(master, mua_level="encrypt") == []
    (found,) = problems(master, mua_level="bogus")
    assert found.startswith("587/inet smtpd_tls_security_level: ")


def test_an_override_that_cannot_be_expanded_is_found() -> None:
    master = "587 inet n - y - - smtpd -o mua_level=$mua_level -o relayhost=x\n"
    (found,) = problems(master)
    assert found.startswith("587/inet mua_level: the override -o mua_level of 587/inet cannot")
    services = master_cf.parse(master)
    assert validate.table_files(snapshot(), services=services) == ()


def test_of_duplicates_only_the_last_is_judged() -> None:
    bad = "25 inet n - y - - smtpd -o smtpd_tls_security_level=bogus\n"
    (found,) = problems(bad + SMTP)
    assert found == (
        "smtp/inet: master.cf has it twice (also as 25/inet); Postfix uses the last entry, so "
        "remove the other one"
    )


def test_entries_of_different_addresses_are_no_duplicates() -> None:
    assert problems(f"{SMTP}127.0.0.1:{SMTP}smtp unix - - y - - smtp\n") == []


@pytest.mark.parametrize(
    ("warning", "version", "subject", "message"),
    [
        pytest.param(
            "/etc/postfix/main.cf: unused parameter: smtp_tlsrpt_enable=yes",
            "3.7.11",
            "main.cf smtp_tlsrpt_enable",
            "needs Postfix 3.10.0; this host has 3.7.11",
            id="too-new",
        ),
        pytest.param(
            "/etc/postfix/main.cf: unused parameter: smtpd_tls_security_levle=may",
            "3.10.13",
            "main.cf smtpd_tls_security_levle",
            "Postfix 3.10.13 does not know it; did you mean smtpd_tls_security_level",
            id="misspelt",
        ),
        pytest.param(
            "/etc/postfix/main.cf: unused parameter: zzz=$foo",
            "3.10.13",
            "main.cf zzz",
            "Postfix 3.10.13 does not know it and nothing refers to it",
            id="unknown",
        ),
        pytest.param(
            "/etc/postfix/main.cf: undefined parameter: nope",
            "3.10.13",
            "main.cf $nope",
            "is used but defined nowhere",
            id="undefined",
        ),
    ],
)
def test_names(warning: str, version: str, subject: str, message: str) -> None:
    (found,) = validate.problems(
        snapshot(version=version, warnings=[warning]), services=master_cf.parse(SMTP)
    )
    assert found.subject == subject
    assert found.message.startswith(message)


def test_a_name_that_only_master_cf_has() -> None:
    warning = "/etc/postfix/master.cf: unused parameter: zzz=1"
    (found,) = problems(f"{SMTP[:-1]} -o zzz=1\n", warnings=[warning])
    assert found.startswith("master.cf zzz: Postfix 3.7.11 does not know it")


def test_other_warnings_are_no_problem() -> None:
    assert problems(warnings=["/etc/postfix/main.cf, line 2: overriding earlier entry: a=1"]) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param("-o smtpd_banner = x", "'-o smtpd_banner = x'", id="blanks"),
        pytest.param("-o smtpd_banner=a b", "'b'", id="blank-in-value"),
        pytest.param("-o", "'-o'", id="nothing-behind-o"),
    ],
)
def test_stray_words(arguments: str, words: str) -> None:
    (found,) = problems(f"{SMTP[:-1]} {arguments}\n")
    assert found.startswith(f"smtp/inet: the daemon dies on the stray words {words}")


@pytest.mark.parametrize("level", ["dane", "dane-only"])
def test_dane_without_dnssec(level: str) -> None:
    (found,) = problems(smtp_tls_security_level=level)
    assert found.startswith(f"main.cf smtp_tls_security_level: {level} without")
    assert problems(smtp_tls_security_level=level, smtp_dns_support_level="dnssec") == []


POSTSCREEN = "smtp inet n - y - 1 postscreen\nsmtpd pass - - y - - smtpd\n"


@pytest.mark.parametrize(
    ("master", "level", "count"),
    [
        pytest.param(POSTSCREEN, "may", 1, id="without"),
        pytest.param(POSTSCREEN, "none", 0, id="no-tls"),
        pytest.param(f"{POSTSCREEN}tlsproxy unix - - y - 0 tlsproxy\n", "may", 0, id="with"),
        pytest.param(
            f"{POSTSCREEN}#tlsproxy unix - - y - 0 tlsproxy\n", "encrypt", 1, id="commented"
        ),
    ],
)
def test_postscreen_needs_tlsproxy(master: str, level: str, count: int) -> None:
    found = problems(master, postscreen_tls_security_level=level)
    assert len(found) == count
    assert all(one.startswith("smtp/inet: postscreen offers STARTTLS") for one in found)


def test_table_files() -> None:
    services = master_cf.parse(
        f"{SMTP[:-1]} -o smtpd_client_restrictions=check_client_access,texthash:/etc/b\n"
    )
    found = validate.table_files(
        snapshot(
            smtp_tls_policy_maps="lmdb:/etc/a, inline:{x=y} proxy:hash:/etc/c",
            smtpd_tls_session_cache_database="lmdb:/var/lib/postfix/cache",
        ),
        services=services,
    )
    assert found == (
        ("main.cf smtp_tls_policy_maps", "lmdb:/etc/a", "/etc/a.lmdb"),
        ("main.cf smtp_tls_policy_maps", "hash:/etc/c", "/etc/c.db"),
        ("smtp/inet smtpd_client_restrictions", "texthash:/etc/b", "/etc/b"),
    )


def test_missing_files_are_said_only_with_evidence() -> None:
    evidence = validate.Evidence(
        daemons=frozenset({"smtpd"}), missing_tables=frozenset({"/etc/a.lmdb"})
    )
    master = f"{SMTP}x unix - n n - - /opt/own\ny unix - - y - - nosuch\n"
    settings = {"smtp_tls_policy_maps": "lmdb:/etc/a lmdb:/etc/b"}
    table, daemon = problems(master, evidence=evidence, **settings)
    assert table.startswith(
        "main.cf smtp_tls_policy_maps: the lookup table lmdb:/etc/a has no file"
    )
    assert daemon.startswith("y/unix: there is no program 'nosuch' in daemon_directory (/usr/lib")
    assert problems(master, **settings) == []


OLD, NEW, ASKED = (Problem(f"main.cf {name}", "bad") for name in ("old", "new", "asked"))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param([], [], (), id="none"),
        pytest.param([OLD], [OLD], (), id="known"),
        pytest.param([OLD], [], (), id="cured"),
        pytest.param([OLD], [OLD, NEW], (NEW,), id="new"),
        pytest.param([ASKED], [ASKED], (ASKED,), id="known-but-asked-for"),
        pytest.param(
            [OLD],
            [Problem("main.cf old", "worse")],
            (Problem("main.cf old", "worse"),),
            id="other-message",
        ),
    ],
)
def test_new_problems(
    before: list[Problem], after: list[Problem], expected: tuple[Problem, ...]
) -> None:
    assert validate.new_problems(before, after, asked={"main.cf asked"}) == expected
