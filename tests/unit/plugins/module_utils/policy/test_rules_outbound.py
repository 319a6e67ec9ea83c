# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the rules about the clients read from a table parameter, and the one that needs the host.

Each rule is tried on a real Postfix, see tests/rules/cases_outbound.py.
"""

from __future__ import annotations

import datetime
import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.policy.host_facts import HostFacts
from ansible_collections.hardened.mail.plugins.module_utils.policy.rule import judge
from ansible_collections.hardened.mail.plugins.module_utils.policy.rules_outbound import (
    RULES,
    inline_rows,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.view import View
from ansible_collections.hardened.mail.plugins.module_utils.postfix import master_cf
from ansible_collections.hardened.mail.plugins.module_utils.postfix.version import Version

REMOTE: t.Final = next(one for one in RULES if one.id == "dane-remote-resolver")
NOW: t.Final = datetime.datetime(2026, 11, 24, tzinfo=datetime.timezone.utc)


@pytest.mark.parametrize(
    ("value", "rows", "rest"),
    [
        pytest.param("", [], "", id="empty"),
        pytest.param("hash:/etc/postfix/policy", [], "hash:/etc/postfix/policy", id="elsewhere"),
        pytest.param("inline:{a.example=may}", [("a.example", "may")], "", id="one-word"),
        pytest.param(
            "inline:{ { a.example = secure match=mx.example }, b.example=none }",
            [("a.example", "secure match=mx.example"), ("b.example", "none")],
            "",
            id="braces-and-words",
        ),
        pytest.param("static:none", [("*", "none")], "", id="static"),
        pytest.param("static:{ none }", [("*", "none")], "", id="static-in-braces"),
        pytest.param(
            "inline:{ { a.example = may } }, socketmap:inet:127.0.0.1:8461:postfix",
            [("a.example", "may")],
            "socketmap:inet:127.0.0.1:8461:postfix",
            id="inline-before-another",
        ),
        pytest.param(
            "static:may hash:/etc/postfix/policy",
            [("*", "may")],
            "hash:/etc/postfix/policy",
            id="static-before-another",
        ),
        pytest.param("inline:{ { a.example = may }", [], "{ { a.example = may }", id="not-closed"),
    ],
)
def test_inline_rows_are_those_that_stand_in_the_value(
    value: str, rows: list[tuple[str, str]], rest: str
) -> None:
    assert inline_rows(value) == (rows, rest)


def view(level: str, *nameservers: str) -> View:
    main = {"smtp_tls_security_level": level, "smtp_dns_support_level": "dnssec"}
    return View(
        version=Version(3, 10, 13),
        raw=main,
        explicit=main,
        services=master_cf.parse("smtp unix - - n - - smtp\n"),
        facts=HostFacts(now=NOW, nameservers=nameservers),
    )


@pytest.mark.parametrize(
    ("seen", "found"),
    [
        pytest.param(view("dane", "192.0.2.1"), ["/etc/resolv.conf"], id="another-host"),
        pytest.param(view("dane", "127.0.0.1", "192.0.2.1"), ["/etc/resolv.conf"], id="one-of-two"),
        pytest.param(view("dane", "127.0.0.53"), [], id="this-host"),
        pytest.param(view("dane", "::1"), [], id="this-host-ipv6"),
        pytest.param(view("may", "192.0.2.1"), [], id="no-dane"),
    ],
)
def test_a_resolver_on_another_host_is_found_where_there_is_dane(
    seen: View, found: list[str]
) -> None:
    assert [one.subject for one in judge(seen, [REMOTE]).findings] == found
