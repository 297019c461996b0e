import { Controller, Module, type ModuleMetadata } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  StreamHandler,
  StreamsClient,
  StreamsModule,
  type StreamHandlerOptions,
  type StreamsModuleOptions,
} from 'nestjs-redis-streams';
import { StreamsTestKit } from 'nestjs-redis-streams/testing';
import { firstValueFrom } from 'rxjs';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { quoted, RecordedLog, shown } from '../support/log-lines.js';
import { startApp } from '../support/nest-app.js';
import { until } from '../support/until.js';
import { inAllSlots } from '../support/in-all-slots.js';

const ORDER = { orderId: 'o-1', customerId: 'c-1', total: 100 };
const log = new RecordedLog();
beforeEach(() => log.clear());
const configure = () => log.record();

interface Given {
  readonly options?: Partial<StreamsModuleOptions>;
  readonly handler?: StreamHandlerOptions;
  readonly event?: string;
  readonly kit?: StreamsTestKit;
}

/** The service of the page. `run` is what its handler does. */
function start(run: () => unknown, { options, handler, event = 'order.placed', kit }: Given = {}) {
  @Controller()
  class OrderController {
    @StreamHandler(event, handler)
    reserve(): unknown {
      return run();
    }
  }
  return startApp({
    controllers: [OrderController],
    options: { group: 'order-service', ...options },
    configure,
    kit: kit ?? new StreamsTestKit(),
  });
}

/** A handler that does not end before the test has finished. */
function lasting() {
  let began: () => void;
  const begun = new Promise<void>((resolve) => (began = resolve));
  const end = new Promise<void>((resolve) => onTestFinished(() => resolve()));
  const run = (): Promise<void> => {
    began();
    return end;
  };
  return { run, begun };
}

const done = (): void => undefined;
const fails = (): never => {
  throw new Error('The warehouse does not answer');
};

describe('nothing is consumed, a handler is never called', () => {
  it('a handler that is connected has a line at the start', async () => {
    await start(done);
    await log.says('mapped');
  });

  it('a handler in a provider is warned of', async () => {
    class OrderController {
      @StreamHandler('order.placed')
      reserve(): void {}
    }
    await startApp({ providers: [OrderController], configure });
    await log.says('not-a-controller');
  });

  it('a handler without a transport is warned of', async () => {
    @Controller()
    class OrderController {
      @StreamHandler('order.placed')
      reserve(): void {}
    }
    const app = await made({ controllers: [OrderController] });
    onTestFinished(() => app.close());
    await log.says('not-connected');
  });

  it('a handler that reads another stream than producers write is warned of', async () => {
    await start(done, { handler: { stream: 'orders' } });
    await log.says('other-stream');
  });

  it('event types without a handler are told of', async () => {
    const { kit } = await start(done, { handler: { stream: 'orders' } });
    await kit.publish('order.paid', ORDER, { stream: 'orders' });
    await kit.advance(1_000);
    await log.says('filtered');
  });

  it('a stream named like its event type gets no others without a dead letter', async () => {
    const { kit } = await start(done);
    await kit.publish('order.paid', ORDER, { stream: 'order.placed' });
    await kit.advance(1_000);
    await log.says('unmatched');
  });
});

/** An application that starts no transport. */
async function made(metadata: ModuleMetadata) {
  const source = new StreamsTestKit().source;
  @Module({
    ...metadata,
    imports: [StreamsModule.forRoot({ slots: inAllSlots(source), group: 'order-service' })],
  })
  class AppModule {}
  const creating = NestFactory.createApplicationContext(AppModule, { logger: false });
  log.record();
  return creating;
}

describe('slow, or stuck', () => {
  it('a group that is behind raises its alarm', async () => {
    const { run } = lasting();
    const lag = { thresholds: [{ warning: 3 }] };
    const { kit } = await start(run, { options: { concurrency: 1, lag, gracePeriod: 0 } });
    for (let n = 0; n < 9; n++) await kit.publish('order.placed', ORDER);
    await kit.advance(5_000);
    await log.says('behind');
  });

  it('a run that fails is told of, and then its dead letter', async () => {
    const { kit } = await start(fails, { options: { maxDeliveries: 5 } });
    await kit.publish('order.placed', ORDER);
    await kit.idle();
    await log.says('run-failed');
    await kit.advance(60_000);
    await kit.idle();
    await log.says('max-deliveries');
  });

  it('a method that overruns its timeout is told of', async () => {
    const { run, begun } = lasting();
    const { kit } = await start(run, { handler: { timeout: 1_000 }, options: { gracePeriod: 0 } });
    await kit.publish('order.placed', ORDER);
    await begun;
    await kit.advance(1_000);
    await log.says('overrun');
  });

  it('a message for a consumer that is paused is told of', async () => {
    const kit = new StreamsTestKit();
    const stream = { stream: 'orders' };
    await start(done, { handler: stream, kit });
    const paying = { handler: stream, event: 'order.paid', kit };
    const { transport } = await start(done, paying);
    await kit.advance(1_000);
    await transport.pause('order.paid');
    await kit.publish('order.paid', ORDER, stream);
    await kit.advance(1_000);
    await log.says('waits');
  });

  it('entries that a hard limit deleted are told of', async () => {
    const { run } = lasting();
    const retention = { maxLength: 2, allowLoss: true };
    const options = { concurrency: 1, batchSize: 1, retention, gracePeriod: 0 };
    const { kit } = await start(run, { options });
    for (let n = 0; n < 9; n++) await kit.publish('order.placed', ORDER);
    await kit.advance(1_000);
    await log.says('deleted-unsettled');
  });
});

describe('the wrong service', () => {
  it('the default group is warned of', async () => {
    await start(done, { options: { group: undefined } });
    await log.says('default-group');
  });

  it('two applications in one group are warned of', async () => {
    const kit = new StreamsTestKit();
    await start(done, { options: { application: 'shop' }, kit });
    await start(done, { options: { application: 'billing' }, kit });
    await log.says('shared-group');
  });

  it('two consumers of one name are warned of', async () => {
    const given = { options: { consumer: 'order-service-1' }, kit: new StreamsTestKit() };
    await start(done, given);
    await start(done, given);
    await log.says('name-in-use');
  });
});

it('a shutdown tells what it waits for, and what it gives up', async () => {
  const { run, begun } = lasting();
  const { app, kit } = await start(run);
  await kit.publish('order.placed', ORDER);
  await begun;
  let closed = false;
  const closing = app.close().then(() => (closed = true));
  await until('the shutdown has ended', async () => {
    await kit.advance(1_000);
    return closed;
  });
  await closing;
  await log.says('closing-waits');
  await log.says('closing-gives-up');
});

it('requests that are not answered, or reach a handler of events, fail with what the page quotes', async () => {
  const { app, kit } = await start(done);
  const send = (pattern: string) =>
    firstValueFrom(app.get(StreamsClient).send(pattern, ORDER)).then(
      () => 'answered',
      (error: Error) => shown(error),
    );
  expect(await send('order.placed')).toBe(quoted('no-request-handler'));
  const waiting = send('order.sum');
  await kit.advance(30_000);
  expect(await waiting).toBe(quoted('request-timeout'));
});
