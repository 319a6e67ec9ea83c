# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for the get-pip script that ansible-test downloads, where only a package index can be reached.

ansible-test runs it inside a new virtual environment with pip's arguments, the wanted version of pip among them.
"""

from __future__ import annotations

import subprocess
import sys

# Options of get-pip that pip itself does not know.
GET_PIP_ONLY = ("--no-setuptools", "--no-wheel")

if __name__ == "__main__":
    # In a process of its own: ensurepip switches pip's settings off for the process that it runs in.
    subprocess.check_call([sys.executable, "-m", "ensurepip", "--default-pip"])
    arguments = [argument for argument in sys.argv[1:] if argument not in GET_PIP_ONLY]
    sys.exit(subprocess.call([sys.executable, "-m", "pip", "install", *arguments]))
