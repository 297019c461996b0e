import { InvalidOptionsError } from '../../core/errors/start-up.errors.js';
import { refuse } from '../../core/option-schema/refuse.js';
import { HealthMonitor } from '../../observability/health/health-monitor.js';
import { HEALTH_OPTIONS, type HealthOptions } from '../../observability/health/health-options.js';
import { reportOf, type HealthReport } from '../../observability/health/health-report.js';
import type { StreamsRuntime } from '../../runtime/streams-runtime.js';
import { runtimeOf } from '../transport/runtime-of.js';
import type { StreamsTransport } from '../transport/streams.transport.js';
import { whenTerminated } from './termination.js';
import { watchedRuntime } from './watched-runtime.js';

/**
 * Says whether the transports of this process are healthy. Injectable, by `StreamsHealthModule`.
 *
 * ```ts
 * const { status, causes } = await health.readiness();
 * ```
 */
export class StreamsHealth {
  private readonly monitors: ReadonlyMap<string, HealthMonitor>;
  private endWatch: (() => void) | undefined;

  /** @internal Throws InvalidOptionsError */
  constructor(runtimes: readonly StreamsRuntime[], options: HealthOptions) {
    refuse(HEALTH_OPTIONS.problems(options));
    const settings = HEALTH_OPTIONS.complete(options);
    const names = runtimes.map((runtime) => runtime.options.name);
    const repeated = new Set(names.filter((name, at) => names.indexOf(name) !== at));
    refuse(
      [...repeated].map(
        (name) =>
          `several transports whose health is watched have the name "${name}": give each its own option name`,
      ),
    );
    const monitorOf = (runtime: StreamsRuntime): HealthMonitor =>
      new HealthMonitor(watchedRuntime(runtime), settings);
    this.monitors = new Map(runtimes.map((runtime, at) => [names[at]!, monitorOf(runtime)]));
  }

  /**
   * The health of transports that no module has made. Call it before they listen.
   *
   * ```ts
   * const strategy = new RedisStreamsTransport({ url, group: 'orders' });
   * const health = StreamsHealth.of([strategy]);
   * ```
   * @throws InvalidOptionsError
   */
  static of(transports: readonly StreamsTransport[], options: HealthOptions = {}): StreamsHealth {
    const runtimes = transports.map((transport) => {
      const runtime = runtimeOf(transport);
      if (runtime) return runtime;
      throw new InvalidOptionsError(['only transports of this library have a health']);
    });
    const health = new StreamsHealth(runtimes, options);
    health.start();
    let open = runtimes.length;
    for (const { whenClosed } of runtimes) whenClosed.push(() => --open === 0 && health.stop());
    return health;
  }

  /**
   * Whether the reading loops make progress: `up` or `down`. Asks no server: an outage of the server
   * is no reason to restart this process.
   * @param name the transport with this name. @default all
   * @throws InvalidOptionsError where there is no such transport
   */
  liveness(name?: string): HealthReport {
    const reports = this.of(name).map((monitor) => monitor.liveness());
    return reportOf(reports.flatMap(({ causes }) => causes));
  }

  /**
   * Whether the transports work: they read, their connections and groups are there, and the process
   * has not been told to end. `degraded`: they work, and an operator should look at the causes.
   *
   * Asks the server, and waits for its answer for the option `timeout`.
   * @param name the transport with this name. @default all
   * @throws InvalidOptionsError where there is no such transport
   */
  async readiness(name?: string): Promise<HealthReport> {
    const reports = await Promise.all(this.of(name).map((monitor) => monitor.readiness()));
    return reportOf(reports.flatMap(({ causes }) => causes));
  }

  /** @internal */
  start(): void {
    for (const monitor of this.monitors.values()) monitor.start();
    this.endWatch ??= whenTerminated(() => {
      for (const monitor of this.monitors.values()) monitor.terminate();
    });
  }

  /** @internal */
  stop(): void {
    for (const monitor of this.monitors.values()) monitor.stop();
    this.endWatch?.();
    this.endWatch = undefined;
  }

  private of(name: string | undefined): readonly HealthMonitor[] {
    if (name === undefined) return [...this.monitors.values()];
    const monitor = this.monitors.get(name);
    if (monitor) return [monitor];
    const known = [...this.monitors.keys()].join('", "');
    throw new InvalidOptionsError([
      `name "${name}" is no transport whose health is watched: there is "${known}"`,
    ]);
  }
}
