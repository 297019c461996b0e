import type { StreamPlace } from '../core/held-stream.js';

export interface LockExpiriesOptions {
  /** Whether one of these locks is of this service. */
  readonly isOurs: (places: readonly StreamPlace[]) => Promise<boolean>;
  readonly onOurs: () => void;
}

/** Locks that have expired, maybe of other services: those that come together are asked about together. */
export class LockExpiries {
  private places: StreamPlace[] = [];
  private asking: Promise<void> | undefined;

  constructor(private readonly options: LockExpiriesOptions) {}

  add(place: StreamPlace): void {
    this.places.push(place);
    this.asking ??= this.ask().finally(() => (this.asking = undefined));
  }

  private async ask(): Promise<void> {
    const { isOurs, onOurs } = this.options;
    while (this.places.length > 0) {
      // What cannot be asked now is found by looking.
      if (await isOurs(this.places.splice(0)).catch(() => true)) onOurs();
    }
  }
}
