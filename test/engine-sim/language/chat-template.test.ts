import { renderChat } from '../../../runtime/engine-sim/language/chat-template.ts';
import { decode, encode } from '../../../runtime/engine-sim/language/tokenizer.ts';

const question = { role: 'user', content: 'Count.' };

test('a conversation is rendered turn by turn with an open assistant turn at the end', () => {
  expect(decode(renderChat([{ role: 'system', content: 'Be brief.' }, question]), false)).toBe(
    '<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nCount.<|im_end|>\n<|im_start|>assistant\n',
  );
});

test('a continued final message stays open, and its tokens follow those of the conversation', () => {
  const partial = { role: 'assistant', content: ' bab dod' };
  const open = renderChat([question, partial], { continueFinalMessage: true });
  expect([...open]).toEqual([...renderChat([question]), ...encode(' bab dod')]);
});

test('a final assistant message that is not continued is asked about, as SGLang has it', () => {
  const rendered = decode(renderChat([question, { role: 'assistant', content: 'one' }]), false);
  expect(rendered).toContain('<|im_start|>user\none<|im_end|>');
});

test('parts, tools and tool calls count as text; an empty message is empty', () => {
  const messages = [
    {
      role: 'user',
      content: [
        { type: 'text', text: 'a' },
        { type: 'text', text: 'b' },
      ],
    },
    { role: 'assistant', content: null, tool_calls: [{ id: 'x' }] },
    question,
  ];
  const text = decode(renderChat(messages, { tools: [{ name: 'f' }] }), false);
  expect(text).toContain('tools\n[{"name":"f"}]');
  expect(text).toContain('user\nab<|im_end|>');
  expect(text).toContain('assistant\n[{"id":"x"}]');
});
