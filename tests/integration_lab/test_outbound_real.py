# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""DANE, policy servers and TLS-RPT on real hosts: what is refused, what is wired, and what goes again."""

from __future__ import annotations

import typing as t

OWNED: t.Final = {"owner": "postfix_tls", "rehearse": False}
SERVER: t.Final = "socketmap:inet:127.0.0.1:8642:QUERY"
SOCKET: t.Final = "run/tlsrpt/tlsrpt.sock"


def test_dane_without_a_resolver_that_checks_is_refused(machine: t.Any) -> None:
    # The containers' resolver is the machine that they run on.
    dane = {"policy": {"outbound_level": "dane"}, **OWNED}
    with machine.untouched():
        result = machine.apply(**dane)
        assert "is another host" in result["msg"]
        assert result["msg"].endswith("Nothing was changed.")
        result = machine.apply(check_mode=True, **dane)
        assert "DANE needs a resolver on this host" in result["msg"]
        void = machine.apply(apply=False, **dane)["problems"]
        assert [one for one in void if "DANE needs a resolver" in one]
    warned = machine.apply(resolver_check="warn", **dane)
    assert [one for one in warned["warnings"] if "DANE needs a resolver" in str(one)]
    assert machine.value("smtp_dns_support_level") == "dnssec"
    machine.apply(policy={}, **OWNED)
    assert machine.value("smtp_tls_security_level") == "may"


def test_policy_server_and_reports_come_and_go(machine: t.Any) -> None:
    asked = {"policy": {"policy_server": SERVER, "tlsrpt_socket": SOCKET}, **OWNED}
    result = machine.apply(**asked)
    assert not result.get("failed"), result
    assert not machine.apply(**asked)["changed"]
    assert machine.value("smtp_tls_policy_maps").endswith(SERVER)
    old = machine.release == "bookworm"
    said = [one for one in result.get("warnings", ()) if "TLS-RPT needs Postfix 3.10" in str(one)]
    assert bool(said) == old
    assert machine.value("smtp_tlsrpt_socket_name") == ("" if old else SOCKET)
    with machine.untouched():
        dane = {**asked["policy"], "outbound_level": "dane"}
        assert "would override DANE" in machine.apply(policy=dane, **OWNED)["msg"]
    machine.apply(policy={}, **OWNED)
    assert machine.value("smtp_tls_policy_maps") == ""
    assert machine.value("smtp_tlsrpt_socket_name") == ""
    assert "smtp_tlsrpt" not in machine.sh("cat /etc/postfix/main.cf")
