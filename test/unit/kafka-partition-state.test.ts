import { describe, expect, it } from 'vitest';
import type { KafkaLease } from '../../lib/drivers/kafka/partitions/kafka.lease.js';
import {
  decodeMetadata,
  METADATA_LIMIT,
} from '../../lib/drivers/kafka/partitions/offset-metadata.js';
import { progressAt } from '../../lib/drivers/kafka/partitions/progress.js';
import { Tracking } from '../../lib/drivers/kafka/partitions/tracking.js';
import { beginLease } from '../../lib/drivers/kafka/settling/leases.js';
import { PartitionBroker, PartitionOwner, waiting } from '../support/kafka-owner.js';
import { seededRandom } from '../support/seeded-random.js';

const attempts = (leases: readonly (KafkaLease | undefined)[]) =>
  leases.map((lease) => lease && [lease.attempt, lease.charged]);

async function beginAgain(lease: KafkaLease): Promise<void> {
  lease.state.park(lease);
  await beginLease(lease);
}

describe('a partition', () => {
  it('commits the floor, and what is done above it', async () => {
    const owner = await new PartitionOwner(new PartitionBroker()).open();
    const leases = await owner.handOutAll([0, 1, 2, 3]);
    owner.state.finish(leases[2]!);
    owner.state.finish(leases[0]!);
    await owner.flush();
    expect(owner.broker.committed.offset).toBe(1);
    const next = await owner.next();
    expect(next.state.position).toBe(1);
    expect([1, 2, 3].map((offset) => next.state.isDone(offset))).toEqual([false, true, false]);
  });

  it('tells of a hand-out before the lease leaves the source: its next owner counts it', async () => {
    const owner = await new PartitionOwner(new PartitionBroker()).open();
    expect(attempts(await owner.handOutAll([0, 1]))).toEqual([
      [1, true],
      [1, true],
    ]);
    const next = await owner.next();
    expect(attempts(await next.handOutAll([0, 1, 2]))).toEqual([
      [1, false],
      [1, false],
      [1, true],
    ]);
  });

  it('commits the count of a run before it starts', async () => {
    let owner = await new PartitionOwner(new PartitionBroker()).open();
    await owner.handOut(0);
    for (const runs of [2, 3, 4]) {
      owner = await owner.next();
      const lease = (await owner.handOut(0))!;
      expect(await beginLease(lease)).toBe('started');
      expect(attempts([lease])).toEqual([[runs, true]]);
    }
  });

  it('takes back a run that was released, also for the next owner', async () => {
    const owner = await new PartitionOwner(new PartitionBroker()).open();
    const leases = await owner.handOutAll([0, 1, 2]);
    owner.state.finish(leases[1]!);
    owner.state.release(leases[2]!);
    owner.state.release(leases[0]!);
    expect(owner.released.map(({ offset }) => offset)).toEqual([2, 0]);
    await owner.flush();
    const next = await owner.next();
    expect(attempts([await next.handOut(0), await next.handOut(1), await next.handOut(2)])).toEqual(
      [[0, false], undefined, [0, false]],
    );
  });

  it('remembers no runs of what is done', async () => {
    const tracking = new Tracking(progressAt(0), 1);
    tracking.take(0);
    tracking.take(1);
    tracking.setRuns(1, 5);
    tracking.finish(1);
    expect(tracking.progress().runs.size).toBe(0);
  });

  it('hands a released entry out again here, by a new lease: the old one is over', async () => {
    const owner = await new PartitionOwner(new PartitionBroker()).open();
    const [old] = await owner.handOutAll([0, 1]);
    owner.state.release(old!);
    const lease = (await owner.handOut(0))!;
    expect(attempts([lease])).toEqual([[0, false]]);
    expect([owner.state.standingOf(old!), owner.state.standingOf(lease)]).toEqual(['gone', 'held']);
  });

  it('loses all leases when it is closed, and commits nothing more', async () => {
    const owner = await new PartitionOwner(new PartitionBroker()).open();
    const [lease] = await owner.handOutAll([0]);
    const { commits } = owner.broker;
    expect(owner.die()).toEqual([lease]);
    expect(owner.state.standingOf(lease!)).toBe('lost');
    expect(await beginLease(lease!)).toBe('lost');
    await owner.flush();
    expect(owner.broker.commits).toBe(commits);
  });

  it('tries a commit that fails again, and hands out nothing before it has succeeded', async () => {
    const owner = await new PartitionOwner(new PartitionBroker()).open();
    owner.broker.refusal = new Error('away');
    const failed = new Promise((resolve) => owner.events.on('worker-error', resolve));
    let handedOut = false;
    const handingOut = owner.handOut(0).then(() => (handedOut = true));
    await failed;
    expect(handedOut).toBe(false);
    owner.broker.refusal = undefined;
    await handingOut;
    expect(decodeMetadata(0, owner.broker.committed.metadata).handed).toBe(1);
  });

  it('lets a hand-out end that waits for a commit when the partition is lost', async () => {
    const owner = await new PartitionOwner(new PartitionBroker()).open();
    owner.broker.refusal = new Error('away');
    const handingOut = owner.handOut(0);
    owner.die();
    expect(owner.state.standingOf((await handingOut)!)).toBe('lost');
  });

  it('takes offsets without a record as done', async () => {
    const owner = await new PartitionOwner(new PartitionBroker()).open();
    const [first, second] = await owner.handOutAll([2, 5]);
    owner.state.finish(first!);
    owner.state.finish(second!);
    owner.state.skipTo(7);
    await owner.flush();
    expect(owner.broker.committed.offset).toBe(7);
  });

  it('begins behind what was deleted, and tells how much that was', async () => {
    const owner = await new PartitionOwner(new PartitionBroker()).open();
    const leases = await owner.handOutAll([0, 1, 2]);
    owner.state.finish(leases[1]!);
    await owner.flush();
    owner.die();
    const next = new PartitionOwner(owner.broker);
    const lost: unknown[] = [];
    next.events.on('messages-lost', (event) => lost.push(event));
    await next.open(5);
    expect(next.state.position).toBe(5);
    expect(lost).toEqual([{ stream: 'orders', group: 'shop', count: 4, why: 'deleted' }]);
  });

  it('is idle when no counted run is left', async () => {
    const owner = await new PartitionOwner(new PartitionBroker()).open();
    const leases = await owner.handOutAll([0, 1, 2]);
    let idle = false;
    const waitingForIt = owner.state.idle().then(() => (idle = true));
    owner.state.finish(leases[0]!);
    owner.state.park(leases[1]!);
    await Promise.resolve();
    expect([owner.state.running, idle]).toEqual([1, false]);
    owner.state.release(leases[2]!);
    await waitingForIt;
    expect(owner.state.running).toBe(0);
  });

  it('counts no hand-out from a retry topic, only runs that begin', async () => {
    let owner = await new PartitionOwner(new PartitionBroker(), true).open();
    expect(attempts([await owner.handOut(0)])).toEqual([[0, false]]);
    await owner.flush();
    owner = await owner.next();
    const lease = (await owner.handOut(0))!;
    await beginLease(lease);
    expect(attempts([await (await owner.next()).handOut(0)])).toEqual([[1, false]]);
  });
});

