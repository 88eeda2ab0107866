import { nameFilesRelativeTo } from '../../lib/stack-traces.ts';
import { repositoryRoot } from '../support/fleet-templates.ts';

test('a stack trace is the same in every clone', () => {
  const { prepareStackTrace } = Error;
  try {
    nameFilesRelativeTo(repositoryRoot);
    const { stack } = new Error('x');
    expect(stack).toMatch(/^Error: x\n/);
    expect(stack).toContain('./test/lib/stack-traces.test.ts:');
    expect(stack).not.toContain(repositoryRoot);
  } finally {
    Error.prepareStackTrace = prepareStackTrace;
  }
});
