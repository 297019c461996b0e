import { StreamPublisher } from 'nestjs-redis-streams/core';
import type { Pool, PoolClient } from 'pg';
import PgBoss from 'pg-boss';

/** Publishes the jobs that wait in a queue, and deletes them. */
export class JobMover {
  constructor(
    private readonly pool: Pool,
    private readonly boss: PgBoss,
    private readonly publisher: StreamPublisher,
  ) {}

  async moveAll(queue: string): Promise<void> {
    while ((await this.transact((client) => this.move(queue, client))) > 0);
  }

  /** Moves 100 jobs in one transaction. Returns how many there were. */
  private async move(queue: string, client: PoolClient): Promise<number> {
    const db = {
      executeSql: (text: string, values: unknown[]) =>
        client.query(text, values),
    };
    const jobs = await this.boss.fetch<object>(queue, {
      db,
      batchSize: 100,
      includeMetadata: true,
      ignoreStartAfter: true,
    });
    if (jobs.length === 0) return 0;
    const publisher = this.publisher.within(client);
    for (const { name, data, startAfter } of jobs)
      await publisher.publish(name, data, {
        ...(startAfter > new Date() && { deliverAt: startAfter }),
      });
    await this.boss.deleteJob(
      queue,
      jobs.map(({ id }) => id),
      { db },
    );
    return jobs.length;
  }

  private async transact<T>(
    work: (client: PoolClient) => Promise<T>,
  ): Promise<T> {
    const client = await this.pool.connect();
    try {
      await client.query('begin');
      const result = await work(client);
      await client.query('commit');
      return result;
    } catch (error) {
      await client.query('rollback');
      throw error;
    } finally {
      client.release();
    }
  }
}
