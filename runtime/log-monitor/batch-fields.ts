/**
 * Every field that an SGLang batch line has carried since 0.2, with its type. Names are as printed: they hold spaces,
 * `#`, dots, slashes and parentheses. Cut lines glue two names into one, so a name that is not here is never a metric.
 */
const fieldTypes = {
  '#new-seq': 'integer',
  '#new-token': 'integer',
  '#cached-token': 'integer',
  '#running-req': 'integer',
  '#queue-req': 'integer',
  '#pending-token': 'integer',
  /** Decoding requests that share a prefill batch; printed inside the head (0.2.13 to 0.3.5). */
  'mixed #running-req': 'integer',
  /** Cumulative, until 0.4.3. */
  'cache hit rate': 'number',
  '#token': 'integer',
  'token usage': 'number',
  // Sliding-window, hybrid linear and HiSparse models replace `token usage` by two or three of these.
  '#full token': 'integer',
  'full token usage': 'number',
  '#swa token': 'integer',
  'swa token usage': 'number',
  'mamba num': 'integer',
  'mamba usage': 'number',
  '#gpu token': 'integer',
  'gpu token usage': 'number',
  '#cpu token': 'integer',
  'cpu token usage': 'number',
  // Speculative decoding.
  'accept len': 'number',
  'accept rate': 'number',
  'cap len': 'number',
  'block accept len': 'number',
  // Prefill and decode on separate servers.
  '#unbootstrapped-req': 'integer',
  '#transferring-req': 'integer',
  '#bootstrap-req': 'integer',
  '#prealloc-req': 'integer',
  '#inflight-req': 'integer',
  '#optimistic-req': 'integer',
  '#transfer-req': 'integer',
  '#retracted-req': 'integer',
  'pre-allocated usage': 'number',
  'waiting-image-req': 'integer',
  'cuda graph': 'flag',
  'npu graph': 'flag',
  'cpu graph': 'flag',
  'gen throughput (token/s)': 'number',
  'input throughput (token/s)': 'number',
  'largest-len': 'integer',
  '#cache_miss': 'integer',
  timestamp: 'time',
  'est. prefill TFLOPS/s (per GPU)': 'number',
  'est. decode TFLOPS/s (per GPU)': 'number',
  'est. read BW (GB/s per GPU)': 'number',
  'est. write BW (GB/s per GPU)': 'number',
  'fwd occupancy': 'number',
} as const;

type FieldType = (typeof fieldTypes)[keyof typeof fieldTypes];
type FieldValue<Type extends FieldType> = Type extends 'flag' ? boolean : Type extends 'time' ? string : number;

/** Fields by printed name. Integers and rates as numbers, percentages and usages as fractions. */
export type BatchFields = {
  readonly [Name in keyof typeof fieldTypes]?: FieldValue<(typeof fieldTypes)[Name]>;
};

// A Map, because a field called `constructor` must not be found.
const typeByName: ReadonlyMap<string, FieldType> = new Map(Object.entries(fieldTypes));

const integerPattern = /^-?\d+$/;
const timePattern = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?$/;
const numberPattern = /^-?\d+(?:\.\d+)?(?:e[-+]?\d+)?$/;

/** The value of field `name`; undefined when the name is unknown or the text is not a value of its type (`nan%`). */
export function readFieldValue(name: string, text: string): number | boolean | string | undefined {
  switch (typeByName.get(name)) {
    case 'integer':
      return integerPattern.test(text) ? Number(text) : undefined;
    case 'number':
      return readNumber(text);
    case 'flag':
      return text === 'True' ? true : text === 'False' ? false : undefined;
    case 'time':
      return timePattern.test(text) ? text : undefined;
    default:
      return undefined;
  }
}

function readNumber(text: string): number | undefined {
  if (numberPattern.test(text)) return Number(text);
  if (!text.endsWith('%')) return undefined;
  const percentage = text.slice(0, -1);
  // Moving the decimal point in the text keeps 54.19% at 0.5419; dividing by 100 can be off in the last digit.
  return integerPattern.test(percentage) || /^-?\d+\.\d+$/.test(percentage) ? Number(`${percentage}e-2`) : undefined;
}
