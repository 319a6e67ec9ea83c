# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``hardened.mail.postfix_settings``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: postfix_settings
short_description: The hardened Postfix settings as a dictionary
version_added: "0.1.0"
author:
  - The hardened.mail authors (@hardened-mail)
description:
  - Returns the parameters that the role C(hardened.mail.postfix_tls) would write, for a site that
    renders C(main.cf) from a template of its own.
  - The input is a dictionary of choices, the same as the role's variables without their prefix. An
    empty dictionary gives the defaults.
  - Nothing is read from a host, so nothing of a host is kept. In particular the level of the server
    is given as if there was a certificate.
  - The profile V(strict) refers to the file C(openssl-postfix.cnf) in the configuration directory,
    which this filter does not write.
positional: _input
options:
  _input:
    description:
      - The choices.
      - Keys are V(inbound_profile), V(outbound_profile), V(inbound_level), V(outbound_level),
        V(certificates), V(sni), V(smtp_hygiene), V(policies), V(outbound_wrappermode),
        V(policy_server), V(policy_server_honours_dane), V(tlsrpt_socket) and V(observe).
    type: dict
    required: true
  postfix_version:
    description:
      - The version of Postfix, as C(postconf -h mail_version) prints it.
    type: str
    required: true
  tls_library:
    description:
      - The TLS library of Postfix, as C(postconf -T run-version) prints it.
    type: str
    required: true
  map_types:
    description:
      - The table types of this Postfix, as C(postconf -m) prints them.
      - Without them the session cache of the client is not set.
    type: list
    elements: str
    default: []
  ca_file:
    description:
      - The file with the CA certificates of the distribution.
      - It is used where a level verifies servers.
    type: str
  config_directory:
    description:
      - The configuration directory of the instance.
    type: str
    default: /etc/postfix
  removed:
    description:
      - Whether parameters that must not be in C(main.cf) are listed too, with the value V(null).
    type: bool
    default: true
seealso:
  - module: hardened.mail.postconf
"""

EXAMPLES = r"""
- name: Show the settings for Debian 13
  ansible.builtin.debug:
    msg: >-
      {{ {} | hardened.mail.postfix_settings(
           postfix_version='3.10.13', tls_library='OpenSSL 3.5.7', map_types=['btree', 'hash']) }}

- name: Render a main.cf of one's own
  ansible.builtin.template:
    src: main.cf.j2
    dest: /etc/postfix/main.cf
    mode: "0644"
  vars:
    # In main.cf.j2, after the site's own settings:
    # {% for name, value in tls_settings | dictsort %}
    # {{ name }} = {{ value }}
    # {% endfor %}
    tls_settings: "{{ tls_choices | hardened.mail.postfix_settings(
      postfix_version='3.7.11', tls_library='OpenSSL 3.0.22', removed=false) }}"
    tls_choices:
      inbound_profile: intermediate
      certificates:
        - certificate: /etc/ssl/mx.example/fullchain.pem
          private_key: /etc/ssl/mx.example/key.pem
"""

RETURN = r"""
_value:
  description:
    - The value of each parameter.
    - V(null) stands for a parameter that must not be in C(main.cf), the empty string for an empty value.
  type: dict
  sample:
    smtpd_tls_security_level: may
    smtpd_tls_protocols: ">=TLSv1.2"
    smtpd_use_tls: null
