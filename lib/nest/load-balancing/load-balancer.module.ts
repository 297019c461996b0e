import {
  ConfigurableModuleBuilder,
  Inject,
  Module,
  type ConfigurableModuleAsyncOptions,
  type DynamicModule,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import type { Balancer } from '../../load-balancing/balancer.js';
import { text } from '../../core/option-schema/kinds.js';
import { declareOptions } from '../../core/option-schema/shape.js';
import type { LoadBalancerOptions } from '../../options/load-balancer-options.js';
import { StreamsRuntime } from '../../runtime/streams-runtime.js';
import { ASYNC_OPTIONS, checkedAsync, checkedObject } from '../module/module-options.js';
import { getStreamsToken } from '../tokens.js';
import { DEFAULT_NAME } from '../../options/streams-options.js';
import { LoadBalancer } from './load-balancer.js';
import { connectListeners } from './stream-listeners.js';

/** Options of the module itself, beside those of its consumer. */
export interface LoadBalancerModuleExtras {
  /** Name of the root module whose connections are used. @default 'default' */
  readonly name?: string | undefined;
  /** Whether all modules may inject its providers. @default true */
  readonly isGlobal?: boolean | undefined;
}

/** Options of `LoadBalancerModule.forRoot`. */
export type LoadBalancerModuleOptions = LoadBalancerOptions & LoadBalancerModuleExtras;

/** Options of `LoadBalancerModule.forRootAsync`: `useFactory` with `inject`, `useClass` or `useExisting`. */
export type LoadBalancerModuleAsyncOptions = ConfigurableModuleAsyncOptions<
  LoadBalancerOptions,
  'createLoadBalancerOptions'
> &
  LoadBalancerModuleExtras & {
    /** Service for `getLoadBalancerToken(service)`, which must be known before the options are. */
    readonly service?: string | undefined;
  };

const ASYNC = declareOptions(
  'forRootAsync',
  { ...ASYNC_OPTIONS.options, service: text() },
  ...ASYNC_OPTIONS.rules,
);

const OPTIONS = Symbol('nestjs-redis-streams:load-balancer-options');
const BALANCER = Symbol('nestjs-redis-streams:balancer');

const { ConfigurableModuleClass } = new ConfigurableModuleBuilder<LoadBalancerOptions>({
  optionsInjectionToken: OPTIONS,
})
  .setClassMethodName('forRoot')
  .setFactoryMethodName('createLoadBalancerOptions')
  .setExtras<Required<LoadBalancerModuleExtras>>(
    { name: DEFAULT_NAME, isGlobal: true },
    (definition, given) => {
      const { name, isGlobal, service } = given as Required<LoadBalancerModuleExtras> & {
        readonly service?: string;
      };
      const balancer = {
        provide: BALANCER,
        useFactory: (options: LoadBalancerOptions, runtime: StreamsRuntime): Balancer =>
          runtime.balanced.join(options),
        inject: [OPTIONS, getStreamsToken(name, StreamsRuntime)],
      };
      const provided = {
        provide: LoadBalancer,
        useFactory: (shared: Balancer, runtime: StreamsRuntime) =>
          new LoadBalancer(shared, runtime.balanced),
        inject: [BALANCER, getStreamsToken(name, StreamsRuntime)],
      };
      const byName = service
        ? [{ provide: getLoadBalancerToken(service), useExisting: LoadBalancer }]
        : [];
      return {
        ...definition,
        global: isGlobal,
        providers: [...(definition.providers ?? []), balancer, provided, ...byName],
        exports: [LoadBalancer, ...byName.map(({ provide }) => provide)],
      };
    },
  )
  .build();

/**
 * Provides {@link LoadBalancer} for one service, on the connections of the root module. Import it
 * once for each service. With several services inject each by
 * `@Inject(getLoadBalancerToken(service))`.
 *
 * At a shutdown the root module gives all streams back, once the messages under way are settled.
 */
@Module({})
export class LoadBalancerModule extends ConfigurableModuleClass implements OnApplicationBootstrap {
  /** @internal */
  constructor(
    @Inject(BALANCER) private readonly balancer: Balancer,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
  ) {
    super();
  }

  /** @throws InvalidOptionsError when the application starts, naming every problem */
  static override forRoot(options: LoadBalancerModuleOptions): DynamicModule {
    return super.forRoot(checkedObject(options, 'what forRoot is given'));
  }

  /** @throws InvalidOptionsError when the application starts, naming every problem */
  static override forRootAsync(options: LoadBalancerModuleAsyncOptions): DynamicModule {
    return super.forRootAsync(checkedAsync(options, ASYNC));
  }

  /**
   * Joins the service where there are listening methods, so that the application need not call
   * `init`.
   */
  async onApplicationBootstrap(): Promise<void> {
    if (connectListeners(this.balancer, this.modules)) await this.balancer.start();
  }
}

/**
 * The injection token of the {@link LoadBalancer} of one service, for applications with several.
 */
export const getLoadBalancerToken = (service: string): string => `LoadBalancer(${service})`;
