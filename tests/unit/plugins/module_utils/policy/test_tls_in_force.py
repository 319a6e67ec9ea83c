# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which TLS parameters count for a service: level, wrapper mode, overrides, tlsproxy."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.policy import tls_in_force, tls_suites
from ansible_collections.hardened.mail.plugins.module_utils.policy.view import View
from ansible_collections.hardened.mail.plugins.module_utils.postfix import master_cf
from ansible_collections.hardened.mail.plugins.module_utils.postfix.version import Version

FIXTURES = pathlib.Path(__file__).parents[3] / "fixtures"
SMTP = "smtp inet n - y - - smtpd"
SUBMISSION = "submission inet n - y - - smtpd\n  -o smtpd_tls_security_level=encrypt"
SUBMISSIONS = "submissions inet n - y - - smtpd\n  -o smtpd_tls_wrappermode=yes"
SCREENED = (
    "smtp inet n - y - 1 postscreen\nsmtpd pass - - y - - smtpd\ntlsproxy unix - - y - 0 tlsproxy"
)


def view(master: str, main: str = "", *, postfix: str = "3.7.11") -> View:
    lines = (FIXTURES / f"postconf-d-{postfix}.txt").read_text().splitlines()
    raw, explicit = (
        {
            name.strip(): value.strip()
            for name, _equals, value in (line.partition("=") for line in text)
        }
        for text in (lines, ["smtpd_tls_security_level = may", *main.splitlines()])
    )
    return View(
        version=Version.parse(postfix),
        raw={**raw, **explicit},
        explicit=explicit,
        services=master_cf.parse(master + "\n"),
    )


def server(master: str, main: str = "", *, postfix: str = "3.7.11") -> tls_in_force.TlsServer:
    return tls_in_force.servers(view(master, main, postfix=postfix))[-1]


@pytest.mark.parametrize(
    ("main", "level"),
    [
        pytest.param("smtpd_tls_security_level = May", "may", id="any-case"),
        pytest.param("smtpd_tls_security_level = secure", "encrypt", id="level-of-clients"),
        pytest.param("smtpd_tls_security_level = dane", "", id="fatal"),
        pytest.param("smtpd_tls_security_level = halfdane", "", id="fatal-though-a-name"),
        pytest.param("smtpd_tls_security_level =", "none", id="empty"),
        pytest.param("smtpd_tls_security_level =\nsmtpd_use_tls = yes", "may", id="old-switch"),
        pytest.param(
            "smtpd_tls_security_level =\nsmtpd_enforce_tls = yes",
            "encrypt",
            id="old-switch-enforce",
        ),
        pytest.param("smtpd_enforce_tls = yes", "may", id="level-before-switch"),
    ],
)
def test_level(main: str, level: str) -> None:
    assert server(SMTP, main).level == level


@pytest.mark.parametrize(
    ("master", "counts", "idle"),
    [
        pytest.param(SMTP, "smtpd_tls_protocols", "smtpd_tls_mandatory_protocols", id="may"),
        pytest.param(
            SUBMISSION, "smtpd_tls_mandatory_protocols", "smtpd_tls_protocols", id="encrypt"
        ),
        pytest.param(
            SUBMISSIONS, "smtpd_tls_mandatory_protocols", "smtpd_tls_protocols", id="wrapper"
        ),
    ],
)
def test_what_counts_hangs_on_the_level(master: str, counts: str, idle: str) -> None:
    assert server(master).counts("protocols") == counts
    assert server(master).idle("protocols") == idle


def test_wrapper_mode_makes_the_level_irrelevant() -> None:
    one = server(SUBMISSIONS, "smtpd_tls_security_level = none")
    assert one.offers
    assert one.mandatory


def test_tlsproxy_follows_the_server_until_it_has_its_own() -> None:
    assert server(SCREENED).counts("protocols") == "smtpd_tls_protocols"
    own = server(SCREENED, "tlsproxy_tls_protocols = TLSv1.2")
    assert own.counts("protocols") == "tlsproxy_tls_protocols"
    assert own.protocols == {"TLSv1.2"}


