// An agent that does what each message tells it to, right and wrong: the first word is the deed. Options at its start:
// `--never-ready`, `--protocol N`, `--greet TEXT` (writes it before "ready").
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    'never-ready': { type: 'boolean', default: false },
    protocol: { type: 'string', default: '1' },
    greet: { type: 'string' },
    children: { type: 'boolean', default: false },
    'ignore-end': { type: 'boolean', default: false },
  },
});
const raw = (text) => process.stdout.write(text);
const send = (message) => raw(`${JSON.stringify(message)}\n`);
const forEver = () => setInterval(() => {}, 1_000);
const startChild = (detached) =>
  spawn(process.execPath, ['-e', 'setInterval(() => {}, 1_000)'], { stdio: 'ignore', detached }).pid;
const flood = (stream, text) => {
  while (stream.write(text));
  stream.once('drain', () => flood(stream, text));
};
let init;
let turns = 0;
const kept = [];

const deeds = {
  say: (turnId, text) => {
    for (const delta of text.split(/(?<= )/)) send({ type: 'chunk', turnId, delta });
    const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 };
    send({ type: 'done', turnId, state: { turns: ++turns }, usage });
  },
  init: (turnId) => deeds.say(turnId, JSON.stringify(init)),
  env: (turnId) => deeds.say(turnId, JSON.stringify(process.env)),
  crash: () => {
    process.stderr.write('about to crash\n');
    process.exit(3);
  },
  quit: (turnId) => {
    send({ type: 'done', turnId, message: { role: 'assistant', content: 'bye' } });
    process.exit(0);
  },
  fail: (turnId) => send({ type: 'error', turnId, message: 'the tool broke' }),
  // Answers a cancel; the others below do not.
  wait: (turnId) => send({ type: 'chunk', turnId, delta: 'waiting' }),
  hang: (turnId) => {
    send({ type: 'chunk', turnId, delta: 'hanging' });
    deeds.cancel = () => {};
  },
  block: (turnId) => {
    send({ type: 'chunk', turnId, delta: 'blocking' });
    for (;;);
  },
  'finish-late': (turnId) => {
    send({ type: 'chunk', turnId, delta: 'soon' });
    deeds.cancel = () => send({ type: 'done', turnId, message: { role: 'assistant', content: 'late' } });
  },
  flood: (turnId) => flood(process.stdout, `${JSON.stringify({ type: 'chunk', turnId, delta: 'x'.repeat(1_000) })}\n`),
  'flood-stderr': () => flood(process.stderr, 'y'.repeat(1_000)),
  long: () => raw('z'.repeat(3_000_000)),
  garbage: () => raw('this is no JSON\n'),
  halves: (turnId) => {
    const bytes = Buffer.from(
      `${JSON.stringify({ type: 'done', turnId, message: { role: 'assistant', content: 'häß€' } })}\n`,
    );
    let index = 0;
    const next = () => {
      if (index < bytes.length) process.stdout.write(bytes.subarray(index, ++index), () => setImmediate(next));
    };
    next();
  },
  stray: (turnId) => {
    send({ type: 'chunk', turnId: 'no-such-turn', delta: 'x' });
    deeds.say(turnId, 'x');
  },
  // Outside of the JavaScript heap, so that only the host can see it.
  grow: () => setInterval(() => kept.push(Buffer.alloc(16 * 1024 * 1024, 1)), 5),
  heap: () => {
    for (;;) kept.push(new Array(100_000).fill(kept.length));
  },
  // A child of the same group, and one that made a session of its own.
  children: (turnId) => deeds.say(turnId, [startChild(false), startChild(true)].join(' ')),
  log: (turnId, text) => {
    send({ type: 'log', level: 'warn', message: text });
    deeds.say(turnId, 'logged');
  },
  chunks: (turnId) => {
    const delta = { role: 'assistant', content: 'hi', reasoning_content: 'hm' };
    send({
      type: 'chunk',
      turnId,
      chunk: { id: 'c', model: 'm', choices: [{ index: 0, delta, finish_reason: null }] },
    });
    send({ type: 'done', turnId });
  },
  cancel: (turnId) => send({ type: 'cancelled', turnId }),
};

if (values.greet !== undefined) raw(`${values.greet}\n`);
if (values.children) process.stderr.write(`children ${startChild(false)}\n`);
const input = createInterface({ input: process.stdin });
input.on('line', (line) => {
  const message = JSON.parse(line);
  if (message.type === 'hello' && !values['never-ready']) send({ type: 'ready', protocol: Number(values.protocol) });
  if (message.type === 'init') init = message;
  if (message.type === 'cancel') deeds.cancel(message.turnId);
  if (message.type === 'turn') {
    const [deed, ...words] = message.content.split(' ');
    deeds[deed](message.turnId, words.join(' '));
  }
});
input.on('close', () => (values['ignore-end'] ? forEver() : process.exit(0)));
