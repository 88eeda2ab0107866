#!/bin/bash
# Lets a worker finish what it has and take nothing new.
# Usage: drain-worker.sh stay|replace RUNNER_PORT INTERNAL_SECRET
set -euo pipefail
afterwards=$1 port=$2 secret=$3
metadata=${METADATA:-http://169.254.169.254}/latest

item() {
  local token
  token=$(curl -sf -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' "$metadata/api/token")
  curl -sf -H "X-aws-ec2-metadata-token: $token" "$metadata/meta-data/$1"
}

# Each in a line of its own: a failure within an argument would go unnoticed.
instance=$(item instance-id)
region=$(item placement/region)

if [ "$afterwards" = replace ]; then
  # The group takes the machine away by its terminate hook, which is a drain, and starts another one.
  aws autoscaling set-instance-health --no-should-respect-grace-period --health-status Unhealthy \
    --region "$region" --instance-id "$instance"
  echo "The group has been told to replace this machine, which drains first."
  exit
fi
# Over stdin: a command line is for everybody to read.
aws secretsmanager get-secret-value --region "$region" --secret-id "$secret" --query SecretString --output text |
  sed 's/.*/header = "authorization: Bearer &"/' |
  curl -sS --fail-with-body --max-time 60 --config - -X POST "http://127.0.0.1:$port/drain"
echo
echo "The worker drains. It stays without an engine until fleet-runner is restarted."
