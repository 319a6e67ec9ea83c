#!/usr/bin/env python3
# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``make demo``: a badly configured mail server is audited, hardened and proven over the wire.

Run through ``tests/lab/enter``; everything it makes is gone at the end.
"""

from __future__ import annotations

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

#: What is asked, how to say the answer, and which answer is safe.
Row = tuple[str, t.Callable[[dict[str, t.Any]], str], t.Callable[[dict[str, t.Any]], bool]]


def _offered(key: str, name: str) -> Row:
    return name, lambda a: f"accepted: {a[key]}" if a[key] else "refused", lambda a: not a[key]


def _wanted(key: str, name: str) -> Row:
    return name, lambda a: a[key] or "no", lambda a: bool(a[key])


ROWS: tuple[Row, ...] = (
    _offered("tls1_0", "TLS 1.0"),
    _offered("tls1_1", "TLS 1.1"),
    _wanted("tls1_2", "TLS 1.2"),
    _wanted("tls1_3", "TLS 1.3"),
    _wanted("post_quantum", "Post-quantum key exchange"),
    _offered("anonymous", "Anonymous suites"),
    _offered("static_rsa", "No forward secrecy"),
    _offered("cbc", "CBC suites"),
    ("Certificate, to a client", lambda a: a["certificate"], lambda a: a["certificate"] == "ok"),
    (
        "Passwords without TLS",
        lambda a: "asked for" if a["auth_without_tls"] else "not offered",
        lambda a: not a["auth_without_tls"],
    ),
    (
        "VRFY",
        lambda a: f"answered: {a['vrfy']}" if a["vrfy"] < 500 else f"refused: {a['vrfy']}",
        lambda a: a["vrfy"] >= 500,
    ),
    (
        "Smuggled second message",
        lambda a: "accepted" if a["smuggled"] else "refused",
        lambda a: not a["smuggled"],
    ),
)


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
    """Run a playbook of this folder; return what Ansible printed."""
    inventory = ROOT / ".cache" / "lab" / GROUP / "inventory.yml"
    extra = json.dumps({"demo_directory": str(folder), "demo_moment": moment})
    return run(
        ["ansible-playbook", "-i", str(inventory), "-e", extra, str(HERE / name)],
        environment={
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache" / "collections"),
            "ANSIBLE_HOME": str(ROOT / ".cache" / "ansible"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default",
        },
    )


def make_certificates(folder: pathlib.Path) -> None:
    """Make a throw-away CA and a certificate for mx.example, chain complete."""
    openssl = ["openssl"]
    run([*openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-days", "2", "-subj", "/CN=Demo root", "-keyout", str(folder / "ca.key"),
         "-out", str(folder / "ca.pem")])  # fmt: skip
    run([*openssl, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-subj", "/CN=mx.example", "-keyout", str(folder / "mx.key"),
         "-out", str(folder / "mx.csr")])  # fmt: skip
    (folder / "san").write_text("subjectAltName=DNS:mx.example\nextendedKeyUsage=serverAuth\n")
    run([*openssl, "x509", "-req", "-in", str(folder / "mx.csr"), "-CA", str(folder / "ca.pem"),
         "-CAkey", str(folder / "ca.key"), "-CAcreateserial", "-days", "2",
         "-extfile", str(folder / "san"), "-out", str(folder / "mx.pem")])  # fmt: skip


def answers(folder: pathlib.Path, moment: str) -> dict[str, t.Any]:
    """Return what the server answered at a moment."""
    loaded: dict[str, t.Any] = json.loads((folder / f"{moment}.json").read_text())
    return loaded


def table(before: dict[str, t.Any], after: dict[str, t.Any]) -> tuple[str, int]:
    """Return the table, and how many rows are still unsafe after."""
    lines = [f"  {'asked with openssl and smtplib':<32}{'before':<40}after", "  " + "-" * 108]
    unsafe = 0
    for name, say, safe in ROWS:
        cells = [
            paint(
                f"{'+' if safe(state) else '!'} {say(state)[:36]:<38}",
                "green" if safe(state) else "red",
            )
            for state in (before, after)
        ]
        unsafe += not safe(after)
        lines.append(f"  {name:<32}{''.join(cells)}".rstrip())
    return "\n".join(lines), unsafe


def received(folder: pathlib.Path, moment: str) -> str:
    """Return the first Received: field of the delivered message, unfolded."""
    text = (folder / f"{moment}-message.txt").read_text()
    fields = re.findall(r"^Received: (?:.+\n(?:[ \t].+\n)*)", text, flags=re.MULTILINE)
    text = re.sub(r"\s+", " ", fields[-1]).strip() if fields else "(none)"
    return "\n  ".join(paint(line, "dim") for line in textwrap.wrap(text, 104))


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
    return f"of {len(before)} files under /etc these changed: {listed}"


def fingerprint(host: str) -> str:
    """Return one hash over the whole configuration of a host."""
    return hashlib.sha256(json.dumps(files_of(host), sort_keys=True).encode()).hexdigest()


def findings(folder: pathlib.Path) -> None:
    """Print what the audit found before anything was touched."""
    audit = json.loads((folder / "before-audit.json").read_text())
    rows = {row["parameter"]: row for row in audit["explain"]}
    for problem in audit["problems"]:
        print(textwrap.fill(problem, 100, initial_indent="  ! ", subsequent_indent="    "))
    worst = [change for change in audit["changes"] if change["before"] is not None]
    for change in worst:
        row = rows.get(change["name"], {})
        now = change["before"] or "(empty)"
        wanted = "remove it" if change["after"] is None else f"want {change['after']}"
        text = f"{change['name']} = {now[:40]}: {wanted[:60]}. {row.get('reason', '')}"
        print(textwrap.fill(text, 100, initial_indent="  ! ", subsequent_indent="    "))
    added = len(audit["changes"]) - len(worst)
    print(f"  ... and {added} settings that are missing.")


def demo(folder: pathlib.Path) -> None:
    """Run the demo; every step says what it does."""
    step("A mail server as it comes, and a second host that will judge it (Debian 13)")
    told = run([*LAB, "up", "--group", GROUP, "--hosts", "mx=trixie:mail,client=trixie:referee"])
    print("\n".join(f"  {line}" for line in told.splitlines() if line.startswith("lab: ")))
    make_certificates(folder)

    step("Configure it the way an answer of 2013 told people to")
    play("worsen.yml", folder)
    before_files = files_of("mx")

    step("Audit: what is wrong with it? Nothing is changed")
    play("audit.yml", folder, moment="before")
    findings(folder)
    play("ask.yml", folder, moment="before")
    print(f"\n  A message sent to it now arrives with:\n  {received(folder, 'before')}")

    step("Harden: apply hardened.mail.postfix_tls with a certificate of a throw-away CA")
    before_role = time.monotonic()
    play("harden.yml", folder)
    print(
        f"  done in {time.monotonic() - before_role:.1f} s: staged, validated, rehearsed, replaced, probed"
    )

    step("Prove it over the wire, from the other host")
    play("ask.yml", folder, moment="after")
    text, unsafe = table(answers(folder, "before"), answers(folder, "after"))
    print(text)
    print(f"\n  A message sent to it now arrives with:\n  {received(folder, 'after')}")
    print(f"\n  Not touched: {untouched('mx', before_files)}.")
    print(
        "  Left to you: who may log in and relay (SASL, relay restrictions) is not this role's business."
    )

    step("Apply the role again")
    state = fingerprint("mx")
    out = play("harden.yml", folder)
    changed = re.search(r"^mx\s.*changed=(\d+)", out, flags=re.MULTILINE)
    if not changed or changed.group(1) != "0" or fingerprint("mx") != state:
        raise DemoFailed(f"the second run was not a no-op:\n{out}")
    print("  nothing changed")
    if unsafe:
        raise DemoFailed(f"{unsafe} rows are still unsafe")


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
