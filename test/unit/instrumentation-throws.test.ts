import { Controller } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import {
  next,
  StreamHandler,
  StreamPublisher,
  StreamsClient,
  StreamsTransport,
} from 'nestjs-redis-streams';
import type { Instrumentation, Sending } from 'nestjs-redis-streams/driver';
import { firstValueFrom } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { startApp } from '../support/nest-app.js';

const sending: Sending = {
  metadataOf: () => undefined,
  within: (work) => work(),
  ended: () => {},
};
const whole: Instrumentation = {
  sending: () => sending,
  run: (_, work) => work(),
  following: () => undefined,
  settled: () => {},
};

const failure = new Error('a span processor threw');
const fail = (): never => {
  throw failure;
};
const partly = (part: Partial<Sending>): Instrumentation => ({
  ...whole,
  sending: () => ({ ...sending, ...part }),
});

/** What throws, and when. */
const FAILING: readonly (readonly [string, string, Instrumentation])[] = [
  ['sending', 'sending', { ...whole, sending: fail }],
  ['metadataOf', 'metadataOf', partly({ metadataOf: fail })],
  ['within, before the messages are sent', 'within', partly({ within: fail })],
  ['within, after they are sent', 'within', partly({ within: (work) => (work(), fail()) })],
  ['ended', 'ended', partly({ ended: fail })],
  ['run, before the handler', 'run', { ...whole, run: fail }],
  ['run, after the handler', 'run', { ...whole, run: async (_, work) => (await work(), fail()) }],
  ['run, whose promise rejects at once', 'run', { ...whole, run: () => Promise.reject(failure) }],
  ['following', 'following', { ...whole, following: fail }],
  ['settled', 'settled', { ...whole, settled: fail }],
  [
    'settled, whose promise rejects',
    'settled',
    { ...whole, settled: () => Promise.reject(failure) as never },
  ],
];

async function started(instrumentation: Instrumentation) {
  const runs: string[] = [];
  @Controller()
  class Orders {
    @StreamHandler('place')
    place(payload: unknown) {
      runs.push(`place ${String(payload)}`);
      return next('pack', payload);
    }
    @StreamHandler('pack')
    pack(payload: unknown) {
      runs.push(`pack ${String(payload)}`);
    }
    @MessagePattern('price')
    price() {
      return 45;
    }
    @StreamHandler('refuse', { maxDeliveries: 1 })
    refuse() {
      runs.push('refuse');
      throw new TypeError('not in stock');
    }
  }
  const options = { instrumentation: () => instrumentation };
  const { app, kit } = await startApp({ controllers: [Orders], options });
  const told: string[] = [];
  const outcomes: string[] = [];
  const transport = app.get(StreamsTransport);
  transport.on('listener-failed', ({ listener, error }) =>
    told.push(`${listener}: ${error.message}`),
  );
  transport.on('settled', ({ outcome, error }) => outcomes.push([outcome, error?.name].join(' ')));
  return { app, kit, runs, told, outcomes, publisher: app.get(StreamPublisher) };
}

describe.each(FAILING)('an instrumentation that throws in %s', (_, method, instrumentation) => {
  it('changes nothing for messages, and is told of', async () => {
    const { kit, runs, told, outcomes, publisher } = await started(instrumentation);
    const id = await publisher.publish('place', 1);
    expect(id).toEqual(expect.any(String));
    expect(await publisher.publishBatch([{ eventType: 'place', payload: 2 }])).toHaveLength(1);
    await kit.idle();
    expect(runs.sort()).toEqual(['pack 1', 'pack 2', 'place 1', 'place 2']);
    expect(outcomes).toEqual(Array(4).fill('handled '));
    expect(new Set(told)).toEqual(
      new Set([`the method ${method} of the instrumentation: ${failure.message}`]),
    );
  });

  it('hides no error of a handler, and runs it once', async () => {
    const { kit, runs, outcomes, publisher } = await started(instrumentation);
    await publisher.publish('refuse', 1);
    await kit.idle();
    expect(runs).toEqual(['refuse']);
    expect(outcomes).toEqual(['dead-lettered TypeError']);
  });

  it('keeps no answer from the caller of a request', async () => {
    const { app } = await started(instrumentation);
    expect(await firstValueFrom(app.get(StreamsClient).send('price', 1))).toBe(45);
  });
});

describe('an instrumentation that fails with the error of its run', () => {
  it('is not told of: the error is the handler’s', async () => {
    const { kit, told, publisher } = await started(whole);
    await publisher.publish('refuse', 1);
    await kit.idle();
    expect(told).toEqual([]);
  });
});
