/** Slot 2: a key-value store with expiry. Keys and values are strings; a missing key is `undefined`. */
export interface StateStore {
  get(key: string): Promise<string | undefined>;
  /** `ttl` in milliseconds. Without it the key stays. */
  set(key: string, value: string, ttl?: number): Promise<void>;
  /** One atomic step. Returns true where the key was absent and has this value now. */
  setIfAbsent(key: string, value: string, ttl?: number): Promise<boolean>;
  /** Returns true where the key existed. */
  delete(key: string): Promise<boolean>;
  exists(key: string): Promise<boolean>;
}
