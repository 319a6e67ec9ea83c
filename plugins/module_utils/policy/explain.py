# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says in words what the policy decided for a host."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from ansible_collections.hardened.mail.plugins.module_utils.policy.resolve import Decision


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


__all__ = ("explain",)
