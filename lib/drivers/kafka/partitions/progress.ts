import { OffsetRanges } from './offset-ranges.js';

/** How far a group has come in a partition, as one commit tells it. */
export interface Progress {
  /** Everything below this offset is done. */
  readonly floor: number;
  /**
   * Offsets from the floor up to here may have been handed out: those that are not done have run once,
   * unless `runs` says otherwise. Those behind have not run.
   */
  readonly handed: number;
  /** What is done above the floor. */
  readonly done: OffsetRanges;
  /** How often entries have run, where that differs from the usual number. */
  readonly runs: ReadonlyMap<number, number>;
  /** The newest mark of the group's position that is applied here. 0: none. */
  readonly markNumber: number;
  /** The number of the last transaction that has committed an offset here. 0: there was none. */
  readonly transaction: number;
  /** Consumers use a transactional producer here: a new owner has to open it before it reads the offset. */
  readonly transacts: boolean;
}

/** Nothing is remembered but the floor. */
export const progressAt = (floor: number, markNumber = 0): Progress => ({
  floor,
  handed: floor,
  done: new OffsetRanges(),
  runs: new Map(),
  markNumber,
  transaction: 0,
  transacts: false,
});
