# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Look at what a configuration names on its host (effects: reads only, runs nothing)."""

from __future__ import annotations

import datetime
import functools
import grp
import os
import pwd
import re
import stat
import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.policy import named_files
from ansible_collections.hardened.mail.plugins.module_utils.policy.host_facts import (
    UNSEEN,
    CertificateFact,
    FileFact,
    HostFacts,
    Kind,
)
from ansible_collections.hardened.mail.plugins.module_utils.postfix import processes

if t.TYPE_CHECKING:
    from ansible_collections.hardened.mail.plugins.module_utils.policy.view import View
    from ansible_collections.hardened.mail.plugins.module_utils.x509.certificate import Certificate
    from ansible_collections.hardened.mail.plugins.module_utils.x509.chain import Problem

_KINDS: t.Final[tuple[tuple[t.Callable[[int], bool], Kind], ...]] = (
    (stat.S_ISREG, "file"),
    (stat.S_ISDIR, "directory"),
    (stat.S_ISSOCK, "socket"),
    (stat.S_ISFIFO, "fifo"),
    (stat.S_ISCHR, "device"),
    (stat.S_ISBLK, "device"),
)
#: More than this of a resolver's or a table's configuration is not read.
_MAX_OCTETS = 1 << 16
_SECRET = re.compile(rb"^[ \t]*(?:password|bind_pw)[ \t]*=[ \t]*[^\s]", re.MULTILINE)
_NAMESERVER = re.compile(rb"^[ \t]*nameserver[ \t]+([^\s#;]+)", re.MULTILINE)
_RESOLVER = "/etc/resolv.conf"


class _User(t.NamedTuple):
    """A user as daemons of Postfix run: with its own group only; None when there is no such user."""

    uid: t.Optional[int]
    gid: t.Optional[int]

    def may(self, status: os.stat_result, bit: int) -> bool:
        """Return whether the permission *bit* (4 read, 2 write, 1 enter) is given to the user."""
        if self.uid == status.st_uid:
            return bool(status.st_mode & bit << 6)
        if self.gid == status.st_gid:
            return bool(status.st_mode & bit << 3)
        return bool(status.st_mode & bit)


def look(view: View) -> HostFacts:
    """Return what the host has of all that the configuration names.

    What cannot be read is a fact with an error, never an exception.
    """
    user = _user(view.value("mail_owner"))
    remote = {one.path for one in named_files.table_uses(view) if one.kind in named_files.REMOTE}
    queue = view.value("queue_directory")
    pid = processes.master_pid(queue)
    inside = named_files.on_host(view, _RESOLVER, chroot=True)
    return HostFacts(
        now=datetime.datetime.now(datetime.timezone.utc),
        files={
            path: _file(path, user=user, remote=path in remote) for path in named_files.wanted(view)
        },
        certificates=_certificates(view),
        daemons=_names_in(view.value("daemon_directory")),
        running=pid is not None,
        listening=tuple(sorted(processes.listening_anyone())),
        nameservers=_nameservers(_RESOLVER) or (),
        chroot_nameservers=_nameservers(inside),
        hostname=os.uname().nodename,
        queue_free=_free(queue),
    )


def _user(name: str) -> _User:
    try:
        found = pwd.getpwnam(name)
    except KeyError:
        return _User(None, None)
    return _User(found.pw_uid, found.pw_gid)


