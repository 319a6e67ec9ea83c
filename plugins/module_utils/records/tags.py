# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists of tags and values, as DKIM, DMARC, MTA-STS and TLS-RPT records have them (pure)."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import (
    RecordError,
    mail_domain_of,
    name_of,
    shown,
)

_NAME: t.Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_MAIL: t.Final = re.compile(
    r"mailto:[^\s@,;!]+@(?P<domain>[^\s@,;!?]+)(?:\?[^\s,;!]*)?", re.IGNORECASE
)
_HTTPS: t.Final = re.compile(
    r"https://(?P<domain>[^\s/?#:,;!]+)(?::[0-9]+)?(?:[/?#][^\s,;!]*)?", re.IGNORECASE
)


def read_tags(text: str, *, what: str) -> tuple[tuple[str, str], ...]:
    """Return the tags of ``a=b; c=d`` in their order (RFC 6376 section 3.2). Raises RecordError."""
    found: list[tuple[str, str]] = []
    parts = text.split(";")
    for position, part in enumerate(parts):
        if not part.strip():
            if position == len(parts) - 1 and found:
                break
            raise RecordError(f"{what}: there is an empty tag: expected tag=value; tag=value")
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or not _NAME.fullmatch(name):
            raise RecordError(f"{what}: found {part.strip()!r}: expected tag=value")
        if name in dict(found):
            raise RecordError(f"{what}: the tag {name} is there twice: expected each of them once")
        found.append((name, value))
    return tuple(found)


def write_tags(tags: t.Iterable[tuple[str, str]]) -> str:
    """Return the text of tags, without those that have no value. Raises RecordError."""
    kept = [(name, value) for name, value in tags if value]
    for name, value in kept:
        if ";" in value or not value.isprintable():
            raise RecordError(
                f"{name} is {value!r}: expected no semicolon and nothing that is not printable"
            )
    return "; ".join(f"{name}={value}" for name, value in kept)


def words_of(value: str, separator: str = ":") -> tuple[str, ...]:
    """Return the parts of a list such as ``y:s``."""
    return tuple(word.strip() for word in value.split(separator) if word.strip())


def is_version(text: str, version: str) -> bool:
    """Return whether a TXT record means to be of this kind: ``v=DMARC1`` in any spelling."""
    name, equals, rest = text.partition("=")
    value = re.split(r"[;\s]", rest.strip(), maxsplit=1)[0]
    return bool(equals) and name.strip().lower() == "v" and value.lower() == version.lower()


def report_uri(address: str, *, https: bool) -> str:
    """Return an address for reports as a URI; one without a scheme is an address of mail. Raises RecordError.

    An international domain becomes A-labels.
    """
    whole = address.strip()
    uri = whole if ":" in whole else f"mailto:{whole}"
    mail = _MAIL.fullmatch(uri)
    match = mail or (_HTTPS.fullmatch(uri) if https else None)
    if match is None:
        forms = "mailto:reports@example.com" + (" or https://example.com/reports" if https else "")
        raise RecordError(
            f"reports go to {whole!r}: expected {forms}, with comma, semicolon and exclamation mark as %2C, %3B, %21"
        )
    start, end = match.span("domain")
    name = mail_domain_of(uri[start:end]) if mail else name_of(uri[start:end])
    if uri.isascii():
        return uri
    found = uri[:start] + shown(name) + uri[end:]
    if not found.isascii():
        raise RecordError(
            f"reports go to {whole!r}: expected ASCII before the @ and behind the domain, since not everybody can write to such an address"
        )
    return found


def report_domain(uri: str) -> str:
    """Return the domain of an address for reports, empty when there is none."""
    match = _MAIL.fullmatch(uri)
    if match:
        return match["domain"].rstrip(".").lower()
    match = _HTTPS.fullmatch(uri)
    return match["domain"].lower() if match else ""


__all__ = ("is_version", "read_tags", "report_domain", "report_uri", "words_of", "write_tags")
