import { Observable } from 'rxjs';
import type { LagWatch } from '../../admin/lag/lag-watch.js';
import type { EventBus } from '../../core/event-bus.js';
import type { GroupLag, StreamLagExceeded } from '../../core/lag.js';

/**
 * Reports how far consumer groups are behind. Injectable.
 *
 * ```ts
 * for (const { stream, group, lag } of await monitor.read()) gauge.set({ stream, group }, lag ?? NaN);
 * ```
 */
export class LagMonitor {
  /** @internal Injection tokens use this name, because a bundler may rename the class. */
  static readonly token: string = 'LagMonitor';

  /**
   * Emits a reading each `lag.interval` while there are subscribers. A reading that fails is left
   * out, and emits the event `worker-error`.
   */
  readonly readings: Observable<readonly GroupLag[]>;
  /**
   * Emits when a lag exceeds a threshold of the option `lag`, and when it has recovered: each
   * change once.
   */
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
   * @param streams @default the streams consumed here, and those that thresholds name
   * @returns one row for each group; none for a stream that does not exist. A value that the server
   * does not know is `null`
   * @throws UnsupportedFeatureError, ConnectionError, PermissionDeniedError, WrongKeyTypeError
   */
  read(streams?: readonly string[]): Promise<GroupLag[]> {
    return this.watch.read(streams);
  }
}
