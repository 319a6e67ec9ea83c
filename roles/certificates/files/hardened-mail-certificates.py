# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reload Postfix and Dovecot when a mail port shows another certificate than the file holds.

A deploy hook for certbot, acme.sh and lego, to be run as root; it needs no arguments. The daemons' own
configuration says which files belong to which port. With --check nothing is reloaded. The exit status is
0 when every port shows what its file holds (in the end), 1 when one does not or a file is faulty.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import itertools
import json
import os
import re
import socket
import ssl
import subprocess
import sys
import time
import typing as t
from dataclasses import dataclass, replace

CONFIG = "/etc/hardened-mail/certificates.json"
LOCK = "/run/hardened-mail-certificates.lock"
SECONDS = 10.0
#: How long a daemon may take after a reload until it shows the new certificate.
PATIENCE = 30.0
#: Ports of Dovecot: protocol, and whether TLS starts at once.
DOVECOT_PORTS: t.Final = {
    143: ("imap", False),
    993: ("imap", True),
    110: ("pop3", False),
    995: ("pop3", True),
    4190: ("sieve", False),
}
STARTTLS: t.Final = {
    "smtp": (b"220 ", b"EHLO localhost\r\n", b"250 ", b"STARTTLS\r\n", b"220 "),
    "imap": (b"* OK", b"", b"", b"a STARTTLS\r\n", b"a OK"),
    "pop3": (b"+OK", b"", b"", b"STLS\r\n", b"+OK"),
    "sieve": (b"OK", b"", b"", b"STARTTLS\r\n", b"OK"),
    "lmtp": (b"220 ", b"LHLO localhost\r\n", b"250 ", b"STARTTLS\r\n", b"220 "),
}
#: One after the other, so that a server with keys of two types shows both; then whatever it likes.
KINDS: t.Final = ("aECDSA", "aRSA", "")
_MARK: t.Final = "hardened-mail.invalid"
#: What ``postmap -F`` does not build: Postfix reads the certificates of these when it opens them.
_NOT_BUILT: t.Final = ("inline", "texthash", "regexp", "pcre")
_PEM: t.Final = re.compile("-----BEGIN ([A-Z0-9 ]+)-----.*?-----END [A-Z0-9 ]+-----", re.DOTALL)
_CERTIFICATES: t.Final = ("CERTIFICATE", "TRUSTED CERTIFICATE", "X509 CERTIFICATE")
#: Lines of a table of patterns that are none.
_BRANCHES: t.Final = ("if", "endif")
#: A name that a client can ask for.
_NAME: t.Final = re.compile(r"(?=.{1,253}$)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*", re.IGNORECASE)


class Fault(Exception):
    """Something that keeps a daemon from being looked at or reloaded; the message says what to do."""


@dataclass(frozen=True)
class Pair:
    """A certificate file and the file with its key; how many come before them in their files."""

    certificate: str
    key: str
    at: int = 0
    key_at: int = 0


@dataclass(frozen=True)
class Port:
    """A port of a daemon, the name that a client asks for, and the files that it must be shown."""

    daemon: str
    address: str
    number: int
    protocol: str
    implicit: bool
    pairs: tuple[Pair, ...]
    name: str = ""
    proxy: bool = False
    #: A table into which the files are copied: ``postmap -F`` builds it.
    table: str = ""

    def __str__(self) -> str:
        return f"port {self.number}{f' for {self.name}' if self.name else ''}"


@dataclass(frozen=True)
class Daemon:
    """Postfix (an instance of it) or Dovecot: how it is told to read its certificates again."""

    name: str
    reload: tuple[str, ...]
    ports: tuple[Port, ...]


