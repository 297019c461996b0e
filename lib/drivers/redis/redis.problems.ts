import { createSecureContext, type ConnectionOptions } from 'node:tls';
import type { NodeAddress, RedisOptions } from './redis.options.js';

/** Said by a url too. */
const IN_URL = ['host', 'port', 'username', 'password', 'db'] as const;
/** Said by the sentinels. */
const PLACE = ['url', 'host', 'port'] as const;
const OF_SENTINELS = ['name', 'sentinelUsername', 'sentinelPassword', 'sentinelTls'] as const;
/** Said by the nodes of a cluster. */
const NOT_ON_CLUSTER = ['url', 'host', 'port', 'db', 'sentinels', 'client'] as const;
const IN_CLIENT = [...IN_URL, 'tls', 'sentinels', ...OF_SENTINELS] as const;

/** What is wrong with the options, as sentences. Never repeats a password, a url or a key. */
export function redisProblems(options: RedisOptions): string[] {
  const problems: string[] = [];
  const given = (key: keyof RedisOptions): boolean => options[key] !== undefined;
  if (given('url')) problems.push(...urlProblems(options));
  for (const key of IN_URL) {
    if (given('url') && given(key)) {
      problems.push(`${key} and url both say where Redis is: give one of them`);
    }
  }
  for (const key of IN_CLIENT) {
    if (options.client && given(key)) {
      problems.push(`${key} has no effect beside client: set it in the client that you make`);
    }
  }
  if (given('url') && options.client) problems.push('give url or client, not both');
  if (options.client && typeof options.client !== 'function') {
    problems.push('client must be a function that makes a new ioredis client at each call');
  }
  problems.push(...sentinelProblems(options, given), ...clusterProblems(options, given));
  problems.push(
    ...tlsProblems('tls', options.tls),
    ...tlsProblems('sentinelTls', options.sentinelTls),
  );
  wholeBetween(problems, 'port', options.port, 1, 65_535);
  wholeBetween(problems, 'db', options.db, 0, Number.MAX_SAFE_INTEGER);
  wholeBetween(problems, 'connectTimeout', options.connectTimeout, 1, 2 ** 31 - 1);
  wholeBetween(problems, 'commandTimeout', options.commandTimeout, 1, 2 ** 31 - 1);
  return problems;
}

function urlProblems({ url, tls }: RedisOptions): string[] {
  const parsed = typeof url === 'string' && URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol === 'rediss:') return [];
  if (parsed?.protocol !== 'redis:') {
    return ['url must look like redis://host:6379 or rediss://host:6379'];
  }
  return tls === undefined
    ? []
    : ['tls is set, but url begins with redis://, which is without TLS: write rediss://'];
}

function clusterProblems(
  { cluster, natMap }: RedisOptions,
  given: (key: keyof RedisOptions) => boolean,
): string[] {
  if (cluster === undefined) return natMap ? ['natMap has no effect without cluster'] : [];
  const problems = NOT_ON_CLUSTER.filter(given).map(
    (key) => `${key} has no meaning beside cluster: leave it out`,
  );
  for (const [announced, address] of Object.entries(natMap ?? {})) {
    if (!/:\d+$/.test(announced)) {
      problems.push(`natMap must name addresses such as '10.0.0.1:6379', not '${announced}'`);
    }
    problems.push(...addressProblems(`natMap['${announced}']`, [address]));
  }
  return [...problems, ...addressProblems('cluster', cluster)];
}

function addressProblems(option: string, addresses: readonly NodeAddress[]): string[] {
  if (!Array.isArray(addresses) || addresses.length === 0) {
    return [`${option} must be a list of { host, port } that is not empty`];
  }
  const problems: string[] = [];
  for (const [index, address] of (addresses as readonly NodeAddress[]).entries()) {
    if (typeof address?.host !== 'string' || address.host === '') {
      problems.push(`${option}[${index}].host must name a host`);
    }
    wholeBetween(problems, `${option}[${index}].port`, address?.port, 1, 65_535);
  }
  return problems;
}

function sentinelProblems(
  { sentinels, name, sentinelUsername, sentinelPassword }: RedisOptions,
  given: (key: keyof RedisOptions) => boolean,
): string[] {
  if (sentinels === undefined) {
    return OF_SENTINELS.filter(given).map((key) => `${key} has no effect without sentinels`);
  }
  const problems = PLACE.filter(given).map(
    (key) => `${key} and sentinels both say where Redis is: give one of them`,
  );
  problems.push(...addressProblems('sentinels', sentinels));
  if (typeof name !== 'string' || name === '') {
    problems.push("name must be what the sentinels call the master, for example 'mymaster'");
  }
  if (sentinelUsername !== undefined && sentinelPassword === undefined) {
    problems.push('sentinelUsername needs sentinelPassword');
  }
  return problems;
}

/** Finds out now what would fail at each connection: a path for a text, a key of another certificate. */
function tlsProblems(option: string, tls: ConnectionOptions | undefined): string[] {
  if (tls === undefined) return [];
  if (typeof tls !== 'object' || tls === null) {
    return [`${option} must be an object of options of tls.connect; {} takes the defaults`];
  }
  const paths = (['ca', 'cert', 'key'] as const).filter((part) => isNoPem(tls[part]));
  if (paths.length > 0) {
    return paths.map((part) => `${option}.${part} must be a PEM text or a Buffer, not a file name`);
  }
  if ((tls.cert === undefined) !== (tls.key === undefined) && tls.pfx === undefined) {
    return [`${option}.cert and ${option}.key belong together: give both, or neither`];
  }
  try {
    createSecureContext(tls);
    return [];
  } catch (error) {
    const { message } = error as Error;
    return [`${option} cannot be used (${message}): check ca, cert, key and passphrase`];
  }
}

const isNoPem = (part: unknown): boolean =>
  typeof part === 'string' && !part.includes('-----BEGIN ');

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
