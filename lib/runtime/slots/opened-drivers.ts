import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../core/clock.js';
import { concealed } from '../../core/option-schema/concealed.js';
import type {
  NamedDriver,
  NamedDriverFactory,
  SlotBinding,
  SlotName,
} from '../../options/slots-options.js';
import type { Driver, DriverContext, DriverFactory } from '../../ports/driver.js';
import { driverByName } from './driver-names.js';
import { SlotEvents } from './slot-events.js';

/** What names or makes a driver, or is one. */
export type DriverBinding = DriverFactory | NamedDriver | Driver;

/** A driver that fills slots. */
export interface OpenedDriver {
  readonly binding: DriverBinding;
  readonly slots: SlotName[];
  readonly technology: string;
  readonly driver: Driver;
  readonly clock: Clock | undefined;
}

/** How many transports, clients and modules have a driver that the application opened. */
const holders = new WeakMap<Driver, number>();

/** The drivers of the slots: each is opened once, and closed once. */
export class OpenedDrivers {
  private readonly all: OpenedDriver[] = [];

  constructor(
    private readonly named: Readonly<Record<string, NamedDriverFactory>>,
    private readonly context: DriverContext,
  ) {}

  /** @throws UnknownDriverError, and what the driver refuses of its options */
  open(slot: SlotName, binding: DriverBinding): OpenedDriver {
    const known = this.all.find((one) => isSame(one.binding, binding));
    if (known) {
      known.slots.push(slot);
      return known;
    }
    const slots = [slot];
    // The options of a driver contain passwords.
    const opened = concealed(
      { binding, slots, ...this.openNew(slots, binding) },
      ({ technology }) => `Driver ${technology}`,
    );
    this.all.push(opened);
    return opened;
  }

  get connections(): readonly string[] {
    return this.all.flatMap(({ driver, technology }) =>
      driver.connections ? [`${driver.connections()} to ${technology}`] : [],
    );
  }

  connect(): void {
    for (const { driver } of this.all) driver.connect?.();
  }

  /**
   * Frees the connections of all drivers, also where one of them fails.
   * @throws what the first of them throws that fails, once all have ended
   */
  async close(): Promise<void> {
    const closed = await Promise.allSettled(this.all.splice(0).map((one) => close(one)));
    for (const one of closed) if (one.status === 'rejected') throw one.reason;
  }

  private openNew(
    slots: readonly SlotName[],
    binding: DriverBinding,
  ): Pick<OpenedDriver, 'technology' | 'driver' | 'clock'> {
    if ('source' in binding) {
      holders.set(binding, (holders.get(binding) ?? 0) + 1);
      const { technology } = binding.source.capabilities;
      return { driver: binding, technology, clock: undefined };
    }
    const factory = 'open' in binding ? binding : driverByName(slots[0]!, binding, this.named);
    const { technology, clock } = factory;
    const ownSlots = () => (this.all.length > 1 ? slots : undefined);
    const events = new SlotEvents(this.context.events, ownSlots);
    return { driver: factory.open({ ...this.context, events }), technology, clock };
  }
}

/** The last holder closes a driver that the application opened. */
async function close({ driver, binding }: OpenedDriver): Promise<void> {
  if (driver === binding) {
    const others = (holders.get(driver) ?? 1) - 1;
    holders.set(driver, others);
    if (others > 0) return;
  }
  await driver.source.close();
}

/** The same driver: one object, or one name with the same options. */
function isSame(one: SlotBinding, other: SlotBinding): boolean {
  if (one === other) return true;
  if (!isNamed(one) || !isNamed(other)) return false;
  return one.driver === other.driver && isDeepStrictEqual(one.config ?? {}, other.config ?? {});
}

const isNamed = (binding: SlotBinding): binding is NamedDriver =>
  'driver' in binding && !('open' in binding) && !('source' in binding);
