#!/usr/bin/python
# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: starttls_info
short_description: See what a mail server really does with TLS on a port
version_added: "0.1.0"
description:
  - Connects to a mail server and reports banner, capabilities, TLS protocols, cipher suites, key-exchange groups, certificates
    and the answer to plaintext injection.
  - It reports facts and gives no verdict.
  - Every answer is a value, or a dictionary with the key C(incomplete) that holds the reason; an answer that could not be had is
    never reported as a good one.
  - The offers are built byte by byte, so that protocols, suites and groups are seen that the TLS library of the managed node
    cannot speak itself, such as SSLv3, RC4, export suites and C(X25519MLKEM768).
  - Runs on the managed node and connects from there; it needs nothing but Python's standard library.
notes:
  - Every question takes a TCP connection of its own, an enumeration one for each item found; all questions together take between 20 and
    200 connections, at most four at a time.
  - Most of these connections end in the middle of a handshake, so they leave TLS errors and lost connections in the server's log.
  - A server with fail2ban may ban the address that asks.
  - A server with C(postscreen) may delay or refuse it, as may connection limits such as C(smtpd_client_connection_rate_limit).
    The answers are then C(incomplete).
  - Cipher suites that need a shared secret (PSK, SRP) and the national suites of GOST and SM are not offered.
  - Below TLS 1.3, a server with only an ECDSA certificate and a preference of its own hides the curves that it ranks
    below the curve of its certificate.
options:
  host:
    description:
      - Host name or address of the server.
      - Of a name with several addresses, the first that takes the connection is used for all questions.
    type: str
  port:
    description:
      - TCP port.
      - The default follows from O(protocol) and O(implicit_tls).
        V(25) or V(465) for V(smtp), V(143) or V(993) for V(imap), V(110) or V(995) for V(pop3), V(24) for V(lmtp).
    type: int
  unix_socket:
    description:
      - Path of a Unix socket to connect to, as LMTP servers have.
      - It takes the place of O(host) and O(port).
    type: path
  protocol:
    description:
      - The protocol that the server speaks.
    type: str
    choices:
      smtp: SMTP with STARTTLS of RFC 3207.
      lmtp: LMTP with STARTTLS.
      imap: IMAP with STARTTLS of RFC 3501.
      pop3: POP3 with STLS of RFC 2595.
    default: smtp
  implicit_tls:
    description:
      - Whether TLS starts at once, as on the ports 465, 993 and 995.
    type: bool
    default: false
  server_name:
    description:
      - Name to send in SNI and to compare with the names in the certificate.
      - The default is O(host).
      - An address is compared with the addresses in the certificate and not sent in SNI.
    type: str
  ca_file:
    description:
      - File on the managed node with the roots to trust, in PEM.
      - The default is the system's set of roots.
    type: path
  questions:
    description:
      - What to find out.
      - The default is everything.
    type: list
    elements: str
    choices:
      banner: The greeting.
      capabilities: What the server announces before and after TLS.
      protocols: Which of SSLv3 to TLS 1.3 it accepts.
      chosen: The suite that it chooses for each protocol from an offer of all, the best first.
      server_preference: Whether its own order of suites counts, not the client's.
      weak_suites: Which anonymous, NULL, export, DES, 3DES, RC4, RC2, IDEA, SEED and MD5 suites it accepts.
      suites: Every suite that it accepts with each protocol; takes the most connections.
      groups: The key-exchange groups, post-quantum ones among them, and the finite-field groups.
      renegotiation_info: Whether it supports secure renegotiation (RFC 5746).
      chains: The certificates that it sends, for each kind of key.
      verify: Whether a client would trust them, and whether the name matches.
      injection: Whether it takes a command that was sent in clear text together with STARTTLS as if it came through TLS
        (CVE-2011-0411).
  timeout:
    description:
      - Seconds for the whole probe.
      - A question that is not answered by then is C(incomplete).
    type: float
    default: 30
  proxy_protocol:
    description:
      - Whether to send a PROXY protocol header (version 1) first, for a listener behind a load balancer.
    type: bool
    default: false
  helo:
    description:
      - Name to give in EHLO or LHLO.
    type: str
    default: probe.invalid
extends_documentation_fragment:
  - hardened.mail.attributes
  - hardened.mail.attributes.read_only
author:
  - The hardened.mail authors (@hardened-mail)
"""

EXAMPLES = r"""
- name: See everything that port 25 does
  hardened.mail.starttls_info:
    host: mx.example
  register: port_25

- name: Refuse to go on when an old protocol is accepted or could not be ruled out
  ansible.builtin.assert:
    that:
      - port_25.protocols['TLSv1'] is false
      - port_25.protocols['TLSv1.1'] is false