@functools.cache
def _owner(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


@functools.cache
def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def _file(path: str, *, user: _User, remote: bool) -> FileFact:
    try:
        status = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return FileFact(False)
    except (OSError, ValueError) as error:
        return FileFact(False, error=getattr(error, "strerror", None) or str(error))
    closed, loose, reachable = _way(path, user=user)
    secret, failure = _has_secret(path) if remote and stat.S_ISREG(status.st_mode) else (False, "")
    return FileFact(
        exists=True,
        kind=next((kind for test, kind in _KINDS if test(status.st_mode)), "other"),
        mode=stat.S_IMODE(status.st_mode),
        owner=_owner(status.st_uid),
        group=_group(status.st_gid),
        error=failure,
        modified=status.st_mtime,
        closed=closed,
        loose=loose,
        read_by_postfix=reachable and user.may(status, 4),
        written_by_postfix=reachable and user.may(status, 2),
        secret=secret,
    )


def _way(path: str, *, user: _User) -> tuple[str, str, bool]:
    """Return the directory above the real file that is closed to others, one that is open for their
    writing, and whether *user* can come through all of them."""
    closed = loose = ""
    reachable = True
    directory = os.path.dirname(os.path.realpath(path))
    while True:
        try:
            status = os.stat(directory)
        except OSError:
            return closed or directory, loose, False
        if not status.st_mode & stat.S_IXOTH:
            closed = closed or directory
        if status.st_mode & stat.S_IWOTH:
            loose = loose or directory
        reachable = reachable and user.may(status, 1)
        if directory == "/":
            return closed, loose, reachable
        directory = os.path.dirname(directory)


def _read(path: str) -> bytes:
    """Return the beginning of a regular file. Raises OSError; a FIFO does not hold it up."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            return b""
        return stream.read(_MAX_OCTETS)


def _has_secret(path: str) -> tuple[bool, str]:
    try:
        return _SECRET.search(_read(path)) is not None, ""
    except OSError as error:
        return False, error.strerror or str(error)


def _nameservers(path: str) -> t.Optional[tuple[str, ...]]:
    try:
        return tuple(one.decode("ascii", "replace") for one in _NAMESERVER.findall(_read(path)))
    except OSError:
        return None


def _free(directory: str) -> t.Optional[int]:
    """Return the octets free for users, as smtpd(8) counts them."""
    try:
        found = os.statvfs(directory)
    except OSError:
        return None
    return found.f_bavail * found.f_frsize


def _names_in(directory: str) -> frozenset[str]:
    try:
        return frozenset(os.listdir(directory))
    except OSError:
        return frozenset()


def _certificates(view: View) -> tuple[CertificateFact, ...]:
    uses = named_files.certificate_uses(view)
    if not uses:
        return ()
    from ansible_collections.hardened.mail.plugins.module_utils.x509 import (  # noqa: PLC0415 - loads ssl
        pair,
    )

    strict = view.choices.inbound_profile == "strict"
    found: list[CertificateFact] = []
    for use in uses:
        names = (use.hostname,) if use.server else ()
        if use.parameter.endswith("_chain_files") or use.parameter == named_files.SNI:
            report = pair.check_chain_files(use.path.split(", "), names=names, strict=strict)
            chains, problems = report.chains or ((),), report.problems
        else:
            one = pair.check_pair(
                use.path, private_key_file=use.key_path, names=names, strict=strict
            )
            chains, problems = (one.certificates,), one.problems
        problems = tuple(_seen(problem) for problem in problems)
        for index, chain in enumerate(chains):
            found.append(_certificate(use, chain, () if index else problems))
    return tuple(found)


def _seen(problem: Problem) -> Problem:
    """Return a problem as one of its own when only who looks may not read the file."""
    denied = problem.code in ("unreadable", "key_unreadable") and "denied" in problem.message
    return problem._replace(code=UNSEEN) if denied and os.geteuid() != 0 else problem


def _certificate(
    use: named_files.CertificateUse,
    chain: tuple[Certificate, ...],
    problems: tuple[Problem, ...],
) -> CertificateFact:
    plain = CertificateFact(
        parameter=use.parameter,
        path=use.path,
        problems=problems,
        key_path=use.key_path,
        hostname=use.hostname,
    )
    if not chain:
        return plain
    leaf = chain[0]
    return plain._replace(
        names=leaf.names,
        not_after=leaf.not_after,
        key_algorithm=leaf.key_algorithm,
        key_bits=leaf.key_bits,
        issuer=leaf.issuer,
        self_signed=leaf.self_signed,
        subject=leaf.subject,
        not_before=leaf.not_before,
        sha256=leaf.sha256,
        chain_length=len(chain),
    )


__all__ = ("look",)
