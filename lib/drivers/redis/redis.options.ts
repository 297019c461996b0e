import type { ConnectionOptions } from 'node:tls';
import type { Redis } from 'ioredis';

/** Where Redis is and how to talk to it. */
export interface RedisOptions {
  /** `redis://[user:password@]host[:port][/db]`, or `rediss://` for TLS. Instead of host and port. */
  readonly url?: string;
  /** @default 'localhost' */
  readonly host?: string;
  /** @default 6379 */
  readonly port?: number;
  readonly username?: string;
  readonly password?: string;
  /** @default 0 */
  readonly db?: number;
  readonly tls?: ConnectionOptions;
  /**
   * Makes a client of your own, a new one at each call: the library needs several connections, and
   * owns, configures and closes what it is given. Must not set `keyPrefix` (use the library's) or
   * `replyMapping: 'resp3'`. Create it with `lazyConnect: true`.
   */
  readonly client?: () => Redis;
  /** Longest wait for a connection, ms. @default 10000 */
  readonly connectTimeout?: number;
  /** Longest wait for a reply, or to reconnect before a command, ms. @default 5000 */
  readonly commandTimeout?: number;
}

/** The names in {@link RedisOptions}. */
export const REDIS_OPTION_KEYS = [
  'url',
  'host',
  'port',
  'username',
  'password',
  'db',
  'tls',
  'client',
  'connectTimeout',
  'commandTimeout',
] as const satisfies readonly (keyof RedisOptions)[];

const URL_INSTEAD_OF = ['host', 'port', 'username', 'password', 'db'] as const;

/** What is wrong with the options, as sentences. Never repeats a password. */
export function redisProblems(options: RedisOptions): string[] {
  const problems: string[] = [];
  if (options.url !== undefined) problems.push(...urlProblems(options.url));
  for (const key of URL_INSTEAD_OF) {
    if (options.url !== undefined && options[key] !== undefined) {
      problems.push(`${key} and url both say where Redis is: give one of them`);
    }
    if (options.client && options[key] !== undefined) {
      problems.push(`${key} has no effect beside client: set it in the client that you make`);
    }
  }
  if (options.url !== undefined && options.client) problems.push('give url or client, not both');
  if (options.client && typeof options.client !== 'function') {
    problems.push('client must be a function that makes a new ioredis client at each call');
  }
  wholeBetween(problems, 'port', options.port, 1, 65_535);
  wholeBetween(problems, 'db', options.db, 0, Number.MAX_SAFE_INTEGER);
  wholeBetween(problems, 'connectTimeout', options.connectTimeout, 1, 2 ** 31 - 1);
  wholeBetween(problems, 'commandTimeout', options.commandTimeout, 1, 2 ** 31 - 1);
  return problems;
}

function urlProblems(url: string): string[] {
  const parsed = typeof url === 'string' && URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol === 'redis:' || parsed?.protocol === 'rediss:') return [];
  return ['url must look like redis://host:6379 or rediss://host:6379'];
}

function wholeBetween(
  problems: string[],
  key: string,
  value: number | undefined,
  min: number,
  max: number,
): void {
  if (value === undefined || (Number.isSafeInteger(value) && value >= min && value <= max)) return;
  problems.push(`${key} must be a whole number from ${min} to ${max}, not ${String(value)}`);
}
