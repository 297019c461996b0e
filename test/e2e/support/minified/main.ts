import 'reflect-metadata';
import { Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { AsyncMicroserviceOptions } from '@nestjs/microservices';
import {
  ConsumerGroupManager,
  DeadLetters,
  DelayedMessages,
  getStreamsToken,
  StreamConsumers,
  StreamPublisher,
  StreamsClient,
  StreamsModule,
  StreamsTransport,
  Workflows,
} from 'nestjs-redis-streams';
import { memory, StreamsTestKit } from 'nestjs-redis-streams/memory';
import { EventsController as Paid } from './paid.controller.js';
import { EventsController as Shipped } from './shipped.controller.js';
import { runs } from './runs.js';
import { inAllSlots } from '../../../support/in-all-slots.js';

const kit = new StreamsTestKit();

@Module({
  imports: [
    StreamsModule.forRoot({ slots: kit.slots, group: 'g' }),
    StreamsModule.forRoot({ name: 'audit', slots: inAllSlots(memory()), group: 'audit' }),
  ],
  controllers: [Paid, Shipped],
})
class AppModule {}

/** The services that a module provides under a name of its own. */
const SERVICES: Readonly<Record<string, Type>> = {
  ConsumerGroupManager,
  DeadLetters,
  DelayedMessages,
  StreamConsumers,
  StreamPublisher,
  StreamsClient,
  StreamsTransport,
  Workflows,
} as never;

async function main(): Promise<void> {
  const app = await NestFactory.createMicroservice<AsyncMicroserviceOptions>(AppModule, {
    inject: [StreamsTransport],
    useFactory: (strategy: StreamsTransport) => ({ strategy }),
    logger: false,
  });
  await app.listen();
  for (const event of ['order.paid', 'order.shipped', 'order.paid', 'order.shipped']) {
    await kit.publish(event, { order: '1' }, { stream: 'orders' });
    await kit.idle();
  }
  const tokens = Object.entries(SERVICES).map(([name, type]) => {
    const given: unknown = app.get(getStreamsToken('audit', type));
    return [name, { minified: type.name, right: given instanceof type }];
  });
  const outcomes = kit.settled.map(({ outcome }) => outcome);
  await app.close();
  const controllers = [Paid.name, Shipped.name];
  console.log(JSON.stringify({ controllers, runs, outcomes, tokens: Object.fromEntries(tokens) }));
}

void main();
