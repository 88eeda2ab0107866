import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { stringify } from 'yaml';
import { environmentsFolder, type Peer } from './peer.ts';

const folder = `${environmentsFolder}litellm/bin/`;

/** LiteLLM's proxy with one worker process and one model on all engines. */
export const litellm: Peer = {
  name: 'LiteLLM',
  version() {
    if (!existsSync(`${folder}litellm`)) return undefined;
    const print = 'from importlib.metadata import version; print(version("litellm"))';
    return spawnSync(`${folder}python`, ['-c', print], { encoding: 'utf8' }).stdout.trim() || undefined;
  },
  command({ port, engineUrls, folder: ownFolder }) {
    const config = {
      model_list: engineUrls.map((url) => ({
        model_name: 'bench',
        litellm_params: { model: 'openai/bench', api_base: `${url}/v1`, api_key: 'none' },
      })),
    };
    writeFileSync(`${ownFolder}/litellm.yaml`, stringify(config));
    return {
      file: `${folder}litellm`,
      args: ['--config', `${ownFolder}/litellm.yaml`, '--host', '127.0.0.1', '--port', String(port)],
      // Its list of model prices is otherwise downloaded at each start.
      env: { LITELLM_LOCAL_MODEL_COST_MAP: 'True' },
    };
  },
};
