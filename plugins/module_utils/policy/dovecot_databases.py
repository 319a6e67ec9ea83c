# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the chosen password and user databases are written for Dovecot 2.3 and 2.4 (pure).

2.3 has sections without a name and a file of its own for each server; 2.4 has named sections and takes
the settings of a server in the configuration. What is secret comes to a file that only root reads.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from ansible_collections.hardened.mail.plugins.module_utils.policy.dovecot_choices import (
    DovecotChoices,
    LdapChoice,
    SqlChoice,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.dovecot_resolve import Line

#: The name of our sections in 2.4.
OURS: t.Final = "hardened_mail"
_VARIABLES: t.Final[t.Mapping[str, str]] = {
    "%u": "%{user}",
    "%n": "%{user | username}",
    "%d": "%{user | domain}",
}
_DRIVERS: t.Final[t.Mapping[str, str]] = {
    "passwd_file": "passwd-file",
    "system": "passwd",
}


@dataclass(frozen=True)
class Databases:
    """Lines for the drop-in, and for the file of secrets: 2.4 includes it, 2.3 has one for each driver.

    ``secrets`` are the texts by the end of the file's name, such as ``sql``.
    """

    lines: tuple[Line, ...] = ()
    secrets: t.Mapping[str, str] = field(default_factory=dict)


def translated(text: str) -> str:
    """Return text with the variables of 2.3 as 2.4 has them."""
    return re.sub(r"%[und]", lambda match: _VARIABLES[match.group()], text)


def databases(choices: DovecotChoices, *, new: bool, directory: str) -> Databases:
    """Return the sections of the chosen databases; *directory* is where the files of secrets are."""
    lines: list[Line] = []
    for kind, chosen in (("passdb", choices.passdb), ("userdb", choices.userdb)):
        if chosen == "existing":
            continue
        driver = _DRIVERS.get(chosen, chosen)
        section = (f"{kind} {OURS}",) if new else (kind,)
        lines.append(Line(section, "driver", driver))
        body = (
            _new_body(kind, chosen, choices)
            if new
            else _old_body(chosen, choices, directory=directory)
        )
        lines += [Line((*section, *inner), name, value) for inner, name, value in body]
    asked = {choices.passdb, choices.userdb}
    sql = choices.sql if "sql" in asked else None
    ldap = choices.ldap if "ldap" in asked else None
    if not new:
        secrets = {"sql": _old_sql(sql)} if sql else {}
        secrets.update({"ldap": _old_ldap(ldap)} if ldap else {})
        return Databases(tuple(lines), secrets)
    servers = [*(_new_sql(sql) if sql else ()), *(_new_ldap(ldap) if ldap else ())]
    return Databases((*servers, *lines), _new_secrets(sql, ldap))


_Body = t.Iterator[tuple[tuple[str, ...], str, str]]


def _old_body(chosen: str, choices: DovecotChoices, *, directory: str) -> _Body:
    if chosen == "passwd_file":
        # Each line names its scheme; the default is for none of them.
        yield (), "args", f"scheme=SHA512-CRYPT username_format=%u {choices.users_file}"
    elif chosen == "pam":
        yield (), "args", choices.pam_service
    elif chosen == "static" and choices.static:
        one = choices.static
        yield (), "args", f"uid={one.uid} gid={one.gid} home={one.home}"
    elif chosen in ("sql", "ldap"):
        yield (), "args", f"{directory}/hardened-mail-{chosen}.conf.ext"


def _new_body(kind: str, chosen: str, choices: DovecotChoices) -> _Body:
    if chosen == "passwd_file":
        yield (), "passwd_file_path", choices.users_file
        yield (), "passdb_default_password_scheme", "SHA512-CRYPT"
        # While the one process that Postfix talks to hashes, no other session of smtpd gets on.
        yield (), "passdb_use_worker", "yes"
    elif chosen == "pam":
        yield (), "passdb_pam_service_name", choices.pam_service
    elif chosen == "static" and choices.static:
        for name, value in vars(choices.static).items():
            yield ("fields",), name, translated(value)
    elif chosen == "sql" and choices.sql:
        query = choices.sql.password_query if kind == "passdb" else choices.sql.user_query
        yield (), f"{kind}_sql_query", translated(query)
        if kind == "passdb":
            yield (), "passdb_default_password_scheme", "SHA512-CRYPT"
            yield (), "passdb_use_worker", "yes"
    elif chosen == "ldap" and choices.ldap:
        yield (), f"{kind}_ldap_filter", translated(choices.ldap.filter)
        if kind == "passdb":
            yield (), "passdb_ldap_bind", "yes"
        else:
            yield ("fields",), "home", "%{ldap:homeDirectory}"
            yield ("fields",), "uid", "%{ldap:uidNumber}"
            yield ("fields",), "gid", "%{ldap:gidNumber}"


def _old_sql(sql: SqlChoice) -> str:
    if sql.driver == "sqlite":
        connect = sql.path
    else:
        words = {
            "host": sql.host,
            "port": str(sql.port or ""),
            "dbname": sql.database,
            "user": sql.user,
            "password": sql.password,
        }
        connect = " ".join(f"{name}={value}" for name, value in words.items() if value)
    lines = [f"driver = {sql.driver}", f"connect = {connect}", "default_pass_scheme = SHA512-CRYPT"]
    lines += [f"password_query = {sql.password_query}"] if sql.password_query else []
    lines += [f"user_query = {sql.user_query}"] if sql.user_query else []
    return "\n".join([*lines, ""])


def _new_sql(sql: SqlChoice) -> t.Iterator[Line]:
    yield Line((), "sql_driver", sql.driver)
    if sql.driver == "sqlite":
        yield Line((), "sqlite_path", sql.path)


def _old_ldap(ldap: LdapChoice) -> str:
    lines = [
        f"uris = {' '.join(ldap.uris)}",
        f"base = {ldap.base}",
        "ldap_version = 3",
        "auth_bind = yes",
    ]
    lines += [f"dn = {ldap.bind_dn}", f"dnpass = {ldap.bind_password}"] if ldap.bind_dn else []
    lines += ["tls = yes"] if ldap.starttls else []
    lines += [f"tls_ca_cert_file = {ldap.ca_file}"] if ldap.ca_file else []
    lines += (
        ["tls_require_cert = hard"] if ldap.starttls or ldap.uris[0].startswith("ldaps") else []
    )
    lines += [
        "pass_attrs = uid=user",
        f"pass_filter = {ldap.filter}",
        f"user_filter = {ldap.filter}",
    ]
    return "\n".join([*lines, "user_attrs = homeDirectory=home,uidNumber=uid,gidNumber=gid", ""])


def _new_ldap(ldap: LdapChoice) -> t.Iterator[Line]:
    yield Line((), "ldap_uris", " ".join(ldap.uris))
    yield Line((), "ldap_base", ldap.base)
    if ldap.starttls:
        yield Line((), "ldap_starttls", "yes")
    if ldap.ca_file:
        yield Line((), "ssl_client_ca_file", ldap.ca_file)
        yield Line(
            ("import_environment",),
            "LDAPTLS_CACERT",
            ldap.ca_file,
            "2.4.1 does not hand ssl_client_ca_file on to OpenLDAP's library, which reads this.",
        )


def _new_secrets(sql: t.Optional[SqlChoice], ldap: t.Optional[LdapChoice]) -> dict[str, str]:
    lines = []
    if sql and sql.driver != "sqlite":
        words = {
            "port": str(sql.port or ""),
            "dbname": sql.database,
            "user": sql.user,
            "password": sql.password,
        }
        lines.append(f"{sql.driver} {sql.host} {{")
        if sql.driver == "pgsql":
            lines.append("  parameters {")
        lines += [f"    {name} = {value}" for name, value in words.items() if value]
        lines += ["  }"] if sql.driver == "pgsql" else []
        lines.append("}")
    if ldap and ldap.bind_dn:
        lines += [
            f'ldap_auth_dn = "{ldap.bind_dn}"',
            f'ldap_auth_dn_password = "{ldap.bind_password}"',
        ]
    return {"secrets": "\n".join([*lines, ""])} if lines else {}


__all__ = ("OURS", "Databases", "databases", "translated")
