# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Judge the certificates that Postfix is going to use (effects: reads the files)."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.hardened.mail.plugins.module_utils.postfix import effective as eff
from ansible_collections.hardened.mail.plugins.module_utils.postfix.master_cf import Service
from ansible_collections.hardened.mail.plugins.module_utils.postfix.postconf_output import Snapshot
from ansible_collections.hardened.mail.plugins.module_utils.x509 import pair
from ansible_collections.hardened.mail.plugins.module_utils.x509.chain import Problem

if t.TYPE_CHECKING:
    from ansible_collections.hardened.mail.plugins.module_utils.policy.profiles import (
        CertificateChoice,
        Choices,
    )

_OWN = ("smtpd_tls_chain_files", "smtpd_tls_security_level")
_LEGACY = (
    ("smtpd_tls_cert_file", "smtpd_tls_key_file"),
    ("smtpd_tls_eccert_file", "smtpd_tls_eckey_file"),
)
_LOOPBACK = frozenset({"loopback-only", "localhost", "127.0.0.1", "::1", "[::1]"})

#: An inherited certificate stops a run only when it makes TLS impossible, which an opportunistic
#: sender would answer with clear text; a wrong name or date does not stop such a sender.
_STOPS_INHERITED = frozenset(
    {
        "certificate_missing",
        "key_encrypted",
        "key_mismatch",
        "key_missing",
        "key_not_first",
        "key_not_pem",
        "missing",
        "not_pem",
        "none_configured",
    }
)


@dataclass(frozen=True)
class CertificateProblem:
    """A fault of a certificate in use; ``stops`` is whether TLS should not be set up with it."""

    message: str
    stops: bool

    def __str__(self) -> str:
        return self.message


def serves_strangers(snapshot: Snapshot, *, services: t.Iterable[Service]) -> bool:
    """Return whether hosts other than this one can reach a mail port (a null client: no)."""
    interfaces = snapshot.effective.get("inet_interfaces", "all").replace(",", " ").split()
    return not _LOOPBACK.issuperset(interfaces) and any(
        service.type == "inet" and service.command in ("smtpd", "postscreen")
        for service in services
    )


def judge(
    snapshot: Snapshot, *, choices: t.Optional[Choices], services: t.Sequence[Service]
) -> tuple[CertificateProblem, ...]:
    """Return what is wrong with the certificates of smtpd(8) in the configuration *snapshot*.

    Those that *choices* name are judged in full; those that were there before, as far as TLS
    works with them.
    """
    strict = choices is not None and choices.inbound_profile == "strict"
    name = snapshot.effective.get("myhostname", "")
    by_name = _for_names(choices, strict=strict) if choices is not None and choices.sni else ()
    if choices is not None and choices.certificates:
        default = tuple((one, one.names or (name,)) for one in choices.certificates)
        return (*_chosen(default, strict=strict), *by_name)
    if not serves_strangers(snapshot, services=services):
        return by_name
    return (*_inherited(snapshot, names=(name,), strict=strict), *by_name)


def judge_services(
    snapshot: Snapshot, *, choices: Choices, services: t.Sequence[Service], ports: t.Container[str]
) -> tuple[CertificateProblem, ...]:
    """Return what is wrong with the certificates of the services on *ports*, as judge() does.

    *choices* are those for these services; without certificates in them, each service is judged by its
    own ``-o`` and main.cf.
    """
    strict = choices.inbound_profile == "strict"
    name = snapshot.effective.get("myhostname", "")
    if choices.certificates:
        asked = tuple((one, one.names or (name,)) for one in choices.certificates)
        return _chosen(asked, strict=strict)
    found: list[CertificateProblem] = []
    wanted = (*_OWN, *(one for pair_of in _LEGACY for one in pair_of))
    for service in services:
        if service.type == "inet" and service.key[2] in ports:
            own = {one: eff.setting(service, one, effective=snapshot.effective) for one in wanted}
            seen = snapshot._replace(effective={**snapshot.effective, **own})
            found += _inherited(seen, names=(name,), strict=strict)
    return tuple(dict.fromkeys(found))


def _for_names(choices: Choices, *, strict: bool) -> tuple[CertificateProblem, ...]:
    """Return what is wrong with the certificates of SNI; with one that is missing, none is shown."""
    names = dict.fromkeys(name.lower() for one in choices.sni for name in one.names)
    found: dict[CertificateProblem, None] = {}
    for name in names:
        # A leading dot stands for every name below it, which is what a wildcard certifies.
        asked = f"any{name}" if name.startswith(".") else name
        rows = [one for one in choices.sni if name in map(str.lower, one.names)]
        found.update(dict.fromkeys(_chosen(tuple((one, (asked,)) for one in rows), strict=strict)))
    return tuple(found)


def _chosen(
    asked: t.Iterable[tuple[CertificateChoice, tuple[str, ...]]], *, strict: bool
) -> tuple[CertificateProblem, ...]:
    """Return what is wrong with certificates that one client may be shown, and their names."""
    found: list[CertificateProblem] = []
    seen: dict[str, str] = {}
    for one, names in asked:
        report = pair.check_pair(
            one.certificate, private_key_file=one.private_key, names=names, strict=strict
        )
        found += [
            CertificateProblem(problem.message, problem.severity == "error")
            for problem in _told(report.problems)
        ]
        algorithm = report.certificates[0].key_algorithm if report.certificates else ""
        if algorithm and algorithm in seen:
            found.append(
                CertificateProblem(
                    f"{one.certificate} and {seen[algorithm]} both have a key of the type "
                    f"{algorithm}, and Postfix uses one per type: drop one of them.",
                    True,
                )
            )
        seen.setdefault(algorithm, one.certificate)
    return tuple(found)


def _inherited(
    snapshot: Snapshot, *, names: t.Sequence[str], strict: bool
) -> tuple[CertificateProblem, ...]:
    values = snapshot.effective
    chain_files = values.get("smtpd_tls_chain_files", "").replace(",", " ").split()
    pairs = [
        (values[certificate], values.get(key) or values[certificate])
        for certificate, key in _LEGACY
        if values.get(certificate, "") not in ("", "none")
    ]
    problems: tuple[Problem, ...] = ()
    if chain_files:
        problems = pair.check_chain_files(chain_files, names=names, strict=strict).problems
    else:
        for certificate, key in pairs:
            report = pair.check_pair(certificate, private_key_file=key, names=names, strict=strict)
            problems += report.problems
    if (
        not chain_files
        and not pairs
        and values.get("smtpd_tls_security_level") in ("may", "encrypt")
    ):
        message = (
            "No certificate is configured for smtpd, so STARTTLS cannot work: give a certificate "
            "and its private key."
        )
        problems += (Problem("none_configured", "error", message),)
    return tuple(
        CertificateProblem(problem.message, problem.code in _STOPS_INHERITED)
        for problem in _told(problems)
    )


def _told(problems: t.Iterable[Problem]) -> list[Problem]:
    return [problem for problem in problems if problem.severity != "info"]


__all__ = ("CertificateProblem", "judge", "judge_services", "serves_strangers")
