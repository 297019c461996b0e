import { InvalidOptionsError } from '../core/errors/start-up.errors.js';
import { flag, nested, oneOf, text, whole } from '../core/option-schema/kinds.js';
import { declareOptions, type Given } from '../core/option-schema/shape.js';

/** Twice as long as a lock lives, in milliseconds. */
const SHORTEST_IDLE_TIME = 4000;

const LONGEST_RETRY = 30_000;

export const LOAD_BALANCER_RETRY = declareOptions(
  'retry',
  {
    /** Further tries in a row. -1: without end, 0: none. @default 5 */
    maxRetries: whole(-1).default(5),
    /** Before the first of them, in milliseconds. Doubles with each. @default 100 */
    initialDelay: whole(1).default(100),
    /** Longest wait before one of them, in milliseconds. @default 30000 */
    maxDelay: whole(1).default(LONGEST_RETRY),
  },
  ({ initialDelay, maxDelay = LONGEST_RETRY }) =>
    Number(initialDelay) > Number(maxDelay) ? ['initialDelay must not be over maxDelay'] : [],
);

const retry = nested(LOAD_BALANCER_RETRY, (value) =>
  typeof value === 'number' ? `write retry: { maxRetries: ${value} }` : undefined,
);

export const LOAD_BALANCER_OPTIONS = declareOptions('the load balancer', {
  /** Name of the service: its streams are announced in `<service>-input`. */
  service: text().required(),
  /**
   * A stream whose assignment another program has read, and never locked, is abandoned after this time,
   * in milliseconds. At least 4000. @default 40000
   */
  idleTime: whole(SHORTEST_IDLE_TIME).default(40_000),
  /** Most pending assignments that one look reads at a time. @default 1000 */
  recoveryCount: whole(1).default(1000),
  /**
   * How often in a row the consumer tries to read again, before it gives all streams back and ends
   * with `StreamTerminated`. `maxRetries: -1`: without end, recommended; 0: not at all. The wait
   * doubles. @default { maxRetries: 5, initialDelay: 100, maxDelay: 30000 }
   */
  retry: retry.default({}),
  /**
   * Name of this consumer, which no other consumer has. Without any of the three the application does
   * not start. @default `redis-consumer-` and `POD_NAME`, else `POD_IP`
   */
  consumerId: text('a text that is not empty, a name that no other process has'),
  /**
   * Most streams that this consumer owns at a time. Further streams wait, or go to other consumers.
   * @default no limit
   */
  maxStreams: whole(1).default(Number.MAX_SAFE_INTEGER),
  /** Longest time between two looks for streams that have lost their owner, in milliseconds. @default 5000 */
  scanInterval: whole(1).default(5000),
  /** Whether `@LoadBalancedHandler` hands streams over to consumers that have fewer. @default true */
  rebalance: flag().default(true),
  /**
   * Whether the server is asked to tell of locks that expire, so that streams are recovered sooner:
   * `'configure'` sets the server up for that (Redis: `notify-keyspace-events`), `'listen'` leaves the setting
   * alone, `'off'` does without. Without notifications the consumer finds such streams by its looks:
   * docs/load-balancer.md#finding-abandoned-streams. @default 'configure'
   */
  notifications: oneOf('configure', 'listen', 'off').default('configure'),
});

/** Options of a consumer of load balanced streams. Times in milliseconds. */
export interface LoadBalancerOptions extends Given<typeof LOAD_BALANCER_OPTIONS> {}

/**
 * Checks all options at once, and fills in their defaults.
 * @throws InvalidOptionsError naming every problem
 */
export function resolveLoadBalancer(
  options: LoadBalancerOptions,
  env: NodeJS.ProcessEnv = process.env,
) {
  const place = env['POD_NAME'] || env['POD_IP'];
  const problems = [...LOAD_BALANCER_OPTIONS.problems(options)];
  if (!place && options?.consumerId === undefined) {
    problems.push(
      'consumerId must be given, or POD_NAME or POD_IP in the environment: a name that no other process has',
    );
  }
  if (problems.length > 0) throw new InvalidOptionsError(problems);
  const { notifications, consumerId, ...decided } = LOAD_BALANCER_OPTIONS.complete(options);
  const { maxRetries, initialDelay, maxDelay } = decided.retry;
  return Object.freeze({
    ...decided,
    consumer: consumerId ?? `redis-consumer-${place}`,
    retry: { maxRetries, delay: initialDelay, maxDelay },
    hints: notifications,
  });
}
