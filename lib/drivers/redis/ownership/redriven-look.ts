import { chunksOf } from '../../../core/collections/chunks.js';
import { setTimeout as pause } from 'node:timers/promises';
import { RedisConnectionError } from '../errors/redis-connection.errors.js';
import { bySlot } from '../topology/slots.js';
import type { Commands } from '../connection/commands.js';

/** Between two looks, ms. */
const INTERVAL = 2000;
/** Keys that one command asks about. */
const AT_ONCE = 500;

/** A stream to which dead letters may be handed back. */
export interface Redrivable {
  /** Where they would stand. */
  readonly redriveKey: string;
  /** Some are there, maybe. */
  redriven(): void;
}

/** Looks for what was redriven to the streams of a process: to many of them by one command. */
export class RedrivenLook {
  private readonly stopping = new AbortController();

  constructor(
    private readonly commands: Commands,
    private readonly streams: () => Iterable<Redrivable>,
  ) {}

  async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      await this.look();
      await pause(INTERVAL, undefined, { signal }).catch(() => undefined);
    }
  }

  stop(): void {
    this.stopping.abort();
  }

  private async look(): Promise<void> {
    const all = [...this.streams()];
    // On a cluster no command is about keys of several slots.
    const groups = this.commands.topology
      ? [...bySlot(all, ({ redriveKey }) => redriveKey).values()]
      : [all];
    const together = groups.flatMap((group) => chunksOf(group, AT_ONCE));
    await Promise.all(together.map((some) => this.tell(some)));
  }

  /** A key that may not be looked at hides no other. */
  private async tell(some: readonly Redrivable[]): Promise<void> {
    try {
      if ((await this.existing(some)) === 0) return;
      if (some.length === 1) return some[0]!.redriven();
    } catch (error) {
      // An outage announces itself, and is the same for all of them.
      if (some.length === 1 || error instanceof RedisConnectionError) return;
    }
    for (const one of some) await this.tell([one]);
  }

  private existing(some: readonly Redrivable[]): Promise<number> {
    const keys = some.map(({ redriveKey }) => redriveKey);
    return this.commands.run(
      'looking for redriven messages',
      (client) => client.exists(keys),
      keys[0]!,
    );
  }
}
