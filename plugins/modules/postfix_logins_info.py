#!/usr/bin/python
# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: postfix_logins_info
short_description: Tell from the mail log who logs in at Postfix where, and who would be cut off
version_added: "0.1.0"
author:
  - The hardened.mail authors (@hardened-mail)
description:
  - Reads the mail log and reports which users sent mail after a login, from which client, through which service, and with
    which version of TLS; port 25 is among them.
  - Tells which of them the role C(hardened.mail.postfix_submission) would cut off, such as old printers that know no
    TLS 1.2, and users of port 25.
  - Postfix logs the name of a user with each message only. Sessions with a login and no message are counted without names,
    and then nobody is sure that nobody would be cut off.
  - Postfix does not log the port. Services are told apart by their C(syslog_name); where two share one, it is not known
    which was used.
  - What the log cannot tell is V(unknown), never V(none).
  - It changes nothing.
notes:
  - Reads the same logs as M(hardened.mail.postfix_tls_sessions_info).
  - Only root or a member of the groups C(adm) or C(systemd-journal) can read the log on most systems.
options:
  config_directory:
    description:
      - The configuration directory of the instance to report on.
    type: path
    default: /etc/postfix
  since:
    description:
      - How many days to look back. The log may not reach so far back; RV(period) says how far it does.
    type: int
    default: 30
  log_files:
    description:
      - Read these files only, the oldest first, and not the journal.
      - Names that end in C(.gz), C(.xz) or C(.bz2) are decompressed.
    type: list
    elements: path
    default: []
  profile:
    description:
      - The profile that ports 587 and 465 are going to have.
    type: str
    choices:
      intermediate: TLS 1.2 or newer, ECDHE with AEAD only.
      strict: For sessions the same as V(intermediate).
      interop: TLS 1.0 or newer, without suites that are broken or have no certificate.
    default: intermediate
  auth_on_25:
    description:
      - Whether port 25 is going to keep its logins.
    type: bool
    default: false
  max_rows:
    description:
      - How many rows RV(logins) and RV(cut_off) have at most, the most frequent first.
    type: int
    default: 100
extends_documentation_fragment:
  - hardened.mail.attributes
  - hardened.mail.attributes.read_only
seealso:
  - module: hardened.mail.postconf
  - module: hardened.mail.postfix_tls_sessions_info
"""

EXAMPLES = r"""
- name: See who logs in where
  hardened.mail.postfix_logins_info:
  register: logins

- name: Go on only when it is known that nobody would be cut off
  ansible.builtin.assert:
    that: logins.answer == "none"
    fail_msg: "{{ logins.reason }}"
"""

RETURN = r"""
missing:
  description: Whether Postfix is not installed. Nothing else is returned then.
  returned: always
  type: bool
  sample: false
period:
  description: How far the log reaches within O(since), in UTC; V(null) when it is empty.
  returned: when Postfix is installed
  type: dict
  sample:
    since: "2026-10-24T05:08:30Z"
    first: "2026-11-20T06:25:01Z"
    last: "2026-11-23T05:08:11Z"
sources:
  description: What was read, names of files and C(journal).
  returned: when Postfix is installed
  type: list
  elements: str
  sample: [journal]
problems:
  description: What could not be read, and why.
  returned: when Postfix is installed
  type: list
  elements: str
  sample: []
answer:
  description:
    - Whether anybody would be cut off, V(some), V(none) or V(unknown).
    - V(none) is said only when there were logins and the log tells service and TLS of each.
  returned: when Postfix is installed
  type: str
  sample: some
reason:
  description: What the answer rests on, or why it is unknown or may be incomplete.
  returned: when Postfix is installed
  type: str
  sample: 1 combinations of user and client were seen
logins:
  description: Who sent mail after a login, the most frequent first.
  returned: when Postfix is installed
  type: list
  elements: dict
  contains:
    user:
      description: The login name.
      type: str
    client:
      description: Name and address of the client, or its address.
      type: str
    log_name:
      description: The C(syslog_name) under which it was logged.
      type: str
    services:
      description: The services of C(master.cf) that log under this name now.
      type: list
      elements: str
    ports:
      description: Their ports.
      type: list
      elements: str
    tls:
      description: The version of TLS, V(none) without TLS, V(null) where the log does not tell.
      type: str
    cipher:
      description: OpenSSL's name of the cipher suite, or V(null).
      type: str
    sessions:
      description: The number of sessions.
      type: int
    first:
      description: When the first of them ended, in UTC.
      type: str
    last:
      description: When the last of them ended, in UTC.
      type: str
    cut_off_because:
      description: Why these logins would not work any more, or V(null).
      type: str
    unknown_because:
      description: Why it is not known whether they would, or V(null).
      type: str
  sample:
    - user: printer
      client: 192.0.2.7
      log_name: postfix/submission
      services: [submission/inet]
      ports: ["587"]
      tls: TLSv1
      cipher: ECDHE-RSA-AES256-SHA
      sessions: 12
      first: "2026-11-22T11:00:02Z"
      last: "2026-11-22T12:00:02Z"
      cut_off_because: TLSv1 is older than TLSv1.2
      unknown_because: null
