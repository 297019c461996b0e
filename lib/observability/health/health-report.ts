/** `degraded`: it works, and an operator should look at it. A probe takes it as `up`. */
export type HealthStatus = 'up' | 'degraded' | 'down';

/** Why a transport is not simply up. The page docs/observability.md says what to do about each. */
export type HealthCode =
  // Down, and seen by liveness too: a restart of the process may help.
  | 'reader-stuck'
  | 'reader-failing'
  | 'reader-blocked'
  // Down: the process should get no traffic.
  | 'not-started'
  | 'not-reading'
  | 'stopping'
  | 'disconnected'
  | 'server-silent'
  | 'group-missing'
  | 'reads-unanswered'
  // Down where nothing is left to read, else degraded.
  | 'stream-unreadable'
  // Degraded.
  | 'connection-broken'
  | 'groups-unknown'
  | 'stream-missing'
  | 'reader-waiting'
  | 'reading-paused'
  | 'event-loop-blocked'
  | 'lag'
  | 'dead-letters'
  | 'overrun'
  | 'fallback'
  | 'data-loss'
  | 'outbox'
  | 'delays'
  | 'task-failing'
  | 'consumer-ended';

/** One reason why a transport is degraded or down. */
export interface HealthCause {
  /** Name of the transport, such as `default`. */
  readonly transport: string;
  /** Stable, for programs. */
  readonly code: HealthCode;
  /** What this cause alone makes of the transport. */
  readonly status: 'degraded' | 'down';
  /** What is wrong, for people. Holds no payloads and no secrets. */
  readonly message: string;
  /** The stream that it is about. */
  readonly stream?: string;
  /** The consumer group that it is about. */
  readonly group?: string;
}

/** One reason, as the parts of a transport tell it: none of them knows the name of the transport. */
export type Reason = Omit<HealthCause, 'transport'>;

/** The health of one or several transports. */
export interface HealthReport {
  /** The worst one of the causes. */
  readonly status: HealthStatus;
  /** Empty: up. */
  readonly causes: readonly HealthCause[];
}

/** The worst status of these causes, with them. */
export function reportOf(causes: readonly HealthCause[]): HealthReport {
  if (causes.some(({ status }) => status === 'down')) return { status: 'down', causes };
  return { status: causes.length > 0 ? 'degraded' : 'up', causes };
}
