/** A first connection that takes longer than this is reported, in milliseconds. */
const PATIENCE = 1000;
/** Interval of further reports, in milliseconds. */
const AGAIN = 10_000;

/** Says in such a report that the driver goes on trying. */
export const TRIED_AGAIN = 'It is tried again.';

/** Reports a first connection that takes long, until it is made or given up. */
export class FirstConnection {
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly tell: () => void) {
    this.tellAfter(PATIENCE);
  }

  /** Called when the connection is made, or not wanted any more. */
  over(): void {
    clearTimeout(this.timer);
  }

  private tellAfter(ms: number): void {
    this.timer = setTimeout(() => {
      this.tellAfter(AGAIN);
      this.tell();
    }, ms);
    this.timer.unref();
  }
}

/** Text for an error: the address that was tried, and for how long. */
export const triedFor = (address: string | undefined, ms: number): string =>
  ` (tried ${address === undefined ? '' : `${address} `}for ${ms / 1000} s)`;
