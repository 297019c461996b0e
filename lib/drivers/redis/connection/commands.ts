import type { Redis } from 'ioredis';
import type { Topology } from '../topology/topology.js';

/** Sends commands: to the one server, or to the node of a cluster that has the key. */
export interface Commands {
  /** A client that is usable now. */
  readonly current: Redis | undefined;
  /** The masters of a cluster. Undefined where one server has all keys. */
  readonly topology: Topology | undefined;

  /** Begins to connect. Commands do so by themselves. */
  connect(): void;

  /** Resolves when commands can be carried out. @throws RedisConnectionError (`not-sent`) */
  ready(action: string, timeout: number): Promise<unknown>;

  /**
   * Runs one command or several, all with keys in the slot of `key`, and makes typed errors of
   * rejections.
   */
  run<T>(action: string, command: (client: Redis) => Promise<T>, key: string): Promise<T>;

  /**
   * How much longer than `idle` an entry must have been left alone before its owner counts as gone,
   * in milliseconds: owners that could not reach the server get time to return.
   */
  allowance(idle: number): number;

  /** Whether one script may touch all of these keys. */
  together(keys: readonly string[]): boolean;

  close(): Promise<void>;
}
