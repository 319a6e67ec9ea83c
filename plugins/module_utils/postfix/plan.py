# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Work out what differs between a configuration and what is wanted of it (pure)."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ansible_collections.hardened.mail.plugins.module_utils.postfix import (
    main_cf,
    master_cf,
    master_cf_changes,
)
from ansible_collections.hardened.mail.plugins.module_utils.postfix.values import masked

_COMMENTED_OUT = re.compile(r"([\s#]*(?:-o\s*)?(\w+)\s*=\s*)(.*)")

#: Parameters that master(8) reads when it starts and not on a reload (postconf(5)).
RESTART_PARAMETERS = frozenset(
    {
        "data_directory",
        "inet_interfaces",
        "inet_protocols",
        "mail_owner",
        "queue_directory",
        "setgid_group",
    }
)


@dataclass(frozen=True)
class Change:
    """One setting that differs: ``before`` or ``after`` is None where it is absent.

    ``place`` is ``main.cf``, or the id of a master.cf service (``name/type``).
    """

    place: str
    name: str
    before: t.Optional[str]
    after: t.Optional[str]


@dataclass(frozen=True)
class Plan:
    """New texts of both files and what differs in them, setting by setting."""

    main: str
    master: str
    changes: tuple[Change, ...]

    @property
    def needs_restart(self) -> bool:
        """Whether a reload would not put the change into force."""
        return any(
            change.place == "main.cf" and change.name in RESTART_PARAMETERS
            for change in self.changes
        )


def make(
    *,
    main: str,
    master: str,
    parameters: t.Mapping[str, t.Optional[str]],
    services: t.Sequence[master_cf_changes.ServiceChange],
) -> Plan:
    """Return the plan that leads from the texts *main* and *master* to what is wanted.

    Values are compared normalised, so another spelling of the same value is no change; a value that
    stands twice is one, since Postfix warns about it at every start. Raises ConfigSyntaxError for a
    text or a value that Postfix would refuse.
    """
    current: dict[str, list[str]] = {}
    for entry in main_cf.parse(main):
        current.setdefault(entry.name, []).append(entry.value)
    wanted = {
        name: value
        for name, value in parameters.items()
        if current.get(name, []) != ([] if value is None else [main_cf.normalise(value)])
    }
    changes = [
        Change("main.cf", name, ", then ".join(current[name]) if name in current else None, value)
        for name, value in wanted.items()
    ]
    new_master = master_cf_changes.render(master, changes=services)
    changes += service_differences(master_cf.parse(master), master_cf.parse(new_master))
    return Plan(
        main=main_cf.render(main, changes=wanted) if wanted else main,
        master=new_master,
        changes=tuple(changes),
    )


def service_differences(
    before: t.Iterable[master_cf.Service], after: t.Iterable[master_cf.Service]
) -> list[Change]:
    """Return what differs between two readings of master.cf, service by service."""
    old = {service.id: _facets(service) for service in before}
    new = {service.id: _facets(service) for service in after}
    found = []
    for place in [*old, *(name for name in new if name not in old)]:
        was, is_now = old.get(place, {}), new.get(place, {})
        for name in [*was, *(name for name in is_now if name not in was)]:
            if was.get(name) != is_now.get(name):
                found.append(Change(place, name, was.get(name), is_now.get(name)))
    return found


def _facets(service: master_cf.Service) -> dict[str, str]:
    facets = dict(zip(master_cf.FIELDS, service.fields))
    facets["command"] = " ".join([service.command, *master_cf.plain_arguments(service)])
    facets.update((f"-o {name}", value) for name, value in service.overrides.items())
    return facets


def masked_change(change: Change) -> dict[str, t.Optional[str]]:
    """Return *change* for a module's result, secrets masked."""
    name = change.name[3:] if change.name.startswith("-o ") else change.name
    return {
        "place": change.place,
        "name": change.name,
        "before": None if change.before is None else masked(name, change.before),
        "after": None if change.after is None else masked(name, change.after),
    }


def masked_main(text: str) -> str:
    """Return main.cf for a diff, each entry that holds a secret on one masked line.

    Comments are masked too: a setting that was commented out may stand beside a changed line.
    """
    lines = [_masked_comment(line) for line in main_cf.physical_lines(text, file="main.cf")]
    for entry in main_cf.parse(text):
        shown = masked(entry.name, entry.value)
        if shown != entry.value:
            for index in entry.lines:
                lines[index] = ""
            lines[entry.lines[0]] = main_cf.format_entry(entry.name, shown)
    return "".join(lines)


def masked_master(text: str) -> str:
    """Return master.cf for a diff, arguments and comments that hold a secret masked."""
    shown = master_cf_changes.mask(text, masked=masked)
    lines = main_cf.physical_lines(shown, file="master.cf")
    return "".join(_masked_comment(line) for line in lines)


def _masked_comment(line: str) -> str:
    if not line.lstrip(main_cf.SPACE).startswith("#"):
        return line
    body = line.rstrip("\r\n")
    match = _COMMENTED_OUT.match(body)
    head, name, value = match.groups() if match else ("", "", body)
    return head + masked(name, value) + line[len(body) :]


__all__ = (
    "RESTART_PARAMETERS",
    "Change",
    "Plan",
    "make",
    "masked_change",
    "masked_main",
    "masked_master",
    "service_differences",
)
