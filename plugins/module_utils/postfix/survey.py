# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read one instance of Postfix and work out what a request would change (effects: reads only)."""

from __future__ import annotations

import json
import os
import typing as t
from dataclasses import dataclass, field

from ansible_collections.hardened.mail.plugins.module_utils.policy import resolve as policy
from ansible_collections.hardened.mail.plugins.module_utils.policy.named_files import CA_BUNDLES
from ansible_collections.hardened.mail.plugins.module_utils.postfix import effective as eff
from ansible_collections.hardened.mail.plugins.module_utils.postfix import (
    files,
    master_cf,
    master_cf_changes,
    plan,
    runner,
    words,
)
from ansible_collections.hardened.mail.plugins.module_utils.postfix.postconf_output import Snapshot

if t.TYPE_CHECKING:
    from ansible_collections.hardened.mail.plugins.module_utils.policy.submission import (
        Submission,
        SubmissionChoices,
    )

_LEVELS = (
    ("smtpd_tls_security_level", "inbound_level"),
    ("smtp_tls_security_level", "outbound_level"),
)
_TLSRPT = ("smtp_tlsrpt_enable", "smtp_tlsrpt_socket_name")
_POLICY_MAPS = "smtp_tls_policy_maps"
_SNI_MAPS = "tls_server_sni_maps"
#: Behind the name of an owner: what it wrote into services of master.cf.
_SERVICES = " services"


class RequestProblem(Exception):
    """A request that cannot be carried out on this host. Nothing was changed."""


@dataclass(frozen=True)
class Request:
    """What a task asks of one instance; see the options of hardened.mail.postconf."""

    config_directory: str = "/etc/postfix"
    parameters: t.Mapping[str, t.Optional[str]] = field(default_factory=dict)
    members: tuple[words.Members, ...] = ()
    services: tuple[master_cf_changes.ServiceChange, ...] = ()
    choices: t.Optional[policy.Choices] = None
    submission: t.Optional[SubmissionChoices] = None
    accept_weaker: frozenset[str] = frozenset()
    certificate_check: t.Literal["error", "warn", "skip"] = "error"
    resolver_check: t.Literal["error", "warn", "skip"] = "error"
    resolver_check_name: str = "."
    owner: str = ""
    apply: bool = True
    activate: t.Literal["auto", "none"] = "auto"
    rehearse: bool = True
    probe: bool = True
    check_mode: bool = False


@dataclass(frozen=True)
class Undercut:
    """A ``-o`` in master.cf by which a service falls below the floor of the profile."""

    service: master_cf.Service
    weaker: policy.Weaker

    def __str__(self) -> str:
        return (
            f"{self.service.id} -o {self.weaker.parameter}={self.weaker.value}: weaker than "
            f"{self.weaker.floor or 'the default'} in main.cf; {self.weaker.reason}"
        )


@dataclass(frozen=True)
class Survey:
    """One instance as it is, and the way to what is wanted.

    ``owned`` is the ownership record after the change: owner to the parameters it wrote beside
    the settings table. ``submission`` is None unless it was asked for.
    """

    snapshot: Snapshot
    main: str
    master: str
    services: tuple[master_cf.Service, ...]
    decisions: tuple[policy.Decision, ...]
    weaker: tuple[policy.Weaker, ...]
    notes: tuple[policy.Note, ...]
    plan: plan.Plan
    changes: tuple[files.FileChange, ...]
    owned: t.Mapping[str, t.Sequence[str]]
    undercut: tuple[Undercut, ...] = ()
    submission: t.Optional[Submission] = None


