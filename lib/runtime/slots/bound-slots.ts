import { isDeepStrictEqual } from 'node:util';
import { ApartDeadLetters } from '../../admin/dead-letters/apart.dead-letters.js';
import { systemClock, type Clock } from '../../core/clock.js';
import { WrongDriverForSlotError } from '../../core/errors/slot.errors.js';
import { concealed } from '../../core/option-schema/concealed.js';
import type {
  NamedDriver,
  NamedDriverFactory,
  SlotBinding,
  SlotName,
  Slots,
} from '../../options/slots-options.js';
import type { DeadLetterQueue } from '../../ports/dead-letters.js';
import type { Driver, DriverContext, DriverFactory } from '../../ports/driver.js';
import type { StateStore } from '../../ports/state-store.js';
import { boundWorkflows, type BoundWorkflows } from './bound-workflows.js';
import { driverByName } from './driver-names.js';

/**
 * - `stateless`: there is only a message source.
 * - `stateful`: there is a state store too.
 * - `full durability`: there is a dead letter queue of its own slot as well.
 */
export type SlotMode = 'stateless' | 'stateful' | 'full durability';

/** A driver that fills a slot. */
interface OpenedDriver {
  readonly binding: SlotBinding;
  readonly technology: string;
  readonly driver: Driver;
  readonly clock: Clock | undefined;
}

/** The options that name drivers. */
interface SlotOptions {
  readonly slots: Slots;
  /** Drivers of other packages, by their names. */
  readonly drivers?: Readonly<Record<string, NamedDriverFactory>> | undefined;
}

/** Opens the drivers of the slots, each once, and closes them. */
export class BoundSlots {
  /** The driver of the message source. Its ports are those of the runtime. */
  readonly driver: Driver;
  readonly clock: Clock;
  readonly technology: string;
  /** Undefined: the slot is empty. */
  readonly state: StateStore | undefined;
  /** The state store is that of the message source's driver. */
  readonly ownState: boolean;
  readonly workflows: BoundWorkflows;
  /** A queue in place of the source's own. Its redrives reach the source. */
  readonly otherQueue: DeadLetterQueue | undefined;
  readonly mode: SlotMode;
  /** The technology in each slot that is filled. */
  readonly filled: Readonly<Partial<Record<SlotName, string>>>;
  private readonly opened: OpenedDriver[] = [];
  private readonly drivers: Readonly<Record<string, NamedDriverFactory>>;

  /** @throws UnknownDriverError, WrongDriverForSlotError, InvalidOptionsError */
  constructor(
    { slots, drivers = {} }: SlotOptions,
    private readonly context: DriverContext,
  ) {
    const { messageSource, stateStore, deadLetterQueue } = slots;
    this.drivers = drivers;
    const source = this.open('messageSource', messageSource as DriverFactory);
    this.driver = source.driver;
    if (!this.driver.ids) {
      throw new WrongDriverForSlotError('messageSource', source.technology, 'format of its ids');
    }
    this.clock = source.clock ?? systemClock;
    this.technology = source.technology;
    const state = stateStore && this.stateStore(stateStore);
    this.state = state?.store;
    this.ownState = state?.driver === this.driver;
    this.workflows = boundWorkflows(this, state?.driver?.workflows);
    const queue = deadLetterQueue && this.deadLetterQueue(deadLetterQueue);
    this.otherQueue = queue && this.apart(queue);
    this.mode = !state ? 'stateless' : queue ? 'full durability' : 'stateful';
    this.filled = {
      messageSource: source.technology,
      ...(state && { stateStore: state.technology }),
      ...(queue && { deadLetterQueue: queue.technology }),
    };
  }

  /** The queue that dead letters go to. Undefined: there is none. */
  get deadLetters(): DeadLetterQueue | undefined {
    return this.otherQueue ?? this.driver.deadLetters;
  }

  /** Begins to connect, so that the first command need not wait. */
  connect(): void {
    for (const { driver } of this.opened) driver.connect?.();
  }

  /**
   * Frees the connections of all drivers, also where one of them fails.
   * @throws what the first of them throws that fails, once all have ended
   */
  async close(): Promise<void> {
    const closed = await Promise.allSettled(
      this.opened.map(async ({ driver }) => driver.source.close()),
    );
    for (const one of closed) if (one.status === 'rejected') throw one.reason;
  }

  /** An application's own queue hands messages back as it likes. */
  private apart({ store, driver }: StoreInSlot<DeadLetterQueue>): DeadLetterQueue | undefined {
    if (driver === this.driver) return undefined;
    return driver ? new ApartDeadLetters(store, this.driver.deadLetters, this.technology) : store;
  }

  private stateStore(binding: SlotBinding): StoreInSlot<StateStore> {
    if ('compareAndSet' in binding) return { store: binding, technology: 'a state store' };
    const { driver, technology } = this.open('stateStore', binding as DriverBinding);
    const { state } = driver;
    if (state && 'compareAndSet' in state) return { store: state, driver, technology };
    const lacking = state ? 'state store with compareAndSet' : 'state store';
    throw new WrongDriverForSlotError('stateStore', technology, lacking);
  }

  private deadLetterQueue(binding: SlotBinding): StoreInSlot<DeadLetterQueue> {
    if ('put' in binding) return { store: binding, technology: 'a dead letter queue' };
    const { driver, technology } = this.open('deadLetterQueue', binding as DriverBinding);
    if (driver.deadLetters) return { store: driver.deadLetters, driver, technology };
    throw new WrongDriverForSlotError('deadLetterQueue', technology, 'dead letter queue');
  }

  private open(slot: SlotName, binding: DriverBinding): OpenedDriver {
    const known = this.opened.find((one) => isSame(one.binding, binding));
    if (known) return known;
    // The options of a driver contain passwords.
    const opened = concealed(
      { binding, ...this.openNew(slot, binding) },
      ({ technology }) => `Driver ${technology}`,
    );
    this.opened.push(opened);
    return opened;
  }

  private openNew(slot: SlotName, binding: DriverBinding): Omit<OpenedDriver, 'binding'> {
    if ('source' in binding) {
      const { technology } = binding.source.capabilities;
      return { driver: binding, technology, clock: undefined };
    }
    const factory = 'open' in binding ? binding : driverByName(slot, binding, this.drivers);
    const { technology, clock } = factory;
    return { driver: factory.open(this.context), technology, clock };
  }
}

type DriverBinding = DriverFactory | NamedDriver | Driver;

interface StoreInSlot<Store> {
  readonly store: Store;
  /** Undefined: the application made the store. */
  readonly driver?: Driver;
  readonly technology: string;
}

/** The same driver: one object, or one name with the same options. */
const isSame = (one: SlotBinding, other: SlotBinding): boolean =>
  one === other || (isNamed(one) && isNamed(other) && isDeepStrictEqual(one, other));

const isNamed = (binding: SlotBinding): boolean =>
  'driver' in binding && !('open' in binding) && !('source' in binding);
