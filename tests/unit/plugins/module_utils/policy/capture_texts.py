# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Captures made from what the real postconf printed (tests/unit/fixtures)."""

from __future__ import annotations

import pathlib
import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.postfix.capture import Capture, Said

FIXTURES: t.Final = pathlib.Path(__file__).parents[3] / "fixtures"
MASTER: t.Final = """\
smtp       inet  n       -       y       -       -       smtpd
cleanup    unix  n       -       y       -       0       cleanup
smtp       unix  -       -       y       -       -       smtp
relay      unix  -       -       y       -       -       smtp -o syslog_name=postfix/relay
submission inet  n       -       y       -       -       smtpd -o {smtpd_banner=a b, c} -o smtpd_tls_security_level=encrypt
"""


def fixture(name: str, version: str) -> str:
    """Return what ``postconf -NAME`` printed."""
    return (FIXTURES / f"postconf-{name}-{version}.txt").read_text()


def listing(parameters: t.Mapping[str, str]) -> str:
    """Return parameters as postconf prints them."""
    return "".join(f"{name} = {value}".rstrip() + "\n" for name, value in parameters.items())


def capture_of(
    main: t.Optional[t.Mapping[str, str]] = None,
    *,
    release: str = "3.10.13",
    **said: t.Optional[Said],
) -> Capture:
    """Return the capture of a host with these parameters in main.cf; *said* replaces whole answers."""
    explicit = dict(main or {})
    defaults = dict(
        line.partition(" =")[::2] for line in fixture("d", release).splitlines() if line
    )
    every = {**{name: value.strip() for name, value in defaults.items()}, **explicit}
    answers: dict[str, t.Optional[Said]] = {
        "version": Said(0, f"{release}\n"),
        "postconf": Said(0, listing(every)),
        "explicit": Said(0, listing(explicit)),
        "master": Said(0, MASTER),
        "overrides": Said(0, ""),
        "map_types": Said(0, fixture("m", release)),
        "tls_library": Said(0, fixture("T", release)),
        **said,
    }
    return Capture(
        host="mx.example",
        taken="2026-11-24T12:00:00Z",
        config_directory="/etc/postfix",
        said={question: one for question, one in answers.items() if one is not None},
    )
