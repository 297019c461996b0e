import { Logger } from '@nestjs/common';
import { memory } from 'nestjs-redis-streams/memory';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StreamsEventName, StreamsEvents } from '../../lib/core/events.js';
import { errorRecord } from '../../lib/core/errors/error-record.js';
import { HandlerTimeoutError } from '../../lib/core/errors/handling.errors.js';
import { EntryTooLargeError } from '../../lib/core/errors/server.errors.js';
import { logEvents } from '../../lib/nest/transport/event-log.js';
import { StreamsRuntime } from '../../lib/runtime/streams-runtime.js';
import { inAllSlots } from '../support/in-all-slots.js';
import { secretInUrl, wordOf } from '../support/secrets.js';

/** The arguments of each call of Nest's logger. */
const calls: unknown[][] = [];
beforeEach(() => {
  const write = (...args: unknown[]): void => void calls.push(args);
  Logger.overrideLogger({ log: write, warn: write, error: write });
});
afterEach(() => {
  Logger.overrideLogger(false);
  calls.length = 0;
});

function logged(): StreamsRuntime['events'] {
  const runtime = new StreamsRuntime({ slots: inAllSlots(memory()) });
  logEvents(runtime);
  return runtime.events;
}

const place = { stream: 'orders', group: 'shop' };
const message = { ...place, id: '1-1', eventType: 'order', handler: 'Orders.handle' };
const error = new Error('it broke');
const refused = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
const run = {
  ...message,
  consumer: 'me',
  attempt: 5,
  duration: 1,
  publishedAt: 0,
  wait: 0,
  handlerTime: 0,
  messages: 1,
};

/** An event, and the fields of its line. */
type Case = {
  [N in StreamsEventName]: [event: N, StreamsEvents[N], fields: Record<string, unknown>];
}[StreamsEventName];

const cases: Case[] = [
  [
    'dead-lettered',
    {
      ...run,
      outcome: 'dead-lettered',
      reason: 'max-deliveries',
      workflow: 'w-1',
      error: { name: 'StockError', message: 'none left', stack: 'at place' },
    },
    { ...message, attempt: 5, workflow: 'w-1', reason: 'max-deliveries' },
  ],
  [
    'dead-lettered',
    {
      ...run,
      outcome: 'dead-lettered',
      reason: 'timed-out',
      error: errorRecord(new HandlerTimeoutError('Orders.handle', 5)),
    },
    { ...message, attempt: 5, reason: 'timed-out', code: 'HANDLER_TIMEOUT' },
  ],
  [
    'run-failed',
    { ...run, outcome: 'retried', delay: 4, error: { name: 'StockError', message: 'none left' } },
    { ...message, attempt: 5 },
  ],
  [
    'dead-lettered',
    { ...run, eventType: '', handler: undefined, outcome: 'held', attempt: 0 },
    {
      ...place,
      id: '1-1',
      attempt: 0,
    },
  ],
  [
    'messages-dropped',
    { ...message, reason: 'unmatched', error: undefined },
    {
      ...message,
      reason: 'unmatched',
    },
  ],
  ['strategy-failed', { ...message, error, action: 'hold' }, { ...message, action: 'hold' }],
  [
    'overrun',
    {
      ...message,
      attempt: 2,
      consumer: 'me',
      messages: 1,
      runningFor: 9,
      reason: 'timeout',
      slotGivenBack: true,
    },
    { ...message, attempt: 2, reason: 'timeout' },
  ],
  ['runs-given-up', { group: 'shop', runs: [message] }, message],
  ['runs-awaited', { group: 'shop', runs: [message, message], atMost: 1 }, { group: 'shop' }],
  [
    'worker-error',
    { worker: 'settler', error: refused, settling: message },
    {
      ...place,
      id: '1-1',
      eventType: 'order',
      handler: 'Orders.handle',
      worker: 'settler',
      code: 'ECONNREFUSED',
    },
  ],
  [
    'worker-error',
    { worker: 'load balancer', service: 'svc', error },
    {
      worker: 'load balancer',
      service: 'svc',
    },
  ],
  ['disconnected', { role: 'reader', error: refused }, { role: 'reader', code: 'ECONNREFUSED' }],
  ['stream-unreadable', { ...place, error }, place],
  ['warning', { code: 'DEFAULT_GROUP', message: 'Choose a group.' }, { code: 'DEFAULT_GROUP' }],
  ['trimmed', { ...place, count: 3 }, { ...place, count: 3 }],
  ['messages-lost', { ...place, count: undefined, why: 'outage' }, { ...place, why: 'outage' }],
  [
    'entries-deleted',
    { stream: 'orders', count: 9, lost: 4, groups: ['shop'] },
    {
      stream: 'orders',
      count: 9,
      lost: 4,
    },
  ],
  [
    'stream-lag',
    {
      type: 'STREAM_LAG',
      stream: 'orders',
      consumerGroup: 'shop',
      lag: 9,
      severity: 'CRITICAL',
      threshold: 5,
      recovered: false,
    },
    place,
  ],
  [
    'consumer-started',
    { streams: ['orders'], group: 'shop', consumer: 'me', events: ['*'] },
    place,
  ],
  [
    'consumer-started',
    { streams: ['1', '2', '3', '4', '5', '6'], group: 'shop', consumer: 'me', events: ['*'] },
    { group: 'shop', streams: ['1', '2', '3', '4', '5'] },
  ],
  ['listener-failed', { listener: 'Pager.page', error }, { listener: 'Pager.page' }],
  ['reading-paused', { group: 'shop', parked: 9 }, { group: 'shop' }],
  [
    'assignment-discarded',
    { service: 'svc', id: '5-0', reason: 'unparseable' },
    {
      id: '5-0',
      service: 'svc',
      reason: 'unparseable',
    },
  ],
  [
    'outbox-dead',
    { id: '7', key: 'ada@example.com', stream: 'orders', refusals: 3, error },
    {
      id: '7',
      stream: 'orders',
    },
  ],
  [
    'administered',
    {
      action: 'dead-letters.redrive',
      ...place,
      by: 'alice',
      count: 2,
      details: { ids: ['1', '2'] },
    },
    { ...place, action: 'dead-letters.redrive', by: 'alice', count: 2 },
  ],
];

