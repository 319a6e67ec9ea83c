# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Look at what a configuration of Dovecot names on its host (effects: reads, and asks postconf)."""

from __future__ import annotations

import datetime
import glob
import grp
import os
import pwd
import stat
import typing as t
from dataclasses import dataclass, field

from ansible_collections.hardened.mail.plugins.module_utils.dovecot import config_files, passwd_file
from ansible_collections.hardened.mail.plugins.module_utils.policy.dovecot_view import (
    DovecotFacts,
    DovecotView,
    PostfixSide,
    certificate_paths,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.from_capture import view_of
from ansible_collections.hardened.mail.plugins.module_utils.policy.host_facts import (
    CertificateFact,
    FileFact,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.named_files import socket_uses
from ansible_collections.hardened.mail.plugins.module_utils.postfix import runner

#: Longer files are not read, and more of them neither: a loop of includes ends.
_MAX_OCTETS: t.Final = 4 << 20
_MAX_FILES: t.Final = 500
_DRIVERS_WITH_FILES: t.Final = frozenset({"sql", "ldap", "dict"})


@dataclass
class _Reading:
    """What was read of the configuration files so far."""

    files: dict[str, FileFact] = field(default_factory=dict)
    written: list[config_files.Written] = field(default_factory=list)
    unnamed: list[config_files.Unnamed] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)

    def read(self, path: str) -> None:
        """Read a file and those that it includes."""
        if path in self.files or len(self.files) >= _MAX_FILES:
            return
        self.files[path] = file_fact(path)
        try:
            text = _text(path)
        except OSError as error:
            self.unseen.append(f"{path}: {error.strerror or error}")
            return
        found = config_files.scan(text, file=path)
        self.written += found.settings
        self.unnamed += found.unnamed
        for pattern in found.includes:
            for included in sorted(glob.glob(os.path.join(os.path.dirname(path), pattern))):
                self.read(included)


def look(view: DovecotView, *, postfix_directory: str = "/etc/postfix") -> DovecotFacts:
    """Return what the host has of all that the configuration names.

    What cannot be read is said in ``unseen``, never raised.
    """
    reading = _Reading()
    reading.read(view.file)
    passwords = {}
    for one in view.passdbs:
        if one.driver in _DRIVERS_WITH_FILES and one.file:
            reading.read(one.file)
        if one.driver != "passwd-file" or not one.file or "%" in one.file:
            continue
        reading.files[one.file] = file_fact(one.file)
        if reading.files[one.file].exists:
            try:
                passwords[one.file] = passwd_file.schemes(_text(one.file))
            except OSError as error:
                reading.unseen.append(f"{one.file}: {error.strerror or error}")
    postfix, reason = _postfix(postfix_directory)
    if reason:
        reading.unseen.append(reason)
    for _subject, _setting, certificate, key in certificate_paths(view):
        for path in (certificate, key):
            reading.files[path] = file_fact(path)
    return DovecotFacts(
        now=datetime.datetime.now(datetime.timezone.utc),
        files=reading.files,
        certificates=_certificates(view),
        passwords=passwords,
        written=tuple(reading.written),
        unnamed=tuple(reading.unnamed),
        postfix=postfix,
        unseen=tuple(reading.unseen),
    )


def file_fact(path: str) -> FileFact:
    """Return what can be seen of a file, symbolic links followed."""
    try:
        status = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return FileFact(False)
    except (OSError, ValueError) as error:
        return FileFact(False, error=getattr(error, "strerror", None) or str(error))
    return FileFact(
        exists=True,
        kind="file" if stat.S_ISREG(status.st_mode) else "other",
        mode=stat.S_IMODE(status.st_mode),
        owner=_name(pwd.getpwuid, status.st_uid),
        group=_name(grp.getgrgid, status.st_gid),
        closed=_closed(path),
    )


def _name(find: t.Callable[[int], t.Any], number: int) -> str:
    try:
        return str(find(number)[0])
    except KeyError:
        return str(number)


def _closed(path: str) -> str:
    """Return the directory above the real file that other users cannot enter."""
    directory = os.path.dirname(os.path.realpath(path))
    while True:
        try:
            if not os.stat(directory).st_mode & stat.S_IXOTH:
                return directory
        except OSError:
            return directory
        if directory == "/":
            return ""
        directory = os.path.dirname(directory)


def _text(path: str) -> str:
    """Return a regular file. Raises OSError; a FIFO does not hold it up."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise OSError("not a regular file")
        content = stream.read(_MAX_OCTETS + 1)
    if len(content) > _MAX_OCTETS:
        raise OSError(f"longer than {_MAX_OCTETS} octets")
    return content.decode("utf-8", "replace")


def _postfix(directory: str) -> tuple[t.Optional[PostfixSide], str]:
    """Return what Postfix wants of Dovecot, or why that is not known."""
    try:
        view, missing = view_of(runner.capture(directory))
    except runner.PostfixMissing:
        return None, ""
    lacking = missing.get("main") or missing.get("master")
    if lacking:
        return None, f"{directory}: {lacking}"
    sockets: dict[str, list[str]] = {}
    for use in socket_uses(view):
        if use.purpose == "login":
            sockets.setdefault(use.path, []).append(use.service)
    user = view.value("mail_owner")
    try:
        group = grp.getgrgid(pwd.getpwnam(user).pw_gid).gr_name
    except KeyError:
        group = user
    side = PostfixSide(
        queue_directory=view.value("queue_directory").rstrip("/"),
        sockets={path: tuple(services) for path, services in sockets.items()},
        user=user,
        group=group,
    )
    return side, ""


def _certificates(view: DovecotView) -> tuple[CertificateFact, ...]:
    pairs = certificate_paths(view)
    if not pairs or view.value("ssl") == "no":
        return ()
    from ansible_collections.hardened.mail.plugins.module_utils.x509 import (  # noqa: PLC0415 - loads ssl
        pair,
    )

    found = []
    strict = view.choices.inbound_profile == "strict"
    for subject, setting, certificate, key in pairs:
        report = pair.check_pair(certificate, private_key_file=key, names=(), strict=strict)
        fact = CertificateFact(
            parameter=setting,
            path=certificate,
            problems=report.problems,
            key_path=key,
            hostname=subject,
            chain_length=len(report.certificates),
        )
        for leaf in report.certificates[:1]:
            fact = fact._replace(
                names=leaf.names,
                not_after=leaf.not_after,
                key_algorithm=leaf.key_algorithm,
                key_bits=leaf.key_bits,
                issuer=leaf.issuer,
                self_signed=leaf.self_signed,
                subject=leaf.subject,
                not_before=leaf.not_before,
                sha256=leaf.sha256,
            )
        found.append(fact)
    return tuple(found)


__all__ = ("file_fact", "look")
