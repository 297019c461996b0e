import { expect } from '../running/expect.js';
import { port } from '../running/skipped.js';
import { declareSuite, type TestRunner } from '../running/runner.js';
import type { DriverHarness, DriverSetup } from '../world/driver-harness.js';
import { SourceWorld } from '../world/source-world.js';
import type { LeaseName, LeaseStore, OwnedLease } from '../../ports/lease-store.js';

const LONG = 60_000;

/** What every lease store promises. */
export function leaseStoreContract(runner: TestRunner, name: string, setup: DriverSetup): void {
  declareSuite(runner, `lease store contract: ${name}`, (tests) => {
    const { test, beforeEach, afterEach } = tests;
    let world: SourceWorld;
    let harness: DriverHarness;
    let store: LeaseStore;
    let lease: LeaseName;

    beforeEach(async () => {
      world = new SourceWorld(await setup());
      ({ harness } = world);
      store = await open();
      lease = { stream: harness.unique('stream'), name: 'workers' };
    });
    afterEach(() => world.close());

    async function open(keyPrefix?: string): Promise<LeaseStore> {
      const driver = await world.open(keyPrefix === undefined ? {} : { keyPrefix });
      return port(driver, 'leases');
    }

    async function acquire(owner: string, ttl = LONG): Promise<OwnedLease> {
      const owned = await store.acquire(lease, owner, ttl);
      expect(owned).toMatchObject({ ...lease, owner, token: expect.any(Number) });
      return owned!;
    }

    /** Waits until another owner may have it. */
    async function acquireInTime(owner: string): Promise<OwnedLease> {
      for (let step = 0; step < 200; step++) {
        const owned = await store.acquire(lease, owner, LONG);
        if (owned) return owned;
        await harness.elapse(20);
      }
      throw new Error('It never became free');
    }

    test('one owner at a time, also through another connection', async () => {
      await acquire('A');
      expect(await store.acquire(lease, 'B', LONG)).toBeUndefined();
      expect(await (await open()).acquire(lease, 'B', LONG)).toBeUndefined();
    });

    test('of many who ask at once, one gets it', async () => {
      const owners = Array.from({ length: 20 }, (_, index) => `owner-${index}`);
      const answers = await Promise.all(owners.map((owner) => store.acquire(lease, owner, LONG)));
      expect(answers.filter(Boolean)).toHaveLength(1);
    });

    test('leases of other names, streams and prefixes are apart', async () => {
      await acquire('A');
      expect(await store.acquire({ ...lease, name: 'others' }, 'B', LONG)).toBeDefined();
      const elsewhere = { ...lease, stream: harness.unique('other') };
      expect(await store.acquire(elsewhere, 'B', LONG)).toBeDefined();
      expect(await (await open('apart:')).acquire(lease, 'B', LONG)).toBeDefined();
    });

    test('after its ttl, and not before, another owner gets it, with a higher token', async () => {
      const began = harness.now();
      const first = await acquire('A', 200);
      const second = await acquireInTime('B');
      expect(harness.now() - began).toBeGreaterThanOrEqual(200);
      expect(second.token).toBeGreaterThan(first.token);
    });

    test('extended in time, it stays', async () => {
      const owned = await acquire('A', 300);
      for (let beat = 0; beat < 4; beat++) {
        await harness.elapse(100);
        expect(await store.extend(owned, 300)).toBe(true);
        expect(await store.acquire(lease, 'B', LONG)).toBeUndefined();
      }
    });

    test('what another owner has acquired since cannot be extended or released', async () => {
      const first = await acquire('A', 50);
      const second = await acquireInTime('B');
      expect(await store.extend(first, LONG)).toBe(false);
      expect(await store.release(first)).toBe(false);
      expect(await store.acquire(lease, 'C', LONG)).toBeUndefined();
      expect(await store.extend(second, LONG)).toBe(true);
    });

    test('an expired one that no other owner wanted goes on', async () => {
      const owned = await acquire('A', 50);
      await harness.elapse(100);
      expect(await store.extend(owned, LONG)).toBe(true);
      expect(await store.acquire(lease, 'B', LONG)).toBeUndefined();
    });

    test('released, it is free at once, and tokens go on', async () => {
      const first = await acquire('A');
      expect(await store.release(first)).toBe(true);
      expect(await store.extend(first, LONG)).toBe(false);
      expect(await store.release(first)).toBe(false);
      const second = await acquire('B');
      expect(second.token).toBeGreaterThan(first.token);
    });

    test('the owner itself acquires anew, and loses what it had', async () => {
      const first = await acquire('A');
      const second = await acquire('A');
      expect(second.token).toBeGreaterThan(first.token);
      expect(await store.extend(first, LONG)).toBe(false);
      expect(await store.extend(second, LONG)).toBe(true);
    });

    test('tokens are safe integers that never repeat', async () => {
      const tokens: number[] = [];
      for (const owner of ['A', 'B', 'C', 'A', 'B']) {
        const owned = await acquire(owner);
        tokens.push(owned.token);
        await store.release(owned);
      }
      expect(tokens.every(Number.isSafeInteger)).toBe(true);
      expect([...new Set(tokens)].sort((a, b) => a - b)).toEqual(tokens);
    });
  });
}