describe('a log line has an object beside its text', () => {
  it.each(cases)('%s', (name, event, fields) => {
    logged().emit(name, event as never);
    expect(calls).toEqual([[expect.any(String), { event: name, ...fields }, 'Streams']]);
    // Nest's logger takes plain objects alone for fields.
    expect(Object.getPrototypeOf(calls[0]![1])).toBe(Object.prototype);
  });

  it('with the code of an error of this library', () => {
    const large = new EntryTooLargeError('orders', 'shop', '1-1', { bytes: 9, limit: 5 });
    logged().emit('entry-too-large', { ...place, id: '1-1', bytes: 9, error: large });
    expect(calls[0]![1]).toEqual({
      event: 'entry-too-large',
      ...place,
      id: '1-1',
      code: 'ENTRY_TOO_LARGE',
    });
  });

  it('also where a connection works again', () => {
    const events = logged();
    events.emit('disconnected', { role: 'reader', error });
    events.emit('connected', { role: 'reader' });
    expect(calls.map(([, fields]) => fields)).toEqual([
      { event: 'disconnected', role: 'reader' },
      { event: 'connected', role: 'reader' },
    ]);
  });

  it('that never shows what an error says, nor what looks like no code', () => {
    const word = wordOf('another');
    const leaky = Object.assign(new Error(`redis://u:${secretInUrl('user')}@host ${word}`), {
      name: word,
      code: `password ${word}`,
      payload: word,
    });
    const events = logged();
    events.emit('worker-error', { worker: 'reader', error: leaky });
    events.emit('dead-lettered', {
      ...run,
      outcome: 'dead-lettered',
      reason: 'rejected',
      error: { name: word, message: word, stack: word },
    });
    const details = { position: word };
    events.emit('administered', { action: 'groups.set-position', ...place, details, error: leaky });
    expect(calls).toHaveLength(3);
    expect(JSON.stringify(calls.map(([, fields]) => fields))).not.toMatch(/ToNobody/);
  });

  it('without passwords of urls, and no longer than a line can bear', () => {
    const by = `redis://u:${secretInUrl('user')}@host`;
    logged().emit('administered', { action: 'reading.pause', stream: 's'.repeat(9999), by });
    const { stream, by: said } = calls[0]![1] as { stream: string; by: string };
    expect(said).toBe('redis://***@host');
    expect(stream.length).toBeLessThanOrEqual(256);
    expect(calls[0]![0]).not.toMatch(/ToNobody/);
  });
});

describe('administrative actions', () => {
  const redrive = {
    action: 'dead-letters.redrive',
    ...place,
    details: { ids: ['1-1'] },
    count: 1,
  } as const;

  it('have a line that says who did what, to what, and what became of it', () => {
    const events = logged();
    events.emit('administered', { ...redrive, by: 'alice' });
    events.emit('administered', { action: 'reading.pause', ...place, count: 1 });
    events.emit('administered', { action: 'dead-letters.purge', stream: 'orders', error });
    events.emit('administered', {
      action: 'workflows.cancel',
      stream: undefined,
      details: { id: 'w-1' },
      by: 'bob "b"\n',
      count: 0,
    });
    events.emit('administered', { action: 'groups.remove-consumer', ...place, count: 0 });
    const where = 'on stream "orders" and group "shop"';
    expect(calls.map(([text]) => text)).toEqual([
      `Administrative action dead-letters.redrive, asked for by "alice", ${where}, with {"ids":["1-1"]}: changed 1`,
      `Administrative action reading.pause, ${where}: changed 1`,
      'Administrative action dead-letters.purge, on stream "orders": failed: it broke',
      String.raw`Administrative action workflows.cancel, asked for by "bob \"b\"\n", with {"id":"w-1"}: changed 0`,
      `Administrative action groups.remove-consumer, ${where}: handed over 0`,
    ]);
  });

  it('of a person have a line each, also where they are alike, and none for redriven', () => {
    const events = logged();
    for (let times = 0; times < 3; times++) {
      events.emit('administered', { ...redrive, by: 'alice' });
      events.emit('redriven', { ...redrive, by: 'alice' });
    }
    expect(calls).toHaveLength(3);
  });

  it('without a name have one line in a while: an application may call them all day', () => {
    const events = logged();
    const cancel = { action: 'delayed-messages.cancel', stream: 'orders', count: 1 } as const;
    for (const id of ['1-1', '1-2']) events.emit('administered', { ...cancel, details: { id } });
    events.emit('administered', { ...cancel, details: { id: '1-3' }, error });
    events.emit('administered', { ...cancel, stream: 'bills', details: { id: '1-4' } });
    expect(calls.map(([text]) => /"id":"(.*?)"/.exec(String(text))?.[1])).toEqual([
      '1-1',
      '1-3',
      '1-4',
    ]);
  });
});
