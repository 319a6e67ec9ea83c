# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a look at the host itself gave: files, certificates, the resolver (pure data)."""

from __future__ import annotations

import datetime
import types
import typing as t

if t.TYPE_CHECKING:
    from ansible_collections.hardened.mail.plugins.module_utils.x509.chain import Problem

Kind = t.Literal["file", "directory", "socket", "fifo", "device", "other", ""]


class FileFact(t.NamedTuple):
    """One path, symbolic links followed.

    ``error`` is why nothing could be seen, empty when something could; the rest then says nothing.
    ``mode`` are the permission bits, ``modified`` seconds since 1970. ``closed`` is a directory on the way
    that other users cannot enter, ``loose`` one in which every user may make or replace names; both empty
    when there is none. ``read_by_postfix`` and ``written_by_postfix`` tell what ``mail_owner`` may do,
    who has no other groups than its own in a daemon. ``secret`` is whether the file has a password in it
    (looked for in configurations of SQL and LDAP tables only).
    """

    exists: bool
    kind: Kind = ""
    mode: int = 0
    owner: str = ""
    group: str = ""
    error: str = ""
    modified: float = 0.0
    closed: str = ""
    loose: str = ""
    read_by_postfix: bool = True
    written_by_postfix: bool = False
    secret: bool = False

    @property
    def octal(self) -> str:
        """The permission bits as chmod(1) takes them."""
        return f"{self.mode:04o}"

    @property
    def open_to_all(self) -> bool:
        """Whether every user of the host can read it."""
        return bool(self.mode & 0o004) and not self.closed


NOTHING: t.Final = FileFact(False)
#: The code of a problem of a certificate that is not the certificate's: who looked may not read it.
UNSEEN: t.Final = "unseen"


class CertificateFact(t.NamedTuple):
    """One chain that Postfix sends, or what is in the way of that.

    ``path`` and ``key_path`` are as the parameter has them (all files of ``smtpd_tls_chain_files``, with
    commas). ``hostname`` is the name against which it was judged. ``sha256`` is that of the leaf. What
    there is no certificate for is empty. Several chains of one value carry their problems on the first.
    """

    parameter: str
    path: str
    problems: tuple[Problem, ...] = ()
    names: tuple[str, ...] = ()
    not_after: t.Optional[datetime.datetime] = None
    key_algorithm: str = ""
    key_bits: int = 0
    issuer: str = ""
    self_signed: bool = False
    key_path: str = ""
    hostname: str = ""
    subject: str = ""
    not_before: t.Optional[datetime.datetime] = None
    sha256: str = ""
    chain_length: int = 0


class HostFacts(t.NamedTuple):
    """One host at one moment.

    ``files`` has a fact for every path of named_files.wanted(). ``daemons`` are the programs in
    ``daemon_directory``. ``running`` tells whether the main process of this instance runs, ``listening``
    where any process of the host does. ``nameservers`` are those of /etc/resolv.conf, ``chroot_nameservers`` those of its copy
    in the queue directory (None: no copy). ``hostname`` is what the kernel says.
    ``queue_free`` are the octets that Postfix may still write into its queue, None when not known.
    """

    now: datetime.datetime
    files: t.Mapping[str, FileFact] = types.MappingProxyType({})
    certificates: tuple[CertificateFact, ...] = ()
    daemons: frozenset[str] = frozenset()
    running: bool = False
    listening: tuple[tuple[str, int], ...] = ()
    nameservers: tuple[str, ...] = ()
    chroot_nameservers: t.Optional[tuple[str, ...]] = None
    hostname: str = ""
    queue_free: t.Optional[int] = None

    def file(self, path: str) -> FileFact:
        """Return the fact of a path; one that was not looked at does not exist."""
        return self.files.get(path, NOTHING)

    def unseen(self) -> tuple[str, ...]:
        """Return what could not be looked at, each with the reason: rules about it say nothing."""
        return tuple(f"{path}: {one.error}" for path, one in self.files.items() if one.error)


__all__ = ("NOTHING", "UNSEEN", "CertificateFact", "FileFact", "HostFacts", "Kind")
