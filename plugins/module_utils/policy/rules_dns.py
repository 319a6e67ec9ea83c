# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of everything that is looked for in the DNS of a mail domain (pure)."""

from __future__ import annotations

import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.policy import (
    rules_dns_hosts,
    rules_dns_senders,
    rules_dns_transport,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.dns_view import DnsView
from ansible_collections.hardened.mail.plugins.module_utils.policy.findings import Verdict
from ansible_collections.hardened.mail.plugins.module_utils.policy.rule import Rule, judge

RULES: t.Final[tuple[Rule[DnsView], ...]] = (
    *rules_dns_hosts.RULES,
    *rules_dns_senders.RULES,
    *rules_dns_transport.RULES,
)


def judge_domain(view: DnsView) -> Verdict:
    """Return what is wrong with a mail domain. A question without an answer leaves its rules incomplete."""
    return judge(view, RULES)


__all__ = ("RULES", "judge_domain")