- name: Compare the certificate of a submission server with an own CA
  hardened.mail.starttls_info:
    host: 192.0.2.25
    port: 465
    implicit_tls: true
    server_name: mail.example
    ca_file: /etc/ssl/own-ca.pem
    questions:
      - chains
      - verify

- name: Ask from the control node for post-quantum key exchange
  hardened.mail.starttls_info:
    host: imap.example
    protocol: imap
    questions:
      - groups
  delegate_to: localhost

- name: See whether the LMTP socket offers TLS
  hardened.mail.starttls_info:
    unix_socket: /run/dovecot/lmtp
    protocol: lmtp
    questions:
      - capabilities
"""

RETURN = r"""
address:
  description: Address that was asked; none with O(unix_socket) or when no connection could be made.
  returned: success
  type: str
  sample: 192.0.2.25
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
connections:
  description: Number of connections that were made.
  returned: success
  type: int
  sample: 91
banner:
  description: The greeting, its lines joined, without control characters.
  returned: when V(banner) is in O(questions)
  type: raw
  sample: 220 mx.example ESMTP
capabilities:
  description:
    - What the server announces, in C(before_tls) and C(after_tls).
    - Keywords are in upper case.
  returned: when V(capabilities) is in O(questions)
  type: dict
  sample:
    before_tls: [PIPELINING, SIZE 10240000, STARTTLS, ENHANCEDSTATUSCODES, 8BITMIME]
    after_tls: [PIPELINING, SIZE 10240000, ENHANCEDSTATUSCODES, 8BITMIME]
protocols:
  description: Whether each protocol is accepted.
  returned: when V(protocols) is in O(questions)
  type: dict
  sample:
    SSLv3: false
    TLSv1: false
    TLSv1.1: false
    TLSv1.2: true
    TLSv1.3: true
chosen:
  description: The suite chosen for each accepted protocol, as OpenSSL and Postfix spell it.
  returned: when V(chosen) is in O(questions)
  type: dict
  sample:
    TLSv1.2: ECDHE-RSA-AES256-GCM-SHA384
    TLSv1.3: TLS_AES_256_GCM_SHA384
server_preference:
  description:
    - Whether the server's order of suites counts, for each accepted protocol.
    - None where it accepts one suite only.
  returned: when V(server_preference) is in O(questions)
  type: dict
  sample:
    TLSv1.2: false
    TLSv1.3: false
weak_suites:
  description: The suites of each weak class that are accepted with any protocol.
  returned: when V(weak_suites) is in O(questions)
  type: dict
  sample:
    anonymous: [ADH-AES256-GCM-SHA384]
    "null": []
    export: []
    des: []
    3des: []
    rc4: []
    rc2_idea_seed: []
    md5: []
suites:
  description: The accepted suites of each accepted protocol, the best first.
  returned: when V(suites) is in O(questions)
  type: dict
  sample:
    TLSv1.2: [ECDHE-RSA-AES256-GCM-SHA384, ECDHE-RSA-CHACHA20-POLY1305, ECDHE-RSA-AES128-GCM-SHA256]
    TLSv1.3: [TLS_AES_256_GCM_SHA384, TLS_CHACHA20_POLY1305_SHA256, TLS_AES_128_GCM_SHA256]
suite_classes:
  description:
    - The accepted suites of each class, whatever the protocol.
    - The classes are those of RV(weak_suites) and C(cbc), C(static_rsa), C(static_dh), C(ffdhe), C(aead).
  returned: when V(suites) is in O(questions)
  type: dict
  sample:
    cbc: []
    static_rsa: [AES256-GCM-SHA384]
groups:
  description:
    - The key-exchange groups of TLS 1.3 in C(TLSv1.3), and the curves of the newest older protocol under its name.
    - The finite-field groups seen with DHE suites are in C(dhe), with C(modp) for those of RFC 3526, C(ffdhe) for those of
      RFC 7919, C(other) for any other, followed by the number of bits.
  returned: when V(groups) is in O(questions)
  type: dict
  sample:
    TLSv1.2: [X25519, secp256r1, secp384r1]
    TLSv1.3: [X25519MLKEM768, X25519, secp256r1, secp384r1]
    dhe: [modp1024, modp3072]
renegotiation_info:
  description:
    - Whether secure renegotiation is supported.
    - None when only TLS 1.3 is accepted, which has no renegotiation.
  returned: when V(renegotiation_info) is in O(questions)
  type: raw
  sample: true
