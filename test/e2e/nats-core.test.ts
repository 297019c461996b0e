import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { StreamHandler, StreamsClient, StreamsModule } from 'nestjs-redis-streams';
import { nats } from 'nestjs-redis-streams/nats';
import { EventBus } from '../../lib/core/event-bus.js';
import { lastValueFrom } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { appModule, createApp } from '../support/nest-app.js';
import { needsNats, testNats, type TestNats } from '../support/nats.js';
import { secret } from '../support/secrets.js';

const login = { user: 'app', password: secret('user') };

@Controller()
class Sums {
  @MessagePattern('sum')
  sum(@Payload() numbers: number[]): number {
    return numbers.reduce((sum, number) => sum + number, 0);
  }

  @StreamHandler('told')
  told(): void {}
}

/** An account without JetStream, as on a server that was started without it. */
describe('applications on core NATS, on a server without JetStream', needsNats(), () => {
  let server: TestNats;
  beforeAll(async () => {
    const config = { accounts: { WITHOUT: { users: [login] } } };
    const client = { user: login.user, pass: login.password };
    server = await testNats({ config, login: { server: { config }, client } as never });
  });
  afterAll(() => server.cleanup());

  async function start() {
    const slots = { messageSource: nats({ url: server.url, mode: 'core', ...login }) };
    const streams = StreamsModule.forRoot({ group: 'sums', slots });
    const app = await createApp(appModule({ imports: [streams], controllers: [Sums] }));
    onTestFinished(() => app.close());
    await app.listen();
    return app;
  }

  it('answer requests', async () => {
    const client = (await start()).get(StreamsClient);
    expect(await lastValueFrom(client.send<number>('sum', [1, 2, 3]))).toBe(6);
  });

  it('refuse a request that no handler answers, without waiting for its time limit', async () => {
    const client = (await start()).get(StreamsClient);
    await expect(lastValueFrom(client.send('told', {}))).rejects.toMatchObject({
      code: 'NOT_A_REQUEST_HANDLER',
    });
  });

  it('have no state there, and are told why', async () => {
    const driver = nats({ url: server.url, mode: 'core', ...login }).open({
      events: new EventBus(),
      keyPrefix: '',
    });
    onTestFinished(() => driver.source.close());
    await expect(driver.state!.get('key')).rejects.toMatchObject({ code: 'JETSTREAM_MISSING' });
  });
});
