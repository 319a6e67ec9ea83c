# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which files and sockets a configuration names, and who opens them (pure)."""

from __future__ import annotations

import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.postfix.patterns import later

if t.TYPE_CHECKING:
    from ansible_collections.hardened.mail.plugins.module_utils.policy.view import Endpoint, View
    from ansible_collections.hardened.mail.plugins.module_utils.postfix.master_cf import Service

#: Where distributions keep their bundle of CA certificates; the first that exists is used.
CA_BUNDLES: t.Final = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
#: Kinds of tables that are read from a file, with what postmap(1) appends to the name for the index.
_INDEXES: t.Final = {"hash": ".db", "btree": ".db", "lmdb": ".lmdb", "cdb": ".cdb"}
_PLAIN: t.Final = ("texthash", "regexp", "pcre", "cidr")
#: Their file is the configuration of a lookup elsewhere, often with a password.
REMOTE: t.Final = frozenset({"mysql", "pgsql", "ldap", "sqlite", "mongodb", "memcache"})
_TABLE: t.Final = later(
    rf"(?:^|[\s,{{])(proxy:)?({'|'.join((*_INDEXES, *_PLAIN, *sorted(REMOTE)))}):(/[^\s,{{}}]+)"
)
#: Postfix makes these tables itself.
_CACHES: t.Final = ("_cache_map", "_cache_database", "_exchange_name", "address_verify_map")
_LISTS_OF_TABLES: t.Final = frozenset({"proxy_read_maps", "proxy_write_maps"})
_POLICY: t.Final = later(r"check_policy_service[\s,]+(?:\{\s*)?unix:([^\s,{}]+)")
_MILTER: t.Final = later(r"(?:^|[\s,{])unix:([^\s,{}]+)")
_TRANSPORT: t.Final = later(r"^([^:\s]+):unix:([^\s,]+)$")
_RESTRICTIONS: t.Final = tuple(
    f"smtpd_{stage}_restrictions"
    for stage in "client helo sender relay recipient data end_of_data etrn".split()
)
_TRANSPORTS: t.Final = (
    "default_transport",
    "fallback_transport",
    "local_transport",
    "mailbox_transport",
    "relay_transport",
    "virtual_transport",
)
_LEGACY: t.Final = (
    ("tls_cert_file", "tls_key_file"),
    ("tls_eccert_file", "tls_eckey_file"),
)
#: Names that clients ask for, each with the files of its certificate: a table in the value itself can be read.
SNI: t.Final = "tls_server_sni_maps"
_INLINE: t.Final = later(r"inline:\s*\{((?:[^{}]|\{[^{}]*\})*)\}")
_ROW: t.Final = later(r"\{\s*([^{}=\s]+)\s*=\s*([^{}]*?)\s*\}")
_PLAIN_ROW: t.Final = later(r"([^{}=\s,]+)=([^{}\s,]+)")
#: The first row that the role writes, for a name that no client asks for, see resolve.sni_maps().
_OWN_ROW: t.Final = "hardened-mail.invalid"


class TableUse(t.NamedTuple):
    """A lookup table that is a file: ``index_file`` is what postmap(1) makes of it, empty when nothing."""

    subject: str
    parameter: str
    kind: str
    path: str
    index_file: str
    proxied: bool

    @property
    def name(self) -> str:
        """The table as the configuration writes it."""
        return f"{'proxy:' if self.proxied else ''}{self.kind}:{self.path}"


class SocketUse(t.NamedTuple):
    """A UNIX-domain socket to which a service connects as ``mail_owner``.

    ``written`` is the path as the configuration has it, ``path`` where that is on the host: a relative
    path is below the queue directory, and so is every path of a service with chroot.
    """

    subject: str
    parameter: str
    purpose: t.Literal["login", "milter", "policy", "delivery"]
    written: str
    path: str
    service: str
    chrooted: bool


class CertificateUse(t.NamedTuple):
    """A certificate of one value of the configuration; ``path`` is also the key file of chain files."""

    subject: str
    parameter: str
    path: str
    key_path: str
    hostname: str
    server: bool
    endpoints: tuple[Endpoint, ...]

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """What a CertificateFact is found by."""
        return (self.parameter, self.path, self.key_path, self.hostname)


def chrooted(view: View, service: Service) -> bool:
    """Return whether a service of master.cf runs in the queue directory."""
    column = service.fields[2] if len(service.fields) > 2 else "-"
    return column == "y" or (column == "-" and view.compatibility_level < (1,))


