import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { AsyncLocalStorage } from 'node:async_hooks';
import {
  fanOut,
  next,
  rawCodec,
  StreamContext,
  StreamHandler,
  StreamPublisher,
  StreamsClient,
  StreamsModule,
  StreamsTransport,
} from 'nestjs-redis-streams';
import { memory, StreamsTestKit } from 'nestjs-redis-streams/memory';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Instrumentation } from '../../lib/core/instrumentation.js';
import { inAllSlots } from '../support/in-all-slots.js';
import { appModule, createApp, startApp } from '../support/nest-app.js';
import { until } from '../support/until.js';
import { flow } from '../support/workflow-app.js';

/** An instrumentation that notes its calls, and sets a context. */
class Noted implements Instrumentation {
  readonly calls: string[] = [];
  readonly context = new AsyncLocalStorage<string>();
  private count = 0;

  sending: Instrumentation['sending'] = (messages, kind) => {
    const name = `${kind}-${++this.count}`;
    const streams = messages.map(({ stream, eventType }) => `${stream}/${eventType}`);
    this.calls.push(`${name} ${streams.join()} in ${this.context.getStore()}`);
    return {
      metadataOf: (index) => ({ ...messages[index]!.metadata, mark: `${name}.${index}` }),
      within: (work) => this.context.run(name, work),
      ended: (outcome) => {
        const told = Array.isArray(outcome)
          ? outcome.map((one) => (one instanceof Error ? one.name : 'id')).join()
          : (outcome as Error | undefined)?.name;
        this.calls.push(`${name} ended: ${told}`);
      },
    };
  };

  run: Instrumentation['run'] = async (deliveries, work) => {
    const marks = deliveries.map(({ message }) => message.metadata['mark']);
    const name = `run of ${marks.join()}`;
    for (const delivery of deliveries) delivery.instrumented = name;
    try {
      return await this.context.run(name, work);
    } catch (error) {
      this.calls.push(`${name} threw ${(error as Error).name}`);
      throw error;
    }
  };

  following: Instrumentation['following'] = ({ instrumented }) => ({
    mark: `after ${instrumented}`,
  });

  settled: Instrumentation['settled'] = ({ instrumented }, { kind }, outcome) => {
    this.calls.push(`${kind} ${outcome} after ${instrumented}`);
  };
}

const batch = { size: 2, maxWait: 100 };

