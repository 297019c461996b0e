import { Controller, Logger } from '@nestjs/common';
import { StreamHandler } from 'nestjs-redis-streams';
import { afterEach, expect, it, onTestFinished, vi } from 'vitest';
import { logger as jsonLogger } from '../../sample/docs/observability/json-log.js';
import { hooks } from '../../sample/docs/observability/pino-fields.js';
import { ShortLines } from '../../sample/docs/observability/short-lines.js';
import { startApp } from '../support/nest-app.js';

const lines: string[] = [];
afterEach(() => Logger.overrideLogger(false));

/** Takes what is written to stdout, by lines. */
function takeOutput(): void {
  lines.length = 0;
  const spy = vi.spyOn(process.stdout, 'write').mockImplementation((text: unknown) => {
    lines.push(...String(text).trimEnd().split('\n'));
    return true;
  });
  onTestFinished(() => spy.mockRestore());
}

@Controller()
class Orders {
  @StreamHandler('order.placed')
  reserve(): void {}
}

it('JSON records have the fields at their top', async () => {
  takeOutput();
  await startApp({
    controllers: [Orders],
    configure: () => Logger.overrideLogger(jsonLogger),
  });
  const records = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(records).toContainEqual({
    level: 'log',
    pid: process.pid,
    timestamp: expect.any(Number),
    message: expect.stringMatching(/^Mapped /),
    context: 'Streams',
    stream: 'order.placed',
    group: 'test',
    eventType: 'order.placed',
    handler: 'Orders.reserve',
  });
});

it('short lines have the text alone', () => {
  takeOutput();
  const logger = new ShortLines({ colors: false });
  logger.warn('Message 1-1 was lost', { stream: 'orders' }, 'Streams');
  expect(lines).toEqual([expect.stringMatching(/WARN \[Streams\] Message 1-1 was lost$/)]);
});

it('pino gets the fields first, and other calls as they are', () => {
  const log = vi.fn<(...args: unknown[]) => void>();
  const context = { context: 'Streams' };
  const refused = new Error('refused');
  const given: unknown[][] = [
    [context, 'Message 1-1 was lost', { stream: 'orders' }],
    [context, 'a text'],
    ['a text'],
    [context, 'a text', refused],
    [{ err: refused }],
  ];
  for (const args of given) hooks.logMethod.call(undefined, args, log);
  expect(log.mock.calls).toEqual([
    [{ context: 'Streams', stream: 'orders' }, 'Message 1-1 was lost'],
    ...given.slice(1),
  ]);
});
