# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/files/postfix-capture with a postconf that is a script of this test."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import time
import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.policy.from_capture import (
    NOT_ON_HOST,
    view_of,
)
from ansible_collections.hardened.mail.plugins.module_utils.postfix import capture
from ansible_collections.hardened.mail.tests.unit.plugins.module_utils.policy.capture_texts import (
    capture_of,
)

SCRIPT: t.Final = pathlib.Path(__file__).parents[4] / "playbooks" / "files" / "postfix-capture"
#: What the script may use of the host.
TOOLS: t.Final = ("cat", "sed", "date", "uname", "sleep", "tr")
#: A line that looks like one of the format, a value without end, bytes that are no text.
ODD: t.Final = b"--- end\n|--- version status 0\n\xff\\n %s \x01 no line end"


class Host:
    """A PATH with some tools, and a postconf that writes down its arguments and answers from files."""

    def __init__(self, directory: pathlib.Path, *, timeout: bool) -> None:
        self.directory = directory
        self.answers = directory / "answers"
        self.log = directory / "log"
        self.bin = directory / "bin"
        self.answers.mkdir()
        self.bin.mkdir()
        for name in (*TOOLS, *(["timeout"] if timeout else [])):
            found = shutil.which(name)
            assert found is not None
            (self.bin / name).symlink_to(found)
        for question, said in capture_of({"relayhost": "mx.example"}).said.items():
            self.answer(question, said.stdout.encode())
        self.program(
            f'echo "$LC_ALL $NORANDOMIZE ${{MAIL_CONFIG-}} $*" >>"{self.log}"\n'
            'if [ "$1" = -c ]; then shift 2; fi\n'
            f'name="{self.answers}/$(printf %s "$*" | tr -d " ")"\n'
            'if [ -e "$name.err" ]; then cat "$name.err" >&2; fi\n'
            'cat "$name.out"\n'
            'if [ -e "$name.status" ]; then exit "$(cat "$name.status")"; fi\n'
        )

    def program(self, text: str) -> None:
        path = self.bin / "postconf"
        path.write_text("#!/bin/sh\n" + text)
        path.chmod(0o755)

    def answer(self, question: str, out: bytes, err: bytes = b"", status: int = 0) -> None:
        name = "".join(capture.QUESTIONS[question])
        (self.answers / f"{name}.out").write_bytes(out)
        (self.answers / f"{name}.err").write_bytes(err)
        (self.answers / f"{name}.status").write_text(str(status))

    def run(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        """Run the script in an empty directory that it cannot write to, and see that it stays empty."""
        empty = self.directory / "empty"
        empty.mkdir(exist_ok=True)
        done = subprocess.run(
            ["/bin/sh", str(SCRIPT), *arguments],
            capture_output=True,
            check=False,
            cwd=empty,
            env={"PATH": str(self.bin), "TMPDIR": str(empty), "MAIL_CONFIG": "/elsewhere"},
            timeout=60,
            stdin=subprocess.DEVNULL,
        )
        assert list(empty.iterdir()) == []
        return done


@pytest.fixture(params=[True, False], ids=["with-timeout", "without-timeout"])
def host(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Host:
    return Host(tmp_path, timeout=request.param)


def parsed(done: subprocess.CompletedProcess[bytes]) -> capture.Capture:
    assert (done.returncode, done.stderr) == (0, b"")
    return capture.parse(done.stdout.decode("utf-8", "surrogateescape"))


def test_what_postconf_says_comes_through(host: Host) -> None:
    found = parsed(host.run("-c", "/etc/postfix-out"))
    expected = capture_of({"relayhost": "mx.example"})
    assert found.said == expected.said
    assert list(found.said) == list(capture.QUESTIONS)
    assert found.complete
    assert (found.host, found.config_directory) == (os.uname().nodename, "/etc/postfix-out")
    assert found.taken.endswith("Z")
    assert view_of(found)[1] == {"host": NOT_ON_HOST}
    asked = host.log.read_text().splitlines()
    assert asked == [
        f"C 1  -c /etc/postfix-out {' '.join(options)}".rstrip()
        if options
        else "C 1  -c /etc/postfix-out"
        for options in capture.QUESTIONS.values()
    ]


def test_without_a_directory_it_is_asked_for(host: Host) -> None:
    (host.answers / "-hconfig_directory.out").write_text("/usr/local/etc/postfix\n")
    assert parsed(host.run()).config_directory == "/usr/local/etc/postfix"
    assert "-c" not in host.log.read_text().split()


def test_odd_answers_come_through(host: Host) -> None:
    host.answer("explicit", ODD, ODD, 3)
    host.answer("overrides", b"", b"a\nb\n", 1)
    found = parsed(host.run("-c", "/etc/postfix"))
    text = ODD.decode("utf-8", "surrogateescape") + "\n"
    assert found.said["explicit"] == capture.Said(3, text, text)
    assert found.said["overrides"] == capture.Said(1, "", "a\nb\n")
    assert found.said["master"].status == 0
    assert found.complete


def test_a_postconf_that_hangs_is_ended(host: Host) -> None:
    host.program(
        f'case $* in *-M) exec sleep 50 ;; esac\nexec /bin/sh "{host.directory}/answering" "$@"\n'
    )
    (host.directory / "answering").write_text(f'cat "{host.answers}/-m.out"\n')
    began = time.monotonic()
    found = parsed(host.run("-c", "/etc/postfix", "-t", "1"))
    assert time.monotonic() - began < 45
    assert found.said["master"].status == capture.TOO_LONG
    assert found.said["overrides"].status == 0
    assert found.complete


def test_no_postconf_is_an_error(host: Host) -> None:
    (host.bin / "postconf").unlink()
    done = host.run()
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"Postfix is not installed" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [("-x",), ("more",), ("-t", "x"), ("-t", "0"), ("-t", ""), ("-c", "/etc\n--- end")],
)
def test_wrong_arguments_are_refused(arguments: tuple[str, ...], host: Host) -> None:
    done = host.run(*arguments)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"usage: postfix-capture" in done.stderr
