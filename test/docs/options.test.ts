import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { LAG_OPTIONS } from '../../lib/options/lag-options.js';
import {
  BACKOFF_OPTIONS,
  BATCH_OPTIONS,
  DEDUPE_OPTIONS,
} from '../../lib/options/handler-options.js';
import { LOAD_BALANCER_OPTIONS } from '../../lib/options/load-balancer-options.js';
import { STREAM_HANDLER_SOURCES } from '../../lib/nest/handling/handler-sources.js';
import { STREAMS_OPTIONS } from '../../lib/options/streams-options.js';
import { readPage } from '../support/doc-pages.js';

const DECLARED: readonly (readonly [table: string, shape: { readonly options: object }])[] = [
  ['StreamsOptions', STREAMS_OPTIONS],
  ['BackoffOptions', BACKOFF_OPTIONS],
  ['LagOptions', LAG_OPTIONS],
  ['StreamHandlerSources', STREAM_HANDLER_SOURCES],
  ['DedupeOptions', DEDUPE_OPTIONS],
  ['BatchOptions', BATCH_OPTIONS],
  ['LoadBalancerModuleOptions', LOAD_BALANCER_OPTIONS],
];

it.each(DECLARED)('docs/options.md has the defaults of %s that the code has', (table, shape) => {
  const documented = defaultsOf(table);
  const declared = Object.entries({ ...shape.options } as Record<string, Declared>);
  expect(new Set(documented.keys())).toEqual(
    new Set([...declared.map(([name]) => name), ...BESIDE.filter((name) => documented.has(name))]),
  );
  for (const [name, { presence, fallback }] of declared) {
    const written = documented.get(name)!;
    expect([name, written === 'required']).toEqual([name, presence === 'required']);
    if (['number', 'string', 'boolean'].includes(typeof fallback) && fallback !== NO_LIMIT)
      expect([name, /^`(.*?)`/.exec(written)?.[1]]).toEqual([name, textOf(fallback)]);
  }
});

it('the types that docs/options.md names come from the doors that it names', () => {
  const doors = JSON.parse(readFileSync(PUBLIC_NAMES, 'utf8')) as Record<string, string[]>;
  const named = ['', '/driver', '/kafka', '/nats', '/postgres'].map(
    (door) => `nestjs-redis-streams${door}`,
  );
  const exported = named.flatMap((door) => doors[door]!);
  const missing = typesIn(readPage('docs/options.md')).filter((name) => !exported.includes(name));
  expect(new Set(missing)).toEqual(new Set(OF_OTHERS));
});

it.each(['warning', 'worker-error'])('docs/events.md names what the code raises as %s', (event) => {
  const field = event === 'warning' ? 'code' : 'worker';
  const page = readPage('docs/events.md');
  const missing = [...raised(event, field)].filter((value) => !page.includes(`| \`${value}\``));
  expect(missing).toEqual([]);
});

interface Declared {
  readonly presence: string;
  readonly fallback: unknown;
}

const NO_LIMIT = Number.MAX_SAFE_INTEGER;
/** Options of a module beside those of its connections. */
const BESIDE = ['name', 'isGlobal'];

const PUBLIC_NAMES = new URL('../support/public-names.json', import.meta.url);
/** Types of TypeScript, Node and Nest, and the map of events that an application declares. */
const OF_OTHERS = [
  ...['Date', 'Readonly', 'Record', 'ConnectionOptions', 'Events'],
  ...['Deserializer', 'OutgoingResponse', 'ReadPacket', 'Serializer'],
];

/** Names of types in the column `type` of all tables. */
const typesIn = (page: string): string[] =>
  [...page.matchAll(/^\| `\w+\??` +\| `(.+?)` +\|/gm)].flatMap(
    ([, type]) => type!.replaceAll(/'[^']*'/g, '').match(/\b[A-Z]\w+/g) ?? [],
  );

const textOf = (fallback: unknown): string =>
  typeof fallback === 'string' ? `'${fallback}'` : String(fallback);

/** The column `default` of a table of docs/options.md, by the names of options. */
function defaultsOf(table: string): Map<string, string> {
  const page = readPage('docs/options.md');
  const begin = page.indexOf(`<!-- generated: options ${table} -->`);
  const rows = page.slice(begin, page.indexOf('<!-- end of', begin)).split('\n');
  return new Map(
    rows
      .filter((row) => row.startsWith('| `'))
      .map((row) => row.split(/(?<!\\)\|/).map((cell) => cell.trim()))
      .map(([, name, , fallback]) => [name!.replaceAll('`', ''), fallback!]),
  );
}

/** The texts that lib gives a field of an event. */
function raised(event: string, field: string): Set<string> {
  const lib = new URL('../../lib/', import.meta.url);
  const files = readdirSync(lib, { recursive: true, encoding: 'utf8' });
  const found = files
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(new URL(file, lib), 'utf8'))
    .flatMap((text) => [
      ...text.matchAll(new RegExp(`'${event}', \\{[^}]*?\\b${field}: '([^']+)'`, 'g')),
    ]);
  expect(found.length).toBeGreaterThan(4);
  return new Set(found.map(([, value]) => value!));
}
