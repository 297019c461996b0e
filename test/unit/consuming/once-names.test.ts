import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Delivery } from '../../../lib/core/delivery.js';
import { DedupeConflictError } from '../../../lib/core/errors/start-up.errors.js';
import { MemoryCompletions } from '../../../lib/drivers/memory/memory.completions.js';
import { MemoryInbox } from '../../../lib/drivers/memory/memory.inbox.js';
import { ack } from '../../../lib/core/settlement.js';
import { World, type EngineHandler } from '../../support/engine.js';

let world: World;
beforeEach(() => void (world = new World()));
afterEach(() => world.close());

const key = ({ payload }: { payload: unknown }) => (payload as { order: string }).order;
const ttl = 60_000;
const runs: string[] = [];
beforeEach(() => void (runs.length = 0));

/** A handler that remembers orders, and notes what it runs. */
const once = (events: string[], option: 'dedupe' | 'inbox' = 'dedupe', name?: string) =>
  ({
    events,
    options: { streams: ['s'], [option]: { key, ttl, ...(name !== undefined && { name }) } },
    invoke: ({ eventType }: Delivery) => void runs.push(eventType),
    // As two classes of one name, or two classes of a minified bundle, have it.
    name: 'EventsController.handle',
  }) satisfies EngineHandler;

const routes = [{ events: '*', stream: 's' }];

describe.each(['dedupe', 'inbox'] as const)('the names under which %s remembers', (option) => {
  it('are those of the patterns, not of the methods', async () => {
    const app = await world.start([once(['a'], option), once(['b'], option)], { routes });
    for (const event of ['a', 'b', 'a', 'b']) await app.publish(event, { order: '1' });
    expect(runs).toEqual(['a', 'b']);
    expect(app.outcomes()).toEqual(['handled', 'handled', 'duplicate', 'duplicate']);
  });

  it('are the pattern that matched, where a handler has several', async () => {
    const app = await world.start([once(['a', 'b.*'], option)], { routes });
    for (const event of ['a', 'b.x', 'b.y', 'a']) await app.publish(event, { order: '1' });
    expect(runs).toEqual(['a', 'b.x']);
  });

  it('are one name for all patterns, where the option gives one', async () => {
    const app = await world.start([once(['a', 'b'], option, 'orders')], { routes });
    for (const event of ['a', 'b']) await app.publish(event, { order: '1' });
    expect(runs).toEqual(['a']);
  });

  it.each([
    ['the same name', [once(['a'], option, 'orders'), once(['b'], option, 'orders')]],
    ['a name that is the pattern of another', [once(['a'], option), once(['b'], option, 'a')]],
  ])('are refused where two handlers have %s', async (_, [first, second]) => {
    const given = [
      { ...first!, name: 'First.handle' },
      { ...second!, name: 'Second.handle' },
    ];
    const starting = world.start(given, { routes });
    await expect(starting).rejects.toThrow(DedupeConflictError);
    await expect(starting).rejects.toThrow(
      /First\.handle and Second\.handle .* stream "s" in group "g"/,
    );
  });

  it('are refused where a handler joins others later', async () => {
    const { runtime } = await world.start([once(['a'], option, 'orders')], { routes });
    const { invoke: _, ...second } = once(['b'], option, 'orders');
    const joining = runtime.subscribe([{ ...second, invoke: async () => ack }]);
    await expect(joining).rejects.toThrow(DedupeConflictError);
  });

  it('may be alike in different groups', async () => {
    const other = once(['b'], option, 'orders');
    const handlers = [
      once(['a'], option, 'orders'),
      { ...other, options: { ...other.options, group: 'other' } },
    ];
    const app = await world.start(handlers, { routes, unmatched: 'ack' });
    for (const event of ['a', 'b']) await app.publish(event, { order: '1' });
    expect(runs).toEqual(['a', 'b']);
  });
});

describe('what version 0.1.0 has handled', () => {
  const former = { stream: 's', group: 'g', handler: 'EventsController.handle', key: '1' };

  it('is known to dedupe', async () => {
    const completions = new MemoryCompletions(world.broker, '');
    await completions.complete([{ claim: former, ttl }]);
    const app = await world.start([once(['a'])], { routes });
    for (const order of ['1', '2']) await app.publish('a', { order });
    expect(app.outcomes()).toEqual(['duplicate', 'handled']);
  });

  it('is known to dedupe in another store, what is still handled included', async () => {
    const state = world.storeElsewhere();
    await state.set('s:done:g:EventsController.handle:1', 'done', ttl);
    await state.set('s:done:g:EventsController.handle:2', 'by old', ttl);
    const app = await world.start([once(['a'])], { routes, slots: { stateStore: state } });
    for (const order of ['1', '2', '3']) await app.publish('a', { order });
    expect(app.outcomes()).toEqual(['duplicate', 'postponed', 'handled']);
  });

  it('is known to an inbox', async () => {
    await new MemoryInbox(world.broker, '').run(former, ttl, async () => undefined);
    const app = await world.start([once(['a'], 'inbox')], { routes });
    for (const order of ['1', '2']) await app.publish('a', { order });
    expect(app.outcomes()).toEqual(['duplicate', 'handled']);
  });

  it('is left alone where two handlers of the stream and group had the same name', async () => {
    const completions = new MemoryCompletions(world.broker, '');
    await completions.complete([{ claim: former, ttl }]);
    const app = await world.start([once(['a']), once(['b'])], { routes });
    for (const event of ['a', 'b']) await app.publish(event, { order: '1' });
    expect(app.outcomes()).toEqual(['handled', 'handled']);
  });
});

it('a name that is no text is refused', async () => {
  const starting = world.start([once(['a'], 'dedupe', '')], { routes });
  await expect(starting).rejects.toThrow('dedupe.name must be a text that is not empty');
});
