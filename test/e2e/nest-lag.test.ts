import { Controller, Inject, Injectable, Scope } from '@nestjs/common';
import {
  LagMonitor,
  OnStreamLag,
  RedisStreamsTransport,
  StreamHandler,
  StreamPublisher,
  StreamRecordBuilder,
  StreamRetention,
  StreamsClient,
  StreamsTransport,
  type StreamLagExceeded,
  type StreamsEvents,
} from 'nestjs-redis-streams';
import { memory } from 'nestjs-redis-streams/memory';
import { firstValueFrom } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { StreamsRuntime } from '../../lib/runtime/streams-runtime.js';
import { startApp } from '../support/nest-app.js';

type Change = Pick<StreamLagExceeded, 'severity' | 'lag' | 'recovered'>;
const told: [string, Change][] = [];
const tell = (who: string, { severity, lag, recovered }: StreamLagExceeded) =>
  told.push([who, { severity, lag, recovered }]);

@Injectable()
class Pager {
  @OnStreamLag()
  all(event: StreamLagExceeded) {
    tell('all', event);
  }

  @OnStreamLag({ stream: 'ord*', group: 'sl*', severity: 'CRITICAL', recovered: false })
  critical(event: StreamLagExceeded) {
    tell('critical', event);
  }

  @OnStreamLag({ stream: 'other' })
  elsewhere(event: StreamLagExceeded) {
    tell('elsewhere', event);
  }

  @OnStreamLag({ name: 'another' })
  another(event: StreamLagExceeded) {
    tell('another', event);
  }

  @OnStreamLag()
  throws() {
    throw new Error('the pager is broken');
  }

  @OnStreamLag()
  async rejects() {
    throw new Error('the pager is away');
  }
}

@Injectable({ scope: Scope.REQUEST })
class Requested {
  @OnStreamLag()
  never() {
    told.push(['never', {} as Change]);
  }
}

@Injectable({ scope: Scope.TRANSIENT })
class Transient {
  @OnStreamLag()
  never() {
    told.push(['never', {} as Change]);
  }
}

@Injectable()
class HasTransient {
  constructor(@Inject(Transient) readonly transient: Transient) {}
}

@Controller()
class Orders {
  @StreamHandler('orders')
  handle() {}

  @OnStreamLag({ severity: 'WARNING' })
  warn(event: StreamLagExceeded) {
    tell('controller', event);
  }
}

async function start() {
  told.length = 0;
  const errors: StreamsEvents['listener-failed'][] = [];
  const warnings: string[] = [];
  const { app, kit } = await startApp({
    controllers: [Orders],
    // One instance behind two tokens is told once.
    providers: [
      Pager,
      Requested,
      Transient,
      HasTransient,
      { provide: 'PAGER', useExisting: Pager },
    ],
    options: {
      lag: { interval: 1000, thresholds: [{ groups: 'slow', warning: 1, critical: 3 }] },
      retention: 'deleteWhenSettled',
    },
    configure: (_, transport) => {
      transport.on('listener-failed', (event) => errors.push(event));
      transport.on('warning', ({ code }) => warnings.push(code));
    },
  });
  const { groups } = memory({ broker: app.get(StreamsTransport).unwrap() }).open({
    ...{ events: undefined as never, keyPrefix: '' },
  });
  await groups!.create('orders', 'slow', { startId: '0', createStream: true });
  const publisher = app.get(StreamPublisher);
  const publish = async (count: number) => {
    for (let n = 0; n < count; n++) await publisher.publish('orders', { n });
    await kit.advance(1000);
  };
  return { app, kit, groups: groups!, publish, publisher, errors, warnings };
}

