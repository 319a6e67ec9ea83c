# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Try a configuration in a second master before it goes live (effects: processes, /run).

The second master has its own queue and data directory, listens on loopback ports only and has no
queue manager, so it can neither take nor deliver a message. It shares nothing with the live one
but the sockets of other programs (SASL, milters), which it reaches through symbolic links.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import signal
import socket
import subprocess
import time
import typing as t
from dataclasses import dataclass

from ansible_collections.hardened.mail.plugins.module_utils.postfix import effective as eff
from ansible_collections.hardened.mail.plugins.module_utils.postfix import files, main_cf, runner
from ansible_collections.hardened.mail.plugins.module_utils.postfix.master_cf import Service
from ansible_collections.hardened.mail.plugins.module_utils.starttls.session import Session, look

#: master(8) -e: the second master ends by itself when its maker was killed.
_LIFETIME = 60
_START_SECONDS = 15.0

#: Helpers that smtpd and postscreen need for a greeting and a handshake; nothing that delivers.
_HELPERS = frozenset(
    {"tlsmgr", "rewrite", "anvil", "proxymap", "proxywrite", "dnsblog", "tlsproxy", "postlog"}
)
_QUEUES = "active bounce corrupt defer deferred flush hold incoming maildrop saved trace".split()
#: Caches with absolute paths would be opened by two masters at once.
_CACHES = {
    "smtpd_tls_session_cache_database": "",
    "smtp_tls_session_cache_database": "",
    "lmtp_tls_session_cache_database": "",
    "address_verify_map": "",
}
_FATAL = re.compile(r"fatal: |throttling")
_DEADLINES = (4.0, 15.0)
_TROUBLE = re.compile(r"(?:fatal|panic|error|warning): ")


@dataclass(frozen=True)
class Rehearsed:
    """What one service answered in the second master."""

    service: str
    session: Session


@dataclass(frozen=True)
class Rehearsal:
    """The outcome of a rehearsal.

    ``ran`` is False when it could not be held, for ``reason``; ``log`` holds the warnings and
    errors that the second master logged, the fatal ones first; ``seconds`` is how long it took.
    """

    ran: bool
    reason: str = ""
    answers: tuple[Rehearsed, ...] = ()
    log: tuple[str, ...] = ()
    seconds: float = 0.0


def rehearse(
    directory: str,
    *,
    main: str,
    services: t.Sequence[Service],
    effective: t.Mapping[str, str],
    config_directory: str,
    extra_files: t.Mapping[str, bytes],
) -> Rehearsal:
    """Hold the rehearsal in the new directory *directory*.

    *main* is the text of the new main.cf; *effective* are its values (``postconf -x``);
    *extra_files* are new files of the configuration directory by name. Never raises for a
    rehearsal that cannot be held: the outcome says why.
    """
    began = time.monotonic()
    chosen = eff.mail_services(services)
    if not chosen:
        return Rehearsal(False, "no mail port is configured in master.cf")
    errors = os.path.join(directory, "stderr")
    try:
        os.mkdir(directory)
        # The daemons drop root; they must be able to pass through, not to list.
        for path in (os.path.dirname(directory), directory):
            os.chmod(path, 0o711)  # noqa: S103 - what is secret in it is root's alone
        ports = {service.key: _free_port() for service in chosen}
        config, log = _lay_out(
            directory,
            main=main,
            services=services,
            ports=ports,
            effective=effective,
            config_directory=config_directory,
            extra_files=extra_files,
        )
        answers = _run(
            config, services=chosen, ports=ports, effective=effective, log=log, errors=errors
        )
    except KeyError as error:
        return Rehearsal(False, f"unknown user: {error}")
    except OSError as error:
        return Rehearsal(
            False, str(error), log=_trouble(os.path.join(directory, "log", "maillog"), errors)
        )
    return Rehearsal(
        True, answers=answers, log=_trouble(log, errors), seconds=round(time.monotonic() - began, 2)
    )


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _lay_out(
    directory: str,
    *,
    main: str,
    services: t.Sequence[Service],
    ports: t.Mapping[tuple[str, str, str], int],
    effective: t.Mapping[str, str],
    config_directory: str,
    extra_files: t.Mapping[str, bytes],
) -> tuple[str, str]:
    owner = pwd.getpwnam(effective["mail_owner"])
    config = os.path.join(directory, "rehearsal")
    queue, data, log = (os.path.join(directory, name) for name in ("queue", "data", "log"))
    os.mkdir(config, 0o755)
    os.mkdir(data, 0o700)
    os.chown(data, owner.pw_uid, owner.pw_gid)
    _make_queue(queue, owner=owner, live=effective["queue_directory"])
    os.mkdir(log, 0o755)
    log_file = os.path.join(log, "maillog")
    cache_type = effective.get("postscreen_cache_map", "btree:").partition(":")[0]
    overrides = {
        **_CACHES,
        "queue_directory": queue,
        "data_directory": data,
        "maillog_file": log_file,
        "maillog_file_prefixes": log,
        "syslog_name": "postfix-rehearsal",
        "multi_instance_enable": "no",
        "postscreen_cache_map": f"{cache_type}:{data}/postscreen_cache",
    }
    text = main_cf.render(main, changes=overrides)
    for name in extra_files:
        # A new file is not in the configuration directory yet.
        text = text.replace(os.path.join(config_directory, name), os.path.join(config, name))
    _write(os.path.join(config, "main.cf"), text.encode("utf-8", "surrogateescape"))
    master = _master(services, ports=ports)
    _write(os.path.join(config, "master.cf"), master.encode("utf-8", "surrogateescape"))
    for name, content in extra_files.items():
        _write(os.path.join(config, name), content, mode=0o644)
    link_others(config_directory, config)
    return config, log_file


