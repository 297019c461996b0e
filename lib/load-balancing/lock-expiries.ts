import type { StreamPlace } from '../core/held-stream.js';

export interface LockExpiriesOptions {
  /** Whether one of these locks belongs to this service. */
  readonly isOurs: (places: readonly StreamPlace[]) => Promise<boolean>;
  readonly onOurs: () => void;
}

/**
 * Expired locks, some of them of other services. Those that arrive together are checked by one
 * call.
 */
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
      // Where the check fails, a look finds the streams.
      if (await isOurs(this.places.splice(0)).catch(() => true)) onOurs();
    }
  }
}
