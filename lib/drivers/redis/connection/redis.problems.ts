import { whole } from '../../../core/option-schema/kinds.js';
import { isRecord } from '../../../core/option-schema/shape.js';
import { tlsProblems } from '../../connections/tls-problems.js';

type Loose = Readonly<Record<string, unknown>>;

/** Options that a url gives too. */
const IN_URL = ['host', 'port', 'username', 'password', 'db'] as const;
/** Options that the sentinels replace. */
const PLACE = ['url', 'host', 'port'] as const;
const OF_SENTINELS = ['name', 'sentinelUsername', 'sentinelPassword', 'sentinelTls'] as const;
/** Options that do not apply to a cluster. */
const NOT_ON_CLUSTER = ['url', 'host', 'port', 'db', 'sentinels', 'client'] as const;
const IN_CLIENT = [...IN_URL, 'tls', 'sentinels', ...OF_SENTINELS] as const;

/**
 * Finds options that contradict each other, as sentences. Never repeats a password, a url or a key.
 */
export function contradictions(options: Loose): string[] {
  const problems: string[] = [];
  const { client } = options;
  const given = (key: string): boolean => options[key] !== undefined;
  if (typeof options['url'] === 'string') problems.push(...urlProblems(options['url'], options));
  for (const key of IN_URL) {
    if (given('url') && given(key)) {
      problems.push(`${key} and url both say where Redis is: give one of them`);
    }
  }
  for (const key of IN_CLIENT) {
    if (client && given(key)) {
      problems.push(`${key} has no effect beside client: set it in the client that you make`);
    }
  }
  if (given('url') && client) problems.push('url or client must be given, not both');
  return [
    ...problems,
    ...sentinelProblems(options, given),
    ...clusterProblems(options, given),
    ...tlsProblems('tls', options['tls']),
    ...tlsProblems('sentinelTls', options['sentinelTls']),
  ];
}

function urlProblems(url: string, { tls }: Loose): string[] {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol !== 'redis:' && parsed?.protocol !== 'rediss:') {
    return ['url must look like redis://host:6379 or rediss://host:6379'];
  }
  const problems: string[] = [];
  // ioredis takes options from the query too. A database that is no number would end the process.
  const selected = parsed.searchParams.get('db') ?? '';
  if (!/^\/?\d*$/.test(parsed.pathname) || !/^\d*$/.test(selected)) {
    problems.push('url must end with the number of the database, as in /0, or without one');
  }
  if (parsed.protocol === 'redis:' && tls !== undefined) {
    problems.push(
      'tls is set, but url begins with redis://, which is without TLS: write rediss://',
    );
  }
  return problems;
}

function clusterProblems({ cluster, natMap }: Loose, given: (key: string) => boolean): string[] {
  if (cluster === undefined) return natMap ? ['natMap has no effect without cluster'] : [];
  const problems = NOT_ON_CLUSTER.filter(given).map(
    (key) => `${key} has no meaning beside cluster: leave it out`,
  );
  return [...problems, ...(isRecord(natMap) ? natProblems(natMap) : [])];
}

function natProblems(natMap: Loose): string[] {
  const problems: string[] = [];
  for (const [announced, address] of Object.entries(natMap)) {
    if (!/:\d+$/.test(announced)) {
      problems.push(`natMap must name addresses such as '10.0.0.1:6379', not '${announced}'`);
    }
    const { host, port } = isRecord(address) ? address : ({} as Loose);
    const at = `natMap['${announced}']`;
    if (typeof host !== 'string' || host === '') problems.push(`${at}.host must name a host`);
    problems.push(...whole(1, 65_535).problems(port, `${at}.port`));
  }
  return problems;
}

function sentinelProblems(
  { sentinels, name, sentinelUsername, sentinelPassword }: Loose,
  given: (key: string) => boolean,
): string[] {
  if (sentinels === undefined) {
    return OF_SENTINELS.filter(given).map((key) => `${key} has no effect without sentinels`);
  }
  const problems = PLACE.filter(given).map(
    (key) => `${key} and sentinels both say where Redis is: give one of them`,
  );
  if (typeof name !== 'string' || name === '') {
    problems.push("name must be what the sentinels call the master, for example 'mymaster'");
  }
  if (sentinelUsername !== undefined && sentinelPassword === undefined) {
    problems.push('sentinelUsername needs sentinelPassword');
  }
  return problems;
}
