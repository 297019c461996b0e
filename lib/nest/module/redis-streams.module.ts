import { Inject, Module, type DynamicModule, type OnModuleDestroy } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { withMasterName, type RedisStreamsOptions } from '../../runtime/redis.preset.js';
import type { StreamsRuntime } from '../../runtime/streams-runtime.js';
import { RedisStreamsClient } from '../client/redis-streams.client.js';
import { openRedis, RedisStreamsTransport } from '../transport/redis-streams.transport.js';
import {
  createCoreModule,
  RUNTIME,
  shutDownFirst,
  surround,
  type StreamsModuleAsyncOptions,
} from './streams-core.module.js';
import { checkedAsync, checkedObject, type StreamsModuleExtras } from './module-options.js';

/** Options of `RedisStreamsModule.forRoot`. */
export type RedisStreamsModuleOptions = RedisStreamsOptions & StreamsModuleExtras;

const Core = createCoreModule<RedisStreamsOptions>({
  transport: RedisStreamsTransport,
  client: RedisStreamsClient,
  open: openRedis,
  prepare: withMasterName,
});

/**
 * The module for Redis. Its providers are found under both names: `RedisStreamsTransport` and
 * `StreamsTransport`, `RedisStreamsClient` and `StreamsClient`.
 */
@Module({})
export class RedisStreamsModule implements OnModuleDestroy {
  /** @internal */
  constructor(
    @Inject(RUNTIME) private readonly runtime: StreamsRuntime,
    @Inject(ModulesContainer) modules: ModulesContainer,
  ) {
    shutDownFirst(RedisStreamsModule, modules);
  }

  /** @throws InvalidOptionsError when the application starts, naming every problem */
  static forRoot(options: RedisStreamsModuleOptions): DynamicModule {
    const prepared = withMasterName(checkedObject(options, 'what forRoot is given'));
    return surround(RedisStreamsModule, Core.forRoot(prepared), prepared.name);
  }

  /** @throws InvalidOptionsError when the application starts, naming every problem */
  static forRootAsync(options: StreamsModuleAsyncOptions<RedisStreamsOptions>): DynamicModule {
    return surround(RedisStreamsModule, Core.forRootAsync(checkedAsync(options)), options.name);
  }

  /** Ends consuming, and awaits running handlers. Publishing still works. */
  onModuleDestroy(): Promise<void> {
    return this.runtime.drain();
  }
}
