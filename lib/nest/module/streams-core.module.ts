import {
  ConfigurableModuleBuilder,
  Inject,
  Module,
  type ConfigurableModuleAsyncOptions,
  type DynamicModule,
  type OnApplicationShutdown,
  type OnModuleInit,
  type Type,
} from '@nestjs/common';
import { DiscoveryModule, type ModulesContainer } from '@nestjs/core';
import { StreamsRuntime } from '../../runtime/streams-runtime.js';
import { getStreamsToken } from '../tokens.js';
import { DEFAULT_NAME, type StreamsOptions } from '../../options/streams-options.js';
import { concealing } from './concealing.js';
import type { StreamsModuleExtras } from './module-options.js';
import { listeners, streamsProviders, unfedHandlers, type Preset } from './streams-providers.js';

/** A class that makes options, for `useClass` and `useExisting`. */
export interface StreamsOptionsFactory<Options> {
  /** Called once, when the application starts. */
  createStreamsOptions(): Options | Promise<Options>;
}

/** Options of `forRootAsync`: `useFactory` with `inject`, `useClass` or `useExisting`. */
export type StreamsModuleAsyncOptions<Options = StreamsOptions> = ConfigurableModuleAsyncOptions<
  Options,
  'createStreamsOptions'
> &
  StreamsModuleExtras;

/** The runtime of the module that injects it, under any name. */
export const RUNTIME = Symbol('nestjs-redis-streams:runtime');
const BEFORE_THE_ROOT = -1;
const OPTIONS = Symbol('nestjs-redis-streams:options');

/** Makes the modules that own connections and services. */
export interface CoreModule<Options> {
  forRoot(options: Options & StreamsModuleExtras): DynamicModule;
  forRootAsync(options: StreamsModuleAsyncOptions<Options>): DynamicModule;
}

/**
 * The inner of two modules. It owns the providers, and closes the connections after all other
 * modules, so that they can publish until then.
 */
export function createCoreModule<Options extends { readonly name?: string }>(
  preset: Preset<Options>,
): CoreModule<Options> {
  const { ConfigurableModuleClass } = new ConfigurableModuleBuilder<Options>({
    optionsInjectionToken: OPTIONS,
  })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createStreamsOptions')
    .setExtras<Required<StreamsModuleExtras>>(
      { name: DEFAULT_NAME, isGlobal: true },
      (definition, { name, isGlobal }) => {
        const services = streamsProviders(name, OPTIONS, preset);
        const runtime = { provide: RUNTIME, useExisting: getStreamsToken(name, StreamsRuntime) };
        return {
          ...definition,
          global: isGlobal,
          imports: [...(definition.imports ?? []), DiscoveryModule],
          providers: [
            ...(definition.providers ?? []).map(concealing(OPTIONS)),
            ...services,
            runtime,
            ...listeners(name),
            unfedHandlers(name),
          ],
          exports: services.map(({ provide }) => provide),
        };
      },
    )
    .build();

  @Module({})
  class StreamsCoreModule
    extends ConfigurableModuleClass
    implements OnModuleInit, OnApplicationShutdown
  {
    constructor(@Inject(RUNTIME) private readonly runtime: StreamsRuntime) {
      super();
    }

    /**
     * Connects only now: an application that cannot be created would never close its connections.
     */
    onModuleInit(): void {
      this.runtime.connect();
    }

    onApplicationShutdown(): Promise<void> {
      return this.runtime.close();
    }
  }
  return StreamsCoreModule;
}

/**
 * Makes modules of this class shut down before all others, the root module included. So handlers
 * that still run find the databases of other modules open. Nest's own order depends on the distance
 * from the root module, and on the order of imports.
 */
export function shutDownFirst(outer: Type, modules: ModulesContainer): void {
  for (const module of modules.values()) {
    if (module.metatype === outer) module.distance = BEFORE_THE_ROOT;
  }
}

/** Wraps an inner module in its outer module. */
export function surround(outer: Type, inner: DynamicModule, name = DEFAULT_NAME): DynamicModule {
  const runtime = { provide: RUNTIME, useExisting: getStreamsToken(name, StreamsRuntime) };
  return { module: outer, imports: [inner], providers: [runtime], exports: [inner] };
}
