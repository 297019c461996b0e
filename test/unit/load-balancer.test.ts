import { describe, expect, it } from 'vitest';
import { decodeShare, encodeShare, fairShares } from '../../lib/load-balancing/fair-share.js';
import { LockKeeper } from '../../lib/load-balancing/lock-keeper.js';
import { OwnedStream, OwnedStreams } from '../../lib/load-balancing/owned-stream.js';
import { EventBus } from '../../lib/core/event-bus.js';
import type { StreamLocks } from '../../lib/ports/stream-locks.js';
import { ManualClock } from '../../lib/drivers/memory/manual-clock.js';
import { Notifications, type StreamNotification } from '../../lib/load-balancing/notifications.js';
import { decodeAssignment, encodeAssignment } from '../../lib/load-balancing/stream-assignment.js';
import { mergedFlags } from '../../lib/drivers/redis/ownership/expiry-hints.js';
import { Keys } from '../../lib/drivers/redis/keys/keys.js';
import { inputProblem } from '../../lib/drivers/redis/keys/stream-name-problems.js';
import { resolveLoadBalancer } from '../../lib/options/load-balancer-options.js';
import { standIn } from '../support/stand-in.js';

const MANY = Number.MAX_SAFE_INTEGER;

describe('fair shares', () => {
  const share = (total: number, ...owned: readonly (readonly [number, number?])[]) => {
    const sharers = owned.map(([own, limit = MANY], index) => ({
      consumer: `c${index}`,
      owned: own,
      limit,
    }));
    const shares = fairShares(total, sharers);
    return sharers.map(({ consumer }) => shares.get(consumer));
  };

  it('are equal, and add up', () => {
    expect(share(12, [12], [0], [0])).toEqual([4, 4, 4]);
    expect(share(200, [0], [0], [0], [0], [0])).toEqual([40, 40, 40, 40, 40]);
  });

  it('leave one more to who has more, so that nothing moves without need', () => {
    expect(share(5, [3], [2])).toEqual([3, 2]);
    expect(share(5, [2], [3])).toEqual([2, 3]);
    expect(share(7, [2], [2], [3])).toEqual([2, 2, 3]);
  });

  it('give to others what a limit leaves over', () => {
    expect(share(12, [0, 2], [12])).toEqual([2, 10]);
    expect(share(12, [0, 2], [0, 3], [12])).toEqual([2, 3, 7]);
    expect(share(12, [0, 2], [0, 3])).toEqual([2, 3]);
  });

  it('are told as text, to which a later version may add', () => {
    expect(decodeShare('c', encodeShare(3, MANY, true))).toEqual({
      ...{ consumer: 'c', owned: 3, limit: MANY },
      accepts: true,
    });
    expect(decodeShare('c', encodeShare(3, MANY, false))?.accepts).toBe(false);
    expect(decodeShare('c', '3 4 and more')).toEqual({
      ...{ consumer: 'c', owned: 3, limit: 4 },
      accepts: false,
    });
    expect(decodeShare('c', 'something else')).toBeUndefined();
  });
});

