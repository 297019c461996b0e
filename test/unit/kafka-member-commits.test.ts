import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  MemberCommits,
  type CommittingPartition,
} from '../../lib/drivers/kafka/partitions/member-commits.js';
import { KafkaReplyError } from '../../lib/drivers/kafka/errors/kafka-reply.error.js';
import { elapse } from '../support/passing-time.js';
import { until } from '../support/until.js';

/** A partition that counts its changes. */
class Partition implements CommittingPartition {
  version = 0;
  committed = 0;
  isOpen = true;
  inTransaction = false;
  constructor(
    private readonly commits: () => MemberCommits,
    private readonly partition = 0,
  ) {}

  change(): void {
    this.version++;
    this.commits().soon(this);
  }

  toCommit() {
    return { partition: this.partition, offset: this.version, metadata: '' };
  }
}

afterEach(() => void vi.useRealTimers());

describe('the commits of a member', () => {
  it('a partition that is refused for good holds up no other one', async () => {
    const failures: unknown[] = [];
    const commits: MemberCommits = new MemberCommits({
      commitInterval: 5,
      onFailure: (error) => failures.push(error),
      commit: async (offsets) => {
        if (offsets.every(({ partition }) => partition !== 1)) return;
        throw new KafkaReplyError('committing', 'OFFSET_METADATA_TOO_LARGE', 'Too large');
      },
    });
    const partitions = [0, 1, 2].map((partition) => new Partition(() => commits, partition));
    for (const partition of partitions) partition.change();
    await commits.now([partitions[0]!, partitions[2]!]);
    await until('the refusal is told', () => failures.length > 0);
    expect(partitions.map(({ committed }) => committed)).toEqual([1, 0, 1]);
    commits.stop();
  });

  it('what changes while a commit is under way is told by the next one, also where the time for it has come before', async () => {
    const requests: (() => void)[] = [];
    const told: number[] = [];
    const commits: MemberCommits = new MemberCommits({
      commitInterval: 10,
      onFailure: () => undefined,
      commit: async ([offset]) => {
        told.push(offset!.offset);
        await new Promise<void>((resolve) => requests.push(resolve));
      },
    });
    const partition = new Partition(() => commits);
    partition.change();
    await until('the first commit is under way', () => requests.length === 1);
    partition.change();
    // Its interval is over before the broker has answered.
    await elapse(40);
    requests[0]!();
    await until('the second commit is under way', () => requests.length === 2, 2_000);
    expect(told).toEqual([1, 2]);
    requests[1]!();
    await until('it is committed', () => partition.committed === 2);
    commits.stop();
  });

  /** Commits of partitions whose time never comes by itself. */
  const commitsAtOnce = (): MemberCommits =>
    new MemberCommits({
      commitInterval: 1e9,
      onFailure: () => undefined,
      commit: async () => undefined,
    });

  it('of one partition do not wait for the transaction of another', async () => {
    const commits: MemberCommits = commitsAtOnce();
    const [held, free] = [new Partition(() => commits), new Partition(() => commits)];
    const release = await commits.holdBack(held);
    held.change();
    const told = commits.now([held]);
    // By now the commit of the first partition waits for the end of its transaction.
    await new Promise((resolve) => setImmediate(resolve));
    vi.useFakeTimers();
    free.change();
    await commits.now([free]);
    (await commits.holdBack(free))();
    expect([held.committed, free.committed]).toEqual([0, 1]);
    release();
    await told;
    expect(held.committed).toBe(1);
    commits.stop();
  });

  it('leave no timer for a partition that was closed during its transaction', async () => {
    vi.useFakeTimers();
    const commits: MemberCommits = commitsAtOnce();
    const partition = new Partition(() => commits);
    const release = await commits.holdBack(partition);
    partition.version++;
    partition.isOpen = false;
    commits.closed(partition);
    release();
    expect(vi.getTimerCount()).toBe(0);
    partition.isOpen = true;
    (await commits.holdBack(partition))();
    expect(vi.getTimerCount()).toBe(1);
    commits.stop();
  });
});
