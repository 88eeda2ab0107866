/**
 * SGLang hides an overload in a 200: a streaming request that finds the queue full gets one error event (or, from
 * /generate, an event that is already aborted) and then [DONE] (seen on 0.5.23).
 */
export type FirstEvent =
  /** More bytes are needed to tell. */
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'good' }
  /** The engine refused; another worker may take the request. */
  | { readonly kind: 'overload'; readonly message: string };

/** Past this the bytes cannot be a refusal. */
const maxHeldBytes = 64 * 1024;

/** Judges the beginning of an event stream. `bytes` is everything that arrived so far. */
export function judgeFirstEvent(bytes: Buffer): FirstEvent {
  // A refusal is short and a normal first event is recognised by its first bytes: no need to wait for its end.
  if (bytes.length >= 24 && !bytes.toString('latin1', 0, 24).includes('"error"') && !looksLikeGenerate(bytes)) {
    return { kind: 'good' };
  }
  const end = bytes.indexOf('\n\n');
  if (end < 0) return { kind: bytes.length > maxHeldBytes ? 'good' : 'incomplete' };
  return judgeEvent(bytes.toString('utf8', 0, end));
}

/** /generate events begin with the text that they carry. */
function looksLikeGenerate(bytes: Buffer): boolean {
  const start = bytes.toString('latin1', 0, 24);
  return start.includes('"text"') || start.includes('"output_ids"') || start.includes('"index"');
}

interface RefusalEvent {
  readonly error?: { readonly code?: unknown; readonly message?: unknown };
  readonly meta_info?: {
    readonly finish_reason?: { readonly status_code?: unknown; readonly message?: unknown } | null;
  };
}

function judgeEvent(event: string): FirstEvent {
  if (!event.includes('"error"') && !event.includes('"abort"')) return { kind: 'good' };
  let parsed: RefusalEvent;
  try {
    parsed = JSON.parse(event.slice(event.indexOf('{'))) as RefusalEvent;
  } catch {
    return { kind: 'good' };
  }
  const { error, meta_info } = parsed;
  if (isOverloadStatus(error?.code)) return { kind: 'overload', message: String(error?.message) };
  const finish = meta_info?.finish_reason;
  if (isOverloadStatus(finish?.status_code)) return { kind: 'overload', message: String(finish?.message) };
  return { kind: 'good' };
}

function isOverloadStatus(code: unknown): boolean {
  return code === 503 || code === 429;
}
