# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The machines of the integration tests, for the rules; a second conftest cannot be imported by its name."""

from __future__ import annotations

import importlib.util
import pathlib
import sys
import typing as t

ROOT = pathlib.Path(__file__).resolve().parents[2]


def load() -> t.Any:
    """Return what tests/integration_lab/conftest.py defines, the same at each call."""
    name = "integration_machines"
    if name not in sys.modules:
        path = ROOT / "tests/integration_lab/conftest.py"
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]
