import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { AssetHashType, BundlingOutput, DockerImage, Stack, Token } from 'aws-cdk-lib';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import { Construct } from 'constructs';

export interface FileAssetProps {
  /**
   * The text, or what makes the bytes where that takes a while: that is not called when the stack is not the one being
   * deployed.
   */
  readonly content: string | (() => Uint8Array);
  /** With its dot, e.g. `.mjs`. */
  readonly extension: string;
}

/** One generated file as an S3 asset. Key and digest depend on its bytes alone, on every machine. */
export class FileAsset extends Construct {
  readonly asset: Asset;
  /** SHA-256 of the bytes in hexadecimal: what a machine compares its download with. */
  readonly sha256: string;
  /** The content where it is text; undefined for what is made on demand. */
  readonly text: string | undefined;

  constructor(scope: Construct, id: string, { content, extension }: FileAssetProps) {
    super(scope, id);
    this.text = typeof content === 'string' ? content : undefined;
    const bytes = this.#bytesOf(content);
    this.sha256 = createHash('sha256').update(bytes).digest('hex');
    this.asset = new Asset(this, 'Asset', {
      // Bundling wants a source folder; the hash is of the output, so it does not matter which.
      path: import.meta.dirname,
      assetHashType: AssetHashType.OUTPUT,
      bundling: {
        image: DockerImage.fromRegistry('unused'),
        // Tells assets apart in the CDK's staging cache, which does not see into `local`.
        command: [this.node.path, this.sha256],
        outputType: BundlingOutput.SINGLE_FILE,
        local: {
          tryBundle(folder) {
            writeFileSync(path.join(folder, `content${extension}`), bytes);
            return true;
          },
        },
      },
    });
  }

  #bytesOf(content: FileAssetProps['content']): Uint8Array {
    if (typeof content === 'string') {
      // It would be shipped as a mark that nobody fills in.
      if (Token.isUnresolved(content)) throw new Error(`${this.node.path} has values that only the deployment knows.`);
      return Buffer.from(content);
    }
    return Stack.of(this).bundlingRequired ? content() : new Uint8Array();
  }
}
