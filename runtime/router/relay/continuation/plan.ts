import { JsonScanError } from '../json-scan.ts';
import type { BrokenStream, ContinuationPlan } from './broken-stream.ts';
import { CannotContinue } from './cannot-continue.ts';
import { planGenerate } from './plan-generate.ts';
import { planOpenAi } from './plan-openai.ts';
import { refusalOf } from './refusals.ts';
import { RequestBody } from './request-body.ts';

/**
 * How to go on with a stream that broke off so that the client sees one stream, nothing lost and nothing repeated.
 * Never throws for what a client or an engine sent; RangeError when `rid` is the one that the body has.
 */
export function planContinuation(broken: BrokenStream): ContinuationPlan {
  try {
    const request = new RequestBody(broken.dialect, broken.body);
    const refusal = refusalOf(request);
    if (refusal !== undefined) throw new CannotContinue(refusal);
    // An engine aborts by prefix of the id, and refuses one that it still has.
    if (request.value('rid') === broken.rid) throw new RangeError('a continuation needs a request id of its own');
    return broken.dialect === 'generate' ? planGenerate(request, broken) : planOpenAi(request, broken);
  } catch (error) {
    if (error instanceof CannotContinue) return { kind: 'cannot', reason: error.message };
    if (error instanceof JsonScanError) return { kind: 'cannot', reason: `its JSON is not readable: ${error.message}` };
    throw error;
  }
}
