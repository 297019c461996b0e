import { NestFactory } from '@nestjs/core';
import { StreamsModule, StreamsTransport } from 'nestjs-redis-streams';
import type { Instrumentation } from 'nestjs-redis-streams/driver';
import { memory } from 'nestjs-redis-streams/memory';
import { streamsTracing, StreamsTracingModule } from 'nestjs-redis-streams/tracing';
import { describe, expect, it } from 'vitest';
import { inAllSlots } from '../support/in-all-slots.js';
import { appModule } from '../support/nest-app.js';

const whole: Instrumentation = {
  sending: () => ({ metadataOf: () => undefined, within: (work) => work(), ended: () => {} }),
  run: (_, work) => work(),
  following: () => undefined,
  settled: () => {},
};

const transport = (made: unknown): StreamsTransport =>
  new StreamsTransport({
    slots: inAllSlots(memory()),
    group: 'shop',
    instrumentation: () => made as Instrumentation,
  });

describe('an instrumentation', () => {
  it.each(['sending', 'run', 'following', 'settled'])(
    'without its method %s is refused before anything is read',
    (method) => {
      expect(() => transport({ ...whole, [method]: undefined })).toThrow(
        `instrumentation must make an object with the method ${method}`,
      );
    },
  );

  it.each([undefined, null, 'tracing', () => whole])('cannot be %s', (made) => {
    expect(() => transport(made)).toThrow(
      'instrumentation must make an object with the method run',
    );
  });

  it('that is whole is taken', async () => {
    await transport(whole).close();
  });

  it('is one: a second one would take its place without a word', async () => {
    const streams = StreamsModule.forRoot({
      slots: inAllSlots(memory()),
      group: 'shop',
      instrumentation: streamsTracing(),
    });
    const module = appModule({ imports: [streams, StreamsTracingModule.forRoot()] });
    const start = NestFactory.createApplicationContext(module, {
      abortOnError: false,
      logger: false,
    });
    await expect(start).rejects.toThrow(
      'instrumentation must be given once: by the option instrumentation, or by StreamsTracingModule',
    );
  });
});
