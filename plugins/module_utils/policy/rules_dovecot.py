# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of everything that is looked for in Dovecot, and the rules about its files (pure)."""

from __future__ import annotations

import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.dovecot.doveconf_output import Message
from ansible_collections.hardened.mail.plugins.module_utils.policy import (
    rules_dovecot_login,
    rules_dovecot_tls,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.dovecot_fix import quoted
from ansible_collections.hardened.mail.plugins.module_utils.policy.dovecot_view import DovecotView
from ansible_collections.hardened.mail.plugins.module_utils.policy.findings import Fix
from ansible_collections.hardened.mail.plugins.module_utils.policy.rule import Hit, Rule

#: Names that 2.4 does not take any more, and what takes their place: what a person writes today.
_OF_2_3: t.Final[t.Mapping[str, str]] = {
    "auth_debug": "log_debug = category=auth",
    "auth_default_realm": "auth_default_domain",
    "auth_worker_max_count": "service auth-worker { process_limit }",
    "default_idle_kill": "default_idle_kill_interval",
    "disable_plaintext_auth": "auth_allow_cleartext (with the opposite value)",
    "mail_location": "mail_driver and mail_path",
    "ssl_alt_cert": "ssl_server_alt_cert_file (without the <)",
    "ssl_alt_key": "ssl_server_alt_key_file (without the <)",
    "ssl_ca": "ssl_server_ca_file (without the <)",
    "ssl_cert": "ssl_server_cert_file (without the <)",
    "ssl_cert_username_field": "ssl_server_cert_username_field",
    "ssl_client_cert": "ssl_client_cert_file (without the <)",
    "ssl_client_key": "ssl_client_key_file (without the <)",
    "ssl_dh": "ssl_server_dh_file, or nothing",
    "ssl_key": "ssl_server_key_file (without the <)",
    "ssl_key_password": "ssl_server_key_password",
    "ssl_prefer_server_ciphers": "ssl_server_prefer_ciphers = client or server",
    "ssl_require_crl": "ssl_server_require_crl",
    "ssl_verify_client_cert": "ssl_server_request_client_cert",
    "verbose_ssl": "log_debug = category=ssl",
}
#: Names of 2.2 that 2.3 translates, passes over or takes wrongly.
_OF_2_2: t.Final[t.Mapping[str, str]] = {
    "ssl_protocols": "ssl_min_protocol",
    "ssl_dh_parameters_length": "nothing: take the line out",
    "ssl_parameters_regenerate": "nothing: take the line out",
    "ssl_disable": "ssl",
    "ssl_cert_file": "ssl_cert = <FILE",
    "ssl_key_file": "ssl_key = <FILE",
    "ssl_ca_file": "ssl_ca = <FILE",
    "login_dir": "nothing: take the line out",
}
#: Names of 2.4 on which 2.3 stops.
_OF_2_4: t.Final[t.Mapping[str, str]] = {
    "dovecot_config_version": "nothing: 2.3 knows no such line",
    "dovecot_storage_version": "nothing: 2.3 knows no such line",
    "auth_allow_cleartext": "disable_plaintext_auth (with the opposite value)",
    "mail_driver": "mail_location",
    "ssl_server_cert_file": "ssl_cert = <FILE",
    "ssl_server_key_file": "ssl_key = <FILE",
    "ssl_server_alt_cert_file": "ssl_alt_cert = <FILE",
    "ssl_server_alt_key_file": "ssl_alt_key = <FILE",
    "ssl_server_dh_file": "ssl_dh = <FILE",
    "ssl_server_prefer_ciphers": "ssl_prefer_server_ciphers = no or yes",
    "ssl_server_request_client_cert": "ssl_verify_client_cert",
    "passdb_default_password_scheme": "passdb { args = scheme=... }",
    "passwd_file_path": "passdb { args = FILE }",
    "log_debug": "auth_debug, verbose_ssl",
}


def _refused(view: DovecotView) -> t.Iterator[Hit]:
    if view.refused is None:
        return
    message = view.refused
    place = f"{message.file}, line {message.line}: " if message.line else ""
    yield Hit(
        subject=message.file or view.file,
        parameter="",
        observed=f"{place}{message.text}",
        expected="a configuration that doveconf -n takes",
        message=f"Dovecot does not start with this configuration: {place}{message.text}",
        fix=Fix(
            "",
            f"mend {place or view.file + ': '}{_hint(view, message)}; doveconf -n says when it is well",
        ),
    )


def _hint(view: DovecotView, message: Message) -> str:
    name = message.text.rpartition("Unknown setting: ")[2].strip()
    names = {**_OF_2_3, **_OF_2_2} if view.new else _OF_2_4
    if name in names:
        return f"write {names[name]} instead of {name}"
    if "missing section name" in message.text:
        return "2.4 wants the driver as the name, such as passdb passwd-file { }"
    if "dovecot_config_version" in message.text:
        return (
            f"put dovecot_config_version = {'.'.join(map(str, view.version))} into the first line"
        )
    return message.text


def _foreign_names(view: DovecotView) -> t.Iterator[Hit]:
    """2.3 and 2.4 do not take each other's names, and doveconf tells the first one only."""
    names = {**_OF_2_3, **_OF_2_2} if view.new else {**_OF_2_2, **_OF_2_4}
    # 2.4 gave these old names back with another meaning.
    known = {"ssl_client_ca_file", "auth_debug"} if view.new else set()
    written = view.facts.written if view.facts else ()
    for one in written:
        if one.name not in names or one.name in known or one.section in ("plugin", "metric"):
            continue
        fatal = view.new or one.name in _OF_2_4
        release = "2.2" if one.name in _OF_2_2 else ("2.3" if view.new else "2.4")
        running = "2.4" if view.new else "2.3"
        yield Hit(
            subject=one.file,
            parameter=one.name,
            observed=f"line {one.line}",
            expected=names[one.name],
            message=(
                f"{one.name} is a name of Dovecot {release}; "
                + (
                    f"{running} does not start with it."
                    if fatal
                    else f"{running} warns of it and 2.4 stops at it."
                )
            ),
            fix=Fix("", f"in {one.file}, line {one.line}: write {names[one.name]}"),
            severity="high" if fatal else "low",
        )
    for section in view.facts.unnamed if view.facts and view.new else ():
        yield Hit(
            subject=section.file,
            parameter=section.kind,
            observed=f"line {section.line}",
            expected=f"{section.kind} with the name of its driver",
            message=f"{section.kind} {{ }} has no name, as in Dovecot 2.3; 2.4 does not start with it.",
            fix=Fix(
                "", f"in {section.file}, line {section.line}: such as {section.kind} passwd-file {{"
            ),
            severity="high",
        )


def _complaints(view: DovecotView) -> t.Iterator[Hit]:
    for message in view.messages:
        if message.kind == "Error":
            yield Hit(
                subject=message.file or view.file,
                parameter="",
                observed=message.text,
                expected="no error",
                message=f"doveconf reports an error and goes on: {message.text}",
                fix=Fix("", "mend what doveconf -n says on standard error"),
            )


def _readable_secrets(view: DovecotView) -> t.Iterator[Hit]:
    if view.facts is None:
        return
    found: dict[str, list[str]] = {}
    for one in view.facts.written:
        if one.secret and view.facts.file(one.file).open_to_all:
            found.setdefault(one.file, []).append(f"{one.name} (line {one.line})")
    for path, names in found.items():
        fact = view.facts.file(path)
        yield Hit(
            subject=path,
            parameter=names[0].partition(" ")[0],
            observed=f"{fact.octal} {fact.owner}:{fact.group}",
            expected="0640 root:dovecot, or a file of its own with 0600",
            message=f"{path} can be read by every user and holds a secret: {', '.join(names[:5])}.",
            fix=Fix(
                "",
                f"chmod 0600 {quoted(path)}, or move the secret into a file with 0600 and !include_try that",
            ),
        )
    for database in view.passdbs:
        fact = view.facts.file(database.file)
        if database.driver == "passwd-file" and fact.exists and fact.open_to_all:
            yield Hit(
                subject=database.file,
                parameter=database.subject,
                observed=f"{fact.octal} {fact.owner}:{fact.group}",
                expected="0640 root:dovecot",
                message=f"{database.file} with the passwords can be read by every user of this host.",
                fix=Fix(
                    "",
                    f"chown root:dovecot {quoted(database.file)} && chmod 0640 {quoted(database.file)}",
                ),
            )


RULES: t.Final[tuple[Rule[DovecotView], ...]] = (
    Rule(
        id="dovecot-configuration-refused",
        area="dovecot",
        severity="critical",
        title="Dovecot does not start with its configuration",
        why="A Dovecot that runs goes on until its next restart, and then nobody can log in any more.",
        source="doveconf(1), exit status 89",
        check=_refused,
        needs=("warnings",),
        dies=True,
        example="ssl_cert = </etc/ssl/mx.pem with Dovecot 2.4",
    ),
    Rule(
        id="dovecot-foreign-names",
        area="dovecot",
        severity="high",
        title="Settings have names of another Dovecot",
        why="Dovecot 2.3 and 2.4 do not take each other's configuration: the next restart fails, or a wish is passed over.",
        source="Dovecot, upgrading 2.2 to 2.3 and 2.3 to 2.4: converted settings",
        check=_foreign_names,
        needs=("host",),
        dies=True,
        example="ssl_protocols = !SSLv3",
    ),
    Rule(
        id="dovecot-complains",
        area="dovecot",
        severity="medium",
        title="Dovecot cannot follow a setting",
        why="It goes on without what the line asked for, so the server is not as it was meant to be.",
        source="doveconf(1)",
        check=_complaints,
        needs=("main",),
        example="ssl_protocols = !SSLv2, which 2.3 does not know",
    ),
    Rule(
        id="dovecot-readable-secrets",
        area="dovecot",
        severity="high",
        title="Secrets of Dovecot can be read by every user of the host",
        why="Any program that is broken into on this host then has the passwords of the mail service.",
        source="Dovecot, password protected key files: dovecot.conf is world-readable",
        check=_readable_secrets,
        needs=("host",),
        example="ssl_key_password in dovecot.conf",
    ),
    *rules_dovecot_tls.RULES,
    *rules_dovecot_login.RULES,
)

__all__ = ("RULES",)
