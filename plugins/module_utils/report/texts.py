# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text from hosts, made safe to show: a terminal, an XML file and a page all take it (pure)."""

from __future__ import annotations

import re

# Control characters move a terminal's cursor and are no XML, surrogates cannot be written as UTF-8, and the
# characters that turn the direction of writing make a line read differently from what it says.
_UNFIT = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]"
)
_BLANKS = re.compile("[\t\n\r \u2028\u2029]+")
_XML = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;", "\r": "&#13;"}
_XML_TABLE = str.maketrans(_XML)
_XML_SPECIAL = re.compile("[&<>\"'\r]")
_SCRIPT_TABLE = str.maketrans(
    {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
)
# Markdown that would change how the rest of a table or a line is read.
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~&@!])")


def clean(text: str) -> str:
    """Return the text in one line, with U+FFFD for every character that does harm where it is shown."""
    if text.isprintable() and "  " not in text:
        return text
    return _BLANKS.sub(" ", _UNFIT.sub("\ufffd", text)).strip()


def xml(text: str) -> str:
    """Return the text for XML or HTML, in an element or a quoted attribute."""
    return text.translate(_XML_TABLE) if _XML_SPECIAL.search(text) else text


def script(json: str) -> str:
    """Return JSON that may stand in a ``script`` element: nothing in it ends the element."""
    return json.translate(_SCRIPT_TABLE)


def markdown(text: str) -> str:
    """Return the text for a line or a table cell of Markdown, without a meaning of its own."""
    return _MARKDOWN.sub(r"\\\1", text)


def shortened(text: str, width: int) -> str:
    """Return the text in at most *width* characters, with an ellipsis where it was cut."""
    return text if len(text) <= width else text[: max(0, width - 1)].rstrip() + "\u2026"


__all__ = ("clean", "markdown", "script", "shortened", "xml")
