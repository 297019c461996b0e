import { grouped } from '../../../core/collections/grouped.js';
import type { EventBus } from '../../../core/event-bus.js';
import type { NatsConnection } from '../connection/nats-connection.js';
import type { Leases } from '../leases/leases.js';
import { NatsLease, type Delivered, type EntryHolder } from '../leases/nats.lease.js';
import type { DurableReading } from './durable-reading.js';

/** Waits before an entry goes to other consumers again that this one has released, in milliseconds. */
const FIRST_WAIT = 50;
const LONGEST_WAIT = 1000;
const NANOSECONDS = 1_000_000;

export interface TakingOverOptions {
  readonly connection: NatsConnection;
  readonly leases: Leases;
  readonly events: EventBus;
  readonly holder: EntryHolder;
  /** Called with entries that this consumer has now, and did not have before. */
  readonly onClaimed: (leases: readonly NatsLease[]) => void;
}

interface Redelivery {
  readonly reading: DurableReading;
  readonly delivered: Delivered;
}

/**
 * Claims entries that were delivered again. What arrives together is claimed together. Of one entry only
 * one claim is under way.
 */
export class TakingOver {
  private gathered: Redelivery[] = [];
  private readonly claiming = new Map<DurableReading, Set<number>>();
  /** How often entries came back that were released to other consumers only. */
  private readonly returned = new WeakMap<NatsLease, number>();
  /** Resolves when no claim is under way. */
  private work: Promise<unknown> = Promise.resolve();

  constructor(private readonly options: TakingOverOptions) {}

  add(reading: DurableReading, delivered: Delivered): void {
    const claiming = this.claiming.get(reading) ?? new Set();
    this.claiming.set(reading, claiming);
    if (claiming.has(delivered.sequence)) return;
    claiming.add(delivered.sequence);
    reading.waiting++;
    if (this.gathered.push({ reading, delivered }) > 1) return;
    this.work = Promise.all([this.work, Promise.resolve().then(() => this.claim())]);
  }

  /** Resolves when all claims that are under way have ended. */
  async idle(): Promise<void> {
    await this.work;
  }

  private async claim(): Promise<void> {
    const redeliveries = this.gathered;
    this.gathered = [];
    const leases = redeliveries.map((one) => this.leaseOf(one));
    const claims = await this.options.leases.claim(leases);
    const claimed: NatsLease[] = [];
    for (const [at, { reading, delivered }] of redeliveries.entries()) {
      const lease = leases[at]!;
      this.claiming.get(reading)!.delete(delivered.sequence);
      reading.waiting--;
      const known = reading.held.get(delivered.sequence);
      if (claims[at] === 'elsewhere') this.sendBack(known ?? lease, delivered);
      if (claims[at] !== 'claimed' || known === lease) continue;
      reading.held.set(delivered.sequence, lease);
      claimed.push(lease);
    }
    this.report(claimed);
    if (claimed.length > 0) this.options.onClaimed(claimed);
  }

  /** The lease that claims: that of an entry that is held here, or a new one. */
  private leaseOf({ reading, delivered }: Redelivery): NatsLease {
    const known = reading.heldOf(delivered);
    if (!known || known.offered) return new NatsLease(this.options.holder, reading, delivered);
    known.redelivered(delivered);
    return known;
  }

  /** The entry is for other consumers: it is offered to them less and less often. */
  private sendBack(lease: NatsLease, { ackSubject }: Delivered): void {
    const times = this.returned.get(lease) ?? 0;
    this.returned.set(lease, times + 1);
    const delay = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** times) * NANOSECONDS;
    this.options.connection.live?.publish(ackSubject, `-NAK ${JSON.stringify({ delay })}`);
  }

  private report(claimed: readonly NatsLease[]): void {
    const { events, holder } = this.options;
    const taken = claimed.filter(({ takenFrom }) => takenFrom);
    for (const [stream, { length: count }] of grouped(taken, (lease) => lease.stream)) {
      events.emit('reclaimed', { stream, group: holder.group, count });
    }
  }
}
