# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a port serves keys and no others, from reports that may lack something."""

from __future__ import annotations

import base64
import hashlib
import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.hardened.mail.plugins.filter.serves_key import serves_key

# Public keys for Ed25519, from RFC 8032 section 7.1; the file says only what they are for, here as ecdsa and rsa.
KEYS: t.Final = tuple(
    base64.b64decode("MCowBQYDK2VwAyEA" + key)
    for key in (
        "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
        "PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=",
        "/FHNjmIYoaONpH7QAjDwWAgW7RO6MwOsXeuRFUiQgCU=",
    )
)
TEXTS: t.Final = tuple(
    f"-----BEGIN PUBLIC KEY-----\n{base64.b64encode(key).decode()}\n-----END PUBLIC KEY-----\n"
    for key in KEYS
)
EC, RSA, OLD = ([{"spki_sha256": hashlib.sha256(key).hexdigest()}] for key in KEYS)
LOST: t.Final = {"incomplete": "the handshake was cut"}


@pytest.mark.parametrize(
    ("chains", "served"),
    [
        pytest.param({"ecdsa": EC, "rsa": RSA}, True, id="both"),
        pytest.param({"ecdsa": EC}, True, id="one-type"),
        pytest.param({"ecdsa": EC, "rsa": OLD}, False, id="one-is-old"),
        pytest.param({"ecdsa": OLD}, False, id="old"),
        pytest.param({"ecdsa": EC, "rsa": LOST}, False, id="one-not-seen"),
        pytest.param({"ecdsa": {**LOST, "seen": EC}}, True, id="tls13-with-an-old-python"),
        pytest.param({"ecdsa": {**LOST, "seen": OLD}}, False, id="tls13-with-an-old-python-old"),
        pytest.param({"ecdsa": [LOST]}, False, id="unreadable-certificate"),
        pytest.param({"ecdsa": []}, False, id="no-certificate"),
        pytest.param({}, False, id="nothing"),
        pytest.param(LOST, False, id="not-answered"),
    ],
)
def test_every_certificate_that_is_shown_must_be_for_one_of_the_keys(
    chains: t.Any, served: bool
) -> None:
    assert serves_key({"chains": chains}, TEXTS[:2]) is served


def test_one_key_may_be_a_text() -> None:
    assert serves_key({"chains": {"ecdsa": EC}}, TEXTS[0])
    assert not serves_key({"chains": {"ecdsa": EC, "rsa": RSA}}, TEXTS[0])
    with pytest.raises(AnsibleFilterError, match="the key"):
        serves_key({"chains": {}}, "no PEM")
