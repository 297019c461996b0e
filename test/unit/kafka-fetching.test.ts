import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { FetchRequest } from '../../lib/drivers/kafka/connection/kafka-group.js';
import { KafkaReplyError } from '../../lib/drivers/kafka/errors/kafka-reply.error.js';
import type { MemberParts } from '../../lib/drivers/kafka/members/member-parts.js';
import { Member } from '../../lib/drivers/kafka/members/member.js';
import { withOwnMemory } from '../../lib/drivers/kafka/partitions/own-memory.js';
import { Fetching } from '../../lib/drivers/kafka/reading/fetching.js';
import { ToldErrors } from '../../lib/drivers/connections/told-errors.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const MIB = 1024 * 1024;

describe('fetches of a topic', () => {
  /** Fetches that never succeed, or never end. */
  function fetching({ room = 32 * MIB, fails = true } = {}) {
    const asked: FetchRequest[] = [];
    const failed = new KafkaReplyError('fetch', 'NOT_LEADER_FOR_PARTITION', 'It has moved');
    const fetch = (request: FetchRequest) => {
      asked.push(request);
      return fails ? Promise.reject(failed) : new Promise<never>(() => undefined);
    };
    const made = new Fetching(
      { fetch },
      {
        wanted: (partitions) => ({
          positions: partitions.map((partition) => ({ partition, offset: 0 })),
          hasOthers: false,
        }),
        room: () => room,
        onBatch: () => undefined,
        onOutOfRange: async () => undefined,
        onFailed: () => undefined,
      },
    );
    onTestFinished(() => made.stop());
    return { asked, fetching: made };
  }
  const settled = () => vi.advanceTimersByTimeAsync(0);

  test('that have failed wait, also where records of other partitions are taken', async () => {
    const { asked, fetching: made } = fetching();
    made.use(new Map([['1', [0]]]));
    for (let turn = 0; turn < 50; turn++) {
      made.wake();
      await settled();
    }
    expect(asked).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(100);
    expect(asked.length).toBeGreaterThan(1);
  });

  test('that have failed wait no longer once the node leads other partitions', async () => {
    const { asked, fetching: made } = fetching();
    made.use(new Map([['1', [0, 1]]]));
    await settled();
    made.use(new Map([['1', [0, 1]]]));
    await settled();
    expect(asked).toHaveLength(1);
    made.use(new Map([['1', [0]]]));
    await settled();
    expect(asked).toHaveLength(2);
  });

  test('that get no answer are known, as are those that are refused', async () => {
    const hanging = fetching({ fails: false });
    hanging.fetching.use(new Map([['1', [0]]]));
    await vi.advanceTimersByTimeAsync(40_000);
    const [{ unansweredFor, refusal } = {}] = hanging.fetching.answers;
    expect(unansweredFor).toBeGreaterThanOrEqual(40_000);
    expect(refusal).toBeUndefined();

    const refused = fetching();
    refused.fetching.use(new Map([['1', [0]]]));
    await vi.advanceTimersByTimeAsync(40_000);
    expect(refused.fetching.answers[0]!.refusal).toMatchObject({
      error: { message: expect.stringContaining('It has moved') },
      lasts: expect.closeTo(40_000, -3),
    });
  });

  for (const [room, bytes] of [
    [32 * MIB, 2 * MIB],
    [3 * MIB, MIB],
    [1, 64 * 1024],
  ] as const) {
    test(`ask for ${bytes} bytes where all nodes may bring ${room}`, async () => {
      const { asked, fetching: made } = fetching({ room, fails: false });
      made.use(new Map([1, 2, 3].map((node) => [String(node), [node]])));
      await settled();
      expect(asked.map(({ maxBytes }) => maxBytes)).toEqual([bytes, bytes, bytes]);
      expect(asked[0]!.maxBytesPerPartition).toBe(Math.min(bytes, MIB / 2));
    });
  }
});

test('a member that fails to join waits, also where fetches fail', async () => {
  let looks = 0;
  const leaders = () => {
    looks++;
    return Promise.reject(new Error('No broker'));
  };
  const group = { leaders, close: async () => undefined };
  const hooks = { onFailed: () => undefined, onLost: () => undefined };
  const timeouts = { sessionTimeout: 6000, rebalanceTimeout: 6000, metadataMaxAge: 6000 };
  const member = new Member({ ...timeouts, group, hooks } as object as MemberParts);
  member.start();
  for (let turn = 0; turn < 50; turn++) {
    member.lookAgain();
    await vi.advanceTimersByTimeAsync(0);
  }
  expect(looks).toBe(1);
  await vi.advanceTimersByTimeAsync(100);
  expect(looks).toBeGreaterThan(1);
  expect(member.answers.refusal).toMatchObject({ error: { message: 'No broker' } });
  const stopped = member.stop();
  await vi.advanceTimersByTimeAsync(2000);
  await stopped;
});

describe('a record that is kept for long', () => {
  const answer = Buffer.alloc(MIB, 'abcdefgh');
  const part = (at: number) => answer.subarray(at, at + 8);
  const record = {
    ...{ key: part(0), value: part(8) },
    headers: { one: part(16), none: null, many: [part(24), null, part(32)] },
  };

  test('has memory of its own, and is the same', () => {
    const own = withOwnMemory(record);
    expect(own).toEqual(record);
    expect(own.key!.buffer.byteLength).toBe(5 * 8);
    expect((own.headers['many'] as Buffer[])[2]!.buffer).toBe(own.value!.buffer);
    expect(withOwnMemory({ ...record, key: null }).key).toBeNull();
  });

  test('stays where it is if the answer is hardly larger', () => {
    const own = withOwnMemory(record);
    expect(withOwnMemory(own)).toBe(own);
    const nothing = { key: null, value: null, headers: {} };
    expect(withOwnMemory(nothing)).toBe(nothing);
  });
});

test('an error that lasts is told once a minute, others at once', () => {
  const told = new ToldErrors();
  const [one, other] = [new Error('one'), new Error('other')];
  expect([one, other, one, other].map((error) => told.isNew(error))).toEqual([
    ...[true, true, false, false],
  ]);
  vi.advanceTimersByTime(59_000);
  expect(told.isNew(one)).toBe(false);
  vi.advanceTimersByTime(1000);
  expect(told.isNew(one)).toBe(true);
});
