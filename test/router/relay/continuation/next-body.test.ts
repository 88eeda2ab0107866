import fc from 'fast-check';
import { planContinuation } from '../../../../runtime/router/relay/continuation/plan.ts';

const sentText = ' one "two"\n';

function planOf(body: string) {
  const choices = [{ index: 0, delta: { content: sentText }, finish_reason: null }];
  const sent = [Buffer.from(`data: ${JSON.stringify({ id: 'first', choices })}\n\n`)];
  const plan = planContinuation({ dialect: 'chat', body: Buffer.from(body), sent, rid: 'next' });
  if (plan.kind !== 'continue') throw new Error(JSON.stringify(plan));
  return plan;
}

test('the rest of the body stays byte for byte, odd spacing and numbers included', () => {
  const body =
    '{ "rid":"first" , "seed": 12345678901234567890, "temperature":0.70, "messages" : [ {"role":"user", "content":"\\u00e9 /"} ] ,\n"stream":true,"max_tokens": 7 }';
  expect(planOf(body).body.toString('utf8')).toBe(
    '{"continue_final_message":true, "rid":"next" , "seed": 12345678901234567890, "temperature":0.70, "messages" : [ {"role":"user", "content":"\\u00e9 /"} ,{"role":"assistant","content":" one \\"two\\"\\n"}] ,\n"stream":true,"max_tokens": 6 }',
  );
});

test('of a key given twice the last one counts', () => {
  const body =
    '{"messages":7,"max_tokens":3,"stream":true,"messages":[{"role":"user","content":"Hi."}],"max_tokens":9,"continue_final_message":false}';
  expect(planOf(body).body.toString('utf8')).toBe(
    '{"messages":7,"max_tokens":3,"stream":true,"messages":[{"role":"user","content":"Hi."},{"role":"assistant","content":" one \\"two\\"\\n"}],"max_tokens":8,"continue_final_message":true}',
  );
});

test('any body keeps its meaning but for the part that continues', () => {
  const extra = fc.dictionary(
    fc.string({ minLength: 1 }).map((key) => `x_${key}`),
    fc.jsonValue(),
  );
  const message = fc.record({ role: fc.constantFrom('system', 'user', 'tool'), content: fc.string() });
  fc.assert(
    fc.property(
      extra,
      fc.array(message, { minLength: 1 }),
      fc.integer({ min: 2, max: 99 }),
      (more, messages, limit) => {
        const request = { ...more, rid: 'first', messages, max_tokens: limit, min_tokens: 2, stream: true };
        expect(JSON.parse(planOf(JSON.stringify(request, null, 2)).body.toString('utf8'))).toEqual({
          ...JSON.parse(JSON.stringify(request)),
          rid: 'next',
          messages: [...messages, { role: 'assistant', content: sentText }],
          max_tokens: limit - 1,
          min_tokens: 1,
          continue_final_message: true,
        });
      },
    ),
  );
});

test('tokens are counted by the engine, else by a tokenizer, else by events', () => {
  const event = (usage?: object) => {
    const choices = [{ index: 0, delta: { content: ' one two' }, finish_reason: null }];
    return Buffer.from(`data: ${JSON.stringify({ id: 'first', choices, usage })}\n\n`);
  };
  const body = Buffer.from('{"stream":true,"messages":[{"role":"user","content":"Hi."}],"max_tokens":9}');
  const spentOf = (sent: Buffer, textIds?: number[]) => {
    const plan = planContinuation({ dialect: 'chat', body, sent: [sent], rid: 'next', textIds });
    if (plan.kind !== 'continue') throw new Error(JSON.stringify(plan));
    return [plan.spent, JSON.parse(plan.body.toString('utf8')).max_tokens];
  };
  expect(spentOf(event())).toEqual([{ tokens: 1, source: 'events' }, 8]);
  expect(spentOf(event(), [5, 6])).toEqual([{ tokens: 2, source: 'tokenizer' }, 7]);
  const usage = { prompt_tokens: 4, completion_tokens: 3, total_tokens: 7 };
  expect(spentOf(event(usage), [5, 6])).toEqual([{ tokens: 3, source: 'engine' }, 6]);
});
