import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pool } from 'pg';
import { postgres } from '../../../lib/drivers/postgres/postgres.driver.js';
import { pace } from '../../support/passing-time.js';
import {
  startPostgres,
  type PostgresServer,
  type StartPostgresOptions,
} from '../../support/postgres-server.js';
import { inAllSlots } from '../../support/in-all-slots.js';
import type { WorkerProcess } from './worker-process.js';
import { WorkerScene, type StoredEntry } from './worker-scene.js';

/** What the driver calls its connections, see pg_stat_activity. */
const OF_THE_DRIVER = "application_name = 'nestjs-redis-streams'";
/** Between two tries of a statement of the scene while the server is away, ms. */
const RETRY = 50;
/** So many tries. */
const TRIES = 400;

/** A scene on PostgreSQL. */
export class PostgresScene extends WorkerScene {
  protected readonly place: { readonly postgres: { readonly url: string } };

  private constructor(
    override readonly server: PostgresServer,
    directory: string,
    /** Connections of the scene itself. */
    readonly pool: Pool,
  ) {
    super(server, directory, inAllSlots(postgres({ url: server.url() })));
    this.place = { postgres: { url: server.url() } };
  }

  static async open(options: StartPostgresOptions = {}): Promise<PostgresScene> {
    const server = await startPostgres(options);
    const directory = await mkdtemp(join(tmpdir(), 'streams-faults-'));
    const pool = new Pool({ connectionString: server.url(), max: 3 });
    pool.on('error', () => undefined);
    return new PostgresScene(server, directory, pool);
  }

  protected async disconnect(): Promise<void> {
    await this.pool.end();
  }

  /** Answers the rows. Tried again while the server is away or ends the connection. */
  async sql<Row extends object>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    for (let tries = 1; ; tries++) {
      try {
        return (await this.pool.query<Row>(text, [...values])).rows;
      } catch (error) {
        const { code = '' } = error as { code?: string };
        const isRefusal = /^\w{5}$/.test(code) && !code.startsWith('57P') && code !== 'EPIPE';
        if (isRefusal || tries === TRIES) throw error;
        await pace(RETRY);
      }
    }
  }

  async left(): Promise<number> {
    return this.count('select count(*) from streams.delivery where record is null');
  }

  async pending(worker?: WorkerProcess): Promise<string[]> {
    const rows = await this.sql<{ message: string }>(
      `select message from streams.delivery where not free and record is null
        and ($1::text is null or consumer = $1) order by message`,
      [worker?.name ?? null],
    );
    return rows.map(({ message }) => message);
  }

  async entries(stream: string): Promise<StoredEntry[]> {
    const rows = await this.sql<{ id: string; fields: string }>(
      `select m.id, m.fields from streams.message m join streams.stream s on s.id = m.stream
        where s.name = $1 order by m.id`,
      [stream],
    );
    return rows.map(({ id, fields }) => ({ id, fields: JSON.parse(fields) as string[] }));
  }

  length(stream: string): Promise<number> {
    return this.count(
      `select count(*) from streams.message m join streams.stream s on s.id = m.stream
        where s.name = $1`,
      [stream],
    );
  }

  async unsettled(streams: readonly string[]): Promise<number> {
    return this.count(
      `select (select count(*) from streams.delivery d join streams.grp g on g.id = d.grp
          join streams.stream s on s.id = g.stream where s.name = any ($1) and d.record is null)
        + (select count(*) from streams.delayed d join streams.stream s on s.id = d.stream
          where s.name = any ($1))`,
      [streams],
    );
  }

  cut(): Promise<number> {
    return this.terminate();
  }

  /** Answers the number that a statement selects. */
  async count(text: string, values: readonly unknown[] = []): Promise<number> {
    const [row] = await this.sql<Record<string, string>>(text, values);
    return Number(Object.values(row!)[0]);
  }

  /** Ends all connections of the driver, in all processes. Answers how many. */
  async terminate(): Promise<number> {
    return this.count(
      `select count(pg_terminate_backend(pid)) from pg_stat_activity where ${OF_THE_DRIVER}`,
    );
  }

  /** Cancels what the driver's connections are doing, in all processes. Answers of how many. */
  async cancel(): Promise<number> {
    return this.count(
      `select count(pg_cancel_backend(pid)) from pg_stat_activity
        where ${OF_THE_DRIVER} and state = 'active'`,
    );
  }
}