def say(text: str) -> None:
    """Print a line of the report."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def output(*command: str) -> str:
    """Return what a command prints. Raises Fault."""
    done = run(*command)
    if done.returncode != 0:
        raise Fault(f"{' '.join(command)} failed: {done.stderr.strip()}")
    return done.stdout


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a command for at most a minute. Raises Fault."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/local/sbin:/usr/bin:/bin"
    try:
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            timeout=60,
            check=False,
            env={**os.environ, "PATH": path, "LC_ALL": "C"},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Fault(f"{' '.join(command)} failed: {error}") from error


def installed(program: str) -> bool:
    """Tell whether a program of the system directories is there."""
    return any(
        os.access(os.path.join(directory, program), os.X_OK)
        for directory in ("/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin", "/sbin")
    )


# Postfix


def assignments(text: str) -> dict[str, str]:
    """Return the ``name = value`` lines of postconf(1)."""
    lines = (line.partition(" =") for line in text.splitlines() if " =" in line)
    return {name: value.strip() for name, _equals, value in lines}


def postfix(directory: str) -> Daemon:
    """Return one instance of Postfix with its ports. Raises Fault."""
    values = assignments(output("postconf", "-c", directory, "-x"))
    overrides = assignments(output("postconf", "-c", directory, "-Px"))
    ports: list[Port] = []
    for line in output("postconf", "-c", directory, "-M").splitlines():
        words = line.split()
        if line[:1].isspace() or len(words) < 8 or words[1] != "inet":
            continue
        if words[7] in ("smtpd", "postscreen"):
            service = f"{words[0]}/inet/"
            own = {
                name[len(service) :]: value
                for name, value in overrides.items()
                if name.startswith(service)
            }
            ports += service_ports(words[0], values={**values, **own}, command=words[7])
    return Daemon(f"Postfix ({directory})", ("postfix", "-c", directory, "reload"), tuple(ports))


def service_ports(service: str, *, values: t.Mapping[str, str], command: str) -> list[Port]:
    """Return the port of one service, once for each name that it has a certificate for."""
    wrapper = values.get("smtpd_tls_wrappermode") == "yes"
    level = values.get("smtpd_tls_security_level", "")
    if not wrapper and (level or values.get("smtpd_use_tls", "no")) in ("none", "no"):
        return []
    host, _colon, port = service.rpartition(":")
    proxy = values.get(
        "postscreen_upstream_proxy_protocol"
        if command == "postscreen"
        else "smtpd_upstream_proxy_protocol"
    )
    try:
        number = int(port) if port.isdigit() else socket.getservbyname(port)
    except OSError:
        return []
    main = Port(
        "Postfix",
        host.strip("[]") or listening_address(values.get("inet_interfaces", "all")),
        number=number,
        protocol="smtp",
        implicit=wrapper,
        pairs=postfix_pairs(values),
        proxy=proxy == "haproxy",
    )
    named = [
        replace(main, pairs=chain_pairs(files), name=name, table=table)
        for name, files, table in sni_rows(values.get("tls_server_sni_maps", ""))
    ]
    return [one for one in (main, *named) if one.pairs]


def listening_address(interfaces: str) -> str:
    """Return an address of this host that Postfix listens on."""
    first = interfaces.replace(",", " ").split()[:1]
    if not first or first[0].lower() in ("all", "loopback-only", "localhost"):
        return "127.0.0.1"
    return first[0].strip("[]")


def postfix_pairs(values: t.Mapping[str, str]) -> tuple[Pair, ...]:
    """Return the certificates that smtpd(8) shows to a client that asks for no name of the table."""
    chain = values.get("smtpd_tls_chain_files", "").replace(",", " ").split()
    if chain:
        return chain_pairs(chain)
    pairs = []
    for kind in ("cert", "eccert", "dcert"):
        certificate = values.get(f"smtpd_tls_{kind}_file", "")
        key = values.get(f"smtpd_tls_{kind.replace('cert', 'key')}_file", "")
        if certificate not in ("", "none"):
            pairs.append(Pair(certificate, key or certificate))
    return tuple(pairs)


def chain_pairs(files: t.Sequence[str]) -> tuple[Pair, ...]:
    """Return the pairs in a list of files, each key before its certificate."""
    pairs: list[Pair] = []
    key: t.Optional[tuple[str, int]] = None
    for file in files:
        counts = {"key": 0, "certificate": 0}
        # A file that holds neither is judged as what should be there.
        for kind in kinds_in(file) or ["certificate" if key else "key"]:
            if kind == "key":
                key = (file, counts[kind])
            elif key:
                # One that follows another without a key between them belongs to its chain.
                pairs.append(Pair(file, key[0], at=counts[kind], key_at=key[1]))
                key = None
            counts[kind] += 1
    return tuple(pairs)


def kinds_in(file: str) -> list[str]:
    """Return ``key`` or ``certificate`` for each block of a file that is one."""
    kinds = (kind_of(block) for block in _PEM.finditer(read_text(file)))
    return [kind for kind in kinds if kind]


def kind_of(block: re.Match[str]) -> str:
    """Return what a block of PEM holds, empty when it is neither key nor certificate."""
    if block[1].endswith("PRIVATE KEY"):
        return "key"
    return "certificate" if block[1] in _CERTIFICATES else ""


def read_text(file: str) -> str:
    """Return a file's text, empty when it cannot be read: judging the pair says so."""
    try:
        with open(file, encoding="ascii", errors="replace") as stream:
            return stream.read(1 << 20)
    except OSError:
        return ""


