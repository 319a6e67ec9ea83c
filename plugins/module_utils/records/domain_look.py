# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the world sees of a mail domain, as plain data, from the answers of a resolver (pure)."""

from __future__ import annotations

import ipaddress
import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.policy.dns_view import (
    DnsView,
    ServedCertificate,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.rule import Unanswered
from ansible_collections.hardened.mail.plugins.module_utils.records.lookup import Answer, Lookup
from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import (
    RecordError,
    name_of,
    shown,
    unquote_txt,
)

State = t.Literal["secure", "insecure", "bogus", "unknown"]
SERVICES: t.Final = (
    *("_submissions", "_submission", "_imaps", "_imap"),
    *("_pop3s", "_pop3", "_sieve"),
)


def state_of(answer: Answer) -> State:
    """Return what DNSSEC says of an answer."""
    if answer.bogus:
        return "bogus"
    if not answer.known or answer.secure is None:
        return "unknown"
    return "secure" if answer.secure else "insecure"


def served_of(
    reports: t.Mapping[str, t.Any],
) -> dict[str, tuple[tuple[ServedCertificate, ...], ...]]:
    """Return the chains in results of starttls_info, by host. Raises RecordError.

    A host of which one of them is not known as a whole is left out: a part would be judged as if it were all.
    """
    found = {}
    for host, report in reports.items():
        try:
            chains = report["chains"]
            if "incomplete" in chains or any(map(_incomplete, chains.values())):
                continue
            found[name_of(str(host))] = tuple(
                tuple(
                    ServedCertificate(one["sha256"], one["spki_sha256"], tuple(one["names"]))
                    for one in chain
                )
                for chain in chains.values()
            )
        except (AttributeError, KeyError, TypeError):
            raise RecordError(
                f"served for {host} is no result of starttls_info with its chains"
            ) from None
    return found


def _incomplete(chain: t.Any) -> bool:
    """Return whether a chain, or a certificate in it, could not be had."""
    return "incomplete" in chain or any("incomplete" in one for one in chain)


def look(view: DnsView) -> dict[str, t.Any]:
    """Return the facts about a domain. What could not be had says so in ``failed``."""
    ask, domain = view.lookup, view.domain
    apex = ask(domain, "MX")
    facts: dict[str, t.Any] = {
        "domain": view.name,
        "dnssec": state_of(apex if apex.known or apex.bogus else ask(domain, "SOA")),
        "mx": _exchangers(view),
        "spf": view.spf.as_dict(),
        "dmarc": _dmarc(view),
        "dkim": {
            one: _texts(ask(name_of(f"{one}._domainkey", below=domain), "TXT"))
            for one in view.selectors
        },
        "mta_sts": {
            **_texts(ask(name_of("_mta-sts", below=domain), "TXT")),
            "policy": view.sts_policy,
            "policy_failure": view.sts_failure,
        },
        "tls_rpt": _texts(ask(name_of("_smtp._tls", below=domain), "TXT")),
        "caa": _plain(ask(domain, "CAA")),
        "srv": _services(view),
    }
    return facts


def _plain(answer: Answer) -> dict[str, t.Any]:
    return {
        "data": list(answer.data),
        "dnssec": state_of(answer),
        "failed": "" if answer.known else answer.reason or answer.status,
    }


def _texts(answer: Answer) -> dict[str, t.Any]:
    return {**_plain(answer), "data": [_text(one) for one in answer.data]}


def _text(data: str) -> str:
    try:
        return unquote_txt(data)
    except RecordError:
        return data


def _exchangers(view: DnsView) -> dict[str, t.Any]:
    answer = view.lookup(view.domain, "MX")
    try:
        hosts = [_host(view.lookup, one.preference, one.host) for one in view.exchangers]
    except Unanswered:
        hosts = []
    return {**_plain(answer), "hosts": hosts}


def _host(ask: Lookup, preference: int, host: str) -> dict[str, t.Any]:
    addresses = [*ask(host, "A").data, *ask(host, "AAAA").data]
    tlsa = ask(name_of("_25._tcp", below=host), "TLSA")
    return {
        "host": shown(host),
        "preference": preference,
        "dnssec": state_of(ask(host, "A")),
        "addresses": [_address(ask, host, one) for one in addresses],
        "tlsa": _plain(tlsa),
    }


def _address(ask: Lookup, host: str, address: str) -> dict[str, t.Any]:
    """Return an address with the names that its owner gives it, and whether they lead back to it."""
    pointer = ipaddress.ip_address(address).reverse_pointer + "."
    names = ask(pointer, "PTR").data
    kind = "AAAA" if ":" in address else "A"
    return {
        "address": address,
        "ptr": [shown(one) for one in names],
        "confirmed": any(address in ask(one, kind).data for one in names),
        "named": host in names,
    }


def _dmarc(view: DnsView) -> dict[str, t.Any]:
    walk = view.dmarc
    texts = [text for place, found in walk.records if place == walk.at for text in found]
    return {
        "found_at": shown(walk.at) if walk.at else "",
        "data": texts,
        "organizational": shown(walk.organizational) if walk.organizational else "",
        "failed": ", ".join(walk.unknown),
    }


def _services(view: DnsView) -> dict[str, list[str]]:
    found = {
        service[1:]: view.lookup(name_of(f"{service}._tcp", below=view.domain), "SRV")
        for service in SERVICES
    }
    return {service: list(answer.data) for service, answer in found.items() if answer.data}


__all__ = ("look", "served_of", "state_of")
