import { flag, part, text, whole } from '../../core/option-schema/kinds.js';
import { declareOptions, type Completed, type Given } from '../../core/option-schema/shape.js';
import type { PromRegistry } from '../../observability/metrics/prom-registry.js';
import { DEFAULT_MAX_SERIES } from '../../observability/metrics/streams-metrics.js';
import { moduleNames } from '../module/module-options.js';

const port = whole(0, 65_535);

export const METRICS_OPTIONS = declareOptions('StreamsMetricsModule', {
  /**
   * Serves the page on this port, by a server of its own: for an application without HTTP, or to keep the
   * page from its users. 0: any free port, see `StreamsMetricsModule.port`. @default none: the HTTP
   * server of the application serves the page
   */
  port,
  /** Address on which the server of `port` listens. @default all addresses */
  host: text(),
  /**
   * A registry of prom-client, such as its `register`. The metrics of the library are added to it, and the
   * page shows all metrics of the registry. @default none: the page shows those of the library
   */
  registry: part<PromRegistry>('registerMetric', 'a Registry of prom-client'),
  /**
   * Most series of one metric. All further ones share one, whose labels all have the value `overflow`.
   * @default 1000
   */
  maxSeries: whole(1).default(DEFAULT_MAX_SERIES),
  /**
   * How often lag, pending messages, delayed messages and dead letters are read, in milliseconds. Scrapes
   * read none of them. At least 1000. @default 15000
   */
  interval: whole(1000).duration().default(15_000),
});

export const METRICS_EXTRAS = declareOptions('StreamsMetricsModule', {
  /** Path of the page. A global prefix of the application comes before it. @default 'metrics' */
  path: text().default('metrics'),
  /**
   * False: the HTTP server of the application has no page. Serve `StreamsMetrics` by a controller of
   * your own, or the registry. @default true, or false with `registry` in `forRoot`
   */
  controller: flag(),
  /** Names of the modules whose transports are followed. @default ['default'] */
  names: moduleNames(),
  /** True: all modules may inject `StreamsMetrics`. @default true */
  isGlobal: flag().default(true),
});

/** Options of the metrics themselves. */
export interface MetricsOptions extends Given<typeof METRICS_OPTIONS> {}

/** Options that must be known before a factory is asked. */
export interface StreamsMetricsModuleExtras extends Given<typeof METRICS_EXTRAS> {}

export type MetricsSettings = Completed<typeof METRICS_OPTIONS>;
