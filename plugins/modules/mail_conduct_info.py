#!/usr/bin/python
# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module ``hardened.mail.mail_conduct_info``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: mail_conduct_info
short_description: See what a mail server takes and refuses
version_added: "0.1.0"
description:
  - Talks to a mail server as strangers, mail programs and attackers do, and reports what it takes and what it refuses. A password before TLS,
    mail for a foreign domain, mail for a mailbox that does not exist, an anonymous login, a renewed handshake.
  - It reports facts and gives no verdict. M(hardened.mail.starttls_info) reports on TLS itself.
  - Every answer is a value, V(null) where the question makes no sense on this port, or a dictionary with the key C(incomplete) that holds
    the reason. An answer that could not be had is never reported as a good one.
  - No message is handed in. Recipients are named and taken back before C(DATA).
  - With O(user) and O(password) it also logs in, tries a wrong password, and hands in messages from the account to itself.
  - Runs on the managed node and connects from there. It needs nothing but Python's standard library, and the command C(openssl) for one
    of the questions.
notes:
  - It makes about six connections, one after the other.
  - Without an account it leaves nothing but lines in the server's log.
  - With an account it leaves a failed login for O(user), which fail2ban may count, and on each port for SMTP two to four messages in
    the mailbox, all with the header C(X-Hardened-Mail-Test). M(hardened.mail.mail_roundtrip) takes them away.
  - Servers hold back the next login of an address after a wrong password. Dovecot does so for up to 15 seconds.
  - Servers trust some addresses. Asked from an address in C(mynetworks) of Postfix, every server is an open relay.
options:
  host:
    description:
      - Host name or address of the server.
      - Of a name with several addresses, the first that takes the connection is used for all questions.
    type: str
    required: true
  port:
    description:
      - TCP port.
      - The default follows from O(protocol) and O(implicit_tls).
        V(25) or V(465) for V(smtp), V(143) or V(993) for V(imap), V(110) or V(995) for V(pop3).
    type: int
  protocol:
    description:
      - The protocol that the server speaks.
    type: str
    choices:
      smtp: SMTP, between servers or for mail programs.
      imap: IMAP.
      pop3: POP3.
    default: smtp
  implicit_tls:
    description:
      - Whether TLS starts at once, as on the ports 465, 993 and 995.
    type: bool
    default: false
  server_name:
    description:
      - Name to send in SNI, and that the certificate must have before a password is sent.
      - The default is O(host).
    type: str
  domain:
    description:
      - A domain for which the server takes mail. Recipients in it are asked for.
      - The default is O(server_name).
    type: str
  elsewhere:
    description:
      - An address for which the server is not responsible. Nothing is sent to it.
    type: str
    default: relay-test@example.com
  ca_file:
    description:
      - File on the managed node with the roots to trust, in PEM.
      - The default is the system's set of roots.
    type: path
  user:
    description:
      - Name with which a test account logs in.
    type: str
  password:
    description:
      - Password of the test account.
      - It is sent only inside TLS, to a server whose certificate is trusted and has the name O(server_name).
    type: str
  address:
    description:
      - Address of the test account.
      - The default is O(user), or O(user) in O(domain) when it has no domain.
    type: str
  questions:
    description:
      - What to find out.
      - The default is everything.
    type: list
    elements: str
    choices:
      greeting: Whether the server greets, and after how many seconds.
      login_before_tls: Whether it takes a password before TLS. None is sent.
      mail_before_tls: Whether it takes a sender before TLS.
      relay: Whether it takes mail for O(elsewhere) without a login, in some spellings.
      unknown_recipient: Whether it takes mail for a mailbox in O(domain) that does not exist.
      mail_without_login: Whether it takes mail for C(postmaster) in O(domain) without a login.
      vrfy: Whether it answers C(VRFY).
      anonymous: Whether the mechanism C(ANONYMOUS) is enough to log in.
      sha1_signatures: Whether it signs handshakes with SHA-1 when nothing else is offered.
      renegotiation: Whether a client can renew the handshake. Needs the command C(openssl).
      login: Whether the account can log in, and what it can send.
      wrong_password: Whether a wrong password is refused, and after how many seconds.
      smuggling: Whether other line ends than those of RFC 5321 end a message (CVE-2023-51764).
  timeout:
    description:
      - Seconds for everything.
      - A question that is not answered by then is C(incomplete).
    type: float
    default: 60
  proxy_protocol:
    description:
      - Whether to send a PROXY protocol header (version 1) first, for a listener behind a load balancer.
    type: bool
    default: false
  helo:
    description:
      - Name to give in EHLO.
    type: str
    default: probe.invalid
