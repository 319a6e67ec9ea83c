#!/usr/bin/env python3
# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask a mail server what the demo's table shows; run on another host than the server.

The judges are openssl(1) and Python's smtplib and imaplib: nothing of the collection. Accounts and their passwords come on
standard input. Prints one JSON object.
"""

from __future__ import annotations

import base64
import imaplib
import json
import re
import smtplib
import socket
import ssl
import subprocess
import sys
import time
import typing as t

ANYTHING = "ALL:COMPLEMENTOFALL:@SECLEVEL=0"
LET_IN = "let in"
STARTTLS = {
    25: ["-starttls", "smtp"],
    587: ["-starttls", "smtp"],
    143: ["-starttls", "imap"],
    465: [],
    993: [],
}


class Account(t.NamedTuple):
    """Somebody who may try to log in."""

    name: str
    password: str


def unverified() -> ssl.SSLContext:
    """Return what a mail program uses whose owner has clicked the warning away."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def s_client(host: str, *options: str, port: int = 25) -> str:
    """Return what openssl s_client prints about a handshake."""
    smtp = ["-name", "client"] if "smtp" in STARTTLS[port] else []
    done = subprocess.run(
        ["openssl", "s_client", *STARTTLS[port], "-connect", f"{host}:{port}", *smtp, *options],
        input=b"QUIT\r\n", capture_output=True, timeout=30, check=False,
    )  # fmt: skip
    return (done.stdout + done.stderr).decode(errors="replace")


def suite(host: str, *options: str, port: int = 25) -> str:
    """Return the suite of a handshake, empty when there was none."""
    found = re.search(r"Cipher is (\S+)", s_client(host, *options, port=port))
    return found.group(1) if found and found.group(1) != "(NONE)" else ""


def certificate(host: str, ca_file: str, *, port: int = 25) -> str:
    """Return what a client that verifies the name against the CA says of the certificate."""
    said = s_client(host, "-CAfile", ca_file, "-verify_hostname", host, port=port)
    found = re.search(r"Verify return code: \d+ \((.*)\)", said)
    return found.group(1) if found else "no certificate shown"


def smtp(host: str, port: int, *, tls: bool) -> smtplib.SMTP:
    """Return a greeted connection."""
    if port == 465:
        over = smtplib.SMTP_SSL(
            host, port, local_hostname="client.example", timeout=20, context=unverified()
        )
        over.ehlo()
        return over
    client = smtplib.SMTP(host, port, local_hostname="client.example", timeout=20)
    if tls:
        client.starttls(context=unverified())
    client.ehlo()
    return client


def smtp_login(host: str, port: int, account: Account, *, tls: bool = True) -> str:
    """Return what becomes of a password, sent whether AUTH is offered or not."""
    text = f"\0{account.name}\0{account.password}".encode()
    try:
        with smtp(host, port, tls=tls) as client:
            code, _said = client.docmd("AUTH", f"PLAIN {base64.b64encode(text).decode()}")
    except ConnectionRefusedError:
        return "nobody there"
    return LET_IN if code == 235 else f"refused: {code}"


def imap_login(host: str, port: int, account: Account, *, tls: bool = True) -> str:
    """Return what becomes of a password, sent whether LOGIN is offered or not."""
    client: imaplib.IMAP4
    if port == 993:
        client = imaplib.IMAP4_SSL(host, port, ssl_context=unverified(), timeout=20)
    else:
        client = imaplib.IMAP4(host, port, timeout=20)
        if tls:
            client.starttls(unverified())
    try:
        client.login(account.name, account.password)
    except imaplib.IMAP4.error as problem:
        found = re.search(r"\[([A-Z]+)\]", str(problem))
        return f"refused: {found.group(1).lower() if found else problem}"
    finally:
        client.logout()
    return LET_IN


def mail_taken(host: str, recipient: str, *, tls: bool) -> int:
    """Return the answer of port 587 to a message of somebody who has not logged in."""
    with smtp(host, 587, tls=tls) as client:
        code = client.mail("stranger@client.example")[0]
        return client.rcpt(recipient)[0] if code == 250 else code


def mail_taken_as(host: str, user: Account, sender: str) -> int:
    """Return the answer of port 587 to a message of a user with a sender that is somebody else's."""
    with smtp(host, 587, tls=True) as client:
        client.login(*user)
        code = client.mail(sender)[0]
        return client.rcpt(f"{user.name}@{host}")[0] if code == 250 else code


def vrfy(host: str) -> int:
    """Return the answer to VRFY."""
    with smtp(host, 25, tls=False) as client:
        return client.verify("root")[0]


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


def message(sender: str, recipient: str) -> tuple[str, str]:
    """Return the subject of a message, by which it is found again, and the message."""
    subject = f"demo {time.time_ns()}"
    return subject, (f"From: {sender}\r\nTo: {recipient}\r\nSubject: {subject}\r\n\r\nHello.\r\n")


def sent_by_a_server(host: str, recipient: str) -> str:
    """Send a message as another mail server does; return its subject."""
    sender = "sender@client.example"
    subject, text = message(sender, recipient)
    with smtp(host, 25, tls=True) as client:
        client.sendmail(sender, [recipient], text)
    return subject


