import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PoolClient } from 'pg';
import { elapse, pace } from '../support/passing-time.js';
import { PostgresScene } from './support/postgres-scene.js';
import { IDLE_TIMEOUT, SLACK, type Payload } from './support/worker-scene.js';

const ROUNDS = 25;
/** Between two faults: long enough for connections to come back, and to work. */
const BETWEEN = 300;
/** Statements are short: of so many tries in a row some meet one. */
const TRIES = 40;
/** How long another session has its locks, ms. */
const LOCKED_FOR = 8000;
/** Longest wait of a worker for an answer, ms. */
const STATEMENT_TIMEOUT = 2000;
/** Entries are not taken over in these tests, unless something goes wrong. */
const PATIENT = { idleTimeout: 10_000 };

let scene: PostgresScene;
const sessions: PoolClient[] = [];
beforeEach(async () => {
  scene = await PostgresScene.open();
});
afterEach(async () => {
  for (const session of sessions.splice(0)) session.release(true);
  await scene.close();
});

/** Another session, which has begun a transaction. */
async function transaction(...statements: readonly string[]): Promise<PoolClient> {
  const session = await scene.pool.connect();
  session.on('error', () => undefined);
  sessions.push(session);
  await session.query('begin');
  for (const statement of statements) await session.query(statement);
  return session;
}

/** Messages of which each tenth fails once. */
const messages = (count: number): Payload[] =>
  Array.from({ length: count }, (_, n) => (n % 10 === 0 ? { fails: 1 } : {}));

async function cancel(): Promise<number> {
  let cancelled = 0;
  for (let tries = 0; tries < TRIES; tries++) cancelled += await scene.cancel();
  return cancelled;
}

/** What the workers wrote to stderr, and their ends: nothing, and none. */
const broken = (): string[] => scene.workers.map(({ errors }) => errors).filter(Boolean);

describe.each([
  ['ended', () => scene.terminate()],
  ['cancelled', cancel],
])('all statements and connections are %s, again and again', (what, harm) => {
  it('nothing is lost, run twice or counted twice', { timeout: 90_000 }, async () => {
    const options = { ...PATIENT, backoff: { delay: 20, maxDelay: 100 } };
    const workers = [await scene.worker('a', options), await scene.worker('b', options)];
    const payloads = messages(10_000);
    let flows = true;
    const flowing = scene.publish(payloads).finally(() => (flows = false));
    let harmed = 0;
    let rounds = 0;
    for (; rounds < ROUNDS || flows; rounds++) {
      await pace(BETWEEN);
      harmed += await harm();
    }
    const began = Date.now();
    const ids = await flowing;
    await scene.untilDone(ids, 40_000);
    console.log(
      `PostgreSQL: ${harmed} connections ${what} in ${rounds} rounds: ${ids.length} handled, ` +
        `${scene.duplicates().length} twice, ${scene.refusals.length} publishes refused and repeated, ` +
        `done ${Date.now() - began} ms after the last one`,
    );
    expect(harmed).toBeGreaterThan(ROUNDS / 2);
    expect(scene.duplicates()).toEqual([]);
    expect(scene.notes('dead-lettered')).toEqual([]);
    expect(Math.max(...scene.notes('started').map(({ attempt }) => attempt))).toBe(2);
    expect(broken()).toEqual([]);
    for (const worker of workers) expect(worker.has('reclaimed')).toBe(false);
  });
});

describe('locks of another session', () => {
  const options = {
    postgres: { url: '', statementTimeout: STATEMENT_TIMEOUT },
    ...{ maxDeliveries: 3, idleTimeout: IDLE_TIMEOUT },
  };

  it.each([
    ['the tables', ['lock table streams.delivery, streams.message in access exclusive mode']],
    [
      'rows that workers have',
      [
        'select from streams.delivery where not free for update',
        'select from streams.member for update',
      ],
    ],
  ])(
    'on %s stop the work, which goes on afterwards',
    async (what, statements) => {
      const own = { ...options, postgres: { ...options.postgres, url: scene.server.url() } };
      const workers = [await scene.worker('a', own), await scene.worker('b', own)];
      const flowing = scene.publish(messages(4000));
      await scene.untilHandled(500);
      const session = await transaction(...statements);
      const before = scene.handled().size;
      await elapse(LOCKED_FOR);
      const meanwhile = scene.handled().size - before;
      const told = workers.map(
        (worker) => worker.count('worker-error') + worker.count('disconnected'),
      );
      await session.query('rollback');
      const released = Date.now();
      const begun = new Set(scene.notes('started').map(({ id }) => id));
      await scene.untilHandled(before + meanwhile + 100);
      const resumed = Date.now() - released;
      await flowing;
      await scene.untilDone(scene.published, 40_000);
      console.log(
        `PostgreSQL: locks on ${what} for ${LOCKED_FOR} ms: ${meanwhile} handled meanwhile, told ${told.join(' and ')} times, ` +
          `at work ${resumed} ms after, ${scene.duplicates().length} handled twice`,
      );
      expect(Math.max(...told)).toBeGreaterThan(0);
      expect(Math.max(...told)).toBeLessThan(60);
      expect(resumed).toBeLessThan(STATEMENT_TIMEOUT + 2000 + SLACK);
      expect(scene.notes('dead-lettered')).toEqual([]);
      // No run could be kept fresh for longer than idleTimeout: those that had begun may come again.
      expect(scene.duplicates().filter((id) => !begun.has(id))).toEqual([]);
      expect(broken()).toEqual([]);
    },
    90_000,
  );
});
