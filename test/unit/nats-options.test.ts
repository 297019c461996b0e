import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';

import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { loadConfig } from 'nestjs-redis-streams/config';
import { nats, type NatsOptions } from 'nestjs-redis-streams/nats';
import { InvalidOptionsError } from '../../lib/core/errors/start-up.errors.js';
import { addressOf, clientOptions } from '../../lib/drivers/nats/connection/client-options.js';
import { ensureNats, loadNats } from '../../lib/drivers/nats/connection/nats-packages.js';
import { NATS_OPTIONS } from '../../lib/drivers/nats/connection/nats.options.js';
import { Authority } from '../support/certificates.js';
import { configFile } from '../support/config-file.js';
import { newNkeySeed, secret, secretInUrl } from '../support/secrets.js';

const authority = new Authority();
const [one, another] = [authority.issue('one'), authority.issue('another')];
const connection = { status: () => [], request: () => undefined } as never;
const seed = newNkeySeed('user');

describe('options of NATS that work', () => {
  it.each<[string, NatsOptions]>([
    ['nothing', {}],
    ['a url', { url: 'nats://localhost:4222' }],
    ['a url with a login', { url: `nats://user:${secretInUrl('user')}@host:4222` }],
    ['a url with a token', { url: `tls://${secretInUrl('user')}@host` }],
    ['an address without a scheme', { url: '[::1]:4223' }],
    [
      'several servers',
      { servers: ['nats://a:4222', 'b', '10.0.0.1:4222'], user: 'u', password: 'p' },
    ],
    ['a token', { token: 't' }],
    ['a seed', { nkey: seed }],
    ['credentials', { credentials: '/etc/user.creds' }],
    ['TLS', { url: 'nats://h', tls: { ca: authority.cert, ...one } }],
    ['a connection of the application', { connection, mode: 'core', connectTimeout: 5 }],
    ['reconnections without end', { maxReconnects: -1 }],
    ['no reconnection', { maxReconnects: 0 }],
    ['streams', { streams: { storage: 'memory', replicas: 3, discard: 'old', maxAge: 1000 } }],
    ['inboxes of its own', { inboxPrefix: '_INBOX_orders.eu' }],
  ])('%s', (_, options) => {
    expect(NATS_OPTIONS.problems(options)).toEqual([]);
    expect(nats(options).technology).toBe('nats');
  });
});

describe('options of NATS that contradict each other, or cannot work', () => {
  it.each<[string, object, RegExp[]]>([
    [
      'an option that does not exist',
      { adress: 's' },
      [/^adress is no option of a connection to NATS/],
    ],
    ['a url of another server', { url: 'redis://h' }, [/^url must look like nats:/]],
    ['a url with a path', { url: 'nats://h/orders' }, [/^url must look like nats:/]],
    ['a websocket', { servers: ['nats://h', 'ws://h'] }, [/^servers\[1\] must look like nats:/]],
    ['no servers', { servers: [] }, [/^servers must be a list of texts/]],
    ['two places', { url: 'nats://h', servers: ['h'] }, [/^url and servers both/]],
    [
      'a connection and what only its maker can say',
      { connection, url: 'nats://h', maxReconnects: 3, tls: {} },
      [/^url has no effect beside connection/, /^tls has no/, /^maxReconnects has no/],
    ],
    [
      'a connection that is none',
      { connection: { info: 3 } },
      [/^connection must be a NatsConnection/],
    ],
    [
      'two logins',
      { token: 't', user: 'u', password: 'p' },
      [/^user and token are different ways/],
    ],
    ['a password alone', { password: 'p' }, [/^password needs user/]],
    ['a public key', { nkey: `U${'A'.repeat(55)}` }, [/^nkey must be the seed of a user/]],
    ['a wait without end', { connectTimeout: Infinity }, [/^connectTimeout must be a whole/]],
    ['too few tries', { maxReconnects: -2 }, [/^maxReconnects must be a whole number/]],
    ['seven copies', { streams: { replicas: 7 } }, [/^streams\.replicas must be a whole/]],
    ['a mode that there is not', { mode: 'kafka' }, [/^mode must be 'jetstream' or 'core'/]],
    ['a file name', { tls: { ca: '/etc/ca.pem' } }, [/^tls\.ca must be a PEM text/]],
    ['a key of another', { tls: { cert: one.cert, key: another.key } }, [/^tls cannot be used/]],
    ['inboxes with wildcards', { inboxPrefix: '_INBOX.>' }, [/^inboxPrefix must be a subject/]],
  ])('%s', (_, options, problems) => {
    const found = NATS_OPTIONS.problems(options);
    expect(found).toHaveLength(problems.length);
    problems.forEach((problem, at) => expect(found[at]).toMatch(problem));
    expect(() => nats(options)).toThrow(found[0]);
  });

  it('never repeat a secret', () => {
    const wrong = {
      url: `mysql://u:${secretInUrl('user')}@h`,
      servers: [`ws://${secretInUrl('server')}@h`],
      ...{ password: 7, nkey: secret('key'), token: '', credentials: 3, tls: secret('data') },
    };
    expect(() => nats(wrong as never)).toThrow(InvalidOptionsError);
    expect(() => nats(wrong as never)).not.toThrow(/ToNobody|mysql/);
  });
});

