import {
  delayedId,
  delayedName,
  type DelayedEntry,
  type DelayedPage,
  type DelayStore,
  type Promoted,
} from '../../../ports/delays.js';
import { PermissionDeniedError } from '../../../core/errors/server.errors.js';
import type { EventBus } from '../../../core/event-bus.js';
import { join } from '../../../core/collections/grouped.js';
import type { When } from '../../../core/message.js';
import { bySlot } from '../topology/slots.js';
import type { Commands } from '../connection/commands.js';
import { RedisDelayHints } from './delay-hints.js';
import type { Hints } from '../connection/hints.js';
import type { Keys } from '../keys/keys.js';
import { isReplicated, type ReplicatedEntry } from '../publishing/publishing-replicated.js';
import { typedError } from '../errors/reply-errors.js';
import { delayProblem, scheduleEntries } from '../publishing/scheduling.js';
import { chunksOf } from '../../../core/collections/chunks.js';
import { charactersOf, MOST_CHARACTERS } from '../scripting/script-size.js';
import { cancelDelayed } from './cancel-delayed.script.js';
import { listDelayed, type DelayedPlace } from './list-delayed.script.js';
import { LOOK_AT_ONCE, nextDue } from './next-due.script.js';
import { promote, PROMOTE_AT_ONCE } from './promote.script.js';
import { reschedule } from './reschedule.script.js';

type Result = string | Error;

/** Maximum of entries that one command stores. */
const SCHEDULE_AT_ONCE = 200;
/** With more streams than this, first ask which of them have anything due: mostly few have. */
const MANY = 10;

export interface RedisDelaysOptions {
  readonly commands: Commands;
  readonly keys: Keys;
  readonly hints: Hints;
  readonly events: EventBus;
  /** Stores delayed entries that wait for replicas. */
  readonly replicated: (entries: readonly ReplicatedEntry[]) => Promise<Result[]>;
}

/** Delayed messages in a sorted set and a hash beside each stream. */
export class RedisDelays implements DelayStore {
  constructor(private readonly options: RedisDelaysOptions) {}

  async schedule(entries: readonly DelayedEntry[]): Promise<Result[]> {
    const results = new Array<Result>(entries.length);
    const byStream = new Map<string, number[]>();
    const replicated: number[] = [];
    for (const [index, entry] of entries.entries()) {
      const problem = delayProblem(entry);
      if (problem) results[index] = problem;
      else if (isReplicated(entry)) replicated.push(index);
      else join(byStream, entry.stream, index);
    }
    const put = async (
      indexes: readonly number[],
      store: (some: readonly DelayedEntry[]) => Promise<Result[]>,
    ): Promise<void> => {
      const found = await store(indexes.map((index) => entries[index]!));
      for (const [place, index] of indexes.entries()) results[index] = found[place]!;
    };
    await Promise.all([
      put(replicated, (some) => this.options.replicated(some as readonly ReplicatedEntry[])),
      ...[...byStream.values()].map((indexes) => put(indexes, (some) => this.scheduleSome(some))),
    ]);
    return results;
  }

  async promote(streams: readonly string[]): Promise<(Promoted | Error)[]> {
    const results: Results = new Map();
    const { commands, keys } = this.options;
    const keyOf = (stream: string): string => keys.stream(stream);
    // On a single server a script may touch any keys together.
    const places = commands.together(streams.map(keyOf))
      ? [streams]
      : [...bySlot(streams, keyOf).values()];
    await Promise.all(places.map((same) => this.promoteAt(same, results)));
    return streams.map((stream) => results.get(stream)!);
  }

  hints(onScheduled: (stream: string) => void): RedisDelayHints {
    return new RedisDelayHints(this.options, onScheduled);
  }

  async list(stream: string, limit: number, after?: string): Promise<DelayedPage> {
    const keys = this.options.keys.delays(stream);
    const rows = await this.options.commands.run(
      'listing delayed messages',
      (client) =>
        listDelayed(client, keys, {
          limit: limit + 1,
          after: after === undefined ? after : placeOf(after),
        }),
      keys.delayed,
    );
    const items = rows
      .slice(0, limit)
      .map(({ name, dueAt, fields }) => ({ id: delayedId(name), dueAt, fields }));
    const last = rows[limit - 1];
    return { items, ...(rows.length > limit && last && { next: `${last.dueAt}-${last.name}` }) };
  }

