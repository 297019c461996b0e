import { Controller, Injectable, Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  StreamConsumers,
  StreamHandler,
  StreamsModule,
  StreamsTransport,
} from 'nestjs-redis-streams';
import { StreamsTestKit } from 'nestjs-redis-streams/memory';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { appModule, createApp, OnEvent, startApp } from '../support/nest-app.js';
import { until } from '../support/until.js';

const lines: string[] = [];
/** What the logger got beside the text and its name, by the text. */
const fields = new Map<unknown, unknown[]>();
beforeEach(() => {
  lines.length = 0;
  fields.clear();
});

const write =
  (level: string) =>
  (text: unknown, ...more: unknown[]) => {
    lines.push(`${level} ${String(text)} [${String(more.at(-1))}]`);
    fields.set(text, more.slice(0, -1));
  };
const capture = () =>
  Logger.overrideLogger({ log: write('log'), warn: write('warn'), error: write('error') });

const ofStreams = () => lines.filter((line) => /\[Streams\b/.test(line));

describe('at start', () => {
  it('each subscription has a line: event, streams, group and method', async () => {
    @Controller()
    class OrderController {
      @StreamHandler('order.process')
      process(): void {}
      @StreamHandler(['a', 'b'], { stream: 'both', group: 'billing' })
      bill(): void {}
      @StreamHandler('*', { streams: ['s1', 's2', 's3', 's4', 's5', 's6', 's7'] })
      watch(): void {}
      @OnEvent('plain')
      plain(): void {}
    }
    await startApp({ controllers: [OrderController], configure: capture });
    const mapped = ofStreams().filter((line) => line.startsWith('log Mapped'));
    expect(mapped.sort()).toEqual(
      [
        'log Mapped {*, streams s1, s2, s3, s4, s5 and 2 more, group test} to OrderController.watch [Streams]',
        'log Mapped {a, stream both, group billing} to OrderController.bill [Streams]',
        'log Mapped {b, stream both, group billing} to OrderController.bill [Streams]',
        'log Mapped {order.process, stream order.process, group test} to OrderController.process [Streams]',
        "log Mapped {plain, stream plain, group test} to @EventPattern('plain') [Streams]",
      ].sort(),
    );
    const beside = (start: string) => [...fields].find(([text]) => String(text).startsWith(start));
    expect(beside('Mapped {a')![1]).toEqual([
      { stream: 'both', group: 'billing', eventType: 'a', handler: 'OrderController.bill' },
    ]);
    const streams = ['s1', 's2', 's3', 's4', 's5'];
    expect(beside('Mapped {*')![1]).toEqual([
      { streams, group: 'test', eventType: '*', handler: 'OrderController.watch' },
    ]);
    expect(beside('Slots')![1]).toEqual([]);
  });
});

describe('the pipeline', () => {
  const pipelines = () => ofStreams().filter((line) => line.startsWith('log Pipeline'));

  it('has one line for all handlers, with the stages that some handler passes, in their order', async () => {
    @Controller()
    class OrderController {
      @OnEvent('plain')
      plain(): void {}
      @StreamHandler('step', { filter: () => true })
      step(): void {}
      @StreamHandler('slow', { timeout: 5, dedupe: true })
      slow(): void {}
    }
    await startApp({
      controllers: [OrderController],
      options: { middleware: [(delivery, next) => next(delivery)] },
      configure: capture,
    });
    expect(pipelines()).toEqual([
      'log Pipeline: match, dedupe, limitDeliveries, charge, decode, recognise, filter, timeout, middleware, handler [Streams]',
    ]);
  });

  it('has no stage that no handler passes, and no line without handlers', async () => {
    @Controller()
    class OrderController {
      @OnEvent('plain')
      plain(): void {}
    }
    await startApp({ controllers: [OrderController], configure: capture });
    expect(pipelines()).toEqual([
      'log Pipeline: match, limitDeliveries, charge, decode, handler [Streams]',
    ]);
    lines.length = 0;
    await startApp({ configure: capture });
    expect(pipelines()).toEqual([]);
  });
});

it('a consumer without a controller has a line when it reads', async () => {
  const kit = new StreamsTestKit();
  const module = appModule({ imports: [StreamsModule.forRoot({ slots: kit.slots })] });
  const app = await NestFactory.createApplicationContext(module, { logger: false });
  onTestFinished(() => app.close());
  capture();
  const options = { stream: 'orders', group: 'billing', consumer: 'me' };
  const consumer = app.get(StreamConsumers).create(options);
  expect(ofStreams()).toEqual([]);
  await consumer.start(() => true, ['order.paid', 'order.shipped']);
  expect(ofStreams()).toEqual([
    'log Mapped {order.paid, order.shipped, stream orders, group billing} to the callback of consumer "me" [Streams]',
  ]);
});

describe('methods that nothing feeds', () => {
  async function warning(): Promise<string> {
    await until('a warning', () => ofStreams().some((line) => line.includes('HANDLERS_NOT_FED')));
    return ofStreams().find((line) => line.includes('HANDLERS_NOT_FED'))!;
  }
  const streams = (name?: string) =>
    StreamsModule.forRoot({
      slots: new StreamsTestKit().slots,
      group: 'test',
      ...(name !== undefined && { name }),
    });

  it('are named where no transport is connected', async () => {
    @Controller()
    class Lonely {
      @StreamHandler('order')
      handle(): void {}
    }
    const module = appModule({ imports: [streams()], controllers: [Lonely] });
    const app = await NestFactory.create(module, { logger: false });
    onTestFinished(() => app.close());
    capture();
    await app.init();
    expect(await warning()).toMatch(
      /^warn Nothing feeds .*Lonely\.handle \(no transport is connected/,
    );
  });

  it('are named where their class is a provider, or their transport does not exist', async () => {
    @Injectable()
    class Service {
      @StreamHandler('order')
      handle(): void {}
    }
    @Controller()
    class Tagged {
      @StreamHandler('a')
      fed(): void {}
      @StreamHandler('b', { name: 'audit' })
      handle(): void {}
    }
    const module = appModule({
      imports: [streams(), streams('other')],
      controllers: [Tagged],
      providers: [Service],
    });
    const app = await createApp(module);
    onTestFinished(() => app.close());
    capture();
    await app.listen();
    const line = await warning();
    expect(line).toContain('Service.handle (its class is a provider');
    expect(line).toContain('Tagged.handle (no transport named "audit" is connected');
    expect(line).not.toContain('Tagged.fed');
    expect(ofStreams().filter((text) => text.includes('NOT_FED'))).toHaveLength(1);
  });

  it('are not warned of where they are fed, also by a transport that is connected late', async () => {
    @Controller()
    class Fed {
      @StreamHandler('order')
      handle(): void {}
    }
    const module = appModule({ imports: [streams()], controllers: [Fed] });
    const app = await NestFactory.create(module, { logger: false });
    onTestFinished(() => app.close());
    capture();
    await app.init();
    app.connectMicroservice({ strategy: app.get(StreamsTransport) });
    await app.startAllMicroservices();
    expect(ofStreams()).toEqual([
      'log Slots: message source memory, state store memory, dead letter queue memory (full durability) [Streams]',
      'log Pipeline: match, limitDeliveries, charge, decode, recognise, handler [Streams]',
      'log Mapped {order, stream order, group test} to Fed.handle [Streams]',
    ]);
  });
});
