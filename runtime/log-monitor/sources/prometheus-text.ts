/** One line of a Prometheus exposition. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Finite, or the infinities; lines with NaN are left out. */
  readonly value: number;
}

/** An engine with many ranks and custom labels writes some thousand lines of ours; more is not an engine. */
const maxSamples = 50_000;

const namePattern = /[A-Za-z_:][\w:]*/y;
const labelPattern = /\s*([A-Za-z_]\w*)\s*=\s*"((?:[^"\\\n]|\\.)*)"\s*/y;
const valuePattern = /[ \t]+([^ \t]+)(?:[ \t]+-?\d+)?[ \t]*$/y;
const numberPattern = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/**
 * Reads the samples whose name `isWanted` accepts from Prometheus text (exposition format 0.0.4). Never throws: a line
 * that is not a sample is skipped, as is everything behind the 50,000th.
 * @param isWanted called with names in SGLang's spelling; collectors that write `sglang_` for `sglang:` are undone first
 */
export function parsePrometheusText(text: string, isWanted: (name: string) => boolean): Sample[] {
  const samples: Sample[] = [];
  // A last line without its line feed was cut, maybe inside its number.
  for (let start = 0, end = text.indexOf('\n'); end >= 0; start = end + 1, end = text.indexOf('\n', start)) {
    const sample = text[start] === '#' ? undefined : parseLine(text.slice(start, end), isWanted);
    if (sample === undefined) continue;
    if (samples.push(sample) === maxSamples) break;
  }
  return samples;
}

function parseLine(line: string, isWanted: (name: string) => boolean): Sample | undefined {
  namePattern.lastIndex = 0;
  const printed = namePattern.exec(line)?.[0];
  if (printed === undefined) return undefined;
  const name = sglangName(printed);
  if (!isWanted(name)) return undefined;
  let at = printed.length;
  let labels: Record<string, string> = {};
  if (line[at] === '{') {
    const read = readLabels(line, at + 1);
    if (read === undefined) return undefined;
    ({ labels, end: at } = read);
  }
  valuePattern.lastIndex = at;
  const value = readNumber(valuePattern.exec(line)?.[1]);
  return value === undefined ? undefined : { name, labels, value };
}

/** `sglang_foo`, as some collectors rewrite it, is `sglang:foo`. */
function sglangName(name: string): string {
  return name.startsWith('sglang_') ? `sglang:${name.slice(7)}` : name;
}

/** @returns undefined when the braces are not closed, as in a line that was cut */
function readLabels(line: string, from: number): { labels: Record<string, string>; end: number } | undefined {
  // No prototype: a label may be called `__proto__`.
  const labels: Record<string, string> = Object.create(null);
  for (let at = from; ; ) {
    labelPattern.lastIndex = at;
    const match = labelPattern.exec(line);
    if (match !== null) {
      labels[match[1]!] = match[2]!.includes('\\') ? unescapeLabel(match[2]!) : match[2]!;
      at = labelPattern.lastIndex;
    }
    if (line[at] === '}') return { labels, end: at + 1 };
    if (match === null || line[at] !== ',') return undefined;
    at++;
  }
}

function unescapeLabel(text: string): string {
  return text.replace(/\\(.)/g, (_, character: string) => (character === 'n' ? '\n' : character));
}

function readNumber(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (numberPattern.test(text)) return Number(text);
  if (/^\+?inf$/i.test(text)) return Infinity;
  return /^-inf$/i.test(text) ? -Infinity : undefined;
}
