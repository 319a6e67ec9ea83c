# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What postconf prints; the texts are those of Postfix 3.7.11 and 3.10.13."""

from __future__ import annotations

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.postfix.postconf_output import (
    parameters,
    service_parameters,
    warnings,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", {}, id="nothing"),
        pytest.param("mydomain = b\nmyhostname =\n", {"mydomain": "b", "myhostname": ""}, id="two"),
        pytest.param("a = b = c\n", {"a": "b = c"}, id="equals-in-value"),
        pytest.param("a = x\n    y\n", {"a": "x"}, id="no-folding-is-asked-for"),
        pytest.param("a = 1\x0b2\x0c3\n", {"a": "1\x0b2\x0c3"}, id="vertical-tab"),
        pytest.param(
            "a = \u00a0b\u2028c\x85d\x1ce\n", {"a": "\u00a0b\u2028c\x85d\x1ce"}, id="unicode"
        ),
        pytest.param("a = \udcff\n", {"a": "\udcff"}, id="not-utf-8"),
        pytest.param("no equals\n= x\n", {}, id="not-a-parameter"),
    ],
)
def test_parameters(text: str, expected: dict[str, str]) -> None:
    assert parameters(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", {}, id="nothing"),
        pytest.param(
            "587/inet/smtpd_tls_security_level = encrypt\n587/inet/smtpd_banner =\n"
            "smtp/inet/smtpd_banner = a, b\n",
            {
                "587/inet": {"smtpd_tls_security_level": "encrypt", "smtpd_banner": ""},
                "smtp/inet": {"smtpd_banner": "a, b"},
            },
            id="services",
        ),
        pytest.param(
            "[::1]:587/inet/mydomain = b\n", {"[::1]:587/inet": {"mydomain": "b"}}, id="address"
        ),
        pytest.param(
            "smtp/inet/smtpd_banner = a/b=c\n", {"smtp/inet": {"smtpd_banner": "a/b=c"}}, id="slash"
        ),
        pytest.param(
            "private/auth/unix/mydomain = b\n", {"private/auth/unix": {"mydomain": "b"}}, id="path"
        ),
        pytest.param(
            "smtp/inet/mydomain = a\nsmtp/inet/mydomain = a\n",
            {"smtp/inet": {"mydomain": "a"}},
            id="duplicate-service",
        ),
    ],
)
def test_service_parameters(text: str, expected: dict[str, dict[str, str]]) -> None:
    assert service_parameters(text) == expected


@pytest.mark.parametrize(
    ("stderr", "expected"),
    [
        pytest.param("", (), id="nothing"),
        pytest.param(
            "postconf: warning: /etc/postfix/main.cf: unused parameter: bar=$foo\n",
            ("/etc/postfix/main.cf: unused parameter: bar=$foo",),
            id="warning",
        ),
        pytest.param(
            "/usr/sbin/postconf: fatal: file /etc/postfix/master.cf: line 1: bad field count\n",
            ("file /etc/postfix/master.cf: line 1: bad field count",),
            id="fatal-with-path",
        ),
        pytest.param(
            "postconf: warning: b\npostconf: warning: a\npostconf: warning: b\n",
            ("a", "b"),
            id="sorted-without-duplicates",
        ),
        pytest.param("Segmentation fault\n\n", ("Segmentation fault",), id="not-from-postconf"),
        pytest.param("postconf: warning: x\u2028y\n", ("x\u2028y",), id="line-separator"),
    ],
)
def test_warnings(stderr: str, expected: tuple[str, ...]) -> None:
    assert warnings(stderr) == expected
