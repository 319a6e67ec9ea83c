# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the rules look at: one host's Postfix as every service of it really runs (pure)."""

from __future__ import annotations

import functools
import typing as t
from dataclasses import dataclass, field

from ansible_collections.hardened.mail.plugins.module_utils.policy.profiles import Choices
from ansible_collections.hardened.mail.plugins.module_utils.postfix.expand import (
    NOT_EXPANDED,
    ExpansionError,
    expand,
)
from ansible_collections.hardened.mail.plugins.module_utils.postfix.master_cf import Service
from ansible_collections.hardened.mail.plugins.module_utils.postfix.version import (
    TlsLibrary,
    Version,
)

if t.TYPE_CHECKING:
    from ansible_collections.hardened.mail.plugins.module_utils.policy.host_facts import HostFacts

Purpose = t.Literal["mx", "submission", "submissions", "internal", "other", "outbound", "lmtp", ""]

_LOCAL = ("localhost", "::1", "[::1]")


@dataclass(frozen=True)
class Endpoint:
    """A service of master.cf that speaks SMTP or LMTP, with the values that it really uses.

    ``daemon`` is the program: ``smtpd``, ``postscreen``, ``tlsproxy``, ``smtp`` or ``lmtp``. ``purpose`` says
    for whom it is: ``mx`` (port 25 for strangers, also smtpd behind postscreen), ``submission`` (587),
    ``submissions`` (465, or another port with wrapper mode), ``internal`` (a port on a loopback address),
    ``other`` (a port of the site), ``outbound`` and ``lmtp`` (clients), empty for tlsproxy.
    """

    service: Service
    daemon: str
    purpose: Purpose
    view: View = field(repr=False, compare=False)
    _values: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def subject(self) -> str:
        """The service as a finding names it."""
        return self.service.id

    @property
    def chrooted(self) -> bool:
        """Whether the service runs in the queue directory (column chroot; ``-`` is the default ``n``)."""
        chroot = self.service.fields[2]
        old = self.view.compatibility_level < (1,)
        return chroot == "y" or (chroot == "-" and old)

    def overrides(self, parameter: str) -> bool:
        """Return whether the service sets the parameter with ``-o``."""
        return parameter in self.service.overrides

    def value(self, parameter: str) -> str:
        """Return the expanded value that the service uses: its override, main.cf's, or the default."""
        overrides = self.service.overrides
        if not overrides:
            return self.view.value(parameter)
        try:
            return self._values[parameter]
        except KeyError:
            value = self._values[parameter] = self.view.expanded(parameter, overrides=overrides)
            return value

    def is_yes(self, parameter: str) -> bool:
        """Return whether the service reads the parameter as true."""
        return self.value(parameter).strip().lower() == "yes"

    def words(self, parameter: str) -> list[str]:
        """Return the value split at blanks and commas."""
        return self.value(parameter).replace(",", " ").split()


class Scope(t.NamedTuple):
    """One value of a parameter and the services that use it because of one line.

    ``origin`` is ``master.cf`` (an override of the one service), ``main.cf``, or ``default``.
    """

    parameter: str
    value: str
    origin: t.Literal["master.cf", "main.cf", "default"]
    endpoints: tuple[Endpoint, ...]

    @property
    def subject(self) -> str:
        """Where to change it: the service of an override, else ``main.cf``."""
        return self.endpoints[0].subject if self.origin == "master.cf" else "main.cf"

    @property
    def used_by(self) -> str:
        """The services, as text."""
        return ", ".join(one.subject for one in self.endpoints)


