import { randomUUID } from 'node:crypto';
import { Backoff } from '../core/backoff.js';
import { sleep, within } from '../core/clock.js';
import { asError } from '../core/errors/error-record.js';
import type { Worker } from '../core/worker.js';
import type { HeldPartition } from '../ports/outbox-store.js';
import { PartitionRelay, type Outages } from './partition-relay.js';
import type { RelayParts } from './relay-parts.js';

/** First time until the next look after a message was written or found, in milliseconds. */
const SOON = 20;
/** Longest time that a stop waits, in milliseconds. */
const STOPS_WITHIN = 3000;

/**
 * Publishes what waits in the outbox. Any number of processes may have a relay: a partition of the
 * outbox has one relay at a time, and messages of one key are in one partition.
 */
export class Relay implements Worker {
  private readonly name = randomUUID();
  private readonly stopping = new AbortController();
  private readonly running = new Map<number, Promise<void>>();
  private rest = new AbortController();
  private pause = SOON;
  private loop: Promise<void> | undefined;
  /** When the source began to take nothing. Undefined: it takes messages. */
  private stalledAt: number | undefined;

  constructor(private readonly parts: RelayParts) {}

  async start(): Promise<void> {
    if (!this.stopping.signal.aborted) this.loop ??= this.run();
  }

  /**
   * Awaits the batches under way, and gives the partitions to other relays. Waits for three seconds at
   * most: what a server does not answer until then, the next relay does again.
   */
  async stop(): Promise<void> {
    this.stopping.abort();
    this.rest.abort();
    if (this.loop) await within(this.parts.clock, STOPS_WITHIN, this.end(this.loop));
  }

  private async end(loop: Promise<void>): Promise<void> {
    await loop;
    await Promise.all(this.running.values());
    // Without this, other relays wait until the lease has expired.
    await this.parts.store.release(this.name).catch(() => undefined);
  }

  /** Looks soon, and then less and less often: a message was written, or will be. */
  wake(): void {
    this.pause = SOON;
    this.rest.abort();
  }

  private async run(): Promise<void> {
    const { clock, relayInterval } = this.parts;
    const backoff = new Backoff(100, 5000);
    while (!this.stopping.signal.aborted) {
      this.rest = new AbortController();
      const looked = await this.look();
      if (looked) backoff.reset();
      const wait = looked ? Math.min(this.pause, relayInterval) : backoff.next();
      this.pause = Math.min(this.pause * 2, relayInterval);
      await sleep(clock, wait, looked ? this.rest.signal : this.stopping.signal);
    }
  }

  /** Returns false where the database could not be asked. */
  private async look(): Promise<boolean> {
    const { store, leaseDuration, events } = this.parts;
    try {
      const held = await store.hold(this.name, leaseDuration);
      for (const one of held) if (one.waiting) this.begin(one);
      return true;
    } catch (error) {
      events.emit('worker-error', { worker: 'outbox relay', error: asError(error) });
      return false;
    }
  }

  private begin(held: HeldPartition): void {
    const { partition } = held;
    if (this.running.has(partition) || this.stopping.signal.aborted) return;
    const { signal } = this.stopping;
    const relay = new PartitionRelay(held, this.name, this.parts, this.outages, signal);
    const running = relay
      .run()
      // More may have been written meanwhile. Refused messages are due at a time that a look finds.
      .then((retryIn) => void (retryIn === undefined && this.wake()))
      .catch((error: unknown) => {
        const { events } = this.parts;
        events.emit('worker-error', { worker: 'outbox relay', error: asError(error) });
      })
      .finally(() => this.running.delete(partition));
    this.running.set(partition, running);
  }

  private readonly outages: Outages = {
    began: (error) => {
      if (this.stalledAt === undefined) this.parts.events.emit('outbox-stalled', { error });
      this.stalledAt ??= this.parts.clock.now();
    },
    ended: () => {
      if (this.stalledAt === undefined) return;
      const stalledFor = Math.round(this.parts.clock.now() - this.stalledAt);
      this.stalledAt = undefined;
      this.parts.events.emit('outbox-resumed', { stalledFor });
    },
  };
}