describe('an assignment', () => {
  it('is written as Go reads it, and read as Go would', () => {
    const fields = encodeAssignment('user-1', { a: [1, null] });
    expect(fields).toEqual(['lbs-input', '{"DataStreamName":"user-1","Info":{"a":[1,null]}}']);
    expect(decodeAssignment('1-1', fields)).toEqual({
      id: '1-1',
      stream: 'user-1',
      info: { a: [1, null] },
    });
    for (const text of ['{"DATASTREAMNAME":"x"}', '{"dataStreamName":"x","info":null}']) {
      const decoded = decodeAssignment('1-1', ['_retry_count', '2', 'lbs-input', text]);
      expect(decoded).toEqual({ id: '1-1', stream: 'x', info: {} });
    }
  });

  it.each([
    ['{"DataStreamName":"a","datastreamname":"b"}', 'b', {}],
    ['{"datastreamname":"a","DataStreamName":"b"}', 'b', {}],
    ['{"DataStreamName":"a","datastreamname":null}', 'a', {}],
    ['{"DataStreamName":"a","Info":{"x":1},"INFO":{"y":2}}', 'a', { x: 1, y: 2 }],
    ['{"DataStreamName":"a","Info":{"x":1},"info":null}', 'a', {}],
  ])('has keys that differ in case as Go has them: %s', (text, stream, info) => {
    expect(decodeAssignment('1-1', ['lbs-input', text])).toEqual({ id: '1-1', stream, info });
  });

  it('stands in the last of several fields, as in Go', () => {
    const fields = ['lbs-input', '{"DataStreamName":"a"}', 'lbs-input', '{"DataStreamName":"b"}'];
    expect(decodeAssignment('1-1', fields)?.stream).toBe('b');
    expect(decodeAssignment('1-1', [...fields, 'lbs-input', 'x'])).toBeUndefined();
  });

  it.each([
    '{"DataStreamName":"a","datastreamname":7}',
    '',
    '[]',
    'null',
    '7',
    '{}',
    '{"DataStreamName":""}',
    '{"DataStreamName":"x","Info":[]}',
  ])('is none: %s', (text) => expect(decodeAssignment('1-1', ['lbs-input', text])).toBeUndefined());
});

describe('its lock', () => {
  it('is found by what it is about, with a prefix that is a pattern, too', () => {
    const keys = new Keys('a[b]*:');
    const lock = keys.lock('user<MUTEX_KEY_SEP>1', '5-0');
    expect(lock).toBe('a[b]*:user<MUTEX_KEY_SEP>1<MUTEX_KEY_SEP>5-0');
    expect(keys.placeOfLock(lock)).toEqual({ stream: 'user<MUTEX_KEY_SEP>1', id: '5-0' });
    expect(keys.placeOfLock('else<MUTEX_KEY_SEP>5-0')).toBeUndefined();
    expect(keys.placeOfLock('a[b]*:user')).toBeUndefined();
    expect(keys.anyLock).toBe('a\\[b\\]\\*:*<MUTEX_KEY_SEP>*');
  });
});

describe('a name of a stream of a service', () => {
  const keys = new Keys('');
  const own = [
    keys.inputs('svc'),
    keys.inputLetters('svc'),
    keys.members('svc'),
    keys.handedInputs('svc'),
    keys.probe('svc', 'a'),
    keys.lock('x', '1700000000000-0'),
    keys.fence('x'),
    keys.assignment('x'),
    keys.redrive('x', 'g'),
    keys.deadLetters('x'),
    keys.floor('x'),
    keys.published('x', 'k'),
    keys.consumers('x', 'g'),
  ];

  it.each(own)('may not be a key of the service or of this library: %s', (name) => {
    expect(inputProblem(keys, 'svc', name)).toContain(`"${name}"`);
  });

  it.each(['svc', 'other-input', 'svc-input-2', 'x', '{x}:mine'])('may be %s', (name) => {
    expect(inputProblem(keys, 'svc', name)).toBeUndefined();
  });
});

it.each([
  ['', 'KEx'],
  ['xKE', undefined],
  ['AKE', undefined],
  ['Kg', 'KgEx'],
  ['Ex', 'ExK'],
])('notify-keyspace-events "%s" becomes %s', (set, merged) => {
  expect(mergedFlags(set)).toBe(merged);
});

