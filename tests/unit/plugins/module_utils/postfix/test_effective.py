# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each service really uses, and which ports are asked."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.postfix import effective as eff
from ansible_collections.hardened.mail.plugins.module_utils.postfix import master_cf
from ansible_collections.hardened.mail.plugins.module_utils.postfix.main_cf import ConfigSyntaxError

EFFECTIVE = {
    "smtpd_tls_security_level": "may",
    "myhostname": "mx1.example",
    "mydomain": "example",
    "mail_name": "5$ $mydomain",
}


@pytest.mark.parametrize(
    ("arguments", "name", "expected"),
    [
        pytest.param("", "smtpd_tls_security_level", "may", id="of-main-cf"),
        pytest.param(" -o smtpd_tls_security_level=", "smtpd_tls_security_level", "", id="emptied"),
        pytest.param(" -o smtpd_banner=$myhostname", "smtpd_banner", "mx1.example", id="expanded"),
        pytest.param(
            " -o smtpd_banner=$myhostname -o myhostname=mx2.$mydomain",
            "smtpd_banner",
            "mx2.example",
            id="by-another-override",
        ),
        pytest.param(
            " -o { smtpd_banner = ${mua?{${smtpd_banner?{a b}:{c}}}:{d}} } -o mua=1",
            "smtpd_banner",
            "a b",
            id="nested-choice",
        ),
        pytest.param(
            " -o smtpd_banner=$mail_name", "smtpd_banner", "5$ $mydomain", id="expanded-once"
        ),
        pytest.param(
            " -o smtpd_reject_footer=$c$", "smtpd_reject_footer", "$c$", id="never-expanded"
        ),
        pytest.param("", "no_such_parameter", "", id="unknown"),
    ],
)
def test_setting(arguments: str, name: str, expected: str) -> None:
    (service,) = master_cf.parse(f"smtp inet n - y - - smtpd{arguments}\n")
    assert eff.setting(service, name, effective=EFFECTIVE) == expected


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        pytest.param("a.$myhostname", "myhostname refers to itself", id="itself"),
        pytest.param("a$", "has no name behind it", id="no-name"),
    ],
)
def test_an_override_that_cannot_be_expanded(value: str, problem: str) -> None:
    (service,) = master_cf.parse(f"smtp inet n - y - - smtpd -o myhostname={value}\n")
    with pytest.raises(ConfigSyntaxError, match=problem) as caught:
        eff.setting(service, "myhostname", effective=EFFECTIVE)
    assert "smtp/inet" in str(caught.value)
    assert "-o myhostname" in str(caught.value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("yes", True, id="yes"),
        pytest.param("Yes", True, id="case"),
        pytest.param(" yes ", True, id="blanks"),
        pytest.param("no", False, id="no"),
        pytest.param("true", False, id="no-word-of-postfix"),
        pytest.param("", False, id="empty"),
    ],
)
def test_is_yes(value: str, *, expected: bool) -> None:
    assert eff.is_yes(value) is expected


def test_of_duplicates_the_last_is_in_force() -> None:
    services = master_cf.parse(
        "smtp inet n - y - - smtpd\n127.0.0.1:25 inet n - y - - smtpd -v\n"
        "smtp unix - - y - - smtp\n25 inet n - y - - postscreen\n"
    )
    assert [(s.id, s.command) for s in eff.in_force(services)] == [
        ("25/inet", "postscreen"),
        ("127.0.0.1:25/inet", "smtpd"),
        ("smtp/unix", "smtp"),
    ]


def test_mail_services_greet_clients_on_a_port() -> None:
    services = master_cf.parse(
        "25 inet n - y - 1 postscreen\nsmtpd pass - - y - - smtpd\n587 inet n - y - - smtpd\n"
        "628 inet n - y - - qmqpd\nx inet n - n - - spawn argv=smtpd\nsmtp unix - - y - - smtp\n"
    )
    assert [s.id for s in eff.mail_services(services)] == ["25/inet", "587/inet"]


@pytest.mark.parametrize(
    ("entry", "effective", "expected"),
    [
        pytest.param("smtpd", {}, False, id="default"),
        pytest.param("smtpd", {"smtpd_upstream_proxy_protocol": "haproxy"}, True, id="main-cf"),
        pytest.param("smtpd -o smtpd_upstream_proxy_protocol=haproxy", {}, True, id="override"),
        pytest.param(
            "smtpd -o smtpd_upstream_proxy_protocol=",
            {"smtpd_upstream_proxy_protocol": "haproxy"},
            False,
            id="switched-off",
        ),
        pytest.param(
            "postscreen", {"smtpd_upstream_proxy_protocol": "haproxy"}, False, id="other-daemon"
        ),
        pytest.param(
            "postscreen", {"postscreen_upstream_proxy_protocol": "haproxy"}, True, id="postscreen"
        ),
    ],
)
def test_speaks_proxy_protocol(entry: str, effective: dict[str, str], *, expected: bool) -> None:
    (service,) = master_cf.parse(f"smtp inet n - y - - {entry}\n")
    assert eff.speaks_proxy_protocol(service, effective=effective) is expected


