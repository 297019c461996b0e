import { Controller, UseFilters, UseInterceptors, type ExecutionContext } from '@nestjs/common';
import {
  Ctx,
  MessagePattern,
  Payload,
  type OutgoingResponse,
  type ReadPacket,
} from '@nestjs/microservices';
import { StreamContext, StreamRecordBuilder } from 'nestjs-redis-streams';
import { defer, firstValueFrom, lastValueFrom, map, Observable, of, throwError } from 'rxjs';
import { expect, it } from 'vitest';
import { Calculator, describeRequests, outcome } from '../support/calculator.js';
import { until } from '../support/until.js';

describeRequests((start) => {
  it('carry metadata, of the record and of a dispatch hook', async () => {
    const { client } = await start();
    client.setOnDispatchHook((packet: ReadPacket) => {
      packet.metadata = { trace: '1', tenant: 'hook' };
    });
    const record = new StreamRecordBuilder({ id: 1 }).setMetadata({ tenant: 'a' }).build();
    expect(await firstValueFrom(client.send('echo', record))).toEqual({
      payload: { id: 1 },
      metadata: { trace: '1', tenant: 'a' },
      pattern: 'echo',
    });
  });

  it('and events of one pattern find their own handlers', async () => {
    const { client } = await start();
    Calculator.notified = [];
    await lastValueFrom(client.emit('both', 'event'));
    await lastValueFrom(client.emit('notification', true));
    await until('the events have come', () => Calculator.notified.length === 2);
    expect(await outcome(client.send('both', 'request'))).toEqual([
      ['answered', 'request'],
      'complete',
    ]);
    expect(Calculator.notified).toHaveLength(2);
  });

  it('to a pattern that is a number, an object in another order, or has a stream', async () => {
    @Controller()
    class Patterns {
      @MessagePattern({ b: 1, a: { c: 'x' } })
      object(): string {
        return 'object';
      }

      @MessagePattern('routed.one')
      routed(): string {
        return 'routed';
      }
    }
    const routes = [{ events: 'routed.*', stream: 'all' }];
    const { client } = await start({
      controllers: [Calculator, Patterns],
      service: { routes },
      client: { routes },
    });
    expect(await firstValueFrom(client.send(7 as never, 0))).toBe('seven');
    expect(await firstValueFrom(client.send({ a: { c: 'x' }, b: 1 }, 0))).toBe('object');
    expect(await firstValueFrom(client.send('routed.one', 0))).toBe('routed');
    const address = { stream: 'all', event: 'routed.one' };
    expect(await firstValueFrom(client.send(address, 0))).toBe('routed');
  });

  it('of no pattern or no data fail', async () => {
    const { client } = await start();
    expect(await outcome(client.send(undefined as never, 1))).toMatchObject([{ error: {} }]);
    expect(await outcome(client.send('echo', null))).toMatchObject([{ error: {} }]);
  });

  it('pass serializers and deserializers of both sides', async () => {
    const { client } = await start({
      client: {
        serializer: { serialize: ({ pattern, data }: ReadPacket) => ({ pattern, data: [data] }) },
        deserializer: {
          deserialize: async ({ id, response, err, isDisposed }) => ({
            id,
            err,
            isDisposed,
            response: response === undefined ? undefined : { read: response },
          }),
        },
      },
      service: {
        deserializer: { deserialize: ({ pattern, data }) => ({ pattern, data: [data, 'in'] }) },
        serializer: { serialize: (packet) => ({ ...packet, response: wrapped(packet.response) }) },
      },
    });
    expect(await outcome(client.send('answer', 'zero'))).toEqual(['complete']);
    expect(await outcome(client.send('both', 'x'))).toEqual([
      { read: { out: ['answered', [['x'], 'in']] } },
      'complete',
    ]);
    expect(await outcome(client.send('slowly', 1))).toEqual([
      { read: { out: [1] } },
      { read: { out: 'in' } },
      'complete',
    ]);
    expect(await outcome(client.send('fails', 'text'))).toMatchObject([
      { error: { message: 'Internal server error' } },
    ]);
  });

  it('reach a serializer of the service though the client has no deserializer', async () => {
    const { client } = await start({
      service: { serializer: { serialize: (packet) => ({ ...packet, response: 'other' }) } },
    });
    expect(await outcome(client.send({ cmd: 'sum' }, [1]))).toEqual(['other', 'complete']);
  });

  it.each(['streaming', 'slowly'])(
    'fail where the serializer of the service throws amid an answer that is a stream (%s)',
    async (method) => {
      const serialize = (packet: OutgoingResponse) => {
        if (packet.response === 2) throw new TypeError('no such number');
        return packet;
      };
      const { client, settled } = await start({ service: { serializer: { serialize } } });
      const pattern = method === 'streaming' ? { cmd: method } : method;
      expect(await outcome(client.send(pattern, [1, 2, 3]))).toMatchObject([
        1,
        { error: { name: 'TypeError', message: 'no such number' } },
      ]);
      await until('it is settled', () => settled.length === 1);
      expect(settled).toMatchObject([{ outcome: 'failed', error: { name: 'TypeError' } }]);
    },
  );

  it('pass interceptors, and the hooks of the transport', async () => {
    const hooks: string[] = [];
    @UseInterceptors({
      intercept: (context: ExecutionContext, next) =>
        defer(() => next.handle()).pipe(map((value) => `${context.getType()} ${value}`)),
    })
    @Controller()
    class Intercepted {
      @MessagePattern('twice')
      twice(): Observable<number> {
        return of(1, 2);
      }
    }
    const { client } = await start({
      controllers: [Intercepted],
      configure: (_app, transport) => {
        transport.setOnProcessingStartHook((_id, _context, done) => {
          hooks.push('start');
          void done();
        });
        transport.setOnProcessingEndHook(() => void hooks.push('end'));
      },
    });
    expect(await outcome(client.send('twice', 0))).toEqual(['rpc 1', 'rpc 2', 'complete']);
    await until('the hooks were called', () => hooks.length === 2);
    expect(hooks).toEqual(['start', 'end']);
  });

  it('cannot be retried or dead-lettered by their handler', async () => {
    @Controller()
    class Asking {
      @UseFilters({ catch: (error: unknown) => throwError(() => error) })
      @MessagePattern('ask')
      ask(@Payload() how: string, @Ctx() context: StreamContext): void {
        if (how === 'retry') context.retry(1);
        else context.deadLetter('no');
      }
    }
    const { client } = await start({ controllers: [Asking] });
    for (const how of ['retry', 'dead-letter']) {
      const [failure] = await outcome(client.send('ask', how));
      expect(failure).toMatchObject({ error: { code: 'UNSUPPORTED_FEATURE' } });
    }
  });
});

const wrapped = (response: unknown) => (response === undefined ? undefined : { out: response });