chains:
  description:
    - The certificates in the order in which they are sent, for each kind of key.
    - They come from the handshake of TLS 1.2 or older, where they are in clear text.
    - From a server that only speaks TLS 1.3 the whole chain is seen with Python 3.13 or newer, otherwise its first certificate.
  returned: when V(chains) is in O(questions)
  type: dict
  sample:
    rsa:
      - subject: CN=mx.example
        issuer: CN=Example CA
        serial: 4d2
        not_before: "2026-11-01T00:00:00Z"
        not_after: "2027-01-30T00:00:00Z"
        names: [mx.example]
        common_name: mx.example
        key_algorithm: rsa
        key_bits: 3072
        curve:
        signature_algorithm: sha256WithRSAEncryption
        spki_sha256: 9f2b7c0d9f2b7c0d9f2b7c0d9f2b7c0d9f2b7c0d9f2b7c0d9f2b7c0d9f2b7c0d
        sha256: 1c8a5e331c8a5e331c8a5e331c8a5e331c8a5e331c8a5e331c8a5e331c8a5e33
        is_ca: false
        self_signed: false
verify:
  description:
    - Whether the chain leads to a trusted root and is within its dates, in C(trusted), and why not, in C(reason).
    - C(name_matches) says whether the certificate is for O(server_name).
    - Weak keys and signatures do not count here; they are in RV(chains).
  returned: when V(verify) is in O(questions)
  type: dict
  sample:
    rsa:
      trusted: false
      reason: self-signed certificate
      name_matches: true
injection:
  description:
    - V(accepted) when a command injected after STARTTLS was executed inside TLS, V(refused) when not.
    - None with O(implicit_tls=true), where there is nothing to inject into.
  returned: when V(injection) is in O(questions)
  type: raw
  sample: refused
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hardened.mail.plugins.module_utils.starttls.dialogue import Target
from ansible_collections.hardened.mail.plugins.module_utils.starttls.prober import (
    CaFileError,
    probe,
    server_name_of,
)
from ansible_collections.hardened.mail.plugins.module_utils.starttls.report import (
    QUESTIONS,
    report,
)

_PORTS = {"smtp": (25, 465), "lmtp": (24, 24), "imap": (143, 993), "pop3": (110, 995)}

ARGUMENT_SPEC: dict[str, dict[str, t.Any]] = {
    "host": {"type": "str"},
    "port": {"type": "int"},
    "unix_socket": {"type": "path"},
    "protocol": {"type": "str", "choices": list(_PORTS), "default": "smtp"},
    "implicit_tls": {"type": "bool", "default": False},
    "server_name": {"type": "str"},
    "ca_file": {"type": "path"},
    "questions": {"type": "list", "elements": "str", "choices": list(QUESTIONS)},
    "timeout": {"type": "float", "default": 30},
    "proxy_protocol": {"type": "bool", "default": False},
    "helo": {"type": "str", "default": "probe.invalid"},
}


def bad_option(params: dict[str, t.Any]) -> t.Optional[str]:
    """Return what is wrong with the options, None when they can be used."""
    if params["port"] is not None and not 0 < params["port"] < 65536:
        return f"port must be between 1 and 65535, not {params['port']}"
    if not 0 < params["timeout"] <= 3600:
        return f"timeout must be more than 0 and at most 3600 seconds, not {params['timeout']}"
    for option in ("host", "server_name", "helo"):
        text = params[option]
        if text is not None and not (
            text.isascii() and text.isprintable() and [text] == text.split()
        ):
            return f"{option} must be a name or an address, not {text!r}"
    return None


def target_of(params: dict[str, t.Any]) -> Target:
    """Return where to connect."""
    name = params["server_name"] or params["host"]
    return Target(
        address=params["host"] or "",
        port=params["port"] or _PORTS[params["protocol"]][params["implicit_tls"]],
        protocol=params["protocol"],
        implicit_tls=params["implicit_tls"],
        proxy_protocol=params["proxy_protocol"],
        unix_socket=params["unix_socket"],
        helo=params["helo"],
        server_name=server_name_of(name) if name else None,
    )


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec=ARGUMENT_SPEC,
        supports_check_mode=True,
        required_one_of=[("host", "unix_socket")],
        mutually_exclusive=[("host", "unix_socket"), ("port", "unix_socket")],
    )
    params = module.params
    problem = bad_option(params)
    if problem is not None:
        module.fail_json(msg=f"{problem}. Nothing was asked.")
    questions = params["questions"] or list(QUESTIONS)
    try:
        evidence = probe(
            target_of(params),
            questions=questions,
            timeout=params["timeout"],
            ca_file=params["ca_file"],
        )
    except CaFileError as exc:
        module.fail_json(msg=f"Cannot use ca_file {params['ca_file']}: {exc}. Nothing was asked.")
    name = params["server_name"] or params["host"]
    module.exit_json(changed=False, **report(evidence, questions=questions, name=name))


if __name__ == "__main__":
    main()
