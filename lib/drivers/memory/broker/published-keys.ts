import type { Clock } from '../../../core/clock.js';
import type { Idempotency } from '../../../core/message.js';
import { ExpiringMap } from './expiring-map.js';

/** What `native` means here: as long as Redis remembers by default, ms. */
const NATIVE_WINDOW = 100_000;

/** The idempotency keys that one stream remembers. */
export class PublishedKeys {
  private readonly keys: ExpiringMap<string>;

  constructor(clock: Clock) {
    this.keys = new ExpiringMap(clock);
  }

  /** The id of the message that was published with this key. */
  find(key: string): string | undefined {
    return this.keys.get(key);
  }

  /** @param wait until its window begins, ms */
  remember({ key, window }: Idempotency, id: string, wait = 0): void {
    this.keys.set(key, id, wait + (window === 'native' ? NATIVE_WINDOW : window));
  }
}
