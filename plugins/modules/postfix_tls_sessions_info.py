#!/usr/bin/python
# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: postfix_tls_sessions_info
short_description: Tell from the mail log which peers used which TLS protocol and cipher
version_added: "0.1.0"
author:
  - The hardened.mail authors (@hardened-mail)
description:
  - Reads the mail log and reports which peers used which TLS protocol and cipher suite, incoming (C(smtpd), also behind
    C(postscreen)) and outgoing (C(smtp)).
  - Tells which of these sessions a profile of the collection would refuse. This is what to look at before a profile is raised.
  - Postfix logs a handshake only when C(smtpd_tls_loglevel) or C(smtp_tls_loglevel) is at least 1. Where that is not so, or was not
    so for a part of the period, the answer is V(unknown), never V(none).
  - A session that used what a profile refuses does not mean that its peer can do no better; the peer may have had no reason to.
  - It changes nothing.
notes:
  - Sessions without TLS are not counted.
  - Reads, in this order of time, C(maillog_file) or the file of a syslog daemon with its rotated and compressed copies, and the
    journal for what is older or newer than these files.
  - Files that were compressed with C(zstd) or C(lz4) cannot be read and are named in RV(problems).
  - The log is read as a stream. At most 10000 counters are kept; peers beyond that are counted together as C((others)).
  - A log of ten million lines takes about half a minute.
  - Only root or a member of the groups C(adm) or C(systemd-journal) can read the log on most systems.
options:
  config_directory:
    description:
      - The configuration directory of the instance to report on.
    type: path
    default: /etc/postfix
  since:
    description:
      - How many days to look back.
      - The log may not reach so far back; RV(period) says how far it does.
    type: int
    default: 30
  log_files:
    description:
      - Read these files only, the oldest first, and not the journal.
      - Names that end in C(.gz), C(.xz) or C(.bz2) are decompressed.
    type: list
    elements: path
    default: []
  inbound_profile:
    description:
      - The profile that incoming sessions are measured against.
    type: str
    choices:
      intermediate: TLS 1.2 or newer, ECDHE with AEAD only.
      strict: For sessions the same as V(intermediate).
      interop: TLS 1.0 or newer, without suites that are broken or have no certificate.
    default: intermediate
  outbound_profile:
    description:
      - The profile that outgoing sessions are measured against.
    type: str
    choices:
      intermediate: TLS 1.2 or newer, ECDHE with AEAD only.
      strict: For sessions the same as V(intermediate).
      interop: TLS 1.0 or newer.
    default: interop
  max_peers:
    description:
      - How many rows RV(inbound.peers), RV(inbound.refused) and those of RV(outbound) have at most, the most frequent first.
    type: int
    default: 100
extends_documentation_fragment:
  - hardened.mail.attributes
  - hardened.mail.attributes.read_only
seealso:
  - module: hardened.mail.postconf
"""

EXAMPLES = r"""
- name: See which peers the intermediate profile would refuse
  hardened.mail.postfix_tls_sessions_info:
    outbound_profile: intermediate
  register: tls_sessions

- name: Go on only when it is known that no peer would be refused
  ansible.builtin.assert:
    that:
      - tls_sessions.inbound.answer == "none"
      - tls_sessions.outbound.answer == "none"
    fail_msg: "{{ tls_sessions.inbound.reason }}; {{ tls_sessions.outbound.reason }}"

- name: Look into logs that were copied from elsewhere
  hardened.mail.postfix_tls_sessions_info:
    since: 365
    log_files:
      - /srv/logs/mail.log.1.gz
      - /srv/logs/mail.log
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
  contains:
    since:
      description: From when on lines were looked at.
      type: str
    first:
      description: The first line.
      type: str
    last:
      description: The last line about a connection.
      type: str
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
inbound:
  description: Sessions that peers opened with this server.
  returned: when Postfix is installed
  type: dict
  contains:
    answer:
      description:
        - Whether O(inbound_profile) would refuse any of the sessions.
        - V(none) is said only when TLS logging is on, was on for the whole period, and there were sessions.
      type: str
    reason:
      description: What the answer rests on, or why it is unknown or may be incomplete.
      type: str
    tls_logging:
      description: Whether handshakes are logged now, V(on), V(off), or V(partly) for some services.
      type: str
    sessions:
      description: Number of TLS sessions seen.
      type: int
    unlogged_sessions:
      description: Number of sessions with STARTTLS of which protocol and cipher were not logged.
      type: int
    refused_sessions:
      description: Number of sessions that the profile would refuse.
      type: int
    first:
      description: When the first TLS session was, in UTC.
      type: str
    last:
      description: When the last TLS session was, in UTC.
      type: str
    combinations:
      description: Number of sessions for each protocol and cipher.
      type: list
      elements: dict
      contains:
        protocol:
          description: The protocol.
          type: str
        cipher:
          description: OpenSSL's name of the cipher suite.
          type: str
        sessions:
          description: Number of sessions.
          type: int
    peers:
      description:
        - Peers with protocol and cipher, those with the most sessions first.
        - A peer is named by its domain, which is its name without the first label, or by its address when it has no name.
      type: list
      elements: dict
      contains:
        peer:
          description: Domain or address.
          type: str
        protocol:
          description: The protocol.
          type: str
        cipher:
          description: OpenSSL's name of the cipher suite.
          type: str
        sessions:
          description: Number of sessions.
          type: int
        first:
          description: When the first of them was, in UTC.
          type: str
        last:
          description: When the last of them was, in UTC.
          type: str
        refused_because:
          description: Why the profile would refuse them, or V(null).
          type: str
    refused:
      description: The rows of RV(inbound.peers) that the profile would refuse.
      type: list
      elements: dict
    peers_left_out:
      description: Number of rows that RV(inbound.peers) has no place for.
      type: int
    refused_left_out:
      description: Number of rows that RV(inbound.refused) has no place for.
      type: int
  sample:
    answer: some
    reason: 12 sessions with 2 peers were seen between 2026-11-22T05:08:30Z and 2026-11-23T05:08:11Z
    tls_logging: "on"
    sessions: 12
    unlogged_sessions: 0
    refused_sessions: 1
    first: "2026-11-22T05:08:30Z"
    last: "2026-11-23T05:08:11Z"
    combinations:
      - protocol: TLSv1.3
        cipher: TLS_AES_256_GCM_SHA384
        sessions: 11
      - protocol: TLSv1
        cipher: ECDHE-RSA-AES256-SHA
        sessions: 1
    peers:
      - peer: sender.example
        protocol: TLSv1.3
        cipher: TLS_AES_256_GCM_SHA384
        sessions: 11
        first: "2026-11-22T05:08:30Z"
        last: "2026-11-23T05:08:11Z"
        refused_because: null
      - peer: 192.0.2.7
        protocol: TLSv1
        cipher: ECDHE-RSA-AES256-SHA
        sessions: 1
        first: "2026-11-22T11:00:02Z"
        last: "2026-11-22T11:00:02Z"
        refused_because: TLSv1 is older than TLSv1.2
    refused:
      - peer: 192.0.2.7
        protocol: TLSv1
        cipher: ECDHE-RSA-AES256-SHA
        sessions: 1
        first: "2026-11-22T11:00:02Z"
        last: "2026-11-22T11:00:02Z"
        refused_because: TLSv1 is older than TLSv1.2
    peers_left_out: 0
    refused_left_out: 0
