import { identifyProcess, isRunning } from '../../../runtime/shared/process/process-table.ts';
import { eventually } from '../../support/eventually.ts';
import { type ManagedProgram, managedPrograms } from '../../support/managed-programs.ts';
import { startFleetCommand } from '../../support/process.ts';
import { delta, sse } from '../../support/scripted-engine.ts';
import { untilGone } from '../../support/started-fleet.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { startEngine } from './managed-fixture.ts';

const startDeadlineMs = 60_000;

/** `fleet router` as a process, with its managed router serving. */
async function startRouterProcess(program: ManagedProgram, dataDir: string, engineUrl: string) {
  const { python, program: file } = await program.prepare(dataDir);
  const choice = file === undefined ? ['--sglang-router-python', python] : ['--sglang-router-program', file];
  const args = ['--port', '0', '--data-dir', dataDir, '--worker-url', engineUrl, '--router-engine', 'sglang-router'];
  const router = startFleetCommand(['router', ...args, ...choice]);
  const [, url] = await router.waitForLine(/"router listening","url":"([^"]+)"/, startDeadlineMs);
  const [, pid] = await router.waitForLine(/"sglang-router launched","pid":(\d+)/, startDeadlineMs);
  await eventually(async () => expect((await fetch(`${url}/ready`)).status).toBe(200), startDeadlineMs);
  return { router, url: url!, managed: identifyProcess(Number(pid))! };
}

const ask = (url: string, body: object) =>
  fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'scripted', messages: [{ role: 'user', content: 'hi' }], ...body }),
  });

describe.each(managedPrograms())('with $name', (program) => {
  test('a stream in flight at the end is completed, then both processes are gone', async () => {
    let finish = () => {};
    await using engine = await startEngine((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(sse(delta('a')));
      finish = () => response.end(sse(delta('b'), '[DONE]'));
    });
    await using folder = await temporaryDirectory();
    const { router, url, managed } = await startRouterProcess(program, folder.path, engine.url);
    await using _router = router;
    const stream = await ask(url, { stream: true });
    const reader = stream.body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = (await reader.read()).value;
    router.signal('SIGTERM');
    await router.waitForLine(/"shutdown started"/);
    finish();
    for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value;
    expect(text).toBe(sse(delta('a'), delta('b'), '[DONE]'));
    expect((await router.waitForExit()).code).toBe(0);
    expect(isRunning(managed)).toBe(false);
  });

  test('what a killed router left behind is ended by the next one', async () => {
    await using engine = await startEngine((response) => void response.end('{}'));
    await using folder = await temporaryDirectory();
    const first = await startRouterProcess(program, folder.path, engine.url);
    await using _first = first.router;
    first.router.signal('SIGKILL');
    await first.router.waitForExit();
    expect(isRunning(first.managed)).toBe(true);
    const second = await startRouterProcess(program, folder.path, engine.url);
    await using _second = second.router;
    await untilGone([first.managed]);
    expect((await ask(second.url, {})).status).toBe(200);
  });

  test('one folder serves one router at a time', async () => {
    await using engine = await startEngine((response) => void response.end('{}'));
    await using folder = await temporaryDirectory();
    const first = await startRouterProcess(program, folder.path, engine.url);
    await using _first = first.router;
    const { python, program: file } = await program.prepare(folder.path);
    const choice = file === undefined ? ['--sglang-router-python', python] : ['--sglang-router-program', file];
    const args = ['--port', '0', '--data-dir', folder.path, '--router-engine', 'sglang-router', ...choice];
    await using other = startFleetCommand(['router', ...args]);
    expect((await other.waitForExit(startDeadlineMs)).code).toBe(1);
    expect(other.output).toContain('manages a sglang-router there');
    expect((await ask(first.url, {})).status).toBe(200);
  });
});
