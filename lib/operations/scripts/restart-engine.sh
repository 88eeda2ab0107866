#!/bin/bash
# Starts the engine of a worker anew, with its runner.
# Usage: restart-engine.sh yes|no UNIT
set -euo pipefail
drain=$1 unit=$2
if [ "$drain" = yes ]; then
  echo "Requests in flight end first, for as long as the drain may take."
  systemctl restart "$unit"
else
  # For an engine that hangs: nothing of the unit is left, and systemd starts it anew.
  systemctl kill --kill-whom=all --signal=KILL "$unit"
  systemctl reset-failed "$unit" || true
  systemctl start "$unit"
fi
systemctl --no-pager --lines 0 status "$unit"
