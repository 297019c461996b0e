import {
  ConfigurableModuleBuilder,
  Inject,
  Module,
  Optional,
  type ConfigurableModuleAsyncOptions,
  type DynamicModule,
  type OnApplicationShutdown,
  type OnModuleInit,
  type Provider,
} from '@nestjs/common';
import { refuse } from '../../core/option-schema/refuse.js';
import { declareOptions } from '../../core/option-schema/shape.js';
import type { HealthReport } from '../../observability/health/health-report.js';
import { StreamsRuntime } from '../../runtime/streams-runtime.js';
import { ASYNC_OPTIONS, checkedAsync, checkedObject } from '../module/module-options.js';
import { OwnPort } from '../own-port/own-port.js';
import type { PortAnswer } from '../own-port/page-server.js';
import { getStreamsToken } from '../tokens.js';
import { HEALTH_PORT, healthController } from './health-controller.js';
import {
  HEALTH_MODULE_EXTRAS,
  HEALTH_MODULE_OPTIONS,
  type HealthModuleOptions,
  type HealthPort,
  type StreamsHealthModuleExtras,
} from './health-module-options.js';
import { StreamsHealth } from './streams-health.js';
import { StreamsHealthIndicator } from './streams-health.indicator.js';

/** Options of `StreamsHealthModule.forRoot`. */
export type StreamsHealthModuleOptions = HealthModuleOptions & StreamsHealthModuleExtras;

/** Options of `StreamsHealthModule.forRootAsync`: `useFactory` with `inject`, `useClass` or `useExisting`. */
export type StreamsHealthModuleAsyncOptions = ConfigurableModuleAsyncOptions<
  HealthModuleOptions,
  'createHealthOptions'
> &
  StreamsHealthModuleExtras;

const { name: _, ...ofNest } = ASYNC_OPTIONS.options;
const ASYNC = declareOptions(
  'forRootAsync',
  { ...ofNest, ...HEALTH_MODULE_EXTRAS.options },
  ...ASYNC_OPTIONS.rules,
);

const OPTIONS = Symbol('nestjs-redis-streams:health-options');
const SERVER = Symbol('nestjs-redis-streams:health-server');

const { ConfigurableModuleClass } = new ConfigurableModuleBuilder<HealthModuleOptions>({
  optionsInjectionToken: OPTIONS,
})
  .setClassMethodName('forRoot')
  .setFactoryMethodName('createHealthOptions')
  .setExtras<StreamsHealthModuleExtras>(
    { path: undefined, controller: undefined, names: undefined, isGlobal: undefined },
    (definition, { path: at, controller: serves, names: of, isGlobal: global }) => {
      // Nest gives the other options, too.
      const given = { path: at, controller: serves, names: of, isGlobal: global };
      refuse(HEALTH_MODULE_EXTRAS.problems(given));
      const { path, controller = true, names, isGlobal } = HEALTH_MODULE_EXTRAS.complete(given);
      return {
        ...definition,
        global: isGlobal,
        controllers: controller ? [healthController(path)] : [],
        providers: [...(definition.providers ?? []), ...healthProviders(path, names)],
        exports: [StreamsHealth, StreamsHealthIndicator],
      };
    },
  )
  .build();

/** All providers of the module, around the runtimes with these names. */
function healthProviders(path: string, names: readonly string[]): Provider[] {
  return [
    {
      provide: StreamsHealth,
      // Listens to the transports from the beginning, so that no event is missed.
      useFactory: (given: HealthModuleOptions, ...runtimes: StreamsRuntime[]) => {
        refuse(HEALTH_MODULE_OPTIONS.problems(given));
        const { port: _port, host: _host, ...options } = given;
        return new StreamsHealth(runtimes, options);
      },
      inject: [OPTIONS, ...names.map((name) => getStreamsToken(name, StreamsRuntime))],
    },
    {
      provide: StreamsHealthIndicator,
      useFactory: (health: StreamsHealth) => new StreamsHealthIndicator(health),
      inject: [StreamsHealth],
    },
    { provide: HEALTH_PORT, useFactory: (options: HealthPort) => options, inject: [OPTIONS] },
    {
      provide: SERVER,
      useFactory: (health: StreamsHealth, { port, host }: HealthPort) =>
        port === undefined ? undefined : new OwnPort({ ...pagesOf(health, path), port, host }),
      inject: [StreamsHealth, OPTIONS],
    },
  ];
}

function pagesOf(health: StreamsHealth, path: string) {
  return {
    of: 'StreamsHealthModule',
    pages: {
      [`/${path}/live`]: async () => answerOf(health.liveness()),
      [`/${path}/ready`]: async () => answerOf(await health.readiness()),
    },
  };
}

const answerOf = (report: HealthReport): PortAnswer => ({
  status: report.status === 'down' ? 503 : 200,
  contentType: 'application/json; charset=utf-8',
  body: JSON.stringify(report),
});

/**
 * Provides {@link StreamsHealth} and {@link StreamsHealthIndicator}, and serves `/health/live` and
 * `/health/ready`: by the HTTP server of the application, or on a port of its own. Both answer 200, or
 * 503 where the status is `down`.
 */
@Module({})
export class StreamsHealthModule
  extends ConfigurableModuleClass
  implements OnModuleInit, OnApplicationShutdown
{
  /** @internal */
  constructor(
    @Inject(StreamsHealth) private readonly health: StreamsHealth,
    @Optional() @Inject(SERVER) private readonly server?: OwnPort,
  ) {
    super();
  }

  /** @throws InvalidOptionsError when the application starts, naming every problem */
  static override forRoot(options: StreamsHealthModuleOptions = {}): DynamicModule {
    const given = checkedObject(options, 'what forRoot is given');
    const { controller = given.port === undefined } = given;
    return super.forRoot({ ...given, controller });
  }

  /** @throws InvalidOptionsError when the application starts, naming every problem */
  static override forRootAsync(options: StreamsHealthModuleAsyncOptions): DynamicModule {
    return super.forRootAsync(checkedAsync(options, ASYNC));
  }

  /** The port on which the pages are served. Undefined: they have none of their own. */
  get port(): number | undefined {
    return this.server?.port;
  }

  /** @throws InvalidOptionsError where the port cannot be had */
  async onModuleInit(): Promise<void> {
    // Where this fails, Nest calls nothing that would end the health again.
    await this.server?.listen();
    this.health.start();
  }

  /** The pages are there until the last message is settled. */
  async onApplicationShutdown(): Promise<void> {
    this.health.stop();
    await this.server?.close();
  }
}