def listeners(
    master: str, sockets: t.Sequence[tuple[str, int]], **effective: str
) -> list[tuple[str, bool, bool]]:
    found = eff.listeners(master_cf.parse(master), effective=effective, sockets=sockets)
    return [(str(one), one.implicit_tls, one.proxy_protocol) for one in found]


@pytest.mark.parametrize(
    ("master", "sockets", "expected"),
    [
        pytest.param("smtp inet n - y - - smtpd\n", [], [], id="no-socket"),
        pytest.param("", [("0.0.0.0", 25)], [], id="no-service"),
        pytest.param(
            "smtp inet n - y - - smtpd\n",
            [("0.0.0.0", 25), ("::", 25)],
            ["smtp/inet (127.0.0.1:25)"],
            id="all-addresses-once",
        ),
        pytest.param(
            "smtp inet n - y - - smtpd\n", [("::", 25)], ["smtp/inet ([::1]:25)"], id="ipv6-only"
        ),
        pytest.param(
            "smtp inet n - y - - smtpd\n",
            [("192.0.2.1", 25), ("2001:db8::1", 25), ("127.0.0.1", 25)],
            [
                "smtp/inet (127.0.0.1:25)",
                "smtp/inet (192.0.2.1:25)",
                "smtp/inet ([2001:db8::1]:25)",
            ],
            id="inet-interfaces",
        ),
        pytest.param(
            "smtp inet n - y - - smtpd\nsubmission inet n - y - - smtpd\n",
            [("0.0.0.0", 25), ("0.0.0.0", 587), ("0.0.0.0", 8080)],
            ["smtp/inet (127.0.0.1:25)", "submission/inet (127.0.0.1:587)"],
            id="two-ports",
        ),
    ],
)
def test_listeners(master: str, sockets: list[tuple[str, int]], expected: list[str]) -> None:
    assert [name for name, _tls, _proxy in listeners(master, sockets)] == expected


def test_listeners_of_one_port_at_two_addresses_keep_their_settings() -> None:
    found = listeners(
        "smtp inet n - y - - smtpd\n"
        "192.0.2.1:smtp inet n - y - - smtpd -o smtpd_upstream_proxy_protocol=haproxy\n",
        [("0.0.0.0", 25), ("192.0.2.1", 25)],
    )
    assert found == [
        ("smtp/inet (127.0.0.1:25)", False, False),
        ("192.0.2.1:smtp/inet (192.0.2.1:25)", False, True),
    ]


def test_listener_with_implicit_tls() -> None:
    found = listeners(
        "465 inet n - y - - smtpd -o smtpd_tls_wrappermode=yes\n25 inet n - y - - smtpd\n",
        [("0.0.0.0", 25), ("0.0.0.0", 465)],
    )
    assert [implicit for _name, implicit, _proxy in found] == [False, True]


@pytest.mark.parametrize(
    ("effective", "sockets", "expected"),
    [
        pytest.param({}, [("0.0.0.0", 25), ("::", 25)], (), id="all"),
        pytest.param({}, [], (), id="not-running"),
        pytest.param(
            {"inet_interfaces": "all"}, [("127.0.0.1", 25)], ("inet_interfaces",), id="was-loopback"
        ),
        pytest.param(
            {"inet_interfaces": "loopback-only"},
            [("0.0.0.0", 25)],
            ("inet_interfaces",),
            id="was-all",
        ),
        pytest.param(
            {"inet_interfaces": "127.0.0.1, 192.0.2.1"}, [("127.0.0.1", 25)], (), id="list"
        ),
        pytest.param(
            {"inet_protocols": "ipv4"},
            [("0.0.0.0", 25), ("::", 25)],
            ("inet_protocols",),
            id="ipv4",
        ),
        pytest.param(
            {"inet_protocols": "ipv6"},
            [("0.0.0.0", 25), ("::", 25)],
            ("inet_protocols",),
            id="ipv6",
        ),
        pytest.param({"inet_protocols": "ipv4"}, [("0.0.0.0", 25)], (), id="ipv4-in-force"),
        pytest.param(
            {"inet_protocols": "ipv4"}, [("0.0.0.0", 25), ("::1", 10025)], (), id="other-port"
        ),
    ],
)
def test_waiting_for_restart(
    effective: dict[str, str], sockets: list[tuple[str, int]], expected: tuple[str, ...]
) -> None:
    services = master_cf.parse("smtp inet n - y - - smtpd\n[::1]:10025 inet n - y - - smtpd\n")
    found = eff.waiting_for_restart(effective, sockets=sockets, services=services)
    assert found == expected
