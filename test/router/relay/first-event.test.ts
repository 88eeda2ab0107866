import { readFileSync } from 'node:fs';
import { judgeFirstEvent } from '../../../runtime/router/relay/first-event.ts';

const judge = (text: string) => judgeFirstEvent(Buffer.from(text));

/** The event stream of a captured answer of SGLang 0.5.23, without its head and chunk framing. */
function captured(name: string): string {
  const text = readFileSync(`test/fixtures/sglang-real-0.5.23/${name}.resp`, 'latin1');
  return text.slice(text.indexOf('data: ')).replace(/\r\n[0-9a-f]+\r\n/g, '');
}

describe('the first event of a stream', () => {
  test('a queue that is full is recognised behind its 200', () => {
    const event =
      'data: {"error": {"object": "error", "message": "The request queue is full.", "type": "SERVICE_UNAVAILABLE", "param": null, "code": 503}}\n\n';
    expect(judge(event)).toEqual({ kind: 'overload', message: 'The request queue is full.' });
  });

  test('/generate hides it in an aborted event', () => {
    const event =
      'data: {"text":"","meta_info":{"finish_reason":{"type":"abort","message":"The request queue is full.","status_code":503}}}\n\n';
    expect(judge(event)).toEqual({ kind: 'overload', message: 'The request queue is full.' });
  });

  test('half an error event is not judged yet', () => {
    expect(judge('data: {"error": {"object": "error", "mess')).toEqual({ kind: 'incomplete' });
  });

  test("the client's own mistake is no overload", () => {
    expect(judge('data: {"error":{"message":"bad stop","code":400}}\n\n').kind).toBe('good');
  });

  test('text that quotes an abort is not one', () => {
    expect(judge('data: {"text":"say \\"abort\\" and \\"error\\"","meta_info":{"finish_reason":null}}\n\n').kind).toBe(
      'good',
    );
  });

  test.each(['chat_stream', 'completions_stream', 'generate_stream', 'aborted_chat_stream'])(
    '%s as captured from SGLang is good',
    (name) => {
      expect(judge(captured(name))).toEqual({ kind: 'good' });
    },
  );
});
