# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run does to files: exactly what it was told, whole or not at all, and it says so."""

from __future__ import annotations

import difflib
import json
import typing as t

import pytest

from .conftest import CODE, Done, Machine, applied, refused, result_of

MAIN = "/etc/postfix/main.cf"
MASTER = "/etc/postfix/master.cf"
STATE = "/var/lib/hardened-mail/etc-postfix"
VRFY: t.Final = {"disable_vrfy_command": True}
SUBMISSION: t.Final = {
    "name": "submission",
    "command": "smtpd",
    "overrides": {"syslog_name": "postfix/submission", "smtpd_tls_security_level": "encrypt"},
}


def test_only_the_changed_lines_differ(machine: Machine) -> None:
    before, pid = machine.read(MAIN), machine.master_pid()
    applied(machine.apply(parameters={**VRFY, "biff": True}))
    after = machine.read(MAIN)
    assert (
        after
        == before.replace(b"\nbiff = no\n", b"\nbiff = yes\n") + b"disable_vrfy_command = yes\n"
    )
    assert machine.master_pid() == pid
    machine.left_nothing()
    machine.serves()


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"parameters": {**VRFY, "biff": None, "relayhost": ""}}, id="parameters"),
        pytest.param({"services": [SUBMISSION]}, id="services"),
        pytest.param({"policy": {}, "owner": "postfix_tls"}, id="policy"),
    ],
)
def test_second_run_changes_nothing(machine: Machine, options: dict[str, t.Any]) -> None:
    applied(machine.apply(**options))
    with machine.untouched():
        second = machine.apply(**options)
    assert second["changed"] is False
    assert second["changes"] == []


def test_check_mode_touches_nothing_and_tells_what_the_run_does(machine: Machine) -> None:
    options = {"parameters": {**VRFY, "biff": None}, "services": [SUBMISSION], "owner": "site"}
    places = ("/etc/postfix", "/var/lib/hardened-mail", "/run/postfix", "/var/spool/postfix/pid")
    before, pid = machine.tree(*places), machine.master_pid()
    told = machine.apply(check_mode=True, diff=True, **options)
    assert machine.tree(*places) == before
    assert machine.master_pid() == pid
    machine.left_nothing()
    applied(told)
    old = {path: machine.read(path).decode() for path in (MAIN, MASTER)}
    done = machine.apply(diff=True, **options)
    applied(done)
    assert told["changes"] == done["changes"]
    assert told["diff"] == done["diff"]
    for part in told["diff"]:
        assert part["before"] == old[part["before_header"]]
        assert part["after"] == machine.read(part["after_header"]).decode()
    assert {part["before_header"] for part in told["diff"]} == {MAIN, MASTER}


def test_check_mode_refuses_what_the_run_would_refuse(machine: Machine) -> None:
    with machine.untouched():
        result = machine.apply(check_mode=True, parameters={"smtpd_tls_ciphers": "strong"})
        refused(result, "smtpd_tls_ciphers", "'strong'")
    assert machine.tree("/var/lib/hardened-mail") == {}


def test_secrets_are_masked_in_result_and_diff(machine: Machine) -> None:
    old, new = "old-Secret-7", "new-Secret-8"
    machine.append(MAIN, f"smtp_sasl_password_maps = static:user:{old}\n")
    options: dict[str, t.Any] = {
        "parameters": {"smtp_sasl_password_maps": f"static:user:{new}"},
        "services": [
            {
                "name": "2525",
                "command": "smtpd",
                "overrides": {"smtp_sasl_password_maps": f"static:user:{new}"},
            }
        ],
    }
    for check_mode in (True, False):
        result = machine.apply(check_mode=check_mode, diff=True, **options)
        applied(result)
        assert "Secret" not in json.dumps(result)
        assert "smtp_sasl_password_maps" in json.dumps(result["diff"])
    assert machine.value("smtp_sasl_password_maps") == f"static:user:{new}"
    assert "Secret" not in machine.sh("journalctl --no-pager -o cat -n 200")


