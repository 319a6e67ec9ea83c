# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a configuration names: tables, sockets, certificates, and where they really are."""

from __future__ import annotations

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.policy import named_files
from ansible_collections.hardened.mail.plugins.module_utils.policy.view import View
from ansible_collections.hardened.mail.plugins.module_utils.postfix import master_cf
from ansible_collections.hardened.mail.plugins.module_utils.postfix.version import Version

DEFAULTS = {
    "alias_maps": "hash:/etc/aliases",
    "command_directory": "/usr/sbin",
    "compatibility_level": "3.6",
    "config_directory": "/etc/postfix",
    "daemon_directory": "/usr/lib/postfix/sbin",
    "data_directory": "/var/lib/postfix",
    "mail_owner": "postfix",
    "myhostname": "mx.example",
    "queue_directory": "/var/spool/postfix",
    "smtpd_sasl_type": "cyrus",
    "smtpd_tls_key_file": "$smtpd_tls_cert_file",
}


def view(main: str = "", master: str = "smtp inet n - n - - smtpd") -> View:
    explicit = dict(line.split(" = ", 1) for line in main.splitlines())
    return View(
        version=Version.parse("3.7.11"),
        raw={**DEFAULTS, **explicit},
        explicit=explicit,
        services=master_cf.parse(master + "\n"),
    )


@pytest.mark.parametrize(
    ("value", "found"),
    [
        pytest.param("hash:/etc/postfix/v", [("hash", "/etc/postfix/v.db")], id="index"),
        pytest.param("lmdb:/v", [("lmdb", "/v.lmdb")], id="lmdb"),
        pytest.param("cdb:/v", [("cdb", "/v.cdb")], id="cdb"),
        pytest.param("texthash:/v", [("texthash", "")], id="no-index"),
        pytest.param("proxy:mysql:/sql.cf", [("mysql", "")], id="proxied"),
        pytest.param("hash:$config_directory/v", [("hash", "/etc/postfix/v.db")], id="expanded"),
        pytest.param("a, cidr:/x,regexp:/y pcre:/z", [("cidr", ""), ("regexp", ""), ("pcre", "")]),
        pytest.param("pipemap:{hash:/x, cidr:/y}", [("hash", "/x.db"), ("cidr", "")], id="nested"),
        pytest.param("unix:passwd.byname static:/x", [], id="no-files"),
        pytest.param("mysql:users", [], id="old-mysql"),
        pytest.param("reject_rbl_client a.example/hash:/x", [], id="inside-a-word"),
    ],
)
def test_table_uses_finds_the_files(value: str, found: list[tuple[str, str]]) -> None:
    uses = named_files.table_uses(view(f"virtual_alias_maps = {value}"))
    assert [
        (one.kind, one.index_file) for one in uses if one.parameter == "virtual_alias_maps"
    ] == found


def test_table_uses_names_an_override_and_each_table_once() -> None:
    master = (
        "smtp inet n - n - - smtpd\n  -o virtual_alias_maps=hash:/b\n  -o relay_domains=hash:/a"
    )
    uses = named_files.table_uses(view("transport_maps = hash:/a", master))
    assert [(one.subject, one.path) for one in uses] == [
        ("main.cf", "/a"),
        ("main.cf", "/etc/aliases"),
        ("smtp/inet", "/b"),
    ]


@pytest.mark.parametrize(
    "name",
    [
        "smtp_tls_session_cache_database",
        "address_verify_map",
        "postscreen_cache_map",
        "proxy_read_maps",
    ],
)
def test_table_uses_leaves_out_what_postfix_makes(name: str) -> None:
    uses = named_files.table_uses(view(f"{name} = btree:/var/lib/postfix/x"))
    assert [one.parameter for one in uses] == ["alias_maps"]


