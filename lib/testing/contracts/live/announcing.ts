import { expect } from '../../running/expect.js';
import { port, skip } from '../../running/skipped.js';
import type { Tests } from '../../running/runner.js';
import { hostname } from 'node:os';
import { NEVER } from '../../world/source-world.js';
import type { LiveWorld } from './live-world.js';

export function describeAnnouncing({ describe, test }: Tests, world: () => LiveWorld): void {
  describe('what is announced', () => {
    test('is seen by others, with all that was said', async () => {
      const { announcement, instance } = await world().join('A', { events: ['a.*', 'b'] });
      const { consumers, unannounced } = await world().members();
      expect(consumers).toEqual([
        {
          stream: world().stream,
          group: world().group,
          consumer: 'A',
          instance,
          process: announcement.process,
          events: ['a.*', 'b'],
          options: { idleTimeout: 500, maxDeliveries: 5, ordered: false },
          state: 'live',
          alive: true,
          age: expect.any(Number),
          goneFor: undefined,
        },
      ]);
      expect(unannounced).toEqual([]);
    });

    test('is seen on many streams at once, and no stream has to exist', async () => {
      const streams = Array.from({ length: 130 }, (_, n) => world().harness.unique(`s${n}`));
      await world().join('A', { streams: streams.slice(0, 120) });
      const found = await Promise.all(streams.map((stream) => world().names(stream)));
      expect(found.slice(0, 120)).toEqual(streams.slice(0, 120).map(() => ['A']));
      expect(found.slice(120)).toEqual(streams.slice(120).map(() => []));
    });

    test('needs neither the name of an application nor any events', async () => {
      const process = { host: 'h', pid: 1, application: undefined, version: '1' };
      await world().join('A', { process, events: [] });
      expect(await world().member('A')).toMatchObject({ process, events: [] });
    });

    test('is announced on each of many streams', async () => {
      const streams = Array.from({ length: 130 }, (_, n) => world().harness.unique(`s${n}`));
      const { membership } = await world().join('A', { streams });
      expect(await membership.refresh()).toBe('kept');
      for (const stream of [streams[0]!, streams[129]!]) {
        expect(await world().names(stream)).toEqual(['A']);
      }
      await membership.leave();
      expect(await world().member('A', streams[129])).toMatchObject({ state: 'closed' });
    });

    test('belongs to its group, stream and prefix', async () => {
      await world().join('A');
      const apart = await world().open({ keyPrefix: 'apart:' });
      expect(await port(apart, 'live').members(world().stream, world().group)).toEqual({
        consumers: [],
        unannounced: [],
      });
      expect((await world().members('another')).consumers).toEqual([]);
      expect((await world().members(world().stream, 'another')).consumers).toEqual([]);
    });
  });

  describe('a wished name', () => {
    test('is had where it is free', async () => {
      const { consumer, membership } = await world().join('A');
      expect([consumer, membership.namesake]).toEqual(['A', undefined]);
    });

    test('of a live consumer is had with a number, and that consumer is named', async () => {
      const first = await world().join('A');
      const second = await world().join('A');
      const third = await world().join('A');
      expect([second.consumer, third.consumer]).toEqual(['A~2', 'A~3']);
      for (const { membership } of [second, third]) {
        expect(membership.namesake).toMatchObject({ consumer: 'A', instance: first.instance });
        expect(membership.namesake).toMatchObject({ process: first.announcement.process });
      }
    });

    test('of one that is paused or closing is not free', async () => {
      const first = await world().join('A');
      await first.change('paused');
      expect((await world().join('A')).consumer).toBe('A~2');
      await first.change('closing');
      expect((await world().join('A')).consumer).toBe('A~3');
    });

    test('of a closed one is free', async () => {
      const first = await world().join('A');
      await first.membership.leave();
      const second = await world().join('A');
      expect([second.consumer, second.membership.namesake]).toEqual(['A', undefined]);
      expect(await world().member('A')).toMatchObject({ instance: second.instance, alive: true });
    });

    test('of a dead one is free', async () => {
      await world().join('A', { timeToLive: 100 });
      await world().harness.elapse(150);
      expect((await world().join('A')).consumer).toBe('A');
    });

    test('is not free where its process lives', async () => {
      const here = { host: hostname(), pid: process.ppid, application: 'x', version: '1' };
      await world().join('A', { process: here });
      expect((await world().join('A')).consumer).toBe('A~2');
    });

    test('is not free where a consumer of this process has it', async () => {
      const ours = { host: hostname(), pid: process.pid, application: 'x', version: '1' };
      await world().join('A', { process: ours });
      expect((await world().join('A', { process: ours })).consumer).toBe('A~2');
    });

    test('is the same on all streams', async () => {
      const [one, two] = [world().harness.unique('one'), world().harness.unique('two')];
      await world().join('A', { streams: [two] });
      const both = await world().join('A', { streams: [one, two] });
      expect(both.consumer).toBe('A~2');
      expect(both.membership.namesake).toMatchObject({ stream: two });
      expect(await world().names(one)).toEqual(['A~2']);
      expect(await world().names(two)).toEqual(['A', 'A~2']);
    });

    test('that many wish for at once is had by one of them', async () => {
      const drivers = await Promise.all([1, 2, 3].map(() => world().open()));
      const joined = await Promise.all(
        Array.from({ length: 12 }, (_, n) => world().join('A', { driver: drivers[n % 3]! })),
      );
      const names = joined.map(({ consumer }) => consumer);
      expect(new Set(names).size).toBe(12);
      expect(names).toContain('A');
      expect(await world().names()).toEqual([...names].sort());
    });
  });

  describe('an announcement', () => {
    test('stands as long as it is refreshed', async () => {
      const { membership } = await world().join('A', { timeToLive: 400 });
      for (let beat = 0; beat < 5; beat++) {
        await world().harness.elapse(100);
        expect(await membership.refresh()).toBe('kept');
      }
      const found = await world().member('A');
      expect(found).toMatchObject({ alive: true, goneFor: undefined });
      expect(found!.age).toBeGreaterThanOrEqual(495);
    });

    test('that is not refreshed in time is that of a dead consumer, and begins anew', async () => {
      const { membership } = await world().join('A', { timeToLive: 100 });
      await world().harness.elapse(300);
      const dead = await world().member('A');
      expect(dead).toMatchObject({ alive: false, state: 'live' });
      expect(dead!.goneFor).toBeGreaterThanOrEqual(190);
      expect(await membership.refresh()).toBe('announced');
      const alive = await world().member('A');
      expect(alive).toMatchObject({ alive: true, goneFor: undefined });
      expect(alive!.age).toBeLessThan(300);
    });

    test('of a name that another has taken is lost', async () => {
      const first = await world().join('A', { timeToLive: 50 });
      await world().harness.elapse(100);
      const second = await world().join('A');
      expect(await first.membership.refresh()).toBe('taken');
      await first.change('closing');
      await first.membership.leave();
      const found = await world().member('A');
      expect(found).toMatchObject({ instance: second.instance, state: 'live', alive: true });
    });

    test('changes without a gap', async () => {
      const { announcement, membership } = await world().join('A', { events: ['a'] });
      await world().harness.elapse(100);
      const streams = announcement.streams.map((one) => ({ ...one, events: ['b', 'c.*'] }));
      await membership.change(streams, 'paused');
      const found = await world().member('A');
      expect(found).toMatchObject({ state: 'paused', events: ['b', 'c.*'], alive: true });
      expect(found!.age).toBeGreaterThanOrEqual(95);
      await membership.change(streams, 'live');
      expect(await membership.refresh()).toBe('kept');
      expect(await world().member('A')).toMatchObject({ state: 'live', events: ['b', 'c.*'] });
    });

    test('changes on the streams that are named, and may gain one', async () => {
      const [one, two] = [world().harness.unique('one'), world().harness.unique('two')];
      const { announcement, membership } = await world().join('A', { streams: [one] });
      await membership.change([{ ...announcement.streams[0]!, stream: two }], 'closing');
      expect(await world().member('A', one)).toMatchObject({ state: 'live' });
      expect(await world().member('A', two)).toMatchObject({ state: 'closing' });
    });

    test('of one that left stays, marked', async () => {
      const { membership } = await world().join('A');
      await Promise.all([membership.leave(), membership.leave()]);
      await world().harness.elapse(50);
      const found = await world().member('A');
      expect(found).toMatchObject({ state: 'closed', alive: false });
      expect(found!.goneFor).toBeGreaterThanOrEqual(45);
    });

    test('may end on some streams alone', async () => {
      const [one, two] = [world().harness.unique('one'), world().harness.unique('two')];
      const { announcement, membership } = await world().join('A', { streams: [one, two] });
      await membership.leave([one]);
      expect(await membership.refresh()).toBe('kept');
      expect(await world().member('A', one)).toMatchObject({ state: 'closed', alive: false });
      expect(await world().member('A', two)).toMatchObject({ state: 'live', alive: true });
      await membership.change([announcement.streams[0]!], 'live');
      expect(await world().member('A', one)).toMatchObject({ state: 'live', alive: true });
      await membership.leave();
      expect(await world().member('A', one)).toMatchObject({ state: 'closed' });
      expect(await world().member('A', two)).toMatchObject({ state: 'closed' });
    });

    test('of one that left does not come back', async () => {
      const { membership } = await world().join('A');
      await membership.leave();
      await membership.refresh();
      expect(await world().member('A')).toMatchObject({ state: 'closed' });
    });
  });

  describe('a consumer that announces nothing', () => {
    test('is named once it has read', async () => {
      const live = port(await world().driver(), 'live');
      if (live.settlingTime === 0) return skip('All consumers announce themselves');
      await world().join('A');
      await world().reader('A');
      const old = await world().reader('old', { reclaimInterval: NEVER });
      await world().publish('a');
      await old.takeOne();
      const { unannounced, consumers } = await world().members();
      expect(unannounced).toEqual(['old']);
      expect(consumers.map(({ consumer }) => consumer)).toEqual(['A']);
    });
  });
}
