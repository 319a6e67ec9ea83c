# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""After a run in check mode every host is as it was."""

from __future__ import annotations

import json
import typing as t

if t.TYPE_CHECKING:
    from conftest import Host


def test_check_mode_changes_no_file(any_host: Host) -> None:
    assert json.loads(any_host.output("python3", "/root/lab/files.py", "compare")) == []


def test_check_mode_leaves_nothing_under_run(any_host: Host) -> None:
    assert any_host.output("find", "/run", "/tmp", "-name", "*hardened*") == ""


def test_check_mode_does_not_touch_the_running_postfix(any_host: Host) -> None:
    before = any_host.output("cat", "/root/lab/master.log")
    assert any_host.output("sh", "/root/lab/master.sh") == before
