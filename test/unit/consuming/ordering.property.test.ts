import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { sleep } from '../../../lib/core/clock.js';
import type { Delivery } from '../../../lib/core/delivery.js';
import { UnrecoverableError } from '../../../lib/core/errors/handling.errors.js';
import { ack } from '../../../lib/core/settlement.js';
import { ManualClock, memory, MemoryBroker } from '../../../lib/drivers/memory/index.js';
import { StreamsRuntime } from '../../../lib/runtime/streams-runtime.js';
import { MortalDriver } from '../../support/mortal-driver.js';
import { inAllSlots } from '../../support/in-all-slots.js';

const IDLE = 3000;
const PROCESSES = 2;

/** What a message asks of its handler. */
interface Task {
  readonly key: string | undefined;
  /** Runs that fail before one succeeds. */
  readonly fails: number;
  /** How long each run takes. */
  readonly ms: number;
  /** No run succeeds. */
  readonly hopeless: boolean;
}

const task: fc.Arbitrary<Task> = fc.record({
  key: fc.constantFrom('a', 'b', 'c', undefined),
  fails: fc.constantFrom(0, 0, 0, 1, 3),
  ms: fc.constantFrom(0, 0, 10, 1500, 5000),
  hopeless: fc.constantFrom(false, false, false, false, true),
});

