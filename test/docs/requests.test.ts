import { RemoteError } from 'nestjs-redis-streams';
import { lastValueFrom, toArray } from 'rxjs';
import { expect, it, vi } from 'vitest';
import { PriceController } from '../../sample/docs/requests/price.controller.js';
import { PriceList } from '../../sample/docs/requests/price-list.js';
import { HurriedPrices } from '../../sample/docs/requests/hurried-prices.js';
import { Prices } from '../../sample/docs/requests/prices.js';
import { startApp } from '../support/nest-app.js';

async function start() {
  const { app, kit } = await startApp({
    controllers: [PriceController],
    providers: [HurriedPrices, PriceList, Prices],
  });
  return {
    prices: app.get(Prices),
    hurried: app.get(HurriedPrices),
    list: app.get(PriceList),
    kit,
  };
}

it('a request is answered, by one value or by several', async () => {
  const { prices, hurried } = await start();
  expect(await prices.of('lamp')).toBe(45);
  expect(await hurried.of('lamp')).toBe(45);
  expect(await hurried.ofToo('lamp')).toBe(45);
  expect(await lastValueFrom(prices.history('lamp').pipe(toArray()))).toEqual([40, 45]);
});

it('an RpcException arrives with its name, code and message, and any other error without', async () => {
  const { prices, list, kit } = await start();
  const error: unknown = await prices.of('piano').catch((reason: unknown) => reason);
  expect(error).not.toBeInstanceOf(RemoteError);
  expect(error).toEqual({
    name: 'UnknownArticleError',
    code: 'UNKNOWN_ARTICLE',
    message: 'There is no article piano',
  });
  vi.spyOn(list, 'find').mockRejectedValue(new Error('secret'));
  await expect(prices.of('lamp')).rejects.toEqual({
    status: 'error',
    message: 'Internal server error',
  });
  await kit.idle();
  expect(kit.settled.map(({ outcome }) => outcome)).toEqual(['failed', 'failed']);
});

it('a request without an answer fails after its time, by the clock of the client', async () => {
  const { hurried, list, kit } = await start();
  let answer = (_price: number): void => undefined;
  const asked = new Promise<void>((resolve) => {
    vi.spyOn(list, 'find').mockImplementation(() => {
      resolve();
      return new Promise((found) => (answer = found));
    });
  });
  const failed = hurried.of('lamp').catch((reason: unknown) => reason);
  await asked;
  await kit.advance(2_000);
  expect(await failed).toMatchObject({ code: 'REQUEST_TIMEOUT' });
  answer(1);
});
