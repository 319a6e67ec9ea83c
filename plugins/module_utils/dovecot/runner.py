# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run Dovecot's own commands (effects: processes; nothing is written)."""

from __future__ import annotations

import os
import shutil
import subprocess
import typing as t
from dataclasses import dataclass

_SBIN: t.Final = ("/usr/sbin", "/usr/local/sbin", "/usr/local/bin", "/usr/bin")

#: With -P: the paths of key files are among what doveconf hides. The parser masks what is secret.
_QUESTIONS: t.Final = {"explicit": ("-P", "-n"), "everything": ("-P", "-a")}

#: Exit status of doveconf when Dovecot would not start with the configuration.
REFUSED: t.Final = 89


class DovecotMissing(Exception):
    """There is no doveconf(1) on this host."""


class DoveconfSilent(Exception):
    """doveconf(1) did not answer; the message says why."""


@dataclass(frozen=True)
class Said:
    """What doveconf said: exit status, the two texts of the configuration, and standard error."""

    status: int
    explicit: str
    everything: str
    stderr: str


def doveconf() -> str:
    """Return the path of doveconf. Raises DovecotMissing when there is none."""
    path = os.pathsep.join([os.environ.get("PATH", "/usr/bin:/bin"), *_SBIN])
    found = shutil.which("doveconf", path=path)
    if not found:
        raise DovecotMissing("doveconf was not found on this host: Dovecot is not installed")
    return found


def ask(config_file: str, *, timeout: float = 30.0) -> Said:
    """Return what doveconf says of a configuration; its two questions run side by side.

    Raises DovecotMissing, and DoveconfSilent when it does not end within *timeout* seconds or cannot run.
    """
    command = doveconf()
    try:
        running = {
            question: subprocess.Popen(  # pylint: disable=ansible-bad-function
                [command, *options, "-c", config_file],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**os.environ, "LC_ALL": "C"},
            )
            for question, options in _QUESTIONS.items()
        }
    except OSError as error:
        raise DoveconfSilent(f"{command} cannot be run: {error.strerror}") from error
    answers = {}
    try:
        for question, process in running.items():
            answers[question] = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        raise DoveconfSilent(f"{command} did not end within {timeout:g} s") from None
    finally:
        for process in running.values():
            if process.poll() is None:
                process.kill()
                process.communicate()
    return Said(
        status=running["explicit"].returncode,
        explicit=_text(answers["explicit"][0]),
        everything=_text(answers["everything"][0]),
        stderr=_text(answers["explicit"][1]),
    )


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")


__all__ = ("REFUSED", "DoveconfSilent", "DovecotMissing", "Said", "ask", "doveconf")
