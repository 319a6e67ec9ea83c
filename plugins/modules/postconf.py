#!/usr/bin/python
# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: postconf
short_description: Change main.cf and master.cf of Postfix as one transaction
version_added: "0.1.0"
author:
  - The hardened.mail authors (@hardened-mail)
description:
  - Sets and removes parameters of C(main.cf) and services of C(master.cf) in one transaction; everything
    that it was not told to change stays byte for byte.
  - New files are staged in a private directory and judged by the real C(postconf) and by the value grammar
    of the installed version before anything is replaced. C(postfix check) is not used, since it exits 0 on
    a configuration with which TLS or the whole port is dead.
  - Then a second C(master) is started from the new files, with its own queue and on loopback ports, and
    asked for a greeting and a TLS handshake.
  - Then the files are replaced by renaming, with a journal, so that a run that is killed leaves each file
    whole and the next run puts back what was half done.
  - Then Postfix is reloaded, or restarted when a changed parameter needs that, and every mail port is asked
    again. When a port that answered before does not answer now, the old files are put back, Postfix is
    restarted, and the task fails.
  - With O(policy) it applies the settings table of the collection, which is what the role
    C(hardened.mail.postfix_tls) does.
options:
  config_directory:
    description:
      - The configuration directory of the instance to change.
    type: path
    default: /etc/postfix
  parameters:
    description:
      - Parameters of C(main.cf) and their values.
      - A list is joined with commas, a boolean becomes C(yes) or C(no), and V(null) removes the parameter.
      - With O(policy) these are the site's own overrides. One that falls below the floor of the profile fails
        the task unless it is named in O(accept_weaker).
    type: dict
    default: {}
  members:
    description:
      - Parameters of C(main.cf) that are lists, such as C(smtpd_milters), and what must be or must not be in them. The other
        members, their order and their spelling stay.
      - A parameter cannot be in O(parameters) too.
      - A member with options, such as V({ unix:signer/milter.sock, default_action = accept }), is also found by its first
        word, V(unix:signer/milter.sock). Its options stay.
    type: list
    elements: dict
    default: []
    suboptions:
      parameter:
        description:
          - The parameter.
        type: str
        required: true
      present:
        description:
          - What must be in the list. What is missing is added at its end, unless it is there through a reference such as
            C($smtpd_milters).
        type: list
        elements: str
        default: []
      absent:
        description:
          - What must not be in the list. A list that is empty then is removed.
        type: list
        elements: str
        default: []
  services:
    description:
      - Services of C(master.cf).
      - An existing entry is found by its port, however it is spelt (V(submission), V(587),
        V(192.0.2.1:submission)), and changed in place.
      - A name without an address means the port at any address; with one, that address only.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description:
          - The service as in the first column of C(master.cf).
        type: str
        required: true
      type:
        description:
          - The second column.
        type: str
        choices: [inet, unix, fifo, unix-dgram, pass]
        default: inet
      state:
        description:
          - V(absent) removes the entry.
        type: str
        choices: [present, absent]
        default: present
      private:
        description:
          - The column C(private).
        type: str
        choices: ["y", "n", "-"]
      unprivileged:
        description:
          - The column C(unpriv).
        type: str
        choices: ["y", "n", "-"]
      chroot:
        description:
          - The column C(chroot).
        type: str
        choices: ["y", "n", "-"]
      wakeup:
        description:
          - The column C(wakeup).
        type: str
      process_limit:
        description:
          - The column C(maxproc).
        type: str
      command:
        description:
          - The daemon, without arguments.
          - A new entry has V(smtpd) when this is not given.
        type: str
      arguments:
        description:
          - The arguments of the command that are not C(-o) overrides, such as V(-v) or the flags of C(pipe).
          - When given, it replaces those that are there.
        type: list
        elements: str
      overrides:
        description:
          - The C(-o) overrides and their values; V(null) removes one.
        type: dict
        default: {}
      exclusive:
        description:
          - Whether to remove the C(-o) overrides that O(services[].overrides) does not name.
        type: bool
        default: false
  policy:
    description:
      - Apply the settings table of the collection for SMTP on port 25, in and out.
      - The parameters that the table removes and those it sets are listed in the settings reference.
    type: dict
    suboptions:
      inbound_profile:
        description:
          - What clients of this server may negotiate.
        type: str
        choices: [intermediate, strict, interop]
        default: intermediate
      outbound_profile:
        description:
          - What this server negotiates opportunistically with others. Mandatory TLS and DANE are never below
            V(intermediate).
        type: str
        choices: [intermediate, strict, interop]
        default: interop
      inbound_level:
        description:
          - The value of C(smtpd_tls_security_level).
          - V(encrypt) turns senders without TLS away, which RFC 3207 forbids for a public mail exchanger.
        type: str
        choices: [may, encrypt]
        default: may
      outbound_level:
        description:
          - The value of C(smtp_tls_security_level).
        type: str
        choices: [may, encrypt, dane, dane-only, fingerprint, verify, secure]
        default: may
      certificates:
        description:
          - Server certificates, at most one for each type of key. When empty, the configured ones stay.
        type: list
        elements: dict
        default: []
        suboptions:
          certificate:
            description:
              - File with the certificate followed by its intermediates.
            type: path
            required: true
          private_key:
            description:
              - File with the private key. May be the same file.
            type: path
            required: true
          names:
            description:
              - The host names that the certificate must be valid for; C(myhostname) when empty.
            type: list
            elements: str
            default: []
      sni:
        description:
          - Certificates for the names that clients ask for with SNI, written into C(tls_server_sni_maps) before
            the site's own tables.
          - The files are read in place when a daemon starts. A renewed one needs a reload.
        type: list
        elements: dict
        default: []
        suboptions:
          names:
            description:
              - The names to show it for, such as V(mail.example.com), or V(.example.com) for every name below it.
            type: list
            elements: str
            required: true
          certificate:
            description:
              - File with the certificate followed by its intermediates.
            type: path
            required: true
          private_key:
            description:
              - File with the private key. May be the same file.
            type: path
            required: true
      smtp_hygiene:
        description:
          - Whether to refuse VRFY, bare newlines and unauthorised pipelining and to demand HELO.
        type: bool
        default: true
      policies:
        description:
          - Rules for single destinations, written into C(smtp_tls_policy_maps) before the site's own maps.
        type: list
        elements: dict
        default: []
        suboptions:
          destination:
            description:
              - A next hop as C(smtp) looks it up, such as V(example.com) or V([mail.example.com]:587).
            type: str
            required: true
          level:
            description:
              - The security level for it.
            type: str
            required: true
          match:
            description:
              - Names that the certificate may have, for the levels V(verify) and V(secure), or fingerprints.
            type: list
            elements: str
            default: []
          protocols:
            description:
              - The protocols for it, as in C(smtp_tls_mandatory_protocols).
            type: str
            default: ""
          ciphers:
            description:
              - The grade for it, as in C(smtp_tls_mandatory_ciphers).
            type: str
            default: ""
          exclude:
            description:
              - Ciphers to exclude for it.
            type: list
            elements: str
            default: []
          servername:
            description:
              - The name to send in SNI.
            type: str
            default: ""
      outbound_wrappermode:
        description:
          - Whether the relay host speaks TLS from the first byte (port 465). When not given,
            C(smtp_tls_wrappermode) stays as it is.
        type: bool
      policy_server:
        description:
          - A table that is asked for the level of each destination, behind O(policy.policies) and before the site's
            own tables, mostly for MTA-STS.
        type: str
        default: ""
      policy_server_honours_dane:
        description:
          - That O(policy.policy_server) looks for TLSA records itself and lets DANE go first.
          - Without it, a policy server together with a level of DANE is refused.
        type: bool
        default: false
      tlsrpt_socket:
        description:
          - The socket of a TLS-RPT reporter, relative to the queue directory or absolute. Needs Postfix 3.10.
        type: str
        default: ""
      observe:
        description:
          - Set the two TLS log levels and nothing else, to learn what peers use before raising a floor.
        type: bool
        default: false
  submission:
    description:
      - Apply the submission settings of the collection to the services on ports 587 and 465.
      - Logins go from C(main.cf) and from port 25. Every other C(smtpd) that takes them from C(main.cf) gets a C(-o)
        of its own in the same transaction.
      - An existing service is found by its port, however it is spelt, and a C(-o) of the site stays unless it falls
        below the floor. What was below is named in a warning.
      - A login service of Dovecot that does not answer fails the task before anything is changed.
    type: dict
    suboptions:
      starttls:
        description:
          - Whether there is a service on port 587 that demands STARTTLS. With V(false) an existing one is left alone.
        type: bool
        default: true
      implicit_tls:
        description:
          - Whether there is a service on port 465 with TLS from the first byte. With V(false) an existing one is left
            alone.
        type: bool
        default: true
      remove:
        description:
          - Whether to remove a service that is switched off and that the host has.
        type: bool
        default: false
      profile:
        description:
          - What mail programs may negotiate.
        type: str
        choices: [intermediate, strict, interop]
        default: intermediate
      certificates:
        description:
          - Server certificates of these services, at most one for each type of key. When empty, those of C(main.cf).
        type: list
        elements: dict
        default: []
        suboptions:
          certificate:
            description:
              - File with the certificate followed by its intermediates.
            type: path
            required: true
          private_key:
            description:
              - File with the private key. May be the same file.
            type: path
            required: true
          names:
            description:
              - The host names that the certificate must be valid for; C(myhostname) when empty.
            type: list
            elements: str
            default: []
      sasl_type:
        description:
          - Who checks passwords.
        type: str
        choices:
          auto: What the site named, Cyrus SASL too, else Dovecot.
          dovecot: Dovecot.
          cyrus: Cyrus SASL.
        default: auto
      sasl_path:
        description:
          - Dovecot's socket, relative to the queue directory, or the name of the configuration of Cyrus SASL.
          - When empty, what the site has, else C(private/auth) or C(smtpd).
        type: str
        default: ""
      sender_login_maps:
        description:
          - Tables of sender addresses and the logins that own them, as in C(smtpd_sender_login_maps).
        type: str
        default: ""
      sender_login_check:
        description:
          - The check of sender addresses when there are tables.
        type: str
        choices:
          - reject_sender_login_mismatch
          - reject_authenticated_sender_login_mismatch
          - reject_known_sender_login_mismatch
        default: reject_sender_login_mismatch
      auth_on_25:
        description:
          - Whether port 25 offers logins too. Passwords are guessed there, and when the login service fails no mail
            comes in.
        type: bool
        default: false
      authenticated_header:
        description:
          - Whether each message shows the login name of its sender.
        type: bool
        default: false
      hide_client:
        description:
          - Whether the C(Received) header leaves out from where a user sent (Postfix 3.10).
        type: bool
        default: true
      auth_rate_limit:
        description:
          - How many logins one address may try in a minute. When not given, what the host has, or V(30).
        type: int
      connection_rate_limit:
        description:
          - How many connections one address may open in a minute. When not given, what the host has.
        type: int
      message_rate_limit:
        description:
          - How many messages one address may send in a minute. When not given, what the host has.
        type: int
      recipient_rate_limit:
        description:
          - How many recipients one address may name in a minute. When not given, what the host has.
        type: int
      recipient_limit:
        description:
          - How many recipients a message may have. When not given, what the host has.
        type: int
      message_size_limit:
        description:
          - The largest message in bytes, at most that of C(main.cf). When not given, what the host has.
        type: int
      overrides:
        description:
          - The site's own C(-o) of both services. One that a later run of the same O(owner) does not name is removed.
          - One that falls below the floor of the profile fails the task unless it is named in O(accept_weaker).
        type: dict
        default: {}
  accept_weaker:
    description:
      - Names of parameters whose override in O(parameters), O(submission.overrides) or C(master.cf) may be weaker than
        the floor of the profile.
      - They are named in a warning at every run.
    type: list
    elements: str
    default: []
  certificate_check:
    description:
      - What to do about a faulty certificate among O(policy.certificates), O(policy.sni) or
        O(submission.certificates) (missing, expired, for another name, without its intermediate, with another
        key, ...), or an inherited one with which TLS cannot work.
    type: str
    choices:
      error: Fail before anything is changed.
      warn: Warn.
      skip: Do not look.
    default: error
  resolver_check:
    description:
      - What to do where a level of DANE is chosen and the host's resolver is not on this host, or does not check
        DNSSEC, so that DANE would be worth nothing.
    type: str
    choices:
      error: Fail before anything is changed.
      warn: Warn.
      skip: Do not ask.
    default: error
  resolver_check_name:
    description:
      - A name in a signed zone that the resolver is asked for. The root does, except where the DNS is an own one.
    type: str
    default: "."
  owner:
    description:
      - The name under which parameters are recorded that O(parameters) wrote. One that a later run of the same
        owner does not name any more is removed.
      - Without it nothing is recorded.
    type: str
    default: ""
  apply:
    description:
      - Whether to change anything. V(false) validates the configuration as it is, asks the ports, and reports.
    type: bool
    default: true
  activate:
    description:
      - Whether to put the change into force.
    type: str
    choices:
      auto: Reload, or restart where needed, ask the ports, and put back on failure.
      none: >-
        Leave that to the caller; RV(activation_needed) says what is needed. New smtpd processes read the new
        C(main.cf) all the same.
    default: auto
  rehearse:
    description:
      - Whether to try the new configuration in a second C(master) first.
    type: bool
    default: true
  probe:
    description:
      - Whether to ask the mail ports before and after the change. Each is connected to at most twice before
        and twice after, which leaves lines in the mail log.
    type: bool
    default: true
  explain:
    description:
      - Whether to return RV(explain).
    type: bool
    default: false
