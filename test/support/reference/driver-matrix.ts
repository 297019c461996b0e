import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventBus } from '../../../lib/core/event-bus.js';
import { kafka } from '../../../lib/drivers/kafka/kafka.driver.js';
import { memory } from '../../../lib/drivers/memory/memory.driver.js';
import { nats } from '../../../lib/drivers/nats/nats.driver.js';
import { postgres } from '../../../lib/drivers/postgres/postgres.driver.js';
import { redis } from '../../../lib/drivers/redis/redis.driver.js';
import type { Driver, DriverFactory } from '../../../lib/ports/driver.js';
import type { MessageSource } from '../../../lib/ports/source.js';
import type { SourceCapabilities } from '../../../lib/ports/source-capabilities.js';
import { file } from '../../../sample/file-driver/src/index.js';
import { table } from '../generated-parts.js';

interface Column {
  readonly title: string;
  readonly driver: DriverFactory;
  /** Another way to use the driver, which may be able to do less. */
  readonly variant?: { readonly where: string; readonly driver: DriverFactory };
}

const directory = join(tmpdir(), `streams-matrix-${process.pid}`);

/** A new driver is a new line here. */
const COLUMNS: readonly Column[] = [
  { title: 'memory', driver: memory() },
  {
    title: 'redis',
    driver: redis(),
    variant: {
      where: 'on a Redis Cluster',
      driver: redis({ cluster: [{ host: 'localhost' }] }),
    },
  },
  { title: 'postgres', driver: postgres() },
  {
    title: 'nats',
    driver: nats(),
    variant: { where: "with `mode: 'core'`", driver: nats({ mode: 'core' }) },
  },
  { title: 'kafka', driver: kafka() },
  {
    title: 'file (sample)',
    driver: file({ directory }),
    variant: {
      where: "with `positions: 'engine'`",
      driver: file({ directory: `${directory}-engine`, positions: 'engine' }),
    },
  },
];

/** The methods and properties that a driver may leave out. */
type Optional<T> = { [K in keyof T]-?: undefined extends T[K] ? K : never }[keyof T];
type Port = Exclude<Optional<Driver>, 'connect' | 'connections' | 'unwrap'>;
type SourceMethod = Optional<MessageSource>;
type Capability = Exclude<keyof SourceCapabilities, 'technology'>;

interface Feature {
  readonly feature: string;
  /** What the engine does for a driver without the port. Undefined: the feature is refused. */
  readonly apart?: string;
}

const PORTS: Readonly<Record<Port, Feature>> = {
  state: { feature: '[State store](slots.md#the-state-store)' },
  deadLetters: { feature: '[Dead letter queue](retries.md)' },
  held: { feature: '[Dead letters on hold](dead-letters.md#hold)' },
  groups: { feature: '[Groups](groups.md): create, move, delete, lag' },
  pending: { feature: '[Pending entries](groups.md), and taking them over by hand' },
  delays: { feature: '[Delayed messages](delays.md)' },
  workflows: {
    feature: '[Workflows](workflows.md) with joins',
    apart:
      'Kept in the slot `stateStore`, in steps: [where the state is kept](workflows.md#where-the-state-is-kept).',
  },
  completions: {
    feature: '[`dedupe`](idempotency.md)',
    apart:
      'The completed key goes to the slot `stateStore`, before the acknowledgement and not in one step with it: [another store](idempotency.md#another-store).',
  },
  inbox: { feature: '[`inbox`](idempotency.md#handlers-with-an-inbox)' },
  leases: { feature: '[`orderBy`](ordering.md)' },
  replies: { feature: '[Requests](requests.md)' },
  retention: { feature: '[Retention](retention.md)' },
  live: { feature: '[Handing over](rolling-deploys.md) what only another consumer handles' },
  ownership: { feature: '[Load balancer](load-balancer.md)' },
};

const METHODS: Readonly<Record<SourceMethod, Feature>> = {
  publishWithin: {
    feature: '[Publishing in your own transaction](postgres.md#publish-in-your-own-transaction)',
  },
  settledUpTo: {
    feature: '`offset` of [`commits`](state.md) for the whole group',
    apart: '`offset` counts what this consumer was handed and has settled.',
  },
};

const yesOrNo = (value: unknown): string => (value === true ? 'yes' : 'no');

const CAPABILITIES: Readonly<
  Record<Capability, { readonly means: string; readonly shown?: (value: never) => string }>
> = {
  delivery: { means: 'Delivery', shown: (value: string) => value.replaceAll('-', ' ') },
  holds: {
    means: 'What a consumer holds',
    shown: (value: string) => (value === 'entry' ? 'each entry by itself' : 'a partition'),
  },
  positions: {
    means: 'What remembers how far a group has come',
    shown: (value: string) =>
      ({ source: 'the driver', engine: 'the engine', none: 'nothing' })[value] ?? value,
  },
  extends: { means: 'A run that lasts keeps its entry' },
  leaves: { means: 'An entry can stay pending while others are settled' },
  keepsReleasedOrder: { means: 'Released entries come again in their order' },
  redelivers: { means: 'Hands out a retry by itself. If not, the engine does' },
  durableAttempts: { means: 'The count of runs survives every process' },
  atomicPublish: { means: 'Next steps and the acknowledgement are one step' },
  atomicDeadLetter: { means: 'A dead letter and the acknowledgement are one step' },
  idempotentPublish: {
    means: 'An `idempotencyKey` makes one message',
    shown: (value: boolean | string) => (value === 'native' ? 'in a fixed window' : yesOrNo(value)),
  },
  replicatedPublish: { means: 'Publishing can wait for replicas: `waitReplicas`' },
  partitionedPublish: { means: 'A `key` gives messages one partition' },
  maxPayload: {
    means: 'Most bytes of a message',
    shown: (bytes?: number) => bytes?.toLocaleString('en') ?? 'no bound of its own',
  },
};

