# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of the ports of real hosts: as Debian installs them, hardened by the role, and spoilt.

Run with ``tests/lab/enter .venv/bin/pytest tests/integration_lab/test_wire_findings_real.py``.
"""

from __future__ import annotations

import importlib.util
import pathlib
import sys
import types
import typing as t

import pytest
import wire_hosts as lab
from ansible_collections.hardened.mail.plugins.filter.wire_findings import wire_findings

HERE = pathlib.Path(__file__).resolve().parent
POLICY = HERE.parents[1] / "tests" / "unit" / "plugins" / "module_utils" / "policy"


def _module(path: pathlib.Path) -> types.ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


table = _module(POLICY / "wire_expected.py")
#: All that no setting of ours can mend on a host with certificates of its own making.
ALLOWED: t.Final = frozenset({"wire-certificate-self-signed"})


@pytest.fixture(scope="module")
def addresses() -> t.Iterator[dict[tuple[str, str], str]]:
    with lab.hosts() as found:
        yield found


@pytest.mark.parametrize("release", lab.RELEASES)
@pytest.mark.parametrize("entry", lab.PORTS, ids=lambda one: one[0])
def test_a_port_gets_the_findings_expected(
    entry: tuple[t.Any, ...], release: str, addresses: dict[tuple[str, str], str]
) -> None:
    name, kind, port, protocol, implicit, purpose = entry
    host = f"{kind}-{release}.example"
    seen = lab.look(
        addresses[kind, release],
        port=port,
        protocol=protocol,
        implicit_tls=implicit,
        server_name=host,
    )
    judged = wire_findings(seen, host=host, port=port, purpose=purpose)
    assert table.found(judged) == table.expected(name, release)
    if kind == "hard":
        bad = {one["rule"] for one in judged["findings"] if one["severity"] != "info"}
        assert bad <= ALLOWED
