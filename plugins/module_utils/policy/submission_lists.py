# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The restriction lists of a submission service: what a site's list is worth, and what is carried over (pure)."""

from __future__ import annotations

import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.policy import restrictions

STAGES: t.Final[t.Mapping[str, restrictions.Stage]] = {
    f"smtpd_{stage}_restrictions": stage for stage in restrictions.STAGES
}
OWNERSHIP: t.Final = frozenset(
    """
    reject_sender_login_mismatch reject_authenticated_sender_login_mismatch
    reject_known_sender_login_mismatch reject_unauthenticated_sender_login_mismatch
    """.split()
)
_LOGIN: t.Final = "permit_sasl_authenticated"
_ENDS: t.Final = frozenset({_LOGIN, "permit", "reject", "defer", "defer_if_permit"})
#: They look at where a client is, which says nothing about a user; or decide about strangers.
_NOT_FOR_USERS: t.Final = (
    restrictions.CLIENT_FILTERS
    | restrictions.REMOVED
    | {"reject_unauth_destination", "defer_unauth_destination", "sleep", "reject_plaintext_session"}
)


def carried(text: str, stage: restrictions.Stage) -> tuple[str, ...]:
    """Return what a list of main.cf asks of users, without what it has against spam.

    That is what stands before ``permit_sasl_authenticated``: an access table, a policy service, a check of
    sender addresses.
    """
    found = []
    for word in restrictions.parse(text):
        if word.name in _ENDS and not word.warns:
            break
        if _is_for_users(word, stage):
            found.append(f"warn_if_reject {word.shown}" if word.warns else word.shown)
    return tuple(found)


def _is_for_users(word: restrictions.Word, stage: restrictions.Stage) -> bool:
    name = word.name
    if stage in ("client", "helo"):
        return name == "check_sasl_access"
    if name in _NOT_FOR_USERS or name.startswith("permit_"):
        return False
    return not name.startswith(("check_client_", "check_reverse_client_", "check_helo_"))


def relay_problem(
    relay: str, recipient: str, *, classes: t.Mapping[str, str], removed: bool
) -> t.Optional[str]:
    """Say why a relay list, with the recipient list beside it, is below "only who has logged in"."""
    lists = restrictions.Lists(
        relay=relay,
        recipient=recipient,
        classes=tuple(classes.items()),
        helo_required=True,
        removed=removed,
    )
    if not restrictions.starts(lists):
        return "has no word that refuses mail to foreign domains, of which smtpd dies"
    clients: tuple[tuple[restrictions.Client, str], ...] = (
        ("stranger", "strangers"),
        ("mynetworks", "addresses in mynetworks"),
    )
    destinations: tuple[restrictions.Destination, ...] = ("foreign", "own")
    for client, who in clients:
        for destination in destinations:
            found = restrictions.answer(lists, client, destination)
            if found.verdict != "refused":
                may = "may let" if found.by and not found.free else "lets"
                return f"{may} {who} send without a login"
    return None


def without_login(text: str) -> t.Optional[str]:
    """Return a list without ``permit_sasl_authenticated``; None when it cannot be taken out of the text."""
    words = restrictions.split(text)
    kept = [word for word in words if word.lower() != _LOGIN]
    if "{" in text or len(kept) == len(words):
        return None
    commas = "," in text
    return (", " if commas else " ").join(kept)


def permits_login(text: str) -> bool:
    """Return whether a list has the word ``permit_sasl_authenticated``."""
    return any(word.name == _LOGIN for word in restrictions.parse(text))


def with_ownership(text: str, *, check: str, classes: t.Mapping[str, str]) -> str:
    """Return a list of sender restrictions in which a check of sender addresses stands."""
    if restrictions.uses(text, OWNERSHIP, classes=classes):
        return text
    return ", ".join(one for one in (check, text.strip()) if one)


def without_ownership(text: str) -> str:
    """Return a list without the checks of sender addresses, which refuse everybody without a table."""
    words = restrictions.split(text)
    kept = [word for word in words if word.lower() not in OWNERSHIP]
    return text if len(kept) == len(words) else ", ".join(_pairs(kept))


def _pairs(words: t.Sequence[str]) -> list[str]:
    """Join each restriction with its argument again."""
    return [
        f"warn_if_reject {one.shown}" if one.warns else one.shown
        for one in restrictions.parse(" ".join(words))
    ]


__all__ = (
    "OWNERSHIP",
    "STAGES",
    "carried",
    "permits_login",
    "relay_problem",
    "with_ownership",
    "without_login",
    "without_ownership",
)
