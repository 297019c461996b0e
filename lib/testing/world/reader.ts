import { expect } from '../running/expect.js';
import type { Lease } from '../../core/lease.js';
import {
  ack,
  deadLetter,
  type Ack,
  type Leave,
  type Release,
  type Retry,
  type SettleOutcome,
} from '../../core/settlement.js';
import type { DeadLetterRecord } from '../../core/dead-letter-record.js';
import type { MessageSource } from '../../ports/source.js';
import type { Subscription } from '../../ports/subscription.js';
import type { DriverHarness } from './driver-harness.js';

/** How finely time is let pass while something is awaited, ms. */
const STEP = 10;
/** How long a thing that must happen may take, in the driver's time, ms. */
const PATIENCE = 10_000;

/** A subscription together with the ways in which tests use it. */
export class Reader {
  constructor(
    private readonly harness: DriverHarness,
    readonly source: MessageSource,
    readonly subscription: Subscription,
  ) {}

  /** Pulls until `count` entries have come, however long that takes the driver. */
  async take(count: number): Promise<Lease[]> {
    const leases: Lease[] = [];
    const deadline = this.harness.now() + PATIENCE;
    while (leases.length < count) {
      leases.push(...(await this.until(this.subscription.pull(count - leases.length))));
      if (leases.length < count && this.harness.now() > deadline) {
        throw new Error(`Only ${leases.length} of ${count} entries came within ${PATIENCE} ms`);
      }
    }
    return leases;
  }

  async takeOne(): Promise<Lease> {
    const [lease] = await this.take(1);
    return lease!;
  }

  /** All entries that come within `ms` milliseconds of the driver's time. */
  async takeWithin(ms: number): Promise<Lease[]> {
    const leases: Lease[] = [];
    const end = this.harness.now() + ms;
    while (this.harness.now() < end) {
      leases.push(...(await this.until(this.subscription.pull(100))));
    }
    return leases;
  }

  /** Pulls for `ms` of the driver's time, and expects that nothing comes. */
  async expectNothing(ms: number, meanwhile: () => Promise<unknown> = async () => {}) {
    const end = this.harness.now() + ms;
    do {
      const pulled = this.until(this.subscription.pull(100));
      await meanwhile();
      expect((await pulled).map(({ id, attempt }) => ({ id, attempt }))).toEqual([]);
    } while (this.harness.now() < end);
  }

  /** Lets time pass until this has happened. */
  async until<T>(happening: Promise<T>): Promise<T> {
    let happened = false;
    const noted = happening.finally(() => (happened = true));
    // A rejection is the caller's, who awaits the same promise below.
    noted.catch(() => undefined);
    const deadline = this.harness.now() + PATIENCE;
    await new Promise((resolve) => setImmediate(resolve));
    while (!happened) {
      if (this.harness.now() > deadline) throw new Error(`Nothing happened within ${PATIENCE} ms`);
      await this.harness.elapse(STEP);
    }
    return noted;
  }

  async settle(
    lease: Lease,
    settlement: Ack | Retry | Release | Leave,
  ): Promise<SettleOutcome | Error> {
    const [outcome] = await this.source.settle([{ lease, settlement }]);
    return outcome!;
  }

  async deadLetter(lease: Lease, record: DeadLetterRecord): Promise<SettleOutcome | Error> {
    const settlement = deadLetter(record.reason, record.error);
    const [outcome] = await this.source.settle([{ lease, settlement, record }]);
    return outcome!;
  }

  async ack(...leases: Lease[]): Promise<void> {
    const outcomes = await this.source.settle(leases.map((lease) => ({ lease, settlement: ack })));
    expect(outcomes).toEqual(leases.map(() => 'settled'));
  }

  async begin(lease: Lease) {
    return this.subscription.begin(lease);
  }

  /** As {@link begin}, for tests that need it to have succeeded. */
  async start(lease: Lease): Promise<Lease> {
    expect(await this.subscription.begin(lease)).toBe('started');
    return lease;
  }

  async extend(...leases: Lease[]) {
    return this.subscription.extend(leases);
  }
}
