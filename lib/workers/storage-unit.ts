import type { WorkerGroupConfig } from '../config/schema.ts';
import { daemonUser, unitText } from '../systemd.ts';
import { programFolder } from '../user-data.ts';
import { weightsFolder } from './worker-paths.ts';

export const storageUnitName = 'fleet-storage';

/**
 * Makes the folder of the weights at each boot, before the runner. What lies on an instance store does not outlive a stop,
 * so machines of a warm pool keep their weights on the root volume.
 */
export function storageUnit({ warmPool }: Pick<WorkerGroupConfig, 'warmPool'>): string {
  const place = warmPool === undefined ? 'instance-store' : 'root-volume';
  return unitText({
    Unit: ['Description=SGLang fleet weights folder', 'After=local-fs.target dlami-nvme.service'],
    Service: [
      'Type=oneshot',
      'RemainAfterExit=yes',
      `ExecStart=${programFolder}/prepare-weights-folder.sh ${weightsFolder} ${daemonUser} ${place}`,
      'TimeoutStartSec=300',
      // It mounts for everybody, so it has no view of the file system of its own, and nothing that implies one.
      'CapabilityBoundingSet=CAP_SYS_ADMIN CAP_SYS_RAWIO CAP_MKNOD CAP_CHOWN CAP_FOWNER CAP_FSETID CAP_DAC_OVERRIDE',
      'NoNewPrivileges=yes',
      'RestrictAddressFamilies=AF_UNIX AF_NETLINK',
      'RestrictRealtime=yes',
      'LockPersonality=yes',
      'MemoryDenyWriteExecute=yes',
      'SystemCallArchitectures=native',
    ],
    Install: ['WantedBy=multi-user.target'],
  });
}
