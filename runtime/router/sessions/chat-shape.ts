import type { ChatChunk } from '../../shared/sandbox-protocol.ts';
import type { RecordedTurn } from '../store/turn-queries.ts';

/** Turns in the shape of OpenAI's chat completions. */

/** A whole answer: `chat.completion`. */
export function chatCompletion(turn: RecordedTurn, model: string) {
  return {
    id: turn.turnId,
    object: 'chat.completion',
    created: Math.floor(turn.createdAtMs / 1_000),
    model,
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: answerOf(turn) },
        finish_reason: turn.finishReason,
        logprobs: null,
      },
    ],
    usage: turn.usage,
  };
}

/** A recorded answer as the chunks of a stream. */
export function recordedChunks(turn: RecordedTurn): ChatChunk[] {
  const chunk = (delta: ChatChunk['choices'][number]['delta'], finish_reason: string | null): ChatChunk => ({
    object: 'chat.completion.chunk',
    choices: [{ index: 0, delta, finish_reason }],
  });
  return [chunk({ role: 'assistant', content: answerOf(turn) }, null), chunk({}, turn.finishReason)];
}

function answerOf({ messages }: RecordedTurn): string {
  return messages.findLast(({ role }) => role === 'assistant')?.content ?? '';
}
