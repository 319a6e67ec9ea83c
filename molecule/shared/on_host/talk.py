# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Talk to an SMTP server as rudely as a test wants: talk.py HOST PORT STEPS.

The steps are a JSON list. ``{"send": text}`` sends the text in one piece and reads one reply, ``{"tls": true}`` starts
TLS on the connection, and ``"rest": true`` with a step reads replies until the server hangs up. The greeting is read
first; on ports where TLS comes before it, inside TLS. The replies are printed as a JSON list, with an empty text where
the server hung up instead. IMAP and POP3 do as long as an answer has one line.
"""

from __future__ import annotations

import json
import socket
import ssl
import sys
import typing as t

SECONDS = 20
IMPLICIT_TLS = (465, 993, 995)


def read_reply(stream: t.BinaryIO) -> str:
    """Return one reply, its lines joined; empty when there is none."""
    lines = []
    while True:
        try:
            line = stream.readline().decode("ascii", "replace").rstrip("\r\n")
        except (ConnectionError, ssl.SSLError):
            line = ""
        lines.append(line)
        if line[3:4] != "-":
            return "\n".join(lines)


def start_tls(connection: socket.socket) -> socket.socket:
    """Return the connection inside TLS, without looking at the certificate."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(connection)


def main() -> None:
    """Go through the steps."""
    host, port, steps = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
    connection = socket.create_connection((host, port), SECONDS)
    if port in IMPLICIT_TLS:
        connection = start_tls(connection)
    stream = connection.makefile("rb")
    replies = [read_reply(stream)]
    for step in steps:
        try:
            if step.get("tls"):
                connection = start_tls(connection)
                stream = connection.makefile("rb")
                continue
            connection.sendall(step["send"].encode("ascii"))
        except (ConnectionError, ssl.SSLError):
            replies.append("")
            break
        replies.append(read_reply(stream))
        while step.get("rest") and replies[-1]:
            replies.append(read_reply(stream))
        if not replies[-1]:
            break
    json.dump(replies, sys.stdout)


main()
