# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which chains in reports of starttls_info count."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.policy.dns_view import ServedCertificate
from ansible_collections.hardened.mail.plugins.module_utils.records.domain_look import served_of
from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import RecordError

CERTIFICATE: t.Final = {"sha256": "cd" * 32, "spki_sha256": "ef" * 32, "names": ["mx1.example"]}
LOST: t.Final = {"incomplete": "the handshake was cut"}


def test_whole_chains_count() -> None:
    found = served_of({"MX1.example": {"chains": {"rsa": [CERTIFICATE], "ecdsa": [CERTIFICATE]}}})
    chain = (ServedCertificate("cd" * 32, "ef" * 32, ("mx1.example",)),)
    assert found == {"mx1.example.": (chain, chain)}


@pytest.mark.parametrize(
    "chains",
    [
        pytest.param(LOST, id="not-answered"),
        pytest.param({"ecdsa": [CERTIFICATE], "rsa": LOST}, id="one-type-failed"),
        pytest.param({"ecdsa": {**LOST, "seen": [CERTIFICATE]}}, id="only-the-first-seen"),
        pytest.param({"rsa": [CERTIFICATE, {**LOST, "sha256": "0" * 64}]}, id="not-readable"),
    ],
)
def test_a_host_with_a_chain_that_is_not_whole_was_not_seen(chains: t.Any) -> None:
    reports = {"mx1.example": {"chains": chains}, "mx2.example": {"chains": {"rsa": [CERTIFICATE]}}}
    assert list(served_of(reports)) == ["mx2.example."]


@pytest.mark.parametrize("report", [{}, None, {"chains": {"rsa": [{"names": []}]}}, {"chains": 1}])
def test_what_is_no_report_is_refused(report: t.Any) -> None:
    with pytest.raises(RecordError, match="no result of starttls_info"):
        served_of({"mx1.example": report})
