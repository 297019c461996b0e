import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import {
  DelayedMessages,
  StreamHandler,
  StreamPublisher,
  StreamRecordBuilder,
  StreamsClient,
} from 'nestjs-redis-streams';
import type { DriverFactory } from 'nestjs-redis-streams/driver';
import { memory, StreamsTestKit } from 'nestjs-redis-streams/memory';
import { lastValueFrom } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { startApp } from '../support/nest-app.js';
import { inAllSlots } from '../support/in-all-slots.js';

async function shop() {
  const seen: [payload: unknown, after: number][] = [];
  const kit = new StreamsTestKit();
  const began = kit.clock.now();
  @Controller()
  class Reminders {
    @StreamHandler('reminder')
    remind(@Payload() payload: unknown): void {
      seen.push([payload, kit.clock.now() - began]);
    }
  }
  const { app } = await startApp({ controllers: [Reminders], kit });
  return {
    seen,
    kit,
    publisher: app.get(StreamPublisher),
    client: app.get(StreamsClient),
    delayed: app.get(DelayedMessages),
  };
}

describe('a Nest application', () => {
  it('publishes for later, alone, in a batch and by a record', async () => {
    const { publisher, client, kit, seen } = await shop();
    const deliverAt = new Date(kit.clock.wallTime() + 2000);
    const id = await publisher.publish('reminder', 'a', { delay: 1000 });
    expect(id).toMatch(/^delayed-\d{16}$/);
    await publisher.publishBatch([
      { eventType: 'reminder', payload: 'b', deliverAt },
      { eventType: 'reminder', payload: 'c', delay: 3000 },
    ]);
    const record = new StreamRecordBuilder('d');
    expect(await lastValueFrom(client.emit('reminder', record.setDelay(4000).build()))).toMatch(
      /^delayed-/,
    );
    const later = record.setPayload('e').setDeliverAt(kit.clock.wallTime() + 5000);
    await lastValueFrom(client.emit('reminder', later.build()));
    await kit.publish('reminder', 'f', { delay: 6000 });
    await kit.advance(10_000);
    expect(seen).toEqual([
      ['a', 1000],
      ['b', 2000],
      ['c', 3000],
      ['d', 4000],
      ['e', 5000],
      ['f', 6000],
    ]);
  });

  it('lists, cancels and moves what waits', async () => {
    const { publisher, delayed, kit, seen } = await shop();
    const first = await publisher.publish('reminder', 'first', { delay: 1000 });
    const second = await publisher.publish('reminder', 'second', { delay: 2000 });
    const { items, next } = await delayed.list('reminder', { limit: 1 });
    expect(items).toMatchObject([{ id: first, eventType: 'reminder', payload: 'first' }]);
    expect((await delayed.list('reminder', { after: next! })).items).toMatchObject([
      { id: second },
    ]);
    expect(await delayed.cancel('reminder', first)).toBe(true);
    const deliverAt = new Date(kit.clock.wallTime() + 500);
    expect(await delayed.reschedule('reminder', second, { deliverAt })).toBe(true);
    await kit.advance(5000);
    expect(seen).toEqual([['second', 500]]);
  });

  it('refuses a request for later, and what is no time', async () => {
    const { publisher, client } = await shop();
    const record = new StreamRecordBuilder(1).setDelay(1000).build();
    const refused = { code: 'INVALID_MESSAGE' };
    await expect(lastValueFrom(client.send('reminder', record))).rejects.toMatchObject(refused);
    await expect(publisher.publish('reminder', 1, { delay: -5 })).rejects.toMatchObject(refused);
  });

  it('starts on a driver that cannot, which then says so', async () => {
    const whole = memory();
    const source: DriverFactory = {
      technology: 'plain',
      ids: whole.ids,
      open: (context) => {
        const { delays: _, ...driver } = whole.open(context);
        return driver;
      },
    };
    const { app } = await startApp({ options: { slots: inAllSlots(source) } });
    const unsupported = { code: 'UNSUPPORTED_FEATURE' };
    const publishing = app.get(StreamPublisher).publish('reminder', 1, { delay: 1000 });
    await expect(publishing).rejects.toMatchObject(unsupported);
    await expect(app.get(DelayedMessages).list('reminder')).rejects.toMatchObject(unsupported);
    expect(await app.get(StreamPublisher).publish('reminder', 1)).toMatch(/^\d+-\d+$/);
  });
});
