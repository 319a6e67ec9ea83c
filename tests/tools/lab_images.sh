#!/bin/bash
# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Builds the images of the laboratory that are not cached, before a test waits for one; the releases side by side, because
# much of it is waiting. Bookworm and trixie must be had; of the other releases it says when they are absent.
set -euo pipefail
cd "$(dirname "$0")/../.."

declare -A flavours=(
    [bookworm]="postfix mail strace dns milters"
    [trixie]="postfix mail strace referee dns milters"
    [bullseye]="postfix mail"
    [sid]="postfix mail"
)

build() {
    local release=$1 flavour status
    for flavour in ${flavours[$release]}; do
        status=0
        tests/lab/lab.py image "$release" "$flavour" || status=$?
        case $status,$release in
        0,*) ;;
        3,bullseye | 3,sid) echo "absent: no image of Debian $release can be had here" && return ;;
        *) return "$status" ;;
        esac
    done
}

running=()
for release in "${!flavours[@]}"; do
    build "$release" &
    running+=($!)
done
status=0
for one in "${running[@]}"; do
    wait "$one" || status=$?
done
exit "$status"
