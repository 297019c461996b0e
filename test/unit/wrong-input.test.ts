import {
  businessCodec,
  LoadBalancedHandler,
  LoadBalancerModule,
  OnStreamAdded,
  OnStreamLag,
  redis,
  redisAclRules,
  RedisStreamsClient,
  RedisStreamsModule,
  RedisStreamsTransport,
  StreamConsumers,
  StreamHandler,
  StreamPublisher,
  StreamsClient,
  StreamsError,
  StreamsModule,
  StreamsTransport,
  next,
  fanOut,
} from 'nestjs-redis-streams';
import { memory } from 'nestjs-redis-streams/memory';
import { afterAll, describe, expect, it } from 'vitest';
import { StreamsRuntime } from '../../lib/runtime/streams-runtime.js';
import { inAllSlots } from '../support/in-all-slots.js';

const runtime = new StreamsRuntime({ slots: inAllSlots(memory()), group: 'g' });
const transport = new StreamsTransport(runtime);
const publisher = new StreamPublisher(runtime.producer);
const consumers = new StreamConsumers(runtime);
const consumer = consumers.create({ stream: 's', group: 'g' });
const { groups, deadLetters, delayedMessages, retention, lag } = runtime.admin;
const { workflows } = runtime.chaining;
afterAll(() => runtime.close());

type Call = (given: never) => unknown;

/** What no argument may be. */
const GARBAGE: readonly unknown[] = [
  undefined,
  null,
  Number.NaN,
  '',
  -1,
  Promise.resolve('x'),
  () => 1,
];
/** For an argument that may be left out. */
const GIVEN = GARBAGE.slice(1);

async function refused(call: Call, given: unknown): Promise<void> {
  const outcome = await (async () => call(given as never))().then(
    () => 'it went through',
    (error: unknown) => error,
  );
  expect(outcome, String(call)).toBeInstanceOf(StreamsError);
  expect((outcome as StreamsError).code).toMatch(/^INVALID_(OPTIONS|MESSAGE|INSTRUCTION)$/);
}

describe('an argument that must be given', () => {
  it.each<[string, Call]>([
    ['the options of a transport', (x) => new StreamsTransport(x)],
    ['the options of a Redis transport', (x) => new RedisStreamsTransport(x)],
    ['the options of a client', (x) => new StreamsClient(x)],
    ['the options of a Redis client', (x) => new RedisStreamsClient(x)],
    ['StreamsModule.forRoot', (x) => StreamsModule.forRoot(x)],
    ['StreamsModule.forRootAsync', (x) => StreamsModule.forRootAsync(x)],
    ['RedisStreamsModule.forRoot', (x) => RedisStreamsModule.forRoot(x)],
    ['RedisStreamsModule.forRootAsync', (x) => RedisStreamsModule.forRootAsync(x)],
    ['LoadBalancerModule.forRoot', (x) => LoadBalancerModule.forRoot(x)],
    ['LoadBalancerModule.forRootAsync', (x) => LoadBalancerModule.forRootAsync(x)],
    ['businessCodec', (x) => businessCodec(x)],
    ['publish, the event type', (x) => publisher.publish(x, 1)],
    ['publishBatch', (x) => publisher.publishBatch(x)],
    ['publishBatch, an item', (x) => publisher.publishBatch([x])],
    ['next', (x) => next(x)],
    ['fanOut', (x) => fanOut(x)],
    ['transport.pause', (x) => transport.pause(x)],
    ['transport.resume', (x) => transport.resume(x)],
    ['transport.unsubscribe', (x) => transport.unsubscribe(x)],
    ['transport.subscribe, the events', (x) => transport.subscribe(x, () => 1)],
    ['consumers.create', (x) => consumers.create(x)],
    ['consumers.checkLiveness', (x) => consumers.checkLiveness(x)],
    ['consumer.acknowledge', (x) => consumer.acknowledge(x)],
    ['consumer.acknowledge, an id', (x) => consumer.acknowledge({ id: x, stream: 's' })],
    ['createGroup, the stream', (x) => groups.createGroup(x, 'g')],
    ['createGroup, the group', (x) => groups.createGroup('s', x)],
    ['deleteGroup', (x) => groups.deleteGroup('s', x)],
    ['listGroups', (x) => groups.listGroups(x)],
    ['getGroupInfo', (x) => groups.getGroupInfo('s', x)],
    ['listConsumers', (x) => groups.listConsumers(x, 'g')],
    ['getPending', (x) => groups.getPending(x, 'g')],
    ['eachPending', (x) => groups.eachPending('s', x).next()],
    ['setPosition', (x) => groups.setPosition('s', 'g', x)],
    ['removeConsumer', (x) => groups.removeConsumer('s', 'g', x)],
    ['claimStale', (x) => groups.claimStale('s', 'g', x)],
    ['deadLetters.list', (x) => deadLetters.list(x)],
    ['deadLetters.get', (x) => deadLetters.get('s', x)],
    ['deadLetters.redrive', (x) => deadLetters.redrive('s', x)],
    ['deadLetters.purge', (x) => deadLetters.purge('s', x)],
    ['delayedMessages.list', (x) => delayedMessages.list(x)],
    ['delayedMessages.cancel', (x) => delayedMessages.cancel('s', x)],
    ['delayedMessages.reschedule', (x) => delayedMessages.reschedule('s', 'delayed-1', x)],
    ['retention.report', (x) => retention.report(x)],
    ['workflows.start', (x) => workflows.start(x)],
    ['workflows.get', (x) => workflows.get(x)],
    ['workflows.cancel', (x) => workflows.cancel(x)],
  ])('%s', async (_, call) => {
    for (const given of GARBAGE) await refused(call, given);
  });
});

