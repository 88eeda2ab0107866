import fc from 'fast-check';
import { peek } from '../../../runtime/router/relay/peek.ts';

const facts = (text: string, dialect: Parameters<typeof peek>[1] = 'chat') => peek(Buffer.from(text), dialect);

describe('what the relay reads from a body without parsing it', () => {
  test('model, stream, output cap and prompt of a chat request', () => {
    const text =
      '{ "model" : "qwen",\n"stream":true,"max_tokens": 64, "messages":[{"role":"user","content":"a \\"}] b"}] }';
    const found = facts(text);
    expect(found).toMatchObject({ model: 'qwen', isStream: true, maxOutputTokens: 64, rid: undefined });
    expect(text.slice(found.promptStart, found.promptEnd)).toBe('[{"role":"user","content":"a \\"}] b"}]');
    expect(text.slice(0, found.ridOffset)).toBe('{');
  });

  test('a byte order mark before the object is passed over', () => {
    expect(facts('\uFEFF{"model":"m"}').model).toBe('m');
  });

  test('of a key given twice the last one counts', () => {
    expect(facts('{"model":"a","model":"b","stream":true,"stream":false}')).toMatchObject({
      model: 'b',
      isStream: false,
    });
  });

  test('keys with escapes and non-ASCII text are read', () => {
    expect(facts('{"mod\\u0065l":"größe \\ud83d\\ude00"}').model).toBe('größe 😀');
  });

  test('keys inside nested values do not count', () => {
    expect(facts('{"x":{"model":"no","stream":true},"y":["messages"]}')).toMatchObject({
      model: undefined,
      isStream: false,
    });
  });

  test('/generate tells its cap inside sampling_params, and its prompt as text or ids', () => {
    expect(facts('{"text":"hi","sampling_params":{"max_new_tokens": 7}}', 'generate').maxOutputTokens).toBe(7);
    expect(facts('{"input_ids":[1,2,3]}', 'generate').ridOffset).toBe(1);
  });

  test.each([
    ['a client id is there already', '{"rid":"mine","messages":[]}', 'chat'],
    ['several prompts', '{"prompt":["a","b"]}', 'completions'],
    ['several choices', '{"n":2,"messages":[]}', 'chat'],
    ['no prompt', '{"model":"m"}', 'chat'],
    ['embeddings', '{"input":"a"}', 'embedding'],
  ] as const)('no id is spliced in: %s', (_why, text, dialect) => {
    expect(facts(text, dialect).ridOffset).toBeUndefined();
  });

  test("the client's own rid is read", () => {
    expect(facts('{"rid":"mine","messages":[]}').rid).toBe('mine');
  });

  test.each([
    ['', 'an object should begin here', 0],
    ['[1]', 'an object should begin here', 0],
    ['{"a"', 'a colon is missing after a key', 4],
    ['{"a":', 'it ends where a value should be', 5],
    ['{"a":}', 'a value is missing', 5],
    ['{"a":1', 'a comma or the closing brace is missing', 6],
    ['{"a":1,}', 'a key in double quotes should begin here', 7],
    ['{"a":"x}', 'a string is not closed', 5],
    ['{"a":[1,2', 'an object or array is not closed', 5],
    ['{"a":[1,2}', 'a bracket closes what was not opened', 9],
    ['{"a":1} x', 'there is something after the closing brace', 8],
    ['{"a":1}{"b":2}', 'there is something after the closing brace', 7],
  ])('%j is refused with what and where', (text, detail, offset) => {
    expect(() => facts(text)).toThrow(`The body is not valid JSON: ${detail} at byte ${offset}.`);
  });

  test('a million open brackets cost no stack', () => {
    expect(() => facts(`{"messages":${'['.repeat(1_000_000)}`)).toThrow('is not closed');
  });

  test('agrees with JSON.parse on any object, in any spacing', () => {
    const members = fc.dictionary(
      fc.oneof(fc.constantFrom('model', 'stream', 'messages', 'rid', 'n'), fc.string()),
      fc.jsonValue(),
    );
    fc.assert(
      fc.property(members, fc.constantFrom(undefined, 1, '\t'), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        const body = Buffer.from(text);
        const found = peek(body, 'chat');
        const parsed = JSON.parse(text) as Record<string, unknown>;
        expect(found.model).toBe(typeof parsed['model'] === 'string' ? parsed['model'] : undefined);
        expect(found.isStream).toBe(parsed['stream'] === true);
        if (Object.hasOwn(parsed, 'messages')) {
          expect(JSON.parse(body.toString('utf8', found.promptStart, found.promptEnd))).toEqual(parsed['messages']);
        }
      }),
    );
  });

  test('any cut of a valid body is refused, never misread', () => {
    const body = Buffer.from('{"model":"m","messages":[{"role":"user","content":"tell \\\\ me"}],"stream":true}');
    for (let length = 0; length < body.length; length++) {
      expect(() => peek(body.subarray(0, length), 'chat')).toThrow('not valid JSON');
    }
  });

  test('arbitrary bytes give facts or a coded refusal, nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          peek(Buffer.from(bytes), 'chat');
        } catch (error) {
          expect(error).toMatchObject({ code: 'MALFORMED_JSON' });
        }
      }),
    );
  });
});
