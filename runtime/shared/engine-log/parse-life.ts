import type { LifeEvent } from './life-event.ts';
import { type LifeMarker, lifeMarkers } from './life-markers.ts';
import { parsePrefix } from './parse-prefix.ts';

const markerByPhrase: ReadonlyMap<string, LifeMarker> = new Map(lifeMarkers.map((marker) => [marker.phrase, marker]));

/** One pass over the line finds whether any phrase is in it: most lines have none and must cost little. */
const anyPhrase = new RegExp(
  lifeMarkers.map(({ phrase }) => phrase.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|'),
  'g',
);

/** Reads a line about the engine's life (start-up, capacity, crash, drain, access); undefined for any other line. */
export function parseLife(line: string): LifeEvent | undefined {
  anyPhrase.lastIndex = startOfLastSegment(line);
  for (let match = anyPhrase.exec(line); match !== null; match = anyPhrase.exec(line)) {
    const facts = markerByPhrase.get(match[0])!.read(line, match.index);
    if (facts === undefined) continue;
    const { time, rank } = parsePrefix(line, match.index);
    const { kind, ...rest } = facts;
    return { kind, time, rank, ...rest } as LifeEvent;
  }
  return undefined;
}

/** A progress bar rewrites its line behind a carriage return; only the last state counts. */
function startOfLastSegment(line: string): number {
  if (!line.includes('\r')) return 0;
  let end = line.length;
  while (end > 0 && (line[end - 1] === '\r' || line[end - 1] === ' ')) end--;
  return end === 0 ? 0 : line.lastIndexOf('\r', end - 1) + 1;
}
