import { type LoadReport, loadPath } from '../../runtime/shared/protocol.ts';
import { EventReader } from './session-client.ts';

/** A router's end of a runner's load stream, one report at a time. */
export class LoadListener implements AsyncDisposable {
  readonly #events: EventReader;

  static async open(runnerUrl: string, secret?: string): Promise<LoadListener> {
    const headers = { ...(secret !== undefined && { authorization: `Bearer ${secret}` }) };
    const response = await fetch(`${runnerUrl}${loadPath}`, { headers });
    if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
    return new LoadListener(response);
  }

  private constructor(response: Response) {
    this.#events = new EventReader(response);
  }

  /** The next report; undefined once the stream has ended in good order. */
  async next(): Promise<LoadReport | undefined> {
    return (await this.#events.next()) as LoadReport | undefined;
  }

  /** The first report from here on that fits. */
  async where(fits: (report: LoadReport) => boolean): Promise<LoadReport> {
    for (;;) {
      const report = await this.next();
      if (report === undefined) throw new Error('The load stream ended.');
      if (fits(report)) return report;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#events.leave();
  }
}
