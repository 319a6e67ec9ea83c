#!/usr/bin/python
# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: doveconf
short_description: Harden TLS and logins of Dovecot as one transaction
version_added: "0.1.0"
author:
  - The hardened.mail authors (@hardened-mail)
description:
  - Writes one file of settings, C(conf.d/99-hardened-mail.conf), in the words of the installed Dovecot 2.3 or 2.4. The settings
    come from the table of the collection, which is what the role C(hardened.mail.dovecot_auth) applies.
  - A chosen password or user database is the only one. Others are made comments in the file where they stand, and come back
    when V(existing) is chosen; everything else in the configuration stays byte for byte.
  - The new configuration is staged in a private directory and judged by the real C(doveconf). A setting that a later file of
    the site, or a section for some connections, sets otherwise fails the task, because it would not count.
  - Then the files are replaced by renaming, with a journal, so that a run that is killed leaves each file whole and the next run
    puts back what was half done.
  - Then Dovecot is reloaded, and its ports and the login socket for Postfix are asked. When a port that answered before does not
    answer now, the old files are put back and the task fails.
  - Passwords go to the host's C(doveadm pw) on its standard input. Neither they nor hashes are ever in an argument list, a
    result, a diff or a log.
options:
  config_file:
    description:
      - The configuration of Dovecot.
    type: path
    default: /etc/dovecot/dovecot.conf
  profile:
    description:
      - What mail programs may negotiate.
    type: str
    choices:
      intermediate: TLS 1.2 and later with ECDHE and AEAD only.
      strict: As intermediate, without signatures with SHA-1 and with larger keys.
    default: intermediate
  certificates:
    description:
      - Server certificates, at most one for each type of key, and at most two. When empty, the configured ones stay.
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
          - The host names that the certificate must be valid for. When empty, no name is looked for.
        type: list
        elements: str
        default: []
  certificate_check:
    description:
      - What to do about a faulty certificate among O(certificates) and O(sni), or an inherited one with which TLS cannot work.
    type: str
    choices:
      error: Fail before anything is changed.
      warn: Warn.
      skip: Do not look.
    default: error
  sni:
    description:
      - Certificates for mail programs that ask for other host names.
    type: list
    elements: dict
    default: []
    suboptions:
      names:
        description:
          - The host names that mail programs connect to.
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
  postfix_config_directory:
    description:
      - The configuration directory of the Postfix that asks for logins.
    type: path
    default: /etc/postfix
  postfix_socket:
    description:
      - The socket at which Postfix asks for logins, under its queue directory, which C(postconf) is asked for.
      - There is none when it is empty.
    type: dict
    suboptions:
      path:
        description:
          - The path, relative to the queue directory.
        type: str
        default: private/auth
      owner:
        description:
          - The owner; empty for C(mail_owner) of Postfix.
        type: str
        default: ""
      group:
        description:
          - The group; empty for that of C(mail_owner).
        type: str
        default: ""
      mode:
        description:
          - The mode.
        type: str
        choices: ["0600", "0660"]
        default: "0660"
  mechanisms:
    description:
      - The mechanisms of logging in.
    type: list
    elements: str
    choices: [plain, login, scram-sha-1, scram-sha-256, oauthbearer, xoauth2, gssapi, gss-spnego, external]
    default: [plain, login]
  failure_delay:
    description:
      - For how many seconds the answer to a wrong password is held back.
    type: int
    default: 2
  penalty:
    description:
      - Whether an address from which wrong passwords came has to wait longer each time.
    type: bool
    default: true
  max_connections:
    description:
      - How many connections one user may have from one address, for each protocol.
    type: int
    default: 10
  passdb:
    description:
      - Where passwords are.
    type: str
    choices:
      existing: The databases of the site stay as they are.
      passwd_file: In a file that is written from O(users).
      pam: In the system's own accounts.
      sql: In a database.
      ldap: In a directory.
    default: existing
  keep_passdbs:
    description:
      - Password databases of the site that stay on beside the chosen one, by their driver or, with Dovecot 2.4, their name.
    type: list
    elements: str
    default: []
  userdb:
    description:
      - Where the home and the user id of somebody who reads mail come from.
    type: str
    choices:
      existing: The databases of the site stay as they are.
      system: From the system's own accounts.
      static: All mail belongs to one account, O(userdb_static).
      sql: From the database of O(sql).
      ldap: From the directory of O(ldap).
    default: existing
  userdb_static:
    description:
      - The account that owns all mail.
    type: dict
    suboptions:
      uid:
        description:
          - The user.
        type: str
      gid:
        description:
          - The group.
        type: str
      home:
        description:
          - The home; C(%u) stands for the user, C(%n) for what is before the C(@), C(%d) for the domain.
        type: str
  users:
    description:
      - The users of V(passwd_file); whoever is not in the list cannot log in any more.
      - An empty list is refused, unless a database of O(keep_passdbs) stays that lets people in.
      - A name may have blanks, an C(@) and letters beyond ASCII, and no colon. Names that differ in case only are the same user.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description:
          - The name to log in with.
        type: str
        required: true
      password:
        description:
          - The password.
          - An unchanged password is recognised with a seal that is kept in a file of root's, and its hash stays.
        type: str
      hash:
        description:
          - A hash with its scheme, as C(doveadm pw) prints it.
        type: str
  users_file:
    description:
      - The file with names and hashes, mode 0640. A file that somebody else wrote is not replaced.
    type: path
    default: /etc/dovecot/hardened-mail.users
  password_scheme:
    description:
      - How new passwords are hashed.
      - V(auto) is the first that the host's Dovecot has of the others, from left to right.
    type: str
    choices: [auto, ARGON2ID, BLF-CRYPT, SHA512-CRYPT]
    default: auto
  pam_service:
    description:
      - The service of PAM, for V(pam).
    type: str
    default: dovecot
  sql:
    description:
      - The database, for V(sql). What is secret in it comes to a file with mode 0600.
    type: dict
    suboptions:
      driver:
        description:
          - The kind of database.
        type: str
        choices: [pgsql, mysql, sqlite]
      path:
        description:
          - The file of an SQLite database.
        type: path
        default: ""
      host:
        description:
          - Where the server is.
        type: str
        default: ""
      port:
        description:
          - The port of the server.
        type: int
        default: 0
      database:
        description:
          - The name of the database.
        type: str
        default: ""
      user:
        description:
          - The account at the server.
        type: str
        default: ""
      password:
        description:
          - Its password.
        type: str
        default: ""
      password_query:
        description:
          - The query for a password, with C(%u), C(%n) and C(%d) as in Dovecot 2.3; they are translated for 2.4.
        type: str
        default: ""
      user_query:
        description:
          - The query for C(home), C(uid) and C(gid).
        type: str
        default: ""
  ldap:
    description:
      - The directory, for V(ldap). The server checks the password, by a bind as the user.
    type: dict
    suboptions:
      uris:
        description:
          - The servers.
        type: list
        elements: str
      base:
        description:
          - Where the users are.
        type: str
        default: ""
      bind_dn:
        description:
          - The account that looks for users; none is anonymous.
        type: str
        default: ""
      bind_password:
        description:
          - Its password.
        type: str
        default: ""
      starttls:
        description:
          - Whether to speak TLS to an C(ldap://) server.
        type: bool
        default: false
      ca_file:
        description:
          - The root that the server's certificate must come from.
        type: path
        default: ""
      filter:
        description:
          - How a user is found.
        type: str
        default: (&(objectClass=posixAccount)(uid=%u))
  apply:
    description:
      - Whether to change anything. V(false) says what differs and what is wrong.
    type: bool
    default: true
  activate:
    description:
      - Whether to put the change into force.
    type: str
    choices:
      auto: Reload, or restart where that is needed, ask the ports and the socket, and put back on failure.
      none: Leave that to the caller; RV(activation_needed) says what is needed.
    default: auto
  probe:
    description:
      - Whether to ask the ports and the socket before and after the change, which leaves lines in the mail log.
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
      - In check mode the new files are staged and validated, and no password is hashed.
  diff_mode:
    support: full
    details:
      - Hashes and whatever is secret are masked.
notes:
  - Needs root, and Python 3.9 with its standard library on the host.
  - Backups are kept in C(/var/lib/hardened-mail/etc-dovecot), C(original) from before the very first change and C(previous) from
    before the last one.
  - There is no rehearsal as with M(hardened.mail.postconf). What only a login process would refuse is found by asking the ports.
seealso:
  - module: hardened.mail.dovecot_validate
  - module: hardened.mail.postconf
"""

EXAMPLES = r"""
- name: Demand TLS, and give Postfix its login socket
  hardened.mail.doveconf:
    postfix_socket:
      path: private/auth
    certificates:
      - certificate: /etc/ssl/mx1.example/fullchain.pem
        private_key: /etc/ssl/mx1.example/privkey.pem

- name: Let two people log in, and nobody else
  hardened.mail.doveconf:
    passdb: passwd_file
    users:
      - name: alice
        password: "{{ vault_alice }}"
      - name: bob@example.com
        hash: "{{ vault_bob_hash }}"

- name: Only look
  hardened.mail.doveconf:
    apply: false
"""

RETURN = r"""
missing:
  description: Whether Dovecot is not installed. Nothing else is returned then.
  returned: always
  type: bool
  sample: false
version:
  description: The version of Dovecot.
  returned: when Dovecot is installed
  type: str
  sample: 2.4.1
changes:
  description:
    - What differs. C(place) is a file, with the section; of a user only the scheme of the hash is told.
  returned: when Dovecot is installed
  type: list
  elements: dict
  sample:
    - place: /etc/dovecot/conf.d/99-hardened-mail.conf
      name: ssl
      before: "yes"
      after: required
    - place: /etc/dovecot/conf.d/auth-system.conf.ext
      name: passdb pam
      before: "on"
      after: "off"
problems:
  description: What is wrong with the configuration, with O(apply=false), or why the task failed.
  returned: when Dovecot is installed
  type: list
  elements: str
  sample: []
activation:
  description: What was done to put the change into force.
  returned: when Dovecot is installed
  type: str
  sample: reload
activation_needed:
  description: What the caller must do to put the change into force.
  returned: when Dovecot is installed
  type: str
  sample: none
probe:
  description: What each port did before and after.
  returned: when Dovecot is installed
  type: list
  elements: dict
  sample: []
gap_seconds:
  description: For how many seconds a port may not have answered, when the change was put back.
  returned: when the change was put back
  type: float
  sample: 1.4
explain:
  description: Every setting that is written, with its value, reason and source.
  returned: when O(explain=true)
  type: list
  elements: dict
  sample:
    - section: ""
      name: ssl
      value: required
      reason: Nobody logs in without TLS; who sits between mail program and server cannot take it away.
      source: RFC 8314 section 4.1; Dovecot, SSL/TLS configuration
"""

import traceback
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hardened.mail.plugins.module_utils.dovecot import (
    hashing,
    runner,
    show,
    survey,
    transaction,
    user_list,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy import dovecot_choices, profiles
from ansible_collections.hardened.mail.plugins.module_utils.postfix import files


def argument_spec() -> dict[str, t.Any]:
    """Return the argument spec; the documentation above describes it."""
    text = {"type": "str", "default": ""}
    path = {"type": "path", "required": True}
    pair = {"certificate": path, "private_key": {**path, "no_log": False}}
    names = {"type": "list", "elements": "str"}
    secret = {**text, "no_log": True}
    sql = {
        "driver": {"type": "str", "choices": ["pgsql", "mysql", "sqlite"]},
        "path": {"type": "path", "default": ""},
        "port": {"type": "int", "default": 0},
        "password": secret,
        **dict.fromkeys(("host", "database", "user", "user_query"), text),
        "password_query": {**text, "no_log": False},
    }
    ldap = {
        "uris": {"type": "list", "elements": "str"},
        "bind_password": secret,
        "starttls": {"type": "bool", "default": False},
        "ca_file": {"type": "path", "default": ""},
        "filter": {"type": "str", "default": dovecot_choices.LdapChoice.filter},
        **dict.fromkeys(("base", "bind_dn"), text),
    }
    return {
        "config_file": {"type": "path", "default": "/etc/dovecot/dovecot.conf"},
        "profile": {
            "type": "str",
            "choices": ["intermediate", "strict"],
            "default": "intermediate",
        },
        "certificates": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {**pair, "names": {**names, "default": []}},
        },
        "certificate_check": {
            "type": "str",
            "choices": ["error", "warn", "skip"],
            "default": "error",
        },
        "sni": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {**pair, "names": {**names, "required": True}},
        },
        **_login_spec(text),
        "sql": {"type": "dict", "options": sql},
        "ldap": {"type": "dict", "options": ldap},
        "apply": {"type": "bool", "default": True},
        "activate": {"type": "str", "choices": ["auto", "none"], "default": "auto"},
        "probe": {"type": "bool", "default": True},
        "explain": {"type": "bool", "default": False},
    }


def _login_spec(text: dict[str, t.Any]) -> dict[str, t.Any]:
    socket = {
        "path": {"type": "str", "default": "private/auth"},
        "owner": text,
        "group": text,
        "mode": {"type": "str", "choices": ["0600", "0660"], "default": "0660"},
    }
    secret = {"type": "str", "no_log": True}
    mechanisms = (
        "plain login scram-sha-1 scram-sha-256 oauthbearer xoauth2 gssapi gss-spnego external"
    )
    users = {"name": {"type": "str", "required": True}, "password": secret, "hash": secret}
    return {
        "postfix_config_directory": {"type": "path", "default": "/etc/postfix"},
        "postfix_socket": {"type": "dict", "options": socket},
        "mechanisms": {
            "type": "list",
            "elements": "str",
            "choices": mechanisms.split(),
            "default": ["plain", "login"],
        },
        "failure_delay": {"type": "int", "default": 2},
        "penalty": {"type": "bool", "default": True},
        "max_connections": {"type": "int", "default": 10},
        "passdb": {
            "type": "str",
            "choices": list(dovecot_choices.PASSDBS),
            "default": "existing",
            "no_log": False,
        },
        "keep_passdbs": {"type": "list", "elements": "str", "default": [], "no_log": False},
        "userdb": {
            "type": "str",
            "choices": list(dovecot_choices.USERDBS),
            "default": "existing",
        },
        "userdb_static": {
            "type": "dict",
            "options": {name: {"type": "str"} for name in ("uid", "gid", "home")},
        },
        "users": {"type": "list", "elements": "dict", "default": [], "options": users},
        "users_file": {"type": "path", "default": "/etc/dovecot/hardened-mail.users"},
        "password_scheme": {
            "type": "str",
            "choices": ["auto", *hashing.SCHEMES],
            "default": "auto",
            "no_log": False,
        },
        "pam_service": {"type": "str", "default": "dovecot"},
    }


def choices_of(p: t.Mapping[str, t.Any]) -> dovecot_choices.DovecotChoices:
    """Return the choices that the task makes."""
    static, sql, ldap = p["userdb_static"], p["sql"], p["ldap"]
    return dovecot_choices.DovecotChoices(
        profile=p["profile"],
        certificates=tuple(
            profiles.CertificateChoice(one["certificate"], one["private_key"], tuple(one["names"]))
            for one in p["certificates"]
        ),
        sni=tuple(
            dovecot_choices.SniChoice(tuple(one["names"]), one["certificate"], one["private_key"])
            for one in p["sni"]
        ),
        mechanisms=tuple(p["mechanisms"]),
        failure_delay=p["failure_delay"],
        penalty=p["penalty"],
        max_connections=p["max_connections"],
        passdb=p["passdb"],
        keep_passdbs=tuple(p["keep_passdbs"]),
        userdb=p["userdb"],
        static=dovecot_choices.StaticUserdb(**static) if static and all(static.values()) else None,
        users_file=p["users_file"],
        pam_service=p["pam_service"],
        sql=dovecot_choices.SqlChoice(**sql) if sql and sql["driver"] else None,
        ldap=dovecot_choices.LdapChoice(**{**ldap, "uris": tuple(ldap["uris"])})
        if ldap and ldap["uris"]
        else None,
    )


def request_of(module: AnsibleModule) -> survey.Request:
    """Return the request that the task makes."""
    p = module.params
    socket = p["postfix_socket"]
    return survey.Request(
        choices=choices_of(p),
        config_file=p["config_file"],
        postfix_directory=p["postfix_config_directory"],
        socket=dovecot_choices.SocketChoice(**socket) if socket and socket["path"] else None,
        users=tuple(
            user_list.User(one["name"], one["password"] or "", one["hash"] or "")
            for one in p["users"]
        ),
        hashed_with=p["password_scheme"],
        certificate_check=p["certificate_check"],
        apply=p["apply"],
        activate=p["activate"],
        probe=p["probe"],
        check_mode=module.check_mode,
    )


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    try:
        found, outcome = transaction.run(request_of(module))
    except runner.DovecotMissing:
        module.exit_json(changed=False, missing=True)
    except transaction.TransactionFailed as error:
        module.fail_json(msg=str(error), missing=False, changed=error.changed, **error.details)
    except survey.DovecotBroken as error:
        module.fail_json(
            msg=f"Dovecot does not take its configuration as it is: {error}. Nothing was changed.",
            missing=False,
            problems=[str(error)],
        )
    except (profiles.ChoiceError, user_list.UserProblem, hashing.HashingFailed) as error:
        module.fail_json(msg=f"{error}. Nothing was changed.", missing=False)
    except (files.FileProblem, survey.RequestProblem) as error:
        module.fail_json(msg=str(error), missing=False)
    except Exception as error:  # noqa: BLE001 - the border: even an error of ours says what was changed
        module.fail_json(
            msg="An error in hardened.mail.doveconf itself. If it came in the middle of a change, the next run "
            "puts back what was half done.",
            # Without the message of the error: it may quote a value.
            exception="".join(traceback.format_tb(error.__traceback__)) + type(error).__name__,
        )
    result = show.result_of(found, outcome, explain=module.params["explain"])
    for warning in dict.fromkeys(outcome.warnings):
        module.warn(warning)
    if module._diff:  # noqa: SLF001 - the only way to learn whether a diff is wanted
        result["diff"] = show.diff_of(found)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