def table_uses(view: View) -> tuple[TableUse, ...]:
    """Return every table that is a file, once for each place in the configuration that names it first."""
    settings = [("main.cf", name, view.value(name)) for name in view.explicit]
    if "alias_maps" not in view.explicit:
        settings.append(("main.cf", "alias_maps", view.value("alias_maps")))
    for service in view.in_force:
        settings += [
            (service.id, name, view.expanded(name, overrides=service.overrides))
            for name in service.overrides
        ]
    found: dict[str, TableUse] = {}
    for subject, name, value in settings:
        if ":/" not in value or name.endswith(_CACHES) or name in _LISTS_OF_TABLES:
            continue
        for proxy, kind, path in _TABLE.findall(value):
            index = path + _INDEXES[kind] if kind in _INDEXES else ""
            one = TableUse(subject, name, kind, path, index, bool(proxy))
            found.setdefault(one.name, one)
    return tuple(found.values())


def on_host(view: View, path: str, *, chroot: bool) -> str:
    """Return where a path that a daemon opens at run time is on the host."""
    queue = view.value("queue_directory").rstrip("/")
    if not path.startswith("/"):
        return f"{queue}/{path}"
    return queue + path if chroot else path


def sasl_path(endpoint: Endpoint) -> str:
    """Return the path of the login socket of Dovecot that the service uses, empty when none."""
    if not endpoint.is_yes("smtpd_sasl_auth_enable"):
        return ""
    path = endpoint.value("smtpd_sasl_path").strip()
    if endpoint.value("smtpd_sasl_type") != "dovecot" or path.startswith("inet:"):
        return ""
    return path[5:] if path.startswith("unix:") else path


def socket_uses(view: View) -> tuple[SocketUse, ...]:
    """Return every socket that the services connect to."""
    found: list[SocketUse] = []
    for one in view.endpoints:
        if one.daemon != "smtpd":
            continue
        login = sasl_path(one)
        if login:
            found.append(_socket(view, one.service, "smtpd_sasl_path", "login", login))
        for path in _MILTER.findall(one.value("smtpd_milters")):
            found.append(_socket(view, one.service, "smtpd_milters", "milter", path))
        for name in _RESTRICTIONS:
            value = one.value(name)
            if "check_policy_service" in value:
                for path in _POLICY.findall(value):
                    found.append(_socket(view, one.service, name, "policy", path))
    return (*found, *_cleanup_milters(view), *_deliveries(view))


def _socket(
    view: View,
    service: Service,
    parameter: str,
    purpose: t.Literal["login", "milter", "policy", "delivery"],
    written: str,
) -> SocketUse:
    chroot = chrooted(view, service)
    own = parameter in service.overrides
    return SocketUse(
        subject=service.id if own else "main.cf",
        parameter=parameter,
        purpose=purpose,
        written=written,
        path=on_host(view, written, chroot=chroot),
        service=service.id,
        chrooted=chroot,
    )


def _cleanup_milters(view: View) -> t.Iterator[SocketUse]:
    for service in view.in_force:
        if service.command == "cleanup":
            value = view.expanded("non_smtpd_milters", overrides=service.overrides)
            for path in _MILTER.findall(value):
                yield _socket(view, service, "non_smtpd_milters", "milter", path)


def _deliveries(view: View) -> t.Iterator[SocketUse]:
    services = {one.name: one for one in view.in_force if one.type == "unix"}
    for name in _TRANSPORTS:
        match = _TRANSPORT.match(view.value(name).strip())
        service = services.get(match.group(1)) if match else None
        if match and service:
            yield _socket(view, service, name, "delivery", match.group(2))


def certificate_uses(view: View) -> tuple[CertificateUse, ...]:
    """Return the certificates that smtpd sends, also for names that are asked for, and those of the clients."""
    found: dict[tuple[str, str, str, str], CertificateUse] = {}
    for one in view.endpoints:
        prefix = {"smtpd": "smtpd_", "smtp": "smtp_", "lmtp": "lmtp_"}.get(one.daemon, "")
        for use in _certificates(one, prefix) if prefix else ():
            known = found.get(use.identity)
            found[use.identity] = (
                CertificateUse(
                    known.subject if known.subject == "main.cf" else use.subject,
                    *use.identity,
                    server=use.server,
                    endpoints=(*known.endpoints, one),
                )
                if known
                else use
            )
    return tuple(found.values())


def _certificates(one: Endpoint, prefix: str) -> t.Iterator[CertificateUse]:
    server = prefix == "smtpd_"
    hostname = one.value("myhostname") if server else ""
    if server:
        if not _offers_tls(one):
            return
        yield from _by_name(one)
    chain = f"{prefix}tls_chain_files"
    files = ", ".join(one.words(chain))
    if files:
        subject = one.subject if one.overrides(chain) else "main.cf"
        yield CertificateUse(subject, chain, files, files, hostname, server, (one,))
        return
    for certificate, key in _LEGACY:
        name = prefix + certificate
        path = one.value(name).strip()
        if path and path != "none":
            own = one.overrides(name) or one.overrides(prefix + key)
            yield CertificateUse(
                one.subject if own else "main.cf",
                name,
                path,
                one.value(prefix + key).strip() or path,
                hostname,
                server,
                (one,),
            )


