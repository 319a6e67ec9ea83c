#!/usr/bin/env python3
# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``make demo``: a badly configured mail server is audited, hardened and proven over the wire.

Run through ``tests/lab/enter``; everything it makes is gone at the end.
"""

from __future__ import annotations

import collections
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import textwrap
import time
import typing as t

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
GROUP = f"demo{os.getpid()}"
LAB = [sys.executable, str(ROOT / "tests/lab/lab.py")]
COLOUR = sys.stdout.isatty() and not os.environ.get("NO_COLOR")

Answers = dict[str, t.Any]


#: What became of a command, by the first digit of the answer (RFC 5321 section 4.2.1).
_TAKEN = {2: "taken", 4: "put off", 5: "refused"}


class Row(t.NamedTuple):
    """One line of the table: what is asked, how the answer is said, and whether it is safe."""

    name: str
    say: t.Callable[[Answers], str]
    safe: t.Callable[[Answers], bool]


def _refused(key: str, name: str) -> Row:
    """Return the row of a handshake that must not come about."""
    return Row(name, lambda a: f"accepted: {a[key]}" if a[key] else "refused", lambda a: not a[key])


def _wanted(key: str, name: str) -> Row:
    """Return the row of a handshake that should come about."""
    return Row(name, lambda a: a[key] or "no", lambda a: bool(a[key]))


def _verified(key: str, name: str) -> Row:
    """Return the row of a certificate as a client sees it."""
    return Row(name, lambda a: a[key], lambda a: a[key] == "ok")


def _code(key: str, name: str, *, least: int = 500) -> Row:
    """Return the row of a command that must be answered with a refusal, of this code or a higher one."""
    return Row(
        name,
        lambda a: f"{_TAKEN[a[key] // 100]}: {a[key]}",
        lambda a: a[key] >= least,
    )


def _login(key: str, name: str, *, wanted: bool) -> Row:
    """Return the row of a right password, which is to be let in or not."""
    return Row(name, lambda a: a[key], lambda a: (a[key] == "let in") is wanted)


SECTIONS: tuple[tuple[str, tuple[Row, ...]], ...] = (
    (
        "port 25, mail from other servers",
        (
            _refused("tls1_0", "TLS 1.0"),
            _refused("tls1_1", "TLS 1.1"),
            _wanted("tls1_2", "TLS 1.2"),
            _wanted("tls1_3", "TLS 1.3"),
            _wanted("post_quantum", "post-quantum key exchange"),
            _refused("anonymous", "anonymous suites"),
            _refused("static_rsa", "no forward secrecy"),
            _refused("cbc", "CBC suites"),
            _verified("certificate", "certificate"),
            _code("vrfy", "VRFY, who is there?"),
            Row(
                "a smuggled second message",
                lambda a: "taken" if a["smuggled"] else "refused",
                lambda a: not a["smuggled"],
            ),
        ),
    ),
    (
        "ports 587, 465, 993 and 143, people's mail programs",
        (
            _refused("tls1_1_587", "TLS 1.1 on 587"),
            _refused("tls1_1_465", "TLS 1.1 on 465"),
            _refused("tls1_1_993", "TLS 1.1 on 993"),
            _refused("tls1_1_143", "TLS 1.1 on 143"),
            _verified("certificate_993", "certificate on 993"),
            _code("mail_587_clear", "587: mail before TLS"),
            _code("mail_587_tls", "587: mail without a login"),
            _code("relay_587", "587: foreign mail, no login", least=400),
            _code("forged_587", "587: alice as the boss"),
        ),
    ),
    (
        "who gets in with the right password",
        (
            _login("login_465", "alice, 465, TLS", wanted=True),
            _login("login_587", "alice, 587, TLS", wanted=True),
            _login("login_993", "alice, 993, TLS", wanted=True),
            _login("login_143", "alice, 143, TLS", wanted=True),
            _login("login_587_clear", "alice, 587, clear text", wanted=False),
            _login("login_143_clear", "alice, 143, clear text", wanted=False),
            _login("login_25", "alice, 25, TLS", wanted=False),
            _login("login_25_clear", "alice, 25, clear text", wanted=False),
            _login("script_587", "account of a script, 587", wanted=False),
            _login("script_993", "account of a script, 993", wanted=False),
        ),
    ),
)
#: Columns of the table and of every line: a window of 100.
_NAME, _CELL, _WIDTH = 32, 34, 98
SHOWN_FINDINGS = 12


class DemoFailed(Exception):
    """A step did not do what it should; the message carries its output."""


def paint(text: str, colour: str) -> str:
    """Return *text* in a colour of the terminal, if it is one."""
    code = {"red": "31", "green": "32", "bold": "1", "dim": "2"}[colour]
    return f"\033[{code}m{text}\033[0m" if COLOUR else text


def step(text: str) -> None:
    """Say what happens now."""
    print(f"\n{paint('==>', 'bold')} {paint(text, 'bold')}", flush=True)


def run(command: list[str], *, environment: t.Optional[dict[str, str]] = None) -> str:
    """Run a command of the demo and return its output. Raises DemoFailed with it."""
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **(environment or {})},
        check=False,
    )
    if done.returncode != 0:
        raise DemoFailed(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def play(name: str, folder: pathlib.Path, *, moment: str = "") -> str:
    """Run a playbook, of this folder or of the collection; return what Ansible printed."""
    inventory = ROOT / ".cache" / "lab" / GROUP / "inventory.yml"
    extra = json.dumps({"demo_directory": str(folder), "demo_moment": moment})
    book = name if name.startswith("hardened.") else str(HERE / name)
    variables = [
        word for file in ("people.yml", "verify.yml") for word in ("-e", f"@{HERE / file}")
    ]
    return run(
        ["ansible-playbook", "-i", str(inventory), "-e", extra, *variables, book],
        environment={
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache" / "collections"),
            "ANSIBLE_HOME": str(ROOT / ".cache" / "ansible"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default",
        },
    )


def make_certificates(folder: pathlib.Path) -> None:
    """Make a throw-away CA and a certificate for mx.example, with all that a strict client asks for (RFC 5280)."""
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    run(["openssl", "req", "-x509", *key, "-days", "90", "-subj", "/CN=Demo root",
         "-addext", "keyUsage=critical,keyCertSign,cRLSign",
         "-keyout", str(folder / "ca.key"), "-out", str(folder / "ca.pem")])  # fmt: skip
    run(["openssl", "req", "-x509", *key, "-days", "90", "-subj", "/CN=mx.example",
         "-CA", str(folder / "ca.pem"), "-CAkey", str(folder / "ca.key"),
         "-addext", "subjectAltName=DNS:mx.example", "-addext", "basicConstraints=critical,CA:FALSE",
         "-addext", "extendedKeyUsage=serverAuth",
         "-keyout", str(folder / "mx.key"), "-out", str(folder / "mx.pem")])  # fmt: skip
    with (folder / "mx.pem").open("a") as chain:
        chain.write((folder / "ca.pem").read_text())


def answers(folder: pathlib.Path, moment: str) -> Answers:
    """Return what the server answered at a moment."""
    loaded: Answers = json.loads((folder / f"{moment}.json").read_text())
    return loaded


def table(before: Answers, after: Answers) -> tuple[str, int]:
    """Return the table, and how many rows are still unsafe after."""
    lines = [f"  {'':<{_NAME}}{'before':<{_CELL}}after".rstrip()]
    unsafe = 0
    for title, rows in SECTIONS:
        lines += ["", f"  {paint(title, 'bold')}"]
        for row in rows:
            cells = [
                paint(
                    f"{'+' if row.safe(state) else '!'} {row.say(state)[: _CELL - 4]:<{_CELL - 2}}",
                    "green" if row.safe(state) else "red",
                )
                for state in (before, after)
            ]
            unsafe += not row.safe(after)
            lines.append(f"    {row.name:<{_NAME - 2}}{''.join(cells)}".rstrip())
    return "\n".join(lines), unsafe


def delivered(state: Answers) -> str:
    """Say how a message of another server and one of a user came."""
    lines = []
    for words, field in (
        ("A message of another server arrived with:", state["from_server"]),
        (f"A message of alice, sent over {state['sent_over']}, arrived with:", state["from_user"]),
    ):
        wrapped = textwrap.wrap(field, _WIDTH - 4)
        lines += [f"  {words}", *(f"    {paint(line, 'dim')}" for line in wrapped)]
    return "\n".join([*lines, f"  Both were read over {state['read_over']}."])


def files_of(host: str) -> dict[str, str]:
    """Return the SHA-256 of every file under /etc of a host."""
    script = "cd /etc && find . -type f -print0 | sort -z | xargs -0 sha256sum"
    out = run(["podman", "exec", f"hml-{GROUP}-{host}", "sh", "-c", script])
    return {line[66:]: line[:64] for line in out.splitlines()}


def untouched(host: str, before: dict[str, str]) -> str:
    """Say which files under /etc changed since *before*."""
    after = files_of(host)
    changed = sorted(p for p in {*before, *after} if before.get(p) != after.get(p))
    listed = ", ".join(f"/etc/{path[2:]}" for path in changed)
    text = f"Of {len(before)} files under /etc these changed: {listed}."
    return textwrap.fill(text, _WIDTH, initial_indent="  ", subsequent_indent="    ")


def fingerprint(host: str) -> str:
    """Return one hash over the whole configuration of a host."""
    return hashlib.sha256(json.dumps(files_of(host), sort_keys=True).encode()).hexdigest()


def findings(folder: pathlib.Path, moment: str) -> list[dict[str, t.Any]]:
    """Return what the two validators found at a moment and what a setting can mend, the worst first."""
    audit = json.loads((folder / f"{moment}-audit.json").read_text())
    found = [one for daemon in ("postfix", "dovecot") for one in audit[daemon]["findings"]]
    order = ["critical", "high", "medium", "low", "info"]
    return sorted(found, key=lambda one: order.index(one["severity"]))


def told(found: list[dict[str, t.Any]]) -> str:
    """Return the worst findings in words, and how many there are of each severity."""
    lines = []
    for one in [one for one in found if one["severity"] != "info"][:SHOWN_FINDINGS]:
        lines += textwrap.wrap(
            f"{one['severity']:<9}{one['message']}",
            _WIDTH,
            initial_indent="  ",
            subsequent_indent=" " * 11,
        )
    counts = collections.Counter(one["severity"] for one in found)
    return "\n".join(
        [*lines, f"  in all: {', '.join(f'{n} {word}' for word, n in counts.items())}"]
    )


def verified(folder: pathlib.Path) -> str:
    """Say how many checks there were; the playbook fails by itself when one does."""
    counts = json.loads((folder / "verify.json").read_text())["counts"]
    return (
        f"{counts['pass']} passed, {counts['fail']} failed, {counts['not tested']} not tested,"
        f" {counts['note']} notes"
    )


def demo(folder: pathlib.Path) -> None:
    """Run the demo; every step says what it does."""
    step("A mail server as it comes, and a second host that will judge it (Debian 13)")
    said = run([*LAB, "up", "--group", GROUP, "--hosts", "mx=trixie:mail,client=trixie:referee"])
    print("\n".join(f"  {line}" for line in said.splitlines() if line.startswith("lab: ")))
    make_certificates(folder)

    step("Configure it the way answers of 2013 told people to")
    play("worsen.yml", folder)
    before_files = files_of("mx")

    step("Audit: what is wrong with it? Nothing is changed")
    play("audit.yml", folder, moment="before")
    print(told(findings(folder, "before")))
    play("ask.yml", folder, moment="before")
    print(f"\n{delivered(answers(folder, 'before'))}")

    step("Harden: postfix_tls, dovecot_auth and postfix_submission, certificate of a throw-away CA")
    before_roles = time.monotonic()
    play("harden.yml", folder)
    print(
        f"  done in {time.monotonic() - before_roles:.1f} s: staged, validated, rehearsed, replaced, probed"
    )

    step("Prove it over the wire, from the other host: openssl, smtplib and imaplib ask")
    play("ask.yml", folder, moment="after")
    text, unsafe = table(answers(folder, "before"), answers(folder, "after"))
    print(text)
    print(f"\n{delivered(answers(folder, 'after'))}")
    print(f"\n{untouched('mx', before_files)}")

    step("Verify: the playbook hardened.mail.verify asks all that it knows, logged in and not")
    play("hardened.mail.verify", folder)
    print(f"  {verified(folder)}")

    step("Audit it again, and apply the roles again")
    play("audit.yml", folder, moment="after")
    left = findings(folder, "after")
    print(told(left))
    state = fingerprint("mx")
    out = play("harden.yml", folder)
    changed = re.search(r"^mx\s.*changed=(\d+)", out, flags=re.MULTILINE)
    if not changed or changed.group(1) != "0" or fingerprint("mx") != state:
        raise DemoFailed(f"the second run was not a no-op:\n{out}")
    print("  the second run changed nothing")
    bad = [one for one in left if one["severity"] not in ("low", "info")]
    if unsafe or bad:
        raise DemoFailed(f"{unsafe} rows are still unsafe, {len(bad)} findings still bad")


def main() -> int:
    """Run the demo and clear everything away, whatever happens."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="hardened-mail-demo-") as name:
        try:
            demo(pathlib.Path(name))
        except DemoFailed as failure:
            print(f"\nThe demo failed: {failure}", file=sys.stderr)
            return 1
        finally:
            subprocess.run([*LAB, "down", "--group", GROUP], capture_output=True, check=False)
    print(f"\nDone in {time.monotonic() - began:.0f} s; nothing is left running.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
