import { Controller, Get, UseFilters, type CanActivate } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Payload } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import {
  StreamHandler,
  StreamsModule,
  StreamsTransport,
  UnrecoverableError,
} from 'nestjs-redis-streams';
import { StreamsTestKit } from 'nestjs-redis-streams/memory';
import { throwError } from 'rxjs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { appModule } from '../support/nest-app.js';

class Counting implements CanActivate {
  calls = 0;
  canActivate(): boolean {
    this.calls++;
    return true;
  }
}

async function startHybrid(controller: new () => object, inheritAppConfig: boolean) {
  const kit = new StreamsTestKit();
  const module = appModule({
    imports: [StreamsModule.forRoot({ slots: kit.slots, group: 'test', maxDeliveries: 1 })],
    controllers: [controller],
  });
  const app = await NestFactory.create(module, { logger: false });
  onTestFinished(() => app.close());
  const guard = new Counting();
  app.useGlobalGuards(guard);
  app.useGlobalFilters({ catch: () => throwError(() => 'translated') });
  const strategy = app.get(StreamsTransport);
  app.connectMicroservice({ strategy }, { inheritAppConfig });
  await app.startAllMicroservices();
  await app.listen(0, '127.0.0.1');
  return { app, kit, guard };
}

@UseFilters({
  catch: (_error, host) => {
    if (host.getType() === 'rpc') return throwError(() => 'translated');
    return host.switchToHttp().getResponse().status(418).send('teapot');
  },
})
@Controller()
class Orders {
  @Get('order')
  page(): never {
    throw new Error('http');
  }

  @StreamHandler('order')
  handle(@Payload('why') why?: string): void {
    if (why !== undefined) throw new UnrecoverableError(why);
  }
}

describe.each([true, false])('a hybrid application, inheritAppConfig: %s', (inherit) => {
  it('is fed, with or without the global enhancers', async () => {
    const { kit, guard } = await startHybrid(Orders, inherit);
    await kit.publish('order', {});
    await kit.idle();
    expect(kit.settled).toMatchObject([{ outcome: 'handled' }]);
    expect(guard.calls).toBe(inherit ? 1 : 0);
  });

  it('records the original error, also where filters replace it', async () => {
    const { app, kit } = await startHybrid(Orders, inherit);
    await kit.publish('order', { why: 'no stock' });
    const response = await fetch(`${await app.getUrl()}/order`);
    expect(await response.text()).toBe('teapot');
    await kit.idle();
    expect(kit.settled).toMatchObject([
      {
        outcome: 'dead-lettered',
        reason: 'unrecoverable',
        error: { name: 'UnrecoverableError', message: 'no stock' },
      },
    ]);
  });

  it('is closed once', async () => {
    const { app, kit } = await startHybrid(Orders, inherit);
    await app.close();
    await app.close();
    await kit.publish('order', {});
    expect(kit.settled).toEqual([]);
  });
});

it("works in an application of Nest's TestingModule", async () => {
  const kit = new StreamsTestKit();
  const module = await Test.createTestingModule({
    imports: [StreamsModule.forRoot({ slots: kit.slots, group: 'test' })],
    controllers: [Orders],
  }).compile();
  const app = module.createNestMicroservice({
    strategy: module.get(StreamsTransport),
    logger: false,
  });
  onTestFinished(() => app.close());
  await app.listen();
  await kit.publish('order', {});
  await kit.idle();
  expect(kit.settled).toMatchObject([{ outcome: 'handled' }]);
});
