import 'reflect-metadata';
import { setTimeout as pause } from 'node:timers/promises';
import { NestFactory } from '@nestjs/core';
import type { AsyncMicroserviceOptions } from '@nestjs/microservices';
import { StreamsTransport, Workflows, type WorkflowState } from 'nestjs-redis-streams';
import { AppModule } from './app.module.js';
import { priceOf, Shop, type Order } from './shop.js';
import { Timeline } from './timeline.js';

const app = await NestFactory.createMicroservice<AsyncMicroserviceOptions>(AppModule, {
  inject: [StreamsTransport],
  useFactory: (strategy: StreamsTransport) => ({ strategy }),
  // Failed runs are part of the show: Nest would print each with its stack.
  logger: ['fatal'],
});
app.enableShutdownHooks();
await app.listen();
const workflows = app.get(Workflows);
const shop = app.get(Shop);

const orders: Order[] = [
  {
    id: 'order-1',
    customer: 'Ada',
    parcels: [
      { name: 'lamp', price: 40 },
      { name: 'vase', price: 60 },
      { name: 'book', price: 15 },
    ],
  },
  {
    id: 'order-2',
    customer: 'Grace',
    parcels: [
      { name: 'stool', price: 80 },
      { name: 'piano', price: 900 },
    ],
  },
  { id: 'order-3', customer: 'Alan', parcels: [{ name: 'clock', price: 70 }] },
];
for (const order of orders) await workflows.start('order.process', order, { id: order.id });
await until('order-3', ({ steps }) => steps.some(({ status }) => status === 'waiting'));
console.log(`order-3 is cancelled before its mail is due: ${await workflows.cancel('order-3')}`);

for (const { id } of orders) {
  app.get(Timeline).print(await until(id, ({ endedAt }) => endedAt !== undefined));
}
for (const mail of shop.mails.sort()) console.log(mail);
const { charged, shipped, refunded } = shop;
const cancelled = priceOf(orders[2]!.parcels);
console.log(
  `${charged} charged = ${shipped} shipped + ${refunded} refunded + ${cancelled} cancelled`,
);
await app.close();
process.exitCode = charged === shipped + refunded + cancelled ? 0 : 1;

async function until(id: string, holds: (state: WorkflowState) => boolean): Promise<WorkflowState> {
  for (;;) {
    const state = await workflows.get(id);
    if (state && holds(state)) return state;
    await pause(20);
  }
}
