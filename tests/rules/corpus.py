# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The realistic configurations of tests/corpus, and what the validator says of them."""

from __future__ import annotations

import pathlib
import re
import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.policy.findings import Verdict
from ansible_collections.hardened.mail.plugins.module_utils.policy.from_capture import view_of
from ansible_collections.hardened.mail.plugins.module_utils.policy.profiles import Choices
from ansible_collections.hardened.mail.plugins.module_utils.policy.rule import judge
from ansible_collections.hardened.mail.plugins.module_utils.policy.rules import RULES
from ansible_collections.hardened.mail.plugins.module_utils.postfix.capture import parse

CORPUS: t.Final = pathlib.Path(__file__).resolve().parents[1] / "corpus"
EXPECTED: t.Final = "findings.txt"
_RELEASE: t.Final = re.compile(r"^# Release: (\w+)$", re.MULTILINE)

#: What Debian's own main.cf sets on the releases of the laboratory; a configuration of the corpus is whole.
_STOCK: t.Final = (
    """
    alias_database alias_maps append_dot_mydomain biff compatibility_level cyrus_sasl_config_path
    default_cache_db_type default_database_type inet_interfaces inet_protocols mailbox_command
    mailbox_size_limit maillog_file mydestination myhostname mynetworks mynetworks_style myorigin
    readme_directory recipient_delimiter relayhost smtp_tls_CAfile smtp_tls_CApath smtp_tls_security_level
    smtp_tls_session_cache_database smtpd_banner smtpd_relay_restrictions smtpd_tls_cert_file
    smtpd_tls_key_file smtpd_tls_security_level smtpd_tls_session_cache_database smtpd_use_tls
    """
).split()


def names() -> list[str]:
    """Return the names of the configurations."""
    return sorted(path.name for path in CORPUS.iterdir() if path.is_dir())


def release_of(name: str) -> str:
    """Return the release that the configuration is for."""
    found = _RELEASE.search((CORPUS / name / "main.cf").read_text(encoding="utf-8"))
    if found is None:
        raise ValueError(f"{name}/main.cf names no release")
    return found.group(1)


def changes(name: str) -> dict[str, t.Any]:
    """Return what apply_cases.py needs to write the configuration."""
    master = CORPUS / name / "master.cf"
    return {
        "main": "",
        "remove": _STOCK,
        "raw_main": (CORPUS / name / "main.cf").read_text(encoding="utf-8"),
        "master": master.read_text(encoding="utf-8") if master.exists() else "",
        "raw_master": "",
    }


def verdict(capture: str) -> Verdict:
    """Return what the validator says of a capture, without a look at the host."""
    view, missing = view_of(parse(capture), choices=Choices())
    return judge(view, RULES, missing={**missing, "host": "not looked at"})


def findings(capture: str) -> list[str]:
    """Return a line for each finding that is more than a hint: severity, rule, subject and parameter."""
    return [
        " ".join((one.severity, one.rule, one.subject, one.parameter)).rstrip()
        for one in verdict(capture).findings
        if one.severity != "info"
    ]