def read(request: Request) -> Survey:
    """Return the survey of the instance.

    Raises runner.PostfixMissing, runner.PostconfFailed, main_cf.ConfigSyntaxError,
    files.FileProblem, policy.ChoiceError and RequestProblem; nothing is changed by then.
    """
    directory = request.config_directory
    _refuse_doubles(request.services)
    _refuse_sni_twice(request)
    snapshot = runner.read(directory)
    main_path, master_path = (os.path.join(directory, name) for name in ("main.cf", "master.cf"))
    raw_main, raw_master = files.read_bytes(main_path), files.read_bytes(master_path)
    if raw_main is None or raw_master is None:
        raise RequestProblem(f"{directory} has no main.cf and master.cf. Nothing was changed.")
    main, master = decode(raw_main), decode(raw_master)
    host = host_of(snapshot, config_directory=directory)
    decisions: tuple[policy.Decision, ...] = ()
    below: tuple[policy.Weaker, ...] = ()
    notes: tuple[policy.Note, ...] = ()
    managed: tuple[policy.ManagedFile, ...] = ()
    undercut: tuple[Undercut, ...] = ()
    services = master_cf.parse(master)
    owned = _read_owned(directory)
    if request.choices is not None:
        current = _found(snapshot, owned=owned.get(request.owner, ()), request=request)
        decisions = policy.resolve(
            host,
            choices=request.choices,
            current=current,
            site_policy_maps=_overriding_maps(request),
        )
        below = policy.weaker(host, choices=request.choices, overrides=request.parameters)
        notes = policy.notes(host, choices=request.choices, current=current)
        managed = policy.files_for(host, choices=request.choices)
        undercut = _undercut(host, request.choices, services, effective=snapshot.effective)
    wanted = _wanted(request, decisions, recorded=owned.get(request.owner, ()))
    wanted.update(_members(request, snapshot, wanted=wanted))
    asked = _submission(request, host, snapshot, services, wanted=wanted, owned=owned)
    if asked is not None:
        below, notes = (*below, *asked.refused), (*notes, *asked.notes)
        managed = tuple({one.name: one for one in (*managed, *asked.files)}.values())
        wanted = {**asked.parameters, **wanted}
    _refuse_weaker(below, accepted=request.accept_weaker)
    kept = tuple(one for one in undercut if one.weaker.parameter in request.accept_weaker)
    raised = tuple(_raise(one) for one in undercut if one not in kept)
    moved = asked.changes if asked is not None else ()
    made = plan.make(
        main=main,
        master=master,
        parameters=wanted,
        services=(*raised, *moved, *request.services),
    )
    return Survey(
        snapshot=snapshot,
        main=main,
        master=master,
        services=services,
        decisions=decisions,
        weaker=(*below, *(one.weaker for one in kept), *_accepted(asked)),
        notes=notes,
        plan=made,
        changes=_file_changes(directory, made, raw_main, raw_master, managed),
        owned=_owned_after(owned, request, made, asked),
        undercut=undercut,
        submission=asked,
    )


def _submission(
    request: Request,
    host: policy.Host,
    snapshot: Snapshot,
    services: tuple[master_cf.Service, ...],
    *,
    wanted: t.Mapping[str, t.Optional[str]],
    owned: t.Mapping[str, t.Sequence[str]],
) -> t.Optional[Submission]:
    """Return what the submission services need, None when they were not asked for."""
    if request.submission is None:
        return None
    # Most runs are about port 25 alone, and every file is compiled on the host.
    from ansible_collections.hardened.mail.plugins.module_utils.policy import (  # noqa: PLC0415 - rarely needed
        submission,
    )

    coming = {name: value for name, value in wanted.items() if value and "$" not in value}
    found = submission.resolve_for(
        submission.Given(
            host=host,
            choices=request.submission,
            services=services,
            explicit=snapshot.explicit,
            effective={**snapshot.effective, **coming},
            recorded=owned.get(request.owner + _SERVICES, ()),
            accepted=request.accept_weaker,
        )
    )
    _refuse_quarrel(found, request, owned)
    return found


def _refuse_quarrel(
    found: Submission, request: Request, owned: t.Mapping[str, t.Sequence[str]]
) -> None:
    """Refuse to change what another owner sets at every run: the two would take turns for ever."""
    for owner, names in owned.items():
        shared = sorted(set(names) & set(found.parameters))
        if owner != request.owner and shared:
            raise RequestProblem(
                f"{owner} sets {', '.join(shared)} in main.cf by its own parameters, and logins are to be "
                "moved from there to the services that need them. Drop that from the parameters of "
                f"{owner}. Nothing was changed."
            )


