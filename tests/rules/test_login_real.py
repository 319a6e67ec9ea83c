# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the rules about logins, relaying and the dialogue call deadly, on real hosts with Dovecot.

It dies, and lives when mended. Run with ``tests/lab/enter .venv/bin/pytest tests/rules/test_login_real.py``.
"""

from __future__ import annotations

import importlib
import pathlib
import sys
import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.policy import (
    rules_login,
    rules_relay,
    rules_smtp,
)

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
hosts = importlib.import_module("test_files_real")
Trouble = hosts.Trouble

RELOAD: t.Final = "; postfix reload"
RESTART: t.Final = "; systemctl restart postfix.service"


def settings(**values: str) -> str:
    """Return the command that sets parameters."""
    words = " ".join(f"'{name} = {value}'" for name, value in values.items())
    return f"postconf -e {words}"


LOGIN: t.Final = settings(
    smtpd_sasl_auth_enable="yes", smtpd_sasl_type="dovecot", smtpd_sasl_path="private/login"
)


def login(broken: str, mended: str) -> dict[str, str]:
    """Return how to break logins on port 25, and how to mend them."""
    return {"breaks": f"{LOGIN}; {broken}{RELOAD}", "mends": f"{mended}{RESTART}"}


def main(parameter: str, value: str, *, good: str = "") -> dict[str, str]:
    """Return how to break a host with one parameter, and how to mend it."""
    mended = f"postconf -e '{parameter} = {good}'" if good else f"postconf -X {parameter}"
    return {
        "breaks": f"postconf -e '{parameter} = {value}'{RELOAD}",
        "mends": f"{mended}{RESTART}",
    }


def takes_nothing(machine: t.Any) -> None:
    """Fail when a stranger may hand in mail."""
    code, text = hosts.answer(machine)
    assert code in (0, 421), (code, text)


def with_tls(machine: t.Any) -> None:
    """Fail unless a client gets TLS, be it of postscreen or of the server behind it."""
    assert machine.outside().get("tls", "").startswith("TLSv1.")


def takes_mail(machine: t.Any) -> None:
    """Fail unless a stranger may hand in mail."""
    assert hosts.answer(machine)[0] == 250


REFUSING: t.Final = settings(smtpd_sasl_security_options="noplaintext, noanonymous")
MASTER: t.Final = "/etc/postfix/master.cf"
SCREEN: t.Final = "s/^smtp  *inet .*/smtp inet n - n - 1 postscreen/"
DEAD: t.Final[dict[str, t.Any]] = {"dies": hosts.port_dead, "lives": hosts.works}

TROUBLES: t.Final = (
    Trouble(
        "auth-plaintext-refused",
        **login(
            f"{REFUSING}; {settings(smtpd_sasl_tls_security_options='noanonymous')}",
            settings(smtpd_tls_auth_only="yes"),
        ),
        **DEAD,
    ),
    Trouble(
        "auth-plaintext-refused",
        **login(
            f"{REFUSING}; {settings(smtpd_tls_auth_only='yes')}",
            settings(smtpd_sasl_tls_security_options="noanonymous"),
        ),
        dies=hosts.no_tls,
        lives=hosts.works,
        name="inside-tls",
    ),
    Trouble(
        "auth-wrong-backend",
        **login(settings(smtpd_sasl_type="cyrus"), settings(smtpd_sasl_type="dovecot")),
        **DEAD,
    ),
    Trouble(
        "auth-wrong-backend",
        **login("postconf -X smtpd_sasl_path", settings(smtpd_sasl_path="private/login")),
        **DEAD,
        name="no-path",
    ),
    Trouble(
        "auth-wrong-backend",
        **login("postconf -X smtpd_sasl_path smtpd_sasl_type", LOGIN),
        **DEAD,
        severity="medium",
        name="nothing-said",
    ),
    Trouble(
        "auth-mechanisms-filtered",
        **login(
            settings(smtpd_sasl_mechanism_filter="cram-md5"),
            settings(smtpd_sasl_mechanism_filter="plain, login"),
        ),
        **DEAD,
        releases=("bookworm", "trixie", "sid"),
    ),
    Trouble(
        "client-login-without-passwords",
        f"{hosts.OUT}; {settings(smtp_sasl_auth_enable='yes')}{RELOAD}",
        f"postconf -X smtp_sasl_auth_enable{RESTART}",
        dies=hosts.out_stuck,
        lives=hosts.out_with_tls,
    ),
    Trouble(
        "relay-restrictions-missing",
        **main(
            "smtpd_relay_restrictions",
            "permit_mynetworks, warn_if_reject reject_unauth_destination",
            good="permit_mynetworks, reject_unauth_destination",
        ),
        **DEAD,
    ),
    Trouble(
        "restriction-class-undefined",
        **main("smtpd_restriction_classes", "greylisting"),
        **DEAD,
    ),
    Trouble(
        "restriction-unknown",
        **main("smtpd_recipient_restrictions", "permit_mynetworks, reject_unauth_destinations"),
        dies=hosts.put_off,
        lives=hosts.works,
    ),
    Trouble(
        "restriction-unknown",
        **main("smtpd_recipient_restrictions", "permit_mynetworks, check_relay_domains"),
        dies=hosts.put_off,
        lives=hosts.works,
        releases=("trixie", "sid"),
        name="removed",
    ),
    Trouble(
        "mynetworks-without-brackets",
        **main("mynetworks", "127.0.0.0/8 ::1/128", good="127.0.0.0/8 [::1]/128"),
        **DEAD,
    ),
    Trouble(
        "postscreen-without-smtpd",
        f"sed -i '{SCREEN}; /^smtpd  *pass/d' {MASTER}{RELOAD}",
        f"echo 'smtpd pass - - n - - smtpd' >>{MASTER}{RESTART}",
        subject="smtp/inet",
        dies=takes_nothing,
        lives=takes_mail,
    ),
    Trouble(
        "postscreen-without-tlsproxy",
        f"{settings(postscreen_bare_newline_enable='yes')}; sed -i '{SCREEN}; /^tlsproxy/d' {MASTER}; "
        f"echo 'smtpd pass - - n - - smtpd' >>{MASTER}{RELOAD}",
        f"echo 'tlsproxy unix - - n - 0 tlsproxy' >>{MASTER}{RESTART}",
        subject="smtp/inet",
        severity="high",
        dies=hosts.no_tls,
        lives=with_tls,
    ),
    Trouble(
        "postscreen-without-tlsproxy",
        f"sed -i '{SCREEN}; /^tlsproxy/d' {MASTER}; "
        f"echo 'smtpd pass - - n - - smtpd' >>{MASTER}{RELOAD}",
        f"echo 'tlsproxy unix - - n - 0 tlsproxy' >>{MASTER}{RESTART}",
        subject="smtp/inet",
        severity="low",
        dies=with_tls,
        name="without-deep-tests",
    ),
    Trouble(
        "mailbox-smaller-than-message",
        **main("message_size_limit", "104857600", good="10240000")
        | {
            "breaks": settings(message_size_limit="104857600", mailbox_size_limit="51200000")
            + RELOAD
        },
        dies=hosts.local_stuck,
        lives=hosts.local_works,
    ),
)
DYING: t.Final = frozenset(
    rule.id
    for module in (rules_login, rules_relay, rules_smtp)
    for rule in module.RULES
    if rule.dies
)


@pytest.mark.parametrize("one", TROUBLES, ids=lambda one: one.id)
def test_it_dies_as_the_rule_says(machine: t.Any, one: t.Any) -> None:
    hosts._try(machine, one)


def test_every_rule_that_says_so_is_tried() -> None:
    assert DYING - {one.rule for one in TROUBLES} == set()