const who = fc.nat({ max: PROCESSES - 1 });
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ publish: fc.array(task, { minLength: 1, maxLength: 6 }) }) },
  { weight: 5, arbitrary: fc.record({ wait: fc.constantFrom(1, 100, 1000, 5000) }) },
  { weight: 2, arbitrary: fc.record({ kill: who }) },
  { weight: 1, arbitrary: fc.record({ restart: who }) },
  // Its owner does not notice, and goes on.
  { weight: 2, arbitrary: fc.record({ usurp: fc.constant(true) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Processes that share data and time, what they do to it, and what they must not. */
class Scene {
  readonly clock = new ManualClock();
  readonly violations: string[] = [];
  private readonly broker = new MemoryBroker(this.clock);
  private readonly processes: { runtime: StreamsRuntime; driver: MortalDriver }[] = [];
  private readonly tasks: Task[] = [];
  private readonly runs: number[] = [];
  private readonly settled = new Map<number, string>();
  private owner: MortalDriver | undefined;

  async open(): Promise<void> {
    for (let index = 0; index < PROCESSES; index++) await this.start(index);
  }

  async take(one: Step): Promise<void> {
    if ('publish' in one) await this.publish(one.publish);
    if ('wait' in one) await this.clock.advance(one.wait);
    if ('kill' in one) await this.kill(one.kill);
    if ('restart' in one) await this.restart(one.restart);
    if ('usurp' in one) this.broker.marks.delete(JSON.stringify(['tasks', 'owner', 'g']));
  }

  /** Until everything is settled; tells what is not. */
  async finish(): Promise<void> {
    for (let turn = 0; turn < 200 && this.settled.size < this.tasks.length; turn++) {
      await this.clock.advance(5000);
    }
    for (const index of this.tasks.keys()) {
      if (!this.settled.has(index)) this.violations.push(`${index} was lost`);
    }
  }

  async close(): Promise<void> {
    const alive = this.processes.filter(({ driver }) => !driver.isDead);
    const closed = Promise.all(alive.map(({ runtime }) => runtime.close()));
    for (let turn = 0; turn < 5; turn++) await this.clock.advance(10_000);
    await closed;
  }

  private async publish(tasks: readonly Task[]): Promise<void> {
    const { producer } = this.processes[0]!.runtime;
    for (const one of tasks) {
      const payload = { index: this.tasks.push(one) - 1, key: one.key };
      await producer.publish({ stream: 'tasks', eventType: 'task', payload });
    }
    await this.clock.advance(0);
  }

  private async kill(index: number): Promise<void> {
    this.processes[index]!.driver.kill();
    await this.start(index);
  }

  private async restart(index: number): Promise<void> {
    const closed = this.processes[index]!.runtime.close();
    for (let turn = 0; turn < 4; turn++) await this.clock.advance(2000);
    await closed;
    await this.start(index);
  }

  private async start(index: number): Promise<void> {
    const driver = new MortalDriver(memory({ broker: this.broker }), (settling, outcome) => {
      const { kind } = settling.settlement;
      if (outcome !== 'settled' || (kind !== 'ack' && kind !== 'dead-letter')) return;
      this.concluded(this.indexOf.get(settling.lease.id)!, kind);
    });
    const runtime = new StreamsRuntime({
      slots: inAllSlots(driver),
      group: 'g',
      consumer: `c${index}`,
      idleTimeout: IDLE,
      maxDeliveries: 1000,
      gracePeriod: 1000,
      backoff: { delay: 500, maxDelay: 2000, jitter: 0 },
    });
    this.processes[index] = { runtime, driver };
    runtime.events.on('stream-acquired', () => (this.owner = driver));
    await runtime.start([
      {
        name: 'Tasks.run',
        events: ['task'],
        options: { streams: ['tasks'], orderBy: 'key' },
        invoke: async (delivery) => {
          await this.run(delivery, driver);
          return ack;
        },
      },
    ]);
  }

  private readonly indexOf = new Map<string, number>();
  /** Runs of each key in each process whose signal has not told them to stop. */
  private readonly running = new Map<MortalDriver, Delivery[]>();

  private async run(delivery: Delivery, driver: MortalDriver): Promise<void> {
    const { index } = delivery.message.payload as { index: number };
    const { fails, ms, hopeless } = this.tasks[index]!;
    this.indexOf.set(delivery.id, index);
    this.checkStart(delivery, index, driver);
    const beside = this.running.get(driver) ?? [];
    this.running.set(driver, [...beside, delivery]);
    try {
      await sleep(this.clock, ms);
      if (driver.isDead) throw new Error('It was never heard of again');
      this.runs[index] = (this.runs[index] ?? 0) + 1;
      if (hopeless) throw new UnrecoverableError();
      if (this.runs[index]! <= fails) throw new Error('not yet');
    } finally {
      const left = this.running.get(driver)!.filter((other) => other !== delivery);
      this.running.set(driver, left);
    }
  }

  /** All before it are settled, and none of its key runs beside it. */
  private checkStart(delivery: Delivery, index: number, driver: MortalDriver): void {
    const { key } = this.tasks[index]!;
    if (key === undefined || this.owner !== driver || driver.isDead) return;
    for (const earlier of this.tasks.keys()) {
      if (earlier >= index || this.tasks[earlier]!.key !== key) continue;
      if (!this.settled.has(earlier)) this.violations.push(`${index} began before ${earlier}`);
    }
    for (const other of this.running.get(driver) ?? []) {
      const same = other.orderKey === key && !other.signal.aborted;
      if (same) this.violations.push(`${index} began beside ${other.id}`);
    }
  }

  /** By any owner: what counts is what was recorded, once each, and in order. */
  private concluded(index: number, what: string): void {
    const { key } = this.tasks[index]!;
    const before = this.settled.get(index);
    if (before) this.violations.push(`${index} was settled twice: ${before}, ${what}`);
    this.settled.set(index, what);
    if (key === undefined) return;
    for (const later of this.settled.keys()) {
      if (later > index && this.tasks[later]!.key === key) {
        this.violations.push(`${later} was settled before ${index}`);
      }
    }
  }
}

it('through failures, deaths and lost leases: per key all in order, one at a time, nothing lost', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
      const scene = new Scene();
      await scene.open();
      for (const one of steps) await scene.take(one);
      await scene.finish();
      await scene.close();
      expect(scene.violations).toEqual([]);
    }),
    { numRuns: 150, endOnFailure: true },
  );
  // A limit for a scene that hangs, and nothing that is promised. All time of a scene is that of its
  // clock, so 150 scenes are computing alone: about 20 s on two cores that twenty programs share.
}, 60_000);
