import type { Clock } from '../../core/clock.js';

/** Longest time that buffered entries should wait, by the recent rate, in milliseconds. */
const HORIZON = 25;
/** Shortest time over which the rate is measured, in milliseconds. */
const WINDOW = 5;

/**
 * How many entries may be held beyond the free slots: as many as the handlers finish within
 * {@link HORIZON}. Fast handlers get large reads that overlap their work. Slow handlers hold no
 * entries back from other consumers.
 */
export class ReadAhead {
  size = 0;
  /** Fewer entries are not worth a read: many small reads cost more than one large one. */
  worthAsking = 1;
  private since: number;
  /** What `runs.freed` was at the last measurement. */
  private counted = 0;

  constructor(
    private readonly max: number,
    private readonly clock: Clock,
    private readonly runs: { readonly freed: number },
  ) {
    this.since = clock.now();
  }

  /** Measures again once the window has passed. */
  update(): void {
    const elapsed = this.clock.now() - this.since;
    if (elapsed < WINDOW) return;
    const { freed } = this.runs;
    const finished = freed - this.counted;
    const target = Math.min(this.max, Math.round((finished / elapsed) * HORIZON));
    this.size = target > this.size ? target : Math.floor((this.size + target) / 2);
    this.worthAsking = Math.max(1, this.size >> 1);
    this.counted = freed;
    this.since += elapsed;
  }
}
