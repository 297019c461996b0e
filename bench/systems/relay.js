// @ts-check
/** A Nest application whose outbox publishes to Redis, or to the PostgreSQL server that it lies in. */
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { redis, StreamsModule, StreamsTransport } from 'nestjs-redis-streams';
import { Outbox, OutboxModule, postgres } from 'nestjs-redis-streams/postgres';
import { Pool } from 'pg';
import { EVENT } from '../payload.js';

/** Runs the relay. `target`: the url of Redis. @type {NonNullable<import('../types.js').System['consume']>} */
export async function consume({ url, target }) {
  const app = await start(url, target, true);
  return () => app.close();
}

/** Writes into the outbox, a batch in a transaction. @type {NonNullable<import('../types.js').System['publisher']>} */
export async function publisher({ url, target, stream }) {
  const app = await start(url, target, false);
  const outbox = app.get(Outbox);
  const pool = new Pool({ connectionString: url, max: 1 });

  /** @param {readonly import('../types.js').Payload[]} payloads */
  async function publishBatch(payloads) {
    const client = await pool.connect();
    await client.query('begin');
    await outbox.within(client).publishBatch(
      payloads.map((payload) => ({
        eventType: EVENT,
        payload,
        stream,
        key: String(payload.n),
      })),
    );
    await client.query('commit');
    client.release();
  }

  return {
    publishBatch,
    publish: (payload) => publishBatch([payload]),
    async close() {
      await pool.end();
      await app.close();
    },
  };
}

/** @param {string} url @param {string | undefined} target @param {boolean} relay */
async function start(url, target, relay) {
  class AppModule {}
  const messageSource = target === undefined ? postgres({ url }) : redis({ url: target });
  const imports = [
    StreamsModule.forRoot({ slots: { messageSource } }),
    OutboxModule.forRoot({ url, relay }),
  ];
  Module({ imports })(AppModule);
  const app = await NestFactory.createMicroservice(AppModule, {
    inject: [StreamsTransport],
    useFactory: (/** @type {StreamsTransport} */ strategy) => ({ strategy }),
    logger: false,
  });
  await app.listen();
  return app;
}
