import { Logger, type LoggerService } from '@nestjs/common';
import { memory } from 'nestjs-redis-streams/memory';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RedisConnectionError } from '../../lib/drivers/redis/errors/redis-connection.errors.js';
import { NatsConnectionError } from '../../lib/drivers/nats/errors/nats-connection.errors.js';
import type { SettledEvent } from '../../lib/core/run-events.js';
import type { StreamLagExceeded } from '../../lib/core/lag.js';
import { logEvents } from '../../lib/nest/transport/event-log.js';
import { StreamsRuntime } from '../../lib/runtime/streams-runtime.js';
import { secretInUrl, wordOf } from '../support/secrets.js';
import { inAllSlots } from '../support/in-all-slots.js';

const lines: string[] = [];
const write =
  (level: string) =>
  (message: unknown, ...rest: unknown[]) =>
    void lines.push(`${level} [${String(rest.at(-1))}] ${String(message)}`);
const capturing: LoggerService = { log: write('log'), warn: write('warn'), error: write('error') };

function logged(name?: string) {
  const runtime = new StreamsRuntime({
    slots: inAllSlots(memory()),
    ...(name !== undefined && { name }),
  });
  logEvents(runtime);
  return runtime.events;
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
  Logger.overrideLogger(capturing);
});

afterEach(() => {
  vi.useRealTimers();
  lines.length = 0;
});

const place = { stream: 'orders', group: 'shop' };
const error = new Error('it broke');
const deadLettered: SettledEvent = {
  ...place,
  id: '1-1',
  consumer: 'me',
  eventType: 'order',
  handler: 'Orders.handle',
  outcome: 'dead-lettered',
  attempt: 5,
  duration: 1,
  publishedAt: 0,
  wait: 0,
  handlerTime: 0,
  messages: 1,
  reason: 'max-deliveries',
  error: { name: 'StockError', message: 'none left' },
};

const retried: SettledEvent = {
  ...place,
  id: '1-1',
  consumer: 'me',
  eventType: 'order',
  handler: 'Orders.handle',
  outcome: 'retried',
  attempt: 2,
  duration: 1,
  publishedAt: 0,
  wait: 0,
  handlerTime: 0,
  messages: 1,
  delay: 4000,
  error: { name: 'StockError', message: 'none left' },
};

const lag: StreamLagExceeded = {
  type: 'STREAM_LAG',
  stream: 'orders',
  consumerGroup: 'shop',
  lag: 9,
  severity: 'CRITICAL',
  threshold: 5,
  recovered: false,
};

