/**
 * A hybrid application in ES modules, on the built library: an HTTP request publishes the first of two
 * steps. Makes one request to itself, and writes its spans as JSON once the last step is settled.
 * argv[2]: URL of Redis; argv[3]: prefix of keys.
 */
import 'reflect-metadata';
import { Controller, Inject, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  next,
  RedisStreamsModule,
  RedisStreamsTransport,
  StreamHandler,
  StreamPublisher,
} from '../../../../dist/index.js';
import { StreamsTracingModule } from '../../../../dist/tracing.js';
import { exporter } from './telemetry.js';

const [, , url, keyPrefix] = process.argv;

class Orders {
  /** @param {StreamPublisher} publisher */
  constructor(publisher) {
    this.publisher = publisher;
  }

  place() {
    return this.publisher.publish('order', { id: 1 });
  }

  order() {
    return next('ship', { id: 1 });
  }

  ship() {
    return undefined;
  }
}

/** Applies a decorator as TypeScript does. @param {MethodDecorator} decorator @param {string} name */
function decorate(decorator, name) {
  const { prototype } = Orders;
  decorator(prototype, name, Object.getOwnPropertyDescriptor(prototype, name));
}
Inject(StreamPublisher)(Orders, undefined, 0);
decorate(Post('orders'), 'place');
decorate(StreamHandler('order'), 'order');
decorate(StreamHandler('ship'), 'ship');
Controller()(Orders);

class AppModule {}
Module({
  imports: [
    RedisStreamsModule.forRoot({ url, keyPrefix, group: 'shop', blockTimeout: 200 }),
    StreamsTracingModule.forRoot(),
  ],
  controllers: [Orders],
})(AppModule);

const app = await NestFactory.create(AppModule, { logger: false });
const transport = app.get(RedisStreamsTransport);
app.connectMicroservice({ strategy: transport }, { inheritAppConfig: true });
const settled = new Promise((resolve) =>
  transport.on('settled', ({ stream }) => {
    if (stream.endsWith('ship')) resolve(undefined);
  }),
);
await app.startAllMicroservices();
await app.listen(0, '127.0.0.1');
const answer = await fetch(`${await app.getUrl()}/orders`, { method: 'POST' });
await answer.text();
await settled;
await app.close();
const spans = exporter.getFinishedSpans().map((span) => ({
  name: span.name,
  kind: span.kind,
  trace: span.spanContext().traceId,
  id: span.spanContext().spanId,
  parent: span.parentSpanContext?.spanId,
}));
process.stdout.write(JSON.stringify(spans));