outbound:
  description:
    - Sessions that this server opened with others, in the same form as RV(inbound), measured against O(outbound_profile).
    - RV(inbound.unlogged_sessions) is always V(0) here, since Postfix keeps no count of outgoing sessions with TLS.
  returned: when Postfix is installed
  type: dict
  sample:
    answer: unknown
    reason: >-
      smtp_tls_loglevel is 0 for smtp/unix, relay/unix, so Postfix does not log what peers use; set it to 1 and look again
      after some days
    tls_logging: "off"
    sessions: 0
    unlogged_sessions: 0
    refused_sessions: 0
    first: null
    last: null
    combinations: []
    peers: []
    refused: []
    peers_left_out: 0
    refused_left_out: 0
"""

import typing as t
from datetime import datetime, timedelta, timezone

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hardened.mail.plugins.module_utils.policy import profiles, resolve
from ansible_collections.hardened.mail.plugins.module_utils.postfix import (
    files,
    log_files,
    mail_log,
    main_cf,
    master_cf,
    runner,
    survey,
)
from ansible_collections.hardened.mail.plugins.module_utils.postfix.postconf_output import Snapshot

PROFILES = ["intermediate", "strict", "interop"]
ARGUMENT_SPEC: t.Final[dict[str, t.Any]] = {
    "config_directory": {"type": "path", "default": "/etc/postfix"},
    "since": {"type": "int", "default": 30},
    "log_files": {"type": "list", "elements": "path", "default": []},
    "inbound_profile": {"type": "str", "choices": PROFILES, "default": "intermediate"},
    "outbound_profile": {"type": "str", "choices": PROFILES, "default": "interop"},
    "max_peers": {"type": "int", "default": 100},
}
EXCLUSIONS: t.Final[dict[mail_log.Direction, str]] = {
    "inbound": "smtpd_tls_exclude_ciphers",
    "outbound": "smtp_tls_exclude_ciphers",
}


def floor_of(
    direction: mail_log.Direction, *, snapshot: Snapshot, params: t.Mapping[str, t.Any]
) -> mail_log.Floor:
    """Return what the chosen profile demands in one direction."""
    name = params[f"{direction}_profile"]
    profile = profiles.PROFILES[name]
    decisions = resolve.resolve(
        survey.host_of(snapshot, config_directory=params["config_directory"]),
        choices=profiles.Choices(inbound_profile=name, outbound_profile=name),
        current={},
    )
    words = [one.value for one in decisions if one.parameter == EXCLUSIONS[direction] and one.value]
    return mail_log.Floor(
        oldest_protocol=profile.oldest_protocol,
        suites=profile.suites,
        excluded=tuple(words[0].replace(",", " ").split()) if words else (),
    )


def read(params: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return the result of the module; see runner.read() for what is raised."""
    directory = params["config_directory"]
    snapshot = runner.read(directory)
    path = f"{directory}/master.cf"
    services = master_cf.parse(survey.decode(files.read_bytes(path) or b""), file=path)
    since = datetime.now(timezone.utc).astimezone() - timedelta(days=params["since"])
    reading = log_files.Reading()
    names = mail_log.log_names(services=services, effective=snapshot.effective)
    tally = mail_log.Tally(names=names, since=since)
    for text, newest in log_files.lines(
        since=since, effective=snapshot.effective, explicit=params["log_files"], reading=reading
    ):
        tally.add(text, newest=newest)
    result: dict[str, t.Any] = {
        "missing": False,
        "period": {
            "since": mail_log.iso(since),
            "first": mail_log.iso(tally.first),
            "last": mail_log.iso(tally.last),
        },
        "sources": reading.sources,
        "problems": reading.problems,
    }
    for direction in EXCLUSIONS:
        logging, silent = mail_log.logging_state(
            direction, services=services, effective=snapshot.effective
        )
        result[direction] = mail_log.report(
            tally,
            direction=direction,
            floor=floor_of(direction, snapshot=snapshot, params=params),
            logging=logging,
            silent=silent,
            max_peers=params["max_peers"],
        )
    return result


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    for name in ("since", "max_peers"):
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
