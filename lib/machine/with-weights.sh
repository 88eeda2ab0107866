#!/bin/bash
# Runs the engine's program once its weights are on disk. Runs as that program, so the environment says the rest:
# FLEET_WEIGHTS_SOURCE (a folder in S3), FLEET_WEIGHTS_FOLDER (where it goes), FLEET_ENGINE_PROGRAM.
set -euo pipefail

# Beside the folder, so that it goes when an instance store goes.
complete=$FLEET_WEIGHTS_FOLDER.complete

# Containers are stopped and removed through here as well.
if [[ ! -e $complete && ${1-} != stop && ${1-} != rm ]]; then
  echo "Fetching weights from $FLEET_WEIGHTS_SOURCE"
  # Many ranges of many files at once, up to what the machine's network can do.
  aws configure set default.s3.preferred_transfer_client crt
  aws configure set default.s3.target_bandwidth 100Gb/s
  aws s3 sync --no-progress "$FLEET_WEIGHTS_SOURCE" "$FLEET_WEIGHTS_FOLDER"
  touch "$complete"
fi
exec "$FLEET_ENGINE_PROGRAM" "$@"