describe('a file of configuration', () => {
  it('names the driver and its options', () => {
    const { slots } = loadConfig(
      configFile(`slots:
  message_source:
    driver: nats
    config:
      servers: [nats://a:4222, "nats://u:${secretInUrl('server')}@b"]
      username: u
      password: "${secret('user')}"
      max_reconnects: 10
      connect_timeout: 2s
      tls: {}
      streams: { duplicate_window: 5m, max_messages: 1000 }
      mode: core
`),
    );
    expect(slots!.messageSource).toEqual({
      driver: 'nats',
      config: {
        servers: ['nats://a:4222', `nats://u:${secretInUrl('server')}@b`],
        user: 'u',
        password: secret('user'),
        maxReconnects: 10,
        connectTimeout: 2000,
        tls: {},
        streams: { duplicateWindow: 300_000, maxMessages: 1000 },
        mode: 'core',
      },
    });
    expect(inspect(slots, { depth: 9 })).not.toMatch(/ToNobody/);
  });

  it('is refused with the place of each mistake', () => {
    const file = configFile(
      'slots: { message_source: { driver: nats, config: { connection: 3, urll: h, max_reconnects: x } } }',
    );
    for (const name of ['connection', 'urll', 'max_reconnects']) {
      expect(() => loadConfig(file)).toThrow(new RegExp(`config\\.${name}`));
    }
  });
});

