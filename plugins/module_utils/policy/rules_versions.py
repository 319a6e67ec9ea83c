# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about versions, and about what Postfix is giving up (pure)."""

from __future__ import annotations

import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.policy.findings import Fix
from ansible_collections.hardened.mail.plugins.module_utils.policy.obsolete import (
    OBSOLETE,
    Obsolete,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.postfix_fix import set_parameter
from ansible_collections.hardened.mail.plugins.module_utils.policy.rule import Hit, Rule
from ansible_collections.hardened.mail.plugins.module_utils.policy.view import View
from ansible_collections.hardened.mail.plugins.module_utils.postfix.patterns import later
from ansible_collections.hardened.mail.plugins.module_utils.postfix.values import masked

_Hits = t.Iterator[Hit]
_Found = tuple[str, str, str, Obsolete]

#: The newest patch levels, and since when they are; a newer branch or patch level is never behind.
_AS_OF: t.Final = "2026-09-07"
_NEWEST: t.Final[t.Mapping[tuple[int, int], int]] = {
    (3, 4): 29,
    (3, 5): 27,
    (3, 6): 20,
    (3, 7): 22,
    (3, 8): 20,
    (3, 9): 14,
    (3, 10): 13,
    (3, 11): 7,
}
#: Postfix maintains its newest branch and the three before it.
_OLDEST_BRANCH: t.Final = (3, 8)
#: The end of support of the branches of OpenSSL by its own developers.
_OPENSSL_ENDS: t.Final[t.Mapping[tuple[int, ...], str]] = {
    (1, 0): "2019-12-31",
    (1, 1): "2023-09-11",
    (3, 0): "2026-09-07",
    (3, 1): "2025-03-14",
    (3, 2): "2025-11-23",
    (3, 3): "2026-04-09",
    (3, 4): "2026-10-22",
}
_LEVEL: t.Final = later(r"\s*[0-9]+(?:\.[0-9]+){0,2}\s*")
#: What no setting can mend, only an update of packages.
UNFIXABLE: t.Final = frozenset(
    {"postfix-patch-level", "postfix-branch-ended", "tls-library-branch-ended"}
)


def _set(view: View) -> t.Iterator[_Found]:
    """Yield subject, name, value and entry of each obsolete parameter that is set."""
    for name, value in view.explicit.items():
        entry = OBSOLETE.get(name)
        if entry:
            yield "main.cf", name, value, entry
    for service in view.in_force:
        for name, value in service.overrides.items():
            entry = OBSOLETE.get(name)
            if entry:
                yield service.id, name, value, entry


def _hit(one: _Found, message: str, *, expected: str = "") -> Hit:
    subject, name, value, entry = one
    instead = expected or (f"{entry.instead} instead" if entry.instead else "not set")
    return Hit(
        subject,
        name,
        observed=masked(name, value),
        expected=instead,
        message=message,
        fix=set_parameter(name, None, service="" if subject == "main.cf" else subject),
    )


def _beaten(view: View, one: _Found) -> bool:
    """Return whether a rule of its own tells that a level overrules the switch."""
    subject, name, _value, entry = one
    if entry.kind != "switch" or not name.endswith(("use_tls", "enforce_tls")):
        return False
    if not name.startswith(("smtpd_", "smtp_", "lmtp_")):
        return False
    service = next((each for each in view.in_force if each.id == subject), None)
    overrides = service.overrides if service else {}
    return bool(view.expanded(entry.instead, overrides=overrides).strip())


def _switches(view: View) -> _Hits:
    for one in _set(view):
        _subject, name, _value, entry = one
        if entry.kind == "switch" and not _beaten(view, one):
            yield _hit(
                one,
                f"{entry.instead} replaced {name} in Postfix 2.3, and Postfix will drop the old switch.",
            )


def _tables(view: View) -> _Hits:
    for one in _set(view):
        if one[3].kind == "table" and one[2]:
            yield _hit(
                one,
                f"{one[3].instead} replaced {one[1]} in Postfix 2.3 with another format; Postfix will "
                "drop the old table.",
            )


def _gone(view: View, entry: Obsolete) -> bool:
    return bool(entry.removed) and view.version.has(entry.removed)


def _going(view: View) -> _Hits:
    for one in _set(view):
        _subject, name, _value, entry = one
        if entry.kind == "other" and entry.warned and not _gone(view, entry):
            when = f"postconf has warned of {name} since Postfix {entry.warned}"
            yield _hit(one, f"{when}; a later release will not have it any more.")


def _removed(view: View) -> _Hits:
    # postconf does not list a parameter that it does not know, it warns of it.
    for name, entry in OBSOLETE.items():
        if not _gone(view, entry):
            continue
        marks = (f"unused parameter: {name}=", f"support for parameter {name} has been removed")
        said = [one for one in view.warnings if any(mark in one for mark in marks)]
        for subject in _subjects(view, name) if said else ():
            yield _hit(
                (subject, name, "", entry),
                f"Postfix {entry.removed} dropped {name}; what it was to do is not done.",
            )


def _subjects(view: View, name: str) -> list[str]:
    services = [service.id for service in view.in_force if name in service.overrides]
    return services or ["main.cf"]


def _behind(view: View) -> _Hits:
    wanted = (3, 6) if view.version.has("3.6") else (2,)
    text = view.value("compatibility_level")
    if view.compatibility_level >= wanted or not _LEVEL.fullmatch(text):
        return
    shown = ".".join(str(one) for one in wanted)
    yield Hit(
        "main.cf",
        "compatibility_level",
        observed=text if "compatibility_level" in view.explicit else f"{text} (the default)",
        expected=shown,
        message=f"Postfix keeps defaults of old releases, among them weaker ones than those of {shown}.",
        fix=set_parameter("compatibility_level", shown),
        severity=None if view.compatibility_level < (2,) else "low",
    )


def _no_level(view: View) -> _Hits:
    text = view.value("compatibility_level")
    if not _LEVEL.fullmatch(text):
        yield Hit(
            "main.cf",
            "compatibility_level",
            observed=text,
            expected="3.6" if view.version.has("3.6") else "2",
            message=f"{text!r} is no compatibility level; each program of Postfix dies of it.",
            fix=set_parameter("compatibility_level", "3.6" if view.version.has("3.6") else "2"),
        )


def _update(observed: str, expected: str, message: str, package: str) -> Hit:
    return Hit(
        "package",
        "",
        observed=observed,
        expected=expected,
        message=message,
        fix=Fix("", f"update the package {package}, or the distribution"),
    )


def _patches(view: View) -> _Hits:
    branch = (view.version.major, view.version.minor)
    newest = _NEWEST.get(branch)
    if newest is not None and view.version.patch < newest:
        right = f"{branch[0]}.{branch[1]}.{newest}"
        yield _update(
            f"Postfix {view.version}",
            f"Postfix {right}",
            f"Postfix {right} closes holes that {view.version} has (as of {_AS_OF}), unless the "
            "distribution brought the corrections into its own package.",
            "postfix",
        )


def _branch(view: View) -> _Hits:
    branch = (view.version.major, view.version.minor)
    if branch < _OLDEST_BRANCH:
        yield _update(
            f"Postfix {view.version}",
            f"Postfix {_OLDEST_BRANCH[0]}.{_OLDEST_BRANCH[1]} or later",
            f"The developers of Postfix no longer maintain {branch[0]}.{branch[1]} (as of {_AS_OF}); "
            "new holes are closed by the distribution or not at all.",
            "postfix",
        )


def _library(view: View) -> _Hits:
    library = view.tls_library
    if library is None or not library.is_openssl():
        return
    ended = _OPENSSL_ENDS.get(library.version[:2])
    if ended:
        yield _update(
            str(library),
            "OpenSSL 3.5 or later",
            f"The developers of OpenSSL ended this branch on {ended}; new holes are closed by the "
            "distribution or not at all.",
            "openssl",
        )


_AREA: t.Final = "versions"
_DEPRECATION: t.Final = "DEPRECATION_README"
RULES: t.Final[tuple[Rule[View], ...]] = (
    Rule(
        "switch-obsolete",
        _AREA,
        "low",
        "A switch for TLS that security levels replaced",
        "After an update Postfix ignores it, and TLS is off.",
        _DEPRECATION,
        _switches,
        example="smtpd_use_tls = yes",
    ),
    Rule(
        "policy-table-obsolete",
        _AREA,
        "low",
        "A per-destination table of the old kind",
        "After an update Postfix ignores it, and the destinations lose their protection.",
        _DEPRECATION,
        _tables,
        example="smtp_tls_per_site = hash:/etc/postfix/tls_per_site",
    ),
    Rule(
        "parameter-going-away",
        _AREA,
        "info",
        "A parameter that Postfix is giving up",
        "After an update it will have no effect.",
        _DEPRECATION,
        _going,
        yields=True,
        example="virtual_maps = hash:/etc/postfix/virtual",
    ),
    Rule(
        "parameter-removed",
        _AREA,
        "medium",
        "A parameter that Postfix no longer has",
        "It has no effect, and what it was to do is not done.",
        f"{_DEPRECATION}; RELEASE_NOTES",
        _removed,
        needs=("main", "master", "warnings"),
        example="smtpd_tls_cipherlist = HIGH",
    ),
    Rule(
        "compatibility-level-behind",
        _AREA,
        "medium",
        "Defaults of an old release are kept",
        "Safer defaults of this Postfix are not used, and the log is full of reminders.",
        "COMPATIBILITY_README",
        _behind,
        example="compatibility_level = 0",
    ),
    Rule(
        "compatibility-level-invalid",
        _AREA,
        "high",
        "A compatibility level that is none",
        "No program of Postfix starts.",
        "postconf(5) compatibility_level",
        _no_level,
        dies=True,
        example="compatibility_level = latest",
    ),
    Rule(
        "postfix-patch-level",
        _AREA,
        "low",
        "Postfix lacks corrections of its branch",
        "Holes that are known to everybody may still be open on this host.",
        "postfix.org, announcements and HISTORY",
        _patches,
    ),
    Rule(
        "postfix-branch-ended",
        _AREA,
        "low",
        "A branch of Postfix that is not maintained any more",
        "Its developers close no more holes in it.",
        "postfix.org, Postfix stable release archive",
        _branch,
    ),
    Rule(
        "tls-library-branch-ended",
        _AREA,
        "info",
        "A branch of OpenSSL that its developers have ended",
        "Only the distribution still closes holes in it.",
        "openssl-library.org, release strategy",
        _library,
        needs=("main", "tls_library"),
    ),
)

__all__ = ("RULES", "UNFIXABLE")
