import {
  ConfigurableModuleBuilder,
  Module,
  type ConfigurableModuleAsyncOptions,
  type DynamicModule,
} from '@nestjs/common';
import { refuse } from '../../core/option-schema/refuse.js';
import { declareOptions, type Given } from '../../core/option-schema/shape.js';
import { streamsTracing } from '../../observability/tracing/streams-tracing.js';
import type { TracingOptions } from '../../observability/tracing/tracing-options.js';
import { StreamsRuntime } from '../../runtime/streams-runtime.js';
import {
  ASYNC_OPTIONS,
  checkedAsync,
  checkedObject,
  moduleNames,
} from '../module/module-options.js';
import { getStreamsToken } from '../tokens.js';

const EXTRAS = declareOptions('StreamsTracingModule', {
  /** Names of the modules whose messages are traced. @default ['default'] */
  names: moduleNames(),
});

/** Options of the module itself, beside those of tracing. */
export interface StreamsTracingModuleExtras extends Given<typeof EXTRAS> {}

/** Options of `StreamsTracingModule.forRoot`. */
export type StreamsTracingModuleOptions = TracingOptions & StreamsTracingModuleExtras;

/** Options of `StreamsTracingModule.forRootAsync`: `useFactory` with `inject`, `useClass` or `useExisting`. */
export type StreamsTracingModuleAsyncOptions = ConfigurableModuleAsyncOptions<
  TracingOptions,
  'createTracingOptions'
> &
  StreamsTracingModuleExtras;

const { name: _, isGlobal: __, ...ofNest } = ASYNC_OPTIONS.options;
const ASYNC = declareOptions(
  'forRootAsync',
  { ...ofNest, ...EXTRAS.options },
  ...ASYNC_OPTIONS.rules,
);

const OPTIONS = Symbol('nestjs-redis-streams:tracing-options');
const TRACED = Symbol('nestjs-redis-streams:traced');

const { ConfigurableModuleClass } = new ConfigurableModuleBuilder<TracingOptions>({
  optionsInjectionToken: OPTIONS,
})
  .setClassMethodName('forRoot')
  .setFactoryMethodName('createTracingOptions')
  .setExtras<StreamsTracingModuleExtras>({ names: undefined }, (definition, given) => {
    // Nest hands over all options here, those of tracing, too.
    const own = given.names === undefined ? {} : { names: given.names };
    refuse(EXTRAS.problems(own));
    const { names } = EXTRAS.complete(own);
    const traced = {
      provide: TRACED,
      // Made before anything listens, so no message goes untraced.
      useFactory: (options: TracingOptions, ...runtimes: StreamsRuntime[]) => {
        const tracing = streamsTracing(options);
        for (const { instruments } of runtimes) instruments.use(tracing);
        return tracing;
      },
      inject: [OPTIONS, ...names.map((name) => getStreamsToken(name, StreamsRuntime))],
    };
    return { ...definition, providers: [...(definition.providers ?? []), traced] };
  })
  .build();

/**
 * Traces the messages of this application by OpenTelemetry: a span for each call that sends, for each
 * run, and for each settlement. The context of a trace travels in the metadata of messages.
 *
 * ```ts
 * imports: [RedisStreamsModule.forRoot({ url, group }), StreamsTracingModule.forRoot()]
 * ```
 *
 * Start the SDK of OpenTelemetry as the first thing of the process. Without an SDK nothing is
 * recorded.
 */
@Module({})
export class StreamsTracingModule extends ConfigurableModuleClass {
  /** @throws InvalidOptionsError, MissingPackageError when the application starts */
  static override forRoot(options: StreamsTracingModuleOptions = {}): DynamicModule {
    return super.forRoot(checkedObject(options, 'what forRoot is given'));
  }

  /** @throws InvalidOptionsError, MissingPackageError when the application starts */
  static override forRootAsync(options: StreamsTracingModuleAsyncOptions): DynamicModule {
    return super.forRootAsync(checkedAsync(options, ASYNC));
  }
}
