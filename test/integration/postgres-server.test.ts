import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPgBouncer, type PgBouncer } from '../support/pgbouncer.js';
import { startPostgres, type PostgresServer } from '../support/postgres-server.js';
import { testPostgres, type TestPostgres } from '../support/postgres.js';
import { runs } from '../support/process-children.js';
import { secret } from '../support/secrets.js';
import { until } from '../support/until.js';

let postgres: TestPostgres;
let server: PostgresServer;

beforeAll(async () => {
  postgres = await testPostgres();
  ({ server } = postgres);
  await postgres.pool.query('CREATE TABLE kept (id int PRIMARY KEY)');
});

afterAll(() => postgres.cleanup());

const kept = async (): Promise<number[]> =>
  (await server.query('SELECT id FROM kept ORDER BY id', [], 'test')).map(({ id }) => id);

/** A connection that is open, and the error with which it ends. */
async function openConnection() {
  const client = new Client({ connectionString: postgres.url });
  // The client says each trouble, of which there may be several.
  const error = new Promise<Error>((resolve) => client.on('error', resolve));
  await client.connect();
  return { client, error };
}

describe('a server of the tests', () => {
  it.each(['SIGKILL', 'SIGQUIT'] as const)(
    'keeps what was committed over %s, on the same port',
    async (signal) => {
      const [id] = await server.query(
        'INSERT INTO kept SELECT coalesce(max(id), 0) + 1 FROM kept RETURNING id',
        [],
        'test',
      );
      const { error } = await openConnection();
      const { port } = server;
      await server.kill(signal);
      expect(await error).toBeInstanceOf(Error);
      expect(server.running).toBe(false);
      await server.start();
      expect(server.port).toBe(port);
      expect(await kept()).toContain(id.id);
    },
  );

  it('ends the processes of its connections when it is killed', async () => {
    const { client, error } = await openConnection();
    const { rows } = await client.query('SELECT pg_backend_pid() AS pid');
    void client.query('SELECT pg_sleep(60)').catch(() => undefined);
    await server.kill();
    await error;
    expect(runs(rows[0].pid)).toBe(false);
    await server.restart();
  });

  it('answers nothing while it is frozen', async () => {
    const { client } = await openConnection();
    server.freeze();
    const late = { connectionString: postgres.url, connectionTimeoutMillis: 300 };
    await expect(new Client(late).connect()).rejects.toThrow(/timeout/);
    server.thaw();
    expect((await client.query('SELECT 1')).rowCount).toBe(1);
    await client.end();
  });

  it('restarts with other settings', async () => {
    await server.restart({ settings: { statement_timeout: '1234ms' } });
    expect(await server.query('SHOW statement_timeout')).toEqual([{ statement_timeout: '1234ms' }]);
    await server.restart({ settings: {} });
  });

  it('ends with the process that has started it, and leaves no files', async () => {
    const module = new URL('../support/postgres-process.js', import.meta.url).href;
    const script = `const { startPostgres } = await import('${module}');
      const server = await startPostgres();
      console.log(JSON.stringify({ pid: server.pid, dir: server.dir }));
      server.freeze();
      process.kill(process.pid, 'SIGKILL');`;
    const args = ['--input-type=module', '-e', script];
    const { stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    const { pid, dir } = JSON.parse(stdout) as { pid: number; dir: string };
    await until('its process has ended', () => !runs(pid));
    await until('its directory is removed', () => !existsSync(dir));
  });

  it('asks each role for its password', async () => {
    const role = await server.createRole('clerk', secret('user'));
    const client = new Client({ connectionString: server.url('test', role) });
    await client.connect();
    await expect(client.query('SELECT * FROM kept')).rejects.toMatchObject({ code: '42501' });
    await client.end();
    const wrong = { ...role, password: secret('wrong') };
    const stranger = new Client({ connectionString: server.url('test', wrong) });
    await expect(stranger.connect()).rejects.toMatchObject({ code: '28P01' });
  });

  it('has a standby that follows and takes no writes', async () => {
    const standby = await startPostgres({ standbyOf: server });
    try {
      await server.query('INSERT INTO kept VALUES (1000)', [], 'test');
      await until('the standby has the row', async () => {
        const rows = await standby.query('SELECT FROM kept WHERE id = 1000', [], 'test');
        return rows.length === 1;
      });
      const write = standby.query('INSERT INTO kept VALUES (1001)', [], 'test');
      await expect(write).rejects.toMatchObject({ code: '25006' });
    } finally {
      await standby.stop();
    }
    expect(existsSync(standby.dir)).toBe(false);
  });
});

describe('pgbouncer in front of it', () => {
  let bouncer: PgBouncer;

  beforeAll(async () => {
    bouncer = await startPgBouncer(server, { default_pool_size: 1 });
  });

  afterAll(() => bouncer.stop());

  it('gives a connection of the server to each transaction', async () => {
    const clients = [1, 2].map(() => new Client({ connectionString: bouncer.url('test') }));
    for (const client of clients) await client.connect();
    const pids = await Promise.all(
      clients.map(async (client) => (await client.query('SELECT pg_backend_pid() AS pid')).rows),
    );
    expect(pids[0]).toEqual(pids[1]);
    for (const client of clients) await client.end();
  });

  it('knows the roles of the server', async () => {
    const role = await server.createRole('guest', secret('another'));
    const client = new Client({ connectionString: bouncer.url('test', role) });
    await client.connect();
    const { rows } = await client.query('SELECT current_user AS name');
    expect(rows).toEqual([{ name: 'guest' }]);
    await client.end();
  });

  it('can be killed, and started again on the same port', async () => {
    await bouncer.kill();
    const client = new Client({ connectionString: bouncer.url('test') });
    await expect(client.connect()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await bouncer.start();
    const another = new Client({ connectionString: bouncer.url('test') });
    await another.connect();
    await another.end();
  });
});
