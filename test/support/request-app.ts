import type { INestMicroservice, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  StreamsClient,
  StreamsTransport,
  type SettledEvent,
  type StreamsClientOptions,
  type StreamsTransportOptions,
} from 'nestjs-redis-streams';
import type { DriverFactory } from 'nestjs-redis-streams/driver';
import { onTestFinished } from 'vitest';
import { appModule } from './nest-app.js';
import { inAllSlots } from './in-all-slots.js';

/** A service and a client, each with connections of its own. */
export interface RequestApp {
  readonly app: INestMicroservice;
  readonly transport: StreamsTransport;
  readonly client: StreamsClient;
  /** What became of each request and event. */
  readonly settled: SettledEvent[];
}

export interface RequestAppOptions {
  readonly source: DriverFactory;
  readonly keyPrefix?: string;
  readonly controllers: Type[];
  readonly service?: Partial<StreamsTransportOptions>;
  readonly client?: Partial<StreamsClientOptions>;
  /** Before it listens. */
  readonly configure?: (app: INestMicroservice, transport: StreamsTransport) => void;
}

/** Starts a service, and closes it, and the client, when the test has finished. */
export async function startRequestApp(given: RequestAppOptions): Promise<RequestApp> {
  const { source, keyPrefix = '' } = given;
  const common = { slots: inAllSlots(source), keyPrefix, blockTimeout: 200 };
  // Handlers that never end are not awaited.
  const service = { group: 'service', gracePeriod: 100, ...given.service };
  const transport = new StreamsTransport({ ...common, ...service });
  const settled: SettledEvent[] = [];
  transport.on('settled', (event) => settled.push(event));
  const app = await NestFactory.createMicroservice(appModule({ controllers: given.controllers }), {
    strategy: transport,
    logger: false,
  });
  given.configure?.(app, transport);
  onTestFinished(() => app.close());
  await app.listen();
  const client = new StreamsClient({ ...common, ...given.client });
  onTestFinished(() => client.close());
  return { app, transport, client, settled };
}
