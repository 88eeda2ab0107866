import { once } from 'node:events';
import { copyFile, writeFile } from 'node:fs/promises';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import type tls from 'node:tls';
import {
  type EngineTlsFiles,
  followListenerTls,
  listenerTlsFiles,
  loadEngineTls,
  loadListenerTls,
} from '../../runtime/router/tls.ts';
import { describeError } from '../../runtime/shared/errors.ts';
import { connectTo } from '../../runtime/shared/http/connect.ts';
import { createLogger } from '../../runtime/shared/log.ts';
import { eventually } from '../support/eventually.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const fixture = (name: string) => path.resolve(import.meta.dirname, '../fixtures/tls', name);
const first = { certFile: fixture('first.pem'), keyFile: fixture('first.key') };
const trustFirst: EngineTlsFiles = { caFile: fixture('first-ca.pem'), isInsecure: false };

async function startTlsServer() {
  const server = https.createServer(await loadListenerTls(first), (_request, response) => response.end('ok'));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    server,
    port: (server.address() as AddressInfo).port,
    [Symbol.dispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Connects as the relay would; resolves with the name in the server's certificate. */
async function connect(port: number, files: EngineTlsFiles, host = '127.0.0.1'): Promise<string> {
  const socket = connectTo(`https://${host}:${port}`, await loadEngineTls(files))(() => {}) as tls.TLSSocket;
  try {
    await once(socket, 'secureConnect');
    return String(socket.getPeerCertificate().subject.CN);
  } finally {
    socket.destroy();
  }
}

const failureOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'no failure',
    (error: unknown) => describeError(error),
  );

test('an https engine is known by the authority that was given, by address and by name', async () => {
  using server = await startTlsServer();
  expect(await connect(server.port, trustFirst)).toBe('first');
  expect(await connect(server.port, trustFirst, 'localhost')).toBe('first');
});

test('an engine of another authority is refused unless certificates are not checked', async () => {
  using server = await startTlsServer();
  const trustSecond = { caFile: fixture('second-ca.pem'), isInsecure: false };
  await expect(connect(server.port, trustSecond)).rejects.toThrow(/unable to verify|unable to get/);
  await expect(connect(server.port, { caFile: undefined, isInsecure: false })).rejects.toThrow(/unable to/);
  expect(await connect(server.port, { caFile: undefined, isInsecure: true })).toBe('first');
});

test('a renewed certificate is served without a restart; half a renewal changes nothing', async () => {
  await using folder = await temporaryDirectory();
  const files = { certFile: path.join(folder.path, 'cert.pem'), keyFile: path.join(folder.path, 'key.pem') };
  await copyFile(first.certFile, files.certFile);
  await copyFile(first.keyFile, files.keyFile);
  using server = await startTlsServer();
  const stop = new AbortController();
  const logged: string[] = [];
  const log = createLogger({ service: 'test', write: (line) => void logged.push(line) });
  await followListenerTls({ files, server: server.server, log, signal: stop.signal, intervalMs: 5 });

  const anyone = { caFile: undefined, isInsecure: true };
  await copyFile(fixture('second.pem'), files.certFile);
  await eventually(() => expect(logged.join()).toContain('is not the key of'));
  expect(await connect(server.port, anyone)).toBe('first');
  await copyFile(fixture('second.key'), files.keyFile);
  await eventually(async () => expect(await connect(server.port, anyone)).toBe('second'));
  stop.abort();
});

test('certificate and key are given together', () => {
  expect(listenerTlsFiles()).toBeUndefined();
  expect(listenerTlsFiles('c', 'k')).toEqual({ certFile: 'c', keyFile: 'k' });
  expect(() => listenerTlsFiles('c')).toThrow('--tls-cert needs --tls-key beside it.');
  expect(() => listenerTlsFiles(undefined, 'k')).toThrow('--tls-key needs --tls-cert beside it.');
});

test.each([
  ['a certificate that is not there', { ...first, certFile: fixture('none.pem') }, 'none.pem cannot be read'],
  ['a key in place of the certificate', { ...first, certFile: first.keyFile }, 'first.key is not a certificate in PEM'],
  ['a certificate in place of the key', { ...first, keyFile: first.certFile }, 'first.pem is not a private key in PEM'],
  ['a key with a passphrase', { ...first, keyFile: fixture('first-encrypted.key') }, 'without a passphrase'],
  ['the key of another certificate', { ...first, keyFile: fixture('second.key') }, 'is not the key of'],
])('%s is an error that names the file', async (_, files, message) => {
  expect(await failureOf(loadListenerTls(files))).toContain(message);
});

test('authorities that cannot be used are an error that names the file', async () => {
  await using folder = await temporaryDirectory();
  const caFile = path.join(folder.path, 'ca.pem');
  await writeFile(caFile, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
  const failure = (files: EngineTlsFiles) => failureOf(loadEngineTls(files));
  expect(await failure({ caFile, isInsecure: false })).toContain('ca.pem is not a list of certificates in PEM');
  expect(await failure({ caFile: first.keyFile, isInsecure: false })).toContain('holds no certificate in PEM');
  expect(await failure({ caFile: '/none', isInsecure: false })).toContain('/none cannot be read');
  expect(await failure({ ...trustFirst, isInsecure: true })).toContain('contradict each other');
});
