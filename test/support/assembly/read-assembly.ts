import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

export interface TemplateResource {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
}

export interface AssemblyStack {
  readonly name: string;
  readonly resources: Readonly<Record<string, TemplateResource>>;
  /** Files that a deployment uploads, by their key in the bucket of assets. */
  readonly assets: ReadonlyMap<string, string>;
}

interface AssetManifest {
  readonly files: Readonly<
    Record<string, { source: { path: string }; destinations: Record<string, { objectKey: string }> }>
  >;
}

/** The stacks of a cloud assembly, a folder such as cdk.out, in alphabetical order. */
export function readAssembly(folder: string): AssemblyStack[] {
  const read = (file: string) => JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as unknown;
  const templates = readdirSync(folder).filter((file) => file.endsWith('.template.json'));
  return templates.sort().map((file) => {
    const name = file.slice(0, -'.template.json'.length);
    const { Resources } = read(file) as { Resources: Record<string, TemplateResource> };
    const { files } = read(`${name}.assets.json`) as AssetManifest;
    const assets = Object.values(files).flatMap(({ source, destinations }) =>
      Object.values(destinations).map(({ objectKey }) => [objectKey, path.join(folder, source.path)] as const),
    );
    return { name, resources: Resources, assets: new Map(assets) };
  });
}
