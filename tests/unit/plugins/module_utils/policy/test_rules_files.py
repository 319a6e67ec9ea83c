# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judgement of the rules about files and certificates where a laboratory host cannot show it."""

from __future__ import annotations

import datetime
import pathlib
import re
import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.policy import (
    rules_certificates,
    rules_files,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.findings import (
    Finding,
    Verdict,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.host_facts import (
    UNSEEN,
    CertificateFact,
    FileFact,
    HostFacts,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.rule import judge
from ansible_collections.hardened.mail.plugins.module_utils.policy.view import View
from ansible_collections.hardened.mail.plugins.module_utils.postfix import master_cf
from ansible_collections.hardened.mail.plugins.module_utils.postfix.version import Version
from ansible_collections.hardened.mail.plugins.module_utils.x509.chain import Problem

RULES = {one.id: one for one in (*rules_files.RULES, *rules_certificates.RULES)}
NOW = datetime.datetime(2026, 11, 24, tzinfo=datetime.timezone.utc)
DEFAULTS = {
    "command_directory": "/usr/sbin",
    "compatibility_level": "3.6",
    "daemon_directory": "/usr/lib/postfix/sbin",
    "data_directory": "/var/lib/postfix",
    "default_database_type": "hash",
    "inet_interfaces": "all",
    "mail_owner": "postfix",
    "message_size_limit": "10240000",
    "myhostname": "mx.example",
    "queue_directory": "/var/spool/postfix",
    "queue_minfree": "0",
    "setgid_group": "postdrop",
}
FILE = FileFact(True, kind="file", mode=0o644, owner="root", group="root")
MAY = "smtpd_tls_security_level = may\nsmtpd_tls_cert_file = /mx.pem\nsmtpd_tls_key_file = /mx.key"


def judged(
    rule: str, main: str = "", master: str = "smtp inet n - y - - smtpd", **facts: t.Any
) -> Verdict:
    explicit = dict(line.split(" = ", 1) for line in main.splitlines())
    view = View(
        version=Version.parse("3.7.11"),
        raw={**DEFAULTS, **explicit},
        explicit=explicit,
        services=master_cf.parse(master + "\n"),
        facts=HostFacts(NOW, **facts),
    )
    return judge(view, [RULES[rule]])


def found(*arguments: t.Any, **facts: t.Any) -> tuple[Finding, ...]:
    verdict = judged(*arguments, **facts)
    assert not verdict.incomplete
    return verdict.findings


def subjects(*arguments: t.Any, **facts: t.Any) -> list[str]:
    return [one.subject for one in found(*arguments, **facts)]


@pytest.mark.parametrize(
    ("main", "free", "full"),
    [
        pytest.param("", 15_360_000, False, id="just-enough"),
        pytest.param("", 15_359_999, True, id="one-octet-less"),
        pytest.param("queue_minfree = 20000000", 19_999_999, True, id="minfree"),
        pytest.param("message_size_limit = 0", 0, False, id="no-limit"),
        pytest.param("", None, False, id="not-known"),
    ],
)
def test_queue_disk_full_counts_as_smtpd_does(main: str, free: t.Optional[int], full: bool) -> None:
    assert bool(subjects("queue-disk-full", main, queue_free=free)) is full


@pytest.mark.parametrize(
    ("rule", "main", "path"),
    [
        ("config-file-writable", "", "/etc/postfix/main.cf"),
        ("table-file-missing", "virtual_alias_maps = hash:/v", "/v.db"),
        ("table-index-stale", "virtual_alias_maps = hash:/v", "/v"),
        ("secret-table-readable", "virtual_alias_maps = mysql:/v.cf", "/v.cf"),
        ("tls-config-file-missing", "tls_config_file = /o.cnf", "/o.cnf"),
        ("ca-file-unreadable", "smtpd_tls_CAfile = /ca.crt", "/ca.crt"),
        ("policy-socket-unusable", "smtpd_client_restrictions = check_policy_service unix:p", ""),
    ],
)
def test_what_cannot_be_seen_is_incomplete_and_not_wrong(rule: str, main: str, path: str) -> None:
    path = path or "/var/spool/postfix/p"
    verdict = judged(rule, main, files={path: FileFact(False, error="Permission denied")})
    assert verdict.findings == ()
    assert [(one.reason, one.rules) for one in verdict.incomplete] == [
        (f"{path} cannot be seen: Permission denied", (rule,))
    ]


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        pytest.param({}, False, id="0644"),
        pytest.param({"mode": 0o664}, False, id="group-root"),
        pytest.param({"mode": 0o664, "group": "mail"}, True, id="other-group"),
        pytest.param({"mode": 0o666}, True, id="all"),
        pytest.param({"owner": "mail"}, True, id="owner"),
    ],
)
def test_config_file_writable(changes: dict[str, t.Any], wrong: bool) -> None:
    fact = FILE._replace(**changes)
    assert bool(subjects("config-file-writable", files={"/etc/postfix/main.cf": fact})) is wrong


@pytest.mark.parametrize(
    ("inside", "outside", "stale"),
    [
        pytest.param(("192.0.2.1",), ("192.0.2.1",), False, id="same"),
        pytest.param(("192.0.2.1",), ("192.0.2.2",), True, id="other"),
        pytest.param((), ("192.0.2.2",), True, id="empty-copy"),
        pytest.param(None, ("192.0.2.2",), False, id="no-copy"),
    ],
)
def test_chroot_resolver_stale(
    inside: t.Optional[tuple[str, ...]], outside: tuple[str, ...], stale: bool
) -> None:
    hits = subjects("chroot-resolver-stale", chroot_nameservers=inside, nameservers=outside)
    assert bool(hits) is stale


@pytest.mark.parametrize(
    ("master", "nameservers", "wrong"),
    [
        pytest.param("smtp unix - - y - - smtp", ("192.0.2.1",), True, id="chroot"),
        pytest.param("smtp unix - - n - - smtp", ("192.0.2.1",), False, id="no-chroot"),
        pytest.param("smtp unix - - y - - smtp", ("127.0.0.1",), False, id="resolver-here"),
        pytest.param("smtp unix - - y - - smtp", ("127.0.0.53",), True, id="resolver-elsewhere"),
    ],
)
def test_chroot_resolver_missing(master: str, nameservers: tuple[str, ...], wrong: bool) -> None:
    hits = subjects("chroot-resolver-missing", "", master, nameservers=nameservers)
    assert bool(hits) is wrong


def test_policy_sockets_of_a_stopped_postfix_are_no_finding() -> None:
    main = "smtpd_client_restrictions = check_policy_service unix:private/p"
    assert subjects("policy-socket-unusable", main, running=False) == []
    assert subjects("policy-socket-unusable", main, running=True) == ["main.cf"]


@pytest.mark.parametrize(
    ("changes", "closed"),
    [
        pytest.param({}, True, id="0600-root"),
        pytest.param({"written_by_postfix": True}, False, id="writable"),
        pytest.param({"kind": "file", "written_by_postfix": True}, True, id="no-socket"),
    ],
)
def test_sasl_socket_closed(changes: dict[str, t.Any], closed: bool) -> None:
    main = "smtpd_sasl_auth_enable = yes\nsmtpd_sasl_type = dovecot\nsmtpd_sasl_path = private/auth"
    fact = FileFact(True, **{"kind": "socket", "mode": 0o600, **changes})
    path = "/var/spool/postfix/private/auth"
    assert subjects("sasl-socket-closed", main, files={path: fact}) == [path] * closed
    assert subjects("sasl-socket-missing", main, files={path: fact}) == []


def test_sasl_path_that_is_also_in_the_chroot_is_good() -> None:
    main = "smtpd_sasl_auth_enable = yes\nsmtpd_sasl_type = dovecot\nsmtpd_sasl_path = /run/auth"
    assert subjects("sasl-path-outside-chroot", main) == ["main.cf"]
    inside = {"/var/spool/postfix/run/auth": FileFact(True, kind="socket")}
    assert subjects("sasl-path-outside-chroot", main, files=inside) == []


def test_secret_in_configuration_is_not_shown() -> None:
    (one,) = found("secret-in-configuration", "smtp_sasl_password_maps = static:mail:hunter2")
    assert "hunter2" not in repr(one)
    assert one.severity == "low"
    open_file = {"/etc/postfix/main.cf": FILE}
    (one,) = found(
        "secret-in-configuration", "smtp_sasl_password_maps = static:mail:hunter2", files=open_file
    )
    assert one.severity == "high"


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        pytest.param({"secret": True}, True, id="readable"),
        pytest.param({"secret": True, "closed": "/etc/postfix/sql"}, False, id="closed-directory"),
        pytest.param({"secret": True, "mode": 0o640}, False, id="0640"),
        pytest.param({}, False, id="no-password"),
    ],
)
def test_secret_table_readable(changes: dict[str, t.Any], wrong: bool) -> None:
    facts = {"/sql.cf": FILE._replace(**changes)}
    hits = subjects("secret-table-readable", "virtual_alias_maps = mysql:/sql.cf", files=facts)
    assert bool(hits) is wrong


