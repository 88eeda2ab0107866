import { stringify } from 'yaml';
import type { WorkerGroupConfig } from '../config/schema.ts';
import { machinePackages, retryFunction } from '../user-data.ts';
import { engineInstallation } from '../workers/install-engine.ts';
import { imageWeightsFolder } from '../workers/weights.ts';
import { sglangPython } from '../workers/worker-paths.ts';

/** Python with which weights are downloaded where the engine's own is in a container. */
const hubFolder = '/tmp/huggingface-hub';

/**
 * What is put into an image and how it is checked, as a component document of EC2 Image Builder (schema 1.0). What boot
 * scripts would do at each boot is done once; daemons and secrets are not in it, since they change without it.
 */
export function imageDocument(config: WorkerGroupConfig, region: string): string {
  const { packages, commands } = engineInstallation(config);
  const weights = config.image.build?.withWeights ? weightsCommands(config, region) : [];
  const checks = [
    ...engineChecks(config),
    ...(weights.length > 0 ? [`test -s ${imageWeightsFolder(config)}/config.json`] : []),
  ];
  const step = (name: string, lines: readonly string[]) => ({
    name,
    action: 'ExecuteBash',
    onFailure: 'Abort',
    inputs: { commands: ['set -euo pipefail', retryFunction, ...lines] },
  });
  return stringify(
    {
      name: 'sglang-worker',
      schemaVersion: '1.0',
      phases: [
        {
          name: 'build',
          steps: [
            step('Packages', [`retry dnf install -y -q ${[...machinePackages, ...packages].join(' ')}`]),
            step('Engine', commands),
            ...(weights.length > 0 ? [step('Weights', weights)] : []),
          ],
        },
        { name: 'validate', steps: [step('Check', checks)] },
        // On a machine that was started from the image.
        { name: 'test', steps: [step('Check', checks)] },
      ],
    },
    { lineWidth: 0, aliasDuplicateObjects: false },
  );
}

function engineChecks({ sglang }: WorkerGroupConfig): string[] {
  if (sglang.container !== undefined) return [`docker image inspect ${sglang.container} >/dev/null`];
  return [
    `${sglangPython} -c 'import importlib.metadata as m; assert m.version("sglang") == "${sglang.version}", m.version("sglang")'`,
  ];
}

function weightsCommands(config: WorkerGroupConfig, region: string): string[] {
  const { model, weights, sglang } = config;
  const folder = imageWeightsFolder(config);
  if (weights.from === 's3') return [`aws s3 sync --no-progress ${weights.uri} ${folder}`];
  const ownPython = `${hubFolder}/bin/python`;
  const python = sglang.container === undefined ? sglangPython : ownPython;
  const token = `aws secretsmanager get-secret-value --region ${region} --secret-id ${weights.tokenSecretArn}`;
  const download = `from huggingface_hub import snapshot_download as get; get(${JSON.stringify(model.path)}, local_dir="${folder}")`;
  return [
    ...(weights.tokenSecretArn === undefined
      ? []
      : [`HF_TOKEN=$(${token} --query SecretString --output text)`, 'export HF_TOKEN']),
    ...(python === ownPython
      ? [`python3.12 -m venv ${hubFolder}`, `retry ${ownPython} -m pip install -q huggingface_hub`]
      : []),
    `retry ${python} -c '${download}'`,
    `rm -rf ${folder}/.cache ${hubFolder}`,
  ];
}
