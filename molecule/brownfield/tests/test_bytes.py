# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing but the lines of owned parameters differs, byte for byte."""

from __future__ import annotations

import json
import typing as t

if t.TYPE_CHECKING:
    from conftest import Host

STATE: t.Final = "/var/lib/hardened-mail"
EVERYWHERE: t.Final = frozenset(
    f"{client}_tls_{setting}"
    for client in ("smtp", "lmtp")
    for setting in (
        "protocols",
        "mandatory_protocols",
        "ciphers",
        "mandatory_ciphers",
        "mandatory_exclude_ciphers",
        "fingerprint_digest",
        "loglevel",
    )
) | {
    "smtpd_tls_auth_only",
    "smtpd_tls_protocols",
    "smtpd_tls_mandatory_protocols",
    "smtpd_tls_ciphers",
    "smtpd_tls_mandatory_ciphers",
    "smtpd_tls_exclude_ciphers",
    "smtpd_tls_mandatory_exclude_ciphers",
    "smtpd_tls_fingerprint_digest",
    "smtpd_tls_loglevel",
    "smtpd_tls_received_header",
    "smtp_tls_session_cache_database",
    "tls_preempt_cipherlist",
    "disable_vrfy_command",
    "smtpd_helo_required",
    "smtpd_forbid_bare_newline",
    "smtpd_forbid_unauth_pipelining",
}
# What the settings table owns and each host had otherwise.
OWNED: t.Final = {
    "grown": EVERYWHERE
    | {
        # Was there twice.
        "smtp_tls_security_level",
        "smtpd_use_tls",
        "smtpd_enforce_tls",
        "smtp_use_tls",
        "smtp_tls_note_starttls_offer",
        "smtpd_tls_dh1024_param_file",
        "smtpd_tls_eecdh_grade",
        "smtpd_tls_session_cache_database",
        "tls_medium_cipherlist",
    },
    "screened": EVERYWHERE
    | {
        "postscreen_tls_security_level",
        "tlsproxy_tls_protocols",
        "tls_eecdh_auto_curves",
        "tls_ffdhe_auto_groups",
    },
}
CHANGED: t.Final = {
    "grown": ["/etc/postfix-out/main.cf", "/etc/postfix/main.cf", "/etc/postfix/master.cf"],
    "screened": ["/etc/postfix/main.cf"],
}


def lines_by_owner(text: str) -> list[tuple[str, str]]:
    """Return (parameter, line) for each line of a main.cf; comments and empty lines are nobody's, "".

    A line that begins with a blank belongs to the parameter before it, over comments and empty lines.
    """
    found = []
    owner = ""
    for line in text.splitlines(keepends=True):
        if not line.strip() or line.lstrip().startswith("#"):
            found.append(("", line))
            continue
        if not line[0].isspace():
            owner = line.partition("=")[0].strip()
        found.append((owner, line))
    return found


def files(host: Host, directory: str = "/etc/postfix") -> tuple[str, str]:
    """Return main.cf before the first change and now, every byte of it."""
    saved = f"{STATE}/{directory.strip('/').replace('/', '-')}/original/main.cf"
    return host.content(saved), host.content(f"{directory}/main.cf")


def test_backup_is_the_file_that_was_there(
    hand_made: Host, scenario_file: t.Callable[[str], str]
) -> None:
    ours = scenario_file(f"files/{hand_made.name}/main.cf")
    assert files(hand_made)[0].startswith(ours)


def test_exactly_the_owned_parameters_differ(hand_made: Host) -> None:
    before, after = (lines_by_owner(text) for text in files(hand_made))
    names = {name for name, _ in [*before, *after]}
    differ = {
        name
        for name in names
        if [line for owner, line in before if owner == name]
        != [line for owner, line in after if owner == name]
    }
    assert differ == OWNED[hand_made.name]


def test_all_other_lines_are_the_same_bytes_in_the_same_order(hand_made: Host) -> None:
    owned = OWNED[hand_made.name]
    before, after = (
        [line for owner, line in lines_by_owner(text) if owner not in owned]
        for text in files(hand_made)
    )
    assert after == before


def test_override_that_undercuts_port_25_is_the_only_line_gone_from_master_cf(
    two_instances: Host, scenario_file: t.Callable[[str], str]
) -> None:
    before = scenario_file(f"files/{two_instances.name}/master.cf").splitlines()
    after = two_instances.content("/etc/postfix/master.cf").splitlines()
    assert [line for line in before if line not in after] == ["\t-o smtpd_tls_protocols=!SSLv2"]
    assert after == [line for line in before if line in after]


def test_second_instance_keeps_its_lines(two_instances: Host) -> None:
    before, after = files(two_instances, "/etc/postfix-out")
    kept = [line for line in before.splitlines() if line in after.splitlines()]
    assert kept == before.splitlines()


def test_no_other_file_differs(hand_made: Host) -> None:
    differ = json.loads(hand_made.output("python3", "/root/lab/files.py", "compare"))
    assert [path for path in differ if not path.startswith((STATE, "/var/mail"))] == CHANGED[
        hand_made.name
    ]
