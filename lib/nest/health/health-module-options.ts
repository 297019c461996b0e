import { flag, text, whole } from '../../core/option-schema/kinds.js';
import { declareOptions, type Given } from '../../core/option-schema/shape.js';
import { HEALTH_OPTIONS } from '../../observability/health/health-options.js';
import { moduleNames } from '../module/module-options.js';

export const HEALTH_MODULE_OPTIONS = declareOptions('StreamsHealthModule', {
  /**
   * Serves the pages on this port, by a server of its own: for an application without HTTP. 0: any
   * free port, see `StreamsHealthModule.port`. @default none: the HTTP server of the application
   * serves the pages
   */
  port: whole(0, 65_535),
  /** Address on which the server of `port` listens. @default all addresses */
  host: text(),
  ...HEALTH_OPTIONS.options,
});

export const HEALTH_MODULE_EXTRAS = declareOptions('StreamsHealthModule', {
  /**
   * Path above the pages: `<path>/live` and `<path>/ready`. A global prefix of the application comes
   * before it. @default 'health'
   */
  path: text().default('health'),
  /**
   * False: the HTTP server of the application has no such pages. Use `StreamsHealthIndicator` in a
   * controller of your own. @default true, or false with `port` in `forRoot`
   */
  controller: flag(),
  /** Names of the modules whose transports are watched. @default ['default'] */
  names: moduleNames(),
  /** True: all modules may inject `StreamsHealth` and `StreamsHealthIndicator`. @default true */
  isGlobal: flag().default(true),
});

/** Options of health, and the port of its pages. */
export interface HealthModuleOptions extends Given<typeof HEALTH_MODULE_OPTIONS> {}

/** Options that must be known before a factory is asked. */
export interface StreamsHealthModuleExtras extends Given<typeof HEALTH_MODULE_EXTRAS> {}

/** Where the pages have a port of their own. */
export type HealthPort = Pick<HealthModuleOptions, 'port' | 'host'>;
