import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { gate, World, type EngineOptions } from '../../support/engine.js';

const ordered = { streams: ['orders'], orderBy: 'key' };

describe('an ordered stream with an event that only another consumer of the group handles', () => {
  let world: World;
  let ran: string[];
  beforeEach(() => {
    world = new World();
    ran = [];
  });
  afterEach(() => world.close());

  async function start(
    name: string,
    events: string[],
    work?: () => unknown,
    options?: EngineOptions,
  ) {
    const engine = await world.start(
      [
        {
          events,
          options: ordered,
          invoke: async (delivery) => {
            const { payload } = delivery.message as { payload: { n: number } };
            ran.push(`${name} ${delivery.eventType}${payload.n}`);
            await work?.();
          },
        },
      ],
      { idleTimeout: 10_000, ...options },
    );
    const yielded: string[] = [];
    engine.runtime.events.on('stream-yielded', ({ eventType }) => yielded.push(eventType));
    return { ...engine, yielded };
  }

  async function publish(...messages: [eventType: string, n: number][]): Promise<void> {
    const { producer } = world.runtime();
    for (const [eventType, n] of messages)
      await producer.publish({ stream: 'orders', eventType, payload: { key: 'a', n } });
    await world.settle();
  }

  it('is given to that consumer, before anything that follows has begun', async () => {
    const v1 = await start('v1', ['paid']);
    const v2 = await start('v2', ['paid', 'shipped']);
    await publish(['paid', 1], ['paid', 2], ['shipped', 3], ['paid', 4], ['paid', 5]);
    await world.clock.advance(10_000);
    expect(ran.slice(2)).toEqual(['v2 shipped3', 'v2 paid4', 'v2 paid5']);
    expect(ran.slice(0, 2)).toEqual(['v1 paid1', expect.stringMatching(/^v. paid2$/)]);
    expect(v1.yielded).toEqual(['shipped']);
    expect([...v1.outcomes(), ...v2.outcomes()]).not.toContain('filtered');
  });

  it('lets end what runs, and starts nothing else meanwhile', async () => {
    const held = gate();
    await start('v1', ['paid'], () => held.promise);
    await start('v2', ['paid', 'shipped']);
    await publish(['paid', 1], ['shipped', 2], ['paid', 3]);
    await world.clock.advance(10_000);
    expect(ran).toEqual(['v1 paid1']);
    held.open();
    await world.clock.advance(10_000);
    expect(ran).toEqual(['v1 paid1', 'v2 shipped2', 'v2 paid3']);
  });

  it('goes to and fro between consumers that each lack an event of the other, in order', async () => {
    await start('x', ['x']);
    await start('y', ['y']);
    await publish(['x', 1], ['y', 2], ['x', 3], ['y', 4]);
    await world.clock.advance(30_000);
    expect(ran).toEqual(['x x1', 'y y2', 'x x3', 'y y4']);
  });

  it('is held up, with all that follows, while that consumer is paused', async () => {
    const v1 = await start('v1', ['paid'], undefined, { maxDeliveries: 1 });
    const v2 = await start('v2', ['paid', 'shipped'], undefined, { maxDeliveries: 1 });
    await v2.runtime.consumers.pause(v2.runtime.consumers.find(['paid', 'shipped']));
    await publish(['paid', 1], ['shipped', 2], ['paid', 3]);
    await world.clock.advance(60_000);
    expect(ran).toEqual(['v1 paid1']);
    await v2.runtime.consumers.resume(v2.runtime.consumers.find(['paid', 'shipped']));
    await world.clock.advance(10_000);
    expect(ran).toEqual(['v1 paid1', 'v2 shipped2', 'v2 paid3']);
    expect(v1.outcomes()).not.toContain('dead-lettered');
    expect(v2.outcomes()).not.toContain('dead-lettered');
  });

  it('goes on past an event that no consumer handles', async () => {
    const v1 = await start('v1', ['paid']);
    await publish(['paid', 1], ['other', 2], ['paid', 3], ['other', 4]);
    await world.settle();
    expect(ran).toEqual(['v1 paid1', 'v1 paid3']);
    expect(v1.outcomes().toSorted()).toEqual(['filtered', 'filtered', 'handled', 'handled']);
  });

  it('ends while it waits', async () => {
    const v1 = await start('v1', ['paid']);
    const v2 = await start('v2', ['paid', 'shipped']);
    await v2.runtime.consumers.pause(v2.runtime.consumers.find(['paid', 'shipped']));
    await publish(['shipped', 1], ['paid', 2]);
    await v1.runtime.drain();
    expect(v1.outcomes().filter((outcome) => outcome === 'released')).toHaveLength(2);
    expect(ran).toEqual([]);
  });
});
