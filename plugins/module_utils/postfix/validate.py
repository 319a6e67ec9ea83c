# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Judge whether Postfix could run with a configuration (pure).

``postfix check`` does not tell: it exits 0 on an invalid level, protocol list or certificate.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.postfix import effective as eff
from ansible_collections.hardened.mail.plugins.module_utils.postfix import values
from ansible_collections.hardened.mail.plugins.module_utils.postfix.main_cf import ConfigSyntaxError
from ansible_collections.hardened.mail.plugins.module_utils.postfix.master_cf import Service
from ansible_collections.hardened.mail.plugins.module_utils.postfix.postconf_output import Snapshot

_UNUSED = re.compile(r"unused parameter: ([^=\s]+)=")
_TABLE = re.compile(
    r"(?:^|[\s,{])(?:proxy:)?(hash|btree|lmdb|cdb|texthash|regexp|pcre|cidr):(/[^\s,{}]+)"
)
_TABLE_FILES = {
    "hash": ".db",
    "btree": ".db",
    "lmdb": ".lmdb",
    "cdb": ".cdb",
    "texthash": "",
    "regexp": "",
    "pcre": "",
    "cidr": "",
}
_CACHE = re.compile(r"(?:cache_map|cache_database|_exchange_name)$|^address_verify_map$")
_PATH = re.compile(r"^(\S*/)?((?:main|master)\.cf\b)")


class Problem(t.NamedTuple):
    """Something Postfix could not run with, or would not do as it is written.

    ``subject`` is ``main.cf NAME``, ``service/type NAME`` or ``service/type``; ``message`` says
    what was found and what to do.
    """

    subject: str
    message: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.message}"


class Evidence(t.NamedTuple):
    """What the host has that a configuration may name.

    ``daemons`` are the programs in daemon_directory; ``missing_tables`` are those of
    table_files() whose file does not exist.
    """

    daemons: frozenset[str] = frozenset()
    missing_tables: frozenset[str] = frozenset()


def problems(
    snapshot: Snapshot, *, services: t.Sequence[Service], evidence: t.Optional[Evidence] = None
) -> tuple[Problem, ...]:
    """Return what is wrong with a configuration as Postfix reads it.

    Without *evidence*, as for a configuration of another host, nothing is said about files.
    """
    found = (
        *_value_problems(snapshot, services=services),
        *_name_problems(snapshot, services=services),
        *_service_problems(services),
        *_together(snapshot, services=services),
    )
    if evidence is None:
        return found
    return (*found, *_file_problems(snapshot, services=services, evidence=evidence))


def table_files(
    snapshot: Snapshot, *, services: t.Sequence[Service]
) -> tuple[tuple[str, str, str], ...]:
    """Return (subject, table, file) of every lookup table that must exist as a file.

    Caches, which Postfix makes itself, are not among them.
    """
    settings = [
        (f"main.cf {name}", name, snapshot.effective.get(name, "")) for name in snapshot.explicit
    ]
    settings += [
        (subject, name, value)
        for subject, name, value, _problem in _overrides(snapshot, services=services)
    ]
    return tuple(
        (subject, f"{kind}:{path}", path + _TABLE_FILES[kind])
        for subject, name, value in settings
        if not _CACHE.search(name)
        for kind, path in _TABLE.findall(value)
    )


def _file_problems(
    snapshot: Snapshot, *, services: t.Sequence[Service], evidence: Evidence
) -> t.Iterator[Problem]:
    for subject, table, file in table_files(snapshot, services=services):
        if file in evidence.missing_tables:
            yield Problem(
                subject,
                f"the lookup table {table} has no file {file}, and Postfix defers mail for it; "
                "make the file first (postmap, postalias)",
            )
    for service in eff.in_force(services):
        if service.command not in evidence.daemons and "/" not in service.command:
            yield Problem(
                service.id,
                f"there is no program {service.command!r} in daemon_directory "
                f"({snapshot.effective.get('daemon_directory')}), so the service cannot start",
            )


def _value_problems(snapshot: Snapshot, *, services: t.Sequence[Service]) -> t.Iterator[Problem]:
    for name in snapshot.explicit:
        problem = _check(snapshot, name, snapshot.effective.get(name, ""))
        if problem:
            yield Problem(f"main.cf {name}", problem)
    for subject, name, value, unreadable in _overrides(snapshot, services=services):
        problem = unreadable or _check(snapshot, name, value)
        if problem:
            yield Problem(subject, problem)


