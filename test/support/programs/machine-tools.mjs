// Programs of a machine's image that boot scripts and units call, for a machine that is a folder: `TOOL ARGUMENTS...`.
// The file FLEET_MACHINE (JSON) says what the machine is; see test/support/assembly/machine-folder.ts.
import { createHash } from 'node:crypto';
import { appendFileSync, copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const [tool, ...args] = process.argv.slice(2);
const { root, node, simulator, calls, assets, mapping } = JSON.parse(
  readFileSync(process.env['FLEET_MACHINE'], 'utf8'),
);
appendFileSync(calls, `${[tool, ...args].join(' ')}\n`);

const option = (name) => args[args.indexOf(name) + 1];

const tools = {
  aws: { 's3 cp': fetchAsset, 'ec2 attach-volume': attachVolume },
  curl,
  sha256sum: compareDigests,
  python: { '-m venv': makePython },
};

const family = tools[/^python/.test(tool) ? 'python' : tool];
const run = typeof family === 'function' ? family : family?.[args.slice(0, 2).join(' ')];
if (!run) fail(`this machine has no such command: ${[tool, ...args].join(' ')}`);
await run();

function fetchAsset() {
  const [from, to] = args.filter((word, index) => index > 1 && !word.startsWith('--'));
  const file = assets[from.replace(/^s3:\/\/[^/]+\//, '')];
  if (file === undefined) fail(`the bucket has no ${from}`);
  mkdirSync(path.dirname(to), { recursive: true });
  copyFileSync(file, to);
}

/** `sha256sum --check` of its standard input. What it found good is then made to speak of this machine's folder. */
function compareDigests() {
  for (const line of readFileSync(0, 'utf8').split('\n').filter(Boolean)) {
    const [, digest, file] = /^([0-9a-f]{64}) {2}(\S+)$/.exec(line);
    const bytes = readFileSync(file);
    if (createHash('sha256').update(bytes).digest('hex') !== digest) fail(`${file}: FAILED`, 1);
    if (!/\.(sh|service)$/.test(file)) continue;
    const text = mapping.reduce((soFar, [from, to]) => soFar.replaceAll(new RegExp(from, 'gm'), to), bytes.toString());
    writeFileSync(file, text);
  }
}

function attachVolume() {
  const folder = path.join(root, 'dev/disk/by-id');
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, `nvme-Amazon_Elastic_Block_Store_${option('--volume-id').replace('-', '')}`), '');
}

async function curl() {
  const url = args.find((word) => word.startsWith('http'));
  const headers = args.flatMap((word, index) => (word === '-H' ? [args[index + 1].split(': ')] : []));
  const answer = await fetch(url, { method: args.includes('-X') ? option('-X') : 'GET', headers });
  // What `--fail` ends with.
  if (!answer.ok) process.exit(22);
  process.stdout.write(await answer.text());
}

/** A Python that has SGLang, which is the simulator. */
function makePython() {
  const program = path.join(args[2], 'bin/python');
  mkdirSync(path.dirname(program), { recursive: true });
  const launch = `sglang.launch_server) shift 2; exec ${node} ${simulator} sim --time-scale 20 "$@" ;;`;
  const script = `#!/bin/sh\ncase "$2" in pip) ;; ${launch} *) exit 1 ;; esac\n`;
  writeFileSync(program, script, { mode: 0o755 });
  symlinkSync('python', path.join(path.dirname(program), 'python3'));
}

function fail(message, status = 127) {
  console.error(message);
  process.exit(status);
}
