import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { readState } from '../../runtime/log-monitor/state-file.ts';
import { EngineLogWriter, tokensIn } from '../support/engine-log-writer.ts';
import { distinctWindows, MonitorProcess, windowsIn } from '../support/monitor-process.ts';
import { until } from '../support/poll.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** `FLEET_ROTATION_SECONDS=60` for the long form, `FLEET_ROTATION_SEED` to play a run again as nearly as time allows. */
const seconds = Number(process.env['FLEET_ROTATION_SECONDS'] ?? 12);
const seed = Number(process.env['FLEET_ROTATION_SEED'] ?? Date.now() % 1_000_000);

/**
 * Truncation without a copy destroys what was not read, for every reader. So the writer truncates only what the monitor
 * has saved as read, and rotates again only when the monitor has read something behind it: a copy made from a log that was
 * emptied before leaves nothing to tell it from one that was read.
 */
test(
  `whatever a log goes through in ${seconds} s and however often the monitor is killed, each token is published once`,
  async () => {
    await using folder = await temporaryDirectory();
    const logFile = join(folder.path, 'engine.log');
    const stateFile = join(folder.path, 'state');
    const outFile = join(folder.path, 'out.jsonl');
    const random = seededRandom(seed);
    const below = (limit: number) => Math.floor(random() * limit);
    const writer = new EngineLogWriter(logFile, random);
    const args = ['--log-file', logFile, '--state-file', stateFile, '--interval-seconds', '0.3'];
    const start = () => new MonitorProcess({ args, outFile, logFile: join(folder.path, 'monitor.log') });
    const tally = { kills: 0, renames: 0, copies: 0, truncations: 0, pauses: 0 };
    writer.writeLines(10);
    let monitor = start();
    let isWriting = true;

    const readBehind = (what: string) => {
      const isBehind = async () => {
        const state = await readState(stateFile, logFile);
        return state?.position?.offset === writer.size && state.pending === null;
      };
      return until(`the monitor has saved ${what}`, isBehind, 60_000);
    };

    const kill = async () => {
      while (isWriting) {
        // Either too short to come up at all, or a while after it has saved something, however slow the machine is.
        if (random() < 0.3) await delay(below(250));
        else {
          const { sequence } = (await readState(stateFile, logFile))!;
          const hasSaved = async () => !isWriting || (await readState(stateFile, logFile))!.sequence > sequence;
          await until('the monitor has saved a window', hasSaved, 60_000);
          await delay(below(1_000));
        }
        await monitor.end('SIGKILL');
        tally.kills++;
        if (random() < 0.3) await delay(below(600));
        monitor = start();
      }
    };

    const write = async () => {
      const end = performance.now() + seconds * 1_000;
      while (performance.now() < end) {
        writer.writeLines(1 + below(200));
        const dice = random();
        if (dice < 0.2) {
          tally.renames++;
          writer.rotateByRename();
        } else if (dice < 0.4) {
          tally.copies++;
          writer.rotateByCopy();
        } else if (dice < 0.5) {
          writer.writeLineAround(() => writer.rotateByCopy());
        } else if (dice < 0.55) {
          await readBehind('all of the log');
          tally.truncations++;
          writer.truncate();
          writer.writeLines(1 + below(30));
          await readBehind('what was written after the truncation');
        } else if (dice < 0.65) {
          tally.pauses++;
          await delay(below(1_500));
        }
        await delay(below(60));
      }
      isWriting = false;
    };

    try {
      // Without a saved place a monitor begins with the log as it is, not with what was rotated before.
      await readBehind('the start of the log');
      await Promise.all([write(), kill()]);
      writer.writeLines(1);
      await readBehind('the end of the log');
      expect(await monitor.end('SIGTERM')).toEqual({ code: 0, signal: null });
    } finally {
      await monitor.end('SIGKILL');
    }

    const windows = windowsIn(await readFile(outFile, 'utf8'));
    const distinct = distinctWindows(windows);
    const run = { seed, ...tally, windows: windows.length, repeated: windows.length - distinct.length };
    if (process.env['FLEET_ROTATION_SECONDS'] !== undefined) console.info(run);
    // The seed stands in the message of a failure.
    expect({ seed, ...tokensIn(distinct) }).toEqual({ seed, ...writer.tokens });
    expect(distinct.map(({ sequence }) => sequence).sort((a, b) => a - b)).toEqual(distinct.map((_, i) => i + 1));
    expect(readFileSync(join(folder.path, 'monitor.log'), 'utf8')).not.toContain('"level":"error"');
    expect(Math.min(tally.kills, tally.renames, tally.copies)).toBeGreaterThan(0);
  },
  (seconds + 120) * 1_000,
);
