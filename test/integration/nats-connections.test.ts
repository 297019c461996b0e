import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { beforeAll, afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { EventBus } from '../../lib/core/event-bus.js';
import type { StreamsError } from '../../lib/core/errors/streams.error.js';
import { NatsConnection } from '../../lib/drivers/nats/connection/nats-connection.js';
import { NATS_OPTIONS, type NatsOptions } from '../../lib/drivers/nats/connection/nats.options.js';
import { isNoResponders } from '../../lib/drivers/nats/errors/typed-error.js';
import { Authority } from '../support/certificates.js';
import {
  credsLogin,
  nkeyLogin,
  passwordLogin,
  tlsLogin,
  tokenLogin,
  type NatsLogin,
} from '../support/nats-auth.js';
import { startNats, type NatsServer, type StartNatsOptions } from '../support/nats-server.js';
import { needsNats, testNats, type TestNats } from '../support/nats.js';
import { freePort } from '../support/free-port.js';
import { newNkeySeed, secret, secretInUrl } from '../support/secrets.js';
import { secretsWithin } from '../support/secrets-within.js';
import { until } from '../support/until.js';

/** Longer than any test may wait: what fails earlier does so at once. */
const NEVER = 100_000;

/** A connection, and what it has told. */
function opened(options: NatsOptions) {
  const events = new EventBus();
  const told: string[] = [];
  const errors: Error[] = [];
  events.on('connected', ({ role }) => told.push(`connected ${role}`));
  events.on('disconnected', ({ role, error }) => {
    told.push(`disconnected ${role}`);
    errors.push(error);
  });
  events.on('unreachable', ({ address, error }) => {
    told.push(`unreachable ${address}`);
    errors.push(error);
  });
  events.on('warning', ({ code }) => told.push(code));
  const connection = new NatsConnection(NATS_OPTIONS.complete(options), events);
  onTestFinished(() => connection.close());
  return { connection, told, errors, events };
}

const failure = (work: Promise<unknown>): Promise<StreamsError> =>
  work.then(
    () => expect.fail('it should have failed'),
    (error: StreamsError) => error,
  );

async function started(options: StartNatsOptions = {}): Promise<NatsServer> {
  const server = await startNats(options);
  onTestFinished(() => server.stop());
  return server;
}

/**
 * Where a program listens that speaks a little of the protocol.
 * @param later what it says of itself once a client is connected and asks again
 */
async function pretended(info: object, ...later: readonly object[]): Promise<string> {
  const said = (given: object) =>
    `INFO ${JSON.stringify({ proto: 1, headers: true, max_payload: 1000, ...given })}\r\n`;
  const server = createServer((socket) => {
    let pings = 0;
    socket.write(said(info));
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      for (const _ of data.toString().matchAll(/PING\r\n/g)) {
        socket.write(['PONG\r\n', ...(pings++ > 0 ? later.map(said) : [])].join(''));
      }
    });
  });
  server.listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A seed that looks like one, and has a letter that its checksum does not fit. */
const damaged = (seed: string): string =>
  seed.slice(0, 20) + (seed[20] === 'A' ? 'B' : 'A') + seed.slice(21);

/** Asks JetStream for what only a login allows. */
const works = async (connection: NatsConnection): Promise<unknown> =>
  (await connection.js()).request('a test', 'STREAM.NAMES');

