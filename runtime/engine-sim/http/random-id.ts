import { randomUUID } from 'node:crypto';

/** 32 hexadecimal digits, the form of SGLang's request ids (Python's `uuid4().hex`). */
export function randomId(): string {
  return randomUUID().replaceAll('-', '');
}
