# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says in words what the policy decided for a host."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from ansible_collections.hardened.mail.plugins.module_utils.policy.resolve import Decision
    from ansible_collections.hardened.mail.plugins.module_utils.policy.submission import (
        ServiceDecision,
    )


def explain(
    decisions: t.Iterable[Decision],
    *,
    overrides: t.Mapping[str, t.Optional[str]],
    current: t.Mapping[str, str],
) -> list[dict[str, t.Any]]:
    """Return one plain dictionary per decision, in the same order.

    Keys: ``parameter``, ``value`` (what will be in main.cf; None when removed), ``current``, ``reason``,
    ``source``, ``ran``, ``cost`` and ``overridden_by`` (``site`` when an override wins, else None).
    """
    rows = []
    for one in decisions:
        overridden = one.parameter in overrides
        rows.append(
            {
                "parameter": one.parameter,
                "value": overrides[one.parameter] if overridden else one.value,
                "current": current.get(one.parameter),
                "reason": one.reason,
                "source": one.source,
                "ran": one.ran,
                "cost": one.cost,
                "overridden_by": "site" if overridden else None,
            }
        )
    return rows


def explain_services(
    decisions: t.Iterable[ServiceDecision],
    *,
    overrides: t.Mapping[str, t.Optional[str]],
    current: t.Mapping[str, t.Mapping[str, str]],
) -> list[dict[str, t.Any]]:
    """Return one plain dictionary per decision about a service, as ``explain`` does.

    ``place`` is the service; ``current`` maps a service to its ``-o``.
    """
    rows = []
    for one in decisions:
        overridden = one.parameter in overrides
        rows.append(
            {
                "place": one.place,
                "parameter": one.parameter,
                "value": overrides[one.parameter] if overridden else one.value,
                "current": current.get(one.place, {}).get(one.parameter),
                "reason": one.reason,
                "source": one.source,
                "ran": one.ran,
                "cost": one.cost,
                "overridden_by": "site" if overridden or one.by_site else None,
            }
        )
    return rows


__all__ = ("explain", "explain_services")
