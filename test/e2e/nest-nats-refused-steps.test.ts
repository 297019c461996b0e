import { Controller, Logger, type LoggerService } from '@nestjs/common';
import {
  DeadLetters,
  next,
  StreamHandler,
  StreamPublisher,
  StreamsModule,
} from 'nestjs-redis-streams/core';
import { nats } from 'nestjs-redis-streams/nats';
import { afterEach, describe, expect, it } from 'vitest';
import { needsNats, testNats } from '../support/nats.js';
import { appModule, createApp } from '../support/nest-app.js';
import { until } from '../support/until.js';

const MESSAGES = 24;
const runs: string[] = [];
const lines: string[] = [];

@Controller()
class Parcels {
  @StreamHandler('parcel.packed', { maxDeliveries: 2 })
  handle({ id }: { id: string }) {
    runs.push(id);
    return next('parcel.checked', {}, { delay: 300 });
  }
}

const note = (text: unknown): void => void lines.push(String(text));
const capturing: LoggerService = { log: note, warn: note, error: note };

afterEach(() => Logger.overrideLogger(false));

describe('next steps with a delay on a server without delayed messages', needsNats(), () => {
  it('make dead letters that say why, after one run each, and the process can close', async () => {
    const server = await testNats({ version: 'floor' });
    const driver = nats({ url: server.url });
    const slots = { messageSource: driver, stateStore: driver, deadLetterQueue: driver };
    const streams = StreamsModule.forRoot({ slots, group: 'shop', blockTimeout: 200 });
    const app = await createApp(appModule({ imports: [streams], controllers: [Parcels] }));
    try {
      Logger.overrideLogger(capturing);
      await app.listen();
      const publisher = app.get(StreamPublisher);
      const ids = Array.from({ length: MESSAGES }, (_, at) => String(at));
      await publisher.publishBatch(
        ids.map((id) => ({ eventType: 'parcel.packed', payload: { id } })),
      );
      let letters: Awaited<ReturnType<DeadLetters['list']>>['items'] = [];
      await until('all are dead letters', async () => {
        letters = (await app.get(DeadLetters).list('parcel.packed', { limit: 100 })).items;
        return letters.length >= MESSAGES;
      });
      expect(runs.toSorted()).toEqual(ids.toSorted());
      const kinds = letters.map(({ reason, attempts, error }) => [reason, attempts, error?.name]);
      expect(kinds).toEqual(letters.map(() => ['unrecoverable', 1, 'DelaysUnsupportedError']));
      expect(new Set(letters.map(({ id }) => id)).size).toBe(MESSAGES);
      expect(letters).toHaveLength(MESSAGES);
    } finally {
      const closing = performance.now();
      await app.close();
      // No settlement is left: the settler alone would be awaited for 4 s.
      expect(performance.now() - closing).toBeLessThan(3000);
      await server.cleanup();
    }
    expect(lines.join('\n')).toMatch(
      /stream "parcel.packed" and group "shop" was dead-lettered after run 1 of Parcels.handle: unrecoverable \(DelaysUnsupportedError: The server is nats-server 2\.10/,
    );
    expect(lines.join('\n')).not.toMatch(/The settler failed/);
  });
});
