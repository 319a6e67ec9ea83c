# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The records of a whole site, and why they must not be published (pure)."""

from __future__ import annotations

import itertools
import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.policy.findings import SEVERITIES
from ansible_collections.hardened.mail.plugins.module_utils.policy.planned import (
    Chains,
    chains_of,
    planned_view,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.rules_dns import judge_domain
from ansible_collections.hardened.mail.plugins.module_utils.records.description import (
    Description,
    read_description,
    rrsets_of,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.host_claims import (
    contradictions,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.mta_sts import policy_text
from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import RecordError, RRset
from ansible_collections.hardened.mail.plugins.module_utils.records.site import put_together

NEVER: t.Final = "never"
_CERTIFICATE: t.Final = "-----BEGIN CERTIFICATE-----"


class Site(t.NamedTuple):
    """All record sets, and the reasons for which they must not be published, a sentence each."""

    records: tuple[RRset, ...]
    refused: tuple[str, ...]


def site_answer(said: t.Sequence[t.Mapping[str, t.Any]], *, ttl: t.Any, fail_on: str) -> Site:
    """Return the records of all hosts, judged; the options are those of the filter ``site_records``. Raises RecordError."""
    if fail_on not in (*SEVERITIES, NEVER):
        choices = ", ".join((*SEVERITIES, NEVER))
        raise RecordError(f"fail_on is {fail_on!r}: expected one of {choices}")
    together = put_together(said, ttl=ttl)
    description = read_description(together)
    records = rrsets_of(description)
    if fail_on == NEVER:
        return Site(records, ())
    served = chains_of(
        {one["name"]: texts for one in together["hosts"] if (texts := _certificates(one))}
    )
    return Site(
        records,
        (*_contradictions(said), *_findings(description, records, served, fail_on=fail_on)),
    )


def _contradictions(said: t.Iterable[t.Mapping[str, t.Any]]) -> t.Iterator[str]:
    for one in said:
        for host in one.get("hosts") or ():
            yield from contradictions(host, own=one.get("own_addresses"))


def _findings(
    description: Description, records: tuple[RRset, ...], served: Chains, *, fail_on: str
) -> t.Iterator[str]:
    counted = tuple(itertools.dropwhile(lambda one: one != fail_on, SEVERITIES))
    for domain in description.domains:
        policy = policy_text(domain.sts) if domain.sts else None
        view = planned_view(records, domain.name, sts_policy=policy, served=served)
        yield from (one.message for one in judge_domain(view).findings if one.severity in counted)


def _certificates(host: t.Mapping[str, t.Any]) -> list[str]:
    """Return what a host serves; nothing when a bare public key is among it, which has no names to compare."""
    texts = [str(one) for one in host.get("certificates") or ()]
    return texts if all(_CERTIFICATE in one for one in texts) else []


__all__ = ("NEVER", "Site", "site_answer")
