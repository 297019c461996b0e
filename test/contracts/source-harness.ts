import type { Driver } from '../../lib/ports/driver.js';
import type { EventBus } from '../../lib/core/events.js';

/** What a connection of a test may ask for. */
export interface OpenOptions {
  /** Told of what the driver does on its own. @default one that nobody listens to */
  readonly events?: EventBus;
  /** Behind the prefix that the harness puts there itself, if any. @default '' */
  readonly keyPrefix?: string;
}

/** A technology as the source contract sees it: how to reach it, and how its time passes. */
export interface SourceHarness {
  /** A further connection to the same data. The suite closes its source. */
  open(options?: OpenOptions): Promise<Driver>;
  /** Lets so much of the driver's time pass. Real time may pass longer, never shorter. */
  elapse(ms: number): Promise<void>;
  /** The driver's time, ms since the epoch. */
  now(): number;
  /** A name for a stream or group that no other test uses. */
  unique(name: string): string;
  /** Deletes an entry's data where its pending record stays. Leave out where there is no such thing. */
  trim?(stream: string, id: string): Promise<void>;
  /**
   * The count of attempts goes with an entry to another consumer.
   * @default what `capabilities.durableAttempts` says
   */
  readonly countsAttempts?: boolean;
  /** After all tests. */
  close(): Promise<void>;
}
