# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read what postconf(1) prints (pure)."""

from __future__ import annotations

import types
import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.postfix.main_cf import (
    SPACE,
    normalise,
)
from ansible_collections.hardened.mail.plugins.module_utils.postfix.patterns import later
from ansible_collections.hardened.mail.plugins.module_utils.postfix.version import (
    TlsLibrary,
    Version,
)

_WARNING = later(r"^\S*postconf: (?:warning|fatal|error): (.*)$")


class Snapshot(t.NamedTuple):
    """One configuration directory as Postfix reads it.

    ``explicit`` is ``postconf -n``; ``effective`` is ``postconf -x``: every parameter, defaults
    included, with ``$name`` expanded; ``overrides`` is ``postconf -P``: service id (``name/type``)
    to its ``-o`` settings; ``master`` is ``postconf -M``, one entry a line; ``warnings`` are what
    postconf says on stderr, prefix and duplicates removed, in a fixed order.
    """

    version: Version
    tls_library: TlsLibrary
    map_types: frozenset[str]
    explicit: t.Mapping[str, str]
    effective: t.Mapping[str, str]
    overrides: t.Mapping[str, t.Mapping[str, str]] = types.MappingProxyType({})
    master: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def parameters(text: str) -> dict[str, str]:
    """Return name to value of ``name = value`` lines (``postconf``, ``-n``, ``-x``, ``-d``)."""
    found = {}
    # Not splitlines(): a value may hold a form feed or a line separator of Unicode.
    for line in text.split("\n"):
        name, equals, value = line.partition("=")
        name = name.strip(SPACE)
        if equals and name:
            found[name] = normalise(value)
    return found


def service_parameters(text: str) -> dict[str, dict[str, str]]:
    """Return service id to overrides of ``service/type/name = value`` lines (``postconf -P``)."""
    found: dict[str, dict[str, str]] = {}
    for path, value in parameters(text).items():
        service, _slash, name = path.rpartition("/")
        found.setdefault(service, {})[name] = value
    return found


def warnings(stderr: str) -> tuple[str, ...]:
    """Return the distinct messages of postconf's standard error, sorted.

    The order in which Postfix prints them is random on some versions.
    """
    found = set()
    for line in stderr.split("\n"):
        match = _WARNING.match(line.strip())
        if match or line.strip():
            found.add(match.group(1) if match else line.strip())
    return tuple(sorted(found))


__all__ = ("Snapshot", "parameters", "service_parameters", "warnings")
