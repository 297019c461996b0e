import { Controller } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import { StreamRecordBuilder, type StreamsClient } from 'nestjs-redis-streams';
import { concat, delay, firstValueFrom, Observable, of, timeout } from 'rxjs';
import { expect, it } from 'vitest';
import { Calculator, describeRequests, outcome } from '../support/calculator.js';
import { elapse } from '../support/passing-time.js';
import { until } from '../support/until.js';

/** Its first request also opens a client's reply box, which the time limit of the request covers. */
async function openReplyBox(client: StreamsClient): Promise<void> {
  const patient = new StreamRecordBuilder([1, 2]).setTimeout(15_000).build();
  expect(await outcome(client.send({ cmd: 'sum' }, patient))).toEqual([3, 'complete']);
}

describeRequests((start, driver) => {
  it('without a handler fail with the time limit: of the record, else of the client', async () => {
    const { client } = await start({ client: { requestTimeout: 60 } });
    const error = { code: 'REQUEST_TIMEOUT', timeout: 60, eventType: 'nobody' };
    expect(await outcome(client.send('nobody', 1))).toMatchObject([{ error }]);
    const record = new StreamRecordBuilder(1).setTimeout(30).build();
    expect(await outcome(client.send('nobody', record))).toMatchObject([
      { error: { code: 'REQUEST_TIMEOUT', timeout: 30 } },
    ]);
    const wrong = new StreamRecordBuilder(1).setTimeout(0.5).build();
    expect(await outcome(client.send('nobody', wrong))).toMatchObject([
      { error: { code: 'INVALID_OPTIONS' } },
    ]);
  });

  it('have the time limit for each answer of a stream', async () => {
    const { client } = await start({ client: { requestTimeout: 400 } });
    const data = Array.from({ length: 10 }, () => 1);
    @Controller()
    class Slow extends Calculator {
      @MessagePattern('pace')
      pace(): Observable<number> {
        return concat(...data.map((one) => of(one).pipe(delay(60))));
      }
    }
    const slow = await start({ controllers: [Slow], client: { requestTimeout: 400 } });
    await openReplyBox(slow.client);
    expect(await outcome(slow.client.send('pace', 0))).toEqual([...data, 'complete']);
    expect(await outcome(client.send('never', 0))).toMatchObject([
      { error: { code: 'REQUEST_TIMEOUT' } },
    ]);
  });

  it("stop waiting when unsubscribed, by rxjs's timeout too", async () => {
    const { client } = await start();
    const values: unknown[] = [];
    const subscription = client.send('slowly', [1, 2, 3]).subscribe((value) => {
      values.push(value);
      subscription.unsubscribe();
    });
    await expect(firstValueFrom(client.send('never', 0).pipe(timeout(50)))).rejects.toMatchObject({
      name: 'TimeoutError',
    });
    await until('the first value', () => values.length > 0);
    expect(values).toEqual([1]);
    expect(await outcome(client.send({ cmd: 'sum' }, [1, 2]))).toEqual([3, 'complete']);
  });

  it('that no caller waits for any more are not run, and counted', async () => {
    const before = driver();
    const requestTimeout = 250;
    const { client } = await start({ ...before, client: { requestTimeout } });
    // A request that waits longer for its reply box than for its answer is not published at all.
    await openReplyBox(client);
    expect(await outcome(client.send('late', 1))).toMatchObject([
      { error: { code: 'REQUEST_TIMEOUT' } },
    ]);
    // However late it was published, it is older than that now.
    await elapse(requestTimeout);
    const runs: unknown[] = [];
    @Controller()
    class Late {
      @MessagePattern('late')
      late(data: unknown): unknown {
        runs.push(data);
        return data;
      }
    }
    const late = await start({ ...before, controllers: [Late] });
    expect(await outcome(late.client.send('late', 2))).toEqual([2, 'complete']);
    await until('both are settled', () => late.settled.length === 2);
    expect(late.settled.map((event) => event.outcome).sort()).toEqual(['expired', 'handled']);
    expect(runs).toEqual([2]);
  });

  it('that wait all fail when the client is closed', async () => {
    const { client } = await start();
    const waiting = [1, 2, 3].map((n) => outcome(client.send('never', n)));
    const open = outcome(client.send({ cmd: 'sum' }, [1]));
    expect(await open).toEqual([1, 'complete']);
    await client.close();
    for (const one of await Promise.all(waiting)) {
      expect(one).toMatchObject([{ error: { code: 'CLOSED' } }]);
    }
    expect(await outcome(client.send({ cmd: 'sum' }, [1]))).toMatchObject([
      { error: { code: 'CLOSED' } },
    ]);
  });

  it('fail within the time limit of their handler', async () => {
    @Controller()
    class Hanging {
      @MessagePattern('hang', { timeout: 30 } as never)
      hang(): Promise<void> {
        return new Promise(() => undefined);
      }
    }
    const { client } = await start({ controllers: [Hanging], service: { gracePeriod: 0 } });
    const [failure] = await outcome(client.send('hang', 1));
    expect(failure).toMatchObject({ error: { code: 'HANDLER_TIMEOUT' } });
  });
});