cut_off:
  description: The rows of RV(logins) that would be cut off.
  returned: when Postfix is installed
  type: list
  elements: dict
  sample: []
logins_left_out:
  description: Number of rows that RV(logins) has no place for.
  returned: when Postfix is installed
  type: int
  sample: 0
sessions:
  description: Number of sessions in which a user sent mail.
  returned: when Postfix is installed
  type: int
  sample: 12
nameless_sessions:
  description: Number of sessions with a login and no message.
  returned: when Postfix is installed
  type: int
  sample: 0
failed_logins:
  description: Number of logins that were refused.
  returned: when Postfix is installed
  type: int
  sample: 0
failed_by_log_name:
  description: The same for each C(syslog_name).
  returned: when Postfix is installed
  type: dict
  sample: {}
"""

import typing as t
from datetime import datetime, timedelta, timezone

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hardened.mail.plugins.module_utils.policy import (
    profiles,
    submission_settings,
)
from ansible_collections.hardened.mail.plugins.module_utils.postfix import (
    files,
    log_files,
    login_log,
    mail_log,
    main_cf,
    master_cf,
    runner,
    survey,
)

ARGUMENT_SPEC: t.Final[dict[str, t.Any]] = {
    "config_directory": {"type": "path", "default": "/etc/postfix"},
    "since": {"type": "int", "default": 30},
    "log_files": {"type": "list", "elements": "path", "default": []},
    "profile": {
        "type": "str",
        "choices": ["intermediate", "strict", "interop"],
        "default": "intermediate",
    },
    "auth_on_25": {"type": "bool", "default": False},
    "max_rows": {"type": "int", "default": 100},
}


def plans_of(params: t.Mapping[str, t.Any]) -> login_log.Plans:
    """Return what is going to hold with the chosen profile."""
    profile = profiles.PROFILES[params["profile"]]
    words = submission_settings.INTEROP_EXCLUDED.replace(",", " ").split()
    floor = mail_log.Floor(
        oldest_protocol=profile.oldest_protocol,
        suites=profile.suites,
        excluded=tuple(words) if profile.suites is None else (),
    )
    return login_log.Plans(floor, auth_on_25=params["auth_on_25"])


def read(params: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return the result of the module; see runner.read() for what is raised."""
    directory = params["config_directory"]
    snapshot = runner.read(directory)
    path = f"{directory}/master.cf"
    services = master_cf.parse(survey.decode(files.read_bytes(path) or b""), file=path)
    since = datetime.now(timezone.utc).astimezone() - timedelta(days=params["since"])
    reading = log_files.Reading()
    names = mail_log.log_names(services=services, effective=snapshot.effective)
    tally = login_log.LoginTally(names=names, since=since)
    for text, newest in log_files.lines(
        since=since, effective=snapshot.effective, explicit=params["log_files"], reading=reading
    ):
        tally.add(text, newest=newest)
    return {
        "missing": False,
        "period": {
            "since": mail_log.iso(since),
            "first": mail_log.iso(tally.first),
            "last": mail_log.iso(tally.last),
        },
        "sources": reading.sources,
        "problems": reading.problems,
        **login_log.report(
            tally,
            known=login_log.doors(services, effective=snapshot.effective),
            plans=plans_of(params),
            max_rows=params["max_rows"],
        ),
    }


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    for name in ("since", "max_rows"):
        if module.params[name] < 1:
            module.fail_json(msg=f"{name} must be at least 1, not {module.params[name]}.")
    try:
        result = read(module.params)
    except runner.PostfixMissing:
        module.exit_json(changed=False, missing=True)
    except (runner.PostconfFailed, main_cf.ConfigSyntaxError, files.FileProblem) as error:
        module.fail_json(msg=f"Cannot read the configuration of Postfix: {error}", missing=False)
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
