import { TokenBuffer } from './tokenizer.ts';
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
  const turns = [...messages];
  const last = turns.at(-1);
  let openText: string | undefined;
  if (last?.role === 'assistant' && typeof last.content === 'string') {
    turns.pop();
    if (options.continueFinalMessage) openText = last.content;
    else turns.push({ role: 'user', content: last.content });
  }
  if (isNonEmptyList(options.tools)) addMessage({ role: 'tools', content: JSON.stringify(options.tools) });
  for (const turn of turns) addMessage(turn);
  buffer.token(messageStartToken).text('assistant\n');
  if (openText !== undefined) buffer.text(openText);
  return buffer.take();
}

const buffer = new TokenBuffer();

function addMessage(message: ChatMessage): void {
  buffer.token(messageStartToken).text(`${message.role}\n`).text(messageText(message));
  buffer.token(messageEndToken).token(lineFeed);
}

const lineFeed = 0x0a;

/** All text of a message: its content, text parts joined, then its tool calls as JSON. */
export function messageText({ content, tool_calls: toolCalls }: ChatMessage): string {
  const text = typeof content === 'string' ? content : (content ?? []).map((part) => part.text ?? '').join('');
  return isNonEmptyList(toolCalls) ? text + JSON.stringify(toolCalls) : text;
}

function isNonEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0;
}
