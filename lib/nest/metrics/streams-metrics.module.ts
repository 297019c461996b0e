import {
  ConfigurableModuleBuilder,
  Inject,
  Module,
  Optional,
  type BeforeApplicationShutdown,
  type ConfigurableModuleAsyncOptions,
  type DynamicModule,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleInit,
  type Provider,
} from '@nestjs/common';
import { refuse } from '../../core/option-schema/refuse.js';
import { declareOptions } from '../../core/option-schema/shape.js';
import { SharedGauges } from '../../observability/metrics/shared-gauges.js';
import { StreamsMetrics } from '../../observability/metrics/streams-metrics.js';
import { StreamsRuntime } from '../../runtime/streams-runtime.js';
import { ASYNC_OPTIONS, checkedAsync, checkedObject } from '../module/module-options.js';
import { OwnPort } from '../own-port/own-port.js';
import { getStreamsToken } from '../tokens.js';
import { metricsController, METRICS_SETTINGS } from './metrics-controller.js';
import {
  METRICS_EXTRAS,
  METRICS_OPTIONS,
  type MetricsOptions,
  type MetricsSettings,
  type StreamsMetricsModuleExtras,
} from './metrics-options.js';
import { metricsPage } from './metrics-page.js';
import { metricsSource, sharedSource } from './metrics-source.js';

/** Options of `StreamsMetricsModule.forRoot`. */
export type StreamsMetricsModuleOptions = MetricsOptions & StreamsMetricsModuleExtras;

/** Options of `StreamsMetricsModule.forRootAsync`: `useFactory` with `inject`, `useClass` or `useExisting`. */
export type StreamsMetricsModuleAsyncOptions = ConfigurableModuleAsyncOptions<
  MetricsOptions,
  'createMetricsOptions'
> &
  StreamsMetricsModuleExtras;

const ALL = declareOptions('StreamsMetricsModule', {
  ...METRICS_OPTIONS.options,
  ...METRICS_EXTRAS.options,
});
const { name: _, ...ofNest } = ASYNC_OPTIONS.options;
const ASYNC = declareOptions(
  'forRootAsync',
  { ...ofNest, ...METRICS_EXTRAS.options },
  ...ASYNC_OPTIONS.rules,
);

const OPTIONS = Symbol('nestjs-redis-streams:metrics-options');
const GAUGES = Symbol('nestjs-redis-streams:metrics-gauges');
const SERVER = Symbol('nestjs-redis-streams:metrics-server');

const { ConfigurableModuleClass } = new ConfigurableModuleBuilder<MetricsOptions>({
  optionsInjectionToken: OPTIONS,
})
  .setClassMethodName('forRoot')
  .setFactoryMethodName('createMetricsOptions')
  .setExtras<StreamsMetricsModuleExtras>(
    { path: undefined, controller: undefined, names: undefined, isGlobal: undefined },
    (definition, given) => {
      const { path, controller = true, names, isGlobal } = METRICS_EXTRAS.complete(given);
      return {
        ...definition,
        global: isGlobal,
        controllers: controller ? [metricsController(path)] : [],
        providers: [...(definition.providers ?? []), ...metricsProviders(path, names)],
        exports: [StreamsMetrics],
      };
    },
  )
  .build();

/** All providers of the module, around the runtimes with these names. */
function metricsProviders(path: string, names: readonly string[]): Provider[] {
  const runtimes = names.map((name) => getStreamsToken(name, StreamsRuntime));
  return [
    {
      provide: METRICS_SETTINGS,
      useFactory: (options: MetricsOptions): MetricsSettings => {
        refuse(METRICS_OPTIONS.problems(options));
        return METRICS_OPTIONS.complete(options);
      },
      inject: [OPTIONS],
    },
    {
      provide: StreamsMetrics,
      // Follows the transports from the beginning, so that no event is missed.
      useFactory: ({ maxSeries }: MetricsSettings, ...followed: StreamsRuntime[]) => {
        const metrics = new StreamsMetrics(maxSeries);
        for (const runtime of followed) metrics.follow(metricsSource(runtime));
        return metrics;
      },
      inject: [METRICS_SETTINGS, ...runtimes],
    },
    {
      provide: GAUGES,
      useFactory: (metrics: StreamsMetrics, settings: MetricsSettings, ...read: StreamsRuntime[]) =>
        new SharedGauges(read.map(sharedSource), metrics.store, settings.interval),
      inject: [StreamsMetrics, METRICS_SETTINGS, ...runtimes],
    },
    {
      provide: SERVER,
      useFactory: (metrics: StreamsMetrics, { port, host, registry }: MetricsSettings) =>
        port === undefined
          ? undefined
          : new OwnPort({
              of: 'StreamsMetricsModule',
              port,
              host,
              pages: { [`/${path}`]: () => metricsPage(metrics, registry) },
            }),
      inject: [StreamsMetrics, METRICS_SETTINGS],
    },
  ];
}

/**
 * Provides {@link StreamsMetrics}, and serves the metrics of the transports of this application to
 * Prometheus: at `/metrics` of its HTTP server, on a port of its own, or through a registry of
 * prom-client.
 */
@Module({})
export class StreamsMetricsModule
  extends ConfigurableModuleClass
  implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown
{
  private unregister: (() => void) | undefined;

  /** @internal */
  constructor(
    @Inject(StreamsMetrics) private readonly metrics: StreamsMetrics,
    @Inject(METRICS_SETTINGS) private readonly settings: MetricsSettings,
    @Inject(GAUGES) private readonly gauges: SharedGauges,
    @Optional() @Inject(SERVER) private readonly server?: OwnPort,
  ) {
    super();
  }

  /**
   * The page is at a port of its own, or in the registry, where `port` or `registry` is given.
   * @throws InvalidOptionsError naming every problem
   */
  static override forRoot(options: StreamsMetricsModuleOptions = {}): DynamicModule {
    const given = checkedObject(options, 'what forRoot is given');
    refuse(ALL.problems(given));
    const { controller = given.port === undefined && given.registry === undefined } = given;
    return super.forRoot({ ...given, controller });
  }

  /** @throws InvalidOptionsError when the application starts, naming every problem */
  static override forRootAsync(options: StreamsMetricsModuleAsyncOptions): DynamicModule {
    return super.forRootAsync(checkedAsync(options, ASYNC));
  }

  /** The port on which the page is served. Undefined: it has none of its own. */
  get port(): number | undefined {
    return this.server?.port;
  }

  /** @throws InvalidOptionsError where the port cannot be had */
  async onModuleInit(): Promise<void> {
    const { registry } = this.settings;
    if (registry) this.unregister = this.metrics.register(registry);
    await this.server?.listen();
  }

  /** Begins to read lag and dead letters. */
  onApplicationBootstrap(): Promise<void> {
    return this.gauges.start();
  }

  /** Reads nothing more: the connections close after this. */
  beforeApplicationShutdown(): Promise<void> {
    return this.gauges.stop();
  }

  /** The page is there until the last message is settled. */
  async onApplicationShutdown(): Promise<void> {
    this.unregister?.();
    await this.server?.close();
  }
}