const decorate = (decorator: MethodDecorator): void => {
  class Orders {
    handle(): void {}
  }
  decorator(
    Orders.prototype,
    'handle',
    Object.getOwnPropertyDescriptor(Orders.prototype, 'handle')!,
  );
};

describe('an argument that may be left out', () => {
  it.each<[string, Call]>([
    ['redis', (x) => redis(x)],
    ['memory', (x) => memory(x)],
    ['redisAclRules', (x) => redisAclRules(x)],
    ['publish, the options', (x) => publisher.publish('a', 1, x)],
    ['next, the options', (x) => next('a', 1, x)],
    ['fanOut, the options', (x) => fanOut([next('a')], x)],
    ['transport.pause, of', (x) => transport.pause('a', x)],
    ['transport.subscribe, the options', (x) => transport.subscribe('a', () => 1, x)],
    ['consumer.subscribe, the event types', (x) => consumer.subscribe(() => true, x)],
    ['createGroup, the options', (x) => groups.createGroup('s', 'g', x)],
    ['getPending, the page', (x) => groups.getPending('s', 'g', x)],
    ['eachPending, the filter', (x) => groups.eachPending('s', 'g', x).next()],
    ['removeConsumer, the options', (x) => groups.removeConsumer('s', 'g', 'c', x)],
    ['deadLetters.list, the page', (x) => deadLetters.list('s', x)],
    ['delayedMessages.list, the page', (x) => delayedMessages.list('s', x)],
    ['lag.read', (x) => lag.read(x)],
    ['workflows.start, the options', (x) => workflows.start('a', 1, x)],
    ['@StreamHandler, the options', (x) => decorate(StreamHandler('a', x))],
    ['@LoadBalancedHandler', (x) => decorate(LoadBalancedHandler(x))],
    ['@OnStreamLag', (x) => OnStreamLag(x)],
    ['@OnStreamAdded', (x) => OnStreamAdded(x)],
  ])('%s', async (_, call) => {
    for (const given of GIVEN) await refused(call, given);
  });

  it.each<[string, Call]>([
    ['transport.pause', (x) => transport.pause('a', x)],
    ['@OnStreamLag', (x) => OnStreamLag(x)],
    ['@OnStreamAdded', (x) => OnStreamAdded(x)],
    ['memory', (x) => memory(x)],
    ['redisAclRules', (x) => redisAclRules(x)],
    ['createGroup', (x) => groups.createGroup('s', 'g', x)],
    ['deadLetters.list', (x) => deadLetters.list('s', x)],
    ['forRootAsync', (x) => StreamsModule.forRootAsync(x)],
  ])('%s: with a name that does not exist', (_, call) => refused(call, { misspelt: 1 }));
});