extends_documentation_fragment:
  - hardened.mail.attributes
attributes:
  check_mode:
    details:
      - In check mode the new files are staged and validated; the rehearsal is not held.
  diff_mode:
    support: full
    details:
      - Values that hold a secret are masked.
notes:
  - Needs root, and Python 3.9 with its standard library on the host.
  - Backups are kept in C(/var/lib/hardened-mail/INSTANCE), C(original) from before the very first change and
    C(previous) from before the last one, INSTANCE being the path of the configuration directory with dashes.
seealso:
  - module: hardened.mail.starttls_info
"""

EXAMPLES = r"""
- name: Refuse VRFY and raise the TLS floor of port 25
  hardened.mail.postconf:
    parameters:
      disable_vrfy_command: true
      smtpd_tls_protocols: ">=TLSv1.2"
      smtpd_use_tls: null

- name: Call a milter besides those of the site
  hardened.mail.postconf:
    members:
      - parameter: smtpd_milters
        present: ["unix:signer/milter.sock"]

- name: Turn the submission service on
  hardened.mail.postconf:
    services:
      - name: submission
        command: smtpd
        overrides:
          syslog_name: postfix/submission
          smtpd_tls_security_level: encrypt

- name: Harden port 25 with a certificate
  hardened.mail.postconf:
    owner: postfix_tls
    policy:
      certificates:
        - certificate: /etc/ssl/mx1.example/fullchain.pem
          private_key: /etc/ssl/mx1.example/privkey.pem

