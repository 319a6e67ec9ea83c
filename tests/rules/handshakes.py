#!/usr/bin/env python3
# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs in a container: start Postfix with each configuration and try STARTTLS on port 25.

Standard input is a list of changes, see case.py; standard output is a list with what ``openssl s_client`` said
and whether there was a handshake.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import typing as t

from apply_cases import ETC, main_key, master_key, replaced

FILES = ("main", "master")
CLIENT = ("openssl", "s_client", "-brief", "-starttls", "smtp", "-connect", "127.0.0.1:25")


def shake_hands() -> t.Dict[str, t.Any]:
    """Try STARTTLS; a server that does not answer in time has none."""
    try:
        done = subprocess.run(
            CLIENT,
            input=b"QUIT\r\n",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=25,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"tls": False, "said": "no answer in 25 s"}
    said = done.stdout.decode(errors="replace")
    return {"tls": "CONNECTION ESTABLISHED" in said, "said": said}


def tried(changes: t.Dict[str, t.Any], stock: t.Dict[str, str]) -> t.Dict[str, t.Any]:
    """Return what a client gets from Postfix with these changes."""
    for file, key in zip(FILES, (main_key, master_key)):
        gone = changes["remove"] if file == "main" else ()
        text = replaced(stock[file], changes[file], key=key, gone=gone)
        (ETC / f"{file}.cf").write_text(text + changes[f"raw_{file}"])
    restart()
    return shake_hands()


def restart() -> None:
    """Start Postfix anew and wait for the master to listen; a server that dies dies later."""
    quiet = subprocess.DEVNULL
    subprocess.run(["postfix", "stop"], stdout=quiet, stderr=quiet, check=False)
    deadline = time.monotonic() + 60
    while True:
        subprocess.run(["postfix", "start"], stdout=quiet, stderr=quiet, check=False)
        try:
            socket.create_connection(("127.0.0.1", 25), timeout=10).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
        else:
            return


def main() -> None:
    """Answer one list of configurations."""
    stock = {file: (ETC / f"{file}.cf").read_text() for file in FILES}
    json.dump([tried(changes, stock) for changes in json.load(sys.stdin)], sys.stdout)


if __name__ == "__main__":
    main()
