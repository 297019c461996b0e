import { DURATION_BOUNDS } from '../conventions/messaging.js';
import type { MetricDefinition } from './catalog.js';

/** The value of each label of the series that takes what is beyond the limit. */
export const OVERFLOW = 'overflow';

const BUCKETS = DURATION_BOUNDS.length + 1;
const INITIAL_SERIES = 16;

/** The values of the labels of one series, and where its numbers begin. */
export interface Series {
  readonly labels: readonly string[];
  readonly offset: number;
}

/** The state of one histogram. */
export interface HistogramState {
  /** Number of values in each bucket: one for each bound, and one for what is above the last. */
  readonly counts: readonly number[];
  readonly count: number;
  readonly sum: number;
}

type Branch = Map<string, Branch | number>;

/**
 * The series of one metric. Their numbers stand in one array, so that counting allocates nothing.
 * Beyond `limit` series all further ones share one, whose labels all have the value `overflow`.
 */
export class MetricSeries {
  private readonly size: number;
  private series: Series[] = [];
  private root: Branch = new Map();
  private overflow: number | undefined;
  private numbers: Float64Array;

  constructor(
    readonly definition: MetricDefinition,
    private readonly limit: number,
  ) {
    // A histogram has its buckets and the sum.
    this.size = definition.kind === 'histogram' ? BUCKETS + 1 : 1;
    this.numbers = new Float64Array(INITIAL_SERIES * this.size);
  }

  /** Each series that has a value, in the order of their first values. */
  get all(): readonly Series[] {
    return this.series;
  }

  /**
   * Returns the offset of a series, for the other methods. Makes the series where it is new.
   * @param labels their values, in the order of the definition
   */
  at(labels: readonly string[]): number {
    let branch = this.root;
    for (let index = 0; index < labels.length - 1; index++) {
      let next = branch.get(labels[index]!) as Branch | undefined;
      if (!next) {
        if (this.isFull) return this.overflown(labels);
        branch.set(labels[index]!, (next = new Map()));
      }
      branch = next;
    }
    const last = labels.at(-1) ?? '';
    const known = branch.get(last) as number | undefined;
    if (known !== undefined) return known;
    if (this.isFull) return this.overflown(labels);
    const offset = this.append(labels);
    branch.set(last, offset);
    return offset;
  }

  /** Adds to a counter. */
  add(offset: number, count: number): void {
    this.numbers[offset]! += count;
  }

  /** Sets a gauge. */
  set(offset: number, value: number): void {
    this.numbers[offset] = value;
  }

  /** Adds a value to a histogram. @param seconds NaN and negative values count as 0 */
  observe(offset: number, seconds: number): void {
    const value = seconds > 0 ? seconds : 0;
    let bucket = 0;
    while (bucket < DURATION_BOUNDS.length && value > DURATION_BOUNDS[bucket]!) bucket++;
    this.numbers[offset + bucket]! += 1;
    this.numbers[offset + BUCKETS]! += value;
  }

  /** The value of a counter or gauge. */
  valueOf({ offset }: Series): number {
    return this.numbers[offset]!;
  }

  /** The state of a histogram. */
  histogramOf({ offset }: Series): HistogramState {
    const counts = [...this.numbers.subarray(offset, offset + BUCKETS)];
    const count = counts.reduce((sum, one) => sum + one, 0);
    return { counts, count, sum: this.numbers[offset + BUCKETS]! };
  }

  /** Forgets all series: those of a gauge are set anew by each look. */
  clear(): void {
    this.series = [];
    this.root = new Map();
    this.overflow = undefined;
    this.numbers.fill(0);
  }

  private get isFull(): boolean {
    return this.series.length >= this.limit;
  }

  private overflown(labels: readonly string[]): number {
    return (this.overflow ??= this.append(labels.map(() => OVERFLOW)));
  }

  private append(labels: readonly string[]): number {
    const offset = this.series.length * this.size;
    if (offset + this.size > this.numbers.length) {
      const larger = new Float64Array(this.numbers.length * 2);
      larger.set(this.numbers);
      this.numbers = larger;
    }
    this.series.push({ labels, offset });
    return offset;
  }
}
