import { type FileHandle, open, readFile, rename, rm } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { type MonitorState, parseMonitorState } from './monitor-state.ts';

const magic = 'sglang-fleet log-monitor state';
/** A state is some kB; this leaves room for hundreds of data-parallel ranks. */
const slotBytes = 256 * 1024;
const slotCount = 2;
const headerPattern = new RegExp(`^${magic} (\\d+) (\\d+) ([0-9a-f]{8})\\n`);

export interface OpenedState {
  readonly file: StateFile;
  /** Of an earlier run on the same log; undefined when there is none. */
  readonly state: MonitorState | undefined;
}

/**
 * The monitor's state on disk: two slots of fixed size in one file, written in turn, each with a number and a checksum.
 * After a crash at any point the file holds the last state or the one before it. Its space is taken when it is made, so
 * that a full disk cannot keep later states from being saved (on file systems that write in place, as ext4 and XFS do).
 */
export class StateFile {
  readonly #path: string;
  #generation: number;
  #handle: FileHandle | undefined;

  private constructor(path: string, generation: number, handle: FileHandle | undefined) {
    this.#path = path;
    this.#generation = generation;
    this.#handle = handle;
  }

  /**
   * @param logFile a state about another log is not used
   * @throws when the file exists but is not a state of this program: starting over silently would count twice
   */
  static async open(path: string, logFile: string): Promise<OpenedState> {
    const text = await readIfExists(path);
    const slots = text === undefined ? [] : readSlots(text);
    if (text === undefined || slots.length === 0) {
      // Made by the first version of this program: one JSON object, replaced by a file of slots at the first save.
      const state = text === undefined ? undefined : parseState(text, path);
      return { file: new StateFile(path, 0, undefined), state: ofLog(state, logFile) };
    }
    const newest = slots.reduce((a, b) => (b.generation > a.generation ? b : a));
    const state = parseState(newest.body, path);
    return { file: new StateFile(path, newest.generation, await open(path, 'r+')), state: ofLog(state, logFile) };
  }

  /**
   * Replaces the older of the two saved states.
   * @param durable whether the state must also survive a power failure, which costs a wait for the disk
   * @throws when it cannot be saved, for example because the disk was full when the file was to be made
   */
  async save(state: MonitorState, { durable }: { readonly durable: boolean }): Promise<void> {
    const generation = this.#generation + 1;
    const slot = formatSlot(generation, JSON.stringify(state));
    if (this.#handle === undefined) this.#handle = await this.#create(slot, generation % slotCount);
    else await writeFully(this.#handle, slot, (generation % slotCount) * slotBytes);
    if (durable) await this.#handle.datasync();
    this.#generation = generation;
  }

  async close(): Promise<void> {
    await this.#handle?.close();
    this.#handle = undefined;
  }

  /** Makes the whole file under another name first: what stands under ours is always complete. */
  async #create(slot: Buffer, index: number): Promise<FileHandle> {
    const temporaryPath = `${this.#path}.tmp`;
    const handle = await open(temporaryPath, 'w+', 0o600);
    try {
      const bytes = Buffer.alloc(slotBytes * slotCount, '\n');
      slot.copy(bytes, index * slotBytes);
      await writeFully(handle, bytes, 0);
      await handle.sync();
      await rename(temporaryPath, this.#path);
      return handle;
    } catch (error) {
      await handle.close();
      await rm(temporaryPath, { force: true });
      throw error;
    }
  }
}

/** The state of an earlier run on `logFile`, without taking hold of the file. @throws as `StateFile.open` */
export async function readState(path: string, logFile: string): Promise<MonitorState | undefined> {
  const { file, state } = await StateFile.open(path, logFile);
  await file.close();
  return state;
}

function formatSlot(generation: number, json: string): Buffer {
  const body = Buffer.from(json);
  const sum = crc32(body).toString(16).padStart(8, '0');
  const slot = Buffer.concat([Buffer.from(`${magic} ${generation} ${body.length} ${sum}\n`), body, Buffer.from('\n')]);
  if (slot.length > slotBytes) throw new Error(`The state of ${slot.length} bytes exceeds the ${slotBytes} of a slot.`);
  return slot;
}

/** The whole slots of a state file, none for any other file. */
function readSlots(bytes: Buffer): { generation: number; body: string }[] {
  const slots: { generation: number; body: string }[] = [];
  for (let start = 0; start < bytes.length; start += slotBytes) {
    const slot = bytes.subarray(start, start + slotBytes);
    const header = headerPattern.exec(slot.toString('latin1', 0, 100));
    if (header === null) continue;
    const body = slot.subarray(header[0].length, header[0].length + Number(header[2]));
    const isWhole = body.length === Number(header[2]) && crc32(body) === Number.parseInt(header[3]!, 16);
    if (isWhole) slots.push({ generation: Number(header[1]), body: body.toString('utf8') });
  }
  return slots;
}

function parseState(text: Buffer | string, path: string): MonitorState {
  const state = parseMonitorState(text.toString());
  if ('mistake' in state) {
    throw new Error(`${path} is not a state file of the log monitor (${state.mistake}). Remove it to start over.`);
  }
  return state;
}

function ofLog(state: MonitorState | undefined, logFile: string): MonitorState | undefined {
  return state?.logFile === logFile ? state : undefined;
}

async function writeFully(handle: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let written = 0; written < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, written, bytes.length - written, position + written);
    written += bytesWritten;
  }
}

async function readIfExists(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
