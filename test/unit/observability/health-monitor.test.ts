import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { systemClock, type Clock } from '../../../lib/core/clock.js';
import { RedisConnectionError } from '../../../lib/drivers/redis/errors/redis-connection.errors.js';
import { ManualClock } from '../../../lib/drivers/memory/manual-clock.js';
import { EventBus } from '../../../lib/core/event-bus.js';
import {
  PermissionDeniedError,
  WrongKeyTypeError,
} from '../../../lib/core/errors/server.errors.js';
import type { OverrunStatus } from '../../../lib/core/overrun.js';
import { NO_TROUBLE } from '../../../lib/core/read-trouble.js';
import type { ReaderStatus } from '../../../lib/core/reader-status.js';
import { HealthMonitor } from '../../../lib/observability/health/health-monitor.js';
import {
  HEALTH_OPTIONS,
  type HealthOptions,
} from '../../../lib/observability/health/health-options.js';
import type { Watched } from '../../../lib/observability/health/watched.js';

const IN = { stream: 'orders', group: 'billing' };
const broken = new Error('ECONNRESET');

let clock: ManualClock;
let events: EventBus;
let readers: ReaderStatus[];
let overruns: OverrunStatus[];
let phase: ReturnType<Watched['phase']>;
let streams: string[];
let describing: (of: readonly string[]) => Promise<unknown>;
let asked: number;

beforeEach(() => {
  clock = new ManualClock();
  events = new EventBus();
  overruns = [];
  phase = 'reading';
  asked = 0;
  streams = ['orders'];
  describing = async () => [{ groups: [{ name: 'billing' }] }];
  readers = [
    {
      group: 'billing',
      consumer: 'c1',
      streams: ['orders'],
      activity: 'reading',
      since: clock.now(),
      hasRead: true,
      blockTimeout: 5000,
      error: undefined,
      runs: 0,
      trouble: NO_TROUBLE,
    },
  ];
});

function monitor(options: HealthOptions = {}, of: Clock = clock): HealthMonitor {
  const watched: Watched = {
    name: 'default',
    events,
    clock: of,
    phase: () => phase,
    readers: { list: () => readers },
    overruns: { list: () => overruns },
    groupsRead: () => [{ group: 'billing', streams }],
    groups: {
      describe: (async (of: readonly string[]) => {
        asked++;
        return describing(of);
      }) as NonNullable<Watched['groups']>['describe'],
    },
    knowsConsumers: true,
  };
  return new HealthMonitor(watched, HEALTH_OPTIONS.complete(options));
}

const codes = async (health: HealthMonitor): Promise<string[]> =>
  (await health.readiness()).causes.map(({ code, status }) => `${code} ${status}`);

const turn = (change: Partial<ReaderStatus>): void => {
  readers = [{ ...readers[0]!, ...change }];
};

