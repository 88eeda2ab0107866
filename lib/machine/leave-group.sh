#!/bin/bash
# Ends a daemon in its own time when the Auto Scaling group takes this machine away, and then lets the group go on.
# Usage: leave-group.sh UNIT GROUP HOOK NOTICE_SECONDS
set -euo pipefail
unit=$1 group=$2 hook=$3 notice=$4
metadata=${METADATA:-http://169.254.169.254}/latest

# Prints nothing where there is no such item: a machine that is in no group has no state.
item() {
  local token
  token=$(curl -sf -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' "$metadata/api/token") || return 0
  curl -sf -H "X-aws-ec2-metadata-token: $token" "$metadata/meta-data/$1" || true
}

until [ "$(item autoscaling/target-lifecycle-state)" = Terminated ]; do sleep "${POLL_SECONDS:-5}"; done
# A load balancer takes some seconds to stop sending what the daemon, from now on, would refuse.
sleep "$notice"
systemctl stop "$unit"
aws autoscaling complete-lifecycle-action --lifecycle-action-result CONTINUE \
  --auto-scaling-group-name "$group" --lifecycle-hook-name "$hook" --instance-id "$(item instance-id)"
# Nothing is left to do but to wait for the end.
exec sleep infinity