describe('a group that is moved', () => {
  it('keeps what is in hand, and hands out the rest from the new position on', async () => {
    const owner = await new PartitionOwner(new PartitionBroker()).open();
    const leases = await owner.handOutAll([0, 1, 2, 3]);
    owner.state.finish(leases[0]!);
    owner.state.moveTo(6, 1, true);
    expect(owner.state.position).toBe(1);
    for (const lease of leases.slice(1)) owner.state.finish(lease);
    await owner.flush();
    expect(owner.broker.committed.offset).toBe(6);
  });

  it('goes back without handing out twice what is in hand', async () => {
    const owner = await new PartitionOwner(new PartitionBroker()).open();
    const leases = await owner.handOutAll([0, 1, 2, 3]);
    for (const lease of leases.slice(0, 3)) owner.state.finish(lease);
    owner.state.moveTo(1, 1, true);
    expect(owner.state.position).toBe(1);
    const again = [await owner.handOut(1), await owner.handOut(2), await owner.handOut(3)];
    expect(again.map((lease) => lease?.offset)).toEqual([1, 2, undefined]);
    owner.state.finish(leases[3]!);
    for (const lease of again) if (lease) owner.state.finish(lease);
    await owner.flush();
    expect(owner.broker.committed.offset).toBe(4);
    expect((await owner.next()).state.markNumber).toBe(1);
  });

  it('forgets all where it was made anew', async () => {
    const owner = await new PartitionOwner(new PartitionBroker()).open();
    const leases = await owner.handOutAll([0, 1]);
    owner.state.moveTo(0, 2, false);
    expect(leases.map((lease) => owner.state.standingOf(lease))).toEqual(['gone', 'gone']);
    expect(attempts([await owner.handOut(0)])).toEqual([[1, true]]);
  });
});

