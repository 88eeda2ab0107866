import { encode } from './tokenizer.ts';
import { messageEndToken, messageStartToken } from './vocabulary.ts';

export interface ChatMessage {
  readonly role: string;
  /** Text, or parts of which those with `text` count. */
  readonly content?: string | readonly ContentPart[] | null;
  readonly tool_calls?: unknown;
}

export interface ContentPart {
  readonly type?: string;
  readonly text?: string;
}

export interface ChatTemplateOptions {
  /** Leaves a final assistant message open instead of starting a new turn, as SGLang's field of that name. */
  readonly continueFinalMessage?: boolean;
  readonly tools?: unknown;
}

/**
 * Token ids of a conversation in the ChatML form: `<|im_start|>role\ncontent<|im_end|>\n` per message and an open
 * assistant turn at the end. As SGLang does, a final assistant message that is not continued becomes a user message,
 * and a continued one is tokenised on its own and appended, so that its tokens are those that a stream sent.
 */
export function renderChat(messages: readonly ChatMessage[], options: ChatTemplateOptions = {}): Int32Array {
  const segments: Int32Array[] = [];
  const turns = [...messages];
  const last = turns.at(-1);
  let openText: string | undefined;
  if (last?.role === 'assistant' && typeof last.content === 'string') {
    turns.pop();
    if (options.continueFinalMessage) openText = last.content;
    else turns.push({ role: 'user', content: last.content });
  }
  if (isNonEmptyList(options.tools)) {
    segments.push(...segmentsOf({ role: 'tools', content: JSON.stringify(options.tools) }));
  }
  for (const turn of turns) segments.push(...segmentsOf(turn));
  segments.push(Int32Array.of(messageStartToken), encode('assistant\n'));
  if (openText !== undefined) segments.push(encode(openText));
  return concatenate(segments);
}

function segmentsOf(message: ChatMessage): Int32Array[] {
  return [
    Int32Array.of(messageStartToken),
    encode(`${message.role}\n`),
    encode(messageText(message)),
    Int32Array.of(messageEndToken, 0x0a),
  ];
}

/** All text of a message: its content, text parts joined, then its tool calls as JSON. */
export function messageText({ content, tool_calls: toolCalls }: ChatMessage): string {
  const text = typeof content === 'string' ? content : (content ?? []).map((part) => part.text ?? '').join('');
  return isNonEmptyList(toolCalls) ? text + JSON.stringify(toolCalls) : text;
}

function isNonEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0;
}

function concatenate(segments: readonly Int32Array[]): Int32Array {
  const whole = new Int32Array(segments.reduce((sum, segment) => sum + segment.length, 0));
  let at = 0;
  for (const segment of segments) {
    whole.set(segment, at);
    at += segment.length;
  }
  return whole;
}
