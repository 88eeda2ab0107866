// Programs of a machine's image that boot scripts and units call, for a machine that is a folder: `TOOL ARGUMENTS...`.
// What is in FLEET_MACHINE (JSON): `assets`, a file for each key of the bucket of assets; `secrets`, a value for each name.
import { appendFileSync, copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const [tool, ...args] = process.argv.slice(2);
const { root, node, simulator, calls, assets } = JSON.parse(readFileSync(process.env['FLEET_MACHINE'], 'utf8'));
appendFileSync(calls, `${[tool, ...args].join(' ')}\n`);

const option = (name) => args[args.indexOf(name) + 1];

const tools = {
  aws: { 's3 cp': fetchAsset, 'ec2 attach-volume': attachVolume },
  curl,
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

function fail(message) {
  console.error(message);
  process.exit(127);
}
