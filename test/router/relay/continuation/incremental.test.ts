import { planContinuation } from '../../../../runtime/router/relay/continuation/plan.ts';
import { clientView, rawEvents } from './client-view.ts';
import { TwoEngines } from './two-engines.ts';

const sampling_params = { max_new_tokens: 20, ignore_eos: true };
const body = Buffer.from(JSON.stringify({ rid: 'first', text: 'and then 42 ', sampling_params, stream: true }));

test('a /generate stream of increments is the same after a cut behind any event', async () => {
  await using engines = await TwoEngines.start({ incrementalStreamingOutput: true });
  const uncut = await engines.stream(engines.first, 'generate', body);
  const events = rawEvents(uncut);
  const whole = clientView(uncut, true);
  expect(whole.outputIds).toHaveLength(20);
  for (let cut = 0; cut <= events.length; cut++) {
    const sent = events.slice(0, cut);
    const mended = clientView(await engines.mend({ dialect: 'generate', body, sent, isIncremental: true }), true);
    expect(mended.text).toBe(whole.text);
    expect(mended.outputIds).toEqual(whole.outputIds);
    expect(mended.finish).toEqual(whole.finish);
    expect(mended.usage).toEqual(whole.usage);
  }
});

test('an increment of ids without text cannot be taken back', () => {
  const events = [
    { text: ' a', output_ids: [5], meta_info: { id: 'first', completion_tokens: 1, finish_reason: null } },
    { text: '', output_ids: [240], meta_info: { id: 'first', completion_tokens: 2, finish_reason: null } },
  ].map((event) => Buffer.from(`data: ${JSON.stringify(event)}\n\n`));
  const plan = planContinuation({ dialect: 'generate', body, sent: events, rid: 'next' });
  expect(plan).toEqual({ kind: 'cannot', reason: 'the text of its last token is not complete' });
});
