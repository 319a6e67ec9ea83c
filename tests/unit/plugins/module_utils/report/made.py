# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports for the tests of this folder, of the made-up fleet."""

from __future__ import annotations

import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.report.assemble import Request, assemble
from ansible_collections.hardened.mail.plugins.module_utils.report.model import Host, Report
from ansible_collections.hardened.mail.tests.report import fleet

Look = dict[str, t.Any]
KINDS = {kind[0]: kind for kind in fleet.KINDS}


def found(rule: str, /, **changes: t.Any) -> dict[str, t.Any]:
    """Return a finding of a rule of the made-up fleet."""
    return fleet.finding(KINDS[rule], **changes)


def postfix(*findings: dict[str, t.Any], **changes: t.Any) -> Look:
    """Return what was seen of a host with these findings of Postfix."""
    return {"postfix": {"results": [fleet.postfix(findings, **changes)]}}


def report(
    looks: t.Mapping[str, Look],
    *,
    domains: t.Optional[t.Mapping[str, t.Any]] = None,
    earlier: t.Any = None,
    judge: t.Any = None,
    **options: t.Any,
) -> Report:
    """Return the report."""
    request = Request(fleet.NOW, t.cast("t.Any", fleet.RULE_IDS), **options)
    return assemble(
        looks,
        request,
        judge_port=judge or fleet.judge_port,
        domains=domains or {},
        earlier=earlier,
    )


def host(look: Look, **options: t.Any) -> Host:
    """Return the one host of a report."""
    (only,) = report({"mx.example": look}, **options).hosts
    return only
