# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role left in the files of the hosts."""

from __future__ import annotations

import json
import re
import typing as t

import pytest

if t.TYPE_CHECKING:
    from conftest import Host

CLIENT_CERTIFICATES: t.Final = (
    "smtp_tls_cert_file",
    "smtp_tls_eccert_file",
    "smtp_tls_dcert_file",
    "smtp_tls_chain_files",
)
STATE: t.Final = "/var/lib/hardened-mail"


def test_no_client_certificate_is_set(mx: Host) -> None:
    assert mx.postconf(*CLIENT_CERTIFICATES) == dict.fromkeys(CLIENT_CERTIFICATES, "")


def test_only_main_cf_and_the_state_of_the_collection_differ(stock: Host) -> None:
    differ = json.loads(stock.output("python3", "/root/lab/files.py", "compare"))
    # /var/mail has what the other tests delivered.
    others = [path for path in differ if not path.startswith((STATE, "/var/mail"))]
    assert others == ["/etc/postfix/main.cf"]


def test_main_cf_keeps_owner_and_mode(stock: Host) -> None:
    assert stock.output("stat", "--format=%U:%G %a", "/etc/postfix/main.cf") == "root:root 644"


def test_only_lines_of_owned_parameters_are_gone_from_main_cf(stock: Host) -> None:
    was, now = (
        stock.output("sh", "-c", f"cat {path}").splitlines()
        for path in (f"{STATE}/etc-postfix/original/main.cf", "/etc/postfix/main.cf")
    )
    gone = {line.partition("=")[0].strip() for line in was if line not in now}
    assert {"smtpd_tls_cert_file", "smtpd_tls_key_file"} <= gone
    assert gone <= {
        "smtpd_tls_cert_file",
        "smtpd_tls_key_file",
        "smtp_tls_session_cache_database",
        "smtp_tls_CAfile",
    }


def test_observing_set_the_two_log_levels_and_nothing_else(observed: Host) -> None:
    original, then = (
        observed.content(f"{STATE}/etc-postfix/{kept}/main.cf") for kept in ("original", "previous")
    )
    assert then == original + "smtpd_tls_loglevel = 1\nsmtp_tls_loglevel = 1\n"


def test_postfix_is_content_with_the_configuration(mx: Host) -> None:
    assert mx.run("postfix", "check").stderr == ""
    assert mx.run("postconf", "-n").stderr == ""


def test_log_has_no_warning_about_the_configuration(mx: Host) -> None:
    since = mx.log().rpartition("reload -- version")[2].splitlines()
    lines = [line for line in since if re.search("warning:|error:|fatal:|panic:", line)]
    # The scans of the other tests do this.
    assert [line for line in lines if "TLS library problem" not in line] == []


@pytest.mark.parametrize("name", ["sasl_passwd", "sasl_passwd.db"])
def test_password_of_the_null_client_is_as_it_was(null_client: Host, name: str) -> None:
    path = f"/etc/postfix/{name}"
    assert null_client.output("stat", "--format=%a", path) == "600"
    assert path not in json.loads(null_client.output("python3", "/root/lab/files.py", "compare"))


def test_null_client_keeps_its_relay(null_client: Host) -> None:
    wanted = {
        "relayhost": "[smarthost.example]:465",
        "inet_interfaces": "loopback-only",
        "smtp_sasl_auth_enable": "yes",
        "smtp_sasl_password_maps": "hash:/etc/postfix/sasl_passwd",
        "smtp_tls_wrappermode": "yes",
        "smtp_tls_security_level": "secure",
    }
    assert null_client.postconf(*wanted) == wanted


def test_submission_service_of_the_relay_is_as_it_was(relay: Host) -> None:
    assert "/etc/postfix/master.cf" not in json.loads(
        relay.output("python3", "/root/lab/files.py", "compare")
    )


def test_fresh_host_has_postfix_running_at_boot(fresh: Host) -> None:
    assert fresh.output("systemctl", "is-enabled", "postfix") == "enabled"
    assert fresh.output("systemctl", "is-active", "postfix") == "active"
