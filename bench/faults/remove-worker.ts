import { setTimeout as delay } from 'node:timers/promises';
import { callJson } from '../../runtime/shared/call-json.ts';

const limitMs = 15_000;

/** Takes a worker out as an operator would: asks for it, then waits until the router no longer lists it. Throws if it never does. */
export async function removeWorker(routerUrl: string, workerUrl: string): Promise<void> {
  const deadlineMs = performance.now() + limitMs;
  await askForRemoval(routerUrl, workerUrl);
  while ((await listWorkers(routerUrl)).some(({ url }) => url === workerUrl)) {
    if (performance.now() > deadlineMs) throw new Error(`still listed after ${limitMs / 1_000} s`);
    await delay(50);
  }
}

/** sglang-router 0.3 has the newer of the two interfaces only. */
async function askForRemoval(routerUrl: string, workerUrl: string): Promise<void> {
  const url = `${routerUrl}/remove_worker?url=${encodeURIComponent(workerUrl)}`;
  const response = await fetch(url, { method: 'POST', signal: AbortSignal.timeout(limitMs) });
  await response.text();
  if (response.ok) return;
  if (response.status !== 404) throw new Error(`/remove_worker answered ${response.status}`);
  const worker = (await listWorkers(routerUrl)).find((listed) => listed.url === workerUrl);
  if (worker === undefined) throw new Error('/remove_worker answered 404, and /workers does not list the worker');
  await callJson(`${routerUrl}/workers/${worker.id}`, { method: 'DELETE', timeoutMs: limitMs });
}

async function listWorkers(routerUrl: string): Promise<readonly { readonly id: string; readonly url: string }[]> {
  const { workers } = (await callJson(`${routerUrl}/workers`)) as { workers: { id: string; url: string }[] };
  return workers;
}
