import { readFileSync } from 'node:fs';
import type { AssemblyStack } from './read-assembly.ts';

/** A file that a boot script fetches. */
export interface ShippedFile {
  /** Where it goes. */
  readonly path: string;
  readonly bytes: Buffer;
}

/** What one launch template ships. */
export interface ShippedMachine {
  readonly stack: string;
  /** The boot script as EC2 hands it over, with names for what is known at deployment only. */
  readonly userData: string;
  readonly files: readonly ShippedFile[];
  /** Files by their key in the bucket of assets. */
  readonly assets: ReadonlyMap<string, string>;
  /** Texts of systemd units by file name, whether they are fetched or written by the script. */
  readonly units: ReadonlyMap<string, string>;
}

export interface TemplatePlace {
  readonly region: string;
  readonly account: string;
}

const unitFolder = '/etc/systemd/system/';

/** The machines that the stack's launch templates start. */
export function machinesOf(stack: AssemblyStack, place: TemplatePlace): ShippedMachine[] {
  return Object.values(stack.resources)
    .filter(({ Type }) => Type === 'AWS::EC2::LaunchTemplate')
    .map(({ Properties }) => {
      const { UserData } = Properties!['LaunchTemplateData'] as { UserData: { 'Fn::Base64': unknown } };
      const userData = resolve(UserData['Fn::Base64'], place);
      const files = fetchesOf(userData).map(({ key, path }) => ({ path, bytes: assetOf(stack, key) }));
      const units = new Map([...fetchedUnits(files), ...writtenUnits(userData)]);
      return { stack: stack.name, userData, files, assets: stack.assets, units };
    });
}

function fetchesOf(userData: string): { key: string; path: string }[] {
  return [...userData.matchAll(/^\s*fetch [^\s/]+\/(\S+) (\S+) [0-9a-f]{64}$/gm)].map(([, key, path]) => ({
    key: key!,
    path: path!,
  }));
}

function assetOf(stack: AssemblyStack, key: string): Buffer {
  const file = stack.assets.get(key);
  if (file === undefined) throw new Error(`${stack.name} fetches ${key}, which is not among its assets.`);
  return readFileSync(file);
}

function fetchedUnits(files: readonly ShippedFile[]): [string, string][] {
  return files
    .filter(({ path }) => path.startsWith(unitFolder))
    .map(({ path, bytes }) => [path.slice(unitFolder.length), bytes.toString()]);
}

function writtenUnits(userData: string): [string, string][] {
  const written = userData.matchAll(/^cat >\/etc\/systemd\/system\/(\S+) <<'EOF'\n([\s\S]*?)^EOF$/gm);
  return [...written].map(([, name, text]) => [name!, text!]);
}

/** What CloudFormation makes of an expression; what another resource gives becomes a name for it. */
function resolve(value: unknown, place: TemplatePlace): string {
  if (typeof value !== 'object' || value === null) return String(value);
  const [[name, argument]] = Object.entries(value) as [[string, unknown]];
  const pseudo: Readonly<Record<string, string>> = {
    'AWS::Region': place.region,
    'AWS::AccountId': place.account,
    'AWS::Partition': 'aws',
    'AWS::URLSuffix': 'amazonaws.com',
  };
  switch (name) {
    case 'Ref':
      return pseudo[String(argument)] ?? placeholder(argument);
    case 'Fn::Join': {
      const [separator, parts] = argument as [string, unknown[]];
      return parts.map((part) => resolve(part, place)).join(separator);
    }
    case 'Fn::Sub':
      return String(argument).replace(/\$\{([^}]+)\}/g, (_, key: string) => pseudo[key] ?? placeholder(key));
    default:
      return placeholder(argument);
  }
}

/** Safe in a shell and in an address. */
function placeholder(argument: unknown): string {
  return JSON.stringify(argument)
    .replaceAll(/[^\w]+/g, '-')
    .replaceAll(/^-|-$/g, '');
}