def test_owner_and_mode_are_kept(machine: Machine) -> None:
    machine.sh(f"chown nobody:mail {MAIN} && chmod 0640 {MAIN} && chmod 0600 {MASTER}")
    applied(machine.apply(parameters=VRFY, services=[SUBMISSION]))
    assert machine.status_of(MAIN) == "640 nobody:mail"
    assert machine.status_of(MASTER) == "600 root:root"
    machine.serves()
    machine.serves(port=587)


#: An ACL that lets the user mail read, and the group of the file nothing; the mode of such a file shows its mask.
SET_ACL: t.Final = """
import os, pwd, struct, sys
nobody = 0xffffffff
entries = (1, 6, nobody), (2, 4, pwd.getpwnam("mail").pw_uid), (4, 0, nobody), (16, 4, nobody), (32, 0, nobody)
acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *one) for one in entries)
os.setxattr(sys.argv[1], "system.posix_acl_access", acl)
"""


def test_who_could_read_a_file_still_can_and_nobody_else(machine: Machine) -> None:
    def readers() -> list[str]:
        who = {"user": ("-u", "mail"), "group": ("-u", "nobody", "-G", "games")}
        reads = ("--", "grep", "-c", "smtpd_banner", MAIN)
        return [
            one for one, as_ in who.items() if not machine.try_run("runuser", *as_, *reads).status
        ]

    machine.sh(f"chgrp games {MAIN}")
    machine.try_run("python3", "-c", SET_ACL, MAIN)
    assert readers() == ["user"]
    applied(machine.apply(parameters=VRFY))
    assert readers() == ["user"]
    machine.serves()


def test_symbolic_link_is_kept(machine: Machine) -> None:
    machine.sh(
        f"mkdir /etc/postfix/site && mv {MAIN} /etc/postfix/site/live.cf && ln -s site/live.cf {MAIN}"
    )
    applied(machine.apply(parameters=VRFY))
    assert machine.sh(f"readlink {MAIN}") == "site/live.cf"
    assert machine.read("/etc/postfix/site/live.cf").endswith(b"\ndisable_vrfy_command = yes\n")
    machine.left_nothing()
    assert machine.sh("ls -A /etc/postfix/site") == "live.cf"
    machine.serves()


def test_line_ends_of_dos_are_kept(machine: Machine) -> None:
    dos = machine.read(MAIN).replace(b"\n", b"\r\n")
    machine.write(MAIN, dos)
    applied(machine.apply(parameters={**VRFY, "biff": True}))
    expected = dos.replace(b"\r\nbiff = no\r\n", b"\r\nbiff = yes\r\n")
    assert machine.read(MAIN) == expected + b"disable_vrfy_command = yes\r\n"
    machine.serves()


def test_bytes_that_are_not_utf8_are_kept(machine: Machine) -> None:
    machine.write(
        MAIN, machine.read(MAIN) + b"# Gr\xfc\xdfe\nsmtpd_banner = $myhostname ESMTP \xfc\n"
    )
    before = machine.read(MAIN)
    applied(machine.apply(parameters=VRFY, diff=True))
    assert machine.read(MAIN) == before + b"disable_vrfy_command = yes\n"


def test_last_line_without_end_is_not_glued_to_the_next(machine: Machine) -> None:
    before = machine.read(MAIN) + b"mail_name = Mail"
    machine.write(MAIN, before)
    applied(machine.apply(parameters=VRFY))
    assert machine.read(MAIN) == before + b"\ndisable_vrfy_command = yes\n"


def test_nul_byte_is_refused(machine: Machine) -> None:
    content = machine.read(MAIN).replace(b"biff = no", b"biff = \0no")
    machine.write(MAIN, content)
    line = str(content[: content.index(b"\0")].count(b"\n") + 1)
    with machine.untouched():
        refused(machine.apply(parameters=VRFY), "main.cf", f"line {line}", "NUL", "restore")


def test_read_only_file_system_is_said(machine: Machine) -> None:
    machine.sh("mount --bind /etc/postfix /etc/postfix && mount -o remount,ro,bind /etc/postfix")
    with machine.untouched():
        refused(machine.apply(parameters=VRFY), "/etc/postfix", "Read-only file system", "writable")


