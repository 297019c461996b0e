import type { Redis } from 'ioredis';
import type { Topology } from '../topology/topology.js';

/** Sends commands to the single server, or to the node of a cluster that has the key. */
export interface Commands {
  /** A client that can be used now. */
  readonly current: Redis | undefined;
  /** The masters of a cluster. Undefined where one server has all keys. */
  readonly topology: Topology | undefined;

  /** Begins to connect. Running a command does so too. */
  connect(): void;

  /** Resolves when commands can be carried out. @throws RedisConnectionError (`not-sent`) */
  ready(action: string, timeout: number): Promise<unknown>;

  /**
   * Runs one command or several, all about keys in the slot of `key`, and rejects with typed
   * errors.
   */
  run<T>(action: string, command: (client: Redis) => Promise<T>, key: string): Promise<T>;

  /**
   * Returns how many milliseconds longer than `idle` an entry must have been left alone before its
   * owner counts as gone: owners that could not reach the server get time to return.
   */
  allowance(idle: number): number;

  /** Whether one script may touch all of these keys. */
  together(keys: readonly string[]): boolean;

  close(): Promise<void>;
}
