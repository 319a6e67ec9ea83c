# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases for the rules of policy/rules_files.py and rules_certificates.py that need no look at the host.

The others are tried on the hosts themselves, in test_files_real.py.
"""

from __future__ import annotations

import typing as t

from case import Case

CERTIFICATES: t.Final = (
    "smtpd_tls_cert_file",
    "smtpd_tls_key_file",
    "smtpd_tls_chain_files",
    "smtpd_tls_eccert_file",
    "smtpd_tls_eckey_file",
)
GOOD: t.Final = "smtpd_tls_cert_file = /etc/ssl/mx.pem\nsmtpd_tls_key_file = /etc/ssl/mx.key\n"
SNAKEOIL: t.Final = (
    "smtpd_tls_cert_file = /etc/ssl/certs/ssl-cert-snakeoil.pem\n"
    "smtpd_tls_key_file = /etc/ssl/private/ssl-cert-snakeoil.key\n"
)
MAY: t.Final = "smtpd_tls_security_level = may\n"
LOGIN: t.Final = "smtpd_sasl_auth_enable = yes\nsmtpd_sasl_type = dovecot\n"
ABSOLUTE: t.Final = "smtpd_sasl_path = /var/spool/postfix/private/auth\n"
CHROOT: t.Final = "smtp inet n - y - - smtpd\n"
LOG: t.Final = "maillog_file = /var/log/mail.log\n"

CASES: t.Final = (
    Case("certificate-absent", "fails", main=MAY, remove=CERTIFICATES),
    Case(
        "certificate-absent",
        "passes",
        main=MAY + "smtpd_tls_cert_file = none",
        found=False,
        name="on-purpose",
    ),
    Case("certificate-absent", "passes", main=MAY + GOOD, found=False),
    Case(
        "certificate-absent",
        "passes",
        main=MAY + "smtpd_tls_chain_files = /etc/ssl/mx.pem",
        remove=CERTIFICATES[:2],
        found=False,
        name="chain-files",
    ),
    Case(
        "certificate-absent",
        "absent",
        remove=(*CERTIFICATES, "smtpd_tls_security_level", "smtpd_use_tls"),
        found=False,
    ),
    Case(
        "certificate-absent",
        "overridden",
        main=MAY + GOOD,
        master="smtp inet n - y - - smtpd\n  -o smtpd_tls_cert_file=",
        subject="smtp/inet",
    ),
    Case(
        "certificate-absent",
        "overridden",
        main=MAY,
        remove=CERTIFICATES,
        master="smtp inet n - y - - smtpd\n  -o smtpd_tls_cert_file=/etc/ssl/mx.pem",
        found=False,
        name="undone",
    ),
    Case("certificate-snakeoil", "fails", main=MAY + SNAKEOIL, remove=CERTIFICATES[2:]),
    Case("certificate-snakeoil", "passes", main=MAY + GOOD, found=False),
    Case(
        "certificate-snakeoil",
        "passes",
        main=MAY + SNAKEOIL + "inet_interfaces = loopback-only",
        found=False,
        name="null-client",
    ),
    Case("certificate-snakeoil", "absent", main=MAY, remove=CERTIFICATES, found=False),
    Case(
        "certificate-snakeoil",
        "overridden",
        main=MAY + GOOD,
        master=(
            "submission inet n - y - - smtpd\n  -o smtpd_tls_security_level=encrypt\n"
            "  -o smtpd_tls_cert_file=/etc/ssl/certs/ssl-cert-snakeoil.pem"
        ),
        subject="submission/inet",
    ),
    Case(
        "certificate-snakeoil",
        "overridden",
        main=MAY + SNAKEOIL,
        master="smtp inet n - y - - smtpd\n  -o smtpd_tls_chain_files=/etc/ssl/mx.pem",
        found=False,
        name="undone",
    ),
    Case(
        "certificate-configured-twice",
        "fails",
        main=GOOD + "smtpd_tls_chain_files = /etc/ssl/all.pem",
    ),
    Case(
        "certificate-configured-twice",
        "fails",
        main="smtp_tls_chain_files = /etc/ssl/all.pem\nsmtp_tls_cert_file = /etc/ssl/client.pem",
        name="client",
    ),
    Case(
        "certificate-configured-twice",
        "passes",
        main="smtpd_tls_chain_files = /etc/ssl/all.pem",
        remove=CERTIFICATES[:2],
        found=False,
    ),
    Case("certificate-configured-twice", "passes", main=GOOD, found=False, name="legacy"),
    Case("certificate-configured-twice", "absent", remove=CERTIFICATES, found=False),
    Case(
        "certificate-configured-twice",
        "overridden",
        main="smtpd_tls_chain_files = /etc/ssl/all.pem",
        remove=CERTIFICATES[:2],
        master="smtp inet n - y - - smtpd\n  -o smtpd_tls_cert_file=/etc/ssl/mx.pem",
        subject="smtp/inet",
    ),
    Case(
        "certificate-configured-twice",
        "overridden",
        main=GOOD + "smtpd_tls_chain_files = /etc/ssl/all.pem",
        master="smtp inet n - y - - smtpd\n  -o smtpd_tls_chain_files=",
        found=False,
        name="undone",
    ),
    Case(
        "secret-in-configuration",
        "fails",
        main="smtp_sasl_password_maps = static:mail@relay.example:hunter2",
    ),
    Case(
        "secret-in-configuration",
        "fails",
        main="smtp_sasl_password_maps = inline:{ { relay.example = mail:hunter2 } }",
        name="inline",
    ),
    Case(
        "secret-in-configuration",
        "passes",
        main="smtp_sasl_password_maps = lmdb:/etc/postfix/sasl_passwd",
        found=False,
    ),
    Case(
        "secret-in-configuration",
        "absent",
        remove=("smtp_sasl_password_maps",),
        found=False,
    ),
    Case(
        "secret-in-configuration",
        "overridden",
        main="smtp_sasl_password_maps = lmdb:/etc/postfix/sasl_passwd",
        master="relay unix - - y - - smtp\n  -o smtp_sasl_password_maps=static:mail:hunter2",
        subject="relay/unix",
    ),
    Case("sasl-path-outside-chroot", "fails", main=LOGIN + ABSOLUTE, master=CHROOT),
    Case(
        "sasl-path-outside-chroot",
        "fails",
        main=LOGIN + ABSOLUTE + "compatibility_level = 0",
        master="smtp inet n - - - - smtpd",
        name="old-default",
    ),
    Case(
        "sasl-path-outside-chroot",
        "passes",
        main=LOGIN + "smtpd_sasl_path = private/auth",
        master=CHROOT,
        found=False,
    ),
    Case(
        "sasl-path-outside-chroot",
        "passes",
        main=LOGIN + ABSOLUTE,
        master="smtp inet n - n - - smtpd",
        found=False,
        name="no-chroot",
    ),
    Case(
        "sasl-path-outside-chroot",
        "passes",
        main=LOGIN + ABSOLUTE + "smtpd_sasl_type = cyrus",
        master=CHROOT,
        found=False,
        name="cyrus",
    ),
    Case(
        "sasl-path-outside-chroot",
        "absent",
        main=LOGIN,
        remove=("smtpd_sasl_path",),
        master=CHROOT,
        found=False,
    ),
    Case(
        "sasl-path-outside-chroot",
        "overridden",
        main="smtpd_sasl_type = dovecot\nsmtpd_sasl_path = private/auth",
        master=(
            "submission inet n - y - - smtpd\n  -o smtpd_sasl_auth_enable=yes\n"
            "  -o smtpd_sasl_path=/run/dovecot/auth-client"
        ),
        subject="submission/inet",
    ),
    Case(
        "sasl-path-outside-chroot",
        "overridden",
        main=LOGIN + ABSOLUTE,
        master="smtp inet n - y - - smtpd\n  -o smtpd_sasl_auth_enable=no",
        found=False,
        name="undone",
    ),
    Case(
        "chroot-service-cannot-run",
        "fails",
        master="local unix - n y - - local",
        subject="local/unix",
    ),
    Case(
        "chroot-service-cannot-run",
        "fails",
        main="compatibility_level = 0",
        master="store unix - n - - - pipe user=mail argv=/usr/bin/true",
        subject="store/unix",
        name="old-default",
    ),
    Case(
        "chroot-service-cannot-run",
        "passes",
        master="local unix - n n - - local",
        found=False,
    ),
    Case(
        "chroot-service-cannot-run",
        "absent",
        main="compatibility_level = 2",
        master="local unix - n - - - local",
        found=False,
    ),
    Case(
        "service-lacks-root",
        "fails",
        master="local unix - y n - - local",
        subject="local/unix",
    ),
    Case("service-lacks-root", "passes", master="local unix - n n - - local", found=False),
    Case(
        "service-lacks-root",
        "absent",
        master="store unix - - n - - pipe user=mail argv=/usr/bin/true",
        subject="store/unix",
    ),
    Case(
        "cache-outside-data-directory",
        "fails",
        main="smtp_tls_session_cache_database = btree:/etc/postfix/smtp_scache",
    ),
    Case(
        "cache-outside-data-directory",
        "fails",
        main="smtp_tls_session_cache_database = lmdb:${queue_directory}/smtp_scache",
        name="queue",
    ),
    Case(
        "cache-outside-data-directory",
        "passes",
        main="smtp_tls_session_cache_database = lmdb:${data_directory}/smtp_scache",
        found=False,
    ),
    Case(
        "cache-outside-data-directory",
        "absent",
        remove=("smtp_tls_session_cache_database", "smtpd_tls_session_cache_database"),
        found=False,
    ),
    Case("log-file-place", "fails", main="maillog_file = /srv/log/mail.log"),
    Case(
        "log-file-place",
        "fails",
        main=LOG + "maillog_file_prefixes = /srv, /dev/stdout",
        name="other-prefixes",
    ),
    Case("log-file-place", "passes", main=LOG, found=False),
    Case(
        "log-file-place",
        "passes",
        main="maillog_file = /dev/stdout",
        found=False,
        name="container",
    ),
    Case("log-file-place", "absent", remove=("maillog_file",), found=False),
    Case("log-service-missing", "fails", main=LOG + "postlog_service_name = logger"),
    Case("log-service-missing", "passes", main=LOG, found=False),
    Case(
        "log-service-missing",
        "absent",
        main="postlog_service_name = logger",
        remove=("maillog_file",),
        found=False,
    ),
)