def test_read_only_place_of_the_state_is_said(machine: Machine) -> None:
    state = "/var/lib/hardened-mail"
    machine.sh(f"mkdir {state} && mount -t tmpfs -o ro tmpfs {state}")
    try:
        with machine.untouched():
            refused(machine.apply(parameters=VRFY), state, "Read-only file system", "writable")
    finally:
        machine.sh(f"umount {state}")


def test_file_that_is_a_mount_of_its_own_is_said_and_left(machine: Machine) -> None:
    # As in a container that was given its main.cf: nothing can be renamed over it.
    machine.sh(f"mount --bind {MAIN} {MAIN}")
    try:
        with machine.untouched():
            result = machine.apply(parameters=VRFY)
            assert result["failed"]
            assert f"Cannot replace {MAIN}: Device or resource busy" in result["msg"]
            assert result["msg"].endswith("nothing is changed.")
            assert not result.get("changed")
    finally:
        machine.sh(f"umount {MAIN}")


FILL = "(dd if=/dev/zero of={path}/filler bs=1k count=1000 2>/dev/null || :)"


def test_full_file_system_is_said(machine: Machine) -> None:
    machine.sh(
        "set -e; cp -a /etc/postfix /root/copy; "
        "mount -t tmpfs -o size=200k,mode=755 tmpfs /etc/postfix; "
        "cp -a /root/copy/. /etc/postfix; rm -r /root/copy; " + FILL.format(path="/etc/postfix")
    )
    assert machine.sh("df --output=avail /etc/postfix | tail -1").strip() == "0"
    with machine.untouched():
        refused(machine.apply(parameters=VRFY), "/etc/postfix", "No space left", "free space")
    machine.sh("rm /etc/postfix/filler")
    applied(machine.apply(parameters=VRFY))
    machine.serves()


def test_full_state_file_system_is_said(machine: Machine) -> None:
    state = "/var/lib/hardened-mail"
    machine.sh(
        f"set -e; mkdir -p {state}; mount -t tmpfs -o size=16k tmpfs {state}; "
        + FILL.format(path=state)
    )
    try:
        with machine.untouched():
            refused(machine.apply(parameters=VRFY), state, "No space left")
    finally:
        machine.sh(f"umount {state}")


@pytest.mark.parametrize(
    ("file", "line", "fragments"),
    [
        pytest.param(MASTER, "smtps inet n - y\n", ["master.cf"], id="master-too-few-fields"),
        pytest.param(MASTER, "  -o stray=yes\n", [], id="master-continued-last-line"),
        pytest.param(MAIN, "this is no setting\n", ["main.cf", "this is no setting"], id="main"),
    ],
)
def test_file_that_is_already_broken_is_refused(
    machine: Machine, file: str, line: str, fragments: list[str]
) -> None:
    machine.append(file, line)
    if not fragments:
        applied(machine.apply(parameters=VRFY))
        assert machine.read(MASTER).endswith(line.encode())
        return
    with machine.untouched():
        refused(machine.apply(parameters=VRFY), *fragments)


def test_two_runs_at_once_end_well(machine: Machine) -> None:
    pid = machine.master_pid()
    machine.write("/root/one.json", json.dumps({"parameters": VRFY}).encode())
    machine.write("/root/two.json", json.dumps({"services": [SUBMISSION]}).encode())
    machine.sh(
        f"cd /root; for name in one two; do python3 {CODE}/run.py postconf <$name.json >$name.out & done; wait"
    )
    for name in ("one", "two"):
        applied(result_of(Done(0, machine.read(f"/root/{name}.out").decode(), "")))
    assert machine.value("disable_vrfy_command") == "yes"
    assert machine.read(MAIN).count(b"disable_vrfy_command") == 1
    assert machine.read(MASTER).count(b"\nsubmission ") == 1
    assert machine.master_pid() == pid
    machine.left_nothing()
    machine.serves()
    machine.serves(port=587)


def test_two_equal_runs_at_once_change_once(machine: Machine) -> None:
    machine.write("/root/same.json", json.dumps({"parameters": VRFY}).encode())
    machine.sh(
        f"cd /root; for name in one two; do python3 {CODE}/run.py postconf <same.json >$name.out & done; wait"
    )
    results = [
        result_of(Done(0, machine.read(f"/root/{name}.out").decode(), ""))
        for name in ("one", "two")
    ]
    assert not [result for result in results if result.get("failed")], results
    assert sorted(result["changed"] for result in results) == [False, True]
    assert machine.read(MAIN).count(b"disable_vrfy_command") == 1


