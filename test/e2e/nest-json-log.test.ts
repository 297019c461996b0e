import { ConsoleLogger, Controller, Logger, type ConsoleLoggerOptions } from '@nestjs/common';
import { StreamHandler, StreamsAdmin } from 'nestjs-redis-streams';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { startApp, type TestApp } from '../support/nest-app.js';
import { secretInUrl, wordOf } from '../support/secrets.js';

@Controller()
class Orders {
  @StreamHandler('order.paid')
  handle({ card }: { card: string }): void {
    throw new Error(`redis://u:${secretInUrl('user')}@host refused ${card}`);
  }
}

/** What an application writes, by lines, which uses Nest's own logger. */
async function written(options: ConsoleLoggerOptions): Promise<TestApp & { lines: string[] }> {
  const lines: string[] = [];
  const take = (text: unknown): boolean => {
    lines.push(...String(text).trimEnd().split('\n'));
    return true;
  };
  for (const stream of [process.stdout, process.stderr]) {
    const spy = vi.spyOn(stream, 'write').mockImplementation(take);
    onTestFinished(() => spy.mockRestore());
  }
  const app = await startApp({
    controllers: [Orders],
    options: { maxDeliveries: 1 },
    configure: () => Logger.overrideLogger(new ConsoleLogger(options)),
  });
  onTestFinished(() => Logger.overrideLogger(false));
  return { ...app, lines };
}

const where = { stream: 'order.paid', group: 'test', eventType: 'order.paid' };
const ofStreams = (lines: readonly string[]): Record<string, unknown>[] =>
  lines
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter(({ context }) => context === 'Streams');

describe("Nest's logger", () => {
  it('writes a dead letter as one record of JSON with its fields', async () => {
    const { publish, lines } = await written({ json: true });
    const id = await publish('order.paid', { card: wordOf('payload') });
    const records = ofStreams(lines).filter(({ level }) => level === 'error');
    expect(records).toEqual([
      {
        level: 'error',
        pid: process.pid,
        timestamp: expect.any(Number),
        context: 'Streams',
        message: expect.stringMatching(/^Message \S+ "order\.paid" .* was dead-lettered/),
        params: {
          event: 'dead-lettered',
          ...where,
          id,
          handler: 'Orders.handle',
          attempt: 1,
          reason: 'max-deliveries',
        },
      },
    ]);
    expect(JSON.stringify(records)).not.toContain(wordOf('user'));
    expect(JSON.stringify(records[0]!['params'])).not.toContain(wordOf('payload'));
  });

  it('writes the fields at the top of the record, too', async () => {
    const { publish, lines } = await written({ json: true, flattenParams: true });
    const id = await publish('order.paid', { card: '1' });
    expect(ofStreams(lines)).toContainEqual(
      expect.objectContaining({ ...where, level: 'error', id, event: 'dead-lettered', attempt: 1 }),
    );
  });

  it('writes the fields behind the text, in the same line', async () => {
    const { publish, lines } = await written({ colors: false });
    const id = await publish('order.paid', { card: '1' });
    const said = lines.filter((line) => line.includes('[Streams]') && line.includes('ERROR'));
    expect(said).toEqual([
      expect.stringMatching(/ refused 1\) \{ event: 'dead-lettered', stream: 'order\.paid', /),
    ]);
    expect(said[0]).toContain(`id: '${id}'`);
  });

  it('writes who has done what, once for each action', async () => {
    const { app, publish, lines } = await written({ json: true });
    await publish('order.paid', { card: '1' });
    lines.length = 0;
    const alice = app.get(StreamsAdmin).as('alice');
    for (let times = 0; times < 2; times++)
      await alice.deadLetters.purge('order.paid', { all: true });
    const action = { event: 'administered', action: 'dead-letters.purge', by: 'alice' };
    expect(ofStreams(lines).map(({ level, message, params }) => [level, message, params])).toEqual(
      [1, 0].map((count) => [
        'log',
        `Administrative action dead-letters.purge, asked for by "alice", on stream "order.paid", with {"all":true}: changed ${count}`,
        { ...action, stream: 'order.paid', count },
      ]),
    );
  });
});
