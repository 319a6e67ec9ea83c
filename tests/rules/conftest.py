# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One machine with Postfix and Dovecot for each release, shared by the files of tests that let daemons die.

What dies is waited for, so several of these tests run side by side, each process with machines of its own:
``tests/lab/enter .venv/bin/pytest -n 4 tests/rules/test_files_real.py``.
"""

from __future__ import annotations

import importlib
import pathlib
import sys
import typing as t

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
laboratory = importlib.import_module("laboratory").load()
shared_machine = laboratory.shared_machine
machine = laboratory.machine
pki_module = laboratory.pki_module
pytest_runtest_makereport = laboratory.pytest_runtest_makereport

#: Dovecot as installed offers PLAIN; Postfix gets a socket for logins in its chroot.
LOGIN_SOCKET: t.Final = r"""
cat >/etc/dovecot/conf.d/99-lab.conf <<'END'
service auth {
  unix_listener /var/spool/postfix/private/login {
    mode = 0660
    user = postfix
    group = postfix
  }
}
END
systemctl restart dovecot.service
"""


@pytest.fixture(scope="session")
def machines() -> t.Iterator[dict[str, t.Any]]:
    """One machine with Dovecot for each release."""
    with laboratory.machines_of("dies", flavour="mail") as made:
        for one in made.values():
            one.sh(LOGIN_SOCKET)
        yield made
