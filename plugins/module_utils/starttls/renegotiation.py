# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a client can renew the handshake of a connection. Python's library cannot; the command ``openssl`` can."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.starttls.conduct import incomplete
from ansible_collections.hardened.mail.plugins.module_utils.starttls.dialogue import Target

Json = t.Any
_RENEWED: t.Final = b"RENEGOTIATING"
_CONNECTED: t.Final = b"Verify return code"


def renegotiation(target: Target, *, until: float) -> Json:
    """Return whether a client may renew the handshake, ``{"incomplete": reason}`` where that cannot be seen."""
    openssl = shutil.which("openssl")
    if openssl is None:
        return incomplete("the command openssl is not installed where the question is asked")
    if target.unix_socket is not None or target.proxy_protocol:
        return incomplete("the command openssl cannot reach such a port")
    host = f"[{target.address}]" if ":" in target.address else target.address
    command = [openssl, "s_client", "-connect", f"{host}:{target.port}", "-tls1_2"]
    if not target.implicit_tls:
        command += ["-starttls", target.protocol]
    if target.server_name is not None:
        command += ["-servername", target.server_name]
    try:
        return _renew(command, until=until)
    except OSError as exc:
        return incomplete(f"cannot run openssl: {exc.strerror}")


def _renew(command: t.Sequence[str], *, until: float) -> Json:
    """Run the command, let it renew the handshake with ``R``, and see whether the server went along."""
    # It must be killed at the deadline and still tell what it saw, which run_command cannot.
    with subprocess.Popen(  # pylint: disable=ansible-bad-function
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "LC_ALL": "C"},
    ) as client:
        try:
            output, _errors = client.communicate(b"R\n", timeout=max(0.1, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            client.kill()
            output, _errors = client.communicate()
            return _verdict(output, late=True)
    return _verdict(output, late=False)


def _verdict(output: bytes, *, late: bool) -> Json:
    if _CONNECTED not in output:
        if b"protocol version" in output or b"no protocols available" in output:
            # TLS 1.3 has no renegotiation.
            return False
        return incomplete("openssl made no connection with TLS 1.2")
    if _RENEWED not in output:
        return incomplete("openssl did not get as far as to renew the handshake")
    after = output.partition(_RENEWED)[2]
    # The certificate is verified again when the server goes along.
    if b"verify return:" in after:
        return True
    if b"SSL routines" in after:
        return False
    waited = "in time" if late else "from the server"
    return incomplete(f"no answer to a renewed handshake {waited}")


__all__ = ("renegotiation",)
