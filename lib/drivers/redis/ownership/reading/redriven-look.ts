import { chunksOf } from '../../../../core/collections/chunks.js';
import { setTimeout as pause } from 'node:timers/promises';
import { RedisConnectionError } from '../../errors/redis-connection.errors.js';
import { bySlot } from '../../topology/slots.js';
import type { Commands } from '../../connection/commands.js';

/** Interval between two looks, in milliseconds. */
const INTERVAL = 2000;
/** Maximum of keys that one command asks about. */
const AT_ONCE = 500;

/** A stream to which dead letters may be redriven. */
export interface Redrivable {
  /** Key of the stream's redrive stream. */
  readonly redriveKey: string;
  /** Called where the redrive stream may have entries. */
  redriven(): void;
}

/** Looks for redriven entries of a process's streams: one command asks about many streams. */
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
    // On a cluster a command names keys of one slot only.
    const groups = this.commands.topology
      ? [...bySlot(all, ({ redriveKey }) => redriveKey).values()]
      : [all];
    const together = groups.flatMap((group) => chunksOf(group, AT_ONCE));
    await Promise.all(together.map((some) => this.tell(some)));
  }

  /** A key that this user may not access must not hide the others. */
  private async tell(some: readonly Redrivable[]): Promise<void> {
    try {
      if ((await this.existing(some)) === 0) return;
      if (some.length === 1) return some[0]!.redriven();
    } catch (error) {
      // The connection reports an outage itself, and the outage is the same for all streams.
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
