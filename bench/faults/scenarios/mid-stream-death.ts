import { callJson } from '../../../runtime/shared/call-json.ts';
import { ask, type Seen } from '../ask.ts';
import type { FaultScenario, Finding } from '../scenario.ts';

const tokens = 50;
const diesAfterTokens = 10;
const armed = 1_000;

interface Kind {
  readonly title: string;
  readonly path: string;
  readonly body: (prompt: string) => object;
}

const kinds: readonly Kind[] = [
  {
    title: 'chat',
    path: '/v1/chat/completions',
    body: (prompt) => ({ messages: [{ role: 'user', content: prompt }], max_tokens: tokens, ignore_eos: true }),
  },
  {
    title: 'completions',
    path: '/v1/completions',
    body: (prompt) => ({ prompt, max_tokens: tokens, ignore_eos: true }),
  },
  {
    title: '/generate',
    path: '/generate',
    body: (prompt) => ({ text: prompt, sampling_params: { max_new_tokens: tokens, temperature: 0, ignore_eos: true } }),
  },
  {
    title: 'chat with two choices',
    path: '/v1/chat/completions',
    body: (prompt) => ({ messages: [{ role: 'user', content: prompt }], max_tokens: tokens, ignore_eos: true, n: 2 }),
  },
];

/** A worker dies after 10 of 50 tokens; the engines are simulators, which answer a prompt alike. */
export const midStreamDeath: FaultScenario = {
  name: 'mid-stream death',
  async run(bed, peer, { isQuick }) {
    const [dying, healthy] = await bed.startSimulators(2);
    const router = await bed.startRouter(peer, [dying!, healthy!]);
    const findings: Finding[] = [];
    for (const kind of kinds) {
      const prompts = Array.from({ length: isQuick ? 6 : 20 }, (_, index) => `${index} is the number of ${kind.title}`);
      const askAll = (port: number) =>
        Promise.all(
          prompts.map((prompt) => {
            const body = { model: 'bench', temperature: 0, stream: true, ...kind.body(prompt) };
            return ask({ port, path: kind.path, body });
          }),
        );
      const whole = await askAll(Number(new URL(healthy!).port));
      await callJson(`${dying}/sim/faults`, {
        body: { kind: 'die-mid-stream', afterTokens: diesAfterTokens, count: armed, path: kind.path },
      });
      const seen = await askAll(router.port);
      const left = (await callJson(`${dying}/sim/faults`, {})) as { armed: readonly { count: number }[] };
      await callJson(`${dying}/sim/faults`, { method: 'DELETE' });
      findings.push(describe(kind, seen, whole, armed - (left.armed[0]?.count ?? 0)));
    }
    return findings;
  },
};

function describe({ title }: Kind, seen: readonly Seen[], whole: readonly Seen[], struck: number): Finding {
  const count = (matches: (one: Seen, index: number) => boolean) => seen.filter(matches).length;
  const isWhole = (one: Seen, index: number) => one.end === 'answered' && one.text === whole[index]!.text;
  const values = {
    streams: seen.length,
    // The router's own probes may be among them.
    struck,
    whole: count(isWhole),
    otherText: count((one, index) => one.end === 'answered' && !isWhole(one, index)),
    errorEvents: count(({ end }) => end === 'error-event'),
    refused: count(({ end }) => end === 'refused'),
    cut: count(({ end }) => end === 'cut' || end === 'gave-up'),
  };
  const parts = [
    `${values.whole} of ${values.streams} whole`,
    values.otherText > 0 ? `${values.otherText} other text` : '',
    values.errorEvents > 0 ? `${values.errorEvents} error events` : '',
    values.refused > 0 ? `${values.refused} refused` : '',
    values.cut > 0 ? `${values.cut} cut` : '',
    `(${struck} struck)`,
  ];
  return {
    title: `a worker dies after 10 of 50 tokens: ${title}`,
    text: parts.filter((part) => part !== '').join(', '),
    values,
  };
}
