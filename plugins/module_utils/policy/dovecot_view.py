# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the rules for Dovecot look at: its configuration, and what a look at its host gave (pure)."""

from __future__ import annotations

import datetime
import functools
import typing as t
from dataclasses import dataclass, field

from ansible_collections.hardened.mail.plugins.module_utils.dovecot.config_files import (
    Unnamed,
    Written,
)
from ansible_collections.hardened.mail.plugins.module_utils.dovecot.doveconf_output import (
    Block,
    Message,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.host_facts import (
    NOTHING,
    CertificateFact,
    FileFact,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.profiles import Choices

#: Protocols of people's mail programs: name, service, and the ports that it has without being told,
#: each with whether TLS starts at once.
_PROTOCOLS: t.Final[t.Mapping[str, tuple[str, t.Mapping[str, tuple[int, bool]]]]] = {
    "imap": ("imap-login", {"imap": (143, False), "imaps": (993, True)}),
    "pop3": ("pop3-login", {"pop3": (110, False), "pop3s": (995, True)}),
    "submission": (
        "submission-login",
        {"submission": (587, False), "submissions": (465, True)},
    ),
    "sieve": ("managesieve-login", {"sieve": (4190, False)}),
}
_LOOPBACK: t.Final = ("127.", "::1", "[::1]", "localhost")


@dataclass(frozen=True)
class Login:
    """A port on which people log in, or on which mail comes in by LMTP."""

    protocol: str
    name: str
    port: int
    implicit_tls: bool
    local: bool


@dataclass(frozen=True)
class PostfixSide:
    """What Postfix on the same host wants of Dovecot: for each socket of ``smtpd_sasl_path`` the services.

    Paths are those on the host. ``user`` and ``group`` are those of its processes.
    """

    queue_directory: str
    sockets: t.Mapping[str, tuple[str, ...]]
    user: str
    group: str


@dataclass(frozen=True)
class DovecotFacts:
    """One host at one moment.

    ``passwords`` are for each passwd-file how many lines have a scheme. ``written`` and ``unnamed`` are
    what stands in the configuration files. ``postfix`` is None where there is no Postfix. ``unseen`` says
    what could not be looked at, and why.
    """

    now: datetime.datetime
    files: t.Mapping[str, FileFact] = field(default_factory=dict)
    certificates: tuple[CertificateFact, ...] = ()
    passwords: t.Mapping[str, t.Mapping[str, int]] = field(default_factory=dict)
    written: tuple[Written, ...] = ()
    unnamed: tuple[Unnamed, ...] = ()
    postfix: t.Optional[PostfixSide] = None
    unseen: tuple[str, ...] = ()

    def file(self, path: str) -> FileFact:
        """Return the fact of a path; one that was not looked at does not exist."""
        return self.files.get(path, NOTHING)


@dataclass(frozen=True)
class Passdb:
    """One password database, in the words of 2.4: ``scheme`` is its default, empty when not written."""

    name: str
    driver: str
    scheme: str
    file: str
    block: Block

    @property
    def subject(self) -> str:
        """The database as a message names it."""
        return f"passdb {self.name}"


@dataclass(frozen=True)
class DovecotView:
    """The configuration of one Dovecot.

    ``everything`` is ``doveconf -a``, ``explicit`` what differs from the defaults (``doveconf -n``).
    ``refused`` is why Dovecot does not take the configuration: there are no settings then. ``messages``
    are what doveconf says beside it.
    """

    version: tuple[int, int, int]
    file: str
    everything: Block
    explicit: Block
    refused: t.Optional[Message] = None
    messages: tuple[Message, ...] = ()
    choices: Choices = field(default_factory=Choices)
    facts: t.Optional[DovecotFacts] = None
    broken: t.Mapping[str, str] = field(default_factory=dict)

    @property
    def new(self) -> bool:
        """Whether names are those of 2.4."""
        return self.version >= (2, 4, 0)

    def spelt(self, old: str, new: str) -> str:
        """Return the name of a setting in this Dovecot."""
        return new if self.new else old

    def value(self, name: str) -> str:
        """Return what holds for all connections: as written, or the default."""
        found = self.explicit.get(name)
        return self.everything.value(name) if found is None else found

    def written(self, name: str) -> bool:
        """Return whether the configuration sets it for all connections, to something else than the default."""
        return self.explicit.get(name) is not None

    def settings(self, name: str) -> t.Iterator[tuple[str, str]]:
        """Yield each value of a setting with where it holds: ``dovecot``, or ``dovecot: protocol imap``."""
        yield "dovecot", self.value(name)
        for title, block in self.explicit.filters():
            found = block.get(name)
            if found is not None:
                yield f"dovecot: {title}", found

    @functools.cached_property
    def protocols(self) -> tuple[str, ...]:
        """The protocols that are switched on."""
        return tuple(self.explicit.words("protocols") or self.everything.words("protocols"))

    @functools.cached_property
    def mechanisms(self) -> tuple[str, ...]:
        """The mechanisms of logging in, in lower case."""
        words = self.explicit.words("auth_mechanisms") or self.everything.words("auth_mechanisms")
        return tuple(word.lower() for word in words) or ("plain",)

    @functools.cached_property
    def logins(self) -> tuple[Login, ...]:
        """The ports on which people log in."""
        return tuple(
            one
            for protocol in self.protocols
            if protocol in _PROTOCOLS
            for one in self._ports(protocol, *_PROTOCOLS[protocol])
        )

    @functools.cached_property
    def mail_ports(self) -> tuple[Login, ...]:
        """The ports on which Dovecot takes mail by LMTP; there are none unless the site names some."""
        return tuple(self._ports("lmtp", "lmtp", {})) if "lmtp" in self.protocols else ()

    def _ports(
        self, protocol: str, service: str, usual: t.Mapping[str, tuple[int, bool]]
    ) -> t.Iterator[Login]:
        found = {
            name: Login(protocol, name, port, implicit, self._local(""))
            for name, (port, implicit) in usual.items()
        }
        for block in (*self.everything.children("service"), *self.explicit.children("service")):
            if block.name != service:
                continue
            for listener in block.children("inet_listener"):
                before = found.get(listener.name, Login(protocol, listener.name, 0, False, False))
                port = listener.value("port")
                address = listener.value("address") or listener.value("listen")
                found[listener.name] = Login(
                    protocol,
                    listener.name,
                    int(port) if port.isdigit() else before.port,
                    listener.value("ssl") == "yes" if listener.get("ssl") else before.implicit_tls,
                    self._local(address),
                )
        return (one for one in found.values() if one.port)

    def _local(self, addresses: str) -> bool:
        return self.only_this_host(addresses or self.value("listen"))

    @staticmethod
    def only_this_host(addresses: str) -> bool:
        """Return whether a list of addresses to listen on has none but this host's own."""
        words = addresses.replace(",", " ").split()
        return bool(words) and all(one.startswith(_LOOPBACK) for one in words)

    @property
    def strangers(self) -> tuple[Login, ...]:
        """The ports on which people of other hosts log in."""
        return tuple(one for one in self.logins if not one.local)

    @functools.cached_property
    def passdbs(self) -> tuple[Passdb, ...]:
        """The password databases that let people in."""
        found = []
        for block in self.explicit.children("passdb"):
            if self.setting(block, "deny") == "yes" or self.setting(block, "master") == "yes":
                continue
            driver = block.value("driver") or self.setting(block, "driver") or block.name
            words = block.value("args").split()
            options = dict(word.partition("=")[::2] for word in words if "=" in word)
            path = next((word for word in words if word.startswith("/")), "")
            found.append(
                Passdb(
                    name=block.name or driver,
                    driver=driver,
                    scheme=self.setting(block, "default_password_scheme")
                    or options.get("scheme", "")
                    or (self.explicit.value("passdb_default_password_scheme") if self.new else ""),
                    file=block.value("passwd_file_path") or path,
                    block=block,
                )
            )
        return tuple(found)

    @staticmethod
    def setting(block: Block, name: str) -> str:
        """Return a setting of a passdb, which 2.4 takes with and without its prefix."""
        return block.value(name) or block.value(f"passdb_{name}")

    def listeners(self, service: str, kind: str) -> t.Iterator[Block]:
        """Yield the sockets of a service: those written, and what Dovecot has by itself."""
        seen = set()
        for source in (self.explicit, self.everything):
            for block in source.children("service"):
                for one in block.children(kind) if block.name == service else ():
                    if one.name not in seen:
                        seen.add(one.name)
                        yield one


def certificate_paths(view: DovecotView) -> tuple[tuple[str, str, str, str], ...]:
    """Return (subject, name of the setting, certificate file, key file) of every pair that is configured."""
    names = (
        ("ssl_server_cert_file", "ssl_server_key_file"),
        ("ssl_server_alt_cert_file", "ssl_server_alt_key_file"),
    )
    if not view.new:
        names = (("ssl_cert", "ssl_key"), ("ssl_alt_cert", "ssl_alt_key"))
    found: dict[tuple[str, str, str, str], None] = {}
    for certificate, key in names:
        keys = dict(view.settings(key))
        for subject, value in view.settings(certificate):
            path = _path(value)
            if path:
                found[subject, certificate, path, _path(keys.get(subject, keys["dovecot"]))] = None
    return tuple(found)


def _path(value: str) -> str:
    """Return the file that a value names: 2.3 reads what stands behind ``<``."""
    path = value[1:].strip() if value.startswith("<") else value
    return path if path.startswith("/") else ""


def key_setting(certificate: str) -> str:
    """Return the name of the setting of the key that belongs to one of a certificate."""
    return certificate.replace("cert", "key")


__all__ = (
    "DovecotFacts",
    "DovecotView",
    "Login",
    "Passdb",
    "PostfixSide",
    "certificate_paths",
    "key_setting",
)
