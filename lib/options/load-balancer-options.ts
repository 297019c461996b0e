import { InvalidOptionsError } from '../core/errors/start-up.errors.js';
import { whole, type Problems } from './problems.js';

/** Options of a consumer of load balanced streams. Times in ms. */
export interface LoadBalancerOptions {
  /** Name of the service: its streams are announced in `<service>-input`. */
  readonly service: string;
  /**
   * A stream whose assignment another program has read, and never locked, is abandoned after so long,
   * ms. At least 4000. @default 40000
   */
  readonly idleTime?: number;
  /** Pending assignments that are looked at in one go. @default 1000 */
  readonly recoveryCount?: number;
  /** How often reading is tried again. @default 5 times in a row, 100 ms doubled up to 30000 */
  readonly retry?: LoadBalancerRetry;
  /** Name of this consumer. @default `redis-consumer-` and POD_NAME, else POD_IP */
  readonly consumerId?: string;
  /** Most streams that this consumer owns at a time. @default no limit */
  readonly maxStreams?: number;
  /** Longest time between two looks for streams that have lost their owner, ms. @default 5000 */
  readonly scanInterval?: number;
  /** Whether `@LoadBalancedHandler` hands streams over to consumers that have fewer. @default true */
  readonly rebalance?: boolean;
  /**
   * Whether Redis is asked to tell of locks that expire, so that streams are recovered sooner:
   * `'configure'` adds what is missing to `notify-keyspace-events`, `'listen'` leaves the setting
   * alone, `'off'` does without. Nothing depends on it. @default 'configure'
   */
  readonly notifications?: 'configure' | 'listen' | 'off';
}

/** How often reading is tried again before the consumer gives up. */
export interface LoadBalancerRetry {
  /** Further tries in a row. -1: without end, 0: none. @default 5 */
  readonly maxRetries?: number;
  /** Before the first of them, ms. Doubles with each. @default 100 */
  readonly initialDelay?: number;
  /** Longest wait before one of them, ms. @default 30000 */
  readonly maxDelay?: number;
}

const KNOWN: Readonly<Record<keyof LoadBalancerOptions, true>> = {
  service: true,
  idleTime: true,
  recoveryCount: true,
  retry: true,
  consumerId: true,
  maxStreams: true,
  scanInterval: true,
  rebalance: true,
  notifications: true,
};

/** Twice as long as a lock lives. */
const SHORTEST_IDLE_TIME = 4000;

/**
 * Defaults and checks them all at once.
 * @throws InvalidOptionsError naming every problem
 */
export function resolveLoadBalancer(
  options: LoadBalancerOptions,
  env: NodeJS.ProcessEnv = process.env,
) {
  const place = env['POD_NAME'] || env['POD_IP'];
  const consumer = options.consumerId ?? (place && `redis-consumer-${place}`);
  const problems = problemsOf(options);
  if (!consumer) {
    problems.push(
      'consumerId must not be empty: set it, or POD_NAME or POD_IP in the environment, to a name that no other process has',
    );
  }
  if (problems.length > 0) throw new InvalidOptionsError(problems);
  const { retry = {} } = options;
  return Object.freeze({
    service: options.service,
    consumer: consumer!,
    idleTime: options.idleTime ?? 40_000,
    recoveryCount: options.recoveryCount ?? 1000,
    retry: {
      maxRetries: retry.maxRetries ?? 5,
      delay: retry.initialDelay ?? 100,
      maxDelay: retry.maxDelay ?? 30_000,
    },
    maxStreams: options.maxStreams ?? Number.MAX_SAFE_INTEGER,
    scanInterval: options.scanInterval ?? 5000,
    rebalance: options.rebalance ?? true,
    hints: options.notifications ?? 'configure',
  });
}

function problemsOf(options: LoadBalancerOptions): Problems {
  const problems: Problems = Object.keys(options)
    .filter((key) => !(key in KNOWN))
    .map((key) => `${key} is not an option of the load balancer: is it misspelt?`);
  if (typeof options.service !== 'string' || options.service === '') {
    problems.push('service must be a text that is not empty');
  }
  whole(problems, options, 'idleTime', SHORTEST_IDLE_TIME);
  whole(problems, options, 'recoveryCount', 1);
  whole(problems, options, 'maxStreams', 1);
  whole(problems, options, 'scanInterval', 1);
  const { retry = {}, notifications } = options;
  const { initialDelay = 100, maxDelay = 30_000 } = retry;
  const ofRetry: Problems = [];
  whole(ofRetry, retry, 'maxRetries', -1);
  whole(ofRetry, retry, 'initialDelay', 1);
  whole(ofRetry, retry, 'maxDelay', 1);
  problems.push(...ofRetry.map((problem) => `retry.${problem}`));
  if (initialDelay > maxDelay) problems.push('retry.initialDelay must not be over retry.maxDelay');
  if (notifications && !['configure', 'listen', 'off'].includes(notifications)) {
    problems.push(`notifications must be 'configure', 'listen' or 'off', not '${notifications}'`);
  }
  return problems;
}
