#!/bin/bash
# Prints what one would look at first on a machine of the fleet. The end of each part is kept: a command's output is short.
# Usage: diagnostics.sh MINUTES LINES
set -uo pipefail
minutes=$1 lines=$2
engine_log=${ENGINE_LOG:-/var/log/fleet/engine.log}

part() {
  echo "== $1"
  shift
  timeout 20 "$@" 2>&1 | tail -n "$lines" || true
}

part 'units' systemctl --no-pager --plain list-units --all 'fleet-*' amazon-cloudwatch-agent.service
part 'load, memory, disks' sh -c 'uptime; free -m; df -h -x tmpfs -x devtmpfs'
if command -v nvidia-smi >/dev/null; then
  part 'GPUs' nvidia-smi --format=csv \
    --query-gpu=index,name,driver_version,utilization.gpu,memory.used,memory.total,temperature.gpu,power.draw,ecc.errors.uncorrected.volatile.total
  part 'GPU errors of the kernel' sh -c "journalctl -k --no-pager --since '-$minutes min' | grep -E 'NVRM|Xid' || echo none"
fi
part 'memory that the kernel took back' sh -c "journalctl -k --no-pager --since '-$minutes min' | grep -iE 'out of memory|oom-kill' || echo none"
part 'warnings and errors of the daemons' sh -c \
  "journalctl --no-pager -o cat --since '-$minutes min' -u 'fleet-*' | grep -E '\"level\":\"(warn|error)\"' || echo none"
for unit in $(systemctl --plain --no-legend list-units --all 'fleet-*.service' | awk '{ print $1 }'); do
  part "$unit" journalctl --no-pager -o cat --since "-$minutes min" -u "$unit"
done
if [ -r "$engine_log" ]; then part 'engine log' tail -n "$lines" "$engine_log"; fi
