# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether certificates form a chain that any client can follow, judged by names and key identifiers.

Signatures are not checked here: the standard library cannot, only a handshake can.
"""

from __future__ import annotations

import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.x509.certificate import Certificate

# OpenSSL clients refuse a certificate list of more than 100 KiB (SSL_CTX_set_max_cert_list), which
# is fewer certificates than this; it also bounds the comparison of each with each.
_MAX_CERTIFICATES = 100


class Problem(t.NamedTuple):
    """One finding: ``code`` is stable, ``message`` says what was found, where, and what to do."""

    code: str
    severity: t.Literal["error", "warning", "info"]
    message: str


def chain_problems(
    certificates: t.Sequence[Certificate],
    *,
    where: str = "the chain",
    root_subjects: t.Optional[t.Collection[bytes]] = None,
) -> tuple[Problem, ...]:
    """Return what is wrong with a chain as a server sends it: its own certificate first.

    Each further certificate must certify one before it (RFC 5246 section 7.4.2).  ``where`` starts
    the messages.  ``root_subjects`` are the encoded subjects of the roots that clients know; without
    them a single certificate may be complete, so it is only a warning.
    """
    if not certificates:
        return ()
    if len(certificates) > _MAX_CERTIFICATES:
        found = f"{where} holds {len(certificates)} certificates"
        return (
            Problem(
                "chain_too_long", "error", f"{found}: leave only those that certify the first."
            ),
        )
    leaf = certificates[0]
    own = next((one for one in certificates if not one.is_ca), None)
    if leaf.is_ca and own is not None:
        message = (
            f"{where} starts with the certificate of the authority {leaf.subject}: "
            f"put the server's own certificate ({own.subject}) first, then its issuers upwards."
        )
        return (Problem("chain_misordered", "error", message),)

    related = _related(certificates)
    problems = [
        _surplus(certificates, index, where=where)
        for index in range(1, len(certificates))
        if index not in related or certificates[index] in certificates[:index]
    ]
    for index in related - {0}:
        if not any(_issued(certificates[index], child) for child in certificates[:index]):
            message = (
                f"{where} has the certificate of {certificates[index].subject} before the one that "
                "it certifies: put the server's certificate first, then each issuer after the "
                "certificate that it issued."
            )
            problems.append(Problem("chain_misordered", "error", message))
        if certificates[index].self_signed:
            message = (
                f"{where} also sends the root {certificates[index].subject}: clients use their own "
                "copy; it may be left out."
            )
            problems.append(Problem("chain_root_included", "info", message))
    missing = _incomplete(
        [certificates[index] for index in sorted(related)], where=where, roots=root_subjects
    )
    return (*problems, missing) if missing else tuple(problems)


def _issued(issuer: Certificate, child: Certificate) -> bool:
    """Whether names and key identifiers allow that ``issuer`` signed ``child``."""
    # The readable form also compares names that two tools encoded with different string types.
    same_name = (
        child.issuer_der == issuer.subject_der
        or child.issuer.casefold() == issuer.subject.casefold()
    )
    identifiers = (child.authority_key_id, issuer.subject_key_id)
    return same_name and (None in identifiers or identifiers[0] == identifiers[1])


def _related(certificates: t.Sequence[Certificate]) -> set[int]:
    """Return the positions of the first certificate and of all its direct and indirect issuers."""
    related = {0}
    todo = [0]
    while todo:
        child = certificates[todo.pop()]
        for index, candidate in enumerate(certificates):
            if index not in related and _issued(candidate, child):
                related.add(index)
                todo.append(index)
    return related


def _surplus(certificates: t.Sequence[Certificate], index: int, *, where: str) -> Problem:
    one = certificates[index]
    reason = (
        "twice" if one in certificates[:index] else "which certifies none of the other certificates"
    )
    message = f"{where} has the certificate of {one.subject} {reason}: remove it."
    return Problem("chain_unrelated", "warning", message)


def _incomplete(
    related: t.Sequence[Certificate], *, where: str, roots: t.Optional[t.Collection[bytes]]
) -> t.Optional[Problem]:
    if any(one.self_signed for one in related):
        return None
    if roots is None and len(related) > 1:
        return None
    if roots is not None and any(one.issuer_der in roots for one in related):
        return None
    # With intermediates present the missing one may be a root that only the CA file lacks.
    certain = roots is not None and len(related) == 1
    top = related[-1]
    message = (
        f"{where} ends with {top.subject}, issued by {top.issuer}, "
        f"{'which may not be' if roots is None else 'which is not'} a known root: append the "
        "certificates of the intermediate authorities (many tools call the whole file fullchain.pem)."
    )
    return Problem("chain_incomplete", "error" if certain else "warning", message)


__all__ = ("Problem", "chain_problems")
