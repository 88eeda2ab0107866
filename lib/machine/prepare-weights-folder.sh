#!/bin/bash
# Makes the folder of the weights at each boot: prepare-weights-folder.sh FOLDER USER instance-store|root-volume.
# The instance store is empty after each stop of the machine. Several disks become one (RAID 0); without any, or where
# the root volume is asked for, the folder is an ordinary one.
set -euo pipefail
folder=$1
user=$2
place=$3
label=fleet-data

# The disks of the machine itself, by the model that the NVMe driver reports.
instance_disks() {
  lsblk --nodeps --noheadings --paths --output NAME,MODEL | awk '/EC2 NVMe Instance Storage/ { print $1 }'
}

mount_instance_store() {
  # Deep Learning images mount it themselves.
  if mountpoint --quiet /opt/dlami/nvme; then
    mkdir -p /opt/dlami/nvme/fleet
    mount --bind /opt/dlami/nvme/fleet "$folder"
    return
  fi
  local device disks
  # After a reboot without a stop it is still there.
  if ! device=$(blkid --label "$label"); then
    mapfile -t disks < <(instance_disks)
    case ${#disks[@]} in
      0) return ;;
      1) device=${disks[0]} ;;
      *)
        device=/dev/md/$label
        mdadm --create "$device" --run --level=0 --raid-devices=${#disks[@]} "${disks[@]}"
        ;;
    esac
    mkfs.xfs -f -q -L "$label" "$device"
  fi
  mount -o noatime "$device" "$folder"
}

install -d -m 0700 -o "$user" -g "$user" "$(dirname "$folder")"
mkdir -p "$folder"
if [[ $place == instance-store ]] && ! mountpoint --quiet "$folder"; then mount_instance_store; fi
install -d -m 0700 -o "$user" -g "$user" "$folder" "$folder/model"
