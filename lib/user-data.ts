import { UserData } from 'aws-cdk-lib/aws-ec2';
import type { FileAsset } from './file-asset.ts';
import { daemonUser, stateFolder } from './systemd.ts';
import type { UnitFile } from './unit-file.ts';

/** Where the daemons' bundles, their scripts and the agent's configuration lie on a machine. */
export const programFolder = '/opt/fleet';
/** The versioned name does not depend on which Node an image or an operator has made the default. */
export const nodeProgram = '/usr/bin/node-24';
const unitFolder = '/etc/systemd/system';
/** Packages that every machine needs. */
export const machinePackages = ['nodejs24', 'amazon-cloudwatch-agent'];
/** Bash function that runs a command until it succeeds, for two and a half minutes. */
export const retryFunction = 'retry() { for _ in {1..30}; do if "$@"; then return; fi; sleep 5; done; return 1; }';

export interface MachineSetup {
  /** Files to fetch, by their name in the program folder. Those that end in `.sh` become programs. */
  readonly files: Readonly<Record<string, FileAsset>>;
  /** Packages of the image's own repository, on top of those that every machine needs. @default - none */
  readonly packages?: readonly string[];
  /** Bash lines that run before the daemons start, once in the machine's life. @default - none */
  readonly commands?: readonly string[];
  /** Services that start now and at each boot. */
  readonly units: readonly UnitFile[];
  /** Name of the CloudWatch agent's configuration among `files`. */
  readonly agentConfig: string;
}

/**
 * The script of a machine's first boot (Amazon Linux 2023): fetch, verify, install, start. It stops at the first failure.
 * The CloudWatch agent comes last, so that its troubles do not keep a daemon from serving.
 */
export function machineUserData(setup: MachineSetup): UserData {
  const packages = [...machinePackages, ...(setup.packages ?? [])];
  const hasPrograms = Object.keys(setup.files).some((name) => name.endsWith('.sh'));
  const userData = UserData.forLinux();
  userData.addCommands(
    'set -euo pipefail',
    retryFunction,
    'fetch() { retry aws s3 cp --only-show-errors "s3://$1" "$2"; echo "$3  $2" | sha256sum --check --quiet; }',
    `mkdir -p ${programFolder}`,
    ...Object.entries(setup.files).map(([name, file]) => fetchCommand(file, `${programFolder}/${name}`)),
    ...(hasPrograms ? [`chmod 755 ${programFolder}/*.sh`] : []),
    ...setup.units.flatMap(unitCommands),
    `retry dnf install -y -q ${packages.join(' ')}`,
    `id ${daemonUser} &>/dev/null || useradd --system --home-dir ${stateFolder} --shell /sbin/nologin ${daemonUser}`,
    ...(setup.commands ?? []),
    'systemctl daemon-reload',
    `systemctl enable --now ${setup.units.map((unit) => unit.unitName).join(' ')}`,
    '/opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl -a fetch-config -m ec2 -s ' +
      `-c file:${programFolder}/${setup.agentConfig}`,
  );
  return userData;
}

/** The quoted end mark keeps bash from touching the text. */
function unitCommands(unit: UnitFile): string[] {
  const file = `${unitFolder}/${unit.unitName}.service`;
  const fetch = fetchCommand(unit, file);
  if (unit.dropIn === undefined) return [fetch];
  return [fetch, `mkdir -p ${file}.d`, `cat >${file}.d/fleet.conf <<'EOF'\n${unit.dropIn}EOF`];
}

function fetchCommand({ asset, sha256 }: FileAsset, file: string): string {
  return `fetch ${asset.s3BucketName}/${asset.s3ObjectKey} ${file} ${sha256}`;
}