- name: Let users send through ports 587 and 465, with addresses of their own
  hardened.mail.postconf:
    owner: postfix_submission
    submission:
      sender_login_maps: texthash:/etc/postfix/sender_logins

- name: Only look
  hardened.mail.postconf:
    apply: false
    policy: {}
"""

RETURN = r"""
missing:
  description: Whether Postfix is not installed. Nothing else is returned then.
  returned: always
  type: bool
  sample: false
version:
  description: The version of Postfix.
  returned: when Postfix is installed
  type: str
  sample: 3.10.13
tls_library:
  description: The TLS library that Postfix runs with.
  returned: when Postfix is installed
  type: str
  sample: OpenSSL 3.5.7
changes:
  description: Every setting that differs, secrets masked.
  returned: when Postfix is installed
  type: list
  elements: dict
  sample:
    - place: main.cf
      name: disable_vrfy_command
      before: null
      after: "yes"
weaker:
  description: Overrides below the floor of the profile that O(accept_weaker) accepts.
  returned: when Postfix is installed
  type: list
  elements: dict
  sample: []
problems:
  description: What is wrong with the configuration, with O(apply=false), or why the task failed.
  returned: when Postfix is installed
  type: list
  elements: str
  sample: []
rehearsal:
  description: Whether the rehearsal was held, why not, and how many seconds it took.
  returned: when something changed
  type: dict
  sample: {"held": true, "reason": "", "seconds": 2.5}
