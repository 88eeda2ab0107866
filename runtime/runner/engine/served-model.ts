import { callJson } from '../../shared/call-json.ts';

/** The name under which the engine serves its model (first entry of `/v1/models`), undefined when it does not say. */
export async function readServedModel(engineUrl: string): Promise<string | undefined> {
  try {
    const answer = (await callJson(`${engineUrl}/v1/models`)) as { data?: { id?: unknown }[] } | undefined;
    const id = answer?.data?.[0]?.id;
    return typeof id === 'string' && id !== '' ? id : undefined;
  } catch {
    return undefined;
  }
}
