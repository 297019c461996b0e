import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { redisOfPrograms } from '../support/coming-from.js';
import {
  buildGoProgram,
  startGoProgram,
  type GoClient,
  type GoProgram,
} from '../support/go-program.js';
import { until } from '../support/until.js';

const redis = await redisOfPrograms();
afterAll(() => redis.stop());
beforeEach(() => redis.client.flushall());

/** The page's application, under the name that its pod gives it. */
async function startNest(name: string) {
  vi.stubEnv('POD_NAME', name);
  vi.resetModules();
  const after = await import('../../sample/docs/coming-from/go/after.sessions.js');
  const { Sessions } = await import('../../sample/docs/load-balancer/sessions.js');
  const app = await after.bootstrap();
  onTestFinished(() => app.close());
  const apply = vi.spyOn(app.get(Sessions), 'apply');
  const front = app.get(after.FrontDesk);
  return { app, front, said: () => apply.mock.calls.map(([of, { page }]) => `${of} ${page}`) };
}

const visited = (page: string) => ({ kind: 'visited', page }) as const;
const LOGGED_OUT = { kind: 'logged-out', page: '/bye' } as const;
const inputs = () => redis.client.xlen('sessions-input');

it('after: a session is announced, handled, and completed', async () => {
  const nest = await startNest('nest');
  await nest.front.begin('session-1');
  await nest.front.record('session-1', visited('/cart'));
  await nest.front.record('session-1', LOGGED_OUT);
  await until('the session is completed', async () => (await inputs()) === 0);
  expect(nest.said()).toEqual(['session-1 /cart', 'session-1 /bye']);
});

describe.each<GoClient>(['the public module', 'a stand-in of it'])('before, with %s', (client) => {
  let program: GoProgram;
  beforeAll(async () => {
    program = await buildGoProgram('coming-from/go/before.go', client);
    if ('missing' in program)
      console.log(`The Go program of the page is not run with ${client}: ${program.missing}.`);
  }, 300_000);
  afterAll(() => program.clean());
  beforeEach((context) => {
    if ('missing' in program) context.skip(program.missing);
  });

  async function startGo() {
    const { binary } = program as { binary: string };
    const address = `127.0.0.1:${process.env['REDIS_PORT']}`;
    const go = startGoProgram(binary, { REDIS_ADDR: address, POD_NAME: 'go' });
    await until('Go takes part', () => go.said.includes('ready'));
    return go;
  }

  it('back again: Go goes on with what Nest has given back', async () => {
    const nest = await startNest('nest');
    await nest.front.begin('session-1');
    await nest.front.record('session-1', visited('/cart'));
    await until('Nest has handled it', () => nest.said().length === 1);
    const go = await startGo();
    await nest.app.close();
    await redis.client.xadd('session-1', '*', 'event_type', 'session', 'payload', BYE);
    await until('the session is completed', async () => (await inputs()) === 0);
    expect(go.said).toEqual(['ready', 'session-1 /bye']);
  });

  it('Nest goes on with what a dead Go program owned', async () => {
    const go = await startGo();
    await redis.client.xadd('sessions-input', '*', 'lbs-input', INPUT);
    await redis.client.xadd('session-1', '*', 'event_type', 'session', 'payload', CART);
    await until('Go has handled it', () => go.said.includes('session-1 /cart'));

    const nest = await startNest('nest');
    await nest.front.record('session-1', visited('/pay'));
    await until('Go has gone on', () => go.said.includes('session-1 /pay'));
    const unsettled = () => redis.unsettled('session-1', 'sessions-group');
    await until('it is acknowledged', async () => (await unsettled()) === 0);
    await go.kill();
    await nest.front.record('session-1', LOGGED_OUT);
    await until('Nest has taken over', () => nest.said().includes('session-1 /bye'), 15_000);
    await until('the session is completed', async () => (await inputs()) === 0);
    expect(nest.said()).toEqual(['session-1 /bye']);
    expect(go.said).toEqual(['ready', 'session-1 /cart', 'session-1 /pay']);
  });
});

/** As a Go program announces a stream, and writes to it. */
const INPUT = JSON.stringify({ DataStreamName: 'session-1', Info: { priority: 'high' } });
const CART = JSON.stringify(visited('/cart'));
const BYE = JSON.stringify(LOGGED_OUT);
