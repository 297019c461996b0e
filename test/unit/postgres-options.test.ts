import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { loadConfig } from 'nestjs-redis-streams/config';
import type { InvalidOptionsError } from '../../lib/core/errors/start-up.errors.js';
import { addressOf, clientsOf } from '../../lib/drivers/postgres/connection/pg-pool.js';
import { ensurePg, loadPg } from '../../lib/drivers/postgres/connection/pg.js';
import {
  POSTGRES_OPTIONS,
  type PostgresOptions,
} from '../../lib/drivers/postgres/connection/postgres.options.js';
import { postgres } from '../../lib/drivers/postgres/postgres.driver.js';
import { Authority } from '../support/certificates.js';
import { configFile } from '../support/config-file.js';
import { secret, secretInUrl } from '../support/secrets.js';

const authority = new Authority();
const [one, another] = [authority.issue('one'), authority.issue('another')];
const pool = { connect: async () => undefined, query: () => undefined };

describe('options of PostgreSQL that work', () => {
  it.each<[string, PostgresOptions]>([
    ['nothing', {}],
    ['a url', { url: `postgres://user:${secretInUrl('user')}@host:5433/database` }],
    ['a url of the other kind', { url: 'postgresql://host/database?sslmode=disable' }],
    ['a server in parts', { host: 'h', port: 5433, user: 'u', password: '', database: 'd' }],
    ['TLS', { host: 'h', ssl: true }],
    ['TLS with an authority', { url: 'postgres://h/d', ssl: { ca: authority.cert, ...one } }],
    ['a pool', { pool, schema: 'Orders of 2026', hints: false, pollInterval: 50 }],
  ])('%s', (_, options) => {
    expect(POSTGRES_OPTIONS.problems(options)).toEqual([]);
  });
});

describe('options of PostgreSQL that contradict each other, or cannot work', () => {
  it.each<[string, object, RegExp[]]>([
    ['an option that does not exist', { scheme: 's' }, [/^scheme is no option .* mean schema\?/]],
    ['a url of another server', { url: 'redis://h' }, [/^url must look like postgres:/]],
    ['no url', { url: 'h:5432' }, [/^url must look like postgres:/]],
    [
      'two places',
      { url: 'postgres://h', host: 'h', database: 'd' },
      [/^host and url both/, /^database and url both/],
    ],
    [
      'a pool and what only the pool can have',
      { pool, url: 'postgres://h', maxConnections: 3, ssl: true },
      [/^url has no effect beside pool/, /^ssl has no effect/, /^maxConnections has no effect/],
    ],
    ['a pool that is none', { pool: { max: 3 } }, [/^pool must be a Pool of the package pg/]],
    ['a port that is a text', { port: '5432' }, [/"5432": that is a text; convert/]],
    ['no connections', { maxConnections: 0 }, [/^maxConnections must be a whole number/]],
    ['a name that is cut off', { schema: 'ü'.repeat(32) }, [/^schema must have 63 bytes/]],
    ['a name with quotes', { schema: `o'brien` }, [/^schema must have none of the characters/]],
    ['a name of the server', { schema: 'pg_mine' }, [/^schema must not begin with pg_/]],
    ['a file name', { ssl: { ca: '/etc/ca.pem' } }, [/^ssl\.ca must be a PEM text/]],
    ['a key of another', { ssl: { cert: one.cert, key: another.key } }, [/^ssl cannot be used/]],
  ])('%s', (_, options, problems) => {
    const found = POSTGRES_OPTIONS.problems(options);
    expect(found).toHaveLength(problems.length);
    problems.forEach((problem, at) => expect(found[at]).toMatch(problem));
    expect(() => postgres(options)).toThrow(found[0]);
  });

  it('never repeats a password', () => {
    const options = { url: `mysql://u:${secretInUrl('user')}@h`, password: 7, ssl: 'secret' };
    const refuse = () => postgres(options as never);
    let error: InvalidOptionsError | undefined;
    expect(() => {
      try {
        refuse();
      } catch (thrown) {
        error = thrown as InvalidOptionsError;
        throw thrown;
      }
    }).toThrow('password');
    expect(error!.message).not.toContain(secretInUrl('user'));
    expect(error!.message).not.toContain('secret');
  });
});

describe('a file of configuration', () => {
  it('names the driver and its options', () => {
    const { slots } = loadConfig(
      configFile(`slots:
  message_source:
    driver: postgres
    config: { host: db, username: u, password: "${secret('user')}", pool_size: 3, poll_interval: 2s }
`),
    );
    expect(slots!.messageSource).toEqual({
      driver: 'postgres',
      config: {
        host: 'db',
        user: 'u',
        password: secret('user'),
        maxConnections: 3,
        pollInterval: 2000,
      },
    });
    expect(inspect(slots, { depth: 9 })).not.toContain(secret('user'));
  });

  it('is refused with the place of each mistake', () => {
    const file = configFile(
      'slots: { message_source: { driver: postgres, config: { pool: 3, hosst: h, port: x } } }',
    );
    expect(() => loadConfig(file)).toThrow(/config\.hosst/);
    expect(() => loadConfig(file)).toThrow(/config\.port/);
  });
});

describe('the package pg', () => {
  it.each([
    ['Node, which finds the names of a CommonJS module', (module: object) => module],
    ['a bundler, which gives the default alone', (module: object) => ({ default: module })],
  ])('is found as it is imported by %s', async (_, imported) => {
    const pg = await loadPg();
    expect(await loadPg(async () => imported(pg) as never)).toBe(pg);
  });

  it.each([
    ['Node', 'ERR_MODULE_NOT_FOUND', "Cannot find package 'pg' imported from /app/main.mjs"],
    ['a CommonJS bundle', 'MODULE_NOT_FOUND', "Cannot find module 'pg'"],
  ])('is named as it is missed by %s', async (_, code, message) => {
    const missing = async () => {
      throw Object.assign(new Error(message), { code });
    };
    const expected = { code: 'MISSING_PACKAGE', command: 'npm install pg' };
    await expect(loadPg(missing)).rejects.toMatchObject(expected);
  });

  it('is missed when the driver is opened, and in a bundle when it connects', () => {
    expect(() => ensurePg('file:///app/node_modules/x/dist/connection/pg.js')).toThrow(
      expect.objectContaining({ code: 'MISSING_PACKAGE' }),
    );
    expect(() => ensurePg('file:///app/bundle.js')).not.toThrow();
    expect(() => ensurePg()).not.toThrow();
  });

  it('gets the options, and shows none of them', async () => {
    const url = `postgres://u:${secretInUrl('user')}@host:5433/d`;
    const made = clientsOf({ url }, await loadPg());
    const config = { host: 'host', port: 5433, user: 'u', database: 'd', password: secret('user') };
    expect(made.single()).toMatchObject(config);
    for (const shown of [made.pool, made.single()]) {
      const text = inspect(shown, { depth: 9, showHidden: true }) + JSON.stringify(shown);
      expect(text).not.toMatch(secretInUrl('user'));
      expect(text).not.toMatch(secret('user'));
    }
  });

  it.each<[string, PostgresOptions]>([
    ['host:5433', { url: 'postgres://u:p@host:5433/d' }],
    ['host:5432', { url: 'postgres://host/d' }],
    ['/run/pg:5432', { url: 'postgres:///d?host=/run/pg' }],
    ['h:1', { host: 'h', port: 1 }],
    ['p:2', { pool: { ...pool, options: { host: 'p', port: 2 } } as never }],
  ])('is told of %s, which errors name', (address, options) => {
    expect(addressOf(options)).toBe(address);
  });
});
