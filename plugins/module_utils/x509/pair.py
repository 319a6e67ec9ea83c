# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether certificate and key files are fit for a mail server, before any setting names them.

Postfix reads these files when an smtpd process starts, as root; what it cannot use shows up only in
its log and in a failing STARTTLS.  Messages never contain anything of a private key.  This file loads
``ssl`` (4 ms): import it only when there is a certificate to judge.
"""

from __future__ import annotations

import contextlib
import datetime
import grp
import os
import ssl
import stat
import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.x509.certificate import (
    Certificate,
    PemBlock,
    X509Error,
    is_certificate_label,
    matches_name,
    parse_certificate,
    parse_pem,
    parse_pem_block,
    pem_blocks,
)
from ansible_collections.hardened.mail.plugins.module_utils.x509.chain import (
    Problem,
    chain_problems,
)

_MAX_FILE_OCTETS = 1 << 20
_SOON = datetime.timedelta(days=14)
_KEY_LABELS = frozenset(
    ("PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "DSA PRIVATE KEY")
)
_CERTIFICATE = "certificate"
_KEY = "private key"
# OpenSSL's words when a key and a certificate do not belong together; the last ones are what it
# says when they are of different algorithms.
_MISMATCH = frozenset(
    ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED", "UNKNOWN_KEY_TYPE")
)
# X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED: judged here with a date of our own.
_DATE_ERRORS = (9, 10)


class PairReport(t.NamedTuple):
    """The certificates that a server would send, its own first, and what is wrong with them."""

    certificates: tuple[Certificate, ...]
    problems: tuple[Problem, ...]


class ChainFilesReport(t.NamedTuple):
    """What ``smtpd_tls_chain_files`` configures: one chain per key, and all problems."""

    chains: tuple[tuple[Certificate, ...], ...]
    problems: tuple[Problem, ...]


class _Demands(t.NamedTuple):
    names: t.Sequence[str]
    ca_file: t.Optional[str]
    now: datetime.datetime
    strict: bool


class _Refused(Exception):
    """A file that cannot be used at all."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class _PassPhraseWanted(Exception):
    """OpenSSL asked for the pass phrase of a key."""


def check_pair(
    certificate_file: str,
    *,
    private_key_file: str,
    names: t.Sequence[str],
    ca_file: t.Optional[str] = None,
    now: t.Optional[datetime.datetime] = None,
    strict: bool = False,
) -> PairReport:
    """Judge a certificate file (chain included) and its key file; both may be the same file.

    ``names`` are the host names that clients connect to: the names in MX records, not the mail
    domain.  With ``ca_file`` the chain is verified against it.  ``now`` must be aware.
    """
    demands = _Demands(names, ca_file, now or datetime.datetime.now(datetime.timezone.utc), strict)
    problems: list[Problem] = []
    certificates: tuple[Certificate, ...] = ()
    key = None
    try:
        certificates = _certificates(certificate_file)
    except _Refused as refused:
        problems.append(refused.problem)
    try:
        key = _read(private_key_file, what=_KEY)
        if not key.has_key:
            raise _Refused(_not_pem(private_key_file, what=_KEY))
        problems.extend(_key_file_problems(key))
    except _Refused as refused:
        key = None
        problems.append(refused.problem)
    context = None
    if certificates and key:
        try:
            context = _load(certificate_file, private_key_file, shown=private_key_file)
        except _Refused as refused:
            problems.append(_owner_of_key(refused.problem, certificates, certificate_file, key=key))
    problems.extend(
        _chain_and_leaf(certificates, where=certificate_file, demands=demands, context=context)
    )
    return PairReport(certificates, tuple(problems))


def _owner_of_key(
    problem: Problem, certificates: t.Sequence[Certificate], where: str, *, key: _File
) -> Problem:
    """Return *problem*, or a better one when the key belongs to a later certificate of the file."""
    if problem.code != "key_mismatch":
        return problem
    keys = "".join(block.text for block in key.blocks if block.label in _KEY_LABELS)
    for certificate in certificates[1:]:
        try:
            _load_text(ssl.DER_cert_to_PEM_cert(certificate.der) + keys, shown=where)
        except _Refused:
            continue
        return Problem(
            "chain_misordered",
            "error",
            f"{where} begins with the certificate of {certificates[0].subject}, and the private key "
            f"belongs to a later one, of {certificate.subject}: put the host's own certificate first.",
        )
    return problem