def sni_rows(maps: str) -> list[tuple[str, list[str], str]]:
    """Return name, files and table of each row of tls_server_sni_maps."""
    rows: list[tuple[str, list[str], str]] = []
    for table in re.findall(r"(?:inline:\{(?:[^{}]|\{[^{}]*\})*\}|[^\s,]+)", maps):
        kind, _colon, rest = table.partition(":")
        if kind == "inline":
            lines = re.findall(r"\{([^{}]*)\}", rest[1:-1]) or rest[1:-1].split(",")
            split = [line.partition("=")[::2] for line in lines if "=" in line]
        else:
            text = re.sub(r"\n[ \t]+", " ", read_text(rest))
            kept = (line for line in text.splitlines() if line.strip() and line[0] not in "# \t")
            split = [tuple(f"{line} ".split(None, 1)) for line in kept]
            if kind in ("regexp", "pcre"):
                split = [(one_name(row[0]), *row[1:]) for row in split if row[0] not in _BRANCHES]
        built = "" if kind in _NOT_BUILT else table
        for name, value in (row for row in split if len(row) > 1):
            if name.strip() and name.strip() != _MARK:
                # A leading dot stands for every name below it.
                asked = re.sub(r"^\.", "any.", name.strip())
                rows.append((asked, value.replace(",", " ").split(), built))
    return rows


def one_name(pattern: str) -> str:
    """Return the name that a pattern stands for; a pattern that stands for more as it is."""
    found = re.fullmatch(r"/\^((?:[\w-]|\\\.)+)\$/[a-zA-Z]*", pattern)
    return found[1].replace("\\", "") if found else pattern


# Dovecot


def dovecot() -> Daemon:
    """Return Dovecot with its ports. Raises Fault."""
    protocols = output("doveconf", "-h", "protocols")
    # -P shows the names of the key files, and secrets beside them, which are not kept.
    text = output("doveconf", "-n", "-P")
    shown = dovecot_pairs(text)
    ports = [
        Port("Dovecot", "127.0.0.1", number, protocol, implicit, pairs=pairs, name=name)
        for number, (protocol, implicit) in DOVECOT_PORTS.items()
        for name, pairs in shown.items()
        if re.search(rf"\b{protocol}\b(?! = no)", protocols)
    ]
    if re.search(r"\blmtp\b(?! = no)", protocols) and "" in shown:
        ports += [replace(one, pairs=shown[""]) for one in lmtp_ports(text)]
    return Daemon("Dovecot", ("doveadm", "reload"), tuple(ports))


def lmtp_ports(text: str) -> t.Iterator[Port]:
    """Yield the ports of LMTP in what doveconf(1) prints; they know no names of SNI."""
    blocks: list[str] = []
    values: dict[str, str] = {}
    for line in text.splitlines():
        word = line.strip()
        if word.endswith("{"):
            blocks.append(word[:-1].strip())
            values = {}
        elif word == "}":
            listener = blocks[:-1] == ["service lmtp"] and blocks[-1].startswith("inet_listener")
            if listener and values.get("port", "0") != "0":
                first = (
                    values.get("address", values.get("listen", "")).replace(",", " ").split()[:1]
                )
                yield Port(
                    "Dovecot",
                    first[0]
                    if first and first[0] not in ("*", "::", "[::]", "0.0.0.0")
                    else "127.0.0.1",
                    number=int(values["port"]),
                    protocol="lmtp",
                    implicit=values.get("ssl") == "yes",
                    pairs=(),
                    proxy=values.get("haproxy") == "yes",
                )
            blocks.pop()
        elif " = " in word:
            name, _equals, value = word.partition(" = ")
            values[name] = value.strip('"')