def _overrides(
    snapshot: Snapshot, *, services: t.Sequence[Service]
) -> t.Iterator[tuple[str, str, str, str]]:
    """Return (subject, name, expanded value, why it cannot be expanded) of every override."""
    for service in eff.in_force(services):
        for name in service.overrides:
            value = problem = ""
            try:
                value = eff.setting(service, name, effective=snapshot.effective)
            except ConfigSyntaxError as error:
                problem = str(error)
            yield f"{service.id} {name}", name, value, problem


def _check(snapshot: Snapshot, name: str, value: str) -> t.Optional[str]:
    return values.check(
        name,
        value,
        postfix=snapshot.version,
        tls_library=snapshot.tls_library,
        map_types=snapshot.map_types,
        restriction_classes=frozenset(
            snapshot.effective.get("smtpd_restriction_classes", "").replace(",", " ").split()
        ),
    )


def _name_problems(snapshot: Snapshot, *, services: t.Sequence[Service]) -> t.Iterator[Problem]:
    overridden = {name for service in services for name in service.overrides}
    for warning in snapshot.warnings:
        match = _UNUSED.search(warning)
        if match and _file_of(warning) == "master.cf" and match.group(1) not in overridden:
            # postconf misreads "-oNAME=VALUE" in one word when an "o" is in it; smtpd does not.
            continue
        if match:
            yield Problem(
                f"{_file_of(warning)} {match.group(1)}",
                values.unknown_name(
                    match.group(1), postfix=snapshot.version, known=snapshot.effective
                ),
            )
        elif "undefined parameter: " in warning:
            name = warning.partition("undefined parameter: ")[2].strip()
            yield Problem(
                f"{_file_of(warning)} ${name}",
                "is used but defined nowhere, so it expands to nothing; define it or remove it",
            )


def _file_of(warning: str) -> str:
    match = _PATH.match(warning)
    return match.group(2) if match else "main.cf"


def _service_problems(services: t.Sequence[Service]) -> t.Iterator[Problem]:
    seen: dict[tuple[str, str, str], Service] = {}
    for service in services:
        if service.broken_arguments:
            words = " ".join(service.broken_arguments)
            yield Problem(
                service.id,
                f"the daemon dies on the stray words {words!r}; write -o {{ name = value }} with "
                "braces, or the value without blanks",
            )
        if service.key in seen:
            yield Problem(
                service.id,
                f"master.cf has it twice (also as {seen[service.key].id}); Postfix uses the last "
                "entry, so remove the other one",
            )
        seen[service.key] = service


def _together(snapshot: Snapshot, *, services: t.Sequence[Service]) -> t.Iterator[Problem]:
    values_now = snapshot.effective
    level = values_now.get("smtp_tls_security_level", "")
    if level.startswith("dane") and values_now.get("smtp_dns_support_level") != "dnssec":
        yield Problem(
            "main.cf smtp_tls_security_level",
            f"{level} without smtp_dns_support_level = dnssec is only opportunistic TLS; "
            "set smtp_dns_support_level to dnssec",
        )
    for service in eff.mail_services(services):
        if (
            service.command == "postscreen"
            and _wants_tls(service, snapshot)
            and not any(other.command == "tlsproxy" for other in eff.in_force(services))
        ):
            yield Problem(
                service.id,
                "postscreen offers STARTTLS through tlsproxy, which master.cf does not have; "
                "enable the service 'tlsproxy unix - - y - 0 tlsproxy'",
            )


def _wants_tls(service: Service, snapshot: Snapshot) -> bool:
    level = eff.setting(service, "postscreen_tls_security_level", effective=snapshot.effective)
    return level in ("may", "encrypt")


def new_problems(
    before: t.Iterable[Problem], after: t.Iterable[Problem], *, asked: t.Container[str]
) -> tuple[Problem, ...]:
    """Return the problems of *after* that *before* did not have, or that were asked for by name.

    *asked* are subjects: a bad value stays an error when a run asks for it and the host has it.
    """
    known = set(before)
    return tuple(p for p in after if p not in known or p.subject in asked)


__all__ = ("Evidence", "Problem", "new_problems", "problems", "table_files")
