# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files of private keys that are made on their host, and never written over (effects: files, runs openssl).

Private keys go through standard input and output of openssl, never through an argument or a file that others can read.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import stat
import subprocess
import typing as t

_MODE: t.Final = 0o600
_NEW: t.Final = ".hardened-mail-new"
_SECONDS: t.Final = 120


class KeyProblem(Exception):
    """A key that cannot be made or used; the message has nothing of it."""


def openssl(*arguments: str, given: bytes = b"") -> bytes:
    """Return what openssl prints. Raises KeyProblem."""
    command = shutil.which("openssl", path=os.environ.get("PATH", os.defpath) + ":/usr/bin")
    if not command:
        raise KeyProblem("openssl was not found on this host: install it")
    try:
        # A key goes through standard input, where run_command would log it in verbose mode.
        done = subprocess.run(  # pylint: disable=ansible-bad-function
            [command, *arguments], input=given, capture_output=True, check=False, timeout=_SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise KeyProblem(f"openssl {arguments[0]} did not end within {_SECONDS} s") from error
    if done.returncode != 0:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["no message"]
        raise KeyProblem(f"openssl {arguments[0]} failed: {lines[-1]}")
    return done.stdout


def open_regular(path: str) -> t.BinaryIO:
    """Open a regular file to read; a FIFO would block for ever. Raises OSError."""
    stream = open(  # noqa: SIM115 - the caller closes it
        path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)
    )
    if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
        stream.close()
        raise OSError(errno.EINVAL, "it is not a regular file", path)
    return stream


def write_new(path: str, content: bytes) -> None:
    """Write a key into a new file, with mode 0600, as a whole. Raises KeyProblem.

    A file that appears meanwhile is left alone, and is a problem.
    """
    scratch = _scratch(path)
    try:
        with _alone_in(os.path.dirname(path)) as directory:
            _remove(scratch)
            try:
                _write(scratch, content)
                # Unlike a rename, a link does not replace what is there.
                os.link(scratch, path)
            finally:
                _remove(scratch)
            os.fsync(directory)
    except FileExistsError as error:
        raise KeyProblem(f"{path} was made by somebody else meanwhile; it stays") from error
    except OSError as error:
        raise KeyProblem(f"{path} cannot be written: {error.strerror}") from error


def sweep(path: str) -> None:
    """Remove what a run left that was killed while it wrote the key of this path."""
    scratch = _scratch(path)
    if os.path.lexists(scratch):
        with contextlib.suppress(OSError), _alone_in(os.path.dirname(path)):
            _remove(scratch)


def _scratch(path: str) -> str:
    return os.path.join(os.path.dirname(path), f".{os.path.basename(path)}{_NEW}")


@contextlib.contextmanager
def _alone_in(directory: str) -> t.Iterator[int]:
    """Hold the lock of a directory; yield its descriptor."""
    descriptor = os.open(directory or ".", os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def _write(path: str, content: bytes) -> None:
    with open(path, "xb", opener=lambda name, flags: os.open(name, flags, _MODE)) as stream:
        os.fchmod(stream.fileno(), _MODE)
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _remove(path: str) -> None:
    # Never emptied: killed after its link, it is the key itself.
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


__all__ = ("KeyProblem", "open_regular", "openssl", "sweep", "write_new")
