import type { Redis } from 'ioredis';
import type { Topology } from '../topology/topology.js';

/** Where commands go: to the one server, or to the node of a cluster that has the key. */
export interface Commands {
  /** A client that is usable now. */
  readonly current: Redis | undefined;
  /** The masters of a cluster; undefined where one server has all keys. */
  readonly topology: Topology | undefined;

  /** Begins to connect. What is asked for does so by itself. */
  connect(): void;

  /** Waits until commands can be carried out. @throws RedisConnectionError (`not-sent`) */
  ready(action: string, timeout: number): Promise<unknown>;

  /**
   * Runs one command or several, all of them about keys in the slot of `key`, and types what it
   * rejects with.
   */
  run<T>(action: string, command: (client: Redis) => Promise<T>, key: string): Promise<T>;

  /**
   * By how much longer than `idle` ms an entry must have been left alone before its owner counts as
   * gone, ms: owners that could not reach the server get time to return.
   */
  allowance(idle: number): number;

  /** Whether one script may touch all of these. */
  together(keys: readonly string[]): boolean;

  close(): Promise<void>;
}