def dovecot_pairs(text: str) -> dict[str, tuple[Pair, ...]]:
    """Return the pairs for each name of SNI, and for "", from what doveconf(1) prints."""
    found: dict[str, dict[str, str]] = {}
    blocks: list[str] = []
    for line in text.splitlines():
        word = line.strip()
        if word.endswith("{"):
            blocks.append(word[:-1].strip())
        elif word == "}":
            blocks.pop()
        elif " = " in word:
            setting, _equals, value = word.partition(" = ")
            inside = [block for block in blocks if block != "ssl_server"]
            prefix = "ssl_server_" if "ssl_server" in blocks else ""
            names = [block.split(None, 1)[1] for block in inside if block[:11] == "local_name "]
            if len(names) == len(inside) and setting:
                name = names[-1].strip('"').split()[0] if names else ""
                found.setdefault(name, {})[prefix + setting] = value.strip('"').lstrip("<").strip()
    shown = {}
    for name, values in found.items():
        pairs = tuple(
            Pair(values[certificate], values.get(key, values[certificate]))
            for certificate, key in (
                ("ssl_cert", "ssl_key"),
                ("ssl_alt_cert", "ssl_alt_key"),
                ("ssl_server_cert_file", "ssl_server_key_file"),
                ("ssl_server_alt_cert_file", "ssl_server_alt_key_file"),
            )
            if values.get(certificate, "").startswith("/")
        )
        if pairs:
            shown[name.replace("*.", "any.", 1)] = pairs
    return {} if found.get("", {}).get("ssl") == "no" else shown


# What a port shows


def served(port: Port) -> tuple[bytes, ...]:
    """Return the certificates that the port shows. Raises OSError when it has no TLS at all."""
    leaves: dict[bytes, None] = {}
    failure: OSError = OSError("no TLS")
    for kind in KINDS if len(port.pairs) > 1 else KINDS[-1:]:
        try:
            leaves[leaf_of(port, kind=kind)] = None
        except OSError as error:
            failure = error
    if not leaves:
        raise failure
    return tuple(leaves)