activation:
  description: What was done to put the change into force.
  returned: when Postfix is installed
  type: str
  sample: reload
activation_needed:
  description: What the caller must do to put the change into force.
  returned: when Postfix is installed
  type: str
  sample: none
probe:
  description: What each mail port did before and after.
  returned: when Postfix is installed
  type: list
  elements: dict
  sample: []
gap_seconds:
  description: For how many seconds a port may not have answered, when the change was put back.
  returned: when the change was put back
  type: float
  sample: 3.4
explain:
  description:
    - Every setting of the tables with its value, reason, source and who overrides it.
    - Those of O(submission) have the service in C(place).
  returned: when O(explain=true) and O(policy) or O(submission) is given
  type: list
  elements: dict
  sample:
    - parameter: disable_vrfy_command
      value: "yes"
      reason: VRFY tells strangers which addresses exist.
      overridden_by: null
"""

import traceback
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hardened.mail.plugins.module_utils.policy import explain, resolve
from ansible_collections.hardened.mail.plugins.module_utils.policy.submission_choices import (
    SubmissionChoices,
)
from ansible_collections.hardened.mail.plugins.module_utils.postfix import (
    files,
    main_cf,
    master_cf,
    master_cf_changes,
    plan,
    runner,
    survey,
    transaction,
    values,
    words,
)


class PostconfModule(AnsibleModule):
    """A module whose arguments may hold a password among many values that nobody need hide.

    Marking the options no_log would hide every value of every setting, in the diff too.
    """

    def _log_invocation(self) -> None:
        """Write no arguments to the system log of the host."""


def argument_spec() -> dict[str, t.Any]:
    """Return the argument spec; the documentation above describes it."""
    column = {"type": "str", "choices": ["y", "n", "-"]}
    services = {
        "name": {"type": "str", "required": True},
        "type": {
            "type": "str",
            "choices": ["inet", "unix", "fifo", "unix-dgram", "pass"],
            "default": "inet",
        },
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "private": column,
        "unprivileged": column,
        "chroot": column,
        "wakeup": {"type": "str"},
        "process_limit": {"type": "str"},
        "command": {"type": "str"},
        "arguments": {"type": "list", "elements": "str"},
        "overrides": {"type": "dict", "default": {}},
        "exclusive": {"type": "bool", "default": False},
    }
    members = {
        "parameter": {"type": "str", "required": True},
        "present": {"type": "list", "elements": "str", "default": []},
        "absent": {"type": "list", "elements": "str", "default": []},
    }
    certificates = {
        "certificate": {"type": "path", "required": True},
        "private_key": {"type": "path", "required": True, "no_log": False},
        "names": {"type": "list", "elements": "str", "default": []},
    }
    sni = {**certificates, "names": {"type": "list", "elements": "str", "required": True}}
    policies = {
        "destination": {"type": "str", "required": True},
        "level": {"type": "str", "required": True},
        "match": {"type": "list", "elements": "str", "default": []},
        "protocols": {"type": "str", "default": ""},
        "ciphers": {"type": "str", "default": ""},
        "exclude": {"type": "list", "elements": "str", "default": []},
        "servername": {"type": "str", "default": ""},
    }
    profile = {"type": "str", "choices": ["intermediate", "strict", "interop"]}
    policy = {
        "inbound_profile": {**profile, "default": "intermediate"},
        "outbound_profile": {**profile, "default": "interop"},
        "inbound_level": {"type": "str", "choices": ["may", "encrypt"], "default": "may"},
        "outbound_level": {
            "type": "str",
            "choices": ["may", "encrypt", "dane", "dane-only", "fingerprint", "verify", "secure"],
            "default": "may",
        },
        "certificates": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": certificates,
        },
        "sni": {"type": "list", "elements": "dict", "default": [], "options": sni},
        "smtp_hygiene": {"type": "bool", "default": True},
        "policies": {"type": "list", "elements": "dict", "default": [], "options": policies},
        "outbound_wrappermode": {"type": "bool"},
        "policy_server": {"type": "str", "default": ""},
        "policy_server_honours_dane": {"type": "bool", "default": False},
        "tlsrpt_socket": {"type": "str", "default": ""},
        "observe": {"type": "bool", "default": False},
    }
    return {
        "config_directory": {"type": "path", "default": "/etc/postfix"},
        "parameters": {"type": "dict", "default": {}},
        "members": {"type": "list", "elements": "dict", "default": [], "options": members},
        "services": {"type": "list", "elements": "dict", "default": [], "options": services},
        "policy": {"type": "dict", "options": policy},
        "submission": {"type": "dict", "options": submission_spec(certificates, profile)},
        "accept_weaker": {"type": "list", "elements": "str", "default": []},
        "certificate_check": {
            "type": "str",
            "choices": ["error", "warn", "skip"],
            "default": "error",
        },
        "resolver_check": {
            "type": "str",
            "choices": ["error", "warn", "skip"],
            "default": "error",
        },
        "resolver_check_name": {"type": "str", "default": "."},
        "owner": {"type": "str", "default": ""},
        "apply": {"type": "bool", "default": True},
        "activate": {"type": "str", "choices": ["auto", "none"], "default": "auto"},
        "rehearse": {"type": "bool", "default": True},
        "probe": {"type": "bool", "default": True},
        "explain": {"type": "bool", "default": False},
    }


def submission_spec(
    certificates: t.Mapping[str, t.Any], profile: t.Mapping[str, t.Any]
) -> dict[str, t.Any]:
    """Return the argument spec of O(submission)."""
    switches = {
        "starttls": True,
        "implicit_tls": True,
        "remove": False,
        "auth_on_25": False,
        "authenticated_header": False,
        "hide_client": True,
    }
    limits = (
        "auth_rate_limit",
        "connection_rate_limit",
        "message_rate_limit",
        "recipient_rate_limit",
        "recipient_limit",
        "message_size_limit",
    )
    return {
        **{name: {"type": "bool", "default": value} for name, value in switches.items()},
        **{name: {"type": "int"} for name in limits},
        "profile": {**profile, "default": "intermediate"},
        "certificates": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": certificates,
        },
        "sasl_type": {"type": "str", "choices": ["auto", "dovecot", "cyrus"], "default": "auto"},
        "sasl_path": {"type": "str", "default": ""},
        "sender_login_maps": {"type": "str", "default": ""},
        "sender_login_check": {
            "type": "str",
            "choices": [
                "reject_sender_login_mismatch",
                "reject_authenticated_sender_login_mismatch",
                "reject_known_sender_login_mismatch",
            ],
            "default": "reject_sender_login_mismatch",
        },
        "overrides": {"type": "dict", "default": {}},
    }


def value_text(value: object) -> t.Optional[str]:
    """Return what to write for a value of YAML; None removes the parameter."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(str(one) for one in value)
    return str(value)


