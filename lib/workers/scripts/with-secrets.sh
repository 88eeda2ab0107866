#!/bin/bash
# Runs a program with secrets of AWS Secrets Manager in its environment, where they lie on no disk and in no boot script:
# with-secrets.sh NAME=SECRET... -- PROGRAM ARGUMENTS...
set -euo pipefail

while [[ $1 != -- ]]; do
  value=$(aws secretsmanager get-secret-value --secret-id "${1#*=}" --query SecretString --output text)
  export "${1%%=*}=$value"
  shift
done
shift
exec "$@"
