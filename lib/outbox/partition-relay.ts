import { Backoff } from '../core/backoff.js';
import { sleep } from '../core/clock.js';
import { asError } from '../core/errors/error-record.js';
import type { HeldPartition, OutboxBatch, OutboxDone, OutboxRow } from '../ports/outbox-store.js';
import { keyedEntry, outcomesOf, type Outcomes, type Refused } from './outcomes.js';
import type { RelayParts } from './relay-parts.js';

const NOTHING: OutboxDone = { published: [], certain: false };
/** Waits while the source takes nothing, in milliseconds. */
const FIRST_WAIT = 200;
const LONGEST_WAIT = 15_000;
/** A batch is not sent in the last part of the lease: another relay may have the partition soon. */
const SAFE_PART = 0.6;

/** Tells that the source takes nothing, and that it takes messages again: each once. */
export interface Outages {
  began(error: Error): void;
  ended(): void;
}

/** Publishes what waits in one partition, batch after batch, until nothing waits. */
export class PartitionRelay {
  private readonly backoff = new Backoff(FIRST_WAIT, LONGEST_WAIT);

  /** @param stopping aborted: ends after the batch that is under way */
  constructor(
    private readonly held: HeldPartition,
    private readonly relay: string,
    private readonly parts: RelayParts,
    private readonly outages: Outages,
    private readonly stopping: AbortSignal,
  ) {}

  /**
   * Returns the time until a refused message is due again, in milliseconds. Undefined: no message
   * waits, or another relay has the partition.
   */
  async run(): Promise<number | undefined> {
    let done = NOTHING;
    for (;;) {
      const asked = this.parts.clock.now();
      const batch = await this.next(done);
      if (batch === 'lost') return undefined;
      if (batch.rows.length === 0) return batch.retryIn;
      this.tellDoubts(batch);
      const safeUntil = asked + this.parts.leaseDuration * SAFE_PART;
      // The store answered late: asking again finds out who has the partition.
      if (this.parts.clock.now() >= safeUntil) {
        done = { published: [], certain: batch.doubtfulFor === 0 };
        continue;
      }
      const outcomes = await this.publish(withoutFollowers(batch.rows));
      if (!(await this.settle(outcomes.refused))) return undefined;
      const certain = !outcomes.unknown && batch.doubtfulFor === 0;
      done = { published: outcomes.published, certain };
      await this.heed(outcomes);
    }
  }

  private next(done: OutboxDone): Promise<OutboxBatch | 'lost'> {
    const { store, batchSize, leaseDuration: lease } = this.parts;
    // While stopping it only says what it has done.
    const limit = this.stopping.aborted ? 0 : batchSize;
    return store.next(this.held, this.relay, done, { limit, lease });
  }

  private async publish(rows: readonly OutboxRow[]): Promise<Outcomes> {
    const { publish, idempotencyWindow: window, maxRefusals } = this.parts;
    const results = await publish(rows.map((row) => keyedEntry(row, window))).catch(
      (error: unknown) => rows.map(() => asError(error)),
    );
    return outcomesOf(rows, results, maxRefusals);
  }

  /** Returns false where another relay has the partition. */
  private async settle(refused: readonly Refused[]): Promise<boolean> {
    if (refused.length === 0) return true;
    const { store, events } = this.parts;
    const refusals = refused.map(({ refusal }) => refusal);
    if ((await store.refuse(this.held, this.relay, refusals)) === 'lost') return false;
    for (const { row, error, refusal } of refused) {
      const { id, key, entry } = row;
      const about = { id, key, stream: entry.stream, refusals: row.refusals + 1, error };
      if (refusal.retryIn === undefined) events.emit('outbox-dead', about);
      else events.emit('outbox-refused', { ...about, retryIn: refusal.retryIn });
    }
    return true;
  }

  /** Waits while the source takes nothing. The relay renews its lease meanwhile. */
  private async heed({ outage }: Outcomes): Promise<void> {
    if (!outage) {
      this.backoff.reset();
      this.outages.ended();
      return;
    }
    this.outages.began(outage);
    await sleep(this.parts.clock, this.backoff.next(), this.stopping);
  }

  /** A relay died, or lost its connection, so long ago that the source has forgotten its keys. */
  private tellDoubts({ doubtfulFor, rows }: OutboxBatch): void {
    const { idempotencyWindow: window, events } = this.parts;
    if (window === 'native' || doubtfulFor < window) return;
    const { partition } = this.held;
    events.emit('outbox-doubtful', {
      partition,
      from: rows[0]!.id,
      to: rows.at(-1)!.id,
      since: doubtfulFor,
    });
  }
}

/** Leaves out what follows a message of its key that was refused before: it may be refused again. */
function withoutFollowers(rows: readonly OutboxRow[]): OutboxRow[] {
  const keys = new Set<string>();
  return rows.filter(({ key, refusals }) => {
    if (keys.has(key)) return false;
    if (refusals > 0) keys.add(key);
    return true;
  });
}
