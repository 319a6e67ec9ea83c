# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Judge what a task of ``postconf_validate`` names: this host, a capture, or many (effects: reads; writes one file)."""

from __future__ import annotations

import datetime
import os
import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.policy import rules, validation
from ansible_collections.hardened.mail.plugins.module_utils.policy.profiles import Choices
from ansible_collections.hardened.mail.plugins.module_utils.postfix import capture, host_look

if t.TYPE_CHECKING:
    from ansible_collections.hardened.mail.plugins.module_utils.postfix.runner import Asked


class Refused(Exception):
    """The task cannot be done as it is written."""


class Outcome(t.NamedTuple):
    """The result of a task, what to warn of, and why the task fails; empty when it does not."""

    result: dict[str, t.Any]
    warnings: list[str]
    failure: str


def outcome(params: t.Mapping[str, t.Any], asking: t.Optional[Asked], *, write: bool) -> Outcome:
    """Return what comes of a task; *asking* is what postconf was asked about this host. Raises Refused."""
    try:
        request = _request(params)
    except validation.RequestError as error:
        raise Refused(str(error)) from error
    if params["captures"] is not None:
        result = _of_directory(params, request, write=write)
    elif params["capture"] is not None:
        result = _of_text(params["capture"], request)
    else:
        result = _of_host(asking, request, config_directory=params["config_directory"])
    return Outcome(
        {"changed": False, **result},
        validation.expired(request.waivers, today=request.today),
        _failure(result, fail_on=params["fail_on"]),
    )


def _request(params: t.Mapping[str, t.Any]) -> validation.Request:
    """Return what the task asks for. Raises RequestError."""
    ids = {one.id for one in rules.RULES}
    asked = {*params["rules_enabled"], *params["rules_disabled"]}
    asked.update(one["rule"] for one in params["waivers"])
    elsewhere = frozenset() if asked <= ids else _others()
    return validation.Request(
        rules=validation.selected(
            rules.RULES,
            enabled=params["rules_enabled"],
            disabled=params["rules_disabled"],
            elsewhere=elsewhere,
        ),
        today=datetime.datetime.now(datetime.timezone.utc).date(),
        choices=Choices(
            inbound_profile=params["profile"],
            outbound_profile=params["outbound_profile"],
            inbound_level=params["inbound_level"],
            outbound_level=params["outbound_level"],
        ),
        waivers=validation.waivers_of(params["waivers"], known=ids, elsewhere=elsewhere),
        fail_on=params["fail_on"],
    )


def _others() -> frozenset[str]:
    """Return the ids of rules about other things than Postfix: one list of waivers serves them all."""
    from ansible_collections.hardened.mail.plugins.module_utils.policy import (  # noqa: PLC0415 - rarely needed
        rules_dovecot,
        rules_wire,
    )

    return frozenset(one.id for one in rules_dovecot.RULES) | {one.id for one in rules_wire.RULES}


def _of_host(
    asking: t.Optional[Asked], request: validation.Request, *, config_directory: str
) -> dict[str, t.Any]:
    """Return the result of this host; without Postfix one in which nothing was judged."""
    if asking is None:
        return validation.unjudged(
            "postconf was not found on this host: Postfix is not installed",
            request,
            host=os.uname().nodename,
            instance=config_directory,
            installed=False,
        )
    return validation.result_of(asking.capture(), request, look=host_look.look)


def _of_text(text: str, request: validation.Request) -> dict[str, t.Any]:
    """Return the result of one capture."""
    try:
        found = capture.parse(text)
    except capture.CaptureError as error:
        return validation.unjudged(f"no capture: {error}", request, host="")
    return validation.result_of(found, request)


def _of_directory(
    params: t.Mapping[str, t.Any], request: validation.Request, *, write: bool
) -> dict[str, t.Any]:
    """Return the result of a directory of captures. Raises Refused."""
    from ansible_collections.hardened.mail.plugins.module_utils.postfix import (  # noqa: PLC0415 - rarely needed
        bulk,
    )

    try:
        found = bulk.judge_all(
            params["captures"], output=params["output"], request=request, write=write
        )
    except bulk.BulkProblem as error:
        raise Refused(str(error)) from error
    return {
        "changed": found.changed,
        "hosts": found.hosts,
        "hosts_passed": found.passed,
        "hosts_incomplete": found.incomplete,
        "not_passed": found.failed,
        "counts": found.counts,
        "passed": found.passed == found.hosts,
    }


def _failure(result: t.Mapping[str, t.Any], *, fail_on: str) -> str:
    """Return why a result makes the task fail, empty when it does not."""
    if result["passed"] or fail_on == validation.NEVER:
        return ""
    if "hosts" in result:
        return (
            f"{result['hosts'] - result['hosts_passed']} of {result['hosts']} captures did not pass, "
            f"the first is {result['not_passed'][0]}."
        )
    return validation.shortcomings(result, fail_on=fail_on)


__all__ = ("Outcome", "Refused", "outcome")
