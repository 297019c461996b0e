import { Controller, Get, Inject, Injectable, Module, Scope } from '@nestjs/common';
import { NestFactory, REQUEST } from '@nestjs/core';
import { ClientsModule, MessagePattern, Payload } from '@nestjs/microservices';
import {
  InjectStreamsClient,
  RedisStreamsClient,
  RedisStreamsModule,
  RedisStreamsTransport,
  StreamRecordBuilder,
  StreamsClient,
  StreamsModule,
  StreamsTransport,
} from 'nestjs-redis-streams';
import { UnsupportedFeatureError } from 'nestjs-redis-streams/driver';
import { memory, StreamsTestKit } from 'nestjs-redis-streams/memory';
import { firstValueFrom, type Observable } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { driverWith } from '../support/driver-with.js';
import { appModule, createApp } from '../support/nest-app.js';
import { testRedis, type TestRedis } from '../support/redis.js';
import { inAllSlots } from '../support/in-all-slots.js';

let server: TestRedis;
beforeAll(async () => {
  server = await testRedis();
});
afterAll(() => server.cleanup());

@Controller()
class Shop {
  constructor(@InjectStreamsClient() private readonly client: StreamsClient) {}

  @Get('total')
  total(): Observable<number> {
    return this.client.send<number>({ cmd: 'total' }, [1, 2, 3]);
  }

  @MessagePattern({ cmd: 'total' })
  answer(@Payload() prices: number[]): number {
    return prices.reduce((a, b) => a + b, 0);
  }
}

@Injectable({ scope: Scope.REQUEST })
class Tenant {
  constructor(@Inject(REQUEST) private readonly request: { getPattern(): unknown }) {}

  get pattern(): unknown {
    return this.request.getPattern();
  }
}

@Controller()
class Scoped {
  constructor(private readonly tenant: Tenant) {}

  @MessagePattern('scoped')
  scoped(@Payload() data: unknown): unknown {
    return [this.tenant.pattern, data];
  }
}

describe('requests in an application', () => {
  it('that is hybrid are asked by HTTP, and answered by the same process', async () => {
    const module = appModule({
      imports: [
        RedisStreamsModule.forRoot({
          url: server.url,
          keyPrefix: `${server.prefix}hybrid:`,
          group: 'shop',
          blockTimeout: 200,
        }),
      ],
      controllers: [Shop, Scoped],
      providers: [Tenant],
    });
    const app = await NestFactory.create(module, { logger: false });
    onTestFinished(() => app.close());
    app.connectMicroservice(
      { strategy: app.get(RedisStreamsTransport) },
      { inheritAppConfig: true },
    );
    await app.startAllMicroservices();
    await app.listen(0, '127.0.0.1');
    const response = await fetch(`${await app.getUrl()}/total`);
    expect(await response.text()).toBe('6');
    const client = app.get(RedisStreamsClient);
    expect(await firstValueFrom(client.send('scoped', 1))).toEqual(['scoped', 1]);
  });

  it('wait for an answer until the application is closed, and no longer', async () => {
    const module = appModule({
      imports: [StreamsModule.forRoot({ slots: inAllSlots(memory()), group: 'shop' })],
    });
    const app = await NestFactory.createApplicationContext(module, { logger: false });
    const asked = firstValueFrom(app.get(StreamsClient).send('nobody', 1)).catch((e: unknown) => e);
    await app.close();
    expect(await asked).toMatchObject({ code: 'CLOSED' });
  });

  it('come from a client of ClientsModule', async () => {
    const source = memory();
    const module = appModule({
      imports: [
        StreamsModule.forRoot({ slots: inAllSlots(source), group: 'shop' }),
        ClientsModule.register([
          { name: 'SHOP', customClass: StreamsClient, options: { slots: inAllSlots(source) } },
        ]),
      ],
      controllers: [Shop],
    });
    const app = await createApp(module);
    onTestFinished(() => app.close());
    await app.listen();
    const client = app.get<StreamsClient>('SHOP');
    expect(await firstValueFrom(client.send({ cmd: 'total' }, [4]))).toBe(4);
  });

  it('time out by the clock of the test kit', async () => {
    const kit = new StreamsTestKit();
    const client = new StreamsClient({ slots: kit.slots });
    onTestFinished(() => client.close());
    const record = new StreamRecordBuilder(1).setTimeout(60_000).build();
    const asked = firstValueFrom(client.send('nobody', record)).catch((error: unknown) => error);
    await kit.advance(60_000);
    expect(await asked).toMatchObject({ code: 'REQUEST_TIMEOUT' });
  });

  it('are refused at the start where the driver has no way back', async () => {
    const source = driverWith(memory(), () => ({ replies: undefined }));
    @Module({ controllers: [Scoped], providers: [Tenant] })
    class ScopedModule {}
    const strategy = new StreamsTransport({ slots: inAllSlots(source), group: 'shop' });
    const app = await NestFactory.createMicroservice(ScopedModule, { strategy, logger: false });
    onTestFinished(() => app.close());
    await expect(app.listen()).rejects.toBeInstanceOf(UnsupportedFeatureError);
    const client = new StreamsClient({ slots: inAllSlots(source) });
    onTestFinished(() => client.close());
    await expect(firstValueFrom(client.send('scoped', 1))).rejects.toMatchObject({
      code: 'UNSUPPORTED_FEATURE',
      message: expect.stringContaining('memory'),
    });
  });
});
