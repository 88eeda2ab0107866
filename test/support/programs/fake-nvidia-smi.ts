// Stands in for nvidia-smi: prints the file `gpus` or `apps` of FAKE_NVIDIA_SMI_DIR, or the file `failure` with status 15
// where there is one. Each call leaves a line in `calls`.
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

const folder = process.env['FAKE_NVIDIA_SMI_DIR']!;
const query = process.argv[2]!.includes('compute-apps') ? 'apps' : 'gpus';
const read = (name: string) => readFileSync(path.join(folder, name), 'utf8');

if (existsSync(path.join(folder, 'failure'))) {
  process.stdout.write(read('failure'));
  process.exitCode = 15;
} else {
  process.stdout.write(read(query));
}
appendFileSync(path.join(folder, 'calls'), `${query}\n`);