  count(stream: string): Promise<number> {
    const { delayed } = this.options.keys.delays(stream);
    const action = 'counting delayed messages';
    return this.options.commands.run(
      action,
      (client) => client.zcount(delayed, '-inf', '+inf'),
      delayed,
    );
  }

  async cancel(stream: string, id: string): Promise<boolean> {
    const name = delayedName(id);
    if (name === undefined) return false;
    const keys = this.options.keys.delays(stream);
    const word = await this.options.commands.run(
      'cancelling a delayed message',
      (client) => cancelDelayed(client, keys, name),
      keys.delayed,
    );
    return word === 'cancelled';
  }

  async reschedule(stream: string, id: string, when: When): Promise<boolean> {
    const name = delayedName(id);
    if (name === undefined) return false;
    const keys = this.options.keys.delays(stream);
    const word = await this.options.commands.run(
      'rescheduling a delayed message',
      (client) => reschedule(client, keys, { name, when }),
      keys.delayed,
    );
    return word === 'moved';
  }

  /** Stores entries of one stream. */
  private async scheduleSome(entries: readonly DelayedEntry[]): Promise<Result[]> {
    const chunks = chunksOf(entries, SCHEDULE_AT_ONCE, charactersOf, MOST_CHARACTERS);
    return (await Promise.all(chunks.map((chunk) => this.scheduleChunk(chunk)))).flat();
  }

  private async scheduleChunk(entries: readonly DelayedEntry[]): Promise<Result[]> {
    const { commands, keys } = this.options;
    const { stream } = entries[0]!;
    const action = `delaying messages for "${stream}"`;
    const { delayed } = keys.delays(stream);
    try {
      const results = await commands.run(
        action,
        (client) => scheduleEntries(client, keys, entries),
        delayed,
      );
      return results.map((result) =>
        result instanceof Error ? typedError(result, action, delayed) : result,
      );
    } catch (error) {
      return entries.map(() => error as Error);
    }
  }

  /** Promotes for streams of one slot, or of one server. */
  private async promoteAt(streams: readonly string[], results: Results): Promise<void> {
    let due = streams;
    if (streams.length > MANY) {
      const looks = chunksOf(streams, LOOK_AT_ONCE);
      await Promise.all(looks.map((some) => this.ask(some, results, lookAt)));
      due = streams.filter((stream) => isDue(results.get(stream)));
    }
    const steps = chunksOf(due, PROMOTE_AT_ONCE);
    await Promise.all(steps.map((some) => this.ask(some, results, promote)));
  }

  private async ask(streams: readonly string[], results: Results, question: Ask): Promise<void> {
    const { commands, keys } = this.options;
    const places = streams.map((stream) => keys.delays(stream));
    const action = 'promoting delayed messages';
    const { delayed } = places[0]!;
    try {
      const found = await commands.run(action, (client) => question(client, places), delayed);
      for (const [index, stream] of streams.entries()) {
        const one = found[index]!;
        const key = places[index]!.delayed;
        results.set(stream, one instanceof Error ? typedError(one, action, key) : one);
      }
    } catch (error) {
      // A stream that this user may not access must not stop the others.
      if (error instanceof PermissionDeniedError && streams.length > 1) {
        await Promise.all(streams.map((stream) => this.ask([stream], results, question)));
        return;
      }
      for (const stream of streams) results.set(stream, error as Error);
    }
  }
}

type Results = Map<string, Promoted | Error>;
type Ask = typeof promote;

const lookAt: Ask = async (client, places) => {
  const found = await nextDue(
    client,
    places.map(({ delayed }) => delayed),
  );
  return found.map((wait) =>
    wait instanceof Error ? wait : { moved: 0, lost: 0, nextIn: wait < 0 ? undefined : wait },
  );
};

const isDue = (result: Promoted | Error | undefined): boolean =>
  result !== undefined && !(result instanceof Error) && result.nextIn === 0;

/** Parses the end of a page as `next` gives it: due time and name. */
function placeOf(after: string): DelayedPlace | undefined {
  const [, due, name] = /^(-?\d+)-(\d+)$/.exec(after) ?? [];
  return due === undefined ? undefined : { dueAt: Number(due), name: name! };
}
