# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Turn what postconf(1) said into what the rules look at (pure).

An answer that is missing, cut off, or no answer of postconf's makes its part missing, with the reason in words.
A reason shows no value: it may be a secret.
"""

from __future__ import annotations

import functools
import re
import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.policy import redaction
from ansible_collections.hardened.mail.plugins.module_utils.policy.profiles import Choices
from ansible_collections.hardened.mail.plugins.module_utils.policy.rule import Part
from ansible_collections.hardened.mail.plugins.module_utils.policy.view import View
from ansible_collections.hardened.mail.plugins.module_utils.postfix import (
    main_cf,
    master_cf,
    postconf_output,
    values,
)
from ansible_collections.hardened.mail.plugins.module_utils.postfix.capture import (
    QUESTIONS,
    TOO_LONG,
    Capture,
)
from ansible_collections.hardened.mail.plugins.module_utils.postfix.patterns import later
from ansible_collections.hardened.mail.plugins.module_utils.postfix.version import (
    TlsLibrary,
    Version,
)

if t.TYPE_CHECKING:
    from ansible_collections.hardened.mail.plugins.module_utils.policy.host_facts import HostFacts

_T = t.TypeVar("_T")

#: Parameters of every Postfix, among them the first and the last that postconf prints.
_ALWAYS_THERE: t.Final = (
    "2bounce_notice_recipient",
    "compatibility_level",
    "mydestination",
    "smtpd_banner",
    "virtual_uid_maps",
)
#: The oldest Postfix that the rules know; before it postconf answers otherwise.
_OLDEST: t.Final = Version(3, 4)

#: Why the rules about files and certificates are incomplete for a capture.
NOT_ON_HOST: t.Final = "files, certificates and ports can only be seen on the host itself"

_NO_VERSION: t.Final = Version(0, 0)
_VALUE: t.Final = later(r"(=\s*)\S.*$|\"[^\"]*\"", re.DOTALL)
#: Longer lines are not remembered: memory must not grow with what hosts write.
_SHORT: t.Final = 3000

_MESSAGE: t.Final = later(r"\S*postconf: warning: ")
_TLS_LIBRARIES: t.Final = later(r"(?:OpenSSL|LibreSSL|BoringSSL|AWS-LC) \d")
_MAP_TYPE: t.Final = later(r"[a-z][a-z0-9_-]*")
_WHAT: t.Final[t.Mapping[str, str]] = {
    "version": "the version of Postfix is not known",
    "postconf": "the parameters are not known",
    "explicit": "the parameters of main.cf are not known",
    "master": "the services of master.cf are not known",
    "overrides": "the parameters of the services are not known",
    "map_types": "the table types are not known",
    "tls_library": "the TLS library is not known",
}


class _Senseless(Exception):
    """An answer that says nothing; the message is the reason."""


def view_of(
    capture: Capture, *, choices: t.Optional[Choices] = None, facts: t.Optional[HostFacts] = None
) -> tuple[View, dict[Part, str]]:
    """Return the view of a capture, and the parts that it has not, each with the reason."""
    missing: dict[Part, str] = {}

    def part(name: Part, read: t.Callable[[Capture], _T], default: _T) -> _T:
        try:
            return read(capture)
        except _Senseless as reason:
            missing.setdefault(name, str(reason))
            return default

    version = part("main", _version, _NO_VERSION)
    if _NO_VERSION != version < _OLDEST:
        missing["main"] = f"these rules do not know Postfix {version}, only 3.4 and newer"
    nothing: dict[str, str] = {}
    raw, explicit = part("main", _main, (nothing, nothing))
    view = View(
        version=version,
        raw=raw,
        explicit=explicit,
        services=part("master", _services, ()),
        warnings=part("warnings", _warnings, ()),
        tls_library=part("tls_library", _tls_library, None),
        map_types=part("map_types", _map_types, frozenset()),
        config_directory=capture.config_directory or "/etc/postfix",
        choices=choices or Choices(),
        facts=facts,
    )
    if facts is None:
        missing["host"] = NOT_ON_HOST
    if version < _OLDEST:
        # What a parameter, a service or a warning means depends on the version.
        dependent: tuple[Part, ...] = ("master", "map_types", "warnings", "tls_library")
        missing.update(dict.fromkeys(dependent, missing["main"]))
    return view, missing


def _asked(question: str) -> str:
    return " ".join(("postconf", *QUESTIONS[question]))


def _answer(capture: Capture, question: str) -> str:
    """Return the standard output of an answer. Raises _Senseless when there is none."""
    said = capture.said.get(question)
    what = _WHAT[question]
    if said is None:
        why = (
            "the capture does not hold the answer"
            if capture.complete
            else "the capture ends before it; it was cut off"
        )
        raise _Senseless(f"{what} ({_asked(question)}): {why}")
    if said.status == TOO_LONG:
        raise _Senseless(f"{what}: {_asked(question)} did not end in time")
    if said.status != 0:
        words = "; ".join(_without_values(one) for one in postconf_output.warnings(said.stderr))
        raise _Senseless(
            f"{what}: {_asked(question)} ended with status {said.status}"
            + (f": {words[:300]}" if words else "")
        )
    if "\0" in said.stdout:
        raise _Senseless(f"{what}: {_asked(question)} printed binary data")
    return said.stdout


def _without_values(message: str) -> str:
    """Return a message of postconf's without the values that it shows."""
    return values.masked("", _VALUE.sub(lambda found: (found.group(1) or "") + "...", message))


