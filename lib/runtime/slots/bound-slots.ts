import { ApartDeadLetters } from '../../admin/dead-letters/apart.dead-letters.js';
import { systemClock, type Clock } from '../../core/clock.js';
import { WrongDriverForSlotError } from '../../core/errors/slot.errors.js';
import type {
  NamedDriverFactory,
  SlotBinding,
  SlotName,
  Slots,
} from '../../options/slots-options.js';
import type { DeadLetterQueue } from '../../ports/dead-letters.js';
import type { Driver, DriverContext } from '../../ports/driver.js';
import type { StateStore } from '../../ports/state-store.js';
import { boundWorkflows, type BoundWorkflows } from './bound-workflows.js';
import { OpenedDrivers, type DriverBinding } from './opened-drivers.js';

/**
 * - `stateless`: there is only a message source.
 * - `stateful`: there is a state store too.
 * - `full durability`: there is a dead letter queue of its own slot as well.
 * - `at most once`: messages may be lost, although other slots are filled.
 */
export type SlotMode = 'stateless' | 'stateful' | 'full durability' | 'at most once';

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
  private readonly opened: OpenedDrivers;

  /** @throws UnknownDriverError, WrongDriverForSlotError, InvalidOptionsError */
  constructor({ slots, drivers = {} }: SlotOptions, context: DriverContext) {
    this.opened = new OpenedDrivers(drivers, context);
    const { source, state, queue } = this.openAll(slots);
    this.driver = source.driver;
    this.clock = source.clock ?? systemClock;
    this.technology = source.technology;
    this.state = state?.store;
    this.ownState = state?.driver === this.driver;
    this.workflows = boundWorkflows(this, state?.driver?.workflows);
    this.otherQueue = queue && this.apart(queue);
    this.mode = modeOf(this.driver, state, queue);
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

  /** How many connections each driver has open, where the driver knows it: `3 to redis`. */
  get connections(): readonly string[] {
    return this.opened.connections;
  }

  /** Begins to connect, so that the first command need not wait. */
  connect(): void {
    this.opened.connect();
  }

  /**
   * Frees the connections of all drivers, also where one of them fails.
   * @throws what the first of them throws that fails, once all have ended
   */
  close(): Promise<void> {
    return this.opened.close();
  }

  /** What fills the slots. Where a slot cannot be filled, the drivers of the others are closed. */
  private openAll({ messageSource, stateStore, deadLetterQueue }: Slots) {
    try {
      const source = this.opened.open('messageSource', messageSource as DriverBinding);
      if (!source.driver.ids) {
        throw new WrongDriverForSlotError('messageSource', source.technology, 'format of its ids');
      }
      const state = stateStore && this.stateStore(stateStore);
      const queue = deadLetterQueue && this.deadLetterQueue(deadLetterQueue);
      return { source, state, queue };
    } catch (error) {
      this.opened.close().catch(() => undefined);
      throw error;
    }
  }

  /** An application's own queue hands messages back as it likes. */
  private apart({ store, driver }: StoreInSlot<DeadLetterQueue>): DeadLetterQueue | undefined {
    if (driver === this.driver) return undefined;
    return driver ? new ApartDeadLetters(store, this.driver.deadLetters, this.technology) : store;
  }

  private stateStore(binding: SlotBinding): StoreInSlot<StateStore> {
    if ('compareAndSet' in binding) return { store: binding, technology: 'a state store' };
    const { driver, technology } = this.opened.open('stateStore', binding as DriverBinding);
    const { state } = driver;
    if (state && 'compareAndSet' in state) return { store: state, driver, technology };
    const lacking = state ? 'state store with compareAndSet' : 'state store';
    throw new WrongDriverForSlotError('stateStore', technology, lacking);
  }

  private deadLetterQueue(binding: SlotBinding): StoreInSlot<DeadLetterQueue> {
    if ('put' in binding) return { store: binding, technology: 'a dead letter queue' };
    const { driver, technology } = this.opened.open('deadLetterQueue', binding as DriverBinding);
    if (driver.deadLetters) return { store: driver.deadLetters, driver, technology };
    throw new WrongDriverForSlotError('deadLetterQueue', technology, 'dead letter queue');
  }
}

interface StoreInSlot<Store> {
  readonly store: Store;
  /** Undefined: the application made the store. */
  readonly driver?: Driver;
  readonly technology: string;
}

function modeOf({ source }: Driver, state: unknown, queue: unknown): SlotMode {
  if (source.capabilities.delivery === 'at-most-once') return 'at most once';
  if (!state) return 'stateless';
  return queue ? 'full durability' : 'stateful';
}
