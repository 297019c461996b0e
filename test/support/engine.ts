import { ManualClock, memory, MemoryBroker } from '../../lib/drivers/memory/index.js';
import { EventBus } from '../../lib/core/event-bus.js';
import { MemoryStateStore } from '../../lib/drivers/memory/memory.state-store.js';
import type { SettledEvent } from '../../lib/core/run-events.js';
import type { BatchHandler, Delivery } from '../../lib/core/delivery.js';
import type { HandlerOptions } from '../../lib/options/handler-options.js';
import { ack, type Settlement } from '../../lib/core/settlement.js';
import type { StreamsOptions } from '../../lib/options/streams-options.js';
import type { Slots } from '../../lib/options/slots-options.js';
import type { Driver } from '../../lib/ports/driver.js';
import { driverWith } from './driver-with.js';
import { StreamsRuntime } from '../../lib/runtime/streams-runtime.js';
import { inAllSlots } from './in-all-slots.js';

export type Invoke = (delivery: Delivery) => unknown;

export interface EngineHandler {
  readonly events: string[];
  readonly invoke: Invoke;
  readonly options?: HandlerOptions;
  readonly invokeBatch?: BatchHandler;
  /** @default one that no other handler of the engine has */
  readonly name?: string;
}

export type EngineOptions = Partial<Omit<StreamsOptions, 'slots'>> & {
  /** In place of the memory driver, which fills the others. */
  readonly slots?: Partial<Slots>;
};

/** Data and time that several engines of one test may share. */
export class World {
  readonly clock = new ManualClock();
  readonly broker = new MemoryBroker(this.clock);
  private readonly runtimes: StreamsRuntime[] = [];

  /** @param parts parts of the driver that are missing */
  constructor(private readonly parts: Partial<Record<keyof Driver, undefined>> = {}) {}

  /** A state store that is not the driver's, with the same data and time. */
  storeElsewhere(maxKeys = Infinity, events = new EventBus()): MemoryStateStore {
    return new MemoryStateStore(this.broker, { keyPrefix: 'elsewhere:', events }, maxKeys);
  }

  /** Starts the engine for these handlers, in memory. */
  async start(handlers: EngineHandler[], options: EngineOptions = {}) {
    const runtime = this.runtime(options);
    const settled: SettledEvent[] = [];
    runtime.events.on('settled', (event) => settled.push(event));
    await runtime.start(
      handlers.map(({ events, invoke, options: own = {}, invokeBatch, name }, index) => ({
        ...(invokeBatch && { invokeBatch }),
        name: name ?? `H.h${index}`,
        events,
        options: own,
        invoke: async (delivery): Promise<Settlement> => {
          await invoke(delivery);
          return ack;
        },
      })),
    );
    return {
      runtime,
      settled,
      outcomes: () => settled.map(({ outcome }) => outcome),
      publish: async (eventType: string, payload: unknown = {}) => {
        const id = await runtime.producer.publish({ eventType, payload });
        await this.settle();
        return id;
      },
    };
  }

  runtime({ slots, ...options }: EngineOptions = {}): StreamsRuntime {
    const driver = driverWith(memory({ broker: this.broker }), () => this.parts);
    const runtime = new StreamsRuntime({
      slots: { ...inAllSlots(driver), ...slots },
      group: 'g',
      backoff: { delay: 1000, jitter: 0 },
      ...options,
    });
    this.runtimes.push(runtime);
    return runtime;
  }

  /** Lets happen what can happen without time moving on. */
  settle(): Promise<void> {
    return this.clock.advance(0);
  }

  async close(): Promise<void> {
    const closed = Promise.all(this.runtimes.map((runtime) => runtime.close()));
    // Grace periods of methods that never end pass by this clock.
    for (let turn = 0; turn < 10; turn++) await this.clock.advance(10_000);
    await closed;
  }
}

/** A promise that a test fulfils. */
export function gate<T = void>() {
  let open!: (value: T) => void;
  let fail!: (error: unknown) => void;
  const promise = new Promise<T>((resolve, reject) => {
    open = resolve;
    fail = reject;
  });
  return { promise, open, fail };
}
