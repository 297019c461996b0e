import { chunksOf } from '../../../core/collections/chunks.js';
import { setTimeout as pause } from 'node:timers/promises';
import { RedisConnectionError } from '../errors/redis-connection.errors.js';
import { bySlot } from '../topology/slots.js';
import type { Commands } from '../connection/commands.js';

/** Time between two looks, in milliseconds. */
const INTERVAL = 2000;
/** Most keys that one command asks about. */
const AT_ONCE = 500;

/** A stream to which dead letters may be handed back. */
export interface Redrivable {
  /** Key of its redriven messages. */
  readonly redriveKey: string;
  /** Called when there may be some. */
  redriven(): void;
}

/** Looks for redriven messages of the streams of a process: many streams with one command. */
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
    // On a cluster no command can name keys of several slots.
    const groups = this.commands.topology
      ? [...bySlot(all, ({ redriveKey }) => redriveKey).values()]
      : [all];
    const together = groups.flatMap((group) => chunksOf(group, AT_ONCE));
    await Promise.all(together.map((some) => this.tell(some)));
  }

  /** Looks at each key alone, so that one that may not be read hides no other. */
  private async tell(some: readonly Redrivable[]): Promise<void> {
    try {
      if ((await this.existing(some)) === 0) return;
      if (some.length === 1) return some[0]!.redriven();
    } catch (error) {
      // An outage is reported elsewhere, and is the same for all keys.
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