@pytest.mark.parametrize(
    ("column", "level", "inside"),
    [("y", "3.6", True), ("n", "0", False), ("-", "0", True), ("-", "1", False), ("-", "2", False)],
)
def test_chrooted_reads_the_column_and_its_default(column: str, level: str, inside: bool) -> None:
    one = view(f"compatibility_level = {level}", f"smtp inet n - {column} - 0 smtpd")
    assert named_files.chrooted(one, one.services[0]) is inside


LOGIN = "smtpd_sasl_auth_enable = yes\nsmtpd_sasl_type = dovecot\n"


@pytest.mark.parametrize(
    ("path", "chroot", "place"),
    [
        pytest.param("private/auth", "y", "/var/spool/postfix/private/auth", id="relative"),
        pytest.param("unix:private/auth", "n", "/var/spool/postfix/private/auth", id="prefix"),
        pytest.param("/run/auth", "n", "/run/auth", id="absolute"),
        pytest.param("/run/auth", "y", "/var/spool/postfix/run/auth", id="absolute-in-chroot"),
    ],
)
def test_socket_uses_finds_the_login_socket(path: str, chroot: str, place: str) -> None:
    one = view(f"{LOGIN}smtpd_sasl_path = {path}", f"smtp inet n - {chroot} - - smtpd")
    (use,) = named_files.socket_uses(one)
    assert (use.purpose, use.path, use.subject) == ("login", place, "main.cf")


@pytest.mark.parametrize(
    "main",
    [
        pytest.param("smtpd_sasl_type = dovecot\nsmtpd_sasl_path = private/auth", id="off"),
        pytest.param("smtpd_sasl_auth_enable = yes\nsmtpd_sasl_path = smtpd", id="cyrus"),
        pytest.param(f"{LOGIN}smtpd_sasl_path = inet:192.0.2.1:12345", id="network"),
        pytest.param("smtpd_milters = inet:localhost:8891", id="milter-network"),
        pytest.param(
            "smtpd_client_restrictions = check_policy_service inet:localhost:10023", id="policy"
        ),
        pytest.param("virtual_transport = lmtp:inet:localhost:24", id="delivery"),
        pytest.param("virtual_transport = nobody:unix:private/store", id="no-such-service"),
    ],
)
def test_socket_uses_leaves_out_what_is_no_socket(main: str) -> None:
    assert named_files.socket_uses(view(main)) == ()


def test_socket_uses_finds_filters_policies_and_stores() -> None:
    one = view(
        "smtpd_milters = inet:localhost:1, { unix:/run/a/sock, default_action=accept }\n"
        "non_smtpd_milters = unix:a/sock\n"
        "smtpd_sender_restrictions = reject_x, check_policy_service unix:private/p, permit\n"
        "virtual_transport = lmtp:unix:private/store",
        "smtp inet n - y - - smtpd\nlmtp unix - - n - - lmtp\ncleanup unix n - n - 0 cleanup",
    )
    assert [(use.purpose, use.service, use.path) for use in named_files.socket_uses(one)] == [
        ("milter", "smtp/inet", "/var/spool/postfix/run/a/sock"),
        ("policy", "smtp/inet", "/var/spool/postfix/private/p"),
        ("milter", "cleanup/unix", "/var/spool/postfix/a/sock"),
        ("delivery", "lmtp/unix", "/var/spool/postfix/private/store"),
    ]


TWO = "smtp inet n - n - - smtpd\nsubmission inet n - n - - smtpd\n"


def test_certificate_uses_joins_the_services_of_one_value() -> None:
    one = view("smtpd_tls_security_level = may\nsmtpd_tls_cert_file = /mx.pem", TWO)
    (use,) = named_files.certificate_uses(one)
    assert (use.path, use.key_path, use.hostname) == ("/mx.pem", "/mx.pem", "mx.example")
    assert [endpoint.subject for endpoint in use.endpoints] == ["smtp/inet", "submission/inet"]