def check_chain_files(
    paths: t.Sequence[str],
    *,
    names: t.Sequence[str],
    ca_file: t.Optional[str] = None,
    now: t.Optional[datetime.datetime] = None,
    strict: bool = False,
) -> ChainFilesReport:
    """Judge the value of ``smtpd_tls_chain_files`` as Postfix reads it (postconf(5), since 3.4).

    The files are read as one: a key, its certificate, the issuers of that, then the next key; at
    most one key of each algorithm.  Any fault makes Postfix disable TLS or offer anonymous suites.
    """
    demands = _Demands(names, ca_file, now or datetime.datetime.now(datetime.timezone.utc), strict)
    problems: list[Problem] = []
    files: list[_File] = []
    for path in paths:
        try:
            files.append(_read(path, what="private keys and certificates"))
        except _Refused as refused:
            problems.append(refused.problem)
    sections = _sections(files)
    if len(files) == len(paths):
        # With a file missing, an order that looks wrong may only be the gap that it leaves.
        problems.extend(_order_problems(sections, paths=paths))
    for file in files:
        problems.extend(_key_file_problems(file) if file.has_key else ())
    chains: list[tuple[Certificate, ...]] = []
    first: dict[str, str] = {}
    for section in sections:
        report = _judge_section(section, demands=demands)
        if report.certificates:
            chains.append(report.certificates)
            algorithm = report.certificates[0].key_algorithm
            if algorithm in first:
                message = (
                    f"{section.where} is a second {algorithm} key, after {first[algorithm]}: "
                    "smtpd_tls_chain_files takes one key of each algorithm, remove one of them."
                )
                problems.append(Problem("duplicate_algorithm", "error", message))
            first.setdefault(algorithm, section.where)
        problems.extend(report.problems)
    return ChainFilesReport(tuple(chains), tuple(problems))


def sha256_of_leaf(file: str) -> str:
    """Return the SHA-256 of the first certificate in a PEM file, in hex; raise X509Error or OSError."""
    with open(file, encoding="latin-1", opener=_open_at_once) as stream:
        return parse_pem(stream.read(_MAX_FILE_OCTETS))[0].sha256


class _File(t.NamedTuple):
    path: str
    status: os.stat_result
    blocks: tuple[PemBlock, ...]

    @property
    def has_key(self) -> bool:
        return any(block.label in _KEY_LABELS for block in self.blocks)


class _Section(t.NamedTuple):
    """One key of ``smtpd_tls_chain_files`` with the certificates that follow it up to the next."""

    where: str
    key: t.Optional[PemBlock]
    certificates: list[tuple[str, PemBlock]]


def _sections(files: t.Sequence[_File]) -> list[_Section]:
    sections: list[_Section] = []
    for file in files:
        for block in file.blocks:
            where = f"{file.path} line {block.line}"
            if block.label in _KEY_LABELS:
                sections.append(_Section(where, block, []))
            elif is_certificate_label(block.label):
                if not sections:
                    sections.append(_Section(where, None, []))
                sections[-1].certificates.append((where, block))
    return sections


def _order_problems(
    sections: t.Sequence[_Section], *, paths: t.Sequence[str]
) -> t.Iterator[Problem]:
    if not sections:
        found = f"smtpd_tls_chain_files ({', '.join(paths)}) holds neither key nor certificate"
        yield Problem("not_pem", "error", f"{found}: list files with both.")
    for section in sections:
        if section.key is None:
            message = (
                f"{section.where}: a certificate comes before any private key: in "
                "smtpd_tls_chain_files list each key first, then its certificate chain."
            )
            yield Problem("key_not_first", "error", message)
        elif not section.certificates:
            message = (
                f"{section.where}: no certificate follows this private key: "
                "list the file with its certificate chain after it."
            )
            yield Problem("certificate_missing", "error", message)


def _judge_section(section: _Section, *, demands: _Demands) -> PairReport:
    blocks = [block for _where, block in section.certificates]
    if not blocks:
        return PairReport((), ())
    where = section.certificates[0][0]
    try:
        certificates = tuple(parse_pem_block(block) for block in blocks)
    except X509Error as error:
        return PairReport((), (_unreadable(where, str(error), what=_CERTIFICATE),))
    problems: list[Problem] = []
    context = None
    if section.key is not None:
        text = section.key.text + "".join(block.text for block in blocks)
        try:
            context = _load_text(text, shown=section.where)
        except _Refused as refused:
            problems.append(refused.problem)
    problems.extend(_chain_and_leaf(certificates, where=where, demands=demands, context=context))
    return PairReport(certificates, tuple(problems))


