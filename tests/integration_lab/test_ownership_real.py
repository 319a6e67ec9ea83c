# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs of the same owner leave behind when the inventory changes."""

from __future__ import annotations

import typing as t

OWNED: t.Final = {"owner": "postfix_tls", "rehearse": False}
SITE_MAPS: t.Final = "inline:{ { partner.example = encrypt } }"


def test_a_level_that_was_asked_for_goes_when_it_is_not(machine: t.Any) -> None:
    machine.apply(policy={"outbound_level": "encrypt"}, **OWNED)
    assert machine.value("smtp_tls_security_level") == "encrypt"
    machine.apply(policy={}, **OWNED)
    assert machine.value("smtp_tls_security_level") == "may"


def test_a_stronger_level_of_the_site_stays(machine: t.Any) -> None:
    machine.apply(parameters={"smtp_tls_security_level": "encrypt"}, rehearse=False)
    machine.apply(policy={}, **OWNED)
    assert machine.value("smtp_tls_security_level") == "encrypt"


def test_observing_sets_the_log_levels_and_takes_nothing_away(machine: t.Any) -> None:
    machine.apply(policy={}, parameters={"smtpd_banner": "mine"}, **OWNED)
    machine.apply(parameters={"smtpd_tls_loglevel": None, "smtpd_tls_protocols": ">=TLSv1"})
    result = machine.apply(policy={"observe": True}, **OWNED)
    assert [change["name"] for change in result["changes"]] == ["smtpd_tls_loglevel"]
    assert machine.value("smtpd_banner") == "mine"


def test_policies_stand_before_the_maps_of_the_site(machine: t.Any) -> None:
    request = {
        "policy": {"policies": [{"destination": "x.example", "level": "secure"}]},
        "parameters": {"smtp_tls_policy_maps": SITE_MAPS},
        **OWNED,
    }
    machine.apply(**request)
    maps = machine.value("smtp_tls_policy_maps")
    assert maps.index("x.example = secure") < maps.index("partner.example = encrypt")
    assert not machine.apply(**request)["changed"]


def test_a_service_of_port_25_cannot_undercut_the_floor(machine: t.Any) -> None:
    weak = {"name": "smtp", "overrides": {"smtpd_tls_protocols": ">=TLSv1", "smtpd_banner": "mine"}}
    machine.apply(services=[weak], rehearse=False)
    found = machine.apply(policy={}, apply=False)["problems"]
    assert any("smtp/inet -o smtpd_tls_protocols=>=TLSv1" in problem for problem in found)
    result = machine.apply(policy={}, **OWNED)
    assert {
        "place": "smtp/inet",
        "name": "-o smtpd_tls_protocols",
        "before": ">=TLSv1",
        "after": None,
    } in result["changes"]
    assert machine.sh("postconf -P smtp/inet").strip() == "smtp/inet/smtpd_banner = mine"


def test_a_weaker_override_stays_when_it_is_accepted(machine: t.Any) -> None:
    weak = {"name": "smtp", "overrides": {"smtpd_tls_protocols": ">=TLSv1"}}
    machine.apply(services=[weak], rehearse=False)
    result = machine.apply(policy={}, accept_weaker=["smtpd_tls_protocols"], **OWNED)
    assert [one["parameter"] for one in result["weaker"]] == ["smtpd_tls_protocols"]
    assert machine.sh("postconf -P smtp/inet").strip() == "smtp/inet/smtpd_tls_protocols = >=TLSv1"