def test_tlsproxy_is_no_server_without_postscreen() -> None:
    found = tls_in_force.servers(view(f"{SMTP}\ntlsproxy unix - - y - 0 tlsproxy"))
    assert [one.endpoint.subject for one in found] == ["smtp/inet"]


@pytest.mark.parametrize(
    ("main", "expected"),
    [
        pytest.param("smtpd_tls_exclude_ciphers = aNULL", True, id="both"),
        pytest.param("smtpd_tls_mandatory_exclude_ciphers = aNULL", True, id="mandatory"),
        pytest.param("smtpd_tls_exclude_ciphers = kRSA", False, id="other-word"),
        pytest.param("smtpd_tls_ask_ccert = yes", True, id="asked-for-a-certificate"),
        pytest.param("smtpd_tls_req_ccert = yes", True, id="certificate-required"),
    ],
)
def test_exclusions_of_both_lists_count_where_tls_is_mandatory(main: str, expected: bool) -> None:
    left = server(SUBMISSION, main).suites
    assert left is not None
    assert (left & tls_suites.ANONYMOUS == 0) is expected


def test_exclusions_for_mandatory_tls_do_not_count_at_may() -> None:
    left = server(SMTP, "smtpd_tls_mandatory_exclude_ciphers = aNULL").suites
    assert left is not None
    assert left & tls_suites.ANONYMOUS


def test_the_override_that_empties_the_exclusions_is_the_one_to_change() -> None:
    master = f"{SUBMISSION}\n  -o smtpd_tls_exclude_ciphers="
    one = server(master, "smtpd_tls_exclude_ciphers = aNULL")
    assert one.exclusion_names[0] == "smtpd_tls_exclude_ciphers"
    assert server(SUBMISSION).exclusion_names[0] == "smtpd_tls_mandatory_exclude_ciphers"


@pytest.mark.parametrize(
    "main",
    [
        pytest.param("smtpd_tls_ciphers = strong", id="grade"),
        pytest.param("smtpd_tls_exclude_ciphers = !aNULL", id="sign"),
    ],
)
def test_no_suites_are_known_where_every_handshake_fails(main: str) -> None:
    assert server(SMTP, main).suites is None


@pytest.mark.parametrize(
    ("postfix", "name"),
    [("3.7.11", "tls_export_cipherlist"), ("3.10.13", "tls_medium_cipherlist")],
)
def test_the_grade_export_is_medium_since_3_8(postfix: str, name: str) -> None:
    assert server(SMTP, "smtpd_tls_ciphers = export", postfix=postfix).cipher_list_name == name


@pytest.mark.parametrize(
    ("master", "main", "internal"),
    [
        pytest.param(SMTP, "", False, id="everywhere"),
        pytest.param(SMTP, "inet_interfaces = loopback-only", True, id="loopback-only"),
        pytest.param(SMTP, "inet_interfaces = 127.0.0.1, [::1]", True, id="loopback-addresses"),
        pytest.param(SMTP, "inet_interfaces = 192.0.2.1, localhost", False, id="one-public"),
        pytest.param(
            "192.0.2.1:smtp inet n - y - - smtpd", "inet_interfaces = localhost", False, id="bound"
        ),
        pytest.param("127.0.0.1:10025 inet n - n - - smtpd", "", True, id="own-port"),
    ],
)
def test_internal_services(master: str, main: str, internal: bool) -> None:
    assert server(master, main).internal is internal


def test_readers_of_one_line_stand_together_and_overrides_alone() -> None:
    other = "2525 inet n - y - - smtpd\n  -o smtpd_tls_protocols=TLSv1.2"
    found: dict[t.Any, list[str]] = {
        scope.subject: [one.endpoint.subject for one in readers]
        for scope, readers in tls_in_force.lines(
            view(f"{SMTP}\n26 inet n - y - - smtpd\n{other}"), "protocols"
        )
    }
    assert found == {"main.cf": ["smtp/inet", "26/inet"], "2525/inet": ["2525/inet"]}


def test_a_broken_list_allows_nothing() -> None:
    assert tls_in_force.allowed(">=TLSv1.2", Version(3, 5)) is None
    assert tls_in_force.allowed(">=TLSv1.2", Version(3, 7)) == {"TLSv1.2", "TLSv1.3"}
