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
  /**
   * Replaces a value that the caller knows, in one atomic step: of many callers that expect the same
   * value and write another, one gets true. Returns true where the key had the value `expected` and
   * has `value` now. Returns false where the key has another value, which stays with its `ttl`.
   * Values are compared as exact texts. A caller whose call failed with an unknown outcome reads the
   * key.
   * @param expected undefined: the key must be absent, or expired
   * @param ttl as in `set`
   */
  compareAndSet(
    key: string,
    expected: string | undefined,
    value: string,
    ttl?: number,
  ): Promise<boolean>;
  /** Returns true where the key existed. */
  delete(key: string): Promise<boolean>;
  exists(key: string): Promise<boolean>;
}