@pytest.mark.parametrize(
    ("override", "uses"),
    [
        pytest.param(
            "smtpd_tls_key_file=/k", [("main.cf", "/mx.pem"), ("submission/inet", "/k")], id="key"
        ),
        pytest.param(
            "smtpd_tls_chain_files=/k,/c",
            [("main.cf", "/mx.pem"), ("submission/inet", "/k, /c")],
            id="chain-files",
        ),
        pytest.param("smtpd_tls_cert_file=none", [("main.cf", "/mx.pem")], id="none"),
        pytest.param("smtpd_tls_security_level=none", [("main.cf", "/mx.pem")], id="no-tls"),
        pytest.param(
            "myhostname=sub.example",
            [("main.cf", "/mx.pem"), ("main.cf", "/mx.pem")],
            id="other-name",
        ),
    ],
)
def test_certificate_uses_sees_overrides(override: str, uses: list[tuple[str, str]]) -> None:
    main = "smtpd_tls_security_level = may\nsmtpd_tls_cert_file = /mx.pem"
    found = named_files.certificate_uses(view(main, f"{TWO}  -o {override}\n"))
    assert [(use.subject, use.key_path) for use in found] == uses


@pytest.mark.parametrize(
    ("table", "uses"),
    [
        pytest.param(
            "inline:{ { hardened-mail.invalid = /k /c }, { a.example = /k /c }, { .b.example = /b } }",
            [("a.example", "/k, /c"), ("any.b.example", "/b")],
            id="rows",
        ),
        pytest.param("inline:{a.example=/a.pem}", [("a.example", "/a.pem")], id="plain-row"),
        pytest.param(
            "hash:/etc/postfix/sni, inline:{ { a.example = /k, /c } }",
            [("a.example", "/k, /c")],
            id="beside-another",
        ),
        pytest.param("hash:/etc/postfix/sni", [], id="indexed"),
    ],
)
def test_certificate_uses_knows_names_that_are_asked_for(
    table: str, uses: list[tuple[str, str]]
) -> None:
    main = "smtpd_tls_security_level = may\nsmtpd_tls_cert_file = /mx.pem"
    by_name = view(f"{main}\ntls_server_sni_maps = {table}")
    found = [one for one in named_files.certificate_uses(by_name) if one.path != "/mx.pem"]
    assert [(one.hostname, one.path) for one in found] == uses
    assert {one.parameter for one in found} <= {"tls_server_sni_maps"}
    assert all(
        f"/{path[1:]}" in named_files.wanted(by_name) for _name, path in uses if "," not in path
    )


def test_certificate_uses_knows_client_certificates() -> None:
    one = view("smtp_tls_cert_file = /c.pem", "smtp unix - - n - - smtp")
    (use,) = named_files.certificate_uses(one)
    assert (use.parameter, use.server, use.hostname) == ("smtp_tls_cert_file", False, "")


def test_authorities_looks_for_directories_in_the_chroot_and_for_files_outside() -> None:
    one = view("smtp_tls_CAfile = /ca.crt\nsmtp_tls_CApath = /ca", "smtp unix - - y - - smtp")
    assert [use.path for use in named_files.authorities(one)] == [
        "/ca.crt",
        "/var/spool/postfix/ca",
    ]


def test_programs_are_in_the_daemon_directory() -> None:
    one = view(master="a unix - n n - - pipe\nb unix - n n - - /opt/b")
    assert [use.path for use in named_files.programs(one)] == [
        "/usr/lib/postfix/sbin/pipe",
        "/opt/b",
    ]


def test_wanted_names_each_file_once_and_only_whole_paths() -> None:
    one = view(
        "smtpd_tls_security_level = may\nsmtpd_tls_chain_files = /k.pem, /c.pem\n"
        "tls_config_file = default\nsmtp_tls_CApath = /k.pem",
        TWO + "smtp unix - - n - - smtp",
    )
    paths = named_files.wanted(one)
    assert len(set(paths)) == len(paths)
    assert all(path.startswith("/") for path in paths)
    assert {"/k.pem", "/c.pem", "/etc/aliases.db", "/etc/postfix/main.cf"} <= set(paths)
