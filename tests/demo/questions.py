#!/usr/bin/env python3
# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask a mail server what the demo's table shows; run on another host than the server.

The judges are openssl(1) and Python's smtplib: nothing of the collection. Prints one JSON object.
"""

from __future__ import annotations

import json
import re
import smtplib
import socket
import subprocess
import sys
import time

ANYTHING = "ALL:COMPLEMENTOFALL:@SECLEVEL=0"


def s_client(host: str, *options: str) -> str:
    """Return what openssl s_client prints about a STARTTLS handshake with port 25."""
    done = subprocess.run(
        ["openssl", "s_client", "-starttls", "smtp", "-connect", f"{host}:25", "-name", "client",
         *options],
        input=b"QUIT\r\n", capture_output=True, timeout=30, check=False,
    )  # fmt: skip
    return (done.stdout + done.stderr).decode(errors="replace")


def suite(host: str, *options: str) -> str:
    """Return the suite of a handshake, empty when there was none."""
    found = re.search(r"Cipher is (\S+)", s_client(host, *options))
    return found.group(1) if found and found.group(1) != "(NONE)" else ""


def certificate(host: str, ca_file: str) -> str:
    """Return what a client that verifies the name against the CA says of the certificate."""
    said = s_client(host, "-CAfile", ca_file, "-verify_hostname", host)
    found = re.search(r"Verify return code: \d+ \((.*)\)", said)
    return found.group(1) if found else "no certificate shown"


def auth_without_tls(host: str) -> bool:
    """Tell whether AUTH is offered in clear text."""
    with smtplib.SMTP(host, 25, timeout=20) as client:
        client.ehlo("client.example")
        return client.has_extn("auth")


def vrfy(host: str) -> int:
    """Return the answer to VRFY."""
    with smtplib.SMTP(host, 25, timeout=20) as client:
        client.ehlo("client.example")
        return client.verify("root")[0]


def received(host: str, recipient: str) -> str:
    """Send a message over STARTTLS; return its subject, by which the mailbox is searched."""
    subject = f"demo {time.time_ns()}"
    with smtplib.SMTP(host, 25, local_hostname="client.example", timeout=20) as client:
        client.starttls()
        client.sendmail(
            "sender@client.example",
            [recipient],
            f"From: sender@client.example\r\nTo: {recipient}\r\nSubject: {subject}\r\n\r\nHello.\r\n",
        )
    return subject


def smuggled(host: str, recipient: str) -> bool:
    """Tell whether a bare-newline end of data lets a second message through (SMTP smuggling)."""
    with socket.create_connection((host, 25), timeout=20) as wire:
        stream = wire.makefile("rb")
        stream.readline()
        for line in ("EHLO client.example", "MAIL FROM:<a@client.example>",
                     f"RCPT TO:<{recipient}>", "DATA"):  # fmt: skip
            wire.sendall(line.encode() + b"\r\n")
            while stream.readline()[3:4] == b"-":
                pass
        wire.sendall(b"Subject: one\r\n\r\nfirst\n.\nMAIL FROM:<b@client.example>\r\n"
                     + f"RCPT TO:<{recipient}>\r\nDATA\r\nSubject: two\r\n\r\nsecond".encode()
                     + b"\r\n.\r\nQUIT\r\n")  # fmt: skip
        replies = [line[:3].decode() for line in stream]
    return replies.count("354") + replies.count("250") > 1


def main() -> None:
    """Print the answers."""
    host, recipient, ca_file = sys.argv[1:4]
    legacy = ("-cipher", ANYTHING)
    answers = {
        "tls1_0": suite(host, "-tls1", *legacy),
        "tls1_1": suite(host, "-tls1_1", *legacy),
        "tls1_2": suite(host, "-tls1_2"),
        "tls1_3": suite(host, "-tls1_3"),
        "anonymous": suite(host, "-tls1_2", "-cipher", "aNULL:@SECLEVEL=0"),
        "static_rsa": suite(host, "-tls1_2", "-cipher", "kRSA:@SECLEVEL=0"),
        "cbc": suite(
            host, "-tls1_2", "-cipher", "ECDHE-RSA-AES256-SHA:DHE-RSA-AES256-SHA:@SECLEVEL=0"
        ),
        "post_quantum": "X25519MLKEM768"
        if suite(host, "-tls1_3", "-groups", "X25519MLKEM768")
        else "",
        "certificate": certificate(host, ca_file),
        "auth_without_tls": auth_without_tls(host),
        "vrfy": vrfy(host),
        "smuggled": smuggled(host, recipient),
        "subject": received(host, recipient),
    }
    print(json.dumps(answers))


if __name__ == "__main__":
    main()