describe('an instrumentation', () => {
  it('adds metadata to what is published, and learns what became of it', async () => {
    const noted = new Noted();
    const marks: unknown[] = [];
    @Controller()
    class Orders {
      @StreamHandler('x')
      one(_: unknown, { metadata }: StreamContext) {
        marks.push(metadata);
      }
    }
    const options = { instrumentation: () => noted };
    const { app, kit } = await startApp({ controllers: [Orders], options });
    const publisher = app.get(StreamPublisher);
    await publisher.publish('x', 1, { metadata: { own: 'a' } });
    await publisher.publishBatch([
      { eventType: 'x', payload: 2 },
      { eventType: 'x', payload: 3 },
    ]);
    await expect(publisher.publish('', 4)).rejects.toThrow('eventType');
    await expect(publisher.publish('x', 5n)).rejects.toThrow('BigInt');
    await kit.idle();
    expect(marks).toEqual([
      { own: 'a', mark: 'send-1.0' },
      { mark: 'send-2.0' },
      { mark: 'send-2.1' },
    ]);
    expect(noted.calls.filter((call) => call.startsWith('send'))).toEqual([
      'send-1 x/x in undefined',
      'send-1 ended: id',
      'send-2 x/x,x/x in undefined',
      'send-2 ended: id,id',
      'send-3 x/x in undefined',
      'send-3 ended: InvalidMessageError',
    ]);
  });

  it('runs guards, handler and what it publishes in one context', async () => {
    const noted = new Noted();
    const seen: unknown[] = [];
    const guard = { canActivate: () => seen.push(['guard', noted.context.getStore()]) > 0 };
    @Controller()
    class Orders {
      @StreamHandler('x')
      async one() {
        await Promise.resolve();
        seen.push(['handler', noted.context.getStore()]);
        await publisher.publish('y', 1);
      }
    }
    const options = {
      instrumentation: () => noted,
      middleware: [
        async (delivery: unknown, go: (same: unknown) => Promise<never>) => {
          seen.push(['middleware', noted.context.getStore()]);
          return go(delivery);
        },
      ] as never,
    };
    const started = await startApp({
      controllers: [Orders],
      options,
      configure: (app) => void app.useGlobalGuards(guard),
    });
    const publisher = started.app.get(StreamPublisher);
    await publisher.publish('x', 1);
    await started.kit.idle();
    const run = 'run of send-1.0';
    expect(seen).toEqual(['middleware', 'guard', 'handler'].map((who) => [who, run]));
    expect(noted.calls).toContain(`send-2 y/y in ${run}`);
    expect(noted.calls).toContain(`ack settled after ${run}`);
  });

  it('runs a batch once, and is told each settlement', async () => {
    const noted = new Noted();
    @Controller()
    class Orders {
      @StreamHandler('x', { batch, maxDeliveries: 1 })
      many(@Payload() _: number[]) {
        throw new TypeError('no');
      }
    }
    const kit = new StreamsTestKit();
    const options = { instrumentation: () => noted };
    const { app } = await startApp({ kit, controllers: [Orders], options });
    const publisher = app.get(StreamPublisher);
    await publisher.publishBatch([1, 2].map((payload) => ({ eventType: 'x', payload })));
    await kit.advance(100);
    const run = 'run of send-1.0,send-1.1';
    expect(noted.calls.slice(2)).toEqual([
      `${run} threw TypeError`,
      `dead-letter settled after ${run}`,
      `dead-letter settled after ${run}`,
    ]);
  });

  it('is told of retries, and of messages without a run', async () => {
    const noted = new Noted();
    @Controller()
    class Orders {
      @StreamHandler({ streams: ['s'], events: 'x', backoff: { delay: 10, jitter: 0 } } as never)
      one(_: unknown, { attempt }: StreamContext) {
        if (attempt === 1) throw new TypeError('no');
      }
    }
    const { app, kit } = await startApp({
      controllers: [Orders],
      options: { instrumentation: () => noted },
    });
    const publisher = app.get(StreamPublisher);
    await publisher.publish('x', 1, { stream: 's' });
    await kit.idle();
    await kit.advance(1000);
    await publisher.publish('other', 1, { stream: 's' });
    await kit.idle();
    const run = 'run of send-1.0';
    expect(noted.calls.filter((call) => call.includes('after'))).toEqual([
      `retry settled after ${run}`,
      `ack settled after ${run}`,
      'ack settled after undefined',
    ]);
  });

  it('gives the next steps of a workflow their metadata', async () => {
    const noted = new Noted();
    const { app, kit, ran } = await flow(
      {
        a: () => fanOut([next('b', 1), next('c', 2, { metadata: { mark: 'own' } })], { join: 'd' }),
        b: () => 1,
        c: () => 2,
        d: () => undefined,
      },
      { options: { instrumentation: () => noted } },
    );
    await app.get(StreamPublisher).publish('a', 1);
    await kit.idle();
    const marks = ran.map(({ event, context }) => [event, context.metadata['mark']]);
    expect(Object.fromEntries(marks)).toEqual({
      a: 'send-1.0',
      b: 'after run of send-1.0',
      c: 'own',
      d: 'after run of after run of send-1.0',
    });
  });

  it('leaves messages as they are where the codec carries no metadata', async () => {
    const noted = new Noted();
    @Controller()
    class Orders {
      @StreamHandler('x')
      one(@Payload() payload: unknown, @Ctx() { metadata }: StreamContext) {
        noted.calls.push(JSON.stringify([payload, metadata]));
      }
    }
    const options = { instrumentation: () => noted, codec: rawCodec };
    const { app, kit } = await startApp({
      controllers: [Orders],
      options,
      kit: new StreamsTestKit({ codec: rawCodec }),
    });
    await app.get(StreamPublisher).publish('x', { a: '1' });
    await kit.idle();
    expect(noted.calls).toContain('[{"a":"1"},{}]');
  });

  it('follows an event of a client', async () => {
    const noted = new Noted();
    const { app, kit } = await startApp({ options: { instrumentation: () => noted } });
    await new Promise<void>((resolve) => {
      app.get(StreamsClient).emit('x', 1).subscribe({ complete: resolve });
    });
    await kit.idle();
    expect(noted.calls).toEqual(['send-1 x/x in undefined', 'send-1 ended: id']);
  });

  it('is told once of a run that is given up, also where its method ends later', async () => {
    const noted = new Noted();
    let end!: () => void;
    const ends = new Promise<void>((resolve) => (end = resolve));
    let runs = false;
    @Controller()
    class Orders {
      @StreamHandler('x')
      one() {
        runs = true;
        return ends;
      }
    }
    const options = { instrumentation: () => noted, gracePeriod: 10 };
    const { app, kit } = await startApp({ controllers: [Orders], options });
    const transport = app.get(StreamsTransport);
    await app.get(StreamPublisher).publish('x', 1);
    await until('it runs', () => runs);
    const closing = transport.close();
    await kit.advance(10);
    await closing;
    end();
    await kit.idle();
    const told = noted.calls.filter((call) => call.includes('after'));
    expect(told).toEqual(['release settled after run of send-1.0']);
  });

  it('has its context for the run alone, not for what starts while its method overruns', async () => {
    const noted = new Noted();
    const seen: unknown[] = [];
    let end!: () => void;
    const ends = new Promise<void>((resolve) => (end = resolve));
    @Controller()
    class Orders {
      @StreamHandler('x', {
        timeout: 10,
        filter: () => seen.push(noted.context.getStore()) > 0,
      })
      one(payload: unknown) {
        return payload === 1 ? ends : undefined;
      }
    }
    // With the system's clock: a timer of it keeps the context in which it was made.
    const streams = StreamsModule.forRoot({
      slots: inAllSlots(memory()),
      group: 'test',
      instrumentation: () => noted,
      concurrency: 1,
      maxOverrun: 1,
    });
    const app = await createApp(appModule({ imports: [streams], controllers: [Orders] }));
    onTestFinished(() => app.close());
    onTestFinished(() => end());
    await app.listen();
    const atOverrun: unknown[] = [];
    app.get(StreamsTransport).on('overrun', () => {
      atOverrun.push(noted.context.getStore());
    });
    const publisher = app.get(StreamPublisher);
    await publisher.publishBatch([1, 2, 3].map((payload) => ({ eventType: 'x', payload })));
    await until('all have run', () => seen.length === 3);
    expect(seen).toEqual([undefined, undefined, undefined]);
    // What takes the slot of the run is started where this is told.
    expect(atOverrun).toEqual([undefined]);
  });
});
