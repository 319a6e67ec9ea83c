# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an operator may choose for Dovecot, and what is no choice at all (pure)."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from ansible_collections.hardened.mail.plugins.module_utils.policy.profiles import (
    CertificateChoice,
    ChoiceError,
)

PROFILES: t.Final = ("intermediate", "strict")
PASSDBS: t.Final = ("existing", "passwd_file", "pam", "sql", "ldap")
USERDBS: t.Final = ("existing", "system", "static", "sql", "ldap")
_NAME: t.Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?", re.IGNORECASE)
_HOST: t.Final = re.compile(
    r"(?:\*\.)?[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*", re.IGNORECASE
)
_URI: t.Final = re.compile(r"ldap[si]?://[^\s,\"]*")
#: What would end a value or begin another line of a configuration.
_UNWRITABLE: t.Final = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True)
class SniChoice:
    """A certificate for mail programs that ask for one of the ``names``."""

    names: tuple[str, ...]
    certificate: str
    private_key: str


@dataclass(frozen=True)
class SocketChoice:
    """The login socket for Postfix, its path absolute."""

    path: str
    owner: str
    group: str
    mode: str = "0660"


@dataclass(frozen=True)
class StaticUserdb:
    """One account that owns all mail."""

    uid: str
    gid: str
    home: str


@dataclass(frozen=True)
class SqlChoice:
    """A database: ``path`` for SQLite, the rest for a server."""

    driver: str
    password_query: str
    path: str = ""
    host: str = ""
    port: int = 0
    database: str = ""
    user: str = ""
    password: str = field(default="", repr=False)
    user_query: str = ""


@dataclass(frozen=True)
class LdapChoice:
    """A directory whose server checks the password."""

    uris: tuple[str, ...]
    base: str
    bind_dn: str = ""
    bind_password: str = field(default="", repr=False)
    starttls: bool = False
    ca_file: str = ""
    filter: str = "(&(objectClass=posixAccount)(uid=%u))"


@dataclass(frozen=True)
class DovecotChoices:
    """What the operator chose. ``keep_passdbs`` are drivers or names that stay on beside the chosen one."""

    profile: str = "intermediate"
    certificates: tuple[CertificateChoice, ...] = ()
    sni: tuple[SniChoice, ...] = ()
    socket: t.Optional[SocketChoice] = None
    mechanisms: tuple[str, ...] = ("plain", "login")
    failure_delay: int = 2
    penalty: bool = True
    max_connections: int = 10
    passdb: str = "existing"
    keep_passdbs: tuple[str, ...] = ()
    userdb: str = "existing"
    static: t.Optional[StaticUserdb] = None
    users_file: str = "/etc/dovecot/hardened-mail.users"
    pam_service: str = "dovecot"
    sql: t.Optional[SqlChoice] = None
    ldap: t.Optional[LdapChoice] = None


def validate(choices: DovecotChoices) -> None:
    """Raise ChoiceError when a choice is incomplete, or would not come to the configuration as it is meant."""
    for option, value, known in (
        ("profile", choices.profile, PROFILES),
        ("passdb", choices.passdb, PASSDBS),
        ("userdb", choices.userdb, USERDBS),
    ):
        if value not in known:
            raise ChoiceError(f"{option} is {value!r}: expected one of {', '.join(known)}")
    if not choices.mechanisms:
        raise ChoiceError("mechanisms is empty: nobody could log in")
    if not 0 <= choices.failure_delay <= 60:
        raise ChoiceError(f"failure_delay is {choices.failure_delay}: expected 0 to 60 seconds")
    if choices.max_connections < 1:
        raise ChoiceError(f"max_connections is {choices.max_connections}: expected at least 1")
    _validate_files(choices)
    _validate_databases(choices)


