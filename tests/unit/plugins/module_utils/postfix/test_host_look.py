# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a look at a host sees: on files of every kind, and as a user who may not see all."""

from __future__ import annotations

import os
import pathlib
import pwd
import socket
import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.policy.host_facts import HostFacts
from ansible_collections.hardened.mail.plugins.module_utils.policy.view import View
from ansible_collections.hardened.mail.plugins.module_utils.postfix import host_look, master_cf
from ansible_collections.hardened.mail.plugins.module_utils.postfix.version import Version

ME = pwd.getpwuid(os.geteuid()).pw_name


def view(here: pathlib.Path, **explicit: str) -> View:
    for name in ("etc", "queue/etc", "data", "sbin"):
        (here / name).mkdir(parents=True, exist_ok=True)
    defaults = {
        "command_directory": str(here / "sbin"),
        "compatibility_level": "3.6",
        "daemon_directory": str(here / "sbin"),
        "data_directory": str(here / "data"),
        "mail_owner": ME,
        "queue_directory": str(here / "queue"),
    }
    return View(
        version=Version.parse("3.7.11"),
        raw={**defaults, **explicit},
        explicit=explicit,
        services=master_cf.parse("smtp inet n - n - - smtpd\n"),
        config_directory=str(here / "etc"),
    )


def looked(here: pathlib.Path, **explicit: str) -> HostFacts:
    return host_look.look(view(here, **explicit))


def test_look_tells_kinds_modes_and_owners(tmp_path: pathlib.Path) -> None:
    one = view(tmp_path)
    for name, mode in (("main.cf", 0o644), ("master.cf", 0o600)):
        (tmp_path / "etc" / name).touch()
        (tmp_path / "etc" / name).chmod(mode)
    facts = host_look.look(one)
    assert facts.file(str(tmp_path / "etc")).kind == "directory"
    for name, mode in (("main.cf", "0644"), ("master.cf", "0600")):
        fact = facts.file(str(tmp_path / "etc" / name))
        assert (fact.exists, fact.kind, fact.octal, fact.owner) == (True, "file", mode, ME)
    assert not facts.file(str(tmp_path / "queue/private")).exists
    assert facts.unseen() == ()


def test_look_is_not_held_up_by_what_is_no_file(tmp_path: pathlib.Path) -> None:
    os.mkfifo(tmp_path / "table.cf")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "filter"))
    (tmp_path / "queue/etc").mkdir(parents=True)
    os.mkfifo(tmp_path / "queue/etc/resolv.conf")
    facts = looked(
        tmp_path,
        virtual_alias_maps=f"mysql:{tmp_path}/table.cf, cidr:/dev/null",
        smtpd_milters=f"unix:{tmp_path}/filter",
        smtpd_tls_security_level="may",
        smtpd_tls_cert_file=f"{tmp_path}/table.cf",
    )
    assert facts.file(f"{tmp_path}/table.cf").kind == "fifo"
    assert facts.file(f"{tmp_path}/filter").kind == "socket"
    assert facts.file("/dev/null").kind == "device"
    assert facts.chroot_nameservers == ()
    assert [problem.code for problem in facts.certificates[0].problems] == [
        "unreadable",
        "key_unreadable",
    ]


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        pytest.param("hosts = a\npassword = b\n", True, id="sql"),
        pytest.param("bind_pw=b\n", True, id="ldap"),
        pytest.param("password =\n", False, id="empty"),
        pytest.param("# password = b\n", False, id="comment"),
        pytest.param("query = SELECT password = 1\n", False, id="in-a-query"),
        pytest.param("hosts = a\n" * 9000 + "password = b\n", False, id="behind-what-is-read"),
    ],
)
def test_look_finds_a_password_in_a_table(tmp_path: pathlib.Path, text: str, secret: bool) -> None:
    (tmp_path / "table.cf").write_text(text)
    facts = looked(tmp_path, virtual_alias_maps=f"pgsql:{tmp_path}/table.cf")
    assert facts.file(f"{tmp_path}/table.cf").secret is secret


def test_look_follows_the_way_to_a_file(tmp_path: pathlib.Path) -> None:
    for name, mode in (("closed", 0o750), ("loose", 0o757), ("plain", 0o775)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "v").touch()
        (tmp_path / name).chmod(mode)
    (tmp_path / "link").symlink_to("closed/v")
    tables = ", ".join(f"cidr:{tmp_path}/{name}/v" for name in ("closed", "loose", "plain"))
    facts = looked(tmp_path, virtual_alias_maps=f"{tables}, cidr:{tmp_path}/link")
    closed, loose, plain = (
        facts.file(f"{tmp_path}/{name}/v") for name in ("closed", "loose", "plain")
    )
    assert closed.closed == str(tmp_path / "closed")
    assert loose.loose == str(tmp_path / "loose")
    assert plain.loose != str(tmp_path / "plain") != plain.closed
    assert facts.file(f"{tmp_path}/link").closed == str(tmp_path / "closed")