def submitted(host: str, account: Account, context: ssl.SSLContext) -> tuple[str, str]:
    """Send a message as a mail program does, as safely as the server can; return how, and its subject."""
    address = f"{account.name}@{host}"
    subject, text = message(address, address)
    client: smtplib.SMTP
    try:
        client = smtplib.SMTP_SSL(host, 465, timeout=20, context=context)
        way = "port 465, certificate verified"
    except OSError:
        client = smtplib.SMTP(host, 587, timeout=20)
        way = "port 587, in clear text"
    with client:
        client.login(*account)
        client.sendmail(address, [address], text)
    return way, subject


def mailbox(host: str, account: Account, context: ssl.SSLContext) -> tuple[str, imaplib.IMAP4]:
    """Open a mailbox as safely as the server can; return how, and the connection."""
    client: imaplib.IMAP4
    try:
        client = imaplib.IMAP4_SSL(host, ssl_context=context, timeout=20)
        way = "port 993, certificate verified"
    except ssl.SSLError:
        client = imaplib.IMAP4(host, timeout=20)
        way = "port 143, in clear text"
    client.login(*account)
    return way, client


def received(client: imaplib.IMAP4, subject: str) -> str:
    """Wait for a message in the mailbox; return what it says of its last hop."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        client.select("INBOX", readonly=True)
        numbers = client.search(None, "SUBJECT", f'"{subject}"')[1][0].split()
        if numbers:
            parts = client.fetch(numbers[-1].decode(), "(BODY.PEEK[HEADER])")[1]
            head = t.cast("tuple[bytes, bytes]", parts[0])[1].decode()
            found = re.search(r"^Received: (?:.+\r\n(?:[ \t].+\r\n)*)", head, flags=re.MULTILINE)
            return re.sub(r"\s+", " ", found.group()).strip() if found else "(none)"
        time.sleep(0.2)
    raise SystemExit(f"the message {subject!r} did not arrive")


def asked_of_25(host: str, recipient: str, ca_file: str) -> dict[str, t.Any]:
    """Return what port 25 does."""
    legacy = ("-cipher", ANYTHING)
    mixed = "ECDHE-RSA-AES256-SHA:DHE-RSA-AES256-SHA:@SECLEVEL=0"
    quantum = suite(host, "-tls1_3", "-groups", "X25519MLKEM768")
    return {
        "tls1_0": suite(host, "-tls1", *legacy),
        "tls1_1": suite(host, "-tls1_1", *legacy),
        "tls1_2": suite(host, "-tls1_2"),
        "tls1_3": suite(host, "-tls1_3"),
        "anonymous": suite(host, "-tls1_2", "-cipher", "aNULL:@SECLEVEL=0"),
        "static_rsa": suite(host, "-tls1_2", "-cipher", "kRSA:@SECLEVEL=0"),
        "cbc": suite(host, "-tls1_2", "-cipher", mixed),
        "post_quantum": "X25519MLKEM768" if quantum else "",
        "certificate": certificate(host, ca_file),
        "vrfy": vrfy(host),
        "smuggled": smuggled(host, recipient),
    }


def asked_as_user(host: str, user: Account, script: Account, ca_file: str) -> dict[str, t.Any]:
    """Return who may log in where; the tries that may fail come last, because a server slows down whoever made them."""
    legacy = ("-tls1_1", "-cipher", ANYTHING)
    return {
        "tls1_1_587": suite(host, *legacy, port=587),
        "tls1_1_465": suite(host, *legacy, port=465),
        "tls1_1_993": suite(host, *legacy, port=993),
        "tls1_1_143": suite(host, *legacy, port=143),
        "certificate_993": certificate(host, ca_file, port=993),
        "mail_587_clear": mail_taken(host, f"{user.name}@{host}", tls=False),
        "mail_587_tls": mail_taken(host, f"{user.name}@{host}", tls=True),
        "relay_587": mail_taken(host, "somebody@elsewhere.example", tls=True),
        "forged_587": mail_taken_as(host, user, f"boss@{host}"),
        "login_465": smtp_login(host, 465, user),
        "login_587": smtp_login(host, 587, user),
        "login_143": imap_login(host, 143, user),
        "login_993": imap_login(host, 993, user),
        "login_25": smtp_login(host, 25, user),
        "login_25_clear": smtp_login(host, 25, user, tls=False),
        "login_587_clear": smtp_login(host, 587, user, tls=False),
        "login_143_clear": imap_login(host, 143, user, tls=False),
        "script_587": smtp_login(host, 587, script),
        "script_993": imap_login(host, 993, script),
    }


def asked_with_mail(host: str, user: Account, ca_file: str) -> dict[str, t.Any]:
    """Send two messages and read them back; return how they came."""
    context = ssl.create_default_context(cafile=ca_file)
    from_server = sent_by_a_server(host, f"{user.name}@{host}")
    sent_over, from_user = submitted(host, user, context)
    read_over, client = mailbox(host, user, context)
    answers = {
        "sent_over": sent_over,
        "read_over": read_over,
        "from_server": received(client, from_server),
        "from_user": received(client, from_user),
    }
    client.logout()
    return answers


def main() -> None:
    """Print the answers."""
    host, ca_file = sys.argv[1:3]
    accounts = json.load(sys.stdin)
    user, script = Account(**accounts["user"]), Account(**accounts["script"])
    answers = {
        **asked_with_mail(host, user, ca_file),
        **asked_of_25(host, f"{user.name}@{host}", ca_file),
        **asked_as_user(host, user, script, ca_file),
    }
    print(json.dumps(answers))


if __name__ == "__main__":
    main()
