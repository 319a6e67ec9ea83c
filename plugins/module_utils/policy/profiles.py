# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an operator may choose, and what each profile promises."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.postfix.patterns import later
from ansible_collections.hardened.mail.plugins.module_utils.postfix.version import (
    TlsLibrary,
    Version,
    available,
)


class ChoiceError(ValueError):
    """A choice that the policy cannot turn into settings; the message says which and what it expects."""


class Profile(t.NamedTuple):
    """What a profile promises for one direction.

    ``suites`` are the only suites that may be negotiated, by their OpenSSL names; None means that older
    ones stay. ``rsa_bits`` is the smallest RSA key of a server certificate.
    """

    name: str
    oldest_protocol: str
    suites: t.Optional[frozenset[str]]
    rsa_bits: int
    cost: t.Optional[str]


_SUITES: t.Final = frozenset(
    """
    TLS_AES_256_GCM_SHA384 TLS_CHACHA20_POLY1305_SHA256 TLS_AES_128_GCM_SHA256
    ECDHE-ECDSA-AES256-GCM-SHA384 ECDHE-ECDSA-CHACHA20-POLY1305 ECDHE-ECDSA-AES128-GCM-SHA256
    ECDHE-RSA-AES256-GCM-SHA384 ECDHE-RSA-CHACHA20-POLY1305 ECDHE-RSA-AES128-GCM-SHA256
    """.split()
)

PROFILES: t.Final[t.Mapping[str, Profile]] = {
    one.name: one
    for one in (
        Profile(
            "interop",
            oldest_protocol="TLSv1",
            suites=None,
            rsa_bits=2048,
            cost="Peers may still use TLS 1.0 and 1.1, CBC suites and suites without forward secrecy.",
        ),
        Profile(
            "intermediate", oldest_protocol="TLSv1.2", suites=_SUITES, rsa_bits=2048, cost=None
        ),
        Profile("strict", oldest_protocol="TLSv1.2", suites=_SUITES, rsa_bits=3072, cost=None),
    )
}

INBOUND_LEVELS: t.Final = ("may", "encrypt")
OUTBOUND_LEVELS: t.Final = (
    "may",
    "encrypt",
    "dane",
    "dane-only",
    "fingerprint",
    "verify",
    "secure",
)


class Host(t.NamedTuple):
    """What the policy must know of a host.

    ``known_parameters`` are the names that this Postfix has (``postconf -d``); None when not asked.
    ``ca_file`` is the distribution's bundle of CA certificates, None when there is none.
    """

    postfix: Version
    tls_library: TlsLibrary
    map_types: frozenset[str]
    compatibility_level: str = ""
    ca_file: t.Optional[str] = None
    config_directory: str = "/etc/postfix"
    known_parameters: t.Optional[frozenset[str]] = None


class CertificateChoice(t.NamedTuple):
    """A server certificate: the full chain file, its key file (may be the same) and its host names."""

    certificate: str
    private_key: str
    names: tuple[str, ...] = ()


class Policy(t.NamedTuple):
    """One row of the per-destination table, see TLS_README "TLS policy table".

    ``destination`` is a next hop as smtp(8) looks it up: ``example.com``, ``.example.com`` or
    ``[mail.example.com]:587``. Empty attributes are not written.
    """

    destination: str
    level: str
    match: tuple[str, ...] = ()
    protocols: str = ""
    ciphers: str = ""
    exclude: tuple[str, ...] = ()
    servername: str = ""


class Choices(t.NamedTuple):
    """What the operator chose. The levels are floors: a stronger level found on the host stays."""

    inbound_profile: str = "intermediate"
    outbound_profile: str = "interop"
    inbound_level: str = "may"
    outbound_level: str = "may"
    certificates: tuple[CertificateChoice, ...] = ()
    sni: tuple[CertificateChoice, ...] = ()
    smtp_hygiene: bool = True
    policies: tuple[Policy, ...] = ()
    outbound_wrappermode: t.Optional[bool] = None
    policy_server: str = ""
    policy_server_honours_dane: bool = False
    tlsrpt_socket: str = ""
    observe: bool = False