"""

import typing as t
from collections.abc import Mapping

from ansible.errors import AnsibleFilterError
from ansible_collections.hardened.mail.plugins.module_utils.policy.profiles import (
    CertificateChoice,
    ChoiceError,
    Choices,
    Host,
    Policy,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.resolve import resolve
from ansible_collections.hardened.mail.plugins.module_utils.postfix.version import (
    TlsLibrary,
    Version,
)

_TEXTS: t.Final = (
    *("inbound_profile", "outbound_profile", "inbound_level", "outbound_level"),
    *("policy_server", "tlsrpt_socket"),
)
_SWITCHES: t.Final = (
    *("smtp_hygiene", "observe", "outbound_wrappermode"),
    "policy_server_honours_dane",
)
_ROW_TEXTS: t.Final = ("destination", "level", "protocols", "ciphers", "servername")
_ROW_LISTS: t.Final = ("match", "exclude")


def postfix_settings(
    choices: t.Any,
    *,
    postfix_version: str,
    tls_library: str,
    map_types: t.Iterable[str] = (),
    ca_file: t.Optional[str] = None,
    config_directory: str = "/etc/postfix",
    removed: bool = True,
) -> dict[str, t.Optional[str]]:
    """Return the value of each parameter; see DOCUMENTATION. Raises AnsibleFilterError."""
    try:
        host = Host(
            Version.parse(str(postfix_version)),
            TlsLibrary.parse(str(tls_library)),
            frozenset(map_types),
            ca_file=ca_file,
            config_directory=config_directory,
        )
        decisions = resolve(host, choices=_choices(choices), current={})
    except ValueError as error:
        raise AnsibleFilterError(f"hardened.mail.postfix_settings: {error}") from error
    return {one.parameter: one.value for one in decisions if removed or one.value is not None}


def _choices(value: t.Any) -> Choices:
    given = _dictionary(
        value, keys=(*_TEXTS, *_SWITCHES, "certificates", "sni", "policies"), what="the input"
    )
    chosen: dict[str, t.Any] = {name: _text(given, name) for name in _TEXTS if name in given}
    chosen.update({name: _switch(given, name) for name in _SWITCHES if name in given})
    return Choices(
        **chosen,
        certificates=tuple(
            _certificate(one, what="certificates") for one in _list(given, "certificates")
        ),
        sni=tuple(_certificate(one, what="sni") for one in _list(given, "sni")),
        policies=tuple(_policy(one) for one in _list(given, "policies")),
    )


def _certificate(value: t.Any, *, what: str) -> CertificateChoice:
    keys = ("certificate", "private_key", "names")
    given = _dictionary(value, keys=keys, needed=keys[:2], what=what)
    names = tuple(str(one) for one in _list(given, "names"))
    return CertificateChoice(_text(given, "certificate"), _text(given, "private_key"), names)


def _policy(value: t.Any) -> Policy:
    given = _dictionary(
        value, keys=(*_ROW_TEXTS, *_ROW_LISTS), needed=_ROW_TEXTS[:2], what="policies"
    )
    row: dict[str, t.Any] = {name: _text(given, name) for name in _ROW_TEXTS if name in given}
    row.update({name: tuple(str(one) for one in _list(given, name)) for name in _ROW_LISTS})
    return Policy(**row)


def _dictionary(
    value: t.Any, *, keys: t.Sequence[str], what: str, needed: t.Sequence[str] = ()
) -> Mapping[str, t.Any]:
    if not isinstance(value, Mapping):
        raise ChoiceError(f"{what} is {value!r}: expected a dictionary")
    unknown = sorted(str(key) for key in value if key not in keys)
    if unknown:
        raise ChoiceError(f"{what}: unknown {', '.join(unknown)}: expected {', '.join(keys)}")
    missing = [key for key in needed if key not in value]
    if missing:
        raise ChoiceError(f"{what}: {', '.join(missing)} is missing")
    return value


def _text(given: Mapping[str, t.Any], name: str) -> str:
    value = given[name]
    if not isinstance(value, str):
        raise ChoiceError(f"{name} is {value!r}: expected a string")
    return str(value)


def _switch(given: Mapping[str, t.Any], name: str) -> t.Optional[bool]:
    value = given[name]
    if value is None and name == "outbound_wrappermode":
        return None
    if not isinstance(value, bool):
        raise ChoiceError(f"{name} is {value!r}: expected true or false")
    return value


def _list(given: Mapping[str, t.Any], name: str) -> t.Sequence[t.Any]:
    value = given.get(name, ())
    if not isinstance(value, (list, tuple)):
        raise ChoiceError(f"{name} is {value!r}: expected a list")
    return value


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"postfix_settings": postfix_settings}