def certificate(*problems: tuple[str, str], path: str = "/mx.pem") -> tuple[CertificateFact, ...]:
    return (
        CertificateFact(
            "smtpd_tls_cert_file",
            path,
            tuple(Problem(code, severity, f"{path}: {code}") for code, severity in problems),  # type: ignore[arg-type]
            key_path="/mx.key",
            hostname="mx.example",
        ),
    )


@pytest.mark.parametrize(
    ("master", "severity"),
    [
        ("smtp inet n - y - - smtpd", ["medium"]),
        ("submission inet n - y - - smtpd", ["high"]),
        ("127.0.0.1:10025 inet n - y - - smtpd", []),
    ],
)
def test_a_wrong_name_is_worse_where_people_come_in(master: str, severity: list[str]) -> None:
    facts = certificate(("wrong_name", "error"))
    hits = found("certificate-wrong-name", MAY, master, certificates=facts)
    assert [one.severity for one in hits] == severity


def test_a_null_client_needs_no_good_name_but_files_that_can_be_read() -> None:
    main = MAY + "\ninet_interfaces = loopback-only"
    facts = certificate(("wrong_name", "error"), ("missing", "error"))
    assert subjects("certificate-wrong-name", main, certificates=facts) == []
    assert subjects("certificate-file-unusable", main, certificates=facts) == ["main.cf"]


