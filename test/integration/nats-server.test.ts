import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection, type Status } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import {
  credsLogin,
  nkeyLogin,
  passwordLogin,
  tlsLogin,
  tokenLogin,
  type NatsLogin,
} from '../support/nats-auth.js';
import { NATS_VERSIONS } from '../support/nats-binaries.js';
import type { NatsServer } from '../support/nats-server.js';
import { needsNats, testNats, type TestNats, type TestNatsOptions } from '../support/nats.js';
import { runs } from '../support/process-children.js';
import { until } from '../support/until.js';

const VERSIONS = ['floor', 'current'] as const;

async function started(options: TestNatsOptions) {
  const nats = await testNats(options);
  onTestFinished(() => nats.cleanup());
  return nats;
}

/** Stores one message in a stream with files. */
async function store(client: NatsConnection, stream: string): Promise<void> {
  const manager = await jetstreamManager(client);
  await manager.streams.add({ name: stream, subjects: [stream] });
  await jetstream(client).publish(stream, 'kept');
}

/** The first message of a stream. */
async function stored(client: NatsConnection, stream: string): Promise<string | undefined> {
  const manager = await jetstreamManager(client);
  return (await manager.streams.getMessage(stream, { seq: 1 }))?.string();
}

/** When a connection says this of itself. Call it before the reason for it. */
async function said(client: NatsConnection, awaited: Status['type']): Promise<void> {
  for await (const { type } of client.status()) if (type === awaited) return;
  throw new Error(`The connection was closed before it said ${awaited}`);
}

describe('NATS', needsNats(...VERSIONS), () => {
  describe.each(VERSIONS)('a server of the tests, %s version', (version) => {
    let nats: TestNats;
    let server: NatsServer;
    beforeAll(async () => {
      nats = await testNats({ version });
      ({ server } = nats);
    });
    afterAll(() => nats.cleanup());

    it('is of that version, with JetStream', () => {
      const { info } = nats.client;
      expect(info).toMatchObject({ version: NATS_VERSIONS[version], jetstream: true });
    });

    it.each(['kill', 'restart'] as const)('keeps what it has stored over %s', async (way) => {
      const { port, pid } = server;
      await store(nats.client, way);
      const back = said(nats.client, 'reconnect');
      await server[way]();
      if (way === 'kill') {
        expect(server.running).toBe(false);
        await server.start();
      }
      expect(server.port).toBe(port);
      expect(server.pid).not.toBe(pid);
      await back;
      expect(await stored(nats.client, way)).toBe('kept');
    });

    it('does not answer while it is frozen', async () => {
      let answered = false;
      server.freeze();
      const answer = nats.client.rtt().then(() => (answered = true));
      await expect(connect({ servers: server.url(), timeout: 100 })).rejects.toThrow('timeout');
      expect(answered).toBe(false);
      server.thaw();
      await answer;
    });

    it('tells its clients of lame duck mode, and ends', async () => {
      const heard = said(nats.client, 'ldm');
      const back = said(nats.client, 'reconnect');
      const gone = server.lameDuck();
      await heard;
      await gone;
      expect(server.running).toBe(false);
      await server.start();
      await back;
    });

    it('leaves no files when it is stopped', async () => {
      const { server: another, cleanup } = await testNats({ version });
      await cleanup();
      expect(existsSync(another.dir)).toBe(false);
    });
  });

  it('ends with the process that has started it, and leaves no files', async () => {
    const module = new URL('../support/nats-process.js', import.meta.url).href;
    const script = `const { startNats } = await import('${module}');
      const server = await startNats();
      console.log(JSON.stringify({ pid: server.pid, dir: server.dir }));
      server.freeze();
      process.kill(process.pid, 'SIGKILL');`;
    const args = ['--input-type=module', '-e', script];
    const { stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    const { pid, dir } = JSON.parse(stdout) as { pid: number; dir: string };
    await until('its process has ended', () => !runs(pid));
    await until('its directory is removed', () => !existsSync(dir));
  });

  it('takes settings of its configuration file', async () => {
    const { client, server } = await started({ config: { max_payload: 4096 } });
    expect(client.info?.max_payload).toBe(4096);
    await server.restart({ config: { max_payload: 8192 } });
    await until('the client knows', () => client.info?.max_payload === 8192);
  });

  it('asks clients for a certificate where TLS is mutual', async () => {
    const login = tlsLogin({ mutual: true });
    const { url, server } = await started({ login });
    const { ca } = login.client.tls as { ca: string };
    const stranger = { servers: url, reconnect: false, tls: { ca } };
    await expect(connect(stranger)).rejects.toThrow();
    // The client may hear of a broken connection before it hears why.
    await until('the server says why', async () =>
      /provide a certificate/.test(await server.log()),
    );
  });

  describe.each<[string, NatsLogin]>([
    ['a password', passwordLogin()],
    ['a token', tokenLogin()],
    ['an nkey', nkeyLogin()],
    ['a creds file', credsLogin()],
    ['TLS', tlsLogin()],
    ['TLS and a certificate of the client', tlsLogin({ mutual: true })],
  ])('with %s', (_, login) => {
    it.each(VERSIONS)('lets only in who has it (%s)', async (version) => {
      const { client, url } = await started({ version, login });
      await store(client, 'orders');
      expect(await stored(client, 'orders')).toBe('kept');
      await expect(connect({ servers: url, reconnect: false })).rejects.toThrow();
    });
  });
});
