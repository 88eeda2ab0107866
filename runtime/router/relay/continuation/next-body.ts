import { CannotContinue } from './cannot-continue.ts';
import { applyEdits, type Edit, elementsOf, extendArray, extendString, Members, type Range } from './json-edit.ts';
import type { RequestBody } from './request-body.ts';
import { budgetEdits } from './token-budget.ts';

/** What the next engine is to go on from. */
export interface Progress {
  /** All text so far, without an incomplete character at its end; empty when there is nothing to go on from. */
  readonly text: string;
  /** Ids of the output so far, undefined when they are not known. */
  readonly outputIds: readonly number[] | undefined;
  /** Ids of the request's own prompt, undefined when they are not known. */
  readonly promptIds: readonly number[] | undefined;
  readonly spent: number;
  /** Undefined: no limit. */
  readonly remaining: number | undefined;
}

/**
 * The request for the next engine: the client's own bytes with the output so far behind the prompt, less tokens to
 * spend and another `rid` where there was one. Nothing else changes. Throws CannotContinue and JsonScanError.
 */
export function nextBody(request: RequestBody, progress: Progress, rid: string): Buffer {
  return applyEdits(request.bytes, [
    ...ridEdits(request, rid),
    ...budgetEdits(request, progress.spent, progress.remaining),
    ...promptEdits(request, progress),
  ]);
}

export function ridEdits({ members }: RequestBody, rid: string): Edit[] {
  return members.range('rid') ? [members.set('rid', JSON.stringify(rid))] : [];
}

function promptEdits(request: RequestBody, progress: Progress): Edit[] {
  const { text, outputIds } = progress;
  if (text === '' && !outputIds?.length) return [];
  switch (request.dialect) {
    case 'chat':
      return chatEdits(request, text);
    case 'completions':
      return completionEdits(request, progress);
    case 'generate':
      return generateEdits(request, progress);
  }
}

function chatEdits({ members, bytes }: RequestBody, text: string): Edit[] {
  const messages = members.range('messages');
  if (!messages) throw new CannotContinue('it has no messages');
  const lastRange = elementsOf(bytes, messages).at(-1);
  if (!lastRange) throw new CannotContinue('it has no messages');
  const last = new Members(bytes, lastRange);
  const role = last.value('role');
  const content = last.range('content');
  const endsWithAssistantText =
    typeof role === 'string' &&
    role.toLowerCase() === 'assistant' &&
    content !== undefined &&
    bytes[content.start] === 0x22;
  const isContinued = members.value('continue_final_message') === true;
  if (endsWithAssistantText && isContinued) return [extendString(content, text)];
  // 0.5.23 reads such a message as the user's, other versions do not: with another message behind it, it would be different.
  if (endsWithAssistantText) throw new CannotContinue('its last message is an assistant message that is not continued');
  const message = JSON.stringify({ role: 'assistant', content: text });
  const edits = [extendArray(bytes, messages, [message])];
  if (!isContinued) edits.push(members.set('continue_final_message', 'true'));
  return edits;
}

function completionEdits({ members, bytes }: RequestBody, { text, outputIds, promptIds }: Progress): Edit[] {
  if (promptIds && outputIds) return [members.set('prompt', JSON.stringify([...promptIds, ...outputIds]))];
  const prompt = singlePrompt(bytes, members.range('prompt'));
  if (bytes[prompt.start] === 0x22) return [extendString(prompt, text)];
  if (!outputIds) throw new CannotContinue('its prompt is token ids and those of the answer are not known');
  return [extendArray(bytes, prompt, outputIds.map(String))];
}

function generateEdits({ members, bytes }: RequestBody, { text, outputIds, promptIds }: Progress): Edit[] {
  const ids = members.range('input_ids');
  if (ids && bytes[ids.start] === 0x5b) {
    if (!outputIds) throw new CannotContinue('its prompt is token ids and those of the answer are not known');
    return [extendArray(bytes, singlePrompt(bytes, ids), outputIds.map(String))];
  }
  const prompt = singlePrompt(bytes, members.range('text'));
  if (bytes[prompt.start] !== 0x22) throw new CannotContinue('it has no prompt');
  if (promptIds && outputIds) {
    return [members.set('text', 'null'), members.set('input_ids', JSON.stringify([...promptIds, ...outputIds]))];
  }
  return [extendString(prompt, text)];
}

/** A prompt, or the only one of a list. Throws CannotContinue for none and several. */
function singlePrompt(bytes: Buffer, range: Range | undefined): Range {
  if (!range) throw new CannotContinue('it has no prompt');
  if (bytes[range.start] !== 0x5b) return range;
  const elements = elementsOf(bytes, range);
  const [first] = elements;
  const isList = first && (bytes[first.start] === 0x22 || bytes[first.start] === 0x5b);
  if (!isList) return range;
  if (elements.length > 1) throw new CannotContinue('it has several prompts');
  return first;
}
