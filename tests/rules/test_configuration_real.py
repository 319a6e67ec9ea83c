# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the rules about values, options and clients call deadly, on real hosts: it dies, and lives when mended.

Run with ``tests/lab/enter .venv/bin/pytest tests/rules/test_configuration_real.py``.
"""

from __future__ import annotations

import importlib
import pathlib
import sys
import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.policy import (
    rules_configuration,
    rules_outbound,
    rules_versions,
)

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
hosts = importlib.import_module("test_files_real")
Trouble = hosts.Trouble

NEW: t.Final = ("trixie", "sid")
RELOAD: t.Final = "; postfix reload"


#: A client of the standard library that hands in a message.
HAND_IN: t.Final = """
import smtplib, sys
host, recipient = sys.argv[1:]
try:
    with smtplib.SMTP(host, 25, local_hostname="probe.example", timeout=20) as client:
        client.sendmail("probe@probe.example", recipient, "Subject: a\\n\\nb\\n")
    print("taken")
except smtplib.SMTPDataError as error:
    print("put off" if 400 <= error.smtp_code < 500 else error)
except (OSError, smtplib.SMTPException):
    print("dead")
"""


def setting(parameter: str, value: str, *, given: str = "") -> dict[str, str]:
    """Return how to break a host with one parameter, and how to mend it."""
    return {
        "breaks": f"{given}postconf -e '{parameter} = {value}'{RELOAD}",
        "mends": f"postconf -X {parameter}; systemctl restart postfix.service",
    }


def option(text: str) -> dict[str, str]:
    """Return how to break port 25 with an option in master.cf, and how to mend it."""
    return {
        "breaks": "cp /etc/postfix/master.cf /root/master.cf.good; "
        f"sed -i 's/^\\(smtp  *inet .* smtpd\\).*/\\1 {text}/' /etc/postfix/master.cf{RELOAD}",
        "mends": "cp /root/master.cf.good /etc/postfix/master.cf; "
        "systemctl restart postfix.service",
        "subject": "smtp/inet",
    }


def outward(parameter: str, value: str) -> dict[str, t.Any]:
    """Return how to break mail to the other host; it goes out with TLS when it is mended."""
    broken = setting(parameter, value, given=f"{hosts.OUT}; ")
    if parameter == "smtp_tls_security_level":
        broken["mends"] = f"postconf -e '{parameter} = may'; systemctl restart postfix.service"
    return {**broken, "lives": hosts.out_with_tls}


def out_stopped(machine: t.Any) -> None:
    """Fail when mail to the other host leaves, encrypted or not."""
    assert "status=sent" not in hosts.to_peer(machine)


def takes_no_mail(machine: t.Any) -> None:
    """Fail when a stranger may hand in mail: until Postfix 3.10 the port is dead, then it answers 451."""
    assert handed_in(machine) in ("dead", "put off")


def takes_mail(machine: t.Any) -> None:
    """Fail unless a stranger may hand in mail."""
    assert handed_in(machine) == "taken"


def handed_in(machine: t.Any) -> str:
    """Return what became of a whole message that a stranger has for the host."""
    recipient = f"root@{machine.name}.example"
    done = machine.peer.try_run("python3", "-c", HAND_IN, machine.name, recipient)
    return str(done.out.strip())


def no_reports(machine: t.Any) -> None:
    """Fail unless the client tells that it turned reports off."""
    assert "TLSRPT" in hosts.to_peer(machine)


TROUBLES: t.Final = (
    Trouble(
        "yes-or-no-invalid",
        **setting("smtpd_helo_required", "true"),
        dies=hosts.port_dead,
        lives=hosts.works,
    ),
    Trouble(
        "number-invalid",
        **setting("smtpd_soft_error_limit", "many"),
        dies=hosts.port_dead,
        lives=hosts.works,
    ),
    Trouble(
        "number-invalid",
        **setting("smtpd_timeout", "5 minutes"),
        dies=hosts.port_dead,
        lives=hosts.works,
        name="time",
    ),
    Trouble(
        "option-without-value",
        **option("-o smtpd_banner = mx"),
        dies=hosts.port_dead,
        lives=hosts.works,
    ),
    Trouble(
        "option-cut-at-blank",
        **option("-o smtpd_client_restrictions=permit_mynetworks, reject"),
        dies=hosts.port_dead,
        lives=hosts.works,
    ),
    Trouble(
        "table-type-missing",
        **setting("virtual_alias_maps", "mysql:/etc/postfix/aliases.cf"),
        dies=hosts.put_off,
        lives=hosts.works,
    ),
    Trouble(
        "proxy-table-not-listed",
        breaks="echo 'probe.example OK' >/etc/postfix/senders; "
        "postconf -e 'smtpd_data_restrictions = check_sender_access "
        f"proxy:texthash:/etc/postfix/senders'{RELOAD}",
        mends="postconf -X smtpd_data_restrictions; systemctl restart postfix.service",
        dies=takes_no_mail,
        lives=takes_mail,
    ),
    Trouble(
        "compatibility-level-invalid",
        breaks="cp /etc/postfix/main.cf /root/main.cf.good; postconf -e compatibility_level=latest",
        mends="cp /root/main.cf.good /etc/postfix/main.cf; systemctl restart postfix.service",
        dies=hosts.cannot_start,
        lives=hosts.works,
    ),
    Trouble(
        "outbound-level-unknown",
        **outward("smtp_tls_security_level", "opportunistic"),
        dies=out_stopped,
    ),
    Trouble(
        "outbound-protocols-invalid",
        **outward("smtp_tls_protocols", "TLSv1.2+"),
        dies=out_stopped,
    ),
    Trouble(
        "outbound-grade-unknown",
        **outward("smtp_tls_ciphers", "strong"),
        dies=out_stopped,
    ),
    Trouble(
        "outbound-wrappermode-without-encrypt",
        **outward("smtp_tls_wrappermode", "yes"),
        dies=out_stopped,
    ),
    Trouble(
        "connection-reuse-without-tlsproxy",
        **outward("smtp_tls_connection_reuse", "yes"),
        dies=out_stopped,
    ),
    Trouble(
        "tls-reports-without-socket",
        **outward("smtp_tlsrpt_enable", "yes"),
        dies=no_reports,
        releases=NEW,
    ),
)
DYING: t.Final = frozenset(
    rule.id
    for module in (rules_configuration, rules_outbound, rules_versions)
    for rule in module.RULES
    if rule.dies
)


@pytest.mark.parametrize("one", TROUBLES, ids=lambda one: one.id)
def test_it_dies_as_the_rule_says(machine: t.Any, one: t.Any) -> None:
    hosts._try(machine, one)


def test_every_rule_that_says_so_is_tried() -> None:
    assert DYING - {one.rule for one in TROUBLES} == set()
