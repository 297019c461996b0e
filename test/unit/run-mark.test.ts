import { describe, expect, it } from 'vitest';
import type { Delivery } from '../../lib/core/delivery.js';
import { callingRun, marked } from '../../lib/consuming/running/run-mark.js';

const run = { id: '1-0' } as Delivery;
const later = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** What a call finds that is made within a run. */
async function found(within: (call: () => void) => unknown): Promise<readonly Delivery[]> {
  let runs: readonly Delivery[] | undefined;
  let called!: () => void;
  const call = new Promise<void>((resolve) => (called = resolve));
  await marked(run, async () => {
    await within(() => {
      runs = callingRun();
      called();
    });
    await call;
  });
  return runs!;
}

const FOUND: Record<string, (call: () => void) => unknown> = {
  'at once': (call) => call(),
  'after an await': async (call) => (await later(), call()),
  'in a function that is awaited': async (call) => {
    const inner = async (): Promise<void> => (await later(), call());
    await later();
    await inner();
  },
  'in a function whose promise is returned': (call) => {
    const inner = async (): Promise<void> => (await later(), call());
    return inner();
  },
  'in then': (call) => later().then(call),
  'in catch and finally': (call) =>
    later()
      .then(() => Promise.reject(new Error('no')))
      .catch(() => later())
      .finally(call),
  'in Promise.all': (call) => Promise.all([later(), later().then(call)]),
  'in Promise.race': (call) =>
    Promise.race([
      (async () => {
        await later();
        call();
        await later();
      })(),
      new Promise(() => undefined),
    ]),
  'where a promise settles another one': (call) =>
    new Promise<void>((resolve, reject) => {
      const inner = async (): Promise<void> => (await later(), call());
      inner().then(resolve, reject);
    }),
  'in a loop over an async generator': async (call) => {
    async function* generate() {
      await later();
      yield 1;
      await later();
      yield 2;
    }
    for await (const n of generate()) if (n === 2) call();
  },
};

const NOT_FOUND: Record<string, (call: () => void) => unknown> = {
  'in a timer': (call) => void setImmediate(call),
  'in a function that is not awaited': (call) => void later().then(later).then(call),
  'in a promise that two wait for': async (call) => {
    const shared = (async () => (await later(), call()))();
    await Promise.all([shared, shared]);
  },
};

describe('a call within a run', () => {
  it.each(Object.entries(FOUND))('is known %s', async (_, within) => {
    expect(await found(within)).toEqual([run]);
  });

  it.each(Object.entries(NOT_FOUND))('is not known %s', async (_, within) => {
    expect(await found(within)).toEqual([]);
  });

  it('is known of a run that has begun while another one was on the stack', async () => {
    const other = { id: '2-0' } as Delivery;
    let inner: readonly Delivery[] = [];
    await marked(run, async () => {
      await marked(other, () => void (inner = callingRun()));
    });
    expect(inner).toEqual([other]);
  });

  it('is none outside, also after a run', async () => {
    await marked(run, later);
    expect(callingRun()).toEqual([]);
  });

  it('leaves stack traces as the application has set them', async () => {
    const { stackTraceLimit, prepareStackTrace } = Error;
    Error.stackTraceLimit = 7;
    try {
      await found((call) => call());
      expect(Error.stackTraceLimit).toBe(7);
      expect(Error.prepareStackTrace).toBe(prepareStackTrace);
    } finally {
      Error.stackTraceLimit = stackTraceLimit;
    }
  });
});