_DESTINATION: t.Final = later(r"(?:\.?[\w-][\w.-]*|\[[\w.:-]+\])(?::[\w-]+)?", re.ASCII)
_HOST_NAME: t.Final = later(r"[\w-]+(?:\.[\w-]+)*", re.ASCII)
_SNI_NAME: t.Final = later(r"\.?" + _HOST_NAME.pattern, re.ASCII)
_POLICY_SERVER: t.Final = later(r"(?:socketmap|tcp):[^\s,{}$]+", re.ASCII)
_SOCKET: t.Final = later(r"[^\s,{}$]+", re.ASCII)
_MATCH: t.Final = later(r"[\w.:*-]+", re.ASCII)
MATCH_LEVELS: t.Final = frozenset({"fingerprint", "verify", "secure"})
DANE_LEVELS: t.Final = frozenset({"dane", "dane-only"})


def _member(value: str, names: t.Collection[str], *, option: str) -> None:
    if value not in names:
        raise ChoiceError(f"{option} is {value!r}: expected one of {', '.join(names)}")


def validate(choices: Choices, *, host: Host) -> None:
    """Raise ChoiceError when a choice is unknown, or cannot work on ``host``."""
    _member(choices.inbound_profile, PROFILES, option="inbound_profile")
    _member(choices.outbound_profile, PROFILES, option="outbound_profile")
    _member(choices.inbound_level, INBOUND_LEVELS, option="inbound_level")
    _member(choices.outbound_level, OUTBOUND_LEVELS, option="outbound_level")
    if choices.outbound_wrappermode and choices.outbound_level in ("dane", "dane-only"):
        raise ChoiceError(
            f"outbound_wrappermode does not work with outbound_level {choices.outbound_level}: "
            "expected encrypt, fingerprint, verify or secure"
        )
    if "strict" in (choices.inbound_profile, choices.outbound_profile):
        known = host.known_parameters
        if not available("tls_config_file", postfix=host.postfix) or (
            known is not None and "tls_config_file" not in known
        ):
            raise ChoiceError(
                "the profile strict needs the parameter tls_config_file, which Postfix has from 3.5.20, "
                f"3.6.10, 3.7.6, 3.8.1 and 3.9 on; this is Postfix {host.postfix}"
            )
    _validate_policy_server(choices, host=host)
    if choices.tlsrpt_socket and not _SOCKET.fullmatch(choices.tlsrpt_socket):
        raise ChoiceError(
            f"tlsrpt_socket is {choices.tlsrpt_socket!r}: expected the path of a socket, without blanks, "
            "commas, braces and '$'"
        )
    for certificate in choices.certificates:
        _validate_certificate(certificate, option="certificates")
    _validate_sni(choices.sni, host=host)
    if choices.policies and host.map_types and "inline" not in host.map_types:
        raise ChoiceError("policies need the table type inline, which this Postfix does not have")
    for policy in choices.policies:
        _validate_policy(policy, host=host)


def wants_dane(choices: Choices) -> bool:
    """Tell whether a chosen level looks at TLSA records."""
    levels = {choices.outbound_level, *(row.level for row in choices.policies)}
    return bool(levels & DANE_LEVELS)


def _validate_policy_server(choices: Choices, *, host: Host) -> None:
    server = choices.policy_server
    if not server:
        return
    if not _POLICY_SERVER.fullmatch(server):
        raise ChoiceError(
            f"policy_server is {server!r}: expected a table such as socketmap:inet:127.0.0.1:8642:QUERY"
        )
    kind = server.partition(":")[0]
    if host.map_types and kind not in host.map_types:
        raise ChoiceError(
            f"policy_server needs the table type {kind}, which this Postfix does not have"
        )
    if wants_dane(choices) and not choices.policy_server_honours_dane:
        raise ChoiceError(
            f"policy_server {server} would override DANE: for a domain with an MTA-STS policy it answers "
            "secure, and Postfix then does not look for TLSA records, which RFC 8461 section 2 forbids "
            "(postfix-mta-sts-resolver is such a server). Take one that looks for TLSA records first, such "
            "as postfix-tlspol, and say so with policy_server_honours_dane, or the outbound_level may"
        )


