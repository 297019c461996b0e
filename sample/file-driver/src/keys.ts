import type { Clock } from 'nestjs-redis-streams/driver';
import type { Change } from './changes.js';

type SetKey = Extract<Change, { do: 'set' }>;

/** The keys of the state store. An expired key is missing. */
export class Keys {
  private readonly values = new Map<string, SetKey>();

  constructor(private readonly clock: Clock) {}

  get(key: string): string | undefined {
    const found = this.values.get(key);
    return found && this.isAlive(found) ? found.value : undefined;
  }

  set(change: SetKey): void {
    this.values.set(change.key, change);
  }

  unset(key: string): void {
    this.values.delete(key);
  }

  /** Expired keys are dropped: a compacted journal does not have them. */
  *changes(): Iterable<Change> {
    for (const change of this.values.values()) {
      if (this.isAlive(change)) yield change;
      else this.values.delete(change.key);
    }
  }

  private isAlive({ until }: SetKey): boolean {
    return until === undefined || this.clock.wallTime() < until;
  }
}
