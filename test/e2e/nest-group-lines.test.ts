import { Controller, Logger } from '@nestjs/common';
import {
  ConsumerGroupManager,
  StreamConsumers,
  StreamHandler,
  StreamsModule,
} from 'nestjs-redis-streams';
import { memory } from 'nestjs-redis-streams/memory';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { appModule, createApp } from '../support/nest-app.js';
import { inAllSlots } from '../support/in-all-slots.js';

const lines: string[] = [];
beforeEach(() => void (lines.length = 0));

const write = (text: unknown): void => void lines.push(String(text));

/** An application with a consumer without a controller. Its group is deleted, and it has ended. */
async function consumerOfDeletedGroup(controllers: (new () => object)[]): Promise<void> {
  const streams = StreamsModule.forRoot({
    slots: inAllSlots(memory()),
    group: 'test',
    blockTimeout: 50,
  });
  const app = await createApp(appModule({ imports: [streams], controllers }));
  onTestFinished(() => app.close());
  await app.listen();
  const consumer = app.get(StreamConsumers).create({ stream: 's', group: 'test', consumer: 'own' });
  await consumer.start(() => true);
  Logger.overrideLogger({ log: write, warn: write, error: write });
  await app.get(ConsumerGroupManager).deleteGroup('s', 'test');
  await expect(consumer.closed).rejects.toMatchObject({ code: 'GROUP_NOT_FOUND' });
}

const ENDED =
  'The consumer of s in group "test" has ended: Consumer group "test" was deleted from stream "s". ' +
  'Create the group first, with createGroup. Then start the consumer again.';

const DELETED = 'Administrative action groups.delete, on stream "s" and group "test": changed 1';

it('a consumer without a controller whose group is deleted has one line: it has ended', async () => {
  await consumerOfDeletedGroup([]);
  expect(lines.toSorted()).toEqual([DELETED, ENDED]);
});

it('handlers of the same group have a line of their own: they read again when it is there', async () => {
  @Controller()
  class Beside {
    @StreamHandler('order', { stream: 's' })
    handle(): void {}
  }
  await consumerOfDeletedGroup([Beside]);
  await expect
    .poll(() => lines.toSorted())
    .toEqual([
      DELETED,
      ENDED,
      'This process reads no messages of stream "s" and group "test" until this is fixed: Consumer group ' +
        '"test" was deleted from stream "s". Create the group first, with createGroup.',
    ]);
});
