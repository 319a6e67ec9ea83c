# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an operator may choose about submission."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from ansible_collections.hardened.mail.plugins.module_utils.policy.profiles import (
    CertificateChoice,
    ChoiceError,
    Choices,
    Host,
    validate,
)

SASL_TYPES: t.Final = ("auto", "dovecot", "cyrus")
SENDER_CHECKS: t.Final = (
    "reject_sender_login_mismatch",
    "reject_authenticated_sender_login_mismatch",
    "reject_known_sender_login_mismatch",
)
#: Choices with a number, and the parameter of each.
LIMITS: t.Final[t.Mapping[str, str]] = {
    "auth_rate_limit": "smtpd_client_auth_rate_limit",
    "connection_rate_limit": "smtpd_client_connection_rate_limit",
    "message_rate_limit": "smtpd_client_message_rate_limit",
    "recipient_rate_limit": "smtpd_client_recipient_rate_limit",
    "recipient_limit": "smtpd_recipient_limit",
    "message_size_limit": "message_size_limit",
}


@dataclass(frozen=True)
class SubmissionChoices:
    """What the operator chose. A limit that is None leaves to the host what it has."""

    starttls: bool = True
    implicit_tls: bool = True
    remove: bool = False
    profile: str = "intermediate"
    certificates: tuple[CertificateChoice, ...] = ()
    sasl_type: str = "auto"
    sasl_path: str = ""
    sender_login_maps: str = ""
    sender_login_check: str = SENDER_CHECKS[0]
    auth_on_25: bool = False
    authenticated_header: bool = False
    hide_client: bool = True
    auth_rate_limit: t.Optional[int] = None
    connection_rate_limit: t.Optional[int] = None
    message_rate_limit: t.Optional[int] = None
    recipient_rate_limit: t.Optional[int] = None
    recipient_limit: t.Optional[int] = None
    message_size_limit: t.Optional[int] = None
    overrides: t.Mapping[str, t.Optional[str]] = field(default_factory=dict)

    @property
    def as_inbound(self) -> Choices:
        """The same profile and certificates as choices about port 25, for what judges these."""
        return Choices(inbound_profile=self.profile, certificates=self.certificates)

    def ports(self) -> frozenset[str]:
        """Return the numbers of the ports that are wanted."""
        wanted = (("587", self.starttls), ("465", self.implicit_tls))
        return frozenset(port for port, there in wanted if there)

    def limits(self) -> dict[str, int]:
        """Return the limits that were chosen, by the name of the choice."""
        found = {name: getattr(self, name) for name in LIMITS}
        return {name: value for name, value in found.items() if value is not None}


def check(choices: SubmissionChoices, *, host: Host, effective: t.Mapping[str, str]) -> None:
    """Raise ChoiceError when a choice is unknown, or cannot work on ``host``."""
    validate(choices.as_inbound, host=host)
    for option, names in (("sasl_type", SASL_TYPES), ("sender_login_check", SENDER_CHECKS)):
        value = getattr(choices, option)
        if value not in names:
            raise ChoiceError(f"{option} is {value!r}: expected one of {', '.join(names)}")
    if re.search(r"[\s,{}$]", choices.sasl_path):
        raise ChoiceError(
            f"sasl_path is {choices.sasl_path!r}: expected private/auth, or the like, in one word"
        )
    if choices.sender_login_maps.strip() and ":" not in choices.sender_login_maps:
        raise ChoiceError(
            f"sender_login_maps is {choices.sender_login_maps!r}: expected type:name, such as "
            "texthash:/etc/postfix/sender_logins"
        )
    for name, value in choices.limits().items():
        if value < 0:
            raise ChoiceError(f"{name} is {value}: expected a number that is not below 0")
    _check_size(choices.message_size_limit, main=effective.get("message_size_limit", ""))


def _check_size(wanted: t.Optional[int], *, main: str) -> None:
    """Refuse a size that smtpd would announce and cleanup, which reads main.cf, would refuse."""
    if wanted is None or not main.isdigit() or int(main) == 0:
        return
    if wanted == 0 or wanted > int(main):
        raise ChoiceError(
            f"message_size_limit is {wanted}: expected at most {main}, the message_size_limit of main.cf, "
            "which also holds for what is submitted"
        )


__all__ = ("LIMITS", "SASL_TYPES", "SENDER_CHECKS", "SubmissionChoices", "check")
