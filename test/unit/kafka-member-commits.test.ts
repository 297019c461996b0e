import { describe, expect, it } from 'vitest';
import {
  MemberCommits,
  type CommittingPartition,
} from '../../lib/drivers/kafka/partitions/member-commits.js';
import { elapse } from '../support/passing-time.js';
import { until } from '../support/until.js';

/** A partition that counts its changes. */
class Partition implements CommittingPartition {
  version = 0;
  committed = 0;
  readonly isOpen = true;
  inTransaction = false;
  constructor(private readonly commits: () => MemberCommits) {}

  change(): void {
    this.version++;
    this.commits().soon(this);
  }

  toCommit() {
    return { partition: 0, offset: this.version, metadata: '' };
  }
}

describe('the commits of a member', () => {
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
});
