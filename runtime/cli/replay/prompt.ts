import { BlockTexts, bytesPerToken } from './block-text.ts';
import type { TraceRequest } from './trace.ts';

/**
 * Prompt text for a trace that has none: every block id becomes 512 words of a space and three lowercase letters, one
 * token each to the engine simulator (a real tokenizer makes one or two of it). Prompts share exactly the blocks that
 * the trace says they share; another seed gives other text with the same sharing: nothing that an engine has cached.
 */
export class PromptWriter {
  readonly #blocks: BlockTexts;

  constructor(seed = 0) {
    this.#blocks = new BlockTexts(seed);
  }

  /**
   * The request's prompt between `head` and `tail`, in one buffer. Needs no JSON escapes.
   * @throws RangeError when the ids are too few for `inputTokens`
   */
  wrap(request: Pick<TraceRequest, 'blockIds' | 'inputTokens'>, head: Buffer, tail: Buffer): Buffer {
    const promptBytes = request.inputTokens * bytesPerToken;
    const body = Buffer.allocUnsafe(head.length + promptBytes + tail.length);
    let offset = head.copy(body, 0);
    const end = offset + promptBytes;
    for (const id of request.blockIds) offset += this.#blocks.of(id).copy(body, offset, 0, end - offset);
    if (offset < end) {
      throw new RangeError(`${request.blockIds.length} block ids are too few for ${request.inputTokens} tokens.`);
    }
    tail.copy(body, end);
    return body;
  }
}