describe('a reader', () => {
  it('may take three times blockTimeout, at least 30 s', async () => {
    const health = monitor();
    await clock.advance(30_000);
    expect(health.liveness().status).toBe('up');
    await clock.advance(1);
    expect(health.liveness().causes).toMatchObject([{ code: 'reader-stuck', group: 'billing' }]);
    turn({ blockTimeout: 20_000 });
    expect(health.liveness().status).toBe('up');
    await clock.advance(30_000);
    expect(health.liveness().status).toBe('down');
  });

  it('has its time anew after the event loop was blocked, because its answer may have come', async () => {
    const health = monitor({ readerDeadline: 1000 }, systemClock);
    turn({ since: systemClock.now() });
    health.start();
    onTestFinished(() => health.stop());
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1700);
    expect(health.liveness().status).toBe('up');
    expect(await codes(health)).toEqual(['event-loop-blocked degraded']);
  });

  it('that is paused has no deadline', async () => {
    const health = monitor();
    turn({ activity: 'paused', hasRead: false });
    await clock.advance(10 * 60_000);
    expect(await health.readiness()).toEqual({ status: 'up', causes: [] });
  });

  it('whose reads all fail is down, with the last error', async () => {
    const health = monitor();
    turn({ activity: 'failing', error: new Error('no right to read') });
    await clock.advance(30_001);
    const { causes } = health.liveness();
    expect(causes).toMatchObject([{ code: 'reader-failing', status: 'down' }]);
    expect(causes[0]!.message).toContain('no right to read');
  });

  it('waits for a broken connection without being stuck, and has its time anew after that', async () => {
    const health = monitor();
    events.emit('connected', { role: 'reader' });
    events.emit('disconnected', { role: 'reader', error: broken });
    await clock.advance(120_000);
    expect(health.liveness().status).toBe('up');
    events.emit('connected', { role: 'reader' });
    await clock.advance(30_000);
    expect(health.liveness().status).toBe('up');
    await clock.advance(1);
    expect(health.liveness().status).toBe('down');
  });

  it('that waits for slots is degraded, and down where only overruns of its group hold them', async () => {
    const health = monitor();
    turn({ activity: 'waiting' });
    await clock.advance(30_001);
    expect(health.liveness().status).toBe('up');
    expect(await codes(health)).toEqual(['reader-waiting degraded']);
    const run = { ...IN, handler: 'Orders.run', id: '1-0', attempt: 1, runningFor: 5 } as const;
    overruns = [{ ...run, reason: 'timeout', slotGivenBack: true }];
    expect(health.liveness().status).toBe('up');
    overruns = [{ ...run, reason: 'timeout', slotGivenBack: false }];
    expect(await codes(health)).toEqual(['reader-blocked down', 'overrun degraded']);
    turn({ runs: 1 });
    expect(await codes(health)).toEqual(['reader-waiting degraded', 'overrun degraded']);
    turn({ runs: 0 });
    overruns = [{ ...overruns[0]!, group: 'another' }];
    expect(health.liveness().status).toBe('up');
  });

  it('that has not read yet is not ready, and alive', async () => {
    const health = monitor();
    turn({ hasRead: false });
    expect(await codes(health)).toEqual(['not-reading down']);
    expect(health.liveness().status).toBe('up');
  });
});

describe('a source', () => {
  const refusal = { error: new Error('no right to read'), lasts: 10_001 };

  it('that has refused reads for longer than two may take is down, and no reason to restart', async () => {
    const health = monitor();
    turn({ trouble: { ...NO_TROUBLE, refused: new Map([['orders', refusal]]) } });
    const { causes } = await health.readiness();
    expect(causes).toMatchObject([{ code: 'stream-unreadable', status: 'down', stream: 'orders' }]);
    expect(causes[0]!.message).toContain('no right to read');
    expect(health.liveness().status).toBe('up');
    const lately = new Map([['orders', { ...refusal, lasts: 10_000 }]]);
    turn({ trouble: { ...NO_TROUBLE, refused: lately } });
    expect(await codes(health)).toEqual([]);
  });

  it('that refuses some streams is degraded while there are others', async () => {
    const health = monitor();
    const refused = new Map([
      ['a', refusal],
      ['b', refusal],
    ]);
    turn({ streams: ['a', 'b', 'orders'], trouble: { ...NO_TROUBLE, refused } });
    expect(await codes(health)).toEqual(['stream-unreadable degraded']);
    turn({ streams: ['a', 'b'] });
    expect(await codes(health)).toEqual(['stream-unreadable down']);
    turn({ activity: 'paused' });
    expect(await codes(health)).toEqual([]);
  });

  it('that does not answer is down past the deadline, outages left out', async () => {
    const health = monitor();
    await clock.advance(60_000);
    turn({ since: clock.now(), trouble: { ...NO_TROUBLE, unansweredFor: 30_001 } });
    expect(await codes(health)).toEqual(['reads-unanswered down']);
    expect(health.liveness().status).toBe('up');
    events.emit('connected', { role: 'reader' });
    events.emit('disconnected', { role: 'reader', error: broken });
    expect(await codes(health)).toEqual(['disconnected down']);
    events.emit('connected', { role: 'reader' });
    expect(await codes(health)).toEqual([]);
  });

  it('whose memory for reads is full waits, which is no reason to restart', async () => {
    const health = monitor();
    turn({ trouble: { ...NO_TROUBLE, fullFor: 30_001 } });
    expect(await codes(health)).toEqual(['reader-waiting degraded']);
    expect(health.liveness().status).toBe('up');
  });
});