/** What the objects of a driver do not show, by column and row. */
const REMARKS: Readonly<Record<string, string>> = {
  'redis ownership':
    'On a Redis Cluster the lock of a stream is not part of the fence: [steps on a cluster](load-balancer.md#together-with-go).',
  'memory durableAttempts': 'Everything ends with the process.',
  'kafka leases':
    'Without the port: a partition has one consumer, and the engine keeps the order of each key within it.',
  'kafka atomicPublish': 'In a transaction of Kafka, for readers that read what is committed.',
  'nats delays': 'From nats-server 2.12 on: [delayed messages](nats.md#delayed-messages).',
  'nats groups':
    'JetStream knows no consumers of a group: [what is not there](nats.md#what-is-not-there).',
  'nats atomicPublish':
    'Published first, once within `streams.duplicateWindow`: [what is promised](nats.md#what-is-promised).',
};

/** Numbers the notes of a table in the order in which cells name them. */
class Notes {
  private readonly texts: string[] = [];

  /** Returns the mark of these notes, such as ` <sup>1, 2</sup>`. */
  mark(...given: readonly (string | undefined)[]): string {
    const texts = given.filter((text) => text !== undefined);
    this.texts.push(...texts.filter((text) => !this.texts.includes(text)));
    const numbers = texts.map((text) => this.texts.indexOf(text) + 1);
    return numbers.length === 0 ? '' : ` <sup>${numbers.join(', ')}</sup>`;
  }

  /** A list with a line for each note. */
  get list(): string {
    return this.texts.map((text, at) => `${at + 1}. ${text}`).join('\n');
  }
}

/**
 * The features of the drivers, as two parts of docs/drivers.md, from the drivers' objects.
 * @param part `ports` or `capabilities`
 */
export function driverMatrix(part: string): string {
  const opened = COLUMNS.map((column) => ({
    title: column.title,
    main: open(column.driver),
    ...(column.variant && {
      variant: { where: column.variant.where, driver: open(column.variant.driver) },
    }),
  }));
  const notes = new Notes();
  const head = part === 'ports' ? ['feature', 'port'] : ['guarantee', 'capability'];
  const rows = part === 'ports' ? portRows(opened, notes) : capabilityRows(opened, notes);
  for (const { main, variant } of opened)
    void [main, variant?.driver].map((it) => it?.source.close());
  const text = table([...head, ...COLUMNS.map(({ title }) => `\`${title}\``)], rows);
  return notes.list === '' ? text : `${text}\n\n${notes.list}`;
}

interface Opened {
  readonly title: string;
  readonly main: Driver;
  readonly variant?: { readonly where: string; readonly driver: Driver };
}

const open = (factory: DriverFactory): Driver =>
  factory.open({ events: new EventBus(), keyPrefix: '' });

function portRows(opened: readonly Opened[], notes: Notes): string[][] {
  const ports = Object.entries(PORTS).map(([port, feature]) =>
    row(opened, port, feature.feature, (driver, title) =>
      presence(port in driver || isNeedless(port, driver), feature, `${title} ${port}`, notes),
    ),
  );
  const methods = Object.entries(METHODS).map(([method, feature]) =>
    row(opened, method, feature.feature, ({ source }, title) =>
      presence(method in source, feature, `${title} ${method}`, notes),
    ),
  );
  return [...ports, ...methods];
}

/** What a partition has one consumer for, no lease is needed for. */
const isNeedless = (port: string, { source }: Driver): boolean =>
  port === 'leases' && source.capabilities.holds === 'partition';

function presence(there: boolean, { apart }: Feature, cell: string, notes: Notes): string {
  const marks = notes.mark(there ? undefined : apart, REMARKS[cell]);
  if (there) return `yes${marks}`;
  return (apart === undefined ? 'no' : 'apart') + marks;
}

function capabilityRows(opened: readonly Opened[], notes: Notes): string[][] {
  return Object.entries(CAPABILITIES).map(([name, { means, shown = yesOrNo }]) =>
    row(opened, name, means, ({ source }, title) => {
      const value = source.capabilities[name as Capability];
      return shown(value as never) + notes.mark(REMARKS[`${title} ${name}`]);
    }),
  );
}

/** A cell of each driver. Where the variant of a driver differs, the cell says so. */
function row(
  opened: readonly Opened[],
  name: string,
  text: string,
  cellOf: (driver: Driver, title: string) => string,
): string[] {
  const cells = opened.map(({ title, main, variant }) => {
    const cell = cellOf(main, title);
    const other = variant && cellOf(variant.driver, title);
    return variant && other !== cell ? `${cell}; ${other} ${variant.where}` : cell;
  });
  return [text, `\`${name}\``, ...cells];
}
