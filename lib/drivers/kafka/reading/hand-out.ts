import { systemClock } from '../../../core/clock.js';
import type { KafkaLease } from '../partitions/kafka.lease.js';
import type { TopicReading } from './topic-reading.js';

/** What was taken, and waits until the groups were told of it. */
interface Taken {
  readonly leases: KafkaLease[];
  readonly announced: Promise<unknown>;
  /** The answer of the brokers came. */
  isOver: boolean;
}

/** Hands out leases after the groups were told of them. */
export class HandOut {
  private taken: Taken | undefined;
  /** Rises with each round: the topics take turns. */
  private turn = 0;

  /**
   * Takes leases of these topics, `limit` at most, unless some are taken that were not handed out yet.
   * Returns whether there are some.
   */
  take(readings: readonly TopicReading[], limit: number): boolean {
    if (this.taken) return true;
    const leases: KafkaLease[] = [];
    const told: Promise<void>[] = [];
    for (let at = 0; at < readings.length && leases.length < limit; at++) {
      const reading = readings[(this.turn + at) % readings.length]!;
      const share = Math.ceil((limit - leases.length) / (readings.length - at));
      const announced = takeFrom(reading, share, leases);
      if (announced) told.push(announced);
    }
    this.turn++;
    if (leases.length > 0) this.taken = announcing(leases, told);
    return leases.length > 0;
  }

  /**
   * Returns what was taken, `limit` leases at most, once it may be handed out. Partitions that go to other consumers meanwhile get
   * theirs back. Undefined: it may not be handed out before `end`.
   */
  async announced(limit: number, end: number): Promise<KafkaLease[] | undefined> {
    const { taken } = this;
    if (!taken) return [];
    if (!taken.isOver) await untilLate(taken.announced, end);
    if (!taken.isOver || this.taken !== taken) return undefined;
    // An earlier pull may have asked for more.
    const leases = taken.leases.splice(0, limit);
    if (taken.leases.length === 0) this.taken = undefined;
    return leases.filter((lease) => !isGivenBack(lease));
  }

  /** What was taken and not handed out goes back to its partition. */
  giveBack(): [] {
    for (const lease of this.taken?.leases ?? []) {
      if (lease.state.isOpen) lease.state.release(lease);
    }
    this.taken = undefined;
    return [];
  }
}

function takeFrom(
  reading: TopicReading,
  share: number,
  leases: KafkaLease[],
): Promise<void> | undefined {
  const before = leases.length;
  reading.take(share, leases);
  return leases.length > before ? reading.announce(leases.slice(before)) : undefined;
}

function announcing(leases: KafkaLease[], told: readonly Promise<void>[]): Taken {
  const taken: Taken = { leases, isOver: told.length === 0, announced: Promise.resolve() };
  if (taken.isOver) return taken;
  const announced = Promise.all(told).then(() => (taken.isOver = true));
  return Object.assign(taken, { announced });
}

/** Resolves with the promise, or at this time. */
function untilLate(promise: Promise<unknown>, end: number): Promise<unknown> {
  return new Promise((resolve) => {
    const timer = systemClock.setTimeout(() => resolve(undefined), end - systemClock.now());
    void promise.then(() => {
      systemClock.clearTimeout(timer);
      resolve(undefined);
    });
  });
}

/** Whether the partition of this lease has gone, or is about to go. */
function isGivenBack(lease: KafkaLease): boolean {
  const { state } = lease;
  if (state.isOpen && state.isDraining) state.release(lease);
  return !state.isOpen || state.isDraining;
}
