import { open, readFile, rename } from 'node:fs/promises';
import { z } from 'zod';

const stateSchema = z.object({
  version: z.literal(1),
  logFile: z.string(),
  /** Number of the last published window. */
  sequence: z.int().min(0),
  position: z.object({ inode: z.string(), offset: z.int().min(0), fingerprint: z.string() }).optional(),
  carry: z.record(
    z.string(),
    z.object({
      reporter: z.string(),
      reporterSpokeMs: z.number(),
      lastPrefillMs: z.number().nullable(),
      lastDecodeMs: z.number().nullable(),
      wasEmptySinceDecode: z.boolean(),
    }),
  ),
});

/** What a monitor needs to go on where it stopped. */
export type MonitorState = Readonly<z.infer<typeof stateSchema>>;

/**
 * The state of an earlier run on the same log; undefined when there is none.
 * @throws when the file exists but is not a state of this program: starting over silently would count twice.
 */
export async function loadState(path: string, logFile: string): Promise<MonitorState | undefined> {
  const text = await readIfExists(path);
  if (text === undefined) return undefined;
  const state = stateSchema.safeParse(parseJson(text));
  if (!state.success) {
    const [issue] = state.error.issues;
    const reason = `${issue?.path.join('.') || 'content'}: ${issue?.message}`;
    throw new Error(`${path} is not a state file of the log monitor (${reason}). Remove it to start over.`);
  }
  return state.data.logFile === logFile ? state.data : undefined;
}

/** Replaces the state at once and durably: after a crash the file holds the old state or the new one. */
export async function saveState(path: string, state: MonitorState): Promise<void> {
  const temporaryPath = `${path}.tmp`;
  const file = await open(temporaryPath, 'w', 0o600);
  try {
    await file.writeFile(`${JSON.stringify(state)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporaryPath, path);
}

async function readIfExists(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Undefined for text that is not JSON, which the schema then refuses. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
