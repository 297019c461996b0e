import { Controller } from '@nestjs/common';
import { RemoteError, StreamHandler } from 'nestjs-redis-streams';
import { firstValueFrom, lastValueFrom, scan } from 'rxjs';
import { expect, it } from 'vitest';
import { Calculator, describeRequests, outcome } from '../support/calculator.js';
import { until } from '../support/until.js';

describeRequests((start) => {
  it.each([
    ['a value', { cmd: 'sum' }],
    ['a promise', { cmd: 'asyncSum' }],
    ['a stream of one', { cmd: 'streamSum' }],
  ])('are answered by %s', async (_what, pattern) => {
    const { client } = await start();
    expect(await outcome(client.send(pattern, [1, 2, 3, 4, 5]))).toEqual([15, 'complete']);
  });

  it('are answered by a stream, in order and to its end', async () => {
    const { client } = await start();
    const data = Array.from({ length: 500 }, (_, index) => index);
    const answers = client.send<number>({ cmd: 'streaming' }, data);
    expect(await outcome(answers)).toEqual([...data, 'complete']);
    expect(await lastValueFrom(answers.pipe(scan((a, b) => a + b)))).toBe(124_750);
    expect(await outcome(client.send('slowly', [1, 2, 3]))).toEqual([1, 2, 3, 'complete']);
    expect(await outcome(client.send('promised-stream', 0))).toEqual(['a', 'b', 'complete']);
  });

  it('are answered each by its own, a hundred at a time', async () => {
    const { client } = await start();
    const asked = Array.from({ length: 100 }, (_, index) => [index, index + 1]);
    const answers = asked.map((tab) => lastValueFrom(client.send<number>({ cmd: 'sum' }, tab)));
    expect(await Promise.all(answers)).toEqual(asked.map(([a, b]) => a! + b!));
  });

  it.each([
    ['null', null],
    ['false', false],
    ['zero', 0],
    ['empty', ''],
    ['date', '1970-01-01T00:00:00.000Z'],
    ['list', []],
  ])('are answered by %s', async (what, value) => {
    const { client } = await start();
    expect(await outcome(client.send('answer', what))).toEqual([value, 'complete']);
  });

  it('complete without a value where there is none', async () => {
    const { client } = await start();
    expect(await outcome(client.send('nothing', 0))).toEqual(['complete']);
    expect(await outcome(client.send('empty', 0))).toEqual(['complete']);
  });

  it('are sent once per subscription, and not before', async () => {
    const { client, settled } = await start();
    const request = client.send({ cmd: 'sum' }, [1, 2]);
    expect(await outcome(request)).toEqual([3, 'complete']);
    expect(await outcome(request)).toEqual([3, 'complete']);
    await until('both are settled', () => settled.length === 2);
  });

  it.each([
    ['text', { status: 'error', message: 'out of stock' }],
    ['object', { name: 'StockError', code: 'OUT_OF_STOCK', message: 'none left' }],
    ['unknown', { status: 'error', message: 'Internal server error' }],
  ])('fail with what the filters let through, and are not run again: %s', async (how, error) => {
    const { client, settled } = await start({ service: { backoff: { delay: 1, jitter: 0 } } });
    Calculator.runs = 0;
    expect(await outcome(client.send('fails', how))).toEqual([{ error }]);
    await until('it is settled', () => settled.length === 1);
    expect(settled).toMatchObject([{ outcome: 'failed', attempt: 1 }]);
    expect(Calculator.runs).toBe(1);
  });

  it('fail with the name, code and message of an Error', async () => {
    const { client } = await start();
    const error = await firstValueFrom(client.send('fails-openly', 0)).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(RemoteError);
    expect(error).toMatchObject({
      name: 'StockError',
      code: 'OUT_OF_STOCK',
      message: 'none left',
    });
  });

  it('fail after the values that came before', async () => {
    const { client } = await start();
    expect(await outcome(client.send('fails', 'midway'))).toEqual([
      1,
      2,
      { error: { status: 'error', message: 'midway' } },
    ]);
  });

  it('fail where the answer has no JSON', async () => {
    const { client } = await start();
    const [failure] = await outcome(client.send('fails', 'bigint'));
    expect(failure).toMatchObject({ error: { name: 'TypeError' } });
  });

  it('fail where the answer is too large', async () => {
    const { client } = await start({ service: { maxPayloadBytes: 20 } });
    expect(await outcome(client.send('slowly', [1]))).toEqual([1, 'complete']);
    const [failure] = await outcome(client.send('echo', 0));
    expect(failure).toMatchObject({ error: { code: 'PAYLOAD_TOO_LARGE' } });
  });

  it('to a handler of events fail at once, unrun', async () => {
    const { client, settled } = await start();
    Calculator.runs = 0;
    expect(await outcome(client.send('order', 1))).toMatchObject([
      {
        error: {
          code: 'NOT_A_REQUEST_HANDLER',
          name: 'NotARequestHandlerError',
          message: expect.stringContaining('Calculator.order'),
        },
      },
    ]);
    await until('it is settled', () => settled.length === 1);
    expect(settled).toMatchObject([{ outcome: 'refused' }]);
    expect(Calculator.runs).toBe(0);
  });

  it('are answered though another group only listens', async () => {
    @Controller()
    class Audit {
      @StreamHandler('slowly', { group: 'audit' })
      listen(): void {}
    }
    const { client, settled } = await start({ controllers: [Calculator, Audit] });
    expect(await outcome(client.send('slowly', [1, 2]))).toEqual([1, 2, 'complete']);
    await until('both are settled', () => settled.length === 2);
    expect(settled.map((event) => event.outcome).sort()).toEqual(['handled', 'refused']);
  });
});
