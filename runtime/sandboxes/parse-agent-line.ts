import type { ChatChunk, TurnUsage } from '../shared/sandbox-protocol.ts';
import { type AgentDone, type AgentMessage, BridgeMistake } from './bridge.ts';

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads one line that an agent wrote. Unknown fields are dropped, except in chunks, which pass through.
 * Written by hand because it runs for each token of each session.
 * @throws BridgeMistake
 */
export function parseAgentLine(line: string): AgentMessage {
  let fields: Fields;
  try {
    fields = JSON.parse(line) as Fields;
  } catch {
    throw new BridgeMistake('a line is not JSON');
  }
  if (!isObject(fields)) throw new BridgeMistake('a line is not a JSON object');
  switch (fields['type']) {
    case 'chunk':
      return parseChunk(fields);
    case 'done':
      return parseDone(fields);
    case 'error': {
      const code = fields['code'];
      return {
        type: 'error',
        turnId: text(fields, 'turnId'),
        message: text(fields, 'message'),
        code: typeof code === 'string' ? code : null,
      };
    }
    case 'cancelled':
      return { type: 'cancelled', turnId: text(fields, 'turnId') };
    case 'log': {
      const level = fields['level'] ?? 'info';
      if (level !== 'info' && level !== 'warn' && level !== 'error') throw wrong('log', 'level', 'info, warn or error');
      return { type: 'log', level, message: text(fields, 'message') };
    }
    case 'ready':
      if (typeof fields['protocol'] !== 'number') throw wrong('ready', 'protocol', 'a number');
      return { type: 'ready', protocol: fields['protocol'] };
    default:
      throw new BridgeMistake('a line has no known "type"');
  }
}

function parseChunk(fields: Fields): AgentMessage {
  const turnId = text(fields, 'turnId');
  const { delta, chunk } = fields;
  if (typeof delta === 'string') return { type: 'chunk', turnId, delta };
  if (!isObject(chunk)) throw wrong('chunk', 'delta', 'text, or "chunk" an OpenAI chunk');
  const { choices } = chunk;
  if (!Array.isArray(choices) || !choices.every((choice) => isObject(choice) && isObject(choice['delta']))) {
    throw wrong('chunk', 'chunk.choices', 'a list of choices with a delta');
  }
  return { type: 'chunk', turnId, chunk: { ...chunk, object: 'chat.completion.chunk' } as unknown as ChatChunk };
}

function parseDone(fields: Fields): AgentDone {
  const { message = null, state = null, usage = null } = fields;
  if (message !== null && !isObject(message)) throw wrong('done', 'message', 'an object with the content');
  return {
    type: 'done',
    turnId: text(fields, 'turnId'),
    content: message === null ? null : text(message, 'content'),
    state,
    usage: usage === null ? null : parseUsage(usage),
  };
}

function parseUsage(usage: unknown): TurnUsage {
  if (!isObject(usage)) throw wrong('done', 'usage', 'an object');
  const count = (name: string) => {
    const value = usage[name];
    if (!Number.isSafeInteger(value) || (value as number) < 0) throw wrong('done', `usage.${name}`, 'a whole number');
    return value as number;
  };
  const [prompt, completion] = [count('prompt_tokens'), count('completion_tokens')];
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion };
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function text(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value !== 'string') throw wrong(String(fields['type'] ?? 'message'), name, 'text');
  return value;
}

function wrong(type: string, field: string, expected: string): BridgeMistake {
  return new BridgeMistake(`in a "${type}" line, "${field}" must be ${expected}`);
}
