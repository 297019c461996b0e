import type { Reason, HealthCode } from './health-report.js';

/** Where an incident happened, and what it was. */
export interface Incident {
  readonly code: HealthCode;
  readonly message: string;
  readonly stream?: string;
  readonly group?: string;
}

interface Known extends Incident {
  /** Last time that it happened: `now()` of the clock. */
  at: number;
  /** It lasts until it is over, and not for the window only. */
  readonly lasts: boolean;
}

/** More different incidents than this are not kept: the oldest is forgotten. */
const MOST = 200;

/** What has gone wrong recently, or still does. Each makes a transport degraded. */
export class Incidents {
  private readonly known = new Map<string, Known>();

  constructor(
    private readonly now: () => number,
    private readonly window: number,
  ) {}

  /** It happened now. The same one, of this key, is told of once. */
  happened(key: string, incident: Incident): void {
    this.keep(key, incident, false);
  }

  /** It lasts until `over` is called with its key. */
  began(key: string, incident: Incident): void {
    this.keep(key, incident, true);
  }

  over(key: string): void {
    this.known.delete(key);
  }

  causes(): Reason[] {
    const oldest = this.now() - this.window;
    for (const [key, { at, lasts }] of this.known) if (!lasts && at < oldest) this.over(key);
    return [...this.known.values()].map(({ code, message, stream, group }) => ({
      code,
      status: 'degraded',
      message,
      ...(stream !== undefined && { stream }),
      ...(group !== undefined && { group }),
    }));
  }

  private keep(key: string, incident: Incident, lasts: boolean): void {
    this.known.delete(key);
    this.known.set(key, { ...incident, at: this.now(), lasts });
    if (this.known.size > MOST) this.over([...this.known.keys()][0]!);
  }
}
