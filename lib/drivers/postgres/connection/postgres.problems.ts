type Loose = Readonly<Record<string, unknown>>;

/** Longest name in PostgreSQL, in bytes. */
const LONGEST_NAME = 63;

/**
 * Finds options that contradict each other, as sentences. Never repeats a password or a url.
 */
export function contradictions(options: Loose): string[] {
  const given = (key: string): boolean => options[key] !== undefined;
  const places = ['url', 'connection', 'pool'].filter(given);
  const problems =
    places.length > 1
      ? [`${places[0]} and ${places[1]} both say where PostgreSQL is: give one of them`]
      : [];
  if (given('pool') && given('maxConnections')) {
    problems.push('maxConnections has no effect beside pool: set max of the pool');
  }
  return [...problems, ...urlProblems(options['url']), ...schemaProblems(options['schema'])];
}

function urlProblems(url: unknown): string[] {
  if (typeof url !== 'string') return [];
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  return parsed?.protocol === 'postgres:' || parsed?.protocol === 'postgresql:'
    ? []
    : ['url must look like postgres://user:password@host:5432/database'];
}

function schemaProblems(schema: unknown): string[] {
  if (typeof schema !== 'string') return [];
  if (Buffer.byteLength(schema) > LONGEST_NAME || schema.includes('\0')) {
    return [`schema must have ${LONGEST_NAME} bytes at most, and no character U+0000`];
  }
  return schema.startsWith('pg_')
    ? ['schema must not begin with pg_: PostgreSQL keeps such names for itself']
    : [];
}