describe('connections', () => {
  it('are down where none of a role works, and degraded where others do', async () => {
    const health = monitor();
    for (const connection of [1, 2]) events.emit('connected', { role: 'reader', connection });
    events.emit('disconnected', { role: 'reader', connection: 1, error: broken });
    expect(await codes(health)).toEqual(['connection-broken degraded']);
    events.emit('disconnected', { role: 'reader', connection: 2, error: broken });
    expect(await codes(health)).toEqual(['disconnected down', 'disconnected down']);
    events.emit('connection-retired', { role: 'reader', connection: 2 });
    events.emit('connected', { role: 'reader', connection: 1 });
    expect(await codes(health)).toEqual([]);
  });

  it('for hints are degraded only', async () => {
    const health = monitor();
    events.emit('connected', { role: 'hints' });
    events.emit('disconnected', { role: 'hints', error: broken });
    expect(await codes(health)).toEqual(['connection-broken degraded']);
  });

  it('for hints that are broken, or break again and again, hide nothing', async () => {
    const health = monitor();
    describing = async () => [{ groups: [] }];
    events.emit('disconnected', { role: 'hints', error: broken });
    expect(await codes(health)).toEqual(['connection-broken degraded', 'group-missing down']);
    for (let n = 0; n < 4; n++) {
      await clock.advance(10_000);
      events.emit('connected', { role: 'hints' });
      events.emit('disconnected', { role: 'hints', error: broken });
    }
    expect(health.liveness().causes).toMatchObject([{ code: 'reader-stuck' }]);
  });

  it('of which one is broken and another works hide no reader that is stuck', async () => {
    const health = monitor();
    for (const connection of [1, 2]) events.emit('connected', { role: 'reader', connection });
    events.emit('disconnected', { role: 'reader', connection: 1, error: broken });
    await clock.advance(30_001);
    expect(health.liveness().causes).toMatchObject([{ code: 'reader-stuck' }]);
  });
});

describe('the server', () => {
  it('is asked once for all probes within cacheFor', async () => {
    const health = monitor({ cacheFor: 1000 });
    await Promise.all([health.readiness(), health.readiness()]);
    await health.readiness();
    expect(asked).toBe(1);
    await clock.advance(1001);
    await health.readiness();
    expect(asked).toBe(2);
  });

  it('that does not answer in time, or with an error, is down', async () => {
    const health = monitor({ timeout: 500, cacheFor: 0 });
    let answer!: (reports: unknown) => void;
    describing = () => new Promise((resolve) => (answer = resolve));
    const report = health.readiness();
    await clock.advance(500);
    expect((await report).causes).toMatchObject([{ code: 'server-silent' }]);
    answer([{ groups: [{ name: 'billing' }] }]);
    describing = async () => {
      throw new Error('LOADING');
    };
    await clock.advance(1);
    expect(await codes(health)).toEqual(['server-silent down']);
  });

  it('that is slow is not asked again while it has not answered', async () => {
    const health = monitor({ timeout: 500, cacheFor: 0 });
    let answer!: (reports: unknown) => void;
    describing = () => new Promise((resolve) => (answer = resolve));
    for (let probe = 0; probe < 5; probe++) {
      const report = codes(health);
      await clock.advance(500);
      expect(await report).toEqual(['server-silent down']);
    }
    expect(asked).toBe(1);
    answer([{ groups: [{ name: 'billing' }] }]);
    expect(await codes(health)).toEqual([]);
  });

  it('is asked for some of many streams at a time, and for those first that were missing', async () => {
    const names = Array.from({ length: 120 }, (_, n) => `stream ${n}`);
    streams = names;
    const gone = new Set(['stream 70']);
    const looks: (readonly string[])[] = [];
    describing = async (of) => {
      looks.push(of);
      return of.map((name) => ({ groups: gone.has(name) ? [] : [{ name: 'billing' }] }));
    };
    const health = monitor({ cacheFor: 0 });
    const told: string[][] = [];
    for (let probe = 0; probe < 3; probe++) {
      told.push(await codes(health));
      await clock.advance(1);
    }
    expect(told).toEqual([[], ['group-missing down'], ['group-missing down']]);
    expect(looks.map((of) => of.length)).toEqual([50, 50, 50]);
    expect(new Set(looks.flat()).size).toBe(120);
    gone.clear();
    expect(await codes(health)).toEqual([]);
  });

  it('is asked for each stream by itself where a key is of another type', async () => {
    streams = ['orders', 'wrong'];
    describing = async (of) => {
      if (of.includes('wrong')) throw new WrongKeyTypeError('wrong', broken);
      return of.map(() => ({ groups: [] }));
    };
    const health = monitor();
    expect(await codes(health)).toEqual(['groups-unknown degraded', 'group-missing down']);
  });

  it('that does not tell of groups is degraded', async () => {
    const health = monitor();
    describing = async () => {
      throw new PermissionDeniedError('reading groups', broken);
    };
    expect(await codes(health)).toEqual(['groups-unknown degraded']);
  });

  it.each([
    ['no stream', [undefined], 'stream-missing degraded'],
    ['another group', [{ groups: [{ name: 'audit' }] }], 'group-missing down'],
  ])('that knows %s', async (_, answer, code) => {
    const health = monitor();
    describing = async () => answer;
    expect(await codes(health)).toEqual([code]);
  });
});

