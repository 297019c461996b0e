import type { Arrival } from '../../ports/workflow-store.js';
import { isApart, type FanOut, type JoinResults, type ResultEntry } from './join-results.js';
import {
  isFresh,
  lastsUntil,
  type Change,
  type Lifetime,
  type SharedRecord,
  type SharedRecords,
} from './shared-record.js';
import type { WorkflowStates } from './workflow-states.js';

/** The branches of a fan-out that have arrived. */
interface Join {
  /** By the index of the branch. Null, or nothing: the branch has not arrived. */
  readonly arrived: readonly (ResultEntry | null)[];
  /** The token of the arrival that was the last. */
  readonly last?: string | undefined;
  /**
   * The results that stand apart, and the entry of the join in the record of the workflow, are kept
   * until then, in milliseconds since the epoch.
   */
  readonly fresh: number;
}

/** An arrival that is being recorded. */
interface Attempt {
  readonly entry: ResultEntry;
  readonly lifetime: Lifetime;
  /** When the store forgets the result that stands apart, and the entry of the join. */
  readonly expires: number;
  /** The join is entered in the record of the workflow. */
  readonly isEntered: boolean;
}

/** What stands in the way of an attempt: it is made again, otherwise. */
type Obstacle = 'not-entered' | 'late' | undefined;

/** Joins: one record for each fan-out, which alone decides who arrives last. */
export class RecordedJoins {
  constructor(
    private readonly records: SharedRecords,
    private readonly states: WorkflowStates,
    private readonly results: JoinResults,
  ) {}

  /** As {@link WorkflowStore.arrive}. */
  async arrive(arrival: Arrival, ttl: number): Promise<readonly string[] | undefined> {
    const entry = this.results.entryOf(arrival);
    let until = 0;
    let isEntered = false;
    for (;;) {
      const lifetime = { ttl, until };
      let expires = await this.putApart(arrival, entry, lifetime);
      if (isEntered) {
        const entered = await this.states.enterJoin(arrival.workflow, arrival.at, lifetime);
        until = Math.max(until, entered.until);
        expires = Math.min(expires, entered.expires);
      }
      const attempt = { entry, lifetime: { ttl, until }, expires, isEntered };
      const { obstacle, join } = await this.record(arrival, attempt);
      if (obstacle === 'late') return undefined;
      if (!obstacle) return this.conclude(arrival, join, ttl);
      isEntered = true;
      until = join.until;
    }
  }

  /** Keeps the join, its results, and what arrives later until this time. */
  async keep(fanOut: FanOut, until: number): Promise<void> {
    const lifetime = { ttl: 0, until };
    const join = await this.records.update<Join>(keyOf(fanOut), lifetime, (found) => found);
    await this.renew(fanOut, join, lifetime);
  }

  private async record(
    { workflow, at, index, of, token, duplicate = false }: Arrival,
    { entry, lifetime, expires, isEntered }: Attempt,
  ): Promise<{ readonly obstacle: Obstacle; readonly join: SharedRecord<Join> }> {
    let obstacle: Obstacle;
    const change: Change<Join> = ({ is }) => {
      obstacle = undefined;
      if (is?.last !== undefined && is.last !== token) obstacle = 'late';
      else if (!is && !isEntered) obstacle = 'not-entered';
      if (obstacle) return undefined;
      const arrived = Array.from({ length: of }, (_, branch) => is?.arrived[branch] ?? null);
      if (!duplicate || arrived[index] === null) arrived[index] = entry;
      const last = arrived.includes(null) ? undefined : token;
      const fresh = Math.min(is?.fresh ?? Infinity, expires);
      return { is: { arrived, last, fresh } };
    };
    const join = await this.records.update<Join>(keyOf({ workflow, at }), lifetime, change);
    return { obstacle, join };
  }

  private async conclude(
    arrival: Arrival,
    join: SharedRecord<Join>,
    ttl: number,
  ): Promise<readonly string[] | undefined> {
    const { arrived, last } = join.is!;
    await this.renew(arrival, join, { ttl, until: join.until });
    if (last !== arrival.token) return undefined;
    return this.results.read(arrival, arrived as readonly ResultEntry[]);
  }

  /** @returns when the store forgets the result, in milliseconds since the epoch */
  private async putApart(
    arrival: Arrival,
    entry: ResultEntry,
    lifetime: Lifetime,
  ): Promise<number> {
    if (!isApart(entry)) return Infinity;
    const now = this.records.clock.wallTime();
    const expires = lastsUntil(lifetime, now);
    await this.results.put(arrival, entry, arrival.result, expires - now);
    return expires;
  }

  /** Writes again what would be forgotten before the join. */
  private async renew(
    { workflow, at }: FanOut,
    { is }: SharedRecord<Join>,
    lifetime: Lifetime,
  ): Promise<void> {
    const now = this.records.clock.wallTime();
    if (!is || isFresh(is.fresh, lifetime, now)) return;
    const fanOut = { workflow, at };
    const apart = new Set(is.arrived.filter((entry) => entry !== null && isApart(entry)));
    const fresh = lastsUntil(lifetime, now);
    await this.states.enterJoin(workflow, at, lifetime);
    await this.results.renew(fanOut, apart as Set<ResultEntry>, fresh - now);
    await this.records.update<Join>(keyOf(fanOut), lifetime, ({ is: found }) => {
      const isCovered = (one: ResultEntry | null) => !one || !isApart(one) || apart.has(one);
      return found?.arrived.every(isCovered) ? { is: { ...found, fresh } } : undefined;
    });
  }
}

const keyOf = ({ workflow, at }: FanOut): string => `workflow:join:${workflow}:${at}`;
