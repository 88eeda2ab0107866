import type { ChatAnswer, ChatMessage } from './chat-answer.ts';
import { count, percent, significant } from './quantity.ts';
import { oneLine } from './terminal-text.ts';

export function newConversation(system: string | undefined): ChatMessage[] {
  return system === undefined ? [] : [{ role: 'system', content: system }];
}

/**
 * The conversation after an answer. A cancelled answer stays as far as it was shown, because the user may refer to it;
 * without any text the whole turn is dropped, as if it had not been asked.
 */
export function afterAnswer(asked: readonly ChatMessage[], answer: ChatAnswer): ChatMessage[] {
  if (answer.text === '') return asked.slice(0, -1);
  return [...asked, { role: 'assistant', content: answer.text }];
}

/** One line on who answered and how fast. */
export function answerFigures(answer: ChatAnswer): string {
  const { usage, ttftSeconds } = answer;
  const decodeSeconds = answer.durationSeconds - (ttftSeconds ?? 0);
  const laterTokens = (usage?.completionTokens ?? 0) - 1;
  return [
    answer.isCancelled && 'cancelled',
    answer.worker !== undefined && oneLine(answer.worker),
    ttftSeconds !== undefined && `first token ${significant(ttftSeconds)} s`,
    laterTokens > 0 && decodeSeconds > 0 && `${significant(laterTokens / decodeSeconds)} tokens/s`,
    usage &&
      `${count(usage.cachedTokens)} of ${count(usage.promptTokens)} prompt tokens cached` +
        (usage.promptTokens > 0 ? ` (${percent(usage.cachedTokens / usage.promptTokens)})` : ''),
  ]
    .filter(Boolean)
    .join('  ·  ');
}