def _open_at_once(path: str, flags: int) -> int:
    """Open a file; a FIFO without this flag blocks the run for ever."""
    return os.open(path, flags | os.O_NONBLOCK)


def _read(path: str, *, what: str) -> _File:
    """Return a regular file and its PEM blocks; raise _Refused."""
    prefix = "key_" if what == _KEY else ""
    try:
        with open(path, "rb", opener=_open_at_once) as stream:
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise _Refused(_unreadable(path, "not a regular file", what=what))
            content = stream.read(_MAX_FILE_OCTETS + 1)
        if len(content) > _MAX_FILE_OCTETS:
            raise X509Error(f"more than {_MAX_FILE_OCTETS} octets")
        return _File(path, status, tuple(pem_blocks(content.decode("latin-1"))))
    except FileNotFoundError:
        message = f"{path or '(empty path)'} does not exist: give the path of the {what}."
        raise _Refused(Problem(f"{prefix}missing", "error", message)) from None
    except IsADirectoryError:
        message = f"{path} is a directory: give the path of the {what} in it."
        raise _Refused(Problem(f"{prefix}directory", "error", message)) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _Refused(_unreadable(path, reason, what=what)) from error


def _certificates(path: str) -> tuple[Certificate, ...]:
    blocks = _read(path, what=_CERTIFICATE).blocks
    try:
        found = tuple(parse_pem_block(one) for one in blocks if is_certificate_label(one.label))
    except X509Error as error:
        raise _Refused(_unreadable(path, str(error), what=_CERTIFICATE)) from error
    if not found:
        raise _Refused(_not_pem(path, what=_CERTIFICATE))
    return found


def _unreadable(path: str, reason: str, *, what: str) -> Problem:
    code = "key_unreadable" if what == _KEY else "unreadable"
    message = (
        f"{path} cannot be read ({reason}): give a PEM file with the {what} that root can read."
    )
    return Problem(code, "error", message)


def _not_pem(path: str, *, what: str) -> Problem:
    label = "PRIVATE KEY" if what == _KEY else "CERTIFICATE"
    message = (
        f"{path} has no line -----BEGIN {label}-----: "
        f"give a PEM file with the {what} (openssl converts DER and PKCS #12 files)."
    )
    return Problem("key_not_pem" if what == _KEY else "not_pem", "error", message)


def _key_file_problems(file: _File) -> list[Problem]:
    """Judge who can read a key file; group ``ssl-cert`` with mode 0640 is Debian's custom."""
    path, status = file.path, file.status
    mode = f"mode {stat.S_IMODE(status.st_mode):04o}"
    problems: list[Problem] = []
    if status.st_mode & 0o006:
        closed = _closed_directory(path)
        reach = f"only {closed} keeps them out" if closed else "every user of this host can use it"
        message = (
            f"{path} holds a private key and is open to all users ({mode}); {reach}: "
            "chmod 0600, and replace the key if others may have read it."
        )
        severity: t.Literal["warning", "error"] = "warning" if closed else "error"
        problems.append(Problem("key_world_readable", severity, message))
    group = _group_name(status.st_gid)
    if status.st_mode & 0o060 and status.st_gid != 0 and group != "ssl-cert":
        message = (
            f"{path} holds a private key and is open to the group {group} ({mode}): "
            "chmod 0600, or give it to the group root or ssl-cert."
        )
        problems.append(Problem("key_group_readable", "warning", message))
    if status.st_uid != 0:
        message = f"{path} holds a private key and belongs to user {status.st_uid}: chown root."
        problems.append(Problem("key_owner_not_root", "warning", message))
    return problems


def _closed_directory(path: str) -> t.Optional[str]:
    """Return the directory above the real file that other users cannot enter, if any."""
    directory = os.path.dirname(os.path.realpath(path))
    while os.stat(directory).st_mode & stat.S_IXOTH:
        if directory == "/":
            return None
        directory = os.path.dirname(directory)
    return directory