def service_change(options: t.Mapping[str, t.Any]) -> master_cf_changes.ServiceChange:
    """Return the change that one element of O(services) asks for."""
    return master_cf_changes.ServiceChange(
        name=options["name"],
        type=options["type"],
        present=options["state"] == "present",
        command=options["command"],
        arguments=None if options["arguments"] is None else tuple(options["arguments"]),
        fields={name: options[name] for name in master_cf.FIELDS if options[name] is not None},
        overrides={name: value_text(value) for name, value in options["overrides"].items()},
        exclusive=options["exclusive"],
    )


def certificates_of(
    options: t.Mapping[str, t.Any], name: str
) -> tuple[resolve.CertificateChoice, ...]:
    """Return the certificates that the suboption *name* lists."""
    return tuple(
        resolve.CertificateChoice(one["certificate"], one["private_key"], tuple(one["names"]))
        for one in options[name]
    )


def submission_of(
    options: t.Optional[t.Mapping[str, t.Any]],
) -> t.Optional[SubmissionChoices]:
    """Return the choices that O(submission) makes."""
    if options is None:
        return None
    overrides = {name: value_text(value) for name, value in options["overrides"].items()}
    return SubmissionChoices(
        **{
            **options,
            "certificates": certificates_of(options, "certificates"),
            "overrides": overrides,
        }
    )


