import type { Clock } from '../../../core/clock.js';
import type { Idempotency } from '../../../core/message.js';
import { ExpiringMap } from './expiring-map.js';

/** The window of `native` here: Redis's default, in milliseconds. */
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

  /** @param wait milliseconds until the window begins */
  remember({ key, window }: Idempotency, id: string, wait = 0): void {
    this.keys.set(key, id, wait + (window === 'native' ? NATIVE_WINDOW : window));
  }
}
