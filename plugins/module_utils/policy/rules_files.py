# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about files, sockets, permissions and the chroot (pure)."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.policy import named_files
from ansible_collections.hardened.mail.plugins.module_utils.policy.findings import Fix, Severity
from ansible_collections.hardened.mail.plugins.module_utils.policy.host_facts import (
    FileFact,
    HostFacts,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.postfix_fix import (
    hit,
    set_parameter,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.rule import Hit, Rule, Unanswered
from ansible_collections.hardened.mail.plugins.module_utils.policy.view import View
from ansible_collections.hardened.mail.plugins.module_utils.postfix.master_cf import Service
from ansible_collections.hardened.mail.plugins.module_utils.postfix.patterns import later
from ansible_collections.hardened.mail.plugins.module_utils.postfix.values import masked

_HOST: t.Final = ("main", "master", "host")
_LOOPBACK: t.Final = frozenset({"127.0.0.1", "::1"})
#: master(5): these work with files and programs of users, or pass on requests of others.
_NEVER_CHROOTED: t.Final = frozenset({"local", "pipe", "proxymap", "spawn", "virtual"})
#: These run programs or write files with the rights of others, so they must start as root.
_NEED_ROOT: t.Final = frozenset({"local", "pipe", "spawn", "virtual"})
_CACHES: t.Final = (
    "smtpd_tls_session_cache_database",
    "smtp_tls_session_cache_database",
    "lmtp_tls_session_cache_database",
    "address_verify_map",
    "postscreen_cache_map",
)
_CACHE: t.Final = later(r"(?:^|[\s,:])(?:btree|hash|lmdb|sdbm|dbm):(/[^\s,]+)")
_ALIASES: t.Final = frozenset({"alias_maps", "alias_database"})
#: master.cf columns: where postconf -F counts them.
_CHROOT, _UNPRIVILEGED = 2, 1


def _mode(path: str, fact: FileFact) -> str:
    return f"{path}: {fact.octal} {fact.owner}:{fact.group}"


class _Look:
    """The facts, and a memory of what was asked and could not be seen."""

    def __init__(self, facts: HostFacts) -> None:
        self.facts = facts
        self.unseen: dict[str, str] = {}

    def file(self, path: str) -> FileFact:
        """Return the fact of a path."""
        fact = self.facts.file(path)
        if fact.error:
            self.unseen[path] = fact.error
        return fact


def _on_host(
    check: t.Callable[[View, _Look], t.Iterator[Hit]],
) -> t.Callable[[View], t.Iterator[Hit]]:
    """Return a check of a view: the rule is incomplete when it asked for something unseen."""

    def run(view: View) -> t.Iterator[Hit]:
        # A rule that needs the host is not run without it.
        look = _Look(t.cast("HostFacts", view.facts))
        yield from check(view, look)
        if look.unseen:
            raise Unanswered(
                "; ".join(f"{path} cannot be seen: {why}" for path, why in look.unseen.items())
            )

    return run


# Configuration files and directories of Postfix itself


@_on_host
def _config_writable(view: View, look: _Look) -> t.Iterator[Hit]:
    directory = view.config_directory
    for path in (directory, f"{directory}/main.cf", f"{directory}/master.cf"):
        fact = look.file(path)
        if not fact.exists:
            continue
        right = "0755" if fact.kind == "directory" else "0644"
        wide = fact.mode & 0o022 and not (fact.mode & 0o022 == 0o020 and fact.group == "root")
        if fact.owner != "root" or wide:
            who = f"user {fact.owner}" if fact.owner != "root" else "users other than root"
            yield Hit(
                subject=path,
                parameter="",
                observed=_mode(path, fact),
                expected=f"{right} root:root",
                message=f"{path} can be changed by {who}.",
                fix=Fix("", f"chown root:root {path} && chmod {right} {path}"),
            )


@_on_host
def _queue_directories(view: View, look: _Look) -> t.Iterator[Hit]:
    queue = view.value("queue_directory").rstrip("/")
    owner, group = view.value("mail_owner"), view.value("setgid_group")
    for name, user, bits, right in (
        ("", "root", 0o022, f"0755 root:{look.file(queue).group}"),
        ("/private", owner, 0o077, f"0700 {owner}:root"),
        ("/public", owner, 0o007, f"0710 {owner}:{group}"),
        ("/maildrop", owner, 0o005, f"1730 {owner}:{group}"),
    ):
        path = queue + name
        fact = look.file(path)
        if fact.exists and (fact.owner != user or fact.mode & bits):
            mode, _blank, both = right.partition(" ")
            yield Hit(
                subject=path,
                parameter="queue_directory",
                observed=_mode(path, fact),
                expected=right,
                message=f"{path} is open to users who have no business there.",
                fix=Fix("", f"chown {both} {path} && chmod {mode} {path}"),
            )


@_on_host
def _data_directory(view: View, look: _Look) -> t.Iterator[Hit]:
    path = view.value("data_directory").rstrip("/")
    owner = view.value("mail_owner")
    fact = look.file(path)
    if fact.error or (fact.exists and fact.owner == owner and not fact.mode & 0o022):
        return
    what = "does not exist" if not fact.exists else "does not belong to Postfix alone"
    yield Hit(
        subject=path,
        parameter="data_directory",
        observed=_mode(path, fact) if fact.exists else "missing",
        expected=f"0700 {owner}:{owner}",
        message=f"{path}, where Postfix keeps its caches and random numbers, {what}.",
        fix=Fix("", f"install -d -o {owner} -g {owner} -m 0700 {path}"),
    )


@_on_host
def _postdrop(view: View, look: _Look) -> t.Iterator[Hit]:
    group = view.value("setgid_group")
    commands = view.value("command_directory").rstrip("/")
    for name in ("postdrop", "postqueue"):
        path = f"{commands}/{name}"
        fact = look.file(path)
        if fact.exists and not (fact.mode & 0o2000 and fact.group == group):
            yield Hit(
                subject=path,
                parameter="setgid_group",
                observed=_mode(path, fact),
                expected=f"2555 root:{group}",
                message=f"{path} does not run with the group {group}.",
                # chown clears the bit, so it comes first.
                fix=Fix("", f"chown root:{group} {path} && chmod 2555 {path}"),
            )


@_on_host
def _disk_full(view: View, look: _Look) -> t.Iterator[Hit]:
    free = look.facts.queue_free
    wanted = max(_number(view, "queue_minfree"), _number(view, "message_size_limit") * 3 // 2)
    if free is not None and free < wanted:
        queue = view.value("queue_directory")
        yield Hit(
            subject=queue,
            parameter="message_size_limit",
            observed=f"{free // 1024} KiB free",
            expected=f"at least {wanted // 1024} KiB",
            message=f"{queue} has too little space left for a message of the largest size.",
            fix=Fix("", f"make room in the file system of {queue}: df -h {queue}"),
        )


def _number(view: View, parameter: str) -> int:
    value = view.value(parameter).strip()
    return int(value) if value.isascii() and value.isdigit() else 0


@_on_host
def _programs(view: View, look: _Look) -> t.Iterator[Hit]:
    for one in named_files.programs(view):
        fact = look.file(one.path)
        if fact.error or (fact.exists and fact.kind == "file" and fact.mode & 0o111):
            continue
        yield Hit(
            subject=one.service.id,
            parameter="",
            observed=one.service.command,
            expected=f"a program in {view.value('daemon_directory')}",
            message=f"There is no program {one.path}, so the service {one.service.id} cannot start.",
            fix=Fix(
                "hardened.mail.postconf: services",
                f"postconf -MX {one.service.id}, or install the package that has the program",
            ),
        )


# Secrets


def _secret_values(view: View) -> t.Iterator[Hit]:
    path = f"{view.config_directory}/main.cf"
    kind = view.value("default_database_type") or "hash"
    for subject, settings in (
        ("main.cf", view.explicit),
        *((one.id, one.overrides) for one in view.in_force if one.overrides),
    ):
        for name, value in settings.items():
            # The cheap test first: most values have nothing in them that could be a secret.
            if not _HINT.search(f"{name} {value}") or masked(name, value) == value:
                continue
            file = path if subject == "main.cf" else f"{view.config_directory}/master.cf"
            closed = view.facts is not None and not view.facts.file(file).open_to_all
            table = f"{kind}:{view.config_directory}/sasl_passwd"
            yield Hit(
                subject=subject,
                parameter=name,
                observed=masked(name, value),
                expected=table if name.endswith("password_maps") else "a file with mode 0600",
                message=f"{name} has a password in {file}, which every user and program may read.",
                fix=set_parameter(name, table, service="" if subject == "main.cf" else subject)
                if name.endswith("password_maps")
                else Fix("", f"move the password from {file} into a table with mode 0600"),
                severity="low" if closed else None,
            )


#: All that masked() knows has one of these in the name or the value.
_HINT: t.Final = later(
    r"static:|inline:|//|passw|passphrase|secret|bind_?pw|api_?key|token", re.IGNORECASE
)


@_on_host
def _secret_tables(view: View, look: _Look) -> t.Iterator[Hit]:
    owner = view.value("mail_owner")
    for table in named_files.table_uses(view):
        remote = table.kind in named_files.REMOTE
        if not (table.parameter.endswith("password_maps") and not remote) and not remote:
            continue
        for path in filter(None, (table.path, table.index_file)):
            fact = look.file(path)
            if not fact.exists or not fact.open_to_all or (remote and not fact.secret):
                continue
            right = f"0640 root:{owner}" if remote else "0600 root:root"
            mode, _blank, both = right.partition(" ")
            yield Hit(
                subject=path,
                parameter=table.parameter,
                observed=_mode(path, fact),
                expected=right,
                message=f"{path} holds passwords and every user of this host can read it.",
                fix=Fix("", f"chown {both} {path} && chmod {mode} {path}"),
            )


# Lookup tables


@_on_host
def _tables_missing(view: View, look: _Look) -> t.Iterator[Hit]:
    for table in named_files.table_uses(view):
        if view.map_types and table.kind not in view.map_types:
            continue  # Nothing can be made of it; table-type-missing tells.
        needed = table.index_file or table.path
        fact = look.file(needed)
        if fact.exists or fact.error:
            continue
        make = _make(table)
        source = look.file(table.path)
        first = "" if source.exists or not table.index_file else f"write {table.path}, then: "
        yield Hit(
            subject=table.subject,
            parameter=table.parameter,
            observed=table.name,
            expected=f"the file {needed}",
            message=f"The lookup table {table.name} has no file {needed}.",
            fix=Fix("", f"{first}{make}" if table.index_file else f"write {table.path}"),
        )


def _make(table: named_files.TableUse) -> str:
    command = "postalias" if table.parameter in _ALIASES else "postmap"
    return f"{command} {table.kind}:{table.path}"


@_on_host
def _tables_stale(view: View, look: _Look) -> t.Iterator[Hit]:
    for table in named_files.table_uses(view):
        source, index = look.file(table.path), look.file(table.index_file)
        if table.index_file and source.exists and index.exists and source.modified > index.modified:
            yield Hit(
                subject=table.subject,
                parameter=table.parameter,
                observed=f"{table.path} is newer than {table.index_file}",
                expected=f"{table.index_file} made from {table.path} as it is now",
                message=f"{table.path} was changed and Postfix still uses the index of before.",
                fix=Fix("", _make(table)),
            )


@_on_host
def _tables_unreadable(view: View, look: _Look) -> t.Iterator[Hit]:
    owner = view.value("mail_owner")
    for table in named_files.table_uses(view):
        path = table.index_file or table.path
        fact = look.file(path)
        if table.proxied and fact.exists and not fact.error and not fact.read_by_postfix:
            yield Hit(
                subject=table.subject,
                parameter=table.parameter,
                observed=_mode(path, fact),
                expected=f"0640 root:{owner}",
                message=f"{table.name} is read by proxymap as the user {owner}, who may not read it.",
                fix=Fix("", f"chown root:{owner} {path} && chmod 0640 {path}"),
            )


@_on_host
def _tables_writable(view: View, look: _Look) -> t.Iterator[Hit]:
    yield from _writable(view, look, aliases=False, bits=0o002)


@_on_host
def _aliases_writable(view: View, look: _Look) -> t.Iterator[Hit]:
    yield from _writable(view, look, aliases=True, bits=0o022)


def _writable(view: View, look: _Look, *, aliases: bool, bits: int) -> t.Iterator[Hit]:
    for table in named_files.table_uses(view):
        if (table.parameter in _ALIASES) is not aliases:
            continue
        for path in filter(None, (table.path, table.index_file)):
            fact = look.file(path)
            wide = fact.mode & bits
            if wide == 0o020 and fact.group in ("root", fact.owner):
                wide = 0
            if not fact.exists or not (wide or fact.loose):
                continue
            place = f"in {fact.loose}, where every user may replace it" if not wide else "open"
            yield Hit(
                subject=path,
                parameter=table.parameter,
                observed=_mode(path, fact),
                expected=f"0644 root:root in {view.config_directory}",
                message=f"The lookup table {path} is {place} for writing by users other than root.",
                fix=Fix("", f"chown root:root {path} && chmod 0644 {path}")
                if wide
                else Fix("", f"mv {path} {view.config_directory}/ and name it there"),
            )


# Sockets


def _sockets(
    view: View, look: _Look, purpose: str
) -> t.Iterator[tuple[named_files.SocketUse, t.Optional[FileFact]]]:
    """Return the sockets that cannot be used, with the fact, None when there is no such file."""
    seen = set()
    for one in named_files.socket_uses(view):
        if one.purpose != purpose or (one.subject, one.path) in seen:
            continue
        seen.add((one.subject, one.path))
        fact = look.file(one.path)
        if fact.error or (fact.exists and fact.kind == "socket" and fact.written_by_postfix):
            continue
        yield one, fact if fact.exists else None


@_on_host
def _login_missing(view: View, look: _Look) -> t.Iterator[Hit]:
    for one, fact in _sockets(view, look, "login"):
        if fact is not None or (one.chrooted and one.written.startswith("/")):
            continue
        yield Hit(
            subject=one.subject,
            parameter=one.parameter,
            observed=one.written,
            expected="private/auth",
            message=f"{one.service} asks for passwords at {one.path}, and there is no such socket.",
            fix=Fix("role hardened.mail.dovecot_auth", _LISTENER.format(path=one.path)),
        )


_LISTENER: t.Final = (
    "in Dovecot: service auth {{ unix_listener {path} {{ mode = 0660, user = postfix, "
    "group = postfix }} }}; then: systemctl reload dovecot"
)


@_on_host
def _login_closed(view: View, look: _Look) -> t.Iterator[Hit]:
    owner = view.value("mail_owner")
    for one, fact in _sockets(view, look, "login"):
        if fact is None:
            continue
        odd = f"is no socket but a {fact.kind}" if fact.kind != "socket" else "is closed to it"
        yield Hit(
            subject=one.path,
            parameter=one.parameter,
            observed=_mode(one.path, fact),
            expected=f"0660 {owner}:{owner}",
            message=f"{one.service} asks for passwords as the user {owner}, and {one.path} {odd}.",
            fix=Fix("role hardened.mail.dovecot_auth", _LISTENER.format(path=one.path)),
        )


@_on_host
def _login_open(view: View, look: _Look) -> t.Iterator[Hit]:
    owner = view.value("mail_owner")
    paths = {one.path: one for one in named_files.socket_uses(view) if one.purpose == "login"}
    for path, one in paths.items():
        fact = look.file(path)
        if fact.exists and fact.kind == "socket" and fact.mode & 0o002 and not fact.closed:
            yield Hit(
                subject=path,
                parameter=one.parameter,
                observed=_mode(path, fact),
                expected=f"0660 {owner}:{owner}",
                message=f"Every user of this host can ask {path} whether a password is right.",
                fix=Fix("role hardened.mail.dovecot_auth", _LISTENER.format(path=path)),
            )


def _login_outside_chroot(view: View) -> t.Iterator[Hit]:
    queue = view.value("queue_directory").rstrip("/")
    lost = []
    for one in view.endpoints:
        path = named_files.sasl_path(one) if one.daemon == "smtpd" else ""
        if not path.startswith("/") or not named_files.chrooted(view, one.service):
            continue
        if view.facts is None or not view.facts.file(queue + path).exists:
            lost.append(one)
    for scope in view.scopes("smtpd_sasl_path", lost):
        path = scope.value.strip()
        inside = path[len(queue) + 1 :] if path.startswith(f"{queue}/") else "private/auth"
        yield hit(
            scope,
            f"{{services}} cannot see {path}: it runs in the directory {queue}.",
            expected=inside,
        )


@_on_host
def _milters(view: View, look: _Look) -> t.Iterator[Hit]:
    action = view.value("milter_default_action")
    severity: Severity = "medium" if action == "accept" else "high"
    outcome = "mail passes unfiltered" if action == "accept" else f"the answer is {action}"
    for hit_ in _unusable(view, look, "milter", "the milter", outcome):
        yield Hit(*hit_, severity=severity)


@_on_host
def _policies(view: View, look: _Look) -> t.Iterator[Hit]:
    for hit_ in _unusable(view, look, "policy", "the policy service", "mail is refused with 451"):
        yield Hit(*hit_)


@_on_host
def _deliveries(view: View, look: _Look) -> t.Iterator[Hit]:
    for hit_ in _unusable(view, look, "delivery", "the mail store", "mail stays in the queue"):
        yield Hit(*hit_)


def _unusable(
    view: View, look: _Look, purpose: str, what: str, outcome: str
) -> t.Iterator[tuple[str, str, str, str, str, Fix]]:
    owner = view.value("mail_owner")
    for one, fact in _sockets(view, look, purpose):
        if fact is None and purpose == "policy" and not look.facts.running:
            # master(8) makes the sockets of its own services when it starts.
            continue
        state = "there is no such socket" if fact is None else f"{owner} may not connect to it"
        yield (
            one.subject,
            one.parameter,
            one.path if fact is None else _mode(one.path, fact),
            f"a socket that {owner} may write to",
            f"{one.service} asks {what} at {one.path}, and {state}: {outcome}.",
            Fix("", f"start the program that listens there: ls -l {one.path}"),
        )


# The chroot


def _in_chroot(view: View, *commands: str) -> list[Service]:
    return [
        one for one in view.in_force if one.command in commands and named_files.chrooted(view, one)
    ]


def _named(services: t.Iterable[Service]) -> str:
    return ", ".join(one.id for one in services)


@_on_host
def _resolver_missing(view: View, look: _Look) -> t.Iterator[Hit]:
    users = _in_chroot(view, "smtp", "lmtp", "smtpd")
    path = named_files.chroot_copies(view)[0]
    fact = look.file(path)
    if (
        users
        and not fact.exists
        and not fact.error
        and not _LOOPBACK.issuperset(look.facts.nameservers)
    ):
        yield Hit(
            subject=path,
            parameter="queue_directory",
            observed="missing",
            expected="a copy of /etc/resolv.conf",
            message=f"{_named(users)} look for name servers in {path}, which is not there.",
            fix=Fix("", f"install -D -m 0644 /etc/resolv.conf {path} && postfix reload"),
        )


@_on_host
def _resolver_stale(view: View, look: _Look) -> t.Iterator[Hit]:
    users = _in_chroot(view, "smtp", "lmtp", "smtpd")
    path = named_files.chroot_copies(view)[0]
    inside, outside = look.facts.chroot_nameservers, look.facts.nameservers
    if users and inside is not None and inside != outside:
        yield Hit(
            subject=path,
            parameter="queue_directory",
            observed=", ".join(inside) or "no name server",
            expected=", ".join(outside) or "no name server",
            message=f"{_named(users)} still ask the name servers of an old copy, {path}.",
            fix=Fix("", f"install -m 0644 /etc/resolv.conf {path} && postfix reload"),
        )


@_on_host
def _ports_missing(view: View, look: _Look) -> t.Iterator[Hit]:
    users = _in_chroot(view, "smtp")
    path = named_files.chroot_copies(view)[1]
    fact = look.file(path)
    known = any(word.startswith("smtp=") for word in view.words("known_tcp_ports"))
    port = view.value("smtp_tcp_port") or "smtp"
    if users and not fact.exists and not fact.error and not known and not port.isdigit():
        yield Hit(
            subject=path,
            parameter="queue_directory",
            observed="missing",
            expected="a copy of /etc/services",
            message=f"{_named(users)} cannot find the number of the port {port}: no {path}.",
            fix=Fix("", f"install -D -m 0644 /etc/services {path} && postfix reload"),
        )


def _never_chrooted(view: View) -> t.Iterator[Hit]:
    for one in view.in_force:
        if one.command in _NEVER_CHROOTED and named_files.chrooted(view, one):
            yield Hit(
                subject=one.id,
                parameter="",
                observed=f"chroot {_column(one, _CHROOT)}",
                expected="n",
                message=(
                    f"{one.id} runs {one.command} in {view.value('queue_directory')}, where there are "
                    "neither the mailboxes nor the programs that it needs."
                ),
                fix=Fix("hardened.mail.postconf: services", f"postconf -F '{one.id}/chroot=n'"),
            )


def _without_root(view: View) -> t.Iterator[Hit]:
    for one in view.in_force:
        column = _column(one, _UNPRIVILEGED)
        if one.command in _NEED_ROOT and column != "n":
            yield Hit(
                subject=one.id,
                parameter="",
                observed=f"unprivileged {column}",
                expected="n",
                message=f"{one.id} runs {one.command} without the rights of root, which it needs.",
                fix=Fix(
                    "hardened.mail.postconf: services",
                    f"postconf -F '{one.id}/unprivileged=n'",
                ),
            )


def _column(service: Service, index: int) -> str:
    return service.fields[index] if len(service.fields) > index else "-"


# Authorities, caches, the TLS library, the log


def _bundle(look: _Look) -> str:
    """Return the distribution's bundle of CA certificates."""
    bundles = named_files.CA_BUNDLES
    return next((path for path in bundles if look.facts.file(path).exists), bundles[0])


@_on_host
def _authority_files(view: View, look: _Look) -> t.Iterator[Hit]:
    for one in named_files.authorities(view):
        fact = look.file(one.path)
        if not one.parameter.endswith("CAfile") or fact.error or fact.kind == "file":
            continue
        services = ", ".join(user.subject for user in one.endpoints)
        yield Hit(
            subject=one.subject,
            parameter=one.parameter,
            observed=one.written,
            expected=_bundle(look),
            message=f"{services} cannot read the CA certificates in {one.path}: TLS is off.",
            fix=set_parameter(
                one.parameter,
                _bundle(look),
                service="" if one.subject == "main.cf" else one.subject,
            ),
        )


@_on_host
def _authority_directories(view: View, look: _Look) -> t.Iterator[Hit]:
    for one in named_files.authorities(view):
        fact = look.file(one.path)
        if not one.parameter.endswith("CApath") or fact.error or fact.kind == "directory":
            continue
        prefix = one.parameter[: -len("CApath")]
        if one.endpoints[0].value(f"{prefix}CAfile").strip():
            continue
        demands = any(
            user.value(f"{prefix}security_level") in ("verify", "secure")
            or user.value(f"{prefix}policy_maps").strip()
            for user in one.endpoints
        )
        services = ", ".join(user.subject for user in one.endpoints)
        yield Hit(
            subject=one.subject,
            parameter=one.parameter,
            observed=one.written,
            expected=f"{prefix}CAfile = {_bundle(look)}",
            message=f"{services} look for CA certificates in {one.path}, which is not there.",
            fix=set_parameter(f"{prefix}CAfile", _bundle(look)),
            severity="high" if demands else "low",
        )


def _caches_outside(view: View) -> t.Iterator[Hit]:
    home = view.value("data_directory").rstrip("/") + "/"
    for name in _CACHES:
        value = view.value(name)
        match = _CACHE.search(value) if ":/" in value else None
        if match and not match.group(1).startswith(home):
            kind = value.partition(":")[0]
            right = f"{kind}:$data_directory/{match.group(1).rpartition('/')[2]}"
            yield Hit(
                subject="main.cf",
                parameter=name,
                observed=value,
                expected=right,
                message=f"The cache {match.group(1)} is outside {home}, the directory for it.",
                fix=set_parameter(name, right),
            )


@_on_host
def _tls_config(view: View, look: _Look) -> t.Iterator[Hit]:
    path = named_files.tls_config_file(view)
    fact = look.file(path)
    if path and view.knows("tls_config_file") and not fact.error and fact.kind != "file":
        yield Hit(
            subject="main.cf",
            parameter="tls_config_file",
            observed=path,
            expected="default",
            message=f"There is no file {path}, so every daemon of Postfix turns TLS off.",
            fix=set_parameter("tls_config_file", "default"),
        )


def _log_place(view: View) -> t.Iterator[Hit]:
    path = view.value("maillog_file").strip()
    prefixes = view.words("maillog_file_prefixes")
    if path and not path.startswith(tuple(prefixes)):
        yield Hit(
            subject="main.cf",
            parameter="maillog_file",
            observed=path,
            expected="/var/log/mail.log",
            message=f"{path} begins with none of maillog_file_prefixes ({', '.join(prefixes)}).",
            fix=set_parameter("maillog_file", "/var/log/mail.log"),
        )


def _log_service(view: View) -> t.Iterator[Hit]:
    if not view.value("maillog_file").strip():
        return
    wanted = view.value("postlog_service_name") or "postlog"
    if any(one.command == "postlogd" and one.name == wanted for one in view.in_force):
        return
    line = f"{wanted}/unix-dgram = {wanted} unix-dgram n - n - 1 postlogd"
    yield Hit(
        subject="main.cf",
        parameter="maillog_file",
        observed=view.value("maillog_file"),
        expected=f"the service {wanted} unix-dgram in master.cf",
        message=f"maillog_file is set, and master.cf has no service {wanted} that writes it.",
        fix=Fix("hardened.mail.postconf: services", f"postconf -M '{line}'"),
    )


RULES: t.Final[tuple[Rule, ...]] = (
    Rule(
        "config-file-writable",
        "files",
        "high",
        "Users other than root can change the configuration of Postfix",
        "master.cf says which programs run as root, so whoever can write it owns the host.",
        "postfix(1) check; master(5)",
        _config_writable,
        needs=_HOST,
    ),
    Rule(
        "queue-directory-open",
        "files",
        "high",
        "The queue directory is open to other users",
        "In it are all messages, and the sockets through which the daemons of Postfix trust each other.",
        "OVERVIEW, Postfix queues; postfix-files",
        _queue_directories,
        needs=_HOST,
    ),
    Rule(
        "data-directory-unusable",
        "files",
        "high",
        "Postfix cannot keep its caches",
        "tlsmgr, postscreen and verify stop when they cannot write there: no new TLS sessions, and port 25 "
        "may stay silent.",
        "postconf(5) data_directory",
        _data_directory,
        needs=_HOST,
        dies=True,
    ),
    Rule(
        "postdrop-not-setgid",
        "files",
        "high",
        "The sendmail command cannot hand in mail",
        "Mail of cron jobs, web pages and users on this host is not accepted, often unnoticed.",
        "postdrop(1); postconf(5) setgid_group",
        _postdrop,
        needs=_HOST,
        dies=True,
    ),
    Rule(
        "queue-disk-full",
        "files",
        "high",
        "There is too little space for the queue",
        "Postfix answers 452 to every sender until there is room for one and a half messages of the largest "
        "size.",
        "postconf(5) queue_minfree",
        _disk_full,
        needs=_HOST,
        dies=True,
    ),
    Rule(
        "daemon-program-missing",
        "files",
        "high",
        "A service of master.cf has no program",
        "The main process of Postfix tries to start it for ever and the service never answers.",
        "master(5), command; postconf(5) daemon_directory",
        _programs,
        needs=_HOST,
        dies=True,
        example="policy unix - n n - 0 polciyd",
    ),
    Rule(
        "secret-in-configuration",
        "files",
        "high",
        "A password stands in main.cf or master.cf",
        "Every user and every program of the host may read these files, and they are copied into tickets and "
        "backups.",
        "SASL_README, Enabling SASL authentication in the Postfix SMTP client",
        _secret_values,
        example="smtp_sasl_password_maps = static:user:password",
    ),
    Rule(
        "secret-table-readable",
        "files",
        "high",
        "Every user of the host can read a table with passwords",
        "A password of a relay or of the database is as good as the account.",
        "SASL_README; mysql_table(5)",
        _secret_tables,
        needs=_HOST,
        example="smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd",
    ),
    Rule(
        "table-file-missing",
        "files",
        "high",
        "A lookup table has no file",
        "Postfix does not guess what the table would have said: mail that needs it is put off with 451.",
        "DATABASE_README; postmap(1)",
        _tables_missing,
        needs=_HOST,
        dies=True,
        example="virtual_alias_maps = hash:/etc/postfix/no-such-file",
    ),
    Rule(
        "table-index-stale",
        "files",
        "medium",
        "A table was changed and its index was not",
        "Postfix reads the index, so the change has no effect until postmap is run.",
        "postmap(1); postalias(1)",
        _tables_stale,
        needs=_HOST,
    ),
    Rule(
        "table-closed-to-proxymap",
        "files",
        "high",
        "The proxy for tables may not read a table",
        "Tables with proxy: are opened by a daemon without the rights of root; when it cannot, mail is put "
        "off with 451.",
        "proxymap(8)",
        _tables_unreadable,
        needs=_HOST,
        dies=True,
        example="virtual_mailbox_maps = proxy:mysql:/etc/postfix/users.cf",
    ),
    Rule(
        "table-writable",
        "files",
        "high",
        "Any user can change a lookup table",
        "Tables decide who may send, and where mail goes; a directory such as /tmp is no place for them.",
        "DATABASE_README",
        _tables_writable,
        needs=_HOST,
        example="transport_maps = hash:/tmp/transport",
    ),
    Rule(
        "aliases-writable",
        "files",
        "high",
        "Users other than root can change the aliases",
        "An alias may be a command, which then runs with the rights of the owner of the file.",
        "aliases(5); local(8)",
        _aliases_writable,
        needs=_HOST,
    ),
    Rule(
        "sasl-socket-missing",
        "login",
        "high",
        "The socket for checking passwords is not there",
        "smtpd ends with a fatal error on every connection where login is on, so the port is dead.",
        "SASL_README, Configuring Dovecot SASL; postconf(5) smtpd_sasl_path",
        _login_missing,
        needs=_HOST,
        dies=True,
        example="smtpd_sasl_path = private/no-such-socket",
    ),
    Rule(
        "sasl-socket-closed",
        "login",
        "high",
        "Postfix may not use the socket for checking passwords",
        "smtpd runs as an ordinary user; when the socket is closed to it, it ends with a fatal error and the "
        "port is dead.",
        "SASL_README, Configuring Dovecot SASL",
        _login_closed,
        needs=_HOST,
        dies=True,
    ),
    Rule(
        "sasl-socket-open",
        "login",
        "medium",
        "Every user of the host may use the socket for checking passwords",
        "A program of any user can then try passwords without limit, past the log and the limits of the mail "
        "ports.",
        "SASL_README, Configuring Dovecot SASL",
        _login_open,
        needs=_HOST,
    ),
    Rule(
        "sasl-path-outside-chroot",
        "login",
        "high",
        "smtpd runs in a chroot and cannot see its login socket",
        "The path is looked up inside the queue directory, nothing is found, smtpd ends with a fatal error, "
        "and the port is dead.",
        "SASL_README; postconf(5) smtpd_sasl_path",
        _login_outside_chroot,
        dies=True,
        example="smtpd_sasl_path = /var/spool/postfix/private/auth",
    ),
    Rule(
        "milter-socket-unusable",
        "files",
        "high",
        "A mail filter cannot be reached",
        "Until it can, mail is put off, refused or passes unfiltered, as milter_default_action says.",
        "MILTER_README; postconf(5) milter_default_action",
        _milters,
        needs=_HOST,
        dies=True,
        example="smtpd_milters = unix:/run/opendkim/opendkim.sock",
    ),
    Rule(
        "policy-socket-unusable",
        "files",
        "high",
        "A policy service cannot be reached",
        "smtpd answers 451 to every sender whose mail it should ask about.",
        "SMTPD_POLICY_README",
        _policies,
        needs=_HOST,
        dies=True,
        example="smtpd_recipient_restrictions = check_policy_service unix:private/no-such-service",
    ),
    Rule(
        "delivery-socket-unusable",
        "files",
        "high",
        "The mail store cannot be reached",
        "Mail is accepted and stays in the queue until it is returned to its senders after days.",
        "lmtp(8); postconf(5) virtual_transport",
        _deliveries,
        needs=_HOST,
        dies=True,
        example="virtual_transport = lmtp:unix:private/no-such-socket",
    ),
    Rule(
        "chroot-resolver-missing",
        "files",
        "high",
        "There is no resolv.conf in the chroot",
        "A daemon in the chroot asks a name server on this host that may not exist, finds no mail server of "
        "anybody, and mail stays in the queue.",
        "BASIC_CONFIGURATION_README, chroot; resolv.conf(5)",
        _resolver_missing,
        needs=_HOST,
        dies=True,
    ),
    Rule(
        "chroot-resolver-stale",
        "files",
        "medium",
        "The chroot has old name servers",
        "After a move to other name servers Postfix goes on with the old ones, until they are switched off.",
        "BASIC_CONFIGURATION_README, chroot; resolv.conf(5)",
        _resolver_stale,
        needs=_HOST,
    ),
    Rule(
        "chroot-services-missing",
        "files",
        "high",
        "There is no list of ports in the chroot",
        "The client cannot find the number of the port smtp and ends with a fatal error: no mail goes out.",
        "BASIC_CONFIGURATION_README, chroot; postconf(5) known_tcp_ports",
        _ports_missing,
        needs=_HOST,
        dies=True,
    ),
    Rule(
        "chroot-service-cannot-run",
        "files",
        "high",
        "A service runs in the chroot that cannot work there",
        "local, virtual and pipe need mailboxes and programs outside, so mail is not delivered; a dash in the "
        "column means yes below compatibility_level 1.",
        "master(5), chroot",
        _never_chrooted,
        dies=True,
        example="dovecot unix - n y - - pipe flags=DRhu user=vmail argv=/usr/lib/dovecot/deliver",
    ),
    Rule(
        "service-lacks-root",
        "files",
        "high",
        "A service that needs the rights of root does not get them",
        "local, virtual, pipe and spawn take the rights of the user they work for; without root they end with "
        "a fatal error.",
        "master(5), unprivileged",
        _without_root,
        dies=True,
        example="dovecot unix - - n - - pipe flags=DRhu user=vmail argv=/usr/lib/dovecot/deliver",
    ),
    Rule(
        "ca-file-unreadable",
        "keys",
        "high",
        "The file of CA certificates cannot be read",
        "Postfix then turns TLS off: mail goes out in clear text, or stays in the queue where TLS is "
        "demanded.",
        "postconf(5) smtp_tls_CAfile",
        _authority_files,
        needs=_HOST,
        dies=True,
        example="smtp_tls_CAfile = /etc/ssl/certs/no-such-file.crt",
    ),
    Rule(
        "ca-directory-missing",
        "keys",
        "low",
        "The directory of CA certificates is not where the service looks",
        "A service in the chroot looks inside the queue directory; without CA certificates nobody can be "
        "verified.",
        "postconf(5) smtp_tls_CApath",
        _authority_directories,
        needs=_HOST,
        example="smtp_tls_CApath = /etc/ssl/certs",
    ),
    Rule(
        "cache-outside-data-directory",
        "files",
        "low",
        "A cache is outside the data directory",
        "Postfix does not write elsewhere: it uses the data directory and warns at every start.",
        "postconf(5) data_directory",
        _caches_outside,
        example="smtp_tls_session_cache_database = btree:/etc/postfix/smtp_scache",
    ),
    Rule(
        "tls-config-file-missing",
        "keys",
        "high",
        "The configuration for the TLS library is not there",
        "Every daemon of Postfix that cannot read it turns TLS off.",
        "postconf(5) tls_config_file",
        _tls_config,
        needs=_HOST,
        dies=True,
        example="tls_config_file = /etc/postfix/no-such-file.cnf",
    ),
    Rule(
        "log-file-place",
        "logging",
        "high",
        "The log file is in a place that Postfix does not allow",
        "No command and no daemon of Postfix starts until the file is below one of maillog_file_prefixes.",
        "postconf(5) maillog_file_prefixes; MAILLOG_README",
        _log_place,
        dies=True,
        example="maillog_file = /srv/log/mail.log",
    ),
    Rule(
        "log-service-missing",
        "logging",
        "medium",
        "Nothing writes the log file",
        "maillog_file needs the service postlog in master.cf; without it the log lines of the daemons are "
        "lost.",
        "MAILLOG_README",
        _log_service,
        example="maillog_file = /var/log/mail.log",
    ),
)

__all__ = ("RULES",)