extends_documentation_fragment:
  - hardened.mail.attributes
attributes:
  check_mode:
    details:
      - Without an account it does the same in check mode. What needs an account is not asked in check mode.
  diff_mode:
    support: N/A
    details:
      - It changes no setting.
  idempotent:
    details:
      - It changes no setting.
seealso:
  - module: hardened.mail.starttls_info
  - module: hardened.mail.mail_roundtrip
author:
  - The hardened.mail authors (@hardened-mail)
"""

EXAMPLES = r"""
- name: See what port 25 takes and refuses
  hardened.mail.mail_conduct_info:
    host: mx.example
    domain: example.com
    elsewhere: relay-test@example.net
  register: conduct
  delegate_to: localhost

- name: Refuse to go on when the server is an open relay, or when nobody knows
  ansible.builtin.assert:
    that: conduct.relay['an empty sender'].accepted is false

- name: Log in on the port for mail programs, with the right and with a wrong password
  hardened.mail.mail_conduct_info:
    host: mail.example
    port: 465
    implicit_tls: true
    user: verify
    password: "{{ vault_verify_password }}"
    address: verify@example.com
    questions:
      - login
      - wrong_password
  delegate_to: localhost
"""

RETURN = r"""
address:
  description: Address that was asked, none when no connection could be made.
  returned: success
  type: str
  sample: 192.0.2.25
from_itself:
  description: Whether the host asked itself. Servers trust their own host, so that some answers say nothing about others.
  returned: success
  type: bool
  sample: false
complete:
  description: Whether every question has a whole answer.
  returned: success
  type: bool
  sample: true
incomplete:
  description: The questions without a whole answer.
  returned: success
  type: list
  elements: str
  sample: []
greeting:
  description: The greeting in C(text), and in C(seconds) how long it took.
  returned: when V(greeting) is in O(questions)
  type: dict
  sample: {text: 220 mx.example ESMTP, seconds: 0.02}
login_before_tls:
  description:
    - Whether the server asked for a password, in C(accepted), and its words in C(reply).
    - None with O(implicit_tls=true).
  returned: when V(login_before_tls) is in O(questions)
  type: dict
  sample: {accepted: false, reply: 530 5.7.0 Must issue a STARTTLS command first}
mail_before_tls:
  description:
    - The same of C(MAIL FROM). A port between servers takes it, a port for mail programs should not.
  returned: when V(mail_before_tls) is in O(questions)
  type: dict
  sample: {accepted: false, reply: 530 5.7.0 Must issue a STARTTLS command first}
relay:
  description:
    - The same of each way to hand in a message for O(elsewhere).
    - With C(trick) the recipient could also be a mailbox of O(domain).
  returned: when V(relay) is in O(questions)
  type: dict
  sample:
    an empty sender:
      accepted: false
      reply: "554 5.7.1 <relay-test@example.com>: Relay access denied"
      trick: false
unknown_recipient:
  description: The same of a mailbox with a name made up at random.
  returned: when V(unknown_recipient) is in O(questions)
  type: dict
  sample: {accepted: false, reply: 550 5.1.1 User unknown in local recipient table}
mail_without_login:
  description: The same of C(postmaster). A port between servers should take it, a port for mail programs should not.
  returned: when V(mail_without_login) is in O(questions)
  type: dict
  sample: {accepted: true, reply: 250 2.1.5 Ok}
vrfy:
  description: The same of C(VRFY).
  returned: when V(vrfy) is in O(questions)
  type: dict
  sample: {accepted: false, reply: 502 5.5.1 VRFY command is disabled}
anonymous:
  description: The same of a login without a name.
  returned: when V(anonymous) is in O(questions)
  type: dict
  sample: {accepted: false, reply: 503 5.5.1 Error, authentication not enabled}
sha1_signatures:
  description: Whether a handshake was signed with SHA-1.
  returned: when V(sha1_signatures) is in O(questions)
  type: raw
  sample: false
renegotiation:
  description: Whether a client could renew the handshake. Always false for a server that only speaks TLS 1.3, which has no renegotiation.
  returned: when V(renegotiation) is in O(questions)
  type: raw
  sample: false
login:
  description:
    - Whether the account could log in, in C(accepted), the words in C(reply), and C(seconds).
    - On a port for SMTP C(elsewhere) says whether it may send to O(elsewhere), C(unknown_recipient) whether to a mailbox that does not
      exist, C(other_sender) whether under another address.
  returned: when V(login) is in O(questions)
  type: dict
  sample:
    accepted: true
    reply: 235 2.7.0 Authentication successful
    seconds: 0.12
    elsewhere: {accepted: true, reply: 250 2.1.5 Ok}