def choices_of(options: t.Optional[t.Mapping[str, t.Any]]) -> t.Optional[resolve.Choices]:
    """Return the choices that O(policy) makes."""
    if options is None:
        return None
    certificates, sni = certificates_of(options, "certificates"), certificates_of(options, "sni")
    policies = tuple(
        resolve.Policy(**{**one, "match": tuple(one["match"]), "exclude": tuple(one["exclude"])})
        for one in options["policies"]
    )
    return resolve.Choices(
        **{**options, "certificates": certificates, "sni": sni, "policies": policies}
    )


def request_of(module: AnsibleModule) -> survey.Request:
    """Return the request that the task makes."""
    p = module.params
    return survey.Request(
        config_directory=p["config_directory"],
        parameters={name: value_text(value) for name, value in p["parameters"].items()},
        members=tuple(
            words.Members(one["parameter"], tuple(one["present"]), tuple(one["absent"]))
            for one in p["members"]
        ),
        services=tuple(service_change(options) for options in p["services"]),
        choices=choices_of(p["policy"]),
        submission=submission_of(p["submission"]),
        accept_weaker=frozenset(p["accept_weaker"]),
        certificate_check=p["certificate_check"],
        resolver_check=p["resolver_check"],
        resolver_check_name=p["resolver_check_name"],
        owner=p["owner"],
        apply=p["apply"],
        activate=p["activate"],
        rehearse=p["rehearse"],
        probe=p["probe"],
        check_mode=module.check_mode,
    )