describe('intake', () => {
  it('stops before the metadata could become too long, and goes on when the floor moves', async () => {
    const owner = await new PartitionOwner(new PartitionBroker()).open();
    const warnings: string[] = [];
    owner.events.on('warning', ({ code }) => warnings.push(code));
    const leases: KafkaLease[] = [];
    // The worst case: every other one is done.
    for (let offset = 0; !owner.state.isFull; offset++) {
      const lease = owner.state.lease(waiting(offset))!;
      if (offset % 2 === 1) owner.state.finish(lease);
      else leases.push(lease);
    }
    await owner.flush();
    expect(leases.length).toBeGreaterThan(1500);
    for (const lease of leases) await beginAgain(lease);
    expect(owner.broker.longest).toBeLessThanOrEqual(METADATA_LIMIT);
    const known = decodeMetadata(0, owner.broker.committed.metadata);
    expect(known.runs.size).toBe(leases.length);
    expect(known.done.size).toBe(leases.length - 1);
    for (const lease of leases.slice(0, 10)) owner.state.finish(lease);
    expect(owner.state.isFull).toBe(false);
    expect(warnings).toEqual(['KAFKA_PARTITION_FULL']);
  });

  it('of a retry topic stops without a warning: some thousand retries may wait in it', async () => {
    const owner = await new PartitionOwner(new PartitionBroker(), true).open();
    const warnings: string[] = [];
    owner.events.on('warning', ({ code }) => warnings.push(code));
    for (let offset = 0; !owner.state.isFull; offset++) owner.state.lease(waiting(offset));
    owner.state.finish([...owner.state.leases.values()].at(-2)!);
    await owner.flush();
    expect([owner.state.isFull, owner.broker.commits, warnings]).toEqual([true, 1, []]);
  });

  it('hands out what was handed out before, though there is no room for more', async () => {
    const owner = await new PartitionOwner(new PartitionBroker()).open();
    let count = 0;
    while (!owner.state.isFull) owner.state.lease(waiting(count++));
    const [first] = owner.state.leases.values();
    owner.state.release(first!);
    expect(owner.state.isFull).toBe(false);
    expect(await owner.handOut(0)).toBeDefined();
    expect(owner.state.isFull).toBe(true);
    const next = await owner.next();
    for (let offset = 0; offset < count; offset++) {
      expect(next.state.isFull).toBe(false);
      next.state.lease(waiting(offset));
    }
    expect(next.state.isFull).toBe(true);
  });

  it('goes on for millions behind one entry that is not done', async () => {
    const owner = await new PartitionOwner(new PartitionBroker()).open();
    owner.state.lease(waiting(0));
    for (let offset = 1; offset < 1_000_000; offset++)
      owner.state.finish(owner.state.lease(waiting(offset))!);
    await owner.flush();
    expect(owner.state.isFull).toBe(false);
    expect(owner.broker.committed.metadata.length).toBeLessThan(40);
  });
});

describe('owners that come and go', () => {
  it.each(Array.from({ length: 40 }, (_, seed) => seed + 1))(
    'lose nothing, and count each run that began (seed %i)',
    async (seed) => {
      const world = new World(seededRandom(seed), seed % 4 === 0);
      await world.live(300);
      await world.finishAll();
      expect(world.undone()).toEqual([]);
      expect(world.broker.longest).toBeLessThanOrEqual(METADATA_LIMIT);
    },
  );
});

/** A log with gaps, owners that take turns, and what has really run. */
class World {
  readonly broker = new PartitionBroker();
  private readonly offsets: number[] = [];
  /** Runs that have begun and were not taken back, per entry. */
  private readonly runs = new Map<number, number>();
  private readonly done = new Set<number>();
  /** What was done when the last commit began: no owner runs it again. */
  private readonly doneSurely = new Set<number>();
  private held: KafkaLease[] = [];
  private owner!: PartitionOwner;
  private at = 0;

