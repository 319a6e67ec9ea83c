# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which TLS parameters really count for each service that receives mail (pure).

At level ``may`` Postfix reads ``smtpd_tls_protocols`` and ``smtpd_tls_ciphers``; at level ``encrypt`` and in
wrapper mode it reads ``smtpd_tls_mandatory_protocols`` and ``smtpd_tls_mandatory_ciphers`` instead, and
adds ``smtpd_tls_mandatory_exclude_ciphers`` to the exclusions. tlsproxy(8) does TLS for postscreen(8), with
parameters of its own that follow those of the server.
"""

from __future__ import annotations

import functools
import typing as t
from dataclasses import dataclass

from ansible_collections.hardened.mail.plugins.module_utils.policy import tls_suites
from ansible_collections.hardened.mail.plugins.module_utils.policy.view import (
    Endpoint,
    Scope,
    View,
)
from ansible_collections.hardened.mail.plugins.module_utils.postfix import values
from ansible_collections.hardened.mail.plugins.module_utils.postfix.version import Version

Subject = t.Literal["protocols", "ciphers"]
#: What smtpd makes of a level; any other word is fatal (smtpd.c, tls_level.c).
LEVELS: t.Final[t.Mapping[str, str]] = {
    "none": "none",
    "may": "may",
    "encrypt": "encrypt",
    "fingerprint": "encrypt",
    "verify": "encrypt",
    "secure": "encrypt",
}
#: The cipher grades that Postfix knows, from the weakest.
GRADES: t.Final = ("null", "export", "low", "medium", "high")
_LOCAL_ONLY: t.Final = frozenset({"loopback-only", "localhost", "::1", "[::1]"})
_T = t.TypeVar("_T")


@dataclass(frozen=True)
class TlsServer:
    """A service that receives mail, as its TLS handshakes go.

    ``level`` is ``none``, ``may``, ``encrypt``, or empty when the daemon dies of the value. ``wrapper``: it
    speaks TLS from the first byte, and its level does not count.
    """

    endpoint: Endpoint
    level: str
    wrapper: bool

    @functools.cached_property
    def mandatory(self) -> bool:
        """Whether nothing goes without TLS."""
        return self.wrapper or self.level == "encrypt"

    @functools.cached_property
    def offers(self) -> bool:
        """Whether there are TLS handshakes at all."""
        return self.wrapper or self.level in ("may", "encrypt")

    @functools.cached_property
    def internal(self) -> bool:
        """Whether only the host itself can reach it."""
        if self.endpoint.purpose == "internal":
            return True
        bound = self.endpoint.service.type == "inet" and self.endpoint.service.key[1]
        return not bound and not once(self.endpoint.view, "tls_reachable", _reachable)

    def name(self, parameter: str) -> str:
        """Return the parameter that has the value of ``smtpd_<parameter>`` for this service.

        tlsproxy has its own, which count where somebody set them; else they follow smtpd's.
        """
        if self.endpoint.daemon == "tlsproxy":
            own = f"tlsproxy_{parameter}"
            if self.endpoint.overrides(own) or own in self.endpoint.view.explicit:
                return own
        return f"smtpd_{parameter}"

    def value(self, parameter: str) -> str:
        """Return the value of ``smtpd_<parameter>`` or what this service has for it."""
        return self.endpoint.value(self.name(parameter))

    def counts(self, subject: Subject) -> str:
        """Return the name of the parameter with the protocols or the cipher grade that counts."""
        return self.name(f"tls_mandatory_{subject}" if self.mandatory else f"tls_{subject}")

    def idle(self, subject: Subject) -> str:
        """Return the name of its twin, which does not count."""
        return self.name(f"tls_{subject}" if self.mandatory else f"tls_mandatory_{subject}")

    @property
    def exclusion_names(self) -> tuple[str, ...]:
        """The names of the parameters with suites to exclude, the one to change first."""
        both = self.name("tls_exclude_ciphers")
        if not self.mandatory:
            return (both,)
        mandatory = self.name("tls_mandatory_exclude_ciphers")
        if self.endpoint.overrides(both) and not self.endpoint.overrides(mandatory):
            return (both, mandatory)
        return (mandatory, both)

    @property
    def asks_for_certificate(self) -> bool:
        """Whether clients are asked for a certificate, which excludes anonymous suites."""
        if self.value("tls_ask_ccert").lower() == "yes":
            return True
        return self.mandatory and self.value("tls_req_ccert").lower() == "yes"

    @functools.cached_property
    def protocols(self) -> t.Optional[frozenset[str]]:
        """The protocols that it allows; None when Postfix turns TLS off over the list."""
        return allowed(self.endpoint.value(self.counts("protocols")), self.endpoint.view.version)

    @property
    def grade(self) -> str:
        """The cipher grade as Postfix reads it, empty when it is none."""
        grade = self.endpoint.value(self.counts("ciphers")).strip().lower()
        return grade if grade in GRADES else ""

    @property
    def cipher_list_name(self) -> str:
        """The parameter with the suites of the grade; low and export became medium in Postfix 3.8."""
        grade = self.grade
        if grade in ("low", "export") and self.endpoint.view.version.has("3.8"):
            grade = "medium"
        return f"tls_{grade or 'medium'}_cipherlist"

    @property
    def exclusions(self) -> str:
        """All words that count, of both parameters."""
        words = " ".join(self.endpoint.value(one) for one in self.exclusion_names)
        return f"{words} aNULL" if self.asks_for_certificate else words

    @functools.cached_property
    def suites(self) -> t.Optional[int]:
        """The suites of TLS 1.2 and older that are configured, as in ``tls_suites``.

        None when Postfix does not understand the grade or the exclusions, and every handshake fails.
        """
        exclusions = self.exclusions
        if not self.grade or any(word[0] in "!+-@" for word in exclusion_words(exclusions)):
            return None
        return self.suites_of(self.cipher_list_name, exclusions)

    def suites_of(self, cipher_list: str, exclusions: str = "") -> int:
        """Return the suites in the list with this name, without what is excluded."""
        era = tls_suites.era_of(self.endpoint.view.tls_library)
        return tls_suites.left(self.endpoint.value(cipher_list), exclusions, era=era)


@functools.lru_cache(maxsize=256)
def allowed(value: str, postfix: Version) -> t.Optional[frozenset[str]]:
    """Return the protocols of a list, None when this Postfix would turn TLS off over it."""
    try:
        return values.protocols(value, postfix=postfix)
    except values.ValueProblem:
        return None


@functools.lru_cache(maxsize=256)
def exclusion_words(value: str) -> tuple[str, ...]:
    """Return the words of a list of suites to exclude, split as Postfix splits it."""
    return tuple(value.replace(",", " ").replace(":", " ").split())


def level_of(endpoint: Endpoint, *, prefix: str = "smtpd") -> str:
    """Return ``none``, ``may`` or ``encrypt``, or empty when the daemon dies of the value."""
    value = endpoint.value(f"{prefix}_tls_security_level").strip().lower()
    if value:
        return LEVELS.get(value, "")
    if endpoint.is_yes(f"{prefix}_enforce_tls"):
        return "encrypt"
    return "may" if endpoint.is_yes(f"{prefix}_use_tls") else "none"


def once(view: View, name: str, make: t.Callable[[View], _T]) -> _T:
    """Return what *make* gives for a view, and make it only once: many rules ask for the same."""
    known: dict[str, t.Any] = vars(view)
    if name not in known:
        known[name] = make(view)
    found: _T = known[name]
    return found


def _overridden(view: View) -> frozenset[str]:
    return frozenset(name for one in view.endpoints for name in one.service.overrides)


def is_written(view: View, parameter: str) -> bool:
    """Return whether main.cf or an override sets the parameter."""
    return parameter in view.explicit or parameter in once(view, "tls_overridden", _overridden)


def client_speaks(one: Endpoint) -> bool:
    """Return whether a client may do TLS, with some destinations at least."""
    level = one.value(f"{one.daemon}_tls_security_level").strip().lower()
    if level not in ("", "none"):
        return True
    switches = ("use_tls", "enforce_tls") if not level else ()
    return any(one.is_yes(f"{one.daemon}_{name}") for name in switches) or any(
        one.value(f"{one.daemon}_tls_{name}").strip() for name in ("policy_maps", "per_site")
    )


def _speakers(view: View) -> tuple[Endpoint, ...]:
    clients = view.having(daemon=("smtp", "lmtp"))
    return (*(one.endpoint for one in offering(view, internal=True)), *clients)


def speakers(view: View) -> tuple[Endpoint, ...]:
    """Return the servers with TLS handshakes and the clients: who reads the shared parameters."""
    return once(view, "tls_speakers", _speakers)


def _reachable(view: View) -> bool:
    """Return whether Postfix listens on an address that other hosts can reach."""
    return any(
        one not in _LOCAL_ONLY and not one.startswith("127.")
        for one in view.words("inet_interfaces")
    )


def _servers(view: View) -> tuple[TlsServer, ...]:
    found = []
    screened = any(one.daemon == "postscreen" for one in view.endpoints)
    for one in view.endpoints:
        if one.daemon == "smtpd":
            wrapper = one.is_yes("smtpd_tls_wrappermode")
            found.append(TlsServer(one, level_of(one), wrapper))
        elif one.daemon == "tlsproxy" and screened:
            found.append(TlsServer(one, level_of(one, prefix="tlsproxy"), wrapper=False))
    return tuple(found)


def servers(view: View) -> tuple[TlsServer, ...]:
    """Return every service that may do TLS as a server; tlsproxy only where postscreen uses it."""
    return once(view, "tls_servers", _servers)


def offering(view: View, *, internal: bool = False) -> tuple[TlsServer, ...]:
    """Return the services with TLS handshakes, those that only the host can reach left out."""
    return once(view, "tls_offering" if internal else "tls_offering_outside", _offering[internal])


def _outside(view: View) -> tuple[TlsServer, ...]:
    return tuple(one for one in offering(view, internal=True) if not one.internal)


def _all_offering(view: View) -> tuple[TlsServer, ...]:
    return tuple(one for one in servers(view) if one.offers)


_offering: t.Final = {True: _all_offering, False: _outside}


def group(
    view: View, pairs: t.Iterable[tuple[str, TlsServer]]
) -> tuple[tuple[Scope, tuple[TlsServer, ...]], ...]:
    """Return the lines that set the parameters, each with the services that read it.

    *pairs* are the names of parameters and services that go by them.
    """
    named: dict[str, dict[str, TlsServer]] = {}
    for parameter, server in pairs:
        named.setdefault(parameter, {})[server.endpoint.subject] = server
    return tuple(
        (scope, tuple(readers[one.subject] for one in scope.endpoints))
        for parameter, readers in named.items()
        for scope in view.scopes(parameter, (one.endpoint for one in readers.values()))
    )


def _lines(subject: Subject, view: View) -> tuple[tuple[Scope, tuple[TlsServer, ...]], ...]:
    return group(view, ((one.counts(subject), one) for one in offering(view, internal=True)))


def lines(view: View, subject: Subject) -> tuple[tuple[Scope, tuple[TlsServer, ...]], ...]:
    """Return the lines with protocols or grades that count, each with the services that read it."""
    return once(view, f"tls_lines_{subject}", functools.partial(_lines, subject))


def _exclusions(view: View) -> tuple[tuple[Scope, tuple[TlsServer, ...]], ...]:
    return group(view, ((one.exclusion_names[0], one) for one in offering(view)))


def exclusion_lines(view: View) -> tuple[tuple[Scope, tuple[TlsServer, ...]], ...]:
    """Return the lines with exclusions, each with the services whose suites hang on it most."""
    return once(view, "tls_lines_exclusions", _exclusions)


__all__ = (
    "GRADES",
    "LEVELS",
    "TlsServer",
    "allowed",
    "client_speaks",
    "exclusion_lines",
    "exclusion_words",
    "group",
    "is_written",
    "level_of",
    "lines",
    "offering",
    "once",
    "servers",
    "speakers",
)