def result_of(found: survey.Survey, outcome: transaction.Outcome) -> dict[str, t.Any]:
    """Return the result of the module, without what diff and explain add."""
    return {
        "changed": outcome.changed,
        "missing": False,
        "version": str(found.snapshot.version),
        "tls_library": str(found.snapshot.tls_library),
        "changes": [plan.masked_change(change) for change in found.plan.changes],
        "weaker": [one._asdict() for one in found.weaker],
        "problems": outcome.problems,
        "rehearsal": outcome.rehearsal,
        "activation": outcome.activation,
        "activation_needed": outcome.activation_needed,
        "probe": outcome.probe,
    }


def diff_of(found: survey.Survey) -> list[dict[str, str]]:
    """Return the diff of every file that changes, secrets masked."""
    masks = {"main.cf": plan.masked_main, "master.cf": plan.masked_master}
    diffs = []
    for change in found.changes:
        mask = masks.get(change.path.rpartition("/")[2], str)
        diffs.append(
            {
                "before_header": change.path,
                "after_header": change.path,
                "before": mask(survey.decode(change.before or b"")),
                "after": mask(survey.decode(change.after or b"")),
            }
        )
    return diffs


def invocation_of(module: AnsibleModule) -> dict[str, t.Any]:
    """Return the arguments for the result, secrets masked; Ansible would show them as they are."""
    shown = dict(module.params)
    shown["parameters"] = _masked(shown["parameters"])
    shown["services"] = [
        {**options, "overrides": _masked(options["overrides"])} for options in shown["services"]
    ]
    if shown["submission"] is not None:
        own = _masked(shown["submission"]["overrides"])
        shown["submission"] = {**shown["submission"], "overrides": own}
    return {"module_args": shown}


def _masked(options: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    masks = {name: (value_text(value), value) for name, value in options.items()}
    return {
        name: value
        if text is None or values.masked(name, text) == text
        else values.masked(name, text)
        for name, (text, value) in masks.items()
    }


def warn_of(module: AnsibleModule, found: survey.Survey, outcome: transaction.Outcome) -> None:
    """Show what an operator should see at every run."""
    for one in found.weaker:
        module.warn(
            f"{one.parameter} = {one.value} is below the floor by your choice: {one.reason}"
        )
    for note in found.notes:
        module.warn(f"{note.parameter}: {note.text}")
    for warning in dict.fromkeys(outcome.warnings):
        module.warn(warning)


def main() -> None:
    """Run the module."""
    module = PostconfModule(argument_spec=argument_spec(), supports_check_mode=True)
    request = request_of(module)
    shown = invocation_of(module)
    try:
        found, outcome = transaction.run(request)
    except runner.PostfixMissing:
        module.exit_json(changed=False, missing=True)
    except transaction.TransactionFailed as error:
        module.fail_json(
            msg=str(error), missing=False, changed=error.changed, invocation=shown, **error.details
        )
    except (runner.PostconfFailed, main_cf.ConfigSyntaxError, resolve.ChoiceError) as error:
        module.fail_json(msg=f"{error}. Nothing was changed.", missing=False, invocation=shown)
    except (files.FileProblem, survey.RequestProblem) as error:
        module.fail_json(msg=str(error), missing=False, invocation=shown)
    except Exception:  # noqa: BLE001 - the border: even an error of ours says what was changed
        module.fail_json(
            msg="An error in hardened.mail.postconf itself. If it came in the middle of a change, the next "
            "run puts back what was half done.",
            exception=traceback.format_exc(),
            invocation=shown,
        )
    result = result_of(found, outcome)
    warn_of(module, found, outcome)
    if module._diff:  # noqa: SLF001 - the only way to learn whether a diff is wanted
        result["diff"] = diff_of(found)
    if module.params["explain"]:
        current = {c.name: c.before for c in found.plan.changes if c.before is not None}
        result["explain"] = explain.explain(
            found.decisions,
            overrides=request.parameters,
            current={**found.snapshot.explicit, **current},
        )
        if found.submission is not None:
            result["explain"] += explain.explain_services(
                found.submission.decisions,
                overrides=request.submission.overrides if request.submission else {},
                current=found.snapshot.overrides,
            )
    module.exit_json(**result, invocation=shown)


if __name__ == "__main__":
    main()
