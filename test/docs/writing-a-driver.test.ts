import { Controller } from '@nestjs/common';
import { StreamHandler, StreamPublisher, StreamsModule } from 'nestjs-redis-streams';
import { expect, it, onTestFinished } from 'vitest';
import { sourceOnly } from '../../sample/docs/writing-a-driver/source-only.js';
import { appModule, createApp } from '../support/nest-app.js';

it('a driver with one port serves handlers, and refuses what needs another port', async () => {
  const handled: string[] = [];
  @Controller()
  class Orders {
    @StreamHandler('order.placed')
    place(orderId: string): void {
      handled.push(orderId);
    }
  }
  const streams = StreamsModule.forRoot({ slots: { messageSource: sourceOnly() }, group: 'shop' });
  const app = await createApp(appModule({ imports: [streams], controllers: [Orders] }));
  onTestFinished(() => app.close());
  await app.listen();
  const publisher = app.get(StreamPublisher);
  await publisher.publish('order.placed', 'o-1');
  await expect.poll(() => handled).toEqual(['o-1']);
  await expect(publisher.publish('order.placed', 'o-2', { delay: 10 })).rejects.toMatchObject({
    code: 'UNSUPPORTED_FEATURE',
  });
});