describe('the log', () => {
  it('tells operators of a broken connection without what a caller could do', () => {
    const cause = new Error('read ECONNRESET');
    const broken = new NatsConnectionError('unknown', 'serving commands', cause);
    logged().emit('disconnected', { role: 'commands', error: broken });
    expect(lines).toEqual([
      'warn [Streams] The commands connection broke and is being replaced: No connection to NATS while serving commands: read ECONNRESET.',
    ]);
  });

  it('names handler, message and seconds of a method that overruns', () => {
    const events = logged();
    const where = { ...place, handler: 'Orders.handle', id: '1-1', attempt: 1 };
    const run = { ...where, consumer: 'me', eventType: 'order', messages: 1, runningFor: 3040 };
    events.emit('overrun', { ...run, reason: 'timeout', slotGivenBack: true });
    events.emit('overrun', { ...run, id: '1-2', reason: 'stream-ended', slotGivenBack: false });
    events.emit('overrun-ended', {
      ...where,
      reason: 'timeout',
      slotGivenBack: true,
      duration: 61_000,
    });
    const stream = 'stream "orders" and group "shop"';
    expect(lines).toEqual([
      `warn [Streams] Orders.handle still runs after 3.0 s with message 1-1 of ${stream}, beyond its ` +
        'timeout. Other messages use its slot. Until the method has ended, the message does not ' +
        'start again in this process.',
      `warn [Streams] Orders.handle still runs after 3.0 s with message 1-2 of ${stream}, after its ` +
        'stream has ended. It keeps its slot: fewer other messages run (maxOverrun). Until the method ' +
        'has ended, the message does not start again in this process.',
      `log [Streams] Orders.handle has ended with message 1-1 of ${stream}, after 61.0 s`,
    ]);
  });

  it('tells an operator what happened', () => {
    const events = logged();
    events.emit('warning', { code: 'DEFAULT_GROUP', message: 'Choose a group.' });
    events.emit('group-recreated', { ...place, from: '0' });
    events.emit('data-loss-suspected', { ...place, after: '0', upTo: '5-0' });
    events.emit('stream-unreadable', { ...place, error });
    events.emit('worker-error', { worker: 'reader', error });
    events.emit('disconnected', { role: 'reader', error });
    events.emit('connected', { role: 'reader' });
    events.emit('disconnected', { role: 'commands', slots: ['stateStore'], error });
    events.emit('connected', { role: 'commands', slots: ['stateStore'] });
    const queue = { role: 'commands', slots: ['stateStore', 'deadLetterQueue'] };
    events.emit('unreachable', { ...queue, address: 'a:1', error });
    events.emit('reading-paused', { group: 'shop', parked: 1000 });
    events.emit('reading-resumed', { group: 'shop' });
    events.emit('trimmed', { ...place, count: 3 });
    events.emit('messages-lost', { ...place, count: 7, why: 'buffer-full' });
    events.emit('messages-lost', { ...place, count: undefined, why: 'outage' });
    events.emit('messages-lost', { ...place, count: 2, why: 'deleted' });
    events.emit('entries-deleted', { stream: 'orders', count: 9, lost: 4, groups: ['shop', 'b'] });
    events.emit('stream-lag', lag);
    events.emit('stream-lag', { ...lag, lag: 2, recovered: true });
    events.emit('listener-failed', { listener: 'Pager.page', error });
    events.emit('publish-failed', { stream: 'orders', eventType: 'order', error });
    events.emit('dead-lettered', deadLettered);
    expect(lines.map((line) => line.replace(' [Streams]', ''))).toEqual([
      expect.stringMatching(/^warn Choose a group. \(DEFAULT_GROUP\)$/),
      expect.stringMatching(/^warn The group of stream "orders" and group "shop"/),
      expect.stringMatching(/^error .*between 0 and 5-0/),
      expect.stringMatching(/^error .*it broke/),
      expect.stringMatching(
        /^error The reader failed, and tries again while this process runs: it broke/,
      ),
      expect.stringMatching(/^warn The reader connection broke .*it broke/),
      expect.stringMatching(/^log The reader connection works again/),
      expect.stringMatching(/^warn The commands connection of slot stateStore broke .*it broke/),
      expect.stringMatching(/^log The commands connection of slot stateStore works again/),
      expect.stringMatching(/^warn Slots stateStore and deadLetterQueue: it broke/),
      expect.stringMatching(/^warn .*1000 messages/),
      expect.stringMatching(/^log Group "shop" reads on/),
      expect.stringMatching(/^warn 3 pending messages/),
      expect.stringMatching(/^warn 7 messages of stream "orders" and group "shop" are lost: more/),
      expect.stringMatching(/^warn Messages of stream "orders" .* may be lost: .* not connected/),
      expect.stringMatching(/^warn 2 messages of stream "orders" .* are lost: .* retention/),
      expect.stringMatching(/^warn 4 messages of stream "orders" .* shop, b had not settled/),
      expect.stringMatching(/^error Group "shop" of stream "orders" is 9 messages behind/),
      expect.stringMatching(/^log Group "shop" .* is 2 messages behind, again within .* 5$/),
      expect.stringMatching(/^error Pager\.page, .*it broke/),
      expect.stringMatching(/^error "order" was not published to "orders".*it broke/),
      expect.stringMatching(
        /^error Message 1-1 .*after run 5 of Orders\.handle: max-deliveries \(StockError: none left\)/,
      ),
    ]);
  });

  it('says of which message a settlement failed, once for many of a group', () => {
    const events = logged();
    const settling = { ...place, id: '1-1', handler: 'Orders.handle' };
    events.emit('worker-error', { worker: 'settler', error, settling });
    events.emit('worker-error', { worker: 'settler', error, settling: { ...settling, id: '1-2' } });
    expect(lines).toEqual([
      expect.stringMatching(
        /^error .*settler failed at message 1-1 of stream "orders" and group "shop", handled by Orders\.handle, and tries again .*: it broke$/,
      ),
    ]);
  });

  it('says why a message was dropped: no other place keeps the error', () => {
    const events = logged();
    const { id, eventType, handler } = deadLettered;
    const dropped = { ...place, id, eventType, handler };
    const stock = deadLettered.error;
    events.emit('messages-dropped', { ...dropped, reason: 'max-deliveries', error: stock });
    events.emit('messages-dropped', { ...dropped, reason: 'unmatched', error: undefined });
    expect(lines).toEqual([
      expect.stringMatching(
        /given up and dropped: max-deliveries \(StockError: none left\)\. Furth/,
      ),
      expect.stringMatching(/given up and dropped: unmatched\. Further/),
    ]);
  });

  it('is silent about what is as it should be', () => {
    const events = logged();
    events.emit('connected', { role: 'commands' });
    events.emit('settled', { ...deadLettered, outcome: 'handled' });
    events.emit('settled', { ...deadLettered, outcome: 'retried' });
    events.emit('entries-deleted', { stream: 'orders', count: 9, lost: 0, groups: [] });
    expect(lines).toEqual([]);
  });

  it('says what is alike once in a while', () => {
    const events = logged();
    for (let count = 0; count < 5; count++)
      events.emit('worker-error', { worker: 'reader', error });
    for (const id of ['1-1', '1-2']) events.emit('dead-lettered', { ...deadLettered, id });
    events.emit('dead-lettered', { ...deadLettered, handler: 'Orders.other' });
    expect(lines).toHaveLength(3);
    vi.advanceTimersByTime(10_000);
    events.emit('worker-error', { worker: 'reader', error });
    expect(lines.at(-1)).toMatch(/it broke \(and 4 more like it before\)$/);
  });

  it('tells how many were left out, once that is over', () => {
    vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] });
    const events = logged();
    for (let count = 1; count <= 5; count++)
      events.emit('run-failed', { ...retried, id: `${count}-1` });
    expect(lines).toHaveLength(1);
    vi.advanceTimersByTime(10_000);
    expect(lines).toHaveLength(2);
    expect(lines[1]).toMatch(/ for message 5-1 .* \(and 3 more like it before\)$/);
    vi.advanceTimersByTime(60_000);
    expect(lines).toHaveLength(2);
  });

  it('tells of an outage once in a while for all its tasks, and not once it is over', () => {
    vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] });
    const events = logged();
    const away = new RedisConnectionError('not-sent', 'looking after streams', error);
    const settling = { ...place, id: '1-1', handler: undefined };
    const fail = (): void => {
      for (const worker of ['reader', 'reclaimer', 'scheduler', 'lag monitor'] as const)
        events.emit('worker-error', { worker, error: away });
      events.emit('worker-error', { worker: 'settler', error: away, settling });
    };
    events.emit('disconnected', { role: 'commands', error: away });
    fail();
    expect(lines).toEqual([
      expect.stringMatching(/^warn .* The commands connection broke/),
      expect.stringMatching(/^error .* The reader failed, and tries again/),
    ]);
    vi.advanceTimersByTime(10_000);
    expect(lines.at(-1)).toMatch(
      /The settler failed at message 1-1 .* \(and 3 more like it before\)$/,
    );
    fail();
    events.emit('connected', { role: 'commands' });
    vi.advanceTimersByTime(60_000);
    expect(lines.slice(3)).toEqual(['log [Streams] The commands connection works again']);
    // Others have a line of their own.
    events.emit('worker-error', { worker: 'reader', error });
    events.emit('worker-error', { worker: 'reclaimer', error });
    expect(lines).toHaveLength(6);
  });

  it('tells at the end of the runtime what was left out', async () => {
    const runtime = new StreamsRuntime({ slots: inAllSlots(memory()) });
    logEvents(runtime);
    for (let count = 1; count <= 4; count++)
      runtime.events.emit('run-failed', { ...retried, id: `${count}-1` });
    expect(lines).toHaveLength(1);
    await runtime.close();
    expect(lines).toHaveLength(2);
    expect(lines[1]).toMatch(/ for message 4-1 .* \(and 2 more like it before\)$/);
  });

  it('says of a failed run which message it was, and when it runs again', () => {
    logged().emit('run-failed', retried);
    expect(lines).toEqual([
      'warn [Streams] Run 2 of Orders.handle for message 1-1 of stream "orders" and group "shop" ' +
        'failed: StockError: none left. The next run is due in 4000 ms.',
    ]);
  });

  it('names the runs that closing waits for, and those that it gives up', () => {
    const events = logged();
    const run = { stream: 'orders', id: '1-1', eventType: 'order', handler: 'Orders.handle' };
    events.emit('runs-awaited', { group: 'shop', runs: [run], atMost: 26_000 });
    const runs = ['1-1', '1-2', '1-3', '1-4'].map((id) => ({ ...run, id }));
    events.emit('runs-given-up', { group: 'shop', runs });
    const named = runs.slice(0, 3).map(({ id }) => `Orders.handle with ${id} of "orders"`);
    expect(lines).toEqual([
      'log [Streams] Closing waits for 1 run of group "shop", for 26.0 s more at most (gracePeriod): ' +
        `${named[0]}. A run that awaits close() in a timer, in a later step of an Observable, or ` +
        'through a promise that others await too, waits for itself: call close() there without ' +
        'awaiting it.',
      `warn [Streams] Closing no longer waits for 4 runs of group "shop": ${named.join(', ')} and 1 ` +
        'more. The messages are released, uncounted, and run again in another process, or after a ' +
        'restart. Let the handler stop when context.signal aborts, or raise gracePeriod.',
    ]);
  });

  it('says of a message without a handler which event type it has, and what to do', () => {
    const { error: _, ...rest } = deadLettered;
    const unrun = { ...rest, handler: undefined };
    logged().emit('dead-lettered', { ...unrun, attempt: 1, reason: 'unmatched' });
    expect(lines).toEqual([
      'error [Streams] Message 1-1 "order" of stream "orders" and group "shop" was dead-lettered: ' +
        'unmatched. No live consumer of the group handles this event type. Start one that does, then ' +
        'redrive the message.',
    ]);
  });

  it('says which announcement of which service was discarded, and why', () => {
    const events = logged();
    events.emit('assignment-discarded', { service: 'svc', id: '5-0', reason: 'reserved_name' });
    events.emit('assignment-discarded', { service: 'svc', id: '6-0', reason: 'unparseable' });
    const moved = (id: string) =>
      `warn [Streams] Announcement ${id} of service "svc" was moved to "svc-input-dlq": `;
    expect(lines).toEqual([
      `${moved('5-0')}its name belongs to the service itself`,
      `${moved('6-0')}it names no stream`,
    ]);
  });

  it('does not speak of runs that were elsewhere, or nowhere', () => {
    const events = logged();
    const { error: _, ...unrun } = deadLettered;
    events.emit('dead-lettered', { ...unrun, attempt: 7, reason: 'crashed' });
    events.emit('dead-lettered', { ...unrun, attempt: 1, reason: 'undecodable' });
    expect(lines).toEqual([
      expect.stringMatching(
        /dead-lettered without a run of Orders\.handle here, as none of its 7 deliveries was settled: crashed$/,
      ),
      expect.stringMatching(/dead-lettered without a run of Orders\.handle here: undecodable$/),
    ]);
  });

  it('is written once, however many share the runtime, under the name of the transport', () => {
    const runtime = new StreamsRuntime({ slots: inAllSlots(memory()), name: 'audit' });
    logEvents(runtime);
    logEvents(runtime);
    runtime.events.emit('warning', { code: 'X', message: 'Mind.' });
    expect(lines).toEqual(['warn [Streams:audit] Mind. (X)']);
  });

  it('never shows a password', () => {
    const events = logged();
    const [user, word] = [secretInUrl('user'), wordOf('another')];
    const urls = `connect redis://u:${user}@host:6379/0 failed, rediss://:${word}@b`;
    const failed = new Error(urls);
    events.emit('worker-error', { worker: 'reader', error: failed });
    expect(lines.join()).toContain('redis://***@host:6379/0 failed, rediss://***@b');
    expect(lines.join()).not.toMatch(/ToNobody/);
  });
});
