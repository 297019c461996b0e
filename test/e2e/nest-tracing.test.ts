import {
  context,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-node';
import { BadRequestException, Controller, type PipeTransform } from '@nestjs/common';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import {
  fanOut,
  next,
  StreamContext,
  StreamHandler,
  StreamPublisher,
  StreamsClient,
  StreamsTransport,
} from 'nestjs-redis-streams';
import { StreamsTestKit } from 'nestjs-redis-streams/memory';
import {
  streamsTracing,
  StreamsTracingModule,
  type StreamsTracingModuleOptions,
} from 'nestjs-redis-streams/tracing';
import { firstValueFrom } from 'rxjs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startApp } from '../support/nest-app.js';
import { recordTraces, traceIdOf } from '../support/traces.js';
import { until } from '../support/until.js';
import { flow } from '../support/workflow-app.js';

const traces = recordTraces();
const tracer = trace.getTracer('test');

/** Starts an application whose messages are traced. */
async function traced(controller: new () => object, options: StreamsTracingModuleOptions = {}) {
  const app = await startApp({
    imports: [StreamsTracingModule.forRoot(options)],
    controllers: [controller],
  });
  return { ...app, publisher: app.app.get(StreamPublisher) };
}

/** The span begins with the end of the other one: the SDK measures each by an offset of its own. */
function expectFollows({ startTime }: ReadableSpan, { endTime }: ReadableSpan): void {
  expect(Math.abs(startTime[0] - endTime[0] + (startTime[1] - endTime[1]) / 1e9)).toBeLessThan(1);
}

@Controller()
class Orders {
  @StreamHandler('order')
  one() {
    return undefined;
  }
}

describe('tracing', () => {
  it('makes spans of sending, processing and settling, by the conventions', async () => {
    const { publisher, kit } = await traced(Orders);
    const id = await publisher.publish('order', { card: '4111' });
    await kit.idle();
    expect(traces.tree()).toEqual([
      'process order > ack order',
      'send order',
      'send order > process order',
    ]);
    const [send, run, settle] = ['send', 'process', 'ack'].map((name) =>
      traces.one(`${name} order`),
    );
    const common = { 'messaging.system': 'memory', 'messaging.destination.name': 'order' };
    const message = {
      'messaging.message.id': id,
      'nestjs_redis_streams.event_type': 'order',
    };
    const consumer = {
      'messaging.consumer.group.name': 'test',
      'nestjs_redis_streams.handler': 'Orders.one',
      'nestjs_redis_streams.attempt': 1,
    };
    const type = (name: string, kind = name) => ({
      'messaging.operation.name': name,
      'messaging.operation.type': kind,
    });
    expect(send!.kind).toBe(SpanKind.PRODUCER);
    expect(send!.attributes).toEqual({ ...common, ...message, ...type('send') });
    expect(run!.kind).toBe(SpanKind.CONSUMER);
    expect(run!.attributes).toEqual({ ...common, ...message, ...consumer, ...type('process') });
    expect(run!.links.map((link) => link.context.spanId)).toEqual([send!.spanContext().spanId]);
    expect(settle!.kind).toBe(SpanKind.CLIENT);
    expect(settle!.attributes).toEqual({
      ...common,
      ...message,
      ...consumer,
      ...type('ack', 'settle'),
    });
    expect(settle!.startTime).not.toEqual([0, 0]);
    expect(JSON.stringify(traces.spans().map(({ attributes }) => attributes))).not.toContain(
      '4111',
    );
  });

  it('has the context in guards, middleware, handler and what it publishes', async () => {
    const seen: unknown[] = [];
    const see = (): void => void seen.push(trace.getActiveSpan()?.spanContext().spanId);
    const publish = (): Promise<string> => app.app.get(StreamPublisher).publish('order', 1);
    @Controller()
    class Parents {
      @StreamHandler('parent')
      async one() {
        see();
        await Promise.resolve();
        await tracer.startActiveSpan('work', (span) => publish().finally(() => span.end()));
      }
    }
    const app = await startApp({
      imports: [StreamsTracingModule.forRoot()],
      controllers: [Parents, Orders],
      options: { middleware: [(delivery, go) => (see(), go(delivery))] },
      configure: (nest) => void nest.useGlobalGuards({ canActivate: () => (see(), true) }),
    });
    await app.app.get(StreamPublisher).publish('parent', 1);
    await app.kit.idle();
    expect(traces.tree()).toEqual([
      'process order > ack order',
      'process parent > ack parent',
      'process parent > work',
      'send order > process order',
      'send parent',
      'send parent > process parent',
      'work > send order',
    ]);
    const run = traces.one('process parent').spanContext().spanId;
    // Middleware, guard and handler of the parent; then middleware and guard of the order.
    expect(seen.slice(0, 3)).toEqual([run, run, run]);
  });

  it("leaves a context that the user has set, and the user's baggage", async () => {
    const carried: unknown[] = [];
    @Controller()
    class Carriers {
      @StreamHandler('carry')
      one(_: unknown, { metadata }: StreamContext) {
        const { traceparent } = metadata;
        carried.push([traceparent, propagation.getActiveBaggage()?.getEntry('tenant')?.value]);
      }
    }
    const { publisher, kit } = await traced(Carriers);
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const metadata = { traceparent, baggage: 'tenant=a' };
    await publisher.publish('carry', 1, { metadata });
    await publisher.publish('carry', 2, { metadata: { baggage: 'tenant=b' } });
    const baggage = propagation.createBaggage({ tenant: { value: 'c' } });
    await context.with(propagation.setBaggage(ROOT_CONTEXT, baggage), () =>
      publisher.publish('carry', 3),
    );
    await kit.idle();
    const [first, second, third] = traces.named('send carry');
    const header = (span = second!): string => {
      const { traceId, spanId } = span.spanContext();
      return `00-${traceId}-${spanId}-01`;
    };
    expect(carried).toEqual([
      [traceparent, 'a'],
      [header(second), 'b'],
      [header(third), 'c'],
    ]);
    expect(first!.kind).toBe(SpanKind.CLIENT);
    expect(first!.links.map((link) => link.context.spanId)).toEqual(['b7ad6b7169203331']);
    expect(traceIdOf(traces.named('process carry')[0]!)).toBe('0af7651916cd43dd8448eb211c80319c');
  });

  it('joins retries to their message, and says why a message was given up', async () => {
    @Controller()
    class Failing {
      @StreamHandler('order', { maxDeliveries: 2, backoff: { delay: 10, jitter: 0 } })
      one() {
        throw new RangeError('too far');
      }
    }
    const { publisher, kit } = await traced(Failing);
    await publisher.publish('order', 1);
    await kit.idle();
    await kit.advance(1000);
    expect(traces.tree()).toEqual([
      'process order > dead-letter order',
      'process order > retry order',
      'send order',
      'send order > process order',
      'send order > process order',
    ]);
    const runs = traces.named('process order');
    expect(runs.map(({ attributes }) => attributes['nestjs_redis_streams.attempt'])).toEqual([
      1, 2,
    ]);
    expect(runs[0]!.status).toEqual({ code: SpanStatusCode.ERROR, message: 'too far' });
    expect(runs[0]!.attributes['error.type']).toBe('RangeError');
    expect(runs[0]!.events.map(({ name }) => name)).toEqual(['exception']);
    expect(traces.one('dead-letter order').attributes).toMatchObject({
      'nestjs_redis_streams.reason': 'max-deliveries',
    });
  });

  it('marks a run as failed where a pipe refuses its message', async () => {
    const refuse: PipeTransform = {
      transform: () => {
        throw new BadRequestException('no order');
      },
    };
    @Controller()
    class Refusing {
      @StreamHandler('order')
      one(@Payload(refuse) _: unknown) {
        return undefined;
      }
    }
    const { publisher, kit } = await traced(Refusing);
    await publisher.publish('order', 1);
    await kit.idle();
    const { status, attributes } = traces.one('process order');
    expect(status.code).toBe(SpanStatusCode.ERROR);
    expect(attributes).toMatchObject({
      'error.type': 'BadRequestException',
      'nestjs_redis_streams.reason': 'rejected',
    });
  });

  it('tells of a message that was given up without a run', async () => {
    const { publisher, kit } = await traced(Orders);
    await publisher.publish('order.unknown', 1, { stream: 'order' });
    await kit.idle();
    const { attributes, kind } = traces.one('dead-letter order');
    expect(kind).toBe(SpanKind.CLIENT);
    expect(attributes).toMatchObject({ 'nestjs_redis_streams.reason': 'unmatched' });
    expect(traces.named('process order')).toEqual([]);
  });

  it('makes one span of a batch, with a link to each message', async () => {
    @Controller()
    class Batches {
      @StreamHandler('order', { batch: { size: 2, maxWait: 100 } })
      many() {
        tracer.startSpan('child').end();
      }
    }
    const { publisher, kit } = await traced(Batches);
    const ids = [await publisher.publish('order', 1), await publisher.publish('order', 2)];
    await kit.advance(100);
    const run = traces.one('process order');
    const sent = traces.named('send order').map((span) => span.spanContext().spanId);
    expect(run.links.map((link) => link.context.spanId)).toEqual(sent);
    expect(run.links.map((link) => link.attributes?.['messaging.message.id'])).toEqual(ids);
    expect(run.attributes).toMatchObject({ 'messaging.batch.message_count': 2 });
    expect(run.attributes).not.toHaveProperty('messaging.message.id');
    expect(traces.tree()).toEqual([
      'process order',
      'process order > ack order',
      'process order > ack order',
      'process order > child',
      'send order',
      'send order',
    ]);
  });

  it('sends a batch with one span, whose context all its messages have', async () => {
    const { publisher, kit } = await traced(Orders);
    await publisher.publishBatch([1, 2].map((payload) => ({ eventType: 'order', payload })));
    await expect(
      publisher.publishBatch([{ eventType: 'order', payload: 1n as unknown as number }]),
    ).rejects.toThrow('BigInt');
    await kit.idle();
    const [sent, refused] = traces.named('send order');
    expect(sent!.attributes).toMatchObject({ 'messaging.batch.message_count': 2 });
    expect(
      traces.named('process order').map(({ parentSpanContext }) => parentSpanContext?.spanId),
    ).toEqual(Array(2).fill(sent!.spanContext().spanId));
    expect(refused!.status.code).toBe(SpanStatusCode.ERROR);
    expect(refused!.attributes['error.type']).toBe('InvalidMessageError');
  });

  it('keeps the steps of a workflow in one trace, each below the one before', async () => {
    const started = await flow(
      {
        a: () => fanOut([next('b', 1), next('c', 2)], { join: 'd' }),
        b: () => 1,
        c: () => 2,
        d: () => undefined,
      },
      { imports: [StreamsTracingModule.forRoot({ settleSpans: false })] },
    );
    await started.app.get(StreamPublisher).publish('a', 1);
    await started.kit.idle();
    expect(traces.tree().filter((line) => !line.endsWith('process d'))).toEqual([
      'process a > process b',
      'process a > process c',
      'send a',
      'send a > process a',
    ]);
    // The join follows from the branch that ended last.
    expect(traces.tree().find((line) => line.endsWith('process d'))).toMatch(
      /^process [bc] > process d$/,
    );
    expect(new Set(traces.spans().map(traceIdOf)).size).toBe(1);
  });

  it('begins a trace of its own for each run where that is wanted, and links it', async () => {
    const { publisher, kit } = await traced(Orders, { ownTrace: true });
    await publisher.publish('order', 1);
    await kit.idle();
    const [send, run] = ['send order', 'process order'].map((name) => traces.one(name));
    expect(traceIdOf(run!)).not.toBe(traceIdOf(send!));
    expect(run!.parentSpanContext).toBeUndefined();
    expect(run!.links.map((link) => link.context)).toMatchObject([{ traceId: traceIdOf(send!) }]);
  });

  it('traces a request to its answer, and hands the answer on in its context', async () => {
    @Controller()
    class Sums {
      @MessagePattern('sum')
      sum(@Payload() numbers: number[], @Ctx() _: StreamContext) {
        if (numbers.length === 0) throw new RangeError('nothing to add');
        return numbers.reduce((a, b) => a + b);
      }
    }
    const { app } = await traced(Sums);
    const client = app.get(StreamsClient);
    const asked: unknown[] = [];
    await new Promise<void>((resolve, reject) => {
      client.send('sum', [1, 2]).subscribe({
        next: (sum) => asked.push([sum, trace.getActiveSpan()?.spanContext().spanId]),
        error: reject,
        complete: resolve,
      });
    });
    const sent = traces.one('send sum');
    expect(asked).toEqual([[3, sent.spanContext().spanId]]);
    expect(traces.one('process sum').parentSpanContext?.spanId).toBe(sent.spanContext().spanId);
    await expect(firstValueFrom(client.send('sum', []))).rejects.toThrow('Internal server error');
    const [, failed] = traces.named('send sum');
    expect(failed!.status.code).toBe(SpanStatusCode.ERROR);
    expect(traces.named('process sum')[1]!.status.code).toBe(SpanStatusCode.ERROR);
  });

  it('is an option of a transport and a client that are made without a module', async () => {
    const kit = new StreamsTestKit();
    const options = { slots: kit.slots, group: 'alone', instrumentation: streamsTracing() };
    const transport = new StreamsTransport(options);
    transport.addHandler('order', () => Promise.resolve(undefined as never), true);
    await new Promise<void>((resolve, reject) =>
      transport.listen((error) => (error ? reject(error as Error) : resolve())),
    );
    const client = new StreamsClient(options);
    await firstValueFrom(client.emit('order', 1));
    await kit.idle();
    expect(traces.tree()).toEqual([
      'process order > ack order',
      'send order',
      'send order > process order',
    ]);
    await client.close();
    await transport.close();
  });

  it('refuses wrong options, naming each', async () => {
    const wrong = { ownTrace: 1, names: [] } as unknown as StreamsTracingModuleOptions;
    expect(() => StreamsTracingModule.forRoot(wrong)).toThrow('names');
    expect(() => streamsTracing({ ownTrace: 1 } as never)).toThrow('ownTrace');
  });

  it.each(['one message', 'a batch'])('ends the run of %s with its time', async (kind) => {
    let end!: () => void;
    const ends = new Promise<void>((resolve) => (end = resolve));
    onTestFinished(() => end());
    const batch = kind === 'a batch' ? { batch: { size: 2, maxWait: 1 } } : {};
    @Controller()
    class Slow {
      @StreamHandler('order', { timeout: 10, maxDeliveries: 1, ...batch })
      one() {
        return ends;
      }
    }
    const { publisher, kit } = await traced(Slow);
    await publisher.publish('order', 1);
    await kit.advance(20);
    await until('it is given up', () => traces.named('dead-letter order').length === 1);
    const run = traces.one('process order');
    expect(run.status.code).toBe(SpanStatusCode.ERROR);
    expect(run.attributes['error.type']).toBe('HandlerTimeoutError');
    expectFollows(traces.one('dead-letter order'), run);
  });

  it('ends the run that a shutdown gives up', async () => {
    let end!: () => void;
    const ends = new Promise<void>((resolve) => (end = resolve));
    onTestFinished(() => end());
    let runs = false;
    @Controller()
    class Slow {
      @StreamHandler('order')
      one() {
        runs = true;
        return ends;
      }
    }
    const { app, publisher, kit } = await traced(Slow);
    await publisher.publish('order', 1);
    await until('it runs', () => runs);
    const closing = app.get(StreamsTransport).close();
    await kit.advance(30_000);
    await closing;
    const run = traces.one('process order');
    expect(run.attributes['error.type']).toBe('release');
    expectFollows(traces.one('release order'), run);
  });
});