def _group_name(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def _load(certificate_path: str, key_path: str, *, shown: str) -> ssl.SSLContext:
    """Return a server context with certificate and key; raise _Refused. Never asks a terminal."""

    def refuse() -> str:
        raise _PassPhraseWanted

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # Small keys and old digests are judged by us with a reason, not refused by OpenSSL without one.
    context.set_ciphers("ALL:@SECLEVEL=0")
    try:
        context.load_cert_chain(certificate_path, key_path, password=refuse)
    except _PassPhraseWanted:
        message = (
            f"{shown}: the private key is encrypted, and Postfix cannot ask for a pass phrase: "
            "remove it with openssl pkey, into a file with mode 0600."
        )
        raise _Refused(Problem("key_encrypted", "error", message)) from None
    except OSError as error:  # ssl.SSLError is one of them, with OpenSSL's reason.
        reason = getattr(error, "reason", None)
        if reason in _MISMATCH:
            message = (
                f"{shown}: the private key does not belong to the certificate that is used with it: "
                "give the key for which the certificate was issued."
            )
            raise _Refused(Problem("key_mismatch", "error", message)) from None
        said = f"OpenSSL says {reason}" if reason else "damaged, or of an unknown kind"
        raise _Refused(_unreadable(shown, said, what=_KEY)) from None
    return context


def _load_text(text: str, *, shown: str) -> ssl.SSLContext:
    """Load a key and its certificates from memory: load_cert_chain takes only paths."""
    with os.fdopen(os.memfd_create("pem", os.MFD_CLOEXEC), "wb") as stream:
        stream.write(text.encode("latin-1"))
        stream.flush()
        path = f"/proc/self/fd/{stream.fileno()}"
        return _load(path, path, shown=shown)


def _chain_and_leaf(
    certificates: tuple[Certificate, ...],
    *,
    where: str,
    demands: _Demands,
    context: t.Optional[ssl.SSLContext],
) -> list[Problem]:
    """Judge a chain by itself, then (given a context that serves it) by a handshake."""
    if not certificates:
        return []
    roots = None
    client = None
    problems: list[Problem] = []
    if demands.ca_file is not None:
        try:
            client = _client(demands.ca_file)
            roots = _root_subjects(client, certificates)
        except _Refused as refused:
            problems.append(refused.problem)
    problems.extend(_date_problems(certificates, where=where, now=demands.now))
    problems.extend(_name_problems(certificates[0], where=where, names=demands.names))
    problems.extend(_strength_problems(certificates, where=where, strict=demands.strict))
    chain = chain_problems(certificates, where=where, root_subjects=roots)
    problems.extend(chain)
    own_issuer = certificates[0].self_signed
    if own_issuer:
        message = (
            f"{where} is self-signed ({certificates[0].subject}): senders that verify refuse it; "
            "use a certificate of a public authority unless all senders use DANE."
        )
        problems.append(Problem("self_signed", "warning", message))
    known = own_issuer or any(problem.code == "chain_incomplete" for problem in chain)
    if client is not None and context is not None and not known:
        problems.extend(_trust_problems(context, client, where=where, ca_file=demands.ca_file))
    return problems


def _date_problems(
    certificates: t.Sequence[Certificate], *, where: str, now: datetime.datetime
) -> t.Iterator[Problem]:
    for index, one in enumerate(certificates):
        if index and one.self_signed:
            continue  # Clients use their own copy of a root.
        what = f"{where}: the certificate of {one.subject}"
        severity: t.Literal["warning", "error"] = "warning" if index else "error"
        if now < one.not_before:
            message = (
                f"{what} is not valid before {_date(one.not_before)}: check the clock, or wait."
            )
            yield Problem("not_yet_valid", severity, message)
        elif now > one.not_after:
            message = f"{what} expired on {_date(one.not_after)}: renew it."
            yield Problem("expired", severity, message)
        elif one.not_after - now < _SOON:
            message = f"{what} expires on {_date(one.not_after)}: renew it, and automate that."
            yield Problem("expires_soon", "warning", message)


def _date(moment: datetime.datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M UTC")


def _name_problems(leaf: Certificate, *, where: str, names: t.Sequence[str]) -> t.Iterator[Problem]:
    wrong = [name for name in names if not matches_name(leaf, name=name)]
    if wrong:
        shown = ", ".join(leaf.names[:10]) + (" and more" if len(leaf.names) > 10 else "")
        common = f" (the common name {leaf.common_name} does not count)"
        has = f"names {shown}" if leaf.names else "has no subject alternative name"
        message = (
            f"{where} {has}{common if leaf.common_name and not leaf.names else ''}; mail servers "
            f"connect to {', '.join(wrong)}: use a certificate whose subject alternative names "
            "include it (the host name in the MX record, not the mail domain)."
        )
        yield Problem("wrong_name", "error", message)
    wildcards = [name for name in leaf.dns_names if name.startswith("*.")]
    if wildcards:
        message = (
            f"{where} is for {', '.join(wildcards[:10])}: a stolen key then serves for all those "
            "hosts; a certificate for the mail host alone is safer."
        )
        yield Problem("wildcard", "info", message)


def _strength_problems(
    certificates: t.Sequence[Certificate], *, where: str, strict: bool
) -> t.Iterator[Problem]:
    for index, one in enumerate(certificates):
        what = f"{where}: the certificate of {one.subject}"
        weak = _weak_key(one, strict=strict and not index)
        if weak and not (index and weak[0] == "info"):
            message = f"{what} has {weak[1]}: use RSA of 3072 bits or more, or ECDSA P-256."
            yield Problem("weak_key", weak[0], message)
        own_root = index and one.self_signed
        algorithm = one.signature_algorithm.lower()
        if not own_root and any(digest in algorithm for digest in ("sha1", "md5", "md4", "md2")):
            message = f"{what} is signed with {one.signature_algorithm}: renew it with SHA-256."
            yield Problem("weak_signature", "error", message)


def _weak_key(
    certificate: Certificate, *, strict: bool
) -> t.Optional[tuple[t.Literal["error", "info"], str]]:
    """Return the severity and the description of a key that is too small."""
    bits = certificate.key_bits
    described = f"an {certificate.key_algorithm.upper()} key of {bits} bits"
    if certificate.key_algorithm in ("rsa", "rsa-pss") and bits < 3072:
        return "error" if strict or bits < 2048 else "info", described
    if certificate.key_algorithm == "ecdsa" and bits < 256:
        return "error" if strict or bits < 224 else "info", described
    return ("error", "a DSA key") if certificate.key_algorithm == "dsa" else None


def _client(ca_file: str) -> ssl.SSLContext:
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.set_ciphers("ALL:@SECLEVEL=0")
    try:
        client.load_verify_locations(ca_file)
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
        message = (
            f"{ca_file} cannot be used as the file of trusted roots ({reason}), "
            "so trust was not judged: give a PEM file, or install the package ca-certificates."
        )
        raise _Refused(Problem("ca_unreadable", "warning", message)) from None
    return client


def _root_subjects(client: ssl.SSLContext, certificates: t.Sequence[Certificate]) -> set[bytes]:
    """Return the subjects of the trusted roots that could have issued one of the certificates."""
    wanted = {one.issuer_der for one in certificates}
    subjects = set()
    for encoded in client.get_ca_certs(binary_form=True):
        # Parsing a whole bundle takes longer than all the rest; most roots are not concerned.
        if any(name in encoded for name in wanted):
            # A root that OpenSSL takes and we cannot read is no reason to fail.
            with contextlib.suppress(X509Error):
                subjects.add(parse_certificate(encoded).subject_der)
    return subjects


def _trust_problems(
    server: ssl.SSLContext, client: ssl.SSLContext, *, where: str, ca_file: t.Optional[str]
) -> t.Iterator[Problem]:
    """Let OpenSSL verify the chain in a handshake between two memory buffers."""
    try:
        _handshake(server, client)
    except ssl.SSLCertVerificationError as error:
        if error.verify_code not in _DATE_ERRORS:
            message = (
                f"{where} is not trusted through {ca_file} ({error.verify_message}): "
                "senders that verify (MTA-STS) refuse it; use a certificate of an authority in it."
            )
            yield Problem("untrusted", "warning", message)
    except ssl.SSLError as error:
        message = (
            f"{where} could not be verified against {ca_file} "
            f"(no handshake is possible with it: {error.reason}): use an RSA or ECDSA P-256 key."
        )
        yield Problem("untrusted", "warning", message)


def _handshake(server: ssl.SSLContext, client: ssl.SSLContext) -> None:
    """Run the handshake as far as the client's verdict; raise ssl.SSLError."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    asking = client.wrap_bio(to_client, to_server)
    serving = server.wrap_bio(to_server, to_client, server_side=True)
    for handshake in (asking, serving, asking, serving):
        with contextlib.suppress(ssl.SSLWantReadError):
            handshake.do_handshake()
    # TLS 1.3 needs one round trip and TLS 1.2 two: the client is done, or fails here.
    asking.do_handshake()


__all__ = (
    "ChainFilesReport",
    "PairReport",
    "Problem",
    "check_chain_files",
    "check_pair",
    "sha256_of_leaf",
)
