import { blockTokens, type TraceRequest } from '../../runtime/cli/replay/trace.ts';
import { exponential, seededRandom } from './random.ts';

const sessionCount = 150;
const systemPromptCount = 6;
/** Each system prompt has a length of its own between these, in blocks: 2,048 to 8,192 tokens. */
const systemPromptBlocks = { least: 4, most: 16 } as const;
/** Sessions begin spread over this time. */
const startsWithinMs = 120_000;
const turns = { least: 8, most: 24 } as const;
/** What a turn adds to the context beside the answer before it: a question or the output of a tool. */
const meanAddedTokens = 900;
const meanOutputTokens = 220;
/** What the schedule assumes an answer to take: a trace is open-loop, so turns do not wait for real answers. */
const assumedMs = { firstToken: 1_000, perToken: 20 } as const;
/** Ids that one session may use. */
const idsPerSession = 10_000;

/**
 * Agents: 150 sessions whose context grows turn by turn, with think time, on 6 shared system prompts. Every turn sends the
 * whole context again, so all but its last part is in the cache of the worker that had the turn before.
 * @param meanThinkMs from the end of an answer to the next turn
 */
export function agentSessions(seed: number, meanThinkMs: number): TraceRequest[] {
  const random = seededRandom(seed);
  const between = ({ least, most }: { least: number; most: number }) =>
    least + Math.floor(random() * (most - least + 1));
  const promptBlocks = Array.from({ length: systemPromptCount }, () => between(systemPromptBlocks));
  const requests: TraceRequest[] = [];
  for (let session = 0; session < sessionCount; session++) {
    const prompt = session % systemPromptCount;
    const systemBlocks = promptBlocks[prompt]!;
    let timestampMs = random() * startsWithinMs;
    let inputTokens = systemBlocks * blockTokens;
    for (let turn = between(turns); turn > 0; turn--) {
      inputTokens += 50 + Math.floor(exponential(random, meanAddedTokens));
      const outputTokens = 20 + Math.floor(exponential(random, meanOutputTokens));
      requests.push({
        timestampMs: Math.round(timestampMs),
        inputTokens,
        outputTokens,
        blockIds: Array.from({ length: Math.ceil(inputTokens / blockTokens) }, (_, block) =>
          block < systemBlocks ? prompt * idsPerSession + block : (systemPromptCount + session) * idsPerSession + block,
        ),
      });
      inputTokens += outputTokens;
      timestampMs += assumedMs.firstToken + assumedMs.perToken * outputTokens + exponential(random, meanThinkMs);
    }
  }
  return requests.sort((a, b) => a.timestampMs - b.timestampMs);
}
