import 'reflect-metadata';
// The SDK of OpenTelemetry comes first, so that all that follows finds it.
import { printTrace } from './tracing.js';
import { NestFactory } from '@nestjs/core';
import { RedisStreamsTransport, type SettledEvent } from 'nestjs-redis-streams';
import { AppModule } from './app.module.js';
import { redisServer } from './redis-server.js';
import { printHealth, printMetrics, untilHealth } from './pages.js';

const app = await NestFactory.create(AppModule, { logger: ['fatal'] });
app.enableShutdownHooks();
const transport = app.get(RedisStreamsTransport);
app.connectMicroservice({ strategy: transport });
await app.startAllMicroservices();
await app.listen(0, '127.0.0.1');
const url = await app.getUrl();

/** Resolves once a message of this event type was settled with this outcome. */
const settled = (eventType: string, outcome: SettledEvent['outcome']): Promise<void> =>
  new Promise((resolve) => {
    transport.on('settled', (event) => {
      if (event.eventType === eventType && event.outcome === outcome) resolve();
    });
  });

async function place(order: { id: number; items: number }): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  await fetch(`${url}/orders`, { method: 'POST', headers, body: JSON.stringify(order) });
}

console.log('Health, before there is anything to do');
await untilHealth(url, 'up');
await printHealth(url);

const shipped = settled('order.shipped', 'handled');
const refused = settled('order.placed', 'dead-lettered');
await place({ id: 1, items: 3 });
await place({ id: 2, items: 0 });
await Promise.all([shipped, refused]);

console.log('The trace of an order, from the request to the last step');
await printTrace('POST /orders 1', 'ack order.shipped');
console.log('The trace of an order that was given up');
await printTrace('POST /orders 2', 'dead-letter order.placed');

console.log('What Prometheus reads at /metrics');
await printMetrics(url);

console.log('Health, after an order was given up');
await printHealth(url);

console.log('Redis is killed');
await redisServer.kill();
await untilHealth(url, 'down', 'disconnected');
await printHealth(url);

console.log('Redis is back');
await redisServer.start();
await untilHealth(url, 'degraded');
await printHealth(url);

await app.close();
await redisServer.kill();
