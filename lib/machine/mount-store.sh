#!/bin/bash
# Gives this machine the volume with the store: attaches it, makes a file system on it once, and mounts it, now and at
# every start. Usage: mount-store.sh VOLUME FOLDER OWNER
set -euo pipefail
volume=$1 folder=$2 owner=$3

metadata=${METADATA:-http://169.254.169.254}/latest
token=$(curl -sSf -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 300' "$metadata/api/token")
instance=$(curl -sSf -H "X-aws-ec2-metadata-token: $token" "$metadata/meta-data/instance-id")

# The router before this one keeps the volume until it has finished its answers and its machine has ended.
device=${DEVICES:-/dev/disk/by-id}/nvme-Amazon_Elastic_Block_Store_${volume/-/}
until [ -e "$device" ]; do
  aws ec2 attach-volume --volume-id "$volume" --instance-id "$instance" --device /dev/sdf >/dev/null || true
  sleep "${RETRY_SECONDS:-5}"
done

# Probed and not looked up, since a volume that has just come is not listed yet; 2 means that nothing is on it. mkfs.xfs
# itself refuses a volume that holds anything.
found=0
blkid --probe "$device" >/dev/null || found=$?
if [ "$found" = 2 ]; then mkfs.xfs -q "$device"; fi
mkdir -p "$folder"
table=${TABLE:-/etc/fstab}
grep -q "^$device " "$table" || echo "$device $folder xfs defaults,nofail 0 2" >>"$table"
mountpoint -q "$folder" || mount "$folder"
chown "$owner:" "$folder"
chmod 700 "$folder"
