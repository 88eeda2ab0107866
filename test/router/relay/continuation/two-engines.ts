import { type EngineServer, startEngineServer } from '../../../../runtime/engine-sim/server.ts';
import type { EngineServerOptions } from '../../../../runtime/engine-sim/server-options.ts';
import type { BrokenStream } from '../../../../runtime/router/relay/continuation/broken-stream.ts';
import { planContinuation } from '../../../../runtime/router/relay/continuation/plan.ts';
import type { ContinuableDialect } from '../../../../runtime/router/relay/continuation/request-body.ts';

const paths: Readonly<Record<ContinuableDialect, string>> = {
  chat: '/v1/chat/completions',
  completions: '/v1/completions',
  generate: '/generate',
};

/** Two engines that know nothing of each other, and a relay reduced to what a continuation needs of it. */
export class TwoEngines implements AsyncDisposable {
  readonly first: EngineServer;
  readonly second: EngineServer;
  #rids = 0;

  private constructor(first: EngineServer, second: EngineServer) {
    this.first = first;
    this.second = second;
  }

  static async start(options: EngineServerOptions = {}): Promise<TwoEngines> {
    const all = { timeScale: 100, meanOutputTokens: 40, ...options };
    const [first, second] = await Promise.all([startEngineServer(all), startEngineServer(all)]);
    await Promise.all([first.ready, second.ready]);
    return new TwoEngines(first, second);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.first.close(), this.second.close()]);
  }

  /** The whole answer of an engine as bytes. */
  async stream(engine: EngineServer, dialect: ContinuableDialect, body: Buffer): Promise<Buffer> {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(engine.url + paths[dialect], { method: 'POST', headers, body: new Uint8Array(body) });
    const answer = Buffer.from(await response.arrayBuffer());
    if (response.status !== 200) throw new Error(`${response.status}: ${answer.toString('utf8')}`);
    return answer;
  }

  async tokenize(text: string): Promise<number[]> {
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ prompt: text, add_special_tokens: false });
    const response = await fetch(`${this.second.url}/tokenize`, { method: 'POST', headers, body });
    return ((await response.json()) as { tokens: number[] }).tokens;
  }

  /**
   * All bytes that the client has in the end when its stream broke after `broken.sent` and another engine took over.
   * @param partBytes how many bytes of the next engine's answer the splicer gets at a time
   */
  async mend(broken: Omit<BrokenStream, 'rid'>, engine = this.second, partBytes = 4_096): Promise<Buffer> {
    const plan = planContinuation({ ...broken, rid: `next-${this.#rids++}` });
    if (plan.kind === 'cannot') throw new Error(`cannot continue: ${plan.reason}`);
    if (plan.kind === 'finish') return Buffer.concat([...broken.sent, plan.bytes]);
    const answer = await this.stream(engine, broken.dialect, plan.body);
    const parts = [...broken.sent, plan.opening];
    for (let at = 0; at < answer.length; at += partBytes) {
      parts.push(plan.splicer.push(answer.subarray(at, at + partBytes)));
    }
    return Buffer.concat(parts);
  }
}
