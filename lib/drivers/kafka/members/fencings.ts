import { systemClock } from '../../../core/clock.js';

const WITHIN = 60_000;
const MANY = 3;
/** How long to wait before the next join then, in milliseconds. */
const PAUSE = 5000;

/**
 * How often another process has taken the place of a static member. Once is a process that was started while
 * this one had not ended. Several times within a minute are two processes with one instance id.
 */
export class Fencings {
  private times: number[] = [];
  /** There were several within a minute, and no pause since the last one. */
  areNew = false;

  add(): void {
    const now = systemClock.now();
    this.times = [...this.times.filter((time) => now - time < WITHIN), now].slice(-MANY);
    this.areNew = this.times.length === MANY;
  }

  /** How long to wait before the next join, in milliseconds. */
  pause(): number {
    this.areNew = false;
    return PAUSE;
  }
}