def _validate_certificate(choice: CertificateChoice, *, option: str) -> None:
    for name in (choice.certificate, choice.private_key):
        if not name.startswith("/") or re.search(r"[\s,${}]", name):
            raise ChoiceError(
                f"{option}: {name!r} is not the absolute name of a file without blanks, commas, braces and '$'"
            )


def _validate_sni(rows: t.Sequence[CertificateChoice], *, host: Host) -> None:
    known = host.known_parameters
    if rows and known is not None and "tls_server_sni_maps" not in known:
        raise ChoiceError(
            f"sni needs the parameter tls_server_sni_maps, which Postfix has from 3.4 on; "
            f"this is Postfix {host.postfix}"
        )
    if rows and host.map_types and "inline" not in host.map_types:
        raise ChoiceError("sni needs the table type inline, which this Postfix does not have")
    for row in rows:
        _validate_certificate(row, option="sni")
        if not row.names:
            raise ChoiceError(
                f"sni: {row.certificate} has no names: expected those that clients ask for"
            )
        for name in row.names:
            if not _SNI_NAME.fullmatch(name):
                raise ChoiceError(
                    f"sni: {name!r} is not a name: expected mail.example.com, or .example.com for "
                    "every name below it"
                )


def _validate_policy(policy: Policy, *, host: Host) -> None:
    # The grammar is compiled on the host, and most hosts have no policies.
    from ansible_collections.hardened.mail.plugins.module_utils.postfix import values  # noqa: PLC0415 - rarely needed

    row = f"policies: {policy.destination}"
    if not _DESTINATION.fullmatch(policy.destination):
        raise ChoiceError(
            f"{row!r} is not a destination: expected example.com, .example.com or [mail.example.com]:587"
        )
    _member(policy.level, ("none", *OUTBOUND_LEVELS), option=f"{row}: level")
    attributes = (policy.protocols, policy.ciphers, policy.exclude, policy.servername)
    if policy.level == "none" and any((*attributes, policy.match)):
        raise ChoiceError(f"{row}: the level none takes no other attribute")
    if policy.match and policy.level not in MATCH_LEVELS:
        raise ChoiceError(
            f"{row}: match has no meaning at the level {policy.level}: "
            "expected fingerprint, verify or secure"
        )
    if policy.level == "fingerprint" and not policy.match:
        raise ChoiceError(f"{row}: the level fingerprint needs match, the fingerprints to accept")
    for name in policy.match:
        if not _MATCH.fullmatch(name):
            raise ChoiceError(f"{row}: match {name!r} is not a host name or a fingerprint")
    if policy.servername and not _HOST_NAME.fullmatch(policy.servername):
        raise ChoiceError(f"{row}: servername {policy.servername!r} is not a host name")
    for parameter, value in (
        ("smtp_tls_protocols", policy.protocols),
        ("smtp_tls_ciphers", policy.ciphers),
        ("smtp_tls_exclude_ciphers", ":".join(policy.exclude)),
    ):
        found = value and values.check(
            parameter,
            value,
            postfix=host.postfix,
            tls_library=host.tls_library,
            map_types=host.map_types,
        )
        if found or "$" in value:
            raise ChoiceError(f"{row}: {found or repr(value)}")


__all__ = (
    "INBOUND_LEVELS",
    "OUTBOUND_LEVELS",
    "PROFILES",
    "CertificateChoice",
    "ChoiceError",
    "Choices",
    "DANE_LEVELS",
    "Host",
    "MATCH_LEVELS",
    "Policy",
    "Profile",
    "validate",
    "wants_dane",
)
