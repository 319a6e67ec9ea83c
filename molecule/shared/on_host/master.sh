#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Say whether the running Postfix was touched: its process, and how often it was told to read its configuration.
cat /var/spool/postfix/pid/master.pid 2>/dev/null || echo none
journalctl --no-pager -o cat SYSLOG_FACILITY=2 | awk '/reload|refresh/ { n++ } END { print n + 0, "reloads" }'