describe('a connection to NATS', needsNats(), () => {
  describe('logs in', () => {
    type Case = readonly [how: string, login: NatsLogin, right: object, wrong: object];
    const password = passwordLogin();
    const token = tokenLogin();
    const nkey = nkeyLogin();
    const creds = credsLogin();
    const cases: readonly Case[] = [
      [
        'with a password',
        password,
        { user: 'orders', password: secret('user') },
        { user: 'orders', password: secret('wrong') },
      ],
      ['with a token', token, { token: secret('server') }, { token: secret('wrong') }],
      ['with an nkey', nkey, { nkey: nkey.seed }, { nkey: newNkeySeed('user') }],
      [
        'with credentials',
        creds,
        { credentials: creds.creds },
        { credentials: credsLogin().creds },
      ],
    ];

    it.each(cases)('%s', async (_, login, right, wrong) => {
      const server = await started(login.server);
      const { connection, told } = opened({ url: server.url(), ...right });
      await works(connection);
      expect(told).toEqual(['connected commands']);
      expect(secretsWithin(connection)).toEqual([]);

      const refused = opened({ url: server.url(), ...wrong, connectTimeout: NEVER });
      const error = await failure(refused.connection.client('publishing'));
      expect(error).toMatchObject({ code: 'NATS_CONNECTION', outcome: 'not-sent' });
      expect(error.message).toMatch(/while publishing: Authorization Violation/i);
      expect(error.message).toMatch(/correct user and password, token, nkey or credentials/);
      expect(secretsWithin([error, refused.connection])).toEqual([]);
      const again = await failure(refused.connection.client('publishing'));
      expect(again.message).toBe(error.message);
    });

    it.each([
      ['nkey', damaged(nkey.seed)],
      ['credentials', 'no credentials'],
    ])('not with a damaged %s, and says which option is to be corrected', async (option, value) => {
      const server = await started(nkey.server);
      const folder = mkdtempSync(join(tmpdir(), 'streams-creds-'));
      onTestFinished(() => rmSync(folder, { recursive: true }));
      const file = join(folder, 'user.creds');
      writeFileSync(file, value);
      const login = option === 'nkey' ? { nkey: value } : { credentials: file };
      const { connection } = opened({ url: server.url(), ...login, connectTimeout: NEVER });
      const error = await failure(connection.client('publishing'));
      expect(error).toMatchObject({ code: 'NATS_CONNECTION', outcome: 'not-sent' });
      expect(error.message).toMatch(
        new RegExp(`^No connection to NATS while logging in: .*correct the option ${option}\\.$`),
      );
      expect(secretsWithin([error, connection])).toEqual([]);
    });

    it('with what the url says', async () => {
      const server = await started(password.server);
      const url = server.url().replace('//', `//orders:${secretInUrl('user')}@`);
      await works(opened({ url }).connection);
    });

    it('with a file of credentials', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'streams-creds-'));
      onTestFinished(() => rmSync(folder, { recursive: true }));
      writeFileSync(join(folder, 'user.creds'), creds.creds);
      const server = await started(creds.server);
      const credentials = join(folder, 'user.creds');
      await works(opened({ url: server.url(), credentials }).connection);
    });
  });

  describe('with TLS', () => {
    const named = tlsLogin();
    const numbered = tlsLogin({ name: '127.0.0.1' });
    const mutual = tlsLogin({ mutual: true });
    const tlsOf = ({ client }: NatsLogin) => client.tls as object;

    it('trusts the authority that it is given, for a host name and for an address', async () => {
      const server = await started(named.server);
      const url = `tls://localhost:${server.port}`;
      await works(opened({ url, tls: tlsOf(named) }).connection);
      const other = await started(numbered.server);
      await works(opened({ url: other.url(), tls: tlsOf(numbered) }).connection);
    });

    it.each<[string, NatsLogin, string, NatsLogin]>([
      ['of an authority that is not trusted', named, 'localhost', tlsLogin()],
      ['of another name', named, '127.0.0.1', named],
      ['of another address', tlsLogin({ name: '127.0.0.2' }), '127.0.0.1', tlsLogin()],
    ])('refuses a certificate %s, at once', async (_, login, host, client) => {
      const server = await started(login.server);
      const options = { url: `nats://${host}:${server.port}`, tls: tlsOf(client) };
      const { connection } = opened({ ...options, connectTimeout: NEVER });
      const error = await failure(connection.client('publishing'));
      expect(error).toMatchObject({ code: 'NATS_CONNECTION', outcome: 'not-sent' });
      expect(error.message).toMatch(/correct the option tls/);
    });

    it('refuses a server without TLS where TLS is asked for, at once', async () => {
      const server = await started();
      const url = server.url().replace('nats:', 'tls:');
      const { connection } = opened({ url, connectTimeout: NEVER });
      const error = await failure(connection.client('publishing'));
      expect(error.message).toMatch(/server does not support 'tls'.*correct the option tls/);
    });

    it('shows a certificate of its own where the server asks for one', async () => {
      const server = await started(mutual.server);
      const url = `nats://localhost:${server.port}`;
      await works(opened({ url, tls: tlsOf(mutual) }).connection);
      const { ca } = tlsOf(mutual) as { ca: string };
      const { connection } = opened({ url, tls: { ca }, connectTimeout: 300 });
      expect(await failure(connection.client('publishing'))).toMatchObject({
        code: 'NATS_CONNECTION',
        outcome: 'not-sent',
      });
      const stranger = { ca, ...new Authority().issue('a stranger') };
      const strange = opened({ url, tls: stranger, connectTimeout: 300 });
      expect(await failure(strange.connection.client('publishing'))).toMatchObject({
        code: 'NATS_CONNECTION',
      });
    });
  });

  describe('at the start', () => {
    it('waits for a server that is away, and says for how long', async () => {
      const port = await freePort();
      const url = `nats://127.0.0.1:${port}`;
      const { connection } = opened({ url, connectTimeout: 300 });
      const error = await failure(connection.client('publishing'));
      expect(error).toMatchObject({ code: 'NATS_CONNECTION', outcome: 'not-sent' });
      expect(error.message).toContain(`while publishing (tried 127.0.0.1:${port} for 0.3 s)`);
      await started({ port });
      await until('the connection is made', () => connection.connected);
      await works(connection);
    });

    it('connects once the server is there, and says until then that it goes on trying', async () => {
      const port = await freePort();
      const { connection, told, errors } = opened({ url: `nats://127.0.0.1:${port}` });
      const waiting = works(connection);
      await until('the log tells of it', () => errors.length > 0);
      expect(errors[0]!.message).toMatch(/connection refused\. It is tried again\.$/);
      await started({ port });
      await waiting;
      expect(told.at(-1)).toBe('connected commands');
      expect(connection.connections).toBe(1);
    });

    it('takes the server that is there of several', async () => {
      const server = await started();
      const dead = `127.0.0.1:${await freePort()}`;
      for (const servers of [
        [dead, server.url()],
        [server.url(), dead],
      ]) {
        await works(opened({ servers }).connection);
      }
    });

    it('says at once that a server has no JetStream', async () => {
      const server = await started({ config: { jetstream: false } });
      const { connection } = opened({ url: server.url(), connectTimeout: NEVER });
      const error = await failure(connection.js('publishing'));
      expect(error.code).toBe('JETSTREAM_MISSING');
      expect(error.message).toMatch(/-js.*mode: 'core'/);
      expect(connection.connected).toBe(true);
    });

    it('says at once that an account has no JetStream', async () => {
      const users = [{ user: 'orders', password: secret('user') }];
      const server = await started({ config: { accounts: { plain: { users }, SYS: {} } } });
      const login = { user: 'orders', password: secret('user') };
      const { connection } = opened({ url: server.url(), ...login, connectTimeout: NEVER });
      expect((await failure(connection.js('publishing'))).code).toBe('JETSTREAM_MISSING');
    });

    it('waits for a cluster that has no leader yet', async () => {
      const ports = [await freePort(), await freePort()];
      const routes = ports.map((port) => `nats://127.0.0.1:${port}`);
      const node = (at: number) => {
        const cluster = { name: 'shop', listen: `127.0.0.1:${ports[at]}`, routes };
        return started({ name: `node-${at}-${ports[at]}`, config: { cluster } });
      };
      const first = await node(0);
      const hasty = opened({ url: first.url(), connectTimeout: 300 });
      expect(await failure(hasty.connection.js())).toMatchObject({
        code: 'NATS_CONNECTION',
        outcome: 'not-sent',
        message: expect.stringMatching(/or has no leader\.$/),
      });
      const { connection } = opened({ url: first.url(), connectTimeout: NEVER });
      const waiting = works(connection);
      await node(1);
      await waiting;
    });

    it('says at once that a server is too old', async () => {
      const url = await pretended({ version: '2.9.10' });
      const { connection } = opened({ url, connectTimeout: NEVER });
      const error = await failure(connection.client('publishing'));
      expect(error).toMatchObject({ code: 'NATS_SERVER_TOO_OLD', version: '2.9.10' });
      expect(error.message).toMatch(/Update nats-server to 2\.10 or later\.$/);
    });

    it('leaves no socket open to a port that never says what it is', async () => {
      const sockets: Socket[] = [];
      const open = new Set<Socket>();
      const server = createServer((socket) => {
        sockets.push(socket);
        open.add(socket.on('close', () => open.delete(socket)).resume());
        socket.on('error', () => undefined);
      });
      server.listen(0, '127.0.0.1');
      onTestFinished(() => {
        for (const socket of sockets) socket.destroy();
        server.close();
      });
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      // Another program's socket in this process stays.
      const other = createConnection(port, '127.0.0.1');
      await once(other, 'connect');
      const { connection } = opened({ url: `127.0.0.1:${port}`, connectTimeout: 300 });
      const error = await failure(connection.client('publishing'));
      expect(error).toMatchObject({ code: 'NATS_CONNECTION', outcome: 'not-sent' });
      await connection.close();
      expect(sockets.length).toBeGreaterThan(1);
      await until('one socket is open', () => open.size === 1);
      expect(other.destroyed).toBe(false);
    });

    it('is closed while no server is there', async () => {
      const { connection } = opened({ url: `127.0.0.1:${await freePort()}` });
      const waiting = failure(connection.client('publishing'));
      await connection.close();
      expect((await waiting).code).toBe('CLOSED');
      expect((await failure(connection.flush())).code).toBe('CLOSED');
      await connection.close();
    });
  });

  describe('that breaks', () => {
    let server: NatsServer;
    beforeAll(async () => {
      server = await startNats();
    });
    afterAll(() => server.stop());

    it('comes back, and tells of it', async () => {
      if (!server.running) await server.start();
      const { connection, told, errors } = opened({ url: server.url() });
      let reconnections = 0;
      connection.onReconnect(() => reconnections++);
      await works(connection);
      const heard: string[] = [];
      (await connection.client('a test')).subscribe('news', {
        callback: (_, message) => void heard.push(message.string()),
      });
      await server.kill();
      await until('the end is noticed', () => !connection.connected);
      expect(connection.live).toBeUndefined();
      const waiting = works(connection);
      await server.start();
      await waiting;
      expect(told).toEqual(['connected commands', 'disconnected commands', 'connected commands']);
      expect(errors[0]).toMatchObject({ code: 'NATS_CONNECTION', outcome: 'unknown' });
      expect(reconnections).toBe(2);
      connection.live!.publish('news', 'it is back');
      await until('the subscription is there again', () => heard.length > 0);
      expect(await (await connection.js()).now()).toBeTypeOf('number');
    });

    it('fails what was under way as unknown, and at once', async () => {
      if (!server.running) await server.start();
      const { connection } = opened({ url: server.url(), requestTimeout: NEVER });
      const client = await connection.client('a test');
      // A subscriber that never answers.
      client.subscribe('questions', { callback: () => undefined });
      const asked = failure(connection.request('asking', 'questions'));
      await connection.flush();
      const flushed = failure(connection.answered('sending', () => new Promise(() => undefined)));
      await server.kill();
      for (const error of await Promise.all([asked, flushed])) {
        expect(error).toMatchObject({ code: 'NATS_CONNECTION', outcome: 'unknown' });
      }
    });

    it('sends nothing later that it has called not sent', async () => {
      if (!server.running) await server.start();
      const { connection } = opened({ url: server.url(), connectTimeout: 300 });
      await works(connection);
      await server.kill();
      await until('the end is noticed', () => !connection.connected);
      const error = await failure(connection.request('publishing', 'orders', 'lost'));
      expect(error).toMatchObject({ outcome: 'not-sent' });
      expect(error.message).toMatch(/while publishing \(tried 127\.0\.0\.1:\d+ for 0\.3 s\)/);
      await server.start();
      await until('the connection is back', () => connection.connected);
      const { outMsgs } = connection.live!.stats();
      await connection.flush();
      expect(connection.live!.stats().outMsgs).toBe(outMsgs);
    });

    it('fails a request without an answer in time as unknown', async () => {
      if (!server.running) await server.start();
      const { connection } = opened({ url: server.url(), requestTimeout: 100 });
      await works(connection);
      server.freeze();
      onTestFinished(() => server.thaw());
      expect(await failure(works(connection))).toMatchObject({
        code: 'NATS_CONNECTION',
        outcome: 'unknown',
      });
    });

    it('tries for ever, also where the login is refused meanwhile', async () => {
      const login = passwordLogin();
      const own = await started(login.server);
      const right = { user: 'orders', password: secret('user') };
      const { connection, told } = opened({ url: own.url(), ...right });
      await works(connection);
      const changed = { authorization: { user: 'orders', password: secret('another') } };
      const away = `unreachable 127.0.0.1:${own.port}`;
      await own.restart({ config: changed });
      // The client itself would give up at the second refusal.
      await until('refusals are told', () => told.filter((text) => text === away).length > 2);
      const error = await failure(connection.client('publishing'));
      expect(error).toMatchObject({ code: 'NATS_CONNECTION', outcome: 'not-sent' });
      expect(error.message).toMatch(/correct user and password/);
      await own.restart({ config: login.server.config! });
      await until('the login is right again', () => connection.connected);
      await works(connection);
    });

    it.each([0, 3])('is given up after %i tries, and says so to every caller', async (tries) => {
      const own = await started();
      const { connection, told, errors } = opened({ url: own.url(), maxReconnects: tries });
      const given: Error[] = [];
      connection.onGivenUp((error) => given.push(error));
      await works(connection);
      expect(connection.failure).toBeUndefined();
      const asked = failure(connection.answered('asking', () => new Promise(() => undefined)));
      await own.kill();
      expect(await asked).toMatchObject({ outcome: 'unknown' });
      await until('it is given up', () => given.length > 0);
      expect(given[0]).toMatchObject({ code: 'NATS_GIVEN_UP', outcome: 'not-sent' });
      expect(connection.failure).toMatchObject({ code: 'NATS_GIVEN_UP' });
      for (const call of [connection.client('publishing'), works(connection), connection.flush()]) {
        expect((await failure(call)).code).toBe('NATS_GIVEN_UP');
      }
      expect(told).toEqual([
        'connected commands',
        'disconnected commands',
        `unreachable 127.0.0.1:${own.port}`,
      ]);
      expect(errors[1]!.message).toMatch(/Leave out maxReconnects/);
      await own.start();
      expect((await failure(connection.flush())).code).toBe('NATS_GIVEN_UP');
    });
  });

  it('leaves a server that is about to shut down before that ends, and warns once', async () => {
    const config = { lame_duck_grace_period: '10s' };
    const [first, second] = [await started({ config }), await started({ config })];
    const { connection, told } = opened({ servers: [first.url(), second.url()] });
    await works(connection);
    const used = (await connection.client('a test')).getServer();
    const [leaving, other] = used.endsWith(`:${first.port}`) ? [first, second] : [second, first];
    const ended = leaving.lameDuck();
    await until('the other server is used', () => told.length === 4);
    expect(leaving.running).toBe(true);
    expect(connection.live!.getServer()).toContain(`:${other.port}`);
    await works(connection);
    expect(told).toEqual([
      'connected commands',
      'NATS_LAME_DUCK',
      'disconnected commands',
      'connected commands',
    ]);
    await leaving.kill();
    await ended;
  });

  it('stays where it knows no other server, and warns once of what it is told twice', async () => {
    const info = { version: '2.10.0' };
    const leaving = { ...info, ldm: true };
    const { connection, told } = opened({ url: await pretended(info, leaving, leaving) });
    await connection.flush();
    await until('it is told', () => told.includes('NATS_LAME_DUCK'));
    await connection.flush();
    expect(told).toEqual(['connected commands', 'NATS_LAME_DUCK']);
  });

  it('warns where it is closed because this process was busy for seconds', async () => {
    const config = { max_payload: 50_000, max_pending: 100_000, write_deadline: '500ms' };
    const nats = await testNats({ config });
    onTestFinished(() => nats.cleanup());
    const { connection, told, events } = opened({ url: nats.url });
    const warnings: string[] = [];
    events.on('warning', ({ message }) => warnings.push(message));
    const client = await connection.client('a test');
    client.subscribe('flood', { callback: () => undefined });
    await connection.flush();
    const body = new Uint8Array(50_000);
    for (let sent = 0; sent < 1000; sent++) nats.client.publish('flood', body);
    const end = performance.now() + 4000;
    nats.client.publish('flood', body);
    await Promise.resolve();
    while (performance.now() < end);
    await until('the connection is closed and back', () => told.length >= 3);
    expect(told).toContain('NATS_SLOW_CONSUMER');
    expect(warnings[0]).toMatch(/read nothing from NATS for [3-9]\.\d s.*worker thread\.$/);
  });

  describe('of a user with few rights', () => {
    let nats: TestNats;
    const user = { user: 'orders', password: secret('user') };
    beforeAll(async () => {
      const permissions = {
        publish: ['free.>'],
        subscribe: ['free.>', '_INBOX.>'],
      };
      const users = [
        { ...user, permissions },
        { user: 'admin', password: secret('server') },
      ];
      const client = { user: 'admin', pass: secret('server') };
      nats = await testNats({
        login: { server: { config: { authorization: { users } } }, client },
      });
    });
    afterAll(() => nats.cleanup());

    it('names the subject that a request may not use, at once', async () => {
      const { connection } = opened({ url: nats.url, ...user, requestTimeout: NEVER });
      const error = await failure(works(connection));
      expect(error).toMatchObject({
        code: 'PERMISSION_DENIED',
        command: 'publish',
        key: '$JS.API.STREAM.NAMES',
      });
      expect(error.message).toContain('$JS.API.STREAM.NAMES');
    });

    it('publishes where that is all it may do', async () => {
      const manager = await jetstreamManager(nats.client);
      await manager.streams.add({ name: 'free', subjects: ['free.kept'] });
      const { connection } = opened({ url: nats.url, ...user });
      const js = await connection.js();
      expect(await js.publish('publishing', 'free.kept', 'x')).toMatchObject({ seq: 1 });
      const none = await failure(js.publish('publishing', 'free.lost', 'x'));
      expect(none).toMatchObject({ code: 'NATS_CONNECTION', outcome: 'not-sent' });
      expect(isNoResponders(none)).toBe(true);
      const refused = await failure(js.publish('publishing', 'secret.kept', 'x'));
      expect(refused).toMatchObject({ code: 'PERMISSION_DENIED', key: 'secret.kept' });
    });

    it('tells of each subject that is refused', async () => {
      const { connection } = opened({ url: nats.url, ...user });
      const refused: string[] = [];
      connection.onRefused.add(({ command, key }) => refused.push(`${command} ${key}`));
      const client = await connection.client('a test');
      client.publish('secret.orders', 'x');
      client.subscribe('secret.>', { callback: () => undefined });
      client.publish('free.orders', 'x');
      await connection.flush();
      await until('both are told', () => refused.length === 2);
      expect(refused).toEqual(['publish secret.orders', 'subscribe secret.>']);
      expect(connection.connected).toBe(true);
    });
  });

  describe('of the application', () => {
    it('is used and left open', async () => {
      const server = await started();
      const own = await connect({ servers: server.url(), inboxPrefix: '_INBOX.mine' });
      onTestFinished(() => own.close());
      const { connection, told } = opened({ connection: own });
      await works(connection);
      expect(connection.unwrapped).toBe(own);
      expect(connection.connections).toBe(0);
      expect(connection.inbox()).toMatch(/^_INBOX\.mine\./);
      await connection.close();
      expect(own.isClosed()).toBe(false);
      await own.flush();
      expect(told).toEqual(['connected commands']);
    });

    it('is given up where the application closes it', async () => {
      const server = await started();
      const own = await connect({ servers: server.url() });
      const { connection, told } = opened({ connection: own });
      await works(connection);
      await own.close();
      await until('it is noticed', () => connection.failure !== undefined);
      expect((await failure(connection.client('publishing'))).code).toBe('NATS_GIVEN_UP');
      expect(told.at(-1)).toBe('unreachable the connection of the application');
    });
  });
});
