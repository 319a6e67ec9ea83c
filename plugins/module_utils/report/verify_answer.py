# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of a verification, from what the playbook registered (pure)."""

from __future__ import annotations

import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.policy import (
    rules_conduct,
    rules_wire,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.findings import SEVERITIES
from ansible_collections.hardened.mail.plugins.module_utils.policy.profiles import PROFILES
from ansible_collections.hardened.mail.plugins.module_utils.policy.validation import RequestError
from ansible_collections.hardened.mail.plugins.module_utils.report import verify_texts
from ansible_collections.hardened.mail.plugins.module_utils.report.assemble import waivers_of
from ansible_collections.hardened.mail.plugins.module_utils.report.model import (
    NEVER,
    parse_moment,
)
from ansible_collections.hardened.mail.plugins.module_utils.report.registered import registered
from ansible_collections.hardened.mail.plugins.module_utils.report.verified import (
    Host,
    Request,
    Verification,
    host_of,
)

_KNOWN: t.Final = frozenset(one.id for one in (*rules_wire.RULES, *rules_conduct.RULES))
_SEEN: t.Final = {
    "tls": "verify_tls_seen",
    "conduct": "verify_conduct_seen",
    "trip": "verify_trip_seen",
}


class Refused(Exception):
    """The report cannot be made of what was given; the message says why."""


def verify_answer(
    hosts: t.Any,
    hostvars: t.Any,
    *,
    now: str,
    profile: str = "intermediate",
    fail_on: str = "low",
    fail_on_untested: bool = True,
    intrusive: bool = False,
    expected: bool = False,
    rules_disabled: t.Sequence[str] = (),
) -> dict[str, t.Any]:
    """Return what was verified; the options are those of the filter ``verify_report``. Raises Refused."""
    for option, value, choices in (
        ("profile", profile, tuple(PROFILES)),
        ("fail_on", fail_on, (*SEVERITIES, NEVER)),
        *(("rules_disabled", one, tuple(sorted(_KNOWN))) for one in rules_disabled),
    ):
        if value not in choices:
            raise Refused(
                f"hardened.mail.verify_report: {option} is {value!r}: expected one of {', '.join(choices)}"
            )
    options: dict[str, t.Any] = {
        "now": parse_moment(now),
        "profile": profile,
        "fail_on": fail_on,
        "fail_on_untested": bool(fail_on_untested),
        "intrusive": bool(intrusive),
        "expected": bool(expected),
        "disabled": frozenset(rules_disabled),
    }
    done = Verification(Request(**options), tuple(_host(hostvars, one, options) for one in hosts))
    return {
        "passed": done.passed,
        "failures": list(done.failures()),
        "lines": verify_texts.lines(done),
        "json": verify_texts.as_json(done),
        "junit": verify_texts.as_junit(done),
    }


def _host(hostvars: t.Any, name: t.Any, options: dict[str, t.Any]) -> Host:
    """Return what was verified of a host."""
    known = registered(hostvars, name)
    # These are the site's own and may be templates.
    waivers = hostvars[name].get("verify_waivers") if "verify_waivers" in known else ()
    try:
        request = Request(**options, waivers=waivers_of(waivers or (), known=_KNOWN))
    except RequestError as error:
        raise Refused(f"verify_waivers of {name}: {error}") from error
    return host_of(str(name), {key: known.get(one) for key, one in _SEEN.items()}, request)


__all__ = ("Refused", "verify_answer")
