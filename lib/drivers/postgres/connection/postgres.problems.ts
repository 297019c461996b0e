import { tlsProblems } from '../../connections/tls-problems.js';

type Loose = Readonly<Record<string, unknown>>;

/** Options that a url gives too. */
const IN_URL = ['host', 'port', 'user', 'password', 'database'] as const;
/** Options that are those of the pool. */
const IN_POOL = ['url', ...IN_URL, 'ssl', 'maxConnections', 'connectTimeout'] as const;
/** Longest name in PostgreSQL, in bytes. */
const LONGEST_NAME = 63;

/**
 * Finds options that contradict each other, as sentences. Never repeats a password or a url.
 */
export function contradictions(options: Loose): string[] {
  const given = (key: string): boolean => options[key] !== undefined;
  return [
    ...(given('url') ? IN_URL.filter(given).map(besideUrl) : []),
    ...(given('pool') ? IN_POOL.filter(given).map(besidePool) : []),
    ...urlProblems(options['url']),
    ...tlsProblems('ssl', options['ssl']),
    ...schemaProblems(options['schema']),
  ];
}

const besideUrl = (key: string): string =>
  `${key} and url both say where PostgreSQL is: give one of them`;

const besidePool = (key: string): string =>
  `${key} has no effect beside pool: set it in the pool that you make`;

function urlProblems(url: unknown): string[] {
  if (typeof url !== 'string') return [];
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  return parsed?.protocol === 'postgres:' || parsed?.protocol === 'postgresql:'
    ? []
    : ['url must look like postgres://user:password@host:5432/database'];
}

/** For the name of a schema. Functions name tables in texts, so a few characters are left out. */
export function schemaProblems(schema: unknown): string[] {
  if (typeof schema !== 'string') return [];
  if (Buffer.byteLength(schema) > LONGEST_NAME) {
    return [`schema must have ${LONGEST_NAME} bytes at most: PostgreSQL cuts off the rest`];
  }
  if (/['"\\{}$]|\p{Cc}/u.test(schema)) {
    return ['schema must have none of the characters \' " \\ { } $ and no control character'];
  }
  return schema.startsWith('pg_')
    ? ['schema must not begin with pg_: PostgreSQL keeps such names for itself']
    : [];
}
