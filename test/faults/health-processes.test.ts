import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { HealthReport } from 'nestjs-redis-streams/health';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { guard, startRedis, type RedisServer } from '../support/redis-process.js';
import { until } from '../support/until.js';

const TIME = { timeout: 40_000 };
/** A kubelet waits for an answer this long by default, in milliseconds. */
const PROBE_TIMEOUT = 1000;

let server: RedisServer;
let client: Redis;
let child: ChildProcess;
beforeEach(async () => {
  server = await startRedis();
  client = new Redis(server.url);
});
afterEach(async () => {
  child.kill('SIGKILL');
  client.disconnect();
  await server.stop();
});

interface Answer {
  readonly status: number;
  readonly report: HealthReport;
}

interface Worker {
  /** Undefined: it was not answered in time. */
  readonly probe: (page: 'live' | 'ready') => Promise<Answer | undefined>;
  /** Publishes a message. Resolves when its run has begun. */
  readonly run: (payload: { block?: number; work?: number }) => Promise<void>;
}

async function start(hooks: boolean): Promise<Worker> {
  const script = fileURLToPath(new URL('support/health-worker.js', import.meta.url));
  child = fork(script, [JSON.stringify({ url: server.url, hooks })]);
  guard(child);
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  const probe: Worker['probe'] = async (page) => {
    const signal = AbortSignal.timeout(PROBE_TIMEOUT);
    try {
      const response = await fetch(`http://127.0.0.1:${port}/health/${page}`, { signal });
      return { status: response.status, report: (await response.json()) as HealthReport };
    } catch {
      return undefined;
    }
  };
  await until('it is ready', async () => (await probe('ready'))?.status === 200);
  return {
    probe,
    run: async (payload) => {
      const running = once(child, 'message');
      const fields = ['event_type', 'orders', 'payload', JSON.stringify(payload)];
      await client.xadd('orders', '*', ...fields);
      await running;
    },
  };
}

it('from SIGTERM on it is not ready, and alive until it has ended', TIME, async () => {
  const { probe, run } = await start(true);
  await run({ work: 5000 });
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await until('it is not ready', async () => {
    const answer = await probe('ready');
    return answer?.status === 503 && answer.report.causes[0]!.code === 'stopping';
  });
  await until('it is alive', async () => (await probe('live'))?.status === 200);
  expect(await ended).toEqual([null, 'SIGTERM']);
});

it('without shutdown hooks SIGTERM ends the process, as without health', TIME, async () => {
  await start(false);
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  expect(await ended).toEqual([null, 'SIGTERM']);
});

it(
  'while its event loop is blocked no probe is answered, and afterwards it is alive',
  TIME,
  async () => {
    const { probe, run } = await start(true);
    // For longer than its reader may wait for an answer.
    await run({ block: 5000 });
    expect(await probe('live')).toBeUndefined();
    await until('it answers again', async () => {
      const answer = await probe('live');
      // Not one answer tells that the reader is stuck, which it is not.
      if (answer) expect(answer.report.causes).toEqual([]);
      return answer?.status === 200;
    });
    await until('it is ready, and says what was', async () => {
      const answer = await probe('ready');
      const codes = answer?.report.causes.map(({ code }) => code) ?? [];
      return answer?.status === 200 && codes.includes('event-loop-blocked');
    });
  },
);

it(
  'a frozen process answers no probe, and is alive and ready once it runs again',
  TIME,
  async () => {
    const { probe } = await start(true);
    child.kill('SIGSTOP');
    // For longer than its reader may wait for an answer.
    for (let n = 0; n < 5; n++) expect(await probe('live')).toBeUndefined();
    child.kill('SIGCONT');
    await until('it answers again', async () => {
      const answer = await probe('live');
      if (answer) expect(answer.report.causes).toEqual([]);
      return answer?.status === 200;
    });
    await until('it is ready', async () => (await probe('ready'))?.status === 200);
  },
);
