/**
 * Slot 2: a key-value store with expiry. Keys and values are any text; a missing key is `undefined`.
 * A key that has expired is missing: it does not exist, and cannot be deleted.
 */
export interface StateStore {
  get(key: string): Promise<string | undefined>;
  /**
   * Stores the value, or replaces it. `ttl` in milliseconds, from this call on; without it the key
   * stays, also where it had a `ttl` before.
   */
  set(key: string, value: string, ttl?: number): Promise<void>;
  /** One atomic step: of many callers one gets true. Returns true where the key was absent and has this value now. */
  setIfAbsent(key: string, value: string, ttl?: number): Promise<boolean>;
  /** Returns true where the key existed. */
  delete(key: string): Promise<boolean>;
  exists(key: string): Promise<boolean>;
}
