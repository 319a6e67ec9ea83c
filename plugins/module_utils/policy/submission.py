# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Turns the table of submission settings and an operator's choices into changes for one host (pure)."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.hardened.mail.plugins.module_utils.policy import (
    resolve,
    settings,
    submission_elsewhere,
    submission_lists,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.floor import below
from ansible_collections.hardened.mail.plugins.module_utils.policy.profiles import (
    ChoiceError,
    Host,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.settings import (
    KEEP,
    REMOVE,
    Edit,
    Rule,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.submission_choices import (
    SubmissionChoices,
    check,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.submission_settings import (
    NAMES,
    PORTS,
    SETTINGS,
    Port,
    ServiceSetting,
)
from ansible_collections.hardened.mail.plugins.module_utils.postfix import effective as eff
from ansible_collections.hardened.mail.plugins.module_utils.postfix.main_cf import normalise
from ansible_collections.hardened.mail.plugins.module_utils.postfix.master_cf import Service
from ansible_collections.hardened.mail.plugins.module_utils.postfix.master_cf_changes import (
    ServiceChange,
)
from ansible_collections.hardened.mail.plugins.module_utils.postfix.version import available

_CLIENT: t.Final = "smtpd_client_restrictions"
_SENDER: t.Final = "smtpd_sender_restrictions"
_RECIPIENT: t.Final = "smtpd_recipient_restrictions"
_RELAY: t.Final = "smtpd_relay_restrictions"
_MAPS: t.Final = "smtpd_sender_login_maps"
_TYPE: t.Final = "smtpd_sasl_type"
_PATH: t.Final = "smtpd_sasl_path"
_EXCLUDED: t.Final = "smtpd_tls_mandatory_exclude_ciphers"
_HIDDEN: t.Final = frozenset({"starttls", "auth"})


@dataclass(frozen=True)
class ServiceDecision:
    """What becomes of one parameter of one service; ``value`` is None where it has no ``-o``.

    ``by_site`` tells that a ``-o`` of the site stays. The rest is as in ``resolve.Decision``.
    """

    place: str
    parameter: str
    value: t.Optional[str]
    reason: str
    source: str
    ran: bool
    cost: t.Optional[str]
    by_site: bool = False


@dataclass(frozen=True)
class BelowFloor:
    """A ``-o`` of the site by which a service is below the floor."""

    place: str
    weaker: resolve.Weaker
    accepted: bool

    def __str__(self) -> str:
        value = self.weaker.value or "(empty)"
        return f"{self.place} -o {self.weaker.parameter}={value}: {self.weaker.reason}"


@dataclass(frozen=True)
class Backend:
    """Who checks the passwords of a service."""

    place: str
    type: str
    path: str


@dataclass(frozen=True)
class Submission:
    """All that is to be done on one host.

    ``record`` names what the services have of us, as ``address:port/parameter``; ``refused`` are choices below
    the floor that nobody accepted.
    """

    changes: tuple[ServiceChange, ...]
    parameters: t.Mapping[str, t.Optional[str]]
    decisions: tuple[ServiceDecision, ...]
    below: tuple[BelowFloor, ...]
    refused: tuple[resolve.Weaker, ...]
    notes: tuple[resolve.Note, ...]
    files: tuple[resolve.ManagedFile, ...]
    record: tuple[str, ...]
    backends: tuple[Backend, ...]


@dataclass(frozen=True)
class Given:
    """What a host has and what was asked for it.

    ``effective`` is ``postconf -x``, ``explicit`` is ``postconf -n``. ``recorded`` is ``Submission.record`` of
    the last run. ``accepted`` are the names that may be weaker.
    """

    host: Host
    choices: SubmissionChoices
    services: t.Sequence[Service]
    explicit: t.Mapping[str, str]
    effective: t.Mapping[str, str]
    recorded: t.Collection[str] = ()
    accepted: t.Collection[str] = ()


@dataclass(frozen=True)
class _Target:
    """One service on 587 or 465, present or to be made."""

    port: Port
    name: str
    key: tuple[str, str, str]
    service: t.Optional[Service]
    given: Given

    @property
    def place(self) -> str:
        return f"{self.name}/inet"

    @property
    def record(self) -> str:
        return f"{self.key[1]}:{self.key[2]}/"

    def own(self, parameter: str) -> t.Optional[str]:
        """Return the ``-o`` of the service, None when it has none."""
        return None if self.service is None else self.service.overrides.get(parameter)

    def is_ours(self, parameter: str) -> bool:
        return f"{self.record}{parameter}" in self.given.recorded

    def expanded(self, parameter: str) -> str:
        """Return what the service uses now."""
        if self.service is None:
            return self.main(parameter)
        return eff.setting(self.service, parameter, effective=self.given.effective)

    def main(self, parameter: str) -> str:
        return self.given.effective.get(parameter, "")

    @property
    def classes(self) -> dict[str, str]:
        names = self.expanded("smtpd_restriction_classes").replace(",", " ").split()
        return {name: self.expanded(name) for name in names}


@dataclass
class _Work:
    """What one target comes to, parameter by parameter."""

    values: dict[str, t.Optional[str]] = field(default_factory=dict)
    record: list[str] = field(default_factory=list)
    decisions: list[ServiceDecision] = field(default_factory=list)
    below: list[BelowFloor] = field(default_factory=list)
    refused: list[resolve.Weaker] = field(default_factory=list)


def resolve_for(given: Given) -> Submission:
    """Return what is to be done. Raises ChoiceError, and ConfigSyntaxError as ``effective.setting`` does."""
    check(given.choices, host=given.host, effective=given.effective)
    wanted = [port for port in PORTS if getattr(given.choices, port)]
    targets = [target for port in wanted for target in _targets(port, given)]
    works = [_work(target) for target in targets]
    moved = submission_elsewhere.move(
        given.services,
        ours={target.key for target in targets},
        explicit=given.explicit,
        effective=given.effective,
        on_25=_on_25(given) if given.choices.auth_on_25 else None,
    )
    return Submission(
        changes=(
            *(_change(target, work) for target, work in zip(targets, works)),
            *moved.changes,
            *_removed(given, kept=wanted),
        ),
        parameters=moved.parameters,
        decisions=tuple(one for work in works for one in work.decisions),
        below=tuple(one for work in works for one in work.below),
        refused=tuple(one for work in works for one in work.refused),
        notes=(*moved.notes, *_notes(works, given, wanted=wanted)),
        files=resolve.files_for(given.host, choices=given.choices.as_inbound) if wanted else (),
        record=tuple(sorted(one for work in works for one in work.record)),
        backends=tuple(
            Backend(target.place, work.values[_TYPE] or "", work.values[_PATH] or "")
            for target, work in zip(targets, works)
        ),
    )


def _at(port: Port, given: Given) -> list[Service]:
    """Return the services in force on a port, however they are spelt."""
    number = str(PORTS[port])
    return [
        one for one in eff.in_force(given.services) if one.type == "inet" and one.key[2] == number
    ]


def _targets(port: Port, given: Given) -> list[_Target]:
    found = _at(port, given)
    for one in found:
        if one.command != "smtpd":
            raise ChoiceError(
                f"port {PORTS[port]} is served by {one.command!r} in master.cf ({one.id}), which is no smtpd: "
                f"switch {port} off, or remove that service"
            )
    if not found:
        name = NAMES[port]
        return [_Target(port, name, ("inet", "", str(PORTS[port])), None, given)]
    return [_Target(port, one.name, one.key, one, given) for one in found]


def _work(target: _Target) -> _Work:
    """Decide about every parameter of the table, the relay list last: it is judged with the others."""
    work = _Work()
    mine = [one for one in SETTINGS if target.port in one.ports]
    known = target.given.host.known_parameters
    for setting in sorted(mine, key=lambda one: one.parameter == _RELAY):
        if known is None or setting.parameter in known:
            _decide(setting, target, work)
    work.values = {
        one.parameter: work.values[one.parameter] for one in mine if one.parameter in work.values
    }
    _apply_overrides(target, work)
    return work


def _situation(setting: ServiceSetting, target: _Target) -> resolve.Situation:
    given, name = target.given, setting.parameter
    choices, host = given.choices, given.host
    knows_newlines = available("smtpd_forbid_bare_newline", postfix=host.postfix)
    base = _base(setting, target).replace(",", " ").lower().split()
    flags = {
        f"profile:{choices.profile}": True,
        **{f"given:{one}": True for one in choices.limits()},
        "given:certificates": bool(choices.certificates),
        "given:sasl_type": choices.sasl_type != "auto",
        "given:sasl_path": bool(choices.sasl_path),
        "given:sender_login_maps": bool(choices.sender_login_maps.strip()),
        "given:authenticated_header": choices.authenticated_header,
        "senders": bool(choices.sender_login_maps.strip()),
        "hide-client": choices.hide_client,
        "new": target.service is None,
        "main-set": bool(target.main(name).strip()) and not _is_no(target.main(name)),
        "main-ok": (target.own(name) is None or target.is_ours(name))
        and not _main_is_below(setting, target),
        "newline:normalize": host.postfix.has("3.5.24 3.6.14 3.7.10 3.8.5 3.9"),
        "newline:yes": knows_newlines,
        "smuggling-workaround": not knows_newlines,
        "hides-words": bool(_HIDDEN & set(base)),
    }
    return resolve.Situation(
        host, frozenset(word for word, holds in flags.items() if holds), _texts(target)
    )


def _is_no(value: str) -> bool:
    return value.strip().lower() == "no"


def _main_is_below(setting: ServiceSetting, target: _Target) -> bool:
    """Tell whether the value of main.cf is below the last value of the setting."""
    values = [rule.value for rule in setting.rules if isinstance(rule.value, str)]
    if not values or not setting.judge:
        return True
    value = target.main(setting.parameter)
    return _problem(setting, value, floor=values[-1], target=target) is not None


def _texts(target: _Target) -> dict[str, str]:
    given = target.given
    choices = given.choices
    kind, path = _sasl(target)
    return {
        **{name: str(value) for name, value in choices.limits().items()},
        "config_directory": given.host.config_directory.rstrip("/"),
        "chain_files": resolve.chain_files(choices.certificates),
        "sasl_type": kind,
        "sasl_path": path,
        "sender_login_maps": choices.sender_login_maps.strip(),
        "sender_login_check": choices.sender_login_check,
        "syslog_name": given.effective.get("syslog_name") or "postfix",
        "service": NAMES[target.port],
    }


def _sasl(target: _Target) -> tuple[str, str]:
    """Return type and path of the login service: what was chosen, what the site named, or Dovecot's."""
    choices, explicit = target.given.choices, target.given.explicit
    kind = choices.sasl_type
    if kind == "auto":
        named = target.own(_TYPE) or (target.main(_TYPE) if _TYPE in explicit else "")
        kind = named.strip().lower() or "dovecot"
    path = choices.sasl_path
    if not path:
        found = target.main(_PATH).strip() if _PATH in explicit else ""
        fits = found and ("/" in found or ":" in found) == (kind == "dovecot")
        path = found if fits else ("private/auth" if kind == "dovecot" else "smtpd")
    return kind, _in_queue(path, target)


def _in_queue(path: str, target: _Target) -> str:
    """Return a path relative to the queue directory where it is in there, as a chroot needs it."""
    queue = target.main("queue_directory").rstrip("/") + "/"
    return path[len(queue) :] if queue != "/" and path.startswith(queue) else path


def _base(setting: ServiceSetting, target: _Target) -> str:
    """Return the value that an Edit changes: the site's ``-o``, else main.cf's."""
    name = setting.parameter
    if target.own(name) is not None and not target.is_ours(name):
        return target.expanded(name)
    return target.main(name)


def _decide(setting: ServiceSetting, target: _Target, work: _Work) -> None:
    situation = _situation(setting, target)
    rule = next(one for one in setting.rules if situation.holds(one.when))
    name, own = setting.parameter, target.own(setting.parameter)
    wanted, mine = _wanted(setting, rule, situation, target, work)
    ours = target.is_ours(name)
    chosen = any(word.startswith("given:") for word in rule.when.split())
    by_site = False
    if own is None or ours or chosen:
        if (
            wanted is KEEP
            and ours
            and "main-ok" in rule.when
            and _is_stale(setting, own, situation)
        ):
            wanted = REMOVE
        value = own if wanted is KEEP else (None if wanted is REMOVE else str(wanted))
        if value is not None and mine and (own is None or ours or normalise(value) != own):
            work.record.append(f"{target.record}{name}")
    else:
        value, by_site = _of_site(setting, own, wanted, target, work)
        if value is not None and not by_site:
            work.record.append(f"{target.record}{name}")
    work.values[name] = value
    if value is not None or own is not None:
        work.decisions.append(_decision(setting, rule, target, value=value, by_site=by_site))


def _is_stale(setting: ServiceSetting, own: t.Optional[str], situation: resolve.Situation) -> bool:
    """Tell whether a ``-o`` of ours is from a choice that is gone: it is not the value without one."""
    last = [rule.value for rule in setting.rules if isinstance(rule.value, str)]
    return own is not None and own != normalise(situation.fill(last[-1]))


def _wanted(
    setting: ServiceSetting,
    rule: Rule,
    situation: resolve.Situation,
    target: _Target,
    work: _Work,
) -> tuple[t.Union[str, settings.Action], bool]:
    """Return the value of the rule, and whether it is all ours: nothing of the site's is in it."""
    if setting.parameter in submission_lists.STAGES:
        return _list(setting, rule, situation, target, work)
    if isinstance(rule.value, settings.Action):
        return rule.value, True
    if isinstance(rule.value, Edit):
        return resolve.edited(rule.value, value=_base(setting, target)), True
    return situation.fill(rule.value), True


def _list(
    setting: ServiceSetting,
    rule: Rule,
    situation: resolve.Situation,
    target: _Target,
    work: _Work,
) -> tuple[str, bool]:
    """Return a restriction list: what users had to meet in main.cf's, then ours."""
    name = setting.parameter
    words: list[str] = []
    if target.service is not None and target.own(name) is None:
        words += submission_lists.carried(target.main(name), submission_lists.STAGES[name])
    carried = bool(words)
    if isinstance(rule.value, Edit):
        words += [
            situation.fill(one)
            for one in rule.value.first
            if not submission_lists.OWNERSHIP & {word.split(" ")[0] for word in words}
        ]
    elif isinstance(rule.value, str) and rule.value and not (name == _CLIENT and _lets_in(target)):
        words.append(rule.value)
    value = ", ".join(words)
    if name == _SENDER and not _has_maps(target, work):
        value = submission_lists.without_ownership(value)
    return value, not carried


def _lets_in(target: _Target) -> bool:
    """Tell whether a relay list of the site that lets others in than users was accepted."""
    accepted = _RELAY in target.given.accepted and not target.is_ours(_RELAY)
    return accepted and target.own(_RELAY) is not None


def _has_maps(target: _Target, work: _Work) -> bool:
    """Tell whether the service will have a table of senders."""
    own = work.values.get(_MAPS)
    return bool((own if own is not None else target.main(_MAPS)).strip())


def _of_site(
    setting: ServiceSetting,
    own: str,
    wanted: t.Union[str, settings.Action],
    target: _Target,
    work: _Work,
) -> tuple[t.Optional[str], bool]:
    """Return what becomes of a ``-o`` of the site, and whether it is still the site's."""
    name = setting.parameter
    if wanted is KEEP:
        return own, True
    # Only what may be yes or no is judged where the value is to go.
    floor = "no" if isinstance(wanted, settings.Action) else wanted
    why = _problem(setting, target.expanded(name), floor=floor, target=target, work=work)
    if why:
        accepted = name in target.given.accepted
        weaker = resolve.Weaker(name, value=own, floor=floor, reason=why)
        work.below.append(BelowFloor(target.place, weaker, accepted))
        if not accepted:
            return (None if wanted is REMOVE else str(wanted)), False
    elif name == _SENDER:
        return _sender_list(own, target, work), True
    return own, True


def _sender_list(own: str, target: _Target, work: _Work) -> str:
    """Return the site's own list of sender restrictions, with or without the check of addresses."""
    choices = target.given.choices
    if choices.sender_login_maps.strip():
        return submission_lists.with_ownership(
            own, check=choices.sender_login_check, classes=target.classes
        )
    return own if _has_maps(target, work) else submission_lists.without_ownership(own)


def _problem(
    setting: ServiceSetting,
    value: str,
    *,
    floor: str,
    target: _Target,
    work: t.Optional[_Work] = None,
) -> t.Optional[str]:
    """Say why ``value`` is below ``floor``, None when it is not."""
    judge = setting.judge
    if not judge:
        return None
    if judge in _JUDGES:
        return _JUDGES[judge](value.strip(), setting.parameter, target)
    if judge == "relay":
        recipient = target.expanded(_RECIPIENT) if work is None else work.values.get(_RECIPIENT)
        return submission_lists.relay_problem(
            value,
            recipient or "",
            classes=target.classes,
            removed=target.given.host.postfix.has("3.9"),
        )
    if setting.parameter == _EXCLUDED:
        value = f"{value} {target.expanded('smtpd_tls_exclude_ciphers')}"
    return below(
        judge, value=value, floor=floor, parameter=setting.parameter, host=target.given.host
    )


def _logged(value: str, _name: str, _target: _Target) -> t.Optional[str]:
    return "does not log handshakes" if value.lower() in ("", "0", "none") else None


def _noanonymous(value: str, _name: str, _target: _Target) -> t.Optional[str]:
    words = value.replace(",", " ").lower().split()
    return None if "noanonymous" in words else "lets a client log in as nobody"


def _limited(value: str, _name: str, _target: _Target) -> t.Optional[str]:
    return "lets one client try as many passwords as it likes" if value in ("", "0") else None


def _path(value: str, _name: str, target: _Target) -> t.Optional[str]:
    moved = _in_queue(value, target) != value
    return "is not found from a chroot, where a relative one is" if moved else None


def _offers(value: str, _name: str, _target: _Target) -> t.Optional[str]:
    hidden = sorted(_HIDDEN & set(value.replace(",", " ").lower().split()))
    return f"hides {' and '.join(hidden).upper()} from mail programs" if hidden else None


def _defined(value: str, name: str, target: _Target) -> t.Optional[str]:
    own = target.own(name) or ""
    empty = "$" in own and not value
    return "is empty, since what it names is defined nowhere" if empty else None


_JUDGES: t.Final[t.Mapping[str, t.Callable[[str, str, _Target], t.Optional[str]]]] = {
    "logged": _logged,
    "noanonymous": _noanonymous,
    "limited": _limited,
    "in_queue": _path,
    "offers": _offers,
    "list": _defined,
}


def _decision(
    setting: ServiceSetting,
    rule: Rule,
    target: _Target,
    *,
    value: t.Optional[str],
    by_site: bool,
) -> ServiceDecision:
    host = target.given.host
    laboratory = (host.postfix.major, host.postfix.minor) in settings.LABORATORY
    entry = f"postconf(5) {setting.parameter}"
    return ServiceDecision(
        target.place,
        setting.parameter,
        value,
        reason=rule.reason or setting.reason,
        source=f"{entry}; {setting.source}" if setting.source else entry,
        ran=rule.ran and laboratory and host.tls_library.name == "OpenSSL",
        cost=rule.cost,
        by_site=by_site,
    )


def _apply_overrides(target: _Target, work: _Work) -> None:
    """Let the operator's own ``-o`` win, and take away those that are not named any more."""
    given = target.given
    by_name = {one.parameter: one for one in SETTINGS if target.port in one.ports}
    for name, value in given.choices.overrides.items():
        setting, floor = by_name.get(name), work.values.get(name)
        if setting is not None and value is not None and floor is not None:
            why = _problem(setting, value, floor=floor, target=target, work=work)
            if why:
                work.refused.append(resolve.Weaker(name, value=value, floor=floor, reason=why))
        elif setting is not None and value is None and floor is not None and setting.judge:
            why = "takes away what the profile demands"
            work.refused.append(resolve.Weaker(name, value=None, floor=floor, reason=why))
        work.values[name] = value
        if value is not None:
            work.record.append(f"{target.record}{name}")
    for one in given.recorded:
        name = one[len(target.record) :]
        if one.startswith(target.record) and name not in work.values:
            work.values[name] = None
    work.record[:] = sorted(set(work.record))


def _change(target: _Target, work: _Work) -> ServiceChange:
    """Return the change of one service: every ``-o`` that differs."""
    values = {
        name: value
        for name, value in work.values.items()
        if (None if value is None else normalise(value)) != target.own(name)
    }
    if target.service is None:
        return ServiceChange(
            target.name,
            exact=True,
            command="smtpd",
            fields={"chroot": _chroot(target.given)},
            overrides={name: value for name, value in values.items() if value is not None},
        )
    return ServiceChange(target.name, exact=True, overrides=values)


def _chroot(given: Given) -> str:
    """Return the column chroot of a new service: that of port 25."""
    found = [one for one in eff.in_force(given.services) if one.key[::2] == ("inet", "25")]
    return found[0].fields[2] if found else "-"


def _removed(given: Given, *, kept: t.Container[Port]) -> t.Iterator[ServiceChange]:
    for port in PORTS:
        if given.choices.remove and port not in kept:
            for one in _at(port, given):
                yield ServiceChange(one.name, exact=True, present=False)


def _on_25(given: Given) -> dict[str, str]:
    """Return what port 25 needs to take logins."""
    target = _Target("starttls", "smtp", ("inet", "", "25"), None, given)
    kind, path = _sasl(target)
    return {submission_elsewhere.ENABLED: "yes", _TYPE: kind, _PATH: path}


def _notes(
    works: t.Iterable[_Work], given: Given, *, wanted: t.Container[Port]
) -> t.Iterator[resolve.Note]:
    for work in works:
        for one in work.below:
            if not one.accepted:
                yield resolve.Note(
                    f"{one.place} -o {one.weaker.parameter}",
                    f"{one.weaker.value or '(empty)'}: {one.weaker.reason}; it is replaced. To keep it, name "
                    f"{one.weaker.parameter} in accept_weaker.",
                )
    for port in PORTS:
        if port not in wanted and not given.choices.remove:
            for service in _at(port, given):
                yield resolve.Note(
                    service.id, f"{port} is switched off, so this service stays as it is."
                )
    if given.choices.auth_on_25:
        yield resolve.Note(
            "port 25",
            "offers logins by your choice: passwords are guessed there, and when the login service fails no "
            "mail comes in.",
        )


__all__ = (
    "Backend",
    "BelowFloor",
    "Given",
    "ServiceDecision",
    "Submission",
    "SubmissionChoices",
    "resolve_for",
)
