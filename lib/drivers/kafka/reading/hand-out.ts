import { systemClock } from '../../../core/clock.js';
import type { KafkaLease } from '../partitions/kafka.lease.js';
import type { TopicReading } from './topic-reading.js';

/** What was taken, and waits until the groups were told of it. */
interface Taken {
  leases: KafkaLease[];
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
   * Returns what was taken and not given back, `limit` leases at most, once it may be handed out.
   * Undefined: it may not be handed out before `end`.
   */
  async announced(limit: number, end: number): Promise<KafkaLease[] | undefined> {
    const { taken } = this;
    if (!taken) return [];
    if (!taken.isOver) await untilLate(taken.announced, end);
    if (this.taken !== taken) return [];
    if (!taken.isOver) return undefined;
    // An earlier pull may have asked for more.
    const leases = taken.leases.splice(0, limit);
    if (taken.leases.length === 0) this.taken = undefined;
    return leases.filter((lease) => lease.state.standingOf(lease) === 'held');
  }

  /** Those leases that were taken and not handed out go back to their partitions. */
  giveBack(isOf: (lease: KafkaLease) => boolean): void {
    const { taken } = this;
    if (!taken) return;
    const back = taken.leases.filter(isOf);
    taken.leases = taken.leases.filter((lease) => !isOf(lease));
    if (taken.leases.length === 0) this.taken = undefined;
    for (const lease of back) {
      if (lease.state.standingOf(lease) === 'held') lease.state.release(lease);
    }
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