def _version(capture: Capture) -> Version:
    text = _answer(capture, "version").strip()
    try:
        return Version.parse(text)
    except ValueError as error:
        raise _Senseless(
            "the version of Postfix is not known: postconf -d -h mail_version printed something "
            "that is no version"
        ) from error


def _main(capture: Capture) -> tuple[dict[str, str], dict[str, str]]:
    raw = _parameters(capture, "postconf")
    absent = [name for name in _ALWAYS_THERE if name not in raw]
    if absent:
        raise _Senseless(
            f"the parameters are not known: postconf printed {len(raw)}, and {absent[0]}, which every "
            "Postfix has, is not among them; the answer was cut off, or is another program's"
        )
    explicit = _parameters(capture, "explicit")
    strange = [
        name
        for name, value in explicit.items()
        if raw.get(name) != value and name != "config_directory"
    ]
    if strange:
        raise _Senseless(
            "the parameters are not known: postconf and postconf -n do not agree about "
            f"{strange[0][:60]}; the configuration was changed meanwhile, or the answers are of two hosts"
        )
    return raw, explicit


def _parameters(capture: Capture, question: str) -> dict[str, str]:
    lines = _answer(capture, question).split("\n")
    if max(map(len, lines)) < _SHORT:
        found = dict(map(_known_pair, lines))
    else:
        found = dict(_known_pair(one) if len(one) < _SHORT else _pair(one) for one in lines)
    found.pop("", None)
    if None in found:
        raise _Senseless(
            f"{_WHAT[question]}: {_asked(question)} printed a line that is no 'name = value'"
        )
    return t.cast("dict[str, str]", found)


def _pair(line: str) -> tuple[t.Optional[str], str]:
    """Return name and value of a line; ("", "") for one to skip, (None, "") for one without sense."""
    name, equals, value = line.partition(" =")
    if equals and name.isascii() and name.isprintable() and " " not in name and "=" not in name:
        return name, main_cf.normalise(value)
    return ("", "") if not line.strip() or _is_message(line) else (None, "")


#: Most lines are the same on most hosts.
_known_pair: t.Final = functools.lru_cache(maxsize=4096)(_pair)


def _is_message(line: str) -> bool:
    """Return whether a line of standard output belongs on standard error, as with ``2>&1``."""
    return _MESSAGE.match(line) is not None


def _services(capture: Capture) -> tuple[master_cf.Service, ...]:
    lines = [line for line in _answer(capture, "master").split("\n") if not _is_message(line)]
    services: list[master_cf.Service] = []
    for number, line in enumerate(lines, start=1):
        try:
            services += (_known_service if len(line) < _SHORT else master_cf.parse)(line)
        except main_cf.ConfigSyntaxError as error:
            raise _Senseless(
                f"the services of master.cf are not known: line {number} of postconf -M is no service"
            ) from error
    if not services:
        raise _Senseless("the services of master.cf are not known: postconf -M printed none")
    return tuple(services)


_known_service: t.Final = functools.lru_cache(maxsize=512)(master_cf.parse)


def _warnings(capture: Capture) -> tuple[str, ...]:
    said = []
    for question in ("postconf", "explicit", "master", "overrides"):
        stdout = _answer(capture, question)
        said.append(capture.said[question].stderr)
        if "postconf: warning: " in stdout:
            said += [line for line in stdout.split("\n") if _is_message(line)]
    return tuple(map(redaction.message, postconf_output.warnings("\n".join(said))))


def _tls_library(capture: Capture) -> t.Optional[TlsLibrary]:
    text = _answer(capture, "tls_library")
    if _TLS_LIBRARIES.match(text):
        return TlsLibrary.parse(text)
    raise _Senseless(
        "the TLS library is not known: postconf -T run-version named none; this Postfix was built "
        "without TLS, or another program answered"
    )


def _map_types(capture: Capture) -> frozenset[str]:
    words = _answer(capture, "map_types").split()
    if "static" not in words or not all(map(_MAP_TYPE.fullmatch, words)):
        raise _Senseless(
            "the table types are not known: postconf -m printed something that is no list of them"
        )
    return frozenset(words)


__all__ = ("NOT_ON_HOST", "view_of")
