# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each profile promises."""

from __future__ import annotations

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.policy.profiles import PROFILES

# Seen by sslyze on port 25 of all four releases with an RSA and an ECDSA certificate.
STRONG = {
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-RSA-CHACHA20-POLY1305",
}


def test_there_are_three_profiles_in_order_of_strength() -> None:
    assert list(PROFILES) == ["interop", "intermediate", "strict"]
    assert [one.name for one in PROFILES.values()] == list(PROFILES)


@pytest.mark.parametrize(
    ("name", "oldest", "rsa_bits"),
    [("interop", "TLSv1", 2048), ("intermediate", "TLSv1.2", 2048), ("strict", "TLSv1.2", 3072)],
)
def test_profile_promises(name: str, oldest: str, rsa_bits: int) -> None:
    found = PROFILES[name]
    assert (found.oldest_protocol, found.rsa_bits) == (oldest, rsa_bits)
    assert found.suites == (None if name == "interop" else STRONG)
    assert (found.cost is not None) is (name == "interop")
