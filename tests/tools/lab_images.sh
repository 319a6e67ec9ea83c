#!/bin/bash
# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Builds the images of the laboratory that are not cached, before a test waits for one. Bookworm and trixie must
# be had; of the other releases it says when they are absent.
set -euo pipefail
cd "$(dirname "$0")/../.."

for image in "bookworm postfix" "trixie postfix" "trixie mail" "bookworm mail" "trixie referee" \
    "trixie dns" "bookworm dns" "trixie milters" "bookworm milters" "bullseye postfix" "sid postfix"; do
    read -r release flavour <<<"$image"
    status=0
    tests/lab/lab.py image "$release" "$flavour" || status=$?
    case $status,$release in
    0,*) ;;
    3,bullseye | 3,sid) echo "absent: no image of Debian $release can be had here" ;;
    *) exit "$status" ;;
    esac
done
