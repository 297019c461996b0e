import {
  ConfigurableModuleBuilder,
  Inject,
  Module,
  type BeforeApplicationShutdown,
  type ConfigurableModuleAsyncOptions,
  type DynamicModule,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { DEFAULT_NAME } from '../../options/streams-options.js';
import { openPostgresOutbox, type PostgresOutboxOptions } from '../../runtime/postgres.outbox.js';
import { RunningOutbox } from '../../runtime/running-outbox.js';
import { StreamsRuntime } from '../../runtime/streams-runtime.js';
import { concealing } from '../module/concealing.js';
import { checkedAsync, checkedObject, type StreamsModuleExtras } from '../module/module-options.js';
import { getStreamsToken } from '../tokens.js';
import { Outbox } from './outbox.js';

/** Options of `OutboxModule.forRoot`. `name` is that of the module whose message source is used. */
export type OutboxModuleOptions = PostgresOutboxOptions & StreamsModuleExtras;

/** Options of `OutboxModule.forRootAsync`: `useFactory` with `inject`, `useClass` or `useExisting`. */
export type OutboxModuleAsyncOptions = ConfigurableModuleAsyncOptions<
  PostgresOutboxOptions,
  'createOutboxOptions'
> &
  StreamsModuleExtras;

const OPTIONS = Symbol('nestjs-redis-streams:outbox-options');
const RUNNING = Symbol('nestjs-redis-streams:running-outbox');

const { ConfigurableModuleClass } = new ConfigurableModuleBuilder<PostgresOutboxOptions>({
  optionsInjectionToken: OPTIONS,
})
  .setClassMethodName('forRoot')
  .setFactoryMethodName('createOutboxOptions')
  .setExtras<Required<StreamsModuleExtras>>(
    { name: DEFAULT_NAME, isGlobal: true },
    (definition, { name, isGlobal }) => {
      const running = {
        provide: RUNNING,
        useFactory: (options: PostgresOutboxOptions, runtime: StreamsRuntime) =>
          new RunningOutbox(openPostgresOutbox(options, runtime.events), runtime),
        inject: [OPTIONS, getStreamsToken(name, StreamsRuntime)],
      };
      const service = {
        provide: getStreamsToken(name, Outbox),
        useFactory: ({ store, producer, relay }: RunningOutbox) =>
          new Outbox(store, producer, relay),
        inject: [RUNNING],
      };
      return {
        ...definition,
        global: isGlobal,
        providers: [...(definition.providers ?? []).map(concealing(OPTIONS)), running, service],
        exports: [service.provide],
      };
    },
  )
  .build();

/**
 * Provides {@link Outbox}, and publishes what waits in the outbox to the message source of the module
 * with the same name: `RedisStreamsModule`, or `StreamsModule` with any driver.
 */
@Module({})
export class OutboxModule
  extends ConfigurableModuleClass
  implements OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown
{
  /** @internal */
  constructor(@Inject(RUNNING) private readonly running: RunningOutbox) {
    super();
  }

  /** @throws InvalidOptionsError when the application starts, naming every problem */
  static override forRoot(options: OutboxModuleOptions): DynamicModule {
    return super.forRoot(checkedObject(options, 'what forRoot is given'));
  }

  /** @throws InvalidOptionsError when the application starts, naming every problem */
  static override forRootAsync(options: OutboxModuleAsyncOptions): DynamicModule {
    return super.forRootAsync(checkedAsync(options));
  }

  /** Starts the relay. */
  onApplicationBootstrap(): Promise<void> {
    return this.running.start();
  }

  /** Ends the relay while the message source is still open. What waits is published later. */
  beforeApplicationShutdown(): Promise<void> {
    return this.running.stop();
  }

  /** Closes the connections of the outbox. */
  onApplicationShutdown(): Promise<void> {
    return this.running.close();
  }
}
