#!/bin/bash
# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Builds the images of the laboratory that are not cached, before a test waits for one; several at a time, because
# much of it is waiting. Bookworm and trixie must be had; of the other releases it says when they are absent.
set -euo pipefail
cd "$(dirname "$0")/../.."

# Those on which the others are built come first.
readonly images="
bookworm postfix
trixie postfix
bullseye postfix
sid postfix
trixie mail
bookworm mail
trixie strace
bookworm strace
trixie referee
trixie dns
bookworm dns
trixie milters
bookworm milters
trixie outbound
bookworm outbound
trixie databases
trixie stores
bookworm upgrade
bullseye mail
sid mail
"

if [ $# -eq 2 ]; then
    status=0
    tests/lab/lab.py image "$1" "$2" || status=$?
    case $status,$1 in
    0,*) ;;
    3,bullseye | 3,sid) echo "absent: no image of Debian $1 can be had here" ;;
    *) exit "$status" ;;
    esac
else
    xargs -P 5 -L 1 tests/tools/lab_images.sh <<<"$images"
fi
