import type { Logger } from '../shared/log.ts';
import type { RouterConfig } from './config.ts';
import type { Coordinator } from './coordinator/coordinator.ts';
import type { Registry } from './coordinator/registry.ts';
import type { KeyRing } from './keys/key-ring.ts';
import type { ManagedRouter } from './managed/managed-router.ts';
import type { RouterMetrics } from './metrics.ts';
import type { Relay } from './relay/relay.ts';
import type { MessageLimits } from './sessions/message-limits.ts';
import type { SessionService } from './sessions/session-service.ts';
import type { Store } from './store/store.ts';
import type { ListenerTls } from './tls.ts';

/** What the router's HTTP surfaces are made of. */
export interface ServerParts {
  readonly config: RouterConfig;
  readonly relay: Relay;
  /** The process that carries the requests in the relay's place. */
  readonly managed: ManagedRouter | undefined;
  readonly registry: Registry;
  readonly coordinator: Coordinator;
  readonly store: Store;
  readonly sessions: SessionService;
  readonly messageLimits: MessageLimits;
  readonly metrics: RouterMetrics;
  readonly keys: KeyRing;
  readonly log: Logger;
  /** Certificate of the listener; undefined serves plain HTTP. */
  readonly tls: ListenerTls | undefined;
}