describe('the end', () => {
  it('is not ready from SIGTERM on, also while the server is asked', async () => {
    const health = monitor();
    const report = health.readiness();
    health.terminate();
    expect((await report).causes).toMatchObject([{ code: 'stopping' }]);
    expect(health.liveness().status).toBe('up');
  });

  it('is not ready while it is being closed, also where something else is wrong', async () => {
    const health = monitor();
    events.emit('disconnected', { role: 'reader', error: broken });
    phase = 'stopping';
    expect(await codes(health)).toEqual(['stopping down']);
  });
});

describe('incidents', () => {
  it('count for the window', async () => {
    const health = monitor({ window: 60_000 });
    events.emit('data-loss-suspected', { ...IN, after: '1-0', upTo: '9-0' });
    events.emit('delays-stuck', { stream: 'orders', error: broken });
    expect(await codes(health)).toEqual(['data-loss degraded', 'delays degraded']);
    turn({ activity: 'paused' });
    await clock.advance(60_001);
    expect(await codes(health)).toEqual([]);
  });

  it('that last are over when their event says so', async () => {
    const health = monitor();
    events.emit('outbox-stalled', { error: broken });
    events.emit('reading-paused', { group: 'billing', parked: 1000 });
    expect(await codes(health)).toEqual(['outbox degraded', 'reading-paused degraded']);
    turn({ activity: 'paused' });
    await clock.advance(3_600_000);
    expect((await codes(health)).length).toBe(2);
    events.emit('outbox-resumed', { stalledFor: 1 });
    events.emit('reading-resumed', { group: 'billing' });
    expect(await codes(health)).toEqual([]);
  });

  it('of tasks are over once a connection is back, unless the server refuses them', async () => {
    const health = monitor();
    const lost = new RedisConnectionError('not-sent', 'no connection');
    events.emit('worker-error', { worker: 'settler', error: lost });
    expect(await codes(health)).toEqual(['task-failing degraded']);
    events.emit('connected', { role: 'commands' });
    expect(await codes(health)).toEqual([]);
    events.emit('worker-error', { worker: 'settler', error: lost });
    events.emit('worker-error', { worker: 'settler', error: new Error('no right to settle') });
    events.emit('connected', { role: 'commands' });
    expect(await codes(health)).toEqual(['task-failing degraded']);
  });

  it('are ignored by their code', async () => {
    const health = monitor({ ignore: ['fallback'] });
    events.emit('warning', { code: 'SERVER_FEATURE_DENIED', message: 'XACKDEL' });
    expect(await codes(health)).toEqual([]);
    const other = monitor();
    events.emit('warning', { code: 'SERVER_FEATURE_DENIED', message: 'XACKDEL' });
    events.emit('warning', { code: 'DEFAULT_GROUP', message: 'no fallback' });
    expect(await codes(other)).toEqual(['fallback degraded']);
  });
});