describe('lag in an application', () => {
  it('is told to the methods that want to know it, and an error of one harms no other', async () => {
    const { publish, groups, kit, errors, warnings } = await start();
    await publish(2);
    const warning = { severity: 'WARNING', lag: 2, recovered: false };
    expect(told.splice(0)).toEqual([
      ['all', warning],
      ['controller', warning],
    ]);
    expect(errors.map(({ listener, error }) => [listener, error.message])).toEqual([
      ['Pager.throws', 'the pager is broken'],
      ['Pager.rejects', 'the pager is away'],
    ]);
    expect(warnings).toEqual(['REQUEST_SCOPED_LISTENER', 'REQUEST_SCOPED_LISTENER']);
    await publish(2);
    const critical = { severity: 'CRITICAL', lag: 4, recovered: false };
    expect(told.splice(0)).toEqual([
      ['all', critical],
      ['critical', critical],
    ]);
    await groups.setPosition('orders', 'slow', '$');
    await kit.advance(1000);
    expect(told.map(([who, { recovered }]) => [who, recovered])).toEqual([
      ['all', true],
      ['controller', true],
      ['all', true],
    ]);
  });

  it('is told to no method any more once the module is closed', async () => {
    const { app, publish } = await start();
    await publish(2);
    expect(told).not.toEqual([]);
    const { events } = app.get(StreamsRuntime);
    await app.close();
    told.length = 0;
    events.emit('stream-lag', {
      ...{ type: 'STREAM_LAG', stream: 'orders', consumerGroup: 'slow', lag: 9, threshold: 3 },
      ...{ severity: 'CRITICAL', recovered: false },
    });
    expect(told).toEqual([]);
  });

  it('can be read and subscribed to', async () => {
    const { app, publish, kit } = await start();
    const monitor = app.get(LagMonitor);
    const alarms: StreamLagExceeded[] = [];
    const readings: number[] = [];
    const following = monitor.alarms.subscribe((alarm) => alarms.push(alarm));
    following.add(monitor.readings.subscribe((lags) => readings.push(lags.length)));
    await publish(2);
    expect(await monitor.read()).toMatchObject([
      { stream: 'orders', group: 'test', lag: 0, consumers: 1 },
      { stream: 'orders', group: 'slow', lag: 2, consumers: 0 },
    ]);
    expect(alarms).toEqual([
      {
        ...{ type: 'STREAM_LAG', stream: 'orders', consumerGroup: 'slow', lag: 2 },
        ...{ severity: 'WARNING', threshold: 1, recovered: false },
      },
    ]);
    expect(readings.length).toBeGreaterThan(0);
    following.unsubscribe();
    const { length } = readings;
    await kit.advance(5000);
    expect(readings).toHaveLength(length);
  });

  it('holds up publishers that ask for it', async () => {
    const { app, publish, publisher } = await start();
    await publish(3);
    const maxLag = { lag: 2, groups: ['slow'] };
    const blocked = expect.objectContaining({ code: 'BACKPRESSURE', group: 'slow', lag: 3 });
    await expect(
      publisher.publish('orders', {}, { maxLag, onBackpressure: 'error' }),
    ).rejects.toEqual(blocked);
    const client = app.get(StreamsClient);
    const record = new StreamRecordBuilder({}).setMaxLag(maxLag, { onBackpressure: 'error' });
    await expect(firstValueFrom(client.emit('orders', record.build()))).rejects.toEqual(blocked);
    await expect(firstValueFrom(client.send('orders', record.build()))).rejects.toMatchObject({
      code: 'INVALID_MESSAGE',
    });
    // No consumer works for the group.
    expect(await publisher.publish('orders', {}, { maxLag: 2 })).toMatch(/-/);
  });

  it('pins a stream, and a report names the group', async () => {
    const { app, publish, groups } = await start();
    await publish(3);
    const retention = app.get(StreamRetention);
    const { pinnedBy, ...rest } = await retention.report('orders');
    expect(rest).toEqual({
      ...{ stream: 'orders', policy: 'deleteWhenSettled', length: 3, memory: null },
    });
    expect(pinnedBy).toEqual({
      ...{ group: 'slow', by: 'undelivered', id: '0-0', age: 1000, entries: 3, memory: null },
    });
    await groups.setPosition('orders', 'slow', '$');
    expect((await retention.report('orders')).pinnedBy).toMatchObject({ age: 0, entries: 0 });
    await expect(retention.report('missing')).rejects.toMatchObject({ code: 'STREAM_NOT_FOUND' });
  });
});

it('a bare transport takes the options, too', () => {
  expect(() => new RedisStreamsTransport({ lag: { thresholds: [{}] } })).toThrow(/lag.thresholds/);
});