describe('options', () => {
  const resolve = (options: object, env: NodeJS.ProcessEnv = {}) =>
    resolveLoadBalancer({ service: 's', ...options }, env);

  it('name the consumer by its pod, its address, or not at all', () => {
    const env = { POD_NAME: 'pod', POD_IP: '10.0.0.1' };
    expect(resolve({}, env).consumer).toBe('redis-consumer-pod');
    expect(resolve({}, { POD_IP: '10.0.0.1' }).consumer).toBe('redis-consumer-10.0.0.1');
    expect(resolve({ consumerId: 'mine' }, env).consumer).toBe('mine');
    expect(() => resolve({})).toThrow(/POD_NAME or POD_IP/);
  });

  it.each([
    { idleTime: 3999 },
    { recoveryCount: 0 },
    { retry: { maxRetries: -2 } },
    { retry: { initialDelay: 0 } },
    { retry: { initialDelay: 50, maxDelay: 49 } },
    { maxStreams: 0 },
    { scanInterval: 0 },
    { notifications: 'maybe' },
    { service: '' },
    { idelTime: 5000 },
    { retry: { initialRetryDelay: 50 } },
    { retry: 7 },
    { rebalance: 'no' },
  ])('%o cannot work', (wrong) => {
    expect(() => resolve({ consumerId: 'c', ...wrong })).toThrow(Object.keys(wrong)[0]);
  });

  it('have the documented defaults', () => {
    expect(resolve({ consumerId: 'c' })).toMatchObject({
      idleTime: 40_000,
      recoveryCount: 1000,
      retry: { maxRetries: 5, delay: 100, maxDelay: 30_000 },
      scanInterval: 5000,
      rebalance: true,
      hints: 'configure',
    });
    resolve({ consumerId: 'c', idleTime: 4000, retry: { maxRetries: -1 } });
  });
});

it('a stream that is found lost while it ends is not told of as lost', async () => {
  const stream = new OwnedStream({ id: '1-1', stream: 'x', info: {} }, 1, 0);
  const owned = new OwnedStreams();
  owned.add(stream);
  const clock = new ManualClock();
  const lost: unknown[] = [];
  // The reply about the completion comes in the same moment, and is heard a little later.
  const extend = async () => {
    queueMicrotask(() => queueMicrotask(() => queueMicrotask(() => (stream.ending = true))));
    return ['lost' as const];
  };
  const keeper = new LockKeeper({
    clock,
    events: new EventBus(),
    locks: standIn<StreamLocks>({ extend }),
    owned,
    interval: 300,
    onLost: (one) => lost.push(one),
  });
  await clock.advance(1000);
  expect(await keeper.fresh()).toBe(true);
  expect(lost).toEqual([]);
});

describe('notifications', () => {
  const told = (reason: string): StreamNotification => ({ type: 'StreamTerminated', reason });

  it('wait for the first listener; later ones hear what happens from then on', () => {
    const log = new Notifications();
    log.push(told('1'));
    expect(log.waiting).toBe(1);
    const [first, second]: StreamNotification[][] = [[], []];
    const end = log.listen((one) => first!.push(one));
    log.listen((one) => second!.push(one));
    log.push(told('2'));
    end();
    log.push(told('3'));
    expect(first).toEqual([told('1'), told('2')]);
    expect(second).toEqual([told('2'), told('3')]);
  });

  it('do not gather once a listener has come and gone', async () => {
    const log = new Notifications();
    log.listen(() => undefined)();
    log.push(told('1'));
    expect(log.waiting).toBe(0);
  });

  it('are iterated over, each by itself, and end', async () => {
    const log = new Notifications();
    log.push(told('1'));
    const one = log[Symbol.asyncIterator]();
    const other = log[Symbol.asyncIterator]();
    log.push(told('2'));
    expect(log.waiting).toBe(2);
    expect(await one.next()).toMatchObject({ value: told('1') });
    expect(await other.next()).toMatchObject({ value: told('2') });
    const waiting = other.next();
    log.end();
    expect(await waiting).toEqual({ value: undefined, done: true });
    expect(await one.next()).toMatchObject({ value: told('2') });
    expect(await one.next()).toEqual({ value: undefined, done: true });
    log.push(told('too late'));
    expect(log.waiting).toBe(0);
  });

  it('that no loop iterates over any more are forgotten', async () => {
    const log = new Notifications();
    const iterator = log[Symbol.asyncIterator]();
    log.push(told('1'));
    await iterator.return!();
    expect(log.waiting).toBe(0);
    expect(await iterator.next()).toEqual({ value: undefined, done: true });
  });
});
