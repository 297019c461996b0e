import { afterEach, describe, expect, it, vi } from 'vitest';
import { EventBus } from '../../lib/core/event-bus.js';
import type { GroupOffset } from '../../lib/drivers/kafka/connection/kafka-client.js';
import { TopicMarks, type Mark } from '../../lib/drivers/kafka/groups/mark.js';
import { encodeMetadata } from '../../lib/drivers/kafka/partitions/offset-metadata.js';
import type { PartitionState } from '../../lib/drivers/kafka/partitions/partition-state.js';
import { PartitionStates } from '../../lib/drivers/kafka/partitions/partition-states.js';
import { progressAt } from '../../lib/drivers/kafka/partitions/progress.js';
import { OpeningPartitions } from '../../lib/drivers/kafka/reading/opening-partitions.js';

const READ = { stream: 'orders', topic: 'orders', groupId: 'shop/orders', isRetries: false };

/** A member that opens partitions of which the group has committed these offsets. */
class Opener {
  readonly opened: PartitionState[] = [];
  readonly fenced: number[] = [];
  readonly failed: Error[] = [];
  /** Called for each partition that is fenced. */
  fence = (_partition: number): Promise<void> => Promise.resolve();
  readonly opening: OpeningPartitions;

  constructor(committed: readonly GroupOffset[], marks = new TopicMarks(new Map())) {
    const states = new PartitionStates({
      ...{ ...READ, group: 'shop', decode: () => ({ fields: [] }), events: new EventBus() },
      holder: { consumer: 'one', released: () => undefined, settled: () => undefined },
      commit: async () => undefined,
      groupOffset: async ({ partition }) => committed[partition],
      transactions: {
        fence: ({ partition }) => {
          this.fenced.push(partition);
          return this.fence(partition);
        },
        end: async () => undefined,
      },
    });
    this.opening = new OpeningPartitions({
      read: READ,
      states,
      admin: {
        groupOffsets: async () => [...committed],
        offsets: async () => committed.map((_, partition) => ({ partition, low: 0, high: 100 })),
      },
      marks: async () => marks,
      onOpened: (state) => void this.opened.push(state),
      onFailed: (error) => void this.failed.push(error),
    });
  }
}

/** What a group has committed that uses transactions. */
const transacted = (partition: number, offset: number): GroupOffset => ({
  partition,
  offset,
  metadata: encodeMetadata({ ...progressAt(offset, 1), transaction: 4, transacts: true }, 1),
});
const created = (n: number, offset: number): TopicMarks => {
  const mark: Mark = { n, kind: 'created', offset, written: 0, by: 'one' };
  return new TopicMarks(new Map([[0, mark]]));
};

afterEach(() => void vi.useRealTimers());

describe('opening partitions', () => {
  it('that cannot be opened at first opens no other one twice', async () => {
    const opener = new Opener([transacted(0, 10), transacted(1, 20), transacted(2, 30)]);
    let isFirst = true;
    let goOn: () => void = () => undefined;
    const others = new Promise<void>((resolve) => (goOn = resolve));
    opener.fence = async (partition) => {
      if (partition !== 1) return others;
      if (!isFirst) return;
      isFirst = false;
      // The others are on their way, and come after this one has failed.
      setImmediate(goOn);
      throw new Error('not now');
    };
    await opener.opening.open([0, 1, 2]);
    expect(opener.fenced).toEqual([0, 1, 2, 1]);
    expect(opener.opened.map(({ partition }) => partition)).toEqual([0, 2, 1]);
    expect(opener.failed).toHaveLength(1);
  });

  it('ends without a wait when the subscription is closed', async () => {
    const opener = new Opener([transacted(0, 10)]);
    opener.fence = () => Promise.reject(new Error('not now'));
    vi.useFakeTimers();
    const ended = opener.opening.open([0]);
    while (opener.failed.length === 0) await Promise.resolve();
    opener.opening.giveUpAll();
    // No timer fires here: what ends this is the signal.
    await ended;
    expect(vi.getTimerCount()).toBe(0);
  });

  it('of a group that was made again fences the consumers of the one before', async () => {
    for (const metadata of [transacted(0, 10).metadata, '']) {
      const opener = new Opener([{ partition: 0, offset: 10, metadata }], created(3, 50));
      await opener.opening.open([0]);
      expect(opener.fenced).toEqual([0]);
      const [{ floor, transacts }] = opener.opened as [PartitionState];
      expect([floor, transacts]).toEqual([50, true]);
    }
  });

  it('of a new group fences nothing', async () => {
    const opener = new Opener([{ partition: 0, offset: 50, metadata: '' }], created(1, 50));
    await opener.opening.open([0]);
    expect(opener.fenced).toEqual([]);
    expect(opener.opened[0]!.floor).toBe(50);
  });
});
