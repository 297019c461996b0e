import { Controller, Inject } from '@nestjs/common';
import {
  redis,
  StreamHandler,
  StreamPublisher,
  StreamsModule,
  StreamsTransport,
  type SettledEvent,
} from 'nestjs-redis-streams';
import { memory } from 'nestjs-redis-streams/memory';
import { postgres, PostgresInbox } from 'nestjs-redis-streams/postgres';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import type { DriverFactory } from '../../lib/ports/driver.js';
import { inAllSlots } from '../support/in-all-slots.js';
import { appModule, createApp } from '../support/nest-app.js';
import { testPostgres, type TestPostgres } from '../support/postgres.js';
import { startRedis } from '../support/redis-server.js';
import { until } from '../support/until.js';

let server: TestPostgres;
const redisServer = await startRedis();
beforeAll(async () => void (server = await testPostgres()));
afterAll(() => Promise.all([server.cleanup(), redisServer.stop()]));

/** The runs wait for each other: the second is delivered while the first one is open. */
@Controller()
class Chain {
  private end!: () => void;
  private readonly ended = new Promise<void>((resolve) => (this.end = resolve));

  constructor(@Inject(StreamPublisher) private readonly publisher: StreamPublisher) {}

  @StreamHandler('first', { inbox: true })
  async first(): Promise<void> {
    await this.publisher.publish('second', {});
    await this.ended;
  }

  @StreamHandler('second', { inbox: true })
  second(): void {
    this.end();
  }
}

it.each<[string, () => DriverFactory]>([
  ['memory', () => memory()],
  ['redis', () => redis({ url: redisServer.url })],
  ['postgres', () => postgres({ url: server.url })],
])('a message that a handler publishes runs beside that handler, on %s', async (_, driverOf) => {
  const inbox = new PostgresInbox({ url: server.url });
  onTestFinished(() => inbox.close());
  const streams = StreamsModule.forRoot({ slots: inAllSlots(driverOf()), group: 'g', inbox });
  const app = await createApp(appModule({ imports: [streams], controllers: [Chain] }));
  onTestFinished(() => app.close());
  const settled: SettledEvent[] = [];
  app.get(StreamsTransport).on('settled', (event) => settled.push(event));
  await app.listen();
  await app.get(StreamPublisher).publish('first', {});
  await until('both are settled', () => settled.length === 2);
  expect(settled.map(({ outcome }) => outcome)).toEqual(['handled', 'handled']);
});
