import { checked, either, nested, part, text } from '../core/option-schema/kinds.js';
import { Option } from '../core/option-schema/option.js';
import { declareOptions, isRecord, type Given } from '../core/option-schema/shape.js';
import type { DeadLetterQueue } from '../ports/dead-letters.js';
import type { Driver, DriverFactory } from '../ports/driver.js';
import type { StateStore } from '../ports/state-store.js';

export const NAMED_DRIVER_OPTIONS = declareOptions('a driver by its name', {
  /** Name of the driver: `redis`, `memory`, or one of the option `drivers`. */
  driver: text('the name of a driver').required(),
  /** The options of the driver, as its function takes them. @default none */
  config: checked<object>('an object with the options of the driver', isRecord)
    .inFiles({ is: 'object' })
    .secret(),
});

/** A driver by its name, as in a file of configuration. */
export interface NamedDriver extends Given<typeof NAMED_DRIVER_OPTIONS> {}

const DRIVER = 'a driver, for example memory(), redis({ url }) or { driver, config }';

const factory = part<DriverFactory>('open', DRIVER);
const named = nested(NAMED_DRIVER_OPTIONS);
const opened = checked<Driver>(
  'an opened driver',
  (given) => isRecord(given) && isRecord(given['source']) && !('driver' in given),
);

const STORE_METHODS = ['get', 'set', 'setIfAbsent', 'compareAndSet', 'delete', 'exists'] as const;

const lackingOf = (given: Readonly<Record<string, unknown>>): string[] =>
  STORE_METHODS.filter((method) => typeof given[method] !== 'function');

const stateStore = new Option<StateStore>({
  expected: 'a state store',
  accepts: (given) => isRecord(given) && lackingOf(given).length === 0,
  within: (given, at) =>
    isRecord(given) && ('setIfAbsent' in given || 'compareAndSet' in given)
      ? [`${at} is a state store that lacks ${lackingOf(given).join(', ')}`]
      : undefined,
});

/**
 * The three slots. Each takes a driver, a driver by its name, or an opened driver. A driver that
 * fills several slots is opened once. Messages do not repeat what a slot is given: the URL of a server
 * may have a password.
 */
export const SLOTS_OPTIONS = declareOptions('slots', {
  /** Where messages come from and go to. */
  messageSource: either(DRIVER, factory, named, opened).secret().required(),
  /**
   * Where completed keys of `dedupe`, workflows, and the records of `commits` are kept: a driver with
   * a state store, or a state store.
   * @default none: the application is stateless
   */
  stateStore: either(
    `${DRIVER}, or a state store with get, set, setIfAbsent, compareAndSet, delete and exists`,
    factory,
    stateStore,
    named,
    opened,
  ).secret(),
  /**
   * Where dead letters are stored: a driver with a dead letter queue, or a queue.
   * @default that of the message source
   */
  deadLetterQueue: either(
    `${DRIVER}, or a dead letter queue with put, list, get, redrive and purge`,
    factory,
    part<DeadLetterQueue>('put', 'a dead letter queue'),
    named,
    opened,
  ).secret(),
});

/** What fills the slots of a transport, client or module. */
export interface Slots extends Given<typeof SLOTS_OPTIONS> {}

export type SlotName = keyof Slots;

/** What fills one slot. */
export type SlotBinding = NonNullable<Slots[SlotName]>;

/** Makes a driver of the options of a {@link NamedDriver}. */
export type NamedDriverFactory = (config: never) => DriverFactory;

/** The option `drivers`. */
export const namedDrivers = checked<Readonly<Record<string, NamedDriverFactory>>>(
  'an object of functions that make drivers, by the names of the drivers',
  (given) => isRecord(given) && Object.values(given).every((make) => typeof make === 'function'),
);
