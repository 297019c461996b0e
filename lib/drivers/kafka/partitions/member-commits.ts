import { Backoff } from '../../../core/backoff.js';
import { sleep, systemClock, type TimerHandle } from '../../../core/clock.js';
import { isPermanent } from '../../../core/errors/streams.error.js';
import type { CommittedOffset } from '../connection/kafka-client.js';

/** Longest time from a settlement to the commit that tells of it, in milliseconds. */
export const COMMIT_INTERVAL = 100;

/** A partition, and its version when a commit of it began. */
interface Told {
  readonly state: CommittingPartition;
  readonly version: number;
}

const isChanged = ({ version, committed }: CommittingPartition): boolean => version > committed;

/** A partition that has something to commit. */
export interface CommittingPartition {
  /** Rises with each change. */
  readonly version: number;
  /** The version that was committed last. */
  committed: number;
  /** The member still has it. */
  readonly isOpen: boolean;
  /** A transaction with its offset is under way: no other commit of it may run. */
  inTransaction: boolean;
  toCommit(): CommittedOffset;
}

export interface MemberCommitsOptions {
  /** Commits offsets of the member's partitions, in its generation. */
  readonly commit: (offsets: readonly CommittedOffset[]) => Promise<void>;
  /** Told of each commit that failed. It is tried again. */
  readonly onFailure: (error: unknown) => void;
  /** In milliseconds. @default 100 */
  readonly commitInterval?: number | undefined;
}

/**
 * Commits what one member's partitions have to tell. One request is under way at a time, and tells of all
 * partitions that have changed. A commit that fails is tried again until its partition is closed.
 */
export class MemberCommits {
  private readonly changed = new Set<CommittingPartition>();
  private readonly backoff = new Backoff(20, 1000);
  private timer: TimerHandle | undefined;
  private underWay: Promise<void> | undefined;
  /** Resolves at the end of the next transaction, or of the next partition. */
  private ending: Promise<void> | undefined;
  private waiting = new AbortController();

  constructor(private readonly options: MemberCommitsOptions) {}

  /** The partition has something to tell, which has time. */
  readonly soon = (state: CommittingPartition): void => {
    this.changed.add(state);
    if (this.timer !== undefined) return;
    const interval = this.options.commitInterval ?? COMMIT_INTERVAL;
    this.timer = systemClock.setTimeout(() => {
      this.timer = undefined;
      void this.next();
    }, interval);
  };

  /** Resolves once a commit has told what these partitions have to tell now, or they are closed. */
  async now(states: Iterable<CommittingPartition>): Promise<void> {
    const wanted = [...states].map((state) => ({ state, version: state.version }));
    const isMissing = () =>
      wanted.some(({ state, version }) => state.isOpen && state.committed < version);
    while (isMissing()) await (this.underWay ?? this.round() ?? this.transactionEnds());
  }

  /**
   * Keeps back all commits of a partition while a transaction commits its offset. Returns what ends
   * that.
   */
  async holdBack(state: CommittingPartition): Promise<() => void> {
    state.inTransaction = true;
    await this.underWay;
    return () => {
      state.inTransaction = false;
      if (state.isOpen && isChanged(state)) this.soon(state);
      this.wake();
    };
  }

  /** The partition was closed: nothing of it is committed any more. */
  closed(state: CommittingPartition): void {
    this.changed.delete(state);
    this.wake();
  }

  /** Commits nothing by itself any more. */
  stop(): void {
    systemClock.clearTimeout(this.timer);
    this.timer = undefined;
  }

  /** What changed while a commit is under way is not in that one. */
  private async next(): Promise<void> {
    await this.underWay;
    if (!this.underWay) await this.round();
  }

  /** Undefined: there is nothing that can be committed now. Never rejects. */
  private round(): Promise<void> | undefined {
    // The end of a transaction adds its partition again.
    const states = [...this.changed].filter(
      ({ isOpen, inTransaction }) => isOpen && !inTransaction,
    );
    if (states.length === 0) return undefined;
    this.underWay = this.commit(states).finally(() => (this.underWay = undefined));
    return this.underWay;
  }

  private async commit(states: readonly CommittingPartition[]): Promise<void> {
    const told = states.map((state) => ({ state, version: state.version }));
    for (const state of states) this.changed.delete(state);
    try {
      await this.send(told);
      this.backoff.reset();
    } catch (error) {
      for (const state of states) if (state.isOpen && isChanged(state)) this.soon(state);
      if (!states.some(({ isOpen }) => isOpen)) return;
      this.options.onFailure(error);
      await this.pause(this.backoff.next());
    }
  }

  /** A partition that is refused for good, such as for its metadata, holds up no other one. */
  private async send(told: readonly Told[]): Promise<void> {
    try {
      await this.options.commit(told.map(({ state }) => state.toCommit()));
      for (const { state, version } of told) state.committed = Math.max(state.committed, version);
    } catch (error) {
      if (told.length === 1 || !isPermanent(error)) throw error;
      const outcomes = await Promise.allSettled(told.map((one) => this.send([one])));
      const refused = outcomes.find((outcome) => outcome.status === 'rejected');
      if (refused) throw refused.reason;
    }
  }

  /** Other partitions are committed meanwhile. */
  private transactionEnds(): Promise<void> {
    this.ending ??= this.pause(1000).finally(() => (this.ending = undefined));
    return this.ending;
  }

  private async pause(milliseconds: number): Promise<void> {
    await sleep(systemClock, milliseconds, this.waiting.signal);
  }

  private wake(): void {
    this.waiting.abort();
    this.waiting = new AbortController();
  }
}
