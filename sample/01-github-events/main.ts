import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import type { AsyncMicroserviceOptions } from '@nestjs/microservices';
import {
  DeadLetters,
  StreamPublisher,
  StreamsTransport,
  type SettledEvent,
} from 'nestjs-redis-streams';
import { AppModule } from './app.module.js';
import { AuditController } from './audit.controller.js';
import { Tally } from './tally.js';
import { TriageController } from './triage.controller.js';
import { loadWebhooks } from './webhooks.js';

const STREAM = 'github';
const app = await NestFactory.createMicroservice<AsyncMicroserviceOptions>(AppModule, {
  inject: [StreamsTransport],
  useFactory: (strategy: StreamsTransport) => ({ strategy }),
  // Failed runs are part of the show: Nest would print each with its stack.
  logger: ['fatal'],
});
app.enableShutdownHooks();

const triage = new Tally();
const audit = new Tally();
app.on('settled', (event: SettledEvent) => (event.group === 'audit' ? audit : triage).count(event));
await app.listen();

const webhooks = loadWebhooks();
const total = webhooks.length;
console.log(`Publishing ${total} webhooks of GitHub to the stream "${STREAM}"`);
await app.get(StreamPublisher).publishBatch(webhooks);
for (const share of [0.5, 1]) {
  await Promise.all([triage.until(total * share), audit.until(total * share)]);
  console.log(`  ${share * 100} % of them came to their end in both groups`);
}
summary('triage', triage);
summary('audit', audit);
console.log(`Runs that failed and were repeated: ${audit.retried}`);

const deadLetters = app.get(DeadLetters);
const [letter] = (await deadLetters.list(STREAM)).items;
console.log(`Dead letter: ${letter!.eventType}, ${letter!.reason}: ${letter!.error!.message}`);
console.log('The ledger is mended, the dead letter is redriven to its group');
app.get(AuditController).mended = true;
audit.deadLettered -= await deadLetters.redrive(STREAM, { all: true });
await audit.until(total);
summary('audit', audit);

const { ledger } = app.get(AuditController);
const { repositories } = app.get(TriageController);
console.log(`The ledger has ${ledger.size} entries, triage saw ${repositories.size} repositories`);
await app.close();
process.exitCode = audit.handled === total && triage.settled === total ? 0 : 1;

function summary(group: string, { handled, filtered, deadLettered }: Tally): void {
  const sum = handled + filtered + deadLettered;
  console.log(
    `${group}: ${handled} handled + ${filtered} filtered + ${deadLettered} dead-lettered` +
      ` = ${sum} of ${total} published`,
  );
}
