// Stands in for `python3 -m sglang.launch_server` and `sglang serve`. Prints its arguments and those variables that tests look
// for, then does what the file named by FAKE_SGLANG_SCRIPT says at this launch: prints lines, and serves, ends or hangs.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { FakeSglangScript } from '../fake-sglang.ts';

const args = process.argv.slice(2);
const shown = /^(SGL|PYTHONUNBUFFERED|FLEET_|HF_TOKEN|CUDA_VISIBLE_DEVICES)/;
const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => shown.test(name)));
console.log(`called with ${JSON.stringify({ args, environment })}`);

const file = process.env['FAKE_SGLANG_SCRIPT'];
const script: FakeSglangScript = file === undefined ? {} : JSON.parse(readFileSync(file, 'utf8'));
for (const text of script.print ?? []) process.stdout.write(text);

const argument = (flag: string) => args[args.indexOf(flag) + 1]!;
const { next = 'serve' } = script;
if (next === 'serve') {
  const address = ['--host', argument('--host'), '--port', argument('--port')];
  process.argv = [
    process.argv[0]!,
    path.join(import.meta.dirname, 'fake-engine.ts'),
    ...address,
    ...(script.engine ?? []),
  ];
  await import('./fake-engine.ts');
} else if (next === 'hang') {
  setInterval(() => {}, 1_000);
} else if ('exit' in next) {
  process.exit(next.exit);
} else {
  process.kill(process.pid, next.signal);
}
