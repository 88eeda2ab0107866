import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { callJson } from '../../runtime/shared/call-json.ts';

let server: http.Server;
let url: string;
beforeAll(async () => {
  server = http.createServer((request, response) => {
    if (request.url === '/never') return;
    if (request.url === '/empty') response.end();
    else if (request.url === '/refused') response.writeHead(418).end('no coffee');
    else response.end(JSON.stringify({ method: request.method, secret: request.headers.authorization }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

test('a body makes it a POST, none a GET', async () => {
  expect(await callJson(`${url}/`)).toEqual({ method: 'GET' });
  expect(await callJson(`${url}/`, { body: {}, headers: { authorization: 'x' } })).toEqual({
    method: 'POST',
    secret: 'x',
  });
});

test('an empty answer is undefined', async () => {
  expect(await callJson(`${url}/empty`)).toBeUndefined();
});

test('a status that refuses is an error with the status and the text', async () => {
  await expect(callJson(`${url}/refused`)).rejects.toMatchObject({ status: 418, body: 'no coffee' });
});

test('a time limit that is no whole number of ms works as any other', async () => {
  expect(await callJson(`${url}/`, { timeoutMs: 15_067.4 })).toEqual({ method: 'GET' });
  await expect(callJson(`${url}/never`, { timeoutMs: 20.5 })).rejects.toMatchObject({ name: 'TimeoutError' });
});
