import type { RouterConfig } from '../../../runtime/router/config.ts';
import type { EngineView } from '../../../runtime/router/managed/engine-view.ts';
import { eventually } from '../../support/eventually.ts';
import type { ManagedProgram } from '../../support/managed-programs.ts';
import { type Script, type ScriptedEngine, sendJson, startScriptedEngine } from '../../support/scripted-engine.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { startTestRouter, type TestRouter } from '../../support/test-router.ts';

export interface ManagedFixture extends AsyncDisposable {
  readonly router: TestRouter;
  readonly dataDir: string;
  /** What `/health` says of the engine. */
  engine(): Promise<EngineView>;
  /** Resolves once the managed router takes requests for so many workers. */
  untilServing(workers: number): Promise<void>;
  /** Pid of the last launch. */
  readonly pid: number;
}

/** Long enough for a Python to start on a busy machine. */
const startDeadlineMs = 60_000;

/** A router in this process that manages `program`. @param serving workers to wait for */
export async function startManaged(
  program: ManagedProgram,
  config: Partial<RouterConfig>,
  extraArguments: readonly string[] = [],
  serving: number | 'none of it' = config.workerUrls?.length ?? 0,
): Promise<ManagedFixture> {
  await using stack = new AsyncDisposableStack();
  const { path: dataDir } = stack.use(await temporaryDirectory());
  const managed = { ...(await program.prepare(dataDir)), extraArguments };
  const router = stack.use(await startTestRouter({ holdSeconds: 30, dataDir, managed, ...config }));
  const engine = async () => ((await (await fetch(`${router.url}/health`)).json()) as { engine: EngineView }).engine;
  const untilServing = (workers: number) =>
    eventually(async () => expect(await engine()).toMatchObject({ state: 'ready', workers }), startDeadlineMs);
  if (serving !== 'none of it') await untilServing(serving);
  const cleanUp = stack.move();
  return {
    router,
    dataDir,
    engine,
    untilServing,
    get pid() {
      return router.logged.findLast(({ msg }) => msg === 'sglang-router launched')!['pid'] as number;
    },
    [Symbol.asyncDispose]: () => cleanUp[Symbol.asyncDispose](),
  };
}

/** An engine whose generations a test decides; everything that sglang-router asks besides is fine. */
export function startEngine(script: Script, model?: string): Promise<ScriptedEngine> {
  return startScriptedEngine((response, seen) => {
    if (seen.request.method === 'POST') return script(response, seen);
    sendJson(response, { status: 'ok', dp_size: 2 });
  }, model);
}

/** Chat requests that reached the engine. */
export function chatsOf({ seen }: ScriptedEngine) {
  return seen.filter(({ target }) => target === '/v1/chat/completions');
}