def test_the_example_certificate_is_told_once() -> None:
    path = "/etc/ssl/certs/ssl-cert-snakeoil.pem"
    main = MAY.replace("/mx.pem", path)
    facts = certificate(("self_signed", "warning"), ("wrong_name", "error"), path=path)
    assert subjects("certificate-snakeoil", main, certificates=facts) == ["main.cf"]
    assert subjects("certificate-self-signed", main, certificates=facts) == []
    assert subjects("certificate-wrong-name", main, certificates=facts) == []


def test_a_key_problem_names_the_key_parameter() -> None:
    facts = certificate(("key_world_readable", "error"))
    (one,) = found("key-readable-by-all", MAY, certificates=facts)
    assert one.parameter == "smtpd_tls_key_file"
    assert one.fix.command == "chmod 0600 /mx.pem"


def test_a_key_that_who_looks_may_not_read_is_incomplete() -> None:
    verdict = judged("certificate-key-mismatch", MAY, certificates=certificate((UNSEEN, "error")))
    assert not verdict.findings
    assert verdict.incomplete[0].rules == ("certificate-key-mismatch",)


def test_every_problem_of_a_certificate_has_a_rule() -> None:
    """A code that no rule asks for would be a fault that nobody hears of."""
    utils = pathlib.Path(rules_files.__file__).parents[1]
    texts = [(utils / "x509" / name).read_text() for name in ("pair.py", "chain.py")]
    codes = {code for text in texts for code in re.findall(r'Problem\(\s*f?"([a-z{}_]+)"', text)}
    codes = codes - {"{prefix}missing", "{prefix}directory"} | {"missing", "key_missing"}
    codes |= {"directory", "key_directory", "key_unreadable", "unreadable", "not_pem"}
    # Trust in a bundle of authorities is not judged here; see certificate-self-signed.
    codes -= {"untrusted", "ca_unreadable"}
    asked = (utils / "policy" / "rules_certificates.py").read_text()
    assert {code for code in codes if f'"{code}"' not in asked} == set()
