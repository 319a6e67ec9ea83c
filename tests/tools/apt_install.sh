#!/bin/bash
# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Usage: apt_install.sh WHO PACKAGE...
#
# Installs Debian packages on this machine; WHO stands before what it says. Others that install at the same time,
# such as another job or the machine's own upgrades, are waited for.
set -euo pipefail

who=$1
shift
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "$who: please install first (names of Debian packages): $*" >&2
    exit 2
fi
echo "$who: installing on this machine: $*" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# apt waits for the lock of dpkg, but not for that of its lists.
exec 9>/run/lock/hardened-mail-apt
flock 9
# A failing third-party source must not stop this: apt-get install tells if it matters.
apt-get update >"$log" 2>&1 || echo "$who: apt-get update reported a problem, going on" >&2
if ! DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$@" \
    >>"$log" 2>&1; then
    tail -n 30 "$log" >&2
    echo "$who: could not install: $*" >&2
    exit 2
fi
