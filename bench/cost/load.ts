/** The client side of the benchmark as its own process: runs one job after another. */
import { answerCalls } from '../support/remote-calls.ts';
import { runClosedLoop, runFixedCount } from './jobs/closed-loop.ts';
import { runDelays } from './jobs/delays.ts';
import { runFirstAnswer } from './jobs/first-answer.ts';
import { runLargeBody } from './jobs/large-body.ts';
import { runOpenLoop } from './jobs/open-loop.ts';
import { runSlowReader } from './jobs/slow-reader.ts';
import { runStreams } from './jobs/streams.ts';
import type { CountMark, LoadJob, LoadResult } from './protocol.ts';

answerCalls<LoadJob>((job, mark: (count: CountMark) => void): Promise<LoadResult> => {
  switch (job.kind) {
    case 'first-answer':
      return runFirstAnswer(job);
    case 'closed-loop':
      return runClosedLoop(job, mark);
    case 'fixed-count':
      return runFixedCount(job, mark);
    case 'open-loop':
      return runOpenLoop(job, mark);
    case 'streams':
      return runStreams(job, mark);
    case 'delays':
      return runDelays(job);
    case 'slow-reader':
      return runSlowReader(job);
    case 'large-body':
      return runLargeBody(job);
  }
});