def test_look_reads_the_name_servers_inside_and_outside(tmp_path: pathlib.Path) -> None:
    one = view(tmp_path)
    assert host_look.look(one).chroot_nameservers is None
    (tmp_path / "queue/etc/resolv.conf").write_text(
        "# nameserver 192.0.2.1\nnameserver 192.0.2.2\n nameserver\t2001:db8::1 # x\nsearch a\n"
    )
    assert host_look.look(one).chroot_nameservers == ("192.0.2.2", "2001:db8::1")


def test_look_knows_programs_space_and_ports(tmp_path: pathlib.Path) -> None:
    one = view(tmp_path)
    (tmp_path / "sbin/smtpd").touch()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        facts = host_look.look(one)
        assert ("127.0.0.1", listener.getsockname()[1]) in facts.listening
    assert facts.daemons == {"smtpd"}
    assert facts.queue_free
    assert not facts.running
    assert facts.hostname == os.uname().nodename


def test_look_does_not_stumble_over_what_is_not_there(tmp_path: pathlib.Path) -> None:
    facts = looked(
        tmp_path,
        queue_directory="/nonexistent",
        daemon_directory="/etc/passwd/x",
        mail_owner="no-such-user",
        smtpd_tls_security_level="may",
        smtpd_tls_chain_files="/nonexistent/a.pem",
        virtual_alias_maps=f"hash:/{'x' * 300}, hash:/a\0b",
    )
    assert facts.queue_free is None
    assert facts.daemons == frozenset()
    # The words for the second are those of the version of Python.
    assert ["null" in one or "too long" in one for one in facts.unseen()] == [True] * 4
    assert facts.certificates[0].problems[0].code == "missing"


def as_nobody(task: t.Callable[[], HostFacts]) -> HostFacts:
    """Run *task* as a user who is not root, who sees everything."""
    if os.geteuid() != 0:
        return task()
    before = os.geteuid(), os.getegid(), os.getgroups()
    os.setgroups([])
    os.setegid(65534)
    os.seteuid(65534)
    try:
        return task()
    finally:
        os.seteuid(before[0])
        os.setegid(before[1])
        os.setgroups(before[2])


@pytest.fixture
def open_path(tmp_path: pathlib.Path) -> pathlib.Path:
    """A directory that every user can enter."""
    for directory in (tmp_path, *list(tmp_path.parents)[:2]):
        directory.chmod(0o755)
    return tmp_path


def test_look_says_what_it_may_not_see(open_path: pathlib.Path) -> None:
    one = view(
        open_path,
        smtpd_tls_security_level="may",
        smtpd_tls_cert_file=f"{open_path}/mx.pem",
        virtual_alias_maps=f"mysql:{open_path}/table.cf, hash:{open_path}/locked/v",
        mail_owner="nobody",
    )
    for name in ("mx.pem", "table.cf"):
        (open_path / name).touch(0o000)
    (open_path / "locked").mkdir(0o000)
    facts = as_nobody(lambda: host_look.look(one))
    (open_path / "locked").chmod(0o700)
    assert {line.partition(": ")[0]: line.partition(": ")[2] for line in facts.unseen()} == {
        f"{open_path}/table.cf": "Permission denied",
        f"{open_path}/locked/v": "Permission denied",
        f"{open_path}/locked/v.db": "Permission denied",
    }
    assert {problem.code for problem in facts.certificates[0].problems} == {"unseen"}


def test_look_knows_what_the_daemons_may_read(open_path: pathlib.Path) -> None:
    one = view(
        open_path,
        virtual_alias_maps=", ".join(f"proxy:cidr:{open_path}/{name}" for name in "abc")
        + f", cidr:{open_path}/locked/v",
        mail_owner="nobody",
    )
    for name, mode in (("a", 0o600), ("b", 0o604), ("c", 0o606)):
        (open_path / name).touch()
        (open_path / name).chmod(mode)
    (open_path / "locked").mkdir(0o700)
    (open_path / "locked/v").touch()
    facts = host_look.look(one)
    assert {
        name: (fact.read_by_postfix, fact.written_by_postfix)
        for name in ("a", "b", "c", "locked/v")
        for fact in (facts.file(f"{open_path}/{name}"),)
    } == {
        "a": (False, False),
        "b": (True, False),
        "c": (True, True),
        "locked/v": (False, False),
    }


def test_look_asks_the_owner_for_the_permissions_of_the_owner(tmp_path: pathlib.Path) -> None:
    for name, mode in (("mine", 0o600), ("others", 0o066)):
        (tmp_path / name).touch()
        (tmp_path / name).chmod(mode)
    facts = looked(tmp_path, virtual_alias_maps=f"cidr:{tmp_path}/mine, cidr:{tmp_path}/others")
    assert facts.file(f"{tmp_path}/mine").read_by_postfix
    assert not facts.file(f"{tmp_path}/others").read_by_postfix
