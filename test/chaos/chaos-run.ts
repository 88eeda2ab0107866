import { setTimeout as delay } from 'node:timers/promises';
import { seededRandom } from '../../bench/routing/random.ts';
import { describeError } from '../../runtime/shared/errors.ts';
import { until } from '../support/poll.ts';
import { SessionClient } from '../support/session-client.ts';
import { ChaosFleet } from './chaos-fleet.ts';
import { type Blow, nameOf, planChaos } from './chaos-plan.ts';
import { Conversation } from './conversation.ts';

export interface ChaosOptions {
  readonly seed: number;
  readonly durationMs: number;
  readonly routers: number;
  readonly runners: number;
  readonly sessions: number;
  /** How many of the sessions are answered by the built-in agent through an engine: a Node process each. */
  readonly chatSessions: number;
  /** Mean pause between an answer and the next message. */
  readonly thinkMs: number;
  readonly timeScale: number;
  /** Told of each step. */
  readonly say: (text: string) => void;
}

export interface ChaosReport {
  /** Promises that were not kept, in words; none is the aim. */
  readonly broken: readonly string[];
  readonly counts: Readonly<Record<string, number>>;
  readonly blows: readonly Blow[];
}

const keys = { ada: 'key-of-ada', bob: 'key-of-bob', eve: 'key-of-eve', joe: 'key-of-joe' };
const owners = Object.keys(keys) as (keyof typeof keys)[];
const settleMs = 60_000;
const parallelChecks = 20;

/** Holds conversations while routers, runners and the database fall, and then looks whether every promise was kept. */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { seed, say, timeScale } = options;
  const random = seededRandom(seed);
  const counts: Record<string, number> = {};
  const count = (what: string) => {
    counts[what] = (counts[what] ?? 0) + 1;
  };
  // Any runner may be away, and two of them at the same moment.
  const maxSandboxes = Math.ceil(options.sessions / (options.runners / 2)) + 10;
  await using fleet = await ChaosFleet.start({ ...options, maxSandboxes, keys });
  const { routerUrls } = fleet;
  say(`${options.routers} routers, ${options.runners} runners and a database run`);
  const conversations = Array.from({ length: options.sessions }, (_, index) => {
    const owner = owners[index % owners.length]!;
    const agent = index < options.chatSessions ? ('chat' as const) : ('counting' as const);
    const conversation = new Conversation({ routerUrls, key: keys[owner], agent, timeScale, random, count });
    return { owner, conversation };
  });
  await inParallel(conversations, parallelChecks, ({ conversation }) => conversation.begin());
  say(`${conversations.length} sessions begun`);

  const broken: string[] = [];
  const stop = new AbortController();
  const talks = conversations.map(({ conversation }) =>
    conversation.talk(options.thinkMs, stop.signal).catch((error: Error) => void broken.push(error.message)),
  );
  const intruding = intrude(conversations, routerUrls, random, stop.signal, broken);
  const blows = planChaos(options);
  await strike(fleet, blows, options, broken);
  stop.abort();
  await Promise.all([...talks, intruding]);
  await fleet.untilUp();
  say(`${counts['answers'] ?? 0} answers; looking`);

  try {
    broken.push(...fleet.fallen().map((name) => `${name} ended by itself`));
    broken.push(...(await look(fleet, conversations)));
  } catch (error) {
    broken.push(describeError(error));
  }
  await fleet.stopRunners();
  const left = fleet.sandboxProcesses();
  if (left.length > 0) broken.push(`processes of sandboxes are left: ${left.join(', ')}`);
  if (broken.length > 0) say(fleet.logs(3));
  return { broken, counts, blows };
}

/** Compares what clients, other keys, store and machine see with what was promised. Ends the sessions. */
async function look(fleet: ChaosFleet, conversations: readonly Held[]): Promise<string[]> {
  const broken: string[] = [];
  const { routerUrls } = fleet;
  await inParallel(conversations, parallelChecks, async ({ conversation }) => {
    await conversation.resume();
    await conversation.say();
    broken.push(...differences(conversation, await conversation.look()));
  });
  await inParallel(conversations, parallelChecks, async ({ owner, conversation }) => {
    const stranger = keys[owners[(owners.indexOf(owner) + 1) % owners.length]!];
    const { status } = await new SessionClient(routerUrls[0]!, stranger).get(conversation.id);
    if (status !== 404) broken.push(`${conversation.id} of ${owner} answers another key with ${status}`);
  });
  for (const owner of owners) broken.push(...(await foreignOnes(owner, conversations, routerUrls[1]!)));
  for (const { id, status, runner_id } of await fleet.lostRows()) {
    broken.push(`${id} is ${status} on ${runner_id}, which does not live`);
  }
  await inParallel(conversations, parallelChecks, ({ conversation }) => conversation.end());
  await until('no runner has a sandbox', async () => (await fleet.sandboxesOfSessions()) === 0, settleMs).catch(
    async () => void broken.push(`${await fleet.sandboxesOfSessions()} sandboxes are left of sessions that ended`),
  );
  return broken;
}

