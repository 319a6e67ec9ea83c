# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of everything that the validator looks for (pure data)."""

from __future__ import annotations

import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.policy import (
    rules_certificates,
    rules_configuration,
    rules_files,
    rules_floor,
    rules_logging,
    rules_login,
    rules_outbound,
    rules_relay,
    rules_smtp,
    rules_tls,
    rules_versions,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.rule import Rule
from ansible_collections.hardened.mail.plugins.module_utils.policy.view import View

RULES: t.Final[tuple[Rule[View], ...]] = (
    *rules_certificates.RULES,
    *rules_files.RULES,
    *rules_tls.RULES,
    *rules_outbound.RULES,
    *rules_login.RULES,
    *rules_relay.RULES,
    *rules_smtp.RULES,
    *rules_configuration.RULES,
    *rules_versions.RULES,
    *rules_logging.RULES,
    *rules_floor.RULES,
)

__all__ = ("RULES",)
