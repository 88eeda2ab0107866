/** `engine.ts COUNT`: that many engine stubs in one process, each on its own port. As cheap as Node can be. */
import { once } from 'node:events';
import net, { type AddressInfo, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { answerCalls } from '../support/remote-calls.ts';
import * as answers from './engine-answers.ts';
import { type AnswerMode, nowMs } from './protocol.ts';
import { RequestReader } from './request-reader.ts';
import { StreamWheel } from './stream-wheel.ts';

export type EngineCall = { readonly kind: 'ports' } | { readonly kind: 'answer'; readonly mode: AnswerMode };

interface Stream {
  readonly socket: Socket;
  left: number;
}

let answer: (socket: Socket) => void = (socket) => socket.write(answers.completion);

const servers = Array.from({ length: Number(process.argv[2] ?? 1) }, () =>
  net.createServer({ noDelay: true }, serve).listen({ port: 0, host: '127.0.0.1', backlog: 2_048 }),
);

answerCalls<EngineCall>(async (call) => {
  if (call.kind === 'answer') {
    answer = answerWith(call.mode);
    return undefined;
  }
  await Promise.all(servers.map((server) => server.listening || once(server, 'listening')));
  return servers.map((server) => (server.address() as AddressInfo).port);
});

function serve(socket: Socket): void {
  const reader = new RequestReader((line) => {
    const probe = answers.probeAnswer(line);
    if (probe) socket.write(probe);
    else answer(socket);
  });
  socket.on('data', (bytes: Buffer) => reader.push(bytes));
  // A client that leaves is part of the job.
  socket.on('error', () => {});
}

function answerWith(mode: AnswerMode): (socket: Socket) => void {
  switch (mode.kind) {
    case 'json':
      return (socket) => socket.write(answers.completion);
    case 'stream':
      return streamAnswer(mode.events, mode.intervalMs, mode.isStamped);
    case 'flood':
      return (socket) => void flood(socket, mode.totalBytes);
  }
}

/** Head and first event leave in two writes, as uvicorn sends them. */
function streamAnswer(events: number, intervalMs: number, isStamped: boolean): (socket: Socket) => void {
  const wheel = new StreamWheel<Stream>(intervalMs, (stream) => {
    if (stream.socket.destroyed) return false;
    stream.socket.write(isStamped ? answers.stampedEvent(nowMs()) : answers.event);
    if (--stream.left > 0) return true;
    stream.socket.write(answers.streamEnd);
    return false;
  });
  return (socket) => {
    socket.write(answers.streamHead);
    socket.write(isStamped ? answers.stampedEvent(nowMs()) : answers.event);
    wheel.add({ socket, left: events - 1 });
  };
}

async function flood(socket: Socket, totalBytes: number): Promise<void> {
  // A client that leaves ends it.
  await pipeline(Readable.from(floodParts(totalBytes)), socket, { end: false }).catch(() => {});
}

function* floodParts(totalBytes: number): Generator<Buffer> {
  yield answers.streamHead;
  for (let sent = 0; sent < totalBytes; sent += answers.largeEvent.length) yield answers.largeEvent;
  yield answers.streamEnd;
}