interface Held {
  readonly owner: keyof typeof keys;
  readonly conversation: Conversation;
}

/** Carries the plan out. */
async function strike(
  fleet: ChaosFleet,
  blows: readonly Blow[],
  { durationMs, say }: ChaosOptions,
  broken: string[],
): Promise<void> {
  const startedAt = performance.now();
  const untilMs = (atMs: number) => delay(Math.max(0, startedAt + atMs - performance.now()));
  const struck = blows.map(async ({ atMs, target, downMs }) => {
    await untilMs(atMs);
    say(`${(atMs / 1_000).toFixed(1)} s: ${nameOf(target)} is gone for ${downMs} ms`);
    if (target === 'database') await fleet.stopDatabase();
    else if (!(await fleet.kill(target))) broken.push(`${nameOf(target)} had ended by itself`);
    await delay(downMs);
    if (target === 'database') await fleet.startDatabase();
    else fleet.startAgain(target);
  });
  await Promise.all([...struck, untilMs(durationMs)]);
}

/** Tries sessions with keys that they do not belong to. */
async function intrude(
  conversations: readonly Held[],
  routerUrls: readonly string[],
  random: () => number,
  signal: AbortSignal,
  broken: string[],
): Promise<void> {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
  while (!signal.aborted) {
    await delay(50, undefined, { signal }).catch(() => undefined);
    const { owner, conversation } = pick(conversations);
    const stranger = pick(owners.filter((id) => id !== owner));
    const client = new SessionClient(pick(routerUrls), keys[stranger], 5_000);
    const tries = [
      () => client.get(conversation.id),
      () => client.ask(conversation.id, 'tell me', { 'idempotency-key': 'key-1' }),
      () => client.post(conversation.id, 'resume'),
      () => client.post(conversation.id, 'pause'),
      () => client.call('DELETE', `/api/sessions/${conversation.id}`),
    ];
    const status = await pick(tries)().then(
      (answered) => answered.status,
      () => undefined,
    );
    if (status !== undefined && status !== 404 && status !== 503) {
      broken.push(`${conversation.id} of ${owner} answers ${stranger} with ${status}`);
    }
  }
}

/** How the transcript differs from what the client was told. */
function differences(conversation: Conversation, seen: { messages: { content: string }[]; status: string }): string[] {
  const { id, acknowledged, agent } = conversation;
  const expected = acknowledged.flatMap(({ content, answer }) => [content, answer]);
  const recorded = seen.messages.map(({ content }) => content);
  const found: string[] = [];
  if (seen.status !== 'active') found.push(`${id} is ${seen.status} in the end`);
  if (JSON.stringify(recorded) !== JSON.stringify(expected)) {
    const at = expected.findIndex((content, index) => content !== recorded[index]);
    found.push(
      `${id} has ${recorded.length} messages of ${expected.length}; the first difference is ${at}: ` +
        `${JSON.stringify(recorded[at])} instead of ${JSON.stringify(expected[at])}`,
    );
  }
  if (agent !== 'counting') return found;
  // What the agent remembers must be what the store holds: it numbers its answers.
  const wrong = acknowledged.findIndex(({ content, answer }, index) => answer !== `${index + 1}: ${content}`);
  if (wrong >= 0) found.push(`${id} got ${JSON.stringify(acknowledged[wrong])} as turn ${wrong + 1}`);
  return found;
}

/** Sessions in a key's list that are not its own. */
async function foreignOnes(owner: keyof typeof keys, conversations: readonly Held[], url: string): Promise<string[]> {
  const others = new Set(
    conversations.filter((held) => held.owner !== owner).map(({ conversation }) => conversation.id),
  );
  const { body } = await new SessionClient(url, keys[owner]).call('GET', '/api/sessions?limit=100');
  const ids = (body.data as { id: string }[]).map(({ id }) => id);
  return ids.filter((id) => others.has(id)).map((id) => `${id} is in the list of ${owner}`);
}

async function inParallel<T>(items: readonly T[], width: number, work: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (let next = left.pop(); next !== undefined; next = left.pop()) await work(next);
    }),
  );
}
