import 'reflect-metadata';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  LoadBalancer,
  LoadBalancerModule,
  RedisStreamsModule,
  StreamPublisher,
} from 'nestjs-redis-streams';
import type { SessionEvent } from './sessions.controller.js';
import type { Told } from './telling.js';
import { Timeline } from './timeline.js';

const SESSIONS = Array.from({ length: 6 }, (_, index) => `user-session-${121 + index}`);
const STEPS = 40;

/** Announces sessions and publishes their events. It works on none of them. */
@Module({
  imports: [
    RedisStreamsModule.forRoot({
      url: process.env['REDIS_URL'] ?? 'redis://localhost:6379',
      keyPrefix: process.env['STREAMS_KEY_PREFIX'] ?? '',
      group: 'sessions',
    }),
    LoadBalancerModule.forRoot({ service: 'sessions', consumerId: 'front' }),
  ],
})
class FrontModule {}

if (process.env['STREAMS_DRIVER'] === 'memory') {
  console.log(
    'Several processes share nothing without Redis: install redis-server, or set REDIS_URL.',
  );
  process.exit(1);
}
const front = await NestFactory.createApplicationContext(FrontModule, { logger: ['fatal'] });
const [balancer, publisher] = [front.get(LoadBalancer), front.get(StreamPublisher)];
const timeline = new Timeline();
const workers = new Map<string, ChildProcess>();
for (const name of ['ada', 'bob', 'cem']) workers.set(name, await start(name));
console.log(`Three workers are there: ${[...workers.keys()].join(', ')}`);

for (const session of SESSIONS) await balancer.addStream(session, { since: 'today' });
await timeline.until(() => timeline.sessions.size === SESSIONS.length);
console.log(`${SESSIONS.length} sessions were announced, and each has an owner`);

const publishing = publish();
await timeline.until(() => timeline.handled > (SESSIONS.length * STEPS) / 4);
const victim = [...workers.keys()].sort((a, b) => owned(b).length - owned(a).length)[0]!;
const orphans = owned(victim);
console.log(
  `${victim} is killed in the middle of its work, and leaves ${orphans.length} sessions behind`,
);
const killed = Date.now();
workers.get(victim)!.kill('SIGKILL');
await timeline.until(() => owned(victim).length === 0);
console.log(`  all have another owner after ${((Date.now() - killed) / 1000).toFixed(1)} s`);

await publishing;
await timeline.until(() => timeline.handled === SESSIONS.length * STEPS);
console.log('The timeline of owners:');
for (const session of SESSIONS) {
  console.log(`  ${session}: ${timeline.sessions.get(session)!.owners.map(plain).join(' -> ')}`);
}
console.log(`${timeline.handled} of ${SESSIONS.length * STEPS} events handled`);
console.log(`in order: ${timeline.inOrder ? 'yes' : 'no'}`);
console.log(`handled by an owner that was replaced: ${timeline.outdated}`);

for (const worker of workers.values()) {
  if (worker.exitCode !== null || worker.signalCode !== null) continue;
  worker.kill('SIGTERM');
  await once(worker, 'exit');
}
await front.close();
process.exitCode = timeline.inOrder && timeline.outdated === 0 ? 0 : 1;

async function start(name: string): Promise<ChildProcess> {
  const env = { ...process.env, POD_NAME: name };
  const worker = fork(fileURLToPath(new URL('worker.js', import.meta.url)), { env });
  worker.on('message', (told) => timeline.hear(told as Told));
  await once(worker, 'message');
  return worker;
}

async function publish(): Promise<void> {
  for (let step = 1; step <= STEPS; step++) {
    const event: SessionEvent = { step, page: step === STEPS ? '/logout' : `/page/${step}` };
    for (const stream of SESSIONS) await publisher.publish('visited', event, { stream });
    await pause(50);
  }
}

function owned(name: string): string[] {
  return timeline.ownedBy(`redis-consumer-${name}`);
}

function plain(consumer: string): string {
  return consumer.replace('redis-consumer-', '');
}
