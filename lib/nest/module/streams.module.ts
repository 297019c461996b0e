import { Inject, Module, type DynamicModule, type OnModuleDestroy } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { inFilledSlots } from '../../runtime/slots/in-all-slots.js';
import type { StreamsOptions } from '../../options/streams-options.js';
import { StreamsRuntime } from '../../runtime/streams-runtime.js';
import { StreamsClient } from '../client/streams.client.js';
import { StreamsTransport } from '../transport/streams.transport.js';
import {
  createCoreModule,
  RUNTIME,
  shutDownFirst,
  surround,
  type StreamsModuleAsyncOptions,
} from './streams-core.module.js';
import { checkedAsync, checkedObject, type StreamsModuleExtras } from './module-options.js';

/** Options of `StreamsModule.forRoot`. */
export type StreamsModuleOptions = StreamsOptions & StreamsModuleExtras;

const Core = createCoreModule<StreamsOptions>({
  transport: StreamsTransport,
  client: StreamsClient,
  open: (options, source) =>
    new StreamsRuntime(
      source ? { ...options, slots: inFilledSlots(source, options.slots) } : options,
    ),
});

/**
 * Provides `StreamsTransport`, `StreamsClient`, `StreamPublisher`, `StreamConsumers`, `Workflows`,
 * `ConsumerGroupManager`, `DeadLetters`, `HeldMessages`, `DelayedMessages`, `LagMonitor`, `StreamRetention` and
 * `StreamsAdmin` around one set of connections.
 *
 * At a shutdown this module ends first, wherever it is imported: running handlers end before the
 * `onModuleDestroy` of other modules closes what the handlers use. Connections close last, after
 * every `onApplicationShutdown`, so that other modules can publish until then.
 */
@Module({})
export class StreamsModule implements OnModuleDestroy {
  /** @internal */
  constructor(
    @Inject(RUNTIME) private readonly runtime: StreamsRuntime,
    @Inject(ModulesContainer) modules: ModulesContainer,
  ) {
    shutDownFirst(StreamsModule, modules);
  }

  /** @throws InvalidOptionsError when the application starts, naming every problem */
  static forRoot(options: StreamsModuleOptions): DynamicModule {
    const { name } = checkedObject(options, 'what forRoot is given');
    return surround(StreamsModule, Core.forRoot(options), name);
  }

  /** @throws InvalidOptionsError when the application starts, naming every problem */
  static forRootAsync(options: StreamsModuleAsyncOptions): DynamicModule {
    return surround(StreamsModule, Core.forRootAsync(checkedAsync(options)), options.name);
  }

  /** Ends consuming, and awaits running handlers. Publishing still works. */
  onModuleDestroy(): Promise<void> {
    return this.runtime.drain();
  }
}
