# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ``mail_dns_info`` saw of a domain, as the columns of a table (pure).

All of it came from name servers of others and is not trusted: what is not of the expected shape is left out.
"""

from __future__ import annotations

import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.records.dmarc import parse_dmarc
from ansible_collections.hardened.mail.plugins.module_utils.records.mta_sts import parse_policy
from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import RecordError
from ansible_collections.hardened.mail.plugins.module_utils.records.spf import parse_spf
from ansible_collections.hardened.mail.plugins.module_utils.report.model import RecordSeen
from ansible_collections.hardened.mail.plugins.module_utils.report.texts import clean, shortened

Json = t.Mapping[str, t.Any]
NONE: t.Final = "none"
_UNKNOWN: t.Final = "?"
_DAMAGED: t.Final = "damaged"
_LONGEST: t.Final = 500


def records_of(facts: t.Any) -> tuple[RecordSeen, ...]:
    """Return what the world sees of a domain, always under the same names in the same order.

    A cell is ``none`` where there is no record, ``?`` where nobody answered, ``damaged`` where a record says nothing.
    """
    look = _json(facts)
    exchangers = [_json(one) for one in _items(_json(look.get("mx")).get("hosts"))]
    return (
        RecordSeen("DNSSEC", _text(look.get("dnssec")) or _UNKNOWN),
        _mail_exchangers(_json(look.get("mx")), exchangers),
        _dane(exchangers),
        _spf(_json(look.get("spf"))),
        _dkim(_json(look.get("dkim"))),
        _of_record("DMARC", _json(look.get("dmarc")), lambda text: f"p={parse_dmarc(text).p}"),
        _mta_sts(_json(look.get("mta_sts"))),
        _of_record("TLS-RPT", _json(look.get("tls_rpt")), lambda _text: "yes"),
    )


def _mail_exchangers(seen: Json, exchangers: t.Sequence[Json]) -> RecordSeen:
    texts = _texts(seen.get("data"))
    if not texts:
        return RecordSeen("MX", _UNKNOWN if seen.get("failed") else NONE)
    if not exchangers:
        return RecordSeen("MX", "takes no mail", texts)
    return RecordSeen("MX", str(len(exchangers)), texts)


def _dane(exchangers: t.Sequence[Json]) -> RecordSeen:
    """Return how many of the mail exchangers have TLSA records that DNSSEC secures (RFC 7672 section 2.2)."""
    seen = {_text(one.get("host")): _json(one.get("tlsa")) for one in exchangers}
    records = {host: _texts(one.get("data")) for host, one in seen.items()}
    texts = tuple(f"{host}: {text}" for host, found in records.items() for text in found)
    if not texts:
        lost = any(one.get("failed") for one in seen.values())
        return RecordSeen("DANE", _UNKNOWN if lost else NONE)
    good = sum(bool(records[host]) and one.get("dnssec") == "secure" for host, one in seen.items())
    return RecordSeen("DANE", f"{good} of {len(seen)} MX", texts)


def _dkim(seen: Json) -> RecordSeen:
    if not seen:
        return RecordSeen("DKIM", "not asked")
    texts, found = [], 0
    for selector, one in seen.items():
        keys = _texts(_json(one).get("data"))
        found += bool(keys)
        texts += [f"{_text(selector)}: {key}" for key in keys]
    return RecordSeen("DKIM", f"{found} of {len(seen)}", tuple(texts))


def _mta_sts(seen: Json) -> RecordSeen:
    policy = seen.get("policy")
    made = _of_record("MTA-STS", seen, lambda _text: _policy_mode(policy))
    lines = [_text(line) for line in policy.splitlines()] if isinstance(policy, str) else []
    return RecordSeen(made.name, made.short, (*made.texts, *filter(None, lines)))


def _policy_mode(policy: t.Any) -> str:
    if not isinstance(policy, str):
        return "no policy"
    mode = parse_policy(policy).mode
    return "switched off" if mode == "none" else mode


def _of_record(name: str, seen: Json, short: t.Callable[[str], str]) -> RecordSeen:
    return _of_text(name, _texts(seen.get("data")), seen.get("failed"), short)


def _of_text(
    name: str, texts: tuple[str, ...], failed: t.Any, short: t.Callable[[str], str]
) -> RecordSeen:
    if not texts:
        return RecordSeen(name, _UNKNOWN if failed else NONE)
    if len(texts) > 1:
        return RecordSeen(name, f"{len(texts)} records", texts)
    try:
        return RecordSeen(name, short(texts[0]), texts)
    except RecordError:
        return RecordSeen(name, _DAMAGED, texts)


def _spf(seen: Json) -> RecordSeen:
    return _of_text("SPF", _texts([seen.get("text")]), seen.get("unknown"), _spf_end)


def _spf_end(text: str) -> str:
    """Return what becomes of mail from everywhere else (RFC 7208 section 5.1)."""
    record = parse_spf(text)
    if record.default:
        return f"{record.default}all"
    return "redirect" if record.redirect else "no all"


def _json(value: t.Any) -> Json:
    return value if isinstance(value, t.Mapping) else {}


def _items(value: t.Any) -> t.Sequence[t.Any]:
    return value if isinstance(value, (list, tuple)) else ()


def _texts(value: t.Any) -> tuple[str, ...]:
    return tuple(_text(one) for one in _items(value) if isinstance(one, str) and one)


def _text(value: t.Any) -> str:
    return shortened(clean(value), _LONGEST) if isinstance(value, str) else ""


__all__ = ("NONE", "records_of")
