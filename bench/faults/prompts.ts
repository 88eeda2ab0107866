/** A chat request whose prompt begins with the long text number `prefix` and ends like no other. */
export function chatBody(prefix: number, more: Readonly<Record<string, unknown>> = {}): object {
  const system = `You are assistant number ${prefix}. `.repeat(100);
  const user = `Question ${++questions} of ${Math.random()}`;
  const messages = [
    { role: 'system', content: system },
    { role: 'user', content: user },
  ];
  return { model: 'bench', messages, max_tokens: 16, temperature: 0, ...more };
}

let questions = 0;
