/**
 * A background loop. `stop` may be called twice, and without a `start`. After it nothing of the
 * worker runs any more.
 */
export interface Worker {
  start(): Promise<void>;
  stop(): Promise<void>;
}
