# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates that the openssl command made, once for all tests of this folder."""

from __future__ import annotations

import pytest
from ansible_collections.hardened.mail.tests.unit.plugins.module_utils.x509.pki import Pki

MX1 = "DNS:mx1.example"


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    """A root, an intermediate, and server certificates of every kind below it."""
    made = Pki(tmp_path_factory.mktemp("pki"))
    made.issue("root", authority=True, subject="/O=Throw-away/CN=Root")
    made.issue("middle", issuer="root", authority=True, subject="/O=Throw-away/CN=Middle")
    made.issue("other-root", authority=True, subject="/O=Other/CN=Root")
    for kind in ("rsa1024", "rsa2048", "rsa3072", "p224", "p256", "p384", "ed25519"):
        made.issue(kind, issuer="middle", key=kind, subject="/CN=mx1.example", names=MX1)
        made.file(f"{kind}-full.pem", made.directory / f"{kind}.pem", made.directory / "middle.pem")
    return made