def link_others(source: str, destination: str) -> None:
    """Link what is not in *destination* yet, so that ``$config_directory/name`` is found."""
    for name in os.listdir(source):
        if name.startswith("."):
            continue
        with contextlib.suppress(FileExistsError):
            os.symlink(os.path.join(source, name), os.path.join(destination, name))


def _write(path: str, content: bytes, *, mode: int = 0o600) -> None:
    """Write a file; main.cf may hold passwords, and every daemon reads it before it drops root."""
    with open(path, "wb", opener=lambda name, flags: os.open(name, flags, mode)) as stream:
        stream.write(content)
    files.cool(path)


def _make_queue(queue: str, *, owner: pwd.struct_passwd, live: str) -> None:
    os.mkdir(queue, 0o755)
    for name in [*_QUEUES, "private", "public"]:
        path = os.path.join(queue, name)
        os.mkdir(path, 0o700)
        os.chown(path, owner.pw_uid, owner.pw_gid)
    os.mkdir(os.path.join(queue, "pid"), 0o755)
    for name in os.listdir(live):
        if not os.path.lexists(os.path.join(queue, name)):
            os.symlink(os.path.join(live, name), os.path.join(queue, name))
    private = os.path.join(live, "private")
    for name in os.listdir(private):
        if name not in _HELPERS:
            os.symlink(os.path.join(private, name), os.path.join(queue, "private", name))


def _master(services: t.Sequence[Service], *, ports: t.Mapping[tuple[str, str, str], int]) -> str:
    lines = []
    kept = set()
    for service in eff.in_force(services):
        name = service.name
        if service.key in ports:
            name = f"127.0.0.1:{ports[service.key]}"
        elif service.type == "inet" or (service.type != "pass" and name not in _HELPERS):
            continue
        kept.add(name)
        fields = list(service.fields)
        fields[2] = "n"  # the new queue directory has none of the files that a chroot needs
        lines.append(" ".join([name, service.type, *fields, service.command, *service.arguments]))
    if "postlog" not in kept:
        lines.append("postlog unix-dgram n - n - 1 postlogd")
    return "\n".join(lines) + "\n"


def _run(
    config: str,
    *,
    services: t.Sequence[Service],
    ports: t.Mapping[tuple[str, str, str], int],
    effective: t.Mapping[str, str],
    log: str,
    errors: str,
) -> tuple[Rehearsed, ...]:
    master = os.path.join(effective["daemon_directory"], "master")
    # It runs beside us while it is asked, which run_command cannot do.
    with open(errors, "wb") as stderr:
        process = subprocess.Popen(  # pylint: disable=ansible-bad-function
            [master, "-c", config, "-d", "-e", str(_LIFETIME)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            env=runner.environment(),
            start_new_session=True,
        )
    try:
        _wait_for(process, port=ports[services[0].key])
        return tuple(
            Rehearsed(
                service.id,
                _ask(service, port=ports[service.key], effective=effective, logs=(log, errors)),
            )
            for service in services
        )
    finally:
        _stop(process)


def _wait_for(process: subprocess.Popen[bytes], *, port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise OSError(f"the second master ended with status {process.returncode}")
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        time.sleep(0.05)
    raise OSError(f"the second master did not listen within {_START_SECONDS:g} s")


def _ask(
    service: Service, *, port: int, effective: t.Mapping[str, str], logs: tuple[str, ...]
) -> Session:
    """Return what a service answers; one that died is not waited for, one that is slow is."""
    implicit_tls = eff.is_yes(eff.setting(service, "smtpd_tls_wrappermode", effective=effective))
    session = Session()
    for deadline in _DEADLINES:
        session = look(
            "127.0.0.1",
            port=port,
            implicit_tls=implicit_tls,
            proxy_protocol=eff.speaks_proxy_protocol(service, effective=effective),
            deadline=deadline,
        )
        if session.answered or any(_FATAL.search(line) for line in _trouble(*logs)):
            break
    return session


def _stop(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=10)
    # Its daemons end a moment after it, or not at all; none may outlive the rehearsal.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _lines(log_file: str) -> list[str]:
    with open(log_file, encoding="utf-8", errors="replace") as stream:
        return [line.strip() for line in stream]


def _trouble(*log_files: str) -> tuple[str, ...]:
    """Return the warnings and errors in the logs, without time and program, the fatal ones first."""
    lines = []
    for log_file in log_files:
        with contextlib.suppress(OSError):
            lines += [line for line in _lines(log_file) if _TROUBLE.search(line)]
    told = dict.fromkeys(line.partition("postfix-rehearsal/")[2] or line for line in lines)
    return tuple(sorted(told, key=lambda line: "fatal: " not in line))


__all__ = ("Rehearsal", "Rehearsed", "link_others", "rehearse")