def _accepted(found: t.Optional[Submission]) -> tuple[policy.Weaker, ...]:
    """Return the overrides below the floor that stay by the operator's choice."""
    return () if found is None else tuple(one.weaker for one in found.below if one.accepted)


def _found(snapshot: Snapshot, *, owned: t.Sequence[str], request: Request) -> dict[str, str]:
    """Return what the site has in main.cf, expanded, without what earlier runs put there for it.

    Else a level that the inventory does not ask for any more would be taken for the site's own.
    """
    return {
        name: snapshot.effective.get(name, value)
        for name, value in snapshot.explicit.items()
        if name not in owned or name in request.parameters
    }


def _observes(request: Request) -> bool:
    return request.choices is not None and request.choices.observe


def _wanted(
    request: Request, decisions: t.Iterable[policy.Decision], *, recorded: t.Iterable[str]
) -> dict[str, t.Optional[str]]:
    """Return the parameters that main.cf must have (None: must not have)."""
    wanted = {one.parameter: one.value for one in decisions}
    if _observes(request):
        return wanted
    for name in recorded:
        wanted.setdefault(name, None)
    joined = {_POLICY_MAPS} if _overriding_maps(request) is not None else set()
    wanted.update({name: v for name, v in request.parameters.items() if name not in joined})
    return wanted


def _members(
    request: Request, snapshot: Snapshot, *, wanted: t.Mapping[str, t.Optional[str]]
) -> dict[str, t.Optional[str]]:
    """Return the lists of which some members are asked for."""
    doubled = sorted({one.parameter for one in request.members} & set(wanted))
    if doubled:
        raise RequestProblem(
            f"{', '.join(doubled)}: members of the list are asked for, and the whole list too; give it once. "
            "Nothing was changed."
        )
    try:
        return words.with_members(
            request.members, written=snapshot.explicit, value=snapshot.effective.get
        )
    except words.ExpansionError as error:
        raise RequestProblem(f"A list cannot be read: {error}. Nothing was changed.") from error


def _overriding_maps(request: Request) -> t.Optional[str]:
    """Return the site's own policy maps when they must stand behind the rows of O(policies)."""
    choices = request.choices
    if choices is None or not (choices.policies or choices.policy_server):
        return None
    return request.parameters.get(_POLICY_MAPS)


def _refuse_doubles(services: t.Sequence[master_cf_changes.ServiceChange]) -> None:
    seen: dict[tuple[str, str, str], str] = {}
    for change in services:
        key = master_cf.service_key(change.name, type=change.type)
        if key in seen:
            raise RequestProblem(
                f"The service {change.name}/{change.type} is asked for twice (also as {seen[key]}); "
                "give it once. Nothing was changed."
            )
        seen[key] = f"{change.name}/{change.type}"


def _refuse_sni_twice(request: Request) -> None:
    if request.choices is not None and request.choices.sni and _SNI_MAPS in request.parameters:
        raise RequestProblem(
            f"sni and parameters both give {_SNI_MAPS}: put all names into sni, or drop it. "
            "Nothing was changed."
        )


def decode(raw: bytes) -> str:
    """Return the text of a configuration file; bytes that are not UTF-8 survive the round trip."""
    return raw.decode("utf-8", "surrogateescape")


def encode(text: str) -> bytes:
    """Return the bytes of a configuration file; the inverse of decode()."""
    return text.encode("utf-8", "surrogateescape")


def host_of(snapshot: Snapshot, *, config_directory: str) -> policy.Host:
    """Return what the policy must know of this host."""
    return policy.Host(
        postfix=snapshot.version,
        tls_library=snapshot.tls_library,
        map_types=snapshot.map_types,
        compatibility_level=snapshot.effective.get("compatibility_level", ""),
        ca_file=next((path for path in CA_BUNDLES if os.path.exists(path)), None),
        config_directory=config_directory,
        known_parameters=frozenset(snapshot.effective),
    )


