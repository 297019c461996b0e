import type { BeginOutcome } from '../../../core/lease.js';
import type { PostgresLease } from './postgres.lease.js';

interface Waiting {
  readonly lease: PostgresLease;
  readonly resolve: (outcome: BeginOutcome) => void;
  readonly reject: (error: unknown) => void;
}

/** Gathers runs that begin in the same turn, or while others are being counted, into one call. */
export class BeginBatch {
  private waiting: Waiting[] = [];
  private running = false;

  /** @param most most leases of one call */
  constructor(
    private readonly beginAll: (leases: readonly PostgresLease[]) => Promise<BeginOutcome[]>,
    private readonly most = 500,
  ) {}

  begin(lease: PostgresLease): Promise<BeginOutcome> {
    const begun = new Promise<BeginOutcome>((resolve, reject) => {
      this.waiting.push({ lease, resolve, reject });
    });
    if (!this.running) {
      this.running = true;
      setImmediate(() => void this.run());
    }
    return begun;
  }

  private async run(): Promise<void> {
    while (this.waiting.length > 0) {
      const batch = this.waiting.splice(0, this.most);
      try {
        const outcomes = await this.beginAll(batch.map(({ lease }) => lease));
        for (const [at, { resolve }] of batch.entries()) resolve(outcomes[at]!);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.running = false;
  }
}
