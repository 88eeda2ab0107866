import { resolveSecret } from '../../runtime/shared/secret-reference.ts';

const load = async (name: string) => (name === 'fleet/internal' ? ' s3cret\n' : '');

test('what stands for a secret itself is taken as it is', async () => {
  const refuse = () => Promise.reject(new Error('not asked'));
  expect(await resolveSecret('s3cret', refuse)).toBe('s3cret');
  expect(await resolveSecret(undefined, refuse)).toBeUndefined();
});

test('a reference is replaced by what Secrets Manager holds', async () => {
  expect(await resolveSecret('aws-secretsmanager:fleet/internal', load)).toBe('s3cret');
});

test('a secret that is empty would open what it should guard, and is refused', async () => {
  await expect(resolveSecret('aws-secretsmanager:other', load)).rejects.toThrow('The secret other is empty');
});

test('one that cannot be read is an error that names it and says why', async () => {
  const denied = new Error('AccessDenied');
  await expect(resolveSecret('aws-secretsmanager:a', () => Promise.reject(denied))).rejects.toMatchObject({
    message: 'The secret a could not be read.',
    cause: denied,
  });
});