def _undercut(
    host: policy.Host,
    choices: policy.Choices,
    services: t.Sequence[master_cf.Service],
    *,
    effective: t.Mapping[str, str],
) -> tuple[Undercut, ...]:
    """Return the overrides by which services of port 25, in or out, fall below the floor.

    Other ports are another role's: content filters, for one, come back to a loopback port without TLS.
    """
    return tuple(
        Undercut(service, weaker)
        for service in eff.in_force(services)
        if eff.speaks_to_strangers(service)
        for weaker in policy.weaker(
            host,
            choices=choices,
            overrides={
                name: eff.setting(service, name, effective=effective) for name in service.overrides
            },
        )
    )


def _raise(one: Undercut) -> master_cf_changes.ServiceChange:
    return master_cf_changes.ServiceChange(
        one.service.name,
        type=one.service.type,
        exact=True,
        overrides={one.weaker.parameter: None},
    )


def _refuse_weaker(below: t.Sequence[policy.Weaker], *, accepted: frozenset[str]) -> None:
    refused = [one for one in below if one.parameter not in accepted]
    if refused:
        listed = "; ".join(
            f"{one.parameter} = {one.value if one.value is not None else '(removed)'} "
            f"(floor: {one.floor if one.floor is not None else '(not set)'}; {one.reason})"
            for one in refused
        )
        raise RequestProblem(
            f"Overrides fall below the floor of the profile: {listed}. Drop them, or accept the "
            f"risk by naming them in accept_weaker. Nothing was changed."
        )


def _file_changes(
    directory: str,
    made: plan.Plan,
    raw_main: bytes,
    raw_master: bytes,
    managed: t.Sequence[policy.ManagedFile],
) -> tuple[files.FileChange, ...]:
    changes = []
    for one in managed:
        path = os.path.join(directory, one.name)
        before, after = files.read_bytes(path), encode(one.content)
        if before != after:
            changes.append(files.FileChange(path, before, after, mode=one.mode))
    for name, before, text in (
        ("main.cf", raw_main, made.main),
        ("master.cf", raw_master, made.master),
    ):
        if encode(text) != before:
            changes.append(files.FileChange(os.path.join(directory, name), before, encode(text)))
    return tuple(changes)


def _owned_path(config_directory: str) -> str:
    return os.path.join(files.state_directory(config_directory), "owned.json")


def _read_owned(config_directory: str) -> dict[str, list[str]]:
    raw = files.read_bytes(_owned_path(config_directory))
    try:
        return dict(json.loads(raw)) if raw else {}
    except ValueError as error:
        raise RequestProblem(
            f"Cannot read {_owned_path(config_directory)}: {error}. Remove it if you no longer "
            "need what it records. Nothing was changed."
        ) from error


def owned_change(
    config_directory: str, owned: t.Mapping[str, t.Sequence[str]]
) -> t.Optional[files.FileChange]:
    """Return the change of the ownership record, None when it stays as it is."""
    path = _owned_path(config_directory)
    before = files.read_bytes(path)
    after = (json.dumps(owned, indent=1, sort_keys=True) + "\n").encode()
    if before == after or (before is None and not owned):
        return None
    return files.FileChange(path, before, after, mode=0o600)


def _owned_after(
    owned: t.Mapping[str, t.Sequence[str]],
    request: Request,
    made: plan.Plan,
    found: t.Optional[Submission],
) -> dict[str, t.Sequence[str]]:
    """Return the record after the change: what the request sets and wrote, now or earlier."""
    if not request.owner or _observes(request):
        return dict(owned)
    written = {change.name for change in made.changes if change.place == "main.cf"}
    asked = [name for name, value in request.parameters.items() if value is not None]
    if request.choices is not None:
        # A level above the default is kept when it is found, so it must be known whose it is.
        asked += [name for name, choice in _LEVELS if getattr(request.choices, choice) != "may"]
        # The table keeps these as it finds them when they are not chosen.
        asked += _TLSRPT if request.choices.tlsrpt_socket else ()
    mine = sorted(
        {name for name in asked if name in written or name in owned.get(request.owner, ())}
    )
    after = {**owned, request.owner: mine}
    if found is not None:
        after[request.owner + _SERVICES] = list(found.record)
    return after


__all__ = (
    "Request",
    "RequestProblem",
    "Survey",
    "decode",
    "encode",
    "host_of",
    "owned_change",
    "read",
)