describe('the client of NATS', () => {
  /** What the client is told, and how it logs in. */
  async function told(options: NatsOptions) {
    const completed = NATS_OPTIONS.complete(options);
    const made = clientOptions(completed, await loadNats(), () => 0);
    const login = [made.authenticator ?? (() => ({}))].flat()[0]!('nonce');
    return { ...made, login: { ...login } };
  }

  it.each<[string, NatsOptions, object]>([
    ['nothing', {}, {}],
    ['a user', { user: 'u', password: 'p' }, { user: 'u', pass: 'p' }],
    ['a user in the url', { url: 'nats://u:p%40q@h' }, { user: 'u', pass: 'p@q' }],
    ['a token', { token: 't' }, { auth_token: 't' }],
    ['a token in the url', { url: 'nats://t%2F1@h' }, { auth_token: 't/1' }],
    [
      'the options before the url',
      { url: 'nats://t@h', user: 'u', password: '' },
      { user: 'u', pass: '' },
    ],
    [
      'a seed',
      { nkey: seed },
      { nkey: expect.stringMatching(/^U/), sig: expect.stringMatching(/./) },
    ],
  ])('logs in with %s', async (_, options, login) => {
    expect((await told(options)).login).toEqual(login);
  });

  it('reads a credentials file at each connection, and keeps the last text while there is none', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'streams-creds-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'user.creds');
    await expect(told({ credentials: file })).rejects.toMatchObject({
      code: 'NATS_CONNECTION',
      outcome: 'not-sent',
      message: expect.stringMatching(/correct the path in the option credentials\.$/),
    });
    const text = (jwt: string) =>
      `-----BEGIN NATS USER JWT-----\n${jwt}\n------END NATS USER JWT------\n\n` +
      `-----BEGIN USER NKEY SEED-----\n${seed}\n------END USER NKEY SEED------\n`;
    writeFileSync(file, text('one'));
    const made = await told({ credentials: file });
    expect(made.login).toMatchObject({ jwt: 'one', nkey: expect.stringMatching(/^U/) });
    const login = made.authenticator as (nonce?: string) => object;
    writeFileSync(file, text('two'));
    expect(login('nonce')).toMatchObject({ jwt: 'two' });
    rmSync(file);
    expect(login('nonce')).toMatchObject({ jwt: 'two' });
    expect((await told({ credentials: text('three') })).login).toMatchObject({ jwt: 'three' });
  });

  it.each<[string, NatsOptions, object]>([
    ['for ever', {}, { maxReconnectAttempts: -1, reconnect: true }],
    [
      'for ever, as the file says',
      { maxReconnects: -1 },
      { maxReconnectAttempts: -1, reconnect: true },
    ],
    ['ten times', { maxReconnects: 10 }, { maxReconnectAttempts: 10, reconnect: true }],
    ['never', { maxReconnects: 0 }, { reconnect: false }],
  ])('reconnects %s', async (_, options, expected) => {
    expect(await told(options)).toMatchObject(expected);
  });

  it('waits longer after each try that failed, and never the same time', async () => {
    let failed = 0;
    const made = clientOptions(NATS_OPTIONS.complete({}), await loadNats(), () => failed);
    const waits = Array.from({ length: 10 }, (_, at) => {
      failed = at;
      const wait = made.reconnectDelayHandler!();
      expect(made.reconnectDelayHandler!()).toBe(wait);
      return wait;
    });
    expect(waits[0]).toBeLessThanOrEqual(50);
    expect(waits[9]).toBeGreaterThanOrEqual(1000);
    expect(Math.max(...waits)).toBeLessThanOrEqual(2000);
    expect(new Set(waits).size).toBeGreaterThan(5);
  });

  it.each<[string, NatsOptions, boolean]>([
    ['no option', { url: 'nats://h' }, false],
    ['tls://', { url: 'tls://h' }, true],
    ['one of the servers', { servers: ['h', 'tls://g'] }, true],
    ['options', { tls: {} }, true],
  ])('asks for TLS by %s', async (_, options, wanted) => {
    expect((await told(options)).tls !== undefined).toBe(wanted);
  });

  it.each<[string, NatsOptions]>([
    ['localhost:4222', {}],
    ['h:4222', { url: `nats://u:${secretInUrl('user')}@h` }],
    ['h:80', { url: 'nats://h:80' }],
    ['[::1]:4223', { url: '[::1]:4223' }],
    ['a:1, b:4222', { servers: ['nats://t@a:1', 'b'] }],
    ['the connection of the application', { connection }],
  ])('is told of %s, which errors name', (address, options) => {
    expect(addressOf(NATS_OPTIONS.complete(options))).toBe(address);
  });
});

describe('the packages of NATS', () => {
  const found = async () => ({ found: true }) as never;
  const imports = { transport: found, jetstream: found, kv: found };

  it('are found as a bundler gives them, which has the default alone', async () => {
    const kv = async () => ({ default: { bundled: true } }) as never;
    expect(await loadNats({ ...imports, kv })).toEqual({
      transport: { found: true },
      jetstream: { found: true },
      kv: { bundled: true },
    });
  });

  it.each([
    ['Node', 'ERR_MODULE_NOT_FOUND', "Cannot find package '@nats-io/kv' imported from /app/x.mjs"],
    ['a CommonJS bundle', 'MODULE_NOT_FOUND', "Cannot find module '@nats-io/kv'"],
  ])('are named as they are missed by %s', async (_, code, message) => {
    const kv = async () => {
      throw Object.assign(new Error(message), { code });
    };
    await expect(loadNats({ ...imports, kv })).rejects.toMatchObject({
      code: 'MISSING_PACKAGE',
      command: 'npm install @nats-io/kv',
    });
    const other = async () => {
      throw Object.assign(new Error("Cannot find package 'x'"), { code });
    };
    await expect(loadNats({ ...imports, kv: other })).rejects.toMatchObject({ code });
  });

  it('are missed when the driver is opened, and in a bundle when it connects', () => {
    expect(() => ensureNats('file:///app/node_modules/x/connection/nats-packages.js')).toThrow(
      expect.objectContaining({
        code: 'MISSING_PACKAGE',
        command: 'npm install @nats-io/transport-node',
      }),
    );
    expect(() => ensureNats('file:///app/bundle.js')).not.toThrow();
    expect(() => ensureNats()).not.toThrow();
  });
});
