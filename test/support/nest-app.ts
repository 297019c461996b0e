import 'reflect-metadata';
import { Module, type INestMicroservice, type ModuleMetadata, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventPattern, type AsyncMicroserviceOptions } from '@nestjs/microservices';
import {
  StreamsModule,
  StreamsTransport,
  type SettledEvent,
  type StreamsModuleOptions,
} from 'nestjs-redis-streams';
import { StreamsTestKit, type TestDeadLetter } from 'nestjs-redis-streams/memory';
import { onTestFinished } from 'vitest';

/** A microservice on the memory driver, in a time that stands still until the test moves it. */
export interface TestApp {
  readonly app: INestMicroservice;
  readonly kit: StreamsTestKit;
  readonly transport: StreamsTransport;
  /** Publishes, and waits until all that can happen has happened. */
  publish(eventType: string, payload: unknown, options?: PublishOptions): Promise<string>;
  /** Publishes one message, and answers what became of its only run so far. */
  outcome(eventType: string, payload: unknown): Promise<SettledEvent>;
  /** The only dead letter there is. */
  deadLetter(): Promise<TestDeadLetter>;
}

type PublishOptions = Parameters<StreamsTestKit['publish']>[2];

export interface TestAppOptions extends ModuleMetadata {
  readonly options?: Partial<StreamsModuleOptions>;
  /** Before it listens: global enhancers, hooks. */
  readonly configure?: (app: INestMicroservice, transport: StreamsTransport) => void;
  readonly kit?: StreamsTestKit;
}

/** Starts it, and closes it when the test has finished. */
export async function startApp(given: TestAppOptions): Promise<TestApp> {
  const {
    options,
    configure,
    kit = new StreamsTestKit(options),
    imports = [],
    ...metadata
  } = given;
  const streams = StreamsModule.forRoot({ slots: kit.slots, group: 'test', ...options });
  const app = await createApp(appModule({ ...metadata, imports: [...imports, streams] }));
  onTestFinished(() => app.close());
  const transport = app.get(StreamsTransport);
  configure?.(app, transport);
  await app.listen();
  const publish: TestApp['publish'] = async (...args) => {
    const id = await kit.publish(...args);
    await kit.idle();
    return id;
  };
  return {
    app,
    kit,
    transport,
    publish,
    async outcome(...args) {
      const before = kit.settled.length;
      await publish(...args);
      const settled = kit.settled.slice(before);
      if (settled.length !== 1) throw new Error(`${settled.length} settlements instead of one`);
      return settled[0]!;
    },
    async deadLetter() {
      const letters = await kit.deadLetters();
      if (letters.length !== 1) throw new Error(`${letters.length} dead letters instead of one`);
      return letters[0]!;
    },
  };
}

/** A module class for this metadata. */
export function appModule(metadata: ModuleMetadata): Type {
  @Module(metadata)
  class AppModule {}
  return AppModule;
}

/** A microservice whose strategy is the transport of the module. */
export function createApp(module: Type): Promise<INestMicroservice> {
  return NestFactory.createMicroservice<AsyncMicroserviceOptions>(module, {
    inject: [StreamsTransport],
    useFactory: (strategy: StreamsTransport) => ({ strategy }),
    logger: false,
  });
}

/** Nest's `@EventPattern`, whose types mean the payload where they are given a text. */
export const OnEvent = EventPattern as (pattern: unknown, extras?: object) => MethodDecorator;
