import { createHash } from 'node:crypto';
import { chunksOf } from '../../core/collections/chunks.js';
import { WorkflowStateLostError } from '../../core/errors/state-store.errors.js';
import type { Arrival } from '../../ports/workflow-store.js';
import type { StateStore } from '../../ports/state-store.js';

/**
 * The result of a branch as the record of its join has it: `=` and the text, or `#` and the name
 * under which the text stands apart.
 */
export type ResultEntry = string;

/** Characters that all results together may have in the record of the join, at most. */
const WITHIN = 16_384;

/** Results that are read or written at once. */
const AT_ONCE = 100;

/** A fan-out. */
export type FanOut = Pick<Arrival, 'workflow' | 'at'>;

/**
 * The results of branches. Short ones stand in the record of the join. Others stand apart, each
 * under a name made of its text, and are never changed: the record alone says which one counts.
 */
export class JoinResults {
  constructor(private readonly store: StateStore) {}

  entryOf({ result, of }: Pick<Arrival, 'result' | 'of'>): ResultEntry {
    if (result.length * of <= WITHIN) return `=${result}`;
    return `#${createHash('sha256').update(result).digest('base64url').slice(0, 22)}`;
  }

  /** @param ms how long to keep the text, in milliseconds */
  put(fanOut: FanOut, entry: ResultEntry, text: string, ms: number): Promise<void> {
    return this.store.set(keyOf(fanOut, entry), text, Math.ceil(ms));
  }

  /** @throws WorkflowStateLostError where the store has lost a result */
  async read(fanOut: FanOut, entries: readonly ResultEntry[]): Promise<string[]> {
    return inParts(entries, async (entry) => {
      if (!isApart(entry)) return entry.slice(1);
      const text = await this.store.get(keyOf(fanOut, entry));
      if (text === undefined) throw new WorkflowStateLostError(fanOut.workflow, fanOut.at);
      return text;
    });
  }

  /**
   * Keeps the texts for longer.
   * @param ms as of {@link put}
   */
  async renew(fanOut: FanOut, entries: Iterable<ResultEntry>, ms: number): Promise<void> {
    await inParts([...entries], async (entry) => {
      const text = await this.store.get(keyOf(fanOut, entry));
      if (text !== undefined) await this.put(fanOut, entry, text, ms);
    });
  }
}

export const isApart = (entry: ResultEntry): boolean => entry.startsWith('#');

async function inParts<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const done: R[] = [];
  for (const part of chunksOf(items, AT_ONCE)) done.push(...(await Promise.all(part.map(work))));
  return done;
}

const keyOf = ({ workflow, at }: FanOut, entry: ResultEntry): string =>
  `workflow:result:${workflow}:${at}:${entry.slice(1)}`;