HOLD = f"""
import sys
sys.path.insert(0, {CODE!r})
from ansible_collections.hardened.mail.plugins.module_utils.postfix import files
with files.locked({STATE!r}, seconds=1):
    try:
        with files.locked({STATE!r}, seconds=0.3):
            print("both")
    except files.FileProblem as problem:
        print(problem)
"""


def test_lock_that_is_held_too_long_is_said(machine: Machine) -> None:
    said = machine.try_run("python3", "-c", HOLD).out
    assert said.startswith(f"Another run has held {STATE}/lock for 0.3 s")
    assert said.endswith("Nothing was changed.\n")


def test_backups_original_and_previous(machine: Machine) -> None:
    first = machine.read(MAIN)
    applied(machine.apply(parameters=VRFY, rehearse=False))
    second = machine.read(MAIN)
    applied(machine.apply(parameters={"disable_vrfy_command": False}, rehearse=False))
    assert machine.read(f"{STATE}/original/main.cf") == first
    assert machine.read(f"{STATE}/previous/main.cf") == second
    assert machine.sh(f"stat -c '%a %U:%G' {STATE} {STATE}/original/main.cf").split("\n") == [
        "700 root:root",
        "600 root:root",
    ]
    assert machine.try_run("test", "-e", f"{STATE}/original/master.cf").status == 1


def test_override_that_was_dropped_is_removed(machine: Machine) -> None:
    run = {"owner": "postfix_tls", "rehearse": False}
    applied(machine.apply(parameters={**VRFY, "header_size_limit": "51200"}, **run))
    applied(machine.apply(parameters=VRFY, **run))
    assert b"header_size_limit" not in machine.read(MAIN)
    assert machine.value("disable_vrfy_command") == "yes"
    assert machine.apply(parameters=VRFY, **run)["changed"] is False
    applied(machine.apply(parameters={}, **run))
    assert b"disable_vrfy_command" not in machine.read(MAIN)


def test_what_the_site_had_before_is_not_taken_over(machine: Machine) -> None:
    run = {"owner": "postfix_tls", "rehearse": False}
    assert machine.apply(parameters={"biff": False}, **run)["changed"] is False
    applied(machine.apply(parameters=VRFY, **run))
    assert machine.value("biff") == "no"
    assert b"\nbiff = no\n" in machine.read(MAIN)


def test_without_owner_nothing_is_recorded(machine: Machine) -> None:
    applied(machine.apply(parameters=VRFY, rehearse=False))
    assert machine.apply(parameters={}, rehearse=False)["changed"] is False
    assert machine.apply(parameters={}, owner="other", rehearse=False)["changed"] is False
    assert machine.value("disable_vrfy_command") == "yes"


def test_damaged_ownership_record_is_said(machine: Machine) -> None:
    applied(machine.apply(parameters=VRFY, owner="site", rehearse=False))
    machine.write(f"{STATE}/owned.json", b"{ half")
    with machine.untouched():
        refused(machine.apply(parameters={}, owner="site"), f"{STATE}/owned.json", "Remove it")


def test_damaged_journal_is_said(machine: Machine) -> None:
    machine.sh(f"mkdir -p {STATE}")
    machine.write(f"{STATE}/journal.json", b"[ half")
    before = machine.tree("/etc/postfix")
    refused(machine.apply(parameters=VRFY), f"{STATE}/journal.json", f"{STATE}/previous")
    assert machine.tree("/etc/postfix") == before
    machine.serves()


def test_diff_is_readable(machine: Machine) -> None:
    result = machine.apply(check_mode=True, diff=True, parameters={"biff": True})
    (part,) = result["diff"]
    lines = list(difflib.unified_diff(part["before"].splitlines(), part["after"].splitlines(), n=0))
    assert [line for line in lines[2:] if line[0] in "+-"] == ["-biff = no", "+biff = yes"]
