import type { Exchange } from '../http/exchange.ts';
import type { ErrorStyle } from '../http/failure.ts';
import type { ServerState } from '../server-state.ts';
import type { RouteSource } from '../validation/validation-error.ts';

export type Handler = (exchange: Exchange, server: ServerState) => void | Promise<void>;

/** One path of the server and what it does per method. */
export interface Route {
  readonly path: string;
  /** The path is only the beginning; the rest is a parameter. @default false */
  readonly isPrefix?: boolean;
  /** Name under which it is counted. @default - the path */
  readonly metricName?: string;
  readonly methods: Readonly<Record<string, Handler>>;
  /** Shape of its error bodies. @default 'native' */
  readonly style?: ErrorStyle;
  /** Where SGLang declares it, for validation messages. */
  readonly source?: RouteSource;
}
