import type { RepositoryCopy } from './repository-copy.js';

/** The tests that the recipe writes. */
export const MIDDLEWARE_TESTS = [
  'test/unit/skip-stale.middleware.test.ts',
  'test/unit/max-age.test.ts',
];

/**
 * "Add an option" and "Add a middleware" of CONTRIBUTING.md: the option `maxAge` of a handler, and
 * the middleware `skipStale` that obeys it.
 */
export async function addMiddleware(copy: RepositoryCopy): Promise<void> {
  await addOption(copy);
  await copy.write('lib/consuming/middleware/skip-stale.middleware.ts', MIDDLEWARE);
  await copy.write('lib/consuming/middleware/example.middleware.ts', await exampleOfPage(copy));
  const pipeline = 'lib/consuming/pipeline.ts';
  const imported = "import { skipStale } from './middleware/skip-stale.middleware.js';";
  await copy.insertBefore(pipeline, "import { timeout } from './middleware/", imported);
  await copy.insertBefore(pipeline, "  { name: 'middleware'", STAGE);
  await copy.write(MIDDLEWARE_TESTS[0]!, MIDDLEWARE_TEST);
  await copy.write(MIDDLEWARE_TESTS[1]!, OPTION_TEST);
  await copy.format();
  await copy.test('unit', 'test/unit/architecture.test.ts', '--update');
  await copy.test('docs', 'test/docs/reference.test.ts', '--update');
}

/** The example of the recipe, so that lint and types check it, too. */
async function exampleOfPage(copy: RepositoryCopy): Promise<string> {
  const example = /```ts\n(.*?)```/s.exec(await copy.read('CONTRIBUTING.md'))?.[1];
  if (!example) throw new Error('"Add a middleware" of CONTRIBUTING.md has lost its example.');
  return example;
}

async function addOption(copy: RepositoryCopy): Promise<void> {
  const declarations = 'lib/options/handler-options.ts';
  await copy.insertBefore(declarations, '    /** Gives the handler many messages', DECLARATION);
  const bound = '  /** @internal The handler answers requests.';
  await copy.insertBefore('lib/core/handler-policy.ts', bound, BOUND);
}

const DECLARATION = `\
    /** Messages older than this are acknowledged without a run, in milliseconds. @default none */
    maxAge: whole(1),`;

const BOUND = `\
  /** @internal In milliseconds. Undefined: messages of any age run. */
  readonly maxAge?: number | undefined;`;

const STAGE = `\
  {
    name: 'skipStale',
    make: ({ clock }) => skipStale(clock),
    where: (handler) => handler.maxAge !== undefined,
  },`;

const MIDDLEWARE = `\
import type { Clock } from '../../core/clock.js';
import type { Middleware } from '../../core/middleware.js';
import { ack } from '../../core/settlement.js';

/** Does not run a message that is older than its handler's \`maxAge\`. */
export function skipStale(clock: Clock): Middleware {
  return (delivery, next) =>
    clock.wallTime() - delivery.lease.publishedAt > delivery.handler!.maxAge!
      ? Promise.resolve(ack)
      : next(delivery);
}
`;

const MIDDLEWARE_TEST = `\
import { expect, it } from 'vitest';
import { skipStale } from '../../lib/consuming/middleware/skip-stale.middleware.js';
import type { Delivery } from '../../lib/core/delivery.js';
import { ack, retry } from '../../lib/core/settlement.js';
import { ManualClock } from '../../lib/drivers/memory/index.js';

it('runs a message until it is older than maxAge', async () => {
  const clock = new ManualClock();
  const lease = { publishedAt: clock.wallTime() };
  const delivery = { lease, handler: { maxAge: 1000 } } as unknown as Delivery;
  const pass = () => skipStale(clock)(delivery, async () => retry(5));
  await clock.advance(1000);
  expect(await pass()).toEqual(retry(5));
  await clock.advance(1);
  expect(await pass()).toEqual(ack);
});
`;

const OPTION_TEST = `\
import { expect, it } from 'vitest';
import { World } from '../support/engine.js';

it('a consumer does not run a message again that has become older than maxAge', async () => {
  const world = new World();
  const runs: number[] = [];
  const invoke = ({ attempt }: { attempt: number }) => {
    runs.push(attempt);
    throw new Error('Try again');
  };
  const backoff = { delay: 5000, jitter: 0 };
  const app = await world.start([{ events: ['x'], options: { maxAge: 1000, backoff }, invoke }]);
  await app.publish('x');
  await world.clock.advance(5000);
  expect(runs).toEqual([1]);
  expect(app.outcomes()).toEqual(['retried', 'handled']);
  await world.close();
});

it.each<[options: object, problem: RegExp]>([
  [{ maxAge: 0 }, /maxAge/],
  [{ maxAg: 1 }, /did you mean "?maxAge/i],
])('a consumer does not start with %o', async (options, problem) => {
  const world = new World();
  const started = world.start([{ events: ['x'], options, invoke: () => undefined }]);
  await expect(started).rejects.toThrow(problem);
  await world.close();
});
`;
