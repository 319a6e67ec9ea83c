# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Private keys for certificates, requests, and when a certificate is needed (effects: files, openssl)."""

from __future__ import annotations

import datetime
import os
import re
import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.x509 import pair, private_key
from ansible_collections.hardened.mail.plugins.module_utils.x509.certificate import (
    Certificate,
    X509Error,
    parse_pem,
)
from ansible_collections.hardened.mail.plugins.module_utils.x509.private_key import KeyProblem

KEY_TYPES: t.Final[t.Mapping[str, tuple[str, ...]]] = {
    "ecdsa": ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"),
    "rsa": ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"),
}

# Says everything itself: what openssl.cnf of the host adds would not be signed.
_CONFIG: t.Final = """\
[req]
distinguished_name = name
req_extensions = asked
prompt = no
[name]
CN = {name}
[asked]
subjectAltName = {names}
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
"""
_NAME: t.Final = re.compile(r"(?:\*\.)?[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})+")
_LONGEST_COMMON_NAME: t.Final = 64
#: What a new certificate for the same key mends.
_MENDED: t.Final = frozenset({"missing", "not_pem", "key_mismatch", "expired", "wrong_name"})


def check_names(names: t.Sequence[str]) -> None:
    """Raise KeyProblem when a name cannot stand in a certificate."""
    if not names:
        raise KeyProblem("names is empty: expected at least one host name")
    for name in names:
        if not _NAME.fullmatch(name) or len(name) > 253:
            raise KeyProblem(
                f"{name!r} is not a host name in full, such as mx1.example; "
                "write one with other letters as xn--…"
            )
    if len(names[0]) > _LONGEST_COMMON_NAME:
        raise KeyProblem(
            f"the first name has {len(names[0])} characters, and the subject takes "
            f"{_LONGEST_COMMON_NAME}: put a shorter one first"
        )


def key_missing(path: str) -> bool:
    """Tell whether there is no file for the key."""
    return not os.path.lexists(path)


def make_key(path: str, *, key_type: str) -> None:
    """Write a new private key that only root can read. Raises KeyProblem."""
    private_key.write_new(path, private_key.openssl("genpkey", *KEY_TYPES[key_type]))


def make_request(key: str, *, names: t.Sequence[str]) -> str:
    """Return a request in PEM, signed with the key. Raises KeyProblem."""
    listed = ",".join(f"DNS:{name}" for name in names)
    config = _CONFIG.format(name=names[0], names=listed)
    # An encrypted key would be asked for on the terminal.
    asked = ("-new", "-sha256", "-batch", "-config", "/dev/stdin", "-passin", "pass:")
    said = private_key.openssl("req", *asked, "-key", key, given=config.encode("ascii"))
    return said.decode("ascii")


def why_needed(
    certificate: str,
    *,
    key: str,
    names: t.Sequence[str],
    issuer: str,
    renew_days: int,
) -> str:
    """Return why a new certificate must be issued, empty when the present one will do.

    ``issuer`` is the certificate of the authority in PEM, empty when there is none yet. Raises
    KeyProblem when it is no certificate.
    """
    if key_missing(key):
        return "there is no private key"
    later = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=renew_days)
    report = pair.check_pair(certificate, private_key_file=key, names=names, now=later)
    if not report.certificates:
        return f"{certificate} holds no certificate"
    leaf = report.certificates[0]
    if leaf.not_after < later:
        return f"it expires on {leaf.not_after:%Y-%m-%d}"
    for problem in report.problems:
        if problem.code in _MENDED:
            return problem.message.rstrip(".")
    if sorted(leaf.dns_names) != sorted(names):
        return f"it is for {', '.join(leaf.dns_names)}"
    if issuer and not _issued_by(leaf, issuer):
        return f"another authority issued it ({leaf.issuer})"
    return ""


def _issued_by(leaf: Certificate, issuer: str) -> bool:
    try:
        authority = parse_pem(issuer)[0]
    except (X509Error, IndexError) as error:
        raise KeyProblem(f"issuer is no certificate in PEM: {error}") from error
    return (
        leaf.issuer_der == authority.subject_der
        and leaf.authority_key_id == authority.subject_key_id
    )


__all__ = (
    "KEY_TYPES",
    "check_names",
    "key_missing",
    "make_key",
    "make_request",
    "why_needed",
)
