import type { Rank } from './life-event.ts';

export interface Prefix {
  /** As printed, null when there is none. */
  readonly time: string | null;
  readonly rank: Rank;
}

const noRank: Rank = Object.freeze({});
const none: Prefix = Object.freeze({ time: null, rank: noRank });

const time = String.raw`(?:\d{4}-\d\d-\d\d[ T])?\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?`;
const rankTokens = String.raw`(?:(?:[A-Z][A-Z_]*-?|gpu(?:_id)?=)\d+ ?)+`;
/** The inside of SGLang's own bracket: a time, ranks or both. */
const bracketPattern = new RegExp(`^(${time})? ?(${rankTokens})?$`);
/** A prefix that lost its opening bracket in a copy or to a platform that cut the time off. */
const halfBracketPattern = new RegExp(`(?:^|\\s)(${rankTokens})\\]:?\\s*$`);
/** A wrapper's time in front of the line, or SGLang's own without bracket; a lost ESC leaves `[2m` before it. */
const leadingTimePattern = new RegExp(`^\\s*(?:\\[\\d*m)?(${time})(?![\\d:])`);
const rankTokenPattern = /([A-Z][A-Z_]*|gpu)(?:_id=|=)?(-?\d+)/g;

/** Groups to try from right to left: a custom logging config puts `[file:line][LEVEL]` behind `[time]`. */
const maxBrackets = 4;

/**
 * Time and ranks of a message that begins at `messageStart`, from the nearest bracket before it that holds them.
 * Client text, progress bars and wrappers (Ray, compose, tracing) may stand in front of it; a bracket may be missing.
 */
export function parsePrefix(line: string, messageStart: number): Prefix {
  if (messageStart === 0) return none;
  let close = line.lastIndexOf(']', messageStart - 1);
  for (let tried = 0; close > 0 && tried < maxBrackets; tried++) {
    const open = line.lastIndexOf('[', close);
    if (open < 0) break;
    const inside = bracketPattern.exec(line.slice(open + 1, close));
    if (inside && close > open + 1) return { time: inside[1] ?? null, rank: parseRank(inside[2]) };
    close = line.lastIndexOf(']', open);
  }
  return parseBareStart(line.slice(0, messageStart));
}

function parseBareStart(text: string): Prefix {
  const rank = halfBracketPattern.exec(text)?.[1];
  const leadingTime = leadingTimePattern.exec(text)?.[1] ?? null;
  return rank === undefined && leadingTime === null ? none : { time: leadingTime, rank: parseRank(rank) };
}

function parseRank(tokens: string | undefined): Rank {
  if (tokens === undefined) return noRank;
  const rank: Record<string, number> = {};
  for (const [, name, value] of tokens.matchAll(rankTokenPattern)) rank[name!] = Number(value);
  return rank;
}