def leaf_of(port: Port, *, kind: str) -> bytes:
    """Return the certificate that the port shows to a client that can do only ``kind``. Raises OSError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers(f"{kind or 'DEFAULT'}:@SECLEVEL=0")
    if kind:
        # In TLS 1.3 a suite says nothing about the key.
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    with socket.create_connection((port.address, port.number), timeout=SECONDS) as sock:
        if port.proxy:
            sock.sendall(b"PROXY TCP4 127.0.0.1 127.0.0.1 12345 25\r\n")
        if not port.implicit:
            start_tls(sock, port.protocol)
        with context.wrap_socket(sock, server_hostname=port.name or None) as secured:
            leaf = secured.getpeercert(binary_form=True)
    if not leaf:
        raise OSError("it shows no certificate")
    return leaf


def start_tls(sock: socket.socket, protocol: str) -> None:
    """Speak until the handshake. Raises OSError."""
    greeting, hello, welcome, command, go = STARTTLS[protocol]
    expect(sock, greeting)
    if hello:
        sock.sendall(hello)
        expect(sock, welcome)
    sock.sendall(command)
    expect(sock, go)


def expect(sock: socket.socket, start: bytes) -> None:
    """Read lines until one starts so. Raises OSError."""
    until = time.monotonic() + SECONDS
    line = b""
    while time.monotonic() < until:
        octet = sock.recv(1)
        if not octet:
            break
        line += octet
        if octet == b"\n":
            if line.startswith(start):
                return
            # More lines of the same reply: 250-, * CAPABILITY, "SIEVE".
            if not (line[3:4] == b"-" or line[:2] == b"* " or line[:1] == b'"'):
                break
            line = b""
    raise OSError(f"it says {line.decode('ascii', 'replace').strip() or 'nothing'}")


# What a file holds


def leaf_in(pair: Pair) -> bytes:
    """Return the certificate of a pair that a server could load. Raises Fault."""
    for file in (pair.certificate, pair.key):
        if not read_text(file):
            raise Fault(f"{file} cannot be read or is empty")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    try:
        chain = part(pair.certificate, "certificate", at=pair.at)
        key = part(pair.key, "key", at=pair.key_at)
        with in_memory(f"{key[0]}\n" + "\n".join(chain)) as file:
            # An encrypted key would be asked for on the terminal.
            context.load_cert_chain(file, password=lambda: b"")
        body = re.sub("-----[^-]*-----", "", chain[0]).strip()
        return ssl.PEM_cert_to_DER_cert(
            f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n"
        )
    except (OSError, ValueError) as error:
        together = "the key is another certificate's" if "MISMATCH" in str(error) else str(error)
        raise Fault(f"{pair.certificate} and {pair.key}: {together}") from error


def part(file: str, kind: str, *, at: int) -> list[str]:
    """Return the block of that kind and number, and what follows up to another kind. Raises ValueError."""
    blocks = [block for block in _PEM.finditer(read_text(file)) if kind_of(block)]
    places = [place for place, block in enumerate(blocks) if kind_of(block) == kind]
    if len(places) <= at:
        raise ValueError(f"there is no {kind} in {file}")
    following = itertools.takewhile(lambda block: kind_of(block) == kind, blocks[places[at] :])
    return [block.group() for block in following]


@contextlib.contextmanager
def in_memory(text: str) -> t.Iterator[str]:
    """Yield the name of a file with this text that is on no disk."""
    descriptor = os.memfd_create("pair")
    try:
        os.write(descriptor, text.encode("ascii", "replace"))
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


# The run


def stale_ports(daemon: Daemon) -> list[Port]:
    """Return the ports that show another certificate than their files hold. Raises Fault."""
    stale: list[Port] = []
    faults: list[str] = []
    for port in daemon.ports:
        try:
            wanted = {leaf_in(pair) for pair in port.pairs}
        except Fault as error:
            faults.append(f"{port}: {error}")
            continue
        if port.name and not _NAME.fullmatch(port.name):
            say(f"{daemon.name}, {port}: not one name that a client can ask for; passed over")
            continue
        try:
            shown = set(served(port))
        except ConnectionRefusedError:
            say(f"{daemon.name}, {port}: nothing listens there; passed over")
            continue
        except OSError as error:
            # What is out of order now may be what the new files mend.
            say(f"{daemon.name}, {port}: no TLS ({error})")
            shown = set()
        if not shown <= wanted or (len(shown) > 1 and shown != wanted) or not shown:
            stale.append(port)
    if faults:
        raise Fault(f"{daemon.name}: {'; '.join(dict.fromkeys(faults))}; not reloaded")
    return stale


def build_tables(ports: t.Iterable[Port]) -> None:
    """Build the tables anew into which certificates are copied. Raises Fault."""
    for table in dict.fromkeys(port.table for port in ports if port.table):
        output("postmap", "-F", table)
        say(f"built {table} anew, since it holds copies of the files")


def serve(daemon: Daemon, *, check: bool) -> bool:
    """Bring one daemon to show what its files hold; return whether it does. Raises Fault."""
    stale = stale_ports(daemon)
    if not stale:
        say(f"{daemon.name}: every port shows the certificate in its file; not reloaded")
        return True
    for port in stale:
        files = ", ".join(pair.certificate for pair in port.pairs)
        say(f"{daemon.name}, {port}: does not show the certificate in {files}")
    if check:
        return False
    build_tables(stale)
    done = run(*daemon.reload)
    if done.returncode != 0:
        told = (done.stderr or done.stdout).strip()
        raise Fault(f"{daemon.name}: {' '.join(daemon.reload)} failed: {told}")
    until = time.monotonic() + PATIENCE
    while stale and time.monotonic() < until:
        time.sleep(0.2)
        stale = stale_ports(replace(daemon, ports=tuple(stale)))
    if stale:
        left = ", ".join(map(str, stale))
        raise Fault(
            f"{daemon.name}: reloaded, but still without the certificate in its file: {left}"
        )
    say(f"{daemon.name}: reloaded; every port shows the certificate in its file")
    return True


def settings() -> dict[str, t.Any]:
    """Return what the role wrote for this host; every daemon when there is nothing."""
    text = read_text(CONFIG)
    return dict(json.loads(text)) if text else {}


def daemons(chosen: t.Mapping[str, t.Any]) -> t.Iterator[t.Callable[[], Daemon]]:
    """Yield a function for each daemon that is installed."""
    for directory in chosen.get("postfix", ["/etc/postfix"]):
        if installed("postconf") and os.path.exists(os.path.join(directory, "main.cf")):
            yield lambda directory=directory: postfix(directory)
    if chosen.get("dovecot", True) and installed("doveconf"):
        yield dovecot


def main() -> int:
    """Look at every daemon; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--check", action="store_true", help="reload nothing; only say what differs"
    )
    # acme.sh, lego and certbot say in the environment what was renewed; the daemons know better.
    check = parser.parse_args().check
    good = True
    with open(LOCK, "w", encoding="ascii") as lock:
        # certbot runs its hooks once for each certificate; the next one finds nothing to do.
        fcntl.flock(lock, fcntl.LOCK_EX)
        for read in daemons(settings()):
            try:
                good = serve(read(), check=check) and good
            except (Fault, OSError, ValueError) as error:
                good = False
                say(f"FAILED: {error}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
