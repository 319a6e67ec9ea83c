# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What postconf(1) said of one host, and the text that carries it from there (pure).

The text is what ``playbooks/files/postfix-capture`` prints: a first line with the version of the format,
lines ``name: value``, and for each question its standard output, its standard error and its exit status. Every
line of postconf's stands behind a ``|``, so none of them can look like a line of the format. The last line says
that nothing is missing.
"""

from __future__ import annotations

import typing as t

#: The questions, and the options with which postconf is asked them.
QUESTIONS: t.Final[t.Mapping[str, tuple[str, ...]]] = {
    "version": ("-d", "-h", "mail_version"),
    "postconf": (),
    "explicit": ("-n",),
    "master": ("-M",),
    "overrides": ("-P",),
    "map_types": ("-m",),
    "tls_library": ("-T", "run-version"),
}

#: The exit status of a postconf that took too long and was ended, as with timeout(1).
TOO_LONG: t.Final = 124

_FIRST: t.Final = "postfix-capture 1"
_MARK: t.Final = "--- "
_END: t.Final = "--- end"
_HEADINGS: t.Final = ("host", "taken", "config_directory")


class CaptureError(ValueError):
    """A text that is no capture, or that was damaged on its way; the message names the line."""


class Said(t.NamedTuple):
    """What postconf answered to one question: its exit status, standard output and standard error."""

    status: int
    stdout: str
    stderr: str = ""


class Capture(t.NamedTuple):
    """What postconf said of one configuration of one host.

    ``said`` has an answer for each of QUESTIONS that was answered. ``complete`` tells whether the text went on
    to its last line.
    """

    host: str
    taken: str
    config_directory: str
    said: t.Mapping[str, Said]
    complete: bool = True


def parse(text: str) -> Capture:
    """Return the capture in *text*.

    A text that ends early gives the answers that are whole. Raises CaptureError, with the line, for a text that
    the capture script did not print.
    """
    text = text.lstrip("\ufeff")
    if text.partition("\n")[0].endswith("\r"):
        text = text.replace("\r\n", "\n")
    if not text.endswith("\n" + _END):
        # A line without its end is one that was cut off.
        text = text[: text.rfind("\n") + 1] or text
    head, *blocks = text.split("\n" + _MARK)
    headings = _headings(head)
    answers: dict[str, dict[str, str]] = {}
    line = head.count("\n") + 2
    ended = False
    for block in blocks:
        if ended:
            raise CaptureError(f"line {line}: text behind the end of the capture")
        title, _end, body = block.partition("\n")
        ended = _MARK + title.strip() == _END
        if not ended:
            _take(title, _unquoted(body, line=line + 1), answers=answers, line=line)
        elif body.strip():
            raise CaptureError(f"line {line + 1}: text behind the end of the capture")
        line += block.count("\n") + 1
    return Capture(
        host=headings["host"],
        taken=headings["taken"],
        config_directory=headings["config_directory"],
        said={
            question: Said(int(found["status"]), found.get("stdout", ""), found.get("stderr", ""))
            for question, found in answers.items()
            if "status" in found
        },
        complete=ended,
    )


def _headings(head: str) -> dict[str, str]:
    first, *lines = head.split("\n")
    if first.strip() != _FIRST:
        raise CaptureError(
            f"line 1: expected {_FIRST!r}, as the script postfix-capture prints it, found "
            + _instead(first)
        )
    found = dict.fromkeys(_HEADINGS, "")
    for number, line in enumerate(lines, start=2):
        name, colon, value = line.partition(":")
        if line.strip() and not (colon and name.isidentifier()):
            raise CaptureError(f"line {number}: expected 'name: value', found something else")
        found[name] = value.strip()
    return found


def _instead(line: str) -> str:
    """Return what a first line is, in words that show nothing of it."""
    if line.startswith(_FIRST.split(" ", 1)[0]):
        return "another version of the format"
    if "\0" in line:
        return "binary data"
    if " =" in line:
        return "a line 'name = value', as of postconf alone"
    return "something else" if line.strip() else "nothing"


def _take(title: str, content: str, *, answers: dict[str, dict[str, str]], line: int) -> None:
    """Put the content of one block into *answers*."""
    question, _blank, what = title.strip().partition(" ")
    found = answers.setdefault(question, {})
    word, _blank, number = what.partition(" ")
    if word == "status" and number.isdigit() and len(number) < 6:
        content = number
    elif what not in ("stdout", "stderr"):
        raise CaptureError(
            f"line {line}: expected the standard output, standard error or exit status of an "
            "answer, found something else"
        )
    if word in found:
        raise CaptureError(f"line {line}: the {word} of {question[:20]!r} is there twice")
    found[word] = content


def _unquoted(body: str, *, line: int) -> str:
    """Return the lines of *body* without the ``|`` before each."""
    if not body.strip("\n"):
        return ""
    text = "\n" + body.rstrip("\n")
    # Counting is much faster than looking at each line.
    if text.count("\n") != text.count("\n|"):
        lines = text.split("\n")[1:]
        number = next(number for number, one in enumerate(lines) if not one.startswith("|"))
        raise CaptureError(f"line {line + number}: expected '|' at the start of the line")
    return text.replace("\n|", "\n")[1:] + "\n"


def render(capture: Capture) -> str:
    """Return the text of a capture, as the script prints it."""
    headings = zip(_HEADINGS, (capture.host, capture.taken, capture.config_directory))
    lines = [_FIRST, *(f"{name}: {' '.join(value.split())}" for name, value in headings)]
    for question, said in capture.said.items():
        lines += [f"{_MARK}{question} stdout", *_quoted(said.stdout), ""]
        lines += [f"{_MARK}{question} stderr", *_quoted(said.stderr)]
        lines += [f"{_MARK}{question} status {said.status}"]
    if capture.complete:
        lines.append(_END)
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> list[str]:
    return ["|" + line for line in text.removesuffix("\n").split("\n")] if text else []


__all__ = ("QUESTIONS", "TOO_LONG", "Capture", "CaptureError", "Said", "parse", "render")
