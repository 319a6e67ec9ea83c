# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Use a mail server as a person's mail program does, with Python's own clients: person.py STEPS.

The steps are a JSON list of objects: ``do`` is ``submit``, ``read`` or ``log in``; ``server``, ``port``, ``user``,
``password``, and for a message ``sender``, ``recipient`` and ``token``. The server's certificate and name are verified.
Prints a JSON list: ``refused`` is what the server said against it, empty when all went well; ``seconds`` is how long
it took over the password, and ``messages`` are those that contain the token.
"""

from __future__ import annotations

import contextlib
import imaplib
import json
import poplib
import smtplib
import ssl
import sys
import time
import typing as t

SECONDS = 40
CONTEXT = ssl.create_default_context(cafile="/etc/ssl/lab/root.pem")
MAIL_PORTS = (25, 587, 465)


@contextlib.contextmanager
def timed(answer: dict[str, t.Any]) -> t.Iterator[None]:
    """Note how long something takes, also when it is refused."""
    began = time.monotonic()
    try:
        yield
    finally:
        answer["seconds"] = time.monotonic() - began


def smtp(step: dict[str, t.Any], answer: dict[str, t.Any]) -> None:
    """Log in, and submit a message if there is one."""
    client: smtplib.SMTP
    if step["port"] == 465:
        client = smtplib.SMTP_SSL(step["server"], 465, timeout=SECONDS, context=CONTEXT)
    else:
        client = smtplib.SMTP(step["server"], step["port"], timeout=SECONDS)
        client.starttls(context=CONTEXT)
    with client:
        with timed(answer):
            client.login(step["user"], step["password"])
        if step["do"] == "submit":
            text = f"From: {step['sender']}\r\nTo: {step['recipient']}\r\nSubject: {step['token']}\r\n\r\ntext\r\n"
            client.sendmail(step["sender"], [step["recipient"]], text)


def imap(step: dict[str, t.Any], answer: dict[str, t.Any]) -> None:
    """Log in, and read the messages with the token."""
    client: imaplib.IMAP4
    if step["port"] == 993:
        client = imaplib.IMAP4_SSL(step["server"], 993, ssl_context=CONTEXT, timeout=SECONDS)
    else:
        client = imaplib.IMAP4(step["server"], step["port"], timeout=SECONDS)
        client.starttls(CONTEXT)
    with client:
        with timed(answer):
            client.login(step["user"], step["password"])
        client.select("INBOX", readonly=True)
        if step["do"] == "read":
            _, (numbers,) = client.search(None, "SUBJECT", step["token"])
            for number in numbers.decode("ascii").split():
                _, parts = client.fetch(number, "(RFC822)")
                answer["messages"].append(parts[0][1].decode("utf-8", "replace"))


def pop(step: dict[str, t.Any], answer: dict[str, t.Any]) -> None:
    """Log in, and read the messages with the token."""
    client: poplib.POP3
    if step["port"] == 995:
        client = poplib.POP3_SSL(step["server"], 995, context=CONTEXT, timeout=SECONDS)
    else:
        client = poplib.POP3(step["server"], step["port"], timeout=SECONDS)
        client.stls(CONTEXT)
    client.user(step["user"])
    with timed(answer):
        client.pass_(step["password"])
    for number in range(1, client.stat()[0] + 1):
        text = b"\r\n".join(client.retr(number)[1]).decode("utf-8", "replace")
        if step.get("token") and step["token"] in text:
            answer["messages"].append(text)
    client.quit()


def go(step: dict[str, t.Any]) -> dict[str, t.Any]:
    """Go one step."""
    answer: dict[str, t.Any] = {"refused": "", "seconds": 0.0, "messages": []}
    clients = {**dict.fromkeys(MAIL_PORTS, smtp), 143: imap, 993: imap, 110: pop, 995: pop}
    try:
        clients.get(step["port"], smtp)(step, answer)
    except smtplib.SMTPRecipientsRefused as refusal:
        answer["refused"] = str(next(iter(refusal.recipients.values())))
    except (smtplib.SMTPException, imaplib.IMAP4.error, poplib.error_proto, ssl.SSLError) as error:
        answer["refused"] = f"{type(error).__name__}: {error}"
    return answer


json.dump([go(step) for step in json.loads(sys.argv[1])], sys.stdout)
