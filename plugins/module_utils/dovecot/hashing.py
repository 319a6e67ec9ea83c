# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hash passwords with the host's own doveadm(1) (effects: processes).

The password goes to its standard input; no argument list, environment or file ever has it.
"""

from __future__ import annotations

import concurrent.futures
import os
import subprocess
import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.dovecot import runner

#: In order of preference, with what doveadm(1) is told beside: its own default for the last two is too cheap.
SCHEMES: t.Final[t.Mapping[str, tuple[str, ...]]] = {
    "ARGON2ID": (),
    "BLF-CRYPT": ("-r", "11"),
    "SHA512-CRYPT": ("-r", "200000"),
}
_AT_ONCE: t.Final = 2
_SECONDS: t.Final = 60.0


class HashingFailed(Exception):
    """doveadm(1) made no hash; the message has no password in it."""


def _doveadm(*options: str, given: bytes = b"") -> str:
    command = os.path.join(os.path.dirname(runner.doveconf()), "doveadm")
    try:
        # -O: the configuration is not needed, and may be broken.
        done = subprocess.run(  # pylint: disable=ansible-bad-function
            [command, "-O", "pw", *options],
            input=given,
            capture_output=True,
            env={**os.environ, "LC_ALL": "C"},
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise HashingFailed(
            f"doveadm pw {' '.join(options)} did not run to its end ({type(error).__name__})"
        ) from None
    if done.returncode != 0:
        told = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise HashingFailed(f"doveadm pw {' '.join(options)}: {told[-1] if told else 'no message'}")
    return done.stdout.decode("ascii", "replace").strip()


def schemes() -> frozenset[str]:
    """Return the schemes that the host's Dovecot has. Raises HashingFailed."""
    return frozenset(word.upper() for word in _doveadm("-l").split())


def scheme_for(wanted: str, *, has: t.Container[str]) -> str:
    """Return the scheme for new hashes; *wanted* may be ``auto``. Raises HashingFailed when there is none."""
    for scheme in SCHEMES if wanted == "auto" else (wanted,):
        if scheme in has:
            return scheme
    raise HashingFailed(
        f"the Dovecot of this host does not have the scheme {wanted} (doveadm pw -l)"
    )


def hashes(passwords: t.Mapping[str, str], *, scheme: str) -> dict[str, str]:
    """Return the hash of each password, by the same key. Raises HashingFailed."""

    def one(password: str) -> str:
        given = f"{password}\n{password}\n".encode("utf-8", "surrogateescape")
        found = _doveadm("-s", scheme, *SCHEMES[scheme], given=given)
        if not found.startswith(f"{{{scheme}}}"):
            raise HashingFailed(f"doveadm pw -s {scheme} did not print a hash")
        return found

    with concurrent.futures.ThreadPoolExecutor(_AT_ONCE) as pool:
        return dict(zip(passwords, pool.map(one, passwords.values())))


__all__ = ("SCHEMES", "HashingFailed", "hashes", "scheme_for", "schemes")