def _by_name(one: Endpoint) -> t.Iterator[CertificateUse]:
    """Yield the certificates for names that clients ask for; indexed tables have copies and are not read."""
    value = one.value(SNI)
    if "inline:" not in value:
        return
    subject = one.subject if one.overrides(SNI) else "main.cf"
    for text in _INLINE.findall(value):
        for name, files in (*_ROW.findall(text), *_PLAIN_ROW.findall(_ROW.sub(" ", text))):
            if name != _OWN_ROW:
                listed = ", ".join(files.replace(",", " ").split())
                # A leading dot stands for every name below it, which is what a wildcard certifies.
                hostname = f"any{name}" if name.startswith(".") else name
                yield CertificateUse(subject, SNI, listed, listed, hostname, True, (one,))


def _offers_tls(one: Endpoint) -> bool:
    level = one.value("smtpd_tls_security_level")
    return (
        level not in ("", "none")
        or one.is_yes("smtpd_tls_wrappermode")
        or one.is_yes("smtpd_use_tls")
        or one.is_yes("smtpd_enforce_tls")
    )


def chroot_copies(view: View) -> tuple[str, ...]:
    """Return the files in the queue directory without which a service with chroot lacks something."""
    return tuple(on_host(view, path, chroot=True) for path in ("/etc/resolv.conf", "/etc/services"))


def wanted(view: View) -> tuple[str, ...]:
    """Return every path that the rules ask about, once."""
    queue, data = (view.value(one).rstrip("/") for one in ("queue_directory", "data_directory"))
    commands = view.value("command_directory").rstrip("/")
    paths = [
        view.config_directory,
        f"{view.config_directory}/main.cf",
        f"{view.config_directory}/master.cf",
        queue,
        *(f"{queue}/{name}" for name in ("private", "public", "maildrop", "pid")),
        data,
        view.value("daemon_directory"),
        *(f"{commands}/{name}" for name in ("postdrop", "postqueue")),
        *chroot_copies(view),
        "/etc/resolv.conf",
        *CA_BUNDLES,
    ]
    for table in table_uses(view):
        paths += [table.path, table.index_file]
    paths += [one.path for one in socket_uses(view)]
    for use in certificate_uses(view):
        paths += [*use.path.split(", "), *use.key_path.split(", ")]
    for place in authorities(view):
        paths.append(place.path)
    paths += [one.path for one in programs(view)]
    paths.append(tls_config_file(view))
    return tuple(dict.fromkeys(one for one in paths if one.startswith("/")))


class AuthorityUse(t.NamedTuple):
    """A file or directory of CA certificates; ``path`` is where the service really looks for it."""

    subject: str
    parameter: str
    written: str
    path: str
    endpoints: tuple[Endpoint, ...]


def authorities(view: View) -> tuple[AuthorityUse, ...]:
    """Return the CA files, which are read before chroot, and the CA directories, which are not."""
    found: dict[tuple[str, str, str], AuthorityUse] = {}
    for one in view.endpoints:
        prefix = {"smtpd": "smtpd_", "smtp": "smtp_", "lmtp": "lmtp_"}.get(one.daemon)
        if not prefix:
            continue
        for what in ("tls_CAfile", "tls_CApath"):
            name = prefix + what
            written = one.value(name).strip()
            if not written:
                continue
            subject = one.subject if one.overrides(name) else "main.cf"
            inside = what == "tls_CApath" and chrooted(view, one.service)
            path = on_host(view, written, chroot=inside)
            known = found.get((subject, name, path))
            users = (*known.endpoints, one) if known else (one,)
            found[subject, name, path] = AuthorityUse(subject, name, written, path, users)
    return tuple(found.values())


class ProgramUse(t.NamedTuple):
    """The program of a service of master.cf."""

    service: Service
    path: str


def programs(view: View) -> tuple[ProgramUse, ...]:
    """Return the programs of the services in force: names are those in ``daemon_directory``."""
    directory = view.value("daemon_directory").rstrip("/")
    return tuple(
        ProgramUse(
            one, one.command if one.command.startswith("/") else f"{directory}/{one.command}"
        )
        for one in view.in_force
    )


def tls_config_file(view: View) -> str:
    """Return the configuration of OpenSSL that Postfix is told to read, empty when none is named."""
    path = view.value("tls_config_file").strip()
    return path if path.startswith("/") else ""


__all__ = (
    "CA_BUNDLES",
    "REMOTE",
    "SNI",
    "AuthorityUse",
    "CertificateUse",
    "ProgramUse",
    "SocketUse",
    "TableUse",
    "authorities",
    "certificate_uses",
    "chroot_copies",
    "chrooted",
    "on_host",
    "programs",
    "sasl_path",
    "socket_uses",
    "table_uses",
    "tls_config_file",
    "wanted",
)
