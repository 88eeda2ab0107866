import type { ChatMessage } from '../language/chat-template.ts';
import { checkFields } from '../validation/field-checks.ts';
import type { JsonObject } from '../validation/json-body.ts';

interface AnthropicBlock {
  readonly type?: string;
  readonly text?: string;
  readonly content?: unknown;
  readonly input?: unknown;
  readonly name?: string;
}

/** A chat request with the content of an Anthropic one. */
export interface ConvertedRequest extends JsonObject {
  readonly messages: readonly ChatMessage[];
  readonly tools: unknown;
}

/** Throws ValidationError. */
export function checkAnthropicFields(body: JsonObject, required: readonly string[]): void {
  checkFields(
    body,
    [
      { name: 'model', type: 'str', nullable: false },
      { name: 'messages', type: 'list', nullable: false },
      { name: 'max_tokens', type: 'int', nullable: false },
      { name: 'temperature', type: 'float' },
      { name: 'stream', type: 'bool' },
    ],
    required,
  );
}

/** The chat request that SGLang makes of an Anthropic one: the system prompt in front, blocks joined to text. */
export function chatRequestOfAnthropic(body: JsonObject): ConvertedRequest {
  const system = textOfBlocks(body['system']);
  const turns = body['messages'] as { role: string; content: unknown }[];
  const messages: ChatMessage[] = turns.map(({ role, content }) => ({ role, content: textOfBlocks(content) }));
  if (system !== '') messages.unshift({ role: 'system', content: system });
  return {
    model: body['model'],
    messages,
    max_tokens: body['max_tokens'],
    stream: body['stream'] ?? false,
    temperature: body['temperature'],
    top_p: body['top_p'],
    top_k: body['top_k'],
    stop: body['stop_sequences'],
    tools: body['tools'],
    lora_path: body['lora_path'],
  };
}

function textOfBlocks(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return (content as AnthropicBlock[]).map(textOfBlock).join('');
}

function textOfBlock(block: AnthropicBlock): string {
  switch (block.type) {
    case 'tool_use':
      return JSON.stringify({ name: block.name, input: block.input });
    case 'tool_result':
      return textOfBlocks(block.content);
    default:
      return block.text ?? '';
  }
}
