import type { InjectionToken, Provider, Type } from '@nestjs/common';
import { DiscoveryService, MetadataScanner, ModulesContainer, Reflector } from '@nestjs/core';
import { ConsumerGroupManager } from '../../admin/groups/consumer-groups.js';
import { DeadLetters } from '../../admin/dead-letters/dead-letters.js';
import { HeldMessages } from '../../admin/dead-letters/held-messages.js';
import { StreamRetention } from '../../admin/retention/stream-retention.js';
import { DelayedMessages } from '../../admin/delays/delayed-messages.js';
import { StreamsAdmin } from '../../admin/streams-admin.js';
import { ConsumerStates } from '../../committing/consumer-states.js';
import { StreamConsumers } from '../../runtime/stream-consumers/stream-consumers.js';
import { Workflows } from '../../workflows/workflows.js';
import type { DriverFactory } from '../../ports/driver.js';
import { InvalidOptionsError } from '../../core/errors/start-up.errors.js';
import { StreamsRuntime } from '../../runtime/streams-runtime.js';
import { StreamPublisher } from '../client/stream-publisher.js';
import { StreamsClient } from '../client/streams.client.js';
import type { Discovered } from '../events/decorated-methods.js';
import { EventListeners } from '../events/event-listeners.js';
import { LagListeners } from '../lag/lag-listeners.js';
import { LagMonitor } from '../lag/lag-monitor.js';
import { getSourceToken, getStreamsToken } from '../tokens.js';
import { ConnectionStatus } from '../transport/connection-status.js';
import { logEvents } from '../transport/event-log.js';
import { StreamsTransport } from '../transport/streams.transport.js';
import { UnfedHandlers } from './unfed-handlers.js';

/** The classes and functions that make one flavour of the module. */
export interface Preset<Options> {
  readonly transport: Type<StreamsTransport>;
  readonly client: Type<StreamsClient>;
  /**
   * @param source a driver in place of the one that the options name
   * @throws InvalidOptionsError
   */
  readonly open: (options: Options, source?: DriverFactory) => StreamsRuntime;
  /** Called first with options that a factory made. */
  readonly prepare?: (options: Options) => Options;
}

/** All providers of the module with this name, around one runtime. */
export function streamsProviders<Options extends { readonly name?: string }>(
  name: string,
  optionsToken: InjectionToken,
  preset: Preset<Options>,
): Exclude<Provider, Type>[] {
  const runtime = getStreamsToken(name, StreamsRuntime);
  const from = <T>(type: Type<T>, useFactory: (shared: StreamsRuntime) => T) => ({
    provide: getStreamsToken(name, type),
    useFactory,
    inject: [runtime],
  });
  const source = getSourceToken(name);
  return [
    // Made of the options, unless a test overrides it.
    { provide: source, useFactory: () => undefined },
    {
      provide: runtime,
      useFactory: (options: Options, driver: DriverFactory | undefined) =>
        watched(preset.open(named(preset.prepare?.(options) ?? options, name), driver)),
      inject: [optionsToken, source],
    },
    from(StreamsTransport, (shared) => new preset.transport(shared)),
    from(StreamsClient, (shared) => new preset.client(shared)),
    from(StreamPublisher, (shared) => new StreamPublisher(shared.producer)),
    from(StreamConsumers, (shared) => new StreamConsumers(shared)),
    from(StreamsAdmin, ({ admin }) => admin),
    from(ConsumerGroupManager, ({ admin }) => admin.groups),
    from(DeadLetters, ({ admin }) => admin.deadLetters),
    from(HeldMessages, ({ admin }) => admin.heldMessages),
    from(StreamRetention, ({ admin }) => admin.retention),
    from(LagMonitor, ({ lag, events }) => new LagMonitor(lag, events)),
    from(DelayedMessages, ({ admin }) => admin.delayedMessages),
    from(ConsumerStates, ({ commits }) => commits.states),
    from(Workflows, ({ chaining }) => chaining.workflows),
    ...aliases(name, StreamsTransport, preset.transport),
    ...aliases(name, StreamsClient, preset.client),
  ];
}

/** Providers that only the module itself uses: they connect decorated methods. */
export const listeners = (name: string): Provider[] => [
  connecting(name, LagListeners),
  connecting(name, EventListeners),
];

function connecting<T extends object>(
  name: string,
  type: Type<T> & (new (runtime: StreamsRuntime, finding: Discovered) => T),
): Provider {
  return {
    provide: getStreamsToken(name, type),
    useFactory: (
      runtime: StreamsRuntime,
      discovery: DiscoveryService,
      scanner: MetadataScanner,
      reflector: Reflector,
    ) => new type(runtime, { discovery, scanner, reflector }),
    inject: [getStreamsToken(name, StreamsRuntime), DiscoveryService, MetadataScanner, Reflector],
  };
}

/** A provider of the first module of an application. It looks at the handlers of all modules. */
export function unfedHandlers(name: string): Provider {
  return {
    provide: UnfedHandlers,
    useFactory: (
      { events }: StreamsRuntime,
      ...finding: [ModulesContainer, DiscoveryService, MetadataScanner]
    ) => new UnfedHandlers(events, ...finding),
    inject: [
      getStreamsToken(name, StreamsRuntime),
      ModulesContainer,
      DiscoveryService,
      MetadataScanner,
    ],
  };
}

/** The preset's own class is an alias of the neutral one. */
function aliases(name: string, neutral: Type, own: Type): Exclude<Provider, Type>[] {
  const alias = getStreamsToken(name, own);
  return own === neutral ? [] : [{ provide: alias, useExisting: getStreamsToken(name, neutral) }];
}

/** Follows the runtime from the beginning: clients may be made after it has connected. */
function watched(runtime: StreamsRuntime): StreamsRuntime {
  logEvents(runtime);
  ConnectionStatus.of(runtime);
  return runtime;
}

function named<Options extends { readonly name?: string }>(
  options: Options,
  name: string,
): Options {
  if (options.name !== undefined && options.name !== name) {
    throw new InvalidOptionsError([
      `name "${options.name}" comes too late from useFactory: write forRootAsync({ name: '${options.name}', useFactory })`,
    ]);
  }
  return { ...options, name };
}
