import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import tls from 'node:tls';
import { describeError } from '../shared/errors.ts';
import { watchFiles } from '../shared/file-change.ts';
import type { Logger } from '../shared/log.ts';

/** Files with the certificate chain (server first) and its private key, both PEM. */
export interface ListenerTlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** Certificate and key of a listener, checked to belong together. */
export interface ListenerTls {
  readonly cert: string;
  readonly key: string;
  /** When the certificate ends, wall clock. */
  readonly validTo: Date;
}

/**
 * The files of `--tls-cert` and `--tls-key`, undefined when neither is given.
 * @throws when only one is
 */
export function listenerTlsFiles(certFile?: string, keyFile?: string): ListenerTlsFiles | undefined {
  if (certFile === undefined && keyFile === undefined) return undefined;
  if (certFile !== undefined && keyFile !== undefined) return { certFile, keyFile };
  const [given, missing] = certFile === undefined ? ['--tls-key', '--tls-cert'] : ['--tls-cert', '--tls-key'];
  throw new Error(`${given} needs ${missing} beside it.`);
}

/** @throws with the file's name and what is wrong: unreadable, not PEM, a key with a passphrase, a key of another certificate */
export async function loadListenerTls({ certFile, keyFile }: ListenerTlsFiles): Promise<ListenerTls> {
  const [cert, key] = await Promise.all([readText(certFile), readText(keyFile)]);
  const certificate = parse(certFile, 'a certificate in PEM', () => new X509Certificate(cert));
  const privateKey = parse(keyFile, 'a private key in PEM without a passphrase', () => createPrivateKey(key));
  if (!certificate.checkPrivateKey(privateKey)) throw new Error(`${keyFile} is not the key of ${certFile}.`);
  return { cert, key, validTo: new Date(certificate.validTo) };
}

export interface FollowListenerTls {
  readonly files: ListenerTlsFiles;
  readonly server: Pick<tls.Server, 'setSecureContext'>;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** @default 2000 */
  readonly intervalMs?: number;
}

/**
 * Gives `server` the new certificate whenever its files change; connections that are open keep theirs. Files that do
 * not fit together (a renewal that has written one of the two) are logged, and the former certificate stays.
 */
export async function followListenerTls(options: FollowListenerTls): Promise<void> {
  const { files, server, log, signal, intervalMs } = options;
  const onChange = async () => {
    try {
      const { cert, key, validTo } = await loadListenerTls(files);
      server.setSecureContext({ cert, key });
      log.info('TLS certificate replaced', { file: files.certFile, validTo });
    } catch (error) {
      log.error('TLS certificate not replaced, the former one stays', { detail: describeError(error) });
    }
  };
  await watchFiles({ paths: [files.certFile, files.keyFile], intervalMs, signal, onChange });
}

export interface EngineTlsFiles {
  /** PEM file of the authorities that engines' certificates may come from, instead of those Node trusts. */
  readonly caFile: string | undefined;
  /** Take any certificate: encryption without knowing who is at the other end. */
  readonly isInsecure: boolean;
}

/** How to connect to https engines; one for all of them. */
export interface EngineTls {
  /** @default - the authorities that Node trusts */
  readonly secureContext?: tls.SecureContext;
  readonly rejectUnauthorized: boolean;
}

/** @throws with the file's name when it cannot be read or holds no certificate, and when both options are given */
export async function loadEngineTls({ caFile, isInsecure }: EngineTlsFiles): Promise<EngineTls> {
  if (caFile !== undefined && isInsecure) {
    throw new Error('--engine-ca and --engine-insecure contradict each other: check certificates or do not.');
  }
  const ca = caFile === undefined ? undefined : certificatesOf(caFile, await readText(caFile));
  return { secureContext: tls.createSecureContext({ ca }), rejectUnauthorized: !isInsecure };
}

function certificatesOf(file: string, text: string): string[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g);
  if (blocks === null) throw new Error(`${file} holds no certificate in PEM.`);
  for (const block of blocks) parse(file, 'a list of certificates in PEM', () => new X509Certificate(block));
  return blocks;
}

async function readText(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: Error) => {
    throw new Error(`${file} cannot be read`, { cause: error });
  });
}

function parse<T>(file: string, what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new Error(`${file} is not ${what}`, { cause: error });
  }
}