  constructor(
    private readonly random: () => number,
    private readonly isRetries: boolean,
  ) {
    for (let offset = 0; this.offsets.length < 400; offset++)
      if (random() < 0.8) this.offsets.push(offset);
  }

  async live(steps: number): Promise<void> {
    await this.start();
    for (let step = 0; step < steps; step++) await this.step(this.random());
  }

  /** An owner that lives does what is left. */
  async finishAll(): Promise<void> {
    await this.change(true);
    while (this.done.size < this.offsets.length) {
      await this.pull(50);
      while (this.held.length > 0) await this.finish();
    }
    await this.owner.flush();
    expect(this.broker.committed.offset).toBe(this.offsets.at(-1)! + 1);
  }

  undone(): number[] {
    return this.offsets.filter((offset) => !this.done.has(offset));
  }

  private async step(dice: number): Promise<void> {
    if (dice < 0.35) return this.pull(1 + Math.floor(this.random() * 20));
    if (dice < 0.75) return this.finish();
    if (dice < 0.85) return this.rerun();
    if (dice < 0.92) return this.release();
    if (dice < 0.96) {
      await this.owner.flush();
      this.noteCommit();
      return;
    }
    return this.change(dice < 0.98);
  }

  private async start(): Promise<void> {
    this.owner = await new PartitionOwner(this.broker, this.isRetries).open();
    this.held = [];
    const { position } = this.owner.state;
    this.at = this.offsets.findIndex((offset) => offset >= position);
    if (this.at < 0) this.at = this.offsets.length;
    for (const offset of this.doneSurely) expect(this.owner.state.isDone(offset)).toBe(true);
  }

  /** The owner ends in order, or dies. */
  private async change(inOrder: boolean): Promise<void> {
    if (inOrder) {
      while (this.held.length > 0) await this.release();
      await this.owner.flush();
      this.noteCommit();
    }
    this.owner.die();
    for (const offset of this.done) if (!this.doneSurely.has(offset)) this.done.delete(offset);
    await this.start();
  }

  private async pull(limit: number): Promise<void> {
    const leases: KafkaLease[] = [];
    const released = this.owner.released.splice(0).map(({ offset }) => offset);
    const due = released.sort((a, b) => a - b);
    while (leases.length < limit && !this.owner.state.isFull) {
      const offset = due.shift() ?? this.offsets[this.at++];
      if (offset === undefined) break;
      const lease = this.owner.state.lease(waiting(offset));
      if (lease) leases.push(lease);
    }
    for (const offset of due) this.owner.released.push(waiting(offset));
    await this.owner.flush();
    this.noteCommit();
    for (const lease of leases) this.took(lease);
  }

  private took(lease: KafkaLease): void {
    const before = this.runs.get(lease.offset) ?? 0;
    expect(lease.attempt - (lease.charged ? 1 : 0)).toBe(before);
    // What was given back before it has run is counted when its run begins.
    if (lease.charged) expect([before, this.isRetries]).toEqual([0, false]);
    if (lease.charged) this.runs.set(lease.offset, 1);
    this.held.push(lease);
  }

  private async finish(): Promise<void> {
    const lease = this.anyHeld();
    if (!lease) return;
    if (!lease.charged) await this.begin(lease);
    this.owner.state.finish(lease);
    this.done.add(lease.offset);
  }

  private async rerun(): Promise<void> {
    const lease = this.anyHeld();
    if (!lease) return;
    this.owner.state.park(lease);
    await this.begin(lease);
    this.held.push(lease);
  }

  private async begin(lease: KafkaLease): Promise<void> {
    expect(await beginLease(lease)).toBe('started');
    this.runs.set(lease.offset, lease.attempt);
    this.noteCommit();
  }

  private async release(): Promise<void> {
    const lease = this.anyHeld();
    if (!lease) return;
    const { charged } = lease;
    this.owner.state.release(lease);
    if (charged) this.runs.set(lease.offset, this.runs.get(lease.offset)! - 1);
    await this.owner.flush();
    this.noteCommit();
  }

  private noteCommit(): void {
    for (const offset of this.done) this.doneSurely.add(offset);
  }

  private anyHeld(): KafkaLease | undefined {
    const place = Math.floor(this.random() * this.held.length);
    return this.held.splice(place, 1)[0];
  }
}
