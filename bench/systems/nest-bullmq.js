// @ts-check
/** A Nest application with @nestjs/bullmq. */
import 'reflect-metadata';
import { BullModule, Processor, WorkerHost } from '@nestjs/bullmq';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

/** @type {NonNullable<import('../types.js').System['consume']>} */
export async function consume({ url, streams, concurrency }, handle) {
  const name = streams[0] ?? '';
  class BenchProcessor extends WorkerHost {
    /** @param {import('bullmq').Job} job */
    async process(job) {
      return handle(job.data, 0);
    }
  }
  Processor(name, { concurrency })(BenchProcessor);

  class AppModule {}
  Module({
    imports: [
      BullModule.forRoot({ connection: { url, maxRetriesPerRequest: null } }),
      BullModule.registerQueue({ name }),
    ],
    providers: [BenchProcessor],
  })(AppModule);

  const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
  return () => app.close();
}
