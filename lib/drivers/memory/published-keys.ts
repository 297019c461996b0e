import type { Idempotency } from '../../core/message.js';

/** What `native` means here: as long as Redis remembers by default, ms. */
const NATIVE_WINDOW = 100_000;

/** So many keys are not worth looking through. */
const FEW = 100;

/** The idempotency keys that one stream remembers. */
export class PublishedKeys {
  private readonly keys = new Map<string, { readonly id: string; readonly until: number }>();
  private sweepAt = FEW;

  /** The id of the message that was published with this key. */
  find(key: string, now: number): string | undefined {
    const found = this.keys.get(key);
    return found && found.until > now ? found.id : undefined;
  }

  remember({ key, window }: Idempotency, id: string, now: number): void {
    this.keys.set(key, { id, until: now + (window === 'native' ? NATIVE_WINDOW : window) });
    // Keys that nobody asks for again have to go, too: looked for whenever their number has doubled.
    if (this.keys.size >= this.sweepAt) this.sweep(now);
  }

  private sweep(now: number): void {
    for (const [key, { until }] of this.keys) if (until <= now) this.keys.delete(key);
    this.sweepAt = Math.max(FEW, 2 * this.keys.size);
  }
}
