import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { eventually } from '../support/eventually.ts';
import { capturedJson } from './fidelity/captures.ts';
import { exchangeRaw, getBytes, parseRawResponse, postBytes } from './support/raw-http.ts';
import { endlessChat, startEngine } from './support/started-engine.ts';

/** `[seconds, what, ...]` of a real server: a signal while a long stream and a long request without stream run. */
const captured = capturedJson('sigterm-drain') as [number, string, ...unknown[]][];
const brief = { messages: [{ role: 'user', content: 'During the drain.' }], max_tokens: 5, ignore_eos: true };

function isRefused(port: number): Promise<boolean> {
  const socket = connect({ port, host: '127.0.0.1' });
  return new Promise((resolve) => {
    socket.once('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'));
  });
}

test('the captured drain has the order that the next test holds the simulator to', () => {
  const names = captured.map(([, what]) => what);
  expect(names[0]).toBe('SIGTERM sent');
  expect(names.indexOf('new_request_during_drain')).toBeLessThan(names.indexOf('long_stream'));
  expect(names.at(-1)).toBe('process gone');
  const answers = captured.filter(([, what]) => what === 'health').map((entry) => entry.slice(2).join(' '));
  expect(answers[0]).toMatch(/^HTTP\/1\.1 503.*models HTTP\/1\.1 200.*loads HTTP\/1\.1 200/s);
  expect(captured.find(([, what]) => what === 'new_request_during_drain')).toContain('HTTP/1.1 200 OK');
});

test('a drain turns health to 503 at once, serves all else, new requests too, and ends after the last one', async () => {
  await using engine = await startEngine({ timeScale: 10 });
  const stream = engine.open('/v1/chat/completions', endlessChat(true, { max_tokens: 1_500 }));
  const whole = engine.open('/v1/chat/completions', endlessChat(false, { max_tokens: 1_500, rid: 'long' }));
  await engine.untilRunning(2);
  let isDrained = false;
  const drained = engine.server.drain().then(() => {
    isDrained = true;
  });

  expect((await engine.get('/health')).status).toBe(503);
  expect((await engine.get('/v1/models')).status).toBe(200);
  expect((await engine.get('/v1/loads')).status).toBe(200);
  const during = await engine.post('/v1/chat/completions', brief);
  expect([during.status, JSON.parse(during.body).usage.completion_tokens]).toEqual([200, 5]);
  expect(isDrained).toBe(false);

  const answers = [parseRawResponse(await stream.untilEnd()), parseRawResponse(await whole.untilEnd())];
  expect(answers.map(({ isComplete }) => isComplete)).toEqual([true, true]);
  await drained;
  expect(await isRefused(engine.port)).toBe(true);
  const log = engine.log.join('\n');
  expect(log).toMatch(
    new RegExp(
      [
        'SIGTERM received. signum=None frame=None. Draining requests and shutting down...',
        'Health check request received during shutdown. Returning 503.',
        "Gracefully exiting... Remaining number of requests 2. Remaining requests remaining_rids=\\[.*'long'",
        'Gracefully exiting... Remaining number of requests 0. Remaining requests remaining_rids=\\[\\].',
        'INFO:     Shutting down',
        'INFO:     Finished server process',
      ].join('[^]*'),
    ),
  );
});

test('an idle server drains too, and a second drain is the same one', async () => {
  await using engine = await startEngine({ timeScale: 50 });
  await Promise.all([engine.server.drain(), engine.server.drain()]);
  expect(engine.log.filter((line) => line.startsWith('SIGTERM received'))).toHaveLength(1);
});

test('the program drains on SIGTERM and exits with 0; its port was closed while it loaded', async () => {
  const child = spawn(
    process.execPath,
    ['runtime/cli/main.ts', 'sim', '--port', '0', '--time-scale', '20', '--startup-seconds', '2', '--tp-size', '2'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  const exited = once(child, 'exit');
  try {
    await eventually(() => expect(output).toContain('Load weight begin.'));
    expect(output).not.toContain('Uvicorn running');
    await eventually(() => expect(output).toContain('The server is fired up and ready to roll!'));
    const port = Number(output.match(/Uvicorn running on http:\/\/127\.0\.0\.1:(\d+)/)![1]);
    const request = exchangeRaw(port, postBytes('/v1/chat/completions', { ...brief, max_tokens: 200 }));
    await eventually(async () => {
      const loads = JSON.parse((await exchangeRaw(port, getBytes('/v1/loads'))).body);
      expect(loads.loads[0].num_running_reqs).toBe(1);
    });
    child.kill('SIGTERM');
    expect((await request).isComplete).toBe(true);
    expect(await exited).toEqual([0, null]);
    expect(output).toContain('Finished server process');
  } finally {
    child.kill('SIGKILL');
  }
});
