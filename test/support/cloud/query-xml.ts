import type { CloudFailure } from './story.ts';

/** The answers of AWS's Query protocol. */

export function element(name: string, content: string | number | boolean): string {
  return `<${name}>${typeof content === 'string' ? content : String(content)}</${name}>`;
}

/** Elements of the properties that are defined; their texts are escaped. */
export function elements(properties: Readonly<Record<string, string | number | boolean | undefined>>): string {
  return Object.entries(properties)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => element(name, escapeXml(String(value))))
    .join('');
}

export function list(name: string, members: readonly string[]): string {
  return element(name, members.map((member) => element('member', member)).join(''));
}

export function answerXml(action: string, result: string): string {
  const body = element(`${action}Result`, result) + element('ResponseMetadata', element('RequestId', 'fake-request'));
  return `<${action}Response xmlns="http://autoscaling.amazonaws.com/doc/2011-01-01/">${body}</${action}Response>`;
}

/** EC2 has an older dialect: no result element, and errors of another shape. */
export function ec2AnswerXml(action: string, result: string): string {
  return `<${action}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">${result}</${action}Response>`;
}

export function errorXml(failure: CloudFailure, isEc2: boolean): string {
  const { code: Code, message: Message } = failure;
  const body = element('Error', elements({ Type: failure.status < 500 ? 'Sender' : 'Receiver', Code, Message }));
  return isEc2
    ? element('Response', element('Errors', body) + element('RequestID', 'fake-request'))
    : element('ErrorResponse', body + element('RequestId', 'fake-request'));
}

/** The values of `prefix1`, `prefix2`, ... */
export function listOf(parameters: URLSearchParams, prefix: string): string[] {
  return [...parameters].filter(([name]) => name.startsWith(prefix)).map(([, value]) => value);
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