@dataclass(frozen=True)
class View:
    """One configuration of Postfix, and what is known of its host.

    ``raw`` is every parameter of this Postfix as ``postconf`` prints it, defaults included and nothing
    expanded; ``explicit`` are those of main.cf (``postconf -n``). ``services`` are the entries of master.cf,
    duplicates included. ``warnings`` is what postconf says on standard error. ``facts`` is what a look at the
    host itself gave (files, certificates), None for a capture.
    """

    version: Version
    raw: t.Mapping[str, str]
    explicit: t.Mapping[str, str]
    services: tuple[Service, ...]
    warnings: tuple[str, ...] = ()
    tls_library: t.Optional[TlsLibrary] = None
    map_types: frozenset[str] = frozenset()
    config_directory: str = "/etc/postfix"
    choices: Choices = field(default_factory=Choices)
    facts: t.Optional[HostFacts] = None
    _values: dict[str, str] = field(default_factory=dict, repr=False, compare=False)
    #: Parameters whose value could not be expanded (a cycle), with the reason.
    broken: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

    def value(self, parameter: str) -> str:
        """Return the expanded value of main.cf or the default; empty for an unknown parameter."""
        # The rules ask some hundred times: known values come first.
        try:
            return self._values[parameter]
        except KeyError:
            value = self._values[parameter] = self.expanded(parameter, overrides={})
            return value

    def expanded(self, parameter: str, *, overrides: t.Mapping[str, str]) -> str:
        """Return the value of a parameter where *overrides* (of a service) come before main.cf."""
        text = overrides.get(parameter)
        if text is None:
            text = self.raw.get(parameter)
        if text is None:
            text = self.explicit.get(parameter, "")
        if "$" not in text or parameter in NOT_EXPANDED:
            return text

        def lookup(name: str) -> t.Optional[str]:
            for source in (overrides, self.explicit, self.raw):
                if name in source:
                    return source[name]
            return None

        try:
            return expand(text, lookup)
        except ExpansionError as problem:
            self.broken[parameter] = str(problem)
            return ""

    def is_yes(self, parameter: str) -> bool:
        """Return whether main.cf (or the default) reads as true."""
        return self.value(parameter).strip().lower() == "yes"

    def words(self, parameter: str) -> list[str]:
        """Return the value of main.cf (or the default) split at blanks and commas."""
        return self.value(parameter).replace(",", " ").split()

    def knows(self, parameter: str) -> bool:
        """Return whether this Postfix has the parameter."""
        return parameter in self.raw

    @functools.cached_property
    def compatibility_level(self) -> tuple[int, ...]:
        """compatibility_level as numbers, (0,) when it is not one."""
        try:
            return tuple(int(one) for one in self.value("compatibility_level").split("."))
        except ValueError:
            return (0,)

    @functools.cached_property
    def in_force(self) -> tuple[Service, ...]:
        """The services without the duplicates that Postfix ignores (the last one counts)."""
        return tuple({service.key: service for service in self.services}.values())

    @functools.cached_property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """Every service in force that speaks SMTP or LMTP, in the order of master.cf."""
        return tuple(
            Endpoint(service, service.command, self._purpose(service), self)
            for service in self.in_force
            if service.command in ("smtpd", "postscreen", "tlsproxy", "smtp", "lmtp")
        )

    def _purpose(self, service: Service) -> Purpose:
        kind, address, port = service.key
        if service.command in ("smtp", "lmtp"):
            return "lmtp" if service.command == "lmtp" else "outbound"
        if service.command == "tlsproxy":
            return ""
        if kind == "pass":
            return "mx"
        if kind != "inet" or address in _LOCAL or address.startswith("127."):
            return "internal"
        if port == "587":
            return "submission"
        wrapper = service.overrides.get("smtpd_tls_wrappermode", "").lower() == "yes"
        if port == "465" or wrapper:
            return "submissions"
        return "mx" if port == "25" else "other"

    def having(
        self, *, daemon: t.Container[str] = ("smtpd",), purpose: t.Container[str] = ()
    ) -> tuple[Endpoint, ...]:
        """Return the endpoints of these daemons, and of these purposes when any is given."""
        # A list: the rules ask some hundred times, and a generator takes longer than what is in it.
        return tuple(
            [
                one
                for one in self.endpoints
                if one.daemon in daemon and (not purpose or one.purpose in purpose)
            ]
        )

    def scopes(self, parameter: str, endpoints: t.Iterable[Endpoint]) -> tuple[Scope, ...]:
        """Return the values of a parameter in *endpoints*, one Scope for each line that sets one.

        All services that follow main.cf (or the default) are one scope, each override is its own.
        """
        common = []
        found = []
        main = self.value(parameter)
        for one in endpoints:
            overrides = one.service.overrides
            if not overrides:
                common.append(one)
                continue
            value = one.value(parameter)
            # An override of another parameter may change the value through a $name.
            if parameter in overrides or value != main:
                found.append(Scope(parameter, value, "master.cf", (one,)))
            else:
                common.append(one)
        if common:
            origin: t.Literal["main.cf", "default"] = (
                "main.cf" if parameter in self.explicit else "default"
            )
            found.insert(0, Scope(parameter, main, origin, tuple(common)))
        return tuple(found)


__all__ = ("Endpoint", "Purpose", "Scope", "View")