wrong_password:
  description: The same of a password made up at random.
  returned: when V(wrong_password) is in O(questions)
  type: dict
  sample: {accepted: false, reply: "535 5.7.8 Error: authentication failed", seconds: 2.01}
smuggling:
  description: For each wrong end of a message V(accepted) or V(refused).
  returned: when V(smuggling) is in O(questions)
  type: dict
  sample: {LF.LF: refused, LF.CRLF: refused}
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hardened.mail.plugins.module_utils.starttls.conduct import (
    INTRUSIVE,
    QUESTIONS,
)
from ansible_collections.hardened.mail.plugins.module_utils.starttls.conversation import (
    Request,
    ask_conduct,
)
from ansible_collections.hardened.mail.plugins.module_utils.starttls.dialogue import Target
from ansible_collections.hardened.mail.plugins.module_utils.starttls.prober import server_name_of
from ansible_collections.hardened.mail.plugins.module_utils.starttls.talk import (
    Account,
    bad_address,
    bad_name,
)

_PORTS = {"smtp": (25, 465), "imap": (143, 993), "pop3": (110, 995)}

ARGUMENT_SPEC: dict[str, dict[str, t.Any]] = {
    "host": {"type": "str", "required": True},
    "port": {"type": "int"},
    "protocol": {"type": "str", "choices": list(_PORTS), "default": "smtp"},
    "implicit_tls": {"type": "bool", "default": False},
    "server_name": {"type": "str"},
    "domain": {"type": "str"},
    "elsewhere": {"type": "str", "default": "relay-test@example.com"},
    "ca_file": {"type": "path"},
    "user": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "address": {"type": "str"},
    "questions": {"type": "list", "elements": "str", "choices": list(QUESTIONS)},
    "timeout": {"type": "float", "default": 60},
    "proxy_protocol": {"type": "bool", "default": False},
    "helo": {"type": "str", "default": "probe.invalid"},
}


def bad_option(params: dict[str, t.Any]) -> t.Optional[str]:
    """Return what is wrong with the options, None when they can be used."""
    if params["port"] is not None and not 0 < params["port"] < 65536:
        return f"port must be between 1 and 65535, not {params['port']}"
    if not 0 < params["timeout"] <= 3600:
        return f"timeout must be more than 0 and at most 3600 seconds, not {params['timeout']}"
    for option in ("host", "server_name", "domain", "helo"):
        if params[option] is not None and bad_name(params[option]):
            return f"{option} must be a name or an address, not {params[option]!r}"
    for option in ("elsewhere", "address"):
        if params[option] is not None and bad_address(params[option]):
            return f"{option} must be an address such as user@example.com, not {params[option]!r}"
    if params["user"] is not None and "" in (params["user"], params["password"]):
        return "user and password must not be empty"
    return None


def account_of(params: dict[str, t.Any], *, domain: str) -> t.Optional[Account]:
    """Return the account that is to be used, None when there is none."""
    user = params["user"]
    if user is None:
        return None
    address = params["address"] or (user if "@" in user else f"{user}@{domain}")
    return Account(user, params["password"], address)


def request_of(params: dict[str, t.Any], *, check_mode: bool) -> Request:
    """Return what to ask."""
    name = params["server_name"] or params["host"]
    domain = params["domain"] or name
    questions = params["questions"] or list(QUESTIONS)
    account = account_of(params, domain=domain)
    if check_mode or INTRUSIVE.isdisjoint(questions):
        account = None
    return Request(
        target=Target(
            address=params["host"],
            port=params["port"] or _PORTS[params["protocol"]][params["implicit_tls"]],
            protocol=params["protocol"],
            implicit_tls=params["implicit_tls"],
            proxy_protocol=params["proxy_protocol"],
            helo=params["helo"],
            server_name=server_name_of(name),
        ),
        domain=domain,
        elsewhere=params["elsewhere"],
        questions=questions,
        account=account,
        ca_file=params["ca_file"],
        name=name,
    )


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec=ARGUMENT_SPEC,
        supports_check_mode=True,
        required_together=[("user", "password")],
        required_by={"address": ("user",)},
    )
    problem = bad_option(module.params)
    if problem is not None:
        module.fail_json(msg=f"{problem}. Nothing was asked.")
    request = request_of(module.params, check_mode=module.check_mode)
    module.exit_json(changed=False, **ask_conduct(request, timeout=module.params["timeout"]))


if __name__ == "__main__":
    main()
