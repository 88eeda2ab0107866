// The built-in agent `chat`: keeps a conversation and lets the engine continue it. Plain JavaScript in one file, because
// one process of it runs for each session: nothing is compiled at its start and nothing else is loaded.
// The protocol is docs/agents.md.
import http from 'node:http';

/** How long an engine that does not answer is asked again; nothing has been shown of the answer by then. */
const retryMs = Number(process.env.FLEET_ENGINE_RETRY_MS ?? 10_000);
const firstWaitMs = 100;
const abortTimeoutMs = 1_000;

/** The session's `init` message. */
let session;
/** The conversation so far; a turn joins it when it is done. */
let messages = [];
/** The turn being answered. */
let running;
/** Makes the engine's request ids unique: it refuses one that it still works on. */
let requests = 0;
/** `node:https` for an engine that is reached so; loaded only then. */
let transport = http;

const key = process.env.OPENAI_API_KEY ?? 'none';
const credentials = key === 'none' ? {} : { authorization: `Bearer ${key}` };

const write = (line) => process.stdout.write(`${line}\n`);
const send = (message) => write(JSON.stringify(message));

class TurnError extends Error {
  constructor(code, message, isRetryable = false) {
    super(message);
    this.code = code;
    this.isRetryable = isRetryable;
  }
}

const handlers = {
  hello: () => send({ type: 'ready', protocol: 1 }),
  init: (init) => {
    session = init;
    messages = [...init.messages];
    if (init.system !== null) messages.unshift({ role: 'system', content: init.system });
  },
  turn: ({ turnId, content }) => void runTurn(turnId, [...messages, { role: 'user', content }]),
  cancel: ({ turnId }) => {
    if (running?.turnId === turnId) void running.cancel();
  },
};

async function runTurn(turnId, asked) {
  const turn = { turnId, isCancelled: false, cancel: () => {}, text: '', usage: null };
  running = turn;
  try {
    if (session.engineUrl.startsWith('https:')) transport = (await import('node:https')).default;
    await answerWithRetries(turn, asked);
    messages = [...asked, { role: 'assistant', content: turn.text }];
    send({ type: 'done', turnId, message: { role: 'assistant', content: turn.text }, state: null, usage: turn.usage });
  } catch (error) {
    if (turn.isCancelled) send({ type: 'cancelled', turnId });
    else send({ type: 'error', turnId, code: error.code ?? null, message: error.message });
  } finally {
    running = undefined;
  }
}

async function answerWithRetries(turn, asked) {
  const deadline = performance.now() + retryMs;
  for (let waitMs = firstWaitMs; ; waitMs *= 2) {
    try {
      await answer(turn, asked);
      return;
    } catch (error) {
      if (turn.isCancelled || !error.isRetryable || performance.now() + waitMs > deadline) throw error;
      await pause(turn, waitMs);
    }
  }
}

function pause(turn, ms) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    turn.cancel = () => {
      turn.isCancelled = true;
      clearTimeout(timer);
      reject(new Error('cancelled'));
    };
  });
}

/** Streams one answer; rejects as retryable only while nothing of it was passed on. */
function answer(turn, asked) {
  return new Promise((resolve, reject) => {
    const rid = `${session.sessionId}-${process.pid}-${++requests}`;
    const fail = (code, message, isRetryable) => {
      request.destroy();
      reject(new TurnError(code, message, isRetryable && !hasPassed));
    };
    let hasPassed = false;
    let isDone = false;
    const take = (response, payload) => {
      if (payload === '[DONE]') {
        isDone = true;
        return;
      }
      let chunk;
      try {
        chunk = JSON.parse(payload);
      } catch {
        fail('ENGINE_UNAVAILABLE', 'an event of its answer is not JSON', false);
        return;
      }
      if (chunk.error) {
        // SGLang says that it is overloaded in an event of an answer with status 200.
        fail('ENGINE_UNAVAILABLE', String(chunk.error.message ?? payload), true);
        return;
      }
      if (chunk.usage) turn.usage = pickUsage(chunk.usage);
      if (!chunk.choices?.length) return;
      const piece = chunk.choices[0].delta?.content;
      if (piece) turn.text += piece;
      hasPassed = true;
      // The engine's text as it is, so that it is not written anew for each token.
      const isTaken = write(`{"type":"chunk","turnId":${JSON.stringify(turn.turnId)},"chunk":${payload}}`);
      if (!isTaken) holdUp(response);
    };
    const request = post('/v1/chat/completions', {
      model: session.model ?? 'default',
      messages: asked,
      stream: true,
      stream_options: { include_usage: true },
      rid,
    });
    turn.cancel = async () => {
      turn.isCancelled = true;
      // First the abort, then the close: SGLang 0.5.18 goes on after a close and ignores an abort that follows it.
      await settled(post('/abort_request', { rid }), abortTimeoutMs);
      fail('CANCELLED', 'cancelled', false);
    };
    request.on('error', (error) => fail('ENGINE_UNAVAILABLE', error.message, true));
    request.on('response', (response) => {
      response.setEncoding('utf8');
      if (response.statusCode !== 200) {
        let body = '';
        response.on('data', (text) => {
          if (body.length < 10_000) body += text;
        });
        response.on('end', () => {
          const isRefusal = response.statusCode >= 400 && response.statusCode < 500 && response.statusCode !== 429;
          const message = `${response.statusCode}: ${errorMessage(body)}`;
          fail(isRefusal ? 'ENGINE_REFUSED' : 'ENGINE_UNAVAILABLE', message, !isRefusal);
        });
        return;
      }
      let pending = '';
      response.on('data', (text) => {
        const lines = (pending + text).split('\n');
        pending = lines.pop();
        for (const line of lines) {
          if (line.startsWith('data:')) take(response, line.slice(5).trim());
        }
      });
      response.on('error', (error) => fail('ENGINE_UNAVAILABLE', error.message, true));
      response.on('end', () => {
        if (isDone) resolve();
        else fail('ENGINE_UNAVAILABLE', 'its answer broke off', true);
      });
    });
  });
}

/** A client that reads slowly slows the engine's answer down. */
function holdUp(response) {
  response.pause();
  process.stdout.once('drain', () => response.resume());
}

function post(path, body) {
  const bytes = Buffer.from(JSON.stringify(body));
  const request = transport.request(session.engineUrl + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'content-length': bytes.length, ...credentials },
    agent: false,
  });
  request.end(bytes);
  return request;
}

/** Resolves when the request was answered, failed, or took too long. */
function settled(request, timeoutMs) {
  return new Promise((resolve) => {
    const timer = setTimeout(() => request.destroy(), timeoutMs);
    request.on('error', () => {});
    request.on('response', (response) => response.resume());
    request.on('close', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function pickUsage({ prompt_tokens, completion_tokens, total_tokens }) {
  return { prompt_tokens, completion_tokens, total_tokens };
}

function errorMessage(body) {
  try {
    const { error, message } = JSON.parse(body);
    return error?.message ?? message ?? body.slice(0, 300);
  } catch {
    return body.slice(0, 300);
  }
}

let pending = '';
process.stdin.setEncoding('utf8');
process.stdin.on('data', (text) => {
  const lines = (pending + text).split('\n');
  pending = lines.pop();
  for (const line of lines) {
    const message = JSON.parse(line);
    handlers[message.type]?.(message);
  }
});
// The host has gone: nobody is left to talk to.
process.stdin.on('end', () => process.exit(0));
