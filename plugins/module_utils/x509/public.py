# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of a PEM file everybody may see."""

from __future__ import annotations

from ansible_collections.hardened.mail.plugins.module_utils.x509.certificate import (
    is_certificate_label,
    pem_blocks,
)
from ansible_collections.hardened.mail.plugins.module_utils.x509.der import X509Error

_MAX_OCTETS = 1 << 20


def public_part(text: str) -> str:
    """Return the certificates and public keys of a PEM text in order, and nothing else of it.

    Raises X509Error when there is none.
    """
    blocks = tuple(pem_blocks(text))
    public = [one.text for one in blocks if _is_public(one.label)]
    if not public:
        labels = ", ".join(dict.fromkeys(one.label for one in blocks))
        raise X509Error(
            f"expected a certificate or a public key in PEM, found {labels or 'no PEM block'}"
        )
    return "".join(public)


def read_public(path: str) -> str:
    """Return the public part of a file. Raises X509Error with the path; its text has nothing of the file."""
    try:
        with open(path, encoding="ascii", errors="replace") as handle:
            return public_part(handle.read(_MAX_OCTETS))
    except OSError as error:
        raise X509Error(f"{path}: {error.strerror}") from error
    except X509Error as error:
        raise X509Error(f"{path}: {error}") from error


def _is_public(label: str) -> bool:
    return is_certificate_label(label) or label in ("PUBLIC KEY", "RSA PUBLIC KEY")


__all__ = ("public_part", "read_public")
