import type { WorkerGroupConfig } from '../config/schema.ts';
import { weightsPlan } from './weights.ts';
import { sglangFolder, sglangPython } from './worker-paths.ts';

/** What a worker has to install before its engine can start. */
export interface EngineInstallation {
  readonly packages: readonly string[];
  /** Bash lines of the boot script, which has `retry`. */
  readonly commands: readonly string[];
}

/** Triton compiles kernels against Python's headers at run time; mdadm joins the disks of an instance store. */
const packages = ['python3.12-devel', 'gcc', 'mdadm'];

/** Installs SGLang, unless the image brings it, or fetches the container image that has it. */
export function engineInstallation(config: WorkerGroupConfig): EngineInstallation {
  const { container } = config.sglang;
  if (container !== undefined) {
    return {
      packages: ['mdadm'],
      commands: [
        // Deep Learning images bring it, and with it what gives containers the GPUs.
        'command -v docker >/dev/null || retry dnf install -y -q docker',
        'systemctl enable --now docker',
        `retry docker pull -q ${container}`,
      ],
    };
  }
  return { packages, commands: [`if [ ! -x ${sglangPython} ]; then ${installSglang(config).join(' && ')}; fi`] };
}

/** Bash commands that make an environment of Python with the pinned SGLang. */
function installSglang(config: WorkerGroupConfig): string[] {
  const { packageExtra } = weightsPlan(config);
  const requirement = `sglang${packageExtra === undefined ? '' : `[${packageExtra}]`}==${config.sglang.version}`;
  return [
    `python3.12 -m venv ${sglangFolder}`,
    `retry ${sglangPython} -m pip install -q --no-cache-dir '${requirement}'`,
  ];
}
