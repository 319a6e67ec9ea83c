# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""MTA-STS: the record, and the policy that a web server shows (RFC 8461; pure)."""

from __future__ import annotations

import hashlib
import re
import typing as t
from dataclasses import dataclass

from ansible_collections.hardened.mail.plugins.module_utils.records.numbers import number
from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import (
    DEFAULT_TTL,
    RecordError,
    RRset,
    host_of,
    make_rrset,
    name_of,
    quote_txt,
    shown,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.tags import read_tags

VERSION: t.Final = "STSv1"
MODES: t.Final = ("testing", "enforce", "none")
#: Two weeks: a policy must live through a weekend in which its web server is down.
DEFAULT_MAX_AGE: t.Final = 1209600
MOST_MAX_AGE: t.Final = 31557600
#: Where the policy is, below https://mta-sts.DOMAIN.
POLICY_PATH: t.Final = "/.well-known/mta-sts.txt"

_ID: t.Final = re.compile(r"[A-Za-z0-9]{1,32}")
_ID_LENGTH: t.Final = 20


@dataclass(frozen=True)
class StsPolicy:
    """A policy: ``mx`` are patterns, names of hosts without a dot at the end, or ``*.`` and a domain."""

    mode: str
    mx: tuple[str, ...]
    max_age: int = DEFAULT_MAX_AGE


def sts_name(domain: str) -> str:
    """Return the name of the record of a domain. Raises RecordError."""
    return name_of("_mta-sts", below=domain)


def policy_host(domain: str) -> str:
    """Return the name of the web server that shows the policy. Raises RecordError."""
    return name_of("mta-sts", below=domain)


def policy_text(policy: StsPolicy) -> str:
    """Return the policy as it is shown, its lines ended as RFC 8461 section 3.2 has them. Raises RecordError."""
    if policy.mode not in MODES:
        raise RecordError(
            f"the mode of the MTA-STS policy is {policy.mode!r}: expected one of {', '.join(MODES)}"
        )
    age = number(policy.max_age, what="max_age of the MTA-STS policy", most=MOST_MAX_AGE)
    if policy.mode != "none" and not policy.mx:
        raise RecordError("the MTA-STS policy has no mx: expected one for each MX host")
    patterns = [_pattern(one) for one in policy.mx]
    lines = [f"version: {VERSION}", f"mode: {policy.mode}"]
    lines += [f"mx: {one}" for one in dict.fromkeys(patterns)]
    lines.append(f"max_age: {age}")
    return "".join(f"{line}\r\n" for line in lines)


def policy_id(policy: StsPolicy) -> str:
    """Return an id that is another one whenever the policy is. Raises RecordError."""
    return hashlib.sha256(policy_text(policy).encode("ascii")).hexdigest()[:_ID_LENGTH]


def build_sts(identifier: str) -> str:
    """Return the text of the record. Raises RecordError."""
    if not _ID.fullmatch(identifier):
        raise RecordError(
            f"the id of the MTA-STS record is {identifier!r}: expected 1 to 32 letters and digits"
        )
    return f"v={VERSION}; id={identifier};"


def sts_rrset(domain: str, policy: StsPolicy, *, ttl: int = DEFAULT_TTL) -> RRset:
    """Return the set of a domain with this policy. Raises RecordError."""
    text = build_sts(policy_id(policy))
    return make_rrset(sts_name(domain), "TXT", [quote_txt(text)], ttl=ttl)


def parse_sts(text: str) -> str:
    """Return the id of a record. Raises RecordError."""
    tags = read_tags(text, what="MTA-STS")
    if not tags or tags[0] != ("v", VERSION):
        raise RecordError(f"MTA-STS: the record begins {text[:20]!r}: expected v={VERSION};")
    identifier = dict(tags).get("id", "")
    build_sts(identifier)
    return identifier


def parse_policy(text: str) -> StsPolicy:
    """Return what a policy says. Raises RecordError."""
    fields: dict[str, list[str]] = {}
    for number_, line in enumerate(text.replace("\r\n", "\n").rstrip("\n").split("\n"), 1):
        key, colon, value = (part.strip() for part in line.partition(":"))
        if not colon or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}", key):
            raise RecordError(
                f"MTA-STS policy, line {number_}: found {line!r}: expected key: value"
            )
        fields.setdefault(key, []).append(value)
    version = fields.get("version", [""])[0]
    if version != VERSION:
        raise RecordError(f"MTA-STS policy: version is {version!r}: expected {VERSION}")
    if "max_age" not in fields:
        raise RecordError("MTA-STS policy: there is no max_age: expected max_age: 1209600")
    # RFC 8461 section 3.2: of a key that is there twice the first one counts, but for mx.
    policy = StsPolicy(
        fields.get("mode", [""])[0],
        tuple(_pattern(one) for one in fields.get("mx", ())),
        number(fields["max_age"][0], what="max_age of the MTA-STS policy", most=MOST_MAX_AGE),
    )
    policy_text(policy)
    return policy


def covers(policy: StsPolicy, host: str) -> bool:
    """Return whether a policy lets mail go to this host; a wildcard stands for one label."""
    name = shown(name_of(host))
    rest = name.partition(".")[2]
    return any(one in (name, f"*.{rest}") for one in policy.mx)


def _pattern(text: str) -> str:
    wildcard = text.startswith("*.")
    return ("*." if wildcard else "") + shown(host_of(text[2:] if wildcard else text))


__all__ = (
    "DEFAULT_MAX_AGE",
    "MODES",
    "MOST_MAX_AGE",
    "POLICY_PATH",
    "VERSION",
    "StsPolicy",
    "build_sts",
    "covers",
    "parse_policy",
    "parse_sts",
    "policy_host",
    "policy_id",
    "policy_text",
    "sts_name",
    "sts_rrset",
)
