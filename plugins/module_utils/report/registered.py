# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Ansible registered on a host (pure)."""

from __future__ import annotations

import typing as t

Json = t.Mapping[str, t.Any]


def registered(hostvars: t.Any, host: str) -> Json:
    """Return what was registered on a host, out of the variables of all hosts."""
    # Ansible's own object gives what was registered as it is; the usual way looks into every text for a template.
    known = getattr(hostvars, "raw_get", hostvars.__getitem__)(host)
    return known if isinstance(known, t.Mapping) else {}


__all__ = ("registered",)
