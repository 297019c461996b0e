import type { HeldStream } from '../core/held-stream.js';
import type { Lease } from '../core/lease.js';

/** The reading of one owned stream. */
export interface OwnedStreamReading {
  readonly owned: HeldStream;
  /** Hands out nothing more, and loses what was handed out. */
  end(): void;
  /** Called when the caller has stopped waiting for what runs. */
  rest(): void;
}

/** What an `OwnedSubscription` reads, by the name of the stream. */
export class OwnedReadings<Reading extends OwnedStreamReading> extends Map<string, Reading> {
  /** The reading of this stream under this token. An earlier or later owner's is another one. */
  of({ stream, token }: HeldStream): Reading | undefined {
    const reading = this.get(stream);
    return reading?.owned.token === token ? reading : undefined;
  }

  /** A later reading of the same stream stays. */
  forget(reading: Reading): void {
    const { stream } = reading.owned;
    if (this.get(stream) === reading) this.delete(stream);
  }

  /** Ends a reading that has lost its stream. */
  drop(reading: Reading): void {
    reading.end();
    reading.rest();
    this.forget(reading);
  }

  dropAll(): void {
    for (const reading of this.values()) this.drop(reading);
  }
}

/** The one entry of an owned stream that was handed out and is not settled. */
export class EntryInHand<Handed extends Lease> {
  lease: Handed | undefined;
  private waiting: (() => void)[] = [];

  /** @param onPutDown called when the next entry may be handed out */
  constructor(private readonly onPutDown: () => void) {}

  /** Whether a message that has run waits to run again. */
  get awaitsRetry(): boolean {
    const { lease } = this;
    return lease !== undefined && !lease.charged && lease.attempt > 0;
  }

  /** The entry runs again later. No other entry of this stream runs before. */
  parked(lease: Handed): void {
    lease.finishing = false;
    if (this.lease === lease && !outlived(lease, () => this.parked(lease))) this.rest();
  }

  /** The entry is settled, or this consumer will not settle it. */
  putDown(lease: Handed): void {
    if (this.lease !== lease || outlived(lease, () => this.putDown(lease))) return;
    this.lease = undefined;
    this.rest();
    this.onPutDown();
  }

  /** Resolves once nothing runs. */
  async untilRest(): Promise<void> {
    if (this.lease?.charged || this.lease?.overrun) {
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
  }

  /** Nothing runs any more, or the caller has stopped waiting for that. */
  rest(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
  }
}

/** A method goes on after its timeout: no other message of the stream runs meanwhile. */
function outlived({ overrun }: Lease, then: () => void): boolean {
  void overrun?.then(then);
  return overrun !== undefined;
}
