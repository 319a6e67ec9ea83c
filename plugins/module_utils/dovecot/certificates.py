# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Judge the certificates that Dovecot is going to use (effects: reads the files)."""

from __future__ import annotations

import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.policy.dovecot_choices import (
    DovecotChoices,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.dovecot_view import (
    DovecotView,
    certificate_paths,
)
from ansible_collections.hardened.mail.plugins.module_utils.x509 import pair

#: An inherited certificate stops a run only when there is no TLS with it.
_STOPS_INHERITED: t.Final = frozenset(
    {
        "certificate_missing",
        "key_encrypted",
        "key_mismatch",
        "key_missing",
        "key_not_pem",
        "missing",
        "not_pem",
    }
)


def judge(choices: DovecotChoices, view: DovecotView) -> tuple[tuple[str, bool], ...]:
    """Return what is wrong with the certificates, each with whether the change should not be made with it.

    *view* is the configuration after the change. The chosen ones are judged in full; those that were
    there before, as far as TLS works with them.
    """
    found = _chosen(choices)
    chosen = {one.certificate for one in choices.certificates}
    chosen |= {one.certificate for one in choices.sni}
    for _subject, _setting, certificate, key in certificate_paths(view):
        if certificate in chosen:
            continue
        report = pair.check_pair(certificate, private_key_file=key, names=())
        found += [
            (one.message, one.code in _STOPS_INHERITED)
            for one in report.problems
            if one.severity != "info"
        ]
    if not certificate_paths(view):
        found.append(
            (
                "No certificate is configured, so there is no TLS: give a certificate and its private key.",
                True,
            )
        )
    return tuple(dict.fromkeys(found))


def _chosen(choices: DovecotChoices) -> list[tuple[str, bool]]:
    found: list[tuple[str, bool]] = []
    seen: dict[str, str] = {}
    pairs = [(one.certificate, one.private_key, one.names, True) for one in choices.certificates]
    pairs += [(one.certificate, one.private_key, one.names, False) for one in choices.sni]
    for certificate, key, names, main in pairs:
        report = pair.check_pair(
            certificate, private_key_file=key, names=names, strict=choices.profile == "strict"
        )
        found += [
            (one.message, one.severity == "error")
            for one in report.problems
            if one.severity != "info"
        ]
        algorithm = report.certificates[0].key_algorithm if main and report.certificates else ""
        if algorithm and algorithm in seen:
            message = (
                f"{certificate} and {seen[algorithm]} both have a key of the type {algorithm}, and Dovecot "
                "uses one per type: drop one of them."
            )
            found.append((message, True))
        seen.setdefault(algorithm, certificate)
    return found


__all__ = ("judge",)
