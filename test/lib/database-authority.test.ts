import { X509Certificate } from 'node:crypto';
import { App, Stack } from 'aws-cdk-lib';
import { DatabaseAuthorityAsset, databaseAuthority } from '../../lib/database-authority.ts';

test('the authority of a region is its own, signs certificates, and will for years', () => {
  const authority = new X509Certificate(databaseAuthority('us-east-1')!);
  expect(authority.subject).toContain('CN=Amazon RDS us-east-1 Root CA RSA2048 G1');
  expect(authority.ca).toBe(true);
  expect(authority.verify(authority.publicKey)).toBe(true);
  expect(new Date(authority.validTo).getFullYear()).toBeGreaterThan(2050);
});

test('a region whose authority is not known is a mistake that says what else there is', () => {
  const stack = new Stack(new App({ context: { 'aws:cdk:bundling-stacks': [] } }), 'Stack');
  const authority = new DatabaseAuthorityAsset(stack, 'Authority', 'xx-north-1');
  const errors = authority.node.metadata.filter(({ type }) => type === 'aws:cdk:error').map(({ data }) => data);
  expect(errors).toEqual([expect.stringMatching(/xx-north-1.*embedded store/)]);
});
