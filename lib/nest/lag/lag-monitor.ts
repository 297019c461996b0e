import { Observable } from 'rxjs';
import type { LagWatch } from '../../admin/lag/lag-watch.js';
import type { EventBus } from '../../core/events.js';
import type { GroupLag, StreamLagExceeded } from '../../core/lag.js';

/**
 * Tells how far consumer groups are behind. Injectable.
 *
 * ```ts
 * for (const { stream, group, lag } of await monitor.read()) gauge.set({ stream, group }, lag ?? NaN);
 * ```
 */
export class LagMonitor {
  /** @internal Injection tokens use this name, because a bundler may rename the class. */
  static readonly token: string = 'LagMonitor';

  /**
   * Every reading, one each `lag.interval` while somebody is subscribed. A reading that fails is left
   * out, and raises `worker-error`.
   */
  readonly readings: Observable<readonly GroupLag[]>;
  /** A lag that goes beyond a threshold of the option `lag`, or recovers: each change once. */
  readonly alarms: Observable<StreamLagExceeded>;

  /** @internal */
  constructor(
    private readonly watch: LagWatch,
    events: EventBus,
  ) {
    this.readings = new Observable((observer) => watch.follow((lags) => observer.next(lags)));
    this.alarms = new Observable((observer) =>
      events.on('stream-lag', (change) => observer.next(change)),
    );
  }

  /**
   * Reads now.
   *
   * @param streams @default those consumed here, and those that thresholds name
   * @returns one row for each group; a stream that does not exist has none. What the server does not
   * know is `null`
   * @throws UnsupportedFeatureError, ConnectionError, PermissionDeniedError, WrongKeyTypeError
   */
  read(streams?: readonly string[]): Promise<GroupLag[]> {
    return this.watch.read(streams);
  }
}
