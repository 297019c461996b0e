import type { Driver } from '../../ports/driver.js';
import type { EventBus } from '../../core/event-bus.js';

/** What a connection of a test may ask for. */
export interface OpenOptions {
  /** Receives the events of the driver. @default a bus without listeners */
  readonly events?: EventBus;
  /** Behind the prefix that the harness puts there itself, if any. @default '' */
  readonly keyPrefix?: string;
}

/** A technology as the contract suites see it: how to connect to it, and how its time passes. */
export interface DriverHarness {
  /** A further connection to the same data. The suite closes its source. */
  open(options?: OpenOptions): Promise<Driver>;
  /** Lets so much of the driver's time pass. Real time may pass longer, never shorter. */
  elapse(ms: number): Promise<void>;
  /**
   * The driver's time, in milliseconds since the epoch: `wallTime()` of its clock, not `now()`, which
   * counts from the start of the process. For a server, the time of the server.
   */
  now(): number;
  /** A name for a stream or group that no other test uses. */
  unique(name: string): string;
  /**
   * From now on the consumers of this connection look like those of a process that has died: they
   * show in no way that they live. They have stopped; what they still ask and settle is answered.
   * Leave it out where `stop` of a subscription does that, because a consumer shows that it lives
   * by `pull`, `begin` and `extend` alone.
   */
  vanish?(driver: Driver): Promise<void>;
  /** Deletes an entry's data where its pending record stays. Leave out where there is no such thing. */
  trim?(stream: string, id: string): Promise<void>;
  /**
   * Makes a stream with so many partitions. Leave it out where streams have none: see
   * `capabilities.partitionedPublish`.
   */
  makePartitions?(stream: string, count: number): Promise<void>;
  /**
   * The count of attempts goes with an entry to another consumer.
   * @default what `capabilities.durableAttempts` says
   */
  readonly countsAttempts?: boolean;
  /** The lock of an owned stream and its data cannot be checked in one step. @default false */
  readonly apart?: boolean;
  /** Called after the test, when all of its connections are closed. */
  close(): Promise<void>;
}

/**
 * Makes the harness of one test. Called before each test: what is slow to start, such as a server,
 * is started outside, once for all tests.
 */
export type DriverSetup = () => Promise<DriverHarness> | DriverHarness;
