import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import type { AsyncMicroserviceOptions } from '@nestjs/microservices';
import {
  BackpressureError,
  ConsumerGroupManager,
  StreamPublisher,
  StreamRetention,
  StreamsTransport,
} from 'nestjs-redis-streams';
import { AppModule } from './app.module.js';
import { BillingController } from './billing.controller.js';
import { Pager } from './pager.js';

const STREAM = 'orders';
const ORDERS = 50;
const app = await NestFactory.createMicroservice<AsyncMicroserviceOptions>(AppModule, {
  inject: [StreamsTransport],
  useFactory: (strategy: StreamsTransport) => ({ strategy }),
  // The alarm is part of the show: the library would log it, too.
  logger: ['fatal'],
});
app.enableShutdownHooks();
const groups = app.get(ConsumerGroupManager);
const publisher = app.get(StreamPublisher);
const pager = app.get(Pager);

let [settled, deleted] = [0, 0];
const checks = new Set<() => void>();
app.on('settled', () => check(settled++));
app.on('entries-deleted', ({ count }: { count: number }) => check((deleted += count)));

console.log('Groups');
console.log(`  audit is created: ${await groups.createGroup(STREAM, 'audit')}`);
console.log(`  and once more: ${await groups.createGroup(STREAM, 'audit')}`);
await app.listen();
console.log(`  ${STREAM} is read by ${(await groups.listGroups(STREAM)).join(' and ')}`);

console.log(`${ORDERS} orders, while the printer of invoices is out of paper`);
const order = (id: number) => ({ eventType: STREAM, payload: { id } });
await publisher.publishBatch(Array.from({ length: ORDERS }, (_, id) => order(id)));
await pager.alarm;

console.log('Two more orders, from a shop that does not want to make it worse');
try {
  await publisher.publish(STREAM, { id: ORDERS }, { maxLag: 20, onBackpressure: 'error' });
} catch (error) {
  if (!(error instanceof BackpressureError)) throw error;
  console.log(`  refused: ${error.code}, for ${error.group} is ${error.lag} behind`);
}
console.log('  waiting …');
const waited = publisher.publish(STREAM, { id: ORDERS }, { maxLag: 20 });
console.log('The printer has paper again');
app.get(BillingController).refill();
await Promise.all([waited, pager.allClear]);
console.log('  the order that waited is published');

const total = ORDERS + 1;
await until(() => settled === total);
const { pending, lag, consumers } = await groups.getGroupInfo(STREAM, 'billing');
console.log(
  `billing: ${settled} handled, ${pending} pending, ${lag} behind, ${consumers} consumer`,
);

console.log('Nothing is deleted');
const { length, pinnedBy } = await app.get(StreamRetention).report(STREAM);
console.log(
  `  ${STREAM} keeps ${length} orders, ${pinnedBy!.memory ?? 'an unknown number of'} bytes: ` +
    `${pinnedBy!.group} still needs ${pinnedBy!.entries} of them`,
);
console.log(
  `  audit is not needed any more, and deleted: ${await groups.deleteGroup(STREAM, 'audit')}`,
);
await until(() => deleted === total);
const after = await app.get(StreamRetention).report(STREAM);
console.log(`  ${STREAM} keeps ${after.length} orders`);
await app.close();
process.exitCode = after.length === 0 ? 0 : 1;

function check(_: unknown): void {
  for (const one of checks) one();
}

async function until(holds: () => boolean): Promise<void> {
  await new Promise<void>((resolve) => {
    const look = () => holds() && resolve();
    checks.add(look);
    look();
  });
}
