import type { EventBus } from '../../../core/event-bus.js';
import type { Commands } from '../connection/commands.js';
import type { Keys } from '../keys/keys.js';
import type { ReadKey } from '../held-entries/redis.lease.js';
import { giveBackHanded, keepHanded } from './age-handed.script.js';
import { countHanded } from './count-handed.script.js';
import type { Handed } from './handed-here.js';
import { listHanded } from './list-handed.script.js';
import { takeHanded, type TakenHanded } from './take-handed.script.js';
import type { HandedHints } from './handed-hints.js';
import { batchesOf } from './stream-batches.js';

export interface HandedEntriesOptions {
  readonly commands: Commands;
  readonly keys: Keys;
  readonly events: EventBus;
  readonly group: string;
  readonly consumer: string;
  /** How many entries may be fetched now. */
  readonly capacity: () => number;
  /** The keys that the subscription reads. */
  readonly readKeys: () => readonly ReadKey[];
  /** The key of a stream. Undefined: the subscription leaves it alone. */
  readonly find: (stream: string) => ReadKey | undefined;
  /** The key of a stream's redriven messages, which the subscription reads from then on. */
  readonly redrivenOf: (source: ReadKey) => ReadKey;
  /** Takes over entries that were fetched. Their runs are not counted yet. */
  readonly hold: (source: ReadKey, entries: readonly TakenHanded[]) => Promise<void>;
  readonly handed: HandedHints;
}

/** How many entries wait, as a look at the stream has found. */
export interface WaitingCounts {
  /** Entries of the stream. */
  readonly waiting: number;
  /** Redriven entries. */
  readonly redrivenWaiting: number;
}

/** How many entries of a key wait. */
export const waitingOf = ({ redriven }: ReadKey, counts: WaitingCounts): number =>
  redriven ? counts.redrivenWaiting : counts.waiting;

/** The entries that other consumers have handed to this one, until they are fetched. */
export class HandedEntries {
  /** Streams of which entries may wait. */
  readonly waiting = new Set<string>();
  private fetching: Promise<void> | undefined;
  /** There may be more entries, or more room, than the fetch under way has seen. */
  private again = false;
  private stopped = false;
  private readonly unfollow: () => void;

  constructor(private readonly options: HandedEntriesOptions) {
    const { handed, group, consumer } = options;
    this.unfollow = handed.follow(group, consumer, (stream) => this.heard(stream));
  }

  /** Entries of a stream were handed over. */
  private heard(stream: string): void {
    if (this.stopped || !this.options.find(stream)) return;
    this.waiting.add(stream);
    this.fetch();
  }

  /** There is room to fetch more. */
  capacityFreed(): void {
    if (this.waiting.size > 0) this.fetch();
  }

  /** Keeps waiting entries fresh, and fetches as many as there is room for. */
  async looked({ stream }: ReadKey, { waiting, redrivenWaiting }: WaitingCounts): Promise<void> {
    if (waiting + redrivenWaiting === 0) return;
    this.heard(stream);
    const handed = this.handedOf(stream);
    for (let after: string | undefined = ''; after !== undefined;) {
      const from: string = after;
      after = await this.run(handed, (client) => keepHanded(client, handed, from));
    }
  }

  /** Ids of a key's entries that wait: pending to this consumer, and not lost. */
  async idsOf({ stream, redriven }: ReadKey): Promise<ReadonlySet<string>> {
    const handed = this.handedOf(stream);
    const kind = redriven ? 'r' : 's';
    return new Set(await this.run(handed, (client) => listHanded(client, handed, kind)));
  }

  /**
   * Gives back, uncharged, waiting entries of these keys. Entries that cannot be given back now are
   * taken over later.
   */
  async giveBack(sources: readonly ReadKey[]): Promise<void> {
    const streams = [...new Set(sources.map(({ stream }) => stream))];
    for (const stream of streams) this.waiting.delete(stream);
    await this.giveBackAll(streams).catch(() => undefined);
  }

  /** Fetches no more. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.unfollow();
    await this.fetching;
  }

  /**
   * Gives back all waiting entries. Without a connection they are left: closing does not wait for a
   * server.
   */
  async close(): Promise<void> {
    if (this.options.commands.current) await this.giveBack(this.options.readKeys());
  }

  private async giveBackAll(streams: readonly string[]): Promise<void> {
    const { commands, keys, group, consumer } = this.options;
    const keyOf = (stream: string): string => keys.handed(stream, group);
    for (const some of batchesOf(commands, streams, keyOf)) {
      const counts = await commands.run(
        'counting what was handed over',
        (client) => countHanded(client, { sets: some.map(keyOf), group, consumer }),
        keyOf(some[0]!),
      );
      for (const [index, stream] of some.entries()) {
        if (!counts[index]) continue;
        const handed = this.handedOf(stream);
        while (await this.run(handed, (client) => giveBackHanded(client, handed)));
      }
    }
  }

  private fetch(): void {
    this.again = true;
    this.fetching ??= this.fetchAll().finally(() => (this.fetching = undefined));
  }

  private async fetchAll(): Promise<void> {
    try {
      while (this.again && !this.stopped) {
        this.again = false;
        for (const stream of [...this.waiting]) {
          // A hint that comes from now on counts.
          this.waiting.delete(stream);
          if (!(await this.fetchFrom(stream))) this.waiting.add(stream);
        }
      }
    } catch (error) {
      // The next look finds the entries, too.
      this.options.events.emit('worker-error', {
        worker: 'hand-over receiver',
        error: error as Error,
      });
    }
  }

  /** @returns whether no entries wait there any more */
  private async fetchFrom(stream: string): Promise<boolean> {
    const { hold, capacity, find, redrivenOf } = this.options;
    const handed = this.handedOf(stream);
    for (let left = capacity(); left > 0 && !this.stopped; left = capacity()) {
      const source = find(stream);
      if (!source) return true;
      const { waiting, taken } = await this.run(handed, (client) =>
        takeHanded(client, handed, left),
      );
      for (const kind of ['s', 'r'] as const) {
        const some = taken.filter((entry) => entry.kind === kind);
        // Also where the stream was left alone meanwhile: no list names these entries any more.
        if (some.length > 0) await hold(kind === 'r' ? redrivenOf(source) : source, some);
      }
      if (waiting === 0) return true;
    }
    return false;
  }

  private handedOf(stream: string): Handed {
    const { keys, group, consumer } = this.options;
    return {
      stream: keys.stream(stream),
      redrive: keys.redrive(stream, group),
      handed: keys.handed(stream, group),
      group,
      consumer,
    };
  }

  private run<T>(
    { stream }: Handed,
    act: (client: Parameters<typeof takeHanded>[0]) => Promise<T>,
  ): Promise<T> {
    return this.options.commands.run('receiving what was handed over', act, stream);
  }
}
