import { readFileSync } from 'node:fs';

const captures = `${import.meta.dirname}/../../test/fixtures/sglang-real-0.5.23`;

/** The body of an answer that a real SGLang 0.5.23 was recorded giving. Chunked ones are put together. */
export function capturedAnswer(name: string): string {
  const [head, ...rest] = readFileSync(`${captures}/${name}.resp`, 'latin1').split('\r\n\r\n');
  const body = rest.join('\r\n\r\n');
  if (!/transfer-encoding: chunked/i.test(head!)) return body;
  let text = '';
  for (let at = 0; ; ) {
    const end = body.indexOf('\r\n', at);
    const size = Number.parseInt(body.slice(at, end), 16);
    if (!(size > 0)) return text;
    text += body.slice(end + 2, end + 2 + size);
    at = end + 2 + size + 2;
  }
}
