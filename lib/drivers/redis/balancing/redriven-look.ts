import { setTimeout as pause } from 'node:timers/promises';
import type { Commands } from '../commands.js';
import { chunks } from './redis.stream-locks.js';

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

/** Looks for what was redriven to the streams of a process: few commands for all of them. */
export class RedrivenLook {
  private readonly stopping = new AbortController();

  constructor(
    private readonly commands: Commands,
    private readonly streams: () => Iterable<Redrivable>,
  ) {}

  async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      // At an outage there is nothing to be told of: it announces itself.
      await this.look().catch(() => undefined);
      await pause(INTERVAL, undefined, { signal }).catch(() => undefined);
    }
  }

  stop(): void {
    this.stopping.abort();
  }

  private async look(): Promise<void> {
    // On a cluster no command is about keys of several slots.
    const size = this.commands.topology ? 1 : AT_ONCE;
    for (const some of chunks([...this.streams()], size)) {
      if ((await this.existing(some)) === 0) continue;
      for (const one of some) if ((await this.existing([one])) > 0) one.redriven();
    }
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
