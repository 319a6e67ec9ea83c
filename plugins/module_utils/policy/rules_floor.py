# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rule behind all others: nothing is below what the role would write (pure).

It knows the table of settings and no reasons beyond it, so it speaks only where no other rule does.
"""

from __future__ import annotations

import functools
import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.policy.findings import Severity
from ansible_collections.hardened.mail.plugins.module_utils.policy.floor import below
from ansible_collections.hardened.mail.plugins.module_utils.policy.postfix_fix import set_parameter
from ansible_collections.hardened.mail.plugins.module_utils.policy.profiles import (
    ChoiceError,
    Host,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.resolve import floors
from ansible_collections.hardened.mail.plugins.module_utils.policy.rule import Hit, Rule
from ansible_collections.hardened.mail.plugins.module_utils.policy.servers import logins, public
from ansible_collections.hardened.mail.plugins.module_utils.policy.settings import (
    BY_NAME,
    SETTINGS,
    Setting,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.tls_in_force import offering
from ansible_collections.hardened.mail.plugins.module_utils.policy.view import Endpoint, View
from ansible_collections.hardened.mail.plugins.module_utils.postfix.values import masked
from ansible_collections.hardened.mail.plugins.module_utils.postfix.version import TlsLibrary

_Hits = t.Iterator[Hit]
_Floors = t.Mapping[str, t.Optional[str]]

_JUDGED: t.Final = tuple(one for one in SETTINGS if one.judge)
#: What decides whether mail can be read or forged on the way; the rest is hygiene.
_GRAVE: t.Final = frozenset({"server_level", "client_level", "protocols", "newline"})
#: The beginnings of the names that a daemon reads.
_READS: t.Final[t.Mapping[str, tuple[str, ...]]] = {
    "smtpd": ("smtpd_", "tls_", "disable_vrfy_command"),
    "postscreen": ("postscreen_",),
    "tlsproxy": ("tlsproxy_", "tls_"),
    "smtp": ("smtp_", "tls_"),
    "lmtp": ("lmtp_", "tls_"),
}
#: What counts only where clear text is allowed.
_OPPORTUNISTIC: t.Final = frozenset(
    {"smtpd_tls_auth_only", "smtpd_tls_ciphers", "smtpd_tls_protocols"}
)
_WORLD: t.Final = frozenset({"smtp", "relay"})


def _host(view: View) -> Host:
    return Host(
        postfix=view.version,
        tls_library=view.tls_library or TlsLibrary("", ()),
        map_types=view.map_types,
        compatibility_level=view.value("compatibility_level"),
        config_directory=view.config_directory,
        known_parameters=t.cast("frozenset[str]", view.raw.keys()),
    )


def _floors(view: View, host: Host) -> _Floors:
    """Return the value that the role would give to each parameter that it decides about."""
    current = {name: view.value(name) for name in view.explicit}
    try:
        return floors(host, choices=view.choices, current=current)
    except ChoiceError:
        return {}


def _why(
    setting: Setting, value: t.Optional[str], *, companion: str, known: _Floors, host: Host
) -> tuple[t.Optional[str], t.Optional[str]]:
    """Return why *value* is below the floor, None when it is not, and the floor."""
    judged = setting.like or setting.parameter
    if judged not in known or (setting.like and not value):
        return None, None
    if companion:
        # Postfix adds the exclusions of the other list.
        value = f"{value or ''} {companion}"
    return _below_floor(judged, value, known[judged], host), known[judged]


@functools.lru_cache(maxsize=4096)
def _below_floor(
    parameter: str, value: t.Optional[str], floor: t.Optional[str], host: Host
) -> t.Optional[str]:
    return below(BY_NAME[parameter].judge, value=value, floor=floor, parameter=parameter, host=host)


def _companion(setting: Setting) -> str:
    name = setting.parameter
    return name.replace("_mandatory", "") if name.endswith("_mandatory_exclude_ciphers") else ""


def _hit(
    setting: Setting,
    value: t.Optional[str],
    why: str,
    *,
    floor: t.Optional[str],
    service: str = "",
    severity: t.Optional[Severity] = None,
) -> Hit:
    name = setting.parameter
    return Hit(
        service or "main.cf",
        name,
        observed="not set" if value is None else masked(name, value),
        expected="not set" if floor is None else floor,
        message=f"{name}: {why}; the profile promises more. {setting.reason}",
        fix=set_parameter(name, floor, service=service),
        severity=severity,
    )


def _idle(view: View) -> tuple[str, ...]:
    """Return the beginnings of the names that no service in force reads now."""
    idle = []
    servers = offering(view)
    if not any(one.mandatory for one in servers):
        idle.append("smtpd_tls_mandatory_")
    if all(one.mandatory for one in servers):
        # Nobody offers TLS without demanding it; the exclusions hold for both.
        idle += sorted(_OPPORTUNISTIC)
    if not servers:
        idle.append("smtpd_tls_exclude_ciphers")
    if not public(view):
        idle += ["smtpd_", "disable_vrfy_command"]
    elif not logins(view):
        idle.append("smtpd_tls_auth_only")
    for client in ("smtp", "lmtp"):
        services = view.having(daemon=(client,))
        levels = {one.value(f"{client}_tls_security_level").strip() for one in services}
        if any(one.value(f"{client}_tls_policy_maps") for one in services):
            continue
        if levels <= {"", "none"}:
            idle.append(f"{client}_tls_")
        elif levels <= {"", "none", "may"}:
            idle.append(f"{client}_tls_mandatory_")
    return tuple(idle)


def _switched_on(view: View, setting: Setting, value: t.Optional[str]) -> bool:
    """Tell whether an old switch takes the place of a level; another rule tells of the switch."""
    if setting.judge not in ("server_level", "client_level") or (value or "").strip():
        return False
    prefix = setting.parameter.partition("_")[0]
    return any(
        view.value(f"{prefix}_{switch}").strip().lower() == "yes"
        for switch in ("use_tls", "enforce_tls")
    )


def _main(view: View, host: Host, known: _Floors) -> _Hits:
    idle = _idle(view)
    for setting in _JUDGED:
        name = setting.parameter
        value = view.value(name) if name in view.explicit else None
        other = _companion(setting)
        why, floor = _why(
            setting,
            value,
            companion=view.value(other) if other else "",
            known=known,
            host=host,
        )
        if why and name.startswith(idle) and not name.endswith("_security_level"):
            why = f"{why}, which counts as soon as a service reads it"
            yield _hit(setting, value, why, floor=floor, severity="info")
        elif why and not _switched_on(view, setting, value):
            grave = setting.judge in _GRAVE
            yield _hit(setting, value, why, floor=floor, severity="medium" if grave else None)


def _unread(one: Endpoint) -> frozenset[str]:
    """Return the parameters that have no effect in a service that demands TLS."""
    if one.daemon != "smtpd":
        return frozenset()
    if one.is_yes("smtpd_tls_wrappermode"):
        return _OPPORTUNISTIC | {"smtpd_tls_security_level"}
    level = one.value("smtpd_tls_security_level").strip().lower()
    return _OPPORTUNISTIC if level == "encrypt" else frozenset()


def _overrides(view: View, host: Host, known: _Floors) -> _Hits:
    for one in view.endpoints:
        if one.purpose == "internal":
            continue
        for name in one.service.overrides:
            setting = BY_NAME.get(name)
            if setting is None or not setting.judge or not name.startswith(_READS[one.daemon]):
                continue
            if name in _unread(one):
                continue
            other = _companion(setting)
            value = one.value(name)
            why, floor = _why(
                setting,
                value,
                companion=one.value(other) if other else "",
                known=known,
                host=host,
            )
            if why:
                yield _hit(
                    setting,
                    value,
                    why,
                    floor=floor,
                    service=one.subject,
                    severity=_grave(one, setting),
                )


def _grave(one: Endpoint, setting: Setting) -> t.Optional[Severity]:
    """Return how bad it is in one service: less where only logged-in users or the site's own hosts come."""
    if setting.area == "hygiene" and one.purpose in ("submission", "submissions"):
        return "info"
    if one.purpose == "outbound" and one.service.name not in _WORLD:
        return "info"
    return "medium" if setting.judge in _GRAVE else None


def _below(view: View) -> _Hits:
    host = _host(view)
    known = _floors(view, host)
    if known:
        # What the parameters are counts no more, and a host without them is the same for many.
        host = host._replace(known_parameters=None)
        yield from _main(view, host, known)
        yield from _overrides(view, host, known)


RULES: t.Final[tuple[Rule[View], ...]] = (
    Rule(
        "below-the-profile",
        "levels",
        "low",
        "A setting is weaker than the profile promises",
        "The host looks hardened and is not as safe as the profile says.",
        "docs/settings.md, the table of settings",
        _below,
        needs=("main", "master", "tls_library", "map_types"),
        yields=True,
        example="smtpd_tls_mandatory_ciphers = medium",
    ),
)

__all__ = ("RULES",)