def _validate_files(choices: DovecotChoices) -> None:
    if len(choices.certificates) > 2:
        raise ChoiceError("certificates: Dovecot takes two, one for each type of key")
    paths = [choices.users_file]
    for pair in choices.certificates:
        paths += [pair.certificate, pair.private_key]
    for other in choices.sni:
        paths += [other.certificate, other.private_key]
    for path in paths:
        if not path.startswith("/") or re.search(r"[\s\"#$<%]", path):
            raise ChoiceError(
                f'{path!r} is not the absolute name of a file without blanks and without any of "#$<%'
            )
    _validate_names(choices.sni)
    if choices.socket is not None:
        _word("postfix_socket", choices.socket.path)
        for option, value in (("owner", choices.socket.owner), ("group", choices.socket.group)):
            if not _NAME.fullmatch(value):
                raise ChoiceError(f"postfix_socket_{option}: {value!r} is not a name of an account")


def _validate_names(sni: t.Iterable[SniChoice]) -> None:
    seen: set[str] = set()
    for one in sni:
        if not one.names:
            raise ChoiceError(f"sni: {one.certificate} is for no name")
        for name in one.names:
            if not _HOST.fullmatch(name):
                raise ChoiceError(f"sni: {name!r} is not a host name")
            if name.lower() in seen:
                raise ChoiceError(f"sni: {name} is there twice")
            seen.add(name.lower())


def _word(option: str, value: str) -> None:
    if not value or re.search(r"[\s\"#$%{}]", value):
        raise ChoiceError(f'{option}: {value!r} is not a word without blanks and any of "#$%{{}}')


def _line(option: str, value: str) -> None:
    if _UNWRITABLE.search(value):
        raise ChoiceError(f"{option} has a line end or another control character in it")


def _validate_databases(choices: DovecotChoices) -> None:
    if choices.passdb == "pam":
        _word("pam_service", choices.pam_service)
    if choices.userdb == "static":
        if choices.static is None:
            raise ChoiceError("userdb static needs uid, gid and home in userdb_static")
        for option, value in vars(choices.static).items():
            _word(f"userdb_static: {option}", value.replace("%", ""))
    if "sql" in (choices.passdb, choices.userdb):
        _validate_sql(choices)
    if "ldap" in (choices.passdb, choices.userdb):
        _validate_ldap(choices.ldap)


def _validate_sql(choices: DovecotChoices) -> None:
    sql = choices.sql
    if sql is None or not sql.driver:
        raise ChoiceError("sql needs a driver: pgsql, mysql or sqlite")
    needed = {"password_query": sql.password_query} if choices.passdb == "sql" else {}
    if choices.userdb == "sql":
        needed["user_query"] = sql.user_query
    needed.update(
        {"path": sql.path}
        if sql.driver == "sqlite"
        else {"host": sql.host, "database": sql.database}
    )
    missing = [name for name, value in needed.items() if not value]
    if missing:
        raise ChoiceError(f"sql with the driver {sql.driver} needs {', '.join(missing)}")
    for name, value in vars(sql).items():
        if isinstance(value, str):
            _line(f"sql: {name}", value)
    for name in ("host", "database", "user", "path"):
        if getattr(sql, name):
            _word(f"sql: {name}", getattr(sql, name))
    if re.search(r"[\s'\"\\]", sql.password):
        raise ChoiceError(
            "sql: password has a blank, a quotation mark or a backslash in it, which Dovecot 2.3 cannot be told"
        )


def _validate_ldap(ldap: t.Optional[LdapChoice]) -> None:
    if ldap is None or not ldap.uris or not ldap.base:
        raise ChoiceError("ldap needs uris and base")
    for uri in ldap.uris:
        if not _URI.fullmatch(uri):
            raise ChoiceError(f"ldap: {uri!r} is not an address such as ldaps://ldap.example")
    for name, value in vars(ldap).items():
        if isinstance(value, str):
            _line(f"ldap: {name}", value)
    if ldap.bind_dn and not ldap.bind_password:
        raise ChoiceError("ldap: bind_dn needs bind_password")
    if not ldap.filter.startswith("(") or "%" not in ldap.filter:
        raise ChoiceError(
            f"ldap: the filter {ldap.filter!r} does not ask for a user: expected (uid=%u) or alike"
        )


__all__ = (
    "PASSDBS",
    "PROFILES",
    "USERDBS",
    "DovecotChoices",
    "LdapChoice",
    "SniChoice",
    "SocketChoice",
    "SqlChoice",
    "StaticUserdb",
    "validate",
)
