import { NestFactory } from '@nestjs/core';
import type { AsyncMicroserviceOptions } from '@nestjs/microservices';
import {
  DeadLetters,
  StreamPublisher,
  StreamsTransport,
  type SettledEvent,
  type StreamsModuleOptions,
} from 'nestjs-redis-streams';
import { AppModule } from './app.module.js';
import { AuditController } from './audit.controller.js';
import { Counts } from './counts.js';
import { OrderController } from './order.controller.js';

const ORDERS = 50;

/** Runs the application on one backend, and says what came of it. */
export async function runOn(backend: StreamsModuleOptions): Promise<Record<string, number>> {
  const app = await NestFactory.createMicroservice<AsyncMicroserviceOptions>(
    AppModule.on(backend),
    {
      inject: [StreamsTransport],
      useFactory: (strategy: StreamsTransport) => ({ strategy }),
      // Failed runs are part of the show.
      logger: ['fatal', 'error'],
    },
  );
  const counts = new Counts();
  app.on('settled', (event: SettledEvent) => counts.count(event));
  await app.listen();

  const stream = backend.stream!;
  const publisher = app.get(StreamPublisher);
  for (let number = 1; number <= ORDERS; number++) {
    const cents = number === 7 ? -1 : 100 * number;
    await publisher.publish('order.created', { number, cents }, { stream });
  }
  await publisher.publish('order.cancelled', { number: 3, cents: 0 }, { stream });
  // Two groups get every message.
  await counts.until(2 * (ORDERS + 1));

  const { items } = await app.get(DeadLetters).list(stream);
  const { reserved } = app.get(OrderController);
  const { cents } = app.get(AuditController);
  await app.close();
  const { handled, retried, deadLettered } = counts;
  return { handled, retried, deadLettered, letters: items.length, reserved: reserved.size, cents };
}
